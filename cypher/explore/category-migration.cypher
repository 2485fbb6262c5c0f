// purpose: how spending moved between the outermost categories from one period to the next
// subject: categories and brands
// parameters: since: date; split: date; until: date
// parameter since: where the first period begins
// parameter split: where the first period ends and the second begins
// parameter until: where the second period ends; not part of it
// columns: category, amount_before, amount_after, share_before, share_after, change
// column amount_before: money spent in the first period
// column amount_after: money spent in the second period
// column share_before: its share of all that was spent on products with a category in the first period
// column share_after: the same in the second period
// column change: share_after less share_before
// example: habitue query category-migration -p since=2017-01-01 -p split=2017-07-01 -p until=2018-01-01
MATCH (top:Category)
WHERE NOT EXISTS { MATCH (top)-[:CHILD_OF]->(:Category) }
MATCH (top)<-[:CHILD_OF*0..9]-(:Category)<-[:IN_CATEGORY]-(:Product)<-[r:PURCHASED]-(:Customer)
WHERE r.at >= $since AND r.at < $until
WITH top.id AS category, sum(CASE WHEN r.at < $split THEN coalesce(r.amount, 0.0) ELSE 0.0 END) AS amount_before,
  sum(CASE WHEN r.at >= $split THEN coalesce(r.amount, 0.0) ELSE 0.0 END) AS amount_after
WITH collect({category: category, before: amount_before, after: amount_after}) AS found,
  sum(amount_before) AS all_before, sum(amount_after) AS all_after
UNWIND found AS each
WITH each.category AS category, each.before AS amount_before, each.after AS amount_after,
  CASE WHEN all_before > 0 THEN each.before / all_before ELSE 0.0 END AS share_before,
  CASE WHEN all_after > 0 THEN each.after / all_after ELSE 0.0 END AS share_after
RETURN category, amount_before, amount_after, share_before, share_after, share_after - share_before AS change
ORDER BY change DESC, category

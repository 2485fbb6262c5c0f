// purpose: customers who buy mostly at a discount
// subject: customers
// parameters: min_amount: number = 100; limit: integer = 50
// parameter min_amount: money that the customer must have spent
// parameter limit: rows at most
// columns: customer, lines, discounted_lines, amount, discount, discount_share
// column lines: purchase lines
// column discounted_lines: those with a discount
// column amount: money spent
// column discount: money taken off
// column discount_share: discount over what it would have cost without any
// example: habitue query coupon-hunters -p min_amount=500
MATCH (c:Customer)-[r:PURCHASED]->(:Product)
WITH c, count(r) AS lines, sum(CASE WHEN r.discount > 0 THEN 1 ELSE 0 END) AS discounted_lines,
  sum(coalesce(r.amount, 0.0)) AS amount, sum(coalesce(r.discount, 0.0)) AS discount
WHERE amount >= $min_amount AND discount > 0
RETURN c.id AS customer, lines, discounted_lines, amount, discount, discount / (amount + discount) AS discount_share
ORDER BY discount_share DESC, customer LIMIT $limit

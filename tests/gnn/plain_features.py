"""Features computed the plain way, one customer after another with loops and lists: what the columns must equal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, pstdev

import numpy as np

from graph.snapshot import Snapshot

DAY = 86_400_000
NAN = math.nan


def plain_features(snapshot: Snapshot, row: int) -> dict[str, float]:
    """A customer's features, by name; of purchases, products, categories, discounts, channels and returns."""
    now, events = snapshot.as_of_ms, snapshot.purchases
    mine = [each for each in range(len(events)) if events.customer[each] == row]
    orders: dict[int, list[int]] = {}
    for each in mine:
        orders.setdefault(int(events.order[each]), []).append(each)
    occasions = sorted(orders.values(), key=lambda lines: lines[0])
    age = [(now - int(events.at[lines[0]])) / DAY for lines in occasions]
    spend = [math.fsum(events.amount[each] for each in lines) for lines in occasions]
    return {
        **_rhythm(snapshot, mine, occasions, age),
        **_spend(snapshot, age, spend),
        **_gaps(sorted({int(events.at[each]) // DAY for each in mine}), now // DAY),
        **_taste(snapshot, mine),
        **_discounts(snapshot, mine),
        **_returns(snapshot, row, len(mine), math.fsum(spend)),
    }


def _rhythm(snapshot: Snapshot, mine: list[int], occasions: list[list[int]], age: list[float]) -> dict[str, float]:
    now, events = snapshot.as_of_ms, snapshot.purchases
    total, first = len(occasions), max(age, default=NAN)
    weekdays = Counter((int(events.at[lines[0]]) // DAY + 3) % 7 for lines in occasions)
    found = {
        "recency_days": min(((now - int(events.at[each])) / DAY for each in mine), default=NAN),
        "tenure_days": first,
        "orders": float(total),
        "orders_per_30_days": 30 * total / max(first, 14.0),
        "lines_per_order": _ratio(len(mine), total),
        "units_per_order": _ratio(math.fsum(events.quantity[each] for each in mine), total),
        "last_order_lines": float(len(occasions[-1])) if occasions else NAN,
        "active_months": float(len({math.ceil(each / 30) for each in age if 0 < each <= 180})),
        "weekend_share": _ratio(weekdays[5] + weekdays[6], total),
        "weekday_top_share": _ratio(max(weekdays.values(), default=0), total),
    }
    for window in (7, 14, 30, 60, 90, 180):
        found[f"orders_{window}_days"] = float(sum(each <= window for each in age))
        recent = [len(lines) for lines, when in zip(occasions, age, strict=True) if when <= window]
        found[f"lines_{window}_days"] = float(sum(recent))
    for half_life in (14, 45, 120):
        found[f"orders_decayed_{half_life}_days"] = math.fsum(0.5 ** (each / half_life) for each in age)
    for window in (30, 60, 90):
        pair = [sum(low < each <= low + window for each in age) for low in (0, window)]
        found[f"orders_trend_{window}_days"] = math.log((pair[0] + 0.5) / (pair[1] + 0.5))
    return found


def _spend(snapshot: Snapshot, age: list[float], spend: list[float]) -> dict[str, float]:
    if not np.isfinite(snapshot.purchases.amount).any():
        return {}
    mean = fmean(spend) if spend else NAN
    return {
        "spend": math.fsum(spend),
        "spend_per_order": mean,
        "spend_variation": _ratio(pstdev(spend), mean) if spend else NAN,
        "largest_order": max(spend, default=NAN),
        "last_order_spend": spend[-1] if spend else NAN,
        "spend_60_days": math.fsum(paid for paid, when in zip(spend, age, strict=True) if when <= 60),
        "spend_decayed_45_days": math.fsum(
            paid * 0.5 ** (when / 45) for paid, when in zip(spend, age, strict=True)
        ),
    }  # fmt: skip


def _gaps(days: list[int], today: int) -> dict[str, float]:
    gaps = [later - earlier for earlier, later in pairwise(days)]
    running = today - days[-1] if days else NAN
    quantiles = dict.fromkeys((0.5, 0.9, 1.0), NAN)
    if gaps:
        quantiles = {level: float(np.quantile(gaps, level)) for level in quantiles}
    return {
        "purchase_days": float(len(days)),
        "gap_mean_days": fmean(gaps) if gaps else NAN,
        "gap_deviation_days": pstdev(gaps) if gaps else NAN,
        "gap_median_days": quantiles[0.5],
        "gap_90_percent_days": quantiles[0.9],
        "gap_longest_days": quantiles[1.0],
        "gap_last_days": float(gaps[-1]) if gaps else NAN,
        "gap_running_to_longest": _ratio(running, quantiles[1.0]),
        "gap_running_quantile": (sum(gap <= running for gap in gaps) + 0.5) / (len(gaps) + 1),
    }


def _taste(snapshot: Snapshot, mine: list[int]) -> dict[str, float]:
    now, events = snapshot.as_of_ms, snapshot.purchases
    lines = [(int(events.target[each]), (now - int(events.at[each])) / DAY <= 60) for each in mine]
    products = [product for product, _ in lines]
    lately = {product for product, recent in lines if recent}
    earlier = {product for product, recent in lines if not recent}
    brands = [int(snapshot.product_brand[product]) for product in products]
    leaves = [int(snapshot.product_category[product]) for product in products]
    brands, leaves = ([each for each in codes if each >= 0] for codes in (brands, leaves))
    mains = [(_main(snapshot, product), recent) for product, recent in lines]
    mains = [(main, recent) for main, recent in mains if main is not None]
    names = [main for main, _ in mains]
    late, early = ([main for main, recent in mains if recent == wanted] for wanted in (True, False))
    found = {
        "products": float(len(set(products))),
        "product_repeats": _ratio(len(products) - len(set(products)), len(products)),
        "product_novelty": _ratio(len(lately - earlier), len(lately)),
        "brands": float(len(set(brands))),
        "brand_top_share": _ratio(max(Counter(brands).values(), default=0), len(brands)),
        "categories": float(len(set(leaves))),
        "category_entropy": _entropy(leaves),
        "main_categories": float(len(set(names))),
        "main_category_entropy": _entropy(names),
        "category_change": 0.5 * sum(
            abs(late.count(main) / len(late) - early.count(main) / len(early)) for main in set(names)
        ) if late and early else NAN,
    }  # fmt: skip
    everybodys = {_main(snapshot, int(product)) for product in snapshot.purchases.target} - {None}
    return found | {f"category_share:{main}": _ratio(names.count(str(main)), len(names)) for main in everybodys}


def _discounts(snapshot: Snapshot, mine: list[int]) -> dict[str, float]:
    events = snapshot.purchases
    taken = math.fsum(events.discount[each] for each in mine)
    channels = [int(events.channel[each]) for each in mine]
    return {
        "discount_share": _ratio(taken, taken + math.fsum(events.amount[each] for each in mine)),
        "discounted_lines": _ratio(sum(events.discount[each] > 0 for each in mine), len(mine)),
        "channels": float(len(set(channels))),
        "channel_top_share": _ratio(max(Counter(channels).values(), default=0), len(channels)),
    }


def _returns(snapshot: Snapshot, row: int, lines: int, spend: float) -> dict[str, float]:
    events = snapshot.events["RETURNED"]
    mine = [each for each in range(len(events)) if events.customer[each] == row]
    ages = [(snapshot.as_of_ms - int(events.at[each])) / DAY for each in mine]
    return {
        "returns": float(len(mine)),
        "returns_60_days": float(sum(each <= 60 for each in ages)),
        "returns_since_days": min(ages, default=NAN),
        "returns_per_line": _ratio(len(mine), lines),
        "returned_share": _ratio(math.fsum(events.amount[each] for each in mine), spend),
    }


def _main(snapshot: Snapshot, product: int) -> str | None:
    """Name of a product's outermost category; of the one below it where all categories have but one root."""
    category = int(snapshot.product_category[product])
    if category < 0:
        return None
    path = [category]
    while snapshot.category_parent[path[-1]] >= 0:
        path.append(int(snapshot.category_parent[path[-1]]))
    one_root = sum(parent < 0 for parent in snapshot.category_parent) == 1
    return str(snapshot.categories[path[-2] if one_root and len(path) > 1 else path[-1]].as_py())


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else NAN


def _entropy(codes: Sequence[object]) -> float:
    if not codes:
        return NAN
    return -math.fsum(n / len(codes) * math.log(n / len(codes)) for n in Counter(codes).values())

"""The cookbook's statements about customers, campaigns, audiences and time against the same questions in pandas."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from tests.graph.kitchen import Kitchen, ranked

DAY = pd.Timedelta(days=1)


def activity(kitchen: Kitchen) -> pd.DataFrame:
    """What each customer bought in all: times, first and last of them, amount."""
    return kitchen.tables.purchases.groupby("customer").agg(
        purchases=("at", "nunique"), first=("at", "min"), last=("at", "max"), amount=("amount", "sum")
    )


def test_one_time_buyers(kitchen: Kitchen) -> None:
    times = activity(kitchen)["purchases"]
    assert (times["NEW1"], times["NEW2"]) == (1, 2)
    once = int((times == 1).sum())
    expected = pd.DataFrame({"customers": [len(times)], "one_time": once, "one_time_share": once / len(times)})
    kitchen.check("one-time-buyers", expected)


def test_lapsing_loyalists(kitchen: Kitchen) -> None:
    frame = activity(kitchen).query("purchases >= 3")
    frame["mean_gap_days"] = (frame["last"] - frame["first"]) / DAY / (frame["purchases"] - 1)
    frame["silent_days"] = (kitchen.tables.purchases["at"].max() - frame["last"]) / DAY
    frame = frame.join(kitchen.tables.scores.set_index("customer")["churn_risk"])
    lapsing = frame[frame["silent_days"] > 2.5 * frame["mean_gap_days"]]
    assert 0 < len(lapsing) < len(frame)
    expected = ranked(lapsing, amount=True, customer=False)
    kitchen.check("lapsing-loyalists", expected, min_purchases=3, times="2.5")


def test_coupon_hunters(kitchen: Kitchen) -> None:
    frame = kitchen.tables.purchases.groupby("customer").agg(
        lines=("at", "size"),
        discounted_lines=("discount", "count"),
        amount=("amount", "sum"),
        discount=("discount", "sum"),
    )
    frame["discount_share"] = frame["discount"] / (frame["amount"] + frame["discount"])
    frame = frame[(frame["amount"] >= 100) & (frame["discount"] > 0)]
    kitchen.check("coupon-hunters", ranked(frame, discount_share=True, customer=False), min_amount=100)


def test_spend_by_household_property(kitchen: Kitchen) -> None:
    known = kitchen.tables.properties.query("property == 'tier'")
    both = kitchen.tables.purchases.merge(known, on="customer")
    frame = both.groupby("value").agg(customers=("customer", "nunique"), amount=("amount", "sum"))
    frame["amount_per_customer"] = frame["amount"] / frame["customers"]
    assert len(frame) == 2
    kitchen.check("spend-by-household-property", ranked(frame, amount=True, value=False), property="tier")


def test_highest_value_at_risk(kitchen: Kitchen) -> None:
    scores = kitchen.tables.scores[kitchen.tables.scores["churn_risk"] >= 0.4]
    frame = scores.assign(at_risk=scores["churn_risk"] * scores["expected_value"])
    kitchen.check("highest-value-at-risk", ranked(frame, at_risk=True, customer=False), min_risk="0.4")


def test_value_at_risk_by_category(kitchen: Kitchen) -> None:
    scores = kitchen.tables.scores[kitchen.tables.scores["churn_risk"] >= 0.2].set_index("customer")
    spent = kitchen.tables.purchases.pivot_table("amount", "customer", "department", aggfunc="sum")
    spent = spent.loc[spent.index.intersection(scores.index)]
    value = (scores["churn_risk"] * scores["expected_value"]).reindex(spent.index)
    frame = pd.DataFrame({
        "customers": spent.notna().sum(), "at_risk": spent.div(spent.sum(axis=1), axis=0).mul(value, axis=0).sum()
    })  # fmt: skip
    assert np.isclose(frame["at_risk"].sum(), value.sum())  # adds up
    expected = ranked(frame.rename_axis("category"), at_risk=True, category=False)
    kitchen.check("value-at-risk-by-category", expected, min_risk=0.2)


def test_surrounded_by_risk(kitchen: Kitchen) -> None:
    scores = kitchen.tables.scores.set_index("customer")
    pairs = kitchen.tables.similar.assign(risk=kitchen.tables.similar["target"].map(scores["churn_risk"]))
    frame = pairs.groupby("source")["risk"].agg(similar="size", similar_risk="mean").rename_axis("customer")
    frame = frame.join(scores[["churn_risk", "expected_value"]])
    frame = frame[(frame["churn_risk"] <= 0.5) & (frame["similar_risk"] >= 0.4)]
    expected = ranked(frame, similar_risk=True, customer=False)
    kitchen.check("surrounded-by-risk", expected, max_risk=0.5, min_similar_risk=0.4)


def test_campaign_reach(kitchen: Kitchen) -> None:
    contacts, redemptions = kitchen.tables.contacts, kitchen.tables.redemptions
    frame = pd.DataFrame({
        "contacted": contacts.groupby("campaign")["customer"].nunique(),
        "redeemers": redemptions.groupby("campaign")["customer"].nunique(),
        "redemptions": redemptions.groupby("campaign").size(),
    })  # fmt: skip
    both = contacts.merge(redemptions, on=["campaign", "customer"]).groupby("campaign")["customer"].nunique()
    frame["redemption_rate"] = both / frame["contacted"]
    assert (frame["redemptions"] > frame["redeemers"]).any()
    assert (frame["redeemers"] > both).any()
    kitchen.check("campaign-reach", ranked(frame, contacted=True, campaign=False))


def test_campaign_influence(kitchen: Kitchen) -> None:
    contacts = kitchen.tables.contacts.rename(columns={"at": "contact"})
    lines = contacts.merge(kitchen.tables.purchases, on="customer")
    lines["days"] = (lines["at"] - lines["contact"]) / DAY
    frame = contacts.groupby("campaign")["customer"].nunique().rename("contacted").to_frame()
    for name, low, high in (("before", -60, 0), ("after", 0, 60)):
        part = lines[(lines["days"] >= low) & (lines["days"] < high)].groupby("campaign")["amount"]
        frame[f"lines_{name}"], frame[f"amount_{name}"] = part.size(), part.sum()
    frame["change"] = frame["amount_after"] / frame["amount_before"] - 1
    kitchen.check("campaign-influence", ranked(frame, contacted=True, campaign=False), days=60)


def test_dormant_responders(kitchen: Kitchen) -> None:
    redemptions = kitchen.tables.redemptions.groupby("customer")["at"]
    frame = activity(kitchen).rename(columns={"last": "last_purchase_at"})
    frame = frame.join(redemptions.agg(redemptions="size", last_redeemed_at="max"), how="inner")
    frame["silent_days"] = (kitchen.tables.purchases["at"].max() - frame["last_purchase_at"]) // DAY
    dormant = frame[frame["silent_days"] >= 30]
    assert 0 < len(dormant) < len(frame)
    kitchen.check("dormant-responders", ranked(dormant, amount=True, customer=False), days=30)


def test_audience_overlap(kitchen: Kitchen) -> None:
    members = kitchen.tables.members.groupby("audience")["customer"].agg(set)
    rows = [(a, b, len(members[a]), len(members[b]), len(members[a] & members[b]),
             len(members[a] & members[b]) / len(members[a] | members[b]))
            for a, b in combinations(sorted(members.index), 2) if members[a] & members[b]]  # fmt: skip
    columns = ["audience", "other_audience", "members", "other_members", "shared", "jaccard"]
    assert len(rows) == 3
    expected = ranked(pd.DataFrame(rows, columns=columns), jaccard=True, audience=False, other_audience=False)
    kitchen.check("audience-overlap", expected)


def test_cohort_retention(kitchen: Kitchen) -> None:
    bought = kitchen.tables.purchases
    month = bought["at"].dt.year * 12 + bought["at"].dt.month
    first = month.groupby(bought["customer"]).transform("min")
    frame = bought.assign(months_later=month - first, cohort=bought.groupby("customer")["at"].transform("min"))
    frame["cohort"] = frame["cohort"].dt.strftime("%Y-%m")
    counts = frame.groupby(["cohort", "months_later"])["customer"].nunique().rename("customers").reset_index()
    counts["cohort_size"] = counts.groupby("cohort")["customers"].transform("first")
    counts["retention"] = counts["customers"] / counts["cohort_size"]
    assert counts["months_later"].max() > 11
    kitchen.check("cohort-retention", counts)


def periods(kitchen: Kitchen, key: pd.Series[Any], name: str) -> pd.DataFrame:
    grouped = kitchen.tables.purchases.groupby(key.rename(name))
    return grouped.agg(
        customers=("customer", "nunique"), orders=("order", "nunique"), lines=("at", "size"), amount=("amount", "sum")
    ).reset_index()


def test_sales_by_month(kitchen: Kitchen) -> None:
    kitchen.check("sales-by-month", periods(kitchen, kitchen.tables.purchases["at"].dt.strftime("%Y-%m"), "month"))


def test_sales_by_weekday(kitchen: Kitchen) -> None:
    days = periods(kitchen, kitchen.tables.purchases["at"].dt.isocalendar().day, "weekday")
    assert len(days) == 7
    kitchen.check("sales-by-weekday", days)


def test_order_sizes(kitchen: Kitchen) -> None:
    orders = kitchen.tables.with_order.groupby("order").agg(products=("product", "nunique"), amount=("amount", "sum"))
    frame = orders.groupby("products").agg(orders=("amount", "size"), mean_amount=("amount", "mean"))
    kitchen.check("order-sizes", ranked(frame, products=False))

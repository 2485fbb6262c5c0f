from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from scoring.components import at_stake, impact, logic, meta, reproducibility
from scoring.rules import RULES
from tests.support import history_of

T = datetime(2024, 6, 1)
ROWS = np.arange(2, dtype=np.int32)


def checked(
    purchases: list[dict[str, object]], rule: str, **others: list[dict[str, object]]
) -> dict[str, tuple[int, int]]:
    """Facts looked at and broken, by customer, under one rule; columns that a line lacks get sound values."""
    sound = {"at": T - timedelta(days=10), "target": "p", "quantity": 1.0, "amount": 1.0, "discount": 0.0}
    tables = {"PURCHASED": pd.DataFrame([{**sound, **line} for line in purchases])}
    for name, lines in others.items():
        tables[name] = pd.DataFrame([{"at": T - timedelta(days=5), "target": "p", **line} for line in lines])
    products = pd.DataFrame({"id": ["p", "q", "stub"], "category": ["C", "C", None], "brand": None})
    snapshot = history_of(tables, products=products, complete_until=T).at(T)
    rows = np.arange(len(snapshot.customers), dtype=np.int32)
    found = logic(snapshot, rows, [each for each in RULES if each.name == rule])
    return {
        customer: (int(found.facts[rule][row]), int(found.broken[rule][row]))
        for row, customer in enumerate(snapshot.customers.to_pylist())
    }


def line(customer: str, **columns: object) -> dict[str, object]:
    return {"customer": customer, **columns}


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("amount_not_negative", {"amount": -1.0}),
        ("quantity_positive", {"quantity": 0.0}),
        ("discount_not_negative", {"discount": -0.5}),
        ("product_described", {"target": "stub"}),
    ],
)
def test_rules_on_single_lines(rule: str, bad: dict[str, object]) -> None:
    assert checked([line("a"), line("a", **bad), line("b")], rule) == {"a": (2, 1), "b": (1, 0)}


def test_missing_figures_are_not_judged() -> None:
    nothing = line("a", quantity=np.nan, amount=np.nan, discount=np.nan)
    for rule in ("amount_not_negative", "quantity_positive", "discount_not_negative", "unit_price_plausible"):
        assert checked([nothing, line("b")], rule)["a"] == (0, 0)


def test_a_negative_amount_breaks_one_rule_only() -> None:
    lines = [line("a", amount=-1.0, discount=0.5)]
    broken = [rule.name for rule in RULES if checked(lines, rule.name)["a"][1]]
    assert broken == ["amount_not_negative"]
    # A discount is judged whether or not the amount is known.
    assert checked([line("a", amount=np.nan, discount=-1.0)], "discount_not_negative")["a"] == (1, 1)


def test_unit_price_is_compared_with_the_product_s_median() -> None:
    lines = [
        line("a", amount=2.0, quantity=2.0),
        line("a", amount=1.1),
        line("b", amount=15.0),
        line("b", target="q", amount=99.0),
    ]
    # Prices of p: 1, 1.1, 15; the median is 1.1, and only 15 lies beyond a factor of ten.
    assert checked(lines, "unit_price_plausible") == {"a": (2, 0), "b": (2, 1)}


def test_an_order_has_one_customer_time_and_channel() -> None:
    later = T - timedelta(days=9)
    lines = [
        line("a", order_id="1"), line("a", order_id="1", target="q"),
        line("a", order_id="2"), line("a", order_id="2", at=later),
        line("a", order_id="3", channel="x"), line("a", order_id="3", channel="y"),
        line("a", order_id="4"), line("b", order_id="4"),
        line("b", order_id="5"), line("b"),
    ]  # fmt: skip
    assert checked(lines, "order_is_one") == {"a": (4, 3), "b": (2, 1)}


def test_a_return_needs_an_earlier_purchase_of_the_same_product() -> None:
    returned = [
        line("a", target="p"),
        line("a", target="q"),
        line("a", target="p", at=T - timedelta(days=11)),
        line("b", target="p"),
    ]
    found = checked([line("a"), line("b", target="q")], "return_follows_purchase", RETURNED=returned)
    assert found == {"a": (3, 2), "b": (1, 1)}


def test_a_redemption_needs_a_contact_by_the_same_campaign() -> None:
    contacted = [line("a", target="spring", at=T - timedelta(days=8))]
    redeemed = [line("a", target="spring"), line("b", target="spring")]
    found = checked([line("a"), line("b")], "redemption_follows_contact", CONTACTED=contacted, REDEEMED=redeemed)
    assert found == {"a": (1, 0), "b": (1, 1)}
    # A source without contacts cannot be judged by them.
    assert checked([line("a")], "redemption_follows_contact", REDEEMED=redeemed)["b"] == (0, 0)


def test_every_rule_can_be_run_where_there_is_almost_nothing() -> None:
    snapshot = history_of({"PURCHASED": pd.DataFrame({"customer": ["a"], "at": [T]})}).at(T + timedelta(days=1))
    found = logic(snapshot, np.array([0], np.int32))
    assert np.isnan(found.value).all()


def test_logic_is_the_mean_share_over_the_rules_that_apply() -> None:
    lines = pd.DataFrame(
        {
            "customer": ["a"] * 4 + ["b"],
            "at": [T - timedelta(days=1)] * 5,
            "quantity": [1.0, 1.0, 0.0, 1.0, 1.0],
            "amount": [1.0, -1.0, -1.0, 1.0, 1.0],
        }
    )
    found = logic(history_of({"PURCHASED": lines}, complete_until=T).at(T), ROWS)
    # Only amounts (½ hold) and quantities (¾ hold) apply: there are no products, orders, discounts.
    assert found.value.tolist() == [0.625, 1.0]
    assert logic(history_of({"PURCHASED": lines}, complete_until=T).at(T), ROWS[::-1].copy()).value[0] == 1.0


def test_impact_is_the_percentile_of_risk_times_value() -> None:
    risk, value = np.array([0.1, 0.9, 0.5, 0.5]), np.array([100.0, 100.0, 20.0, -5.0])
    assert at_stake(risk, value).tolist() == pytest.approx([10.0, 90.0, 10.0, 0.0])
    assert impact(risk, value).tolist() == [0.5, 0.875, 0.5, 0.125]


def test_reproducibility_against_its_bounds() -> None:
    # Members (0, 1) have mean .5 and the largest deviation, .5; (.5, .5) none; (0, .5) mean .25, deviation .25.
    found = reproducibility(np.array([0.5, 0.5, 0.25, 0.0, np.nan]), np.array([0.5, 0.0, 0.25, 0.0, 0.1]))
    assert found.tolist() == pytest.approx([0.0, 1.0, 1 - 0.25 / (0.25 * 0.75) ** 0.5, 1.0, np.nan], nan_ok=True)


def test_meta_is_one_minus_the_change_of_rank_among_those_scored_twice() -> None:
    found = meta(np.array([0.1, 0.5, 0.9, 0.7]), np.array([0.9, 0.5, 0.1, np.nan]))
    # Ranks now 1/6, 3/6, 5/6; before 5/6, 3/6, 1/6; the newcomer has none.
    assert found.tolist() == pytest.approx([1 / 3, 1.0, 1 / 3, np.nan], nan_ok=True)

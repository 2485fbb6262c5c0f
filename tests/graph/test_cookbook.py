"""Each statement of the cookbook against the same question asked of the tables with pandas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from graph.dataset import read_dataset
from graph.ladybug_store import LadybugStore
from graph.loading import load
from graph.store import no_progress
from graph.tiny import write_tiny
from habitue.cookbook import list_queries, run_query
from habitue.errors import NotFoundError, UsageError

# A till without products and dated tiers beside tiny's tables: cases that a statement must not count wrongly.
MORE = """
[[interactions]]
type = "PURCHASED"
path = "till.csv"
customer = "customer_id"
at = "at"
amount = "total"

[[interactions]]
type = "REDEEMED"
path = "redemptions.csv"
customer = "customer_id"
campaign = "campaign_id"
at = "at"
"""
ASKED = "C0003"


@dataclass(frozen=True)
class Kitchen:
    """The store, and its tables as frames: purchases have positive units."""

    store: LadybugStore
    purchases: pd.DataFrame
    customers: pd.DataFrame
    contacts: pd.DataFrame
    redemptions: pd.DataFrame
    scores: pd.DataFrame
    similar: pd.DataFrame

    def answer(self, name: str, **parameters: Any) -> pd.DataFrame:
        rows = run_query(self.store, name, parameters)
        recipe = next(each for each in list_queries("ladybug") if each.name == name)
        assert rows.columns == recipe.columns
        return pd.DataFrame(rows.dicts(), columns=list(rows.columns))


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    folder = tmp_path_factory.mktemp("kitchen")
    description = write_tiny(folder, customers=60)
    with description.open("a", encoding="utf-8") as stream:
        stream.write(MORE)
    customers = pd.read_csv(folder / "customers.csv")
    later = customers.head(20).assign(valid_from="2025-01-01")  # the same tier again, known a second time
    customers = pd.concat([customers, later])
    customers.to_csv(folder / "customers.csv", index=False)
    till = pd.DataFrame(
        {
            "customer_id": [ASKED, ASKED, "C0001", "C0002", "NEW1", "NEW2", "NEW2"],
            "at": "2025-02-01T10:00:00",
            "total": 3.0,
        }
    )
    till.loc[6, "at"] = "2025-02-02T10:00:00"
    till.to_csv(folder / "till.csv", index=False)
    contacts = pd.read_csv(folder / "contacts.csv")
    redemptions = contacts.iloc[::3].assign(at="2025-01-05")
    redemptions.to_csv(folder / "redemptions.csv", index=False)
    orders = pd.read_csv(folder / "orders.csv").query("units > 0").rename(columns={"ordered_at": "at"})
    products = pd.read_csv(folder / "products.csv")
    products["category"] = products["department"] + "/" + products["aisle"]
    purchases = pd.concat([orders.merge(products[["sku", "category"]], on="sku", how="left"), till])
    purchases["at"] = pd.to_datetime(purchases["at"])
    store = LadybugStore(folder / "graph")
    load(store, read_dataset(description), "tiny", folder / "workspace", no_progress)
    names = sorted(purchases["customer_id"].unique())
    random = np.random.default_rng(0)
    scores = pd.DataFrame({
        "id": names, "churn_risk": random.random(len(names)), "expected_value": random.gamma(2, 50, len(names)),
        "novelty": 0.5, "hyperscore": 100 + 10 * random.random(len(names)),
        "hyperscore_percentile": 100 * random.random(len(names)), "scored_at": datetime(2025, 2, 24), "model": "run-1",
    })  # fmt: skip
    store.write_scores(pa.Table.from_pandas(scores, preserve_index=False), no_progress)
    similar = pd.DataFrame(
        {"source": ASKED, "target": [n for n in names if n != ASKED][:9], "score": np.arange(9) / 10}
    )
    store.write_similar(pa.Table.from_pandas(similar, preserve_index=False), "run-1", no_progress)
    yield Kitchen(store, purchases, customers, contacts, redemptions, scores, similar)
    store.close()


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False, rtol=1e-9
    )


def test_bought_together(kitchen: Kitchen) -> None:
    bought = kitchen.purchases.dropna(subset="sku")
    product = bought["sku"].mode()[0]
    buyers = set(bought.loc[bought["sku"] == product, "customer_id"])
    others = bought[bought["customer_id"].isin(buyers) & (bought["sku"] != product)]
    counts = others.groupby("sku")["customer_id"].nunique().rename("buyers").rename_axis("product").reset_index()
    expected = counts.sort_values(["buyers", "product"], ascending=[False, True])
    same(kitchen.answer("bought-together", product=product, limit=1000), expected)
    same(kitchen.answer("bought-together", product=product, limit=5), expected.head(5))


def test_campaign_reach(kitchen: Kitchen) -> None:
    counts = pd.DataFrame({
        "contacted": kitchen.contacts.groupby("campaign_id").size(),
        "redeemed": kitchen.redemptions.groupby("campaign_id").size(),
    }).fillna(0)  # fmt: skip
    expected = counts.rename_axis("campaign").reset_index()
    expected = expected.sort_values(["contacted", "campaign"], ascending=[False, True])
    same(kitchen.answer("campaign-reach"), expected)


def test_category_spend(kitchen: Kitchen) -> None:
    own = kitchen.purchases[kitchen.purchases["customer_id"] == ASKED].dropna(subset="category")
    expected = own.groupby("category").agg(lines=("total", "size"), amount=("total", "sum")).reset_index()
    assert len(expected) > 1
    found = kitchen.answer("category-spend", customer=ASKED, limit=100)
    same(found, expected.sort_values(["amount", "category"], ascending=[False, True]))


def test_customer_journey(kitchen: Kitchen) -> None:
    own = kitchen.purchases[kitchen.purchases["customer_id"] == ASKED]
    expected = own.rename(columns={"sku": "product", "units": "quantity", "total": "amount"})
    expected = expected[["at", "product", "category", "quantity", "amount"]]
    expected = expected.sort_values(["at", "product"], ascending=[False, True])
    found = kitchen.answer("customer-journey", customer=ASKED, limit=1000)
    assert found["product"].isna().sum() == 2  # the till's lines name no product, not even a reserved one
    same(found.fillna(np.nan), expected.fillna(np.nan))
    assert len(kitchen.answer("customer-journey", customer=ASKED, limit=3)) == 3


def test_highest_value_at_risk(kitchen: Kitchen) -> None:
    scores = kitchen.scores[kitchen.scores["churn_risk"] >= 0.4].rename(columns={"id": "customer"})
    scores = scores.assign(at_risk=scores["churn_risk"] * scores["expected_value"])
    expected = scores.sort_values("at_risk", ascending=False).head(7)
    columns = ["customer", "churn_risk", "expected_value", "at_risk", "hyperscore_percentile"]
    same(kitchen.answer("highest-value-at-risk", min_risk="0.4", limit="7"), expected[columns])


def test_one_time_buyers(kitchen: Kitchen) -> None:
    moments = kitchen.purchases.groupby("customer_id")["at"].nunique()
    assert moments["NEW1"] == 1
    assert moments["NEW2"] == 2
    same(
        kitchen.answer("one-time-buyers"),
        pd.DataFrame({"customers": [len(moments)], "one_time": [(moments == 1).sum()]}),
    )


def test_shared_taste(kitchen: Kitchen) -> None:
    bought = kitchen.purchases.dropna(subset="sku").groupby("customer_id")["sku"].agg(set)
    shared = bought.drop(ASKED).map(lambda products: len(products & bought[ASKED])).rename("shared_products")
    expected = shared[shared > 0].rename_axis("customer").reset_index()
    expected = expected.sort_values(["shared_products", "customer"], ascending=[False, True])
    same(kitchen.answer("shared-taste", customer=ASKED, limit=1000), expected)


def test_similar_at_risk(kitchen: Kitchen) -> None:
    expected = kitchen.similar.merge(kitchen.scores, left_on="target", right_on="id").rename(
        columns={"target": "customer"}
    )
    expected = expected.sort_values(["score", "customer"], ascending=[False, True])
    same(kitchen.answer("similar-at-risk", customer=ASKED), expected[["customer", "score", "churn_risk", "hyperscore"]])


def test_spend_by_household_property(kitchen: Kitchen) -> None:
    known = kitchen.customers[["customer_id", "tier"]].drop_duplicates()
    both = kitchen.purchases.merge(known, on="customer_id")
    expected = both.groupby("tier").agg(customers=("customer_id", "nunique"), amount=("total", "sum"))
    expected = expected.rename_axis("value").reset_index().sort_values("amount", ascending=False)
    assert len(expected) == 2
    same(kitchen.answer("spend-by-household-property", property="tier"), expected)


def test_every_statement_is_tried_here() -> None:
    tried = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    assert {each.name for each in list_queries("ladybug")} <= tried


@pytest.mark.parametrize("dialect", ["ladybug", "neo4j"])
def test_every_statement_says_what_it_is_for_and_names_its_parameters(dialect: str) -> None:
    recipes = list_queries(dialect)
    assert recipes
    for recipe in recipes:
        assert recipe.purpose, recipe.name
        for column in recipe.columns:
            assert f"{column}" in recipe.text
        used = set(re.findall(r"\$(\w+)", recipe.text))
        assert used == {each.name for each in recipe.parameters}, recipe.name


def test_what_is_asked_wrongly(kitchen: Kitchen) -> None:
    with pytest.raises(NotFoundError, match="no statement 'nope'") as unknown:
        run_query(kitchen.store, "nope", {})
    assert "shared-taste" in unknown.value.hint
    with pytest.raises(UsageError, match="needs the parameter customer"):
        run_query(kitchen.store, "shared-taste", {})
    with pytest.raises(UsageError, match="has no parameter custommer") as wrong:
        run_query(kitchen.store, "shared-taste", {"custommer": "x"})
    assert wrong.value.hint == "Its parameters: customer, limit."
    for limit in ("many", -1, "-1", True, 10**23, 1.5):
        with pytest.raises(UsageError, match="limit should be a whole number"):
            run_query(kitchen.store, "shared-taste", {"customer": "x", "limit": limit})
    with pytest.raises(UsageError, match="min_risk should be of the type number, not 'high'"):
        run_query(kitchen.store, "highest-value-at-risk", {"min_risk": "high"})


def test_ids_are_values_and_never_part_of_a_statement(kitchen: Kitchen) -> None:
    assert run_query(kitchen.store, "shared-taste", {"customer": "x'}) RETURN 1 //"}).rows == []


def test_statements_lie_where_they_are_found() -> None:
    folder = Path(__file__).parents[2] / "cypher" / "explore"
    assert {path.stem for path in folder.rglob("*.cypher")} == {each.name for each in list_queries("ladybug")}

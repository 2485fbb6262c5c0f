"""The cookbook's statements about categories, brands and one customer against the same questions asked with pandas."""

from __future__ import annotations

import pandas as pd

from tests.graph.kitchen import ASKED, SINCE, SPLIT, UNTIL, Kitchen, ranked, same


def test_category_bridges(kitchen: Kitchen) -> None:
    lines = kitchen.tables.with_order.drop_duplicates(["order", "product"])
    left = lines[lines["department"] == "KITCHEN"]
    right = lines[lines["category"] == "BOOKS/FICTION"]
    both = left.merge(right, on="order", suffixes=("", "_other"))
    frame = both.groupby(["product", "product_other"]).agg(
        orders=("order", "nunique"), customers=("customer", "nunique")
    )
    frame = frame.rename_axis(["from_product", "to_product"])
    expected = ranked(frame[frame["orders"] >= 2], orders=True, from_product=False, to_product=False)
    kitchen.check("category-bridges", expected, from_category="KITCHEN", to_category="BOOKS/FICTION", min_orders=2)


def test_category_affinity(kitchen: Kitchen) -> None:
    bought, everybody = kitchen.tables.purchases, kitchen.tables.purchases["customer"].nunique()
    own = bought.loc[bought["department"] == "KITCHEN", "customer"].unique()
    others = bought[(bought["department"] != "KITCHEN")].dropna(subset="category")
    buyers = others[others["customer"].isin(own)].groupby("category")["customer"].nunique()
    frame = buyers[buyers >= 4].rename("buyers").to_frame()
    frame["confidence"] = frame["buyers"] / len(own)
    frame["lift"] = frame["confidence"] / (others.groupby("category")["customer"].nunique() / everybody)
    expected = ranked(frame.round({"lift": 12}), lift=True, category=False)
    kitchen.check("category-affinity", expected, category="KITCHEN", min_buyers=4)


def test_category_migration(kitchen: Kitchen) -> None:
    bought = kitchen.tables.purchases.query("at >= @SINCE and at < @UNTIL")
    early = bought["at"] < SPLIT
    frame = pd.DataFrame({
        "amount_before": bought[early].groupby("department")["amount"].sum(),
        "amount_after": bought[~early].groupby("department")["amount"].sum(),
    }).rename_axis("category")  # fmt: skip
    for when in ("before", "after"):
        frame[f"share_{when}"] = frame[f"amount_{when}"] / frame[f"amount_{when}"].sum()
    frame["change"] = frame["share_after"] - frame["share_before"]
    assert len(frame) == 4
    expected = ranked(frame, change=True, category=False)
    kitchen.check("category-migration", expected, since=SINCE, split=SPLIT.isoformat(), until="2025-01-15")


def test_main_category_moves(kitchen: Kitchen) -> None:
    bought = kitchen.tables.purchases.query("at >= @SINCE and at < @UNTIL and department == 'KITCHEN' and amount > 0")
    main = {}
    for name, part in (("from_category", bought["at"] < SPLIT), ("to_category", bought["at"] >= SPLIT)):
        main[name] = bought[part].groupby(["customer", "category"])["amount"].sum().unstack().idxmax(axis=1)
    moves = pd.DataFrame(main).dropna().groupby(["from_category", "to_category"]).size().rename("customers")
    assert len(moves) > 3
    expected = ranked(moves, customers=True, from_category=False, to_category=False)
    kitchen.check("main-category-moves", expected, category="KITCHEN", since=SINCE, split=SPLIT, until=UNTIL)


def test_new_to_category(kitchen: Kitchen) -> None:
    bought = kitchen.tables.purchases
    own = bought[bought["department"] == "KITCHEN"].groupby("customer")
    frame = own.agg(first_at=("at", "min"), lines=("at", "size"), amount=("amount", "sum"))
    earlier = bought.loc[bought["at"] < SPLIT, "customer"].unique()
    frame = frame[(frame["first_at"] >= SPLIT) & frame.index.isin(earlier)]
    assert len(frame) > 2
    expected = ranked(frame, first_at=True, customer=False)
    kitchen.check("new-to-category", expected, category="KITCHEN", since="2024-09-01")


def test_brand_loyalty(kitchen: Kitchen) -> None:
    bought = kitchen.tables.purchases.query("department == 'KITCHEN'")
    spent = bought.groupby(["customer", "brand"])["amount"].sum().reset_index()
    spent["total"] = spent.groupby("customer")["amount"].transform("sum")
    spent["sole"] = spent.groupby("customer")["brand"].transform("size") == 1
    frame = spent.groupby("brand").agg(
        buyers=("customer", "size"), sole_buyers=("sole", "sum"), amount=("amount", "sum"), total=("total", "sum")
    )
    frame["share_of_requirements"] = frame["amount"] / frame["total"]
    assert len(frame) > 2
    kitchen.check("brand-loyalty", ranked(frame, amount=True, brand=False), category="KITCHEN")


def test_brand_switchers(kitchen: Kitchen) -> None:
    bought = kitchen.tables.purchases.query("department == 'BOOKS'").dropna(subset="brand")
    before = bought[bought["at"] < SPLIT].groupby("customer")["brand"].agg(set)
    after = bought[bought["at"] >= SPLIT].groupby("customer")["brand"].agg(set)
    moves = [(old, new) for each in set(before.index) & set(after.index)
             for old in before[each] - after[each] for new in after[each] - before[each]]  # fmt: skip
    frame = pd.DataFrame(moves, columns=["from_brand", "to_brand"]).value_counts().rename("customers")
    assert frame.nunique() > 1
    expected = ranked(frame, customers=True, from_brand=False, to_brand=False)
    kitchen.check("brand-switchers", expected, category="BOOKS", split=SPLIT)


def test_customer_journey(kitchen: Kitchen) -> None:
    tables = kitchen.tables
    own = {}
    for event, frame in {"PURCHASED": tables.purchases, "VIEWED": tables.views, "CONTACTED": tables.contacts,
                         "REDEEMED": tables.redemptions}.items():  # fmt: skip
        part = frame[frame["customer"] == ASKED].rename(columns={"product": "item", "campaign": "item"})
        own[event] = part.assign(event=event)
    events = pd.concat(own.values())
    categories = tables.with_product.set_index("product")["category"].to_dict()
    events["category"] = events["item"].map(categories)
    found = kitchen.answer("customer-journey", customer=ASKED, limit=1000)
    ties = {"at": True, "event": False, "item": False, "amount": False}  # the store orders ties by the line's id
    same(ranked(found, **ties)[found.columns], ranked(events, **ties)[found.columns])
    assert set(found["event"]) > {"PURCHASED", "VIEWED"}
    assert found["item"].isna().sum() == 2  # the till's lines name no product, not even a reserved one
    order = list(zip(-found["at"].map(pd.Timestamp.timestamp), found["event"], strict=True))
    assert order == sorted(order)
    assert kitchen.answer("customer-journey", customer=ASKED, limit=3).equals(found.head(3))


def test_category_spend(kitchen: Kitchen) -> None:
    own = kitchen.tables.purchases.query("customer == @ASKED")
    frame = own.groupby("category").agg(lines=("at", "size"), amount=("amount", "sum"))
    frame["share"] = frame["amount"] / own["amount"].sum()
    assert frame["share"].sum() < 1  # the till's lines have no category
    kitchen.check("category-spend", ranked(frame, amount=True, category=False), customer=ASKED)


def taste(kitchen: Kitchen) -> pd.DataFrame:
    """How much of the asked customer's taste every other shares."""
    bought = kitchen.tables.products_of()
    own, others = bought[ASKED], bought.drop(ASKED)
    return pd.DataFrame({
        "shared_products": others.map(lambda each: len(each & own)),
        "jaccard": others.map(lambda each: len(each & own) / len(each | own)),
        "cosine": others.map(lambda each: len(each & own) / (len(each) * len(own)) ** 0.5),
    }).rename_axis("customer")  # fmt: skip


def test_shared_taste(kitchen: Kitchen) -> None:
    frame = taste(kitchen)
    expected = ranked(frame[frame["shared_products"] >= 2], jaccard=True, customer=False)
    kitchen.check("shared-taste", expected, customer=ASKED, min_shared=2)


def test_households_like_this_one(kitchen: Kitchen) -> None:
    pairs = kitchen.tables.properties
    own = pairs[pairs["customer"] == ASKED]
    shared = pairs.merge(own, on=["property", "value"], suffixes=("", "_own")).groupby("customer").size()
    frame = taste(kitchen).assign(shared_values=shared).query("shared_products > 0 and shared_values > 0")
    assert set(frame["shared_values"]) == {1, 2}
    expected = ranked(frame, shared_values=True, jaccard=True, customer=False)
    kitchen.check("households-like-this-one", expected, customer=ASKED)


def test_similar_at_risk(kitchen: Kitchen) -> None:
    tables = kitchen.tables
    own = tables.similar[tables.similar["source"] == ASKED].rename(columns={"target": "customer"})
    expected = ranked(own.merge(tables.scores, on="customer"), score=True, customer=False)
    kitchen.check("similar-at-risk", expected, customer=ASKED)


def test_taste_recommendations(kitchen: Kitchen) -> None:
    tables = kitchen.tables
    own = tables.similar[tables.similar["source"] == ASKED].rename(columns={"target": "customer"})
    lines = tables.with_product.drop_duplicates(["customer", "product"]).merge(own, on="customer")
    lines = lines[~lines["product"].isin(tables.products_of()[ASKED])]
    frame = lines.groupby("product").agg(
        category=("category", "first"), buyers=("customer", "size"), closest=("score", "max")
    )
    assert frame["buyers"].max() > 1
    kitchen.check("taste-recommendations", ranked(frame, buyers=True, closest=True, product=False), customer=ASKED)

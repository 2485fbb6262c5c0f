"""The cookbook's statements about products against the same questions asked of the tables with pandas."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from tests.graph.kitchen import Kitchen, ranked


def test_bought_together(kitchen: Kitchen) -> None:
    tables = kitchen.tables
    product, own, everybody = tables.favourite, tables.products_of(), tables.purchases["customer"].nunique()
    having = own[own.map(lambda products: product in products)]
    buyers = having.explode().value_counts().drop(product)
    frame = buyers.rename("buyers").rename_axis("product").to_frame()
    frame["support"], frame["confidence"] = frame["buyers"] / everybody, frame["buyers"] / len(having)
    frame["lift"] = frame["confidence"] / (own.explode().value_counts().reindex(frame.index) / everybody)
    expected = ranked(frame[frame["buyers"] >= 3].round({"lift": 12}), lift=True, product=False)
    kitchen.check("bought-together", expected, product=product, min_buyers=3)


def orders_of(kitchen: Kitchen) -> pd.Series[object]:
    """The set of products of each order."""
    return kitchen.tables.with_order.groupby("order")["product"].agg(set)


def test_ordered_together(kitchen: Kitchen) -> None:
    product, orders = kitchen.tables.favourite, orders_of(kitchen)
    having = orders[orders.map(lambda products: product in products)]
    frame = having.explode().value_counts().drop(product).rename("orders").rename_axis("product").to_frame()
    frame["confidence"] = frame["orders"] / len(having)
    frame["lift"] = frame["confidence"] / (orders.explode().value_counts().reindex(frame.index) / len(orders))
    expected = ranked(frame[frame["orders"] >= 2].round({"lift": 12}), lift=True, product=False)
    kitchen.check("ordered-together", expected, product=product, min_orders=2)


def test_bundles_of_two(kitchen: Kitchen) -> None:
    orders = orders_of(kitchen)
    of = orders.explode().value_counts()
    pairs = orders.map(lambda products: list(combinations(sorted(products), 2))).explode().dropna().value_counts()
    rows = [(a, b, n, n / len(orders), n * len(orders) / (of[a] * of[b])) for (a, b), n in pairs[pairs >= 3].items()]
    frame = pd.DataFrame(rows, columns=["product", "other_product", "orders", "support", "lift"])
    kitchen.check("bundles-of-two", ranked(frame, orders=True, product=False, other_product=False), min_orders=3)


def test_bundles_of_three(kitchen: Kitchen) -> None:
    orders, product = orders_of(kitchen), "P003"
    having = orders[orders.map(lambda products: product in products)]
    pairs = having.map(lambda products: list(combinations(sorted(products - {product}), 2))).explode().value_counts()
    rows = [(a, b, n, n / len(having)) for (a, b), n in pairs[pairs >= 2].items()]
    frame = pd.DataFrame(rows, columns=["second_product", "third_product", "orders", "confidence"])
    expected = ranked(frame, orders=True, second_product=False, third_product=False)
    kitchen.check("bundles-of-three", expected, product=product, min_orders=2)


def test_basket_path(kitchen: Kitchen) -> None:
    orders = orders_of(kitchen)
    pairs = orders.map(lambda products: list(combinations(sorted(products), 2))).explode().dropna().value_counts()
    together = pd.concat([pairs, pairs.rename(lambda pair: pair[::-1])])
    together = together[together >= 2].to_dict()
    of = {first: {b for a, b in together if a == first} for first, _ in together}
    joined = min(together)
    apart = min((a, b) for a in of for b in of if a < b and (a, b) not in together and of[a] & of[b])
    for first, last in (joined, apart):
        between = [(2, via, together[first, via], together[via, last]) for via in sorted(of[first] & of[last])]
        between.sort(key=lambda row: -min(row[2:]))
        direct = [(1, None, together[first, last], None)] if (first, last) in together else []
        frame = pd.DataFrame(direct + between, columns=["steps", "via", "first_orders", "second_orders"])
        kitchen.check("basket-path", frame, from_product=first, to_product=last)


def test_bought_next(kitchen: Kitchen) -> None:
    tables, days = kitchen.tables, 40
    first = tables.with_product.groupby(["customer", "product"])["at"].min().unstack()
    start = first[tables.favourite].dropna()
    later = first.loc[start.index].drop(columns=tables.favourite).sub(start, axis=0)
    buyers = ((later > pd.Timedelta(0)) & (later <= pd.Timedelta(days=days))).sum()
    frame = buyers[buyers >= 2].rename("buyers").to_frame()
    frame["share"] = frame["buyers"] / len(start)
    expected = ranked(frame, buyers=True, product=False)
    kitchen.check("bought-next", expected, product=tables.favourite, days=days, min_buyers=2)


def test_gateway_products(kitchen: Kitchen) -> None:
    bought = kitchen.tables.purchases
    bought = bought.assign(first=bought.groupby("customer")["at"].transform("min"))
    second = bought[bought["at"] > bought["first"]].groupby("customer")["at"].min()
    bought = bought[bought["first"] + pd.Timedelta(days=20) <= bought["at"].max()]
    begun = bought[(bought["at"] == bought["first"])].dropna(subset="product")
    begun = begun.drop_duplicates(["customer", "product"])
    begun["returned"] = begun["customer"].map(second) <= begun["first"] + pd.Timedelta(days=20)
    frame = begun.groupby("product").agg(first_buyers=("customer", "size"), returned=("returned", "sum"))
    frame["return_rate"] = frame["returned"] / frame["first_buyers"]
    assert frame["return_rate"].nunique() > 2
    expected = ranked(frame[frame["first_buyers"] >= 2], return_rate=True, first_buyers=True, product=False)
    kitchen.check("gateway-products", expected, days=20, min_buyers=2)


def test_repeat_products(kitchen: Kitchen) -> None:
    times = kitchen.tables.with_product.groupby(["product", "customer"])["at"].agg(["nunique", "min", "max"])
    times["gap"] = (times["max"] - times["min"]) / pd.Timedelta(days=1) / (times["nunique"] - 1)
    times["again"] = times["nunique"] > 1
    frame = times.groupby("product").agg(buyers=("again", "size"), repeat_buyers=("again", "sum"))
    frame["repeat_rate"] = frame["repeat_buyers"] / frame["buyers"]
    frame["median_gap_days"] = times[times["again"]].groupby("product")["gap"].median()
    expected = ranked(frame[frame["repeat_buyers"] >= 2], repeat_rate=True, product=False)
    kitchen.check("repeat-products", expected, min_buyers=2)


def test_return_prone_products(kitchen: Kitchen) -> None:
    tables = kitchen.tables
    frame = tables.returns.groupby("product").size().rename("returns").to_frame()
    frame["purchases"] = tables.with_product.groupby("product").size()
    frame["return_rate"] = frame["returns"] / frame["purchases"]
    expected = ranked(frame[frame["purchases"] >= 10], return_rate=True, product=False)
    kitchen.check("return-prone-products", expected, min_purchases=10)


def test_view_to_purchase(kitchen: Kitchen) -> None:
    tables = kitchen.tables
    seen = tables.views.groupby(["product", "customer"])["at"].min().rename("seen").reset_index()
    last = tables.with_product.groupby(["product", "customer"])["at"].max().rename("last").reset_index()
    seen = seen.merge(last, on=["product", "customer"], how="left")
    seen["bought"] = seen["last"] >= seen["seen"]
    frame = seen.groupby("product").agg(viewers=("bought", "size"), buyers=("bought", "sum"))
    frame["conversion"] = frame["buyers"] / frame["viewers"]
    expected = ranked(frame[frame["viewers"] >= 3], conversion=False, viewers=True, product=False)
    kitchen.check("view-to-purchase", expected, min_viewers=3)


def test_product_profile(kitchen: Kitchen) -> None:
    tables = kitchen.tables
    everybody = set(tables.purchases["customer"])
    own = set(tables.with_product.loc[tables.with_product["product"] == tables.favourite, "customer"])
    rows = []
    for (name, value), holders in tables.properties.groupby(["property", "value"])["customer"].agg(set).items():
        share = len(holders & own) / len(own)
        index = share / (len(holders & everybody) / len(everybody))
        rows.append((name, value, len(holders & own), share, round(index, 12)))
    frame = pd.DataFrame(rows, columns=["property", "value", "buyers", "share", "affinity_index"])
    expected = ranked(frame, affinity_index=True, property=False, value=False)
    kitchen.check("product-profile", expected, product=tables.favourite, min_buyers=1)


def test_product_hubs(kitchen: Kitchen) -> None:
    frame = kitchen.tables.with_product.groupby("product").agg(
        category=("category", "first"),
        customers=("customer", "nunique"),
        lines=("at", "size"),
        amount=("amount", "sum"),
    )
    places = frame.index.str[1:].where(frame.index != "STUB")
    frame["name"] = (
        frame["category"].str.split("/").str[1].str.title() + " " + places.str.lstrip("0").where(places != "000", "0")
    )
    expected = ranked(frame, customers=True, product=False)
    kitchen.check("product-hubs", expected)


def test_degree_distribution(kitchen: Kitchen) -> None:
    frame = kitchen.tables.with_product.groupby("product").agg(customers=("customer", "nunique"), lines=("at", "size"))
    bounds = [1, 2, 5, 10, 100, 1000, 10_000]
    frame["customers_from"] = frame["customers"].map(lambda number: max(each for each in bounds if each <= number))
    expected = frame.groupby("customers_from").agg(products=("lines", "size"), lines=("lines", "sum"))
    assert len(expected) > 1
    kitchen.check("degree-distribution", ranked(expected, customers_from=False))

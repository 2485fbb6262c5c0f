"""A load's changes as statements to the embedded engine: remove what is replaced, add what is new, enter the load."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from graph.change_files import EventPart
from graph.changes import GraphChanges
from graph.ladybug_build import property_value_id
from graph.ladybug_held import Removed
from graph.ladybug_write import ChangePlan
from graph.model import CAMPAIGN_INTERACTIONS, INTERACTIONS, PROPERTY_OWNERS, STORED_INTERACTION_SCHEMA
from graph.store import DatasetFacts


def plan_nodes(plan: ChangePlan, changes: GraphChanges, known_values: pa.Array, sequence: int) -> None:
    """Nodes and properties.

    Args:
        plan: Where the steps go.
        changes: Its interactions are not looked at.
        known_values: Ids of the `PropertyValue` nodes that there are.
        sequence: Of the load.
    """
    added = changes.added
    plan.run("add_customers", added.customers)
    plan.run("add_categories", added.categories.select(["id", "name"]))
    plan.run("link_parents", _pairs(added.categories, "parent"))
    plan.run("add_brands", added.brands)
    _plan_products(plan, changes)
    is_changed = pc.is_in(added.campaigns["id"], value_set=changes.changed_campaigns)
    plan.run("add_campaigns", added.campaigns.filter(pc.invert(is_changed)))
    plan.run("update_campaigns", added.campaigns.filter(is_changed))
    _plan_properties(plan, changes, known_values, sequence)


def plan_interactions(plan: ChangePlan, parts: Sequence[EventPart], removed: Removed) -> None:
    """Interactions: first all that are replaced, then all that are new.

    Args:
        plan: Where the steps go.
        parts: Of the load.
        removed: The interactions to remove, `customer` and `id` by type.
    """
    for name in INTERACTIONS:
        plan.run(f"remove_{name.lower()}", removed[name], form="each")
    for part in parts:
        for name in INTERACTIONS:
            if path := part.added_file(name):
                plan.run_file(f"add_{name.lower()}", path, STORED_INTERACTION_SCHEMA.names)
        superseded = part.superseded()
        of_campaign = pc.is_in(superseded["type"], value_set=pa.array(CAMPAIGN_INTERACTIONS))
        plan.run("add_superseded_campaign", superseded.filter(of_campaign))
        plan.run("add_superseded_product", superseded.filter(pc.invert(of_campaign)))


def plan_facts(plan: ChangePlan, facts: DatasetFacts) -> None:
    """The data set's facts in place of the former ones."""
    plan.run("clear_dataset")
    plan.run("add_dataset", id=facts.name, facts=facts.model_dump_json())


def _plan_products(plan: ChangePlan, changes: GraphChanges) -> None:
    products = changes.added.products
    is_changed = pc.is_in(products["id"], value_set=changes.changed_products)
    facts = products.select(["id", "name", "price", "stub"])
    plan.run("add_products", facts.filter(pc.invert(is_changed)))
    plan.run("update_products", facts.filter(is_changed))
    plan.run("unlink_products", pa.table({"id": changes.changed_products}), form="each")
    plan.run("link_categories", _pairs(products, "category"))
    plan.run("link_brands", _pairs(products, "brand"))


def _plan_properties(plan: ChangePlan, changes: GraphChanges, known_values: pa.Array, sequence: int) -> None:
    fresh = []
    for label in PROPERTY_OWNERS:
        stale = changes.removed_properties[label]
        plan.run(
            f"unlink_{label.lower()}_properties",
            pa.table({"owner": stale["owner"], "target": _value_ids(stale)}),
            form="each",
        )
        table = changes.added.properties[label]
        fresh.append(pa.table({"id": _value_ids(table), "name": table["name"], "value": table["value"]}))
    values = pa.concat_tables(fresh).group_by(["id", "name", "value"]).aggregate([])
    plan.run("add_property_values", values.filter(pc.invert(pc.is_in(values["id"], value_set=known_values))))
    for label in PROPERTY_OWNERS:
        table = changes.added.properties[label]
        load = pa.array([sequence] * len(table), pa.int64())
        links = {"owner": table["owner"], "target": _value_ids(table), "valid_from": table["valid_from"], "load": load}
        plan.run(f"link_{label.lower()}_properties", pa.table(links))


def _value_ids(table: pa.Table) -> pa.ChunkedArray:
    return property_value_id(table["name"], table["value"])


def _pairs(table: pa.Table, target: str) -> pa.Table:
    linked = table.filter(pc.is_valid(table[target]))
    return pa.table({"source": linked["id"], "target": linked[target]})

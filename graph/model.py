"""The customer graph's vocabulary: node labels, relationship types and the columns of each interaction.

Everything that names a label, a type or a column takes it from here.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

#: Version of what the stores hold; a store of another version is refused.
SCHEMA_VERSION: Final = 2

#: The product that stands for "no product" in a shop without products (DESIGN: reserved Product).
NO_PRODUCT: Final = "__no_product__"

#: Interactions with a product and with a campaign, in the order in which they are loaded and exported.
PRODUCT_INTERACTIONS: Final = ("PURCHASED", "VIEWED", "RETURNED", "REVIEWED")
CAMPAIGN_INTERACTIONS: Final = ("CONTACTED", "REDEEMED")
INTERACTIONS: Final = PRODUCT_INTERACTIONS + CAMPAIGN_INTERACTIONS

TIMESTAMP: Final = pa.timestamp("ms")

#: Columns of every interaction besides its ends, the same for all types so that one code path serves them.
INTERACTION_PROPERTIES: Final[dict[str, pa.DataType]] = {
    "id": pa.string(),
    "at": TIMESTAMP,
    "known_at": TIMESTAMP,
    "quantity": pa.float64(),
    "amount": pa.float64(),
    "discount": pa.float64(),
    "order_id": pa.string(),
    "channel": pa.string(),
    "rating": pa.float64(),
    "treatment": pa.string(),
}

#: An interaction as a table: who, with what, and its properties. `target` is a product or a campaign.
INTERACTION_SCHEMA: Final = pa.schema(
    [("customer", pa.string()), ("target", pa.string()), *INTERACTION_PROPERTIES.items()]
)

#: The same as the stores hold it: with the load that wrote it.
STORED_INTERACTION_SCHEMA: Final = INTERACTION_SCHEMA.append(pa.field("load", pa.int64()))

#: A version that a later correction replaced, kept so that an earlier date still sees what was known then.
SUPERSEDED_SCHEMA: Final = STORED_INTERACTION_SCHEMA.append(pa.field("type", pa.string())).append(
    pa.field("superseded_at", TIMESTAMP)
)

CUSTOMER_SCHEMA: Final = pa.schema([("id", pa.string())])
PRODUCT_SCHEMA: Final = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("price", pa.float64()),
        ("category", pa.string()),
        ("brand", pa.string()),
        ("stub", pa.bool_()),
    ]
)
CATEGORY_SCHEMA: Final = pa.schema([("id", pa.string()), ("name", pa.string()), ("parent", pa.string())])
BRAND_SCHEMA: Final = pa.schema([("id", pa.string())])
CAMPAIGN_SCHEMA: Final = pa.schema([("id", pa.string()), ("start", TIMESTAMP), ("end", TIMESTAMP)])

#: A property of a customer, product or campaign; `valid_from` is null where the source does not date it.
PROPERTY_SCHEMA: Final = pa.schema(
    [("owner", pa.string()), ("name", pa.string()), ("value", pa.string()), ("valid_from", TIMESTAMP)]
)

#: Labels whose properties are held as `HAS_PROPERTY` relationships.
PROPERTY_OWNERS: Final = ("Customer", "Product", "Campaign")

#: Signals written back on `Customer` nodes; derived from the published run and rebuilt from it at will.
SCORE_SCHEMA: Final = pa.schema(
    [
        ("id", pa.string()),
        ("churn_risk", pa.float64()),
        ("expected_value", pa.float64()),
        ("novelty", pa.float64()),
        ("hyperscore", pa.float64()),
        ("hyperscore_percentile", pa.float64()),
        ("scored_at", TIMESTAMP),
        ("model", pa.string()),
    ]
)


def interaction_target(relationship: str) -> str:
    """Label at the far end of an interaction: `Product` or `Campaign`."""
    return "Product" if relationship in PRODUCT_INTERACTIONS else "Campaign"

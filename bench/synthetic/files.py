"""Tables as streaming Parquet files, and the description that `habitue load` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.synthetic.settings import IntArray

NAME: Final = "synthetic"
TIMESTAMP: Final = pa.timestamp("ms")
_TEXT = pa.string()
_LARGEST_FILE = 1_000_000  # rows; a block more at most

CUSTOMERS: Final = pa.schema(
    [("customer_id", _TEXT), ("country", _TEXT), ("age_band", _TEXT), ("signup_date", pa.date32())]
)
PRODUCTS: Final = pa.schema(
    [
        ("sku", _TEXT),
        ("title", _TEXT),
        ("list_price", pa.float64()),
        ("department", _TEXT),
        ("aisle", _TEXT),
        ("shelf", _TEXT),
        ("brand", _TEXT),
    ]
)
CAMPAIGNS: Final = pa.schema(
    [
        ("campaign_id", _TEXT),
        ("title", _TEXT),
        ("kind", _TEXT),
        ("department", _TEXT),
        ("start_date", TIMESTAMP),
        ("end_date", TIMESTAMP),
    ]
)
ORDERS: Final = pa.schema(
    [
        ("line_id", _TEXT),
        ("order", _TEXT),
        ("customer_id", _TEXT),
        ("sku", _TEXT),
        ("ordered_at", TIMESTAMP),
        ("loaded_at", TIMESTAMP),
        ("units", pa.int32()),
        ("total", pa.float64()),
        ("channel", _TEXT),
    ]
)
RETURNS: Final = pa.schema(
    [
        ("return_id", _TEXT),
        ("order", _TEXT),
        ("customer_id", _TEXT),
        ("sku", _TEXT),
        ("returned_at", TIMESTAMP),
        ("units", pa.int32()),
        ("total", pa.float64()),
    ]
)
CONTACTS: Final = pa.schema(
    [("contact_id", _TEXT), ("customer_id", _TEXT), ("campaign_id", _TEXT), ("contacted_at", TIMESTAMP)]
)
REDEMPTIONS: Final = pa.schema(
    [
        ("redemption_id", _TEXT),
        ("customer_id", _TEXT),
        ("campaign_id", _TEXT),
        ("redeemed_at", TIMESTAMP),
        ("order", _TEXT),
    ]
)

_HEAD = """\
# An invented retailer: see bench/synthetic/README.md.
name = "{name}"
currency = "EUR"
complete_until = {end}T00:00:00

[customers]
path = "customers.parquet"
id = "customer_id"
properties = ["country", "age_band"]
sensitive = ["age_band"]
opened = "signup_date"

"""
_ORDERS = """\
[[interactions]]
type = "PURCHASED"
path = "orders-*.parquet"
customer = "customer_id"
product = "sku"
at = "ordered_at"
known_at = "loaded_at"
id = "line_id"
order_id = "order"
quantity = "units"
amount = "total"
channel = "channel"
"""
_REST = """\
[products]
path = "products.parquet"
id = "sku"
name = "title"
price = "list_price"
category = ["department", "aisle", "shelf"]
brand = "brand"

[campaigns]
path = "campaigns.parquet"
id = "campaign_id"
start = "start_date"
end = "end_date"
properties = ["title", "kind", "department"]

"""
_OTHERS = """
[[interactions]]
type = "RETURNED"
path = "returns-*.parquet"
customer = "customer_id"
product = "sku"
at = "returned_at"
id = "return_id"
order_id = "order"
quantity = "units"
amount = "total"

[[interactions]]
type = "CONTACTED"
path = "contacts-*.parquet"
customer = "customer_id"
campaign = "campaign_id"
at = "contacted_at"
id = "contact_id"

[[interactions]]
type = "REDEEMED"
path = "redemptions-*.parquet"
customer = "customer_id"
campaign = "campaign_id"
at = "redeemed_at"
id = "redemption_id"
order_id = "order"
"""


def describe(folder: Path, end: str, *, increment: bool = False) -> None:
    """Write a folder's `dataset.toml`; an increment's has new customers and order lines only, mapped alike.

    Args:
        folder: Where the tables are.
        end: ISO date of the first day that the tables do not cover.
        increment: Whether it follows on a whole data set.
    """
    head = _HEAD.format(name=NAME, end=end)
    text = head + _ORDERS if increment else head + _REST + _ORDERS + _OTHERS
    (folder / "dataset.toml").write_text(text, encoding="utf-8")


def numbered(prefix: str, numbers: IntArray, digits: int = 0) -> pa.Array:
    """Ids: a prefix and a number, padded with zeros."""
    text = pa.array(numbers, pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(text, digits, "0") if digits else text, "")


def customer_ids(numbers: IntArray) -> pa.Array:
    """Customers' ids by number."""
    return numbered("C", numbers, 7)


def product_ids(numbers: IntArray) -> pa.Array:
    """Products' ids by number."""
    return numbered("P", numbers, 5)


def times(milliseconds: IntArray) -> pa.Array:
    """Timestamps from epoch milliseconds."""
    return pa.array(milliseconds, pa.int64()).cast(TIMESTAMP)


class Table:
    """A table written block by block, each one row group; `numbered` ones go on in a next file after a million rows.

    Args:
        path: Of the file; of a numbered table's files with `-00000` and so on before the suffix.
        schema: Columns.
        distinct: Columns whose values hardly repeat: a dictionary of them would only cost.
        numbered: Whether it is spread over files of bounded size.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, distinct: Sequence[str] = (), numbered: bool = False) -> None:
        self.rows = 0
        self._path, self._schema, self._numbered = path, schema, numbered
        self._repeating = [name for name in schema.names if name not in distinct]
        self._files = self._rows_in_file = 0
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._files:
            self._next_file()  # a table without rows is a file all the same
        self._close()

    def write(self, block: pa.Table) -> None:
        """Append a block."""
        if self._writer is None or (self._numbered and self._rows_in_file >= _LARGEST_FILE):
            self._next_file()
        if len(block) and self._writer is not None:
            self._writer.write_table(block.select(self._schema.names), row_group_size=len(block))
            self.rows += len(block)
            self._rows_in_file += len(block)

    def _next_file(self) -> None:
        self._close()
        path = self._path
        if self._numbered:
            path = path.with_name(f"{path.stem}-{self._files:05d}{path.suffix}")
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", compression_level=1, use_dictionary=self._repeating
        )
        self._files += 1
        self._rows_in_file = 0

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

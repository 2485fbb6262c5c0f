"""A data set's description, `dataset.toml`: which tables there are, and what their columns mean in the graph.

Columns are named, never guessed; what is not named is ignored and reported. Reading and checking the description
touches no table.
"""

from __future__ import annotations

import difflib
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from graph.model import CAMPAIGN_INTERACTIONS
from graph.time import from_epoch_ms, to_epoch_ms
from habitue.errors import DatasetError

InteractionType = Literal["PURCHASED", "VIEWED", "RETURNED", "REVIEWED", "CONTACTED", "REDEEMED"]
EPOCH_FORMATS = ("epoch_s", "epoch_ms")
Columns = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class _Part(BaseModel):
    # Text is taken as it stands: a column's name may begin with a blank, and a delimiter may be one.
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)


class Source(_Part):
    """A table: one file or a glob of files, and how its text is written.

    Attributes:
        path: Relative to the description; `package:NAME/FILE` names a file inside an installed package.
        delimiter: Between the columns of a text file, one ASCII character; `whitespace` for runs of blanks.
        decimal: Decimal mark of numbers in a text file; with a comma, points may group the thousands.
        encoding: Character encoding of a text file.
    """

    path: str
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"

    def mapped(self) -> dict[str, str]:
        """What each named column means: field of the graph → column of the table."""
        return {}

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if value != "whitespace" and (len(value) != 1 or not value.isascii() or value in '"\r\n'):
            raise ValueError(f"{value!r} cannot separate columns: give one ASCII character, or `whitespace`")
        return value


class CustomersSource(Source):
    """The customers table. `opened` and `closed` are dates; properties are undated unless `valid_from` names one."""

    id: str
    properties: Columns = ()
    sensitive: Columns = ()
    valid_from: str | None = None
    opened: str | None = None
    closed: str | None = None
    region: str | None = None

    def mapped(self) -> dict[str, str]:
        named = {"id": self.id, "valid_from": self.valid_from, "opened": self.opened, "closed": self.closed}
        named["region"] = self.region
        return {k: v for k, v in named.items() if v} | {f"property {name}": name for name in self.properties}

    @model_validator(mode="after")
    def _sensitive_are_properties(self) -> CustomersSource:
        if unknown := set(self.sensitive) - set(self.properties) - {"region"}:
            raise ValueError(f"sensitive names {sorted(unknown)}, which properties does not list")
        return self


class ProductsSource(Source):
    """The products table. `category` lists columns from the outermost to the innermost."""

    id: str
    name: str | None = None
    price: str | None = None
    category: Columns = ()
    brand: str | None = None
    properties: Columns = ()

    def mapped(self) -> dict[str, str]:
        named = {"id": self.id, "name": self.name, "price": self.price, "brand": self.brand}
        levels = {f"category {level + 1}": column for level, column in enumerate(self.category)}
        return {k: v for k, v in named.items() if v} | levels | {f"property {name}": name for name in self.properties}


class CampaignsSource(Source):
    """The campaigns table; contacts without a time of their own take their campaign's `start`."""

    id: str
    start: str | None = None
    end: str | None = None
    properties: Columns = ()

    def mapped(self) -> dict[str, str]:
        named = {"id": self.id, "start": self.start, "end": self.end}
        return {k: v for k, v in named.items() if v} | {f"property {name}": name for name in self.properties}


class InteractionsSource(Source):
    """One table of interactions. Amounts are of the whole line; a `unit_price` makes them where the table has none.

    Attributes:
        at_format: `strptime` format of a text time, or `epoch_s`, `epoch_ms` for numbers; ISO 8601 otherwise.
        id_prefix: Put before each given id, where two sources of one type number their lines alike.
        unit_price: In the place of `amount`: the line's amount is this times its quantity.
        discount: Column or columns (added up) of money taken off the line.
    """

    type: InteractionType
    customer: str
    product: str | None = None
    campaign: str | None = None
    at: str | None = None
    at_format: str | None = None
    known_at: str | None = None
    id: str | None = None
    id_prefix: str = ""
    order_id: str | None = None
    quantity: str | None = None
    amount: str | None = None
    unit_price: str | None = None
    discount: Columns = ()
    channel: str | None = None
    rating: str | None = None
    treatment: str | None = None

    @field_validator("at_format")
    @classmethod
    def _known_directives(cls, value: str | None) -> str | None:
        if value is None or value in EPOCH_FORMATS:
            return value
        try:
            datetime.strptime("", value)  # asks only whether the directives exist
        except ValueError as error:
            if "bad directive" not in str(error) and "stray" not in str(error) and "%" in value:
                return value
        raise ValueError(f"{value!r} is no strptime format, nor one of {', '.join(EPOCH_FORMATS)}")

    @property
    def target(self) -> str | None:
        """The column of the product, or of the campaign, by type."""
        return self.campaign if self.type in CAMPAIGN_INTERACTIONS else self.product

    def mapped(self) -> dict[str, str]:
        names = ("customer", "product", "campaign", "at", "known_at", "id", "order_id", "quantity", "amount",
                 "unit_price", "channel", "rating", "treatment")  # fmt: skip
        found = {name: getattr(self, name) for name in names if getattr(self, name)}
        return found | {f"discount {number + 1}": column for number, column in enumerate(self.discount)}

    @model_validator(mode="after")
    def _ends(self) -> InteractionsSource:
        is_campaign = self.type in CAMPAIGN_INTERACTIONS
        if is_campaign and (not self.campaign or self.product):
            raise ValueError(f"{self.type} goes to a campaign: name its column as `campaign`, and no `product`")
        if not is_campaign and self.campaign:
            raise ValueError(f"{self.type} goes to a product: `campaign` belongs to CONTACTED and REDEEMED")
        if not is_campaign and not self.product and self.type != "PURCHASED":
            raise ValueError(f"{self.type} needs a `product` column (only PURCHASED may do without)")
        if self.unit_price and (self.amount or not self.quantity):
            raise ValueError("`unit_price` stands in the place of `amount`, and needs a `quantity` to be multiplied by")
        if not self.at and self.type != "CONTACTED":
            raise ValueError(f"{self.type} needs a time: name its column as `at`")
        return self


class Dataset(_Part):
    """A whole description. `folder` is where relative paths start."""

    name: str = Field(max_length=100)
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    timezone: str = "UTC"
    complete_until: datetime | None = None
    customers: CustomersSource | None = None
    products: ProductsSource | None = None
    campaigns: CampaignsSource | None = None
    interactions: tuple[InteractionsSource, ...] = Field(min_length=1)
    folder: Path = Field(default=Path(), exclude=True)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone name such as `Europe/Paris`") from error
        return value

    @field_validator("complete_until", mode="before")
    @classmethod
    def _date_or_time(cls, value: object) -> object:
        return value if not isinstance(value, str) else datetime.fromisoformat(value)

    @field_validator("complete_until")
    @classmethod
    def _naive_utc(cls, value: datetime | None) -> datetime | None:
        return None if value is None else from_epoch_ms(to_epoch_ms(value))

    @model_validator(mode="after")
    def _contacts_have_a_time(self) -> Dataset:
        if any(each.at is None for each in self.interactions) and not (self.campaigns and self.campaigns.start):
            raise ValueError("CONTACTED without `at` takes its campaign's start: name `start` in [campaigns]")
        return self


def read_dataset(path: Path) -> Dataset:
    """Read and check a `dataset.toml`.

    Raises:
        DatasetError: If the file is missing, is not TOML, or names something unknown; every fault is listed.
    """
    if path.is_dir():
        path = path / "dataset.toml"
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [each.name for each in path.parent.glob("*.toml")], n=1)
        hint = (
            f"Did you mean {near[0]}?" if near else "Give the path of a dataset.toml, or a name of `habitue datasets`."
        )
        raise DatasetError(f"There is no data-set description at {path}.", hint=hint)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not valid TOML: {error}.") from error
    try:
        return Dataset.model_validate({**content, "folder": path.resolve().parent})
    except ValidationError as error:
        faults = "; ".join(_fault(each["loc"], each["msg"], each["type"]) for each in error.errors())
        raise DatasetError(f"{path}: {faults}.", hint="See the data-set reference in docs/datasets.md.") from error


def _fault(location: tuple[int | str, ...], message: str, kind: str) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    message = message.removeprefix("Value error, ")
    if kind == "extra_forbidden":
        message = "is not a known setting"
        known = [name for part in (Dataset, CustomersSource, ProductsSource, CampaignsSource, InteractionsSource)
                 for name in part.model_fields]  # fmt: skip
        if near := difflib.get_close_matches(str(location[-1]), known, n=1):
            message += f" (did you mean `{near[0]}`?)"
    return f"{place}: {message}" if place else message

"""What an audience's members must satisfy: bounds and equalities on scores and properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from habitue.errors import UsageError


@dataclass(frozen=True)
class Condition:
    """One condition; all that are given must hold.

    Attributes:
        field: Column of the properties, such as `churn_risk` or `active`.
        minimum: Smallest value that passes; None for no bound.
        maximum: Largest value that passes; None for no bound.
        equals: The value that passes; None for any.
    """

    field: str
    minimum: float | None = None
    maximum: float | None = None
    equals: str | float | bool | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that exclude each other.

        Raises:
            UsageError: If the smallest value is above the largest.
        """
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise UsageError(
                f"No `{self.field}` is at least {self.minimum} and at most {self.maximum}.",
                hint="Exchange the two bounds.",
            )

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> Condition:
        """From `{"field": …, "min": …, "max": …, "equals": …}`.

        Raises:
            UsageError: If it has no field, or other keys.
        """
        unknown = set(document) - {"field", "min", "max", "equals"}
        if "field" not in document or unknown:
            raise UsageError(
                f"This is not a filter: {dict(document)}.",
                hint="A filter has `field`, and some of `min`, `max` and `equals`.",
            )
        return Condition(document["field"], document.get("min"), document.get("max"), document.get("equals"))

    def holds(self, column: pd.Series[Any]) -> npt.NDArray[np.bool_]:
        """Where the condition holds; never where the value is missing.

        Raises:
            UsageError: If a bound is asked of a column without numbers.
        """
        result = column.notna().to_numpy(bool, copy=True)
        if self.minimum is not None or self.maximum is not None:
            if is_bool_dtype(column) or not is_numeric_dtype(column):
                raise UsageError(f"`{self.field}` has no order: `min` and `max` do not apply.", hint="Use `equals`.")
            values = column.to_numpy(np.float64)
            result &= values >= (-np.inf if self.minimum is None else self.minimum)
            result &= values <= (np.inf if self.maximum is None else self.maximum)
        if self.equals is not None:
            result &= (column == self.equals).to_numpy(bool)
        return result


def passing(
    ids: pa.StringArray, conditions: Sequence[Condition], properties: pd.DataFrame | None
) -> npt.NDArray[np.bool_]:
    """Which customers satisfy all conditions, bool [n].

    Args:
        ids: Customer ids, [n].
        conditions: The conditions; none lets everybody pass.
        properties: A frame with `customer_id` and the columns that the conditions name.

    Raises:
        UsageError: If a condition names a column that is not there.
    """
    result = np.ones(len(ids), bool)
    if not conditions:
        return result
    if properties is None:
        raise UsageError("Filters were given, and there is nothing to filter on.", hint="Run `habitue score` first.")
    aligned = properties.set_index("customer_id").reindex(ids.to_numpy(zero_copy_only=False))
    # A customer who is missing would turn a column of truths into objects: presence is looked at first.
    present = np.isin(ids.to_numpy(zero_copy_only=False).astype(str), properties["customer_id"].to_numpy(str))
    for condition in conditions:
        if condition.field not in aligned:
            near = get_close_matches(condition.field, list(map(str, aligned.columns)), 1)
            raise UsageError(
                f"There is no `{condition.field}` to filter on.",
                hint=f"Did you mean `{near[0]}`?" if near else f"There are {', '.join(map(str, aligned.columns))}.",
            )
        found = np.zeros(len(ids), bool)
        found[present] = condition.holds(aligned.loc[present, condition.field].infer_objects())
        result &= found
    return result

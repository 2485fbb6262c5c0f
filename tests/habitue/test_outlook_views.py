from __future__ import annotations

import numpy as np

from habitue.outlook_views import outlook_views
from habitue.views import AtStakeView, DiscountedValueView, LapseView, ValueInterval

ROW = {
    "value_low": 2.0, "value_high": 90.0, "value_level": 0.8, "p_alive": 0.7, "days_since_purchase": 40.0,
    "lapse_after_days": 31.5, "at_stake": 12.0, "at_stake_low": np.nan, "at_stake_high": np.nan,
    "at_stake_half_horizon": 9.0, "at_stake_double_horizon": 15.0, "value_12_months": 200.0, "value_24_months": 350.0,
}  # fmt: skip


def test_a_row_of_scores_as_views() -> None:
    found = outlook_views(ROW)
    assert found["value_interval"] == ValueInterval(2.0, 90.0, 0.8)
    assert found["p_alive"] == 0.7
    assert found["lapse"] == LapseView(lapsed=True, days_since_purchase=40.0, lapse_after_days=31.5)
    assert found["at_stake"] == AtStakeView(12.0, None, None, 9.0, 15.0)
    assert found["discounted_value"] == DiscountedValueView(200.0, 350.0)


def test_what_a_former_run_lacks_or_nobody_knows_is_none() -> None:
    assert not any(outlook_views({"churn_risk": 0.2}).values())
    unknown = outlook_views({**ROW, "value_low": np.nan, "lapse_after_days": np.nan, "at_stake": np.nan})
    assert unknown["value_interval"] is None
    assert unknown["lapse"] is None
    assert unknown["at_stake"] is None
    assert unknown["p_alive"] == 0.7

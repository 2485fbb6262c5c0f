"""A made-up shop in which regular customers stay and fading ones leave: small, seeded, learnable."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from graph.history import History
from tests.support import history_of

START = datetime(2024, 1, 1)
DAYS = 300


def fading_shop(customers: int = 120, seed: int = 0, amounts: bool = True) -> History:
    """Purchases over 300 days; each customer has a rate of its own and may fall silent for good at any time."""
    generator = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        rate = generator.gamma(2.0, 0.05)
        leaves = generator.exponential(250.0)
        day = generator.uniform(0, 40)
        while day < min(leaves, DAYS):
            rows.append((f"c{customer:03d}", START + pd.Timedelta(days=day), generator.gamma(2.0, 10.0)))
            day += generator.exponential(1 / rate)
    frame = pd.DataFrame(rows, columns=["customer", "at", "amount"])
    frame["at"] = frame["at"].dt.floor("ms")
    if not amounts:
        frame = frame.drop(columns="amount")
    return history_of({"PURCHASED": frame}, complete_until=START + pd.Timedelta(days=DAYS).to_pytimedelta())

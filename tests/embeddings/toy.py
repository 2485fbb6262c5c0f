"""A toy shop with two planted groups of customers, each buying from its own shelf."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from graph.history import History
from tests.support import history_of

AS_OF = datetime(2024, 1, 1)
GROUP = 20


def two_groups(seed: int = 0) -> History:
    """Customers a00…a19 buy eight of the products p00…p14, customers b00…b19 eight of q00…q14."""
    generator = np.random.default_rng(seed)
    rows = [
        (f"{group}{customer:02d}", f"{shelf}{product:02d}", AS_OF - timedelta(days=int(generator.integers(1, 100))))
        for group, shelf in (("a", "p"), ("b", "q"))
        for customer in range(GROUP)
        for product in generator.choice(15, 8, replace=False)
    ]
    lines = pd.DataFrame(rows, columns=["customer", "target", "at"]).assign(quantity=1.0, amount=2.0)
    products = pd.DataFrame({"id": [f"{shelf}{number:02d}" for shelf in "pq" for number in range(15)]})
    products["category"] = products["id"].str[0].map({"p": "FOOD", "q": "BOOKS"})
    products["brand"] = None
    return history_of({"PURCHASED": lines}, products=products, complete_until=AS_OF)

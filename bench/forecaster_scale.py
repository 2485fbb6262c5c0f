"""The forecaster on a synthetic retailer, step by step: features, training, scoring; judged by the generator's truth.

Training learns from past cutoffs as `habitue train` does; scoring foretells everybody at the end of the data.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.direct_history import history_beside
from bench.forecaster_child import Clock, resident_mb
from graph.snapshot import FloatArray, Snapshot

HORIZON = 60
TRAINING_CUTOFFS, STEP_DAYS = 4, 30


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All steps, one after another in this process; each with its seconds and its own peak of memory."""
    import torch

    from gnn.cutoffs import training_dates
    from gnn.examples import PastExamples, SharedExamples
    from gnn.forecast import examples_of
    from gnn.habitue_forecaster import HabitueForecaster
    from gnn.task import Task

    torch.set_num_threads(options.threads)
    clock = Clock()
    history = history_beside(options.data)
    as_of, task = history.complete_until, Task(HORIZON)
    found: dict[str, Any] = {"threads": options.threads, "start_mb": resident_mb()}
    with clock.part("snapshot"):
        snapshot = history.at(as_of)
    everybody = np.arange(len(snapshot.customers), dtype=np.int32)
    with clock.part("features"):
        examples = examples_of(snapshot, everybody)
    found |= {
        "customers": len(everybody),
        "interactions": sum(len(events) for events in snapshot.events.values()),
        "features": len(examples.features.names),
    }
    del examples, snapshot
    if options.most:
        with clock.part("examples"):
            past = PastExamples(SharedExamples(history, task), as_of, most=options.most)
            dates = training_dates(history, task, as_of, count=TRAINING_CUTOFFS, step_days=STEP_DAYS)
            training = [past.labelled(date) for date in dates]
        found["learnt_from"] = [len(each.rows) for each in training]
        forecaster = HabitueForecaster(task)
        with clock.part("training"):
            forecaster.fit(training, seed=0)
        del training, past
        with clock.part("scoring"):
            snapshot = history.at(as_of)
            examples = examples_of(snapshot, everybody)
            forecast = forecaster.predict(examples)
        assert forecast.churn_risk is not None
        assert forecast.value_mean is not None
        found["quality"] = quality(options.data, snapshot, as_of, forecast.churn_risk, forecast.value_mean)
    return found | {"steps": clock.parts}


def quality(folder: Path, snapshot: Snapshot, as_of: datetime, risk: FloatArray, value: FloatArray) -> dict[str, float]:
    """How near the forecast is to the process that made the data.

    Returns:
        `risk_rank`, `value_rank`: Spearman correlation with the true probability of no purchase within the horizon,
        and with the true expected amount; `log_loss_above_truth`: expected logarithmic loss beyond that of the true
        probabilities themselves (nats; 0 is perfect).
    """
    from scipy.stats import spearmanr

    truth = pq.read_table(folder / "truth" / f"cutoff-{as_of:%Y-%m-%d}.parquet")
    place = pa.compute.index_in(snapshot.customers, value_set=truth["customer_id"].combine_chunks())
    held = place.is_valid().to_numpy(zero_copy_only=False)
    rows = place.drop_null().to_numpy()
    true_risk, true_value = (truth[f"{name}_{HORIZON}"].to_numpy()[rows] for name in ("no_purchase", "expected_amount"))
    own, least = np.clip(risk[held], 1e-9, 1 - 1e-9), np.clip(true_risk, 1e-9, 1 - 1e-9)
    loss: Callable[[FloatArray], float] = lambda p: float(  # noqa: E731
        -np.mean(true_risk * np.log(p) + (1 - true_risk) * np.log1p(-p))
    )
    return {
        "judged": int(held.sum()),
        "risk_rank": round(float(spearmanr(risk[held], true_risk).statistic), 5),
        "value_rank": round(float(spearmanr(value[held], true_value).statistic), 5),
        "log_loss_above_truth": round(loss(own) - loss(least), 6),
    }

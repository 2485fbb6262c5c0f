"""The measured side of the embeddings' benchmark, each figure in a process of its own.

    python -m bench.embeddings_child SIDE --triples FILE [--entities N] [--share S] [--epochs E] [--threads T]

SIDE is `ours`, `pykeen-256` (PyKEEN's default loop) or `pykeen-16k`; prints one line of JSON. Seconds are those of all
threads on the processor, from the call of the training to its end.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

from embeddings.threads import let_idle_threads_sleep

DIMENSION = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=("ours", "pykeen-256", "pykeen-16k"))
    parser.add_argument("--triples", type=Path, required=True)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    let_idle_threads_sleep()
    print(json.dumps(measure(options)))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    import numpy as np
    import torch
    from pykeen.models import TransE
    from pykeen.training import SLCWATrainingLoop
    from pykeen.triples import CoreTriplesFactory

    from embeddings.engine import fit
    from embeddings.engine_settings import EngineSettings
    from embeddings.transe import new_model

    torch.set_num_threads(options.threads)
    new_model(4, 1, 2, 0)  # what PyKEEN imports on first use
    imported = _resident()
    with np.load(options.triples) as file:
        entities, relations = int(file["entities"]), int(file["relations"])
        triples = torch.from_numpy(file["triples"])
    if options.share < 1:
        chosen = torch.randperm(len(triples), generator=torch.Generator().manual_seed(0))
        triples = triples[chosen[: round(len(triples) * options.share)]]
    factory = CoreTriplesFactory(triples, num_entities=entities, num_relations=relations)
    if options.side == "ours":
        model = new_model(entities, relations, DIMENSION, 0)
        begin, wall = time.process_time(), time.perf_counter()
        fit(model, triples, torch.ones(len(triples)), EngineSettings(epochs=options.epochs), seed=0)
    else:
        model = TransE(triples_factory=factory, embedding_dim=DIMENSION, random_seed=0)
        loop = SLCWATrainingLoop(model=model, triples_factory=factory)
        batch = None if options.side == "pykeen-256" else 1 << 14
        begin, wall = time.process_time(), time.perf_counter()
        loop.train(factory, num_epochs=options.epochs, batch_size=batch, use_tqdm=False)
    seconds, wall = time.process_time() - begin, time.perf_counter() - wall
    needed = entities * (DIMENSION + 1) * 4
    return {
        "entities": entities,
        "triples": len(triples),
        "epochs": options.epochs,
        "threads": options.threads,
        "training_cpu_seconds": round(seconds, 3),
        "training_seconds": round(wall, 3),
        "triples_per_cpu_second": round(len(triples) * options.epochs / seconds),
        "parameters_and_optimiser_mb": round(needed / 1e6, 1),
        "beyond_imports_mb": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - imported) / 1e6, 1),
    }


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()

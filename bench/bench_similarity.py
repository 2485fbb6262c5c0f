"""How fast the nearest are found, in what memory, and whether who is near is alike in what comes afterwards.

    python -m bench.bench_similarity [--smoke] [--vectors FILE.npy] [--workspace DIR] [--sections one,pairs,all,later]

Speed is of one thread: one customer among 1.5 million beside reading the matrix once (the fastest of its sum, its
maximum and a BLAS product with a vector), and all pairs of 100,000 with the memory they take beyond the matrix. The
approximate search stands beside the exact at several sizes: seconds of work for all, and recall on a sample. Vectors
are of few clusters in noise unless a file gives others. Likeness is of Complete Journey: the tf-idf cosine of what
customers bought in the 60 days after T with that of their ten nearest before T, beside that with everybody. Prints a
table and writes bench/results/similarity.json.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # before NumPy reads them
    os.environ[_name] = "1"

import argparse  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from bench.measure import machine  # noqa: E402
from bench.similarity_later import measure_later  # noqa: E402
from embeddings.approximate import approximate_all, available, recall_of  # noqa: E402
from embeddings.similarity import Float32Array, centred, nearest, nearest_all  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "similarity.json"
DIMENSION, COUNT, SAMPLE = 64, 10, 300


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write; sections that are not asked for keep their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--vectors", type=Path, help="customers' vectors, [n, 64], for the approximate search")
    parser.add_argument("--workspace", type=Path, help="kept, so that Complete Journey is loaded once")
    parser.add_argument("--sections", default="one,pairs,all,later")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    kept = json.loads(options.results.read_text()) if options.results.is_file() else {}
    result: dict[str, Any] = {**kept, "machine": machine()}
    one, pairs, sizes = (20_000, 2_000, [2_000]) if options.smoke else (1_500_000, 100_000, [62_500, 125_000, 250_000])
    sections: dict[str, Callable[[], Any]] = {
        "one": lambda: one_query(one),
        "pairs": lambda: all_pairs(pairs),
        "all": lambda: [approximate(_vectors(options.vectors, size)) for size in sizes] if available() else [],
        "later": lambda: _later(options),
    }
    for name in options.sections.split(","):
        result[name] = sections[name]()
        print(f"\n{name}")
        for row in result[name] if isinstance(result[name], list) else [result[name]]:
            for key, value in row.items():
                print(f"  {key:<50}{value}")
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _later(options: argparse.Namespace) -> Any:
    with tempfile.TemporaryDirectory(prefix="bench-similarity-") as temporary:
        return measure_later(options.workspace or Path(temporary) / "workspace", smoke=options.smoke)


def _vectors(path: Path | None, size: int) -> Float32Array:
    """Unit vectors: of a file, drawn at random, or in as many clusters as a shop has tastes."""
    generator = np.random.default_rng(0)
    if path is not None:
        found = np.load(path)
        return centred(found[generator.permutation(len(found))[:size]])
    centres = generator.standard_normal((200, DIMENSION), dtype=np.float32)
    vectors = generator.standard_normal((size, DIMENSION), dtype=np.float32)
    vectors += centres[generator.integers(0, len(centres), size)]
    return centred(vectors)


def _fastest(work: Callable[[], Any], times: int = 7) -> float:
    seconds = []
    for _ in range(times):
        begin = time.process_time()  # one thread: the work itself, whatever else the machine does
        work()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def one_query(size: int) -> dict[str, Any]:
    """Exact nearest of one row, beside reading the matrix once."""
    unit = _vectors(None, size)
    row, allowed = unit[size // 2].copy(), np.arange(size) % 3 == 0
    reads = {"sum": lambda: unit.sum(), "maximum": lambda: unit.max(), "product": lambda: unit @ row}
    seconds = {name: _fastest(work) for name, work in reads.items()}
    query = np.array([size // 2])
    once = min(seconds.values())
    ours = _fastest(lambda: nearest(unit, query, COUNT))
    filtered = _fastest(lambda: nearest(unit, query, COUNT, allowed=allowed))
    return {
        "rows": size,
        "read_ms": {name: round(each * 1000, 1) for name, each in seconds.items()},
        "nearest_ms": round(ours * 1000, 1),
        "nearest_of_a_third_ms": round(filtered * 1000, 1),
        "times_the_fastest_read": round(ours / once, 2),
        "filtered_times_the_fastest_read": round(filtered / once, 2),
    }


def all_pairs(size: int) -> dict[str, Any]:
    """Exact nearest of all rows: seconds of work, and memory beyond the matrix and the answer."""
    unit = _vectors(None, size)
    told: list[float] = []
    nearest(unit, np.arange(20), COUNT)
    before = _reset_peak()
    begin = time.process_time()
    found = nearest_all(unit, COUNT, progress=lambda _, share: told.append(share))
    worked = time.process_time() - begin
    answer = found.rows.nbytes + found.similarity.nbytes
    return {
        "all_pairs_rows": size,
        "all_pairs_cpu_seconds": round(worked, 1),
        "all_pairs_memory_beyond_matrix_and_answer_mb": round(max(0, _peak() - before - answer) / 1e6, 1),
        "all_pairs_progress_reports": len(told),
    }


def _reset_peak() -> int:
    """Set the high-water mark of resident memory to what is resident now (Linux), and give it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def approximate(unit: Float32Array) -> dict[str, Any]:
    """Seconds of work for all rows, exactly (from a sample) and approximately, and what the latter finds."""
    import faiss

    faiss.omp_set_num_threads(1)
    sample = np.sort(np.random.default_rng(1).choice(len(unit), min(SAMPLE, len(unit)), replace=False))
    begin = time.process_time()
    nearest(unit, sample, COUNT)
    exact = (time.process_time() - begin) / len(sample) * len(unit)
    begin = time.process_time()
    found = approximate_all(unit, COUNT)
    return {
        "rows": len(unit),
        "exact_cpu_seconds": round(exact, 1),
        "approximate_cpu_seconds": round(time.process_time() - begin, 1),
        "recall_at_10": round(recall_of(unit, found, sample), 4),
    }


if __name__ == "__main__":
    main()

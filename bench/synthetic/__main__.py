"""`python -m bench.synthetic OUT`: write a synthetic retailer."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.synthetic.generate import generate
from bench.synthetic.settings import Settings
from habitue.errors import HabitueError
from habitue.progress import shown_progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and generate.

    Returns:
        Exit status: 0, or 2 for wrong usage.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.synthetic", description="Write a synthetic retailer.")
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--interactions", type=int, help="20 for each customer by default")
    parser.add_argument("--products", type=int, help="a thirtieth of the customers by default, 2,000 to 50,000")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--days", type=int, default=Settings.days, help="length of the history")
    parser.add_argument("--increments", type=int, default=Settings.increments, help="days that follow as increments")
    parser.add_argument("--increment-rows", type=int, default=Settings.increment_rows)
    parser.add_argument(
        "--community-share",
        type=float,
        default=Settings.community_share,
        help="share of the variance of log lapse hazards that taste communities explain",
    )
    parser.add_argument(
        "--wave", type=float, default=Settings.wave, help="amplitude of the communities' waves of lapsing"
    )
    options = vars(parser.parse_args(arguments))
    folder = options.pop("out")
    if options["interactions"] is None:
        options["interactions"] = 20 * options["customers"]
    started = time.perf_counter()
    try:
        with shown_progress(quiet=False) as progress:
            rows = generate(folder, Settings(**options), progress)
    except HabitueError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    for name, count in rows.items():
        print(f"{name:<14}{count:>12,}")
    print(f"{size / 1e6:,.0f} MB in {time.perf_counter() - started:.1f} s, peak memory {peak / 1e6:,.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

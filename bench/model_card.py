"""Write the model card from backtests: python -m bench.model_card BACKTEST.json … [--out docs/model-card.md]

Each file holds the object that `habitue backtest --json` prints. Nothing is measured here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from habitue.report.model_card import model_card

CARD = Path(__file__).parent.parent / "docs" / "model-card.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backtests", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=CARD)
    options = parser.parse_args(arguments)
    backtests = [json.loads(path.read_text(encoding="utf-8")) for path in options.backtests]
    options.out.write_text(model_card(backtests), encoding="utf-8")
    print(options.out)


if __name__ == "__main__":
    main()

"""Entry point of the command `habitue`."""

from __future__ import annotations

import logging
import os
import sys


def main() -> None:
    """Set what must be set before the numerical libraries load, then run the command line."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle OpenMP threads sleep instead of burning the cores
    # A transaction that the server asked to repeat is repeated; the driver would tell of it in the midst of ours.
    logging.getLogger("neo4j").addHandler(logging.NullHandler())
    from habitue.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

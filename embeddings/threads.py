"""What must be set before the numerical libraries load."""

from __future__ import annotations

import os
import sys


def let_idle_threads_sleep() -> bool:
    """Have idle OpenMP threads sleep instead of burning the cores, where nobody chose otherwise.

    OpenMP's runtime reads `OMP_WAIT_POLICY` once, when torch loads: an entry point (the command line, a benchmark, a
    script) calls this before anything imports torch. With other work on the cores it matters tenfold: at the end of
    each parallel region a thread that spins holds a core that the one still working would need.

    Returns:
        Whether it will have an effect: torch is not loaded yet, or the policy had been chosen before.
    """
    early = "torch" not in sys.modules or "OMP_WAIT_POLICY" in os.environ
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return early

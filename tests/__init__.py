"""Tests mirror the rooms."""

import os

# Before torch loads, as the command's entry point does: threads that spin while they wait make small steps twenty
# times slower on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

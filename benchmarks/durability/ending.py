"""How the programs of this folder end."""

from __future__ import annotations

import time
from collections.abc import Sized


def ended(faults: Sized, began: float) -> None:
    """Say how long it took since `began` (s, monotonic); ends the process with 1 if there are faults."""
    print(f"took {time.monotonic() - began:.0f} s")
    if faults:
        raise SystemExit(1)

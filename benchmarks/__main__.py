"""
All measurements: `make bench`, or `python -m benchmarks [SECONDS]` for longer or shorter ones.
"""

from __future__ import annotations

import sys

from benchmarks import formats, spine

spine.main(*map(float, sys.argv[1:]))
print()
formats.main()

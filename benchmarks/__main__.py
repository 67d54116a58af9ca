"""
All measurements: `make bench`, or `python -m benchmarks [SECONDS]` for longer or shorter ones.
"""

from __future__ import annotations

import sys

from benchmarks import formats, front, spine

seconds = float(sys.argv[1]) if sys.argv[1:] else 10.0
spine.main(seconds)
print()
front.main(seconds)
print()
formats.main()

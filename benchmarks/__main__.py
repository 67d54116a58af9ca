"""
All measurements: `make bench`, or `python -m benchmarks [SECONDS] [--full]` for longer or shorter ones, and larger sizes.
"""

from __future__ import annotations

import argparse

from twisted.trial.unittest import SkipTest

from benchmarks import formats, front, livepage, scale, spine

parser = argparse.ArgumentParser(prog="python -m benchmarks")
parser.add_argument("seconds", nargs="?", type=float, default=10.0, help="for each load")
parser.add_argument("--full", action="store_true", help="10,000 connections, ten million positions, 1,000 sockets")
said = parser.parse_args()
spine.main(said.seconds)
print()
front.main(said.seconds)
scale.Scale(said.seconds / 2, said.full).run([])
print()
formats.main()
print()
try:
    livepage.main()
except SkipTest as skipped:
    print(skipped)

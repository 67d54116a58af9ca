"""
Many damaged frames to every format: `make fuzz`.

    python -m tests.wire.fuzz                         all formats, 20,000 frames each
    python -m tests.wire.fuzz gt06 h02 --count 1000
    python -m tests.wire.fuzz gt06 --seed 7           other frames; the same seed gives the same frames

Whole frames are those of the recordings, if they are there, and of the formats' tests. None of the damaged ones may
lead to an error that is not on the short list, to something that cannot be stored, or to a loop; none of up to 16 KiB
may take more than 5 ms, none may hold much memory, and when all are over the memory is what it was.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import tracemalloc
from collections.abc import Sequence
from functools import _lru_cache_wrapper
from random import Random
from types import FrameType

from tests.conformance import vectors
from tests.conformance.vectors import Conversation
from tests.wire import damage, seeds
from tests.wire.victim import Blow, Victim
from trackd.wire import catalog
from trackd.wire.format import WireFormat

COUNT = 20_000  # frames of a format
WARM = 0.1  # of them after which caches and tables are what they will be
PEAK = 4 << 20  # bytes that are held while a frame is read
LEFT = 1 << 18  # bytes that stay when all are over
WATCH = 20.0  # s after which something is endless that is not made of lines of Python
AGAIN = 5  # measurements of what seems to be the slowest
SHOWN = 20  # complaints of a format


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.wire.fuzz", description=__doc__.split("\n")[1])
    parser.add_argument("formats", nargs="*", help="names of formats; all that are installed by default")
    parser.add_argument("-n", "--count", type=int, default=COUNT, help="damaged frames of each")
    parser.add_argument("-s", "--seed", default="", help="other frames")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGALRM, endless)
    names = options.formats or catalog.names()
    others = strangers(sorted({*names, *vectors.formats()}))
    print(f"{'format':16}{'seeds':>7}{'frames':>9}{'refused':>9}{'lines':>8}{'ms':>7}{'peak KiB':>10}{'left KiB':>10}")
    bad = [run(catalog.load(name), seeds.of(name), others, options.count, options.seed) for name in names]
    return max(bad, default=0)


def strangers(names: Sequence[str]) -> list[bytes]:
    """A few frames of each of these formats."""
    random = Random("strangers")
    found = []
    for name in names:
        steps = [step for conversation in seeds.recorded(name) for step in conversation.steps]
        for step in random.sample(steps, min(len(steps), 3)):
            found += [data for data in (step.wire, step.frame) if data]
    return [*found, *OTHERS]


OTHERS = (
    b"",
    b"\0" * 64,
    b"\xff" * 64,
    b"$GPRMC,,V,,,,,,,,,,N*53\r\n",
    b"{}",
    b"[]",
    b"null",
    b"GET / HTTP/1.1\r\n\r\n",
)


def run(
    format: WireFormat, conversations: Sequence[Conversation], others: Sequence[bytes], count: int, seed: str = ""
) -> int:
    """Strike a format so many times and print how it fared; 1 if something went wrong."""
    if not conversations:
        print(f"{format.name:16}  nothing is known that is said in it: neither recordings nor tests")
        return 1
    first, second = (Victim(format, conversations, Random(f"{format.name} {seed}"), others) for _ in range(2))
    bad: set[int] = set()
    peak, left = strike(first, count, bad)
    slowest = measure(second, count, bad)
    print(
        f"{format.name:16}{len(conversations):7}{count:9}{first.bad:9}{first.most:8}{slowest * 1000:7.2f}"
        f"{peak / 1024:10.0f}{left / 1024:10.0f}",
        flush=True,
    )
    if left > LEFT:
        print("    more memory is in use than before")
    return int(bool(bad) or left > LEFT)


def strike(victim: Victim, count: int, bad: set[int]) -> tuple[int, int]:
    """Damaged frames; tells what went wrong. Bytes that were held for one of them, and that stay."""
    most = 0
    for number in range(count):
        if number == int(count * WARM):
            clear()
            tracemalloc.start()
        blow = victim.blow()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        with Watch():
            complaint = victim.strike(blow)
        _, peak = tracemalloc.get_traced_memory()
        most = max(most, peak - before)
        if complaint is None and peak - before > PEAK:
            complaint = f"{peak - before} bytes are held"
        if complaint is not None:
            complain(victim, number, complaint, blow, bad)
        del blow, complaint
    clear()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, left


def clear() -> None:
    """Forget what may be forgotten: what is left is kept for good. A cache without an end is not for forgetting."""
    for one in gc.get_objects():
        if isinstance(one, _lru_cache_wrapper) and one.cache_parameters()["maxsize"] is not None:
            one.cache_clear()
    gc.collect()


def measure(victim: Victim, count: int, bad: set[int]) -> float:
    """The same frames again, with nothing but a clock; how long the slowest took, in seconds."""
    slowest = 0.0
    for number in range(count):
        blow = victim.blow()
        if number in bad:
            continue
        with Watch():
            seconds, slow = victim.timed(blow)
            if seconds > slowest:  # perhaps the machine was busy
                seconds = min(seconds, *(victim.timed(blow)[0] for _ in range(AGAIN)))
        slowest = max(slowest, seconds)
        if slow:
            complain(victim, number, f"{seconds * 1000:.1f} ms", blow, bad)
    return slowest


def complain(victim: Victim, number: int, complaint: str, blow: Blow, bad: set[int]) -> None:
    if len(bad) < SHOWN:
        print(f"{victim.format.name} {number}: {complaint}: {blow}", flush=True)
    bad.add(number)


class Watch:
    """Within this, time is limited, also for what is not made of lines of Python."""

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, WATCH)

    def __exit__(self, *why: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


def endless(number: int, frame: FrameType | None) -> None:
    raise damage.Endless(f"{WATCH:g} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

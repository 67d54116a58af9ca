"""
Figures of what happens: how they are counted, and the text in which Prometheus reads them (format 0.0.4).

The text is so simple that a library would be more code here than it saves: the usual one keeps a registry of its own
for the whole process, and counters with locks, where plain integers will do at the places where things happen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from attrs import Factory, define, frozen

TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"

# Upper bounds, in seconds.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@define(eq=False)
class Histogram:
    """How often a value was at most as large as each of the bounds, which rise."""

    bounds: Sequence[float] = SECONDS
    counts: list[int] = Factory(lambda self: [0] * (len(self.bounds) + 1), takes_self=True)  # the last: larger ones
    total: float = 0.0  # of all values

    def add(self, value: float, times: int = 1) -> None:
        """This value has occurred, so many times; a negative one, as of a clock that was set back, is 0."""
        value = max(0.0, value)
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


Labels = Mapping[str, str]
Value = float | Histogram


@frozen
class Figure:
    """A figure with its values, by labels. `name` ends in its unit, and that of a counter in `_total`."""

    name: str
    kind: str
    meaning: str
    values: Sequence[tuple[Labels, Value]]


def counter(name: str, meaning: str, value: float) -> Figure:
    """What only grows, and has no labels."""
    return Figure(name, COUNTER, meaning, [({}, value)])


def gauge(name: str, meaning: str, value: float) -> Figure:
    """What is so at the moment, and has no labels."""
    return Figure(name, GAUGE, meaning, [({}, value)])


def exposition(figures: Iterable[Figure]) -> bytes:
    """The text of these figures."""
    lines: list[str] = []
    for figure in figures:
        meaning = figure.meaning.replace("\\", r"\\").replace("\n", r"\n")
        lines += [f"# HELP {figure.name} {meaning}", f"# TYPE {figure.name} {figure.kind}"]
        for labels, value in figure.values:
            if isinstance(value, Histogram):
                lines += _of_histogram(figure.name, labels, value)
            else:
                lines.append(f"{figure.name}{_braced(labels)} {_number(value)}")
    return "".join(f"{line}\n" for line in lines).encode()


def _of_histogram(name: str, labels: Labels, histogram: Histogram) -> Iterable[str]:
    below = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        below += count
        yield f"{name}_bucket{_braced({**labels, 'le': _number(bound)})} {below}"
    yield f"{name}_sum{_braced(labels)} {_number(histogram.total)}"
    yield f"{name}_count{_braced(labels)} {below}"


def _braced(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return "+Inf" if value == float("inf") else str(int(value)) if value == int(value) else repr(value)

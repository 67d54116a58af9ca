"""A strict reader of Prometheus' text (format 0.0.4): what is not exactly as it should be is a ValueError."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import Factory, define

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? ([+-]?(?:[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|Inf|NaN))")
MEANING = re.compile(rf"# HELP ({NAME}) ((?:[^\\\n]|\\[\\n])+)")
KIND = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
SUFFIXES = ("_bucket", "_sum", "_count")

Labels = tuple[tuple[str, str], ...]


@define
class Family:
    """All series of one name, by the name of the sample and its labels."""

    name: str
    meaning: str
    kind: str
    samples: dict[tuple[str, Labels], float] = Factory(dict)


def read(text: bytes) -> dict[str, Family]:
    """The families by their names."""
    if not text.endswith(b"\n"):
        raise ValueError("the last line does not end")
    families: dict[str, Family] = {}
    family: Family | None = None
    lines = iter(text.decode().split("\n")[:-1])
    for line in lines:
        if line.startswith("#"):
            family = _begun(line, next(lines, ""))
            if family.name in families:
                raise ValueError(f"{family.name} comes twice")
            families[family.name] = family
            continue
        found = SAMPLE.fullmatch(line)
        if found is None or family is None:
            raise ValueError(f"no sample: {line}")
        name, labels = found[1], tuple(_labels(found[2]))
        if name != family.name and (family.kind != "histogram" or name.removeprefix(family.name) not in SUFFIXES):
            raise ValueError(f"{name} among those of {family.name}")
        if (name, tuple(sorted(labels))) in family.samples:
            raise ValueError(f"doubled: {line}")
        family.samples[name, tuple(sorted(labels))] = float(found[3])
    for family in families.values():
        _check(family)
    return families


def _begun(meaning: str, kind: str) -> Family:
    said, typed = MEANING.fullmatch(meaning), KIND.fullmatch(kind)
    if said is None or typed is None or said[1] != typed[1]:
        raise ValueError(f"no beginning: {meaning} / {kind}")
    return Family(said[1], said[2], typed[2])


def _labels(text: str | None) -> Iterator[tuple[str, str]]:
    at, names = 0, set()
    while text is not None and at < len(text):
        found = LABEL.match(text, at)
        if found is None or found[1] in names:
            raise ValueError(f"no labels: {text}")
        names.add(found[1])
        yield found[1], found[2]
        at = found.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                raise ValueError(f"no labels: {text}")
            at += 1
    if text == "":
        raise ValueError("empty braces")


def _check(family: Family) -> None:
    if family.kind == "counter" and any(value < 0 for value in family.samples.values()):
        raise ValueError(f"{family.name} is negative")
    if family.kind != "histogram":
        return
    series: dict[Labels, list[tuple[float, float]]] = {}
    for (name, labels), value in family.samples.items():
        if name.endswith("_bucket"):
            le = dict(labels)["le"]
            rest = tuple(label for label in labels if label[0] != "le")
            series.setdefault(rest, []).append((float(le), value))
    others = {labels for (name, labels) in family.samples if not name.endswith("_bucket")}
    if others != series.keys():
        raise ValueError(f"{family.name} is not whole")
    for labels, buckets in series.items():
        bounds, counts = [bound for bound, _ in buckets], [count for _, count in buckets]
        if bounds != sorted(set(bounds)) or bounds[-1] != float("inf") or counts != sorted(counts):
            raise ValueError(f"{family.name}: its buckets do not rise")
        if family.samples[f"{family.name}_count", labels] != counts[-1]:
            raise ValueError(f"{family.name}: the largest bucket has not all")
        if family.samples.get((f"{family.name}_sum", labels), -1.0) < 0:
            raise ValueError(f"{family.name} has no sum")

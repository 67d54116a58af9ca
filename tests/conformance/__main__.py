"""
Which formats agree with the recordings.

    python -m tests.conformance                  a table of all formats that are installed
    python -m tests.conformance gt06 h02         of these
    python -m tests.conformance --service        against a running service, over real sockets, as well
    python -m tests.conformance gt06 -v          with every difference
    python -m tests.conformance gt06 -v 003      of the recordings whose name ends so
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.logger import globalLogBeginner

from tests import postgres
from tests.conformance import replay, service, vectors
from trackd.wire import catalog
from trackd.wire.format import WireFormat

Failures = Mapping[str, Mapping[str, list[str]]]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.split("\n")[1])
    parser.add_argument("formats", nargs="*", help="names of formats; all that are installed and recorded by default")
    parser.add_argument("-s", "--service", action="store_true", help="play to a running service as well")
    parser.add_argument("-v", "--verbose", nargs="?", const="", metavar="ID", help="show every difference")
    parser.add_argument("-m", "--mode", choices=[*replay.MODES, "commands"], help="look at one way of playing only")
    options = parser.parse_args(arguments)
    if not vectors.available():
        print(vectors.MISSING)
        return 2
    installed, recorded = catalog.names(), vectors.formats()
    names = options.formats or [name for name in installed if name in recorded]
    if not names:
        print("no installed format has recordings")
    more = f"{'served':>10}{'failed':>8}{'left out':>10}" if options.service else ""
    print(f"{'format':16}{'talks':>6}{'sends':>6}{'passed':>8}{'failed':>8}{more}  reason")
    if options.service:
        globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)
        react(lambda reactor: Deferred.fromCoroutine(with_service(reactor, names, options)))
    return max([show(name, options) for name in names], default=0)


async def with_service(reactor: Any, names: Sequence[str], options: argparse.Namespace) -> None:
    """Play the recordings of each format to a service too; ends the process."""
    dsn = await postgres.server.fresh()
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            served = None
            if name in vectors.formats() and isinstance(format := loaded(name), WireFormat):
                database = postgres.pool(dsn)
                conversations, _ = vectors.load(name)
                served = await service.check(reactor, database, format, conversations, Path(folder) / name)
                await database.stop()
            worst = max(worst, show(name, options, served))
    raise SystemExit(worst)


def loaded(name: str) -> WireFormat | Exception:
    """The format, or why it cannot be imported."""
    try:
        return catalog.load(name)
    except Exception as error:
        return error


def show(name: str, options: argparse.Namespace, served: service.Outcome | None = None) -> int:
    """Print the line of a format; 1 if something differs."""
    if name not in vectors.formats():
        print(f"{name:16}  no recordings")
        return 0
    format = loaded(name)
    if isinstance(format, Exception):
        print(f"{name:16}  cannot be imported: {format!r}")
        return 1
    conversations, commands = vectors.load(name)
    outcome = replay.check(format, conversations, commands)
    failed = len(outcome.failed)
    total = outcome.conversations + outcome.commands
    line = f"{name:16}{outcome.conversations:6}{outcome.commands:6}{total - failed:8}{failed:8}"
    reasons = _counted(outcome.failures)
    if served is not None:
        not_served = len(served.failed | served.left_out.keys())
        line += f"{served.conversations - not_served:10}{len(served.failed):8}{len(served.left_out):10}"
        reasons += [f"{reason} over sockets" for reason in _counted(served.failures)]
        reasons += [f"{len(served.logged)} errors logged"] if served.logged else []
    print(f"{line}  {', '.join(reasons)}", flush=True)
    if options.verbose is not None:
        sent = {one.id: _sent(one) for one in conversations} | {one.id: [repr(one)] for one in commands}
        _show(outcome.failures, sent, options.verbose, options.mode)
        if served is not None:
            _show(served.failures, sent, options.verbose, options.mode, " over sockets")
            print("".join(f"  left out {id}: {why}\n" for id, why in served.left_out.items()), end="")
            print("".join(f"  logged: {text}\n" for text in served.logged), end="")
    return int(bool(reasons))


def _counted(failures: Failures) -> list[str]:
    return [f"{len(ids)} {mode}" for mode, ids in failures.items() if ids]


def _sent(conversation: vectors.Conversation) -> list[str]:
    """What was recorded, for a reader."""
    lines = [f"model {conversation.model}, settings {conversation.settings}, session {conversation.session}"]
    for number, step in enumerate(conversation.steps):
        frame = step.text or (step.frame or step.answer or step.wire or b"").hex()
        lines.append(f"step {number}: {step.http or frame!r:.600}")
    return lines


def _show(failures: Failures, sent: Mapping[str, list[str]], ending: str, only: str | None, where: str = "") -> None:
    for mode, ids in failures.items():
        for id, differences in ids.items():
            if id.endswith(ending) and only in (None, mode):
                print(f"  {mode}{where} {id}")
                for line in [line for one in id.split(" + ") for line in sent[one]]:
                    print(f"    {line}")
                for difference in differences:
                    print(f"      {difference}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

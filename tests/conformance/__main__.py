"""
Which formats agree with the recordings.

    python -m tests.conformance                  a table of all formats that are installed
    python -m tests.conformance gt06 h02         of these
    python -m tests.conformance gt06 -v          with every difference
    python -m tests.conformance gt06 -v 003      of the recordings whose name ends so
"""

from __future__ import annotations

import argparse
import sys

from tests.conformance import replay, vectors
from trackd.wire import catalog


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.split("\n")[1])
    parser.add_argument("formats", nargs="*", help="names of formats; all that are installed and recorded by default")
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
    bad = 0
    print(f"{'format':16}{'talks':>6}{'sends':>6}{'passed':>8}{'failed':>8}  reason")
    for name in names:
        if name not in recorded:
            print(f"{name:16}  no recordings")
            continue
        try:
            format = catalog.load(name)
        except Exception as error:
            print(f"{name:16}  cannot be imported: {error!r}")
            bad += 1
            continue
        conversations, commands = vectors.load(name)
        outcome = replay.check(format, conversations, commands)
        failed = len(outcome.failed)
        bad += bool(failed)
        total = outcome.conversations + outcome.commands
        modes = ", ".join(f"{len(ids)} {mode}" for mode, ids in outcome.failures.items() if ids)
        print(
            f"{name:16}{outcome.conversations:6}{outcome.commands:6}{total - failed:8}{failed:8}  {modes}", flush=True
        )
        if options.verbose is not None:
            sent = {one.id: _sent(one) for one in conversations} | {one.id: [repr(one)] for one in commands}
            _show(outcome, sent, options.verbose, options.mode)
    return 1 if bad else 0


def _sent(conversation: vectors.Conversation) -> list[str]:
    """What was recorded, for a reader."""
    lines = [f"model {conversation.model}, settings {conversation.settings}, session {conversation.session}"]
    for number, step in enumerate(conversation.steps):
        frame = step.text or (step.frame or step.answer or step.wire or b"").hex()
        lines.append(f"step {number}: {step.http or frame!r:.600}")
    return lines


def _show(outcome: replay.Outcome, sent: dict[str, list[str]], ending: str, only: str | None) -> None:
    for mode, ids in outcome.failures.items():
        for id, differences in ids.items():
            if id.endswith(ending) and only in (None, mode):
                print(f"  {mode} {id}")
                for line in sent[id]:
                    print(f"    {line}")
                for difference in differences:
                    print(f"      {difference}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

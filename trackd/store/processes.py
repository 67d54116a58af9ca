"""
Runs a program to its end on the reactor, as another user if need be.

`twisted.internet.utils` has the same without the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
LONGEST_OUTPUT = 65536  # bytes that are kept


@define
class Ended:
    """How a program ended: whether it succeeded, and what it wrote on both of its outputs."""

    good: bool
    said: str


def ran(
    reactor: Any,
    args: Sequence[str],
    *,
    folder: str = "/",
    user: tuple[int, int] | None = None,
    given: bytes = b"",
    environment: Mapping[str, str] = ENVIRONMENT,
) -> Deferred[Ended]:
    """Run `args[0]` in `folder`, as `user` (its id and that of its group), with `given` as its input."""
    program = _Program(given)
    uid, gid = user or (None, None)
    reactor.spawnProcess(program, args[0], list(args), dict(environment), folder, uid, gid)
    return program.ended


@define(eq=False)
class _Program(ProcessProtocol):
    given: bytes
    ended: Deferred[Ended] = field(factory=Deferred, init=False)
    _said: bytes = field(default=b"", init=False)

    def connectionMade(self) -> None:
        assert self.transport is not None
        if self.given:
            self.transport.write(self.given)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self._said = (self._said + data)[-LONGEST_OUTPUT:]

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        said = self._said.decode("utf-8", "replace").strip()
        self.ended.callback(Ended(reason.check(ProcessDone) is not None, said))

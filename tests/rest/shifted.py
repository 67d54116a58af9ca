"""A reactor whose clock can be put forward."""

from __future__ import annotations

from typing import Any


class Shifted:
    """The reactor of the test run, `offset` seconds ahead; calls that it was asked for can be cancelled at the end."""

    def __init__(self, reactor: Any) -> None:
        self.offset = 0.0
        self._reactor = reactor
        self._calls: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def seconds(self) -> float:
        return float(self._reactor.seconds()) + self.offset

    def callLater(self, delay: float, work: Any, *args: Any, **more: Any) -> Any:
        call = self._reactor.callLater(delay, work, *args, **more)
        self._calls.append(call)
        return call

    def cancel_all(self) -> None:
        """What a process would take with it when it ends."""
        for call in self._calls:
            if call.active():
                call.cancel()

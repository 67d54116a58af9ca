"""What an administrator can have the machine do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trackd.people.errors import Invalid
from trackd.rest.services import Machine
from trackd.track.media import Media
from trackd.web.machine import REBOOT, machine


@define(eq=False)
class Reactor:
    """A clock that can be told to stop, and what is to happen then."""

    clock: Clock = Factory(Clock)
    told: list[Any] = Factory(list)

    def callLater(self, seconds: float, work: Any) -> Any:
        return self.clock.callLater(seconds, work)

    def addSystemEventTrigger(self, phase: str, event: str, work: Any, *args: Any) -> None:
        self.told.append((phase, event, work, *args))

    def stop(self) -> None:
        self.told.append("stop")


def leave(status: int) -> None:
    raise AssertionError("the process would end here")


class MachineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.folder = Path(self.mktemp())

    def made(self, **said: Path | None) -> Machine:
        settings: Any = {"web.path": said.get("path"), "web.override": said.get("override")}
        return machine(
            self.reactor,
            settings,
            Media(self.folder, execute),
            execute,
            lambda: "told",
            leave,
        )

    def test_reboot(self) -> None:
        """The reactor is stopped once, after the answer; then the process ends with a status of its own."""
        made = self.made()
        made.reboot()
        made.reboot()
        after = ("after", "shutdown", leave, REBOOT)
        self.assertEqual([after], self.reactor.told)
        self.reactor.clock.advance(0)
        self.assertEqual([after, "stop"], self.reactor.told)

    def test_where(self) -> None:
        """Files go to the folder of those that go before the web client's, if there is one, else among the client's."""
        over, client = self.folder / "over", self.folder / "client"
        for made, folder in ((self.made(path=client, override=over), over), (self.made(path=client), client)):
            self.successResultOf(Deferred.fromCoroutine(made.keep_file("a.txt", b"x")))  # type: ignore[arg-type]
            self.assertEqual(b"x", (folder / "a.txt").read_bytes())
        self.assertEqual(
            ["client/a.txt", "over/a.txt"], sorted(f"{p.parent.name}/{p.name}" for p in self.folder.rglob("*.txt"))
        )
        failure = self.failureResultOf(Deferred.fromCoroutine(self.made().keep_file("a.txt", b"x")))  # type: ignore[arg-type]
        failure.trap(Invalid)

    def test_zone(self) -> None:
        """A zone by its name, that of the machine without one, UTC for what is none."""
        zone = self.made().zone
        self.assertEqual("Europe/Berlin", str(zone("Europe/Berlin")))
        self.assertIsNotNone(zone(""))
        for name in ("Nowhere", "../../etc/passwd", "/etc/passwd", "Europe", "\0", "x" * 5000):
            self.assertEqual("UTC", str(zone(name)), name)

"""The recorded exchanges, replayed against a whole house on ports of its own, as far as its routes go."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from autobahn.twisted.websocket import connectWS
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from benchmarks.server import free_ports
from plugins.rest.traccar.traccar import dialect
from tests.postgres import EmptyDatabaseTestCase
from tests.rest.built import Built
from tests.rest.client import Client
from tests.rest.differences import KNOWN, NOT_REPLAYED
from tests.rest.replay import Replay, encoded
from tests.rest.shifted import Shifted
from tests.rest.sockets import Socket
from tests.rest.vectors import FOLDER, Scenario, Variables, scenarios
from trackd.people import codes
from trackd.settings import SettingsError, load
from trackd.store.database import Database
from trackd.tap import build
from trackd.wire import catalog

# Seconds for which a message of a socket is waited for: long for this machine, short where silence is expected.
LONGEST_WAIT = 0.5
# Seconds until the listeners have taken over what a client has changed.
TAKEN_OVER = 0.1


class ScenarioTests(EmptyDatabaseTestCase):
    """One test for each scenario: a fresh database, the administrator, and the steps in their order."""

    migrated = True
    scenario: Scenario
    timeout = 90

    async def setUp(self) -> None:  # type: ignore[override]
        from twisted.internet import reactor

        if not FOLDER.is_dir():
            raise SkipTest(f"the recordings are not there: {FOLDER}")
        if reason := NOT_REPLAYED.get(self.scenario["id"]):
            raise SkipTest(reason)
        await super().setUp()
        self.folder = Path(mkdtemp(prefix="trackd-rest-"))
        self.addCleanup(rmtree, self.folder)
        self.reactor: Any = Shifted(reactor)
        self.client = Client(self.reactor)
        self.sockets: list[Socket] = []
        web, self.device_port, self.stream_port = free_ports(3)
        self.devices: dict[str, Stream] = {}
        self.base = f"http://127.0.0.1:{web}"
        said = {
            "protocols.enable": "osmand,watch",
            "osmand.port": str(self.device_port),
            "watch.port": str(self.stream_port),
            "web.port": str(web),
        }
        said |= {"osmand.address": "127.0.0.1", "web.address": "127.0.0.1"}
        try:
            settings = load([], said | self.scenario.get("settings", {}), catalog, data=self.folder)
        except SettingsError as error:
            raise SkipTest(f"settings: {error}") from None
        self.house = build(self.reactor, settings, Database(self.reactor, self.dsn))
        await self.house.start()
        if self.scenario.get("state") != "empty":
            people = self.house.people
            hash = await people.services.entrance.passwords.hash("admin")
            await people.users.create_first("admin", "admin@example.org", hash)

    async def tearDown(self) -> None:  # type: ignore[override]
        if hasattr(self, "house"):
            for device in self.devices.values():
                await device.hang_up()
            for socket in self.sockets:
                if not socket.closed:
                    socket.socket.transport.abortConnection()
                    await socket.finished
            await self.house.stop()
            await self.house.database.stop()
            self.reactor.cancel_all()
        await super().tearDown()

    # What a replay needs of its target

    async def pause(self, seconds: float) -> None:
        if seconds >= 1:
            self.reactor.offset += seconds
        else:
            await deferLater(self.reactor, seconds)

    async def report(self, step: Mapping[str, Any]) -> tuple[int | None, str]:
        await self.pause(TAKEN_OVER)
        if step["format"] == "watch":
            return None, await self.spoken(step)
        url = f"http://127.0.0.1:{self.device_port}/?{encoded(step['query'])}"
        try:
            answer = await self.client.request("GET", url)
        except (ResponseFailed, ResponseNeverReceived):
            return None, ""
        return answer.status, answer.text

    async def spoken(self, step: Mapping[str, Any]) -> str:
        """What a device on TCP hears after what it says, if it says anything, or until it hangs up."""
        name = step["connection"]
        if name not in self.devices:
            endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", self.stream_port)
            self.devices[name] = await connectProtocol(endpoint, Stream())
        device = self.devices[name]
        if step.get("close"):
            del self.devices[name]
            await device.hang_up()
            return ""
        device.transport.write(step.get("send", "").encode())
        await self.wait_for(lambda: bool(device.data), LONGEST_WAIT)
        return device.taken()

    async def socket(self, query: str, headers: Mapping[str, str]) -> Socket:
        url = f"ws{self.base.removeprefix('http')}/api/socket" + (f"?{query}" if query else "")
        socket = Socket(self.reactor, url, dict(headers))
        self.sockets.append(socket)
        connectWS(socket)
        await socket.connected
        return socket

    async def wait_for(self, condition: Callable[[], bool], seconds: float) -> None:
        for _ in range(int(min(seconds, LONGEST_WAIT) * 100)):
            if condition():
                return
            await deferLater(self.reactor, 0.01)

    async def replayed(self) -> None:
        now = self.house.people.services.now
        variables = Variables(now().replace(microsecond=0), lambda key: codes.code(key, now().timestamp()))
        built = Built(dialect, ["/socket", f"/{dialect.media}/"])
        outcome = await Replay(self.scenario, self, self.client, built, variables, KNOWN).run()
        if os.environ.get("SCENARIOS"):
            print(outcome)
        self.assertEqual([], outcome.failures, "\n" + "\n".join(outcome.failures))
        if outcome.doubtful:
            raise SkipTest(f"after {outcome.done} requests not built: {outcome.doubtful}")


class Stream(Protocol):
    """A device on TCP."""

    transport: Any

    def __init__(self) -> None:
        self.data = b""
        self._gone: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def taken(self) -> str:
        """The first frame that has come and was not taken yet, or what has come of it."""
        frame, end, self.data = self.data.partition(b"]")
        return (frame + end).decode()

    def hang_up(self) -> Deferred[None]:
        """Fires when the connection is closed."""
        self.transport.loseConnection()
        return self._gone

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._gone.callback(None)


def add_tests() -> None:
    """A test case for each scenario."""
    for scenario in scenarios():

        def test(self: ScenarioTests) -> Any:
            return self.replayed()

        name = scenario["id"].replace("-", "_")
        globals()[f"Scenario_{name}"] = type(
            f"Scenario_{name}", (ScenarioTests,), {"scenario": scenario, f"test_{name}": test}
        )


add_tests()

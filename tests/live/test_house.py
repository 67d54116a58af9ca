"""Live sockets of a whole house: real connections, a real database, reports of a device."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import time
from typing import Any

from attrs import evolve
from autobahn.twisted.websocket import connectWS
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.ports import free_port
from tests.rest.client import Client, Response
from tests.rest.sockets import Socket
from tests.store.samples import position
from tests.whole import WholeHouseTestCase
from trackd.live.news import News
from trackd.rest.output import dumps

# Seconds for which a change or a message is waited for, if it does not come.
PATIENCE = 10.0
START = int(time()) - 86_400  # s since 1970
SERVICE = "the-token-of-the-service"


class HouseTestCase(WholeHouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.devices = free_port()
        said = {"protocols.enable": "osmand", "osmand.port": str(self.devices)}
        await self.open_house({**said, "web.serviceAccountToken": SERVICE})
        self.client = Client(self.reactor)
        self.opened: list[Socket] = []
        self.ids: dict[str, int] = {}
        self.sessions: dict[str, str] = {}
        for name, values in (("admin", {"administrator": True}), ("ann", {}), ("bob", {})):
            row = {"name": name, "email": f"{name}@example.org", "device_limit": -1} | values
            self.ids[name] = (await self.house.people.users.insert(row)).id
            self.sessions[name] = await self.house.people.sessions.open(self.ids[name])

    async def tearDown(self) -> None:  # type: ignore[override]
        for socket in self.opened:
            if not socket.closed:
                socket.socket.transport.abortConnection()
                await socket.finished
        await super().tearDown()

    async def call(self, method: str, path: str, json: Any = None, name: str = "admin") -> Response:
        headers = {"Cookie": f"JSESSIONID={self.sessions[name]}", "Content-Type": "application/json"}
        body = dumps(json) if json is not None else None
        answer = await self.client.request(method, f"http://{self.host}/api{path}", headers, body)
        self.assertLess(answer.status, 300, f"{method} {path}: {answer.text}")
        return answer

    async def device(self, unique_id: str, **values: Any) -> int:
        made = await self.call("POST", "/devices", {"name": unique_id, "uniqueId": unique_id, **values})
        return int(made.value["id"])

    async def group(self, **values: Any) -> int:
        return int((await self.call("POST", "/groups", {"name": "g", **values})).value["id"])

    async def link(self, name: str, member: str, id: int, method: str = "POST") -> None:
        await self.call(method, "/permissions", {"userId": self.ids[name], member: id})

    async def report(self, unique_id: str, second: int | None = None) -> None:
        """A report of a device; `second`: of a day that is over, otherwise it is of now."""
        url = f"http://127.0.0.1:{self.devices}/?id={unique_id}&lat=1&lon=2"
        if second is not None:
            url += f"&timestamp={START + second}"
        self.assertEqual((await self.client.request("POST", url)).status, 200)

    async def knock(self, query: str = "", headers: dict[str, str] | None = None) -> int:
        """The status of who wants to open a socket."""
        return await self.client.upgrade(f"http://{self.host}/api/socket{query}", headers or {})

    async def listener(self, name: str) -> Socket:
        """A socket that has read its first message."""
        return await self.open("", {"Cookie": f"JSESSIONID={self.sessions[name]}"})

    async def open(self, query: str, headers: dict[str, str]) -> Socket:
        """The same, however it is opened."""
        socket = Socket(self.reactor, f"ws://{self.host}/api/socket{query}", headers)
        self.opened.append(socket)
        connectWS(socket)
        self.assertEqual(await socket.connected, 101)
        await self.until(lambda: bool(socket.messages))
        self.assertEqual(list(socket.messages[0]), ["positions"])
        return socket

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(int(PATIENCE * 100)):
            if condition():
                return
            await deferLater(self.reactor, 0.01)
        self.fail("what was waited for has not come")

    async def shown(self, device_id: int, seen: bool = True) -> None:
        """Wait until it is known of the only listener whether it sees the device."""
        await self.until(lambda: (device_id in self.house.hub.watched) is seen)


def heard(socket: Socket) -> list[int]:
    """The devices of which the socket has been told a position, after the first message."""
    return [position["deviceId"] for message in socket.messages[1:] for position in message.get("positions", [])]


class RightsTests(HouseTestCase):
    """What a socket hears changes with what its user may see, while it is open."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.always = await self.device("always")
        await self.link("ann", "deviceId", self.always)
        self.socket = await self.listener("ann")
        # The administrator made the devices, but does not listen.
        await self.shown(self.always)

    async def hears(self, *devices: tuple[str, int]) -> None:
        """These report, then one that is heard in any case; only what is heard of the former counts."""
        before = len(self.socket.messages)
        for unique_id, _ in devices:
            await self.report(unique_id)
        await self.report("always")
        await self.until(
            lambda: any(
                position["deviceId"] == self.always
                for message in self.socket.messages[before:]
                for position in message.get("positions", [])
            )
        )
        self.told = {id for message in self.socket.messages[before:] for id in ids_of(message)} - {self.always}

    async def test_link(self) -> None:
        """A device that is linked is heard, until it is unlinked."""
        van = await self.device("van")
        await self.hears(("van", van))
        self.assertEqual(self.told, set())
        await self.link("ann", "deviceId", van)
        await self.shown(van)
        await self.hears(("van", van))
        self.assertEqual(self.told, {van})
        await self.link("ann", "deviceId", van, "DELETE")
        await self.shown(van, False)
        await self.hears(("van", van))
        self.assertEqual(self.told, set())

    async def test_own(self) -> None:
        """A device that the user makes is heard."""
        made = await self.call("POST", "/devices", {"name": "own", "uniqueId": "own"}, "ann")
        await self.shown(made.value["id"])
        await self.hears(("own", made.value["id"]))
        self.assertEqual(self.told, {made.value["id"]})

    async def test_groups(self) -> None:
        """A device comes and goes with its group, and a group with the one above it."""
        top, low = await self.group(), await self.group()
        van = await self.device("van", groupId=low)
        body = {"id": van, "name": "van", "uniqueId": "van"}
        await self.link("ann", "groupId", top)
        for path, there, away in (
            (f"/groups/{low}", {"id": low, "name": "g", "groupId": top}, {"id": low, "name": "g"}),
            (f"/devices/{van}", body | {"groupId": top}, body | {"groupId": 0}),
        ):
            await self.call("PUT", path, there)
            await self.shown(van)
            await self.hears(("van", van))
            self.assertEqual(self.told, {van})
            await self.call("PUT", path, away)
            await self.shown(van, False)
            await self.hears(("van", van))
            self.assertEqual(self.told, set())

    async def test_group_deleted(self) -> None:
        """A group that is deleted lends nothing any more."""
        group = await self.group()
        van = await self.device("van", groupId=group)
        await self.link("ann", "groupId", group)
        await self.shown(van)
        await self.call("DELETE", f"/groups/{group}")
        await self.shown(van, False)
        await self.hears(("van", van))
        self.assertEqual(self.told, set())

    async def test_device_deleted(self) -> None:
        """Of a device that is deleted nothing is heard, nor of another that takes its id over."""
        van = await self.device("van")
        await self.link("ann", "deviceId", van)
        await self.shown(van)
        await self.call("DELETE", f"/devices/{van}")
        await self.shown(van, False)
        again = await self.device("van")
        await self.hears(("van", again))
        self.assertEqual(self.told, set())

    async def test_shut_out(self) -> None:
        """Who is disabled, is over his time or is deleted is closed at once, and can be told why; others go on."""
        bob = await self.bob()
        ann = {"id": self.ids["ann"], "name": "ann", "email": "ann@example.org", "deviceLimit": -1}
        path = f"/users/{self.ids['ann']}"
        for method, change in (
            ("PUT", ann | {"disabled": True}),
            ("PUT", ann | {"expirationTime": "2020-01-01T00:00:00Z"}),
            ("DELETE", None),
        ):
            await self.call("PUT", path, ann)
            socket = await self.listener("ann")
            await self.call(method, path, change)
            await socket.finished
            self.assertEqual(socket.socket.remoteCloseCode, 1008)
            self.assertEqual(await self.knock("", {"Cookie": f"JSESSIONID={self.sessions['ann']}"}), 401)
        await self.report("always")
        await self.until(lambda: bool(heard(bob)))

    async def test_revoked(self) -> None:
        """A socket that was opened by a token is closed when it is revoked; those that were opened otherwise stay."""
        token = await self.house.people.sessions.make_token(self.ids["ann"])
        socket = await self.open(f"?token={token}", {})
        await self.house.people.sessions.revoke(token)
        await socket.finished
        self.assertEqual(socket.socket.remoteCloseCode, 1008)
        await self.report("always")
        await self.until(lambda: heard(self.socket) == [self.always])

    async def bob(self) -> Socket:
        """Another listener, who sees the same device."""
        await self.link("bob", "deviceId", self.always)
        return await self.listener("bob")

    async def test_others(self) -> None:
        """The rights of one user change nothing for another."""
        bob = await self.bob()
        van = await self.device("van")
        await self.link("ann", "deviceId", self.always, "DELETE")
        await self.link("ann", "deviceId", van)
        await self.shown(van)
        await self.report("always")
        await self.until(lambda: bool(heard(bob)))
        self.assertEqual(heard(self.socket), [])


class WelcomeTests(HouseTestCase):
    """What comes first."""

    async def test_meanwhile(self) -> None:
        """
        Whoever opens a socket while a device reports is shown its latest position first, and then what is newer:
        in its order, nothing twice, and up to the last one.
        """
        van = await self.device("van")
        await self.link("ann", "deviceId", van)
        sockets = []
        for second in range(30):
            if second % 5 == 0:
                sockets.append(Deferred.fromCoroutine(self.listener("ann")))
            await self.report("van", second)
        for opening in sockets:
            socket = await opening
            await self.until(partial(self.told_all, socket))
            self.assertEqual(self.seconds(socket), sorted(set(self.seconds(socket))))

    async def test_long_ago(self) -> None:
        """What a socket begins with is the list of all latest positions: one that is too old for it is in neither."""
        for name, second in (("van", 0), ("wreck", -100 * 86_400)):
            await self.link("ann", "deviceId", await self.device(name))
            await self.report(name, second)
        listed = (await self.call("GET", "/positions", name="ann")).value
        self.assertEqual([0], self.seconds(socket := await self.listener("ann")))
        self.assertEqual({"positions": listed}, socket.messages[0])

    def told_all(self, socket: Socket) -> bool:
        return self.seconds(socket)[-1:] == [29]

    def seconds(self, socket: Socket) -> list[int]:
        """Of all positions that it has been told, in this order."""
        self.assertEqual(list(socket.messages[0]), ["positions"])
        told = [position["fixTime"] for message in socket.messages for position in message.get("positions", [])]
        return [int(datetime.fromisoformat(time).timestamp()) - START for time in told]


class SlowTests(HouseTestCase):
    """A client that does not read, on a real connection."""

    async def test_newest(self) -> None:
        """It holds up nobody, takes little memory, and hears the newest of each device when it reads again."""
        van, car = await self.device("van"), await self.device("car")
        for name in ("ann", "bob"):
            for device_id in (van, car):
                await self.link(name, "deviceId", device_id)
        slow, quick = await self.listener("ann"), await self.listener("bob")
        slow.socket.transport.pauseProducing()
        # More than the system keeps for a connection.
        rounds, weight = 1500, "x" * 16_384
        row = await position(self.db, van, attributes=f'{{"text":"{weight}"}}')
        for number in range(1, rounds + 1):
            one = evolve(row, id=number, device_id=car if number == 1 else van)
            self.house.hub.tell([News(one.device_id, None, [], [one])])
            await deferLater(self.reactor, 0)
        await self.until(lambda: len(heard(quick)) == rounds)
        standing = self.house.hub.standing()
        self.assertEqual(standing.behind, 1)
        self.assertLess(standing.bytes, self.house.hub.limits.queue + 2 * len(weight))
        slow.socket.transport.resumeProducing()
        await self.until(lambda: newest(slow) == rounds)
        self.assertLess(len(heard(slow)), rounds)
        self.assertEqual(set(heard(slow)), {van, car})


def newest(socket: Socket) -> int:
    """The number of the position that was heard last."""
    return max((one["id"] for message in socket.messages[1:] for one in message.get("positions", [])), default=0)


class DoorTests(HouseTestCase):
    """Who opens a socket, and from where."""

    async def test_origins(self) -> None:
        """A cookie opens a socket to pages of this host alone; what is in the address opens it to any page."""
        token = await self.house.people.sessions.make_token(self.ids["ann"])
        session = self.sessions["ann"]
        own, foreign = f"http://{self.host}", "https://elsewhere.example"
        cookie = {"Cookie": f"JSESSIONID={session}"}
        asked: list[tuple[str, dict[str, str], int]] = [
            ("", {}, 401),
            ("", cookie, 101),
            ("", cookie | {"Origin": own}, 101),
            ("", cookie | {"Origin": "http://127.0.0.1:1"}, 101),  # the port does not count
            ("", cookie | {"Origin": foreign}, 401),
            ("", cookie | {"Origin": "null"}, 401),
            ("", {"Authorization": f"Bearer {token}"}, 401),
            (f"?token={token}", {"Origin": foreign}, 101),
            (f"?session={session}", {"Origin": foreign}, 101),
            (f"?session={session}.node0", {"Origin": "null"}, 101),
            ("?session=nobody", {}, 401),
            ("?token=nobody", {}, 401),
            ("?token=nobody", cookie, 101),  # one that is good will do
            ("?token=nobody", cookie | {"Origin": foreign}, 401),
        ]
        for query, headers, status in asked:
            self.assertEqual(await self.knock(query, headers), status, f"{query} {headers}")

    async def test_no_page(self) -> None:
        """Pages of other hosts may read neither what is said at the door, nor files of devices."""
        for path, status in (("/api/socket", 405), ("/api/media/van/1.jpg", 401)):
            answer = await self.client.request(
                "GET", f"http://{self.host}{path}", {"Origin": "https://elsewhere.example"}
            )
            self.assertEqual(answer.status, status)
            self.assertEqual([name for name, _ in answer.headers.getAllRawHeaders() if b"Access-Control" in name], [])

    async def test_from_elsewhere(self) -> None:
        """A session that was opened from another page goes on there, and not on pages of this host."""
        elsewhere = "https://elsewhere.example"
        session = await self.house.people.sessions.open(self.ids["ann"], origin=elsewhere)
        cookie = {"Cookie": f"JSESSIONID={session}"}
        for origin, status in ((elsewhere, 101), (f"http://{self.host}", 401)):
            self.assertEqual(await self.knock("", cookie | {"Origin": origin}), status)

    async def test_logged_out(self) -> None:
        """A socket that is open outlives the session; a new one is not opened by it."""
        van = await self.device("van")
        await self.link("ann", "deviceId", van)
        socket = await self.listener("ann")
        await self.call("DELETE", "/session", name="ann")
        await self.report("van")
        await self.until(lambda: heard(socket) == [van])
        self.assertEqual(await self.knock("", {"Cookie": f"JSESSIONID={self.sessions['ann']}"}), 401)

    async def test_service(self) -> None:
        """The service account listens as well: nothing is linked to it, and it stays whatever changes."""
        socket = await self.open(f"?token={SERVICE}", {})
        self.assertEqual(socket.messages, [{"positions": []}])
        self.house.hub.rights_changed()
        await self.listener("ann")
        self.assertFalse(socket.closed)

    async def test_several(self) -> None:
        """All sockets of a user hear the same; one that closes with a code of its own takes none with it."""
        van = await self.device("van")
        await self.link("ann", "deviceId", van)
        first, second = await self.listener("ann"), await self.listener("ann")
        await self.report("van")
        await self.until(lambda: heard(first) == heard(second) == [van])
        first.socket.sendClose(4000)
        await first.finished
        await self.report("van")
        await self.until(lambda: len(heard(second)) == 2)
        self.assertEqual(len(heard(first)), 1)


def ids_of(message: dict[str, Any]) -> set[int]:
    """The devices that a message is about."""
    return {one["deviceId"] for one in message.get("positions", [])} | {one["id"] for one in message.get("devices", [])}

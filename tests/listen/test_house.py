"""The whole server on loopback, from a socket to the database, for what is neither a stream of frames nor a request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from tests.listen.test_mqtt import connect
from tests.postgres import DatabaseTestCase
from trackd import tap
from trackd.house import House
from trackd.settings import load
from trackd.wire import catalog, mqtt

HOST = "127.0.0.1"
ID = "123456789012345"


class HouseTestCase(DatabaseTestCase):
    reactor: Any

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for coroutines too
        from twisted.internet import reactor

        self.reactor = reactor
        await super().setUp()

    async def house(self, format: str, **said: Any) -> House:
        """A server for one format with these settings, on any free port."""
        given = {f"{format}.{name}": value for name, value in said.items()}
        settings = load(
            [], {"protocols.enable": format, "web.port": "0"} | given, catalog, data=Path(self.mktemp()).absolute()
        )
        house = tap.build(self.reactor, settings, self.db)
        house.listeners.listeners = tuple(
            evolve(listener, port=0, address=HOST) for listener in house.listeners.listeners
        )
        await house.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(house.stop()))
        return house

    async def device(self, unique_id: str) -> int:
        rows = await self.db.query(
            "INSERT INTO devices (name, unique_id) VALUES (%s, %s) RETURNING id", [unique_id, unique_id]
        )
        return int(rows[0][0])

    async def stored(self) -> list[Any]:
        return await self.db.query(
            "SELECT d.unique_id, p.protocol, p.valid, round(p.latitude::numeric, 3)::float, p.attributes"
            " FROM positions p JOIN devices d ON d.id = p.device_id ORDER BY p.id"
        )


class Ear(Protocol):
    """Hears what is said to it, until it is asked for so many bytes."""

    transport: Any

    def __init__(self) -> None:
        self.heard = b""
        self._size = 0
        self._waiting: Deferred[bytes] | None = None

    def hears(self, size: int) -> Deferred[bytes]:
        heard: Deferred[bytes] = Deferred()
        self._size, self._waiting = size, heard
        self._look()
        return heard

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        self._look()

    def _look(self) -> None:
        if self._waiting is not None and len(self.heard) >= self._size:
            waiting, self._waiting = self._waiting, None
            heard, self.heard = self.heard[: self._size], self.heard[self._size :]
            waiting.callback(heard)


class BrokerTests(HouseTestCase):
    async def test_publish(self) -> None:
        """A device that publishes is acknowledged when its report is stored, and gets its commands published."""
        number = await self.device(ID)
        house = await self.house("iotm")
        port = house.listeners._streams[0].getHost().port
        ear = await connectProtocol(TCP4ClientEndpoint(self.reactor, HOST, port), Ear())
        ear.transport.write(connect(ID))
        self.assertEqual((await ear.hears(4)).hex(), "20020000")
        data = bytes.fromhex("7715ec5f" + "0e00d0d34bc9412e9c5d4212000806ee00feff" + "016d00")
        report = b"\2\1" + len(data).to_bytes(2, "little") + data + b"\0"
        packet = mqtt.publish(4, "data", report, 7)
        for at in range(0, len(packet), 10):
            ear.transport.write(packet[at : at + 10])
        self.assertEqual((await ear.hears(4)).hex(), "40020007")
        (stored,) = await self.stored()
        self.assertEqual(stored[:4], (ID, "iotm", True, 25.162))
        self.assertLess({"hdop": 0.8, "sat": 6, "ignition": True}.items(), json.loads(stored[4]).items())
        await house.commands.send(number, "outputControl", {"index": 2, "data": 1})
        switch = bytes.fromhex("0202080079df0d8648700000040a00ffffff7f01000301b0b19f")
        wanted = mqtt.publish(4, f"{ID}/OUTC", switch, 0)
        self.assertEqual(await ear.hears(len(wanted)), wanted)
        ear.transport.loseConnection()


class Gateway(Resource):
    """A server that is asked; its answers come in small pieces."""

    isLeaf = True

    def __init__(self, *answers: dict[str, Any]) -> None:
        super().__init__()
        self.asked: list[tuple[bytes, bytes | None]] = []
        self.all: Deferred[None] = Deferred()
        self._answers = list(answers)

    def render_GET(self, request: Request) -> int:
        self.asked.append((request.uri, request.getHeader(b"host")))
        body = json.dumps(self._answers.pop(0)).encode()
        for at in range(0, len(body), 50):
            request.write(body[at : at + 50])
        request.finish()
        if not self._answers:
            self.all.callback(None)
        return NOT_DONE_YET


def message(id: str, **fields: str) -> dict[str, Any]:
    listed = [{"Name": name, "Value": value} for name, value in fields.items()]
    return {"MobileID": id, "MessageUTC": "2022-02-17 08:44:45", "Payload": {"Fields": listed}}


class GatewayTests(HouseTestCase):
    async def test_asked(self) -> None:
        """A gateway is asked at once and again, from when on it has said, and its messages are stored."""
        await self.device(ID)
        gateway = Gateway(
            {
                "NextStartUTC": "2022-02-17 08:44:46",
                "Messages": [
                    message("unknown", Latitude="1", Longitude="1"),
                    message(ID, Latitude="727668", Longitude="902276"),
                ],
            },
            {"NextStartUTC": "", "Messages": None},
        )
        port = self.reactor.listenTCP(0, Site(gateway), interface=HOST)
        self.addCleanup(port.stopListening)
        await self.house(
            "orbcomm", address=HOST, port=str(port.getHost().port), interval="1", accessId="7", password="p w"
        )
        await gateway.all
        (first, host), (second, _) = gateway.asked
        start = b"/GLGW/2/RestMessages.svc/JSON/get_return_messages/?access_id=7&password=p%20w&start_utc="
        self.assertEqual((first[: len(start)], host), (start, HOST.encode()))
        self.assertEqual(second, start + b"2022-02-17%2008%3A44%3A46")
        (stored,) = await self.stored()
        self.assertEqual(stored[:4], (ID, "orbcomm", True, 12.128))

"""Two servers on one database, as operators run them: processes, real sockets."""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.poison import received
from benchmarks.generator import ACKNOWLEDGEMENT, Listener, framed, imei, login, report
from benchmarks.server import Server
from benchmarks.twins import Pair


class Ears(Listener):
    """A socket client that waits for what it is told."""

    def until(self, member: str, wanted: Callable[[Any], Any], seconds: float = 30.0) -> Any:
        """The first object of this member of the messages that is wanted."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while (message := self._message()) is not None:
                for one in orjson.loads(message).get(member, []):
                    if wanted(one):
                        return one
            if select.select([self.socket], [], [], 0.1)[0]:
                self.buffer += self._received(1 << 20)
        raise AssertionError(f"nothing like that has come among the {member}")


class TwinTestCase(SynchronousTestCase):
    """`first` and `second`: the servers, and a device that both know."""

    device = 1
    timeout_of_nodes = 20.0  # s

    def setUp(self) -> None:
        settings = {"nodes.timeout": self.timeout_of_nodes, "event.status.enable": "true"}
        pair = Pair(("gt06", "osmand"), settings)
        self.addCleanup(pair.remove)
        pair.start()
        pair.join()
        self.first, self.second = pair.first, pair.second
        self.start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        [self.unit] = self.first.devices([imei(self.device)])

    def calls(self, server: Server) -> socket.socket:
        """The device connects to this server, and is let in."""
        connection = socket.create_connection(("127.0.0.1", server.ports["gt06"]), 10)
        self.addCleanup(connection.close)
        connection.settimeout(10)
        connection.sendall(login(self.device))
        self.assertEqual(ACKNOWLEDGEMENT, len(received(connection, ACKNOWLEDGEMENT)))
        return connection

    def says(self, connection: socket.socket, *numbers: int) -> None:
        """It sends these reports, which are acknowledged."""
        connection.sendall(b"".join(report(self.device, number, self.start) for number in numbers))
        wanted = ACKNOWLEDGEMENT * len(numbers)
        self.assertEqual(wanted, len(received(connection, wanted)))

    def hears(self, server: Server) -> Ears:
        """A client of this server, who has been told where all devices are."""
        ears = Ears(server.web, server.token)
        self.addCleanup(ears.socket.close)
        time.sleep(0.1)
        return ears

    def status(self, server: Server) -> str:
        [device] = server.call("GET", f"/api/devices?id={self.unit}")
        return str(device["status"])

    def told_status(self, ears: Ears, status: str, seconds: float = 30.0) -> None:
        ears.until("devices", lambda device: (device["id"], device["status"]) == (self.unit, status), seconds)

    def times(self) -> list[datetime]:
        """Of the fixes that are stored, in their order."""
        rows = self.first.sql("SELECT fix_time FROM positions WHERE device_id = %s ORDER BY fix_time", [self.unit])
        return [time for (time,) in rows]

    def at(self, *numbers: int) -> list[datetime]:
        return [self.start + timedelta(seconds=number) for number in numbers]


class HearingTests(TwinTestCase):
    def test_heard(self) -> None:
        """
        A client of one server is told at once what a device on the other one says, and when it comes and goes; what is
        edited on one counts on the other.
        """
        ears = self.hears(self.second)
        device = self.calls(self.first)
        self.says(device, 0)
        position = ears.until("positions", lambda position: position["deviceId"] == self.unit)
        self.assertEqual(("gt06", self.at(0)), (position["protocol"], [datetime.fromisoformat(position["fixTime"])]))
        self.says(device, 1)
        self.told_status(ears, "online")
        device.close()
        self.told_status(ears, "offline")

        self.changed(ears)

    def changed(self, ears: Ears) -> None:
        """What is edited on one server counts on the other: names, log-ins."""
        device = self.calls(self.second)
        [shown] = self.first.call("GET", f"/api/devices?id={self.unit}")
        self.first.call("PUT", f"/api/devices/{self.unit}", {**shown, "name": "Renamed"})
        time.sleep(0.3)
        self.says(device, 2)
        ears.until("devices", lambda device: (device["id"], device["name"]) == (self.unit, "Renamed"))
        token = self.first.call("POST", "/api/session/token", form={})
        visitor = Server(())
        visitor.web, visitor.token = self.second.web, token
        self.assertTrue(visitor.call("GET", "/api/devices"))
        self.first.call("POST", "/api/session/token/revoke", form={"token": token})
        with self.assertRaises(SystemExit):
            visitor.call("GET", "/api/devices")
        visitor.remove()


class MovingTests(TwinTestCase):
    def test_moves(self) -> None:
        """
        A device that goes to the other server has one session, one state, and each of its reports once; also one that
        sends to both at the same time.
        """
        here = self.calls(self.first)
        self.says(here, 0, 1, 2)
        there = self.calls(self.second)
        self.assertEqual(b"", received(here, 1), "its old connection is closed")
        self.says(there, 1, 2, 3)
        self.assertEqual(self.at(0, 1, 2, 3), self.times())
        self.assertEqual("online", self.status(self.first))
        [[distances]] = self.first.sql(
            "SELECT array_agg((attributes->>'totalDistance')::float8 ORDER BY fix_time) FROM positions"
            " WHERE device_id = %s",
            [self.unit],
        )
        self.assertEqual(sorted(distances), distances)
        self.assertAlmostEqual(3 * distances[1], distances[3], delta=0.1)
        again = self.calls(self.first)
        self.says(again, 0, 3, 4)
        self.assertEqual(self.at(0, 1, 2, 3, 4), self.times())
        there.close()
        time.sleep(0.3)
        self.assertEqual("online", self.status(self.second))

        again.close()
        self.hand_to_hand()

    def hand_to_hand(self) -> None:
        """Reports that come in on both servers at the same time, the same to both, are stored once, with their events."""
        before = self.times()
        web = [socket.create_connection(("127.0.0.1", one.ports["osmand"]), 10) for one in (self.first, self.second)]
        for number in range(80):
            when = int(self.start.timestamp()) + 100 + number
            said = f"id={imei(self.device)}&timestamp={when}&lat=48.{number:03}&lon=11" + "&alarm=sos" * (number % 2)
            for connection in web:
                connection.sendall(f"GET /?{said} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for connection in web:
            self.addCleanup(connection.close)
            connection.settimeout(10)
            answers = b""
            while answers.count(b"HTTP/1.1 200") < 80:
                more = connection.recv(65536)
                self.assertTrue(more)
                answers += more
        self.assertEqual([*before, *self.at(*range(100, 180))], self.times())
        alarms = self.first.sql(
            "SELECT p.fix_time FROM events e LEFT JOIN positions p ON p.id = e.position_id"
            " WHERE e.device_id = %s AND e.type = 'alarm' ORDER BY p.fix_time",
            [self.unit],
        )
        self.assertEqual(self.at(*range(101, 180, 2)), [time for (time,) in alarms])
        [[named, newest]] = self.first.sql(
            "SELECT position_id, (SELECT id FROM positions p WHERE p.device_id = s.device_id ORDER BY fix_time DESC"
            " LIMIT 1) FROM device_states s WHERE device_id = %s",
            [self.unit],
        )
        self.assertEqual(named, newest)


class CommandTests(TwinTestCase):
    def send(self, server: Server, type: str, **attributes: Any) -> int | None:
        """The command's number in the queue, if it has to wait. Raises SystemExit if it is refused."""
        body = {"deviceId": self.unit, "type": type, "attributes": attributes}
        number: int = server.call("POST", "/api/commands/send", body)["id"]
        return number or None

    def test_elsewhere(self) -> None:
        """
        A command given on one server is sent at once to a device on the other; what is impossible is refused, and what
        has to wait waits.
        """
        device = self.calls(self.first)
        self.says(device, 0)
        self.assertIsNone(self.send(self.second, "engineStop"))
        self.assertTrue(received(device, 16).startswith(b"\x78\x78"))
        with self.assertRaises(SystemExit) as caught:
            self.send(self.second, "alarmClock")
        self.assertIn("400 Command alarmClock is not supported in protocol gt06", str(caught.exception))
        self.assertEqual([], self.first.sql("SELECT FROM queued_commands WHERE device_id = %s", [self.unit]))
        self.assertEqual(
            [], self.first.sql("SELECT FROM events WHERE device_id = %s AND type = 'queuedCommandSent'", [self.unit])
        )
        device.close()
        time.sleep(0.3)
        self.waits()

    def waits(self) -> None:
        """A command for a device that is not connected waits, and is sent wherever the device calls."""
        self.assertIsNotNone(self.send(self.second, "engineStop"))
        there = self.calls(self.second)
        there.sendall(framed(b"\x13\x44\x06\x04\x00\x01\x00\x02"))  # a sign of life
        said = received(there, 2 * ACKNOWLEDGEMENT)
        self.assertIn(b"\x80", said)


class DeathTests(TwinTestCase):
    timeout_of_nodes = 4.0

    def test_killed(self) -> None:
        """
        Of a server that is killed the other says that its devices are offline, and they go on with the other. One that
        was only asleep takes its devices back.
        """
        device = self.calls(self.second)
        self.says(device, 0, 1)
        ears = self.hears(self.first)
        self.second.stop(signal.SIGKILL)
        self.told_status(ears, "offline")
        self.assertEqual("offline", self.status(self.first))
        there = self.calls(self.first)
        self.says(there, 0, 1, 2)
        self.assertEqual(self.at(0, 1, 2), self.times())
        events = self.first.sql("SELECT type FROM events WHERE device_id = %s ORDER BY id", [self.unit])
        self.assertEqual(["deviceOnline", "deviceOffline", "deviceOnline"], [type for (type,) in events])
        self.second.start()
        self.assertEqual("online", self.status(self.second))
        self.told_status(ears, "online")
        self.asleep(ears)

    def asleep(self, ears: Ears) -> None:
        device = self.calls(self.second)
        process = self.second.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        try:
            self.told_status(ears, "offline")
        finally:
            process.send_signal(signal.SIGCONT)
        self.told_status(ears, "online")
        self.says(device, 3)
        self.assertEqual(self.at(0, 1, 2, 3), self.times())

"""The whole server as operators run it: a process of twistd, its own database, real sockets."""

from __future__ import annotations

import http.client
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.poison import received
from benchmarks.generator import ACKNOWLEDGEMENT, START_OF_TESTS, imei, login, report
from benchmarks.server import Server
from trackd.store.embedded import EmbeddedPostgres

TWISTD = str(Path(sys.executable).with_name("twistd"))


def talk(port: int, device: int, numbers: range, seconds: float = 5.0, start: datetime = START_OF_TESTS) -> int:
    """Log in and send these reports of a device; how many of them were acknowledged, in their order."""
    try:
        with socket.create_connection(("127.0.0.1", port), seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(login(device))
            if not received(connection, ACKNOWLEDGEMENT):
                return 0
            connection.sendall(b"".join(report(device, number, start) for number in numbers))
            return len(received(connection, ACKNOWLEDGEMENT * len(numbers))) // ACKNOWLEDGEMENT
    except OSError:
        return 0


class ServiceTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server(("gt06", "osmand"))
        self.addCleanup(self.server.remove)

    def sql(self, text: str) -> list[Any]:
        """Ask the server's own database."""
        return self.server.sql(text)

    def devices(self, count: int) -> None:
        values = ", ".join(f"('{imei(number)}', '{imei(number)}')" for number in range(count))
        self.sql(f"INSERT INTO devices (name, unique_id) VALUES {values}")

    def stored(self) -> dict[str, int]:
        """Reports of each device, by unique id."""
        rows = self.sql(
            "SELECT d.unique_id, count(*) FROM positions p JOIN devices d ON d.id = p.device_id GROUP BY d.unique_id"
        )
        return dict(rows)


class FirstMinutesTests(ServiceTestCase):
    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.web, timeout=10)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def log_with(self, word: str) -> str:
        """What the server has said, when this word is among it; it comes a moment after the ports are open."""
        for _ in range(100):
            if word in (log := (self.server.data / "log").read_text()):
                return log
            time.sleep(0.05)
        raise AssertionError(f"{word} is missing: {log}")

    def test_first_minutes(self) -> None:
        """Start, set up by the link that was printed, log in, add a device, send a report, see it, stop."""
        self.server.start()
        log = self.log_with("set up")
        for part in ("trackd ", "data ", "database ", "web ", "listening  2 wire formats"):
            self.assertIn(part, log)
        found = re.search(r"set up +http://\S+(/setup\?token=(\S+))", log)
        assert found is not None
        file = self.server.data / "setup-token"
        self.assertEqual((found[2], 0o600), (file.read_text().strip(), stat.S_IMODE(file.stat().st_mode)))

        self.assertEqual(400, self.ask("POST", "/api/users", {"name": "x"})[0] // 100 * 100)
        self.assertEqual(403, self.ask("GET", "/setup?token=guessed")[0])
        self.assertEqual(200, self.ask("GET", found[1])[0])
        form = {"token": found[2], "name": "Ada", "email": "ada@example.org", "password": "correct horse"}
        self.assertEqual(200, self.ask("POST", "/setup", form | {"again": "correct horse"})[0])
        self.assertFalse(file.exists())
        self.assertEqual(410, self.ask("POST", "/setup", form | {"again": "correct horse"})[0])

        self.server.call("POST", "/api/session", form={"email": "ada@example.org", "password": "correct horse"})
        self.server.call("POST", "/api/devices", {"name": "Van", "uniqueId": imei(1)})
        self.assertEqual(1, talk(self.server.ports["gt06"], 1, range(1), start=datetime.now(UTC)))
        [position] = self.server.call("GET", "/api/positions")
        self.assertEqual(("gt06", 48.01), (position["protocol"], round(position["latitude"], 4)))
        self.assertIsNotNone(self.server.call("GET", "/api/devices")[0]["lastUpdate"])

        process = self.server.process
        assert process is not None
        self.assertLess(self.server.stop(), 3.0)
        self.assertIn(process.returncode, (0, -signal.SIGTERM))  # after its stop, twistd ends by the signal
        self.assertIsNone(EmbeddedPostgres(None, self.server.data / "database").pid())


class ObservationTests(ServiceTestCase):
    def test_observed(self) -> None:
        """What devices have sent is in the figures, for who may read them; a signal has it told in the log."""
        self.server.settings = {"metrics.allow": "127.0.0.1"}
        self.server.start()
        self.devices(1)
        self.assertEqual(5, talk(self.server.ports["gt06"], 0, range(5)))
        figures = dict(
            line.rsplit(" ", 1) for line in self.server.call("GET", "/metrics").splitlines() if not line.startswith("#")
        )
        expected = {
            'trackd_reports_total{format="gt06"}': "5",
            'trackd_reports_total{format="osmand"}': "0",
            'trackd_frames_total{format="gt06"}': "6",
            'trackd_connections_total{format="gt06"}': "2",  # one was to see whether it listens
            "trackd_acknowledgement_seconds_count": "5",
            "trackd_reports_waiting": "0",
            "trackd_reports_waiting_limit": "50000",
            "trackd_devices_in_memory": "1",
            "trackd_database_available": "1",
        }
        self.assertEqual({name: figures[name] for name in expected}, expected)
        self.assertGreater(float(figures["process_resident_memory_bytes"]), 1e7)

        process = self.server.process
        assert process is not None
        process.send_signal(signal.SIGUSR2)
        log = self.server.data / "log"
        for _ in range(100):
            if "5 reports" in (told := log.read_text().partition("what the server is doing")[2]):
                break
            time.sleep(0.05)
        self.assertRegex(told, r"database +available, \d+ of 20 connections, 0 of 1000 queries wait")
        self.assertRegex(told, r"gt06 +0 open, 2 connections, .* 6 frames, 5 reports")
        self.assertIsNone(process.poll())
        self.doctor()

    def doctor(self) -> None:
        """The doctor shows the same, with nothing bad, and says when the server is dead."""
        trackd = self.server.command(str(Path(sys.executable).with_name("trackd")), "doctor")
        done = subprocess.run(trackd, capture_output=True, text=True, timeout=60)
        self.assertRegex(done.stdout, r"gt06 +0 open, 2 connections, .* 6 frames, 5 reports")
        for line in ("good  server         runs, process", "good  limits ", "good  database ", "good  clock "):
            self.assertIn(line, done.stdout)
        self.assertEqual(0, done.returncode, done.stdout)
        self.server.stop(signal.SIGKILL)
        done = subprocess.run(trackd, capture_output=True, text=True, timeout=60)
        self.assertIn("look  server         none is running", done.stdout)
        self.assertEqual(0, done.returncode, done.stdout)


class RebootTests(ServiceTestCase):
    def test_reboot(self) -> None:
        """An administrator has the process end as at any stop, but with a status by which it is started again."""
        self.server.start()
        self.server.administrator()
        self.server.devices([imei(0)])
        self.assertEqual(3, talk(self.server.ports["gt06"], 0, range(3)))
        process = self.server.process
        assert process is not None
        self.server.call("POST", "/api/server/reboot")
        self.assertEqual(130, process.wait(20))
        self.server.process = None
        self.assertIsNone(EmbeddedPostgres(None, self.server.data / "database").pid())
        self.server.start()
        self.assertEqual({imei(0): 3}, self.stored())


class PromiseTests(ServiceTestCase):
    def test_second(self) -> None:
        """A second server on the same data folder does not start, and does nothing to the first."""
        self.server.start()
        self.devices(1)
        self.assertEqual(2, talk(self.server.ports["gt06"], 0, range(2)))
        second = Server(("gt06",), data=self.server.data)
        command = second.command(TWISTD, "-n", "--pidfile=", "trackd")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(1, done.returncode)
        self.assertIn(f"trackd: another trackd serves from {self.server.data}", done.stderr)
        self.assertNotIn("database is away", self.server.log())
        self.assertEqual(2, talk(self.server.ports["gt06"], 0, range(2, 4)))

    def test_killed(self) -> None:
        """Whatever was acknowledged is there exactly once after a kill, however often it is sent again."""
        self.server.start()
        self.devices(3)
        acknowledged = 0
        for round in range(3):
            acknowledged = talk(self.server.ports["gt06"], 0, range(round * 100, round * 100 + 150))
            self.server.stop(signal.SIGKILL)
            self.assertEqual(150, acknowledged)
            self.server.start()
            self.assertEqual(round * 100 + 150, self.stored()[imei(0)])
        self.assertEqual(350, talk(self.server.ports["gt06"], 0, range(350)))
        self.assertEqual(350, self.stored()[imei(0)])

    def test_killed_under_way(self) -> None:
        """A kill between arrival and commit loses nothing that was acknowledged; the rest comes again."""
        self.server.start()
        self.devices(1)
        with socket.create_connection(("127.0.0.1", self.server.ports["gt06"]), 5) as connection:
            connection.settimeout(5)
            connection.sendall(login(0))
            received(connection, ACKNOWLEDGEMENT)
            connection.sendall(b"".join(report(0, number, START_OF_TESTS) for number in range(1500)))
            count = len(received(connection, ACKNOWLEDGEMENT * 100)) // ACKNOWLEDGEMENT
            self.server.stop(signal.SIGKILL)
            count += len(received(connection, ACKNOWLEDGEMENT * 1500)) // ACKNOWLEDGEMENT
        self.server.start()
        self.assertGreaterEqual(self.stored().get(imei(0), 0), count)
        self.assertEqual(1500, talk(self.server.ports["gt06"], 0, range(1500), 20))
        self.assertEqual(1500, self.stored()[imei(0)])
        [(positions, distinct)] = self.sql("SELECT count(*), count(DISTINCT fix_time) FROM positions")
        self.assertEqual((1500, 1500), (positions, distinct))

    def test_database_killed(self) -> None:
        """While the database is away nothing is acknowledged; it comes back by itself, and so does the service."""
        self.server.start()
        self.devices(2)
        self.assertEqual(10, talk(self.server.ports["gt06"], 0, range(10)))
        postgres = EmbeddedPostgres(None, self.server.data / "database").pid()
        assert postgres is not None
        with socket.create_connection(("127.0.0.1", self.server.ports["gt06"]), 5) as connection:
            connection.settimeout(15)
            connection.sendall(login(1))
            received(connection, ACKNOWLEDGEMENT)
            subprocess.run(["kill", "-9", str(postgres)], check=True)
            connection.sendall(b"".join(report(1, number, START_OF_TESTS) for number in range(100)))
            self.assertEqual(100 * ACKNOWLEDGEMENT, len(received(connection, 100 * ACKNOWLEDGEMENT)))
        self.assertEqual({imei(0): 10, imei(1): 100}, self.stored())


class RefusalTests(SynchronousTestCase):
    """What cannot work ends the process with a line that says what to do, and leaves nothing running."""

    def refused(self, *arguments: str) -> str:
        data = tempfile.mkdtemp(prefix="trackd-test-")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        Path(data).chmod(0o755)
        began = time.monotonic()
        done = subprocess.run(
            [TWISTD, "-n", "--pidfile=", "trackd", "--data", data, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertLess(time.monotonic() - began, 30)
        self.assertNotEqual(0, done.returncode)
        self.assertIsNone(EmbeddedPostgres(None, Path(data) / "database").pid())
        self.assertNotIn("Traceback", done.stderr + done.stdout)
        lines = [line for line in done.stderr.splitlines() if line.startswith("trackd")]
        self.assertEqual(1, len(lines), done.stderr)
        return lines[0]

    def test_unknown_key(self) -> None:
        """A key that does not exist is named, with the one that may have been meant."""
        self.assertIn("web.prt: unknown key; did you mean web.port?", self.refused("--set", "web.prt=1"))

    def test_wrong_type(self) -> None:
        """A value of the wrong type is named with its key."""
        self.assertIn("web.port", self.refused("--set", "web.port=many"))

    def test_unknown_format(self) -> None:
        """A wire format that does not exist is named."""
        self.assertIn("gt60", self.refused("--set", "gt60.port=5023"))

    def test_port_in_use(self) -> None:
        """A port that somebody else has is named with its key."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            arguments = ["--set", "protocols.enable=gt06", "--set", f"gt06.port={port}"]
            said = self.refused(*arguments, "--set", "gt06.address=127.0.0.1", "--set", "web.port=0")
        self.assertRegex(said, rf"gt06\.port: cannot listen on 127.0.0.1 port {port}: Address already in use")

    def test_web_port_in_use(self) -> None:
        """So is the web's."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = str(other.getsockname()[1])
            arguments = ["--set", "protocols.enable=gt06", "--set", "gt06.address=127.0.0.1"]
            said = self.refused(*arguments, "--set", f"web.port={port}", "--set", "web.address=127.0.0.1")
        self.assertIn("web.port", said)

    def test_database_address(self) -> None:
        """So is an address that is none, of which nothing has to be asked to know that."""
        self.assertIn("trackd: database.url: ", self.refused("--set", "database.url=postgresql://[::1/none"))

    def test_database_unreachable(self) -> None:
        """A database that cannot be reached is named with its key."""
        said = self.refused("--set", "database.url=postgresql://nobody@127.0.0.1:1/none")
        self.assertIn("database.url: the database cannot be reached", said)

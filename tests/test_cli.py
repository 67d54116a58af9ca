from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.postgres import DatabaseTestCase
from trackd.cli import CommandLine, carried_out
from trackd.store.devices import Devices
from trackd.store.unknown import UnknownDevices
from trackd.store.users import Users


def command(*arguments: str) -> Any:
    """The command that these arguments mean."""
    found: Any = CommandLine()
    found.parseOptions(arguments)
    while found.subCommand is not None:
        found = found.subOptions
    return found


class ParsingTests(SynchronousTestCase):
    def test_order(self) -> None:
        """
        Options may stand in front of the arguments and behind them, and what begins with a dash after ``--`` is none.
        """
        for arguments in (
            ["--name", "", "--set=web.port=1", "-d", "/x", "a@b"],
            ["a@b", "--name=", "-d/x", "--set", "web.port=1"],
        ):
            found = command("user", "add", *arguments)
            self.assertEqual((found["email"], found["name"], found["administrator"]), ("a@b", "", 0))
            self.assertEqual((found.overrides, found.folder), ({"web.port": "1"}, Path("/x")))
        self.assertEqual(command("device", "add", "--model", "-1", "--", "--data")["unique id"], "--data")

    def test_incomplete(self) -> None:
        """A command that is not whole, or is none, is answered with one line that says what there is."""
        for arguments, said in (
            ([], "user, device, tail, unknown, quarantine, undelete, settings, check, doctor"),
            (["user"], "add"),
            (["user", "remove"], "remove"),
            (["user", "add"], "arguments"),
            (["frobnicate"], "frobnicate"),
        ):
            message = str(self.assertRaises(SystemExit, command, *arguments).code)
            self.assertIn(said, message)
            self.assertEqual(len(message.splitlines()), 1)


class WithoutDatabaseTests(SynchronousTestCase):
    def carried_out(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            status = self.successResultOf(Deferred.fromCoroutine(carried_out(Clock(), command(*arguments))))
        return status, out.getvalue(), err.getvalue()

    def test_settings(self) -> None:
        """Each key in a line: value, default, origin, meaning."""
        status, out, _ = self.carried_out("settings", "web.p", "--set", "web.port=8083")
        self.assertEqual(status, 0)
        self.assertIn("web.port = 8083  [--set; default: 8082]  Port of the web server; 0 = none\n", out)
        self.assertIn("web.proxies =  [default]  ", out)
        self.assertNotIn("status.timeout", out)

    def test_settings_of_formats(self) -> None:
        """The keys of the wire formats are listed too."""
        self.assertIn(".port = ", self.carried_out("settings")[1])

    def test_wrong_configuration(self) -> None:
        """Each problem is a line, and the status is not 0."""
        status, out, err = self.carried_out("check", "--set", "web.prot=1", "--set", "web.port=x")
        self.assertEqual((status, out), (1, ""))
        self.assertEqual([line[:17] for line in err.splitlines()], ["trackd: web.prot:", "trackd: web.port:"])

    def test_check_makes_nothing(self) -> None:
        """A check of a data folder that is not there yet is good, and does not make it."""
        folder = Path(self.mktemp())
        status, out, err = self.carried_out("check", "--data", str(folder))
        self.assertEqual((status, err), (0, ""))
        self.assertIn("database: none yet", out)
        self.assertFalse(folder.exists())


class DatabaseTests(DatabaseTestCase):
    async def carried_out(self, *arguments: str, database: str = "") -> tuple[int, str, str]:
        from twisted.internet import reactor

        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            status = await carried_out(reactor, command(*arguments, "--set", f"database.url={database or self.dsn}"))
        return status, out.getvalue(), err.getvalue()

    async def add_user(self, *arguments: str, password: str = "correct horse\n") -> tuple[int, str, str]:
        self.patch(sys, "stdin", StringIO(password))
        return await self.carried_out("user", "add", *arguments, "--password-stdin")

    async def test_check(self) -> None:
        """A database that can be reached is good."""
        status, out, err = await self.carried_out("check")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"database: good, database.url, schema [1-9]\d*\n")

    async def test_check_fails(self) -> None:
        """A database that can't be reached is a line with the reason, and a status."""
        status, _, err = await self.carried_out("check", database="postgresql://nobody@127.0.0.1:1/nothing")
        self.assertEqual(status, 1)
        self.assertTrue(err.startswith("trackd: "), err)
        self.assertEqual(len(err.splitlines()), 1)

    async def test_user(self) -> None:
        """A user is made with a trimmed address and a hashed password."""
        status, out, err = await self.add_user(" Ada@example.org ", "--administrator", "--name", "Ada")
        self.assertEqual((status, out, err), (0, "user 1: Ada@example.org, administrator\n", ""))
        user = await Users(self.db).find("ada@example.org")
        assert user is not None and user.password_hash is not None
        self.assertEqual((user.name, user.email, user.administrator), ("Ada", "Ada@example.org", True))
        self.assertTrue(user.password_hash.startswith("$argon2"))

    async def test_user_refused(self) -> None:
        """No second user of an address, none without an address, none with a short password."""
        await self.add_user("ada@example.org")
        for arguments, password in (
            (["ADA@example.org"], "correct horse"),
            (["ada"], "correct horse"),
            (["b@c"], "short"),
        ):
            status, out, err = await self.add_user(*arguments, password=password)
            self.assertEqual((status, out), (1, ""), arguments)
            self.assertEqual(len(err.splitlines()), 1)
        status, _, err = await self.carried_out("user", "add", "b@c")
        self.assertEqual((status, "--password-stdin" in err), (1, True))
        self.assertEqual(await Users(self.db).count(), 1)

    async def test_device(self) -> None:
        """A device is made, seen by the only administrator, and is unknown no longer."""
        await self.add_user("ada@example.org", "--administrator")
        await self.add_user("bob@example.org")
        await self.db.run("INSERT INTO unknown_devices VALUES ('123', 'alpha', '192.0.2.1', now(), now(), 1, 'abcd')")
        status, out, err = await self.carried_out("device", "add", "123", "--name", "Truck", "--model", "X1")
        self.assertEqual((status, out, err), (0, "device 1: 123, seen by ada@example.org\n", ""))
        device = (await Devices(self.db).by_unique_ids(["123"]))[0]
        self.assertEqual((device.name, device.model), ("Truck", "X1"))
        self.assertEqual(await Devices(self.db).users_of([1]), {1: {1}})
        self.assertEqual(await UnknownDevices(self.db).all(), [])

    async def test_device_of_a_user(self) -> None:
        """A device is made for a certain user, or for nobody."""
        _, out, _ = await self.carried_out("device", "add", "1")
        self.assertIn("seen by nobody", out)
        await self.add_user("bob@example.org")
        _, out, _ = await self.carried_out("device", "add", "2", "--user", "bob@example.org")
        self.assertIn("seen by bob@example.org", out)
        for arguments in (["3", "--user", "eve@example.org"], ["2"], [" "]):
            status, _, err = await self.carried_out("device", "add", *arguments)
            self.assertEqual((status, len(err.splitlines())), (1, 1), err)

    async def test_unknown(self) -> None:
        """The unknown devices, the last one first."""
        self.assertEqual((await self.carried_out("unknown"))[1], "no unknown devices\n")
        await self.db.run(
            "INSERT INTO unknown_devices VALUES ('1', 'alpha', '192.0.2.1', now(), now() - interval '1 h', 1, 'ab'),"
            " ('2', 'alpha', '192.0.2.1', now(), now(), 1, 'ab')"
        )
        _, out, _ = await self.carried_out("unknown")
        self.assertEqual([line.split("  ")[2] for line in out.splitlines()], ["2", "1"])

    async def test_tail(self) -> None:
        """Positions and events are shown as they come, until it is interrupted."""
        from twisted.internet import reactor

        await self.db.run("INSERT INTO devices (id, name, unique_id) VALUES (1, 'a', 'abc')")
        out = StringIO()
        self.patch(sys, "stdout", out)
        work = Deferred.fromCoroutine(
            carried_out(reactor, command("tail", "--device", "abc", "--set", f"database.url={self.dsn}"))
        )
        while "event alarm" not in out.getvalue():
            await self.db.run(
                "INSERT INTO events (id, device_id, type, event_time) VALUES ("
                " (SELECT coalesce(max(id), 0) + 1 FROM events), 1, 'alarm', now())"
            )
        work.cancel()
        self.assertEqual(await work, 130)

    async def test_tail_of_nobody(self) -> None:
        """A device that there is not is an error."""
        status, _, err = await self.carried_out("tail", "--device", "77")
        self.assertEqual((status, err), (1, "trackd: there is no device 77\n"))

    async def test_undelete(self) -> None:
        """What was deleted is listed and brought back; what cannot come back is said in one line."""
        devices = Devices(self.db)
        one = await devices.insert({"name": "Van\n1", "unique_id": "van"})
        self.assertEqual(
            (await self.carried_out("undelete", "list"))[1], "nothing that was deleted can be brought back\n"
        )
        await devices.delete(one.id)
        status, out, _ = await self.carried_out("undelete", "list")
        self.assertEqual((status, out[: len(f"device {one.id}  van  ")]), (0, f"device {one.id}  van  "))
        self.assertEqual(await self.carried_out("undelete", "device", str(one.id)), (0, f"device {one.id}: back\n", ""))
        self.assertIsNotNone(await devices.get(one.id))
        status, out, err = await self.carried_out("undelete", "device", str(one.id), "x")
        self.assertEqual((status, out, len(err.splitlines())), (1, "", 1))
        for arguments in (["device"], ["pigeon", "1"], ["list", "pigeon"]):
            status, _, err = await self.carried_out("undelete", *arguments)
            self.assertEqual((status, len(err.splitlines())), (1, 1))

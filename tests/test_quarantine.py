"""`trackd quarantine`: what an operator can do with reports that the database has refused."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from tests.postgres import DatabaseTestCase
from tests.store.samples import device
from tests.store.test_committer import NOON, report
from tests.test_cli import command
from trackd.cli import carried_out
from trackd.store.committer import Committer
from trackd.store.report import Report


class QuarantineTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.device = (await device(self.db)).id

    async def told(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error of `trackd quarantine`."""
        from twisted.internet import reactor

        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            line = command("quarantine", *arguments, "--set", f"database.url={self.dsn}")
            status = await carried_out(reactor, line)
        return status, out.getvalue(), err.getvalue()

    async def commit(self, *reports: Report) -> None:
        from twisted.internet import reactor

        committer = Committer(self.db.dedicated(), reactor, lambda batch: None, lambda report: None)
        for one in reports:
            committer.add(one)
        await committer.idle()

    async def slow_only(self, wanted: bool) -> None:
        """Whether the database takes slow devices alone."""
        change = "ADD CONSTRAINT slow CHECK (speed < 5) NOT VALID" if wanted else "DROP CONSTRAINT slow"
        await self.db.run(f"ALTER TABLE positions {change}")

    async def refused(self, **members: Any) -> Report:
        """A report that is in the quarantine because it is not slow."""
        one = report(self.device, **members)
        await self.slow_only(True)
        await self.commit(one)
        await self.slow_only(False)
        return one

    async def positions(self) -> list[Any]:
        return await self.db.query(
            "SELECT protocol, server_time, device_time, fix_time, valid, latitude, longitude, altitude, speed, course,"
            " accuracy, network, attributes, said, digest, address, geofence_ids FROM positions WHERE device_id = %s",
            [self.device],
        )

    async def test_empty(self) -> None:
        """An empty one is a line; what is not in it is an error."""
        self.assertEqual(await self.told("list"), (0, "the quarantine is empty\n", ""))
        for verb in ("show", "retry", "delete"):
            for id in ("1", "x", "9" * 30):
                expected = (1, "", f"trackd: there is no report {id} in the quarantine\n")
                self.assertEqual(await self.told(verb, id), expected)

    async def test_list_and_show(self) -> None:
        """Each is a line with device, format and reason, the last one first; one is shown with report and frame."""
        await self.refused()
        await self.commit(report(self.device, protocol="NUL\0"))
        out = (await self.told("list"))[1].splitlines()
        self.assertEqual([line.split("  ")[0] for line in out], ["2", "1"])
        self.assertIn(f"  2026-11-01T12:00:00Z  device {self.device}  plain  ", out[1])
        self.assertIn("slow", out[1])
        status, shown, _ = await self.told("show", "1")
        self.assertEqual((status, shown.splitlines()[0]), (0, out[1]))
        self.assertIn('"latitude":48.5', shown)
        self.assertIn("\nframe 0102\n", shown)

    async def test_retry(self) -> None:
        """What stood against it is gone: the position is stored as it would have been, once, and is kept no longer."""
        one = await self.refused(
            said=NOON.replace(hour=11),
            latitude=-48.123456789012345,
            network='{"a":1}',
            attributes={"x\x1e": "a\0b"},
            address="Main Street 1",
            geofence_ids=[4, 5],
        )
        self.assertEqual(await self.told("retry", "1"), (0, "report 1: stored\n", ""))
        retried = await self.positions()
        await self.db.run("DELETE FROM positions")
        await self.commit(one)
        self.assertEqual(retried, await self.positions())
        self.assertEqual((await self.told("list"))[1], "the quarantine is empty\n")

    async def test_kept_by_an_earlier_version(self) -> None:
        """What was kept when less was kept is stored too."""
        await self.refused()
        await self.db.run("UPDATE quarantine SET report = (report::jsonb - 'address' - 'geofence_ids')::text")
        self.assertEqual(await self.told("retry", "1"), (0, "report 1: stored\n", ""))

    async def test_ids(self) -> None:
        """A position that is stored late has an id that nobody else has or gets."""
        await self.refused()
        await self.told("retry", "1")
        await self.commit(*(report(self.device) for _ in range(1500)))
        [(count, ids)] = await self.db.query("SELECT count(*), count(DISTINCT id) FROM positions")
        self.assertEqual((count, ids), (1501, 1501))

    async def test_retry_twice(self) -> None:
        """A device that has sent it again meanwhile has it once."""
        one = await self.refused()
        await self.commit(one)
        self.assertEqual(await self.told("retry", "1"), (0, "report 1: was stored already\n", ""))
        self.assertEqual(len(await self.positions()), 1)
        self.assertEqual((await self.told("list"))[1], "the quarantine is empty\n")

    async def test_refused_again(self) -> None:
        """It stays, with the new reason; the others that were named are stored."""
        await self.refused(altitude=float("inf"))
        await self.refused()
        status, out, err = await self.told("retry", "1", "2")
        self.assertEqual((status, out), (1, "report 2: stored\n"))
        self.assertTrue(err.startswith("trackd: report 1 stays in the quarantine: "), err)
        line = (await self.told("list"))[1]
        self.assertIn("altitude", line)
        self.assertNotIn("slow", line)

    async def test_no_report(self) -> None:
        """What is no report stays, with the reason, and stops nobody."""
        for told in ("{", "[]", "{}"):
            await self.db.run(
                "INSERT INTO quarantine (device_id, received, reason, report) VALUES (1, now(), 'old', %s)", [told]
            )
        status, out, err = await self.told("retry", "1", "2", "3")
        self.assertEqual((status, out, err.count("no report")), (1, "", 3))
        self.assertEqual([(3,)], await self.db.query("SELECT count(*) FROM quarantine WHERE reason LIKE '%no report%'"))

    async def test_delete(self) -> None:
        """What is deleted is gone, and not stored."""
        await self.refused()
        self.assertEqual(await self.told("delete", "1"), (0, "report 1: deleted\n", ""))
        self.assertEqual((await self.told("delete", "1"))[0], 1)
        self.assertEqual(await self.positions(), [])

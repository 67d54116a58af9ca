"""What can be seen of a whole house."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import deferLater
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from benchmarks.generator import login
from tests import prometheus
from tests.postgres import DatabaseTestCase
from trackd import share
from trackd.figures import COUNTER, Figure, Histogram, exposition
from trackd.keys import SECTIONS
from trackd.listen.service import Connections
from trackd.observation import NAMED, Observation
from trackd.settings import load
from trackd.tap import build
from trackd.wire import catalog


class ObservationTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        from twisted.internet import reactor

        await super().setUp()
        said = {"protocols.enable": "gt06,teltonika", "commit.queue": 777, "web.port": 0}
        for name in ("gt06", "teltonika"):
            said |= {f"{name}.address": "127.0.0.1"}
        settings = load([], said, catalog, data=Path(self.mktemp()))
        self.house = build(reactor, settings, self.db)
        self.seen = Observation(self.house)

    def figures(self) -> dict[str, Figure]:
        found = list(self.seen.figures())
        by_name = {figure.name: figure for figure in found}
        self.assertEqual(len(by_name), len(found))
        return by_name

    def value(self, name: str, **labels: str) -> Any:
        [value] = [value for said, value in self.figures()[f"trackd_{name}"].values if said == labels]
        return value

    async def test_names(self) -> None:
        """Names are words of the trade; all counters, and nothing else, are totals."""
        for name, figure in self.figures().items():
            self.assertRegex(name, r"^(trackd|process)_[a-z0-9_]+$")
            self.assertEqual(name.endswith("_total"), figure.kind == COUNTER, name)
            self.assertTrue(figure.meaning)

    async def test_text(self) -> None:
        """A strict reader of Prometheus' text takes all of it, and finds every figure there."""
        committer = self.house.committer
        for value in (0.0004, 0.2, 90.0):
            committer.acknowledgements.add(value, 3)
        read = prometheus.read(exposition(self.seen.figures()))
        self.assertEqual(read.keys(), self.figures().keys())
        family = read["trackd_acknowledgement_seconds"]
        self.assertEqual(family.samples["trackd_acknowledgement_seconds_count", ()], 9)
        self.assertEqual(family.samples["trackd_acknowledgement_seconds_bucket", (("le", "0.25"),)], 6)

    async def test_limits(self) -> None:
        """Every limit stands beside what it limits."""
        figures = self.figures()
        limits = {
            figure.meaning: name
            for name, figure in figures.items()
            if name.endswith("_limit") and name != "trackd_limit"
        }
        single = {labels["key"] for labels, _ in figures.pop("trackd_limit").values}
        bounding = {key.name for key in SECTIONS["How much is borne"]}
        of_the_database = {f"database.{name}" for name in ("maxPoolSize", "maxWaiting", "statementTimeout", "patience")}
        self.assertEqual(limits.keys() | single, bounding | of_the_database)
        self.assertEqual(limits.keys() & single, set())
        for name in (name for name in figures if name.endswith("_limit")):
            self.assertIn(name.removesuffix("_limit"), figures)
        self.assertEqual(self.value("reports_waiting_limit"), 777)

    async def test_documented(self) -> None:
        """The page of the reference names every figure, and no other; limits stand beside what they limit."""
        page = (Path(__file__).parent.parent / "docs/reference/metrics.rst").read_text("utf-8")
        named = set(re.findall(r"``(trackd_[a-z_]+)``", page))
        shown = {name for name in self.figures() if name.startswith("trackd_")}
        beside = {f"{name}_limit" for name in named} & shown
        self.assertEqual(named | beside, shown)
        keys = {
            figure.meaning
            for name, figure in self.figures().items()
            if name.endswith("_limit") and name != "trackd_limit"
        }
        self.assertEqual([key for key in keys if f"``{key}``" not in page], [])

    async def test_formats(self) -> None:
        """Each format in service has its counts."""
        counts = self.house.listeners.server.counters.of("gt06")
        counts.reports, counts.bytes, counts.errors, counts.open, counts.refused, counts.dropped = range(1, 7)
        counts.frames, counts.connections = 7, 8
        names = "reports_total received_bytes_total bad_frames_total connections_open connections_refused_total"
        names += " datagrams_dropped_total frames_total connections_total"
        self.assertEqual([self.value(name, format="gt06") for name in names.split()], list(range(1, 9)))

    async def test_parts(self) -> None:
        """What the parts count and hold is what is shown."""
        house = self.house
        now = datetime(2026, 11, 1, tzinfo=UTC)
        house.presence.strangers.limit = 1
        for id in ("one", "two"):
            house.presence.strangers.seen(id, "x", "192.0.2.1", b"", now)
        self.addCleanup(house.presence.strangers.stop)
        house.people.services.entrance.limits.failed("192.0.2.1", "ada")
        house.committer.waiting, house.committer.quarantined, house.intake.timeless = 5, 6, 7
        house.site.connections, house.hub.dropped = 8, 9
        expected = {
            "unknown_ids_waiting": 1,
            "unknown_ids_noted_total": 1,
            "unknown_ids_dropped_total": 1,
            "reports_waiting": 5,
            "quarantined_total": 6,
            "timeless_total": 7,
            "web_connections": 8,
            "live_dropped_total": 9,
            "database_connections": self.db.connections,
            "database_available": True,
        }
        self.assertEqual({name: self.value(name) for name in expected}, expected)
        self.assertEqual(self.value("login_failures_remembered", of="accounts"), 1)
        self.assertIsInstance(self.value("acknowledgement_seconds"), Histogram)

    async def test_longest(self) -> None:
        """Who waits for an answer is named, the one that has waited longest first, and is not when it has one."""
        self.patch(share, "SLICE", 60.0)  # all of them are heard, however slow the machine is
        listeners = self.house.listeners
        [listener] = [one for one in listeners.listeners if one.format.name == "gt06"]
        talking = []
        for number in range(NAMED + 2):
            connection = Connections(listeners.server, listener).buildProtocol(None)
            peer = IPv4Address("TCP", f"192.0.2.{number}", 5)
            connection.makeConnection(StringTransport(IPv4Address("TCP", "127.0.0.1", 1), peer))
            connection.dataReceived(login(number))
            talking.append(connection)
        lines = [line.split(": ")[1] for line in self.seen.told().splitlines() if line.startswith("  waiting")]
        self.assertEqual(lines, [f"gt06 #{number + 1} 192.0.2.{number}, no device" for number in range(NAMED)])
        while any(one.conversation is not None and one.conversation.busy for one in talking):
            await deferLater(self.house.reactor, 0.01)
        self.assertNotIn("waiting", self.seen.told())
        for connection in talking:
            connection.connectionLost(Failure(ConnectionDone()))
        await self.house.presence.strangers.stop()

    async def test_away(self) -> None:
        """A committer that cannot commit knows first that the database is away; the block says why."""
        self.assertIn("database   available", self.seen.told())
        self.house.committer.away = "no route"
        self.assertEqual(self.value("database_available"), False)
        self.assertIn("database   away: no route", self.seen.told())

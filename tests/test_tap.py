"""What the composition root makes of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.application.service import IServiceMaker
from twisted.internet.task import Clock
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase

from trackd.listen.tls import BadCertificate
from trackd.settings import Settings, load
from trackd.tap import Trackd, detectors, limits, listeners, makeService, sources, stages
from trackd.wire import catalog


def settings(**said: Any) -> Settings:
    given = {name.replace("__", "."): value for name, value in said.items()}
    return load([], {"protocols.enable": "gt06,teltonika"} | given, catalog, data=Path("/nowhere"))


def named(functions: Any) -> list[str]:
    return [function.__name__ for function in functions]


class DropInTests(SynchronousTestCase):
    def test_dropin(self) -> None:
        """``twistd`` knows trackd, without importing it."""
        makers: list[Any] = [one for one in getPlugins(IServiceMaker) if one.tapname == "trackd"]
        self.assertEqual(["trackd.tap"], [maker.module for maker in makers])

    def test_configuration_that_cannot_be_used(self) -> None:
        """Every problem is a line, and the process ends."""

        class Options:
            def settings(self) -> Settings:
                return settings(web__prt="1", web__port="many")

        stopped = self.assertRaises(SystemExit, makeService, Options())
        first, second = sorted(str(stopped).splitlines())
        self.assertIn("web.port", first)
        self.assertIn("web.prt", second)


class ProcessingTests(SynchronousTestCase):
    def test_stages(self) -> None:
        """The stages stand in the order of the contract; copied attributes only when they are switched on."""
        wanted = ["outdated", "time", "distance", "geofences", "motion", "engine_hours"]
        self.assertEqual(wanted, named(stages(settings())))
        said = settings(processing__copyAttributes__enable="true")
        self.assertEqual(["motion", "copy_attributes", "engine_hours"], named(stages(said))[-3:])

    def test_detectors(self) -> None:
        """The detector of motion is one of two; alarms and ignition follow."""
        self.assertEqual(["streaks", "alarm", "ignition"], named(detectors(settings())))
        old = settings(report__trip__newLogic="false")
        self.assertEqual(["trips", "alarm", "ignition"], named(detectors(old)))


class ShareTests(SynchronousTestCase):
    def test_answers(self) -> None:
        """What follows on the answers of the pool takes from the share of strangers."""
        service = Trackd(Clock(), settings(), print)
        self.assertEqual(service.share.go_on, service.chosen.go_on)


class ListenerTests(SynchronousTestCase):
    def test_ports(self) -> None:
        """Each format listens on its port at each of its addresses; port 0 is off."""
        said = settings(gt06__address="127.0.0.1,::1", gt06__port="6000", teltonika__port="0")
        shown = [(one.format.name, one.port, one.address) for one in listeners(said)]
        self.assertEqual([("gt06", 6000, "127.0.0.1"), ("gt06", 6000, "::1")], shown)

    def test_timeouts(self) -> None:
        """A format's own time-out goes before the server's; a negative one is none."""
        said = settings(server__timeout="99", gt06__timeout="7", teltonika__timeout="-1")
        bearing = limits(said)
        self.assertEqual([7, None], [one.idle(bearing) for one in listeners(said)])
        self.assertEqual([99.0, 99.0], [one.idle(bearing) for one in listeners(settings(server__timeout="99"))])

    def test_tls_without_certificate(self) -> None:
        """TLS needs a certificate; the line names the keys."""
        error = self.assertRaises(BadCertificate, listeners, settings(gt06__ssl="true"))
        self.assertIn("gt06.ssl: set tls.certificate and tls.key", str(error))

    def test_nobody_is_asked(self) -> None:
        """Formats that don't ask have no source."""
        self.assertEqual([], sources(settings()))

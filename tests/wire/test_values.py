from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import names
from trackd.wire.values import CellTower, Network, Position, WifiAccessPoint


class PositionTests(SynchronousTestCase):
    def test_alarms(self) -> None:
        """Alarms are joined where the first of them stands, repeated ones too; none is nothing."""
        position = Position()
        position.add_alarm(None)
        self.assertEqual(position.attributes, {})
        position.add_alarm(names.ALARM_SOS)
        position.set("io1", 1)
        for alarm in (names.ALARM_TOW, "", None, names.ALARM_SOS):
            position.add_alarm(alarm)
        self.assertEqual(list(position.attributes.items()), [("alarm", "sos,tow,sos"), ("io1", 1)])


class NetworkTests(SynchronousTestCase):
    def test_seen_once(self) -> None:
        """What agrees in everything is kept once, in the order in which it was seen."""
        network = Network(cells=[CellTower(262, 1, 2, 3)])
        for seen in (
            WifiAccessPoint("aa", -60),
            CellTower(262, 1, 2, 3),
            CellTower(262, 1, 2, 3, 70),
            WifiAccessPoint("bb"),
            CellTower(262, 1, 2, 3, -70),
            WifiAccessPoint("aa", 60),
            WifiAccessPoint("aa", 61),
        ):
            network.add(seen)
        self.assertEqual(network.cells, [CellTower(262, 1, 2, 3), CellTower(262, 1, 2, 3, -70)])
        self.assertEqual(
            [(point.mac, point.signal) for point in network.wifi], [("aa", -60), ("bb", None), ("aa", -61)]
        )
        self.assertEqual(Network(cells=list(network.cells), wifi=list(network.wifi)), network)

    def test_appended(self) -> None:
        """What was put into the lists by hand counts too."""
        network = Network()
        network.cells.append(CellTower(262, 1, 2, 3))
        network.add(CellTower(262, 1, 2, 3))
        self.assertEqual(len(network.cells), 1)

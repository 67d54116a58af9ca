"""What a device heard around it, as it is stored."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.track.digest import dumps
from trackd.track.surroundings import surroundings
from trackd.wire.values import CellTower, Network, WifiAccessPoint


class SurroundingsTests(SynchronousTestCase):
    def test_one_cell(self) -> None:
        """One cell is written as the API shows it, the second time as the first."""
        for _ in range(2):
            self.assertEqual(
                '{"radioType":"gsm","considerIp":false,"cellTowers":[{"cellId":4,"locationAreaCode":3,'
                '"mobileCountryCode":262,"mobileNetworkCode":2,"signalStrength":-70}]}',
                surroundings(Network([CellTower(262, 2, 3, 4, 70)])),
            )

    def test_nothing_is_left_out(self) -> None:
        """Whatever else is known of the network is written as well, although its cell was seen before."""
        cell = CellTower(262, 2, 3, 4)
        alone = surroundings(Network([cell]))
        others = (
            Network([cell, CellTower(262, 2, 3, 5)]),
            Network([cell], [WifiAccessPoint("00:11:22:33:44:55")]),
            Network([cell], radio="lte"),
            Network([cell], radio=None),
            Network([cell], carrier="x"),
            Network([cell], consider_ip=True),
            Network([cell], home_mcc=262),
            Network([cell], home_mnc=2),
            Network([CellTower(262, 2, 3, 4, -70)]),
            Network([CellTower(262, 2, 3, 4, radio="lte")]),
            Network([CellTower(262, 2, 3, 4.0)]),  # type: ignore[arg-type]
            Network(),
        )
        for network in others:
            self.assertNotEqual(alone, surroundings(network))
            self.assertEqual(dumps(network.to_json()).decode(), surroundings(network))

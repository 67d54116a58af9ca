from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance import compare
from trackd.wire.values import CellTower, Network, Position, WifiAccessPoint

RECORDED: dict[str, Any] = {
    "device": "1",
    "protocol": "any",
    "deviceTime": "2024-05-06T07:08:09.010Z",
    "fixTime": None,
    "outdated": True,
    "valid": True,
    "latitude": 1.5,
    "longitude": 0.0,
    "altitude": 0.0,
    "speed": 0.0,
    "course": 0.0,
    "accuracy": 0.0,
    "network": {
        "radioType": "gsm",
        "considerIp": False,
        "cellTowers": [
            {"cellId": 4, "locationAreaCode": 3, "mobileCountryCode": 1, "mobileNetworkCode": 2},
            {"cellId": 5, "locationAreaCode": 3, "mobileCountryCode": 1, "mobileNetworkCode": 2, "signalStrength": -70},
        ],
        "wifiAccessPoints": [{"macAddress": "aa", "signalStrength": -1}],
    },
    "attributes": {"sat": 5, "hdop": 1.5, "alarm": "sos", "motion": True},
}


class PositionTests(SynchronousTestCase):
    def heard(self) -> Position:
        network = Network()
        for seen in (CellTower(1, 2, 3, 5, 70), CellTower(1, 2, 3, 4), WifiAccessPoint("aa", 1)):
            network.add(seen)
        return Position(
            datetime(2024, 5, 6, 7, 8, 9, 10000, UTC),
            valid=True,
            latitude=1.5,
            network=network,
            attributes={"motion": True, "alarm": "sos", "hdop": 1.5, "sat": 5},
            outdated=True,
        )

    def differences(self, **changed: Any) -> list[str]:
        recorded = deepcopy(RECORDED)
        for name, value in changed.items():
            if name in recorded:
                recorded[name] = value
            else:
                recorded["attributes"][name] = value
        return compare.positions([recorded], [compare.as_json(self.heard(), "1", "any")])

    def test_same(self) -> None:
        """Equal values are equal, in whatever order attributes, cells and access points are."""
        self.assertEqual(self.differences(), [])

    def test_types(self) -> None:
        """Integers, floats, booleans and texts of the same look are different."""
        for changed in (
            {"sat": 5.0},
            {"sat": "5"},
            {"motion": 1},
            {"hdop": "1.5"},
            {"alarm": None},
            {"outdated": False},
        ):
            self.assertEqual(len(self.differences(**changed)), 1, changed)

    def test_tolerance(self) -> None:
        """Floats may differ by 1e-9 of their size, integers not at all."""
        self.assertEqual(self.differences(latitude=1.5 + 1e-9, hdop=1.5 - 1e-9), [])
        self.assertEqual(len(self.differences(latitude=1.5 + 1e-8)), 1)
        self.assertEqual(len(self.differences(hdop=1.5 + 1e-8)), 1)

    def test_fields(self) -> None:
        """Every field counts, and so do missing and additional attributes."""
        for changed in (
            {"device": "2"},
            {"protocol": "other"},
            {"deviceTime": "2024-05-06T07:08:09.011Z"},
            {"fixTime": "2024-05-06T07:08:09.010Z"},
            {"valid": False},
            {"speed": 1.0},
            {"network": None},
            {"fuel": 1},
        ):
            self.assertEqual(len(self.differences(**changed)), 1, changed)
        self.assertEqual(len(self.differences(attributes={})), 4)

    def test_network(self) -> None:
        """A cell more or less is a difference."""
        network = deepcopy(RECORDED["network"])
        network["cellTowers"].pop()
        self.assertTrue(self.differences(network=network))

    def test_count(self) -> None:
        """A position more or less is a difference."""
        self.assertEqual(compare.positions([RECORDED], []), ["0 positions instead of 1"])

    def test_zone(self) -> None:
        """A time without a zone is no time."""
        position = Position(datetime(2024, 5, 6))
        self.assertIn("without zone", compare.as_json(position, None, "any")["deviceTime"])


class TalkTests(SynchronousTestCase):
    def test_ids(self) -> None:
        """The same list several times in a row is one, another order is another list."""
        self.assertEqual(compare.ids([["1"], ["1"]], [["1"]]), [])
        self.assertTrue(compare.ids([["1"], ["2"]], [["2"], ["1"]]))
        self.assertTrue(compare.ids([["1", "2"]], [["2", "1"]]))

    def test_replies(self) -> None:
        """Of a stream the bytes count, of datagrams each, of HTTP status line and body."""
        self.assertEqual(compare.replies([b"ab", b"c"], [b"a", b"bc"], "tcp"), [])
        self.assertTrue(compare.replies([b"ab"], [b"ba"], "tcp"))
        self.assertTrue(compare.replies([b"ab", b"c"], [b"a", b"bc"], "udp"))
        recorded = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
        self.assertEqual(compare.replies([recorded], [b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n{}"], "http"), [])
        self.assertTrue(compare.replies([recorded], [b"HTTP/1.1 200 OK\r\n\r\n[]"], "http"))
        self.assertTrue(compare.replies([recorded], [b"HTTP/1.1 400 Bad Request\r\n\r\n{}"], "http"))

    def test_frames(self) -> None:
        """
        A recorded text may have been in UTF-8 or one character per byte, with its delimiter or without its filling.
        """
        self.assertEqual(compare.frames(["ü", b"a", "\xfc"], ["ü".encode(), b"a", b"\xfc"]), [])
        self.assertEqual(compare.frames(["a#", b"b"], [b"a", b"b "]), [])
        self.assertTrue(compare.frames([b"a"], [b"b"]))
        self.assertTrue(compare.frames([b"a"], [b"a", b""]))

    def test_media(self) -> None:
        """Files are compared as a whole."""
        file = {"device": "1", "data": "ff", "extension": "jpg"}
        self.assertEqual(compare.media([file], [dict(file)]), [])
        self.assertTrue(compare.media([file], [{**file, "data": "fe"}]))

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import obd
from trackd.wire.values import Position


class ReadingTests(SynchronousTestCase):
    def test_converted(self) -> None:
        """Readings of modes 1 and 2 are converted in whole numbers."""
        for text, found in (
            ("2F41", ("fuel", 25)),
            ("0C0F98", ("rpm", 998)),
            ("0584", ("coolantTemp", 92)),
            ("0F00", ("intakeTemp", -40)),
            ("043C", ("engineLoad", 23)),
            ("1128", ("throttle", 15)),
            ("0B19", ("mapIntake", 25)),
            ("0D22", ("obdSpeed", 34)),
            ("210000", ("milDistance", 0)),
            ("3100BB", ("clearedDistance", 187)),
        ):
            self.assertEqual(obd.reading(1, text), found)
            self.assertEqual(obd.reading(2, text), found)

    def test_raw(self) -> None:
        """Some devices convert themselves."""
        self.assertEqual(obd.parameter(0x0C, 3993, raw=True), ("rpm", 3993))

    def test_others(self) -> None:
        """Other parameters and modes give nothing; what is no hex is an error."""
        self.assertEqual((obd.reading(1, "9901"), obd.reading(4, "0C0F98")), (None, None))
        for bad in ("0C", "0Cxx", ""):
            with self.assertRaises(ValueError):
                obd.reading(1, bad)

    def test_stored(self) -> None:
        """A reading becomes an attribute, none leaves no trace."""
        position = Position()
        obd.store(position, obd.reading(1, "2F41"))
        obd.store(position, obd.reading(1, "9901"))
        obd.store(position, obd.reading(3, ""))
        self.assertEqual(position.attributes, {"fuel": 25})


class CodeTests(SynchronousTestCase):
    def test_code(self) -> None:
        """Two bits are the letter, the others four hex digits."""
        self.assertEqual(
            [obd.code(value) for value in (0x0D14, 0xC123, 0x4001, 0xBFFF)], ["P0D14", "U0123", "C0001", "B3FFF"]
        )

    def test_codes(self) -> None:
        """A text is taken in groups of four digits, the rest is dropped."""
        self.assertEqual(obd.codes("0D14C12301"), "P0D14 U0123")
        self.assertEqual(obd.codes("0D1"), "")
        self.assertEqual(obd.reading(3, "0D14"), ("dtcs", "P0D14"))
        self.assertIsNone(obd.reading(3, "0D"))

"""The stage for files, with a folder in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.track.memory import NOON, House, Wire, at, fix
from trackd.track.stages.files import files
from trackd.wire.values import Media


@define
class Folder:
    """Has stored a file when the test says so."""

    asked: list[tuple[str, bytes, str, datetime]] = Factory(list)
    answers: list[Deferred[str]] = Factory(list)

    def keep(self, unique_id: str, file: Media, now: datetime) -> Deferred[str]:
        self.asked.append((unique_id, file.data, file.extension, now))
        self.answers.append(Deferred())
        return self.answers[-1]


class FilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Folder()
        folder: Any = self.folder
        self.house = House(stages=(files(folder, UTC),))
        self.house.add("a")
        self.wire = Wire()
        self.house.find(self.wire, "a")

    def photo(self, seconds: float = 0, data: bytes = b"photo") -> list[None]:
        done = self.house.take(self.wire, fix(seconds, attributes={"image": Media(data, "jpg"), "sat": 5}))
        self.house.settle()
        return done

    def attributes(self) -> list[dict[str, Any]]:
        self.house.settle()
        return [report.attributes for report in self.house.reports]

    def test_name(self) -> None:
        """The file is stored with the device, and its name becomes the attribute."""
        done = self.photo()
        self.assertEqual(([("a", b"photo", "jpg", NOON)], []), (self.folder.asked, done))
        self.folder.answers[0].callback("1.jpg")
        self.assertEqual([{"image": "1.jpg", "sat": 5}], self.attributes())
        self.assertEqual([None], done)

    def test_order(self) -> None:
        """Later reports of the device wait for the file."""
        self.photo()
        self.house.take(self.wire, fix(1))
        self.assertEqual([], self.attributes())
        self.folder.answers[0].callback("1.jpg")
        self.house.settle()
        self.assertEqual([at(0), at(1)], [report.fix_time for report in self.house.reports])

    def test_again(self) -> None:
        """A report that is sent again leaves no second file; another photo at the same time is another report."""
        self.photo()
        self.folder.answers[0].callback("1.jpg")
        self.photo()
        self.assertEqual(1, len(self.folder.asked))
        self.photo(data=b"other")
        self.folder.answers[1].callback("2.jpg")
        self.assertEqual(["1.jpg", "2.jpg"], [attributes["image"] for attributes in self.attributes()])

    def test_not_stored(self) -> None:
        """Where the file is not stored, the report is stored without it."""
        self.photo()
        self.folder.answers[0].callback("")
        self.assertEqual([{"sat": 5}], self.attributes())

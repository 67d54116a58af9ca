"""The positions of a device as files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree
from zipfile import ZipFile

from plugins.rest.traccar import exports
from tests.rest.client import Response
from tests.rest.house import HouseTestCase
from tests.store.samples import NOON, after, position
from trackd.rest.output import moment

KML = "{http://www.opengis.net/kml/2.2}"
FIXED = "id,deviceId,protocol,serverTime,deviceTime,fixTime,valid,latitude,longitude,altitude,speed,course"


class ExportTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.owner = await self.user("owner")
        self.admin = await self.user("admin", administrator=True)
        self.van = await self.device(self.owner, "van")

    async def export(self, name: str, who: dict[str, str] | None = None, **more: Any) -> Response:
        """The file of two minutes from noon on."""
        query = {"deviceId": self.van, "from": moment(NOON), "to": moment(after(120)), **more}
        said = "&".join(f"{key}={quote(str(value))}" for key, value in query.items())
        return await self.call("GET", f"/api/positions/{name}?{said}", who or self.owner)

    async def lines(self, **more: Any) -> list[list[str]]:
        answer = await self.export("csv", **more)
        self.assertEqual((200, "text/csv"), (answer.status, answer.header("Content-Type")))
        self.assertEqual("attachment; filename=positions.csv", answer.header("Content-Disposition"))
        self.assertTrue(answer.text.endswith("\n"))
        return [line.split(",") for line in answer.text[:-1].split("\n")]

    async def test_csv(self) -> None:
        """A line for each position, a column for each attribute that one of them has, numbers and flags as in JSON."""
        attributes = '{"b":true,"n":null,"i":5,"f":1.5,"o":{"k":[1,2]}}'
        first = await position(self.db, self.van, after(1), attributes=attributes, address=" Straße 1 ")
        await position(self.db, self.van, after(2), attributes='{"late":"x"}', valid=False)
        head, one, other = await self.lines()
        self.assertEqual(f"{FIXED},address,accuracy,b,n,i,f,o,late", ",".join(head))
        self.assertEqual(
            [
                str(first.id),
                str(self.van),
                "test",
                *["2024-05-15 12:00:01"] * 3,
                "true",
                "1.0",
                "2.0",
                "3.0",
                "4.0",
                "5.0",
            ],
            one[:12],
        )
        self.assertEqual(["Straße 1", "6.0", "true", "", "5", "1.5", '{"k":[1', "2]}", ""], one[12:])
        self.assertEqual(["false", ["", "6.0", "", "", "", "", "", "x"]], [other[6], other[12:]])

    async def test_formulas(self) -> None:
        """What a device sends is no formula in the spreadsheet of whoever looks at it, nor a line of its own."""
        bad = ("=1+1", " =1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", "\x00=1")
        for text in bad:
            self.assertEqual("", exports.cell(text), repr(text))
        self.assertEqual("a  b c d", exports.cell("a\r\nb\u2028c\x85d"))
        self.assertEqual(["-1", "-1.5", "1-1"], [exports.cell(value) for value in (-1, -1.5, "1-1")])
        attributes = '{"=cmd":"=cmd","\\nx":"a\\nb","\\ud800":"\\udfff"}'
        await position(self.db, self.van, after(1), attributes=attributes, protocol="=p", address="@a")
        head, line = await self.lines()
        self.assertEqual(["", "x", "?"], head[-3:])
        self.assertEqual(["", "a b", "?"], line[-3:])
        self.assertEqual(["", ""], [line[2], line[12]])

    async def test_zone(self) -> None:
        """Times are those of the user's zone, of the server's if the user has none or the server's goes first."""
        await position(self.db, self.van, NOON)
        users = self.services.permissions.users

        async def shown() -> str:
            return (await self.lines())[1][5][11:]

        for own, server, first, wanted in (
            (
                None,
                None,
                False,
                (NOON + (self.services.machine.zone("").utcoffset(NOON) or timedelta())).strftime("%H:%M:%S"),
            ),
            (None, "Asia/Kolkata", False, "17:30:00"),
            ("Europe/Berlin", "Asia/Kolkata", False, "14:00:00"),
            ("Europe/Berlin", "Asia/Kolkata", True, "17:30:00"),
            ("Europe/Berlin", None, True, "14:00:00"),
            ("Nowhere/At all", None, False, "12:00:00"),
            ("../../etc/passwd", None, False, "12:00:00"),
        ):
            await users.update(self.ids["owner"], {"attributes": {"timezone": own} if own else {}})
            await users.update_server({"attributes": {"timezone": server}, "force_settings": first})
            self.assertEqual(wanted, await shown())

    async def test_columns(self) -> None:
        """However many attributes a device makes up, the lines stay bearable."""
        self.patch(exports, "MOST_COLUMNS", 3)
        for second in range(5):
            await position(self.db, self.van, after(second), attributes=f'{{"a{second}":1,"b{second}":2}}')
        lines = await self.lines()
        self.assertEqual({17}, {len(line) for line in lines})

    async def test_pieces(self) -> None:
        """Many positions come in pieces, and all of them come; the limit counts before the geofence does."""
        await self.db.run(
            "INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, latitude,"
            " longitude, altitude, speed, course, accuracy, attributes, digest) SELECT n, %s, 'test', t, t, t, true,"
            " n / 100.0, 0, 0, 0, 0, 0, '{}', n FROM (SELECT n, timestamptz '2024-05-15 12:00Z' + n * interval '0.01s'"
            " AS t FROM generate_series(1, 2500) n) s",
            [self.van],
        )
        lines = await self.lines()
        self.assertEqual([str(n) for n in range(1, 2501)], [line[0] for line in lines[1:]])
        (points,) = ElementTree.fromstring((await self.export("kml")).body).iter(f"{KML}coordinates")
        self.assertEqual(2500, len((points.text or "").split(" ")))
        track = ElementTree.fromstring((await self.export("gpx")).body)
        self.assertEqual(
            [n / 100 for n in range(1, 2501)], [float(point.get("lat") or 0) for point in track.iter("trkpt")]
        )
        fence = {"name": "g", "area": "POLYGON ((0 -1, 0 1, 4.995 1, 4.995 -1))"}
        made = (await self.call("POST", "/api/geofences", self.owner, json=fence)).value["id"]
        self.assertEqual(500, len(await self.lines(geofenceId=made)))
        self.assertEqual(2501, len(await self.lines(geofenceId=999999)))
        object.__setattr__(self.services.options, "most_positions", 600)
        self.assertEqual(601, len(await self.lines()))
        fence["area"] = "POLYGON ((4.995 -1, 4.995 1, 20 1, 20 -1))"
        made = (await self.call("POST", "/api/geofences", self.owner, json=fence)).value["id"]
        self.assertEqual(102, len(await self.lines(geofenceId=made)))

    async def test_markup(self) -> None:
        """A name is a text, however it looks, and characters that XML has not are left out."""
        name = "</name><script>&\"' \x0b\ufffe]]>"
        await self.db.run("UPDATE devices SET name = %s WHERE id = %s", [name, self.van])
        await position(self.db, self.van, after(1))
        wanted = name.replace("\x0b", "").replace("\ufffe", "")
        for file, tag in (("gpx", "name"), ("kml", f"{KML}name")):
            answer = await self.export(file)
            self.assertEqual(wanted, next(ElementTree.fromstring(answer.body).iter(tag)).text)
            self.assertNotIn("<script", answer.text)

    async def test_gpx(self) -> None:
        """Times have no more digits than they need, and the offset of the server's zone."""
        zone = self.services.machine.zone
        berlin = zone("Europe/Berlin")
        for seconds, here, wanted in (
            (0, zone("UTC"), "2024-05-15T12:00:00Z"),
            (0.12, zone("UTC"), "2024-05-15T12:00:00.12Z"),
            (1.0019, zone("UTC"), "2024-05-15T12:00:01.001Z"),
            (0, berlin, "2024-05-15T14:00:00+02:00"),
            (0.5, berlin, "2024-05-15T14:00:00.5+02:00"),
        ):
            self.assertEqual(wanted, exports.with_offset(after(seconds), here))

    async def test_ends_of_time(self) -> None:
        """The first and the last hours that there are, which some zones do not have, are shown as they are."""
        away = self.services.machine.zone("America/New_York"), self.services.machine.zone("Asia/Tokyo")
        for time in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)):
            shown = [(exports.second(time, zone), exports.with_offset(time, zone)) for zone in away]
            self.assertIn((f"{time:%Y-%m-%d %H}".zfill(13) + ":00:00", f"{time.isoformat()[:19]}Z"), shown)

    async def test_kmz(self) -> None:
        """A zip file with the same document."""
        await position(self.db, self.van, after(1), latitude=48.1234567, longitude=-11.0, altitude=500)
        answer = await self.export("kmz")
        self.assertEqual("application/vnd.google-earth.kmz", answer.header("Content-Type"))
        with ZipFile(BytesIO(answer.body)) as archive:
            self.assertEqual(
                (["doc.kml"], (await self.export("kml")).body), (archive.namelist(), archive.read("doc.kml"))
            )
        self.assertIn("<coordinates>-11.000000,48.123457,500.000000</coordinates>", (await self.export("kml")).text)

    async def test_refused(self) -> None:
        """Neither who does not see the device, nor who may not see reports, nor without a time."""
        stranger, blind = await self.user("stranger"), await self.user("blind", disable_reports=True)
        await self.services.linking.links.link("user", self.ids["blind"], "device", self.van)
        bad = {"name": "bad", "area": "CIRCLE (0 0, 1)"}
        geofence = (await self.call("POST", "/api/geofences", self.owner, json=bad)).value["id"]
        await self.db.run("UPDATE geofences SET area = 'nonsense' WHERE id = %s", [geofence])
        for name in ("csv", "gpx", "kml", "kmz"):
            for who, said in ((stranger, "Device access denied"), (blind, "Operation restricted")):
                answer = await self.export(name, who)
                self.assertEqual((400, said), (answer.status, answer.text))
            self.assertIsNone(answer.header("Content-Disposition"))
            self.assertEqual(
                400, (await self.call("GET", f"/api/positions/{name}?deviceId={self.van}", self.owner)).status
            )
            self.assertEqual(404, (await self.export(name, to="tomorrow")).status)
            self.assertEqual(400, (await self.export(name, geofenceId=geofence)).status)
        for name in ("gpx", "kml", "kmz"):
            self.assertEqual(400, (await self.export(name, self.admin, deviceId=999999)).status)
        await self.db.stop()
        self.assertEqual(503, (await self.export("csv")).status)

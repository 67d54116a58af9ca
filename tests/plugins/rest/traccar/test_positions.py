"""Positions and events by the API: deleting them, and counting on from other values."""

from __future__ import annotations

from typing import Any

from plugins.rest.traccar.models import dumps, position_json
from tests.rest.house import HouseTestCase
from tests.store.samples import after, latest, position
from trackd.rest.output import moment


class PositionTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.owner = await self.user("owner")
        self.van = await self.device(self.owner)

    async def shown(self, who: dict[str, str]) -> list[Any]:
        """The ids of the device's positions of a minute."""
        return [one["id"] for one in (await self.call("GET", f"/api/positions?{self.span(0, 60)}", who)).value]

    def span(self, start: float, end: float) -> str:
        times = [(moment(after(seconds)) or "").replace("+", "%2B") for seconds in (start, end)]
        return f"deviceId={self.van}&from={times[0]}&to={times[1]}"

    async def test_latest_deleted(self) -> None:
        """A device never names a position that is gone: when its latest is deleted, the newest that is left is."""
        before = await position(self.db, self.van, after(1))
        last = await latest(self.db, self.van, after(2))
        self.assertEqual(204, (await self.call("DELETE", f"/api/positions/{last.id}", self.owner)).status)
        shown = (await self.call("GET", f"/api/devices/{self.van}", self.owner)).value
        self.assertEqual(before.id, shown["positionId"])
        (only,) = (await self.call("GET", f"/api/positions?deviceId={self.van}", self.owner)).value
        self.assertEqual(before.id, only["id"])
        self.assertEqual(204, (await self.call("DELETE", f"/api/positions?{self.span(0, 60)}", self.owner)).status)
        shown = (await self.call("GET", f"/api/devices/{self.van}", self.owner)).value
        self.assertEqual(0, shown["positionId"])

    async def test_whose(self) -> None:
        """Nobody deletes positions of a device that is not for him to see, nor a read-only user those that are."""
        stored = await latest(self.db, self.van, after(1))
        stranger, reader = await self.user("stranger"), await self.user("reader", readonly=True)
        await self.services.linking.links.link("user", self.ids["reader"], "device", self.van)
        for who, said in ((stranger, "Device access denied"), (reader, "Operation restricted")):
            for path in (f"/api/positions/{stored.id}", f"/api/positions?{self.span(0, 60)}"):
                answer = await self.call("DELETE", path, who)
                self.assertEqual((400, said), (answer.status, answer.text))
            # That there is none is no secret.
            self.assertEqual(404, (await self.call("DELETE", "/api/positions/999999", who)).status)
        self.assertEqual([stored.id], await self.shown(self.owner))

    async def test_of_nobody(self) -> None:
        """An administrator, to whom every device is fine, has to name one to delete its positions."""
        root = await self.user("root", administrator=True)
        span = self.span(0, 60).partition("&")[2]
        answer = await self.call("DELETE", f"/api/positions?{span}", root)
        self.assertEqual((400, "The device is missing: deviceId"), (answer.status, answer.text))

    async def test_alike(self) -> None:
        """
        A position is written the same, byte for byte, in a long list, as the latest, by its id, and over the socket.
        """
        strange: dict[str, Any] = {"altitude": float("nan"), "speed": float("-inf"), "course": float("inf")}
        for values in (
            {
                "attributes": '{"b":1,"a":"\\u0000","c":{"d":[1,2.5]}}',
                "geofence_ids": "[3,1]",
                "address": 'Straße "1"',
            },
            {"network": '{"radioType":"gsm"}', "device_time": after(1.9999), "latitude": 48, "geofence_ids": "[]"},
            strange,
        ):
            row = await latest(self.db, self.van, after(1), **values)
            socket = dumps([position_json(row)])
            for path in (f"deviceId={self.van}", self.span(1, 1), f"id={row.id}"):
                self.assertEqual(socket, (await self.call("GET", f"/api/positions?{path}", self.owner)).body)
            await self.db.run("DELETE FROM positions")

    async def test_event(self) -> None:
        """An event is for those to see who see its device."""
        await self.db.run(
            "INSERT INTO events (id, device_id, type, event_time, position_id) VALUES (5, %s, 'alarm', %s, 7)",
            [self.van, after(1)],
        )
        shown = (await self.call("GET", "/api/events/5", self.owner)).value
        self.assertEqual(
            ("alarm", 7, 0, {}), tuple(shown[name] for name in "type positionId geofenceId attributes".split())
        )
        stranger = await self.user("stranger")
        answer = await self.call("GET", "/api/events/5", stranger)
        self.assertEqual((400, "Device access denied"), (answer.status, answer.text))
        self.assertEqual(404, (await self.call("GET", "/api/events/6", stranger)).status)

    async def test_accumulators(self) -> None:
        """The device is the one in the body, and what is null, empty or left out is not changed."""
        await latest(self.db, self.van, after(1))
        path = "/api/devices/abc/accumulators"
        for said, wanted in (
            ({"totalDistance": 5}, (5.0, None)),
            ({"hours": "7", "totalDistance": None}, (None, 7)),
            ({"hours": "", "totalDistance": "1.5"}, (1.5, None)),
        ):
            answer = await self.call("PUT", path, self.owner, json={"deviceId": self.van, **said})
            self.assertEqual(204, answer.status)
            self.assertEqual((self.van, *wanted), self.services.amendments.counters[-1])  # type: ignore[attr-defined]
        stranger = await self.user("stranger")
        refused: tuple[tuple[Any, Any], ...] = (
            (self.owner, {"hours": 1}),
            (self.owner, {"deviceId": self.van, "hours": "x"}),
            (self.owner, {"deviceId": self.van, "id": 1}),
            (stranger, {"deviceId": self.van, "hours": 1}),
        )
        for who, bad in refused:
            self.assertEqual(400, (await self.call("PUT", path, who, json=bad)).status, bad)
        self.assertEqual(3, len(self.services.amendments.counters))  # type: ignore[attr-defined]

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from plugins.rest.traccar.models import device_json, dumps, event_json, position_json
from plugins.rest.traccar.objects import COMMAND, DEVICE, SERVER, USER
from trackd.store.rows import DeviceRow, EventRow, PositionRow, StateRow
from trackd.wire.values import CellTower, Network

AT = datetime(2026, 1, 31, 7, 5, 9, tzinfo=UTC)
POSITION = PositionRow(
    id=812,
    device_id=3,
    protocol="gt06",
    server_time=AT + timedelta(seconds=1, milliseconds=2),
    device_time=AT,
    fix_time=AT,
    valid=True,
    latitude=48.1,
    longitude=11.5,
    altitude=0.0,
    speed=12.95896,
    course=84.0,
    address=None,
    accuracy=0.0,
    network=None,
    geofence_ids=[4],
    attributes={"sat": 9, "ignition": True, "distance": 12.4},
    said=None,
    digest=0,
)
DEVICE_ROW = DeviceRow(3, {}, None, None, "Van", "123456789012345", None, None, None, "van", False, None)


def members(value: dict[str, Any]) -> list[str]:
    return list(value)


class PositionTests(SynchronousTestCase):
    """The objects are those of the contract's examples, member for member."""

    def test_position(self) -> None:
        """A position as it goes over the socket and in lists."""
        self.assertEqual(
            dumps(position_json(POSITION)),
            b'{"id":812,"attributes":{"sat":9,"ignition":true,"distance":12.4},"deviceId":3,"protocol":"gt06",'
            b'"serverTime":"2026-01-31T07:05:10.002+00:00","deviceTime":"2026-01-31T07:05:09.000+00:00",'
            b'"fixTime":"2026-01-31T07:05:09.000+00:00","valid":true,"latitude":48.1,"longitude":11.5,'
            b'"altitude":0.0,"speed":12.95896,"course":84.0,"address":null,"accuracy":0.0,"network":null,'
            b'"geofenceIds":[4]}',
        )

    def test_no_geofences(self) -> None:
        """In no geofence is null, never an empty list."""
        self.assertIsNone(position_json(evolve(POSITION, geofence_ids=None))["geofenceIds"])
        self.assertIsNone(position_json(evolve(POSITION, geofence_ids=[]))["geofenceIds"])

    def test_integers(self) -> None:
        """A format may say 5: it is written 5.0."""
        shown = dumps(position_json(evolve(POSITION, speed=5, latitude=48, course=0)))
        self.assertIn(b'"latitude":48.0', shown)
        self.assertIn(b'"speed":5.0,"course":0.0', shown)

    def test_no_numbers(self) -> None:
        """What JSON cannot write is a text, and spoils nothing else."""
        shown = position_json(evolve(POSITION, altitude=float("nan"), accuracy=float("inf")))
        self.assertEqual((shown["altitude"], shown["accuracy"], shown["course"]), ("NaN", "Infinity", 84.0))

    def test_times(self) -> None:
        """Times of other zones are shown in UTC, and the device's is not the fix's."""
        shown = position_json(
            evolve(POSITION, device_time=datetime(2026, 1, 31, 9, 0, tzinfo=timezone(timedelta(hours=2))))
        )
        self.assertEqual(shown["deviceTime"], "2026-01-31T07:00:00.000+00:00")
        self.assertEqual(shown["fixTime"], "2026-01-31T07:05:09.000+00:00")

    def test_network(self) -> None:
        """Cells from the wire and from the database look the same."""
        network = Network(cells=[CellTower(262, 1, 100, 200, 70)])
        wanted = {
            "radioType": "gsm",
            "considerIp": False,
            "cellTowers": [
                {
                    "cellId": 200,
                    "locationAreaCode": 100,
                    "mobileCountryCode": 262,
                    "mobileNetworkCode": 1,
                    "signalStrength": -70,
                }
            ],
        }
        for value in (network, network.to_json()):
            self.assertEqual(position_json(evolve(POSITION, network=value))["network"], wanted)


class ObjectTests(SynchronousTestCase):
    def test_device(self) -> None:
        """A device with its state, and one that has never reported."""
        state = StateRow(3, "online", AT, 811)
        self.assertEqual(
            dumps(device_json(DEVICE_ROW, state)),
            b'{"id":3,"attributes":{},"groupId":0,"calendarId":0,"name":"Van","uniqueId":"123456789012345",'
            b'"status":"online","lastUpdate":"2026-01-31T07:05:09.000+00:00","positionId":811,"phone":null,'
            b'"model":null,"contact":null,"category":"van","disabled":false,"expirationTime":null}',
        )
        shown = device_json(DEVICE_ROW, None)
        self.assertEqual((shown["status"], shown["lastUpdate"], shown["positionId"]), ("offline", None, 0))

    def test_event(self) -> None:
        """An event; over the socket it carries a text for its reader."""
        row = EventRow(55, 3, "ignitionOn", AT, 812, None, None, {})
        self.assertEqual(
            dumps(event_json(row, "Van: ignition on")),
            b'{"id":55,"attributes":{"message":"Van: ignition on"},"deviceId":3,"type":"ignitionOn",'
            b'"eventTime":"2026-01-31T07:05:09.000+00:00","positionId":812,"geofenceId":0,"maintenanceId":0}',
        )
        self.assertEqual(event_json(row)["attributes"], {})
        self.assertEqual(row.attributes, {})

    def test_members(self) -> None:
        """The members of the objects that clients write, in the order of the contract."""
        self.assertEqual(
            members(USER.show({})),
            (
                "id attributes name login email phone readonly administrator map latitude longitude zoom"
                " coordinateFormat disabled expirationTime deviceLimit userLimit deviceReadonly limitCommands"
                " disableReports fixedEmail poiLayer totpKey temporary password"
            ).split(),
        )
        self.assertEqual(
            members(SERVER.show({})),
            (
                "id attributes registration readonly deviceReadonly map bingKey mapUrl overlayUrl latitude longitude"
                " zoom forceSettings coordinateFormat limitCommands disableReports fixedEmail poiLayer announcement"
                " emailEnabled geocoderEnabled textEnabled storageSpace newServer openIdEnabled openIdForce version"
            ).split(),
        )
        self.assertEqual(members(DEVICE.show({})), members(device_json(DEVICE_ROW, None)))
        self.assertEqual(
            members(COMMAND.show({})), ["id", "attributes", "deviceId", "type", "textChannel", "description"]
        )

    def test_what_was_read_can_be_written(self) -> None:
        """Whatever a client reads it may send back as it is."""
        for model, shown in (
            (USER, USER.show({"name": "Ann", "email": "ann@example.org", "attributes": {"a": [1]}})),
            (DEVICE, device_json(DEVICE_ROW, StateRow(3, "online", AT, 811))),
            (SERVER, SERVER.show({"storage_space": [1, 2], "version": "1"})),
        ):
            again = model.read(json.dumps(shown).encode())
            self.assertEqual(model.show(again), shown)

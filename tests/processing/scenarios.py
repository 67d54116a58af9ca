"""
The recorded scenarios of processing: which of them this server can play, and playing them against a running one.

`../shared/vectors/processing/README.md` describes the lines. A scenario whose objects, steps or settings are not built
yet is left out; it comes in by itself when they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from trackd.store.database import Database

FOLDER = Path(__file__).parents[3] / "shared" / "vectors" / "processing"

# What `setup` may name so far.
OBJECTS = {"config", "devices", "groups", "links"}
STEPS = {"api", "query", "json", "reconnect", "open", "on", "close", "sleep", "update", "positions", "link"}
# Events whose detectors are there.
EVENTS = {
    "alarm",
    "ignitionOn",
    "ignitionOff",
    "deviceMoving",
    "deviceStopped",
    "deviceOnline",
    "deviceOffline",
    "deviceUnknown",
    "queuedCommandSent",
}
# REST calls that are there.
CALLS = re.compile(r"GET devices|(GET|POST) commands/(send|types)")
# Settings and attributes of devices and groups that steps read which are not built yet.
LATER = re.compile(
    r"filter\.(?!enable)|fuel\w+Threshold|speedLimit|proximity|unaccompanied|location\.|forward\.|geocoder|geolocation\."
    r"|event\.behavior|processing\.useLinkedDriver"
)
# Scenarios that would pass by chance or can't be played, and why.
EXCEPT = {
    "basic-duplicate-events": "on purpose: a report that is sent again is stored once",
    "motion-equal-time": "on purpose: a report that is sent again is stored once",
    "config-status-unknown": "on purpose: a session lives as long as its connection, however silent",
    "config-status-events": "filters are not built yet",
    "delayed-watch": "on purpose: there is no buffer that holds reports back",
    "buffer-reorder": "on purpose: there is no buffer that holds reports back",
    "buffer-late": "on purpose: there is no buffer that holds reports back",
    "buffer-equal": "on purpose: there is no buffer that holds reports back",
    "basic-future": "the filter of reports from the future is not built yet",
    "motion-filtered": "filters are not built yet",
    "time-override-outdated-filter": "filters are not built yet",
    "events-order": "most of its detectors are not built yet",
    "result-number": "the detector of results is not built yet",
    "command-gt06-live": "the detector of results is not built yet",
    "command-types": "text messages have other types",
    "motion-migrated": "attributes of an older release of the reference",
}


def scenarios() -> Iterator[dict[str, Any]]:
    """All that can be played, in the order of the files."""
    for file in sorted(FOLDER.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            if line.strip() and not missing(scenario := json.loads(line)):
                yield scenario


def missing(scenario: dict[str, Any]) -> str:
    """What is not built yet of what the scenario needs; an empty text if all is there."""
    setup = scenario["setup"]
    if scenario["id"] in EXCEPT:
        return EXCEPT[scenario["id"]]
    if objects := set(setup) - OBJECTS:
        return f"objects: {', '.join(sorted(objects))}"
    if any(re.match(r"(event\.)?forward\.|geo|mapMatcher|speedLimit\.", key) for key in setup.get("config", ())):
        return "the outside world"
    if later := [step["api"] for step in scenario["reports"] if not CALLS.match(step.get("api", "GET devices"))]:
        return f"REST calls: {later[0]}"
    if "socket" in scenario:
        return "notifications"
    if events := {event["type"] for event in scenario.get("events", ())} - EVENTS:
        return f"events: {', '.join(sorted(events))}"
    for step in scenario["reports"]:
        if not STEPS & set(step):
            return f"a step {step}"
    told = json.dumps([setup.get("devices"), setup.get("groups"), scenario["reports"]])
    names = re.findall(r'"([A-Za-z.]+)":', told)
    if said := sorted({name for name in names if LATER.match(name)}):
        return f"settings: {', '.join(said)}"
    # Whole bundles of settings were in force at once; those that a scenario is about are in its name.
    if scenario["id"].startswith(("config-filter", "hemisphere", "behavior", "fuel", "coordinates-min")):
        return "steps that its settings switch on"
    return ""


def settings_of(scenario: dict[str, Any]) -> dict[str, str]:
    """The configuration of a scenario as far as it is built."""
    return {
        key: value
        for key, value in scenario["setup"].get("config", {}).items()
        if not LATER.match(key) and not key.startswith(("event.overspeed", "event.geofence", "processing.computed"))
        and key not in ("filter.enable", "server.delayAcknowledgement", "database.positionBatchInterval")
    }  # fmt: skip


class Wire(Protocol):
    """A connection that collects what comes."""

    def __init__(self) -> None:
        self.received = b""
        self.closed = False
        self._waiting: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        self._fire()

    def connectionLost(self, reason: object = None) -> None:
        self.closed = True
        self._fire()

    def _fire(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    async def more(self, reactor: Any, seconds: float) -> bool:
        """Wait for more, or the end; whether it came in time."""
        self._waiting = Deferred()
        try:
            await self._waiting.addTimeout(seconds, reactor)
        except TimeoutError:
            return False
        return True


# An administrator's REST call: method, path below the API, and body; status and body of the answer.
Call = Callable[[str, str, Any], Awaitable[tuple[int, Any]]]


class Play:
    """
    One scenario against a server whose formats listen on `ports` and whose database is `db`; `call` asks its REST API.
    """

    def __init__(self, reactor: Any, db: Database, ports: dict[str, int], call: Call, scenario: dict[str, Any]) -> None:
        self.reactor = reactor
        self.db = db
        self.ports = ports
        self.call = call
        self.scenario = scenario
        self.start = datetime.now(UTC).replace(microsecond=0)
        self.devices: dict[str, int] = {}
        self.groups: dict[str, int] = {}
        self.wires: dict[str, Wire] = {}
        self.http: Wire | None = None
        self.problems: list[str] = []

    async def play(self) -> list[str]:
        """What differs from the recording."""
        await self._set_up()
        for number, step in enumerate(self.scenario["reports"]):
            await self._step(number, step)
        await deferLater(self.reactor, 0.02)
        await self._compare()
        for wire in [*self.wires.values(), *([self.http] if self.http else [])]:
            wire.transport.abortConnection()  # type: ignore[union-attr]
        return self.problems

    async def _set_up(self) -> None:
        setup = self.scenario["setup"]
        for name, members in setup.get("groups", {}).items():
            parent = self.groups.get(members.get("group", ""))
            [(self.groups[name],)] = await self.db.query(
                "INSERT INTO groups (name, attributes, group_id) VALUES (%s, %s, %s) RETURNING id",
                [name, json.dumps(members.get("attributes", {})), parent],
            )
        for name, members in setup.get("devices", {}).items():
            [(self.devices[name],)] = await self.db.query(
                "INSERT INTO devices (name, unique_id, attributes, group_id, disabled, expiration_time, model)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
                [
                    members.get("name", name),
                    members["uniqueId"],
                    json.dumps(members.get("attributes", {})),
                    self.groups.get(members.get("group", "")),
                    members.get("disabled", False),
                    self._time(members.get("expirationTime")),
                    members.get("model"),
                ],
            )
            await self.db.run(
                "INSERT INTO user_device (user_id, device_id) SELECT id, %s FROM users WHERE administrator",
                [self.devices[name]],
            )
        await deferLater(self.reactor, 0.1)

    async def _step(self, number: int, step: dict[str, Any]) -> None:
        if "query" in step:
            await self._request(number, step, "GET", "/?" + urlencode(self._filled(step["query"]), doseq=True), b"")
        elif "json" in step:
            body = json.dumps(self._filled(step["json"])).encode()
            await self._request(number, step, "POST", "/", body)
        elif "reconnect" in step:
            if self.http is not None:
                self.http.transport.loseConnection()  # type: ignore[union-attr]
                self.http = None
        elif "open" in step:
            self.wires[step["open"]] = await self._connect(step["protocol"])
        elif "on" in step:
            await self._talk(number, step)
        elif "close" in step:
            self.wires.pop(step["close"]).transport.loseConnection()  # type: ignore[union-attr]
            await deferLater(self.reactor, 0.05)
        elif "api" in step:
            await self._ask(number, step)
        elif "sleep" in step:
            await deferLater(self.reactor, step["sleep"])
        elif "update" in step:
            for name, members in step["update"].items():
                for member, value in members.items():
                    column = re.sub("[A-Z]", lambda found: "_" + found[0].lower(), member)
                    await self.db.run(
                        f"UPDATE devices SET {column} = %s WHERE id = %s",
                        [json.dumps(value) if isinstance(value, dict) else value, self.devices[name]],
                    )
            await deferLater(self.reactor, 0.2)

    async def _ask(self, number: int, step: dict[str, Any]) -> None:
        method, path = self._named(step["api"]).split(" ", 1)
        body = json.loads(self._named(json.dumps(step["body"]))) if "body" in step else None
        status, result = await self.call(method, path, body)
        if status != step["status"]:
            self.problems.append(f"step {number}: status {status}, not {step['status']}: {result}")
        elif step.get("result") not in (None, "<error>"):
            shown = self._shown(result)
            if isinstance(shown, list):
                shown.sort(key=lambda one: str(one.get("type", "")))
            self._same(f"step {number}", shown, step["result"])

    def _named(self, text: str) -> str:
        """With ids in the place of names."""
        ids = self.groups | self.devices
        return re.sub(r"\{(\w+)\}", lambda found: str(ids[found[1]]), text)

    def _shown(self, value: Any) -> Any:
        """An answer as the recordings show it: names in the place of ids."""
        if isinstance(value, list):
            return [self._shown(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        names = {id: name for name, id in self.devices.items()}
        shown = {name: inner for name, inner in value.items() if name not in ("id", "groupId", "calendarId")}
        if "deviceId" in shown:
            shown["deviceId"] = names.get(shown["deviceId"], "?")
        if "positionId" in shown:
            shown["position"] = shown.pop("positionId") or None
        return shown

    async def _connect(self, format: str) -> Wire:
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", self.ports[format])
        return await connectProtocol(endpoint, Wire())

    async def _talk(self, number: int, step: dict[str, Any]) -> None:
        wire = self.wires[step["on"]]
        expected = step.get("replies", {})
        said = bytes.fromhex(expected["hex"]) if "hex" in expected else expected.get("text", "").encode()
        if data := bytes.fromhex(step["hex"]) if "hex" in step else step.get("send", "").encode():
            wire.transport.write(data)  # type: ignore[union-attr]
        while len(wire.received) < len(said) and not wire.closed:
            if not await wire.more(self.reactor, 2):
                break
        if not said:
            await wire.more(self.reactor, 0.1)
        received, wire.received = wire.received, b""
        if received != said:
            self.problems.append(f"step {number}: replies {received!r}, not {said!r}")
        if step.get("closed") and not wire.closed and not await wire.more(self.reactor, 2):
            self.problems.append(f"step {number}: not closed")

    async def _request(self, number: int, step: dict[str, Any], method: str, target: str, body: bytes) -> None:
        if self.http is None or self.http.closed:
            self.http = await self._connect("osmand")
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.http.transport.write(head.encode() + b"\r\n" + body)  # type: ignore[union-attr]
        while not re.search(rb"content-length: (\d+)\r\n\r\n", self.http.received) and not self.http.closed:
            if not await self.http.more(self.reactor, 2):
                break
        status: Any = "closed" if self.http.closed else int((self.http.received.split() or [b"", b"0"])[1])
        answer = self.http.received.partition(b"\r\n\r\n")[2]
        length = re.search(rb"content-length: (\d+)", self.http.received)
        while length and len(answer) < int(length[1]) and await self.http.more(self.reactor, 2):
            answer = self.http.received.partition(b"\r\n\r\n")[2]
        self.http.received = b""
        if self.http.closed:
            self.http = None
        if status != step.get("status", 200):
            self.problems.append(f"step {number}: status {status}, not {step.get('status', 200)}")
        if answer != step.get("answer", "").encode():
            self.problems.append(f"step {number}: answer {answer!r}, not {step.get('answer')!r}")

    def _filled(self, value: Any) -> Any:
        """With `<now-60>` as seconds."""
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if isinstance(value, str):
            return re.sub(
                r"<now([+-]\d+)?>", lambda found: str(int(self.start.timestamp()) + int(found[1] or 0)), value
            )
        return value

    def _time(self, text: Any) -> datetime | None:
        if text is None:
            return None
        if found := re.fullmatch(r"<now([+-]\d+)?>", text):
            return self.start + timedelta(seconds=int(found[1] or 0))
        return datetime.fromisoformat(text)

    # Comparing

    async def _compare(self) -> None:
        names = {id: name for name, id in self.devices.items()}
        stored = await self.db.query(
            "SELECT id, device_id, protocol, device_time, fix_time, valid, latitude, longitude, altitude, speed, course,"
            " accuracy, address, network, geofence_ids, attributes FROM positions ORDER BY id"
        )
        found = []
        for row in stored:
            device_time, fix_time = row[3], row[4]
            position = {
                "deviceId": names.get(row[1], "?"),
                "protocol": row[2],
                "deviceTime": device_time,
                "fixTime": fix_time,
                "valid": row[5],
                **dict(zip(("latitude", "longitude", "altitude", "speed", "course", "accuracy"), row[6:12], strict=True)),
                "address": row[12],
                "network": json.loads(row[13]) if row[13] else None,
                "geofenceIds": json.loads(row[14]) if row[14] else None,
                "attributes": json.loads(row[15]),
            }  # fmt: skip
            found.append(position)
        expected = [self._expected(position) for position in self.scenario["positions"]]
        self._same("positions", by_device(found), by_device(expected))
        index = {row[0]: number for number, row in enumerate(stored)}
        events = await self.db.query(
            "SELECT device_id, type, event_time, position_id, attributes FROM events ORDER BY id"
        )
        shown = [
            {
                "deviceId": names.get(row[0], "?"),
                "type": row[1],
                "eventTime": row[2],
                "position": index.get(row[3]),
                "attributes": json.loads(row[4]),
            }
            for row in events
            if row[0] in names
        ]
        wanted = [
            {
                "deviceId": event["deviceId"],
                "type": event["type"],
                "eventTime": self._moment(event["eventTime"]),
                "position": event.get("position"),
                "attributes": event.get("attributes", {}),
            }
            for event in self.scenario["events"]
        ]
        self._same("events", in_order(shown), in_order(wanted))
        await self._compare_devices(index)

    async def _compare_devices(self, index: dict[int, int]) -> None:
        rows = await self.db.query(
            "SELECT d.name, d.attributes, s.position_id FROM devices d LEFT JOIN device_states s ON s.device_id = d.id"
        )
        for name, attributes, position in rows:
            if (wanted := self.scenario["devices"].get(name)) is None:
                continue
            shown = {"position": index.get(position), "attributes": json.loads(attributes)}
            self._same(f"device {name}", shown, {"position": wanted["position"], "attributes": wanted["attributes"]})

    def _expected(self, position: dict[str, Any]) -> dict[str, Any]:
        fix_time = self._moment(position["fixTime"])
        return {
            "deviceId": position["deviceId"],
            "protocol": position.get("protocol", "osmand"),
            "deviceTime": self._moment(position["deviceTime"]) if "deviceTime" in position else fix_time,
            "fixTime": fix_time,
            "valid": position.get("valid", True),
            "latitude": position["latitude"],
            "longitude": position["longitude"],
            "altitude": position.get("altitude", 0.0),
            "speed": position.get("speed", 0.0),
            "course": position.get("course", 0.0),
            "accuracy": position.get("accuracy", 0.0),
            "address": position.get("address"),
            "network": position.get("network"),
            "geofenceIds": position.get("geofenceIds"),
            "attributes": position["attributes"],
        }

    def _moment(self, text: str) -> Any:
        return text if text == "<time>" else self._time(text)

    def _same(self, what: str, found: Any, expected: Any) -> None:
        for line in differences(found, expected, what):
            self.problems.append(line)


def by_device(positions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Positions of different devices may be stored in any order."""
    return sorted(positions, key=lambda position: position["deviceId"])


def in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events of different devices may come in any order, and so may those of one position with the same type."""
    return sorted(events, key=lambda event: event["deviceId"])


def differences(found: Any, expected: Any, where: str) -> Iterator[str]:
    """Where the two differ; integers and floats are different, times and `?` fit anything."""
    if expected in ("<time>", "?", "<address>", "<row>", "<text>"):
        if found is None:
            yield f"{where}: nothing, not {expected}"
    elif isinstance(expected, dict) and isinstance(found, dict):
        for name in expected.keys() | found.keys():
            if name not in found:
                yield f"{where}.{name}: missing, not {expected[name]!r}"
            elif name not in expected:
                yield f"{where}.{name}: {found[name]!r}, which should not be there"
            else:
                yield from differences(found[name], expected[name], f"{where}.{name}")
    elif isinstance(expected, list) and isinstance(found, list):
        if len(found) != len(expected):
            yield f"{where}: {len(found)} of them, not {len(expected)}: {found!r}"
        else:
            for number, (one, other) in enumerate(zip(found, expected, strict=True)):
                yield from differences(one, other, f"{where}[{number}]")
    elif isinstance(expected, float) and isinstance(found, float):
        if abs(found - expected) > 1e-9 * max(1.0, abs(expected)):
            yield f"{where}: {found!r}, not {expected!r}"
    elif type(found) is not type(expected) or found != expected:
        yield f"{where}: {found!r}, not {expected!r}"

"""
Replays a scenario against a server: only over its ports, as any client would.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from attrs import Factory, define, field

from tests.rest.built import Built
from tests.rest.client import Client, Response
from tests.rest.sockets import Socket
from tests.rest.vectors import Missing, Scenario, Variables, differs, pointed, text_differs

# What is made there changes nothing for the routes that there are (what sockets hear depends on notifications).
ALONE = tuple(
    f"/api/{name}"
    for name in (
        "attributes calendars commands drivers geofences maintenance notifications orders reports server/file share"
    ).split()
)


class Target(Protocol):
    """A server that is as new, with nothing but the administrator; `base` is its address."""

    @property
    def base(self) -> str: ...

    async def wait_for(self, condition: Callable[[], bool], seconds: float) -> None:
        """Return when the condition holds, or when so much time has passed."""

    async def pause(self, seconds: float) -> None:
        """Let time pass."""

    async def report(self, step: Mapping[str, Any]) -> tuple[int | None, str]:
        """Send a device's report; the status (None: no HTTP, or no answer) and the text that came back."""

    async def socket(self, query: str, headers: Mapping[str, str]) -> Socket:
        """Open a live socket; `connected` has fired."""


@define
class Outcome:
    """
    What became of a scenario: differences, and what was left out because nothing answers it yet.

    `doubtful` is the first thing left out that would have changed something: the replay ends there.
    """

    id: str
    doubtful: str = ""
    failures: list[str] = Factory(list)
    remarks: list[str] = Factory(list)
    left_out: list[str] = Factory(list)
    done: int = 0


@define(eq=False)
class Replay:
    """One scenario on its way. `known` are differences that are meant: (scenario, step) to the reason."""

    scenario: Scenario
    target: Target
    client: Client
    built: Built
    variables: Variables
    known: Mapping[tuple[str, int], str] = Factory(dict)
    outcome: Outcome = field(init=False)
    _jars: dict[str, dict[str, str]] = field(factory=dict, init=False)
    _sockets: dict[str, Socket] = field(factory=dict, init=False)
    _tokens: dict[str, str] = field(factory=dict, init=False)
    _passwords: dict[str, str] = field(factory=lambda: {"admin": "admin"}, init=False)

    def __attrs_post_init__(self) -> None:
        self.outcome = Outcome(self.scenario["id"])

    async def run(self) -> Outcome:
        """Replay all steps; differences are collected, and those of later steps may follow from earlier ones."""
        if self.scenario.get("state") != "empty":
            await self._make_actors()
        for number, step in enumerate(self.scenario["steps"]):
            try:
                difference = await self._step(step)
            except Missing as error:
                self.outcome.left_out.append(f"${{{error}}}")
                continue
            if self.outcome.doubtful:
                break
            reason = self.known.get((self.scenario["id"], number))
            if difference is not None and reason is None:
                self.outcome.failures.append(f"step {number}: {described(step)}: {difference}")
            if difference is None and reason is not None:
                self.outcome.failures.append(f"step {number}: {described(step)}: is as recorded, though: {reason}")
        return self.outcome

    async def _make_actors(self) -> None:
        admin = await self._as("admin", "cookie")
        who = await self._send({"method": "GET", "path": "/api/session"}, admin)
        self.variables["adminId"] = json.loads(who.body)["id"]
        for name, given in self.scenario.get("actors", {}).items():
            user = {"name": name, "email": f"{name}@example.org", "password": name, "deviceLimit": -1, **given}
            user.pop("managedBy", None)
            self._passwords[name] = user["password"] or ""
            made = await self._send({"method": "POST", "path": "/api/users", "json": user}, admin)
            if made.status != 200:
                raise AssertionError(f"{name} cannot be made: {made.status} {made.body!r}")
            self.variables[f"{name}Id"] = json.loads(made.body)["id"]
        for name, given in self.scenario.get("actors", {}).items():
            if manager := given.get("managedBy"):
                link = {
                    "userId": self.variables[f"{manager}Id"],
                    "managedUserId": self.variables[f"{name}Id"],
                }
                await self._send({"method": "POST", "path": "/api/permissions", "json": link}, admin)

    async def _step(self, step: Mapping[str, Any]) -> str | None:
        if "wait" in step:
            await self.target.pause(step["wait"])
            return None
        if "report" in step:
            return await self._report(step)
        if "socket" in step:
            return await self._socket(step)
        if missing := self.built.missing(step["request"], step["response"]):
            self.outcome.left_out.append(missing)
            changes = step["request"]["method"] not in ("GET", "HEAD") and step["response"]["status"] < 300
            alone = step["request"]["path"].startswith(ALONE) and not self.scenario["id"].startswith(
                ("share", "socket")
            )
            if changes and not alone:
                self.outcome.doubtful = missing
            return None
        request = self.variables.fill(step["request"])
        headers = await self._credentials(step)
        response = await self._send(request, headers)
        if "Cookie" in headers or step.get("jar"):
            keep_cookies(self._jars.setdefault(jar_of(step), {}), response)
        return self._checked(step, response)

    async def _credentials(self, step: Mapping[str, Any]) -> dict[str, str]:
        if step.get("jar"):
            return cookie_header(self._jars.setdefault(jar_of(step), {}))
        if step.get("as"):
            return await self._as(step["as"], step.get("auth", "cookie"))
        return {}

    async def _socket(self, step: Mapping[str, Any]) -> str | None:
        name = step["socket"]
        if "open" in step:
            how = self.variables.fill(step["open"])
            headers = {**await self._credentials(step), **how.get("headers", {})}
            query = how.get("query") or ""
            socket = await self.target.socket(query if isinstance(query, str) else encoded(query), headers)
            wanted = step["response"]["status"]
            if (socket.status == 101) != (wanted == 101):
                return f"{socket.status}, not {wanted}"
            self._sockets[name] = socket
            return None
        socket = self._sockets[name]
        if "send" in step:
            sent = self.variables.fill(step["send"])
            socket.socket.sendMessage((sent if isinstance(sent, str) else json.dumps(sent)).encode())
        elif "close" in step:
            socket.socket.sendClose(step["close"])
        else:
            return await self._heard(step, socket)
        return None

    async def _heard(self, step: Mapping[str, Any], socket: Socket) -> str | None:
        wanted = self.variables.fill(step["expect"])

        def messages() -> list[Any]:
            return [one for one in socket.messages if one or step.get("keepalive")]

        await self.target.wait_for(lambda: len(messages()) >= max(1, len(wanted)), step["within"])
        came = messages()[: len(wanted)] if wanted else messages()
        socket.messages = messages()[len(came) :]
        if difference := differs(wanted, came, free=step.get("order") == "free"):
            return difference
        for variable, place in step.get("save", {}).items():
            self.variables[variable] = pointed(came, place)
        return None

    def _checked(self, step: Mapping[str, Any], response: Response) -> str | None:
        wanted = step["response"]
        if step.get("free"):
            if "expect" not in step and wanted["status"] >= 400:
                return None if response.status >= 400 else f"{response.status}, not refused"
            return None
        if response.status != wanted["status"]:
            return f"{response.status}, not {wanted['status']}: {response.body[:200]!r}"
        for name, value in wanted.get("headers", {}).items():
            if difference := header_differs(name, self.variables.fill(value), response):
                return difference
        if "text" in wanted:
            difference = text_differs(self.variables.fill(wanted["text"]), response.body.decode("utf-8", "replace"))
            if difference:
                return difference
        if "body" in wanted and (difference := self._body_differs(step, response)):
            return difference
        if "message" in wanted:
            line = response.body.decode("utf-8", "replace").split("\n")[0]
            if not line.startswith(wanted["message"]):
                self.outcome.remarks.append(f"{described(step)}: {line!r} instead of {wanted['message']!r}")
        self._save(step, response)
        return None

    def _body_differs(self, step: Mapping[str, Any], response: Response) -> str | None:
        wanted = step["response"]["body"]
        if wanted == "<any>":
            return None
        if wanted is None:
            return None if not response.body else f"a body: {response.body[:200]!r}"
        try:
            came = json.loads(response.body)
        except ValueError:
            return f"no JSON: {response.body[:200]!r}"
        return differs(self.variables.fill(wanted), came, free=step["response"].get("order") == "free")

    def _save(self, step: Mapping[str, Any], response: Response) -> None:
        for name, place in step.get("save", {}).items():
            if place == "text":
                self.variables[name] = response.body.decode()
            elif place == "cookie":
                jar: dict[str, str] = {}
                keep_cookies(jar, response)
                self.variables[name] = jar["JSESSIONID"]
            else:
                self.variables[name] = pointed(json.loads(response.body), place)

    async def _report(self, step: Mapping[str, Any]) -> str | None:
        report = self.variables.fill(step["report"])
        status, text = await self.target.report(report)
        await self.target.pause(0.1)
        wanted = step.get("response") or {}
        if "status" in wanted and wanted["status"] != status:
            return f"{status}, not {wanted['status']}"
        if "text" in wanted:
            return text_differs(self.variables.fill(wanted["text"]), text)
        return None

    async def _as(self, name: str, how: str) -> dict[str, str]:
        """The headers of an actor."""
        login = f"{name}@example.org"
        password = self._passwords[name]
        if how == "basic":
            return {"Authorization": "Basic " + b64encode(f"{login}:{password}".encode()).decode()}
        if name not in self._jars:
            form = {"email": login, "password": password}
            response = await self._send({"method": "POST", "path": "/api/session", "form": form}, {})
            if response.status != 200:
                raise AssertionError(f"{name} cannot log in: {response.status} {response.body!r}")
            keep_cookies(self._jars.setdefault(name, {}), response)
        headers = cookie_header(self._jars[name])
        if how == "bearer":
            if name not in self._tokens:
                response = await self._send({"method": "POST", "path": "/api/session/token", "form": {}}, headers)
                self._tokens[name] = response.body.decode()
            return {"Authorization": f"Bearer {self._tokens[name]}"}
        return headers

    async def _send(self, request: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
        sent = {"Accept": None, **headers, **request.get("headers", {})}
        data: bytes | None = None
        if "json" in request:
            sent.setdefault("Content-Type", "application/json")
            data = json.dumps(request["json"]).encode()
        elif "form" in request:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
            data = encoded(request["form"]).encode()
        elif "text" in request:
            data = request["text"].encode()
        elif "hex" in request:
            data = bytes.fromhex(request["hex"]) * request.get("repeat", 1)
        query = request.get("query")
        url = self.target.base + request["path"]
        if query:
            url += "?" + (query if isinstance(query, str) else encoded(query))
        self.outcome.done += 1
        present = {name: value for name, value in sent.items() if value is not None}
        return await self.client.request(request["method"], url, present, data)


def encoded(values: Mapping[str, Any]) -> str:
    """A query or a form; a list repeats the name."""
    pairs = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            text = str(one).lower() if isinstance(one, bool) else str(one)
            pairs.append(f"{quote(name, safe='')}={quote(text, safe='')}")
    return "&".join(pairs)


def jar_of(step: Mapping[str, Any]) -> str:
    """Where the cookies of a step are kept: in a jar of its own, or with the actor."""
    return f"jar {step['jar']}" if step.get("jar") else str(step["as"])


def cookie_header(jar: Mapping[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())} if jar else {}


def keep_cookies(jar: dict[str, str], response: Response) -> None:
    for header in response.headers.getRawHeaders("set-cookie", []):
        name, _, value = header.partition(";")[0].partition("=")
        jar[name.strip()] = value.strip()


def header_differs(name: str, wanted: str | None, response: Response) -> str | None:
    """None if a header fits; null: it must be absent."""
    came = response.header(name)
    if wanted is None:
        return None if came is None else f"{name}: {came!r} instead of none"
    if came is None:
        return f"{name} is missing"
    if name.lower() == "allow":
        sets = [{part.strip() for part in text.split(",")} - {"HEAD"} for text in (wanted, came)]
        return None if sets[0] == sets[1] else f"Allow: {came!r} is not {wanted!r}"
    if name.lower() == "set-cookie":
        return _cookies_differ(wanted, came)
    if name.lower() == "content-type":
        wanted, came = wanted.partition(";")[0], came.partition(";")[0]
    difference = text_differs(wanted, came)
    return f"{name}: {difference}" if difference else None


def _cookies_differ(wanted: str, came: str) -> str | None:
    left = [part.strip() for part in came.split(";")]
    for part in (part.strip() for part in wanted.split(";")):
        for other in left:
            if text_differs(part, other) is None:
                left.remove(other)
                break
        else:
            return f"Set-Cookie: {came!r} lacks {part!r}"
    return f"Set-Cookie: unexpected {left}" if left else None


def described(step: Mapping[str, Any]) -> str:
    """A step in one line."""
    request = step.get("request")
    if request is None:
        return json.dumps(step)[:120]
    who = step.get("as") or step.get("jar") or "nobody"
    return f"{who}: {request['method']} {request['path']} {json.dumps(request.get('query') or request.get('json') or '')[:120]}"

"""The web part of the house on a real database and a loopback port, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.web.resource import IResource

from plugins.rest.discovery import dialect as discovery
from plugins.rest.traccar.credentials import listener
from plugins.rest.traccar.files import placeholders
from plugins.rest.traccar.traccar import dialect
from plugins.rest.trackd import dialect as own
from tests.postgres import DatabaseTestCase
from tests.rest.client import Client, Response
from tests.rest.replay import encoded
from trackd.figures import gauge
from trackd.outbox.channels import Channel, Channels, Ordered, Posted, Unset, Web
from trackd.outbox.mail import NotSent
from trackd.people.accounts import REGISTRATIONS, Accounts
from trackd.people.audit import MOST_DENIED, Audit
from trackd.people.belongings import Belongings
from trackd.people.entrance import Entrance
from trackd.people.fleet import Fleet
from trackd.people.identity import Identity, sites
from trackd.people.limits import Attempts, LoginLimits
from trackd.people.linking import Linking
from trackd.people.openid import CannotAsk, OpenId, Provider
from trackd.people.passwords import Passwords
from trackd.people.permissions import Permissions
from trackd.people.recovery import Recovery
from trackd.people.sessions import Sessions
from trackd.people.setup import Setup
from trackd.people.shares import Shares
from trackd.people.statistics import Statistics
from trackd.people.telling import TRIALS, Telling
from trackd.rate import Rate
from trackd.rest.inside import Inside
from trackd.rest.output import dumps
from trackd.rest.services import Commands, Options, Services
from trackd.settings import load
from trackd.store.audit import Actions
from trackd.store.commands import QueuedCommands
from trackd.store.database import Database
from trackd.store.devices import Devices
from trackd.store.events import Events
from trackd.store.grants import Grants
from trackd.store.groups import Groups
from trackd.store.links import Links
from trackd.store.objects import Objects
from trackd.store.positions import Positions
from trackd.store.quarantine import Quarantine
from trackd.store.resets import Resets
from trackd.store.rows import PositionRow
from trackd.store.sessions import Sessions as SessionStore
from trackd.store.shares import Shares as ShareStore
from trackd.store.statistics import Days
from trackd.store.unknown import UnknownDevices
from trackd.store.users import Users
from trackd.track.commands import CommandRefused
from trackd.track.media import Media
from trackd.web.health import Health, time_zones
from trackd.web.machine import machine
from trackd.web.media import DeviceFiles
from trackd.web.mount import Api
from trackd.web.page import LivePage, Tiles
from trackd.web.proxies import Proxies
from trackd.web.root import Root
from trackd.web.setup import Pages
from trackd.web.site import Site
from trackd.web.static import Files
from trackd.wire import catalog


@define
class MemoryAmendments:
    """Positions of devices that report nothing: only what is stored is changed. `counters` is what was asked for."""

    positions: Positions
    counters: list[tuple[int, float | None, int | None]] = Factory(list)

    async def delete(self, device_id: int, start: datetime, end: datetime) -> None:
        await self.positions.delete(device_id, start, end)

    async def delete_one(self, position: PositionRow) -> None:
        await self.positions.delete_one(position)

    async def accumulate(self, device_id: int, total_distance: float | None, hours: int | None) -> bool:
        self.counters.append((device_id, total_distance, hours))
        return bool(await self.positions.latest([device_id]))


@define
class MemoryCommands:
    """Commands without devices: those of `connected` are sent, others are queued."""

    connected: set[int] = Factory(set)
    sent: list[tuple[int, str, dict[str, Any]]] = Factory(list)
    queued: list[tuple[int, str, dict[str, Any]]] = Factory(list)

    async def send(
        self, device_id: int, type: str, attributes: dict[str, Any], text_channel: bool
    ) -> tuple[bool, int | None]:
        if text_channel:
            raise CommandRefused("SMS not configured")
        if device_id in self.connected:
            self.sent.append((device_id, type, attributes))
            return True, None
        self.queued.append((device_id, type, attributes))
        return False, len(self.queued)

    async def types(self, device_id: int | None, text_channel: bool) -> list[str]:
        return ["custom"] if device_id is not None else ["custom", "engineStop"]


@define
class MemoryMail:
    """Mails that do not leave, as they were asked for; `refusal` is what they are refused with."""

    sent: list[tuple[str, str, str]] = Factory(list)
    refusal: NotSent | None = None
    came: Deferred[None] = Factory(Deferred)  # fires with the first

    def send(self, to: str, subject: str, text: str, html: str = "") -> Deferred[None]:
        return maybeDeferred(self.entrust, to, subject, text)

    def entrust(self, to: str, subject: str, text: str, html: str = "") -> None:
        if self.refusal is not None:
            raise self.refusal
        self.sent.append((to, subject, text))
        if not self.came.called:
            self.came.callback(None)


def thread_of(reactor: Any) -> Any:
    return partial(deferToThreadPool, reactor, reactor.getThreadPool())


@define
class MemoryAsking:
    """Another server whose answers are `answers`, by address; what it was asked is in `asked`."""

    answers: dict[str, dict[str, Any]] = Factory(dict)
    asked: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = Factory(list)

    async def get(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        return self._answer(url, {}, headers)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        return self._answer(url, form, headers)

    def _answer(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        self.asked.append((url, form, headers))
        if url not in self.answers:
            raise CannotAsk(f"{url}: nobody is there")
        return self.answers[url]


class Time:
    """Now, moved by hand."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


def services(
    reactor: Any, database: Database, time: Time, folder: Path, commands: Commands, **options: Any
) -> Services:
    """Everything that a dialect is given."""
    users, devices, groups, objects = Users(database), Devices(database), Groups(database), Objects(database)
    passwords = Passwords(reactor, reactor.getThreadPool())
    permissions = Permissions(users, devices, groups, objects)
    seconds = options.get("session_timeout", 0)
    sessions = Sessions(SessionStore(database), time.now, timedelta(seconds=seconds) if seconds else None)
    health = Health(users, folder, lambda: 0.0)
    post = MemoryMail()
    channels: dict[str, Channel] = {
        "web": Web(lambda user_id, text: None),
        "mail": Posted(post),
        "command": Ordered(),
        "sms": Unset("sms"),
    }
    return Services(
        entrance=Entrance(
            users, sessions, passwords, LoginLimits.on(reactor), time.now, options.pop("service_token", "")
        ),
        sessions=sessions,
        accounts=Accounts(users, permissions, passwords, Attempts(reactor, *REGISTRATIONS), time.now),
        audit=Audit(Actions(database), time.now, Rate(reactor, MOST_DENIED)),
        statistics=Statistics(Days(database), time.now, UTC, lambda: 0),
        shares=Shares(ShareStore(database), permissions, sessions, time.now),
        recovery=Recovery.on(
            reactor,
            users,
            Resets(database),
            passwords,
            sessions,
            post,
            time.now,
            "https://gps.example.org",
            1000,
        ),
        identity=Identity(
            Grants(database),
            users,
            sessions,
            time.now,
            sites(options.pop("sites", ("site:secret:https://site.example/back",))),
        ),
        openid=OpenId(options.pop("provider", Provider()), users, options.pop("asking", MemoryAsking()), time.now),
        permissions=permissions,
        fleet=Fleet(permissions, devices, groups),
        belongings=Belongings(permissions, objects),
        linking=Linking(permissions, Links(database)),
        channels=Channels(channels),
        telling=Telling(permissions, Attempts(reactor, *TRIALS)),
        positions=Positions(database),
        events=Events(database),
        amendments=MemoryAmendments(Positions(database)),
        commands=commands,
        inside=Inside(
            UnknownDevices(database),
            Quarantine(database),
            QueuedCommands(database),
            load([], {"protocols.enable": "gt06", "web.serviceAccountToken": "a secret"}, catalog, data=folder),
            time.now(),
            lambda: (gauge("trackd_database_available", "It is", 1), gauge("trackd_live_sockets", "Sockets", 3)),
        ),
        now=time.now,
        health=health.well,
        storage=health.storage,
        zones=time_zones,
        machine=machine(
            reactor,
            {"web.override": None, "web.path": folder / "web"},  # type: ignore[arg-type]
            Media(folder / "media", thread_of(reactor)),
            thread_of(reactor),
            lambda: "what the server is doing",
            reactor.stop,
        ),
        options=Options("1.2.3", "https://gps.example.org", **options),
    )


class HouseTestCase(DatabaseTestCase):
    """`call` asks the API; `admin` is the headers of an administrator."""

    options: dict[str, Any] = {}
    web: Path | None = None
    proxies: tuple[str, ...] = ()
    tiles = Tiles()
    timeout = 60

    async def setUp(self) -> None:  # type: ignore[override]
        reactor = self.reactor

        await super().setUp()
        self.time = Time()
        self.folder = Path(mkdtemp(prefix="trackd-web-"))
        self.commands = await self.make_commands()
        self.services = services(reactor, self.db, self.time, self.folder, self.commands, **dict(self.options))
        proxies = Proxies(self.proxies)
        entrance = self.services.entrance
        self.setup_ = Setup(self.folder, entrance.users, entrance.passwords, LoginLimits.on(reactor))
        self.api = Api(dialect, self.services, proxies, reactor)
        texts = partial(placeholders, self.services)
        self.served = Files([self.web or self.folder / "web"], thread_of(reactor), reactor, texts)
        root = Root(Pages(self.setup_, proxies), LivePage(self.tiles, "1.2.3", dialect.prefix), self.served)
        media = DeviceFiles(self.services, listener, self.folder / "media", thread_of(reactor), reactor)
        self.api.putChild(dialect.media.encode(), media)
        root.putChild(dialect.prefix.strip("/").encode(), self.api)
        self.api.putChild(b"trackd", Api(own, self.services, proxies, reactor))
        root.putChild(discovery.prefix.strip("/").encode(), Api(discovery, self.services, proxies, reactor))
        self.put_more(self.api)
        self.serve(root)
        self.client = Client(reactor)

    @property
    def reactor(self) -> Any:
        from twisted.internet import reactor

        return reactor

    async def make_commands(self) -> Any:
        return MemoryCommands()

    def put_more(self, api: Api) -> None:
        """Put what else there is under the dialect's prefix."""

    def serve(self, root: IResource) -> None:
        self.site = Site(root, self.reactor, 1 << 20, 1000)
        port = self.reactor.listenTCP(0, self.site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.base = f"http://127.0.0.1:{port.getHost().port}"

    async def tearDown(self) -> None:  # type: ignore[override]
        await super().tearDown()
        rmtree(self.folder)

    async def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        json: Any = None,
        form: dict[str, Any] | None = None,
        data: bytes | None = None,
    ) -> Response:
        """One request; `json`, `form` or `data` is its body."""
        sent = dict(headers or {})
        if json is not None:
            sent.setdefault("Content-Type", "application/json")
            data = dumps(json)
        elif form is not None:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
            data = encoded(form).encode()
        return await self.client.request(method, self.base + path, sent, data)

    # People

    async def user(self, name: str, **values: Any) -> dict[str, str]:
        """Make a user whose password is the name; the headers of a session of this user."""
        values.setdefault("device_limit", -1)
        row = await self.services.permissions.users.insert(
            {"name": name, "email": f"{name}@example.org", "password_hash": await self.hashed(name), **values}
        )
        self.ids = {**getattr(self, "ids", {}), name: row.id}
        return {"Cookie": f"JSESSIONID={await self.services.sessions.open(row.id)}"}

    async def hashed(self, password: str) -> str:
        return await self.services.entrance.passwords.hash(password)

    async def device(self, owner: dict[str, str], unique_id: str = "one") -> int:
        made = await self.call("POST", "/api/devices", owner, json={"name": unique_id, "uniqueId": unique_id})
        assert made.status == 200, made.text
        return int(made.value["id"])

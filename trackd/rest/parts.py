"""Makes the parts that the REST dialects are given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any

from treq.client import HTTPClient
from twisted.web.client import Agent

from trackd import clock
from trackd.figures import Figure
from trackd.outbox.asking import Asking
from trackd.outbox.channels import Channel, Channels, Ordered, Posted, Unset, Web
from trackd.outbox.mail import Mail, Post, Printed
from trackd.outbox.smtp import smtp
from trackd.people.accounts import REGISTRATIONS, Accounts
from trackd.people.audit import MOST_DENIED, Audit
from trackd.people.belongings import Belongings
from trackd.people.entrance import Entrance
from trackd.people.fleet import Fleet
from trackd.people.identity import Identity, sites
from trackd.people.limits import Attempts, LoginLimits
from trackd.people.linking import Linking
from trackd.people.openid import OpenId, Provider
from trackd.people.passwords import Passwords
from trackd.people.permissions import Permissions
from trackd.people.recovery import Recovery
from trackd.people.sessions import Sessions
from trackd.people.shares import Shares
from trackd.people.statistics import Statistics
from trackd.people.telling import TRIALS, Telling
from trackd.rate import Rate
from trackd.rest.inside import Inside
from trackd.rest.services import Amendments, Commands, Machine, Options, Services
from trackd.settings import Settings
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
from trackd.store.sessions import Sessions as SessionRows
from trackd.store.shares import Shares as ShareRows
from trackd.store.statistics import Days
from trackd.store.unknown import UnknownDevices
from trackd.store.users import Users
from trackd.track.expression.parser import Switches


def services(
    reactor: Any,
    settings: Settings,
    database: Database,
    *,
    version: str,
    commands: Commands,
    amendments: Amendments,
    health: Callable[[], Awaitable[bool]],
    storage: Callable[[], list[int]],
    zones: Callable[[], list[str]],
    zone: tzinfo,
    received: Callable[[], int],
    figures: Callable[[], Iterable[Figure]],
    machine: Machine,
    tell: Callable[[int, str], object],
) -> Services:
    """
    `zone`: that of the server; `tell`: something to a user's sockets; `received`: how many messages devices have sent
    so far; `figures`: of `/metrics`.
    """

    def now() -> datetime:
        return clock.now(reactor)

    users, devices, groups = Users(database), Devices(database), Groups(database)
    remembered, counted = settings["people.remembered"], settings["people.attempts"]
    passwords = Passwords(reactor, reactor.getThreadPool(), settings["people.waiting"], remembered)
    attempts = LoginLimits.on(reactor, counted)
    rest = settings["web.sessionTimeout"]
    sessions = Sessions(
        SessionRows(database),
        now,
        timedelta(seconds=rest) if rest > 0 else None,
        remembered,
        settings["people.sessions"],
        settings["people.tokens"],
    )
    objects = Objects(database)
    permissions = Permissions(users, devices, groups, objects)
    days = Statistics(Days(database), now, zone, received, settings["statistics.remembered"])
    resets, site = Resets(database), address(settings)
    post = mail(reactor, settings, now, days)
    return Services(
        entrance=Entrance(
            users,
            sessions,
            passwords,
            attempts,
            now,
            settings["web.serviceAccountToken"],
            not (settings["openid.force"] and settings["openid.clientId"]),
        ),
        sessions=sessions,
        accounts=Accounts(
            users,
            permissions,
            passwords,
            Attempts(reactor, *REGISTRATIONS, counted),
            now,
            settings["users.defaultDeviceLimit"],
            settings["users.defaultExpirationDays"],
        ),
        audit=Audit(Actions(database), now, Rate(reactor, MOST_DENIED)),
        statistics=days,
        shares=Shares(
            ShareRows(database),
            permissions,
            sessions,
            now,
            settings["web.shareDevice.commands"],
            settings["web.shareDevice.reports"],
        ),
        recovery=Recovery.on(reactor, users, resets, passwords, sessions, post, now, site, counted),
        identity=Identity(Grants(database), users, sessions, now, sites(settings["openid.clients"])),
        openid=OpenId(
            provider(settings),
            users,
            Asking(HTTPClient(Agent(reactor)), reactor),
            now,
            settings["users.defaultDeviceLimit"],
            settings["users.defaultExpirationDays"],
        ),
        permissions=permissions,
        fleet=Fleet(permissions, devices, groups),
        belongings=Belongings(permissions, objects),
        linking=Linking(permissions, Links(database)),
        channels=channels(settings, post, tell),
        telling=Telling(permissions, Attempts(reactor, *TRIALS, counted)),
        positions=Positions(database),
        events=Events(database),
        amendments=amendments,
        commands=commands,
        inside=Inside(
            UnknownDevices(database, settings["unknown.kept"]),
            Quarantine(database),
            QueuedCommands(database, settings["commands.queue"]),
            settings,
            now(),
            figures,
        ),
        now=now,
        health=health,
        storage=storage,
        zones=zones,
        machine=machine,
        options=Options(
            version,
            site,
            settings["web.origin"],
            settings["web.sameSiteCookie"],
            rest,
            settings["report.maxPositions"],
            bool(settings["mail.smtp.host"]),
            timedelta(seconds=settings["database.positionPeriod"]),
            Switches(
                settings["processing.computedAttributes.localVariables"],
                settings["processing.computedAttributes.loops"],
                settings["processing.computedAttributes.newInstanceCreation"],
            ),
        ),
    )


def channels(settings: Settings, post: Mail, tell: Callable[[int, str], object]) -> Channels:
    """The ways in which users are told something, as operators have chosen them."""
    there = settings["mail.smtp.host"] or settings["mail.debug"]
    known: dict[str, Channel] = {"web": Web(tell), "mail": Posted(post if there else None), "command": Ordered()}
    return Channels({name: known.get(name) or Unset(name) for name in settings["notificator.types"]})


def mail(reactor: Any, settings: Settings, now: Callable[[], datetime], days: Statistics) -> Mail:
    """How mails leave: by a mail server, or to the log."""
    if not settings["mail.smtp.host"] or settings["mail.debug"]:
        return Printed()
    return Post(
        smtp(reactor, settings),
        settings["mail.smtp.from"],
        settings["mail.smtp.fromName"],
        now,
        reactor,
        settings["mail.queue"],
        settings["mail.patience"],
        lambda: days.counted("mail_sent"),
    )


def provider(settings: Settings) -> Provider:
    """Who says who somebody is."""
    return Provider(
        settings["openid.clientId"],
        settings["openid.clientSecret"],
        settings["openid.issuerUrl"],
        settings["openid.authUrl"],
        settings["openid.tokenUrl"],
        settings["openid.userInfoUrl"],
        settings["openid.groupsClaimName"],
        settings["openid.allowGroup"],
        settings["openid.adminGroup"],
        settings["openid.allowRegistration"],
    )


def address(settings: Settings) -> str:
    """The address under which users reach the server, without a slash at its end."""
    local = f"http://{settings['web.address'] or 'localhost'}:{settings['web.port']}"
    return str(settings["web.url"] or local).rstrip("/")

"""
`trackd doctor`: what the server is doing, and whether anything is wrong with it or with what it stands on.
"""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import define, frozen

from trackd.clock import now
from trackd.desk import Silent, asked
from trackd.openfiles import needed
from trackd.settings import Settings
from trackd.store.chosen import Chosen
from trackd.store.database import Database, StoreError
from trackd.store.embedded import CannotStart
from trackd.store.migrations import WrongSchema, status
from trackd.store.quarantine import Quarantine
from trackd.store.standing import Standing, standing

GOOD, LOOK, BAD = "good", "look", "bad"  # nothing to do; worth a look; something is wrong

# The oldest PostgreSQL that knows what the statements use.
OLDEST = 14
# Share of a limit from which a queue is worth a look.
NEARLY = 0.8
# Of the disk: bytes that are too few, bytes and share that are few.
TOO_FEW, FEW, FEW_SHARE = 100 * 10**6, 10**9, 0.05
# Seconds by which clocks may differ.
DIFFERENCE = 2.0


@frozen
class Finding:
    """What was found out about one thing."""

    grade: str
    subject: str
    text: str

    @property
    def line(self) -> str:
        return f"{self.grade:<5} {self.subject:<14} {self.text}"


@define(eq=False)
class Doctor:
    """`say` gets the lines, as they are found."""

    reactor: Any
    settings: Settings
    say: Callable[[str], None]

    async def examine(self) -> int:
        """How many things are wrong."""
        findings: list[Finding] = []

        def found(finding: Finding) -> None:
            findings.append(finding)
            self.say(finding.line)

        try:
            said = asked(self.settings.data)
        except Silent as error:
            said = None
            found(Finding(BAD, "server", f"is there and does not answer: {error}"))
        else:
            if said is None:
                found(Finding(LOOK, "server", f"none is running on {self.settings.data}"))
            else:
                self.say(said["told"])
                found(Finding(GOOD, "server", f"runs, process {said['pid']}"))
        for finding in (*self.configuration(), *self.files(said), *self.ports(said), *disk(self.settings)):
            found(finding)
        for finding in queues(said["filled"] if said is not None else ()):
            found(finding)
        for finding in await self.database():
            found(finding)
        return sum(finding.grade == BAD for finding in findings)

    def configuration(self) -> Iterator[Finding]:
        settings = self.settings
        for warning in settings.warnings:
            yield Finding(LOOK, "configuration", warning)
        yield Finding(GOOD, "configuration", f"{len(settings.formats)} wire formats, web port {settings['web.port']}")

    def files(self, said: dict[str, Any] | None) -> Iterator[Finding]:
        """How many files may be open, for the process that runs, or for one that would be started here."""
        wanted = needed(self.settings)
        may = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if said is not None:
            may = said["files"]
        if may != resource.RLIM_INFINITY and may < wanted:
            yield Finding(LOOK, "open files", f"{may} may be open, {wanted} are needed for all connections")
        else:
            yield Finding(GOOD, "open files", f"{wanted} are needed for all connections, and may be open")

    def ports(self, said: dict[str, Any] | None) -> Iterator[Finding]:
        """A server that runs has all of its ports; for one that does not they must be free."""
        if said is not None:
            yield Finding(GOOD, "ports", f"{said['listeners']} listeners are open")
            return
        taken = [f"{name} ({kind} {port}: {why})" for name, kind, port, why in self._taken()]
        yield (
            Finding(BAD, "ports", f"cannot be opened: {', '.join(taken)}")
            if taken
            else Finding(GOOD, "ports", "are free")
        )

    def _taken(self) -> Iterator[tuple[str, str, int, str]]:
        settings = self.settings
        wanted = [("web.port", "tcp", settings["web.port"], settings["web.address"])]
        for name, format in settings.formats.items():
            said = settings.format(name)
            for address in said[f"{name}.address"] or ("",):
                kinds = ("tcp",) * format.tcp + ("udp",) * format.udp if format.ask is None else ()
                wanted += [(f"{name}.port", kind, said[f"{name}.port"], address) for kind in kinds]
        for name, kind, port, address in wanted:
            if port > 0 and (why := unbound(kind, address, port)):
                yield name, kind, port, why

    async def database(self) -> list[Finding]:
        chosen = Chosen(self.reactor, self.settings, watch=False, size=2)
        embedded = chosen.embedded
        if embedded is not None and not embedded.data.exists():
            return [Finding(GOOD, "database", f"none yet; the first start makes one in {embedded.folder}")]
        try:
            return [*await self._in_database(await chosen.start())]
        except (StoreError, CannotStart, WrongSchema, OSError) as error:
            return [Finding(BAD, "database", " ".join(str(error).split()))]
        finally:
            await chosen.stop()

    async def _in_database(self, database: Database) -> list[Finding]:
        before = now(self.reactor)
        known = await standing(database)
        local = before + (now(self.reactor) - before) / 2
        found = [*upon(known, self.settings["database.maxPoolSize"]), clock(known, local)]
        schema = await status(database)
        if schema.pending:
            names = ", ".join(migration.name for migration in schema.pending)
            found.append(Finding(LOOK, "schema", f"the next start applies: {names}"))
        else:
            found.append(Finding(GOOD, "schema", f"{max(schema.applied, default=0)}, up to date"))
        if "quarantine" in known.tables:
            count = await Quarantine(database).count()
            text = f"{count} reports that the database has refused: trackd quarantine list" if count else "is empty"
            found.append(Finding(LOOK if count else GOOD, "quarantine", text))
        return found


def upon(known: Standing, pool: int) -> Iterator[Finding]:
    """What the database is, and how it is set."""
    grade = GOOD if known.version >= OLDEST else BAD
    old = "" if grade == GOOD else f"; {OLDEST} is needed"
    yield Finding(
        grade, "database", f"PostgreSQL {known.version}, {known.connections} of {known.most} connections{old}"
    )
    if known.encoding != "UTF8":
        yield Finding(BAD, "database", f"its encoding is {known.encoding}, UTF8 is needed")
    if known.unsafe:
        yield Finding(BAD, "database", f"what is acknowledged may be lost: {', '.join(known.unsafe)} is off")
    if pool > known.most:
        yield Finding(LOOK, "database", f"database.maxPoolSize is {pool}, it takes {known.most} connections")
    for name, seconds in known.silent:
        yield Finding(LOOK, "other servers", f"{name} has given no sign of life for {seconds:.0f} s")


def clock(known: Standing, local: datetime) -> Finding:
    """Whether the clocks agree, and nothing has been heard in the future."""
    difference = abs((known.now - local).total_seconds())
    if difference > DIFFERENCE:
        return Finding(BAD, "clock", f"differs from the database's by {difference:.1f} s")
    if known.heard is not None and (ahead := (known.heard - local).total_seconds()) > DIFFERENCE:
        return Finding(BAD, "clock", f"devices were heard {ahead:.0f} s from now: it was set back")
    return Finding(GOOD, "clock", f"agrees with the database's, {local:%Y-%m-%d %H:%M:%S} UTC")


def disk(settings: Settings) -> Iterator[Finding]:
    """Room where the server writes; folders on one disk are one finding."""
    seen: dict[int, list[str]] = {}
    places: dict[int, Path] = {}
    for name, folder in (("data", settings.data), ("media", settings["media.path"])):
        place = folder
        while not place.exists():
            place = place.parent
        device = place.stat().st_dev
        seen.setdefault(device, []).append(name)
        places[device] = place
    for device, names in seen.items():
        found = os.statvfs(places[device])
        free, all_of_it = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        grade = GOOD
        if free < TOO_FEW:
            grade = BAD
        elif free < FEW or free < FEW_SHARE * all_of_it:
            grade = LOOK
        where = " and ".join(names)
        yield Finding(grade, "disk", f"{free / 1e9:.1f} GB free of {all_of_it / 1e9:.1f} GB, where {where} are")


def queues(filled: Any) -> Iterator[Finding]:
    """Of each: its name, the setting that limits it, how much is in it, and the limit."""
    full = [(name, key, value, limit) for name, key, value, limit in filled if value >= NEARLY * limit]
    for name, key, value, limit in full:
        grade = BAD if value >= limit else LOOK
        yield Finding(grade, "limits", f"{name.replace('_', ' ')}: {value:g} of {limit:g} ({key})")
    if filled and not full:
        yield Finding(GOOD, "limits", "nothing is nearly full")


def unbound(kind: str, address: str, port: int) -> str:
    """Why this port cannot be opened; an empty text if it can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as one:
            if kind == "tcp":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((address, port))
    except OSError as error:
        return error.strerror or str(error)
    return ""

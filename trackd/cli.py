"""
The console script `trackd`, for operators on the server's own machine.

    trackd user add ada@example.org --administrator --password-stdin < password
    trackd device add 123456789012345 --name Truck
    trackd tail
    trackd unknown
    trackd quarantine retry 17
    trackd undelete device 12
    trackd settings web.
    trackd check
    trackd doctor

It works on the database, and so needs neither a password nor a running server. An embedded database that is not
running is started for as long as that takes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from getopt import GetoptError, gnu_getopt
from getpass import getpass
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater, react
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python.usage import UsageError

from trackd.doctor import Doctor
from trackd.keys import as_text
from trackd.lines import deletion_line, event_line, position_line, quarantine_line, quarantine_lines, unknown_line
from trackd.options import Options
from trackd.people.errors import PeopleError
from trackd.people.passwords import Passwords
from trackd.people.setup import check_new
from trackd.settings import Settings, SettingsError
from trackd.store.chosen import Chosen
from trackd.store.database import Database, Refused, StoreError
from trackd.store.deletions import Deletions, Gone
from trackd.store.devices import Devices
from trackd.store.embedded import CannotStart
from trackd.store.kinds import TABLES
from trackd.store.migrations import WrongSchema, migrate, status
from trackd.store.quarantine import Quarantine
from trackd.store.rows import QuarantineRow, UserRow
from trackd.store.tail import Tail
from trackd.store.unknown import UnknownDevices
from trackd.store.users import Users

# Seconds between two questions of `tail`.
PAUSE = 0.5
LONGEST_PASSWORD = 1024  # characters of a line that is read


class Failed(Exception):
    """It could not be done; the text is the line that says why."""


class Command(Options):
    """A command that can be carried out; options may stand behind its arguments too."""

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        try:
            found, arguments = gnu_getopt(list(options or ()), self.shortOpt, self.longOpt)
        except GetoptError as error:
            raise SystemExit(f"trackd: {error}; --help says more") from None
        ordered = [f"{name}={value}" if f"{name[2:]}=" in self.longOpt else name + value for name, value in found]
        super().parseOptions([*ordered, "--", *arguments])

    async def run(self, reactor: Any, settings: Settings) -> None:
        """Do it; results go to the standard output. Raises Failed."""
        raise NotImplementedError


class DatabaseCommand(Command):
    """A command that is carried out on the database."""

    async def run(self, reactor: Any, settings: Settings) -> None:
        chosen = Chosen(reactor, settings, watch=False, size=2)
        try:
            database = await chosen.start()
            await migrate(database)
            await self.work(reactor, settings, database)
        finally:
            await chosen.stop()

    async def work(self, reactor: Any, settings: Settings, database: Database) -> None:
        """Do it on the database, whose schema is up to date."""
        raise NotImplementedError


class Group(Options):
    """A word before a command."""

    subCommands: Sequence[Sequence[Any]] = ()

    def postOptions(self) -> None:
        if self.subCommand is None:
            raise UsageError(f"one of these is missing: {', '.join(command[0] for command in self.subCommands)}")


class UserAdd(DatabaseCommand):
    """Make a user."""

    optFlags = [
        ["administrator", None, "It may do everything."],
        ["password-stdin", None, "Read the password from the standard input; otherwise it is asked for."],
    ]
    optParameters = [["name", None, None, "Its name; the e-mail address by default."]]

    def parseArgs(self, email: str) -> None:  # type: ignore[override]
        self["email"] = email.strip()

    async def work(self, reactor: Any, settings: Settings, database: Database) -> None:
        email = self["email"]
        name = self["name"] or email
        password = self._password()
        check_new(name, email, password)
        hash = await Passwords(reactor, reactor.getThreadPool()).hash(password)
        values = {
            "name": name,
            "email": email,
            "password_hash": hash,
            "administrator": bool(self["administrator"]),
            "device_limit": -1 if self["administrator"] else settings["users.defaultDeviceLimit"],
            "user_limit": -1 if self["administrator"] else 0,
        }
        try:
            user = await Users(database).insert(values)
        except Refused as error:
            if error.constraint == "users_email":
                raise Failed(f"there is a user {email} already") from None
            raise
        say(f"user {user.id}: {email}{', administrator' if user.administrator else ''}")

    def _password(self) -> str:
        if not self["password-stdin"]:
            if not sys.stdin.isatty():
                raise Failed("a password is needed: --password-stdin reads it from the standard input")
            return getpass(f"Password of {self['email']}: ")
        return sys.stdin.readline(LONGEST_PASSWORD).removesuffix("\n").removesuffix("\r")


class DeviceAdd(DatabaseCommand):
    """Make a device."""

    optParameters = [
        ["name", None, None, "Its name; the unique id by default."],
        ["model", None, None, "Its model."],
        ["user", None, None, "E-mail address of a user who sees it; the administrator, if there is only one."],
    ]

    def parseArgs(self, unique_id: str) -> None:  # type: ignore[override]
        self["unique id"] = unique_id.strip()

    async def work(self, reactor: Any, settings: Settings, database: Database) -> None:
        unique_id = self["unique id"]
        if not unique_id:
            raise Failed("the unique id is empty")
        user = await self._user(Users(database))
        values = {"unique_id": unique_id, "name": self["name"] or unique_id, "model": self["model"]}
        try:
            device = await Devices(database).insert(values, user.id if user else None)
        except Refused as error:
            if error.constraint == "devices_unique_id":
                raise Failed(f"there is a device {unique_id} already") from None
            raise
        await UnknownDevices(database).forget(unique_id)
        say(f"device {device.id}: {unique_id}, seen by {user.email if user else 'nobody but administrators'}")

    async def _user(self, users: Users) -> UserRow | None:
        """Who is to see the device."""
        if self["user"]:
            if (user := await users.find(self["user"])) is None:
                raise Failed(f"there is no user {self['user']}")
            return user
        administrators = [user for user in await users.all() if user.administrator]
        return administrators[0] if len(administrators) == 1 else None


class User(Group):
    """Users."""

    subCommands = [["add", None, UserAdd, "Make a user."]]


class Device(Group):
    """Devices."""

    subCommands = [["add", None, DeviceAdd, "Make a device."]]


class Follow(DatabaseCommand):
    """Show positions and events as they are stored, one in a line, until it is interrupted."""

    optParameters = [["device", None, None, "Only this one: its unique id, or its id."]]

    async def work(self, reactor: Any, settings: Settings, database: Database) -> None:
        tail = Tail(database, await self._device(database) if self["device"] else None)
        await tail.start()
        while True:
            positions, events = await tail.positions(), await tail.events()
            for unique_id, position in positions:
                say(position_line(unique_id, position))
            for unique_id, event in events:
                say(event_line(unique_id, event))
            if max(len(positions), len(events)) < tail.most:
                await deferLater(reactor, PAUSE)

    async def _device(self, database: Database) -> int:
        devices, wanted = Devices(database), self["device"]
        found = await devices.by_unique_ids([wanted])
        if not found and wanted.isdecimal() and len(wanted) < 19:
            found = await devices.by_ids([int(wanted)])
        if not found:
            raise Failed(f"there is no device {wanted}")
        return found[0].id


class Unknown(DatabaseCommand):
    """List the devices that have called and that nobody knows, the last one first."""

    async def work(self, reactor: Any, settings: Settings, database: Database) -> None:
        rows = await UnknownDevices(database).all()
        for row in rows:
            say(unknown_line(row))
        if not rows:
            say("no unknown devices")


class QuarantineList(DatabaseCommand):
    """List the reports that the database has refused, the last one first: number, time, device, format, reason."""

    async def work(self, reactor: Any, settings: Settings, database: Database) -> None:
        quarantine = Quarantine(database)
        rows = await quarantine.all()
        for row in rows:
            say(quarantine_line(row))
        if (more := await quarantine.count() - len(rows)) > 0:
            say(f"and {more} more")
        if not rows:
            say("the quarantine is empty")


class Numbered(DatabaseCommand):
    """A command on reports in the quarantine, by their numbers. What goes wrong with one does not keep the others."""

    def parseArgs(self, id: str, *more: str) -> None:  # type: ignore[override]
        self["ids"] = [id, *more]

    async def work(self, reactor: Any, settings: Settings, database: Database) -> None:
        quarantine, failed = Quarantine(database), []
        for id in self["ids"]:
            try:
                row = await quarantine.get(int(id)) if id.isdecimal() and len(id) < 19 else None
                if row is None:
                    raise Failed(f"there is no report {id} in the quarantine")
                await self.each(quarantine, row)
            except Failed as error:
                failed.append(str(error))
        if failed:
            raise Failed("; ".join(failed))

    async def each(self, quarantine: Quarantine, row: QuarantineRow) -> None:
        """Do it to one of them. Raises Failed."""
        raise NotImplementedError


class QuarantineShow(Numbered):
    """Show all that is kept of a report: the reason, the report as JSON, its frame as hex."""

    async def each(self, quarantine: Quarantine, row: QuarantineRow) -> None:
        for line in quarantine_lines(row):
            say(line)


class QuarantineRetry(Numbered):
    """Store the position after all; one that is refused again stays, with the new reason."""

    async def each(self, quarantine: Quarantine, row: QuarantineRow) -> None:
        try:
            stored = await quarantine.retry(row)
        except Refused as error:
            raise Failed(f"report {row.id} stays in the quarantine: {error}") from None
        say(f"report {row.id}: {'stored' if stored else 'was stored already'}")


class QuarantineDelete(Numbered):
    """Forget a report for good."""

    async def each(self, quarantine: Quarantine, row: QuarantineRow) -> None:
        await quarantine.delete(row.id)
        say(f"report {row.id}: deleted")


class InQuarantine(Group):
    """Reports that the database has refused."""

    subCommands = [
        ["list", None, QuarantineList, "List them."],
        ["show", None, QuarantineShow, "Show all that is kept of one."],
        ["retry", None, QuarantineRetry, "Store it after all."],
        ["delete", None, QuarantineDelete, "Forget it for good."],
    ]


class Undelete(DatabaseCommand):
    """Bring back what users have deleted, by kind and number, or list what there is: undelete list [KIND]."""

    def parseArgs(self, what: str, *more: str) -> None:  # type: ignore[override]
        self["what"], self["more"] = what, more

    async def work(self, reactor: Any, settings: Settings, database: Database) -> None:
        deletions, what, more = Deletions(database), self["what"], self["more"]
        if what == "list":
            await self._list(deletions, more[0] if more else "")
            return
        self._check(what)
        if not more:
            raise Failed(f"which {what}? trackd undelete {what} NUMBER")
        failed = []
        for id in more:
            try:
                await deletions.bring_back(what, int(id) if id.isdecimal() and len(id) < 19 else 0)
                say(f"{what} {id}: back")
            except Gone as error:
                failed.append(str(error))
        if failed:
            raise Failed("; ".join(failed))

    async def _list(self, deletions: Deletions, kind: str) -> None:
        if kind:
            self._check(kind)
        rows = await deletions.all(kind)
        for row in rows:
            say(deletion_line(row))
        if not rows:
            say("nothing that was deleted can be brought back")
        elif not kind and (left := await deletions.count() - len(rows)) > 0:
            say(f"and {left} more")

    def _check(self, kind: str) -> None:
        if kind not in TABLES:
            raise Failed(f"{kind} is none of {', '.join(TABLES)}")


class ShowSettings(Command):
    """List the settings: what is in force, the default, where it comes from, what it means."""

    def parseArgs(self, beginning: str = "") -> None:
        self["beginning"] = beginning

    async def run(self, reactor: Any, settings: Settings) -> None:
        for warning in settings.warnings:
            complain(f"warning: {warning}")
        for row in settings.rows():
            if row.key.name.startswith(self["beginning"]):
                origin = "default"
                if row.origin != "default":
                    origin = f"{row.origin}; default: {as_text(row.key.default) or 'none'}"
                say(f"{row.key.name} = {row.value}".rstrip() + f"  [{origin}]  {row.key.meaning}")


class Check(Command):
    """Check the configuration and the database; the exit status says whether the server can start with them."""

    async def run(self, reactor: Any, settings: Settings) -> None:
        for warning in settings.warnings:
            say(f"warning: {warning}")
        say(f"configuration: good, {len(settings.formats)} wire formats, web port {settings['web.port']}")
        chosen = Chosen(reactor, settings, watch=False, size=1)
        if chosen.embedded is not None and not chosen.embedded.data.exists():
            say(f"database: none yet; the first start makes one in {chosen.embedded.folder}")
            return
        try:
            schema = await status(await chosen.start())
        finally:
            await chosen.stop()
        where = chosen.embedded.folder if chosen.embedded else "database.url"
        missing = f", the next start applies {len(schema.pending)} migrations" if schema.pending else ""
        say(f"database: good, {where}, schema {max(schema.applied, default=0)}{missing}")


class Examine(Command):
    """Show what the server is doing, and what is wrong with it, the database or the machine, line by line."""

    async def run(self, reactor: Any, settings: Settings) -> None:
        if wrong := await Doctor(reactor, settings, say).examine():
            raise Failed("something is wrong" if wrong == 1 else f"{wrong} things are wrong")


class CommandLine(Group):
    """What `trackd` understands."""

    longdesc = "For operators, on the server's machine: it works on the database, whether the server runs or not."
    subCommands = [
        ["user", None, User, "Users: add"],
        ["device", None, Device, "Devices: add"],
        ["tail", None, Follow, "Show positions and events as they are stored"],
        ["unknown", None, Unknown, "List unknown devices"],
        ["quarantine", None, InQuarantine, "Reports that the database has refused: list, show, retry, delete"],
        ["undelete", None, Undelete, "Bring back what users have deleted: list, or KIND NUMBER…"],
        ["settings", None, ShowSettings, "List all settings, or those that begin with a text"],
        ["check", None, Check, "Check the configuration and the database"],
        ["doctor", None, Examine, "Show what the server is doing, and what is wrong"],
    ]


def say(line: str) -> None:
    print(line, flush=True)


def complain(line: str) -> None:
    print(" ".join(line.splitlines()), file=sys.stderr, flush=True)


async def carried_out(reactor: Any, command: Command) -> int:
    """Carry a command out; the exit status. What goes wrong for a reason is a line for each."""
    try:
        await command.run(reactor, command.settings())
    except SettingsError as error:
        for problem in error.problems:
            complain(f"trackd: {problem}")
    except BrokenPipeError:
        # Nobody reads on, as in `trackd tail | head`; the interpreter must not try to write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Failed, CannotStart, WrongSchema, StoreError, PeopleError, OSError) as error:
        complain(f"trackd: {error}")
    except CancelledError:
        # Interrupted, which is how `tail` ends.
        return 130
    else:
        return 0
    return 1


async def run(reactor: Any, command: Command) -> None:
    """For `react`: carry a command out, and when the process is told to stop, let it clean up first."""
    work = Deferred.fromCoroutine(carried_out(reactor, command))
    ended: Deferred[None] = Deferred()

    stopping = False

    def interrupted() -> Deferred[None]:
        nonlocal stopping
        stopping = True
        work.cancel()
        return ended

    trigger = reactor.addSystemEventTrigger("before", "shutdown", interrupted)
    code = await work
    if not stopping:
        reactor.removeSystemEventTrigger(trigger)
    ended.callback(None)
    raise SystemExit(code)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Ends the process: 0 done, 1 not done, 130 interrupted."""
    line = CommandLine()
    line.parseOptions(sys.argv[1:] if arguments is None else arguments)
    command: Any = line
    while command.subCommand is not None:
        command = command.subOptions
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    observer = FilteringLogObserver(textFileLogObserver(sys.stderr), [LogLevelFilterPredicate(LogLevel.warn)])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    react(run, [command])

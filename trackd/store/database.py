"""
The database as the rest of the house sees it: a pool of connections that mends itself.

    rows = await database.query("SELECT id, name FROM devices WHERE group_id = %s", [group_id])
    count = await database.run("UPDATE devices SET name = %s WHERE id = %s", [name, device_id])
    result = await database.transaction(work)       # async def work(queries): … queries.query, queries.run

Each of them waits for a free connection. `Unavailable`: the database is away, does not answer, or is too busy, try again
later.
`Refused`: it does not accept the statement. Timestamps are aware and in UTC, `json` comes as text, `bytea` as bytes.

txpostgres's own ConnectionPool is not used: it opens all its connections at the start or fails, keeps broken ones, and
lets any number of queries wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from trackd.store.attempts import LONGEST_PAUSE, Attempts, Bell
from trackd.store.connection import Args, Connection, Queries, Row, Work
from trackd.store.dedicated import Dedicated
from trackd.store.errors import LOCK_NOT_AVAILABLE, Refused, StoreError, Unavailable
from trackd.store.pulse import READING, Pulse

__all__ = ["Args", "Database", "Dedicated", "Queries", "Refused", "Row", "StoreError", "Unavailable", "Work"]

T = TypeVar("T")

# For a new connection to one that does not answer on those that there are.
KNOCKING = 1.0  # s
# How long `stop` waits for statements that are under way.
FAREWELL = 2.0  # s


@define(eq=False)
class Database:
    """The pool. `size`, `max_waiting`, `patience` and the time-outs are settings of the same names under `database`."""

    reactor: Any
    dsn: str
    size: int = 20  # connections, at most
    max_waiting: int = 1000  # queries that wait for one of them
    connect_timeout: float = 5.0  # s
    statement_timeout: float = 30.0  # s; 0: none
    patience: float = 0.3  # s, once it is watched: for a connection, and then for a lock
    clock: Any = None
    # Does what follows on an answer of the pool; None: at once, as on one of a dedicated connection.
    go_on: Callable[[Callable[[], object]], None] | None = None
    available: bool = field(default=True, init=False)  # false from a failed attempt to connect to the next good one
    silent: bool = field(default=False, init=False)  # it is there, but does not answer: see `watch`
    _idle: list[Connection] = field(factory=list, init=False)
    _used: set[Connection] = field(factory=set, init=False)
    _count: int = field(default=0, init=False)  # connections: idle, in use, and being opened
    _opening: int = field(default=0, init=False)  # of these, those that are being opened for somebody who waits
    _waiting: deque[Deferred[Connection]] = field(factory=deque, init=False)
    _guards: dict[Deferred[Connection], Any] = field(factory=dict, init=False)  # of those who wait
    _moved: float = field(default=float("-inf"), init=False)  # when a connection was given back last
    _locked: float = field(default=float("-inf"), init=False)  # when one has waited in vain for a lock
    _enough_until: float = field(default=0.0, init=False)  # no further connection is tried before
    _stopped: bool = field(default=False, init=False)
    _back: Bell = field(factory=Bell, init=False)
    _all_idle: Bell = field(factory=Bell, init=False)
    _attempts: Attempts = field(init=False)
    _others: list[Dedicated] = field(factory=list, init=False)
    _asked: set[Deferred[Any]] = field(factory=set, init=False)  # what is waited for
    _pulse: Pulse | None = field(default=None, init=False)
    _listening: Dedicated | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        if self.clock is None:
            self.clock = self.reactor
        self._attempts = Attempts(self.clock, self._try_again)

    async def start(self) -> None:
        """Open the first connection, or raise Unavailable, saying why it can't be opened."""
        try:
            self._offer(await self._connected())
        except Unavailable:
            self._stopped = True
            raise

    def watch(self) -> None:
        """
        From now on nobody waits for a database that does not answer at all: he gets Unavailable within a second. So does
        who waits for longer than `patience` for a lock that somebody else holds, or for a connection, unless the line in
        which he stands is moving.

        What he has asked for may be done all the same, when it answers again. Dedicated connections wait.
        """
        if self._pulse is None:
            for connection in self._idle[:]:
                connection.close()  # those that are opened from now on wait for no lock
            pulse = self.dedicated()
            self._pulse = Pulse(
                lambda: pulse.query("SELECT 1"), self._knock, self.clock, self._fall_silent, self._forgotten
            )
            self._pulse.start()

    async def _knock(self) -> None:
        """See whether there is an answer on a new connection, which is closed at once. Raises Unavailable."""
        connection = Connection(self.reactor, self.clock, self.statement_timeout)
        await connection.connect(self.dsn, min(self.connect_timeout, KNOCKING))
        connection.close()

    def _forgotten(self) -> None:
        """Nothing is heard on the connections that there are: who has asked there has to ask again."""
        self._log.warn("the database answers on new connections only: all others are closed")
        for connection in [*self._idle, *self._used]:
            connection.close()
        for other in self._others:
            other.reconnect()

    def _fall_silent(self, silent: bool) -> None:
        self.silent = silent
        if not silent:
            self._log.info("the database answers again")
            return
        self._log.error("the database does not answer")
        self._fail_waiting(_unanswered())
        asked, self._asked = self._asked, set()
        for answer in asked:
            answer.errback(_unanswered())

    async def stop(self) -> None:
        """Refuse further queries, wait a little for those that are under way, and close all connections."""
        self._stopped = True
        self._attempts.stop()
        if self._pulse is not None:
            self._pulse.stop()
        self._fail_waiting(Unavailable("the database connections are being closed"))
        for connection in self._idle[:]:
            connection.close()
        if self._count:
            waiting = self._all_idle.wait()
            guard = self.clock.callLater(0 if self.silent else FAREWELL, self._all_idle.ring)
            await waiting
            if guard.active():
                guard.cancel()
            for connection in list(self._used):
                connection.close()
        for other in self._others:
            other.close()
        self._back.ring()

    async def query(self, sql: str, args: Args = ()) -> list[Row]:
        return await self._unless_silent(self._with_one(lambda connection: connection.query(sql, args)))

    async def run(self, sql: str, args: Args = ()) -> int:
        return await self._unless_silent(self._with_one(lambda connection: connection.run(sql, args)))

    async def transaction(self, work: Work[T]) -> T:
        """What `work` returns, once all that it did is committed; if it raises, nothing was done."""
        return await self._unless_silent(self._with_one(lambda connection: connection.transaction(work)))

    async def _with_one(self, ask: Callable[[Connection], Awaitable[T]]) -> T:
        connection = await self._take()
        try:
            return await ask(connection)
        except Unavailable as error:
            if error.sqlstate == LOCK_NOT_AVAILABLE:
                # Others may have to wait for the same: nobody is kept in line for that.
                self._locked = self.clock.seconds()
                self._fail_waiting(error)
            raise
        finally:
            self._give_back(connection)

    def _unless_silent(self, asking: Coroutine[Any, Any, T]) -> Deferred[T]:
        """The answer, or Unavailable when the database falls silent; the connection is given back when it is free."""
        if self.silent:
            asking.close()
            return _failed(_unanswered())

        def done(result: Any) -> None:
            self._asked.discard(answer)
            if not answer.called:
                answer.callback(result)

        answer: Deferred[T] = Deferred(lambda _: working.cancel())
        self._asked.add(answer)
        working = Deferred.fromCoroutine(asking)
        working.addBoth(done)
        return answer

    @property
    def connections(self) -> int:
        """Those that are open or being opened, dedicated ones aside."""
        return self._count

    @property
    def waiting(self) -> int:
        """Queries that wait for a connection of others."""
        return max(0, len(self._waiting) - self._opening)

    def ready(self) -> Deferred[None]:
        """Fires when the database is available (at once if it is), and when the pool is stopped."""
        if self.available or self._stopped:
            return succeed(None)
        return self._back.wait()

    def dedicated(self) -> Dedicated:
        """A connection of its own, which reconnects by itself and is closed with the pool."""
        other = Dedicated(self)
        self._others.append(other)
        return other

    async def listen(
        self, channel: str, callback: Callable[[str], None], missed: Callable[[], None] | None = None
    ) -> None:
        """
        Call `callback` with the payload of each notification on `channel` from now on.

        `missed` is called whenever the connection has been lost and is back: notifications in between are gone.
        """
        if self._listening is None:
            self._listening = self.dedicated()
        await self._listening.listen(channel, callback, missed)

    async def notify(self, channel: str, payload: str = "") -> None:
        """Tell all who listen on `channel`, on this node and on others; at most 7999 bytes."""
        await self.query("SELECT pg_notify(%s, %s)", [channel, payload])

    async def _take(self) -> Connection:
        connection = await self._free()
        self._used.add(connection)
        return connection

    async def _free(self) -> Connection:
        if self._stopped:
            raise Unavailable("the database connections are closed")
        if self._idle:
            return self._idle.pop()
        if not self.available:
            raise Unavailable("the database is away")
        more = self._count < self.size and self.clock.seconds() >= self._enough_until
        if not more and self.waiting >= self.max_waiting:
            raise Unavailable(f"{self.max_waiting} queries wait for the database already")
        if not more and self.clock.seconds() - self._locked < 2 * self.patience:
            raise Unavailable("all connections wait for what is locked in the database")
        turn: Deferred[Connection] = Deferred(self._waiting.remove)
        self._waiting.append(turn)
        if self._pulse is not None:
            self._guards[turn] = self.clock.callLater(self.patience, self._look, turn)
        if more:
            Deferred.fromCoroutine(self._open())
        try:
            return await turn
        finally:
            guard = self._guards.pop(turn, None)
            if guard is not None and guard.active():
                guard.cancel()

    def _look(self, turn: Deferred[Connection]) -> None:
        # What has been answered is read first: perhaps it was we who were busy.
        self._guards[turn] = self.clock.callLater(READING, self._tire, turn)

    def _tire(self, turn: Deferred[Connection]) -> None:
        """Wait on as long as the others in line get their turns; else give up."""
        if self.clock.seconds() - self._moved < self.patience:
            self._guards[turn] = self.clock.callLater(self.patience, self._look, turn)
        else:
            self._waiting.remove(turn)
            turn.errback(Unavailable(f"no connection to the database was free within {self.patience:g} s"))

    async def _open(self) -> None:
        """One more connection, for those who wait."""
        self._opening += 1
        try:
            connection = await self._connected()
        except Unavailable as error:
            if not self._count:
                self._gone(error)
            # The server may have reached its own limit (the driver does not tell): those that there are must do.
            self._enough_until = self.clock.seconds() + LONGEST_PAUSE
        except Exception as error:
            if self._waiting:
                self._waiting.popleft().errback(error)
            else:
                self._log.failure("while connecting to the database")
        else:
            self._offer(connection)
        finally:
            self._opening -= 1

    async def _connected(self) -> Connection:
        self._count += 1
        waits = self.patience if self._pulse is not None else 0.0
        connection = Connection(
            self.reactor, self.clock, self.statement_timeout, self._lost, lock_timeout=waits, go_on=self.go_on
        )
        try:
            await connection.connect(self.dsn, self.connect_timeout)
        except BaseException:
            self._one_less()
            raise
        if self._stopped:
            connection.close()
            self._one_less()
            raise Unavailable("the database connections are closed")
        return connection

    def _give_back(self, connection: Connection) -> None:
        self._moved = self.clock.seconds()
        self._used.discard(connection)
        if self._stopped and connection.open:
            connection.close()
        if not connection.open:
            self._one_less()
            if self._waiting:
                self._attempts.start()
        else:
            self._offer(connection)

    def _offer(self, connection: Connection) -> None:
        if self._waiting:
            self._waiting.popleft().callback(connection)
        else:
            self._idle.append(connection)

    def _lost(self, connection: Connection) -> None:
        # One that is in use is noticed when it is given back.
        if connection in self._idle:
            self._idle.remove(connection)
            self._one_less()

    def _one_less(self) -> None:
        self._count -= 1
        if not self._count:
            self._all_idle.ring()

    def _gone(self, error: Unavailable) -> None:
        if self.available and not self._stopped:
            self.available = False
            self._log.error("the database is away: {reason}", reason=error.message)
        self._fail_waiting(error)
        if not self._stopped:
            self._attempts.start()

    def _fail_waiting(self, error: Unavailable) -> None:
        while self._waiting:
            self._waiting.popleft().errback(Unavailable(error.message, error.sqlstate))

    async def _try_again(self) -> None:
        while self._count < self.size:
            try:
                connection = await self._connected()
            except Unavailable as error:
                if not self._count:
                    self._gone(error)
                raise
            self._offer(connection)
            if not self._waiting:
                break
        if not self.available:
            self.available = True
            self._log.info("the database is back")
        self._back.ring()


def _failed(error: Exception) -> Deferred[Any]:
    failed: Deferred[Any] = Deferred()
    failed.errback(error)
    return failed


def _unanswered() -> Unavailable:
    return Unavailable("the database does not answer")

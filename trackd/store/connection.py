"""
One connection to PostgreSQL on the reactor: statements, transactions, notifications.

txpostgres runs psycopg2's asynchronous connections; `_Link` corrects what does not suit a server that runs for months:

- a connection that breaks while nothing is asked of it raised out of `doRead` into the reactor's log, and nobody was
  told: now `lost` is called;
- cancelling a query called libpq's cancel, which connects and waits inside the reactor: a cancelled statement now
  costs its connection, which the pool replaces;
- notifications went through the global Cooperator, and so through the global reactor: they are delivered directly;
- the reactor was given libpq's own socket, which may be closed and opened again behind its back: see `Watch`;
- statements had no time limit of the client's: a database that is frozen or cut off would be waited for for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import psycopg2
import psycopg2.extensions
from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from txpostgres import txpostgres

from trackd.store.addresses import resolved
from trackd.store.errors import QUERY_CANCELED, Unavailable, translated
from trackd.store.watch import Watch

Args = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]
T = TypeVar("T")

# JSON stays text, so that the caller decides whether, and with what, it is parsed.
JSON_TEXT = psycopg2.extensions.new_type((114, 3802), "JSON_TEXT", lambda value, cursor: value)
BYTES = psycopg2.extensions.new_type(
    (17,), "BYTES", lambda value, cursor: None if value is None else bytes(psycopg2.BINARY(value, cursor))
)

CONNECTION_OK = 0  # libpq's ConnStatusType

# How much longer than the server's own limit a statement is waited for.
GRACE = 5.0  # s


class Queries(Protocol):
    """What carries out statements: the pool, a dedicated connection, a transaction."""

    async def query(self, sql: str, args: Args = ()) -> list[Row]:
        """The rows of a statement. Without `args` a percent sign stands for itself, with them it is doubled."""

    async def run(self, sql: str, args: Args = ()) -> int:
        """Carry out a statement; the number of rows that it concerned."""


Work = Callable[[Queries], Awaitable[T]]


class _Link(txpostgres.Connection):
    """A connection of txpostgres with the corrections that the module's docstring names."""

    def __init__(self, watch: Watch, lost: Callable[[], None], notified: Callable[[str, str], None]) -> None:
        self._watch = watch
        super().__init__(watch)
        self._lost = lost
        self._notified = notified
        self.cancelled = False

    def carry_out(self, sql: str, args: Args) -> Deferred[Any]:
        """Fires with the cursor, once the statements that were asked for before are done as well."""
        return self.lock.run(self._carry_out, sql, args)

    def _carry_out(self, sql: str, args: Args) -> Deferred[Any]:
        return self.cursor().execute(sql, args or None)

    @property
    def sound(self) -> bool:
        """Whether it can carry out another statement. libpq knows of a break before psycopg2 does."""
        link = self._connection
        return link is not None and not link.closed and link.info.status == CONNECTION_OK

    def doRead(self) -> None:
        try:
            super().doRead()
        except psycopg2.Error:
            self._lost()

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self._lost()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._watch.release()

    def _cancel(self, polling: Deferred[Any]) -> None:
        # Only connecting is ever cancelled here: whoever waits for a statement waits for a Deferred of ours.
        self.cancelled = True
        self.close()

    def checkForNotifies(self) -> None:
        heard = self._connection.notifies[:]
        del self._connection.notifies[:]
        for notice in heard:
            self._notified(notice.channel, notice.payload)


@define(eq=False)
class Connection:
    """
    One connection to the database: `query`, `run` and `transaction`, each in its turn.

    Once broken it stays broken: `open` is false, every statement fails with Unavailable, `lost` has been called.
    """

    reactor: Any
    clock: Any
    statement_timeout: float  # s; 0: none
    lost: Callable[[Connection], None] = lambda connection: None
    notified: Callable[[str, str], None] = lambda channel, payload: None
    lock_timeout: float = 0.0  # s; 0: none
    go_on: Callable[[Callable[[], object]], None] | None = None  # does what follows on an answer; None: at once
    open: bool = field(default=False, init=False)
    _link: _Link | None = field(default=None, init=False)
    _abandoned: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    async def connect(self, dsn: str, timeout: float) -> None:
        """Connect and set the session up within `timeout` seconds, or raise Unavailable."""
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            self.close()
            looking.cancel()

        guard = self.clock.callLater(timeout, give_up)
        looking = Deferred.fromCoroutine(resolved(self.reactor, dsn))
        try:
            parameters = await looking
            self._link = _Link(Watch(self.reactor, self.go_on), self._broken, self.notified)
            await self._unless_abandoned(self._link.connect(**parameters))
            self.open = self._link.sound
            psycopg2.extensions.register_type(JSON_TEXT, self._link.pollable())
            psycopg2.extensions.register_type(BYTES, self._link.pollable())
            milliseconds = int(self.statement_timeout * 1000)
            await self.run(
                "SET TimeZone = 'UTC';"
                f"SET statement_timeout = {milliseconds};"
                f"SET lock_timeout = {int(self.lock_timeout * 1000)};"
                f"SET idle_in_transaction_session_timeout = {milliseconds}"
            )
        except GeneratorExit:
            self._abandon()
            raise
        except BaseException as error:
            self.close()
            if late:
                raise Unavailable(f"no connection to the database within {timeout:g} s") from error
            if self._link is not None and self._link.cancelled:
                raise CancelledError() from error
            raise translated(error) from error
        finally:
            if guard.active():
                guard.cancel()

    async def query(self, sql: str, args: Args = ()) -> list[Row]:
        cursor = await self._carried_out(sql, args)
        try:
            return cursor.fetchall() if cursor.description is not None else []
        except psycopg2.InterfaceError as error:  # closed since the answer has come
            raise translated(error) from error

    async def run(self, sql: str, args: Args = ()) -> int:
        return (await self._carried_out(sql, args)).rowcount

    async def transaction(self, work: Work[T]) -> T:
        """
        What `work` returns, once everything that it did is committed; if it raises, nothing was done.

        `work` gets this connection and must not be asked for anything else in the meantime.
        """
        await self.run("BEGIN")
        try:
            result = await work(self)
            ended = await self._carried_out("COMMIT", ())
            if ended.statusmessage != "COMMIT":
                # The server answers the commit of a failed transaction with ROLLBACK, which is no error to it.
                raise RuntimeError("a statement of the transaction failed, and its error was caught on the way")
            return result
        except GeneratorExit:
            self._abandon()
            raise
        except BaseException:
            if self.open:
                try:
                    await self.run("ROLLBACK")
                except Unavailable:
                    self.close()
            raise

    def close(self) -> None:
        """Close it; a statement that is under way fails with Unavailable."""
        if self._link is not None and self._link.pollable() is not None:
            self._link.close()
        self._broken()

    def _abandon(self) -> None:
        """Close it without a word: who waits for its answer is just being ended, and cannot be told while he is."""
        self._abandoned = True
        self.close()

    def _unless_abandoned(self, waiting: Deferred[Any]) -> Deferred[Any]:
        """Fires as the other, unless nobody is there any more who could go on."""

        def done(result: Any) -> None:
            if not self._abandoned:
                answer.callback(result)

        answer: Deferred[Any] = Deferred(lambda _: waiting.cancel())
        waiting.addBoth(done)
        return answer

    def _broken(self) -> None:
        if self.open:
            self.open = False
            self.lost(self)
            self.close()

    def _carried_out(self, sql: str, args: Args) -> Deferred[Any]:
        """Fires with the cursor, or fails with an error of the house; never later than the time limit."""
        if not self.open or self._link is None:
            return _failed(Unavailable("the connection to the database is closed"))
        cancelled = False

        def cancel(answer: Deferred[Any]) -> None:
            nonlocal cancelled
            cancelled = True
            self.close()

        def done(result: Any) -> None:
            if guard is not None and guard.active():
                guard.cancel()
            if self._abandoned:
                return
            if not isinstance(result, Failure):
                answer.callback(result)
                return
            if self._link is not None and not self._link.sound:
                self._broken()
            error = result.value or RuntimeError("no reason given")
            if isinstance(error, CancelledError) and not cancelled:
                # So txpostgres calls what the server gave up, at its time limit or because somebody told it to.
                error = Unavailable("the database gave the statement up", QUERY_CANCELED)
            answer.errback(CancelledError() if cancelled else translated(error))

        answer: Deferred[Any] = Deferred(cancel)
        guard = None
        if self.statement_timeout:
            guard = self.clock.callLater(self.statement_timeout + GRACE, self._frozen)
        self._link.carry_out(sql, args).addBoth(done)
        return answer

    def _frozen(self) -> None:
        self._log.warn("the database has not answered for {seconds} s", seconds=self.statement_timeout + GRACE)
        self.close()


def _failed(error: Exception) -> Deferred[Any]:
    failed: Deferred[Any] = Deferred()
    failed.errback(error)
    return failed

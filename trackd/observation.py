"""
What can be seen from outside of what the server is doing: figures for `/metrics`, and a block of the log for `SIGUSR2`.

Nothing is kept here: the parts count where things happen, and are looked at when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from heapq import nsmallest
from typing import Any

from attrs import define

from trackd import process
from trackd.clock import now
from trackd.figures import COUNTER, GAUGE, HISTOGRAM, Figure, Labels, counter, gauge
from trackd.house import House
from trackd.listen.conversation import Conversation
from trackd.listen.counters import Counts
from trackd.listen.manners import Manners
from trackd.outbox.mail import Post

# Limits of one connection, frame, request or device, of the log, and of what the database keeps: nothing is full by them.
SINGLE = (
    "listen.loginTime",
    "listen.frame",
    "listen.ahead",
    "listen.outputs",
    "listen.linger",
    "listen.errorsLogged",
    "listen.errorsLoggedPerSecond",
    "devices.history",
    "commands.queue",
    "unknown.kept",
    "web.body",
    "database.statementTimeout",
    "database.patience",
)
# Tables that may well be full: what is left out costs a question, no more.
CACHES = frozenset(
    """
    devices_in_memory unknown_ids_remembered login_failures_remembered people_remembered statistics_remembered
    database_connections
    """.split()
)
# Connections that a block names: those that have waited for longest.
NAMED = 5


def beginning() -> dict[str, Any]:
    """What is said at the desk before there is a house."""
    return {"told": "the server is starting", "files": process.most_files(), "listeners": 0, "filled": []}


@define(eq=False)
class Observation:
    """Of a house."""

    house: House

    def figures(self) -> Iterator[Figure]:
        """All figures. Looks at each live socket and each address, but at no device."""
        yield from self._formats()
        yield from self._commits()
        yield from self._tables()
        yield self._single()
        yield from self._rest()
        yield from _of_the_process()

    def _formats(self) -> Iterator[Figure]:
        formats = sorted(self.house.listeners.server.counters.formats.items())

        def each(name: str, kind: str, meaning: str, value: Callable[[Counts], int]) -> Figure:
            return Figure(name, kind, meaning, [({"format": format}, value(counts)) for format, counts in formats])

        yield each("trackd_connections_open", GAUGE, "Connections of devices", lambda counts: counts.open)
        yield each("trackd_connections_total", COUNTER, "Connections let in", lambda counts: counts.connections)
        yield each("trackd_connections_refused_total", COUNTER, "No place for them", lambda counts: counts.refused)
        yield each("trackd_received_bytes_total", COUNTER, "Bytes from devices", lambda counts: counts.bytes)
        yield each("trackd_frames_total", COUNTER, "Frames from devices", lambda counts: counts.frames)
        yield each("trackd_bad_frames_total", COUNTER, "Frames that could not be read", lambda counts: counts.errors)
        yield each("trackd_reports_total", COUNTER, "Reports understood", lambda counts: counts.reports)
        yield each("trackd_datagrams_dropped_total", COUNTER, "No room for them", lambda counts: counts.dropped)

    def _commits(self) -> Iterator[Figure]:
        committer = self.house.committer
        for name, meaning, histogram in (
            ("commit_seconds", "A transaction, with all its tries", committer.transactions),
            ("commit_reports", "Reports of a transaction", committer.sizes),
            (
                "acknowledgement_seconds",
                "From a batch's first report at the committer until its devices are answered, for each report",
                committer.acknowledgements,
            ),
        ):
            yield Figure(f"trackd_{name}", HISTOGRAM, meaning, [({}, histogram)])
        yield self._limit("commit_reports", "commit.batch")
        yield gauge("trackd_commit_pending_seconds", "Age of what is not committed, 0 = nothing", committer.pending)
        ids: list[tuple[Labels, float]] = [({"of": name}, count) for name, count in sorted(committer.ids.items())]
        yield Figure("trackd_ids_reserved", GAUGE, "Ids fetched and not yet used", ids)
        yield counter("trackd_timeless_total", "Reports without a time, not stored", self.house.intake.timeless)
        yield counter("trackd_returned_total", "Reports whose device another server had", committer.returned)
        failed = self.house.intake.mistakes.count
        yield counter("trackd_step_failures_total", "Stages and detectors that failed with a report", failed)
        yield counter("trackd_quarantined_total", "Reports the database has refused", committer.quarantined)
        yield counter("trackd_commit_lost_total", "Events and signs of life it has refused", committer.lost)

    def _tables(self) -> Iterator[Figure]:
        """What has a limit, and the limit."""
        house, of = self.house, self._bounded
        door, standing = house.listeners.server.door, house.hub.standing()
        yield from of("connections", "listen.connections", "Connections of devices, closing ones too", len(door))
        yield from of("connections_of_one_address", "listen.perAddress", "Of the address with most", door.busiest)
        yield from of("connections_without_device", "listen.beforeLogin", "Not yet recognised", door.strangers)
        backlog = house.listeners.server.backlog
        yield from of("connections_in_line", "listen.connections", "With much to say, which has to wait", len(backlog))
        yield from of("datagram_senders", "listen.endpoints", "With a device, by port", self._ports("known"))
        yield from of("datagram_strangers", "listen.beforeLogin", "Without one, by port", self._ports("strangers"))
        yield from of("datagrams_waiting", "listen.datagrams", "For the database, by port", self._ports("underway"))
        yield from of(
            "reports_waiting", "commit.queue", "And events without one, not yet committed", house.committer.waiting
        )
        yield from of("report_bytes_waiting", "commit.bytes", "Of these", house.committer.size)
        directory, strangers = house.presence.directory, house.presence.strangers
        yield from of("devices_in_memory", "devices.cache", "The limit is of those not needed", len(directory))
        yield from of("unknown_ids_remembered", "devices.strangers", "Looked up in vain", directory.failures)
        yield from of("unknown_ids_waiting", "unknown.limit", "Unknown ids about to be noted", len(strangers))
        services = house.people.services
        passwords, failures = services.entrance.passwords, services.entrance.limits
        failed = {
            "addresses": len(failures.addresses),
            "accounts": len(failures.accounts),
            "registrations": len(services.accounts.registrations),
            "new passwords": max(len(services.recovery.addresses), len(services.recovery.accounts)),
        }
        yield from of("login_failures_remembered", "people.attempts", "Who has failed of late", failed)
        known = {"sessions": services.sessions.in_memory, "passwords": passwords.in_memory}
        yield from of("people_remembered", "people.remembered", "Log-ins in memory", known)
        yield from of("statistics_remembered", "statistics.remembered", "Of the day", services.statistics.in_memory)
        mail = services.recovery.mail
        yield from of("mails_waiting", "mail.queue", "To be sent", len(mail) if isinstance(mail, Post) else 0)
        yield from of("passwords_waiting", "people.waiting", "Passwords to be checked", passwords.in_line)
        yield from of("web_connections", "web.connections", "Live sockets aside", house.site.connections)
        yield from of("web_body_bytes", "web.bodies", "Of all requests that are not answered", house.site.bodies)
        yield from of("live_sockets", "live.connections", "Live sockets", house.hub.count)
        yield from of("live_sockets_of_one_user", "live.userConnections", "Of the user with most", standing.of_user)
        yield from of("live_waiting_bytes", "live.queue", "For the slowest socket", standing.bytes)
        yield from of("live_waiting_bytes_of_all", "live.memory", "For all sockets", standing.memory)
        yield from of("live_waiting_events", "live.events", "For the slowest socket", standing.events)
        yield from of("news_of_others", "nodes.queue", "Of other servers, to be read", house.neighbours.waiting)
        database = house.database
        yield from of("database_connections", "database.maxPoolSize", "In the pool", database.connections)
        yield from of("database_queries_waiting", "database.maxWaiting", "For a connection", database.waiting)

    def _single(self) -> Figure:
        values: list[tuple[Labels, float]] = [({"key": key}, self.house.settings[key]) for key in SINGLE]
        return Figure("trackd_limit", GAUGE, "Limits of a single thing, by setting", values)

    def _bounded(self, name: str, key: str, meaning: str, value: int | Mapping[str, int]) -> Iterator[Figure]:
        """A figure, of one or of several, and the limit of each."""
        values: list[tuple[Labels, float]] = [({}, value)] if isinstance(value, int) else []
        if not isinstance(value, int):
            values += [({"of": of}, one) for of, one in value.items()]
        yield Figure(f"trackd_{name}", GAUGE, meaning, values)
        yield self._limit(name, key)

    def _ports(self, what: str) -> dict[str, int]:
        """Of each port for datagrams."""
        found = {}
        for port in self.house.listeners.datagrams:
            value = getattr(port, what)
            address = f"{port.listener.address}:{port.listener.port}"
            found[address] = value if isinstance(value, int) else len(value)
        return found

    def _limit(self, name: str, key: str) -> Figure:
        return gauge(f"trackd_{name}_limit", key, self.house.settings[key])

    def _rest(self) -> Iterator[Figure]:
        house, standing = self.house, self.house.hub.standing()
        strangers = house.presence.strangers
        yield counter("trackd_unknown_ids_noted_total", "Unknown ids, each once a second", strangers.noted)
        yield counter("trackd_unknown_ids_dropped_total", "Their messages beyond the limit", strangers.dropped)
        yield gauge("trackd_live_sockets_behind", "Sockets that do not keep up", standing.behind)
        yield counter("trackd_live_dropped_total", "Events and raw frames slow sockets missed", standing.dropped)
        yield gauge("trackd_other_servers", "On the same database, and alive", house.neighbours.alive)
        yield counter(
            "trackd_news_skipped_total", "Of other servers, told by the newest only", house.neighbours.skipped
        )
        yield gauge("trackd_database_available", "1 = it is, 0 = it is away", self.available)

    @property
    def available(self) -> bool:
        """The database answers, as far as is known."""
        database = self.house.database
        return database.available and not database.silent and not self.house.committer.away

    # At the desk

    def at_desk(self) -> dict[str, Any]:
        """What `trackd doctor` asks for: the block, open files, listeners, and how full each queue is with its limit."""
        return {
            "told": self.told(),
            "files": process.most_files(),
            "listeners": len(self.house.listeners.listeners),
            "filled": list(self._filled()),
        }

    def _filled(self) -> Iterator[tuple[str, str, float, float]]:
        """Names of the queues, the settings that limit them, how much is in them, and the limits."""
        figures = {figure.name: figure for figure in self._tables()}
        for name, figure in figures.items():
            limit = figures.get(f"{name}_limit")
            short = name.removeprefix("trackd_")
            if limit is not None and short not in CACHES:
                most = max((value for _, value in figure.values if isinstance(value, float | int)), default=0)
                yield short, limit.meaning, float(most), float(limit.values[0][1])  # type: ignore[arg-type]

    # In words

    def told(self) -> str:
        """What the server is doing, in lines."""
        house = self.house
        committer, database, standing = house.committer, house.database, house.hub.standing()
        door, strangers = house.listeners.server.door, house.presence.strangers
        said, today = house.settings, now(house.reactor).timestamp()
        why = committer.away or ("no answer" if database.silent else "no connection")
        lines = [
            "what the server is doing",
            f"  process    since {today - process.started():.0f} s, {process.cpu():.1f} s of CPU, "
            f"{process.memory() / 1e6:.0f} MB, {process.files()} of {process.most_files()} files open",
            f"  database   {'available' if self.available else f'away: {why}'}, {database.connections} of "
            f"{said['database.maxPoolSize']} connections, {database.waiting} of {said['database.maxWaiting']} queries wait",
            f"  commits    {committer.waiting} of {committer.limit} reports wait, for {committer.pending:.3f} s, "
            f"{committer.quarantined} in quarantine since the start",
            f"  devices    {len(house.presence.directory)} in memory ({said['devices.cache']} without need), "
            f"{strangers.noted} unknown ids noted, {strangers.dropped} of their messages not",
            f"  listeners  {len(door)} of {said['listen.connections']} connections, {door.strangers} of "
            f"{said['listen.beforeLogin']} without a device, {door.busiest} of {said['listen.perAddress']} from one address, "
            f"{len(house.site.share)} strangers wait for their turn",
            f"  web        {house.site.connections} of {said['web.connections']} connections",
            f"  live       {house.hub.count} of {said['live.connections']} sockets, {standing.behind} behind, "
            f"{standing.dropped} events or frames dropped, {standing.bytes} of {said['live.queue']} bytes wait for one",
        ]
        if house.neighbours.others:
            lines.append(
                f"  servers    {house.neighbours.alive} others, {house.neighbours.waiting} of {house.neighbours.limit} "
                f"positions and events of theirs to be read, {committer.returned} reports of their devices sent back"
            )
        for name, counts in sorted(house.listeners.server.counters.formats.items()):
            if counts.connections or counts.bytes or counts.refused:
                lines.append(f"  {name:<10} {counts.open} open, {counts.words()}")
        for conversation in self._longest():
            device: Any = conversation.session.device
            lines.append(
                f"  waiting    {today - conversation.session.now.timestamp():.3f} s: {conversation.format.name} "
                f"#{conversation.number} {conversation.host}, {f'device {device.id}' if device is not None else 'no device'}"
            )
        return "\n".join(lines)

    def _longest(self) -> list[Conversation]:
        """The connections that have waited for longest for what they have said to be dealt with."""
        talking = [
            guest.conversation for guest in self.house.listeners.server.door.guests if isinstance(guest, Manners)
        ]
        busy = [conversation for conversation in talking if conversation is not None and conversation.busy]
        return nsmallest(NAMED, busy, key=lambda conversation: conversation.session.now)


def _of_the_process() -> Iterator[Figure]:
    """By the names that all programs have for them."""
    yield counter("process_cpu_seconds_total", "User and system", process.cpu())
    yield gauge("process_resident_memory_bytes", "Resident memory", process.memory())
    yield gauge("process_open_fds", "Open files and sockets", process.files())
    yield gauge("process_max_fds", "Most of them", process.most_files())
    yield gauge("process_start_time_seconds", "Start, in seconds since 1970", process.started())

"""
Commands: to a connected device at once, to others when they next say something.

A queued command is taken out of the queue after it has been written; one that cannot be sent stays there with the
reason and is not tried again. A command for a device on another server takes the way through the queue as well, but
whoever sends it learns at once what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from trackd.clock import now
from trackd.store.committer import Committer
from trackd.store.database import Refused, Unavailable
from trackd.store.report import Event
from trackd.track.device import Device
from trackd.track.directory import Directory
from trackd.wire.commands import encode
from trackd.wire.format import BAD_FRAME, WireFormat
from trackd.wire.names import COMMANDS
from trackd.wire.values import Command, Unsupported

# Seconds within which another server has to say what has become of a command.
ANSWER = 2.0


class CommandRefused(Exception):
    """The command cannot be sent; the text says why."""


class Gone(Exception):
    """The device is not connected any more."""


class Queued(Protocol):
    """A row of the queue."""

    @property
    def id(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def attributes(self) -> Any: ...
    @property
    def direct(self) -> bool: ...


class Queue(Protocol):
    """Commands that wait, oldest first."""

    async def add(
        self, device_id: int, type: str, attributes: dict[str, Any], text_channel: bool = False, direct: bool = False
    ) -> int: ...
    async def waiting(self, device_id: int) -> Sequence[Queued]: ...
    async def hand(self, device_id: int, id: int, epoch: int, write: Callable[[], str | None]) -> bool: ...
    async def wait(self, device_id: int, id: int) -> str | None: ...
    async def remove(self, device_id: int, id: int) -> bool: ...


@define(eq=False)
class Commands:
    """
    `format` gives the wire format of this name if it is in service; `nodes` are the other servers that are alive, by
    their numbers.
    """

    directory: Directory
    queue: Queue
    committer: Committer
    clock: IReactorTime
    format: Callable[[str], WireFormat | None]
    nodes: Callable[[], Collection[int]] = tuple
    _answers: dict[int, Deferred[None]] = field(factory=dict, init=False)  # to commands that others are to send
    _log: Logger = field(factory=Logger, init=False)

    async def send(
        self, device_id: int, type: str, attributes: dict[str, Any], text_channel: bool = False
    ) -> tuple[bool, int | None]:
        """
        Send it now: (True, None), or queue it: (False, its number in the queue).

        CommandRefused: the device's format has no such command, the connection cannot take it, or the command must not
        wait (attribute `noQueue`) and has to.
        """
        device = await self.directory.get(device_id)
        if device is None:
            raise CommandRefused("Failed to send command")
        if text_channel:
            raise CommandRefused("SMS not configured")
        if device.link is not None and device.link.live:
            self._write(device, Command(type, attributes))
            return True, None
        if not device.claimed and device.state.status == "online" and device.node in self.nodes():
            return await self._elsewhere(device_id, type, attributes)
        if type not in COMMANDS:
            # It would wait for ever. What the format of its last report lacks may be had by the next.
            raise CommandRefused(f"Command {type} is not supported")
        if attributes.get("noQueue") is True:
            raise CommandRefused("Failed to send command")
        number = await self.queue.add(device_id, type, attributes, text_channel)
        device.queued += 1
        return False, number

    async def _elsewhere(self, device_id: int, type: str, attributes: dict[str, Any]) -> tuple[bool, int | None]:
        """Have the server that has the device send it; if that says nothing within ANSWER seconds, it waits."""
        number = await self.queue.add(device_id, type, attributes, direct=True)
        answer = self._answers[number] = Deferred()
        # At the time-out it is cancelled, which says as little as an answer.
        answer.addTimeout(ANSWER, self.clock).addErrback(lambda failure: None)
        try:
            await answer
        finally:
            del self._answers[number]
        if attributes.get("noQueue") is True and await self.queue.remove(device_id, number):
            raise CommandRefused("Failed to send command")
        try:
            reason = await self.queue.wait(device_id, number)
        except Refused:
            return True, None
        if reason is not None:
            raise CommandRefused(reason)
        return False, number

    def answered(self, number: int) -> None:
        """Another server says what has become of a command, or that it waits."""
        if (answer := self._answers.get(number)) is not None and not answer.called:
            answer.callback(None)

    async def wanted(self, device_id: int, number: int) -> None:
        """Another server waits for what becomes of this command: if it cannot be sent at once, it need not."""
        device = self.directory.by_id.get(device_id)
        if device is not None and device.claimed and (device.link is None or not device.link.live):
            try:
                await self.queue.wait(device_id, number)
            except Refused:
                pass  # it has been sent meanwhile

    async def types(self, device_id: int | None, text_channel: bool = False) -> list[str]:
        """The types that may be asked for: of the device's format, of its last report's, or all without a device."""
        if device_id is None:
            return list(COMMANDS)
        device = await self.directory.get(device_id)
        format = None
        if device is not None and device.last is not None:
            format = self.format(device.last.protocol)
        if format is None:
            return ["custom"]
        return list(dict.fromkeys((*(format.sms_commands if text_channel else format.commands), "custom")))

    def deliver(self, device: Device) -> None:
        """Send what waits for a device that is connected."""
        if device.queued and not device.delivering and device.link is not None and device.link.live:
            device.delivering = True
            Deferred.fromCoroutine(self._deliver(device)).addErrback(
                lambda failure: self._log.failure("device {device}: queued commands", failure, device=device.id)
            )

    async def arrived(self, device_id: int) -> None:
        """Somebody has put a command into the queue of this device."""
        if (device := self.directory.by_id.get(device_id)) is not None:
            device.queued = max(1, device.queued)
            self.deliver(device)

    async def _deliver(self, device: Device) -> None:
        try:
            # What is queued while these are sent is not among them: it raises the number again.
            while device.queued:
                device.queued = 0
                for row in await self.queue.waiting(device.id):
                    await self._deliver_one(device, row)
        except Exception as error:
            device.queued += 1
            if not isinstance(error, Unavailable | Gone):  # when it is back they go with the next message
                raise
        finally:
            device.delivering = False

    async def _deliver_one(self, device: Device, row: Queued) -> None:
        failures: list[str] = []

        def write() -> str | None:
            if device.link is None or not device.link.live:
                raise Gone
            try:
                self._write(device, Command(row.type, row.attributes))
            except CommandRefused as error:
                failures.append(str(error))
            return failures[0] if failures else None

        if not await self.queue.hand(device.id, row.id, device.state.epoch, write):
            return
        if not failures:
            self._tell_sent(device, row)
            return
        self._log.warn(
            "device {device}: command {type} cannot be sent: {error}",
            device=device.id,
            connection=device.link.number if device.link is not None else None,
            type=row.type,
            error=failures[0],
        )

    async def next(self, device: Device) -> Command | None:
        """Take the oldest command out of the queue, for a format that carries it in its reply."""
        device.queued = 0
        try:
            rows = await self.queue.waiting(device.id)
            for number, row in enumerate(rows, 1):
                if await self._sent(device, row):  # else another of its requests has it
                    device.queued += len(rows) - number
                    return Command(row.type, row.attributes)
        except Exception as error:
            device.queued += 1
            if not isinstance(error, Unavailable):
                raise
        return None

    async def _sent(self, device: Device, row: Queued) -> bool:
        """Take it out of the queue; whether it was still there."""
        if not await self.queue.remove(device.id, row.id):
            return False
        self._tell_sent(device, row)
        return True

    def _tell_sent(self, device: Device, row: Queued) -> None:
        if row.direct:  # it did not wait
            return
        self.committer.note(Event(device.id, "queuedCommandSent", now(self.clock), attributes={"id": row.id}))

    def _write(self, device: Device, command: Command) -> None:
        link = device.link
        session = link.session if link.session.device is device else evolve(link.session, device=device)
        format: WireFormat = link.format
        try:
            data = encode(format, command, session)
        except Unsupported as error:
            if command.type != "custom" and command.type not in format.commands:
                raise CommandRefused(f"Command {command.type} is not supported in protocol {format.name}") from error
            raise CommandRefused("Failed to encode command") from error
        except BAD_FRAME as error:
            raise CommandRefused("Failed to encode command") from error
        if data is None:
            raise CommandRefused("Failed to encode command")
        link.send(data)

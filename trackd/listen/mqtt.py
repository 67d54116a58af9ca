"""
Wire formats in MQTT: the broker's side, as far as a device that publishes needs it.

    CONNECT     the client id is looked up; a stranger is told so and stays connected
    SUBSCRIBE   is answered, and nothing is ever published to it
    PUBLISH     its payload is a frame, acknowledged when what it says is committed; a stranger's is passed over, and
                one that cannot be acknowledged, having no packet id (QoS 0), is an error
    others      pass without an answer

After a malformed packet nothing of the connection is read any more; it ends when it has been silent for too long.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trackd.listen.server import Listener, Server
from trackd.listen.stream import Connection
from trackd.wire import mqtt
from trackd.wire.format import Session, Split
from trackd.wire.mqtt import Connect, Publish, Subscribe
from trackd.wire.values import Login, Output, Reply, WireError


class Client(Connection):
    """A device that is connected to us as to a broker."""

    def __init__(self, server: Server, listener: Listener) -> None:
        super().__init__(server, listener)
        self._deaf = False

    def spoken(self) -> tuple[Any, ...]:
        return "mqtt", self.decode, shown

    def cutter(self, session: Session) -> Split:
        return mqtt.split

    def most(self) -> int:
        return mqtt.LIMIT + 5

    def received(self, data: bytes) -> None:
        if self._deaf:
            self._heard = self.server.clock.seconds()
            self.counts.bytes += len(data)
        else:
            super().received(data)

    def _cut(self, data: bytes) -> Iterator[Any]:
        """The packets that mean anything to us."""
        if self._deaf:
            return
        assert self.conversation is not None
        session = self.conversation.session
        try:
            for packet in super()._cut(data):
                read = mqtt.read(packet, session.version)
                if isinstance(read, Connect):
                    session.version = read.version
                if read is not None:
                    yield read
        except WireError as error:
            self._deaf = True
            self.conversation.complain(error, data)

    def decode(self, packet: Any, session: Session) -> Iterator[Output]:
        """A packet as a frame of the conversation."""
        if isinstance(packet, Connect):
            known, stranger = mqtt.connack(packet.version, True), mqtt.connack(packet.version, False)
            yield Login((packet.client_id,), known, stranger, optional=True)
        elif isinstance(packet, Subscribe):
            yield Reply(mqtt.suback(session.version, packet.packet_id))
        elif isinstance(packet, Publish):
            yield Login.of()
            yield from self.listener.format.decode(packet.payload, session)
            if packet.packet_id is None:
                raise WireError("a message that cannot be acknowledged")
            yield Reply(mqtt.puback(packet.packet_id))


def shown(packet: Any) -> bytes:
    """A packet as bytes, for logs and for the list of unknown devices."""
    if isinstance(packet, Publish):
        return packet.payload
    return packet.client_id.encode() if isinstance(packet, Connect) else b""

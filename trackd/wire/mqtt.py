"""
MQTT 3.1, 3.1.1 and 5 as devices speak it to a broker: packets cut, read and answered.

Only what a device that publishes needs is read; every other packet is `None` and gets no answer.
"""

from __future__ import annotations

import struct

from attrs import frozen

from trackd.wire.text import utf8
from trackd.wire.values import WireError

LIMIT = 8092  # bytes of a packet, its fixed header not counted

_LEVELS = {(b"MQIsdp", 3), (b"MQTT", 4), (b"MQTT", 5)}
_SHORT = struct.Struct(">H")


@frozen
class Connect:
    """A client and its version: 3 (3.1), 4 (3.1.1) or 5."""

    version: int
    client_id: str


@frozen
class Subscribe:
    """A subscription; nothing is ever published to it."""

    packet_id: int


@frozen
class Publish:
    """A message. At QoS 0 there is no packet id."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int | None


def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """Cut a packet. WireError if its length is malformed or beyond the limit."""
    size, at = _length(buffer, start + 1)
    if at is None:
        return None
    if size > LIMIT:
        raise WireError(f"a packet of {size} bytes")
    end = at + size
    return (buffer[start:end], end) if end <= len(buffer) else None


def _length(data: bytes, at: int) -> tuple[int, int | None]:
    """A length of up to four bytes of seven bits each, the lowest first, and where it ends (None: not yet there)."""
    size = 0
    for place in range(4):
        if at >= len(data):
            return 0, None
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return size, at
    raise WireError("a length of more than four bytes")


def read(packet: bytes, version: int = 4) -> Connect | Subscribe | Publish | None:
    """What a packet from a client says, in the version of its connection. WireError if it is malformed."""
    kind, flags = packet[0] >> 4, packet[0] & 15
    if not kind:
        raise WireError("a packet of no kind")
    body = memoryview(packet)[_after_length(packet, 1) :]
    try:
        if kind == 1:
            return _connect(bytes(body))
        if kind == 3:
            return _publish(bytes(body), flags, version)
        if kind == 8:
            return Subscribe(_SHORT.unpack_from(body)[0])
    except struct.error as error:
        raise WireError("a short packet") from error
    return None


def _after_length(packet: bytes, at: int) -> int:
    _, after = _length(packet, at)
    if after is None:
        raise WireError("a short packet")
    return after


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    (size,) = _SHORT.unpack_from(data, at)
    end: int = at + 2 + size
    if end > len(data):
        raise WireError("a short packet")
    return data[at + 2 : end], end


def _skip_properties(data: bytes, at: int, version: int) -> int:
    if version < 5:
        return at
    size, after = _length(data, at)
    if after is None:
        raise WireError("a short packet")
    return after + size


def _connect(body: bytes) -> Connect:
    name, at = _text(body, 0)
    version, flags, _ = struct.unpack_from(">BBH", body, at)
    if (name, version) not in _LEVELS:
        raise WireError(f"version {version} of {name!r}")
    if flags & 1 and version > 3:
        raise WireError("a reserved flag is set")
    data, _ = _text(body, _skip_properties(body, at + 4, version))
    client = utf8(data)
    if version == 3 and not 1 <= len(client) <= 23:
        raise WireError(f"a client id of {len(client)} characters")
    return Connect(version, client)


def _publish(body: bytes, flags: int, version: int) -> Publish:
    qos = flags >> 1 & 3
    if qos == 3:
        raise WireError("no such quality of service")
    topic, at = _text(body, 0)
    if b"#" in topic or b"+" in topic:
        raise WireError("a wildcard in a topic")
    packet_id = None
    if qos:
        (packet_id,) = _SHORT.unpack_from(body, at)
        at += 2
    return Publish(utf8(topic), body[_skip_properties(body, at, version) :], qos, packet_id)


def connack(version: int, accepted: bool) -> bytes:
    """The answer to a CONNECT; a client that is not known may stay connected."""
    reason = 0 if accepted else 2
    return bytes((0x20, 3, 0, reason, 0)) if version == 5 else bytes((0x20, 2, 0, reason))


def suback(version: int, packet_id: int) -> bytes:
    """The answer to a SUBSCRIBE, without return codes."""
    return struct.pack(">BBHB", 0x90, 3, packet_id, 0) if version == 5 else struct.pack(">BBH", 0x90, 2, packet_id)


def publish(version: int, topic: str, payload: bytes, packet_id: int) -> bytes:
    """A PUBLISH of QoS 1 to a client, not retained."""
    name = topic.encode()
    properties = b"\0" if version == 5 else b""
    body = b"".join((_SHORT.pack(len(name)), name, _SHORT.pack(packet_id), properties, payload))
    return b"\x32" + _size(len(body)) + body


def _size(value: int) -> bytes:
    """A length, seven bits a byte, the lowest first."""
    size = bytearray()
    while value > 0x7F:
        size.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*size, value))


def puback(packet_id: int) -> bytes:
    """The answer to a PUBLISH of QoS 1 or 2."""
    return struct.pack(">BBH", 0x40, 2, packet_id)

#!/usr/bin/env python3
"""
A GT06 device for a first report: logs in, sends one location with the current time, and prints the answers.

    python3 etc/send_gt06.py 123456789012345
    python3 etc/send_gt06.py 123456789012345 --latitude -33.8568 --longitude 151.2153 --speed 40 --port 5023

It needs nothing but Python. The server answers the location when it has stored it.
"""

from __future__ import annotations

import argparse
import socket
import sys
from datetime import UTC, datetime

LOGIN, LOCATION = 0x01, 0x12
NAMES = {LOGIN: "login", LOCATION: "location"}
SECONDS = 10  # to wait for an answer


def frame(type: int, content: bytes, serial: int) -> bytes:
    """A frame as the device sends it: start, length, type, content, serial, checksum, end."""
    body = bytes([len(content) + 5, type]) + content + serial.to_bytes(2, "big")
    return b"\x78\x78" + body + checksum(body).to_bytes(2, "big") + b"\r\n"


def checksum(data: bytes) -> int:
    """CRC-16/X-25."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc ^ 0xFFFF


def login(imei: str) -> bytes:
    """Fifteen digits, two in each byte, behind a zero."""
    return bytes.fromhex(imei.zfill(16))


def location(time: datetime, latitude: float, longitude: float, speed: int, course: int) -> bytes:
    """Time in UTC, satellites, place in 1/1 800 000 degree, km/h, course with flags, and the cell of the network."""
    flags = course | 1 << 12 | (latitude >= 0) << 10 | (longitude < 0) << 11
    date = bytes([time.year - 2000, time.month, time.day, time.hour, time.minute, time.second])
    place = b"".join(round(abs(degrees) * 1_800_000).to_bytes(4, "big") for degrees in (latitude, longitude))
    satellites = b"\xc9"
    cell = bytes.fromhex("00e8010001000001")
    return date + satellites + place + bytes([speed]) + flags.to_bytes(2, "big") + cell


def said(connection: socket.socket) -> bytes:
    """The server's next frame; empty if it closes the connection."""
    answer = b""
    while not answer.endswith(b"\r\n"):
        if not (more := connection.recv(1)):
            return b""
        answer += more
    return answer


def main() -> int:
    parser = argparse.ArgumentParser(description="Send one GT06 report.")
    parser.add_argument("imei", help="of 15 digits: the unique id of a device that the server knows")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=5023)
    parser.add_argument("--latitude", type=float, default=48.20849)
    parser.add_argument("--longitude", type=float, default=16.37208)
    parser.add_argument("--speed", type=int, default=30, help="km/h")
    parser.add_argument("--course", type=int, default=90, help="degrees")
    wanted = parser.parse_args()
    if not (wanted.imei.isdecimal() and len(wanted.imei) == 15):
        parser.error("an IMEI has 15 digits")
    report = location(datetime.now(UTC), wanted.latitude, wanted.longitude, wanted.speed, wanted.course)
    try:
        with socket.create_connection((wanted.host, wanted.port), SECONDS) as connection:
            for serial, (type, content) in enumerate([(LOGIN, login(wanted.imei)), (LOCATION, report)], 1):
                sent = frame(type, content, serial)
                print(f"{NAMES[type]}: {sent.hex()}")
                connection.sendall(sent)
                answer = said(connection)
                if answer != frame(type, b"", serial):
                    print(f"not acknowledged: {answer.hex() or 'the server has closed the connection'}")
                    return 1
                print(f"acknowledged: {answer.hex()}")
    except TimeoutError:
        print("no answer: does the server know this device?", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{wanted.host}:{wanted.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Ports for listeners that must know theirs before they open it."""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """One that nobody listens on at the moment, outside those that connections are given meanwhile."""
    while True:
        port = random.randrange(10_000, 30_000)
        try:
            socket.create_server(("", port)).close()
            return port
        except OSError:
            pass

"""
What a listener bears, as one value.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Limits:
    """Each of them holds for one server: all listeners of it together, unless the comment says otherwise."""

    connections: int = 20_000  # open at once; more are refused
    per_address: int = 5_000  # open at once from one address; devices share those of their mobile networks
    before_login: int = 4_000  # without a device, and senders per UDP port; a newcomer drives out the oldest
    login_time: float = 300.0  # s a connection may be without a device
    idle: float = 1800.0  # s without a byte received, unless the format or its listener say otherwise
    linger: float = 15.0  # s for writing what is owed to a connection that is being closed
    frame: int = 8_388_608  # bytes of a frame; most formats have a smaller limit of their own
    ahead: int = 262_144  # bytes that a connection may deliver although it is told to wait (TLS does)
    outputs: int = 65_536  # values that one frame may yield
    endpoints: int = 20_000  # senders of datagrams that have a device, per port
    datagrams: int = 10_000  # datagrams on their way to the database, per port; more are dropped
    errors_logged: int = 10  # bad frames that are logged of one connection; all are counted
    errors_logged_per_second: int = 50  # of all together

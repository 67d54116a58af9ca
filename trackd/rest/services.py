"""What the house gives REST dialects, and who their callers are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any, Protocol

from attrs import define, frozen

from trackd.outbox.channels import Channels
from trackd.people.accounts import Accounts
from trackd.people.audit import Audit
from trackd.people.belongings import Belongings
from trackd.people.entrance import Entrance
from trackd.people.fleet import Fleet
from trackd.people.identity import Identity
from trackd.people.linking import Linking
from trackd.people.openid import OpenId
from trackd.people.permissions import Permissions
from trackd.people.recovery import Recovery
from trackd.people.sessions import Sessions
from trackd.people.shares import Shares
from trackd.people.statistics import Statistics
from trackd.people.telling import Telling
from trackd.rest.inside import Inside
from trackd.store.events import Events
from trackd.store.positions import Positions
from trackd.store.rows import PositionRow, SessionRow, TokenRow, UserRow
from trackd.track.expression.parser import Switches


class Commands(Protocol):
    """Sends commands to devices."""

    async def send(
        self, device_id: int, type: str, attributes: dict[str, Any], text_channel: bool
    ) -> tuple[bool, int | None]:
        """Whether it was sent, else its number in the queue. Raises CommandRefused."""

    async def types(self, device_id: int | None, text_channel: bool) -> list[str]:
        """The types that a device understands; without a device all that there are."""


class Amendments(Protocol):
    """Changes positions of devices, in step with what they report at the same time."""

    async def delete(self, device_id: int, start: datetime, end: datetime) -> None:
        """Those with fix times from `start` to `end`, both included."""

    async def delete_one(self, position: PositionRow) -> None: ...

    async def accumulate(self, device_id: int, total_distance: float | None, hours: int | None) -> bool:
        """Have the device count on from these values (metres, milliseconds); whether it has a position."""


@define(eq=False)
class Machine:
    """
    What the server can do apart from its data, and tell of itself.

    `zone` finds a time zone by its name: UTC if there is none, the machine's own for an empty name. `keep_picture`
    takes a device's unique id, an extension and the picture, and gives the name of the file; `keep_file` puts a file
    among those of the site; both raise Invalid for a name that can't be. `told` is what the server is doing, in lines.
    """

    zone: Callable[[str], tzinfo]
    keep_picture: Callable[[str, str, bytes], Awaitable[str]]
    keep_file: Callable[[str, bytes], Awaitable[None]]
    collect: Callable[[], None]
    told: Callable[[], str]
    reboot: Callable[[], None]


@frozen
class Options:
    """Of the configuration, what REST dialects go by."""

    version: str
    site: str = ""  # the address under which users reach the server, without a slash at its end
    origin: str = ""  # `web.origin`
    same_site: str = ""  # `web.sameSiteCookie`
    session_timeout: int = 0  # s, `web.sessionTimeout`; 0 = none
    most_positions: int = 50_000  # in one answer; 0 = no limit
    mail: bool = False  # there is a mail server
    latest_within: timedelta = timedelta(days=90)  # of the latest positions of all devices; 0 = any age
    expressions: Switches = Switches()  # what operators allow in them


@define(eq=False)
class Services:
    """`health` says whether all is well, `storage` gives bytes free and in all, `zones` the names of time zones."""

    entrance: Entrance
    sessions: Sessions
    accounts: Accounts
    audit: Audit
    statistics: Statistics
    shares: Shares
    recovery: Recovery
    identity: Identity
    openid: OpenId
    permissions: Permissions
    fleet: Fleet
    belongings: Belongings
    linking: Linking
    channels: Channels
    telling: Telling
    positions: Positions
    events: Events
    amendments: Amendments
    commands: Commands
    inside: Inside
    now: Callable[[], datetime]
    health: Callable[[], Awaitable[bool]]
    storage: Callable[[], list[int]]
    zones: Callable[[], list[str]]
    machine: Machine
    options: Options


@frozen
class Caller:
    """
    Who is asking, and how: with a session (`sid` is its id), with a token, or with neither.
    """

    user: UserRow
    sid: str = ""
    session: SessionRow | None = None
    token: TokenRow | None = None

    @property
    def id(self) -> int:
        """That of the user."""
        return self.user.id

    @property
    def token_id(self) -> int | None:
        """Of the token that it is, or that the session was made from."""
        return self.token.id if self.token is not None else self.session.token_id if self.session is not None else None

    @property
    def expires(self) -> datetime | None:
        """When what the session was made from ends."""
        return self.session.expires if self.session is not None else None

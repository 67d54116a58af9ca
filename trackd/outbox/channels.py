"""
The ways in which a user can be told something: in the browser, by mail, by a command to a device.

    channels = Channels({"web": Web(tell), "mail": Posted(mail), "command": Ordered()})
    await channels.named("mail").send(user, Note("A test", "test"))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from trackd.outbox.mail import Mail, NotSent
from trackd.store.rows import UserRow


@frozen
class Note:
    """What is said; `digest` is the same in few words."""

    subject: str
    body: str
    digest: str = field(default="")
    priority: bool = False


class Channel(Protocol):
    @property
    def personal(self) -> bool:
        """It can carry what a person writes to others, not only what a device has done."""

    async def send(self, user: UserRow, note: Note) -> None:
        """Raises NotSent."""


@frozen
class Web:
    """To the sockets of the user: `tell` takes a user's id and the text. Who does not listen misses it."""

    tell: Callable[[int, str], Any]
    personal: bool = False

    async def send(self, user: UserRow, note: Note) -> None:
        self.tell(user.id, note.digest or note.body)


@frozen
class Posted:
    """By mail; None if there is no mail server."""

    mail: Mail | None
    personal: bool = True

    async def send(self, user: UserRow, note: Note) -> None:
        if self.mail is None:
            raise NotSent("No SMTP configuration found")
        await self.mail.send(user.email, note.subject, note.body)


@frozen
class Ordered:
    """A command to the device of an event: without an event there is none."""

    personal: bool = False

    async def send(self, user: UserRow, note: Note) -> None:
        raise NotSent("Saved command not provided")


@frozen
class Unset:
    """A way that operators have named, and that needs more than its name."""

    name: str
    personal: bool = True

    async def send(self, user: UserRow, note: Note) -> None:
        raise NotSent(f"{self.name} is not configured")


@frozen
class Channels:
    """Those that operators have chosen, in their order."""

    by_name: Mapping[str, Channel]

    def named(self, name: str) -> Channel:
        """Raises NotSent for one that is not there."""
        found = self.by_name.get(name)
        if found is None:
            raise NotSent(f"Failed to get notificator {name[:40]}")
        return found

    def names(self, *, personal: bool = False) -> list[str]:
        """All, or those that carry what people write."""
        return [name for name, channel in self.by_name.items() if channel.personal or not personal]

"""
The record of what people do: who made, changed, removed or linked what, who came in, and who was refused.

    await services.audit.created(call, "geofence", row.id)

It is noted after the change has been committed, and before the client is answered. If it cannot be written, what it
would have said goes to the log: the change has been made, and the client must hear so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from attrs import define, field
from twisted.logger import Logger

from trackd.people.permissions import SERVICE_ID
from trackd.rate import Rate
from trackd.store.audit import Action, Actions

# Refused log-ins that are noted in a second; how many more there were is in the log.
MOST_DENIED = 20


class Asked(Protocol):
    """What is known of a request: `caller.user` is who asks, `caller` is None for nobody that is known."""

    @property
    def caller(self) -> Any: ...

    @property
    def address(self) -> str: ...


@define(eq=False)
class Audit:
    """
    `kind` is the lower-camel name of a type of objects: `device`, `user`, `managedUser`, `server`, `token` …

    None of the notes fails.
    """

    actions: Actions
    now: Callable[[], datetime]
    denials: Rate
    _log: Logger = field(factory=Logger, init=False)

    async def created(self, asked: Asked, kind: str, id: int, linked: bool = True) -> None:
        """An object was made; `linked`: and linked to who made it, unless that is the service."""
        found = [self._action(asked, "create", kind, id)]
        if linked and found[0].user_id not in (0, SERVICE_ID):
            found.append(self._link(asked, "link", "user", found[0].user_id, kind, id))
        await self._note(found)

    async def edited(self, asked: Asked, kind: str, id: int) -> None:
        await self._note([self._action(asked, "edit", kind, id)])

    async def removed(self, asked: Asked, kind: str, id: int) -> None:
        await self._note([self._action(asked, "remove", kind, id)])

    async def linked(self, asked: Asked, links: Iterable[tuple[str, int, str, int]]) -> None:
        """Each link: kind and id of the owner, kind and id of what it was given."""
        await self._note([self._link(asked, "link", *link) for link in links])

    async def unlinked(self, asked: Asked, links: Iterable[tuple[str, int, str, int]]) -> None:
        """The same for links that were removed."""
        await self._note([self._link(asked, "unlink", *link) for link in links])

    async def came(self, user_id: int, address: str) -> None:
        """Somebody has logged in."""
        await self._note([Action(self.now(), address, user_id, "login")])

    async def renewed(self, user_id: int, address: str) -> None:
        """Somebody who is not logged in has set a new password."""
        await self._note([Action(self.now(), address, user_id, "edit", "user", user_id)])

    async def left(self, asked: Asked) -> None:
        """Somebody has logged out."""
        await self._note([self._action(asked, "logout")])

    async def denied(self, address: str) -> None:
        """Somebody could not log in."""
        if self.denials.allows():
            await self._note([Action(self.now(), address, 0, "denied")])
        else:
            self._log.warn("a refused log-in from {address} is not in the audit: there are too many", address=address)

    async def counted(self, asked: Asked, device_id: int) -> None:
        """The accumulators of a device were set."""
        await self._note([self._action(asked, "accumulators", "device", device_id)])

    async def commanded(self, asked: Asked, kind: str, id: int) -> None:
        """A command was sent to a device or to a group."""
        await self._note([self._action(asked, "command", kind, id)])

    async def reported(self, asked: Asked, attributes: dict[str, Any]) -> None:
        """A report was made; `attributes` say of what."""
        await self._note([self._action(asked, "report", attributes=attributes)])

    async def prune(self, days: int) -> None:
        """Forget what is older than so many days; 0: nothing. Fails as the database fails."""
        if days:
            await self.actions.prune(self.now() - timedelta(days=days))

    def _action(
        self, asked: Asked, type: str, kind: str | None = None, id: int = 0, attributes: dict[str, Any] | None = None
    ) -> Action:
        user_id = asked.caller.user.id if asked.caller is not None else 0
        return Action(self.now(), asked.address, user_id, type, kind, id, attributes or {})

    def _link(self, asked: Asked, type: str, owner: str, owner_id: int, kind: str, id: int) -> Action:
        return self._action(asked, type, kind, id, {"ownerType": owner, "ownerId": owner_id})

    async def _note(self, actions: list[Action]) -> None:
        if not actions:
            return
        try:
            await self.actions.add(actions)
        except Exception:
            # The change is made. Nobody may take it back, or be told that it failed.
            for action in actions:
                self._log.failure("not in the audit: {action}", action=action)

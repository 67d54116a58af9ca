"""
The record of what people do: who made, changed, removed or linked what, who came in, and who was refused.

    await services.fleet.add_group(user, values, services.audit.created(call, "group"))
    await services.audit.left(call)

The note of a change is part of the change: it is written in the same transaction, so there is neither without the
other. What is no change in the database (a log-in, a report, a command that was sent) is noted once it is done, and
before the client is answered. If that cannot be written, what it would have said goes to the log: it has been done, and
the client must hear so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from attrs import Factory, define, field
from twisted.logger import Logger

from trackd.people.permissions import SERVICE_ID
from trackd.rate import Rate
from trackd.store.audit import Action, Actions, Note

# Those whose links have another name than they have.
LINKED = {"user": "managedUser"}
# Refused log-ins that are noted in a second; that there were more is in the log, once a minute.
MOST_DENIED = 20
MINUTE = 60.0  # s


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

    What gives a `Note` is for who makes the change; the others write, and never fail.
    """

    actions: Actions
    now: Callable[[], datetime]
    denials: Rate
    _lines: Rate = field(default=Factory(lambda self: Rate(self.denials.clock, 1, MINUTE), takes_self=True), init=False)
    _log: Logger = field(factory=Logger, init=False)

    def created(self, asked: Asked, kind: str, linked: bool = True) -> Note:
        """An object is made; `linked`: and linked to who makes it, unless that is the service."""

        def note(id: int) -> list[Action]:
            made = self._action(asked, "create", kind, id)
            if not linked or made.user_id in (0, SERVICE_ID):
                return [made]
            return [made, self._link(asked, "link", "user", made.user_id, LINKED.get(kind, kind), id)]

        return note

    def edited(self, asked: Asked, kind: str) -> Note:
        return lambda id: [self._action(asked, "edit", kind, id)]

    def removed(self, asked: Asked, kind: str) -> Note:
        return lambda id: [self._action(asked, "remove", kind, id)]

    def linked(self, asked: Asked, owner: str, owner_id: int, kind: str) -> Note:
        """Something of this kind is linked to its owner."""
        return lambda id: [self._link(asked, "link", owner, owner_id, kind, id)]

    def unlinked(self, asked: Asked, owner: str, owner_id: int, kind: str) -> Note:
        """The same for a link that is removed."""
        return lambda id: [self._link(asked, "unlink", owner, owner_id, kind, id)]

    def shared(self, asked: Asked, kind: str, shown: int) -> Note:
        """A guest is made, to whom the device or the group with the id `shown` is linked."""
        return lambda guest: [
            self._action(asked, "create", "user", guest),
            self._link(asked, "link", "user", guest, kind, shown),
        ]

    def joined(self, address: str) -> Note:
        """A user is made of somebody whom another site knows."""
        return lambda user_id: [Action(self.now(), address, user_id, "create", "user", user_id)]

    def renewed(self, address: str) -> Note:
        """Somebody who is not logged in sets a new password."""
        return lambda user_id: [Action(self.now(), address, user_id, "edit", "user", user_id)]

    async def came(self, user_id: int, address: str) -> None:
        """Somebody has logged in."""
        await self._note(Action(self.now(), address, user_id, "login"))

    async def left(self, asked: Asked) -> None:
        """Somebody has logged out."""
        await self._note(self._action(asked, "logout"))

    async def denied(self, address: str) -> None:
        """Somebody could not log in."""
        if self.denials.allows():
            await self._note(Action(self.now(), address, 0, "denied"))
        elif self._lines.allows():
            self._log.warn(
                "not all refused log-ins are in the audit, there are too many: one is from {address}", address=address
            )

    async def counted(self, asked: Asked, device_id: int) -> None:
        """The accumulators of a device were set."""
        await self._note(self._action(asked, "accumulators", "device", device_id))

    async def commanded(self, asked: Asked, kind: str, id: int) -> None:
        """A command was sent to a device or to a group."""
        await self._note(self._action(asked, "command", kind, id))

    async def reported(self, asked: Asked, attributes: dict[str, Any]) -> None:
        """A report was made; `attributes` say of what."""
        await self._note(self._action(asked, "report", attributes=attributes))

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

    async def _note(self, action: Action) -> None:
        try:
            await self.actions.add(action)
        except Exception:
            # It is done. Nobody may take it back, or be told that it failed.
            self._log.failure("not in the audit: {action}", action=action)

"""Who may tell whom something, and how often."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define

from trackd.people.errors import Invalid, TooMany
from trackd.people.limits import Attempts
from trackd.people.permissions import Permissions, check_manager
from trackd.store.rows import UserRow

# Messages to himself that a user may try out at once, and the seconds after which one is forgotten: the address is one
# that the user has chosen.
TRIALS = (20, 30.0)


@define(eq=False)
class Telling:
    """`trials` counts, by the user's id, the messages that each sends to himself."""

    permissions: Permissions
    trials: Attempts

    def check_trial(self, caller: UserRow) -> None:
        """Raises TooMany."""
        key = str(caller.id)
        try:
            self.trials.check(key)
        except TooMany as error:
            raise TooMany("Too many tests, try again later", error.retry_after) from None
        self.trials.failed(key)

    async def audience(self, caller: UserRow, ids: Sequence[int]) -> list[UserRow]:
        """
        To whom a manager's announcement goes: these users, or all that there are for him; guests are left out.

        Raises Denied, Invalid.
        """
        check_manager(caller)
        users = self.permissions.users
        if not ids:
            found = await (users.all() if caller.administrator else users.managed(caller.id))
        else:
            found = []
            for id in dict.fromkeys(ids):
                await self.permissions.check_user(caller, id)
                user = await users.get(id)
                if user is None:
                    raise Invalid("There is no such user")
                found.append(user)
        return [user for user in found if not user.temporary]

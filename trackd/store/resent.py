"""
Which reports are stored already.

All devices' questions that wait go into one query, and while it is under way the next ones gather: after an outage whole
fleets send what they have kept, and a query for each report would cost ten times what storing it does.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import orjson
from attrs import define, field
from twisted.internet.defer import Deferred

from trackd.store.database import Database, Dedicated
from trackd.store.report import Report

# Reports that one query asks for, where several questions have gathered.
MOST = 2000

# One look into an index each. (As EXISTS it might be answered by reading all there is.) Where the time of fix is not the
# time that the device said, the row has both; there are few such, and an index of their own.
STORED = """
SELECT asked.number FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::bigint[])
    AS asked (number, device_id, said, digest)
CROSS JOIN LATERAL (
    (SELECT FROM positions p WHERE p.device_id = asked.device_id AND p.fix_time = asked.said
        AND p.digest = asked.digest LIMIT 1)
    UNION ALL
    (SELECT FROM positions p WHERE p.device_id = asked.device_id AND p.said = asked.said
        AND p.digest = asked.digest LIMIT 1)
    LIMIT 1
) stored
"""


@define(eq=False)
class Resent:
    """
    Looks reports up by device, the time that the device said, and digest.

    With a connection of its own, so that devices do not stand in one line with clients.
    """

    database: Database | Dedicated
    _waiting: deque[tuple[list[Report], Deferred[set[Report]]]] = field(factory=deque, init=False)
    _asking: bool = field(default=False, init=False)

    async def __call__(self, reports: list[Report]) -> set[Report]:
        """Those of the reports that the database has. Unavailable while it is away."""
        asked = [report for report in reports if report.said is not None]
        if not asked:
            return set()
        answer: Deferred[set[Report]] = Deferred()
        self._waiting.append((asked, answer))
        if not self._asking:
            self._asking = True
            Deferred.fromCoroutine(self._ask())
        return await answer

    async def _ask(self) -> None:
        """Ask until nobody waits. Never fails: who waits hears of it."""
        waiting = self._waiting
        while waiting:
            asked, answer = waiting.popleft()
            reports, answers = [*asked], [(asked, answer)]
            while waiting and len(reports) + len(waiting[0][0]) <= MOST:
                answers.append(waiting.popleft())
                reports += answers[-1][0]
            try:
                stored = await self._stored(reports)
            except Exception as error:
                for _, answer in answers:
                    answer.errback(error)
            else:
                for asked, answer in answers:
                    answer.callback(stored.intersection(asked))
        self._asking = False

    async def _stored(self, reports: list[Report]) -> set[Report]:
        found = await self.database.query(
            STORED,
            (
                _array(list(range(len(reports)))),
                _array([report.device_id for report in reports]),
                _array([report.said for report in reports]),
                _array([report.digest for report in reports]),
            ),
        )
        return {reports[number] for (number,) in found}


def _array(values: list[Any]) -> str:
    return "{" + orjson.dumps(values)[1:-1].decode() + "}"

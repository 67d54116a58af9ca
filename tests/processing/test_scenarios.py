"""Recorded scenarios of processing, played against a running server over real sockets."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any
from unittest import SkipTest

from treq.client import HTTPClient
from twisted.internet.task import deferLater
from twisted.web.client import Agent

from tests.postgres import DatabaseTestCase
from tests.processing.scenarios import FOLDER, Call, Play, scenarios, settings_of
from trackd.configuration import dialects
from trackd.house import House
from trackd.settings import load
from trackd.store.users import Users
from trackd.tap import build
from trackd.wire import catalog


class ScenarioTests(DatabaseTestCase):
    timeout = 300

    async def test_all(self) -> None:
        """What can be played gives the recorded positions, events and states."""
        if not FOLDER.is_dir():
            raise SkipTest("no recordings beside this clone")
        found: dict[str, list[str]] = {}
        played = 0
        await Users(self.db).insert({"name": "admin", "email": "admin@example.org", "administrator": True})
        groups: dict[str, list[dict[str, Any]]] = {}
        for scenario in scenarios():
            groups.setdefault(json.dumps(settings_of(scenario), sort_keys=True), []).append(scenario)
        for said, several in groups.items():
            house = await self.house(json.loads(said))
            try:
                ports = {port.factory.listener.format.name: port.getHost().port for port in house.listeners._streams}
                for scenario in several:
                    await self.empty(house)
                    played += 1
                    problems = await Play(self.reactor, self.db, ports, self.api(house), scenario).play()
                    if problems and not scenario.get("as_is"):
                        found[scenario["id"]] = problems
            finally:
                await house.stop()
        self.assertGreater(played, 110)
        self.assertEqual({}, found, "\n" + "\n".join(f"{id}: {line}" for id, lines in found.items() for line in lines))

    async def house(self, overrides: dict[str, str]) -> House:
        """A running house with this configuration on ports that are free."""
        said = {"protocols.enable": "gt06,osmand,watch", "web.port": "0"}
        folder = Path(tempfile.mkdtemp(dir=self.mktemp_folder()))
        settings = load([], said | overrides, catalog, data=folder, dialects=dialects())
        house = build(self.reactor, settings, self.db)
        # Any free port will do; the server that was recorded was in UTC.
        house.listeners.listeners = tuple(
            type(one)(one.format, 0, "127.0.0.1", None, one.timeout, one.defaults, UTC)
            for one in house.listeners.listeners
        )
        await house.start()
        house.web = self.reactor.listenTCP(0, house.site, interface="127.0.0.1")
        return house

    def api(self, house: House) -> Call:
        """REST calls of an administrator to this house."""
        client = HTTPClient(Agent(self.reactor))
        port = house.web.getHost().port

        async def call(method: str, path: str, body: Any) -> tuple[int, Any]:
            [(id,)] = await self.db.query("SELECT id FROM users WHERE administrator")
            token = await house.people.sessions.make_token(id)
            headers: Any = {"Authorization": f"Bearer {token}"}
            answer = await client.request(method, f"http://127.0.0.1:{port}/api/{path}", headers=headers, json=body)
            text = (await answer.content()).decode()
            return answer.code, json.loads(text) if text[:1] in "[{" else text

        return call

    def mktemp_folder(self) -> str:
        folder = self.mktemp()
        Path(folder).mkdir(parents=True)
        return folder

    async def empty(self, house: House) -> None:
        """Nothing of the scenario before is left."""
        await deferLater(self.reactor, 0.05)
        await house.committer.idle()
        await self.db.run("TRUNCATE positions, events, devices, groups CASCADE")

    @property
    def reactor(self) -> Any:
        from twisted.internet import reactor

        return reactor

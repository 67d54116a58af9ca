"""Clients that others have written, unchanged, against a whole server."""

from __future__ import annotations

import json
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.generator import imei
from benchmarks.server import Server


class HomeAssistantTests(SynchronousTestCase):
    def test_pytraccar(self) -> None:
        """Home Assistant's library logs in, reads what its user sees, hears of a report at once, and logs out."""
        server = Server(("osmand",))
        self.addCleanup(server.remove)
        server.start()
        server.administrator()
        (device,) = server.devices([imei(0)])
        user = server.call("POST", "/api/users", {"name": "House", "email": "house@example.org", "password": "secret"})
        fence = server.call("POST", "/api/geofences", {"name": "Yard", "area": "CIRCLE (48.1 11.5, 100)"})
        for link in ({"deviceId": device}, {"geofenceId": fence["id"]}):
            server.call("POST", "/api/permissions", {"userId": user["id"], **link})
        said = subprocess.run(
            [sys.executable, "-m", "tests.rest.home_assistant"]
            + [str(server.web), user["email"], "secret", str(server.ports["osmand"]), imei(0)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(0, said.returncode, said.stderr)
        found = json.loads(said.stdout)
        self.assertEqual([imei(0)], [one["uniqueId"] for one in found["devices"]])
        self.assertEqual(["Yard"], [one["name"] for one in found["geofences"]])
        self.assertEqual(([], 200, "connected"), (found["positions"], found["report"], found["status"]))
        (position,) = found["heard"]["positions"]
        self.assertEqual((device, 48.1, 11.5, 7.0), tuple(position[name] for name in SHOWN))
        self.assertEqual(["online"], [one["status"] for one in found["heard"]["devices"]])
        # It has logged out: no session of its user is left.
        self.assertEqual([], server.sql("SELECT user_id FROM sessions WHERE user_id = %s", [user["id"]]))


SHOWN = ("deviceId", "latitude", "longitude", "speed")

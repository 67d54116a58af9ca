"""
`make screenshots`: pictures of the live page's main views for the documentation, taken of a server with a fleet that
was made up.

    python -m tests.web.screenshots [FOLDER] [NAME …]
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from attrs import Factory, define
from twisted.trial.unittest import SkipTest

from benchmarks.server import Server
from tests.web.browser import Browser

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
# What the documentation shows.
SHOWN = ("first", "live", "device", "state", "dark-history", "small-device")
CENTRE = (48.2085, 16.3721)
# Name, category, group, knots; 0: it stands.
FLEET = (
    ("Ambulance 1", "van", "City", 31),
    ("Ambulance 2", "van", "City", 0),
    ("Bus 13A", "bus", "City", 17),
    ("Bus 48A", "bus", "City", 22),
    ("Cargo bike", "bicycle", "City", 9),
    ("Crane Donaukanal", "crane", "Works", 0),
    ("Excavator", "tractor", "Works", 0),
    ("Lorry north", "truck", "Works", 38),
    ("Lorry south", "truck", "Works", 41),
    ("Mila (dog)", "animal", "", 2),
    ("MS Wien", "ship", "", 8),
    ("Service car Anna", "car", "Works", 0),
    ("Service car Jonas", "car", "Works", 26),
    ("Trailer", "trailer", "Works", 0),
)
SECONDS = 20  # between two reports of a day
AREA = (
    "POLYGON ((48.2168 16.3631, 48.2178 16.3742, 48.2118 16.3849, 48.2062 16.3852, 48.2009 16.3742, 48.2023 16.3601,"
    " 48.2082 16.3563, 48.2168 16.3631))"
)


@define
class Driver:
    """Goes about a town, and never the same way."""

    latitude: float
    longitude: float
    knots: float
    dice: random.Random
    course: float = 0.0
    bend: float = 0.0
    pace: float = 0.8

    def step(self, seconds: float) -> dict[str, float]:
        """Drive on for so long; the report."""
        self.bend = 0.8 * self.bend + self.dice.uniform(-9, 9)
        self.course += self.bend
        away = math.hypot(self.latitude - CENTRE[0], (self.longitude - CENTRE[1]) * 0.67)
        if away > 0.06:
            back = math.degrees(math.atan2((CENTRE[1] - self.longitude) * 0.67, CENTRE[0] - self.latitude))
            self.course += 0.2 * ((back - self.course + 180) % 360 - 180)
        self.pace = min(1.3, max(0.4, self.pace + self.dice.uniform(-0.2, 0.2)))
        knots = self.knots * self.pace
        far = knots * 0.514444 * seconds / 111_320
        self.latitude += far * math.cos(math.radians(self.course))
        self.longitude += far * math.sin(math.radians(self.course)) / 0.67
        return {"lat": round(self.latitude, 6), "lon": round(self.longitude, 6), "speed": round(knots, 1)}


@define
class Scene:
    """A server with a fleet. `live` moves it on."""

    server: Server
    drivers: dict[str, Driver] = Factory(dict)

    def start(self) -> None:
        self.server.start()
        self.server.administrator()
        person = {"name": "Ada", "email": EMAIL, "password": PASSWORD, "administrator": True, "deviceLimit": -1}
        self.server.call("POST", "/api/users", {**person, "attributes": {"timezone": "UTC"}})
        self.server.token = ""
        self.server.call("POST", "/api/session", form={"email": EMAIL, "password": PASSWORD})

    def fill(self) -> None:
        """The fleet, with its groups, a geofence, and a stranger."""
        dice = random.Random(7)
        groups = {name: self.server.call("POST", "/api/groups", {"name": name})["id"] for name in ("City", "Works")} | {
            "": 0
        }
        for number, (name, category, group, knots) in enumerate(FLEET):
            id = f"8612340000{number:05}"
            said = {"name": name, "uniqueId": id, "category": category, "groupId": groups[group]}
            self.server.call("POST", "/api/devices", {**said, "model": "GV300" if number % 2 else "FMB920"})
            place = (CENTRE[0] + dice.uniform(-0.03, 0.03), CENTRE[1] + dice.uniform(-0.045, 0.045))
            self.drivers[id] = Driver(*place, knots, dice, dice.uniform(0, 360))
        fence = {"name": "Innere Stadt", "area": AREA, "attributes": {"color": "#2563c4"}}
        self.server.call("POST", "/api/geofences", fence)
        self.server.call("POST", "/api/users", {"name": "Jonas", "email": "jonas@example.org", "password": PASSWORD})
        self.report({"id": "359999000000123", "lat": 48.2, "lon": 16.4})

    def report(self, said: dict[str, object]) -> None:
        request = Request(f"http://127.0.0.1:{self.server.ports['osmand']}/?{urlencode(said)}", method="POST")
        try:
            urlopen(request, timeout=20).close()
        except OSError:
            pass  # that is how a stranger is answered

    def drive(self, begin: datetime, end: datetime, only: str = "") -> None:
        """Have the devices report from then till then."""
        odd = 0
        for id, driver in self.drivers.items():
            if only not in id:
                continue
            moment = begin
            while moment <= end:
                odd += 1
                said = driver.step(SECONDS)
                more: dict[str, object] = {
                    "bearing": round(driver.course % 360),
                    "altitude": 170 + 20 * math.sin(odd / 40),
                    "accuracy": 4,
                }
                more |= {"batt": 60 + odd % 40, "sat": 11, "ignition": str(driver.knots > 0).lower()}
                self.report({"id": id, "timestamp": int(moment.timestamp()), **said, **more})
                moment += timedelta(seconds=SECONDS)

    def device(self, name: str) -> int:
        return next(int(one["id"]) for one in self.server.call("GET", "/api/devices") if one["name"] == name)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.web}/"


def enter(browser: Browser, scene: Scene) -> None:
    browser.open(scene.url)
    browser.type("input[name=email]", EMAIL)
    browser.type("input[name=password]", PASSWORD)
    browser.click("button.strong")
    browser.one(".line[data-line=live]")
    time.sleep(1.0)


def views(browser: Browser, scene: Scene) -> Iterator[tuple[str, Callable[[], None]]]:
    """The views by name, and how to get there once one is logged in."""
    lorry = scene.device("Lorry north")

    def at(*parts: object, wait: float = 1.0) -> None:
        browser.run("location.hash = arguments[0]", "#/" + "/".join(map(str, parts)))
        time.sleep(wait)

    def command() -> None:
        at("device", lorry)
        browser.click(".act", "Command")
        browser.one("dialog select")
        time.sleep(0.5)

    def closed() -> None:
        browser.run("document.querySelectorAll('dialog').forEach((one) => one.close())")

    def past() -> None:
        at("device", lorry, "history", wait=2.5)
        browser.run(SLIDE)

    def fences() -> None:
        closed()
        at("geofences")

    yield "live", lambda: at("devices")
    yield "device", lambda: at("device", lorry, wait=1.5)
    yield "history", past
    yield "command", command
    yield "geofences", fences
    yield "unknown", lambda: at("server", "unknown")
    yield "state", lambda: at("server", "state", wait=1.5)
    yield "users", lambda: at("server", "users")
    yield "settings", lambda: at("server", "settings")


SLIDE = """
const slider = document.querySelector(".replay input");
slider.value = String(Math.round(Number(slider.max) * 0.6));
slider.dispatchEvent(new Event("input"));
"""


def take(folder: Path, only: set[str]) -> None:
    scene = Scene(Server(("gt06", "osmand"), {"status.timeout": 100_000}))
    looks = [("", 1280, 800, False), ("dark-", 1280, 800, True), ("small-", 360, 740, False)]
    try:
        scene.start()
        for prefix, width, height, dark in looks:
            browser = Browser(width, height, dark)
            try:
                browser.start()
                if not scene.drivers:
                    browser.open(scene.url)
                    browser.one("input[name=email]")
                    save(browser, folder, "login", only)
                    enter(browser, scene)
                    save(browser, folder, "first", only)
                    scene.fill()
                    now = datetime.now(UTC)
                    latest = now - timedelta(seconds=SECONDS * 3)
                    scene.drive(now - timedelta(hours=3), latest, "8612340000" + f"{7:05}")
                    scene.drive(latest + timedelta(seconds=1), now)
                    browser.run("location.reload()")
                    time.sleep(1.5)
                else:
                    enter(browser, scene)
                for name, go in views(browser, scene):
                    if not only or prefix + name in only:
                        go()
                        save(browser, folder, prefix + name, only)
            finally:
                if browser.driver is not None:
                    print(*browser.complaints(), sep="\n", end="")
                browser.stop()
    finally:
        scene.server.remove()


def save(browser: Browser, folder: Path, name: str, only: set[str]) -> None:
    if not only or name in only:
        browser.picture(folder / f"{name}.webp")


if __name__ == "__main__":
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    into.mkdir(parents=True, exist_ok=True)
    try:
        take(into, set(sys.argv[2:] or SHOWN))
    except SkipTest as skipped:
        raise SystemExit(str(skipped)) from None

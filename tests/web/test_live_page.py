"""The live page in a real browser, on a whole server. Skipped where no browser is installed."""

from __future__ import annotations

import re
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.generator import imei, login, report
from benchmarks.server import Server
from tests.web.browser import Browser, programs, until
from trackd.people.codes import code, new_key
from trackd.web.page import edition

EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
# Of the markers' canvas: how many pixels are drawn on, and the middle of them, in pixels of the screen.
INK = """
const canvas = document.querySelector(".leaflet-marker-pane canvas"), ratio = devicePixelRatio;
const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
let count = 0, x = 0, y = 0;
for (let at = 3; at < data.length; at += 4) if (data[at] > 200) {
  const pixel = (at - 3) / 4;
  count += 1; x += pixel % width; y += Math.floor(pixel / width);
}
return { count, x: x / count / ratio, y: y / count / ratio };
"""


class LivePageTestCase(SynchronousTestCase):
    """`server` runs, and `browser` shows nothing yet."""

    width, height = 1280, 800

    def setUp(self) -> None:
        programs()
        self.server = Server(("gt06", "osmand"))
        self.addCleanup(self.server.remove)
        self.server.start()
        self.browser = Browser(self.width, self.height)
        self.addCleanup(self.browser.stop)
        self.browser.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.web}/"

    def enter(self) -> None:
        """Make an administrator, and log in with the browser."""
        self.server.administrator()
        person = {"name": "Ada", "email": EMAIL, "password": PASSWORD, "administrator": True, "deviceLimit": -1}
        self.server.call("POST", "/api/users", person)
        self.server.token = ""
        self.server.call("POST", "/api/session", form={"email": EMAIL, "password": PASSWORD})
        self.browser.open(self.url)
        self.log_in()

    def log_in(self) -> None:
        self.browser.type("input[name=email]", EMAIL)
        self.browser.type("input[name=password]", PASSWORD)
        self.browser.click("button.strong", "Log in")
        self.live()

    def live(self, seconds: float = 10.0) -> None:
        self.browser.one(".line[data-line=live]", seconds=seconds)

    def device(self, name: str, unique_id: str) -> int:
        return int(self.server.call("POST", "/api/devices", {"name": name, "uniqueId": unique_id})["id"])

    def report(self, unique_id: str, latitude: float, longitude: float, **more: object) -> None:
        """A report of a phone."""
        said = {"id": unique_id, "lat": latitude, "lon": longitude, "timestamp": int(time.time()), **more}
        self.server.call("POST", "/", form={name: str(value) for name, value in said.items()})

    def ink(self) -> Any:
        return self.browser.run(INK)

    def assert_quiet(self) -> None:
        """The browser has complained of nothing."""
        self.assertEqual(list(self.browser.complaints()), [])


class FirstMinutesTests(LivePageTestCase):
    def test_first_minutes(self) -> None:
        """
        From the set-up link to the first position on the map, without leaving the browser; then with a second factor.
        """
        log = self.server.data / "log"
        found = until(lambda: re.search(r"/setup\?token=\S+", log.read_text()), "the set-up link")
        browser = self.browser
        browser.open(self.url.rstrip("/") + found[0])
        for name, value in (("name", "Ada"), ("email", EMAIL), ("password", PASSWORD), ("again", PASSWORD)):
            browser.type(f"input[name={name}]", value)
        browser.click("button")
        browser.click("a[href^='/live/']")
        self.assertEqual(browser.one("input[name=email]").get_attribute("value"), EMAIL)
        browser.type("input[name=password]", "wrong")
        browser.click("button.strong", "Log in")
        browser.one(".problem")
        self.assertTrue(all("401" in complaint for complaint in browser.complaints()))
        self.assertEqual(browser.driver.execute_async_script(MODULES, f"/live/{edition()}/js"), FOUND)
        self.log_in()

        browser.click(".first button", "Which port")
        self.assertIn(str(self.server.ports["gt06"]), browser.one("dialog td").text)
        browser.click("dialog button", "Close")
        browser.click(".first button", "Add a device")
        browser.type("dialog input[name=name]", "Van")
        browser.type("dialog input[name=uniqueId]", "van-1")
        browser.click("dialog button.strong", "Save")
        browser.click("dialog button.strong", "Test report")
        browser.type("dialog input[name=latitude]", "48.2085")
        browser.type("dialog input[name=longitude]", "16.3721")
        browser.click("dialog button.strong", "Send")
        browser.one(".details dd", "48.208500, 16.372100")
        self.assertGreater(until(lambda: self.ink(), "the marker")["count"], 50)
        self.assert_quiet()

        self.server.call("POST", "/api/session", form={"email": EMAIL, "password": PASSWORD})
        user, key = self.server.call("GET", "/api/session"), new_key()
        self.server.call("PUT", f"/api/users/{user['id']}", {**user, "totpKey": key})
        browser.click(".account")
        browser.click("dialog button", "Log out")
        browser.type("input[name=email]", EMAIL)
        browser.type("input[name=password]", PASSWORD)
        browser.click("button.strong", "Log in")
        browser.type("input[name=code]", code(key, time.time()))
        browser.click("button.strong", "Log in")
        self.live()


# What modules of the page make of this and that.
MODULES = """
const [folder, done] = arguments;
Promise.all(["areas", "days", "units"].map((name) => import(`${folder}/${name}.js`))).then(([areas, days, units]) => {
  const begins = (zone, day) => {
    units.prefer({ attributes: {} }, { attributes: { timezone: zone } });
    return days.startOf(day).toISOString();
  };
  const round = (text) => { const area = areas.readArea(text); return area && areas.writeArea(area); };
  const found = {
    days: [begins("UTC", "2026-03-29"), begins("Europe/Vienna", "2026-03-29"), begins("Europe/Vienna", "2026-03-30"),
      begins("America/New_York", "2026-11-02"), begins("Asia/Kolkata", "2026-01-01"), days.stepDay("2026-02-28", 1)],
    areas: [round("CIRCLE (48.1 16.2, 150.4)"), round("polygon((1 2, 3 4, 5 6))"), round("LINESTRING (1 2, -3 -4)"),
      round("POLYGON ((1 2, 3 4))"), round("CIRCLE (91 0, 5)"), round("nonsense")],
  };
  units.prefer({ attributes: {} }, { attributes: { speedUnit: "mph", distanceUnit: "nmi" }, coordinateFormat: "dms" });
  found.units = [units.speed(10), units.distance(18520), units.place(48.2085, -16.3721), units.attributeValue("ignition", true),
    units.attributeValue("temp1", 21.456), units.attributeValue("alarm", "sos,tow"), units.duration(7_320_000), units.course(359)];
  done(found);
}, (error) => done(String(error)));
"""
FOUND = {
    "days": [
        "2026-03-29T00:00:00.000Z",
        "2026-03-28T23:00:00.000Z",
        "2026-03-29T22:00:00.000Z",
        "2026-11-02T05:00:00.000Z",
        "2025-12-31T18:30:00.000Z",
        "2026-03-01",
    ],
    "areas": [
        "CIRCLE (48.100000 16.200000, 150)",
        "POLYGON ((1.000000 2.000000, 3.000000 4.000000, 5.000000 6.000000, 1.000000 2.000000))",
        "LINESTRING (1.000000 2.000000, -3.000000 -4.000000)",
        None,
        None,
        None,
    ],
    "units": [
        "12 mph",
        "10 nmi",
        "48° 12′ 30.6″ N, 16° 22′ 19.6″ W",
        "Yes",
        "21.456 °C",
        "SOS, Towed",
        "2 h 2 min",
        "359° N",
    ],
}


class LiveTests(LivePageTestCase):
    def test_live(self) -> None:
        """Reports move the marker; texts of devices and users stay texts; commands go out; a lost line comes back."""
        self.enter()
        browser, hostile = self.browser, self.device(HOSTILE, "hostile")
        tracker = self.device("Tracker", imei(1))
        self.report("hostile", 48.0, 16.0, note=HOSTILE, speed=0)
        browser.run("location.hash = '#/devices'; location.reload()")
        self.live()

        # The name stands there as it was written, and nothing was made of it.
        browser.one(".row .name", HOSTILE)
        browser.run(f"location.hash = '#/device/{hostile}'")
        browser.one(".details h2", HOSTILE)
        browser.one(".details dd", HOSTILE)
        self.assertIn(HOSTILE, browser.run("return document.title"))
        self.assertEqual(browser.run("return document.querySelectorAll('img').length"), 0)

        # A report moves the marker: east on the map is to the right.
        browser.run("location.hash = '#/devices'")
        before = until(lambda: (ink := self.ink())["count"] > 50 and ink, "the marker")
        self.report("hostile", 48.0, 16.002, speed=0)
        after = until(lambda: (ink := self.ink())["x"] > before["x"] + 20 and ink, "the move")
        self.assertAlmostEqual(after["y"], before["y"], delta=5)

        # An event is told at once, and stands in the list.
        self.server.call("POST", "/api/notifications/test/web")
        browser.one(".toast", "Test")
        browser.run("location.hash = '#/events'")
        browser.one(".events .row", "Test")
        browser.click(".panel button", "Tell me of everything")
        browser.one(".panel .hint", "as they come")
        self.assertIn("alarm", {one["type"] for one in self.server.call("GET", "/api/notifications")})

        def alarm() -> bool:
            # The server hears of the notifications a moment after they are made.
            self.report("hostile", 48.0, 16.002, alarm="sos" if int(time.time()) % 2 else "general")
            return bool(browser.all(".events .row", "SOS"))

        until(alarm, "the alarm")

        self.command_goes_out(tracker)
        self.assert_quiet()
        self.lost_connection(hostile)
        self.session_ends(hostile)

    def command_goes_out(self, id: int) -> None:
        """A command waits for its device, and is sent to one that is connected."""
        browser, begin = self.browser, datetime.now(UTC) - timedelta(seconds=60)
        with self.tracker() as device:
            device.sendall(login(1) + report(1, 0, begin))
            self.hear(device, b"\x78\x78\x05\x12")
        browser.run(f"location.hash = '#/device/{id}'")
        browser.one(".details dd", "gt06")
        browser.click(".act", "Command")
        browser.run(CHOOSE, browser.one("dialog select"), "custom")
        browser.type("dialog textarea[name=data]", "STATUS#")
        browser.click("dialog button.strong", "Send")
        browser.one(".sent .words", "Waits")
        with self.tracker() as device:
            device.sendall(login(1) + report(1, 1, begin))
            self.hear(device, b"STATUS#")
            browser.one(".sent .words", "Sent.")
            browser.run(CHOOSE, browser.one("dialog select"), "engineStop")
            browser.one("dialog .notice")
            browser.click("dialog button.strong", "Send")
            self.hear(device, b"Relay,1#")
            until(lambda: len(browser.all(".sent .words", "Sent.")) == 2, "the second command")
        browser.click("dialog button", "Close")

    def tracker(self) -> socket.socket:
        device = socket.create_connection(("127.0.0.1", self.server.ports["gt06"]), 5)
        device.settimeout(10)
        return device

    def hear(self, device: socket.socket, words: bytes) -> None:
        """Wait until the server says this to a device."""
        got = b""
        while words not in got:
            more = device.recv(1000)
            self.assertTrue(more, got)
            got += more

    def lost_connection(self, id: int) -> None:
        """When the server has been away, the page comes back by itself and knows what has happened since."""
        browser = self.browser
        browser.run(f"location.hash = '#/device/{id}'")
        self.server.stop()
        browser.one(".line[data-line=away]")
        self.server.start()
        self.report("hostile", 47.5, 15.5)
        self.live(30)
        browser.one(".details dd", "47.500000, 15.500000")

    def session_ends(self, id: int) -> None:
        """Who is logged out elsewhere finds the log-in, and back in where it was left."""
        browser = self.browser
        sid = browser.driver.get_cookie("JSESSIONID")["value"]
        self.server.cookie = f"JSESSIONID={sid}"
        self.server.call("DELETE", "/api/session")
        if not browser.all("input[name=password]"):
            browser.run(f"location.hash = '#/device/{id}/history'")
        browser.one(".notice", "Your session has ended.")
        self.log_in()
        self.assertIn(f"#/device/{id}", browser.run("return location.hash"))


CHOOSE = """
const [select, value] = arguments;
select.value = value;
select.dispatchEvent(new Event("change"));
"""
# Elements that reach beyond the right edge of the screen, but for what scrolls by itself.
WIDE = """
const scrolls = (element) => element && (["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
return [...document.body.querySelectorAll("*")].filter((element) => element.getBoundingClientRect().right > innerWidth + 1
  && element.getBoundingClientRect().width && !scrolls(element.parentElement)).map((element) => element.outerHTML.slice(0, 120));
"""


class SmallScreenTests(LivePageTestCase):
    width, height = 360, 740

    def test_views(self) -> None:
        """
        On 360 pixels nothing sticks out, and whatever can be pressed or filled has a name for who does not see it.
        """
        self.enter()
        id = self.device("Van", "van-1")
        for number in range(3):
            self.report("van-1", 48.0 + number / 100, 16.0, batt=50)
        browser, names = self.browser, {"button", "link", "textbox", "combobox", "searchbox", "slider", "checkbox"}
        views = ("devices", "map", "events", "geofences", f"device/{id}", f"device/{id}/history", "server/users")
        for view in (*views, "server/unknown", "server/state", "server/settings", "server/quarantine"):
            browser.run("location.hash = arguments[0]", f"#/{view}")
            time.sleep(0.4)
            self.assertEqual(browser.run(WIDE), [], view)
            tree = browser.command("Accessibility.getFullAXTree", {})["nodes"]
            nameless = [
                node["role"]["value"]
                for node in tree
                if not node.get("ignored")
                and node.get("role", {}).get("value") in names
                and not node.get("name", {}).get("value")
            ]
            self.assertEqual(nameless, [], view)
        self.assert_quiet()

        # Without a mouse: found, opened, and a dialog gives the focus back.
        browser.run("location.hash = '#/devices'")
        browser.one("input[type=search]").send_keys("va")
        browser.run("document.querySelector('.row').focus()")
        browser.driver.switch_to.active_element.send_keys(ENTER)
        browser.one(".details h2", "Van")
        browser.run("document.querySelectorAll('.act')[3].focus()")
        browser.driver.switch_to.active_element.send_keys(ENTER)
        browser.one("dialog")
        browser.driver.switch_to.active_element.send_keys(ESCAPE)
        until(lambda: not browser.all("dialog"), "the end of the dialog")
        self.assertEqual(browser.run("return document.activeElement.className"), "act")
        self.assert_quiet()


class DoingTests(LivePageTestCase):
    def test_doing(self) -> None:
        """Unknown devices are made known, groups and geofences made, a day looked at, a device shared by a link."""
        self.enter()
        browser = self.browser
        with self.assertRaises(SystemExit):
            self.report("stranger", 48.0, 16.0)
        browser.run("location.hash = '#/server/unknown'")
        browser.click("button", "Add stranger")
        browser.type("dialog input[name=name]", "No stranger")
        browser.click("dialog .link", "Edit groups")
        browser.click("dialog button", "Add a group")
        browser.type("dialog:last-of-type input[name=name]", "Lorries")
        browser.click("dialog:last-of-type button", "Save")
        browser.one(".things", "Lorries")
        browser.click("dialog:last-of-type button", "Close")
        browser.click("dialog button", "Save")
        browser.one(".details h2", "No stranger")
        (device,) = self.server.call("GET", "/api/devices")
        self.assertEqual((device["uniqueId"], self.server.call("GET", "/api/trackd/unknown")), ("stranger", []))

        now = int(time.time())
        for number in range(5):
            self.report("stranger", 48.0 + number / 1000, 16.0, timestamp=now - 50 + number * 10, speed=20)
        browser.one(".details dd", "48.004000, 16.000000")
        browser.click(".act", "History")
        until(lambda: "positions" in browser.one(".history .quiet").text, "the day")
        browser.one(".history canvas")
        for kind in ("csv", "gpx", "kml", "kmz"):
            status = browser.run(FETCH, browser.one(".exports a", kind.upper()).get_attribute("href"))
            self.assertEqual(status, 200, kind)

        browser.run("location.hash = '#/geofences'")
        browser.click(".panel button", "Area")
        for x, y in ((600, 300), (900, 300), (750, 550)):
            browser.click_at(x, y)
        browser.click(".draw-bar button", "Done")
        browser.type("dialog input[name=name]", "Yard")
        browser.click("dialog button", "Save")
        browser.one(".things", "Yard")
        (fence,) = self.server.call("GET", "/api/geofences")
        self.assertRegex(fence["area"], r"^POLYGON \(\((-?\d+\.\d+ -?\d+\.\d+(, )?){4}\)\)$")

        browser.run("location.hash = arguments[0]", f"#/device/{device['id']}")
        browser.click(".act", "Share")
        browser.click("dialog button", "Make a link")
        link = browser.one("dialog .copy input").get_attribute("value")
        self.assert_quiet()
        browser.driver.delete_all_cookies()
        browser.open(link)
        self.live()
        browser.one(".row .name", "No stranger")
        self.assertNotIn("token", browser.run("return location.href"))
        self.assertEqual(browser.all("nav a", "Server"), [])
        self.assert_quiet()


ENTER, ESCAPE = "\ue007", "\ue00c"  # keys, as the driver names them
FETCH = "return fetch(arguments[0]).then((answer) => answer.status)"

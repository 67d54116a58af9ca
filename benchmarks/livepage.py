"""
How fast the live page is: its first paint, its size, and how smoothly it draws many devices that report all the time.

    python -m benchmarks.livepage [DEVICES] [REPORTS-A-SECOND] [SECONDS]

Server, database, generator and a browser that draws without a graphics card share this machine's processors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from statistics import median
from typing import Any

from twisted.trial.unittest import SkipTest

from benchmarks.generator import Load, imei
from benchmarks.server import Server
from tests.web.browser import Browser
from trackd.web.page import files

EMAIL, PASSWORD = "bench-page@example.org", "correct horse battery"
PAINT = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# Milliseconds between the frames of the screen, and the tasks of more than 50 ms, for some seconds.
WATCH = """
const [seconds, done] = arguments, times = [], tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration))).observe({ type: "longtask" });
const end = performance.now() + seconds * 1000;
let last = performance.now();
function frame(now) {
  times.push(now - last);
  last = now;
  if (now < end) requestAnimationFrame(frame);
  else done({ times, tasks, heap: performance.memory?.usedJSHeapSize ?? 0 });
}
requestAnimationFrame(frame);
"""


def first_paints(browser: Browser, url: str, times: int = 5) -> list[float]:
    """Milliseconds until something of the log-in is seen, each time with an empty cache."""
    found = []
    for _ in range(times):
        browser.command("Network.clearBrowserCache", {})
        browser.open(url)
        browser.one("input[name=email]")
        found.append(float(browser.run(PAINT)))
    return found


def watched(browser: Browser, seconds: float) -> dict[str, Any]:
    """What its script says, and the page's own share of a processor: all, and that of scripts."""
    browser.driver.set_script_timeout(seconds + 30)
    browser.command("Performance.enable", {"timeDomain": "threadTicks"})
    before = busy(browser)
    told: dict[str, Any] = browser.driver.execute_async_script(WATCH, seconds)
    after = busy(browser)
    return told | {name: (after[name] - before[name]) / seconds for name in ("TaskDuration", "ScriptDuration")}


def busy(browser: Browser) -> dict[str, float]:
    """Seconds of processor time of the page, by kind of work."""
    return {one["name"]: one["value"] for one in browser.command("Performance.getMetrics", {})["metrics"]}


def frames(told: dict[str, Any]) -> str:
    times = sorted(told["times"])
    return (
        f"{1000 / median(times):.0f} frames a second, 95 % within {times[int(len(times) * 0.95)]:.0f} ms, "
        f"longest {times[-1]:.0f} ms, {len(told['tasks'])} tasks over 50 ms, {told['TaskDuration']:.0%} of a processor "
        f"({told['ScriptDuration']:.0%} scripts), {told['heap'] / 1e6:.0f} MB of script memory"
    )


def main(devices: int = 2000, rate: float = 500.0, seconds: float = 15.0) -> None:
    own = sum(len(file.body) for name, file in files().items() if not name.startswith("vendor/"))
    packed = sum(len(file.small or file.body) for file in files().values())
    print(
        f"size                own files {own / 1000:.0f} kB; all, with the libraries, compressed {packed / 1000:.0f} kB"
    )
    server, browser = Server(("gt06",)), Browser()
    try:
        server.start()
        browser.start()
        server.administrator()
        person = {"name": "Bench", "email": EMAIL, "password": PASSWORD, "administrator": True, "deviceLimit": -1}
        server.call("POST", "/api/users", person)
        server.token = ""
        server.call("POST", "/api/session", form={"email": EMAIL, "password": PASSWORD})
        server.token, server.cookie = server.call("POST", "/api/session/token", form={}), ""
        url = f"http://127.0.0.1:{server.web}/"
        paints = first_paints(browser, url)
        print(f"first paint         {median(paints):.0f} ms, at most {max(paints):.0f} ms, nothing cached")
        ids = server.devices([imei(number) for number in range(devices)])
        load = Load(
            server.ports["gt06"],
            server.web,
            [server.token],
            devices,
            seconds=seconds + 20,
            rate=rate,
            days=0,
            first_id=min(ids),
        )
        command = [sys.executable, "-m", "benchmarks.generator"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdin and child.stdout
        print(load.to_json(), file=child.stdin, flush=True)
        assert child.stdout.readline().strip() == "ready"
        browser.type("input[name=email]", EMAIL)
        browser.type("input[name=password]", PASSWORD)
        browser.click("button.strong", "Log in")
        browser.one(".line[data-line=live]", seconds=30)
        print(f"at rest             {frames(watched(browser, 3.0))}")
        print("go", file=child.stdin, flush=True)
        time.sleep(6.0)  # until each device has a place
        browser.click(".map-controls button", "Show all")
        print(f"{devices} devices, {rate:g} reports a second")
        print(f"  all in view       {frames(watched(browser, seconds / 2))}")
        browser.run("document.querySelectorAll('.map-controls button')[0].click()")
        time.sleep(0.5)
        print(f"  moved meanwhile   {frames(watched(browser, seconds / 2))}")
        said = json.loads(child.stdout.readline())
        child.wait()
        print(f"  acknowledged      {said['acknowledged'] / said['seconds']:.0f} a second")
    finally:
        browser.stop()
        server.remove()


if __name__ == "__main__":
    print(f"{os.cpu_count()} processors, of which others take their share")
    try:
        main(*(kind(text) for kind, text in zip((int, float, float), sys.argv[1:], strict=False)))
    except SkipTest as skipped:
        raise SystemExit(str(skipped)) from None

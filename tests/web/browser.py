"""
A real browser without a screen, for tests of the live page: started by its driver, on an empty profile, loopback only.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SkipTest

try:
    from selenium import webdriver
    from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
except ImportError:  # it comes with the extra `dev`
    webdriver = None  # type: ignore[assignment]

# For a machine without a screen and a user without a sandbox; nothing is to be asked for in the background.
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions --disable-dev-shm-usage --hide-scrollbars "
    "--force-color-profile=srgb --lang=en"
)
# The first address that answers says which of its calls is meant to be refused: it asks who is logged in.
EXPECTED = ("/api/session",)


def programs() -> tuple[str, str]:
    """Where the browser and its driver are. Raises SkipTest."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if webdriver is None:
        raise SkipTest("selenium is not installed: pip install -e .[dev]")
    if browser is None or driver is None:
        raise SkipTest("no browser is installed: apt install chromium chromium-driver")
    return browser, driver


@define(eq=False)
class Browser:
    """One browser. `width` and `height` are those of the page, in pixels."""

    width: int = 1280
    height: int = 800
    dark: bool = False
    language: str = "en"
    profile: Path = field(factory=lambda: Path(tempfile.mkdtemp(prefix="trackd-browser-")), init=False)
    driver: Any = field(default=None, init=False)

    def start(self) -> None:
        """Raises SkipTest."""
        browser, driver = programs()
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS.split(), f"--user-data-dir={self.profile}", f"--window-size={self.width},{self.height}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        env = {**os.environ, "SE_OFFLINE": "true", "SE_AVOID_STATS": "true", "LANGUAGE": self.language}
        self.driver = webdriver.Chrome(options, Service(driver, env=env))
        metrics = {"width": self.width, "height": self.height, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", metrics)
        scheme = "dark" if self.dark else "light"
        self.command("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.command("Emulation.setLocaleOverride", {"locale": self.language})

    def stop(self) -> None:
        if self.driver is not None:
            self.driver.quit()
            self.driver = None
        shutil.rmtree(self.profile, ignore_errors=True)

    def command(self, name: str, arguments: dict[str, Any]) -> Any:
        """A command of the browser's own interface."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of a JavaScript function returns; of a promise, what it brings."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str, text: str = "") -> list[Any]:
        """The elements that can be seen and whose text or label has this in it."""
        found = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return [one for one in found if one.is_displayed() and (not text or text in said(one))]

    def one(self, selector: str, text: str = "", seconds: float = 10.0) -> Any:
        """The first of them, once it is there."""
        return until(lambda: next(iter(self.all(selector, text)), None), f"{selector} {text}".strip(), seconds)

    def click(self, selector: str, text: str = "") -> None:
        """Click the first of them that can be clicked."""

        def clicked() -> bool:
            for one in self.all(selector, text):
                try:
                    one.click()
                    return True
                except WebDriverException as error:
                    if "intercepted" not in (error.msg or ""):
                        raise
            return False

        until(clicked, f"{selector} {text}".strip())

    def click_at(self, x: int, y: int) -> None:
        """Click a point of the page, in pixels."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            place = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self.command("Input.dispatchMouseEvent", place)

    def type(self, selector: str, text: str) -> None:
        """Write this in place of what the field has."""
        element = self.one(selector)
        element.clear()
        element.send_keys(text)

    def complaints(self) -> Iterator[str]:
        """What the browser has complained of since the last time: errors, and whatever its policies have refused."""
        for entry in self.driver.get_log("browser"):
            refused = entry["source"] == "network" and any(f"{path} " in entry["message"] for path in EXPECTED)
            # How fast a test reads pixels is no affair of the page's.
            if entry["level"] in ("SEVERE", "WARNING") and entry["source"] != "rendering" and not refused:
                yield entry["message"]

    def picture(self, path: Path) -> None:
        """What the page looks like, as WebP, which is a quarter of a PNG."""
        shot = self.command("Page.captureScreenshot", {"format": "webp", "quality": 82})
        path.write_bytes(b64decode(shot["data"]))


def said(element: Any) -> str:
    """The text of an element, or its label."""
    return f"{element.text} {element.get_attribute('aria-label') or ''}"


def until(look: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
    """What `look` finds, once it is something. Raises AssertionError."""
    end = time.monotonic() + seconds
    while True:
        found = None
        try:
            found = look()
        except WebDriverException as error:
            if webdriver is None or not isinstance(error, StaleElementReferenceException):
                raise
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what} has not come in {seconds:g} s")
        time.sleep(0.05)

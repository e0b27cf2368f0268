"""A real Chromium without a window, driven through chromedriver (W3C WebDriver over HTTP).

The protocol is a handful of JSON requests; a client for what is needed here is shorter than the
list of what selenium would install.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

BOUND = 60.0
"""Seconds after which a wait has failed; a busy machine starts Chromium slowly."""

_MOST_STARTS = 10
_STARTED = re.compile(rb"started successfully on port (\d+)")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name that WebDriver gives to a reference
_Result = TypeVar("_Result")


class Browser:
    """One window of a private profile."""

    def __init__(self, chromedriver: str, chromium: str, profile: Path) -> None:
        """Start both programs; ``profile`` is an empty directory."""
        self._driver, self._port = _start_driver(chromedriver)
        options = {
            "binary": chromium,
            "args": [*_FLAGS, f"--user-data-dir={profile}"],
        }
        capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        except BaseException:
            self._stop_driver()
            raise
        self._session = f"/session/{answer['sessionId']}"

    def __enter__(self) -> Self:
        """Return the browser itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End both programs."""
        try:
            self._ask("DELETE", self._session)
        finally:
            self._stop_driver()

    def open(self, url: str) -> None:
        """Load a page, and wait until it is there."""
        self._command("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript in the page and return what it returns."""
        return self._command("POST", "/execute/sync", {"script": script, "args": arguments})

    def text(self, selector: str) -> str:
        """Return the text of an element as a visitor sees it."""
        # While a page is loaded the element may be missing for a moment.
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.run(script, selector))

    def is_visible(self, selector: str) -> bool:
        """Tell whether an element takes room on the page."""
        script = "return document.querySelector(arguments[0])?.checkVisibility() ?? false"
        return bool(self.run(script, selector))

    def click(self, selector: str) -> None:
        """Click an element like a visitor: it must be visible and not covered."""
        self._command("POST", f"/element/{self._find(selector)}/click", {})

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose ``path`` in a file input."""
        element = self._find(selector)
        self._command("POST", f"/element/{element}/value", {"text": str(path)})

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Lay the page out for a viewport of so many pixels and a colour scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._devtools("Emulation.setEmulatedMedia", {"features": [scheme]})

    def disable_scripts(self) -> None:
        """Let pages loaded from now on run no JavaScript."""
        self._devtools("Emulation.setScriptExecutionDisabled", {"value": True})

    def limit_uploads(self, rate: int | None) -> None:
        """Let requests bring ``rate`` bytes a second at most, those under way too; None: any."""
        conditions = {
            "offline": False,
            "latency": 0,
            "download_throughput": -1,
            "upload_throughput": -1 if rate is None else rate,
        }
        self._command("POST", "/chromium/network_conditions", {"network_conditions": conditions})

    def screenshot(self, path: Path) -> None:
        """Save a picture of the whole page."""
        options = {"format": "png", "captureBeyondViewport": True}
        picture = self._devtools("Page.captureScreenshot", options)
        path.write_bytes(base64.b64decode(picture["data"]))

    def console(self) -> list[str]:
        """Return what the console has got since the last call: errors, refusals, messages."""
        entries = self._command("POST", "/se/log", {"type": "browser"})
        return [f"{entry['level']}: {entry['message']}" for entry in entries]

    def wait_for(self, condition: Callable[[], _Result]) -> _Result:
        """Return the result of ``condition`` once it is true."""
        deadline = time.monotonic() + BOUND
        while not (result := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)
        return result

    def _find(self, selector: str) -> str:
        found = self._command("POST", "/element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])

    def _devtools(self, command: str, parameters: Mapping[str, object]) -> Any:
        body = {"cmd": command, "params": parameters}
        return self._command("POST", "/goog/cdp/execute", body)

    def _command(self, method: str, path: str, body: Mapping[str, object]) -> Any:
        return self._ask(method, self._session + path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=BOUND)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{path}: {value['error']}: {value['message']}")
        return value

    def _stop_driver(self) -> None:
        with self._driver:
            self._driver.terminate()


def _start_driver(chromedriver: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start chromedriver; return it and the port that it has chosen.

    It takes a free port of IPv6, and gives up where the same port of IPv4 is not free.
    """
    for _ in range(_MOST_STARTS):
        command = [chromedriver, "--port=0"]
        driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert driver.stdout is not None
        output = b""
        try:
            for line in driver.stdout:
                output += line
                if match := _STARTED.search(line):
                    return driver, int(match[1])
        except BaseException:
            with driver:
                driver.kill()
            raise
        driver.communicate()
        if b"Address already in use" not in output:
            break
    raise AssertionError(f"chromedriver ended: {output!r}")

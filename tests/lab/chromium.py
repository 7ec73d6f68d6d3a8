# SPDX-License-Identifier: GPL-2.0-only
"""Pages in headless Chromium, by its DevTools protocol through a pipe: what it fetches, what it complains about, how the page looks."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

PATIENCE = 60  # seconds, for anything
# A container's processes may be root's alone, and its /dev/shm small.
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
           "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe")


def program():
    """Where Chromium is; None: nowhere."""
    return shutil.which("chromium")


class Chromium:
    """A context: one browser with one page."""

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory()
        to_browser, self.to = os.pipe()
        self.answers, from_browser = os.pipe()
        # It reads 3 and writes 4.
        self.browser = subprocess.Popen(
            ["sh", "-c", f"exec {program()} {' '.join(OPTIONS)} --user-data-dir={self.home.name} 3<&{to_browser} 4>&{from_browser}"],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.rest, self.number, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self.browser.terminate()
        self.browser.wait(PATIENCE)
        os.close(self.to)
        os.close(self.answers)
        self.home.cleanup()

    def message(self):
        """The next one that it sends."""
        while b"\0" not in self.rest:
            part = os.read(self.answers, 1 << 16)
            assert part, "Chromium has ended"
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters} | ({"sessionId": self.session} if self.session else {})
        os.write(self.to, json.dumps(request).encode() + b"\0")
        while (message := self.message()).get("id") != self.number:
            self.events.append(message)
        assert "error" not in message, message
        return message["result"]

    def open(self, path, width, scheme, media="screen", height=900):
        """The page at @path in a window of @width. What came along: URLs asked for, and complaints."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events = []
        self.call("Page.navigate", url=f"file://{path}")
        end = time.monotonic() + PATIENCE
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            assert time.monotonic() < end, f"{path} does not load"
            self.events.append(self.message())
        asked = [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        complaints = [event for event in self.events
                      if event.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
        return asked, complaints

    def value(self, expression):
        """Of JavaScript, on the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def picture(self, path):
        """What is in the window, as PNG."""
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def paper(self):
        """The page printed: how many bytes of PDF."""
        return len(base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"]))

# SPDX-License-Identifier: GPL-2.0-only
"""gmemtop in a terminal that is emulated, and gmemload's guests for it. Shared by screen.py and scripts/screenshot; root, in a lab VM."""
import contextlib
import curses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time

import pexpect
import pyte

from tool import GMEMLOAD, GMEMTOP

LINES, COLUMNS = 30, 130
PATIENCE = 60
START_UP = 180
# pyte does not do all that ncurses would ask of this one: regions that scroll.
TERM = "pyte"
TERMINFO = tempfile.TemporaryDirectory()
DESCRIPTION = "pyte|for tests,csr@,ri@,ind@,rin@,indn@,il@,il1@,dl@,dl1@,use=screen-256color,\n"
subprocess.run(["tic", "-x", "-o", TERMINFO.name, "-"], input=DESCRIPTION, text=True, check=True)
os.environ["TERMINFO_DIRS"] = f"{TERMINFO.name}:/lib/terminfo:/usr/share/terminfo"
curses.setupterm(TERM, sys.__stdout__.fileno())
DOWN, RIGHT, HOME, END = (curses.tigetstr(name).decode() for name in ("kcud1", "kcuf1", "khome", "kend"))
ESC, ENTER = "\x1b", "\r"


class Terminal:
    """gmemtop in a terminal of its own."""

    def __init__(self, *arguments, lines=LINES, columns=COLUMNS, command=None, **environment):
        self.home = tempfile.TemporaryDirectory()
        for directory in (self.home.name, TERMINFO.name):  # also for a command that becomes another user
            os.chmod(directory, 0o755)
        names = {"TERM": TERM, "LC_ALL": "C.UTF-8", "HOME": self.home.name, "PATH": os.environ["PATH"], "TERMINFO_DIRS": f"{TERMINFO.name}:/lib/terminfo:/usr/share/terminfo"}
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        words = command or [GMEMTOP, *arguments]
        self.process = pexpect.spawn(words[0], words[1:], dimensions=(lines, columns), env=names | environment, timeout=1)
        self.before = termios.tcgetattr(self.process.child_fd)

    def read(self, seconds=0.3):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                data = self.process.read_nonblocking(65536, timeout=left)
            except pexpect.TIMEOUT:
                return True
            except pexpect.EOF:
                return False
            self.raw += data
            self.stream.feed(data)
        return True

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines).rstrip()

    def wait(self, condition, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not condition():
            alive = self.read()
            assert alive or condition(), f"it has ended, without {what}:\n{self.text()}"
            assert time.monotonic() < end, f"not in {seconds} s: {what}\n{self.text()}"

    def shows(self, *patterns, seconds=PATIENCE):
        """Wait until each of the patterns is found in a line."""
        self.wait(lambda: all(any(re.search(pattern, line) for line in self.lines) for pattern in patterns), f"{patterns}", seconds)

    def lacks(self, pattern):
        self.wait(lambda: not re.search(pattern, self.text()), f"no {pattern}")

    def press(self, *keys):
        for key in keys:
            self.process.send(key)
            self.read(0.2)

    def resize(self, lines, columns):
        self.screen.resize(lines, columns)
        self.process.setwinsize(lines, columns)

    def ends(self, seconds=PATIENCE):
        """The status with which it ends: negative for a signal."""
        end = time.monotonic() + seconds
        while self.read():
            assert time.monotonic() < end, f"still there:\n{self.text()}"
        self.process.wait()
        return self.process.exitstatus if self.process.signalstatus is None else -self.process.signalstatus

    def is_restored(self):
        """The screen before is back, the cursor is seen, the mouse is left alone, and the line is as it was."""
        for sequence in (b"\x1b[?1049l", b"\x1b[?25h" if b"\x1b[?25h" in self.raw else b"\x1b[?12l", b"\x1b[?1000l"):
            assert sequence in self.raw, f"{sequence} was not written: {self.raw[-200:]}"
        assert self.raw.rfind(b"\x1b[?1049l") > self.raw.rfind(b"\x1b[?1049h"), self.raw[-200:]
        assert self.has_its_modes(), "the terminal's modes are others"

    def has_its_modes(self):
        return termios.tcgetattr(self.process.child_fd)[:4] == self.before[:4]

    def close(self):
        with contextlib.suppress(OSError, pexpect.ExceptionPexpect):
            self.process.kill(signal.SIGKILL)
            self.process.close(force=True)
        self.home.cleanup()


@contextlib.contextmanager
def gmemtop(*arguments, **options):
    terminal = Terminal(*arguments, **options)
    try:
        terminal.wait(lambda: "\x1b[?1049h" in terminal.raw.decode("latin1") or options.get("TERM"), "the screen", START_UP)
        yield terminal
    finally:
        terminal.close()


@contextlib.contextmanager
def guest(*arguments, program=GMEMLOAD):
    """gmemload when its steps are done, and its account; it stays until the end."""
    with tempfile.TemporaryDirectory() as directory:
        ready = f"{directory}/ready"
        process = subprocess.Popen([program, f"--ready={ready}", "--hold", *arguments], stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + PATIENCE
            while not os.path.exists(ready):
                assert time.monotonic() < end and process.poll() is None, "gmemload is not ready"
                time.sleep(0.1)
            with open(ready, encoding="utf-8") as file:
                yield process, json.load(file)
        finally:
            process.terminate()
            process.wait()

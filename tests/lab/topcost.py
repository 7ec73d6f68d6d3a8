#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a refresh of gmemtop's screen costs, in CPU time of all its threads: `topcost.py SLOTS [STEP...]`, as root in a lab VM.

With --icount, CPU time is a number of instructions. The guests are gmemload's, with as many VMs as 250 slots each need.
`topcost.py limits` is a test: what docs/overhead.md says must hold.
"""
import glob
import os
import subprocess
import sys
import time

import pexpect

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tap import Results  # noqa: E402  (after the path)
from tool import GMEMLOAD, GMEMTOP  # noqa: E402

SECONDS = 20
TEST_SECONDS = 5


def cpu_ns(pid):
    """Of the thread of the screen, and of the one of the inventory."""
    times = {}
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            times[path.split("/")[4] == str(pid)] = int(file.read().split()[0])
    return times.get(True, 0), times.get(False, 0)


def drain(process, seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            process.read_nonblocking(65536, timeout=left)
        except pexpect.TIMEOUT:
            return


def measure(slots, steps, seconds):
    """Milliseconds of CPU a second, of refreshes and of inventories."""
    vms = (slots + 249) // 250
    shape = [f"--vms={vms}", "--vcpus=1", f"--slots={slots // vms}", "--pages=4"]
    end = ["--hold"] if steps == ["touch"] else ["--run-time=600"]
    load = subprocess.Popen([GMEMLOAD, *shape, *end, *steps], stdout=subprocess.DEVNULL)
    screen = pexpect.spawn(GMEMTOP, dimensions=(50, 150), env=os.environ | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
    screen.expect("counting for", timeout=400)
    drain(screen, 5)
    before = cpu_ns(screen.pid)
    drain(screen, seconds)
    after = cpu_ns(screen.pid)
    screen.send("q")
    screen.expect(pexpect.EOF, timeout=60)
    load.terminate()
    load.wait()
    return [(now - then) / seconds / 1e6 for now, then in zip(after, before)]


def test_limit(slots, steps, limit_ms):
    refreshes, _ = measure(slots, steps, TEST_SECONDS)
    assert refreshes <= limit_ms, f"{refreshes:.2f} ms of CPU a second, above {limit_ms}"
    return f"{refreshes:.2f} of {limit_ms} ms a second"


def limits():
    results = Results("cost")
    for test, arguments in (("100 busy slots", (100, ["punch", "touch", "sleep:ms=100"], 12)), ("1,000 idle slots", (1000, ["touch"], 10))):
        def run(arguments=arguments):
            return test_limit(*arguments)
        run.__doc__ = f"a refresh with {test} stays below its limit"
        results.run(run)
    results.exit()


def main():
    if sys.argv[1:] == ["limits"]:
        limits()
    slots, steps = int(sys.argv[1]), sys.argv[2:] or ["touch"]
    for name, ms in zip(("refreshes", "inventories"), measure(slots, steps, SECONDS)):
        print(f"{slots} slots, {' '.join(steps)}: {name} {ms:.2f} ms of CPU a second", flush=True)


main()

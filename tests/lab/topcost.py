#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a refresh of gmemtop's screen costs, in CPU time of all its threads: `topcost.py SLOTS [STEP...]`, as root in a lab VM.

With --icount, CPU time is a number of instructions. The guests are gmemload's, with as many VMs as 250 slots each need.
"""
import glob
import os
import subprocess
import sys
import time

import pexpect

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
SECONDS = 20


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


def main():
    slots, steps = int(sys.argv[1]), sys.argv[2:] or ["touch"]
    vms = (slots + 249) // 250
    shape = [f"--vms={vms}", "--vcpus=1", f"--slots={slots // vms}", "--pages=4"]
    end = ["--run-time=600"] if sys.argv[2:] else ["--hold"]
    load = subprocess.Popen([f"{ROOT}/build/gmemload", *shape, *end, *steps], stdout=subprocess.DEVNULL)
    screen = pexpect.spawn(f"{ROOT}/build/gmemtop", dimensions=(50, 150), env=os.environ | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
    screen.expect("counting for", timeout=400)
    drain(screen, 5)
    before = cpu_ns(screen.pid)
    drain(screen, SECONDS)
    after = cpu_ns(screen.pid)
    for name, i in (("refreshes", 0), ("inventories", 1)):
        print(f"{slots} slots, {' '.join(steps)}: {name} {(after[i] - before[i]) / SECONDS / 1e6:.2f} ms of CPU a second", flush=True)
    screen.send("q")
    load.terminate()


main()

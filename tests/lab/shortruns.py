#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Programs that are attached for a moment only, again and again: is one ever attached and not run?

Runs as root in a lab VM: shortruns.py KERNEL [SECONDS] [--captures RUNS]. Loops with one small program; and on request whole
captures of gmemload, which take ten seconds each.
"""
import argparse
import functools
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from counts import ftrace, places_of  # noqa: E402  (after the path)
from tap import Results, Skip  # noqa: E402
from tool import BUILD, GMEMLOAD, IMPOSSIBLE, report, run  # noqa: E402

KERNEL = sys.argv[1]
LOOPS = ("pair", "session", "multi", "probe")
CAPTURES = {"fsession": (), "pairs": ("--no-fsession",), "exact": ("--exact",)}
PAGES = 32


def counts_of(capture):
    counts = {hook["event"]: 0 for hook in capture["hooks"] if hook["attached"]}
    for place in places_of(capture):
        for name, event in place["events"].items():
            counts[name] += event["count"]
    return counts


def told_wrong(capture, account):
    """Events that are counted otherwise than they happened, though nothing is said to be lost of them."""
    counts = counts_of(capture)
    told = {name: account["events"].get(name, {"count": 0})["count"] for name in counts if name != "notifier"}
    lost = capture["loss"]["events"]
    return {name: (counts[name], right) for name, right in told.items() if counts[name] != right and not lost.get(name)}


def one_run(options, directory):
    """What was wrong with it, and whether it lost something."""
    path = f"{directory}/account.json"
    capture = report(*options, "--", "sh", "-c", f"exec {GMEMLOAD} --vms=1 --slots=1 --pages={PAGES} host:pages=1 touch mprotect touch >{path}")
    with open(path, encoding="utf-8") as file:
        account = json.load(file)
    assert account["events"]["guest_fault"]["count"] >= PAGES, account["events"]
    return told_wrong(capture, account), bool(capture["loss"]["total"])


def loop(kind, seconds):
    done = run(f"{BUILD}/attach_loop", kind, str(seconds), timeout=seconds + 300)
    if done.returncode == IMPOSSIBLE:
        raise Skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def captures(kind, runs):
    if kind == "exact" and KERNEL.endswith("6.12"):
        raise Skip("this kernel has no session of probes")
    lossy, wrong = 0, []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(runs):
            errors, lost = one_run(CAPTURES[kind], directory)
            lossy += lost
            if errors:
                wrong.append(f"run {number}: (counted, right): {errors}")
    assert not wrong, "\n".join([f"{len(wrong)} of {runs} runs:", *wrong[:20]])
    return f"{runs} runs, {lossy} with losses"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("seconds", nargs="?", type=int, default=12, help="of each loop")
    parser.add_argument("--captures", type=int, default=0, metavar="RUNS", help="whole captures of each kind, too")
    asked = parser.parse_args()
    results = Results(f"shortruns: {KERNEL}")
    with ftrace.hold_a_vm():
        tests = [(f"a program that is attached runs: {kind}", loop, kind, asked.seconds) for kind in LOOPS]
        tests += [(f"short captures count all: {kind}", captures, kind, asked.captures) for kind in CAPTURES if asked.captures]
        for name, function, kind, amount in tests:
            test = functools.partial(function, kind, amount)
            test.__doc__ = name
            results.run(test)
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Short captures, one after the other, each with a known number of events: is a program ever attached and not run?

Runs as root in a lab VM: shortruns.py KERNEL [RUNS [KIND]...]. Without RUNS as many as fit in a minute.
"""
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from counts import ftrace, places_of  # noqa: E402  (after the path)
from tap import Results, Skip  # noqa: E402
from tool import GMEMLOAD, report  # noqa: E402

KERNEL = sys.argv[1]
KINDS = {
    "fsession": (),
    "pairs": ("--no-fsession",),
    "exact": ("--exact",),
    "few": ("-e", "guest_fault"),
    "few-pairs": ("-e", "guest_fault", "--no-fsession"),
}
SECONDS = 12  # of each kind, unless RUNS are asked for
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


def loop(kind, runs):
    if kind == "exact" and KERNEL.endswith("6.12"):
        raise Skip("this kernel has no session of probes")
    begin, done, lossy, wrong = time.monotonic(), 0, 0, []
    with tempfile.TemporaryDirectory() as directory:
        while done < runs if runs else time.monotonic() < begin + SECONDS:
            errors, lost = one_run(KINDS[kind], directory)
            done += 1
            lossy += lost
            if errors:
                wrong.append(f"run {done}: (counted, right): {errors}")
    assert not wrong, "\n".join([f"{len(wrong)} of {done} runs:", *wrong[:20]])
    return f"{done} runs, {lossy} with losses, {time.monotonic() - begin:.0f} s"


def main():
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    results = Results(f"shortruns: {KERNEL}")
    holder = ftrace.hold_a_vm()
    try:
        for kind in sys.argv[3:] or KINDS:
            test = lambda: loop(kind, runs)  # noqa: E731  (named below)
            test.__doc__ = f"short captures count all, or say what they lost: {kind}"
            results.run(test)
    finally:
        holder.terminate()
        holder.wait()
    results.exit()


if __name__ == "__main__":
    main()

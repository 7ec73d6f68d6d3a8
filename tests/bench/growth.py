#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How what gmemtrace adds to a guest fault grows with memslots, VMs and histograms: `growth.py [--few] [-o FILE]`, as root in a lab VM
with --icount.

The figures are judged: the results are lines for tests/run, for which --few points are enough. FILE gets the figures as JSON.
"""
import argparse
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))
from cost import GMEMTRACE, Operation, Tool  # noqa: E402  (after the path)
from tap import Results  # noqa: E402

# Room for all slots, guest_memfds, VMs and histograms of all series, which one capture sees.
OWNERS = 40000
SLOTS = [1, 3, 10, 30, 100, 300, 1000]


class Series:
    """Guest faults of resident pages at several @points. @few of them are enough to judge it."""

    def __init__(self, name, what, points, few, load):
        self.name, self.what, self.points, self.few, self.load = name, what, points, few, load

    def operations(self, few):
        return {n: self.load(f"{self.name}-{n}", n) for n in (self.few if few else self.points)}


def load(name, vms=1, slots=1, pages=1, before=(), more=("--no-mmap",)):
    shape = [f"--vms={vms}", f"--slots={slots}", f"--pages={pages}", *more]
    return Operation(name, "", shape, ["touch", *before], ["punch", "allocate", "touch"], "touch", vms * slots * pages)


def at_least_4(n):
    """Pages of each of @n slots: enough faults in all to be counted well."""
    return max(4, 256 // n)


# Each slot has histograms of guest_fault, host_fault, zap and notifier_hit then, from the second time on.
MANY_EVENTS = 2 * ["host", "mprotect", "mprotect:prot=rw", "touch"]

SERIES = [
    Series("slots", "memslots of a VM, 4 faults or more in each at a time", SLOTS, [1, 1000],
           lambda name, n: load(name, slots=n, pages=at_least_4(n))),
    Series("turn", "memslots of a VM, each fault in another", SLOTS[4:], SLOTS[4:], lambda name, n: load(name, slots=n)),
    Series("histograms", "memslots of a VM, with four histograms each", SLOTS, [1, 1000],
           lambda name, n: load(name, slots=n, pages=at_least_4(n), before=MANY_EVENTS, more=[])),
    Series("vms", "VMs with a memslot each", [1, 3, 10, 30, 100], [1, 30], lambda name, n: load(name, vms=n, pages=at_least_4(n))),
]


class Growth:
    """By series and point: what gmemtrace adds to a guest fault, and what that takes without it."""

    def __init__(self, few):
        operations = [op for series in SERIES for op in series.operations(few).values()]
        with tempfile.TemporaryDirectory() as directory:
            report = f"{directory}/report"
            traced = Tool("gmemtrace", "", lambda: [GMEMTRACE, "--owners", str(OWNERS), "-o", report, "--"])
            plain, costs = (tool.costs(operations, directory) for tool in (Tool("nothing", ""), traced))
            with open(report, encoding="utf-8") as file:
                self.complete = any(line.split() == ["lost", "nothing"] for line in file)
        self.figures = {
            series.name: {n: {"untraced": plain[op.name], "added": costs[op.name] - plain[op.name]}
                          for n, op in series.operations(few).items()}
            for series in SERIES}

    def added(self, series):
        return {n: figure["added"] for n, figure in self.figures[series].items()}


def nothing_lost(growth):
    """nothing was lost while costs were measured"""
    assert growth.complete, growth.figures


def bounded(growth, series, limit):
    figures = growth.added(series.name)
    said = ", ".join(f"{added:.0f} with {n}" for n, added in figures.items())
    assert max(figures.values()) <= limit * figures[min(figures)], said
    return said


def levels_out(growth):
    """each fault in another slot: beyond the slots that a CPU remembers 1,000 cost no more than 300"""
    figures = growth.added("turn")
    assert figures[1000] <= 1.1 * figures[300], figures


# How much dearer a guest fault may be than with the fewest.
LIMITS = {"slots": 2.2, "turn": 1.5, "histograms": 2.2, "vms": 1.4}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", dest="file")
    parser.add_argument("--few", action="store_true")
    options = parser.parse_args()
    growth, results = Growth(options.few), Results("growth")
    print(json.dumps(growth.figures), file=sys.stderr)
    results.run(nothing_lost, growth)
    for series in SERIES:
        def limited(*arguments):
            return bounded(*arguments)
        limited.__doc__ = f"{series.what}: a guest fault costs at most {LIMITS[series.name]} times as much as with the fewest"
        results.run(limited, growth, series, LIMITS[series.name])
    results.run(levels_out, growth)
    if options.file:
        with open(options.file, "w", encoding="utf-8") as file:
            json.dump(growth.figures, file, indent=1)
    results.exit()


if __name__ == "__main__":
    main()

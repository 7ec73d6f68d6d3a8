#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How costs grow with slots, VMs, histograms and CPUs: `growth.py [--few] [-o FILE] PART...`, as root in a lab VM with --icount.

Parts: faults (what gmemtrace adds to a guest fault), snapshots (a report and a refresh with many slots), and cpus, which is for a
VM with 8 CPUs. Each is judged: the results are lines for tests/run. FILE gets the figures as JSON, which scripts/growth-plot draws.
"""
import argparse
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))
from cost import GMEMLOAD, GMEMTOP, GMEMTRACE, Operation, Tool  # noqa: E402  (after the path)
from scale import memory_of_maps, peak_memory  # noqa: E402
from tap import Results  # noqa: E402

MB = 1000000
# Room for all slots, guest_memfds and VMs of all series, which one capture sees.
OWNERS = 40000
# By default a sixty-fourth of the machine, but each of 10,000 guest_memfds has 8 KB.
PAGE_MEMORY = ["--page-memory", "256M"]
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


def on_cpus(name, n):
    """The clock counts the instructions of all CPUs, so it is time that is compared, not CPU time."""
    pages = 512 * n
    return Operation(name, "", [f"--vcpus={n}", f"--pages={pages}", "--no-mmap"], ["touch:vcpus=all"],
                     ["recreate", "touch:vcpus=all"], "touch:vcpus=all", pages, "elapsed_ns")


# Each slot has histograms of guest_fault, host_fault, zap and notifier_hit then, from the second time on.
MANY_EVENTS = 2 * ["host", "mprotect", "mprotect:prot=rw", "touch"]

FAULTS = [
    Series("slots", "memslots of a VM, 4 faults or more in each at a time", SLOTS, [1, 1000],
           lambda name, n: load(name, slots=n, pages=max(4, 256 // n))),
    Series("turn", "memslots of a VM, each fault in another", SLOTS[4:], SLOTS[4:], lambda name, n: load(name, slots=n)),
    Series("histograms", "memslots of a VM, with four histograms each", SLOTS, [1, 1000],
           lambda name, n: load(name, slots=n, pages=max(4, 256 // n), before=MANY_EVENTS, more=[])),
    Series("vms", "VMs with a memslot each", [1, 3, 10, 30, 100], [1, 30], lambda name, n: load(name, vms=n, pages=max(4, 256 // n))),
]
CPUS = [Series("cpus", "CPUs that fault in one slot at the same time", [1, 2, 4, 8], [1, 8], on_cpus)]


def added(series, few):
    """By series and point: what gmemtrace adds to a guest fault, and what that takes without it."""
    operations = [op for one in series for op in one.operations(few).values()]
    with tempfile.TemporaryDirectory() as directory:
        report = f"{directory}/report"
        traced = Tool("gmemtrace", "", lambda: [GMEMTRACE, "--owners", str(OWNERS), "-o", report, "--"])
        plain = Tool("nothing", "").costs(operations, directory)
        print(f"untraced: {plain}", file=sys.stderr, flush=True)
        costs = traced.costs(operations, directory)
        print(f"traced: {costs}", file=sys.stderr, flush=True)
        with open(report, encoding="utf-8") as file:
            complete = any(line.split() == ["lost", "nothing"] for line in file)
    return {"complete": complete} | {
        one.name: {n: {"untraced": plain[op.name], "added": costs[op.name] - plain[op.name]} for n, op in one.operations(few).items()}
        for one in series}


def cpu_ns(pid):
    """Of its main thread; also of one that has ended, until it is waited for."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


@contextlib.contextmanager
def gmemtop(owners):
    """Gives a function that returns the next refresh as text, and how much CPU time it took."""
    process = subprocess.Popen([GMEMTOP, "--json", "-i", "10", "--owners", str(owners), *PAGE_MEMORY], stdout=subprocess.PIPE)

    def refresh():
        before = cpu_ns(process.pid)
        line = process.stdout.readline()
        return json.loads(line), cpu_ns(process.pid) - before

    refresh()  # all is attached
    try:
        yield process.pid, refresh
    finally:
        process.terminate()
        process.communicate()


class Capture:
    """gmemtrace around a shell that lets gmemload make @slots, and then goes on when it is told to."""

    SCRIPT = """
    {gmemload} --vms=1 --vcpus=1 --slots={slots} --pages=1 --hold --ready={at}/ready touch punch touch >/dev/null &
    echo $! >{at}/pid
    read line <{at}/go
    """

    def __init__(self, directory, slots, owners):
        self.at = directory
        os.mkfifo(f"{self.at}/go")
        script = self.SCRIPT.format(gmemload=GMEMLOAD, slots=slots, at=directory)
        self.process = subprocess.Popen([GMEMTRACE, "--owners", str(owners), *PAGE_MEMORY, "-o", f"{directory}/report", "--", "sh", "-c", script])
        while not os.path.exists(f"{directory}/ready"):
            time.sleep(0.1)

    def end(self):
        """CPU time from the end of the command on, and the most memory that it had."""
        before = cpu_ns(self.process.pid)
        with open(f"{self.at}/go", "w", encoding="ascii") as file:
            file.write("\n")
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        spent = cpu_ns(self.process.pid) - before
        _, status, usage = os.wait4(self.process.pid, 0)
        assert not status, status
        return spent, usage.ru_maxrss * 1024

    def end_load(self):
        with open(f"{self.at}/pid", encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGTERM)

    def report(self):
        with open(f"{self.at}/report", encoding="utf-8") as file:
            return file.read()


def owners_for(slots):
    """A slot has a guest_memfd, and histograms of guest_fault and zap."""
    return max(8192, 4 * slots + 100)


def faults(capture):
    return sum(slot["events"].get("guest_fault", {"count": 0})["count"] for vm in capture["vms"] for slot in vm["slots"])


def snapshot(slots):
    with tempfile.TemporaryDirectory() as directory, gmemtop(owners_for(slots)) as (top, refresh):
        capture = Capture(directory, slots, owners_for(slots))
        maps = memory_of_maps()
        report, memory = capture.end()
        last = refresh()[0]
        while faults(last) < 2 * slots:  # told before, and read by nobody
            last = refresh()[0]
        last, cost = refresh()
        capture.end_load()
        return {
            "report": report,
            "refresh": cost,
            "report_memory": memory,
            "refresh_memory": peak_memory(top),
            "maps": maps,
            "owners": owners_for(slots),
            "faults": faults(last),
            "lost": [last["loss"]["events"]] + [line for line in capture.report().splitlines() if line.startswith("lost")],
        }


def told(figure):
    print(f"{time.monotonic():.0f} s: {figure}", file=sys.stderr, flush=True)
    return figure


def snapshots_of(numbers):
    # A file each.
    resource.setrlimit(resource.RLIMIT_NOFILE, (11000, 11000))
    return {slots: told(snapshot(slots)) for slots in numbers}


def snapshots(few):
    return snapshots_of([100, 1000, 10000] if few else [10, 100, 1000, 10000])


# ---- Judging ----


# How much dearer a guest fault may be than with the fewest.
LIMITS = {"slots": 2.2, "turn": 1.5, "histograms": 2.2, "vms": 2.2, "cpus": 1.2}


def bounded(figures, limit):
    said = ", ".join(f"{figure['added']:.0f} with {n}" for n, figure in figures.items())
    assert max(figure["added"] for figure in figures.values()) <= limit * figures[min(figures)]["added"], said
    return said


def levels_out(figures):
    """each fault in another slot: beyond the slots that a CPU remembers 1,000 cost no more than 300"""
    assert figures[1000]["added"] <= 1.1 * figures[300]["added"], figures


def one_more(figures, key, few, many):
    """What one more slot takes between so many."""
    return (figures[many][key] - figures[few][key]) / (many - few)


def linear(figures, key, limit):
    """What one more slot takes beyond 1,000 of them, and beyond 100."""
    few, many = (one_more(figures, key, n, 10 * n) for n in (100, 1000))
    assert few > 0 and many <= limit * few, f"{few:.0f} a slot up to 1,000 slots, {many:.0f} up to 10,000"
    return f"{few:.0f} a slot up to 1,000 slots, {many:.0f} up to 10,000"


def exact(figures):
    """10,000 slots: nothing lost, and each guest fault counted"""
    for slots, figure in figures.items():
        assert figure["lost"] == [{}, "lost      nothing"] and figure["faults"] == 2 * slots, (slots, figure)


def nothing_lost(figures):
    """nothing was lost while costs were measured"""
    assert figures["complete"], figures


def run(results, what, test, *arguments):
    def named():
        return test(*arguments)
    named.__doc__ = what
    results.run(named)


def judge_series(results, series, figures):
    for one in series:
        limit = LIMITS[one.name]
        run(results, f"{one.what}: a guest fault costs at most {limit} times as much as with the fewest", bounded, figures[one.name], limit)


def judge_faults(results, figures):
    results.run(nothing_lost, figures)
    judge_series(results, FAULTS, figures)
    results.run(levels_out, figures["turn"])


def judge_cpus(results, figures):
    judge_series(results, CPUS, figures)


def in_all(figures, key):
    """What the start has needed and given back serves the first slots, so that only the sum can be judged."""
    assert figures[10000][key] <= 10 * figures[1000][key], figures
    return ", ".join(f"{figure[key] / MB:.0f} MB with {n}" for n, figure in figures.items())


def judge_snapshots(results, figures):
    results.run(exact, figures)
    for key, what in (("report", "a report"), ("refresh", "a refresh of gmemtop")):
        run(results, f"{what}: a slot takes at most 1.3 times as many instructions with 10,000 as with 1,000", linear, figures, key, 1.3)
    for key, what in (("report_memory", "gmemtrace"), ("refresh_memory", "gmemtop")):
        run(results, f"{what} needs at most 10 times the memory for 10,000 slots as for 1,000", in_all, figures, key)


PARTS = {
    "faults": (lambda few: added(FAULTS, few), judge_faults),
    "snapshots": (snapshots, judge_snapshots),
    "cpus": (lambda few: added(CPUS, few), judge_cpus),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", dest="file")
    parser.add_argument("--few", action="store_true")
    parser.add_argument("parts", nargs="+", choices=PARTS)
    options = parser.parse_args()
    results, figures = Results("growth"), {}
    for part in options.parts:
        measure, judge = PARTS[part]
        figures[part] = measure(options.few)
        print(json.dumps(figures[part]), file=sys.stderr, flush=True)
        judge(results, figures[part])
    if options.file:
        with open(options.file, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    results.exit()


if __name__ == "__main__":
    main()

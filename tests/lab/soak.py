#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What has ended gives its place back, and its counts stay. Runs as root in a lab VM: soak.py LIVES FILES [TEST]...

LIVES VMs live and end, each with a slot, a guest_memfd and 16 guest faults, then one VM makes as many guest_memfds of a GiB as FILES; all
of it in tables that a few of them would fill. `make soak` has 10,000 and 2,000.
"""
import collections
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from behaviour import background, wait_for  # noqa: E402  (after the path)
from tap import Results, tests_of  # noqa: E402
from tool import BUILD, GMEMTOP, GMEMTRACE, run  # noqa: E402

LIVES, FILES = int(sys.argv[1]), int(sys.argv[2])
SITUATIONS = f"{BUILD}/situations"
PAGES = 16
OWNERS = 256  # of which a VM has four
# One thread, so that none comes to a program while another is preempted in it, which would be missed.
LOAD = ((SITUATIONS, "generations", str(LIVES), "1"), (SITUATIONS, "files", str(FILES), "1024"))
FAULTS = PAGES * (LIVES + FILES)
SHOWN = 40  # VMs that live or have just ended
TIMEOUT = 24 * 3600


def load(*commands):
    for command in commands:
        subprocess.run(command, check=True, timeout=TIMEOUT)


def in_shell(*commands):
    return "sh", "-ec", "; ".join(" ".join(command) for command in commands)


def places(capture):
    yield from (capture["host"], *capture["gmems"], *capture["past"])
    for vm in capture["vms"]:
        yield from (vm, *vm["slots"])


def totals(capture):
    sums = collections.Counter()
    for place in places(capture):
        for name, event in place["events"].items():
            sums[name] += event["count"]
    return sums


def check(capture, runs=2):
    """@runs: of situations, each of which has a VM and a guest_memfd besides."""
    expected = {
        "guest_fault": FAULTS,
        "bind": LIVES + FILES,
        "unbind": LIVES + FILES,
        "create": LIVES + FILES + runs,
        "release": LIVES + FILES + runs,
        "punch_hole": FILES,
    }
    assert not capture["loss"]["total"], capture["loss"]
    sums = totals(capture)
    wrong = {name: sums[name] for name, count in expected.items() if sums[name] != count}
    assert not wrong, f"{wrong} instead of {expected}"
    vms = len(capture["vms"]) + sum(past["vms"] for past in capture["past"])
    gmems = len(capture["gmems"]) + sum(past["gmems"] for past in capture["past"])
    assert (vms, gmems) == (LIVES + runs, LIVES + FILES + runs), f"{vms} VMs, {gmems} guest_memfds"
    for place in places(capture):
        fault = place["events"].get("guest_fault")
        if fault:
            told = sum(count for name, count in fault["details"].items() if name != "prefetch")
            in_buckets = sum(bucket[2] for bucket in fault["latency_ns"]["buckets"])
            assert told == in_buckets == fault["count"], fault


class Screen:
    """gmemtop's refreshes, of which only the last is kept."""

    def __init__(self, top):
        self.top, self.n, self.last, self.most_vms = top, 0, None, 0
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.top.stdout:
            if not line.endswith("\n"):
                return  # ended in the middle of it
            self.last = json.loads(line)
            self.most_vms = max(self.most_vms, len(self.last["vms"]))
            self.n += 1

    def has_more(self, seen):
        assert self.top.poll() is None, f"gmemtop ended with {self.top.returncode}: {self.top.stderr.read()}"
        return self.n >= seen + 2

    def rests(self):
        """Two refreshes that are alike, and everything is in the past."""
        seen, before = self.n, self.last
        wait_for(lambda: self.has_more(seen), "two refreshes")
        return before and not self.last["vms"] and totals(before) == totals(self.last)


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


def test_top():
    """gmemtop counts every life, shows those that last, and does not grow"""
    command = (GMEMTOP, "-b", "--json", "-i", "0.2", f"--owners={OWNERS}")
    tenth = (SITUATIONS, "generations", str(LIVES // 10), "1")
    rest = (SITUATIONS, "generations", str(LIVES - LIVES // 10), "1")
    with background(*command, text=True) as top:
        screen = Screen(top)
        wait_for(lambda: screen.n, "the first refresh")
        load(tenth)
        wait_for(screen.rests, "the end of the first tenth")
        early = resident_bytes(top.pid)
        load(rest, LOAD[1])
        wait_for(screen.rests, "the end")
        late = resident_bytes(top.pid)
    check(screen.last, runs=3)
    assert screen.most_vms <= SHOWN, f"{screen.most_vms} VMs shown at once"
    assert late <= early * 1.2, f"{early} bytes after {LIVES // 10} lives, {late} after all"
    return f"{screen.n} refreshes, {early >> 10} and {late >> 10} KiB"


def exported(file, form):
    done = run(GMEMTRACE, "export", file, "--to", form, "-o", "-", timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_record():
    """a recording in small tables has every count: in its report and its exports"""
    with tempfile.TemporaryDirectory() as directory:
        file = f"{directory}/soak.gmem"
        done = run(GMEMTRACE, "record", "-i", "1", "-o", file, f"--owners={OWNERS}", "--", *in_shell(*LOAD), timeout=TIMEOUT)
        assert done.returncode == 0, done.stderr
        said = run(GMEMTRACE, "report", file, "-f", "json")
        capture = json.loads(said.stdout)
        check(capture)
        assert sum(past["vms"] for past in capture["past"]) > LIVES - OWNERS // 4, capture["past"]
        rows = list(csv.DictReader(io.StringIO(exported(file, "csv"))))
        last = max(int(row["duration_ns"]) for row in rows)
        faults = sum(int(row["count"]) for row in rows if row["event"] == "guest_fault" and int(row["duration_ns"]) == last)
        assert faults == FAULTS, faults
        metrics = [line for line in exported(file, "openmetrics").splitlines() if line.startswith("gmem_guest_fault_seconds_count{")]
        assert sum(int(line.rsplit(" ", 1)[1]) for line in metrics) == FAULTS, metrics[-3:]
        snapshots = len({row["duration_ns"] for row in rows})
        return f"{snapshots} snapshots, {os.path.getsize(file) >> 10} KiB"


def test_events():
    """each event that is recorded is told of its own VM, whose place others had before"""
    with tempfile.TemporaryDirectory() as directory:
        file, lives = f"{directory}/soak.gmem", min(LIVES, 200)
        command = (SITUATIONS, "generations", str(lives), "2")
        done = run(GMEMTRACE, "record", "--events", "-e", "guest_fault,bind,release", "-o", file, f"--owners={OWNERS}", "--", *command)
        assert done.returncode == 0, done.stderr
        records = [json.loads(line) for line in exported(file, "ndjson").splitlines()]
        faults = collections.Counter(record["vm"] for record in records if record["event"] == "guest_fault")
        assert set(faults.values()) == {PAGES} and len(faults) == lives, faults
        return f"{len(records)} events"


def test_trace():
    """gmemtrace keeps what has ended while there is room, and only then"""
    for owners, past in ((OWNERS, True), (8192, False)):
        command = (SITUATIONS, "generations", "60", "2")
        done = run(GMEMTRACE, "-f", "json", f"--owners={owners}", "--", *command)
        assert done.returncode == 0, done.stderr
        capture = json.loads(done.stdout)
        assert totals(capture)["guest_fault"] == 60 * PAGES and not capture["loss"]["total"], capture["loss"]
        assert bool(capture["past"]) == past, capture["past"]


def main():
    results = Results("soak")
    results.run_chosen(tests_of(globals()), sys.argv[3:])
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Exports of what a real guest did, against gmemload's own account: exports.py KERNEL. Records in a lab VM, which it starts, and reads the exports
here, since Python takes its time in an emulated CPU."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import counts  # noqa: E402  (after the path)
import export  # noqa: E402
from tap import Results  # noqa: E402
from tool import ROOT, report, trace  # noqa: E402

CAPTURE, WRONG = "events.capture", "wrong"


class RecordedRun(counts.Run):
    """A run whose report comes from a file that has each event."""

    def execute(self, command):
        begin = command.index("--")
        options, workload = command[1:begin], command[begin:]
        output = options[options.index("-o") + 1]
        path = f"{os.path.dirname(output)}/{CAPTURE}"
        options = [option for option in options if option not in ("-f", "json", "-o", output)]
        for arguments in (["record", "--events", "-i", "1", "-o", path, *options, *workload],
                          ["report", path, "-f", "json", "-o", output]):
            done = trace(*arguments, timeout=500)
            assert done.returncode == 0, done.stderr


def record(directory):
    """In the VM: leaves a capture, and how it differs from what gmemload and ftrace say."""
    from suite import all_cases
    measured = RecordedRun(all_cases(), directory)
    wrong = counts.compare_ftrace(measured) + counts.compare_places(measured)
    with open(f"{directory}/{WRONG}", "w", encoding="utf-8") as file:
        file.write("\n".join(wrong[:40]))


class Recorded(export.Capture):
    def __init__(self, directory):
        self.directory = directory
        self.events = f"{directory}/{CAPTURE}"
        self.report = report("report", self.events)


def test_account(recorded):
    """a capture of every event is what gmemload did and ftrace saw"""
    with open(f"{recorded.directory}/{WRONG}", encoding="utf-8") as file:
        wrong = file.read()
    loss, dropped = dict(recorded.report["loss"]["events"]), recorded.report["capture"]["dropped_records"]
    # The kernel may skip the program for a page of any file, and says how often: so many may be missing, not more.
    missed = loss.pop("alloc", {}).get("missed", 0)
    missing = [int(theirs) - int(ours) for ours, theirs in re.findall(r": alloc: gmemtrace \((\d+),.* gmemload \((\d+),", wrong)]
    assert len(missing) == len(wrong.splitlines()) and all(n > 0 for n in missing) and sum(missing) <= missed, (wrong, missed)
    assert not loss and not dropped, (loss, dropped)
    return f"pages of any file that were missed: {missed}, {sum(missing)} of a guest_memfd" if missed else ""


def test_events(recorded):
    """ndjson, csv and sqlite have every event, and add up to the report"""
    for to, read in (("ndjson", export.read_ndjson), ("csv", export.read_csv_events), ("sqlite", export.read_sqlite)):
        said = export.same_events(recorded, to, read(recorded.export(to)))
    return said


def test_perfetto(recorded):
    """perfetto: every event is a slice or an instant; the slices of a real thread nest"""
    return export.same_trace(recorded, export.Trace(recorded.export("perfetto")))


def test_openmetrics(recorded):
    """openmetrics: its samples are the report's"""
    return export.same_samples(recorded.report, export.samples(recorded.export("openmetrics"))[0])


def main():
    if sys.argv[1] == "record":
        record(sys.argv[2])
        return
    results = Results(f"exports of {sys.argv[1]}")
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([f"{ROOT}/scripts/lab", "run", "--kernel", sys.argv[1], "--timeout", "900", "--share", directory, "--",
                               f"{HERE}/exports.py", "record", directory], check=False)
        if done.returncode:
            sys.exit(done.returncode)
        recorded = Recorded(directory)
        for test in (test_account, test_events, test_perfetto, test_openmetrics):
            results.run(test, recorded)
    results.exit()


if __name__ == "__main__":
    main()

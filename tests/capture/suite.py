#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Capture files without a kernel: what `gmemtrace report` makes of generated ones, how much memory it takes, and whether what
docs/capture-format.md shows is so."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lab"))
from tap import Results, Skip  # noqa: E402  (after the path)
from tool import GMEMTRACE, ROOT, USAGE, complains, trace  # noqa: E402

LARGE = 10_000_000
MEMORY_MAX = 64 << 20  # bytes, of a report of any size
MANY = 1000
MANY_MEMORY_MAX = 60_000_000  # bytes, of a check of so many captures, whatever is in them


def generate(path, records, snapshots):
    subprocess.run([f"{ROOT}/build/generate", path, str(records), str(snapshots)], check=True)
    return path


def report(path):
    done = trace("report", path, "-f", "json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def cut(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


def test_documented(_directory):
    """what docs/capture-format.md shows is what its commands print"""
    with open(f"{ROOT}/docs/capture-format.md", encoding="utf-8") as file:
        examples = re.findall(r"^\$ (.*)\n((?:.+\n)+?)```$", file.read(), re.MULTILINE)
    for command, shown in examples:
        done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout == shown, f"{command}: {done.stdout}"
    assert len(examples) == 4, len(examples)


def test_schema(directory):
    """every kind of file follows the JSON schema"""
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    schema = json.loads(trace("--json-schema").stdout)
    for snapshots in 0, 1, 3:
        path = generate(f"{directory}/a.cap", 100_000, snapshots)
        jsonschema.validate(report(path), schema)
        cut(path, os.path.getsize(path) - 1)
        jsonschema.validate(report(path), schema)


def test_same_numbers(directory):
    """records add up to what the snapshot says"""
    counted = report(generate(f"{directory}/a.cap", 300_000, 2))
    rebuilt = report(generate(f"{directory}/b.cap", 300_000, 0))
    assert counted["vms"] == rebuilt["vms"] and counted["gmems"] == rebuilt["gmems"]
    assert sum(slot["events"][event]["count"] for vm in counted["vms"] for slot in vm["slots"]
               for event in slot["events"]) == 300_000
    assert counted["capture"]["note"] is None and "no snapshot" in rebuilt["capture"]["note"]
    assert rebuilt["loss"]["total"] is None and rebuilt["hooks"] == []


def test_incomplete(directory):
    """an incomplete file says so first, and is reported up to its last snapshot"""
    path = generate(f"{directory}/a.cap", 300_000, 3)
    whole = report(path)
    assert whole["capture"]["incomplete"] is None
    cut(path, os.path.getsize(path) - 10)
    part = report(path)
    assert "without its last block" in part["capture"]["incomplete"]
    assert part["vms"] == whole["vms"]
    lines = trace("report", path).stdout.splitlines()
    assert lines[0].startswith("*** INCOMPLETE"), lines[0]
    assert lines[-1].startswith("*** Incomplete"), lines[-1]


def test_damaged(directory):
    """a damaged file: status 2, the block and its place"""
    path = generate(f"{directory}/a.cap", 100_000, 1)
    with open(path, "r+b") as file:
        file.seek(100_000)
        file.write(b"damage")
    complains(trace("report", path), USAGE, "block 3 at byte ", "checksum is wrong", "damaged")
    complains(trace("report", f"{directory}/none"), USAGE, "none: No such file")
    complains(trace("report", GMEMTRACE), USAGE, "no capture file")


def peak_memory(*command):
    """Bytes, of this command alone."""
    pid = os.fork()
    if not pid:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.execv(command[0], command)
    _pid, status, usage = os.wait4(pid, 0)
    assert not status, f"{command}: status {status}"
    return usage.ru_maxrss * 1024


def test_size(directory):
    """10 million events: at most 12 bytes each, and a report in bounded memory"""
    said = []
    for snapshots in 10, 0:
        path = generate(f"{directory}/a.cap", LARGE, snapshots)
        assert os.path.getsize(path) <= 12 * LARGE, os.path.getsize(path)
        peak = peak_memory(GMEMTRACE, "report", path)
        assert peak <= MEMORY_MAX, peak
        said.append(f"{os.path.getsize(path) / LARGE:.1f} bytes an event, {peak >> 20} MiB")
    return "; ".join(said)


def many(directory, make):
    """Paths of captures that are the same."""
    path = f"{directory}/one"
    make(path)
    paths = [f"{directory}/{i}" for i in range(MANY)]
    for to in paths:
        shutil.copy(path, to)
    return paths


def test_many(directory):
    """a check of 1,000 captures, small ones and ones of 300 slots: memory for what is compared of them"""
    said = []
    for name, make in (("small", lambda path: shutil.copy(f"{ROOT}/tests/data/tiny.cap", path)),
                       ("of 300 slots", lambda path: subprocess.run([f"{ROOT}/build/crowd", path, "300"], check=True))):
        paths = many(directory, make)
        peak = peak_memory(GMEMTRACE, "check", "--base", *paths[::2], "--new", *paths[1::2], "--allow", "copies", "--rule", "release.count<=+0%",
                           "--rule", "guest_fault.p99<=+13%", "--inconclusive", "pass")
        assert peak <= MANY_MEMORY_MAX, f"{name}: {peak}"
        said.append(f"{name} {peak / 1e6:.0f} MB")
    return ", ".join(said)


def main():
    results = Results("capture")
    with tempfile.TemporaryDirectory() as directory:
        for test in (test_documented, test_schema, test_same_numbers, test_incomplete, test_damaged, test_size, test_many):
            results.run(test, directory)
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""scripts/lab perf: two kernels compared, `perf.py [arm64]`. Starts VMs, so it runs on this machine and not in one."""
import glob
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tool  # noqa: E402  (after the path)
from tap import Results, Skip  # noqa: E402

LAB = f"{tool.ROOT}/scripts/lab"
UNAVAILABLE = 77


def perf(*arguments):
    return tool.run(LAB, "perf", *arguments, timeout=580)


def test_wrong_usage():
    """wrong usage is told, with status 2"""
    for arguments, words in (([], "--base"), (["--base", "7.3"], "--new"), (["--base", "7.3", "--new", "2.4"], "2.4"), (["--runs"], "--runs"),
                             (["--base", "7.3", "--new", "7.3", "--runs", "many"], "many"), (["--fast"], "--fast"), (["--base", "7.3", "--new", "7.3", "--boots", "0"], "--boots 0"),
                             (["--base", "7.3", "--new", "7.3", "--keep", "/no/such"], "/no/such"),
                             (["--base", "7.3", "--new", "7.3-arm64"], "two architectures")):
        done = perf(*arguments)
        assert done.returncode == 2 and words in done.stderr, f"{arguments}: {done}"


def test_prepares():
    """7.2 prepares a page at every fault, 6.18 once"""
    with tempfile.TemporaryDirectory() as directory:
        done = perf("--base", "6.18", "--new", "7.2", "--runs", "1", "--keep", directory, "-f", "json")
        if done.returncode == UNAVAILABLE or "not available" in done.stderr:
            raise Skip("the archive does not have both kernels")
        assert done.returncode == 1, f"status {done.returncode}: {done.stderr}"
        files = sorted(os.path.basename(path) for path in glob.glob(f"{directory}/*"))
    check = json.loads(done.stdout)["check"]
    rows = {row["rule"]: row for row in check["results"]}
    prepares = rows["prepare.per_fault<=+1%"]
    assert prepares["verdict"] == "regression", prepares
    assert (prepares["base"]["value"], prepares["new"]["value"]) == (0.6, 1), prepares
    assert rows["guest_fault.refaults<=+1%"]["verdict"] == rows["loss==0"]["verdict"] == "fine", rows
    assert files == ["base-1-1.gmem", "base-2-1.gmem", "new-1-1.gmem", "new-2-1.gmem"], files
    spread = re.findall(r"(\w+): between two boots guest_fault.mean moved by (\S+%)", done.stderr)
    assert [side for side, _ in spread] == ["base", "new"], done.stderr
    return f"guest_fault.mean {rows['guest_fault.mean<=+2%']['change']['value']:+.2%}; between boots {', '.join(moved for _, moved in spread)}"


def test_arm64():
    """of two kernels of arm64 all is the same but what it costs"""
    done = perf("--base", "6.18-arm64", "--new", "7.3-arm64", "--boots", "1", "--runs", "1", "-f", "json")
    assert done.returncode in (0, 1), f"status {done.returncode}: {done.stderr}"
    rows = {row["rule"]: row for row in json.loads(done.stdout)["check"]["results"]}
    for rule in ("guest_fault.refaults<=+1%", "notifier.gmem_only<=+1%", "loss==0"):
        assert rows[rule]["verdict"] == "fine", rows[rule]
    return f"guest_fault.mean {rows['guest_fault.mean<=+2%']['change']['value']:+.2%}"


def main():
    results = Results("perf")
    for test in (test_arm64,) if sys.argv[1:] == ["arm64"] else (test_wrong_usage, test_prepares):
        results.run(test)
    results.exit()


main()

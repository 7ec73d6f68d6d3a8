# SPDX-License-Identifier: GPL-2.0-only
"""Runs gmemtrace for tests, and says what a message of its must look like. Shared by the suites here and by tests/native.py."""
import json
import os
import re
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
# Of `make ARCH=arm64` in the lab's VMs of arm64.
CROSS_BUILT = f"{ROOT}/build/arm64"
BUILD = CROSS_BUILT if os.uname().machine == "aarch64" and os.path.exists(CROSS_BUILT) else f"{ROOT}/build"
GMEMTRACE = f"{BUILD}/gmemtrace"
GMEMTOP = f"{BUILD}/gmemtop"
GMEMLOAD = f"{BUILD}/gmemload"
# The programs under the sanitizers, which end them with words on standard error; not in the user space of a VM of another architecture.
SANITIZED = BUILD if BUILD == CROSS_BUILT else f"{BUILD}/sanitized"

USAGE, IMPOSSIBLE, UNABLE = 2, 3, 4  # UNABLE: of check


def run(*command, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 120} | options
    return subprocess.run(command, check=False, **options)


def trace(*arguments, **options):
    return run(GMEMTRACE, *arguments, **options)


def report(*arguments):
    """The JSON report of a capture that must succeed."""
    done = trace("-f", "json", *arguments)
    assert done.returncode == 0, f"{arguments}: status {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


def complains(done, status, *words, tool="gmem(?:trace|top)"):
    """@done ended with @status, said nothing but one line with thing, reason and next step, and in it @words; of @tool, or of any."""
    said = f"status {done.returncode}, standard output {done.stdout!r}, standard error {done.stderr!r}"
    assert done.returncode == status, f"not status {status}: {said}"
    assert not done.stdout, said
    assert re.fullmatch(rf"{tool}: [^\n]+: [^\n]+\. [A-Z`][^\n]+\.\n", done.stderr), f"not a line as it should be: {said}"
    for word in words:
        assert word in done.stderr, f"no '{word}': {said}"


def bpftool(*arguments):
    done = run("bpftool", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def attached():
    """Names of the BPF programs and maps that are in the kernel, and how many links: only gmemtrace's, in a lab VM."""
    return [item.get("name", "?") for kind in ("prog", "map") for item in bpftool(kind, "list") if not mine(item)] \
        + ["link"] * len(bpftool("link", "list"))


def mine(item):
    """Not gmemtrace's: bpftool itself loads a program that lists the pids of what there is."""
    return any(pid["comm"] == "bpftool" for pid in item.get("pids", []))

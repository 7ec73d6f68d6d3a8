#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does gmemtrace check find a fault path that is 2 % slower, and is it quiet when nothing has changed? `check.py [TRIALS]`, as root
in a lab VM with --icount. A trial is three runs: one as it is, one in which build/spin slows every guest fault down, one as it is again. The
first is compared with each of the others; no run is in two trials.
"""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tool  # noqa: E402  (after the path)
from tap import Results  # noqa: E402

WORKLOAD = [tool.GMEMLOAD, "--vms=1", "--vcpus=1", "--slots=1", "--pages=4096", "touch", "punch:pages=2048", "touch", "recreate", "touch"]
SLOWER = 0.02
SAMPLE_TURNS = 200
RUNS = 3  # on each side under icount, as lab perf and docs/ci.md have it: now and then something interrupts a run
GROUP = 5  # runs on each side of an interval
FINE, REGRESSION, INCONCLUSIVE = 0, 1, 3


def run(*command):
    """Under icount the clock goes on while the VM waits for this machine, as fast as it can: no time is too long. `lab run` has a limit."""
    return tool.run(*command, timeout=None)


class Captures:
    def __init__(self, directory):
        self.directory = directory
        self.number = 0

    def record(self, turns, *options):
        """The file of one more run, with so many turns of the loop in each fault."""
        self.number += 1
        path = f"{self.directory}/{self.number}.gmem"
        done = run(f"{tool.BUILD}/spin", str(turns), tool.GMEMTRACE, "record", "-e", "guest_fault,prepare", "-o", path, *options, "--", *WORKLOAD)
        assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
        return path


def check(base, new, *options):
    """The status and the JSON object."""
    done = run(tool.GMEMTRACE, "check", "-f", "json", *options, "--base", *base, "--new", *new)
    assert done.returncode in (FINE, REGRESSION, INCONCLUSIVE), f"status {done.returncode}: {done.stderr}"
    return done.returncode, json.loads(done.stdout)["check"]


def mean_change(base, new):
    results = check([base], [new], "--deterministic", "--rule", "guest_fault.mean")[1]["results"]
    return results[0]["change"]["value"]


def turns_for(captures, change):
    """How many turns make a fault slower by so much. The first run of a boot finds everything cold."""
    captures.record(0)
    base = captures.record(0)
    return round(SAMPLE_TURNS * change / mean_change(base, captures.record(SAMPLE_TURNS)))


RULE = ["--deterministic", "--rule", "guest_fault.mean<=+1%", "--rule", "guest_fault.count<=+0%", "--rule", "loss==0"]


def test_quiet(base, again):
    """the same kernel against itself is quiet, each time, with three runs on each side"""
    found = [check(one, other, *RULE)[0] for one, other in zip(groups(base, RUNS), groups(again, RUNS))]
    assert found == [FINE] * len(found), found
    single = [check([one], [other], *RULE)[0] for one, other in zip(base, again)]
    largest = max(abs(mean_change(one, other)) for one, other in zip(base, again))
    return f"{len(found)} of {len(found)}; with one run {single.count(FINE)} of {len(single)}, whose mean moved by {largest:.2%} at most"


def test_found(base, slow):
    """guest faults that are 2 % slower are found, each time"""
    found = [check([one], [other], *RULE)[0] for one, other in zip(base, slow)]
    assert found == [REGRESSION] * len(slow), found
    changes = [mean_change(one, other) for one, other in zip(base, slow)]
    return f"{len(slow)} of {len(slow)}, as {min(changes):+.2%} to {max(changes):+.2%}"


def groups(captures, n=GROUP):
    return [captures[i:i + n] for i in range(0, len(captures) - n + 1, n)]


def test_by_interval(base, slow, again):
    """and so they are by intervals of 5 + 5 runs, as if there were noise"""
    rule = ["--rule", "guest_fault.mean<=+1%"]
    quiet = [check(one, other, *rule)[0] for one, other in zip(groups(base), groups(again))]
    found = [check(one, other, *rule)[0] for one, other in zip(groups(base), groups(slow))]
    assert quiet == [FINE] * len(quiet), quiet
    assert found == [REGRESSION] * len(found), found
    return f"{len(found)} of {len(found)}"


def test_too_few(base, slow):
    """with too few runs the verdict is inconclusive"""
    status, result = check(base[:2], slow[:2], "--rule", "guest_fault.mean<=+1%")
    assert status == INCONCLUSIVE and "needs 5 + 5 runs, there are 2 + 2" in result["results"][0]["reason"], result


def test_refused(base, captures):
    """what the tracer itself adds must be the same: captures made with --no-fsession or --events are refused, by name"""
    for option, allow, words in (("--no-fsession", "programs", ": fsession.multi, pairs ("), ("--events", "options", "differ in the option --events.")):
        command = [tool.GMEMTRACE, "check", *RULE, "--base", base[0], "--new", captures.record(0, option)]
        done = run(*command)
        assert done.returncode == tool.USAGE and words in done.stderr and f"--allow {allow} " in done.stderr, f"{option}: {done}"
        done = run(*command, "--allow", allow)
        assert done.returncode in (FINE, REGRESSION), f"{option}: {done}"


def record_all(captures, trials, turns):
    base, slow, again = [], [], []
    for _ in range(trials):
        for runs, slower in ((base, 0), (slow, turns), (again, 0)):
            runs.append(captures.record(slower))
        print(f"# {mean_change(base[-1], again[-1]):+.2%} {mean_change(base[-1], slow[-1]):+.2%}", flush=True)
    return base, slow, again


def main():
    results, trials = Results("check"), int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as directory:
        captures = Captures(directory)
        base, slow, again = record_all(captures, trials, turns_for(captures, SLOWER))
        results.run(test_quiet, base, again)
        results.run(test_found, base, slow)
        results.run(test_too_few, base, slow)
        results.run(test_refused, base, captures)
        if trials >= 2 * GROUP:
            results.run(test_by_interval, base, slow, again)
    results.exit()


main()

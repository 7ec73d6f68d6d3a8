#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is gmemtrace check quiet when the same kernel has only booted again, and does it find 2 % from boot to boot? `boots.py [BOOTS] [--keep DIR]`.

Starts VMs, one after the other, so it runs on this machine and not in one. In each boot, one run that is thrown away and RUNS more; in every
second boot as many in which build/spin makes each guest fault slower. Of four boots in a row, the first and the third are compared with the second
and the fourth: two boots on each side, in turns, as lab perf has it. Captures that --keep DIR has already are not made again.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tool  # noqa: E402  (after the path)
from tap import Results  # noqa: E402

KERNEL = "7.3"
RUNS = 2
SLOWER = 0.02
# A fault of this workload takes 7,170 instructions, and a turn of the loop adds four.
TURNS = round(7170 * SLOWER / 4)
WORKLOAD = [tool.GMEMLOAD, "--vms=1", "--vcpus=1", "--slots=1", "--pages=4096", "touch", "recreate", "touch", "punch:pages=2048", "touch", "host"]
RULE = ["--deterministic", "--rule", "guest_fault.mean<=+1%", "--rule", "guest_fault.count<=+0%", "--rule", "loss==0"]
FINE, REGRESSION, INCONCLUSIVE = 0, 1, 3

# In the VM: a command for each capture, in its order.
RECORD = "{spin} {turns} {gmemtrace} record -o {path} -- {workload} >/dev/null || exit"


def captures(directory, boot, kind):
    return [f"{directory}/b{boot:02}-{kind}-{run}.gmem" for run in range(1, RUNS + 1)]


def record(directory, boot):
    slow = captures(directory, boot, "slow") if boot % 2 else []
    plain = captures(directory, boot, "plain")
    if all(os.path.exists(path) for path in plain + slow):
        return
    cold = f"{directory}/cold.gmem"
    wanted = [(cold, 0), *((path, 0) for path in plain), *((path, TURNS) for path in slow)]
    script = "\n".join(RECORD.format(spin=f"{tool.BUILD}/spin", turns=turns, gmemtrace=tool.GMEMTRACE, path=path, workload=" ".join(WORKLOAD))
                       for path, turns in wanted)
    done = tool.run(f"{tool.ROOT}/scripts/lab", "run", "--kernel", KERNEL, "--icount", "--timeout", "1800", "--share", directory, "--", "sh", "-c", script,
                    timeout=None)
    assert done.returncode == 0, f"boot {boot}: status {done.returncode}: {done.stderr}"
    os.unlink(cold)


def check(base, new):
    done = tool.run(tool.GMEMTRACE, "check", *RULE, "-f", "json", "--base", *base, "--new", *new)
    assert done.returncode in (FINE, REGRESSION, INCONCLUSIVE), f"status {done.returncode}: {done.stderr}"
    return done.returncode


def mean_ns(paths):
    """The smallest of these runs."""
    done = tool.run(tool.GMEMTRACE, "check", "-f", "json", "--allow", "copies", "--deterministic", "--rule", "guest_fault.mean", "--base", *paths, "--new", *paths)
    return json.loads(done.stdout)["check"]["results"][0]["base"]["value"]


def of_boots(directory, boots, kind):
    return [path for boot in boots for path in captures(directory, boot, kind)]


def sides(boots):
    """Which boots are compared with which; boots with slow runs are the second ones."""
    for first in range(boots - 3):
        yield sorted(((first, first + 2), (first + 1, first + 3)), key=lambda side: side[0] % 2)


def compare(directory, boots, kind, wanted):
    found = [check(of_boots(directory, base, "plain"), of_boots(directory, new, kind)) for base, new in sides(boots)]
    single = [check(captures(directory, base, "plain"), captures(directory, base + 1, kind)) for base in range(0, boots - 1, 2)]
    assert found == [wanted] * len(found), found
    return f"{len(found)} of {len(found)}; of one boot and the next {single.count(wanted)} of {len(single)}, and {single.count(INCONCLUSIVE)} inconclusive"


def test_quiet(directory, boots):
    """the same kernel is quiet from boot to boot, each time"""
    return compare(directory, boots, "plain", FINE)


def test_found(directory, boots):
    """guest faults that are 2 % slower are found from boot to boot, each time"""
    return compare(directory, boots, "slow", REGRESSION)


def test_spread(directory, boots):
    """boots are less than a quarter of the limit apart"""
    means = [mean_ns(captures(directory, boot, "plain")) for boot in range(boots)]
    slow = [mean_ns(captures(directory, boot, "slow")) for boot in range(1, boots, 2)]
    middle, apart = statistics.median(means), max(means) / min(means) - 1
    assert apart < 0.01 / 4, means
    return (f"{boots} boots: guest_fault.mean {min(means):.0f} to {max(means):.0f} ns, {apart:.3%} apart, standard deviation "
            f"{statistics.stdev(means) / middle:.3%}; slower by {min(slow) / middle - 1:.2%} to {max(slow) / middle - 1:.2%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boots", nargs="?", type=int, default=23)
    parser.add_argument("--keep", metavar="DIR")
    options = parser.parse_args()
    results = Results("boots")
    with tempfile.TemporaryDirectory() as temporary:
        directory = os.path.realpath(options.keep or temporary)
        for boot in range(options.boots):
            record(directory, boot)
        for test in (test_quiet, test_found, test_spread):
            results.run(test, directory, options.boots)
    results.exit()


if __name__ == "__main__":
    main()

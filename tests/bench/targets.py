#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What tracing may cost, in instructions: runs as root in a lab VM of 7.3 or 7.3-arm64 with --icount, for tests/run.

The limits are what was measured and a few instructions more, so that a change that makes the traced paths dearer is noticed. Most are
not the aims, which are lower: docs/overhead.md has both.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))
import cost  # noqa: E402  (after the path)
import growth  # noqa: E402
from tap import Results, Skip  # noqa: E402

# By tool, what it is compared with in the same run, and operation.
LIMITS = {
    ("gmemtrace", "empty_session", "guest_fault"): 352,
    ("gmemtrace_pairs", "empty_pair", "guest_fault"): 412,
    ("gmemtop", "gmemtrace", "guest_fault"): 32,
    ("record", "gmemtrace", "guest_fault"): 305,
    ("gmemtrace", "empty_session", "punch_zapped"): 8,
    ("gmemtrace", "empty_session", "punch_freed"): 8,
    ("gmemtrace_sample", "empty_session", "guest_fault"): 155,
    ("gmemtrace", "empty_session", "host_fault"): 600,
    ("gmemtrace_pairs", "empty_pair", "host_fault"): 580,
    ("gmemtrace", "empty_session", "punch_hole"): 3050,
    ("gmemtrace_pairs", "empty_pair", "punch_hole"): 3010,
}
# Of the start and the end around a command that does nothing, in millions.
START_LIMITS = {
    "gmemtrace": 2990,
    "gmemtrace_pairs": 4600,
    "gmemtrace_fault": 2750,
}
# What one slot more, with its guest_memfd, takes in a refresh of gmemtop --json: the aim.
REFRESH_LIMIT, REFRESH_SLOTS = 100_000, (100, 500)
# What a munmap() of 64 GiB may cost more, all leaves of which are there: a page in each 32 MiB makes them, and what is kept of them is
# the same when all pages are touched.
UNMAP_PAGES, LEAF_PAGES, UNMAP_LIMIT = 16 << 20, 8192, 50000
BPFTRACE_SHARE = 1 / 3  # of what its histogram by slot adds
# arm64's instructions are others: the path that happens most.
LIMITS_ARM64 = {
    ("gmemtrace", "empty_session", "guest_fault"): 450,
    ("gmemtrace_pairs", "empty_pair", "guest_fault"): 500,
}
ARM64 = os.uname().machine == "aarch64"


class Costs:
    """What each tool adds, by operation."""

    def __init__(self, limits):
        names = {name for key in limits for name in key[:2]} | (set() if ARM64 else {"bpftrace"})
        operations = cost.chosen(cost.OPERATIONS, ",".join(sorted({key[2] for key in limits})))
        self.results = cost.measure(cost.chosen(cost.TOOLS, ",".join(names)), operations)

    def added(self, tool, operation):
        result = self.results[tool]
        if "skipped" in result:
            raise Skip(f"{tool}: {result['skipped']}")
        return result["operations"][operation] - self.results["nothing"]["operations"][operation]


def within(costs, tool, empty, operation, limit):
    added, floor = costs.added(tool, operation), costs.added(empty, operation)
    assert added - floor <= limit, f"{added:.0f}, of which {empty} {floor:.0f}: {added - floor - limit:.0f} more than the limit"
    return f"{added:.0f}, of which {empty} {floor:.0f}"


def starts_within(tool, limit):
    spent = cost.tool_of(tool).start_cost() / 1e6
    assert spent <= limit, f"{spent:.0f} million, {spent - limit:.0f} more than the limit"
    return f"{spent:.0f} million"


def refresh_is_cheap():
    """a slot more in a refresh of gmemtop --json takes no more than 100,000 instructions"""
    added = growth.one_more(growth.snapshots_of(REFRESH_SLOTS), "refresh", *REFRESH_SLOTS)
    assert added <= REFRESH_LIMIT, f"{added:.0f}"
    return f"{added:.0f}"


def unmap_cost(*tracer):
    """CPU time of the munmap(), in nanoseconds that are instructions: the least of some."""
    situation = f"PAGES={UNMAP_PAGES} {cost.BUILD}/situations unmap_big {LEAF_PAGES} 24"
    subprocess.run([*tracer, "sh", "-c", f"{situation} >/tmp/unmap"], check=True, stdout=subprocess.DEVNULL)
    with open("/tmp/unmap", encoding="ascii") as file:
        return min(map(int, file))


def unmap_is_cheap():
    """a munmap() of 64 GiB of a guest_memfd takes no more than 50,000 instructions more"""
    said = []
    for options in ((), ("--no-fsession",)):
        added = unmap_cost(cost.GMEMTRACE, *options, "-o", "/tmp/report", "--") - unmap_cost()
        assert added <= UNMAP_LIMIT, f"{added} more"
        said.append(str(added))
    return f"{' and '.join(said)} more"


def far_below_bpftrace(costs):
    """gmemtrace adds less than a third of what bpftrace's histogram by slot adds to a guest fault"""
    added, other = costs.added("gmemtrace", "guest_fault"), costs.added("bpftrace", "guest_fault")
    assert added <= other * BPFTRACE_SHARE, f"gmemtrace {added:.0f}, bpftrace {other:.0f}"
    return f"{added:.0f} and {other:.0f}"


def x86_limits(results, costs):
    for tool, limit in START_LIMITS.items():
        def started(*arguments):
            return starts_within(*arguments)
        started.__doc__ = f"{tool} starts and ends in at most {limit} million instructions"
        results.run(started, tool, limit)
    results.run(far_below_bpftrace, costs)
    results.run(refresh_is_cheap)
    results.run(unmap_is_cheap)


def main():
    limits = LIMITS_ARM64 if ARM64 else LIMITS
    results, costs = Results("overhead-arm64" if ARM64 else "overhead"), Costs(limits)
    for (tool, empty, operation), limit in limits.items():
        def limited(*arguments):
            return within(costs, *arguments)
        limited.__doc__ = f"{tool} adds to {operation} at most {limit} instructions more than {empty}"
        results.run(limited, tool, empty, operation, limit)
    if not ARM64:
        x86_limits(results, costs)
    results.exit()


if __name__ == "__main__":
    main()

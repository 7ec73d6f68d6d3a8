#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What automatic NUMA balancing does to gmem-only slots. Runs as root in a lab VM with two nodes: lab run --numa 2.

The account of gmemload does not know when the kernel balances: ftrace is the judge here.
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import counts  # noqa: E402  (after the path)
from tap import Results  # noqa: E402

BALANCING = "/sys/kernel/debug/sched/numa_balancing"
PAGES = 512
# Which slot gets which policy, by number; the last has none.
POLICIES = ["mbind:slot=0,balancing=1", "mbind:slot=1"]
SLOTS = len(POLICIES) + 1
# The kernel leaves alone what no thread touches: the VMM does so now and then.
STEPS = [*POLICIES, "host", "touch", *["spin:ms=300", "host"] * 10, "touch"]


def write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(value))


def balance_often():
    if not os.path.ismount("/sys/kernel/debug"):
        os.system("mount -t debugfs none /sys/kernel/debug")
    write("/proc/sys/kernel/numa_balancing", 1)
    for name in ("scan_delay_ms", "scan_period_min_ms", "scan_period_max_ms"):
        write(f"{BALANCING}/{name}", 100)


def test_balancing():
    """NUMA balancing zaps a gmem-only slot whose policy asks for it, no other; the guest faults its pages in again"""
    balance_often()
    with tempfile.TemporaryDirectory() as directory:
        # Not in a real-time class: the kernel balances others only.
        run = counts.Run([f"--vms=1 --vcpus=1 --slots={SLOTS} --pages={PAGES} {' '.join(STEPS)}"], directory, scheduler="")
    slots = [slot["events"] for slot in run.capture["vms"][0]["slots"][:SLOTS]]
    hits = [events["notifier_hit"] for events in slots]
    faults = [events["guest_fault"]["details"] for events in slots]
    assert run.capture["loss"]["total"] == 0, run.capture["loss"]
    wrong = counts.compare_traced(run)
    assert not wrong, "\n".join(wrong)
    # Each is hit once when the VMM unmaps all at its end.
    assert hits[0]["count"] > 1 and hits[0]["details"]["gmem_only"] == hits[0]["count"], hits
    assert [hit["count"] for hit in hits[1:]] == [1] * (SLOTS - 1), hits
    assert faults[1:] == [{"resident": PAGES}] * (SLOTS - 1), faults
    # A fault in the middle of a zap is done again, but no page comes back more often than it went.
    refaults = faults[0]["refault_notifier"]
    assert PAGES <= refaults <= hits[0]["pages"] - PAGES, (faults, hits)
    assert refaults + faults[0]["resident"] == run.ftrace["kvm_gmem_get_pfn"] - (SLOTS - 1) * PAGES, (faults, run.ftrace)
    return f"{hits[0]['count'] - 1} hits of {PAGES} pages, {refaults} refaults"


def test_nodes():
    """pages are allocated and freed on the node that the policy names"""
    steps = "mbind:node=1 touch:pages=300 mbind:node=0 touch:first=300,pages=200 punch:pages=100"
    with tempfile.TemporaryDirectory() as directory:
        run = counts.Run([f"--vms=1 --vcpus=1 --slots=1 --pages=500 {steps}"], directory)
    wrong = counts.compare_traced(run)
    assert not wrong, "\n".join(wrong)
    slot = run.capture["vms"][0]["slots"][0]["events"]
    rest = run.capture["gmems"][0]["events"]
    assert slot["alloc"]["details"] == {"node0": 200, "node1": 300}, slot["alloc"]
    assert slot["free"]["details"] == {"node1": 100}, slot["free"]
    assert rest["free"]["details"] == {"node0": 200, "node1": 200}, rest["free"]


def main():
    results = Results("numa")
    results.run(test_nodes)
    results.run(test_balancing)
    results.exit()


if __name__ == "__main__":
    main()

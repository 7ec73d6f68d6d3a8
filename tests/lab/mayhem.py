#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""VMMs at random (build/mayhem), against kprobes, against their own account, and every cause against what they know.

Runs as root in a lab VM: mayhem.py KERNEL [SECONDS] [--seed N] [--by KIND]... The same seed rolls the same dice.
"""
import argparse
import collections
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from counts import FUNCTIONS, compare_latencies, compare_traced, ftrace, lost, places_of, total  # noqa: E402  (after the path)
from tap import Results, Skip  # noqa: E402
from tool import BUILD, GMEMTRACE, run  # noqa: E402

MAYHEM = f"{BUILD}/mayhem"
KERNEL = sys.argv[1]
# Attached by, and what else. Where there are no more threads than CPUs, hardly one is preempted inside a program, which keeps
# others out: what is missed then is little or nothing, and where it is nothing all causes are compared.
KINDS = {
    "fsession": ((), []),
    "pairs": (("--no-fsession",), []),
    "exact": (("--exact",), []),
    "fsession-calm": ((), ["--calm"]),
    "pairs-calm": (("--no-fsession",), ["--calm"]),
}
THREADS = 11  # that end in each phase
ROOM = ("--owners", "65536")
# What there is room for in one capture: VMs that have ended are not given back then, and can be compared.
ROUND_SECONDS = 120
# Events whose hooks share a program with others', or (convert: every ioctl of a VM) run for what is no such event: what was
# skipped may have been another's, and then the ledger says more than was lost.
SHARING = {"convert", "create", "bind", "unbind", "release", "populate", "prefault", "poison", "allocate", "punch_hole", "zap"}


class Mayhem:
    """One capture around it; as counts.py compares them."""

    def __init__(self, options, arguments, seconds, seed):
        functions = ftrace.traceable(sorted({name for _, names in FUNCTIONS for name in names}))
        command = [MAYHEM, str(seed), str(seconds), *arguments]
        with ftrace.calls_of(functions) as self.ftrace:
            done = run(GMEMTRACE, "-f", "json", *ROOM, *options, "-o", "/tmp/mayhem.json", "--exit-status", "--", *command, timeout=seconds + 600)
        assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
        self.account = json.loads(done.stdout)
        with open("/tmp/mayhem.json", encoding="utf-8") as file:
            self.capture = json.load(file)
        self.lost = self.capture["loss"]["total"]
        # With two programs, the end of a thread's last guest fault, when it is missed, leaves nobody to notice.
        self.unnoticed = THREADS * self.account["phases"] if self.lost and "--no-fsession" in options else 0

    def events(self):
        return {hook["event"] for hook in self.capture["hooks"] if hook["attached"]}

    def processes(self):
        """Each with the VMs that the capture has of it, in the order in which they were made."""
        vms = collections.defaultdict(list)
        for vm in self.capture["vms"]:
            vms[vm["pid"]].append(vm)
        return [(process, vms[process["pid"]]) for process in self.account["processes"]]


def pages_of(mayhem, event):
    return sum(place["events"].get(event, {}).get("pages", 0) for place in places_of(mayhem.capture))


def is_right(mayhem, right, *events):
    """Nothing is counted that did not happen, and what is not counted is said to be lost."""
    count, gone = sum(total(mayhem, event) for event in events), lost(mayhem, *events)
    unnoticed = mayhem.unnoticed if "guest_fault" in events else 0
    return (count if set(events) <= SHARING else count + gone) <= right <= count + gone + unnoticed


def compare_functions(mayhem):
    """As compare_traced(), which takes each loss to be of one event."""
    wrong = []
    for line in compare_traced(mayhem):
        events = line.split(":")[0].split("+")
        functions = next(names for found, names in FUNCTIONS if found == events)
        right = next(mayhem.ftrace[name] for name in functions if name in mayhem.ftrace)
        if not is_right(mayhem, right, *events):
            wrong.append(line)
    return wrong


def compare_calls(mayhem):
    """What KVM was asked for."""
    wrong = []
    told = collections.Counter()
    pages = collections.Counter()
    for process in mayhem.account["processes"]:
        for name, (count, npages) in process["calls"].items():
            told[name] += count
            pages[name] += npages
    for name in sorted(set(told) & mayhem.events()):
        count, gone = total(mayhem, name), lost(mayhem, name)
        if not is_right(mayhem, told[name], name):
            wrong.append(f"{name}: {count} counted, {gone} lost, {told[name]} calls")
        if not gone and pages_of(mayhem, name) != pages[name]:
            wrong.append(f"{name}: {pages_of(mayhem, name)} pages counted of {pages[name]}")
    return wrong


def causes_of(slot):
    return slot["events"].get("guest_fault", {}).get("details", {})


def compare_slot(where, slot, known):
    """One whose causes are known."""
    causes = {name: count for name, count in causes_of(slot).items() if name != "prefetch"} if slot else {}
    if causes == known["causes"]:
        return []
    kind = "as the racing left it" if known["carried"] else "alone"
    return [f"phase {known['phase']}: {where} slot {known['id']} ({kind}): causes {causes}, not {known['causes']}"]


def compare_vm(where, vm, account, with_carried):
    slots = {slot["id"]: slot for slot in vm["slots"]}
    wrong = []
    for known in account["slots"]:
        if with_carried or not known["carried"]:
            wrong += compare_slot(where, slots.get(known["id"]), known)
    return wrong


def compare_causes(mayhem):
    """What was missed while all raced may have left the wrong cause behind, until a page is known again."""
    wrong = []
    for number, (process, vms) in enumerate(mayhem.processes()):
        if "vms" not in process:
            continue
        if len(vms) != len(process["vms"]):
            wrong.append(f"process {number}: {len(vms)} VMs, not {len(process['vms'])}")
        for index, (vm, account) in enumerate(zip(vms, process["vms"])):
            wrong += compare_vm(f"process {number} vm {index}", vm, account, not mayhem.lost)
    return wrong


def compare_lives(mayhem):
    """Small VMs, at the addresses of those before."""
    process, vms = mayhem.processes()[-1]
    faults = [sum(slot["events"].get("guest_fault", {"count": 0})["count"] for slot in vm["slots"]) for vm in vms]
    each, missed = process["faults"], lost(mayhem, "guest_fault")
    if len(vms) == process["lives"] and not [n for n in faults if not each - missed <= n <= each]:
        return []
    return [f"{process['lives']} VMs of {each} faults: {len(vms)} with {sorted(collections.Counter(faults).items())}, {missed} missed"]


def compare(mayhem):
    return compare_functions(mayhem) + compare_latencies(mayhem) + compare_calls(mayhem) + compare_causes(mayhem) + compare_lives(mayhem)


def summary(mayhem):
    vms = [vm for process in mayhem.account["processes"] for vm in process.get("vms", [])]
    slots = [slot for vm in vms for slot in vm["slots"] if not (mayhem.lost and slot["carried"])]
    known = sum(sum(slot["causes"].values()) for slot in slots)
    losses = ", ".join(f"{event} {kinds}" for event, kinds in mayhem.capture["loss"]["events"].items())
    left_out = sum(vm["left_out"] for vm in vms)
    return (f"{mayhem.account['phases']} phases, {total(mayhem, 'guest_fault')} guest faults, {lost(mayhem, 'guest_fault')} missed, "
            f"{mayhem.lost} lost in all ({losses}), {known} causes compared, {left_out} pages left out, {len(mayhem.capture['vms'])} VMs")


def kernel_warnings():
    """The kernel may have given up some kind of tracing, and says so there alone."""
    return run("dmesg", "--level=emerg,alert,crit,err,warn").stdout.splitlines()[-60:]


def mayhem_by(kind, seconds, seed):
    options, arguments = KINDS[kind]
    if kind == "exact" and KERNEL.endswith("6.12"):
        raise Skip("this kernel has no session of probes")
    mayhem = Mayhem(options, arguments, seconds, seed)
    wrong = compare(mayhem)
    # Of a fault that a hole overtook it cannot be known what it found.
    if kind == "exact" and [kinds for kinds in mayhem.capture["loss"]["events"].values() if set(kinds) != {"cause"}]:
        wrong.append(f"lost with --exact: {mayhem.capture['loss']}")
    assert not wrong, "\n".join([f"seed {seed}, {seconds} seconds, {kind}: {summary(mayhem)}", *wrong[:30], *kernel_warnings()])
    return f"seed {seed}: {summary(mayhem)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("seconds", nargs="?", type=int, default=120)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1000000)
    parser.add_argument("--by", action="append", choices=KINDS, help="only by these")
    asked = parser.parse_args()
    kinds = asked.by or list(KINDS)
    results = Results(f"mayhem: {asked.kernel}")
    with ftrace.hold_a_vm():
        for kind in kinds:
            seconds = asked.seconds // len(kinds)
            for n in range(-(-seconds // ROUND_SECONDS)):
                test = lambda: mayhem_by(kind, min(seconds, ROUND_SECONDS), asked.seed + n)  # noqa: B023,E731
                test.__doc__ = f"at random, nothing is counted or told wrong: {kind}"
                results.run(test)
    results.exit()


if __name__ == "__main__":
    main()

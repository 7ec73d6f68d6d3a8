# SPDX-License-Identifier: GPL-2.0-only
"""Three accounts of one run, compared: what gmemload did, what gmemtrace counted, what ftrace counted.

Run in a VM by suite.py. ftrace counts with a kprobe event on each function, since Debian's kernels have no function profiler.
"""
import collections
import importlib.machinery
import importlib.util
import json
import shlex
import subprocess

import lists
from tool import GMEMLOAD, GMEMTRACE, ROOT


def load_ftrace():
    """tests/workload/ftrace-check, as a module: it knows how to make ftrace count."""
    loader = importlib.machinery.SourceFileLoader("ftrace_check", f"{ROOT}/tests/workload/ftrace-check")
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


ftrace = load_ftrace()


def all_events():
    """Also those that are off by default."""
    done = subprocess.run([GMEMTRACE, "probe", "-f", "json"], stdout=subprocess.PIPE, check=True)
    return ",".join(hook["event"] for hook in json.loads(done.stdout)["hooks"])


class Run:
    """One capture around several gmemload command lines, one after the other, each a process of its own."""

    def __init__(self, cases, directory, options=(), scheduler="chrt -f 1"):
        self.cases = cases
        # First come, first served: a vCPU thread is not preempted by another inside a BPF program, which would then be skipped
        # for that other one (hazard 5). Losses have a test of their own.
        self.scheduler = scheduler
        self.accounts = []
        self.asked_for = all_events()
        empty = self.gmemload_account("--vms=0 sleep:ms=1")
        functions = ftrace.traceable(empty["functions"])
        with ftrace.hold_a_vm(), ftrace.calls_of(functions) as self.ftrace:
            self.capture = self.trace(directory, options)

    @staticmethod
    def gmemload_account(command_line):
        done = subprocess.run([GMEMLOAD, *shlex.split(command_line)], stdout=subprocess.PIPE, check=False)
        return json.loads(done.stdout)

    def execute(self, command):
        subprocess.run(command, check=True)

    def execute_and_report(self, options, command, report):
        self.execute([GMEMTRACE, *options, "-f", "json", "-o", report, *command])

    def trace(self, directory, options):
        script = "".join(f"{self.scheduler} {GMEMLOAD} {case} > {directory}/{i}.json 2> {directory}/{i}.err || true\n"
                         for i, case in enumerate(self.cases))
        self.execute_and_report(["-e", self.asked_for, *options], ["--", "sh", "-c", script], f"{directory}/capture.json")
        for i, case in enumerate(self.cases):
            with open(f"{directory}/{i}.json", encoding="utf-8") as file:
                text = file.read()
            with open(f"{directory}/{i}.err", encoding="utf-8") as file:
                assert text, f"gmemload {case}: no account: {file.read()}"
            self.accounts.append(json.loads(text))
        with open(f"{directory}/capture.json", encoding="utf-8") as file:
            return json.load(file)

    def events(self):
        """The events that this kernel carries."""
        return {hook["event"] for hook in self.capture["hooks"] if hook["attached"]}


# gmemload does not know where the kernel takes pages from: numa.py sees to that.
DETAILS = {(event, name) for event, name in lists.details() if not name.startswith("node")}


def details(name, event):
    return {detail: count for detail, count in event.get("details", {}).items() if (name, detail) in DETAILS}


def differences(where, ours, theirs):
    return [f"{where}: {name}: gmemtrace {ours.get(name)}, gmemload {theirs.get(name)}"
            for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]


def plain(events, names):
    """The events of one place as {name: (count, pages, errors, details)}, of what both sides know."""
    return {name: (event["count"], event.get("pages", 0), event.get("errors", {}), details(name, event))
            for name, event in events.items() if name in names and event["count"]}


def compare_vm(where, vm, gmems, account, names):
    """One VM: itself, each slot, each guest_memfd."""
    def part(events):
        return plain(events, names)

    wrong = differences(where, part(vm["events"]), part(account["events"]))
    ours = {(slot["as_id"], slot["id"]): slot for slot in vm["slots"]}
    theirs = {(slot["as_id"], slot["id"]): slot for slot in account["slots"]}
    for key in sorted(ours.keys() | theirs.keys()):
        wrong += differences(f"{where} slot {key}", part(ours.get(key, {"events": {}})["events"]),
                             part(theirs.get(key, {"events": {}})["events"]))
    theirs = {gmem["inode"]: gmem for gmem in account["gmems"]}
    for inode in sorted(gmems.keys() | theirs.keys()):
        wrong += differences(f"{where} gmem {inode}", part(gmems.get(inode, {"events": {}})["events"]),
                             part(theirs.get(inode, {"events": {}})["events"]))
    return wrong


def seen(vm):
    return bool(vm["events"] or any(slot["events"] for slot in vm["slots"]) or any(gmem["events"] for gmem in vm["gmems"]))


def compare_sums(case, vms, account, names):
    sums = collections.defaultdict(lambda: {"count": 0, "pages": 0, "errors": collections.Counter(),
                                            "details": collections.Counter()})
    for vm, gmems in vms:
        for place in [vm, *vm["slots"], *gmems.values()]:
            for name, event in place["events"].items():
                sums[name]["count"] += event["count"]
                sums[name]["pages"] += event.get("pages", 0)
                sums[name]["errors"].update(event.get("errors", {}))
                sums[name]["details"].update(event.get("details", {}))
    return differences(case, plain(sums, names), plain(account["events"], names))


def compare_places(run):
    """Every VM of every process, in the order in which they were made."""
    names = run.events() - lists.NOT_BY_PLACE
    vms = collections.defaultdict(list)
    for index, vm in enumerate(run.capture["vms"]):
        gmems = {gmem["ino"]: gmem for gmem in run.capture["gmems"] if gmem["vm"] == index}
        vms[vm["pid"]].append((vm, gmems))
    wrong = []
    for case, account in zip(run.cases, run.accounts):
        ours = vms.pop(account["pid"], [])
        theirs = [vm for vm in account["vms"] if seen(vm)]
        if "--run-time" in case:  # gmemload adds up VMs that it makes again and again
            wrong += compare_sums(case, ours, account, names)
            continue
        if len(ours) != len(theirs):
            wrong.append(f"{case}: gmemtrace saw {len(ours)} VMs, gmemload made {len(theirs)}")
            continue
        for (vm, gmems), other in zip(ours, theirs):
            wrong += compare_vm(f"{case}: vm {other['index']}", vm, gmems, other, names)
    wrong += [f"a VM of process {pid}, which is not of the tree" for pid in vms]
    return wrong


def places_of(capture):
    yield capture["host"]
    yield from capture["gmems"]
    for vm in capture["vms"]:
        yield from (vm, *vm["slots"])


def total(run, event):
    """Over all places of the capture, as the design demands: each event is in exactly one."""
    return sum(place["events"].get(event, {"count": 0})["count"] for place in places_of(run.capture))


def latency_is_sound(event):
    """The buckets hold each latency, the smallest in the first and the largest in the last, and the sum can be theirs."""
    latency, buckets = event["latency_ns"], event["latency_ns"]["buckets"]
    (low, first_high, _), (last_low, high, _) = buckets[0], buckets[-1]
    return (sum(n for _, _, n in buckets) == latency["count"] == event["count"] and
            latency["min"] * event["count"] <= latency["sum"] <= latency["max"] * event["count"] and
            low <= latency["min"] < (first_high or latency["max"] + 1) and last_low <= latency["max"] < (high or latency["max"] + 1))


def compare_latencies(run):
    """Nobody else has counted latencies; but what is said of them at one place has to agree."""
    return [f"{name} at {place.get('base_gfn', '')}: {event}" for place in places_of(run.capture) for name, event in place["events"].items()
            if event.get("latency_ns") and not latency_is_sound(event)]


# Which functions ftrace must have counted for a sum of events.
FUNCTIONS = [
    (["guest_fault"], ["kvm_gmem_get_pfn"]),
    (["host_fault"], ["kvm_gmem_fault_user_mapping"]),
    (["create"], ["kvm_gmem_create"]),
    (["bind"], ["kvm_gmem_prepare_memory_region", "kvm_gmem_bind"]),
    (["unbind"], ["kvm_gmem_unbind"]),
    (["release"], ["kvm_gmem_release"]),
    (["allocate", "punch_hole"], ["kvm_gmem_fallocate"]),
    (["zap"], ["__kvm_gmem_invalidate_start", "__kvm_gmem_invalidate_begin", "kvm_gmem_invalidate_begin"]),
    (["notifier"], ["kvm_mmu_notifier_invalidate_range_start"]),
    (["prepare"], ["kvm_arch_gmem_make_private", "kvm_arch_gmem_prepare"]),
    (["populate"], ["kvm_gmem_populate"]),
    (["prefault"], ["kvm_arch_vcpu_pre_fault_memory"]),
    (["poison"], ["kvm_gmem_error_folio"]),
    (["direct_map_zap"], ["kvm_gmem_folio_zap_direct_map"]),
    (["direct_map_restore"], ["kvm_gmem_folio_restore_direct_map"]),
]


# What was skipped of a program that serves several events is told once.
SHARED = [{"create", "bind", "unbind", "release", "populate", "prefault", "poison"}, {"allocate", "punch_hole"}, {"zap", "notifier_hit"}]


def lost(run, *events):
    """Of the events, and of those that share a program with them where it is not known of which."""
    losses = run.capture["loss"]["events"]
    shared = {other for sharing in SHARED if sharing & set(events) for other in sharing}
    return sum(losses.get(event, {}).get(kind, 0) for event in events for kind in ("state", "missed", "owner")) \
        + sum(losses.get(event, {}).get("shared", 0) for event in shared)


def compare_traced(run, tolerance=0):
    """What was counted and what is said to be lost make what ftrace counted, but for @tolerance too few."""
    wrong = []
    for events, functions in FUNCTIONS:
        function = next((name for name in functions if name in run.ftrace), None)
        if not function or not set(events) <= run.events():
            continue
        ours = sum(total(run, event) for event in events) + lost(run, *events)
        theirs = run.ftrace[function]
        if not theirs - tolerance <= ours <= theirs:
            wrong.append(f"{'+'.join(events)}: gmemtrace {ours}, ftrace {theirs} calls of {function}")
    return wrong


def compare_ftrace(run, tolerance=0):
    """ftrace's count is that of gmemtrace, see compare_traced(), and that of gmemload."""
    told = collections.Counter()
    for account in run.accounts:
        told.update(account["functions"])
    return compare_traced(run, tolerance) + [f"{name}: gmemload {told[name]}, ftrace {count}"
                    for name, count in run.ftrace.items() if told[name] != count]

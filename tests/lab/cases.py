#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What VMMs, processes and administrators can bring about beside gmemload's steps. Runs as root in a lab VM: cases.py KERNEL [TEST]...

Each test knows what is right: from what build/situations did, and from what kprobes counted in the same run.
"""
import collections
import contextlib
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from behaviour import background, capturing, wait_for  # noqa: E402  (after the path)
from counts import FUNCTIONS, compare_latencies, compare_traced, ftrace, lost  # noqa: E402
from tap import Results, tests_of  # noqa: E402
from tool import BUILD, GMEMLOAD, GMEMTOP, GMEMTRACE, IMPOSSIBLE, ROOT, complains, report, run, trace  # noqa: E402

SITUATIONS = f"{BUILD}/situations"
FTRACE_ENABLED = "/proc/sys/kernel/ftrace_enabled"
TRACING = "/sys/kernel/tracing"
BOTH_WAYS = ((), ("--no-fsession",))


class Watched:
    """A capture around situations, and what kprobes counted meanwhile; as counts.py compares them."""

    def __init__(self, *situations, options=()):
        functions = ftrace.traceable(sorted({name for _, names in FUNCTIONS for name in names}))
        with ftrace.calls_of(functions) as self.ftrace:
            self.capture = report(*options, "--", "sh", "-ec", "; ".join(f"{SITUATIONS} {words} >/dev/null" for words in situations))
        wrong = compare_traced(self) + compare_latencies(self)
        assert not wrong, "\n".join(wrong)

    def events(self):
        return {hook["event"] for hook in self.capture["hooks"] if hook["attached"]}

    def lost_nothing(self, but=None):
        """@but: of a fault that a hole has overtaken it is not known what it found (cause)."""
        lost = [kind for kinds in self.capture["loss"]["events"].values() for kind in kinds if kind != but]
        assert not lost and not self.capture["loss"]["switched_off"], self.capture["loss"]
        return self


def counted(place, event, default=0):
    return place["events"].get(event, {"count": default})["count"]


def everywhere(capture, event):
    places = [capture["host"], *capture["gmems"], *(place for vm in capture["vms"] for place in (vm, *vm["slots"]))]
    return sum(counted(place, event) for place in places)


def the_slot(capture, number=1):
    return next(slot for slot in capture["vms"][0]["slots"] if slot["id"] == number)


def test_holes():
    """holes of less than a page are counted, each at its guest_memfd"""
    for options in BOTH_WAYS:
        capture = Watched("holes", options=options).lost_nothing().capture
        assert everywhere(capture, "punch_hole") == 55, capture["gmems"]
        assert sorted(counted(gmem, "punch_hole") for gmem in capture["gmems"]) == list(range(11)), capture["gmems"]


def test_hole_of_another():
    """a hole of less than a page in one guest_memfd is not told of another's slot"""
    for options in BOTH_WAYS:
        capture = Watched("hole_of_another", options=options).lost_nothing().capture
        assert counted(the_slot(capture), "punch_hole") == 1, capture["vms"]
        assert sorted(counted(gmem, "punch_hole") for gmem in capture["gmems"]) == [0, 8], capture["gmems"]


def test_bind_refused_late():
    """a bind that KVM refuses after guest_memfd has agreed is one that failed, and none is lost"""
    for options in BOTH_WAYS:
        capture = Watched("beyond 3", options=options).lost_nothing().capture
        assert everywhere(capture, "bind") == 4, capture["vms"]
        if everywhere(capture, "unbind") == 4:
            return "this kernel binds, and unbinds what it refuses"
        for number in range(3):
            assert the_slot(capture, number)["events"]["bind"]["errors"] == {"EINVAL": 1}, capture["vms"]
        assert not the_slot(capture, 9)["events"]["bind"]["errors"], capture["vms"]
    return None


@contextlib.contextmanager
def tracing(*options):
    """gmemtrace, when it captures; communicate() then has its report."""
    process = subprocess.Popen([GMEMTRACE, "-f", "json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: capturing(process), "capture")
        yield process
    finally:
        process.kill()
        process.communicate()


def ends_well(process):
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return json.loads(out)


@contextlib.contextmanager
def waiting(*command):
    """A situation that goes on when it is told to; its process and pid."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"WAIT": ""})
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def goes_on(process):
    process.stdin.close()
    process.stdin = None  # for communicate()
    return process.wait() == 0


def test_vcpu_in_another_process():
    """-p has the faults of a vCPU that another process runs in the VMM's memory"""
    for options in BOTH_WAYS:
        with waiting(SITUATIONS, "clonevm") as (process, pid), tracing("-p", str(pid), *options) as tracer:
            assert goes_on(process)
            capture = ends_well(tracer)
        assert [vm["pid"] for vm in capture["vms"]] == [pid], capture["vms"]
        assert counted(the_slot(capture), "guest_fault") == 256 and not capture["loss"]["total"], capture


def test_as_kprobes_count():
    """kills, slots that flap and mappings that move: what kprobes count is counted or lost"""
    for options in BOTH_WAYS:
        Watched("slot_flap 1 3000", "killer 6", "maps", "hole_race 3 3000", options=options)


# Why the guests of situations fault.
CAUSES = {
    "forks": {"first_touch": 256, "refault_punch": 5 * 32},
    "many_slots 500": {"first_touch": 500 * 4 - 1, "resident": 1, "refault_notifier": 500 * 4, "refault_punch": 500 * 4},
    "quirk": {"first_touch": 256, "refault_slot_change": 128},
    "churn 40": {"first_touch": 40 * 256},
}


def causes_by_process(capture):
    """Those of its guest faults, of each process that has any, in the order in which they came."""
    causes = collections.defaultdict(collections.Counter)
    for vm in capture["vms"]:
        for slot in vm["slots"]:
            causes[vm["pid"]].update(slot["events"].get("guest_fault", {}).get("details", {}))
    return [dict(found) for found in causes.values() if found]


def test_causes():
    """forks, a thousand slots, the quirk switched off and VMs one after the other: each fault has its cause"""
    for options in BOTH_WAYS:
        capture = Watched(*CAUSES, options=options).lost_nothing().capture
        assert causes_by_process(capture) == list(CAUSES.values()), f"{options}: {causes_by_process(capture)}"


def test_allocated_meanwhile():
    """pages that are allocated while the guest touches them: each fault has one cause, which after a hole is the hole"""
    for options in BOTH_WAYS:
        watched = Watched("alloc_race 30", options=options)
        (causes,), missed = causes_by_process(watched.capture), lost(watched, "guest_fault")
        punched = causes["refault_punch"]
        assert sum(causes.values()) + missed == 30 * 256 and 29 * 256 - missed <= punched <= 29 * 256, f"{causes}, {missed} missed"


def test_lives():
    """VMs at the addresses of those before, made while a hole of a TiB is punched: each is itself"""
    for options in BOTH_WAYS:
        capture = trace("-f", "json", *options, "--", "sh", "-c", f"{SITUATIONS} lives 3 4000 >/tmp/lives")
        assert capture.returncode == 0, capture.stderr
        capture = json.loads(capture.stdout)
        with open("/tmp/lives", encoding="ascii") as file:
            made = int(file.read())
        faults = [sum(counted(slot, "guest_fault") for slot in vm["slots"]) for vm in capture["vms"]]
        missed = capture["loss"]["events"].get("guest_fault", {}).get("missed", 0)
        assert len(faults) == made + 1 and max(faults) <= 16, f"{made} VMs: {faults}"
        assert sum(faults) <= 16 * made <= sum(faults) + missed, f"{made} VMs: {sum(faults)} faults, {missed} missed"
    return f"{made} VMs"


def test_full_index():
    """a VM that -p chooses is counted, though VMs that it leaves out would fill all tables"""
    for options in BOTH_WAYS:
        with background(SITUATIONS, "hold", "60", "60") as hold, waiting("env", "PAGES=64", SITUATIONS, "late") as (process, pid):
            hold.stdout.readline()  # all are there
            with tracing("--owners=16", "-p", str(pid), *options) as tracer:
                assert goes_on(process)
                capture = ends_well(tracer)
        assert everywhere(capture, "guest_fault") == 64 and not capture["loss"]["total"], capture


def test_alloc_in_missed_fault():
    """pages that are added in faults that were missed are counted, or said to be lost"""
    for options in BOTH_WAYS:
        capture = report(*options, "-e", "guest_fault,alloc,free,punch_hole", "--", SITUATIONS, "hole_race", "8", "4000")
        alloc, free = everywhere(capture, "alloc"), everywhere(capture, "free")
        missed = {event: capture["loss"]["events"].get(event, {}).get("missed", 0) for event in ("alloc", "free")}
        assert alloc <= free + missed["free"] and free <= alloc + missed["alloc"], f"{alloc} added, {free} freed, {missed} missed"
    return f"{alloc} added, {missed['alloc']} missed"


def test_exact():
    """--exact misses no fault, with eight vCPUs that fault all the time, nor anything else"""
    capture = Watched("hole_race 8 5000", "lives 3 3000", options=("--exact",)).lost_nothing(but="cause").capture
    return f"{everywhere(capture, 'guest_fault')} guest faults"


def causes_of(capture, event="guest_fault"):
    """How often each cause, over all; they and what is lost are all that succeeded."""
    found, count = {}, 0
    for place in [capture["host"], *capture["gmems"], *(place for vm in capture["vms"] for place in (vm, *vm["slots"]))]:
        counts = place["events"].get(event, {"count": 0, "errors": {}, "details": {}})
        count += counts["count"] - sum(counts.get("errors", {}).values())
        for name, n in counts["details"].items():
            if name != "prefetch":
                found[name] = found.get(name, 0) + n
    lost = capture["loss"]["events"].get(event, {}).get("cause", 0)
    assert sum(found.values()) + lost == count, (found, lost, count)
    return found, lost


def test_hole_meanwhile():
    """faults while a hole is punched: those that find the old page are resident, those after it have the right cause"""
    events = ("-e", "guest_fault,alloc,punch_hole,notifier_hit")
    said = []
    for options in BOTH_WAYS:
        for gib in (16, 64, 1024):
            capture = report(*events, *options, "--", "sh", "-c", f"{SITUATIONS} hole_big 3 {gib} >/dev/null")
            found, lost = causes_of(capture)
            faults, allocated = everywhere(capture, "guest_fault"), everywhere(capture, "alloc") - 1  # one is the VMM's
            assert found.get("refault_notifier") == 256 and lost <= 6, (found, lost)
            assert abs(found.get("resident", 0) - (faults - allocated - 256)) <= lost, (found, lost, faults, allocated)
            said.append(lost)
    return f"{sum(said)} of which it is said that it is not known"


def test_causes_in_races():
    """holes and fallocate() while vCPUs fault: each fault has a cause, or it is said that it has none"""
    for options in BOTH_WAYS:
        for situation in ("hole_race 2 3000", "alloc_race 30", "forks", "slot_flap 1 2000"):
            causes_of(report(*options, "--", "sh", "-c", f"{SITUATIONS} {situation} >/dev/null"))


def pages_added(work):
    """How many pages the file has got that got most while @work ran; what that returned."""
    point, keys = ftrace.TRACEPOINTS["alloc"]
    write(f"events/{point}/trigger", f"hist:keys={keys}:size=16384")
    try:
        returned = work()
        with open(f"{TRACING}/events/{point}/hist", encoding="ascii") as file:
            return max(int(n) for n in re.findall(r"hitcount: *(\d+)", file.read())), returned
    finally:
        write(f"events/{point}/trigger", f"!hist:keys={keys}:size=16384")


def test_causes_on_one_cpu():
    """holes and vCPUs that take turns on one CPU: which page was there is right, or it is said that it is not known"""
    command = "sh", "-c", f"exec taskset -c 0 {SITUATIONS} hole_race 4 3000 >/dev/null"
    added, capture = pages_added(lambda: report("--exact", "-e", "guest_fault,punch_hole", "--", *command))
    (found, lost), faults = causes_of(capture), everywhere(capture, "guest_fault")
    assert abs(found["resident"] - (faults - added)) <= lost < faults / 8, (found, lost, faults, added)
    return f"{faults} faults, of {lost} it is not known"


def test_memory_is_used_again():
    """page states of guest_memfds that are gone serve the next ones: 60 of 512 MiB, one after the other"""
    for options, n in zip(BOTH_WAYS, (60, 12)):
        capture = report("--owners=200", *options, "--", "sh", "-c", f"{SITUATIONS} leaf_churn {n} >/dev/null")
        found, lost = causes_of(capture, "host_fault")
        assert found == {"first_touch": n * 256} and not lost and not capture["loss"]["total"], (found, capture["loss"])


def test_page_memory():
    """--page-memory: what does not fit has no cause, which is said; all the rest is as ever"""
    load = "sh", "-c", f"{GMEMLOAD} --vms=40 --slots=4 --pages=8 --vcpus=1 --no-mmap touch recreate touch >/dev/null"
    found, lost = causes_of(report("--exact", "--page-memory=1M", "--", *load))
    faults = 160 * 8
    assert lost and found == {"first_touch": faults - lost // 2, "refault_slot_change": faults - lost // 2}, (found, lost)
    whole, lost_nothing = causes_of(report("--exact", "--", *load))
    assert whole == {"first_touch": faults, "refault_slot_change": faults} and not lost_nothing, (whole, lost_nothing)


def test_pages_of_other_files():
    """pages that KVM adds to other files, while it copies something in, are no guest_memfd's (kvm_read_guest() stands in for populate)"""
    done = run(f"{BUILD}/stand-in/gmemtrace", "-f", "json", "-e", "alloc,populate", "--", SITUATIONS, "read_file", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    capture = json.loads(done.stdout)
    assert everywhere(capture, "populate") and not capture["loss"]["total"], capture["vms"]
    assert everywhere(capture, "alloc") == counted(the_slot(capture), "alloc") == 256, capture["vms"]


# ---- Tracing that is switched off ----


def switch(value):
    """Whether kernel.ftrace_enabled takes it: from 7.3 on, it does not become 0."""
    with contextlib.suppress(OSError):
        with open(FTRACE_ENABLED, "w", encoding="ascii") as file:
            file.write(value)
    with open(FTRACE_ENABLED, encoding="ascii") as file:
        return file.read().strip() == value


def load(*options):
    return trace(*options, "--", "sh", "-c", f"exec {GMEMLOAD} --vms=1 --slots=1 touch >/dev/null")


def test_switched_off_before():
    """kernel.ftrace_enabled=0: refused, with the reason"""
    try:
        if not switch("0"):
            done = load("-f", "json")
            assert done.returncode == 0 and json.loads(done.stdout)["loss"] == {"total": 0, "switched_off": 0, "events": {}}, done
            return "this kernel does not let it be 0"
        for command in ((GMEMTRACE, "--", "true"), (GMEMTRACE, "probe"), (GMEMTRACE, "record", "-o", "/tmp/capture", "--", "true")):
            complains(run(*command), IMPOSSIBLE, "kernel.ftrace_enabled is 0", "sysctl kernel.ftrace_enabled=1")
        for options in (("-b",), ("--json",)):
            done = run(GMEMTOP, *options)
            assert done.returncode == IMPOSSIBLE and "kernel.ftrace_enabled is 0" in done.stderr and not done.stdout, done
        assert not os.path.exists("/tmp/capture")
    finally:
        assert switch("1")
    return None


def switching(*values):
    """A script that writes these, with a VM after each."""
    return "; ".join(f"echo {value} >{FTRACE_ENABLED} 2>/dev/null; {GMEMLOAD} --vms=1 --slots=1 touch >/dev/null" for value in values)


def test_switched_off_meanwhile():
    """kernel.ftrace_enabled that was 0 for a while is in the ledger, in every output; one that never was is not"""
    try:
        able = switch("0")
    finally:
        assert switch("1")
    for values, times in (("1", 0), ("01", 1), ("0101", 2), ("0", 1)):
        try:
            done = trace("record", "-o", "/tmp/capture", "--", "sh", "-c", switching(*values))
            assert done.returncode == 0, done.stderr
        finally:
            assert switch("1")
        told = json.loads(trace("report", "-f", "json", "/tmp/capture").stdout)["loss"]
        assert told["switched_off"] == (times if able else 0), f"{values}: {told}"
        text = trace("report", "/tmp/capture").stdout
        assert ("kernel.ftrace_enabled was set to 0" in text) == (times > 0 and able), text
        if times and able:
            judged = trace("check", "--allow", "copies", "--base", "/tmp/capture", "--new", "/tmp/capture")
            assert "kernel.ftrace_enabled was 0" in judged.stdout + judged.stderr and judged.returncode, judged
    os.unlink("/tmp/capture")
    return None if able else "this kernel does not let it be 0"


# ---- PID namespaces ----

NEW_PIDS = ["unshare", "--pid", "--fork", "--kill-child"]
NEW_PROC = [*NEW_PIDS, "--mount-proc"]
HELD = f"{GMEMLOAD} --vms=1 --slots=1 --pages=64 --run-time=600 punch touch sleep:ms=20 >/dev/null"


def in_namespace(unshare, script):
    """What a shell script prints, one JSON object a line: $VMM is a guest that goes on having events, with its number in there."""
    script = f"{HELD} & VMM=$!; sleep 1.5; {script}; kill $VMM"
    done = run(*unshare, "sh", "-ec", script)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_namespace_of_both():
    """tracer and VMM in a PID namespace, with its /proc or the host's: -p, inventory and COMMAND as outside"""
    for unshare in (NEW_PROC, NEW_PIDS):
        script = f"""{GMEMTRACE} inventory -f json -p $VMM; {GMEMTRACE} inventory -f json; {GMEMTRACE} -f json -d 1 -p $VMM;
            {GMEMTRACE} -f json -- sh -c '{GMEMLOAD} --vms=1 --slots=1 --pages=64 touch >/dev/null'; echo $VMM"""
        chosen, listed, captured, command, vmm = in_namespace(unshare, script)
        for found in (chosen, listed, captured):
            assert [vm["pid"] for vm in found["vms"]] == [vmm], f"{unshare}: {found['vms']}, not {vmm}"
            assert "outside of this PID namespace" in found["inventory"]["lacks"], found["inventory"]
        assert everywhere(captured, "guest_fault"), captured
        assert len(command["vms"]) == 1 and everywhere(command, "guest_fault") == 64, command["vms"]
    text = run(*NEW_PROC, GMEMTRACE, "inventory").stdout
    assert "*** NOT LISTED: VMs of processes outside of this PID namespace" in text, text


def test_namespace_of_vmm():
    """the VMM in a PID namespace, the tracer outside: with the numbers that it has outside"""
    with subprocess.Popen([*NEW_PROC, "sh", "-c", f"exec {HELD}"]) as unshare:
        try:
            wait_for(lambda: run("pgrep", "-P", str(unshare.pid), "gmemload").stdout, "a VMM")
            time.sleep(1)
            pid = int(run("pgrep", "-P", str(unshare.pid), "gmemload").stdout)
            for found in (report("-d", "1", "-p", str(pid)), json.loads(trace("inventory", "-f", "json", "-p", str(pid)).stdout)):
                assert [vm["pid"] for vm in found["vms"]] == [pid] and found["inventory"]["lacks"] is None, found
        finally:
            unshare.kill()


@contextlib.contextmanager
def vmm_outside():
    """A guest that goes on having events, started as usual."""
    with subprocess.Popen(["sh", "-c", f"exec {HELD}"]) as vmm:
        try:
            time.sleep(1.5)
            yield vmm
        finally:
            vmm.kill()


def test_namespace_of_tracer():
    """the tracer in a PID namespace, the VMM outside: counted, without a number, and not listed"""
    with vmm_outside() as vmm:
        done = run(*NEW_PROC, GMEMTRACE, "-f", "json", "-d", "1")
        capture = json.loads(done.stdout)
        assert [vm["pid"] for vm in capture["vms"]] == [0] and everywhere(capture, "guest_fault"), capture["vms"]
        assert "pid in another namespace" in run(*NEW_PROC, GMEMTRACE, "-d", "1").stdout
        assert json.loads(run(*NEW_PROC, GMEMTRACE, "inventory", "-f", "json").stdout)["vms"] == []
        other = run(*NEW_PROC, GMEMTRACE, "-p", str(vmm.pid), "-d", "1")
        assert other.returncode == 2 and "no such process" in other.stderr, other


def test_container_with_host_pids():
    """a container that has the host's PID namespace, but mounts, users and names of its own, is as the host"""
    with vmm_outside() as vmm:
        done = run("unshare", "--mount", "--uts", "--ipc", "--net", "--cgroup", GMEMTRACE, "-f", "json", "-d", "1", "-p", str(vmm.pid))
        capture = json.loads(done.stdout)
        assert [vm["pid"] for vm in capture["vms"]] == [vmm.pid] and everywhere(capture, "guest_fault"), capture
        assert capture["inventory"] == {"taken": True, "reason": None, "lacks": None}, capture["inventory"]


# ---- The end of a capture ----


WAITS = ["synchronize_rcu_expedited", "synchronize_rcu"]  # what the kernel does when a map of maps changes; 6.18 the latter


def write(path, text):
    with open(f"{TRACING}/{path}", "w", encoding="ascii") as file:
        file.write(f"{text}\n")


def waits_of(pid):
    total = 0
    for name in WAITS:
        with open(f"{TRACING}/events/cases/{name}/hist", encoding="ascii") as file:
            total += sum(int(count) for found, count in re.findall(r"common_pid: *(\d+) .*hitcount: *(\d+)", file.read()) if int(found) == pid)
    return total


def test_end_waits():
    """the end of a capture waits for programs that still run, with nohz_full and on one CPU, too"""
    write("kprobe_events", "\n".join(f"p:cases/{name} {name}" for name in WAITS))
    try:
        for name in WAITS:
            write(f"events/cases/{name}/trigger", "hist:keys=common_pid")
        with tracing() as tracer:
            before = waits_of(tracer.pid)
            ends_well(tracer)
            assert waits_of(tracer.pid) > before, f"{waits_of(tracer.pid)} waits, {before} of them before the end"
    finally:
        for name in WAITS:
            write(f"events/cases/{name}/trigger", "!hist:keys=common_pid")
        write("kprobe_events", "")


def chosen():
    for test in tests_of(globals()):
        name = test.__name__.removeprefix("test_")
        if sys.argv[2:]:
            yield from [test] * (name in sys.argv[2:])
        else:
            yield test


def main():
    results = Results(f"cases: {sys.argv[1]}")
    with ftrace.hold_a_vm():
        results.run_chosen(chosen(), [])
    results.exit()


if __name__ == "__main__":
    main()

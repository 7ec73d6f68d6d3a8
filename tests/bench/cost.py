#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that each tool adds to what a guest_memfd guest does: `cost.py [-o FILE] [--tools NAME,...]`.

Runs as root in a lab VM with --icount, where a nanosecond of CPU time is an instruction; `make bench` does that. Prints a table; FILE
gets the same as JSON. A tool that this kernel cannot run is skipped, and the skips are counted.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lab"))
from tool import BUILD, GMEMLOAD, GMEMTOP, GMEMTRACE  # noqa: E402  (after the path)

FLOOR = f"{BUILD}/floor"
TRACING = "/sys/kernel/tracing"

GUEST_FAULT = "kvm_gmem_get_pfn"
# Whose ends the empty programs are attached to, where the kernel has them: those of the operations below.
FLOOR_FUNCTIONS = [GUEST_FAULT, "kvm_gmem_fault_user_mapping", "kvm_gmem_fallocate", "kvm_mmu_notifier_invalidate_range_start"]

PAGES = 4096
ROUNDS = 5


class Operation:
    """@measured, one of @steps, is done @rounds times, and is @units operations each time. @clock: a field of gmemload's account."""

    def __init__(self, name, what, shape, before, steps, measured, units, rounds=ROUNDS, clock="cpu_ns"):
        self.name, self.what, self.units, self.measured, self.clock = name, what, units, measured, clock
        self.rounds = rounds
        self.command = [GMEMLOAD, "--vms=1", "--vcpus=1", "--slots=1", *shape, *before, *(rounds * steps)]

    def cost(self, account):
        """Nanoseconds by the clock: the least, since ticks and what they bring can only add to a round."""
        times = [step[self.clock] for step in account["steps"] if step["step"] == self.measured]
        return min(times[-self.rounds:]) / self.units


MANY = [f"--pages={PAGES}"]
# Of what costs a page little, so few that most rounds fit between two ticks, and one of so many does.
FEW = 1024
FEW_ROUNDS = 12
OPERATIONS = [
    Operation("guest_fault", "a guest fault of a resident page", [*MANY, "--no-mmap"], ["touch"], ["recreate", "touch"], "touch", PAGES),
    Operation("first_touch", "a guest fault of a page that is not there", [*MANY, "--no-mmap"], [], ["punch", "touch"], "touch", PAGES),
    Operation("host_fault", "a host fault of a resident page", MANY, ["host"], ["munmap", "mmap", "host"], "host", PAGES),
    Operation("punch_zapped", "a page zapped and freed by a punched hole", [f"--pages={FEW}", "--no-mmap"], [], ["touch", "punch"], "punch", FEW, FEW_ROUNDS),
    Operation("punch_freed", "a page freed by a punched hole", [f"--pages={FEW}", "--no-mmap"], [], ["allocate", "punch"], "punch", FEW, FEW_ROUNDS),
    Operation("punch_hole", "a punched hole of one page", ["--pages=8", "--no-mmap"], [],
              ["touch:pages=1", "punch:pages=1"], "punch:pages=1", 1),
    Operation("notifier", "an MMU notifier that hits the slot", MANY, ["host:pages=8"],
              ["touch:pages=8", "mprotect:pages=8", "mprotect:pages=8,prot=rw"], "mprotect:pages=8", 1),
    Operation("conversion", "a conversion of 8 pages", ["--pages=8", "--type=swprot"], [],
              ["convert:to=private", "touch", "convert:to=shared"], "convert:to=private", 1),
]


def write(path, text):
    with open(f"{TRACING}/{path}", "w", encoding="ascii") as file:
        file.write(f"{text}\n")


class Skip(Exception):
    """This kernel, or this machine, cannot have the tool."""


def function_graph():
    write("set_ftrace_filter", GUEST_FAULT)
    write("current_tracer", "function_graph")
    write("tracing_on", "1")


def no_tracer():
    write("current_tracer", "nop")
    write("set_ftrace_filter", "")


def probes(*probe_texts):
    write("kprobe_events", "\n".join(probe_texts))


# The second argument is the slot. On arm64, KVM is no module.
PROBE = f"p:gf {'kvm:' if platform.machine() == 'x86_64' else ''}{GUEST_FAULT} slot=$arg2:u64"

# The fault's latency by slot with tracefs alone.
HIST_TRIGGERS = [
    ("kprobes/gf", "hist:keys=common_pid:slot=slot,ts0=common_timestamp"),
    ("kprobes/gr", "hist:keys=common_pid:latency=common_timestamp-$ts0,s=$slot:onmatch(kprobes.gf).gmem_latency($s,$latency)"),
    ("synthetic/gmem_latency", "hist:keys=slot,latency.log2"),
]


def hist_trigger():
    probes(PROBE, f"r:gr kvm:{GUEST_FAULT}")
    write("synthetic_events", "gmem_latency u64 slot; u64 latency")
    for event, trigger in HIST_TRIGGERS:
        write(f"events/{event}/trigger", trigger)


def one_probe():
    probes(PROBE)


def no_probes():
    write("kprobe_events", "")


class Gmemtop:
    """The live view beside the workload, as a program reads it."""

    def begin(self):
        self.process = subprocess.Popen([GMEMTOP, "--json", "-i", "1"], stdout=subprocess.PIPE)
        self.process.stdout.readline()  # all is attached
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def end(self):
        self.process.terminate()
        self.process.wait()


gmemtop = Gmemtop()


def has_function(function):
    with open(f"{TRACING}/available_filter_functions", encoding="ascii") as file:
        return any(line.split()[0] == function for line in file)


def floor(kind):
    return [FLOOR, kind, *filter(has_function, FLOOR_FUNCTIONS), "--"]


BPFTRACE = """
kfunc:kvm:kvm_gmem_get_pfn { @start[tid] = nsecs; }
kretfunc:kvm:kvm_gmem_get_pfn /@start[tid]/ { @ns[args->slot->id] = hist(nsecs - @start[tid]); delete(@start[tid]); }
"""


class Tool:
    """@around: the words before the command that it watches; or @begin and @end, what to do before and after."""

    def __init__(self, name, what, around=lambda: [], begin=None, end=None):
        self.name, self.what, self.around, self.begin, self.end = name, what, around, begin, end

    def measured(self, operations, directory):
        """Instructions of each operation, and of the tool's start and end around a command that does nothing."""
        if self.begin:
            self.begin()
        try:
            return self.costs(operations, directory), self.start_cost() if self.around() else None
        finally:
            if self.end:
                self.end()

    def costs(self, operations, directory):
        script = "".join(f"{' '.join(op.command)} >{directory}/{op.name} 2>/dev/null\n" for op in operations) + "true\n"
        self.run(script)
        return {op.name: self.cost_of(op, directory) for op in operations}

    @staticmethod
    def cost_of(operation, directory):
        with open(f"{directory}/{operation.name}", encoding="utf-8") as file:
            text = file.read()
        account = json.loads(text) if text else {"unavailable": "no VM of this type"}
        return None if account["unavailable"] else operation.cost(account)

    def command(self, script):
        return ["sh", "-c", script]

    def run(self, script):
        done = subprocess.run([*self.around(), *self.command(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise Skip(f"status {done.returncode}: {done.stdout.strip()[-150:]}")

    def start_cost(self):
        before = os.times()
        self.run("true")
        after = os.times()
        return (after.children_user + after.children_system - before.children_user - before.children_system) * 1e9


class Bpftrace(Tool):
    """Takes the command as one word, and needs its whole path."""

    def command(self, script):
        with open("/tmp/script", "w", encoding="ascii") as file:
            file.write(script)
        return ["/usr/bin/sh /tmp/script"]


TOOLS = [
    Tool("nothing", ""),
    Tool("empty_pair", "an empty pair of fentry and fexit", lambda: floor("pair")),
    Tool("empty_session", "an empty fsession", lambda: floor("session")),
    Tool("gmemtrace", "gmemtrace", lambda: [GMEMTRACE, "-o", "/tmp/report", "--"]),
    Tool("gmemtrace_pairs", "gmemtrace --no-fsession", lambda: [GMEMTRACE, "--no-fsession", "-o", "/tmp/report", "--"]),
    Tool("gmemtrace_exact", "gmemtrace --exact", lambda: [GMEMTRACE, "--exact", "-o", "/tmp/report", "--"]),
    Tool("gmemtrace_sample", "gmemtrace --sample 64", lambda: [GMEMTRACE, "--sample", "64", "-o", "/tmp/report", "--"]),
    Tool("gmemtrace_sample_pairs", "gmemtrace --sample 64 --no-fsession",
         lambda: [GMEMTRACE, "--sample", "64", "--no-fsession", "-o", "/tmp/report", "--"]),
    Tool("gmemtrace_fault", "gmemtrace -e guest_fault", lambda: [GMEMTRACE, "-e", "guest_fault", "-o", "/tmp/report", "--"]),
    Tool("record", "gmemtrace record --events", lambda: [GMEMTRACE, "record", "--events", "-o", "/tmp/capture", "--"]),
    Tool("gmemtop", "gmemtop at 1 s", begin=gmemtop.begin, end=gmemtop.end),
    Bpftrace("bpftrace", "bpftrace, histogram by slot", lambda: ["bpftrace", "-e", BPFTRACE, "-c"]),
    Tool("function_graph", "ftrace function_graph", begin=function_graph, end=no_tracer),
    Tool("perf_record", "perf record of a kprobe",
         lambda: ["perf", "record", "-q", "-o", "/tmp/perf.data", "-a", "-e", "kprobes:gf", "--"], one_probe, no_probes),
    # The last: its triggers go with the VM.
    Tool("hist_trigger", "kprobe, kretprobe, histogram trigger", begin=hist_trigger),
]


def measure(tools, operations):
    """By tool: costs by operation and the cost of the start, or why it was skipped."""
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        for tool in tools:
            print(f"measuring {tool.name}", file=sys.stderr, flush=True)
            try:
                costs, start = tool.measured(operations, directory)
                results[tool.name] = {"operations": costs, "start": start}
            except (Skip, OSError) as error:
                results[tool.name] = {"skipped": str(error)}
    return results


def table(results, operations):
    """Untraced figures, then what each tool adds."""
    plain = results["nothing"]["operations"]
    there = [op for op in operations if plain[op.name] is not None]
    yield f"{'instructions':38}" + "".join(f"{op.name:>14}" for op in there) + f"{'start, M':>12}"
    yield f"{'nothing':38}" + "".join(f"{plain[op.name]:14.0f}" for op in there)
    for tool in TOOLS[1:]:
        result = results.get(tool.name)
        if result and "operations" in result:
            start = f"{result['start'] / 1e6:12.0f}" if result["start"] else ""
            yield f"{tool.what:38}" + "".join(f"{result['operations'][op.name] - plain[op.name]:+14.0f}" for op in there) + start
        elif result:
            yield f"{tool.what:38}  skipped: {result['skipped']}"
    missing = [op.name for op in operations if op not in there]
    skipped = sum("skipped" in result for result in results.values())
    yield f"{skipped} tools skipped; operations that this kernel does not have: {', '.join(missing) or 'none'}"


def tool_of(name):
    return next(tool for tool in TOOLS if tool.name == name)


def chosen(all_of, names):
    return [item for item in all_of if not names or item.name in names.split(",") or item.name == "nothing"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", dest="file")
    parser.add_argument("--tools")
    parser.add_argument("--operations")
    options = parser.parse_args()
    operations = chosen(OPERATIONS, options.operations)
    results = measure(chosen(TOOLS, options.tools), operations)
    print("\n".join(table(results, operations)))
    if options.file:
        with open(options.file, "w", encoding="utf-8") as file:
            json.dump({"kernel": platform.release(), "tools": results}, file, indent=1)


if __name__ == "__main__":
    main()

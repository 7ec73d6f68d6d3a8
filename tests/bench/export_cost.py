#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What exports cost, beside what they cannot go below: `export_cost.py [--events N] [--rounds N] [--slack X] [--program PATH] [FORMAT...]`.

Needs no kernel. Everything is measured in each round, one after the other, and the least counts, so that what others do on the machine
meets all alike. Prints a table for docs/export.md, and ends with status 1 where a limit does not hold; --slack makes them wider. CPU is
of all threads. Text goes to /dev/null: a disk is not what is measured. Memory is no less than what this program has when it starts them.
"""
import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
UNPACK, ZSTD, IMPORT = "unpacking", "zstd -d of the csv", "sqlite3 .import of the csv"

# At most so many times the CPU time of the other.
LIMITS = {
    "csv": (3, UNPACK),
    "ndjson": (6, UNPACK),
    "perfetto": (6, UNPACK),
    "sqlite": (1, IMPORT),
}


class Cost:
    """The least of all rounds, each for itself: seconds of all CPUs, seconds that passed; the most KiB of memory."""

    def __init__(self):
        self.cpu = self.passed = float("inf")
        self.memory = 0

    def measure(self, command):
        begin = time.monotonic()
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
        _pid, status, usage = os.wait4(pid, 0)
        assert not status, f"{command}: status {status}"
        self.passed = min(self.passed, time.monotonic() - begin)
        self.cpu = min(self.cpu, usage.ru_utime + usage.ru_stime)
        self.memory = max(self.memory, usage.ru_maxrss)


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def size_of(*command):
    """Bytes that it writes."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        size = sum(len(part) for part in iter(lambda: process.stdout.read(1 << 20), b""))
    assert not process.returncode, command
    return size


class Bench:
    def __init__(self, options, directory):
        self.options = options
        self.capture, self.csv = f"{directory}/capture", f"{directory}/csv"
        self.database, self.imported = f"{directory}/database", f"{directory}/imported"
        self.commands = {UNPACK: [f"{ROOT}/build/unpack", self.capture]}
        self.costs, self.sizes = {}, {}

    def export(self, to, output):
        return [self.options.program, "export", self.capture, "--to", to, "-o", output]

    def prepare(self):
        subprocess.run([f"{ROOT}/build/generate", self.capture, str(self.options.events), "10"], check=True)
        self.sizes[UNPACK] = os.path.getsize(self.capture)
        if "sqlite" in self.options.formats:
            subprocess.run(self.export("csv", self.csv), check=True)
            subprocess.run(["zstd", "-q", self.csv], check=True)
            self.commands[ZSTD] = ["/usr/bin/zstd", "-q", "-d", "-c", f"{self.csv}.zst"]
            self.commands[IMPORT] = ["/usr/bin/sqlite3", self.imported, "-cmd", ".mode csv", f".import {self.csv} event"]
            self.sizes[ZSTD] = os.path.getsize(f"{self.csv}.zst")
        for to in self.options.formats:
            self.commands[to] = self.export(to, self.database if to == "sqlite" else "/dev/null")
        self.costs = {name: Cost() for name in self.commands}

    def measure(self):
        for _ in range(self.options.rounds):
            for name, command in self.commands.items():
                remove(self.imported)  # .import would add to it
                self.costs[name].measure(command)
                if name == IMPORT:
                    self.sizes[IMPORT] = os.path.getsize(self.imported)
        for to in self.options.formats:
            self.sizes[to] = os.path.getsize(self.database) if to == "sqlite" else size_of(*self.export(to, "-"))

    def times(self, name, other):
        return self.costs[name].cpu / self.costs[other].cpu

    def table(self):
        print("| | CPU, s | time, s | times the unpacking: CPU | time | memory, MiB | size, MB |\n|---|---|---|---|---|---|---|")
        for name, cost in self.costs.items():
            passed = cost.passed / self.costs[UNPACK].passed
            print(f"| {name} | {cost.cpu:.2f} | {cost.passed:.2f} | {self.times(name, UNPACK):.1f} | {passed:.1f} | {cost.memory / 1024:.0f} | "
                  f"{self.sizes[name] / 1e6:,.0f} |")

    def wrong(self):
        """What does not hold."""
        for to, (most, other) in LIMITS.items():
            if to in self.costs and self.times(to, other) > most * self.options.slack:
                yield f"{to}: {self.times(to, other):.2f} times the {other}, above {most * self.options.slack:g}"
        if "sqlite" in self.costs and self.sizes["sqlite"] >= self.sizes[IMPORT]:
            yield f"sqlite: {self.sizes['sqlite']} bytes, the {IMPORT} {self.sizes[IMPORT]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slack", type=float, default=1)
    parser.add_argument("--program", default=f"{ROOT}/build/gmemtrace")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", default=list(LIMITS))
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(parser.parse_args(), directory)
        bench.prepare()
        bench.measure()
    bench.table()
    wrong = list(bench.wrong())
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

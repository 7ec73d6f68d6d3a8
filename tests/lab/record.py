#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""gmemtrace record: what is in the file is what happened, also when all goes wrong. Runs as root in a lab VM: record.py KERNEL [TEST]..."""
import bisect
import collections
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import counts  # noqa: E402  (after the path)
from behaviour import background, capturing, guest, nothing_attached, small_disk, wait_for  # noqa: E402
from suite import all_cases  # noqa: E402
from tap import Results, tests_of  # noqa: E402
from tool import GMEMLOAD, GMEMTRACE, IMPOSSIBLE, USAGE, attached, complains, run, trace  # noqa: E402

KERNEL = sys.argv[1] if sys.argv[1:] else "7.3"
CPUS = os.cpu_count()
# Guests that fault as fast as they can, with a vCPU for each CPU.
FASTEST = f"exec {GMEMLOAD} --vms=1 --vcpus={CPUS} --slots=1 --pages=4096 --no-mmap --run-time=6 touch:vcpus=all recreate >/dev/null"
MAX_BYTES_PER_EVENT = 12


def record(path, *arguments, **options):
    done = trace("record", "-o", path, *arguments, **options)
    assert done.returncode == 0, f"{arguments}: status {done.returncode}: {done.stderr}"
    return done.stderr


def report(path):
    done = trace("report", "-f", "json", path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def said(line):
    """(bytes, events, bytes per event, dropped) of what record says at its end."""
    match = re.search(r"^gmemtrace: \S+: (\d+) bytes, (\d+) events, ([0-9.]+) bytes each, (\d+) dropped\.$", line, re.M)
    assert match, f"not what record says at its end: {line!r}"
    return int(match[1]), int(match[2]), float(match[3]), int(match[4])


@contextlib.contextmanager
def database(path):
    done = trace("export", path, "--to", "sqlite", "-o", f"{path}.db")
    assert done.returncode == 0, done.stderr
    with contextlib.closing(sqlite3.connect(f"{path}.db")) as db:
        db.row_factory = sqlite3.Row
        yield db


def place(row):
    if row["slot"] is not None:
        return "slot", row["vm"], row["as_id"], row["slot"]
    if row["gmem_ino"] is not None and row["vm"] is not None:
        return "gmem", row["vm"], row["gmem_ino"]
    return ("vm", row["vm"]) if row["vm"] is not None else ("host",)


class Sums:
    """One event at one place, added up."""

    def __init__(self):
        self.count = self.pages = self.sum_ns = 0
        self.min_ns, self.max_ns = None, 0
        self.errors, self.details = collections.Counter(), collections.Counter()
        self.latencies = []

    def add(self, row):
        self.count += 1
        self.pages += row["pages"] or 0
        if row["latency_ns"] is not None:
            self.latencies.append(row["latency_ns"])
            self.sum_ns += row["latency_ns"]
            self.min_ns = min(row["latency_ns"], self.min_ns if self.min_ns is not None else row["latency_ns"])
            self.max_ns = max(row["latency_ns"], self.max_ns)
        if row["error"]:
            self.errors[row["error"]] += 1
        self.details.update((row["details"] or "").split())


def of_records(db):
    sums = collections.defaultdict(Sums)
    for row in db.execute("SELECT * FROM events"):
        sums[row["event"], place(row)].add(row)
    return sums


def of_counts(db):
    """What the last snapshot has."""
    sums = {}
    for row in db.execute("SELECT * FROM totals"):
        one = sums[row["event"], place(row)] = Sums()
        one.count, one.pages, one.sum_ns = row["count"], row["pages"] or 0, row["sum_ns"] or 0
        one.min_ns, one.max_ns = row["min_ns"], row["max_ns"] or 0
        for table, name, counter in (("error", "error", one.errors), ("detail", "detail", one.details)):
            counter.update(dict(db.execute(f"SELECT {name}, count FROM {table} WHERE count_id = ?", (row["id"],)).fetchall()))
    return sums


def bucket_differences(db, records):
    """The histograms, made again from the records."""
    latencies = {key: sorted(sums.latencies) for key, sums in records.items()}
    wrong = []
    for row in db.execute("SELECT totals.*, low_ns, high_ns, histogram.count AS inside FROM histogram JOIN totals ON totals.id = count_id"):
        one = latencies.get((row["event"], place(row)), [])
        high = bisect.bisect_left(one, row["high_ns"]) if row["high_ns"] is not None else len(one)
        inside = high - bisect.bisect_left(one, row["low_ns"])
        if inside != row["inside"]:
            wrong.append(f"{row['event']} {place(row)} from {row['low_ns']} ns: recorded {inside}, counted {row['inside']}")
    return wrong


def difference(records, counted):
    wrong = []
    for key in sorted(records.keys() | counted.keys(), key=str):
        ours, theirs = (vars(sums.get(key, Sums())) for sums in (records, counted))
        wrong += [f"{key}: {name}: recorded {ours[name]}, counted {theirs[name]}" for name in ours if name != "latencies" and ours[name] != theirs[name]]
    return wrong


class Recorded(counts.Run):
    """As counts.Run, but by way of a file."""

    def execute_and_report(self, options, command, report):
        self.path = f"{os.path.dirname(report)}/capture"
        self.said = record(self.path, "--events", *options, *command, timeout=500)
        with open(report, "wb") as file:
            subprocess.run([GMEMTRACE, "report", "-f", "json", self.path], stdout=file, check=True)


def test_exact():
    """the report of a file has gmemload's counts and ftrace's, and every count in it is that of its records, to the last nanosecond"""
    with tempfile.TemporaryDirectory() as directory:
        measured = Recorded(all_cases(), directory)
        assert measured.capture["loss"]["total"] == 0, measured.capture["loss"]
        wrong = counts.compare_ftrace(measured) + counts.compare_places(measured)
        assert not wrong, "\n".join(wrong[:40])
        with database(measured.path) as db:
            records = of_records(db)
            wrong = difference(records, of_counts(db)) + bucket_differences(db, records)
        assert not wrong, "\n".join(wrong[:40])
    total = sum(one.count for one in records.values())
    assert total == said(measured.said)[1], (total, measured.said)
    return f"{len(measured.cases)} runs, {total} events of {len({key[0] for key in records})} kinds"


def test_fastest():
    """no event of guests that fault as fast as they can is dropped, and each takes 12 bytes at most"""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/capture"
        size, events, each, dropped = said(record(path, "--events", "--", "sh", "-c", FASTEST))
        capture = report(path)
        assert size == os.stat(path).st_size
    assert events > 10000, f"only {events} events: this test sees nothing"
    assert not dropped and not any("record" in kinds for kinds in capture["loss"]["events"].values()), capture["loss"]
    assert each <= MAX_BYTES_PER_EVENT, f"{each} bytes each"
    return f"{events} events, {each} bytes each, {events / capture['capture']['duration_ns'] * 1e9:.0f} a second"


def test_small_buffer():
    """what does not fit into a small buffer is counted as dropped, by CPU and event"""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/capture"
        _, events, _, dropped = said(record(path, "--events", "--buffer", "4K", "--", "sh", "-c", FASTEST))
        capture = report(path)
        with database(path) as db:
            by_event = dict(db.execute("SELECT event, sum(count) FROM dropped JOIN hook ON hook.id = hook GROUP BY event").fetchall())
            cpus = {row[0] for row in db.execute("SELECT DISTINCT cpu FROM dropped")}
            records = dict(db.execute("SELECT event, count(*) FROM events GROUP BY event").fetchall())
            counted = dict(db.execute("SELECT event, sum(count) FROM totals GROUP BY event").fetchall())
    assert dropped > 100, f"only {dropped} dropped: this test sees nothing"
    assert dropped == sum(by_event.values()) and events == sum(records.values()), (dropped, by_event, events)
    assert counted == {name: records.get(name, 0) + by_event.get(name, 0) for name in counted}, (counted, records, by_event)
    ledger = {name: kinds["record"] for name, kinds in capture["loss"]["events"].items() if "record" in kinds}
    assert ledger == by_event, f"{ledger}, by CPU {by_event}"
    assert cpus <= set(range(CPUS)), cpus
    return f"{events} recorded, {dropped} dropped on {len(cpus)} CPUs"


def busy(path, *options):
    return background(GMEMTRACE, "record", "-o", path, "--events", *options, "-e", "guest_fault,punch_hole,zap,bind,notifier")


def test_kill():
    """SIGKILL leaves a file that can be read, known to be incomplete, and nothing attached"""
    with tempfile.TemporaryDirectory() as directory, guest():
        path = f"{directory}/capture"
        with busy(path, "-i", "1") as recorder:
            wait_for(lambda: capturing(recorder), "capture")
            assert attached(), "nothing was attached: this test sees nothing"
            time.sleep(4)
            recorder.kill()
            recorder.wait()
        capture = report(path)
        with database(path) as db:
            events, = db.execute("SELECT count(*) FROM event").fetchone()
    assert capture["capture"]["incomplete"], capture["capture"]
    assert events and capture["vms"][0]["slots"][0]["events"]["guest_fault"]["count"], capture
    nothing_attached()
    return f"{events} events"


def test_full_disk():
    """a disk that is full ends the capture with a message, and the file has what came before"""
    with small_disk(size="256k") as directory:
        path = f"{directory}/capture"
        done = trace("record", "-o", path, "--events", "-d", "100", "--", "sh", "-c", FASTEST.replace("time=6", "time=100"))
        complains(done, IMPOSSIBLE, "disk is full", path)
        assert os.stat(path).st_size > 100000, os.stat(path)
        assert report(path)["capture"]["incomplete"]
    nothing_attached()
    wait_for(lambda: run("pgrep", "-c", "gmemload").stdout.strip() == "1", "COMMAND ended")


def test_places():
    """only what can be a file is written to, and a file from before is overwritten; both is said before the capture"""
    with tempfile.TemporaryDirectory() as directory:
        complains(trace("record", "-o", f"{directory}/no/capture", "--", "touch", f"{directory}/run"), USAGE, "No such file")
        os.mkfifo(f"{directory}/pipe")
        for path in (f"{directory}/pipe", directory, "/dev/null"):
            complains(trace("record", "-o", path, "--", "touch", f"{directory}/run"), USAGE, path, "no regular file")
        assert os.listdir(directory) == ["pipe"]
        with open(f"{directory}/gmemtrace.capture", "w", encoding="utf-8") as file:
            file.write("old" * 100000)
        done = run(GMEMTRACE, "record", "--", "true", cwd=directory)
        assert done.returncode == 0 and not done.stdout, done
        assert not report(f"{directory}/gmemtrace.capture")["capture"]["incomplete"]


def test_signals():
    """SIGINT, SIGTERM and SIGHUP end a recording, whose file is complete; --exit-status is heeded"""
    with tempfile.TemporaryDirectory() as directory, guest():
        path = f"{directory}/capture"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with busy(path) as recorder:
                wait_for(lambda: capturing(recorder), "capture")
                time.sleep(0.5)
                recorder.send_signal(number)
                _, err = recorder.communicate(timeout=60)
            assert recorder.returncode == 0 and said(err.decode())[1], f"{number}: {recorder.returncode} {err}"
            assert report(path)["capture"]["incomplete"] is None, f"{number}"
        assert trace("record", "-o", path, "--exit-status", "--", "sh", "-c", "exit 7").returncode == 7
        # Nobody hears its last line.
        done = run("bash", "-c", '"$0" record -o "$1" -- true 2>&1 | true; exit ${PIPESTATUS[0]}', GMEMTRACE, path)
        assert done.returncode == 0 and report(path)["capture"]["incomplete"] is None, done
    nothing_attached()


def test_command_cannot_run():
    """a COMMAND that cannot be executed after all: status 2, nothing left, and an older capture is as it was"""
    with tempfile.TemporaryDirectory() as directory:
        program, old = f"{directory}/program", f"{directory}/old"
        with open(program, "w", encoding="utf-8") as file:
            file.write("#!/no/such/interpreter\n")
        os.chmod(program, 0o755)
        record(old, "--", "true")
        before = contents(old)
        for path in (f"{directory}/capture", old):
            complains(trace("record", "-o", path, "--", program), USAGE, program)
        assert sorted(os.listdir(directory)) == ["old", "program"] and contents(old) == before, os.listdir(directory)
    nothing_attached()


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def test_two_recorders():
    """a second recorder of a file is refused, and so is a report there; the capture of the first is intact"""
    with tempfile.TemporaryDirectory() as directory, guest():
        path = f"{directory}/capture"
        with busy(path) as recorder:
            wait_for(lambda: capturing(recorder), "capture")
            complains(trace("record", "-o", path, "--", "touch", f"{directory}/ran"), USAGE, path, "another recorder")
            complains(trace("-o", path, "--", "touch", f"{directory}/ran"), USAGE, path, "recorded to")
            recorder.send_signal(signal.SIGTERM)
            _, err = recorder.communicate(timeout=60)
        assert recorder.returncode == 0 and said(err.decode())[1], err
        assert report(path)["capture"]["incomplete"] is None and os.listdir(directory) == ["capture"]
        # Both begin at once, and there is no file yet.
        with busy(f"{directory}/new") as one, busy(f"{directory}/new") as other:
            wait_for(lambda: None not in (one.poll(), other.poll()) or any(r.poll() is None and capturing(r) for r in (one, other)), "capture")
            wait_for(lambda: one.poll() is not None or other.poll() is not None, "one of them is refused")
            first, second = (one, other) if one.poll() is None else (other, one)
            assert second.returncode == USAGE and b"another recorder" in second.communicate()[1]
            wait_for(lambda: capturing(first), "capture")
            first.send_signal(signal.SIGTERM)
            assert first.wait(60) == 0
        assert report(f"{directory}/new")["capture"]["incomplete"] is None
    nothing_attached()


def test_file_lost():
    """a capture that is removed, replaced or truncated while it is recorded: status 3 and what has happened"""
    with tempfile.TemporaryDirectory() as directory, guest():
        path, other = f"{directory}/capture", f"{directory}/other"
        # All that can happen is in tests/unit/test_capture_file.c.
        lose = {"was truncated": lambda: os.truncate(path, 0), "another file": lambda: os.rename(other, path)}
        for reason, how in lose.items():
            with open(other, "w", encoding="utf-8") as file:
                file.write("other")
            with busy(path, "-i", "0.5") as recorder:
                wait_for(lambda: capturing(recorder), "capture")
                how()
                _, err = recorder.communicate(timeout=60)
            assert recorder.returncode == IMPOSSIBLE, f"{reason}: {recorder.returncode} {err}"
            assert reason in err.decode() and err.count(b"\n") == 1, f"{reason}: {err}"
            if reason == "another file":
                assert contents(path) == b"other"
        # At the very end.
        done = trace("record", "-o", path, "--", "sh", "-c", f"sleep 1; rm {path}")
        complains(done, IMPOSSIBLE, path, "was removed")
        assert not os.listdir(directory), os.listdir(directory)
    nothing_attached()


def test_modes():
    """a capture is for its owner alone; a file that is there keeps owner and mode; a limit of sizes is said; no address is in it"""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/capture"
        record(path, "--events", "--", "sh", "-c", f"exec {GMEMLOAD} >/dev/null")
        assert os.stat(path).st_mode & 0o777 == 0o600, oct(os.stat(path).st_mode)
        assert not addresses(path), addresses(path)
        os.chmod(path, 0o644)
        os.chown(path, 65534, 65534)
        before = os.stat(path)
        record(path, "--", "true")
        after = os.stat(path)
        assert (after.st_ino, after.st_mode, after.st_uid, after.st_gid) == (before.st_ino, before.st_mode, before.st_uid, before.st_gid), after
        done = run("bash", "-c", 'ulimit -f 80; "$0" record -o "$1" --events -- sh -c "$2"', GMEMTRACE, path,
                   FASTEST.replace("time=6", "time=100"))
        complains(done, IMPOSSIBLE, path, "ulimit -f")
        assert report(path)["capture"]["incomplete"]
        # COMMAND gets the signal as it would without us.
        done = trace("record", "-o", path, "--", "sh", "-c", "ulimit -f 1; exec head -c 9999 /dev/zero >$0", f"{directory}/zero")
        assert report(path)["capture"]["command"]["signal"] == "SIGXFSZ", report(path)["capture"]


def addresses(path):
    """Numbers in the messages of the file that can be addresses of the kernel."""
    data, at, found = contents(path), 16, []
    while at < len(data):
        packed = int.from_bytes(data[at + 8:at + 12], "little")
        message = subprocess.run(["zstd", "-dc"], input=data[at + 24:at + 24 + packed], stdout=subprocess.PIPE, check=True).stdout
        found += set(re.findall(rb"[\x80-\xff]{7}\xff\xff\x01|0xffff", message)) - {b"\xff" * 9 + b"\x01"}  # which is -1
        at += 24 + packed
    return found


def test_intervals():
    """-i: what was counted grows from snapshot to snapshot, and the last is the sum of the records"""
    with tempfile.TemporaryDirectory() as directory, guest():
        path = f"{directory}/capture"
        record(path, "--events", "-i", "0.5", "-d", "4")
        with database(path) as db:
            durations = [row[0] for row in db.execute("SELECT duration_ns FROM snapshot ORDER BY id")]
            last = {}
            for row in db.execute("SELECT snapshot, hook, vm, as_id, slot, gmem_ino, count, sum_ns FROM count ORDER BY snapshot"):
                key = tuple(row)[1:6]
                assert (row["count"], row["sum_ns"] or 0) >= last.get(key, (0, 0)), f"{key} shrinks: {last[key]}, {tuple(row)}"
                last[key] = (row["count"], row["sum_ns"] or 0)
            wrong = difference(of_records(db), of_counts(db))
    assert not wrong, "\n".join(wrong[:40])
    assert 6 <= len(durations) <= 9 and durations == sorted(durations), durations
    return f"{len(durations)} snapshots"


def test_clock():
    """times are of CLOCK_MONOTONIC and within the capture, in about their order, and the offset leads to real time"""
    with tempfile.TemporaryDirectory() as directory, guest() as vmm:
        path = f"{directory}/capture"
        before, offset = time.monotonic_ns(), time.time_ns() - time.monotonic_ns()
        record(path, "--events", "-p", str(vmm.pid), "-d", "3")
        after = time.monotonic_ns()
        with database(path) as db:
            capture = db.execute("SELECT * FROM capture").fetchone()
            start, end = capture["start_ns"], capture["start_ns"] + capture["duration_ns"]
            first, last, n = db.execute("SELECT min(end_ns - ifnull(latency_ns, 0)), max(end_ns), count(*) FROM event").fetchone()
            names = {tuple(row) for row in db.execute("SELECT tid, pid, comm FROM thread")}
    assert before < start <= first <= last <= end < after, (before, start, first, last, end, after)
    assert abs(capture["realtime_offset_ns"] - offset) < 1e7, (capture["realtime_offset_ns"], offset)
    assert end - start >= 3e9 and last - first > 2e9, f"{n} events in {last - first} ns of {end - start}"
    assert names and all(pid == vmm.pid and comm == "gmemload" for _, pid, comm in names), names


def main():
    results = Results(f"record {KERNEL}")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # See behaviour.py.
    with guest("--vms=1", "--slots=0", "--hold", "sleep:ms=0"):
        results.run_chosen(tests_of(globals()), sys.argv[2:])
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Exports of captures made without a kernel, read by other tools and compared with gmemtrace report -f json: to the last digit."""
import collections
import contextlib
import csv
import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lab"))
from tap import Results, Skip, tests_of  # noqa: E402  (after the path)
from tool import GMEMTRACE, IMPOSSIBLE, ROOT, USAGE, complains, run, trace  # noqa: E402

EVENTS, SNAPSHOTS = 3000, 3
FEW, MANY = 200_000, 1_000_000  # events: three blocks, and fifteen
MEMORY_MAX = 32 << 10  # KiB
FORMATS = ("perfetto", "ndjson", "csv", "sqlite", "openmetrics")
HOSTILE = b"\",\n\\\r\xff\xc3\xa9;'<=\x1b".decode("utf-8", "replace")
SLICE_BEGIN, SLICE_END, INSTANT, COUNTER = 1, 2, 3, 4


class Capture:
    """A capture with single events, one with only what they add up to, and what gmemtrace says of them."""

    def __init__(self, directory):
        self.directory = directory
        self.events = f"{directory}/events"
        self.aggregates = f"{directory}/aggregates"
        for path, more in ((self.events, []), (self.aggregates, ["aggregates"])):
            subprocess.run([f"{ROOT}/build/varied", path, str(EVENTS), str(SNAPSHOTS), *more], check=True)
        self.report = json.loads(trace("report", "-f", "json", self.events).stdout)
        self.carries = {hook["event"] for hook in self.report["hooks"]}

    def export(self, to, path=None):
        """The path of the export."""
        output = f"{self.directory}/out.{to}"
        done = trace("export", path or self.events, "--to", to, "-o", output)
        assert done.returncode == 0, done.stderr
        return output


def escaped(name):
    """As texts have it."""
    return re.sub("[\0-\x1f\x7f]", lambda found: f"\\x{ord(found.group()):02x}", name)


def need(module):
    try:
        return __import__(module)
    except ImportError:
        raise Skip(f"no {module}") from None


def number(text):
    return int(text) if text not in (None, "") else None


def place_of(row):
    """Where an event was counted. A slot is the same also when it is bound to another guest_memfd."""
    slot = row.get("slot") is not None
    return tuple(row.get(key) for key in ("vm", "as_id", "slot")) + (None if slot else row.get("gmem_ino"),)


def places(report):
    """Every place of a report: its key (vm, as_id, slot, gmem_ino), and its events."""
    yield (None, None, None, None), report["host"]["events"]
    for vm, entry in enumerate(report["vms"]):
        yield (vm, None, None, None), entry["events"]
        for slot in entry["slots"]:
            yield (vm, slot["as_id"], slot["id"], None), slot["events"]
    for gmem in report["gmems"]:
        yield (gmem["vm"], None, None, gmem["ino"]), gmem["events"]


def reported(report):
    """What a report counts, by place and event, as rows() does."""
    return {(*place, name): (event["count"], event.get("pages", 0), event.get("latency_ns", {}).get("sum", 0),
                             event.get("errors", {}), event.get("details", {}))
            for place, events in places(report) for name, event in events.items()}


def added_up(rows):
    """Events, as dicts of what ndjson has, added up by place and event."""
    sums = collections.defaultdict(lambda: [0, 0, 0, collections.Counter(), collections.Counter()])
    for row in rows:
        total = sums[*place_of(row), row["event"]]
        total[0] += 1
        total[1] += row.get("pages") or 0
        total[2] += row.get("latency_ns") or 0
        total[3].update([row["error"]] if row.get("error") else [])
        total[4].update(row.get("details") or [])
    return {key: (*total[:3], dict(total[3]), dict(total[4])) for key, total in sums.items()}


def same(ours, theirs):
    assert theirs, "nothing to compare with"
    wrong = [f"{key}: {ours.get(key)}, report: {theirs.get(key)}" for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
    assert not wrong, "\n".join(wrong[:10])


def read_ndjson(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    assert text.endswith("\r\n") and text.count("\r\n") <= text.count("\n")
    return list(csv.DictReader(text.splitlines(keepends=True), strict=True))


def read_csv_events(path):
    """With the types that ndjson has."""
    for row in read_csv(path):
        row = {key: value or None for key, value in row.items()}
        numbers = {key: number(row[key]) for key in ("end_ns", "latency_ns", "vm", "as_id", "slot", "gmem_ino", "pages", "gfn", "gmem_pgoff", "tid", "cpu")}
        yield row | numbers | {"details": (row["details"] or "").split()}


def query(path, sql):
    """Rows as dicts. By the library: what the program prints for a control character differs from release to release."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(sql)]


def read_sqlite(path):
    for row in query(path, "SELECT * FROM events ORDER BY id"):
        yield row | {"details": (row["details"] or "").split()}


def same_events(capture, to, rows):
    """What was exported is, event by event, what ndjson has, and adds up to the report."""
    rows = list(rows)
    same(added_up(rows), reported(capture.report))
    keys = ("event", "end_ns", "latency_ns", "vm", "as_id", "slot", "gmem_ino", "gfn", "gmem_pgoff", "pages", "error", "tid", "cpu")
    found, expected = (collections.Counter((*(row.get(key) for key in keys), tuple(row.get("details") or [])) for row in events)
                       for events in (rows, read_ndjson(capture.export("ndjson"))))
    assert found == expected, f"{to}: {list((found - expected).items())[:3]}, not {list((expected - found).items())[:3]}"
    return f"{len(rows)} events"


def test_ndjson(capture):
    """ndjson: a line for each event, by its schema, adding up to the report"""
    rows = read_ndjson(capture.export("ndjson"))
    same(added_up(rows), reported(capture.report))
    validator = need("jsonschema").validators.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema"})
    schema = json.loads(trace("export", "--json-schema").stdout)
    validator.check_schema(schema)
    for row in rows:
        validator(schema).validate(row)
    assert {row["comm"] for row in rows if row.get("vm") == 1} == {HOSTILE}
    assert {row.get("thread") for row in rows} == {"CPU 0/KVM", HOSTILE, None}
    return f"{len(rows)} events"


def test_ndjson_snapshots(capture):
    """ndjson of a capture without events: its snapshots as reports"""
    lines = read_ndjson(capture.export("ndjson", capture.aggregates))
    assert len(lines) == SNAPSHOTS
    last = json.loads(trace("report", "-f", "json", capture.aggregates).stdout)
    assert lines[-1]["vms"] == last["vms"] and lines[-1]["host"] == last["host"]
    same(reported(lines[-1]), reported(capture.report))


def test_csv(capture):
    """csv: RFC 4180, the events of ndjson, adding up to the report"""
    rows = list(read_csv_events(capture.export("csv")))
    assert {row["comm"] for row in rows if row["vm"] == 1} == {escaped(HOSTILE)}
    ndjson = read_ndjson(capture.export("ndjson"))
    assert [(row["end_ns"], row["time"]) for row in rows] == [(row["end_ns"], row["time"]) for row in ndjson]
    return same_events(capture, "csv", rows)


def test_csv_aggregates(capture):
    """csv of a capture without events: what each snapshot counts"""
    rows = read_csv(capture.export("csv", capture.aggregates))
    durations = sorted({int(row["duration_ns"]) for row in rows})
    assert len(durations) == SNAPSHOTS
    ours = {}
    for row in rows:
        if int(row["duration_ns"]) == durations[-1]:
            key = place_of({name: number(row[name]) for name in ("vm", "as_id", "slot", "gmem_ino")})
            ours[(*key, row["event"])] = [number(row[name]) for name in (
                "count", "errors", "pages", "sum_ns", "min_ns", "max_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns")]
    theirs = {}
    for place, events in places(capture.report):
        for name, event in events.items():
            latency = event.get("latency_ns", {})
            errors = sum(event["errors"].values()) if "errors" in event else None
            theirs[(*place, name)] = [event["count"], errors, event.get("pages")] + [
                latency.get(key) for key in ("sum", "min", "max", "p50", "p90", "p99", "p999")]
    same(ours, theirs)


def test_sqlite(capture):
    """sqlite: the events of ndjson, adding up to the report; keys lead somewhere, the file is sound"""
    path = capture.export("sqlite")
    assert query(path, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert query(path, "PRAGMA foreign_key_check") == []
    return same_events(capture, "sqlite", read_sqlite(path))


def test_sqlite_counts(capture):
    """sqlite: counts, histograms, errors, details, losses and drops are the report's"""
    for source in (capture.events, capture.aggregates):
        path = capture.export("sqlite", source)
        sub = {kind: collections.defaultdict(dict) for kind in ("histogram", "error", "detail")}
        for row in query(path, "SELECT * FROM histogram"):
            sub["histogram"][row["count_id"]][(row["low_ns"], row["high_ns"])] = row["count"]
        for kind in ("error", "detail"):
            for row in query(path, f"SELECT * FROM {kind}"):
                sub[kind][row["count_id"]][row[kind]] = row["count"]
        ours = {(*place_of(row), row["event"]):
                (row["count"], row["pages"], row["sum_ns"], row["min_ns"], row["max_ns"], *(sub[kind][row["id"]] for kind in sub))
                for row in query(path, "SELECT * FROM totals")}
        theirs = {}
        for place, events in places(capture.report):
            for name, event in events.items():
                latency = event.get("latency_ns", {})
                buckets = {(low, high): count for low, high, count in latency.get("buckets", [])}
                theirs[(*place, name)] = (event["count"], event.get("pages"), latency.get("sum"), latency.get("min"), latency.get("max"),
                                          buckets, event.get("errors", {}), event.get("details", {}))
        same(ours, theirs)
        losses = collections.defaultdict(dict)
        for row in query(path, "SELECT event, kind, count FROM loss JOIN hook ON hook.id = hook"):
            losses[row["event"]][row["kind"]] = row["count"]
        assert losses == capture.report["loss"]["events"], losses
        assert len(query(path, "SELECT * FROM snapshot")) == SNAPSHOTS
    drops = query(capture.export("sqlite"), "SELECT sum(count) AS n FROM dropped")
    assert drops == [{"n": 8}], drops


def test_sqlite_places(capture):
    """sqlite: VMs, slots, guest_memfds, threads, hooks and memory are the report's"""
    path = capture.export("sqlite")
    report = capture.report
    for row, vm in zip(query(path, "SELECT * FROM vm ORDER BY id"), report["vms"], strict=True):
        assert (row["pid"], row["comm"], row["type"], row["type_name"]) == (vm["pid"], vm["comm"], vm["type"], vm["type_name"]), row
    ours = {(row["vm"], row["as_id"], row["id"]): (row["base_gfn"], row["pages"], row["flags"], row["gmem_ino"], row["gmem_pgoff"],
                                                 row["resident_pages"], row["private_pages"])
            for row in query(path, f"SELECT * FROM slot JOIN memory m ON (m.vm, m.as_id, m.slot) = (slot.vm, slot.as_id, id) WHERE snapshot = {SNAPSHOTS}")}
    same(ours, {(i, slot["as_id"], slot["id"]): tuple(slot[key] for key in (
        "base_gfn", "npages", "flags", "gmem_ino", "gmem_pgoff", "resident_pages", "private_pages"))
        for i, vm in enumerate(report["vms"]) for slot in vm["slots"]})
    same({row["ino"]: (row["vm"], row["size_bytes"], row["flags"]) for row in query(path, "SELECT * FROM gmem")},
         {gmem["ino"]: (gmem["vm"], gmem["size_bytes"], gmem["flags"]) for gmem in report["gmems"]})
    same({row["event"]: (row["attached"], row["since"]) for row in query(path, "SELECT * FROM hook")},
         {hook["event"]: (int(hook["attached"]), hook["rung"] and hook["rung"]["since"]) for hook in report["hooks"]})
    threads = {row["tid"]: (row["pid"], row["comm"]) for row in query(path, "SELECT * FROM thread")}
    assert threads == {101: (100, "CPU 0/KVM"), 102: (100, "CPU 0/KVM"), 201: (200, HOSTILE), 202: (None, None)}, threads
    [row] = query(path, "SELECT * FROM capture")
    assert row["start"] == report["capture"]["start"] and row["duration_ns"] == report["capture"]["duration_ns"]
    assert row["exit_status"] == 0 and row["signal"] is None and row["incomplete"] is None


# ---- Perfetto ----

def packets_of(lines):
    """The packets in protobuf's text format, as protoc --decode prints it, one after the other: dicts of lists."""
    stack = []
    for line in lines:
        line = line.strip()
        if line == "packet {":
            stack = [collections.defaultdict(list)]
        elif line.endswith(" {"):
            stack.append(collections.defaultdict(list))
            stack[-2][line[:-2]].append(stack[-1])
        elif line == "}":
            packet = stack.pop()
            if not stack:
                yield packet
        else:
            key, value = line.split(": ", 1)
            assert not key.isdigit(), f"a field that our subset does not have: {line}"
            stack[-1][key].append(value[1:-1] if value[0] == '"' else float(value) if "." in value else int(value))


def unescape(text):
    """What protoc makes of a string: bytes in octal, and \\n and the like."""
    return text.encode().decode("unicode_escape").encode("latin-1").decode()


class Trace:
    """A Perfetto trace as its reader sees it: packets by time, names by their numbers, tracks by theirs."""

    def __init__(self, path):
        self.names = {key: {} for key in ("event_names", "debug_annotation_names", "debug_annotation_string_values")}
        self.tracks = {}
        self.clocks = []
        self.events = []
        with open(path, "rb") as file, subprocess.Popen(["protoc", "--decode=pft.Trace", f"-I{ROOT}/user/export", "perfetto.proto"], stdin=file,
                                                        stdout=subprocess.PIPE, text=True) as decoder:
            for packet in packets_of(decoder.stdout):
                self.take(packet)
        assert decoder.returncode == 0
        self.events.sort(key=lambda event: event[0])  # is stable, as Perfetto's

    def take(self, packet):
        assert packet["trusted_packet_sequence_id"] == [1] and packet["sequence_flags"][0] & 2, packet
        self.clocks += packet["clock_snapshot"]
        for data in packet["interned_data"]:
            self.intern(data)
        for track in packet["track_descriptor"]:
            assert track["uuid"][0] not in self.tracks, "a track twice"
            self.tracks[track["uuid"][0]] = track
        for event in packet["track_event"]:
            [kind], [track] = event["type"], event["track_uuid"]
            assert track in self.tracks, f"track {track} was not described"
            said = self.row(event) if kind in (SLICE_BEGIN, INSTANT) else (event["counter_value"] + event["double_counter_value"] + [None])[0]
            self.events.append((packet["timestamp"][0], kind, track, said))

    def intern(self, data):
        for key, names in self.names.items():
            for entry in data[key]:
                assert entry["iid"][0] not in names, "a number twice"
                names[entry["iid"][0]] = entry["text"][0]

    def row(self, event):
        """What an event says, as ndjson has it."""
        row = {"event": self.names["event_names"][event["name_iid"][0]]}
        for said in event["debug_annotations"]:
            values = said["uint_value"] + said["string_value"] + [
                self.names["debug_annotation_string_values"][iid] for iid in said["string_value_iid"]]
            row[self.names["debug_annotation_names"][said["name_iid"][0]]] = values[0]
        row["details"] = row.get("details", "").split()
        return row

    def slices(self):
        """Rows of slices and instants. A slice that ends is the innermost of its track."""
        open_slices = collections.defaultdict(list)
        for ns, kind, track, said in self.events:
            if kind == SLICE_BEGIN:
                open_slices[track].append((ns, said))
            elif kind == SLICE_END:
                begin, row = open_slices[track].pop()
                yield row | {"latency_ns": ns - begin, "end_ns": ns}
            elif kind == INSTANT:
                yield said | {"end_ns": ns}
        assert not any(open_slices.values()), "slices that do not end"

    def counters(self):
        values = collections.defaultdict(list)
        for _, kind, track, value in self.events:
            if kind == COUNTER:
                values[self.path(track)].append(value)
        return values

    def path(self, uuid):
        """The names from the top down to a track."""
        names = []
        while uuid:
            track = self.tracks[uuid]
            names += track["name"] or ["thread" if track["thread"] else "process"]
            uuid = (track["parent_uuid"] or [0])[0]
        return "/".join(reversed(names))


def same_trace(capture, decoded):
    """As same_events(); there are as many slices and instants as events, and slices nest."""
    ndjson = read_ndjson(capture.export("ndjson"))
    kinds = collections.Counter(kind for _, kind, _, _ in decoded.events)
    instants = sum("latency_ns" not in row for row in ndjson)
    assert kinds[SLICE_BEGIN] == kinds[SLICE_END] == len(ndjson) - instants and kinds[INSTANT] == instants, kinds
    paths = {decoded.path(uuid) for uuid in decoded.tracks}
    assert not any("overlapping" in path for path in paths), "what was inside each other is not"
    same_events(capture, "perfetto", decoded.slices())
    return f"{kinds[SLICE_BEGIN]} slices, {instants} instants"


def test_perfetto(capture):
    """perfetto: slices and instants are the events, nest on their tracks, and add up to the report"""
    decoded = Trace(capture.export("perfetto"))
    paths = {decoded.path(uuid) for uuid in decoded.tracks}
    for path in ("host", "process", "process/VM 0", "process/VM 0/slot 0", "process/VM 0/slot 3/1", "process/VM 1/gmem 1040",
                 "thread", "thread 202", "process/VM 0/slot 0/guest_fault/s", "process/VM 1/slot 0/private"):
        assert path in paths, (path, paths)
    return same_trace(capture, decoded)


def test_perfetto_names(capture):
    """perfetto: clocks, processes and threads"""
    decoded = Trace(capture.export("perfetto"))
    [snapshot] = decoded.clocks
    clocks = {clock["clock_id"][0]: clock["timestamp"][0] for clock in snapshot["clocks"]}
    first = read_ndjson(capture.export("ndjson"))[0]
    assert snapshot["primary_trace_clock"] == [3]
    seconds = query(capture.export("sqlite"), "SELECT strftime('%s', time) AS s FROM (SELECT '" + first["time"] + "' AS time)")
    real = int(seconds[0]["s"]) * 10**9 + int(first["time"][-10:-1])
    assert real - first["end_ns"] == clocks[1] - clocks[3], (real, first, clocks)
    processes = {track["process"][0]["pid"][0]: unescape(track["process"][0]["process_name"][0])
                 for track in decoded.tracks.values() if track["process"]}
    assert processes == {100: "qemu", 200: HOSTILE}, processes
    threads = {track["thread"][0]["tid"][0]: unescape(track["thread"][0]["thread_name"][0])
               for track in decoded.tracks.values() if track["thread"]}
    assert threads == {101: "CPU 0/KVM", 102: "CPU 0/KVM", 201: HOSTILE}, threads


def test_perfetto_counters(capture):
    """perfetto: rates of snapshots are their counts, memory is the report's"""
    for source in (capture.events, capture.aggregates):
        decoded = Trace(capture.export("perfetto", source))
        values = decoded.counters()
        reports = read_ndjson(capture.export("ndjson", capture.aggregates))
        counts = [line["vms"][0]["slots"][0]["events"].get("guest_fault", {"count": 0})["count"] for line in reports]
        seconds = [line["capture"]["duration_ns"] / 1e9 for line in reports]
        rates = values["process/VM 0/slot 0/guest_fault/s"]
        steps = [after - before for before, after in zip([0] + seconds, seconds)]
        assert len(rates) == SNAPSHOTS, rates
        for rate, more, step in zip(rates, [after - before for before, after in zip([0] + counts, counts)], steps):
            # Each of the two captures has its own clock.
            assert source == capture.events or abs(rate * step - more) < 1e-3, (rates, counts, seconds)
        resident = values["process/VM 0/slot 0/resident"]
        assert resident == [capture.report["vms"][0]["slots"][0]["resident_pages"] * 4096] * SNAPSHOTS, resident


def test_perfetto_overlap(capture):
    """perfetto: slices of a thread that do not nest go to tracks where they do"""
    path = f"{capture.directory}/overlap"
    subprocess.run([f"{ROOT}/build/generate", path, "20000"], check=True)
    decoded = Trace(capture.export("perfetto", path))
    same(added_up(decoded.slices()), reported(json.loads(trace("report", "-f", "json", path).stdout)))
    assert any("overlapping" in decoded.path(uuid) for uuid in decoded.tracks)


# ---- OpenMetrics ----

def samples(path):
    """By a strict reader: {(name, labels): value}, the families."""
    parser = need("prometheus_client.openmetrics.parser").openmetrics.parser
    with open(path, encoding="utf-8", newline="") as file:
        families = list(parser.text_string_to_metric_families(file.read()))
    found = {}
    for family in families:
        for sample in family.samples:
            assert sample.labels.pop("capture"), sample
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found, families


def labels_of(report, place):
    vm, as_id, slot, ino = place
    labels = {"as_id": as_id, "slot": slot, "gmem_ino": ino}
    if slot is not None:
        [labels["gmem_ino"]] = [entry["gmem_ino"] for entry in report["vms"][vm]["slots"] if (entry["as_id"], entry["id"]) == (as_id, slot)]
    if vm is not None:
        labels |= {"vm": vm, "pid": report["vms"][vm]["pid"], "comm": escaped(report["vms"][vm]["comm"])}
    return {key: str(value) for key, value in labels.items() if value is not None}


def expected_samples(report):
    """What events must be as samples, but for buckets."""
    for place, events in places(report):
        labels = labels_of(report, place)
        for name, event in events.items():
            if "latency_ns" in event:
                yield f"gmem_{name}_seconds_count", labels, event["count"]
                yield f"gmem_{name}_seconds_sum", labels, event["latency_ns"]["sum"] / 1e9
            else:
                yield f"gmem_{name}_total", labels, event["count"]
            if "pages" in event:
                yield f"gmem_{name}_bytes_total", labels, event["pages"] * 4096
            for error, count in event.get("errors", {}).items():
                yield f"gmem_{name}_errors_total", labels | {"error": error}, count
            for detail, count in event.get("details", {}).items():
                yield f"gmem_{name}_details_total", labels | {"detail": detail}, count


def same_samples(report, found):
    expected = {(name, tuple(sorted(labels.items()))): value for name, labels, value in expected_samples(report)}
    ours = {key: value for key, value in found.items()
            if not re.search("_bucket$|^gmem_(capture|event_attached|lost_events|switched_off|slot_|file_)", key[0])}
    same(ours, expected)
    for hook in report["hooks"]:
        if hook["shown"]:
            assert found["gmem_event_attached", (("event", hook["event"]),)] == hook["attached"], hook
    lost = {key[1]: value for key, value in found.items() if key[0] == "gmem_lost_events_total" and value}
    assert lost == {(("event", event), ("kind", kind)): count for event, kinds in report["loss"]["events"].items()
                    for kind, count in kinds.items()}, lost
    assert found["gmem_switched_off_total", ()] == report["loss"]["switched_off"], found
    for i, vm in enumerate(report["vms"]):
        for slot in vm["slots"]:
            key = tuple(sorted(labels_of(report, (i, slot["as_id"], slot["id"], None)).items()))
            resident = found.get(("gmem_slot_resident_bytes", key))
            assert resident == (slot["resident_pages"] and slot["resident_pages"] * 4096), (resident, slot)
    return f"{len(expected)} samples"


def test_openmetrics(capture):
    """openmetrics: a strict reader takes it, and its samples are the report's"""
    for source in (capture.events, capture.aggregates):
        said = same_samples(capture.report, samples(capture.export("openmetrics", source))[0])
    return said


def test_openmetrics_buckets(capture):
    """openmetrics: buckets are the report's, with the same bounds everywhere"""
    found, families = samples(capture.export("openmetrics"))
    series = collections.defaultdict(dict)
    for (name, labels), value in found.items():
        if name.endswith("_bucket"):
            bound = float(dict(labels)["le"])
            series[name, tuple(label for label in labels if label[0] != "le")][bound] = value
    bounds = [63] + [((16 + 4 * quarter) << octave - 4) - 1 for octave in range(6, 36) for quarter in range(1, 5)]
    assert {tuple(buckets) for buckets in series.values()} == {tuple(float(f"{ns / 1e9:.11g}") for ns in bounds) + (float("inf"),)}
    for place, events in places(capture.report):
        for name, event in events.items():
            if "latency_ns" not in event:
                continue
            buckets = series[f"gmem_{name}_seconds_bucket", tuple(sorted(labels_of(capture.report, place).items()))]
            for bound, value in buckets.items():
                assert value == sum(count for low, high, count in event["latency_ns"]["buckets"] if high and high - 1 <= round(bound * 1e9, 3)
                                    or bound == float("inf")), (name, bound)
    assert {family.unit for family in families} == {"", "seconds", "bytes"}


def test_promtool(capture):
    """openmetrics: promtool takes it; it does not know that OpenMetrics leaves _total out of a counter's HELP"""
    path = capture.export("openmetrics")
    try:
        with open(path, encoding="utf-8") as file:
            done = run("promtool", "check", "metrics", stdin=file)
    except FileNotFoundError:
        raise Skip("no promtool") from None
    wrong = [line for line in (done.stdout + done.stderr).splitlines() if not re.fullmatch(r"gmem_\w+_total no help text", line)]
    assert done.returncode in (0, 3) and not wrong, (done.returncode, wrong)


# ---- Where it goes ----

def test_wrong_usage(capture):
    """wrong usage and bad input: status 2, one line, nothing left"""
    text = f"{capture.directory}/text"
    with open(text, "w", encoding="utf-8") as file:
        file.write("no capture")
    before = sorted(os.listdir(capture.directory))
    output = f"{capture.directory}/new"
    for arguments, words in (
            ([capture.events], ["--to", "perfetto, ndjson, csv, sqlite, openmetrics"]),
            ([capture.events, "--to", "xml"], ["--to xml"]),
            (["--to", "csv"], ["FILE"]),
            ([capture.events, "--to", "sqlite"], ["it needs a file", "-o FILE.db"]),
            ([capture.events, "--to", "sqlite", "-o", "-"], ["it needs a file"]),
            ([capture.events, "--to", "sqlite", "-o", "/dev/null"], ["it needs a file"]),
            ([capture.events, "--to", "csv", "-d", "1"], ["-d"]),
            ([capture.events, "--to", "csv", "-f", "json"], ["-f"]),
            ([text, "--to", "csv", "-o", output], [text]),
            (["/no/such/capture", "--to", "csv", "-o", output], ["/no/such/capture"]),
            ([capture.events, "--to", "csv", "-o", "/no/such/file"], ["No such file"])):
        complains(trace("export", *arguments), USAGE, *words)
    complains(trace("--to", "csv"), USAGE, "--to")
    assert sorted(os.listdir(capture.directory)) == before, os.listdir(capture.directory)


def test_truncated(capture):
    """a capture that was cut off is exported as far as it goes, and that is said"""
    path = f"{capture.directory}/cut"
    with open(capture.events, "rb") as file, open(path, "wb") as cut:
        cut.write(file.read()[:-10])
    for to in FORMATS:
        done = trace("export", path, "--to", to, "-o", f"{path}.{to}")
        assert done.returncode == 0 and "incomplete" in done.stderr, (to, done)
    assert len(read_ndjson(f"{path}.ndjson")) == len(read_ndjson(capture.export("ndjson")))
    assert query(f"{path}.sqlite", "SELECT incomplete IS NULL AS whole FROM capture") == [{"whole": 0}]
    assert samples(f"{path}.openmetrics")[0]["gmem_capture_incomplete", ()] == 1


def test_damaged(capture):
    """a damaged capture: status 2, and no half export left"""
    path = f"{capture.directory}/damaged"
    with open(capture.events, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with open(path, "wb") as file:
        file.write(data)
    before = sorted(os.listdir(capture.directory))
    for to in FORMATS:
        complains(trace("export", path, "--to", to, "-o", f"{path}.{to}"), USAGE, path, "damaged")
    assert sorted(os.listdir(capture.directory)) == before


def test_standard_output(capture):
    """without -o, and with -o -, standard output gets the same; the old file stays until the new one is whole"""
    for to in FORMATS:
        if to != "sqlite":
            with open(capture.export(to), "rb") as file:
                expected = file.read()
            for more in ([], ["-o", "-"]):
                assert trace("export", capture.events, "--to", to, *more, text=False).stdout == expected, to


def all_of(terminal):
    """What was written to a terminal that nobody has open any more: it comes in parts."""
    said = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 4096):
            said += part
    return said.decode()


def test_terminal(capture):
    """perfetto to a terminal is refused; progress goes to a terminal only, and is gone at the end"""
    master, slave = pty.openpty()
    done = trace("export", capture.events, "--to", "perfetto", stdout=slave)
    done.stdout = ""
    complains(done, USAGE, "terminal", "-o FILE.pftrace")
    done = trace("export", capture.events, "--to", "csv", "-o", f"{capture.directory}/out.csv", stderr=slave)
    os.close(slave)
    said = all_of(master)
    os.close(master)
    assert done.returncode == 0 and "\rexporting" in said and "\033[K" in said, said


def test_full_disk(capture):
    """a full disk: status 3, the reason, and what was there before stays"""
    for to in FORMATS:
        if to != "sqlite":
            complains(trace("export", capture.events, "--to", to, "-o", "/dev/full"), IMPOSSIBLE, "/dev/full", "disk is full")
    with tempfile.TemporaryDirectory() as directory:
        script = f"mount -t tmpfs -o size=64k none {directory} && echo old >{directory}/out && " \
            f"for to in {' '.join(FORMATS)}; do {GMEMTRACE} export {capture.events} --to $to -o {directory}/out; echo $?; done; " \
            f"ls {directory}; cat {directory}/out"
        done = run("unshare", "--mount", "sh", "-c", script)
        if "mount" in done.stderr or "unshare" in done.stderr:
            raise Skip(f"no file system of our own: {done.stderr.strip()}")
    assert done.stdout.split() == ["3"] * len(FORMATS) + ["out", "old"], done
    assert done.stderr.count("disk is full") == len(FORMATS), done.stderr


def test_memory(capture):
    """memory does not grow with the number of events, once there are a few blocks of them"""
    used = {}
    for events in (FEW, MANY):
        path = f"{capture.directory}/many"
        subprocess.run([f"{ROOT}/build/generate", path, str(events)], check=True)
        for to in FORMATS:
            done = run("/usr/bin/python3", "-c", "import resource, subprocess, sys\n"
                       "subprocess.run(sys.argv[1:], check=True)\n"
                       "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", GMEMTRACE, "export", path, "--to", to, "-o",
                       f"{path}.out")
            assert done.returncode == 0, done.stderr
            used[to, events] = int(done.stdout)
    for to in FORMATS:
        assert used[to, MANY] < min(used[to, FEW] + (2 << 10), MEMORY_MAX), used
    return ", ".join(f"{to} {used[to, MANY] >> 10} MiB" for to in FORMATS)


def test_cost(_capture):
    """csv, ndjson and perfetto take no more than twice what docs/export.md says, by how long it takes to unpack the records"""
    done = run(f"{ROOT}/tests/bench/export_cost.py", "--events", "1000000", "--slack", "2", "csv", "ndjson", "perfetto")
    assert done.returncode == 0, done
    return ", ".join(f"{to} {times.strip()}" for to, times in re.findall(r"^\| (csv|ndjson|perfetto) (?:\|[^|]*){2}\|([^|]*)", done.stdout, re.MULTILINE))


def test_readable_by_program(capture):
    """sqlite: the program that people have opens it, too"""
    done = run("sqlite3", "-batch", f"file:{capture.export('sqlite')}?mode=ro", "SELECT count(*) FROM event")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert int(done.stdout) == len(read_ndjson(capture.export("ndjson"))), done.stdout


def main():
    results = Results("export")
    with tempfile.TemporaryDirectory() as directory:
        capture = Capture(directory)
        results.run_chosen(tests_of(globals()), sys.argv[1:], capture)
    results.exit()


if __name__ == "__main__":
    main()

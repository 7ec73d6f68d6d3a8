#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Files made to harm: what they crash, cost, say or lead to. By the program under the sanitizers, but where time counts."""
import csv
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lab"))
from tap import Results, Skip, tests_of  # noqa: E402  (after the path)
from tool import GMEMTRACE, ROOT, USAGE, complains, run, trace  # noqa: E402

SANITIZED = f"{ROOT}/build/sanitized/gmemtrace"
DATA = f"{ROOT}/tests/data/hostile"
TEXT_FORMATS = ("ndjson", "csv", "openmetrics")
BOMBS = ("bomb-snaps", "bomb-records", "bomb-vms")
SECONDS_MAX = 2  # of the CPU, on any file here
OUTPUT_MAX = 256 << 20  # bytes: what a file of 75 KB may come to

# What a terminal obeys, or shows in another order than it is: but for the ends of lines, none of it goes out.
CONTROLS = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]")


def capture(name):
    return f"{DATA}/{name}.gmem"


def sanitized(*arguments, **options):
    return run(SANITIZED, *arguments, **options)


def cpu_seconds(*command, **options):
    """What the command took, and what it left."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(*command, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done


def plain(text, what):
    found = CONTROLS.search(text)
    assert not found, f"{what}: {found.group()!r} in {text[max(0, found.start() - 40):found.end() + 40]!r}"


def test_crash(_directory):
    """an owner of a VM beyond all: refused, by report, check and every export"""
    path = capture("oob-owner")
    complains(sanitized("report", path), USAGE, path, "a VM that there is not")
    complains(sanitized("check", "--base", path, "--new", path), USAGE, path, "before its first snapshot")
    for to in ("perfetto", *TEXT_FORMATS[:2]):
        complains(sanitized("export", path, "--to", to, "-o", "/dev/null"), USAGE, path, "a VM that there is not")


def test_unsound(directory):
    """keys that lead nowhere and histograms beyond their counts: refused, nothing is written"""
    for name, words in (("sqlite-fk", "a VM that there is not"), ("openmetrics-order", "a histogram of more events than were counted")):
        for to in ("sqlite", "csv"):
            output = f"{directory}/out.{to}"
            complains(sanitized("export", capture(name), "--to", to, "-o", output), USAGE, name, words, "damaged")
            assert not os.listdir(directory), os.listdir(directory)
    complains(sanitized("report", capture("openmetrics-order")), USAGE, "a histogram of more events")


def test_bombs(directory):
    """small files that unpack to much: refused at once, whatever reads them, with --force as the next step"""
    said = []
    for name in BOMBS:
        path, output = capture(name), f"{directory}/out"
        for arguments in (["report", path], ["report", path, "--timeline"], ["report", path, "-f", "json"], ["check", "--base", path, "--new", path],
                          *(["export", path, "--to", to, "-o", output] for to in ("perfetto", "sqlite", *TEXT_FORMATS))):
            seconds, done = cpu_seconds(GMEMTRACE, *arguments)
            if not (name == "bomb-records" and "no snapshot" in done.stderr + done.stdout or "before its first snapshot" in done.stderr):
                complains(done, USAGE, name, "times the file's size", "--force")
            assert seconds < SECONDS_MAX, (arguments, seconds)
            assert not os.listdir(directory), os.listdir(directory)
            said.append(seconds)
    for to in TEXT_FORMATS[:2]:
        with subprocess.Popen([GMEMTRACE, "export", capture("bomb-records"), "--to", to], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as export:
            size = sum(len(part) for part in iter(lambda: export.stdout.read(1 << 20), b""))
        assert export.returncode == USAGE and size <= OUTPUT_MAX, (to, size)
    return f"at most {max(said):.2f} s"


def test_last_only(_directory):
    """report --force reads 400 snapshots of 1 MiB for the last: no more than a bound of time"""
    seconds, done = cpu_seconds(GMEMTRACE, "report", "--force", capture("bomb-snaps"))
    assert done.returncode == 0 and seconds < SECONDS_MAX, (seconds, done)
    return f"{seconds:.2f} s"


def test_honest(directory):
    """captures with a million events, or with a snapshot for each ten of them, are no bombs"""
    for records, snapshots in ((1_000_000, 1), (20_000, 2000)):
        path = f"{directory}/honest"
        subprocess.run([f"{ROOT}/build/generate", path, str(records), str(snapshots)], check=True)
        for arguments in (["report", path], ["export", path, "--to", "ndjson", "-o", "/dev/null"]):
            done = trace(*arguments)
            assert done.returncode == 0, done.stderr
        os.unlink(path)


def test_many(directory):
    """a small file with many VMs, each with a guest_memfd: a report takes time by their number, not by its square"""
    subprocess.run([f"{ROOT}/build/crowd", f"{directory}/many", "30000"], check=True)
    seconds, done = cpu_seconds(GMEMTRACE, "report", f"{directory}/many")
    assert done.returncode == 0 and seconds < SECONDS_MAX, seconds
    return f"{seconds:.2f} s"


def test_pipe(_directory):
    """a capture that cannot be read twice is reported all the same"""
    with open(f"{ROOT}/tests/data/version-1.cap", "rb") as file:
        whole = file.read()
    done = sanitized("report", "/dev/stdin", input=whole, text=False)
    assert done.returncode == 0 and done.stdout == trace("report", f"{ROOT}/tests/data/version-1.cap", text=False).stdout, done


def test_names(directory):
    """names of processes with escapes, line feeds, directions and formulas: none comes through, in any text"""
    path = capture("hostile-comms")
    wanted = None
    for arguments in (["report", path], ["report", path, "-f", "json"], ["report", path, "-f", "html"], ["report", path, "--timeline"],
                      *(["diff", path, path, "-f", form] for form in ("text", "json", "html")),
                      *(["export", path, "--to", to] for to in TEXT_FORMATS),
                      *(["check", "--per-slot", "--allow", "copies,loss,failure,incomplete", "--base", path, "--new", path, "-f", form] for form in ("text", "markdown", "json", "junit", "github", "html"))):
        for locale in ("C", "C.UTF-8"):
            done = sanitized(*arguments, env=os.environ | {"LC_ALL": locale}, text=False)
            assert done.returncode in (0, 1), (arguments, done)
            text = done.stdout.decode()  # all of it is UTF-8
            plain(text.replace("\r\n", "\n") if "csv" in arguments else text, arguments)
            plain(done.stderr.decode(), arguments)
        if "junit" in arguments:
            xml.etree.ElementTree.fromstring(text)
        if "json" in arguments and arguments[0] == "report":
            wanted = {vm["comm"] for vm in json.loads(text)["vms"]}
        if "ndjson" in arguments:
            assert wanted == {json.loads(line)["comm"] for line in text.splitlines()}, "JSON has them as they are"
    assert any("\x1b" in name for name in wanted) and len(wanted) == 10, wanted
    assert not os.listdir(directory)


def test_formulas(directory):
    """csv --spreadsheet: a ' before what would be a formula, and all else as without"""
    path = capture("hostile-comms")
    rows = [list(csv.reader(trace("export", path, "--to", "csv", *more).stdout.splitlines(), strict=True)) for more in ([], ["--spreadsheet"])]
    assert {("'" if without and without[0] in "=+-@" else "") + without for row in rows[0] for without in row} == {cell for row in rows[1] for cell in row}
    assert any(cell.startswith("=") for row in rows[0] for cell in row)
    assert not any(cell[:1] in tuple("=+-@\t\r") and cell for row in rows[1] for cell in row)
    for more in (["--to", "ndjson", "--spreadsheet"], ["--to", "csv", "--name", "a"]):
        complains(trace("export", path, *more, "-o", f"{directory}/out"), USAGE, "Leave it away")


def test_file_names(directory):
    """file names, options and commands with escapes: messages show them, and no terminal obeys them"""
    name = f"{directory}/\x1b[2J\n\u009b31mx"
    shutil.copy(f"{ROOT}/tests/data/version-1.cap", name)
    os.truncate(name, os.path.getsize(name) - 5)
    for arguments, status in ((["report", name + "x"], USAGE), (["report", GMEMTRACE, "\x1b[2J"], USAGE), (["-e", "\x1b[2J"], USAGE), (["\x1b[2J"], USAGE),
                              (["export", name, "--to", "\x1b[2J"], USAGE), (["--", "\x1b[2J"], USAGE), (["-o", f"{name}/x", "-d", "1"], USAGE),
                              (["check", "--base", name + "x", "--new", name], USAGE), (["check", "--rule", "\x1b[2J"], USAGE)):
        done = sanitized(*arguments)
        complains(done, status, "\\x1b[2J")
        plain(done.stderr, arguments)
    for arguments in (["export", name, "--to", "csv", "-o", "/dev/null"], ["check", "--base", name, "--new", name, "--allow", "copies,loss,failure,incomplete"]):
        done = sanitized(*arguments)
        plain(done.stderr + done.stdout, arguments)
    done = sanitized("export", name, "--to", "csv", "-o", "/dev/null")
    assert done.returncode == 0 and done.stderr.count("\n") == done.stderr.count("gmemtrace: ") and "\\x1b[2J\\x0a" in done.stderr, done.stderr


def samples(text):
    try:
        from prometheus_client.openmetrics import parser
    except ImportError:
        raise Skip("no prometheus_client") from None
    return {(sample.name, tuple(sorted(sample.labels.items()))) for family in parser.text_string_to_metric_families(text) for sample in family.samples}


def test_two_captures(directory):
    """two OpenMetrics exports in one directory have no sample in common, unless they are given one name"""
    paths = [f"{directory}/{i}" for i in range(2)]
    for path in paths:
        subprocess.run([f"{ROOT}/build/varied", path, "300", "1"], check=True)
    first, second = (samples(trace("export", path, "--to", "openmetrics").stdout) for path in paths)
    assert first and not first & second, list(first & second)[:3]
    assert all("capture" in dict(labels) for _, labels in first)
    first, second = (samples(trace("export", path, "--to", "openmetrics", "--name", "night\x1bly").stdout) for path in paths)
    assert {dict(labels)["capture"] for _, labels in first | second} == {"night\\x1bly"}
    assert ("gmem_capture_duration_seconds", (("capture", "night\\x1bly"),)) in first & second


def main():
    results = Results("hostile")
    for test in tests_of(globals()):
        if sys.argv[1:] and test.__name__.removeprefix("test_") not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as directory:
            results.run(test, directory)
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What gmemtrace must do on any machine, also on one that does not allow tracing: wrong usage, no privilege, help."""
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lab"))
from tap import Results, Skip  # noqa: E402  (after the path)
from tool import GMEMTRACE, IMPOSSIBLE, SANITIZED_TOP, USAGE, complains, run, trace  # noqa: E402

GENERATE = os.path.join(os.path.dirname(GMEMTRACE), "generate")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def wrong_usage(directory):
    """Arguments, and what the message has to name."""
    text = f"{directory}/text"
    with open(text, "w", encoding="utf-8") as file:
        file.write("no program")
    return [
        (["--nonsense"], "--nonsense"),
        (["-v", "-d", "3", "-X"], "-X"),
        (["-d"], "-d"),
        (["-e"], "-e"),
        (["-d", "0"], "-d 0"),
        (["-d", "-1"], "-d -1"),
        (["-d", "soon"], "-d soon"),
        (["-d", "1s"], "-d 1s"),
        (["-d", "nan"], "-d nan"),
        (["-d", "1e300"], "-d 1e300"),
        (["-p", "0"], "-p 0"),
        (["-p", "init"], "-p init"),
        (["-p", "99999999999999999999"], "not a process id"),
        (["-p", str(2**31 - 1)], "no such process"),
        (["-e", "page_fault"], "page_fault"),
        (["-e", "zap,,bind"], "zap,,bind"),
        (["-e", ""], "unknown event"),
        (["-f", "xml"], "-f xml"),
        (["zap"], "zap"),
        (["probe", "zap"], "zap"),
        (["probe", "--", "true"], "probe true"),
        (["--"], "COMMAND"),
        (["--exit-status"], "--exit-status"),
        (["--exit-status", "-d", "1"], "--exit-status"),
        (["-p", str(os.getpid()), "--", "true"], "exclude each other"),
        (["--", "no-such-program"], "no-such-program: no such program"),
        (["--", "/no/such/program"], "/no/such/program: no such program"),
        (["--", text], "not executable"),
        (["--", directory], "directory"),
        (["-o", f"{directory}/no/report"], "No such file"),
        (["-o", directory], "directory"),
        (["-o", ""], "no name"),
        (["check"], "nothing to compare with"),
        (["check", "--base", text], "nothing new to compare"),
        (["check", text], "of no side"),
        (["check", "--base", text, "--new", text], text),
        (["check", "--base", text, "--new", f"{directory}/none"], text),
        (["check", "--rule", "fault.p99<=+5%"], "no such event"),
        (["check", "--rule", "guest_fault.p99<=5"], "needs a unit"),
        (["check", "--rules", f"{directory}/none"], "No such file"),
        (["check", "--allow", "everything"], "--allow everything"),
        (["check", "-f", "xml"], "-f xml"),
    ]


def test_wrong_usage():
    """wrong usage: status 2 and one line"""
    with tempfile.TemporaryDirectory() as directory:
        cases = wrong_usage(directory)
        for arguments, word in cases:
            try:
                complains(trace(*arguments), USAGE, word)
            except AssertionError as error:
                raise AssertionError(f"{arguments}: {error}") from None
        assert os.listdir(directory) == ["text"], os.listdir(directory)
    return f"{len(cases)} cases"


def need_root():
    if os.geteuid():
        raise Skip("not root")


def test_refused():
    """a kernel that refuses tracing: status 3, the reason, no file left"""
    need_root()
    with tempfile.TemporaryDirectory() as directory:
        marker = f"{directory}/marker"
        for arguments in (["probe"], ["inventory"], ["-d", "1"], ["-o", f"{directory}/report", "--", "touch", marker]):
            done = trace(*arguments)
            if done.returncode == 0 or "EPERM" not in done.stderr:
                raise Skip(f"not refused with EPERM here: {done.stderr.strip() or 'traced'}")
            complains(done, IMPOSSIBLE, "refuses tracing programs")
            assert not os.listdir(directory), "COMMAND ran, or a file is left"


def test_top_refused():
    """gmemtop where it cannot trace: status 3, the reason, and nothing else, also for the sanitizers"""
    need_root()
    for arguments in ([], ["-b"], ["--json"], ["-b", "-n", "1", "--stacks", "zap"]):
        done = run(SANITIZED_TOP, *arguments)
        if done.returncode == 0 or (done.returncode == IMPOSSIBLE and "EPERM" not in done.stderr):
            raise Skip(f"not refused with EPERM here: {done.stderr.strip() or 'traced'}")
        complains(done, IMPOSSIBLE, "gmemtop: cannot trace", "refuses tracing programs")
    complains(run(*NOBODY, "--", SANITIZED_TOP, "-b"), IMPOSSIBLE, "CAP_BPF and CAP_PERFMON are missing", "root")


def test_top_says_that_it_attaches():
    """on a terminal gmemtop says that it attaches, and takes the line back; elsewhere only what is wrong is said"""
    master, slave = pty.openpty()
    run(SANITIZED_TOP, "-b", "-n", "1", stderr=slave, stdout=subprocess.DEVNULL)
    os.close(slave)
    said = os.read(master, 65536).decode()
    os.close(master)
    assert re.match(r"gmemtop: attaching [^\r\n]+\r +\r", said), repr(said)


def test_no_privilege():
    """without privilege: status 3 and what is missing"""
    need_root()
    for command in ([*NOBODY, "--", GMEMTRACE, "probe"],
                    [*NOBODY, "--", GMEMTRACE, "--", "true"],
                    ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--", GMEMTRACE, "probe"],
                    ["unshare", "--user", "--", GMEMTRACE, "probe"]):
        complains(run(*command), IMPOSSIBLE, "CAP_BPF and CAP_PERFMON are missing", "root")


def test_unwritable_place():
    """-o into a directory that cannot be written: said before anything is done"""
    need_root()
    with tempfile.TemporaryDirectory() as directory:
        done = run(*NOBODY, "--", GMEMTRACE, "-o", f"{directory}/report", "-d", "1")
        complains(done, USAGE, "Permission denied")


def test_full_disk():
    """a full disk is named as the reason"""
    complains(trace("--json-schema", "-o", "/dev/full"), IMPOSSIBLE, "/dev/full", "disk is full")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = trace("--json-schema", stdout=full)
    done.stdout = ""
    complains(done, IMPOSSIBLE, "standard output", "disk is full")


def test_schema_file():
    """-o makes a file with the usual mode, and replaces it whole"""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/schema.json"
        before = None
        for _ in range(2):
            mask = os.umask(0o027)
            done = trace("--json-schema", "-o", path)
            os.umask(mask)
            assert done.returncode == 0, done.stderr
            assert os.stat(path).st_ino != before, "it was written in place"
            assert os.stat(path).st_mode & 0o777 == 0o640, oct(os.stat(path).st_mode)
            before = os.stat(path).st_ino
        assert os.listdir(directory) == ["schema.json"], os.listdir(directory)
        with open(path, encoding="utf-8") as file:
            assert file.read() == trace("--json-schema").stdout


def test_json_schema():
    """--json-schema prints a valid schema, to anybody"""
    done = run(*(NOBODY if not os.geteuid() else []), GMEMTRACE, "--json-schema")
    assert done.returncode == 0 and not done.stderr, done.stderr
    schema = json.loads(done.stdout)
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    jsonschema.validators.validator_for(schema).check_schema(schema)


def checked(base, new, form):
    done = trace("check", "--deterministic", "--per-slot", "--rule", "guest_fault.mean<=+1%", "--rule", "guest_fault.count<=+0%",
                 "--rule", "host_fault.p99<=1ns", "--rule", "loss==0", "-f", form, "--base", base, "--new", new)
    assert done.returncode == 1 and not done.stderr, done
    return done.stdout


def test_check_formats():
    """check writes what parsers take: XML, Markdown, annotations, JSON by its schema"""
    with tempfile.TemporaryDirectory() as directory:
        base, new = f"{directory}/base", f"{directory}/new"
        for path, records in ((base, "20000"), (new, "30000")):
            assert run(GENERATE, path, records).returncode == 0
        found = json.loads(checked(base, new, "json"))
        suite = xml.etree.ElementTree.fromstring(checked(base, new, "junit"))[0]
        annotations = [line for line in checked(base, new, "github").splitlines() if line.startswith("::")]
        rows = [line for line in checked(base, new, "markdown").splitlines() if line.startswith("|")]
    results = found["check"]["results"]
    failed = [result for result in results if result["verdict"] == "regression"]
    assert len(suite.findall("testcase")) == int(suite.get("tests")) == len(results) == len(rows) - 2, (suite.attrib, rows)
    assert len(suite.findall("testcase/failure")) == len(failed) == sum(line.startswith("::error title=") for line in annotations)
    assert {line.count(" |") for line in rows} == {8}, rows
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    jsonschema.validate(found, json.loads(trace("--json-schema").stdout))


def test_help():
    """--help, --usage and --version work for anybody, in 80 columns"""
    for option, word in (("--help", "--duration=SECONDS"), ("-?", "Exit status"), ("--usage", "[-d SECONDS]"),
                         ("--version", "libbpf v")):
        done = run(*(NOBODY if not os.geteuid() else []), GMEMTRACE, option)
        assert done.returncode == 0 and not done.stderr, done
        assert word in done.stdout, done.stdout
        assert max(len(line) for line in done.stdout.splitlines()) <= 80, done.stdout


def main():
    results = Results("native")
    for test in (test_wrong_usage, test_refused, test_top_refused, test_top_says_that_it_attaches, test_no_privilege, test_unwritable_place, test_full_disk,
                 test_schema_file, test_json_schema, test_check_formats, test_help):
        results.run(test)
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What gmemtrace must do on any machine, also on one that does not allow tracing: wrong usage, bad files, no privilege, help. And
what HACKING.md says of the tree: hacking.py."""
import glob
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lab"))
import errors  # noqa: E402  (after the path)
import hacking  # noqa: E402
import lists  # noqa: E402
from diagnostics import PROGRAMS, about, differences, documented  # noqa: E402
from tap import Results, Skip, tests_of  # noqa: E402
from tool import GMEMTRACE, IMPOSSIBLE, ROOT, SANITIZED, USAGE, complains, run, trace  # noqa: E402

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
        (["--user", "nobody"], "--user: there is no COMMAND"),
        (["report", "--user", "nobody", text], "--user"),
        (["--user", "no-such-user", "--", "true"], "--user no-such-user: no such user"),
        (["record", "--user", "4294967295", "--", "true"], "no such user"),
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
        (["check", "--rules", "/dev/null"], "there is no rule in it"),
        (["check", "--rules", "/dev/zero"], "not a line of text"),
        (["check", "--rules", sys.executable], "not a line of text"),
        (["record", "-o", "-", "--", "true"], "a capture is no stream"),
        (["-d", "inf"], "at most 100 years"),
        (["check", "--allow", "everything"], "--allow everything"),
        (["check", "--base", "--new", text], "--base --new: a file is missing between them"),
        (["check", "--alpha", "0.05"], "write 0.05% or 5%"),
        (["check", "--rule", "guest_fault.mean<=+0%"], "no time is the same twice"),
        (["check", "--rule", "loss==0", "--rule", "loss==0"], "it is given twice"),
        (["check", "--until-told"], "--max-runs"),
        (["check", "--inconclusive", "maybe"], "--inconclusive maybe"),
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
        for program, *arguments in (["gmemtrace", "probe"], ["gmemtrace", "-d", "1"], ["gmemtop", "-b", "-n", "1"],
                                    ["gmemtrace", "-o", f"{directory}/report", "--", "touch", marker]):
            done = run(f"{SANITIZED}/{program}", *arguments)
            if done.returncode == 0 or "EPERM" not in done.stderr:
                raise Skip(f"not refused with EPERM here: {done.stderr.strip() or 'traced'}")
            complains(done, IMPOSSIBLE, "refuses tracing programs", tool=program)
            assert not os.listdir(directory), "COMMAND ran, or a file is left"


def test_top_refused():
    """gmemtop where it cannot trace: status 3, the reason, and nothing else, also for the sanitizers"""
    need_root()
    for arguments in (["-b"], ["--json"], ["-b", "-n", "1", "--stacks", "zap"]):
        done = run(f"{SANITIZED}/gmemtop", *arguments)
        if done.returncode == 0 or (done.returncode == IMPOSSIBLE and "EPERM" not in done.stderr):
            raise Skip(f"not refused with EPERM here: {done.stderr.strip() or 'traced'}")
        complains(done, IMPOSSIBLE, "gmemtop: cannot trace", "refuses tracing programs")
    complains(run(*NOBODY, "--", f"{SANITIZED}/gmemtop", "-b"), IMPOSSIBLE, "CAP_BPF and CAP_PERFMON are missing", "root")


def test_top_says_that_it_attaches():
    """on a terminal gmemtop says that it attaches, and takes the line back; elsewhere only what is wrong is said"""
    master, slave = pty.openpty()
    run(f"{SANITIZED}/gmemtop", "-b", "-n", "1", stderr=slave, stdout=subprocess.DEVNULL)
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


def generated(directory, records=1000, snapshots=2):
    path = f"{directory}/capture"
    assert run(GENERATE, path, str(records), str(snapshots)).returncode == 0
    with open(path, "rb") as file:
        return path, bytearray(file.read())


def refuses_file(line, path, *words, content=None, **options):
    """Each command that reads @path refuses it; its new content, if it gets one, stays."""
    if content is not None:
        with open(path, "wb") as file:
            file.write(content)
    for command in (["report", path], ["export", path, "--to", "csv"], ["check", "--base", path, "--new", path]):
        done = run(f"{SANITIZED}/gmemtrace", *command, **options)
        complains(done, USAGE, path, *words)
        line.check("gmemtrace", done.stderr)
    if content is not None:
        with open(path, "rb") as file:
            assert file.read() == content, f"{path} is another"


@about("cannot read FILE", "gmemtrace")
def test_no_file(line):
    """a capture that is not there, that is a directory"""
    with tempfile.TemporaryDirectory() as directory:
        refuses_file(line, f"{directory}/none", "No such file")
        refuses_file(line, directory, "directory")


@about("Name a file that `gmemtrace record` has made", "gmemtrace")
def test_other_file(line):
    """a file that is no capture"""
    with tempfile.TemporaryDirectory() as directory:
        for content in (b"", b"gmem", b"no capture at all, but long enough for one\n" * 10, bytes(4096)):
            refuses_file(line, f"{directory}/file", content=content)


@about("Read it with a newer gmemtrace", "gmemtrace")
def test_newer_file(line):
    """a capture of a format to come"""
    with tempfile.TemporaryDirectory() as directory:
        path, content = generated(directory)
        content[8] = 99
        refuses_file(line, path, "format 99", content=content)


@about("The file is damaged", "gmemtrace")
def test_damaged_file(line):
    """a byte that is another: where"""
    with tempfile.TemporaryDirectory() as directory:
        path, content = generated(directory)
        content[len(content) // 2] ^= 0xff
        refuses_file(line, path, "block ", " at byte ", content=content)


@about("cannot read FILE twice", "gmemtrace")
def test_pipe(line):
    """a capture without snapshot from a pipe, which must be read twice"""
    with tempfile.TemporaryDirectory() as directory:
        _, content = generated(directory, snapshots=0)
    for command in (["report", "/dev/stdin"], ["export", "/dev/stdin", "--to", "csv"]):
        done = run(f"{SANITIZED}/gmemtrace", *command, input=bytes(content), text=False)
        done.stdout, done.stderr = "", done.stderr.decode()
        complains(done, USAGE, "/dev/stdin")
        line.check("gmemtrace", done.stderr)


@about("Free some memory", "gmemtrace")
def test_no_memory(line):
    """wherever the memory ends: a message, or none of it was needed"""
    refused = 0
    with tempfile.TemporaryDirectory() as directory:
        path, _ = generated(directory, snapshots=0)
        for kilobytes in range(10 << 10, 60 << 10, 512):
            done = run("prlimit", f"--as={kilobytes << 10}", GMEMTRACE, "report", path)
            if done.returncode == 0 or "error while loading shared libraries" in done.stderr:
                continue
            done.stdout = ""
            complains(done, IMPOSSIBLE)
            line.check("gmemtrace", done.stderr)
            refused += 1
    assert refused, "the memory was always enough"
    return f"{refused} times too little"


def no_screen(line, *words, **options):
    done = run(f"{SANITIZED}/gmemtop", **options)
    complains(done, USAGE, *words, tool="gmemtop")
    line.check("gmemtop", done.stderr)


@about("not a terminal", "gmemtop")
def test_no_terminal(line):
    """the screen without a terminal: said before anything is traced"""
    no_screen(line, "Use -b", stdin=subprocess.DEVNULL)


@about("no terminal that is known", "gmemtop")
def test_unknown_terminal(line):
    """the screen on a terminal that nobody knows"""
    master, slave = pty.openpty()
    with os.fdopen(master, "rb"), os.fdopen(slave, "wb") as file:
        done = run(f"{SANITIZED}/gmemtop", stdin=file, stdout=file, env=os.environ | {"TERM": "no-such-terminal"})
    done.stdout = ""
    complains(done, USAGE, "TERM=no-such-terminal", tool="gmemtop")
    line.check("gmemtop", done.stderr)


def all_tests():
    return [test for tests in errors.TESTS.values() for test in tests] + TESTS


def test_diagnostics():
    """each line of DIAGNOSTICS in both man pages has a test"""
    assert not (wrong := differences(all_tests())), "\n".join(wrong)


def messages():
    """Of each message with status 3 in the sources: the file, and its format."""
    for path in sorted(glob.glob(f"{ROOT}/user/*/*.c")):
        with open(path, encoding="utf-8") as file:
            source = file.read()
        for parts in re.findall(r'problem_set\(\s*[\w>.&-]+,\s*EXIT_IMPOSSIBLE,\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', source):
            yield path, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', parts))


def test_messages():
    """each message with status 3 in the sources is in DIAGNOSTICS, and has thing, reason and next step"""
    patterns = [pattern for program in PROGRAMS for pattern in documented(program).values()]
    found = list(messages())
    assert len(found) > 20, found
    wrong = [f"{path}: {text}" for path, text in found if not re.fullmatch(r".+: .+\. [A-Z`].+", text, re.DOTALL)]
    assert not wrong, "no thing, reason and next step:\n" + "\n".join(wrong)
    wrong = [f"{path}: {text}" for path, text in found if not any(re.search(pattern, text) for pattern in patterns)]
    assert not wrong, "not in DIAGNOSTICS:\n" + "\n".join(wrong)
    return f"{len(found)} messages"


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
    assert {line.count(" |") for line in rows} == {7}, rows
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    jsonschema.validate(found, json.loads(trace("--json-schema").stdout))


def test_trend():
    """checks that are kept: each line by the schema, also with names that are no text, and trend reads them"""
    with tempfile.TemporaryDirectory() as directory:
        base, new, history = f"{directory}/base", f"{directory}/new", f"{directory}/history"
        for path, records in ((base, "20000"), (new, "20000")):
            assert run(GENERATE, path, records).returncode == 0
        for label in ("a\x1b", "b"):
            done = trace("check", "--deterministic", "--per-slot", "--rule", "guest_fault.mean<=+1%", "--rule", "loss==0", "--base", base, "--new", new,
                         "--allow", "copies", "--append", history, "--label", label, "-f", "github")
            assert done.returncode == 0 and not done.stderr, done
        with open(history, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        text, found = trace("trend", history), json.loads(trace("trend", history, "-f", "json").stdout)
        assert text.returncode == 0 and text.stdout.startswith("2 checks, ") and not text.stderr, text
        complains(trace("trend"), USAGE, "trend: no file")
        complains(trace("trend", base), USAGE, "not a check that --append wrote")
        complains(trace("trend", f"{directory}/none"), USAGE, "none", "No such file")
        complains(trace("trend", history, "-f", "csv"), USAGE, "-f csv")
        complains(trace("trend", history, history), USAGE, "one file too many")
        complains(trace("trend", history, "-o", history), USAGE, "the same file as the input")
    assert [line["check"]["label"] for line in lines] == ["a\x1b", "b"] == [check["label"] for check in found["trend"]["checks"]], lines
    assert len(found["trend"]["series"]) == len(lines[0]["check"]["results"]), found
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    for line in lines + [found]:
        jsonschema.validate(line, json.loads(trace("--json-schema").stdout))


def test_help():
    """--help, --usage and --version work for anybody, in 80 columns"""
    for option, word in (("--help", "--duration=SECONDS"), ("-?", "Exit status"), ("--usage", "[-d SECONDS]"),
                         ("--version", "libbpf v")):
        done = run(*(NOBODY if not os.geteuid() else []), GMEMTRACE, option)
        assert done.returncode == 0 and not done.stderr, done
        assert word in done.stdout, done.stdout
        assert max(len(line) for line in done.stdout.splitlines()) <= 80, done.stdout
    with open("/dev/full", "w", encoding="utf-8") as full:
        for option in ("--help", "--usage", "--version"):
            done = run(GMEMTRACE, option, stdout=full)
            assert done.returncode == IMPOSSIBLE and "cannot write standard output: No space left" in done.stderr, done


def test_witness():
    """gmemload, the independent witness, has the events of gmem.h by the same names, and no details that are not there"""
    ours = {name: "EVENT_PAGES" in carries for name, carries in lists.events().items() if name not in lists.NOT_BY_PLACE}
    theirs = lists.witnessed_events()
    assert len(ours) >= 19, ours
    assert ours == theirs, f"not the same: {set(ours.items()) ^ set(theirs.items())}"
    details = lists.witnessed_details()
    assert len(details) >= 20 and details <= lists.details(), f"not in gmem.h: {details - lists.details()}"


TESTS = [test_wrong_usage, test_refused, test_top_refused, test_top_says_that_it_attaches, test_no_privilege, test_no_file, test_other_file, test_newer_file, test_damaged_file, test_pipe, test_no_terminal, test_unknown_terminal,
         test_no_memory, test_diagnostics, test_messages, test_unwritable_place, test_full_disk, test_schema_file,
         test_json_schema, test_check_formats, test_trend, test_help, test_witness]


def main():
    results = Results("native")
    results.run_chosen(TESTS + tests_of(vars(hacking)), sys.argv[1:])
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Files that gmemtrace writes: no other file is harmed, none is left half-written, and none tells others what it should not.
Without a kernel, with the program as the sanitizers have it."""
import contextlib
import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lab"))
from tap import Results, Skip, tests_of  # noqa: E402  (after the path)
from tool import IMPOSSIBLE, ROOT, UNABLE, USAGE, complains, run  # noqa: E402

SANITIZED = f"{ROOT}/build/sanitized/gmemtrace"
FORMATS = ("perfetto", "ndjson", "csv", "sqlite", "openmetrics")
NOBODY = 65534
PIPE = 141


def trace(*arguments, **options):
    return run(SANITIZED, *arguments, **options)


def done(*arguments, **options):
    ended = trace(*arguments, **options)
    assert ended.returncode == 0, f"{arguments}: {ended}"
    return ended


def write(path, text="old"):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def mode(path):
    return os.stat(path).st_mode & 0o777


def need_root():
    if os.geteuid():
        raise Skip("not root")


@contextlib.contextmanager
def place():
    """A directory with a capture in it."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/capture"
        subprocess.run([f"{ROOT}/build/varied", path, "2000", "2"], check=True)
        yield directory, path


def readers(capture, output):
    """Commands that read @capture and write @output."""
    return [("report", capture, *output), ("report", capture, "--timeline", *output), ("report", capture, "-f", "html", *output), ("diff", capture, capture, *output), ("export", capture, "--to", "csv", *output),
            ("export", capture, "--to", "ndjson", *output), ("check", "--base", capture, "--new", capture, *output)]


def test_input_stays():
    """-o on the input itself or a link to it, and standard output that is the input: status 2, the input is as it was"""
    with place() as (directory, capture):
        before = read(capture)
        os.symlink("capture", f"{directory}/symlink")
        os.link(capture, f"{directory}/link")
        names = ["capture", "link", "symlink"]
        for name in names:
            commands = readers(capture, ("-o", f"{directory}/{name}")) + readers(f"{directory}/{name}", ("-o", capture))
            if name != "capture":
                commands.append(("export", capture, "--to", "sqlite", "-o", f"{directory}/{name}"))
            for command in commands:
                complains(trace(*command), USAGE, "the same file as the input")
                assert read(capture) == before and sorted(os.listdir(directory)) == names, command
        for command in readers(capture, ()):
            with open(capture, "ab") as file:
                ended = trace(*command, stdout=file)
            ended.stdout = ""
            complains(ended, USAGE, "standard output", "the same file as the input")
            assert read(capture) == before, command
        rules = write(f"{directory}/rules", "guest_fault.count<=+0%\n")
        complains(trace("check", "--rules", rules, "--base", capture, "--new", capture, "-o", rules), USAGE, rules)
        assert read(rules) == b"guest_fault.count<=+0%\n"


def test_locked():
    """a capture that is being recorded: neither a second recorder nor a report goes there, and both say so before anything else"""
    with place() as (directory, capture):
        before = read(capture)
        with open(capture, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            complains(trace("record", "-o", capture, "--", "touch", f"{directory}/ran"), USAGE, "cannot record to", "another recorder")
            complains(trace("-o", capture, "--", "touch", f"{directory}/ran"), USAGE, "recorded to")
            complains(trace("--json-schema", "-o", capture), USAGE, "recorded to")
            done("report", capture)
        assert read(capture) == before and os.listdir(directory) == ["capture"]


def test_report_meanwhile():
    """a report of a capture that is still being recorded says so, not that its recorder has died; many captures are compared, one open at a time"""
    with place() as (directory, capture):
        os.truncate(capture, os.path.getsize(capture) - 64)
        with open(capture, "ab") as file:
            assert "the recorder was killed" in run(SANITIZED, "report", capture).stdout
            fcntl.flock(file, fcntl.LOCK_EX)
            told = run(SANITIZED, "report", capture).stdout
            assert "it is still being recorded" in told and "killed" not in told, told
        said = run("prlimit", "--nofile=20:20", SANITIZED, "check", "--base", *[capture] * 40, "--new", capture)
        assert "open files" not in said.stderr, said


def test_not_recorded():
    """a recording that cannot begin: an older capture is as it was, and no new one is made"""
    with place() as (directory, capture):
        before = read(capture)
        for path in (capture, f"{directory}/new"):
            ended = trace("record", "-o", path, "--", "true", env=os.environ | {"PATH": "/usr/bin:/bin"})
            if ended.returncode == 0:
                raise Skip("this machine can be traced")
            complains(ended, IMPOSSIBLE)
        assert read(capture) == before and os.listdir(directory) == ["capture"]


def test_modes():
    """what tells as much as a capture is for its owner alone, numbers are as umask says, a file that is there keeps owner and mode"""
    with place() as (directory, capture):
        assert mode(capture) == 0o600, oct(mode(capture))
        mask = os.umask(0o022)
        try:
            for to in FORMATS:
                path = f"{directory}/{to}"
                done("export", capture, "--to", to, "-o", path)
                assert mode(path) == (0o644 if to == "openmetrics" else 0o600), f"{to}: {mode(path):o}"
                os.chmod(path, 0o640)
                if not os.geteuid():
                    os.chown(path, NOBODY, NOBODY)
                before = os.stat(path)
                done("export", capture, "--to", to, "-o", path)
                after = os.stat(path)
                assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid), f"{to}: {after}"
                assert after.st_ino != before.st_ino, f"{to}: it was written in place"
            done("report", capture, "-o", f"{directory}/report")
            assert mode(f"{directory}/report") == 0o644
        finally:
            os.umask(mask)


def test_not_ours():
    """without privilege, a file of another user is not made one's own"""
    need_root()
    with place() as (directory, capture):
        os.chmod(directory, 0o777)
        os.chmod(capture, 0o644)
        path = write(f"{directory}/report")
        os.chmod(path, 0o666)
        complains(run("setpriv", f"--reuid={NOBODY}", "--clear-groups", SANITIZED, "report", capture, "-o", path), USAGE, "another user's")
        assert read(path) == b"old"


def commands_to(capture, path):
    return [("record", "-o", path, "--", "true"), ("-o", path, "--", "true"), ("--json-schema", "-o", path),
            ("report", capture, "-o", path), ("export", capture, "--to", "csv", "-o", path), ("export", capture, "--to", "sqlite", "-o", path),
            ("check", "--base", capture, "--new", capture, "-o", path)]


def test_links_of_others():
    """in a directory that others may write to, their links and files are not written to: status 2, what they lead to is as it was"""
    need_root()
    with place() as (directory, capture), tempfile.TemporaryDirectory() as shared:
        victim = write(f"{directory}/victim", "precious")
        os.mkdir(f"{directory}/own")
        os.symlink(victim, f"{shared}/link")
        os.symlink(f"{directory}/new", f"{shared}/dangling")
        os.symlink(directory, f"{shared}/directory")
        os.symlink("/dev/full", f"{shared}/device")
        os.mkfifo(f"{shared}/fifo")
        write(f"{shared}/file", "theirs")
        for name in os.listdir(shared):
            os.chown(f"{shared}/{name}", NOBODY, NOBODY, follow_symlinks=False)
        # A link of our own that leads to theirs is none the better.
        os.symlink(f"{shared}/link", f"{directory}/own/link")
        for bits in (0o1777, 0o777, 0o775):
            os.chmod(shared, bits)
            for path in [f"{shared}/{name}" for name in ("link", "dangling", "directory/victim", "device", "fifo", "file")] + [f"{directory}/own/link"]:
                for command in commands_to(capture, path) if bits == 0o1777 else commands_to(capture, path)[:1]:
                    ended = trace(*command, timeout=20)
                    complains(ended, USAGE, path, "others may write to its directory")
                assert sorted(os.listdir(directory)) == ["capture", "own", "victim"] and read(victim) == b"precious", path
        assert read(f"{shared}/file") == b"theirs"


def test_history():
    """a history of checks gets whole lines or none, also beyond a limit; what leads elsewhere, by links of others, is not written to"""
    with place() as (directory, capture):
        history = f"{directory}/history"
        check = ("check", "--allow", "copies,loss", "--base", capture, "--new", capture, "-o", f"{directory}/result", "--append")
        trace(*check, history)
        line = read(history)
        assert line.startswith(b"{") and line.endswith(b"}\n") and line.count(b"\n") == 1, line
        ended = run("prlimit", f"--fsize={len(line) + 100}", SANITIZED, *check, history)
        complains(ended, UNABLE, history)
        assert read(history) == line and sorted(os.listdir(directory)) == ["capture", "history", "result"], os.listdir(directory)
        many = [subprocess.Popen([SANITIZED, *check, history], stdout=subprocess.DEVNULL) for _ in range(5)]
        statuses = {process.wait() for process in many}
        assert statuses <= {1, 3}, statuses
        assert [json.loads(text)["check"]["label"] for text in read(history).splitlines()] == [None] * 6
        for path in ("/dev/full", "/dev/null", "/dev/stdout", directory):
            complains(trace(*check, path), USAGE, path)
        need_root()
        with tempfile.TemporaryDirectory() as shared:
            victim = write(f"{directory}/victim", "precious\n")
            os.symlink(victim, f"{shared}/link")
            os.lchown(f"{shared}/link", NOBODY, NOBODY)
            os.chmod(shared, 0o1777)
            complains(trace(*check, f"{shared}/link"), USAGE, "others may write to its directory")
            assert read(victim) == b"precious\n"


def test_own_links():
    """links that are one's own, or in a directory that is not for others, are followed and stay"""
    with place() as (directory, capture):
        os.mkdir(f"{directory}/results")
        os.symlink("results", f"{directory}/latest")
        os.symlink("latest/report", f"{directory}/report")
        if not os.geteuid():
            os.chmod(directory, 0o755)
            os.chown(directory, NOBODY, NOBODY)
            os.chown(f"{directory}/report", NOBODY, NOBODY, follow_symlinks=False)
        expected = done("report", capture).stdout
        for _ in range(2):
            done("report", capture, "-o", f"{directory}/report")
            assert os.readlink(f"{directory}/report") == "latest/report" and read(f"{directory}/results/report").decode() == expected
        assert os.listdir(f"{directory}/results") == ["report"]
        os.symlink("circle", f"{directory}/circle")
        complains(trace("report", capture, "-o", f"{directory}/circle"), USAGE, "symbolic links")


def test_standard_streams():
    """a link such as /dev/stdout is written as what is open there: a pipe, or a file of which nothing goes"""
    with place() as (directory, capture):
        expected, stdout = done("report", capture).stdout, f"{directory}/stdout"
        os.symlink("/proc/self/fd/1", stdout)
        assert done("report", capture, "-o", stdout).stdout == expected
        path = write(f"{directory}/log", "begin\n")
        with open(path, "a", encoding="utf-8") as file:
            done("report", capture, "-o", stdout, stdout=file)
            assert os.path.islink(stdout), "it was replaced"
            ended = trace("export", capture, "--to", "sqlite", "-o", stdout, stdout=file)
        assert read(path).decode() == "begin\n" + expected
        ended.stdout = ""
        complains(ended, USAGE, "needs a file")


def begun(process, directory):
    """It has a file there open for writing."""
    for fd in os.listdir(f"/proc/{process.pid}/fd"):
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/{process.pid}/fd/{fd}")
            if path.startswith(f"{directory}/") and path != f"{directory}/capture":
                return True
    return False


def test_signals():
    """a signal that ends an export leaves nothing behind, and the old file"""
    with tempfile.TemporaryDirectory() as directory:
        capture, path = f"{directory}/capture", write(f"{directory}/out")
        subprocess.run([f"{ROOT}/build/generate", capture, "300000", "1"], check=True)
        for to in ("csv", "sqlite"):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                with subprocess.Popen([SANITIZED, "export", capture, "--to", to, "-o", path]) as process:
                    until = time.monotonic() + 20
                    while not begun(process, directory):
                        assert process.poll() is None and time.monotonic() < until, f"{to}: no file was begun: this test sees nothing"
                        time.sleep(0.01)
                    process.send_signal(number)
                    assert process.wait(20) == -number, f"{to} {number}: {process.returncode}"
                assert sorted(os.listdir(directory)) == ["capture", "out"], f"{to} {number}: {os.listdir(directory)}"
        assert read(path) == b"old"


def test_file_size_limit():
    """a file beyond the limit of sizes: status 3, the reason, nothing left behind, and the old file"""
    with place() as (directory, capture):
        path = write(f"{directory}/out")
        for to in FORMATS:
            ended = run("bash", "-c", 'ulimit -f 8; exec "$@"', "-", SANITIZED, "export", capture, "--to", to, "-o", path)
            complains(ended, IMPOSSIBLE, path, *([] if to == "sqlite" else ["ulimit -f"]))
            assert sorted(os.listdir(directory)) == ["capture", "out"] and read(path) == b"old", f"{to}: {os.listdir(directory)}"


def crashed(path, *statements):
    """A program that has these SQL statements done, and dies with the database open."""
    script = "import os, sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n" \
        "for sql in sys.argv[2:]: db.execute(sql)\nos._exit(0)"
    subprocess.run([sys.executable, "-c", script, path, *statements], check=True)


def test_stale_sqlite():
    """a database beside which there is a -wal, -shm or -journal: status 2, and it is as it was"""
    with place() as (directory, capture):
        path = f"{directory}/db"
        for statements in (("PRAGMA journal_mode = wal", "CREATE TABLE note(t)", "UPDATE event SET cpu = cpu + 1"),
                           ("PRAGMA cache_size = 2", "PRAGMA journal_mode = delete", "BEGIN", "UPDATE event SET cpu = cpu + 1")):
            done("export", capture, "--to", "sqlite", "-o", path)
            crashed(path, *statements)
            beside = sorted(os.listdir(directory))
            before = {name: read(f"{directory}/{name}") for name in beside}
            assert len(beside) > 2, f"{beside}: this test sees nothing"
            complains(trace("export", capture, "--to", "sqlite", "-o", path), USAGE, path, "is beside it")
            assert {name: read(f"{directory}/{name}") for name in os.listdir(directory)} == before
            for name in set(beside) - {"capture"}:
                os.unlink(f"{directory}/{name}")
        for name in ("db-wal", "db-shm", "db-journal"):
            os.symlink("db", f"{directory}/link")
            write(f"{directory}/{name}", "")
            for output in (path, f"{directory}/link"):
                complains(trace("export", capture, "--to", "sqlite", "-o", output), USAGE, name)
            os.unlink(f"{directory}/{name}")
            os.unlink(f"{directory}/link")
        done("export", capture, "--to", "sqlite", "-o", path)
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_closed_pipe():
    """a reader that goes away early: no word, and the status of a program that SIGPIPE ends"""
    with place() as (_directory, capture):
        commands = [command for command in readers(capture, ()) if command[0] != "check"]
        commands += [("export", capture, "--to", to) for to in ("perfetto", "openmetrics")] + [("--json-schema",), ("--json-schema", "-o", "/dev/stdout")]
        for command in commands:
            reader, writer = os.pipe()
            os.close(reader)
            ended = trace(*command, stdout=writer)
            os.close(writer)
            assert (ended.returncode, ended.stderr) == (PIPE, ""), f"{command}: {ended}"
        ended = run("bash", "-c", 'set -o pipefail; "$@" | head -1', "-", SANITIZED, "export", capture, "--to", "csv")
        assert ended.returncode in (0, PIPE) and ended.stdout.count("\n") == 1, ended
        # What is not written is a failure, whatever the reader would have learnt.
        ended = run("bash", "-c", 'exec "$@" >/dev/full', "-", SANITIZED, "check", "--allow", "copies,loss", "--base", capture, "--new", capture)
        complains(ended, UNABLE, "disk is full")


def test_hidden_names():
    """stacks without names: [unknown] and one line why, also of a capture that has addresses"""
    capture = f"{ROOT}/tests/data/hidden-names.cap"
    text = done("report", capture).stdout
    assert text.count("    [unknown]\n") == 1 and text.count("kernel.kptr_restrict") == 1, text
    assert max(len(line) for line in text.splitlines()) <= 80, text
    report = json.loads(done("report", capture, "-f", "json").stdout)
    assert {frame for stack in report["stacks"] for frame in stack["frames"]} == {"[unknown]"}, report["stacks"]
    assert "kernel.kptr_restrict" in report["capture"]["note"], report["capture"]
    everything = text + json.dumps(report)
    for to in FORMATS:
        with tempfile.TemporaryDirectory() as directory:
            done("export", capture, "--to", to, "-o", f"{directory}/out")
            everything += read(f"{directory}/out").decode(errors="replace")
    assert "ffffff" not in everything, "an address of the kernel"


def main():
    # What runs in the background, as of a shell, ignores some of them, and so would its children.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    results = Results("files")
    results.run_chosen(tests_of(globals()), sys.argv[1:])
    results.exit()


if __name__ == "__main__":
    main()

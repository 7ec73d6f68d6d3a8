#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How gmemtrace behaves in ordinary bad moments: signals, commands that die, full disks, terminals. Runs as root in a lab VM.

Counts are suite.py's business; here it is enough that there are some, and of whom.
"""
import contextlib
import csv
import fcntl
import json
import os
import pty
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tap import Results, Skip, tests_of  # noqa: E402  (after the path)
from tool import GMEMLOAD, GMEMTOP, GMEMTRACE, IMPOSSIBLE, USAGE, attached, complains, report, run, trace  # noqa: E402

# A guest that goes on having events for longer than any test takes.
BUSY = ["--vms=1", "--vcpus=1", "--slots=1", "--pages=64", "--run-time=600", "punch", "touch", "sleep:ms=20"]
BRIEF = ["--vms=1", "--vcpus=1", "--slots=1", "--pages=64", "touch"]
START_UP_SECONDS = 45
SYS_RT_SIGTIMEDWAIT = {"x86_64": 128, "aarch64": 137}[os.uname().machine]


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def background(*command, **options):
    process = subprocess.Popen(command, **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def guest(*arguments, **options):
    """gmemload, when it has its VMs."""
    with tempfile.TemporaryDirectory() as directory:
        with background(GMEMLOAD, *(arguments or BUSY), stdout=subprocess.DEVNULL, **options) as process:
            wait_for(lambda: "anon_inode:kvm-vm" in open_files(process.pid), f"a VM of {arguments} in {directory}")
            yield process


def open_files(pid):
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


def capturing(process):
    """It waits for the end of its capture, in sigtimedwait()."""
    if process.poll() is not None:
        raise AssertionError(f"ended too early: {process.returncode} {process.communicate()}")
    with open(f"/proc/{process.pid}/syscall", encoding="utf-8") as file:
        return file.read().split()[0] == str(SYS_RT_SIGTIMEDWAIT)


def nothing_attached():
    # Programs and maps are freed a moment after their last user has gone.
    wait_for(lambda: not attached(), "nothing attached", 10)


def events_of(place):
    return {name for name, event in place["events"].items() if event["count"]}


def all_events(capture):
    places = [capture["host"], *capture["gmems"], *capture["vms"], *(slot for vm in capture["vms"] for slot in vm["slots"])]
    return set().union(*(events_of(place) for place in places))


def pids(capture):
    return {vm["pid"] for vm in capture["vms"]}


def test_signals_end_capture():
    """SIGINT, SIGTERM and SIGHUP end a capture, and the report is printed"""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with guest() as vmm, background(GMEMTRACE, "-f", "json") as tracer:
            wait_for(lambda: capturing(tracer), "capture")
            time.sleep(0.5)
            tracer.send_signal(number)
            out, err = tracer.communicate(timeout=60)
            assert tracer.returncode == 0 and not err, f"{number}: {tracer.returncode} {err}"
            assert vmm.pid in pids(json.loads(out)), f"{number}: {out}"
    nothing_attached()


def test_signal_ends_command():
    """a signal ends the capture and COMMAND, which is shown as still running"""
    command = ["--exit-status", "--", "sh", "-c", f"exec {GMEMLOAD} {' '.join(BUSY)} >/dev/null"]
    with background(GMEMTRACE, "-f", "json", *command) as tracer:
        wait_for(lambda: capturing(tracer), "capture")
        time.sleep(1)
        tracer.send_signal(signal.SIGTERM)
        out, err = tracer.communicate(timeout=60)
        assert tracer.returncode == 0 and not err, f"{tracer.returncode} {err}"
    capture = json.loads(out)
    assert not capture["capture"]["command"]["ended"], capture["capture"]
    assert "guest_fault" in all_events(capture), capture
    wait_for(lambda: run("pgrep", "-x", "gmemload").stdout.split() == [str(HOLDER.pid)], "COMMAND ended")


def test_nohup():
    """SIGHUP does not end what was started with nohup"""
    with background("nohup", GMEMTRACE, "-f", "json") as tracer:
        wait_for(lambda: capturing(tracer), "capture")
        tracer.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert tracer.poll() is None, "it ended"
        tracer.send_signal(signal.SIGINT)
        out, _ = tracer.communicate(timeout=60)
        assert tracer.returncode == 0 and json.loads(out)


def interrupted_start(delay, number, directory):
    """One start with a signal after @delay seconds; says how it ended."""
    path = f"{directory}/report"
    with background(GMEMTRACE, "-f", "json", "-o", path, "--", "sleep", "100") as tracer:
        time.sleep(delay)
        tracer.send_signal(number)
        out, err = tracer.communicate(timeout=60)
        what = f"SIG{number} after {delay:.3f} s: status {tracer.returncode}, {out} {err}"
    assert not out and not err, what
    assert tracer.returncode in (0, -number), what
    assert os.listdir(directory) == (["report"] if tracer.returncode == 0 else []), f"{what}: {os.listdir(directory)}"
    if tracer.returncode == 0:
        with open(path, encoding="utf-8") as file:
            json.load(file)
        os.unlink(path)
    return tracer.returncode == 0


def test_signals_during_start():
    """a signal at any moment of the start: quietly ended, or a report"""
    began = time.monotonic()
    assert trace("--", "true").returncode == 0
    start_up = time.monotonic() - began
    outcomes = []
    while len(outcomes) < 12 or (time.monotonic() < began + START_UP_SECONDS and len(outcomes) < 200):
        with tempfile.TemporaryDirectory() as directory:
            outcomes.append(interrupted_start(random.uniform(0, 1.2 * start_up), random.choice([2, 15]), directory))
    nothing_attached()
    assert run("pgrep", "-x", "sleep").returncode == 1, "a COMMAND is left"
    return f"{len(outcomes)} starts, {sum(outcomes)} with a report"


def test_kill():
    """SIGKILL leaves nothing attached, and no file"""
    with tempfile.TemporaryDirectory() as directory, guest():
        with background(GMEMTRACE, "-o", f"{directory}/report") as tracer:
            wait_for(lambda: capturing(tracer), "capture")
            assert attached(), "nothing was attached: this test sees nothing"
            tracer.kill()
            tracer.wait()
        assert not os.listdir(directory)
    nothing_attached()


def test_command_status():
    """COMMAND's end is reported, and handed on with --exit-status"""
    for script, status_, signal_, handed_on in (("exit 0", 0, None, 0), ("exit 7", 7, None, 7),
                                                ("kill -SEGV $$", None, "SIGSEGV", 128 + signal.SIGSEGV),
                                                ("kill -KILL $$", None, "SIGKILL", 128 + signal.SIGKILL)):
        command = report("--", "sh", "-c", script)["capture"]["command"]
        assert (command["ended"], command["exit_status"], command["signal"]) == (True, status_, signal_), command
        done = trace("--exit-status", "--", "sh", "-c", script)
        assert done.returncode == handed_on and not done.stderr, done
    assert "killed by SIGSEGV" in trace("--", "sh", "-c", "kill -SEGV $$").stdout


def test_command_cannot_run():
    """a COMMAND that cannot be executed after all: status 2, nothing left"""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/program"
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/no/such/interpreter\n")
        os.chmod(path, 0o755)
        complains(trace("-o", f"{directory}/report", "--", path), USAGE, path)
        assert os.listdir(directory) == ["program"]
    nothing_attached()


def test_duration():
    """-d ends the capture while COMMAND runs, and COMMAND with it"""
    capture = report("-d", "1", "--", "sleep", "1000")["capture"]
    assert not capture["command"]["ended"], capture
    assert 1.0e9 <= capture["duration_ns"] < 2.5e9, capture
    wait_for(lambda: run("pgrep", "-x", "sleep").returncode == 1, "COMMAND ended")
    assert 0.2e9 <= report("-d", "0.2")["capture"]["duration_ns"] < 1.5e9


def test_running_vm():
    """a VM that still runs at the end is shown so"""
    script = f"{GMEMLOAD} {' '.join(BUSY)} >/dev/null"
    capture = report("-d", "3", "--", "sh", "-c", f"exec {script}")
    assert len(capture["vms"]) == 1 and not capture["vms"][0]["ended"], capture["vms"]
    assert "guest_fault" in events_of(capture["vms"][0]["slots"][0]), capture["vms"]
    text = trace("-d", "3", "--", "sh", "-c", f"exec {script}").stdout
    assert re.search(r"^VM 0 .*running", text, re.M), text
    ended = report("--", "sh", "-c", f"exec {GMEMLOAD} {' '.join(BRIEF)} >/dev/null")
    assert ended["vms"][0]["ended"], ended["vms"]


def test_vm_from_before():
    """a VM that was there before the start is counted, at its slot"""
    with guest() as vmm:
        capture = report("-d", "2")
    vms = [vm for vm in capture["vms"] if vm["pid"] == vmm.pid]
    assert len(vms) == 1 and vms[0]["comm"] == "gmemload", capture["vms"]
    assert {"guest_fault", "zap"} <= events_of(vms[0]["slots"][0]), vms
    assert vms[0]["slots"][0]["npages"] == 64, vms


def test_pid():
    """-p counts only that VMM's, also when given as one of its threads; twice counts both"""
    with guest() as one, guest() as other:
        capture = report("-d", "2", "-p", str(one.pid))
        assert pids(capture) == {one.pid} and "guest_fault" in all_events(capture), capture["vms"]
        thread = max(int(task) for task in os.listdir(f"/proc/{other.pid}/task"))
        assert thread != other.pid, "it has no threads"
        assert pids(report("-d", "2", "-p", str(thread))) == {other.pid}
        assert pids(report("-d", "2", "-p", str(one.pid), "-p", str(other.pid))) == {one.pid, other.pid}


def test_pid_without_vm():
    """-p of a process without VMs: a report without any"""
    with guest():
        capture = report("-d", "1", "-p", str(os.getpid()))
    assert not capture["vms"] and not capture["gmems"] and not all_events(capture), capture


def test_events():
    """-e counts these and no others, also those that others need"""
    for chosen in ({"create", "bind"}, {"guest_fault"}, {"notifier_hit"}, {"zap"}):
        capture = report("-e", ",".join(chosen), "--", "sh", "-c", f"exec {GMEMLOAD} >/dev/null")
        assert all_events(capture) == chosen, f"{chosen}: {all_events(capture)}"
        assert {hook["event"] for hook in capture["hooks"] if hook["shown"]} == chosen, capture["hooks"]


def test_stacks():
    """--stacks says who led to each event and how, as often as it happened"""
    capture = report("--stacks", "notifier_hit", "-e", "zap", "--", "sh", "-c", f"exec chrt -f 1 {GMEMLOAD} --slots=2 touch host mprotect >/dev/null")
    assert all_events(capture) == {"zap", "notifier_hit"}, all_events(capture)
    slots = capture["vms"][0]["slots"]
    for slot in slots:
        stacks = [stack for stack in capture["stacks"] if stack["slot"]["id"] == slot["id"] and stack["vm"] == 0]
        hit = slot["events"]["notifier_hit"]
        assert sum(stack["count"] for stack in stacks) == hit["count"], capture["stacks"]
        assert sum(stack["pages"] for stack in stacks) == hit["pages"], capture["stacks"]
        assert all(stack["pid"] == capture["vms"][0]["pid"] and stack["comm"] == "gmemload" for stack in stacks), stacks
        assert any("change_protection" in frame for stack in stacks for frame in stack["frames"]), stacks
        assert not any("bpf" in frame for stack in stacks for frame in stack["frames"]), stacks
    return f"{len(capture['stacks'])} stacks"


@contextlib.contextmanager
def hidden_addresses():
    path = "/proc/sys/kernel/kptr_restrict"
    with open(path, encoding="utf-8") as file:
        before = file.read()
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write("2")
        yield
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(before)


def test_hidden_names():
    """where the kernel hides its addresses, stacks are [unknown], with one line why, in text, JSON and captures"""
    command = ("--stacks", "notifier_hit", "-e", "zap", "--", "sh", "-c", f"exec {GMEMLOAD} --slots=1 touch host mprotect >/dev/null")
    with tempfile.TemporaryDirectory() as directory, hidden_addresses():
        text = trace(*command).stdout
        captured = report(*command)
        done = trace("record", "-o", f"{directory}/capture", *command)
        assert done.returncode == 0, done
        recorded = json.loads(trace("report", f"{directory}/capture", "-f", "json").stdout)
    assert text.count("kernel.kptr_restrict") == 1 and "    [unknown]\n" in text and "0xffff" not in text, text
    for one in (captured, recorded):
        assert {frame for stack in one["stacks"] for frame in stack["frames"]} == {"[unknown]"}, one["stacks"]
        assert "kernel.kptr_restrict" in one["capture"]["note"], one["capture"]


def test_min_latency():
    """--min-latency leaves the quick out of histograms and of stacks, and of nothing else"""
    command = ("--", "sh", "-c", f"exec chrt -f 1 {GMEMLOAD} --vms=1 --slots=1 --pages=256 touch recreate touch >/dev/null")
    for option, all_of_it in ((("--min-latency", "1ns"), True), (("--min-latency", "1000s"), False), ((), True)):
        capture = report(*option, "--stacks", "guest_fault", *command)
        fault = capture["vms"][0]["slots"][0]["events"]["guest_fault"]
        assert fault["count"] == 512 and fault["latency_ns"]["sum"] > 0, fault
        expected = 512 if all_of_it else 0
        assert sum(bucket[2] for bucket in fault["latency_ns"]["buckets"]) == expected, fault
        # arm64's kernel takes no stack in the thread of a vCPU, and then that is said.
        lost = capture["loss"]["events"].get("guest_fault", {}).get("stack", 0)
        assert lost == (expected if os.uname().machine == "aarch64" else 0), capture["loss"]
        assert sum(stack["count"] for stack in capture["stacks"]) == expected - lost, capture["stacks"]


def test_sample():
    """--sample counts each guest fault, times one of N, and says that it does not know why they came; check does not mix it with others"""
    command = ("--", "sh", "-c", f"exec chrt -f 1 {GMEMLOAD} --vms=1 --slots=40 --pages=256 touch recreate touch >/dev/null")
    for options in ((), ("--no-fsession",)):
        capture = report("--sample", "4", *options, *command)
        faults = [slot["events"]["guest_fault"] for slot in capture["vms"][0]["slots"]]
        assert capture["capture"]["sample"] == 4 and not capture["loss"]["total"], capture
        assert [fault["count"] for fault in faults] == 40 * [512] and not any(fault["details"] for fault in faults), faults
        timed = [fault["latency_ns"] for fault in faults]
        assert all(sum(bucket[2] for bucket in latency["buckets"]) == latency["count"] for latency in timed), timed
        assert all(latency["min"] * latency["count"] <= latency["sum"] <= latency["max"] * latency["count"] for latency in timed), timed
        assert 4600 < sum(latency["count"] for latency in timed) < 5600, timed  # of 20,480
    done = run(GMEMTOP, "--sample", "4", "--json", "-n", "1", "-i", "0.1")
    assert done.returncode == 0 and json.loads(done.stdout)["capture"]["sample"] == 4, done
    with tempfile.TemporaryDirectory() as directory:
        sampled, full = f"{directory}/sampled", f"{directory}/full"
        assert trace("record", "--sample", "4", "-o", sampled, *command).returncode == trace("record", "-o", full, *command).returncode == 0
        text = trace("report", sampled).stdout
        assert "\nsample    one of 4 guest faults is timed, none has a cause (--sample)\n" in text, text
        done = trace("check", "--base", full, "--new", sampled)
        assert done.returncode == 2 and "differ in the option --sample" in done.stderr, done
        rows = list(csv.DictReader(trace("export", sampled, "--to", "csv").stdout.splitlines()))
    faults = [row for row in rows if row["event"] == "guest_fault"]
    assert sum(int(row["count"]) for row in faults) == 20480 and 14800 < sum(int(row["untimed"]) for row in faults) < 15900, faults


def test_tree():
    """only VMs of COMMAND's process tree are counted, also of one that has become a daemon"""
    daemon = f"(setsid {GMEMLOAD} {' '.join(BUSY)} >/dev/null 2>&1 & echo $! > $0/pid); exec sleep 3"
    with guest() as outside, tempfile.TemporaryDirectory() as directory:
        capture = report("--", "sh", "-c", daemon, directory)
        with open(f"{directory}/pid", encoding="utf-8") as file:
            inside = int(file.read())
        os.kill(inside, signal.SIGKILL)
        assert pids(capture) == {inside}, f"{pids(capture)}: inside {inside}, outside {outside.pid}"
        assert "guest_fault" in all_events(capture), capture


def test_nested():
    """two tracers at the same time count the same"""
    with tempfile.TemporaryDirectory() as directory:
        done = trace("-f", "json", "-o", f"{directory}/outer", "--", GMEMTRACE, "-f", "json", "-o", f"{directory}/inner", "--",
                     "chrt", "-f", "1", GMEMLOAD, *BRIEF)
        assert done.returncode == 0, done.stderr
        counts = []
        for name in ("outer", "inner"):
            with open(f"{directory}/{name}", encoding="utf-8") as file:
                capture = json.load(file)
            assert capture["loss"]["total"] == 0, capture["loss"]
            counts.append({name: event["count"] for name, event in capture["vms"][0]["slots"][0]["events"].items()})
    assert counts[0] == counts[1] and counts[0]["guest_fault"] == 64, counts


def test_closed_output():
    """a reader of the report that goes away: no word, and the status of a program that SIGPIPE ends; a closed output is an error"""
    for script in ("\"$0\" -- true | head -1", "\"$0\" -- true | true", f"{GMEMTOP} -b | head -1"):
        done = run("bash", "-c", f"set -o pipefail; {script}", GMEMTRACE)
        assert done.returncode in (0, 141) and not done.stderr, f"{script}: {done}"
    reader, writer = os.pipe()
    os.close(reader)
    for command in ((GMEMTRACE, "--", "true"), (GMEMTOP, "-b"), (GMEMTOP, "-b", "--json")):
        done = run(*command, stdout=writer)
        assert done.returncode in (141, -signal.SIGPIPE) and not done.stderr, f"{command}: {done}"
    os.close(writer)
    complains(run("bash", "-c", "\"$0\" -f json -- true >&-", GMEMTRACE), USAGE, "Bad file descriptor")
    nothing_attached()


@contextlib.contextmanager
def small_disk(size="8k"):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", directory], check=True)
        try:
            yield directory
        finally:
            subprocess.run(["umount", directory], check=True)


def test_full_disk():
    """-o on a disk that is full: said, no half a file, the old one is kept"""
    with small_disk() as directory:
        with open(f"{directory}/report", "w", encoding="utf-8") as file:
            file.write("old")
        complains(trace("-f", "json", "-o", f"{directory}/report", "--", "true"), IMPOSSIBLE, "disk is full")
        assert os.listdir(directory) == ["report"]
        with open(f"{directory}/report", encoding="utf-8") as file:
            assert file.read() == "old"


def test_replaced_whole():
    """-o replaces FILE at once: until then the old one is there"""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/report"
        with open(path, "w", encoding="utf-8") as file:
            file.write("old")
        done = trace("-f", "json", "-o", path, "--", "sh", "-c", f"cat {path}; ls {directory} | wc -l")
        assert (done.returncode, done.stdout) == (0, "old1\n"), done
        with open(path, encoding="utf-8") as file:
            json.load(file)
        assert os.listdir(directory) == ["report"]


def load_report(*options, **environment):
    done = trace(*options, "--", "sh", "-c", f"exec {GMEMLOAD} --vms=2 --slots=3 touch punch touch host:beyond=1 >/dev/null",
                 env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plain_text():
    """text that goes to a file: 80 columns, no escape sequence, ASCII where the locale is"""
    for locale in ("C", "C.UTF-8"):
        for options in ([], ["-e", "guest_fault,zap"]):
            text = load_report(*options, LC_ALL=locale, TERM="xterm")
            assert "VM 1 " in text, text
            assert max(len(line) for line in text.splitlines()) <= 80, text
            assert "\x1b" not in text and (locale != "C" or text.isascii()), text


def on_terminal(columns, *command, keys=b"", **environment):
    """What @command writes to a terminal of so many columns, and its status. @keys are typed when it captures."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal,
                               env=os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"} | environment)
    os.close(slave)
    if keys:
        wait_for(lambda: capturing(process), "capture")
        time.sleep(1)
        os.write(master, keys)
    said = b""
    with contextlib.suppress(OSError):  # EIO is a terminal's end of file
        while chunk := os.read(master, 65536):
            said += chunk
    os.close(master)
    return process.wait(), said.decode().replace("\r\n", "\n")


def without_colour(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_terminal():
    """a terminal: its width and colours, unless NO_COLOR or TERM=dumb"""
    command = [GMEMTRACE, "-e", "guest_fault,bind", "--", "sh", "-c", f"exec {GMEMLOAD} --vms=1 >/dev/null"]
    for columns in (120, 60):
        code, text = on_terminal(columns, *command)
        assert code == 0 and "\x1b[" in text, text
        plain = without_colour(text)
        assert "\x1b" not in plain, f"not only colours: {text!r}"
        width = max(len(line) for line in plain.splitlines())
        assert (80 < width <= 120) if columns == 120 else width <= 80, f"{columns} columns: {width} used\n{plain}"
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(120, *command, **environment)[1], environment


def test_ctrl_c():
    """Ctrl-C on the terminal, which COMMAND gets too, prints the report"""
    script = f"exec {GMEMLOAD} {' '.join(BUSY)} >/dev/null"
    code, text = on_terminal(100, GMEMTRACE, "--", "sh", "-c", script, keys=b"\x03")
    assert code == 0, f"{code}: {text}"
    assert "guest_fault" in text and "captured" in without_colour(text), text


def test_schema():
    """JSON of a real capture is valid against --json-schema"""
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    schema = json.loads(trace("--json-schema").stdout)
    captures = [json.loads(load_report("-f", "json")), report("-d", "0.1"), json.loads(trace("probe", "-f", "json").stdout),
                report("--", "sh", "-c", "kill -KILL $$")]
    for capture in captures:
        jsonschema.validate(capture, schema)


def test_hostile_names():
    """names of processes and arguments with escapes, line feeds and broken UTF-8 do no harm"""
    name = b"\x1b[31m\xff\xc3\n\"\\x"
    with tempfile.TemporaryDirectory() as directory:
        path = directory.encode() + b"/" + name
        os.symlink(GMEMLOAD, path)
        command = ["--", "sh", "-c", 'exec "$0" --vms=1 --slots=1 touch >/dev/null', path]
        for locale in ("C", "C.UTF-8"):
            done = run(GMEMTRACE, *command, text=False, env=os.environ | {"LC_ALL": locale})
            assert done.returncode == 0, done.stderr
            assert b"VM 0" in done.stdout and not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", done.stdout), done.stdout
            done.stdout.decode()
            assert max(len(line) for line in done.stdout.decode().splitlines()) <= 80, done.stdout.decode()
        capture = report(*command)
    assert capture["vms"][0]["comm"].startswith("\x1b[31m"), ascii(capture["vms"][0]["comm"])


def main():
    global HOLDER
    results = Results("behaviour")
    # A shell's background processes, as the lab's COMMAND is one, ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The first VM of a system and the end of its last one patch the scheduler's code, which TCG does not always survive.
    with guest("--vms=1", "--slots=0", "--hold", "sleep:ms=0") as HOLDER:
        results.run_chosen(tests_of(globals()), sys.argv[1:])
    results.exit()


if __name__ == "__main__":
    main()

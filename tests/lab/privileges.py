#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which capabilities it takes, which of them stay, and COMMAND as another user. Runs as root in a lab VM: privileges.py [TEST]...

What it takes (NEEDED) is the table of PRIVILEGES in docs/gmemtrace.1; suite.py tries it on each
kernel.
"""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tap import Results, Skip, tests_of  # noqa: E402  (after the path)
from tool import GMEMLOAD, GMEMTOP, GMEMTRACE, IMPOSSIBLE, ROOT, complains, run  # noqa: E402

NOBODY = 65534
ONE_VM = ["--vms=1", "--vcpus=1", "--slots=1", "--pages=8", "touch"]
GUEST = [GMEMLOAD, *ONE_VM]
CAPABILITIES = {"bpf": 39, "dac_override": 1, "kill": 5, "sys_admin": 21, "syslog": 34}
PLACE = "PLACE"

# Of each function: the fewest capabilities where KVM is a module, the fewest where it is built in, and a way to try it.
NEEDED = {
    "inventory": (["bpf", "perfmon"], ["bpf", "perfmon"], [GMEMTRACE, "inventory"]),
    "probe": (["sys_admin"], ["bpf", "perfmon"], [GMEMTRACE, "probe"]),
    "capture": (["sys_admin"], ["bpf", "perfmon"], [GMEMTRACE, "-e", "create", "--", "true"]),
    "record": (["sys_admin"], ["bpf", "perfmon"], [GMEMTRACE, "record", "--events", "-e", "create", "-o", f"{PLACE}/capture", "--", "true"]),
    "gmemtop": (["sys_admin"], ["bpf", "perfmon"], [GMEMTOP, "-b", "-n", "1", "-i", "0.1", "-e", "create"]),
}


def with_capabilities(names, command):
    """@command as nobody, but with these capabilities."""
    capabilities = ",".join(f"+{name}" for name in names)
    return run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps", f"-all,{capabilities}",
               "--ambient-caps", f"-all,{capabilities}", "--", *command)


def check_needed():
    """What NEEDED says is enough on this kernel, and none of it can be left out."""
    module = os.path.exists("/sys/kernel/btf/kvm")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        for name, (of_module, built_in, command) in NEEDED.items():
            command = [word.replace(PLACE, directory) for word in command]
            names = of_module if module else built_in
            done = with_capabilities(names, command)
            assert done.returncode == 0, f"{name} with {names}: {done}"
            fewer = [names[:1], names[1:]] if names[1:] else [["bpf", "perfmon"]]
            for few in fewer:
                done = with_capabilities(few, command)
                complains(done, IMPOSSIBLE, "CAP_", tool=os.path.basename(command[0]))
    return "KVM is a module" if module else "KVM is built in"


def documented():
    """The table of PRIVILEGES: by function, where KVM is a module and where it is built in."""
    with open(f"{ROOT}/docs/gmemtrace.1", encoding="utf-8") as file:
        table = re.search(r"^\.SH PRIVILEGES\n.*?^\.EX\n(.*?)^\.EE$", file.read(), re.MULTILINE | re.DOTALL)[1]
    rows = [re.split(r" {2,}", line) for line in table.splitlines()[1:]]
    return {name: tuple([word.removeprefix("CAP_").lower() for word in cell.split(", ")] for cell in cells) for name, *cells in rows}


def test_documented():
    """the table in the man page is what is tried here"""
    said = documented()
    for name, (of_module, built_in, _) in NEEDED.items():
        assert said[name] == (of_module, built_in), f"{name}: {said[name]}"


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.05)


def sets_of(pid):
    """Of each thread: its permitted, effective and bounding set, and what a program that it starts could get."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        sets = tuple(int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"))
        # The thread that makes arrays as they are needed has what that takes, and nothing else.
        if status["Name"] == "gmem_supply" and sets[1] == 1 << CAPABILITIES["bpf"]:
            sets = tuple(one & ~sets[1] for one in sets)
        yield sets


@contextlib.contextmanager
def background(*command, **options):
    process = subprocess.Popen(command, **({"stdout": subprocess.DEVNULL} | options))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def stays(pid, *names):
    """Each thread of @pid has these capabilities at most, and one has just them; of other programs it gets no more."""
    wanted = sum(1 << CAPABILITIES[name] for name in names)

    def has_let_go():
        return all(permitted & ~wanted == effective & ~wanted == bounding & ~wanted == inherited == ambient == 0
                   for permitted, effective, bounding, inherited, ambient in sets_of(pid)) \
            and any(effective == wanted for _, effective, _, _, _ in sets_of(pid))

    try:
        wait_for(has_let_go, f"only {names}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {[[hex(one) for one in sets] for sets in sets_of(pid)]}") from None


def test_capabilities_go():
    """what is not needed any more is given up by every thread, and the capture is whole"""
    with tempfile.TemporaryDirectory() as directory:
        for names, command in (
                ([], [GMEMTRACE, "-e", "guest_fault", "-d", "600"]),
                ([], [GMEMTOP, "-b", "-i", "0.5", "-e", "create"]),
                (["syslog"], [GMEMTOP, "--json", "-i", "0.5", "-e", "create", "--stacks", "create"])):
            with background(*command) as process:
                stays(process.pid, *names)
        for extra in ([], ["--events"]):
            path = f"{directory}/capture"
            command = [GMEMTRACE, "record", *extra, "-o", path, "-e", "guest_fault", "-d", "600"]
            with background(*command, stderr=subprocess.DEVNULL) as process:
                wait_for(lambda: os.path.exists(path), "the capture")
                assert not any(effective >> CAPABILITIES["sys_admin"] & 1 for _, effective, _, _, _ in sets_of(process.pid))
                run(*GUEST)
                process.send_signal(signal.SIGINT)
                assert process.wait(60) == 0
            report = json.loads(run(GMEMTRACE, "report", "-f", "json", path).stdout)
            assert [slot["events"]["guest_fault"]["count"] for vm in report["vms"] for slot in vm["slots"] if slot["events"]] == [8], report
            os.remove(path)


def test_inventory_later():
    """a VM that comes when all has been given up is in gmemtop's inventory, and in that of a capture's end"""
    with background(GMEMTOP, "--json", "-i", "0.5", "-e", "guest_fault", stdout=subprocess.PIPE, text=True) as top:
        json.loads(top.stdout.readline())
        stays(top.pid)
        with background(*GUEST, "--hold"):
            for _ in range(60):
                seen = json.loads(top.stdout.readline())
                if any(slot.get("resident_pages") == 8 for vm in seen["vms"] for slot in vm["slots"]):
                    break
            else:
                raise AssertionError(f"no inventory: {seen}")
    with background(*GUEST, "--hold") as vmm:
        done = run(GMEMTRACE, "-f", "json", "-e", "guest_fault", "-d", "3")
        assert [(vm["pid"], vm["exists"]) for vm in json.loads(done.stdout)["vms"]] == [(vmm.pid, True)], done


def test_user():
    """--user: COMMAND is that user's, with its groups and no capability, and what it does is counted"""
    script = "id -un >&2; id -Gn >&2; grep -h ^Cap /proc/self/status >&2; echo $HOME $USER $LOGNAME >&2; exec \"$@\" >/dev/null"
    os.chmod("/dev/kvm", 0o666)
    done = run(GMEMTRACE, "-f", "json", "--user", "nobody", "-e", "guest_fault", "--", "sh", "-c", script, "sh", *GUEST)
    assert done.returncode == 0, done
    name, groups, *sets, places = done.stderr.splitlines()
    assert (name, groups, places) == ("nobody", "nogroup", "/nonexistent nobody nobody"), done.stderr
    assert all(int(line.split()[1], 16) == 0 for line in sets if not line.startswith("CapBnd")), sets
    counted = [slot["events"]["guest_fault"]["count"] for vm in json.loads(done.stdout)["vms"] for slot in vm["slots"] if slot["events"]]
    assert counted == [8], done.stdout


def test_user_is_ended():
    """a COMMAND of another user is ended with the capture, which has given up all else"""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        with background(GMEMTRACE, "--user", "nobody", "-e", "create", "--", "sh", "-c", f"echo $$ >{directory}/pid; exec sleep 1000") as process:
            wait_for(lambda: os.path.exists(f"{directory}/pid") and os.path.getsize(f"{directory}/pid"), "COMMAND")
            with open(f"{directory}/pid", encoding="utf-8") as file:
                command = int(file.read())
            stays(process.pid, "kill")
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            wait_for(lambda: not os.path.exists(f"/proc/{command}"), "the end of COMMAND")


def test_other_peoples_place():
    """-o in a directory that belongs to another, as root could before"""
    with tempfile.TemporaryDirectory() as directory:
        os.chown(directory, NOBODY, NOBODY)
        os.chmod(directory, 0o700)
        done = run(GMEMTRACE, "-e", "create", "-o", f"{directory}/report", "-d", "0.1")
        assert done.returncode == 0 and os.listdir(directory) == ["report"], done
        done = run(GMEMTRACE, "record", "-e", "create", "-o", f"{directory}/capture", "-d", "0.1")
        assert done.returncode == 0 and os.path.getsize(f"{directory}/capture"), done


def test_hidden_processes():
    """where /proc hides other users' processes, their threads have names, and COMMAND's VMs are found"""
    subprocess.run(["mount", "-o", "remount,hidepid=2", "/proc"], check=True)
    os.chmod("/dev/kvm", 0o666)
    try:
        with tempfile.TemporaryDirectory() as directory:
            done = run(GMEMTRACE, "record", "--events", "--user", "nobody", "-o", f"{directory}/capture", "-e", "guest_fault", "--",
                       "sh", "-c", 'exec "$@" >/dev/null', "sh", *GUEST, "sleep:ms=2000")
            assert done.returncode == 0, done
            rows = run(GMEMTRACE, "export", f"{directory}/capture", "--to", "csv").stdout.splitlines()
    finally:
        subprocess.run(["mount", "-o", "remount,hidepid=0", "/proc"], check=True)
    at = rows[0].split(",").index("comm") if "comm" in rows[0].split(",") else None
    if at is None:
        raise Skip(f"no names among {rows[0]}")
    assert len(rows) == 9 and all(row.split(",")[at] for row in rows[1:]), rows


def main():
    results = Results("privileges")
    results.run_chosen(tests_of(globals()), sys.argv[1:])
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What gmemtrace and gmemtop say where they cannot work, each line of DIAGNOSTICS in its situation, under the sanitizers.

Runs as root in a lab VM that is made so: errors.py 6.1|nokvm|6.12|6.18|7.3|7.3-arm64 [TEST]...
"""
import contextlib
import mmap
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from diagnostics import about  # noqa: E402  (after the path)
from tap import Results, Skip  # noqa: E402
from tool import BUILD, GMEMLOAD, GMEMTRACE, IMPOSSIBLE, SANITIZED, attached, complains, run  # noqa: E402

LOCKDOWN = "/sys/kernel/security/lockdown"
# Where COMMAND leaves a trace of itself, and reports are to be.
PLACE = "PLACE"
INVENTORY = ["gmemtrace", "inventory"]
ATTACHING = [
    ["gmemtrace", "probe"],
    ["gmemtrace", "-o", f"{PLACE}/report", "--", "touch", f"{PLACE}/marker"],
    ["gmemtrace", "record", "--events", "-o", f"{PLACE}/capture", "--", "touch", f"{PLACE}/marker"],
    ["gmemtop", "-b", "-n", "1"],
    ["gmemtop", "--json", "-n", "1"],
    ["gmemtop"],
]
EVERYTHING = [INVENTORY, *ATTACHING]


@contextlib.contextmanager
def terminal(*command, **environment):
    """@command in a terminal of its own."""
    from terminal import Terminal  # not where no screen is looked at: it takes python3-pyte

    it = Terminal(command=list(command), **environment)
    try:
        yield it
    finally:
        it.close()


def complains_on_screen(line, *command):
    """The message is all that the terminal shows in the end, and the terminal is as it was."""
    with terminal(*command) as screen:
        assert screen.ends() == IMPOSSIBLE, screen.text()
        assert b"\x1b[?1049h" not in screen.raw, f"it went to a screen of its own: {screen.raw}"
        said = "".join(screen.screen.display).rstrip() + "\n"  # long lines are broken
        complains(subprocess.CompletedProcess(command, IMPOSSIBLE, "", said), IMPOSSIBLE, tool="gmemtop")
        line.check("gmemtop", said)
        assert screen.has_its_modes(), "the terminal's modes are others"


def refuses(line, *words, prefix=(), ways=None, **options):
    """Every way to start it ends with this message, before COMMAND runs, and leaves nothing."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        for program, *arguments in ways or EVERYTHING:
            if program not in line.programs:
                continue
            command = [*prefix, f"{SANITIZED}/{program}", *(word.replace(PLACE, directory) for word in arguments)]
            if command[-1].endswith("/gmemtop"):
                complains_on_screen(line, *command)
                continue
            done = run(*command, **options)
            complains(done, IMPOSSIBLE, *words, tool=program)
            line.check(program, done.stderr)
            assert not os.listdir(directory), f"{arguments} left {os.listdir(directory)}"
    # Programs and maps are freed a moment after their last user has gone.
    wait_for(lambda: not attached(), "nothing attached", 10)


@about("kernel RELEASE has none")
def test_no_guest_memfd(line):
    """a kernel without guest_memfd: its version, and which has it"""
    refuses(line, "guest_memfd", os.uname().release, "6.8")


@about("cannot trace exactly")
def test_not_exact(line):
    """--exact on a kernel whose probes can miss a call: since when there are others, and what to do"""
    refuses(line, "Linux 6.14", "Leave --exact out",
            ways=[["gmemtrace", "--exact", "-o", f"{PLACE}/report", "--", "touch", f"{PLACE}/marker"], ["gmemtop", "--exact", "-b", "-n", "1"]])


@about("kvm is not loaded")
def test_no_kvm(line):
    """kvm not loaded: which module to load"""
    refuses(line, "modprobe")


def in_namespace(script):
    return ["unshare", "--mount", "sh", "-ec", f'{script}; exec "$@"', "sh"]


@about("no BTF in this kernel")
def test_no_btf(line):
    """a kernel without BTF: the option it lacks"""
    refuses(line, "CONFIG_DEBUG_INFO_BTF", prefix=in_namespace("mount -t tmpfs none /sys/kernel/btf"))


@about("the kernel's BTF cannot be read")
def test_bad_btf(line):
    """BTF that cannot be read: where to look"""
    refuses(line, "/sys/kernel/btf", prefix=in_namespace("mount -t tmpfs none /sys/kernel/btf; echo rubbish > /sys/kernel/btf/vmlinux"))


@about("no BTF for module kvm")
def test_no_module_btf(line):
    """a module without BTF: the option it lacks"""
    if not os.path.exists("/sys/kernel/btf/kvm"):
        raise Skip("kvm is built in")
    refuses(line, "CONFIG_DEBUG_INFO_BTF_MODULES",
            prefix=in_namespace("mkdir -p /tmp/btf; mount -t tmpfs none /tmp/btf; cp /sys/kernel/btf/vmlinux /tmp/btf; "
                                "mount --bind /tmp/btf /sys/kernel/btf"))


def with_capabilities(*names):
    """As nobody, but with these capabilities."""
    capabilities = ",".join(f"+{name}" for name in names)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={capabilities}",
            f"--ambient-caps={capabilities}", "--"]


@about("CAP_BPF and CAP_PERFMON are missing")
def test_one_capability(line):
    """CAP_BPF or CAP_PERFMON alone is not enough"""
    refuses(line, "root", prefix=with_capabilities("bpf"))
    refuses(line, "root", prefix=with_capabilities("perfmon"), ways=[INVENTORY, *ATTACHING[-2:]])


@about("the kernel refuses kvm's BTF to CAP_BPF and CAP_PERFMON")
def test_capabilities(line):
    """both are not enough to attach to a module, and it is said which one is"""
    if not os.path.exists("/sys/kernel/btf/kvm"):
        raise Skip("kvm is built in")
    refuses(line, "CAP_SYS_ADMIN", prefix=with_capabilities("bpf", "perfmon"), ways=ATTACHING)


@about("the kernel refuses tracing programs to root")
def test_refused(line):
    """root of a user namespace, as in a container, is refused by the kernel"""
    refuses(line, "EPERM", prefix=["unshare", "--user", "--map-root-user"])


@about("N open files are too few")
def test_few_files(line):
    """too few open files: how many, and how to allow more"""
    refuses(line, "20 open files", "ulimit -n", prefix=["prlimit", "--nofile=20:20"], ways=ATTACHING)
    refuses(line, "10 open files", "ulimit -n", prefix=["prlimit", "--nofile=10:10"], ways=[INVENTORY])


def test_soft_limit_of_files():
    """the soft limit of open files is no obstacle, and stays COMMAND's"""
    done = run("prlimit", "--nofile=30:1024", GMEMTRACE, "-o", "/dev/null", "--", "sh", "-c", "ulimit -n")
    assert done.returncode == 0 and done.stdout == "30\n", done


@about("other tracers hold all places")
def test_no_place(line):
    """a function that other tracers have taken all places of: that they have, of an event and of what no capture can do without"""
    crowd = f"{BUILD}/spin"
    for program in ("gmemtrace", "gmemtop"):
        done = run(crowd, "--crowd=kvm_gmem_get_pfn", f"{BUILD}/{program}", "-e", "guest_fault", *(["-b"] if program == "gmemtop" else []))
        complains(done, IMPOSSIBLE, "cannot trace guest_fault here: kvm_gmem_get_pfn has no place for a program: other tracers", tool=program)
        done = run(crowd, "--crowd=kvm_arch_init_vm", f"{BUILD}/{program}", *(["-b"] if program == "gmemtop" else ["-d", "1"]))
        complains(done, IMPOSSIBLE, tool=program)
        line.check(program, done.stderr)


@about("no way to see when this kernel DOES")
def test_no_keeper(line):
    """a kernel that has renamed what no capture can do without: which function that was"""
    if not os.path.exists("/sys/kernel/btf/kvm"):
        raise Skip("kvm is built in")
    for function, does in (("kvm_arch_init_vm", "makes a VM"), ("kvm_destroy_vm", "destroys a VM"),
                           ("kvm_arch_commit_memory_region", "changes a memslot")):
        renamed = function[:-1] + "X"
        refuses(line, f"{does}: not in this kernel: {function} (since 6.8)", ways=ATTACHING[:1] + ATTACHING[-2:],
                prefix=in_namespace("mkdir -p /tmp/btf; mount -t tmpfs none /tmp/btf; cp /sys/kernel/btf/vmlinux /tmp/btf; "
                                    f"LC_ALL=C sed s/{function}/{renamed}/g /sys/kernel/btf/kvm >/tmp/btf/kvm; "
                                    "mount --bind /tmp/btf /sys/kernel/btf"))


@about("no memory for tables of N VMs, slots and guest_memfds")
def test_little_memory(line):
    """tables and ring buffers that do not fit into memory: which options make them smaller"""
    if os.sysconf("SC_PHYS_PAGES") > 1 << 18:
        raise Skip("more than 1 GiB of memory")
    for program, *arguments in (["gmemtrace", "-d", "1"], ["gmemtop", "-b"]):
        # Not under the sanitizers, which take much memory for themselves.
        done = run(f"{BUILD}/{program}", *arguments, "--owners=1048576")
        complains(done, IMPOSSIBLE, "1048576 VMs", "--owners", tool=program)
        line.check(program, done.stderr)
    refuses(line, "a ring buffer of 1048576 KiB for each CPU", "--owners and --buffer",
            ways=[["gmemtrace", "record", "--events", "-e", "create", "--owners=64", "--buffer=1G", "-o", f"{PLACE}/capture", "--", "touch",
                   f"{PLACE}/marker"]])


@about("kernel.ftrace_enabled is 0")
def test_switched_off(line):
    """a kernel that calls no tracing program: the sysctl"""
    with open("/proc/sys/kernel/ftrace_enabled", "w", encoding="ascii") as file:
        file.write("0")
    try:
        refuses(line, "sysctl kernel.ftrace_enabled=1", ways=ATTACHING)
    finally:
        with open("/proc/sys/kernel/ftrace_enabled", "w", encoding="ascii") as file:
            file.write("1")


@about("the kernel does not take the BPF programs")
def test_not_taken(line):
    """what else keeps programs from being loaded, here that no file may be as large as the types they are loaded with: the reason"""
    refuses(line, "File too large", "-v", prefix=["prlimit", "--fsize=4096"], ways=[ATTACHING[0], *ATTACHING[-3:]])


@about("cannot take the inventory", "gmemtrace")
def test_no_inventory(line):
    """the same of the inventory's programs"""
    refuses(line, "File too large", "-v", prefix=["prlimit", "--fsize=4096"], ways=[INVENTORY])


@about("cannot trace EVENT here")
def test_no_such_event(line):
    """an event that this kernel does not have"""
    only = ["-e", "direct_map_zap"]
    refuses(line, "direct_map_zap", "not in this kernel", "`gmemtrace probe`",
            ways=[["gmemtrace", *only, "-d", "1"], ["gmemtrace", "record", *only, "-o", f"{PLACE}/capture", "-d", "1"],
                  ["gmemtop", *only, "-b"], ["gmemtop", *only, "--json"]])


@contextlib.contextmanager
def small_disk():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12k", "none", directory], check=True)
        try:
            yield directory
        finally:
            subprocess.run(["umount", directory], check=True)


@about("the disk is full", "gmemtrace")
def test_full_disk(line):
    """a disk that is full, of a report and of a capture"""
    for command in ([], ["record"]):
        with small_disk() as directory:
            # The capture file is there by then: what it has yet to get needs pages of its own.
            done = run(f"{SANITIZED}/gmemtrace", *command, "-o", f"{directory}/file", "--", "sh", "-c",
                       f"head -c 1M /dev/zero >{directory}/fill 2>/dev/null; {GMEMLOAD} --vms=8 --slots=8 touch punch touch >/dev/null")
            complains(done, IMPOSSIBLE, f"{directory}/file")
            line.check("gmemtrace", done.stderr)


@about("cannot write FILE")
def test_no_output(line):
    """standard output that cannot be written"""
    with open("/dev/full", "w", encoding="utf-8") as full:
        for program, *arguments in (["gmemtop", "-b", "-n", "1"], ["gmemtop", "--json", "-n", "1"], ["gmemtrace", "-d", "0.1"]):
            done = run(f"{SANITIZED}/{program}", "-e", "create", *arguments, stdout=full)
            done.stdout = ""
            complains(done, IMPOSSIBLE, "standard output", tool=program)
            line.check(program, done.stderr)


@contextlib.contextmanager
def few_processes(limit):
    """A prefix: the command has room for no more processes and threads than @limit."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mount", "-t", "cgroup2", "none", directory], check=True)
        try:
            with open(f"{directory}/cgroup.subtree_control", "w", encoding="utf-8") as file:
                file.write("+pids")
            os.mkdir(f"{directory}/few")
            with open(f"{directory}/few/pids.max", "w", encoding="utf-8") as file:
                file.write(str(limit))
            # The leak checker needs a process of its own.
            yield ["env", "ASAN_OPTIONS=detect_leaks=0", "sh", "-ec", f'echo $$ >{directory}/few/cgroup.procs; exec "$@"', "sh"]
        finally:
            os.rmdir(f"{directory}/few")
            subprocess.run(["umount", directory], check=True)


@about("cannot run COMMAND", "gmemtrace")
def test_no_process(line):
    """no process for COMMAND"""
    with few_processes(2) as prefix:  # one looks after memory
        refuses(line, "cannot run touch", "Resource temporarily unavailable", prefix=prefix,
                ways=[["gmemtrace", "-e", "create", "--", "touch", f"{PLACE}/marker"]])


@about("no thread")
def test_no_thread(line):
    """no thread for memory, or for the recorder; COMMAND has not run"""
    with few_processes(1) as prefix:
        refuses(line, "cannot trace", "Resource temporarily unavailable", prefix=prefix, ways=ATTACHING)
    with few_processes(3) as prefix, tempfile.TemporaryDirectory() as directory:
        done = run(*prefix, f"{SANITIZED}/gmemtrace", "record", "--events", "-e", "create", "-o", f"{directory}/capture", "--",
                   "touch", f"{directory}/marker")
        complains(done, IMPOSSIBLE, "Resource temporarily unavailable")
        line.check("gmemtrace", done.stderr)
        assert "marker" not in os.listdir(directory)


@about("cannot run a command as NAME", "gmemtrace")
def test_no_right_to_change(line):
    """--user without the right to become another"""
    refuses(line, "nobody", "CAP_SETUID and CAP_SETGID", prefix=with_capabilities("sys_admin"),
            ways=[["gmemtrace", "--user", "nobody", "--", "touch", f"{PLACE}/marker"]])


@contextlib.contextmanager
def guest():
    """A guest that has more to tell than what is left of a heap holds."""
    with tempfile.TemporaryDirectory() as directory:
        ready = f"{directory}/ready"
        process = subprocess.Popen([GMEMLOAD, f"--ready={ready}", "--hold", "--vms=1", "--vcpus=1", "--slots=64", "--pages=8", "touch", "punch",
                                    "touch"], stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: os.path.exists(ready), "a guest")
            yield
        finally:
            process.kill()
            process.wait()


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.05)


# Nothing is kept for later: what is freed is given back, and no thread has memory of its own in reserve.
SMALL_HEAP = {"MALLOC_MMAP_THRESHOLD_": "128", "MALLOC_TOP_PAD_": "0", "MALLOC_ARENA_MAX": "1"}


def allow_no_more_memory(pid):
    with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
        pages = int(file.read().split()[0])
    subprocess.run(["prlimit", f"--pid={pid}", f"--as={pages * mmap.PAGESIZE}"], check=True)


def capturing(process):
    """It has attached to all, and given up what that took."""
    assert process.poll() is None, f"ended too early: {process.returncode}"
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
        return re.search(r"^CapEff:\s*0+$", file.read(), re.MULTILINE)


@about("cannot read the counts")
def test_no_memory_later(line):
    """no memory for what was counted"""
    for program, *arguments in (["gmemtrace"], ["gmemtop", "-b", "-i", "0.5"]):
        # Not under the sanitizers, whose allocator has all it will ever need.
        process = subprocess.Popen([f"{BUILD}/{program}", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   env=os.environ | SMALL_HEAP)
        wait_for(lambda: capturing(process), "the begin")
        allow_no_more_memory(process.pid)
        with guest():
            if program == "gmemtrace":
                process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        complains(subprocess.CompletedProcess(program, process.returncode, "", said), IMPOSSIBLE, tool=program)
        line.check(program, said)


@about("Free some memory", "gmemtop")
def test_no_memory_on_screen(line):
    """no memory while the screen is on: it is given back, and then comes the message"""
    with terminal(f"{BUILD}/gmemtop", "-i", "0.2", **SMALL_HEAP) as screen:
        screen.shows("FAULTS/s")
        allow_no_more_memory(screen.process.pid)
        with guest():
            assert screen.ends() == IMPOSSIBLE, screen.text()
        screen.is_restored()
        after = screen.raw[screen.raw.rfind(b"\x1b[?1049l"):].decode()
        said = after[after.rindex("gmemtop: "):].replace("\r", "")
        complains(subprocess.CompletedProcess("gmemtop", IMPOSSIBLE, "", said), IMPOSSIBLE, tool="gmemtop")
        line.check("gmemtop", said)


@about("the kernel is locked down")
def test_lockdown(line):
    """a kernel that is locked down: that it is"""
    run("mount", "-t", "securityfs", "securityfs", "/sys/kernel/security")
    if not os.path.exists(LOCKDOWN):
        raise Skip("this kernel has no lockdown")
    for mode in ("integrity", "confidentiality"):
        with open(LOCKDOWN, "w", encoding="utf-8") as file:
            file.write(mode)
        if mode == "integrity":
            for program, *arguments in (["gmemtrace", "-e", "create", "--", "true"], ["gmemtop", "-e", "create", "-b", "-n", "1"]):
                done = run(f"{SANITIZED}/{program}", *arguments)
                assert done.returncode == 0, done.stderr
    refuses(line, "confidentiality")


# What makes the VM so that it cannot work is the argument; lockdown cannot be taken back, so it comes last.
TESTS = {
    "6.1": [test_no_guest_memfd],
    "nokvm": [test_no_kvm],
    "7.3": [test_no_btf, test_bad_btf, test_no_module_btf, test_one_capability, test_capabilities, test_refused, test_few_files,
            test_soft_limit_of_files, test_no_place, test_no_keeper, test_little_memory, test_not_taken, test_no_inventory, test_no_such_event,
            test_full_disk, test_no_output, test_no_process, test_no_thread, test_no_right_to_change, test_no_memory_later, test_no_memory_on_screen, test_lockdown],
    "6.18": [test_switched_off],
    "6.12": [test_not_exact],
}


def main():
    results = Results(f"errors: {sys.argv[1]}")
    results.run_chosen(TESTS[sys.argv[1].removesuffix("-arm64")], sys.argv[2:])
    results.exit()


if __name__ == "__main__":
    main()

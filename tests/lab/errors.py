#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What gmemtrace says where it cannot work. Runs as root in a lab VM that is made so: errors.py 6.1|nokvm|7.3."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tap import Results, Skip  # noqa: E402  (after the path)
from tool import GMEMTOP, GMEMTRACE, IMPOSSIBLE, ROOT, attached, complains, run, trace  # noqa: E402

LOCKDOWN = "/sys/kernel/security/lockdown"


def refuses(*words, prefix=()):
    """Every way to start it ends with this message, before COMMAND runs, and leaves nothing."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        for arguments in (["probe"], ["inventory"], ["-d", "1"], ["-o", f"{directory}/report", "--", "touch", f"{directory}/marker"]):
            complains(run(*prefix, GMEMTRACE, *arguments), IMPOSSIBLE, *words)
            assert not os.listdir(directory), f"{arguments} left {os.listdir(directory)}"
    assert not attached(), f"left attached: {attached()}"


def test_no_guest_memfd():
    """a kernel without guest_memfd: its version, and which has it"""
    refuses("guest_memfd", os.uname().release, "6.8")


def test_no_kvm():
    """kvm not loaded: which module to load"""
    refuses("kvm is not loaded", "modprobe")


def in_namespace(script):
    return ["unshare", "--mount", "sh", "-ec", f'{script}; exec "$@"', "sh"]


def test_no_btf():
    """a kernel without BTF: the option it lacks"""
    refuses("no BTF in this kernel", "CONFIG_DEBUG_INFO_BTF",
            prefix=in_namespace("mount -t tmpfs none /sys/kernel/btf"))


def test_bad_btf():
    """BTF that cannot be read: where to look"""
    refuses("BTF cannot be read", "/sys/kernel/btf",
            prefix=in_namespace("mount -t tmpfs none /sys/kernel/btf; echo rubbish > /sys/kernel/btf/vmlinux"))


def test_no_module_btf():
    """a module without BTF: the option it lacks"""
    if not os.path.exists("/sys/kernel/btf/kvm"):
        raise Skip("kvm is built in")
    refuses("no BTF for module kvm", "CONFIG_DEBUG_INFO_BTF_MODULES",
            prefix=in_namespace("mkdir -p /tmp/btf; mount -t tmpfs none /tmp/btf; cp /sys/kernel/btf/vmlinux /tmp/btf; "
                                "mount --bind /tmp/btf /sys/kernel/btf"))


def with_capabilities(*names):
    """As nobody, but with these capabilities."""
    capabilities = ",".join(f"+{name}" for name in names)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={capabilities}",
            f"--ambient-caps={capabilities}", "--"]


def test_one_capability():
    """CAP_BPF or CAP_PERFMON alone is not enough"""
    for name in ("bpf", "perfmon"):
        refuses("CAP_BPF and CAP_PERFMON are missing", prefix=with_capabilities(name))


def test_capabilities():
    """CAP_BPF and CAP_PERFMON are enough, or what more it takes is said"""
    prefix = with_capabilities("bpf", "perfmon")
    if run(*prefix, GMEMTRACE, "--", "true").returncode == 0:
        return "enough"
    refuses("CAP_SYS_ADMIN", prefix=prefix)
    return "said"


def test_system_capability():
    """CAP_SYS_ADMIN is enough, without being root"""
    done = run(*with_capabilities("sys_admin"), GMEMTRACE, "--", "true")
    assert done.returncode == 0, done.stderr


def test_few_files():
    """too few open files: how many, and how to allow more; the soft limit is no obstacle, and stays COMMAND's"""
    done = run("prlimit", "--nofile=30:1024", GMEMTRACE, "-o", "/dev/null", "--", "sh", "-c", "ulimit -n")
    assert done.returncode == 0 and done.stdout == "30\n", done
    for limit in (20, 40):
        for program in ([GMEMTRACE, "-d", "1"], [GMEMTOP, "-b", "-n", "1"]):
            done = run("prlimit", f"--nofile={limit}", *program)
            if done.returncode or limit == 20:
                complains(done, IMPOSSIBLE, f"{limit} open files are too few", "ulimit -n")
            assert "Too many open files" not in done.stdout, done


def test_no_place():
    """a function that other tracers have taken all places of: that they have, of an event and of what no capture can do without"""
    crowd = f"{ROOT}/build/spin"
    for program in (GMEMTRACE, GMEMTOP):
        done = run(crowd, "--crowd=kvm_gmem_get_pfn", program, "-e", "guest_fault")
        complains(done, IMPOSSIBLE, "cannot trace guest_fault here: kvm_gmem_get_pfn has no place for a program: other tracers")
    complains(run(crowd, "--crowd=kvm_arch_init_vm", GMEMTRACE, "-d", "1"), IMPOSSIBLE, "other tracers hold all places")


def test_no_memory():
    """tables that do not fit into memory: which options make them smaller"""
    if os.sysconf("SC_PHYS_PAGES") > 1 << 18:
        raise Skip("more than 1 GiB of memory")
    for program in ([GMEMTRACE, "-d", "1"], [GMEMTOP, "-b"]):
        done = run(*program, "--owners=1048576")
        complains(done, IMPOSSIBLE, "no memory for tables of 1048576 VMs, slots and guest_memfds.", "--owners")
    with tempfile.TemporaryDirectory() as directory:
        done = trace("record", "-o", f"{directory}/capture", "--owners=64", "--events", "--buffer=1G", "-d", "1")
        complains(done, IMPOSSIBLE, "a ring buffer of 1048576 KiB for each CPU", "--owners and --buffer")


def test_lockdown():
    """a kernel that is locked down: that it is"""
    run("mount", "-t", "securityfs", "securityfs", "/sys/kernel/security")
    if not os.path.exists(LOCKDOWN):
        raise Skip("this kernel has no lockdown")
    for mode in ("integrity", "confidentiality"):
        with open(LOCKDOWN, "w", encoding="utf-8") as file:
            file.write(mode)
        if mode == "integrity":
            done = trace("--", "true")
            assert done.returncode == 0, done.stderr
    refuses("locked down (confidentiality)")


# What makes the VM so that it cannot work is the argument; lockdown cannot be taken back, so it comes last.
TESTS = {
    "6.1": [test_no_guest_memfd],
    "nokvm": [test_no_kvm],
    "7.3": [test_no_btf, test_bad_btf, test_no_module_btf, test_one_capability, test_capabilities, test_system_capability,
            test_few_files, test_no_place, test_no_memory, test_lockdown],
}


def main():
    results = Results(f"errors: {sys.argv[1]}")
    for test in TESTS[sys.argv[1]]:
        results.run(test)
    results.exit()


if __name__ == "__main__":
    main()

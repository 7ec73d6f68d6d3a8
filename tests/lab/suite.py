#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What must hold on one kernel. Runs as root in a lab VM of that kernel: suite.py KERNEL [TEST]..."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import counts  # noqa: E402  (after the path)
import docs  # noqa: E402
import privileges  # noqa: E402
from tap import Results, Skip  # noqa: E402

GMEMTRACE, GMEMLOAD, ROOT = counts.GMEMTRACE, counts.GMEMLOAD, counts.ROOT
KERNEL = sys.argv[1]
# A default-type VM can have a guest_memfd only where guest_memfd has mmap.
HAS_GUESTS = KERNEL not in ("6.1", "6.12", "6.16")
# What a kernel cannot carry. Events of series that no released kernel has are missing everywhere.
IN_FLIGHT = {"direct_map_zap", "direct_map_restore"}
MISSING = {
    "6.12": {"host_fault"},
    "6.16": {"host_fault"},
    "6.18-cloud": {"prepare", "populate", "convert"},
    "7.3-cloud": {"prepare", "populate", "convert"},
    "swprot-6.12": {"host_fault"},
}
# No private memory, and what comes with it, on arm64.
ARM64 = "-arm64" in KERNEL
if ARM64:
    MISSING[KERNEL] = {"prepare", "populate", "prefault", "convert"}
# The only one with a stand-in for a series in flight, see tests/lab/swprot-7.3.patches.
NO_DIRECT_MAP = KERNEL == "swprot-7.3"



def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options)


def need_guests():
    if not HAS_GUESTS:
        raise Skip(f"Debian's {KERNEL} cannot make a guest_memfd without hardware for private memory")


def test_probe():
    """every event that the table promises here is attached, and says by what"""
    done = run(GMEMTRACE, "probe", "-f", "json")
    assert done.returncode == 0, done.stderr
    hooks = {hook["event"]: hook for hook in json.loads(done.stdout)["hooks"]}
    missing = {name for name, hook in hooks.items() if not hook["attached"]}
    assert missing == MISSING.get(KERNEL, set()) | (set() if NO_DIRECT_MAP else IN_FLIGHT), missing
    for name in missing:
        assert "not in this kernel" in hooks[name]["reason"], hooks[name]


def test_probe_ladder():
    """the ladder in docs is what probe says"""
    with open(f"{ROOT}/docs/ladder/{KERNEL}.txt", encoding="utf-8") as file:
        expected = file.read()
    done = run(GMEMTRACE, "probe")
    said = done.stdout.split("\n", 1)[1]  # without the kernel's release
    assert said == expected, f"probe says\n{said}\nscripts/ladder renews docs"


def all_cases():
    """The demonstration, and all that the workload's author could think of; private memory where the kernel was built for it."""
    files = ["cases"] + ["cases.swprot"] * KERNEL.startswith("swprot") + ["cases.no-direct-map"] * NO_DIRECT_MAP
    return list(counts.ftrace.cases([""] + [f"@{ROOT}/tests/workload/{name}" for name in files]))


def exact(options=(), cases=None):
    with tempfile.TemporaryDirectory() as directory:
        measured = counts.Run(cases or all_cases(), directory, options)
    assert measured.capture["loss"]["total"] == 0, measured.capture["loss"]
    wrong = counts.compare_ftrace(measured) + counts.compare_places(measured) + counts.compare_latencies(measured)
    assert not wrong, "\n".join(wrong[:40])
    faults = counts.total(measured, "guest_fault")
    assert faults or not HAS_GUESTS
    return f"{len(measured.cases)} runs, {faults} guest faults"


def test_loads():
    """the kernel takes the programs at the first try, and with every way of attaching that it has"""
    for options in [], ["--no-fsession"], ["--exact"]:
        done = run(GMEMTRACE, "-v", *options, "-o", "/dev/null", "--", "true")
        if options == ["--exact"] and "cannot trace exactly" in done.stderr:
            continue
        assert done.returncode == 0 and "failed" not in done.stderr, f"{options}: {done.returncode}\n{done.stderr[-2000:]}"


def test_exact():
    """every count is gmemload's and ftrace's"""
    return exact()


def test_prepare():
    """a page is prepared once until 6.19, at every fault from 7.0 on, on request only for private memory from 7.3"""
    expected = {"6.18": 64, "7.2": 128, "7.3": 0, "swprot-6.12": 64, "swprot-7.3": 128}.get(KERNEL)
    if expected is None:
        raise Skip(f"{KERNEL} prepares nothing that can be seen without hardware")
    with tempfile.TemporaryDirectory() as directory:
        private = "--type=swprot convert" if KERNEL.startswith("swprot") else ""
        measured = counts.Run([f"--vms=1 --slots=1 --pages=64 --vcpus=1 {private} touch recreate touch"], directory)
    assert counts.total(measured, "guest_fault") == 128
    assert counts.total(measured, "prepare") == expected, counts.total(measured, "prepare")
    return f"{expected} for 64 pages faulted in twice"


def test_mprotect():
    """mprotect() of a mapping hits the gmem-only slot behind it, whose pages the guest then faults in again, and no other slot"""
    need_guests()
    steps = "host:pages=1 touch mprotect:slot=0 touch:vcpus=all mprotect:slot=0,prot=rw touch:vcpus=all"
    with tempfile.TemporaryDirectory() as directory:
        measured = counts.Run([f"--vms=1 --slots=2 --pages=64 --vcpus=2 {steps}"], directory)
    if measured.accounts[0]["unavailable"]:
        raise Skip(f"{KERNEL} cannot map a guest_memfd")
    hit, other = (slot["events"] for slot in measured.capture["vms"][0]["slots"][:2])
    # Both are hit once more when the VMM unmaps all at its end.
    assert hit["notifier_hit"] == {"count": 3, "pages": 192, "details": {"gmem_only": 3}}, hit["notifier_hit"]
    assert other["notifier_hit"]["count"] == 1, other["notifier_hit"]
    assert hit["guest_fault"]["count"] == 3 * 64 and other["guest_fault"]["count"] == 64, (hit, other)
    wrong = counts.compare_ftrace(measured) + counts.compare_places(measured) + counts.compare_latencies(measured)
    assert not wrong, "\n".join(wrong)
    return "2 hits of 64 pages, 128 faults to get them back"


def test_page_size():
    """sizes are in bytes of this kernel's pages, in text, JSON, captures and exports, and what is counted in pages is right"""
    need_guests()
    if KERNEL.startswith("swprot"):
        raise Skip("shown on the kernel that this one is built from")
    page = os.sysconf("SC_PAGESIZE")
    load = ["--", "sh", "-c", f"exec chrt -f 1 {GMEMLOAD} --vms=1 --slots=2 --pages=64 touch punch:first=3,pages=10 touch recreate:slot=0 touch >/dev/null"]
    size = f"{64 * page >> 10}KiB" if 64 * page < 1 << 20 else f"{64 * page >> 20}MiB"
    with tempfile.TemporaryDirectory() as directory:
        done = run(GMEMTRACE, "record", "--events", "-o", f"{directory}/capture", *load)
        assert done.returncode == 0, done.stderr
        text = run(GMEMTRACE, "report", f"{directory}/capture").stdout
        capture = json.loads(run(GMEMTRACE, "report", f"{directory}/capture", "-f", "json").stdout)
        lines = run(GMEMTRACE, "export", f"{directory}/capture", "--to", "openmetrics").stdout
    assert capture["kernel"]["page_size"] == page, capture["kernel"]
    slot, gmem = capture["vms"][0]["slots"][0], capture["gmems"][0]
    assert f"gfn 0x{slot['base_gfn']:x}-0x{slot['base_gfn'] + 63:x}  {size}  " in text, text
    assert slot["npages"] == 64 and gmem["size_bytes"] == 64 * page, (slot, gmem)
    assert slot["events"]["punch_hole"]["pages"] == 10 and slot["events"]["zap"]["pages"] == 64 + 10, slot["events"]
    refaults = slot["events"]["guest_fault"]["details"]
    assert refaults == {"first_touch": 64, "refault_punch": 10, "refault_slot_change": 64}, refaults
    assert f" {64 * page}\n" in lines, lines
    return f"{page} bytes"


def test_lost():
    """what is missed when vCPUs preempt each other is counted as missed"""
    need_guests()
    with tempfile.TemporaryDirectory() as directory:
        measured = counts.Run(["--vms=2 --vcpus=8 --slots=2 --pages=3000 touch:vcpus=all,repeat=2"], directory, scheduler="")
    # The end of a thread's last event, when it is missed, leaves nobody to notice.
    wrong = counts.compare_ftrace(measured, tolerance=2 * 8)
    assert not wrong, "\n".join(wrong)
    return f"{counts.lost(measured, 'guest_fault')} of {measured.ftrace['kvm_gmem_get_pfn']} guest faults missed"


def test_exact_two_programs():
    """every count is right without fsession"""
    need_guests()
    if "-6." in f"-{KERNEL}":
        raise Skip(f"{KERNEL} has no fsession")
    return exact(["--no-fsession"], all_cases()[:8])


def test_folded():
    """slots that take each other's places on a CPU keep what was counted of them"""
    need_guests()
    private = ("--type=swprot", "convert") if KERNEL.startswith("swprot") else ("", "")
    cases = [f"{private[0]} --vms=1 --vcpus=2 --slots=300 --pages={pages} {private[1]} {steps}"
             for pages, steps in ((1, "touch"), (3, "touch recreate:slot=7 touch:vcpus=all"))]
    # All latencies are in a histogram then, also that of what happens once.
    return exact(["--min-latency", "1ns", "--owners", "16384"], cases)


def test_types():
    """the kernel types that the programs read are as written down"""
    done = run(f"{ROOT}/scripts/check-types", KERNEL)
    assert done.returncode == 0, done.stdout + done.stderr


def test_docs():
    """what the documents show of this kernel is so"""
    return docs.commands_of(KERNEL)


def test_privileges():
    """the fewest capabilities are enough, and none can be left out"""
    return privileges.check_needed()


TESTS = [test_probe, test_probe_ladder, test_loads, test_types, test_privileges, test_exact, test_prepare, test_mprotect, test_page_size, test_lost, test_exact_two_programs,
         test_folded, test_docs]


def main():
    results = Results(KERNEL)
    results.run_chosen(TESTS, sys.argv[2:])
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The inventory against gmemload's own account of VMs that were there first. Runs as root in a lab VM: inventory.py KERNEL."""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tap import Results, Skip, tests_of  # noqa: E402  (after the path)
from tool import GMEMLOAD, report, run, trace  # noqa: E402

KERNEL = sys.argv[1]
SWPROT = KERNEL.startswith("swprot")
# A default-type VM can be bound to a guest_memfd only where guest_memfd has mmap; the others show guest_memfds without slots.
HAS_GUESTS = not KERNEL.endswith(("6.12", "6.16"))
PAGE = os.sysconf("SC_PAGESIZE")
HOLDER = None


def need_guests():
    if not HAS_GUESTS:
        raise Skip(f"{KERNEL} binds no guest_memfd to a default-type VM")


def need_swprot():
    if not SWPROT:
        raise Skip("only kernels built for it have private memory here")


@contextlib.contextmanager
def held(*arguments):
    """gmemload when it has done its steps, and its account."""
    with tempfile.TemporaryDirectory() as directory:
        ready = f"{directory}/ready"
        with subprocess.Popen([GMEMLOAD, "--hold", f"--ready={ready}", *arguments], stdout=subprocess.DEVNULL) as vmm:
            try:
                end = time.monotonic() + 120
                while not os.path.exists(ready):
                    assert vmm.poll() is None and time.monotonic() < end, f"gmemload: {vmm.poll()}"
                    time.sleep(0.05)
                with open(ready, encoding="utf-8") as file:
                    yield vmm, json.load(file)
            finally:
                vmm.kill()


def inventory(*options):
    done = trace("inventory", "-f", "json", *options)
    assert done.returncode == 0 and not done.stderr, f"{done.returncode} {done.stderr}"
    return json.loads(done.stdout)


def expected_slots(vm):
    inodes = {gmem["index"]: gmem["inode"] for gmem in vm["gmems"]}
    return [{"id": slot["id"], "as_id": 0, "base_gfn": slot["base_gfn"], "npages": slot["npages"], "gmem_ino": inodes[slot["gmem"]],
             "gmem_pgoff": slot["pgoff"], "resident_pages": slot["resident_pages"]}
            for slot in sorted(vm["slots"], key=lambda slot: slot["id"]) if slot.get("live") and "gmem" in slot]


def expected_gmems(vm):
    return {gmem["inode"]: (gmem["npages"] * PAGE, gmem["flags"], gmem["resident_pages"])
            for gmem in vm["gmems"] if not gmem["released"]}


def found_gmems(found, index):
    return {gmem["ino"]: (gmem["size_bytes"], gmem["flags"], gmem["resident_pages"])
            for gmem in found["gmems"] if gmem["vm"] == index}


def compare_vm(found, index, vm):
    there = found["vms"][index]
    slots = expected_slots(vm)
    assert [{key: slot[key] for key in slots[0]} for slot in there["slots"]] == slots if slots else not there["slots"], \
        f"{there['slots']} instead of {slots}"
    assert found_gmems(found, index) == expected_gmems(vm), f"{found_gmems(found, index)} instead of {expected_gmems(vm)}"
    assert there["vcpus"] == vm["vcpus"] and there["exists"] and there["plain_slots"] >= 1, there


def nodes_are_right(place, found):
    """A capture has none."""
    if "capture" in found:
        return place["nodes"] is None
    return sum(node["pages"] for node in place["nodes"]) == place["resident_pages"]


def compare(found, account, pid):
    """Every VM, slot and guest_memfd of @account, and no other of the process; in an inventory or a capture."""
    indexes = [index for index, vm in enumerate(found["vms"]) if vm["pid"] == pid]
    assert len(indexes) == len(account["vms"]), found["vms"]
    by_inode = {gmem["ino"]: gmem["vm"] for gmem in found["gmems"]}
    for vm in account["vms"]:
        index = by_inode[vm["gmems"][0]["inode"]] if vm["gmems"] else indexes[vm["index"]]
        compare_vm(found, index, vm)
    for place in [*found["gmems"], *(slot for vm in found["vms"] for slot in vm["slots"])]:
        assert nodes_are_right(place, found), place


def check(*arguments, capture=False):
    with held(*arguments) as (vmm, account):
        found = inventory("-p", str(vmm.pid))
        compare(found, account, vmm.pid)
        if capture:
            compare(report("-d", "0.01", "-e", "create", "-p", str(vmm.pid)), account, vmm.pid)
        return found, account


def test_equals():
    """slots, guest_memfds and their pages are gmemload's, though no event was seen"""
    found, _ = check("--vms=3", "--vcpus=3", "--slots=3", "--pages=600", "touch", "punch:first=3,pages=200", "touch:vm=1,first=90,pages=5",
                     "host:vm=2,first=9,pages=3")
    return f"{sum(gmem['resident_pages'] for gmem in found['gmems'])} pages"


def test_shared_gmem():
    """a guest_memfd that several slots share: pages of each slot, and of what no slot is bound to"""
    need_guests()
    found, account = check("--vms=2", "--slots=3", "--pages=100", "--shared-gmem", "touch", "punch:gmem=0,first=90,pages=20",
                           "unbind:slot=1", capture=True)
    assert len(found["gmems"]) == 2 and all(len(gmem["bindings"]) == 2 for gmem in found["gmems"]), found["gmems"]
    assert [gmem["resident_pages"] for gmem in found["gmems"]] == [280, 280], account


def test_sizes():
    """page cache trees of every height, with pages at their ends"""
    for pages in (1, 64, 4097, 300000):
        last = pages - 1
        check("--vms=1", "--vcpus=1", "--slots=1", f"--pages={pages}", "allocate:pages=1", f"allocate:first={last},pages=1")
    check("--vms=1", "--slots=1", "--pages=9000", "allocate", "punch:first=100,pages=8000", capture=True)


def test_more_than_one_run():
    """more pages than a program counts at a time"""
    need_guests()
    found, _ = check("--vms=1", "--vcpus=1", "--slots=2", "--pages=300000", "allocate:pages=270000", "allocate:slot=1,first=270000",
                     capture=True)
    return f"{sum(gmem['resident_pages'] for gmem in found['gmems'])} pages"


def test_many_slots():
    """400 slots of a VM, 40 VMs"""
    check("--vms=1", "--slots=400", "--pages=4", "--vcpus=1", "touch", "punch:first=1,pages=1")
    check("--vms=2", "--slots=400", "--pages=4", "--vcpus=1", "--shared-gmem", "allocate:gmem=0,first=7")
    check("--vms=40", "--slots=4", "--pages=8", "--vcpus=1", "allocate:pages=3")


def test_nodes():
    """pages by NUMA node, as the VMM asked for by mbind()"""
    if not os.path.exists("/sys/devices/system/node/node1"):
        raise Skip("one NUMA node")
    need_guests()
    if KERNEL == "6.18":
        raise Skip("6.18 takes no policy for a guest_memfd")
    with held("--vms=1", "--slots=2", "--pages=1000", "mbind:slot=0,node=1", "touch:pages=300", "mbind:slot=0,node=0",
              "touch:first=300,pages=200,slot=0", "mbind:slot=1,node=1", "touch:first=500,slot=1") as (vmm, account):
        found = inventory("-p", str(vmm.pid))
        compare(found, account, vmm.pid)
    nodes = [{node["node"]: node["pages"] for node in slot["nodes"]} for slot in found["vms"][0]["slots"]]
    assert nodes[0] == {0: 200, 1: 300}, nodes
    assert nodes[1].get(1, 0) >= 500 and sum(nodes[1].values()) == 800, nodes
    return f"{nodes}"


def test_private():
    """private pages of each slot after conversions"""
    need_swprot()
    with held("--type=swprot", "--vms=2", "--slots=3", "--pages=600", "convert:first=100,pages=300", "touch",
              "convert:vm=1,slot=2,first=150,pages=33,to=shared", "convert:slot=1,first=599") as (vmm, account):
        found = inventory()
        compare(found, account, vmm.pid)
    for vm in account["vms"]:
        index = next(gmem["vm"] for gmem in found["gmems"] if gmem["ino"] == vm["gmems"][0]["inode"])
        counts = [slot["private_pages"] for slot in found["vms"][index]["slots"]]
        assert counts == [slot["private_pages"] for slot in vm["slots"] if slot.get("live") and "gmem" in slot], counts
        assert sum(counts) >= 868, counts


def test_no_private():
    """gmem-only slots have no private pages to count: null, not 0"""
    need_guests()
    found, _ = check("--vms=1", "--slots=1", "--pages=16", "touch")
    assert found["vms"][0]["slots"][0]["private_pages"] is None, found["vms"]


def test_in_capture():
    """a VM that does nothing is in a capture's report, and -p leaves it out"""
    with held("--vms=1", "--slots=2", "--pages=64", "allocate:pages=7") as (vmm, account):
        capture = report("-d", "0.2")
        assert capture["inventory"] == {"taken": True, "reason": None, "lacks": None}
        compare(capture, account, vmm.pid)
        compare(inventory(), account, vmm.pid)
        assert not any(vm["events"] for vm in capture["vms"]), capture["vms"]
        text = trace("-d", "0.2").stdout
        assert not HAS_GUESTS or f"2 slots without events: {14 * PAGE >> 10}KiB resident" in text, text
        assert not report("-d", "0.2", "-p", str(os.getpid()))["vms"]
        assert not inventory("-p", str(os.getpid()))["vms"]
        assert not report("--", "sleep", "0.2")["vms"]
        compare(inventory("-p", str(vmm.pid)), account, vmm.pid)


def test_tree():
    """COMMAND's VMs that still run at the end are there with their pages; those that have ended are not"""
    need_guests()
    command = f"exec {GMEMLOAD} --vms=1 --slots=1 --pages=64 --hold touch:pages=9 >/dev/null"
    vm, = report("-d", "3", "--", "sh", "-c", command)["vms"]
    assert vm["exists"] and vm["slots"][0]["resident_pages"] == 9, vm
    assert vm["slots"][0]["events"]["guest_fault"]["count"] == 9, vm
    vm, = report("--", "sh", "-c", command.replace("--hold", ""))["vms"]
    assert vm["ended"] and not vm["exists"] and vm["vcpus"] is None and vm["slots"][0]["resident_pages"] is None, vm


def test_text():
    """the text has the same numbers in short, in 80 columns"""
    with held("--vms=2", "--slots=2", "--pages=512", "allocate:pages=256") as (vmm, _):
        text = trace("inventory", "-p", str(vmm.pid)).stdout
    assert text.count(f"pid {vmm.pid}") == 2 and "2 VMs, 4 guest_memfds, 4MiB resident" in text, text
    assert max(len(line) for line in text.splitlines()) <= 80, text
    assert "1 slot without guest_memfd" in text, text


def test_no_vms():
    """no VM, and a VM without any guest_memfd"""
    found = inventory("-p", "1")
    assert not found["vms"] and not found["gmems"], found
    assert "0 VMs, 0 guest_memfds, 0B resident" in trace("inventory", "-p", "1").stdout
    vm, = inventory()["vms"]
    assert vm["pid"] == HOLDER.pid and not vm["slots"] and vm["plain_slots"] == 1 and vm["vcpus"] == 1, vm
    assert "VM 0" not in trace("-d", "0.01").stdout


def complaints():
    return re.findall(r".*(?:BUG|WARNING|rcu: INFO|general protection).*", run("dmesg").stdout)


def test_coming_and_going():
    """VMs that come and go meanwhile do no harm: what is found is whole"""
    before = complaints()
    stop = time.monotonic() + 20
    runs = seen = 0
    short = [GMEMLOAD, "--vms=2", "--slots=5", "--pages=64", "--hold"]
    churn = [GMEMLOAD, "--vms=1", "--slots=3", "--pages=64", "--vcpus=1", "--run-time=60", "vm", "allocate", "destroy:vm=0", "sleep:ms=1"]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in (churn, short)]
    try:
        while time.monotonic() < stop:
            found = inventory()
            runs += 1
            seen += len(found["vms"])
            for gmem in found["gmems"]:
                assert gmem["size_bytes"] == 64 * PAGE and (gmem["resident_pages"] or 0) <= 64, gmem
            for vm in found["vms"]:
                assert vm["comm"] == "gmemload" and vm["vcpus"] <= 2 and len(vm["slots"]) <= 5, vm
            processes.pop().kill()
            processes.append(subprocess.Popen(short, stdout=subprocess.DEVNULL))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert complaints() == before, complaints()
    assert runs > 1 and seen, (runs, seen)
    return f"{runs} inventories, {seen} VMs"


def test_schema():
    """JSON is valid against --json-schema"""
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    schema = json.loads(trace("--json-schema").stdout)
    with held("--vms=2", "--slots=2", "--pages=16", "allocate"):
        jsonschema.validate(inventory(), schema)
        jsonschema.validate(report("-d", "0.1"), schema)


def main():
    global HOLDER
    results = Results(f"inventory {KERNEL}")
    # The first VM of a system and the end of its last one patch the scheduler's code, which TCG does not always survive.
    with held("--vms=1", "--vcpus=1", "--slots=0", "sleep:ms=0") as (HOLDER, _):
        results.run_chosen(tests_of(globals()), sys.argv[2:])
    results.exit()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""gmemtop as people see it: the real program in a terminal that is emulated, with gmemload's guests. Runs as root in a lab VM.

A test waits for what the screen must show rather than for some time: VMs without hardware are slow.
"""
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import jsonschema

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tap import Results  # noqa: E402  (after the path)
from terminal import COLUMNS, DOWN, END, ENTER, ESC, GMEMTOP, HOME, LINES, PATIENCE, RIGHT, START_UP, Terminal, gmemtop, guest  # noqa: E402
from tool import GMEMLOAD, USAGE, attached, report, run, trace  # noqa: E402

# 64 pages, touched twice: 128 guest faults a slot.
SHAPE = ["--vms=2", "--vcpus=1", "--slots=2", "--pages=64"]
STEPS = ["touch", "punch", "touch"]


def rows(terminal, pattern):
    return [line for line in terminal.lines if re.search(pattern, line)]


def slots_in_order(terminal):
    return [int(match[1]) for line in terminal.lines if (match := re.match(r"\s+slot (\d+)\b", line))]


def cell(line, header, title):
    """What stands in @line below the number column @title."""
    end = header.index(title) + len(title)
    return line[:end].split()[-1]


def test_numbers(terminal, load):
    """totals are the numbers of gmemload, but for what is said to be lost"""
    _, account = load
    terminal.press("a")
    terminal.shows(r"FAULTS↓ ", r"slot 1")
    header = next(line for line in terminal.lines if line.startswith("VM / SLOT"))
    expected = [slot["events"]["guest_fault"]["count"] for vm in account["vms"] for slot in vm["slots"] if "guest_fault" in slot["events"]]
    assert expected == [128] * 4, expected

    def faults(pattern):
        return [int(cell(line, header, "FAULTS")) for line in rows(terminal, pattern)]

    def lost():
        return int(match[1]) if (match := re.search(r"guest_fault: (\d+) missed", terminal.text())) else 0

    # While it counts, of those whose end alone was missed at least half are known not to be under way.
    terminal.wait(lambda: lost() <= sum(expected) - sum(faults(r"^\s+slot \d")) <= 2 * lost(), f"{expected} guest faults")
    assert all(count <= 128 for count in faults(r"^\s+slot \d")), terminal.text()
    assert sum(faults("gmemload")) == sum(faults(r"^\s+slot \d")), terminal.text()
    terminal.shows(rf"2 VMs  4 slots  errors \S+  guest faults {sum(faults('gmemload'))}\b")
    terminal.wait(lambda: [cell(line, header, "RESID") for line in rows(terminal, r"^\s+slot \d")] == ["256KiB"] * 4, "resident pages")
    terminal.press("a")
    terminal.shows(r"FAULTS/s")


def test_overview(terminal, load):
    """the overview has VMs with their slots, sums and what was lost"""
    vmm, _ = load
    terminal.shows(rf"▾ VM 0  {vmm.pid} gmemload\b", rf"▾ VM 1  {vmm.pid} gmemload\b", "slot 0", "slot 1", r"^gmemtop .* Linux \d", r"every 1s")
    assert rows(terminal, "lost nothing|LOST"), terminal.text()
    before, _ = terminal.raw.split(b"\x1b[?1049h", 1)
    assert b"gmemtop: attaching " in before, "nothing was said while it attached"


def test_sort(terminal, _):
    """columns are sorted by, in both directions, and it is said which and how"""
    terminal.shows("FAULTS/s↓")
    terminal.press("s", HOME, ENTER)  # by name
    terminal.wait(lambda: slots_in_order(terminal) == [0, 1, 0, 1], "slots in order")
    terminal.shows("VM / SLOT↑", "^sorted by vm, ascending$")
    terminal.press("r")
    terminal.wait(lambda: slots_in_order(terminal) == [1, 0, 1, 0], "slots in the other order")
    terminal.shows("VM / SLOT↓", "^sorted by vm, descending$")
    terminal.press(">")
    terminal.shows("^sorted by size, descending$", "  SIZE↓")
    terminal.press("<")
    terminal.shows("^sorted by vm, ascending$")


def test_click(terminal, _):
    """a click on a header sorts by it, again in the other order, and both are said"""
    header = next(line for line in terminal.lines if line.startswith("VM / SLOT"))
    place = f"{chr(33 + header.index('FAULTS/s'))}{chr(33 + terminal.lines.index(header))}"
    click = f"\x1b[M {place}\x1b[M#{place}"  # pressed, released
    terminal.press(click)
    terminal.shows("^sorted by guest_fault, descending$", "FAULTS/s↓")
    terminal.press(click)
    terminal.shows("^sorted by guest_fault, ascending$", "FAULTS/s↑")
    terminal.press("s", HOME, ENTER)
    terminal.shows("VM / SLOT↑")


def test_filter(terminal, _):
    """a filter leaves rows out, and says what is wrong with itself; what was typed stays to be mended"""
    terminal.press("f", "slot=1", ENTER)
    terminal.wait(lambda: slots_in_order(terminal) == [1, 1], "slots 1 only")
    terminal.shows("filter slot=1")
    terminal.press("f", "\x15slot=0 sloth=0", ENTER)
    terminal.shows("sloth=0: no such column", "^Filter: slot=0 sloth=0 *$")
    assert slots_in_order(terminal) == [1, 1], terminal.text()
    terminal.press("\x7f\x7f\x7f")
    terminal.lacks("no such column")
    terminal.press("=0", ENTER)
    terminal.wait(lambda: slots_in_order(terminal) == [0, 0], "slots 0 only")
    terminal.press("f", "\x15", ENTER)
    terminal.wait(lambda: len(slots_in_order(terminal)) == 4, "all slots")


def test_fold(terminal, _):
    """a VM is folded and unfolded"""
    terminal.press(HOME, "t")
    terminal.wait(lambda: len(slots_in_order(terminal)) == 2 and rows(terminal, "▸"), "a VM without slots")
    terminal.press("T")
    terminal.wait(lambda: not slots_in_order(terminal), "no slots")
    terminal.press("T")
    terminal.wait(lambda: len(slots_in_order(terminal)) == 4, "all slots")


def test_slot(terminal, _):
    """Enter shows a slot in full: its counts, causes and latencies"""
    terminal.press("a", HOME, DOWN, ENTER)
    terminal.shows(r"^slot 0", r"guest_fault\s+1\d\d\b", r"\d+ first_touch, \d+ refault_punch", "Latency of guest_fault, since the start",
                   r"█.*p50")
    terminal.press(END)
    terminal.shows(r"\bmax$")
    terminal.press(HOME, RIGHT)
    terminal.lacks("Latency of guest_fault")
    terminal.shows(r"Latency of \w+, since")
    terminal.press(ESC, "a")
    terminal.shows("FAULTS/s")


def test_hooks(terminal, _):
    """the hooks view tells what carries each event, what it costs, and what is missing"""
    terminal.press("H")
    terminal.shows(r"^guest_fault\s+attached .*kvm_gmem_get_pfn \(since 6.8\)", r"^direct_map_zap\s+unavailable  not in any released kernel")
    terminal.press(ESC)


def test_help(terminal, _):
    """help lists keys and columns"""
    terminal.press("h")
    terminal.shows(r"Space\s+pause", r"Enter\s+all of a VM or slot")
    terminal.press(END)
    terminal.shows("n/a is not counted")
    terminal.press(ESC)
    terminal.shows("FAULTS")


def clock(terminal):
    return re.search(r"counting for (\S+)", terminal.text())[1]


def test_pause(terminal, _):
    """a pause holds the rows and says so, and the clock goes on"""
    terminal.press(" ")
    terminal.shows("PAUSED")
    before, held = clock(terminal), terminal.lines[4:12]
    terminal.wait(lambda: clock(terminal) != before, "another time")
    assert terminal.lines[4:12] == held, terminal.text()
    terminal.press(" ")
    terminal.lacks("PAUSED")


def test_resize(terminal, _):
    """20x5 is too small and says so; back again all is there"""
    terminal.resize(5, 20)
    terminal.shows("20x5 is too small", "40x8 is needed")
    terminal.resize(24, 80)
    terminal.shows("FAULTS", "P99", "slot 1", r"2 VMs  4 slots  errors \S+  guest faults .*\.\.\.$")
    terminal.press(" ")
    terminal.shows("^gmemtop .*  PAUSED$")
    terminal.press(" ")
    terminal.resize(LINES, COLUMNS)
    terminal.shows("GUEST ADDRESSES|RESID", "slot 1")


def test_keep(terminal, _):
    """w keeps what was chosen in a file"""
    terminal.press("+", "w")
    path = f"{terminal.home.name}/.config/gmemtop/config"
    terminal.shows("kept in ")
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert "interval = 2" in lines and "sort = vm" in lines, lines
    assert os.listdir(os.path.dirname(path)) == ["config"], os.listdir(os.path.dirname(path))


def test_keep_nowhere():
    """w where there is no such directory says what to do, which is not an option that gmemtop lacks"""
    with gmemtop("-e", "guest_fault", XDG_CONFIG_HOME="/proc/none") as terminal:
        terminal.press("w")
        terminal.shows(r"/proc/none/gmemtop/config: No such file or directory. Set XDG_CONFIG_HOME to")
        assert " -o" not in terminal.text(), terminal.text()


def test_ended(terminal, load):
    """a VM that ends is shown once more, then it is gone"""
    vmm, _ = load
    vmm.terminate()
    terminal.lacks(r"slot \d|gmemload")


def test_quit(terminal, _):
    """q gives the terminal back and ends with 0"""
    terminal.press("q")
    assert terminal.ends() == 0
    terminal.is_restored()


def test_killed(number):
    with gmemtop("-e", "guest_fault") as terminal:
        terminal.shows("q Quit|q$")
        terminal.process.kill(number)
        status = terminal.ends()
        terminal.is_restored()
        return status


def test_signals():
    """SIGTERM gives the terminal back"""
    assert test_killed(signal.SIGTERM) == 0


def test_crash():
    """a crash gives the terminal back, and is a crash all the same"""
    assert test_killed(signal.SIGSEGV) == -signal.SIGSEGV


def test_stop():
    """Ctrl-Z gives the terminal to the shell, and fg takes it again"""
    shell = ["/bin/bash", "--norc", "-i"]
    terminal = Terminal(command=shell, PS1="shell> ")
    try:
        terminal.shows("shell>")
        terminal.press(f"{GMEMTOP} -e guest_fault\r")
        terminal.shows("FAULTS/s", seconds=START_UP)
        terminal.press("\x1a")
        terminal.shows("Stopped")
        assert b"\x1b[?1049l" in terminal.raw
        terminal.press("fg\r")
        terminal.shows("FAULTS/s", "every 1s")
        terminal.press("q")
        terminal.shows("shell>")
    finally:
        terminal.close()


def test_terminal_gone():
    """it ends when the terminal goes away"""
    with gmemtop("-e", "guest_fault") as terminal:
        pid = terminal.process.pid
        os.close(os.dup(terminal.process.child_fd))
        terminal.process.ptyproc.fileobj.close()
        end = time.monotonic() + PATIENCE
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            assert time.monotonic() < end, "still there"
            time.sleep(0.2)


def test_heat():
    """the slot view shows where faults fall, in colours"""
    steps = ["touch:pages=128", "punch:pages=32", "touch:pages=32"]  # twice, once, and never
    with gmemtop("-e", "guest_fault", columns=100) as terminal, guest("--vms=1", "--vcpus=1", "--slots=1", "--pages=512", *steps):
        terminal.shows(r"slot 0")
        terminal.press("a", HOME, DOWN, ENTER)
        terminal.shows(r"Guest faults by gfn, since the start: 8 pages \(32KiB\) to a cell",
                       r"^  0x1000  " + 4 * "██" + 12 * "▒▒" + 16 * "··" + "$", r"^  0x1100  " + 32 * "··" + "$",
                       r"^  ·· 0  ░░ 1-4  ▒▒ 5-8  ▓▓ 9-12  ██ 13-16$")
        line = next(i for i, text in enumerate(terminal.lines) if text.startswith("  0x1000  █"))
        assert [terminal.screen.buffer[line][x].fg for x in (10, 18)] == ["red", "green"], terminal.screen.buffer[line][10]


def heats(top):
    """Of each object that gmemtop --json prints: the guest faults of the first slot, and where they fell."""
    for line in itertools.islice(top.stdout, 100):
        for slot in [slot for vm in json.loads(line)["vms"] for slot in vm["slots"] if slot["heat"]]:
            yield slot["events"].get("guest_fault", {"count": 0})["count"], slot["heat"]


def test_heat_of_ranges():
    """a slot made anew of another size begins another heat map, and no fault is forgotten"""
    steps = ["touch:pages=128", "recreate", "touch:pages=128", "recreate:pages=100", "touch:vcpus=4", "recreate:pages=512", "touch:vcpus=4",
             "recreate:pages=100", "touch", "recreate", "touch"]
    top = subprocess.Popen([GMEMTOP, "--json", "-e", "guest_fault", "-i", "0.2"], stdout=subprocess.PIPE, text=True)
    try:
        assert not json.loads(top.stdout.readline())["vms"]
        with guest("--vms=1", "--vcpus=4", "--slots=1", "--pages=512", *steps):
            for count, heat in heats(top):
                assert sum(heat["cells"]) + heat["elsewhere"] <= count, (count, heat)
                if heat["cells"] == 50 * [4]:
                    break
    finally:
        top.kill()
        top.wait()
    assert heat["cells"] == 50 * [4] and heat["cell_pages"] == 2 and heat["base_gfn"] == 0x1000, heat
    assert heat["elsewhere"] == count - 200, (count, heat)


def test_plain():
    """NO_COLOR is respected, and where the locale has ASCII only, nothing else is written; names cannot write to the terminal"""
    with tempfile.TemporaryDirectory() as directory:
        evil = f"{directory}/\x1b[31mevil"
        os.symlink(GMEMLOAD, evil)
        with gmemtop("-e", "guest_fault", NO_COLOR="1", LC_ALL="C") as terminal, guest(*SHAPE, *STEPS, program=evil):
            terminal.shows(r"\\x1b\[31mevil", "FAULTS/sv")
            terminal.press("a", HOME, DOWN, ENTER)
            terminal.shows(r"0x1000  (##){32}")
            assert all(byte < 0x80 for byte in terminal.raw), "not ASCII"
            assert not re.search(rb"\x1b\[(\d+;)*(3[0-7]|4[0-7])(;\d+)*m", terminal.raw), "colours"


def test_vt100():
    """a terminal without colours does"""
    with gmemtop("-e", "guest_fault", TERM="vt100") as terminal:
        terminal.shows("FAULTS/s", seconds=START_UP)


def test_batch():
    """-b prints tables to a pipe, and --json objects that the schema takes"""
    with guest(*SHAPE, *STEPS):
        done = run(GMEMTOP, "-b", "-n", "2", "-i", "0.5", env=os.environ | {"LC_ALL": "C.UTF-8"})
        assert done.returncode == 0 and not done.stderr, done
        assert done.stdout.count("VM / SLOT") == 2 and "gmemload" in done.stdout, done.stdout
        assert "\x1b" not in done.stdout
        done = run(GMEMTOP, "--json", "-n", "3", "-i", "0.2")
        assert done.returncode == 0 and not done.stderr, done
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    schema = json.loads(trace("--json-schema").stdout)
    assert len(objects) == 3
    for each in objects:
        jsonschema.validate(each, schema)
        assert each["tool"]["name"] == "gmemtop" and len(each["vms"]) == 2, each


def test_numbers_of_vms():
    """a VM has the same number in an inventory, a capture and a live view, whichever has the first event"""
    with guest("--vms=2", "--slots=1", "--pages=8", "touch") as (idle, _), guest("--vms=1", "--slots=1", "--pages=8", "touch") as (other, _):
        busy = subprocess.Popen([GMEMLOAD, "--vms=2", "--slots=1", "--pages=8", "--run-time=60", "punch:vm=1", "touch:vm=1", "sleep:ms=20"],
                                stdout=subprocess.DEVNULL)
        try:
            expected = sorted([idle.pid] * 2 + [other.pid] + [busy.pid] * 2)
            listed = []
            while len(listed) < len(expected):
                listed = [vm["pid"] for vm in report("inventory")["vms"]]
            captured = report("-d", "1")["vms"]
            batch = [re.findall(r"VM (\d+)  (\d+) gmemload", table) for table in run(GMEMTOP, "-b", "-n", "2").stdout.split("gmemtop ")[1:]]
        finally:
            busy.kill()
            busy.wait()
    assert listed == expected, listed
    assert [vm["pid"] for vm in captured] == listed, captured
    assert [bool(slot["events"]) for vm in captured for slot in vm["slots"]] == [False] * 4 + [True], captured
    for rows_of in batch:
        assert sorted(rows_of) == [(str(i), str(pid)) for i, pid in enumerate(listed)], batch


def test_owners_used_up():
    """where there is no room for more VMs and slots, the head does not say how many there are, nor that nothing happened"""
    top = subprocess.Popen([GMEMTOP, "-b", "--owners=16", "-i", "0.5", "-e", "guest_fault"], stdout=subprocess.PIPE, text=True)
    try:
        assert top.stdout.readline()  # it counts
        with guest("--vms=4", "--vcpus=1", "--slots=4", "--pages=8", "touch"):
            head = next(line for line in itertools.islice(top.stdout, 1000) if "n/a VMs" in line)
    finally:
        top.kill()
        top.wait()
    assert re.match(r"n/a VMs  n/a slots  errors n/a  guest faults n/a  p50 n/a", head), head


def test_losses_only_grow():
    """what is under way is not lost: no total of losses goes back while it counts"""
    steps = [GMEMLOAD, "--vms=2", "--vcpus=4", "--slots=1", "--pages=64", "--run-time=12", "punch", "touch"]
    top = subprocess.Popen([GMEMTOP, "--json", "-e", "guest_fault", "-i", "0.1", "-n", "80"], stdout=subprocess.PIPE, text=True)
    try:
        first = json.loads(top.stdout.readline())
        with subprocess.Popen(steps, stdout=subprocess.DEVNULL):
            lost = [json.loads(line)["loss"]["total"] for line in top.stdout]
    finally:
        top.kill()
        top.wait()
    assert first["loss"]["total"] <= lost[0] and lost == sorted(lost), lost
    return f"{lost[-1]} lost"


def test_no_terminal():
    """without a terminal it says what to do"""
    done = run(GMEMTOP)
    assert done.returncode == USAGE and "not a terminal. Use -b" in done.stderr, done


def test_nothing_attached():
    """nothing stays attached"""
    # Programs and maps are freed a moment after their last user has gone.
    end = time.monotonic() + PATIENCE
    while attached():
        assert time.monotonic() < end, attached()
        time.sleep(0.5)


ON_ONE_SCREEN = (test_overview, test_numbers, test_sort, test_click, test_filter, test_fold, test_slot, test_hooks, test_help, test_pause, test_resize,
                 test_keep, test_ended, test_quit)
OTHERS = (test_signals, test_crash, test_stop, test_terminal_gone, test_heat, test_heat_of_ranges, test_plain, test_vt100, test_keep_nowhere,
          test_numbers_of_vms, test_owners_used_up, test_losses_only_grow, test_batch,
          test_no_terminal, test_nothing_attached)


def main():
    """All tests, or what the arguments name: tests of OTHERS, without test_, and "one" for ON_ONE_SCREEN."""
    wanted = sys.argv[1:] or ["one"] + [test.__name__.removeprefix("test_") for test in OTHERS]
    results = Results("screen")
    if "one" in wanted:
        with gmemtop() as terminal:
            terminal.shows("FAULTS/s", seconds=START_UP)
            with guest(*SHAPE, *STEPS) as load:
                for test in ON_ONE_SCREEN:
                    results.run(test, terminal, load)
    for test in OTHERS:
        if test.__name__.removeprefix("test_") in wanted:
            results.run(test)
    results.exit()


main()

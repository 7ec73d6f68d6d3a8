#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The documentation, tried: each of its commands is run where it belongs, and shows what the text says.

docs.py [TEST]...            on this machine: what needs no kernel, the manual pages, and that nothing is left out
docs.py in 7.3 [DOCUMENT]... in a lab VM, as root: what needs one. The few commands for other kernels are run by suite.py

A command that is in none of the tables, or in two, fails; so does an entry of a table that no command needs any more.
"""
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import docpages  # noqa: E402  (after the path)
import lists  # noqa: E402
from docpages import LAB, read  # noqa: E402
from tap import Results, Skip  # noqa: E402
from tool import BUILD, GMEMLOAD, GMEMTOP, GMEMTRACE, ROOT, USAGE, run  # noqa: E402

KERNEL = "7.3"  # of commands that name none
PATIENCE = 240  # seconds: make demo boots a VM, beside others
MANUALS = {"gmemtrace": "docs/gmemtrace.1", "gmemtop": "docs/gmemtop.1"}


# ---- What comes out, compared with what is shown ----

PLACE = re.compile(r"  (slot \d+|gmem|the VM itself|all of this VM)\b")
NOT_EXACT = {"notifier"}  # the VMM's allocator has a part in it


def counts_of(text):
    """Of each VM of a report: {(place, event): [count, errors, details]}. What comes before the first VM is one, too."""
    vms, place, event = [{}], "", None
    for line in text.splitlines():
        if re.match(r"VM \d+ ", line):
            vms.append({})
            place, event = "", None
        elif match := PLACE.match(line):
            place, event = match[1], None
        elif match := re.match(r" {4}(\w+) +(\d[\d.]*[kM]?) ", line):
            event = (place, match[1])
            vms[-1][event] = [match[2], set(re.findall(r"\w+×\d+", line)), set()]
        elif event and line.startswith(" " * 8):
            vms[-1][event][1].update(re.findall(r"\w+×\d+", line))
            vms[-1][event][2].update(re.findall(r"([\d.]+k?) (\w+)", line))
        else:
            event = None
    return [{key: value for key, value in vm.items() if key[1] not in NOT_EXACT} for vm in vms if vm]


def has(vm, key, value):
    """@key without a place is of an excerpt that shows none."""
    return any(found == value for (place, event), found in vm.items() if event == key[1] and key[0] in ("", place))


def same_counts(out, shown):
    """In one of the VMs each event that is shown happened where it is shown, as often, with the same errors and details."""
    wanted, = counts_of(shown)
    found = counts_of(out)
    assert any(all(has(vm, key, value) for key, value in wanted.items()) for vm in found), f"shown: {wanted}\nfound: {found}"


def whole_report(out, shown):
    """The same, and nothing else at the places that are shown; the lines of the head are the same ones."""
    same_counts(out, shown)
    wanted = counts_of(shown)[0]
    places = {place for place, _ in wanted} - {"all of this VM"}
    more = [key for key in counts_of(out)[0] if key[0] in places and key not in wanted]
    assert not more, f"not shown: {more}"
    head, shown_head = ([line.split()[0] for line in text.split("\n\n")[0].splitlines()] for text in (out, shown))
    assert head == shown_head, f"{head}, shown: {shown_head}"


def same_histogram(out, shown):
    """A histogram of as many events as its title says, and as the shown one has."""
    numbers = []
    for text in (out, shown):
        title = re.search(r"^guest_fault +(\d+) +p50", text, re.M)
        numbers += [int(title[1]), sum(map(int, re.findall(r"^ +[\d.]+\S+ - \S+ +(\d+)", text[title.end():], re.M)))]
    assert len(set(numbers)) == 1, f"{numbers} in\n{out}"


def same_text(*but):
    """The same, but for what these patterns stand for, and for the number of blanks."""
    def check(out, shown):
        for pattern in but:
            out, shown = (re.sub(pattern, "#", text) for text in (out, shown))
        assert out.split() == shown.split(), f"shown:\n{shown}\ncame out:\n{out}"
    return check


def same_table(out, shown):
    """A table of sqlite3 with the same columns, and the same words in the first."""
    def words(text):
        lines = [[cell.strip() for cell in line.split("│")] for line in text.splitlines() if "│" in line]
        return lines[0], {line[1] for line in lines}
    assert words(out) == words(shown), f"{words(out)}, shown: {words(shown)}"


def maps_of_the_table(out, _):
    """Each map that docs/overhead.md lists."""
    table = re.search(r"^\| map \|.*?\n\n", read("docs/overhead.md"), re.M | re.S)[0].strip()
    names = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    missing = [name for name in names if f" name {name[:15]} " not in out]
    assert names and not missing, f"no {missing} in {out}"


def some_faults(out, _):
    """Tables in which slots have guest faults, and are there to the last."""
    header = re.search(r"^VM / SLOT.*", out, re.M)
    assert header, out
    end = header[0].index("FAULTS/s") + len("FAULTS/s")
    rates = [line[:end].split()[-1] for line in re.findall(r"^ +slot \d.*", out, re.M)]
    assert any(rate[0].isdigit() and rate != "0" for rate in rates), f"no guest faults in\n{out}"
    assert re.search(r"^ +slot \d", out[out.rindex("VM / SLOT"):], re.M), f"the last table is empty:\n{out}"


# ---- The tables ----


class Row:
    """What is done with the commands that @pattern finds. Each of @changes, (as written, as run), must apply. @out: a pattern of what comes out;
    @check compares it with what is shown. @guest: a VMM is at work meanwhile."""

    def __init__(self, pattern, *changes, out="", check=None, status=0, guest=False):
        self.pattern, self.changes, self.out, self.check, self.status, self.guest = re.compile(pattern, re.S), changes, out, check, status, guest

    def command(self, text):
        for written, done in self.changes:
            assert written in text, f"no {written!r} in {text}"
            text = text.replace(written, done)
        return text


DEMO = "sh -c 'gmemload --vms=1 --slots=1 >/dev/null'"
FAULTS = r"^    guest_fault +\d"
FEWER_PAGES = ("=4096", "=64")
UNTIL_CTRL_C = ("gmemtrace ", f"{ROOT}/tests/lab/ctrl-c gmemtrace ")

# In lab VMs, without the `lab run` in front of it; build/ is in PATH.
IN_VM = (
    Row(r"^for run in 0 1 2 3 4 5 6; do for side", ("1 2 3 4 5 6", "1"), ("./vmm-$side", "./vmm")),
    Row(r"^gmemtrace check --allow command --base before-\[1-9\]\*", out=r"inconclusive: .* inconclusive", status=3),
    Row(r"^for run in \$\(seq 24\); do for side", ("seq 24", "seq 2"), ("./vmm-$side", "./vmm"), out="looked at again when there are 6 \\+ 6 runs"),
    Row(r"^gmemtrace check --base before-\*", out=r"^loss==0 .*fine", status=3),
    Row(r"^gmemtrace check --base a\*.gmem", ("a*", "before-*"), ("b*", "after-*"), out=r"^loss==0 .*fine", status=3),
    Row(r"^gmemtrace probe$", out=r"^guest_fault +.*kvm_gmem_get_pfn"),
    Row(r"^gmemtrace inventory$", out=r"^gmemtrace .*\n\d+ VMs?, \d+ guest_memfds?, .* resident\n", check=same_text(r"pid \d+", r"gmem \d+", r"on Linux \S+")),
    Row(r"^gmemtrace -d 10$", ("10", "1"), out=FAULTS, guest=True),
    Row(r"^gmemtrace -e guest_fault -p 4711$", UNTIL_CTRL_C, ("4711", "$(pgrep -o qemu)"), out=r"^guest_fault +\d+  p50", guest=True),
    Row(r"^gmemtrace -p \$\(pgrep -o qemu\) -e guest_fault,host_fault$", UNTIL_CTRL_C, out=r"^guest_fault +\d+  p50", guest=True),
    Row(r"^gmemtrace -o report -- COMMAND$", ("COMMAND", f"{DEMO}; cat report"), out=FAULTS),
    Row(r"^gmemtrace record --events -o FILE -- COMMAND$", ("COMMAND", DEMO)),
    Row(r"^gmemtrace report FILE$", out=FAULTS),
    Row(r"^gmemtrace export FILE --to sqlite -o FILE\.db$"),
    Row(r"^gmemtrace export FILE --to ndjson \| jq", out=r"^\S+Z\tbind\tEEXIST\t3\tgmemload$"),
    Row(r"^sqlite3 -box FILE\.db .*GROUP BY details", check=same_table),
    Row(r"^gmemtrace -- \\\n +sh -c 'gmemload --vms=1 --slots=1 >/dev/null'$", check=whole_report),
    Row(r"^gmemtrace -- sh -c 'gmemload --vms=1 --slots=1 >/dev/null'$", out=r"^  slot 0  gfn 0x400-0x47f  2MiB "),
    Row(r"^gmemtrace -e guest_fault -- \\\n", check=same_histogram),
    Row(r"^gmemtrace -e notifier_hit,guest_fault --stacks notifier_hit -- \\\n", out="^Stacks of notifier_hit$", check=same_counts),
    Row(r"^gmemtrace -e guest_fault,prepare -- \\\n", check=same_counts),
    Row(r"^gmemtrace -e convert,guest_fault,memory_fault -- \\\n", check=same_counts),
    Row(r"^gmemtrace -e guest_fault,direct_map_zap,direct_map_restore -- \\\n", check=same_counts),
    Row(r"^gmemtrace -- \\\n +sh -c 'gmemload --vms=1 --vcpus=1", check=same_counts),
    Row(r"^gmemload --vms=2 --slots=2 .* --hold .*&$"),
    Row(r"^sh -c 'gmemload --vms=2 .* & gmemtop -b -n 5'$", check=some_faults),
    Row(r"^gmemtop -b -n 3 -i 0\.5$", out=r"^ +slot 0 ", guest=True),
    Row(r"^gmemtop --json$", ("--json", "--json -n 2"), out='"heat":', guest=True),
    Row(r"^cat >build/\w+-cost <<'END'\n", FEWER_PAGES),
    Row(r"^bash -c '\n\tbash build/fault-cost untraced", out=r"^untraced: -?\d+ instructions a fault\n(gmemtrace .*: -?\d+ instructions a fault\n){2}"),
    Row(r"^bash -c '\n\tgmemtop --json -i 1000", ("sleep 8", "sleep 4"), out=r"^gmemtop: -?\d+ instructions a fault"),
    Row(r"^bash -c 'for o in \"\" \"record --events\"", ('"" "record', '"record'), out=r"^recorder: -?\d+ instructions an event\nfault: \d+"),
    Row(r"^bash -c 'TIMEFORMAT=%R; for i in 1 2 3 4 5; do", ("1 2 3 4 5", "1")),
    Row(r"^sh -c 'gmemtrace -d 10 -o /tmp/report & sleep 8; bpftool map show'$", check=maps_of_the_table),
    Row(r"^gmemtrace record --events -e guest_fault -o run\.capture"),
    Row(r"^gmemtrace -f json -o run\.json --exit-status"),
    Row(r"^jq .* run\.json$", out="^544$"),
    Row(r"^gmemtrace export run\.gmem --to sqlite", ("run.gmem", "run.capture")),
    Row(r"^sqlite3 run\.db .*LIMIT 10\"$", out=r"^(0\|0\|\d+\|\d+\|(first_touch|refault_\w+)\n){10}"),
    Row(r"^uname -a$", out="cloud"),
    Row(r"^grep -w NAME /sys/kernel/tracing", ("NAME", "kvm_gmem_get_pfn"), out=r"^kvm_gmem_get_pfn \[kvm\]"),
    Row(r"^bpftool prog$", out=r""),
    Row(r"^tests/lab/suite\.py 7\.3 probe$", out=r"^ok - 7\.3: every event"),
)

# On this machine, where no tracing need be possible.
ON_HOST = (
    Row(r"^make demo$", out=FAULTS),
    Row(r"^make help$", out="make check "),
    Row(r"^scripts/setup --list$", out=r"^build +make "),
    Row(r"^scripts/lab list$", out=rf"^{KERNEL} +"),
    Row(r"^scripts/lab --help$", out="--no-kvm-module"),
    Row(r"^scripts/lab run --kernel 7\.3 --share build ", ("report", "docs.report"), (">/dev/null", ">/dev/null; cat build/docs.report; rm build/docs.report"),
        out=FAULTS),
    Row(r"^gmemtrace (export )?--json-schema$", out='"\\$schema"'),
    Row(r"^gmemtrace report run\.gmem -f html -o page\.html$", ("run.gmem -f html -o page.html", "tests/data/stacks.cap -f html"), out="<h1>guest_memfd on"),
    Row(r"^tests/run --list$", out=r"^unit +\| unit_tests$"),
    Row(r"^tests/native\.py folders$", out=r"^ok - native: HACKING\.md"),
    Row(r"^man -l ", ("man -l", "MANWIDTH=80 man -l"), out=r"SYNOPSIS"),
)

# What is not run here, and why: another test does it, or it is no more than a name, or it takes too long.
NOT_HERE = (
    (r"^scripts/lab perf --base 6\.18 --new 7\.2$|^(scripts/)?lab perf$", "tests/lab/perf.py"),
    (r"^ci/guest-memfd\.sh |^scripts/lab perf .* -- \./vmm", "the reader's own repository: tests/lab/ci.py has one"),
    (r"^(xxd|tail) .*tests/data/tiny\.cap|^build/generate ", "tests/capture/suite.py"),
    (r"^protoc --decode|^promtool check|^gmemtrace export FILE --to openmetrics --name", "tests/export.py"),
    (r"^gmemtrace export FILE --to FORMAT|^gmemtrace record -o FILE$|^gmemtop -b$|^gmemtrace -f json$|^gmemtrace diff A B$", "the same with values is run"),
    (r"^gmemtrace (record|report|check|record --events|--no-fsession|--exact|--sample 64( --no-fsession)?|-e create|-e guest_fault)$", "in tables and sentences: a name"),
    (r"^gmemtrace .*-- VMM$|^gmemload --no-direct-map$", "in words what a block below is"),
    (r"^(build/)?gmemtrace trend( history)?$", "tests/native.py and tests/unit/test_trend.c"),
    (r"^build/verdicts --trials 20000$", "verdicts of tests/run, with 2,000"),
    (r"^(perf record -k mono|trace-cmd record -C mono|perf record)$", "others' programs"),
    (r"^scripts/lab run( --kernel K -- .*| --icount| --kernel 7\.3 --numa 2)?$", "of which other commands are"),
    (r"^scripts/lab run --kernel 7\.2 -- tests/lab/suite\.py|^tests/run (capture|cost|docs|overhead|unit native docs)$|^build/tests/unit/|tests/lab/(topcost|shared_cost|scale|record|mayhem)\.py", "parts of tests/run"),
    (r"^scripts/lab (run --kernel (\.\./linux|mine) |(build|perf|bisect) --tree |source 7\.3 )|^(scripts/)?lab bisect$", "tests/lab/trees.py"),
    (r"^(scripts/)?lab (build(?! --tree )|fetch|debian|user-space)\b", "takes too long; of fetch tests/lab/labtest.sh tries what can go wrong"),
    (r"^(make|make ARCH=arm64|make (check|check-long|bench|bench-files|fuzz|growth|lint|sanitized|unit)|make check PART=.*|make bench OPTIONS=.*|make && sudo build/gmemtop)$", "runs this, or takes too long; test_screens has the screen"),
    (r"^make compile_commands\.json$", "tests/lab/hacking.py"),
    (r"^gmemtrace probe -f json$|^scripts/(setup|setup arm64|setup build lab|check-types|ladder|screenshot)$|^(scripts/lab run .* )?tests/bench/cost\.py$|^tests/(bench|lab)/\w+\.py( 26)?$", "makes what other tests look at"),
)

# Blocks that are no commands, by how they begin.
BLOCKS = (
    (r"^gmemtop 0\.1 ", "screens: test_screens"),
    (r"^ kernel +│ user space", "a drawing"),
    (r"^#!/bin/bash\n# ci/|^name: guest_memfd|^# What we promise|^gmemtrace check: 3 base runs", "tests/lab/ci.py"),
    (r"^first bad commit: 10c32695fe12", "what tests/lab/trees.py long makes"),
    (r"^4 base runs \(Linux 6\.18", "what tests/lab/perf.py makes"),
    (r"^40 checks, 2026", "an example: tests/unit/test_trend.c"),
    (r"^6 base runs \(Linux 7\.3\.4\)", "an example: tests/unit/test_report_check.c"),
    (r"^guest_fault\.mean<=\+2%\nguest_fault\.p99", "rules: tests/unit/test_check_rules.c"),
    (r"^process VMM \(pid\)", "a drawing of tracks"),
    (r"^SELECT ts, dur, extract_arg", "for Perfetto's trace_processor, which Debian does not have"),
    (r"^SELECT n\.vm, ", "test_query"),
    (r"^histogram_quantile\(", "for a server of Prometheus"),
)


def as_run(item):
    """The kernel of whose VM a command is, and the command without what stands for the VM."""
    text = item.text.removeprefix("sudo ")
    kernel = KERNEL
    if match := LAB.match(text):
        if found := re.search(r"--kernel (\S+)", match[1]):
            kernel = found[1]
        text = text[match.end():]
    return kernel, re.sub("build/(arm64/)?gmem", "gmem", text)


def entries(item):
    """The entries of the tables that are for it."""
    if not item.command:
        return [entry for entry in BLOCKS if re.search(entry[0], item.text)]
    _, text = as_run(item)
    return ([entry for entry in NOT_HERE if re.search(entry[0], item.text, re.S)]
            or [row for row in ON_HOST if row.pattern.search(item.text.replace("build/gmem", "gmem"))]
            or [row for row in IN_VM if row.pattern.search(text)])


# ---- Running them ----


class Place:
    """A directory like the checkout, in which files can be made, with VMMs by the names that the documents use."""

    def __init__(self, directory):
        self.directory = directory
        self.done = set()
        self.left = []
        os.mkdir(f"{directory}/build")
        for name in os.listdir(ROOT):
            if name not in ("build", ".git"):
                os.symlink(f"{ROOT}/{name}", f"{directory}/{name}")
        for name in ("gmemtrace", "gmemtop", "generate"):
            os.symlink(f"{BUILD}/{name}", f"{directory}/build/{name}")
        # First come, first served: vCPUs do not preempt each other inside a BPF program, which the kernel would then skip.
        self.program("build/gmemload", f'exec chrt --fifo 1 {GMEMLOAD} "$@"')
        for name in ("vmm", "guest_memfd_test"):
            self.program(name, "exec gmemload --vms=1 --slots=1 >/dev/null")
        os.symlink(GMEMLOAD, f"{directory}/qemu-system-x86")
        self.environment = os.environ | {"PATH": f"{directory}/build:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}

    def program(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(file.name, 0o755)

    def start(self, command, **options):
        process = subprocess.Popen(["bash", "-c", command], cwd=self.directory, env=self.environment, start_new_session=True, text=True, **options)
        self.left.append(process)
        return process

    def end(self):
        """What commands left running."""
        for process in self.left:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.left = []

    def background(self, command):
        """A gmemload that goes on. Its steps are done when this returns."""
        ready = f"{self.directory}/ready"
        self.start(f"{command} --ready={ready}", stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not os.path.exists(ready):
            assert time.monotonic() < end, f"not ready: {command}"
            time.sleep(0.1)
        os.unlink(ready)

    def run(self, row, text):
        command = row.command(text)
        if command.endswith("&"):
            return self.background(command.rstrip(" &"))
        if row.guest:
            self.start("exec ./qemu-system-x86 --vms=1 --vcpus=1 --slots=1 --run-time=600 touch punch sleep:ms=50 >/dev/null")
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = self.start(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
            status = process.wait(PATIENCE)
            output.seek(0)
            errors.seek(0)
            out, said = output.read(), errors.read()
        if row.guest:
            self.end()
        came = "\n".join(line[:500] for line in (out + said).splitlines()[:60])
        assert status == row.status and not re.search(r"not found|No such file|error:", said), f"{command}: status {status}\n{came}"
        assert re.search(row.out, out + said, re.M), f"{command}: no {row.out} in\n{came}"
        self.done.add(text)
        return out

    def try_item(self, row, item, text):
        if text in self.done and not item.shown:
            return
        out = self.run(row, text)
        if row.check and (item.shown or row.check in (maps_of_the_table, some_faults)):
            row.check(out, item.shown)


def try_all(table, chosen, results, text_of):
    """Each command in its turn; what a block leaves running ends with it."""
    with tempfile.TemporaryDirectory() as directory:
        place, before = Place(directory), None
        for item in chosen:
            [row] = [entry for entry in entries(item) if entry in table]
            if (item.document, item.block) != before:
                place.end()
            before = (item.document, item.block)

            def tried(row=row, item=item):
                place.try_item(row, item, text_of(item))
            tried.__doc__ = f"{item.document}: {' '.join(text_of(item).split())[:90]}"
            results.run(tried)
        place.end()


def chosen_for(table, kernel=None):
    """The commands of a table, first those that make files for others."""
    found = [item for item in docpages.items() if item.command and any(entry in table for entry in entries(item))
             and (kernel is None or as_run(item)[0] == kernel)]
    return sorted(found, key=lambda item: item.document != "docs/ci.md")


def commands_here(results):
    try_all(ON_HOST, chosen_for(ON_HOST), results, lambda item: item.text.replace("build/gmemtrace", "gmemtrace"))


def commands_of(kernel):
    """The same as one test, for a suite of another kernel."""
    chosen = chosen_for(IN_VM, kernel)
    if kernel == KERNEL or not chosen:
        raise Skip("a part of its own has them" if chosen else "no document has a command for this kernel")
    with tempfile.TemporaryDirectory() as directory:
        place = Place(directory)
        for item in chosen:
            [row] = entries(item)
            place.try_item(row, item, as_run(item)[1])
        place.end()
    return f"{len(chosen)} commands"


# ---- Nothing is left out ----


def test_all():
    """each command and block of the documents is in one table, and each entry of the tables is needed"""
    needed, wrong = set(), []
    for item in docpages.items():
        found = entries(item)
        needed.update(found)
        if len(found) != 1:
            wrong.append(f"{item}: in {len(found)} tables")
    wrong += [f"no command needs {getattr(entry, 'pattern', entry)}" for entry in (*IN_VM, *ON_HOST, *NOT_HERE, *BLOCKS) if entry not in needed]
    assert not wrong, "\n".join(wrong)


LINK = re.compile(r"\[[^]]*\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(document):
    """Of its headings, as GitHub makes them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", read(document), re.M)}


def test_links():
    """links within the documents lead to files and headings"""
    wrong = []
    for document in docpages.documents():
        for path, anchor in LINK.findall(read(document)):
            to = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
            if ":" in path:
                continue
            if not os.path.exists(f"{ROOT}/{to}"):
                wrong.append(f"{document}: no {path}")
            elif anchor and anchor not in anchors(to):
                wrong.append(f"{document}: no heading {path}#{anchor}")
    assert not wrong, "\n".join(wrong)


# ---- SQL ----


def test_queries():
    """what docs/export.md asks of a database is answered"""
    queries = re.findall(r"^```sql\n(SELECT n\..*?)^```$|`(SELECT [^`]+)`", read("docs/export.md"), re.M | re.S)
    assert len(queries) == 2, queries
    with tempfile.TemporaryDirectory() as directory:
        for command in (["build/varied", "a", "3000", "3"], ["build/gmemtrace", "export", "a", "--to", "sqlite", "-o", "a.db"]):
            done = run(f"{ROOT}/{command[0]}", *command[1:], cwd=directory)
            assert done.returncode == 0, done.stderr
        with contextlib.closing(sqlite3.connect(f"{directory}/a.db")) as database:
            for query in map("".join, queries):
                assert database.execute(query).fetchall(), f"nothing comes of {query}"


# ---- The screens of gmemtop ----


def shape(line):
    """A line without its numbers, times and the number of blanks."""
    return " ".join(re.sub(r"[\d.:]*\d\S*", "#", line).split())


def screens():
    return {(item.document, item.screen): item.text.rstrip("\n").split("\n") for item in docpages.items() if item.screen}


@contextlib.contextmanager
def started(terminal):
    terminal.shows(r"FAULTS/s", seconds=180)
    yield


def test_screens():
    """gmemtop shows the screens that the documents have: head, columns, hooks, keys, help"""
    from terminal import COLUMNS, DOWN, ENTER, ESC, HOME, gmemtop, guest  # which needs what only tests of the screen do
    shown = screens()
    steps = ["--vms=1", "--vcpus=1", "--slots=2", "--pages=4096", "touch", "punch:slot=0", "touch:slot=0"]
    # Its faults are to be seen, so it begins when all is attached.
    with gmemtop(lines=24, columns=COLUMNS) as terminal, started(terminal), guest(*steps):
        terminal.shows(r"^ +slot 1 ")

        def compare(name, pattern, *keys, lines=24):
            terminal.resize(lines, COLUMNS)
            terminal.press(*keys)
            terminal.shows(pattern)
            found = [text for (_, of), text in shown.items() if of == name]
            assert found, f"no document shows {name}"
            # The page is longer than what is on it.
            return [[[line for line in lines if line] for lines in (text, terminal.text().split("\n"))] for text in found]

        for text, seen in compare("overview", r"FAULTS/s"):
            heads = [[line for line in lines if line.startswith("VM / SLOT")] for lines in (text, seen)]
            assert heads[0] == heads[1], heads
            assert shape(text[0]) == shape(seen[0]), (text[0], seen[0])
            assert text[-1] == seen[-1], (text[-1], seen[-1])
            heads = [re.findall(r"[a-z]+(?: [a-z]+)?(?= [\d-])", lines[1].split("conv")[0]) for lines in (text, seen)]
            assert heads[0] == heads[1], heads
        for text, seen in compare("slot", r"^Latency of", HOME, DOWN, ENTER, "a", lines=44):
            # The last line says what was pressed, or soon after that which keys there are.
            titles = [[shape(line) for line in lines[3:-1] if re.match(r"[A-Z]\w+", line)] for lines in (text, seen)]
            assert titles[0] == titles[1], titles
        for text, seen in compare("hooks", r"^poison", ESC, "a", "H", lines=32):
            names = [[re.sub(r" +[\d.-]\S* +[\d.-]\S* +\d+  ", " ", line).split()[:3] for line in lines[3:]] for lines in (text, seen)]
            assert names[0] == names[1], names
        for text, seen in compare("help", r"^Keys", "h", lines=80):
            assert text[3:] == seen[3:], "\n".join(set(text[3:]) ^ set(seen[3:]))


# ---- The manual pages ----


def options_of(*program):
    """What --help lists: {long: (short or None, name of its value or None)}."""
    text = run(*program, "--help").stdout
    return {long: (short or None, value or None) for short, long, value in re.findall(r"^  (?:(-.), |    )(--[\w-]+)(?:=(\S+))?", text, re.M)}


def programs():
    """Each program, or sub-command with options of its own, that has a --help."""
    return {"gmemtrace": [GMEMTRACE], "gmemtrace check": [GMEMTRACE, "check"], "gmemtrace trend": [GMEMTRACE, "trend"], "gmemtrace diff": [GMEMTRACE, "diff"],
            "gmemtop": [GMEMTOP]}


# For every command.
HELP = {"--help", "--usage", "--version", "--json-schema"}
VALUES = {"SECONDS": "1", "PID": "1", "EVENT,...": "guest_fault", "TIME": "1ms", "SIZE": "1M", "N": "64", "FORMAT": "text"}


def is_taken(command, option, value):
    """Does the program say that @option is one of this command? It says so before it misses what follows the dashes."""
    words = command.split()[1:] + (["FILE"] if command.split()[-1] in ("report", "export") else [])
    to = ["--to", "openmetrics" if option == "--name" else "csv"] if command == "gmemtrace export" else []
    if value:
        value = "csv" if option == "--to" else VALUES.get(value, "root")
    done = run(GMEMTRACE, *words, *to, option if value is None else f"{option}={value}", "--")
    if "not an option of" in done.stderr:
        return False
    assert done.returncode == USAGE and "no COMMAND follows" in done.stderr, f"{command} {option}={value}: {done}"
    return True


def test_synopsis():
    """the synopsis of each command has the options that the command takes, and no other"""
    wrong = []
    for page in MANUALS.values():
        for command, named in docpages.synopsis(page).items():
            known = options_of(*programs().get(command, [GMEMTRACE]))
            taken = {long for long, (_, value) in known.items() if long not in HELP
                     and (command in ("gmemtop", "gmemtrace check", "gmemtrace trend", "gmemtrace diff") or is_taken(command, long, value))}
            longs = {long for long, (short, _) in known.items() if {short, long} & named}
            wrong += [f"{command}: {long} is missing" for long in taken - longs]
            wrong += [f"{command}: {long} is not taken" for long in longs - taken - HELP]
            wrong += [f"{command}: no {name}" for name in named if not any(name in (short, long) for long, (short, _) in known.items())]
    assert not wrong, "\n".join(wrong)


def test_options():
    """each option is explained in its manual page as --help has it, and no other is"""
    wrong = []
    for program, page in MANUALS.items():
        known = [options_of(*words) for name, words in programs().items() if name.split()[0] == program]
        names = {name for options in known for long, (short, _) in options.items() for name in (long, short) if name}
        tags = [re.sub(r"[\s\"]", "", tag) for tag in docpages.all_tags(page) if tag.startswith("-")]
        explained = {name for tag in tags for name in re.findall(r"(?:^|(?<=,))(--?[\w?][\w-]*)", tag)}
        wrong += [f"{page}: {name} is missing" for name in names - explained] + [f"{page}: no {name} in --help" for name in explained - names]
    assert not wrong, "\n".join(wrong)


def test_short_options():
    """the letters of help and version do what they are for"""
    for program in (GMEMTRACE, GMEMTOP):
        for letter, word in (("-V", "--version"), ("-?", "--help")):
            done, same = run(program, letter), run(program, word)
            assert done.returncode == 0 and done.stdout == same.stdout and done.stdout, (program, letter, done)


def metrics():
    """The metrics of gmemtrace check that are no details, as it lists them where a rule has none of them."""
    details = {name for _, name in lists.details()}
    said = [run(GMEMTRACE, "check", "--rule", f"{event}.nothing").stderr for event in lists.events()]
    return {name for line in said for name in line.split(" Take one of ")[1].rstrip(".\n").split(", ")} - details | {"loss", "resident_pages"}


def test_metrics():
    """--help, the manual page and docs/ci.md name each metric of gmemtrace check"""
    names, wrong = metrics() | {"gmem_only"}, []
    assert len(names) >= 13, names
    manual = docpages.plain("\n".join(docpages.section(MANUALS["gmemtrace"], "CHECK")))
    for where, text in (("--help", run(GMEMTRACE, "check", "--help").stdout), ("the manual page", manual), ("docs/ci.md", read("docs/ci.md"))):
        wrong += [f"{name} is not in {where}" for name in names if not re.search(rf"(?<!\w){name}(?!\w)", text)]
    assert not wrong, "\n".join(sorted(wrong))


def test_losses():
    """the manual page explains each kind of loss"""
    kinds = {row[1] for row in lists.rows("GMEM_LOSSES")}
    explained = set(docpages.tagged(MANUALS["gmemtrace"], "LOSSES"))
    assert len(kinds) >= 8 and kinds == explained, f"not the same: {kinds ^ explained}"


def test_events():
    """docs/events.md has each event, in its table and with a heading, each detail, and nothing else; the manual page has each event"""
    text, wrong = read("docs/events.md"), []
    events = {row[0]: row[1] for row in lists.rows("GMEM_EVENTS")}
    assert len(events) >= 19, events
    parts = {name: part for heading, part in re.findall(r"^### (.*?)\n(.*?)(?=^##)", text, re.M | re.S) for name in heading.split(" and ")}
    rows = set(re.findall(r"^\| \[`(\w+)`\]", text, re.M))
    manual = {name for tag in docpages.tagged(MANUALS["gmemtrace"], "EVENTS") for name in re.findall(r"\w+", tag)}
    for name in events.values():
        wrong += [f"{name} is not in {what}" for what, where in (("the table", rows), ("the headings", parts), ("the manual page", manual))
                  if name not in where]
    for _, event, detail in lists.rows("GMEM_DETAILS"):
        part = parts.get(events[event], "")
        if f"`{detail}`" not in part and not (re.fullmatch(r"node[1-6]", detail) and "`node0` to `node7`" in part):
            wrong.append(f"{events[event]}: no detail {detail}")
    wrong += [f"{name}: no such event" for name in rows - set(events.values())]
    assert not wrong, "\n".join(wrong)


def test_columns():
    """gmemtop's manual page has the columns of the help that docs/gmemtop.md shows, in its words, and each event is one"""
    listed = read("docs/gmemtop.md").split("\nColumns, by their names in filters and options\n")[1].split("\n\n")[0]
    shown = [re.split(r"  +", line.strip(), maxsplit=2) for line in listed.split("\n")]
    lines = docpages.section(MANUALS["gmemtop"], "COLUMNS")
    whats = [lines[i + 2] for i, line in enumerate(lines) if line == ".TP"]
    manual = [(tag.removesuffix(" *"), what) for tag, what in zip(docpages.tagged(MANUALS["gmemtop"], "COLUMNS"), whats)]
    ours = [(f"{key} ({title})", f"{what[0].upper()}{what[1:]}.") for key, title, what in shown]
    assert len(ours) > 40 and manual == ours, f"not the same: {set(manual) ^ set(ours)}"
    assert not (lacks := lists.events().keys() - {key for key, *_ in shown}), lacks


def test_filters():
    """gmemtop takes the filters of its manual page"""
    filters = [line for block in re.findall(r"^\.EX\n(.*?)\n\.EE$", "\n".join(docpages.section(MANUALS["gmemtop"], "FILTERS")), re.M | re.S)
               for line in block.split("\n")]
    assert len(filters) >= 4, filters
    for text in filters:
        # What is wrong with options is said first of all, which the first of these two shows.
        wrong, right = (run(GMEMTOP, "-f", given, stdin=subprocess.DEVNULL).stderr for given in (f"{text} no", text))
        assert "gmemtop: -f " in wrong and "gmemtop: -f " not in right, (text, wrong, right)


def test_names():
    """options of commands that are only named exist"""
    wrong = []
    for item in docpages.items():
        words = item.text.replace("build/gmem", "gmem").split(" -- ")[0].split()
        if item.block >= 0 or words[0] not in MANUALS:
            continue
        known = options_of(*programs().get(" ".join(words[:2]), programs()[words[0]]))
        names = {name for long, (short, _) in known.items() for name in (long, short)}
        wrong += [f"{item}: no {word}" for word in words if re.match(r"--?[a-z]", word) and word not in names]
    assert not wrong, "\n".join(wrong)


HERE = (test_all, test_links, test_synopsis, test_options, test_short_options, test_metrics, test_losses, test_events, test_columns, test_filters, test_names, test_queries)


def main():
    results = Results("docs")
    if sys.argv[1:2] == ["in"]:
        chosen = [item for item in chosen_for(IN_VM, sys.argv[2]) if not sys.argv[3:] or item.document in sys.argv[3:]]
        try_all(IN_VM, chosen, results, lambda item: as_run(item)[1])
        if not sys.argv[3:] or "screens" in sys.argv[3:]:
            results.run(test_screens)
    else:
        results.run_chosen(HERE, sys.argv[1:])
        if not sys.argv[1:]:
            commands_here(results)
    results.exit()


if __name__ == "__main__":
    main()

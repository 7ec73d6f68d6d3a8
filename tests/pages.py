#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Pages: `-f html` of several captures, without a kernel. What is in them, and, in headless Chromium, how they look and what they ask for.

pages.py [TEST]...            the tests
pages.py picture HTML PNG     how its first VM looks, for the documentation
"""
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lab"))
from chromium import Chromium, program  # noqa: E402  (after the path)
from tap import Results, Skip, tests_of  # noqa: E402
from tool import IMPOSSIBLE, ROOT, SANITIZED, USAGE, complains, run  # noqa: E402

GMEMTRACE = f"{SANITIZED}/gmemtrace"
SIZE_MAX = 1 << 20  # bytes, of a page of a hundred slots
SLOTS = 104  # of four VMs
WIDTHS = (375, 1400)
SCHEMES = ("light", "dark")
FONT_MIN = 11  # pixels
CONTRAST_MIN = 4.5  # WCAG AA
# What could fetch something, or run.
FORBIDDEN = re.compile(r"""https?:|\bsrc\s*=|<(script|link|iframe|object|embed|img|base|form)\b|\bon\w+\s*=\s*"|url\(|@import|javascript:""", re.IGNORECASE)

# Of what is seen: what is too small, not told from its background, or out of the page, with its text.
LOOKS = """(() => {
    const wrong = [], channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const numbers = color => (color.match(/[\\d.]+/g) || []).map(Number);
    const light = rgb => 0.2126 * channel(rgb[0]) + 0.7152 * channel(rgb[1]) + 0.0722 * channel(rgb[2]);
    const back = element => { for (; element; element = element.parentElement) {
        const rgb = numbers(getComputedStyle(element).backgroundColor);
        if (rgb.length == 3 || rgb[3] > 0) return rgb; } return [255, 255, 255]; };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const text = walk.currentNode.textContent.trim(), element = walk.currentNode.parentElement;
        if (!text || !element.checkVisibility()) continue;
        const style = getComputedStyle(element), size = parseFloat(style.fontSize), range = document.createRange();
        range.selectNodeContents(walk.currentNode);
        const box = range.getBoundingClientRect(), a = light(numbers(style.color)), b = light(back(element));
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (size < %d) wrong.push(`${size} px: ${text}`);
        if (contrast < %g) wrong.push(`contrast ${contrast.toFixed(2)}: ${text}`);
        if (box.width && (box.right > innerWidth + 0.5 || box.left < -0.5)) wrong.push(`${box.left} to ${box.right}: ${text}`);
    }
    return wrong.slice(0, 10);
})()""" % (FONT_MIN, CONTRAST_MIN)


def page(*arguments, name="page", status=(0,)):
    """What gmemtrace makes of a capture."""
    done = run(GMEMTRACE, *arguments, "-f", "html")
    assert done.returncode in status and done.stdout, f"{name}: {done}"
    return done.stdout


def make(program_name, path, *arguments):
    subprocess.run([f"{ROOT}/build/{program_name}", path, *map(str, arguments)], check=True)
    return path


def captures(directory):
    """Captures of all kinds, by name, each with the arguments of report."""
    names = {
        "plain": [make("varied", f"{directory}/plain", 2000, 1, "aggregates")],
        "times": [make("varied", f"{directory}/times", 20000, 8)],
        "records": [make("generate", f"{directory}/records", 100000, 0)],
        "slots": [make("generate", f"{directory}/slots", 300000, 30, SLOTS // 4)],
        "chosen": [f"{directory}/times", "-e", "zap,guest_fault"],
        "hostile": [f"{ROOT}/tests/data/hostile/hostile-comms.gmem"],
        "hidden": [f"{ROOT}/tests/data/hidden-names.cap"],
        "stacks": [f"{ROOT}/tests/data/stacks.cap"],
        "tiny": [f"{ROOT}/tests/data/tiny.cap"],
        "old": [f"{ROOT}/tests/data/version-1.cap"],
    }
    found = {name: page("report", *arguments, name=name) for name, arguments in names.items()}
    other = make("generate", f"{directory}/other", 200000, 3, SLOTS // 4)
    for name, a, b in (("diff", names["stacks"][0], names["times"][0]), ("diff-of-slots", names["slots"][0], other), ("diff-of-itself", names["hostile"][0], names["hostile"][0])):
        found[name] = page("diff", a, b, name=name)
    allowed = ("--allow", "copies,failure,loss,incomplete,command,machine,options,rungs,version,work")
    for name, a, b, more in (("check", names["slots"][0], other, ("--per-slot",)), ("check-of-itself", names["hostile"][0], names["hostile"][0], ()),
                             ("check-of-noise", names["times"][0], names["plain"][0], ("--deterministic", "--rule", "zap.mean<=+2%", "--rule", "notifier.count==0"))):
        found[name] = page("check", "--base", a, "--new", b, *allowed, *more, name=name, status=(0, 1, 3))
    return found


class Balanced(html.parser.HTMLParser):
    """HTML's own rules, beside XML's: which elements end themselves."""
    VOID = ("meta", "path", "rect")

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        assert tag not in self.VOID, f"<{tag}> that does not end"
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in self.VOID, f"<{tag} /> is none in HTML"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


def test_well_formed(directory):
    """pages of all kinds of captures are well-formed, as HTML and as XML, and nothing in them fetches or runs"""
    for name, text in captures(directory).items():
        found = FORBIDDEN.search(text)
        assert not found, f"{name}: {text[max(0, found.start() - 60):found.end() + 60]}"
        root = xml.etree.ElementTree.fromstring(text)
        assert root.tag == "html" and text.startswith("<!DOCTYPE html>\n"), name
        reader = Balanced()
        reader.feed(text)
        assert not reader.open, (name, reader.open)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        links = [element.get("href") for element in root.iter("a")]
        assert len(ids) == len(set(ids)) and {link.lstrip("#") for link in links} <= set(ids), (name, ids, links)


def test_content(directory):
    """a page has what the capture has: counts, causes, errors, timeline, losses, hooks, and why there is no timeline"""
    pages = captures(directory)
    for words in ("Dropped: of the single events 8", "Lost 7 events", "8 intervals of", "refault_punch", "EEXIST", "rate, up to", "p99, up to",
                  "What was lost", "missed: the kernel skipped the program", "Hooks", "slot 3 of address space 1", "exited with 0"):
        assert words in pages["times"], words
    assert "the file has no records and one snapshot at most" in pages["plain"] and "rate, up to" not in pages["plain"]
    assert "hooks, losses and what existed are not known" in pages["records"] and "intervals of" in pages["records"]
    assert pages["slots"].count("<h3>slot ") == SLOTS and pages["slots"].count("rate, up to") >= SLOTS
    assert "<th>zap</th>" in pages["chosen"] and "<th>poison</th>" not in pages["chosen"]
    assert "kernel.kptr_restrict" in pages["hidden"]
    # What both ways to a zap have in common comes after where they part.
    for words in ("<b>4</b> kvm_gmem_fallocate+0x178 [kvm]", "<div>vfs_fallocate+0x165</div>", "<b>4</b> kvm_gmem_release+0xc3 [kvm]",
                  "<b>gmemload</b> (pid 149), VM 1 slot 0, 512 pages"):
        assert words in pages["stacks"], words


def test_size(directory):
    """pages of a hundred slots, of one capture with timelines and of two side by side, are at most 1 MB"""
    pages = captures(directory)
    sizes = [len(pages[name].encode()) for name in ("slots", "diff-of-slots")]
    assert max(sizes) <= SIZE_MAX, sizes
    return " and ".join(f"{size / 1024:.0f} KiB" for size in sizes) + f" of {SLOTS} slots"


def numbers(diff, place, event, kind):
    found, = [each["events"] for each in diff["diff"]["places"] if (each["place"]["comm"], each["place"]["id"]) == place]
    return found[event][kind]


def test_diff(directory):
    """two captures side by side: each number is the report's, changes are shares of A, what differs is told; status 0 whatever comes out"""
    paths = [make("generate", f"{directory}/{name}", records, 2) for name, records in (("a", 20000), ("b", 40000))]
    done = run(GMEMTRACE, "diff", *paths, "-f", "json")
    assert done.returncode == 0 and not done.stderr, done
    diff = json.loads(done.stdout)
    reports = [json.loads(run(GMEMTRACE, "report", path, "-f", "json").stdout) for path in paths]
    faults = [report["vms"][1]["slots"][0]["events"]["guest_fault"] for report in reports]
    measures = numbers(diff, ("generated-1", 0), "guest_fault", "measures")
    a, b = (fault["count"] for fault in faults)
    assert measures["count"][:2] == [a, b] and abs(measures["count"][2] - (b / a - 1)) < 1e-9, (measures, a, b)
    for name in ("p50", "p99", "max", "sum"):
        assert measures[f"{name}_ns"][:2] == [fault["latency_ns"][name] for fault in faults], name
    assert numbers(diff, ("generated-1", 0), "guest_fault", "details")["first_touch"][:2] == [fault["details"]["first_touch"] for fault in faults]
    assert not any(fact["differs"] for fact in diff["diff"]["facts"]), diff["diff"]["facts"]
    text = run(GMEMTRACE, "diff", *paths).stdout
    assert re.search(rf"^generated-1 slot 0 +A +B +change\n  guest_fault\n    count +{a} +{b} +[+]", text, re.M), text
    assert re.match(r"differs in +nothing that is known\n", text) and max(map(len, text.splitlines())) <= 80, text
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    jsonschema.validate(diff, json.loads(run(GMEMTRACE, "--json-schema").stdout))


def test_check(directory):
    """a check as a page: the verdict and its reason are the text's, with the latencies and causes of both sides"""
    pages = captures(directory)
    assert '<span class="warn">regression</span>' in pages["check-of-noise"] and "<th>notifier.count==0</th>" in pages["check-of-noise"]
    figure = re.search(r"<p>all, zap</p>.*?<(p|h2)>", pages["check-of-noise"], re.S)[0]
    assert figure.count('class="b"') == 2 and figure.count('class="n"') == 2 and "<li>base</li>" in figure and "<li>new</li>" in figure, figure
    assert pages["check"].count("<figure>") == SLOTS and "generated-3 slot 25" in pages["check"]


def test_diff_of_unlike(directory):
    """what one of two captures did not count is -, not 0, and of what differs a line at the top tells"""
    stacks, varied = f"{ROOT}/tests/data/stacks.cap", make("varied", f"{directory}/varied", 2000, 2)
    done = run(GMEMTRACE, "diff", stacks, varied)
    assert done.returncode == 0 and not done.stderr, done
    assert re.match(r"differs in +kernel, machine, programs, command, options, events, functions\n", done.stdout), done.stdout
    # Slots that only one has; an event that one did not ask for, and one that it could not carry.
    assert re.search(r"^gmemload slot 0 .*\n  guest_fault\n    count +6479 +- +-$", done.stdout, re.M), done.stdout
    assert re.search(r"^  poison\n    count +0 +\d+ +new$", done.stdout, re.M) and re.search(r"^  alloc\n    count +- +\d+ +-$", done.stdout, re.M), done.stdout
    complains(run(GMEMTRACE, "diff", stacks), USAGE, "no two files")
    complains(run(GMEMTRACE, "diff", stacks, stacks, stacks), USAGE, "one file too many")
    complains(run(GMEMTRACE, "diff", stacks, f"{directory}/none"), USAGE, "No such file")
    complains(run(GMEMTRACE, "diff", stacks, stacks, "-f", "csv"), USAGE, "There are text, json, html")
    records = make("generate", f"{directory}/records", 1000, 0)
    complains(run(GMEMTRACE, "diff", stacks, records), USAGE, "before its first snapshot")
    with open("/dev/full", "wb") as full:
        done = run(GMEMTRACE, "diff", stacks, stacks, stdout=full)
    assert done.returncode == IMPOSSIBLE and "the disk is full" in done.stderr, done


def test_pipe(directory):
    """what cannot be read twice has no timeline, and says so; without a capture, or of something else, html is refused"""
    with open(make("varied", f"{directory}/capture", 2000, 8), "rb") as file:
        whole = file.read()
    done = run(GMEMTRACE, "report", "/dev/stdin", "-f", "html", input=whole, text=False)
    assert done.returncode == 0 and b"/dev/stdin cannot be read twice" in done.stdout, done
    for command in ("probe", "inventory"):
        complains(run(GMEMTRACE, command, "-f", "html"), USAGE, "only of captures")
    complains(run(GMEMTRACE, "report", f"{directory}/capture", "-f", "htm"), USAGE, "There are text, json, html")
    complains(run(GMEMTRACE, "report", f"{directory}/capture", "-f", "html", "--timeline"), USAGE, "a timeline is text")
    with open("/dev/full", "wb") as full:
        done = run(GMEMTRACE, "report", f"{directory}/capture", "-f", "html", stdout=full)
    assert done.returncode == IMPOSSIBLE and "the disk is full" in done.stderr, done


def pages_on_disk(directory):
    paths = {}
    for name, text in captures(directory).items():
        paths[name] = f"{directory}/{name}.html"
        with open(paths[name], "w", encoding="utf-8") as file:
            file.write(text)
    return paths


def browser():
    if not program():
        raise Skip("no chromium: run scripts/setup")
    return Chromium()


def check_looks(chromium, name, path, width, scheme, media):
    asked, complaints = chromium.open(path, width, scheme, media)
    where = f"{name} at {width}, {scheme}, {media}"
    assert asked == [f"file://{path}"], f"{where}: asks for {asked}"
    assert not complaints, f"{where}: {complaints}"
    wide = chromium.value("document.documentElement.scrollWidth")
    assert wide <= width, f"{where}: {wide} px wide"
    wrong = chromium.value(LOOKS)
    assert not wrong, f"{where}: {wrong}"


def test_browser(directory):
    """in a browser, at 375 and 1400 px, light and dark: no request, no complaint, all text fits, is large enough and stands out"""
    with browser() as chromium:
        for name, path in pages_on_disk(directory).items():
            for width in WIDTHS:
                for scheme in SCHEMES:
                    check_looks(chromium, name, path, width, scheme, "screen")
        back = "getComputedStyle(document.body).backgroundColor"
        colors = [(chromium.open(path, WIDTHS[0], scheme), chromium.value(back))[1] for scheme in SCHEMES]
        assert len(set(colors)) == 2, colors


def test_print(directory):
    """printed, also by who likes it dark and has folded a part: black on white, all of it"""
    with browser() as chromium:
        paths = pages_on_disk(directory)
        for name, path in paths.items():
            check_looks(chromium, name, path, 720, "dark", "print")
            assert chromium.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", name
        chromium.open(paths["times"], 720, "light", "print")
        chromium.value("for (const part of document.querySelectorAll('details')) part.open = false")
        cells = "[...document.querySelectorAll('details td')]"
        assert chromium.value(f"{cells}.length") > 100 and chromium.value(f"{cells}.every(cell => cell.checkVisibility())"), "folded parts are not printed"
        assert chromium.paper() > 10000


def take_picture(source, target):
    with Chromium() as chromium:
        chromium.open(os.path.realpath(source), 1000, "light", height=800)
        chromium.value("document.getElementById('vm0').scrollIntoView()")
        chromium.picture(target)


def main():
    if sys.argv[1:2] == ["picture"]:
        take_picture(*sys.argv[2:])
        return
    results = Results("pages")
    for test in tests_of(globals()):
        if sys.argv[1:] and test.__name__.removeprefix("test_") not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as directory:
            results.run(test, directory)
    results.exit()


if __name__ == "__main__":
    main()

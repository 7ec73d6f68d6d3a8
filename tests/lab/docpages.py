# SPDX-License-Identifier: GPL-2.0-only
"""What the documentation says: its commands with the output that it shows, the options and words of the manual pages. Knows how the pages
are written; docs.py knows what is to be done with it."""
import dataclasses
import glob
import os
import re
import shlex

from tool import ROOT

# What a command line begins with. A word alone is a name, unless it is a path.
PROGRAM = re.compile(r"(sudo |\./)?(build/|scripts/|tests/|ci/|docs/)?(make|man|gmem(trace|top|load)|bpftool|cat|for|grep|jq|lab|perf|promtool|protoc"
                     r"|sqlite3|tail|trace-cmd|xxd|/usr/bin/time|(?<=/)[\w.-]+)(?![\w.(/=]| \w+: )")
LAB = re.compile(r"scripts/lab run((?: --(?:append|cpus|kernel|memory|numa|share|timeout) \S+| --icount)*) -- ", re.S)


@dataclasses.dataclass
class Item:
    """A command, or a block that is none."""
    document: str
    text: str  # the command as it is to be typed
    shown: str = ""  # its output
    section: str = ""  # the heading that it is below
    screen: str = ""  # of which screen of gmemtop it is
    block: int = -1  # of which block; -1: it stands in a line of text
    command: bool = True

    def __str__(self):
        return f"{self.document}: {self.text}"


def read(path):
    with open(f"{ROOT}/{path}", encoding="utf-8") as file:
        return file.read()


def documents():
    return ["README.md", "HACKING.md"] + sorted(os.path.relpath(path, ROOT) for path in glob.glob(f"{ROOT}/docs/*.md"))


def is_whole(command):
    """Nothing is missing at its end."""
    if here := re.search(r"<<'(\w+)'", command):
        return re.search(rf"^{here[1]}$", command, re.M)
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return not command.endswith("\\")


def without_comment(command):
    return re.sub(r"\s+# [^\n'\"]*$", "", command)


def commands_of(lines):
    """Commands, each with the lines after its prompt's; all lines are commands where there is no prompt."""
    prompted = lines[0].startswith("$ ")
    found = []
    for line in lines:
        if found and not is_whole(found[-1][0]):
            found[-1][0] += "\n" + line
        elif prompted and not line.startswith("$ "):
            found[-1][1].append(line)
        else:
            found.append([line.removeprefix("$ "), []])
    return [(without_comment(command), "\n".join(shown)) for command, shown in found]


def of_block(item, language):
    """A block of the markdown as items."""
    lines = item.text.rstrip("\n").split("\n")
    if language or not (lines[0].startswith("$ ") or PROGRAM.match(lines[0])) or item.screen:
        return [dataclasses.replace(item, command=False)]
    return [dataclasses.replace(item, text=text, shown=shown) for text, shown in commands_of(lines)]


def of_markdown(document):
    text, section = read(document), ""
    pattern = re.compile(r"^(?:<!-- screen (?P<screen>\w+) -->\n)?```(?P<language>\w*)\n(?P<block>.*?)^```$|^#+ (?P<heading>[^\n]*)$|`(?P<span>[^`]+)`", re.M | re.S)
    for number, match in enumerate(pattern.finditer(text)):
        if match["heading"]:
            section = match["heading"]
        elif match["block"]:
            yield from of_block(Item(document, match["block"], section=section, screen=match["screen"] or "", block=number), match["language"])
        elif match["span"] and is_command(span := " ".join(match["span"].split())):
            yield Item(document, span, section=section)


def is_command(span):
    return PROGRAM.match(span) and (" " in span or span.startswith(("scripts/", "tests/", "ci/")) or re.match(r"make ", span))


def plain(roff):
    """A line of a manual page without its markup."""
    for markup, char in (("\\fB", ""), ("\\fP", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\(aq", "'"), ("\\e", "\\"), ("\\~", " "),
                         ("\\|", ""), ("\\&", ""), ("\\c", "")):
        roff = roff.replace(markup, char)
    return roff


def section(page, name):
    """The lines of a section of a manual page."""
    match = re.search(rf'^\.SH "?{name}"?\n(.*?)(?=^\.SH |\Z)', read(page), re.M | re.S)
    return match[1].splitlines() if match else []


def of_manual(page):
    """The commands in its examples."""
    text = "\n".join(section(page, "EXAMPLES"))
    for number, block in enumerate(re.findall(r"^\.EX\n(.*?)\n\.EE$", text, re.M | re.S)):
        lines = ["$ " + re.sub("^[#$] ", "", line) if re.match(r"[#$] ", line) else line for line in plain(block).split("\n")]
        for command, shown in commands_of(lines):
            yield Item(page, command, shown, block=number)


def items():
    """All commands and blocks of all documents."""
    for document in documents():
        yield from of_markdown(document)
    for page in ("docs/gmemtrace.1", "docs/gmemtop.1"):
        yield from of_manual(page)


def tagged(page, name):
    """The words that the paragraphs of a section begin with: what comes after .TP, without its markup."""
    lines = section(page, name)
    return [plain(re.sub(r"^\.[BI]+R? ", "", after)) for line, after in zip(lines, lines[1:]) if line == ".TP"]


def all_tags(page):
    """The same of all sections."""
    return [tag for name in re.findall(r'^\.SH "?([^"\n]+)"?$', read(page), re.M) for tag in tagged(page, name)]


def synopsis(page):
    """Of each command, such as "gmemtrace record": the options that the synopsis gives it, with their dashes."""
    found, command = {}, None
    for line in section(page, "SYNOPSIS"):
        if match := re.match(r'\.SY "?([\w ]+)"?$', line):
            command = match[1]
        found.setdefault(command, set()).update(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", plain(line)) if line[:4] not in (".SY ",) else [])
    return found

# SPDX-License-Identifier: GPL-2.0-only
"""The lines of DIAGNOSTICS in the man pages, and which test each is about. A test takes its line's words from there: so what the
page says is what the program says. Shared by errors.py and by tests/native.py, which checks that no line is without a test."""
import functools
import re

from tool import ROOT

PROGRAMS = ("gmemtrace", "gmemtop")


def entry_of(line):
    """(title, pattern) of the line after .TP or .TQ: bold is what the program says, italics stand for something."""
    macro, *words = (word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line))
    if macro == ".B":
        return " ".join(words), re.escape(" ".join(words))
    assert macro in (".BI", ".IB"), f"not what a line of DIAGNOSTICS begins with: {line}"
    bold = macro == ".BI"
    pattern = ""
    for word in words:
        pattern += re.escape(word) if bold else ".+"
        bold = not bold
    return "".join(words), pattern


@functools.cache
def documented(program):
    """By title, the pattern of what the program says: of each entry of DIAGNOSTICS in its man page."""
    with open(f"{ROOT}/docs/{program}.1", encoding="utf-8") as file:
        page = file.read()
    section = re.search(r"^\.SH DIAGNOSTICS\n(.*?)^\.SH ", page, re.MULTILINE | re.DOTALL)
    return dict(entry_of(line) for line in re.findall(r"^\.T[PQ]\n(.*)$", section[1], re.MULTILINE)) if section else {}


class Line:
    """A line of DIAGNOSTICS, for a test of it."""

    def __init__(self, title, programs):
        self.title = title
        self.programs = programs

    def check(self, program, text):
        """Is @text what the page of @program has?"""
        pattern = documented(program).get(self.title)
        assert pattern, f"docs/{program}.1 has no such line in DIAGNOSTICS: {self.title}"
        assert re.search(pattern, text), f"not '{pattern}': {text}"


def about(title, *programs):
    """The test, which takes a Line, is about this one, in the man pages of these programs (of both for none)."""
    line = Line(title, programs or PROGRAMS)

    def decorate(test):
        @functools.wraps(test)
        def run():
            return test(line)

        run.line = line
        return run

    return decorate


def differences(tests):
    """Lines without a test, and tests without a line."""
    tested = {(program, test.line.title) for test in tests if hasattr(test, "line") for program in test.line.programs}
    there = {(program, title) for program in PROGRAMS for title in documented(program)}
    return [f"docs/{program}.1 has a line without a test: {title}" for program, title in sorted(there - tested)] \
        + [f"docs/{program}.1 has no such line: {title}" for program, title in sorted(tested - there)]

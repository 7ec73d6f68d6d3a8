# SPDX-License-Identifier: GPL-2.0-only
"""The lists of bpf/gmem.h, and what the workload has of them: it is an independent witness, and so has names of its own."""
import re

from docpages import read

# gmemload tells these in total only, as calls of functions: compare_ftrace() of counts.py sees to them.
NOT_BY_PLACE = {"populate"}


def rows(name):
    """Each row of a list of bpf/gmem.h, GMEM_EVENTS for one: its words before the first text."""
    text = re.search(rf"#define {name}\(X\)(.*?[^\\])\n\n?", read("bpf/gmem.h").replace("\\\n", " "), re.S)[1]
    return [row.split(", ") for row in re.findall(r"X\((.*?), \"", re.sub(r"\s+", " ", text.split("\n")[0]))]


def events():
    """{name: what it carries}"""
    return {name: carries.split(" | ") for _, name, carries in rows("GMEM_EVENTS")}


def details():
    """(event, name) of each detail."""
    names = {row[0]: row[1] for row in rows("GMEM_EVENTS")}
    return {(names[event], name) for _, event, name in rows("GMEM_DETAILS")}


def witnessed_events():
    """{name: whether it has pages}, of gmemload's account."""
    return {name: pages == "true" for name, pages in re.findall(r'\[EV_\w+\] = \{ "(\w+)", (\w+) \}', read("tests/workload/account.c"))}


def witnessed_details():
    """Likewise (event, name) of each detail."""
    source = read("tests/workload/account.c")
    names = dict(re.findall(r'\[(EV_\w+)\] = \{ "(\w+)"', source))
    return {(names[event], name) for name, event in re.findall(r'= \{ "(\w+)", (EV_\w+) \}', source)}

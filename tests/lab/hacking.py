# SPDX-License-Identifier: GPL-2.0-only
"""What those who change the tree are told is so: HACKING.md names what there is, and where; editors get the right settings. For native.py."""
import glob
import json
import os
import re
import runpy

from docpages import read
from tool import ROOT, run

# Some of each kind: of both sides, with what is generated, and with flags of their own.
COMPILED = ("bpf/gmem.bpf.c", "user/live/session.c", "user/capture/capture_pack.c", "user/gmemtop/screen.c", "tests/unit/test_hooks.c",
            "tests/fuzz/capture.c", "tests/workload/gmemload.c", "tests/cases/situations.c", "tests/lab/spin.c")


def files(*patterns):
    return sorted(os.path.relpath(path, ROOT) for pattern in patterns for path in glob.glob(f"{ROOT}/{pattern}", recursive=True))


def rows(first):
    """Of the tables of HACKING.md those rows whose first cell matches: (the match, cell, cell, ...)."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in read("HACKING.md").splitlines() if line.startswith("| ")]
    return [(match, *row[1:]) for row in cells if (match := re.fullmatch(first, row[0]))]


def test_folders():
    """HACKING.md has a line for each folder of user/, with what it may include as scripts/edges has it"""
    may = runpy.run_path(f"{ROOT}/scripts/edges")["MAY"]
    told = {match[1]: re.findall(r"\w+", last) for match, _, last in rows(r"`user/(\w+)/`")}
    there = {path.split("/")[1] for path in files("user/*/")}
    assert set(told) == there, f"not the same: {set(told) ^ there}"
    assert told == {folder: list(others) or ["nothing"] for folder, others in may.items()}, f"{told}, scripts/edges: {may}"


def defines(path, function):
    return os.path.exists(f"{ROOT}/{path}") and re.search(rf"^\w.*\b{function}\(", read(path), re.M)


def test_functions():
    """the functions on the path of a guest fault are where HACKING.md says"""
    steps = [(match[1], re.search(r"\((\S+)\)", where)[1]) for match, where, _ in rows(r"`(\w+)\(\)`")]
    assert len(steps) > 15, steps
    wrong = [f"{function}() is not in {path}" for function, path in steps if not defines(path, function)]
    assert not wrong, "\n".join(wrong)


def test_paths():
    """what HACKING.md calls a file or a folder is one"""
    names = re.findall(r"(?<![\w/-])((?:bpf|docs|scripts|tests|user|vmlinux)/[\w./-]*\w|(?:bpf|user)/\w+/)", read("HACKING.md"))
    missing = {name for name in names if not os.path.exists(f"{ROOT}/{name}")}
    assert len(names) > 50 and not missing, f"not there: {missing}"


def test_names():
    """no two files of user/ and bpf/ have one name"""
    names = [os.path.basename(path) for path in files("bpf/*.[ch]", "user/**/*.[ch]")]
    twice = {name for name in names if names.count(name) > 1}
    assert len(names) > 150 and not twice, twice


def test_compile_commands():
    """compile_commands.json has each C file, and its commands compile"""
    done = run("make", "-s", "compile_commands.json", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    commands = {entry["file"]: entry for entry in json.loads(read("compile_commands.json"))}
    there = set(files("bpf/*.c", "user/**/*.c", "tests/**/*.c"))
    # The guest of another architecture.
    there -= {"tests/workload/arch_arm64.c" if os.uname().machine == "x86_64" else "tests/workload/arch_x86.c"}
    assert set(commands) == there, f"not the same: {set(commands) ^ there}"
    for name in COMPILED:
        done = run(*commands[name]["arguments"], "-fsyntax-only", cwd=commands[name]["directory"])
        assert done.returncode == 0, f"{name}: {done.stderr}"


def is_python(path):
    if os.path.isdir(f"{ROOT}/{path}"):
        return False
    with open(f"{ROOT}/{path}", "rb") as file:
        return re.match(rb"#!.*python3$", file.readline(80))


def test_editorconfig():
    """.editorconfig knows Python by its name, and the scripts that have none"""
    told = re.search(r"^\[{(.*)}\]\nindent_style = space\nindent_size = 4$", read(".editorconfig"), re.M)[1].split(",")
    there = [path for path in files("scripts/**", "tests/**") if not path.endswith(".py") and is_python(path)]
    assert told == ["*.py", *there], f"{told}, there are {there}"

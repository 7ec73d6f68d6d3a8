#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""docs/ci.md as its reader uses it: the shell job, taken from there, in the repository of a pretend VMM; and the workflow, which cannot be
run here, as far as can be known without. Starts a VM, so it runs on this machine and not in one."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tool  # noqa: E402  (after the path)
from tap import Results, Skip, tests_of  # noqa: E402

FINE, REGRESSION, UNAVAILABLE = 0, 1, 77
JOB = "ci/guest-memfd.sh"
# A VMM of our own; only the end of its command line is built, so that a commit can change what it does.
VMM = f"#!/bin/sh\nexec {tool.GMEMLOAD} --vms=1 --vcpus=1 --slots=1 --pages=256 touch %s host\n"
YOURS = {r"build\(\)": "build() { install -D -m 755 vmm.in build/vmm; }", "WORKLOAD=": "WORKLOAD=build/vmm"}
FIELDS = {"name", "on", "jobs"}, {"runs-on", "container", "defaults", "steps"}, {"name", "run", "uses", "with", "if"}


def blocks(language):
    with open(f"{tool.ROOT}/docs/ci.md", encoding="utf-8") as file:
        return [text for of, text in re.findall(r"^```(\w*)\n(.*?)^```$", file.read(), re.M | re.S) if of == language]


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def must(*command, **options):
    done = tool.run(*command, **options)
    assert done.returncode == 0, f"{command}: status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def job_with_yours():
    """The job, with what is at its top changed for the pretend VMM."""
    job, = blocks("sh")
    for name, yours in YOURS.items():
        job, found = re.subn(rf"^{name}.*$", yours, job, flags=re.M)
        assert found == 1, f"{name} is not once in the job"
    return job


def commit(directory, message):
    must("git", "add", "--all", cwd=directory)
    must("git", "-c", "user.name=VMM", "-c", "user.email=vmm@localhost", "commit", "--quiet", "-m", message, cwd=directory)


def make_repository(directory):
    """Two commits. The second punches pages out and so faults them in once more."""
    must("git", "init", "--quiet", directory)
    rules, = re.findall(r"^# What we promise.*?^loss==0\n", "".join(blocks("")), re.M | re.S)
    write(f"{directory}/ci/guest-memfd.rules", rules)
    write(f"{directory}/{JOB}", job_with_yours(), 0o755)
    for steps in ("", "punch:pages=64 touch"):
        write(f"{directory}/vmm.in", VMM % steps)
        commit(directory, f"steps: {steps}")


def run_job(directory, *arguments, **env):
    env = os.environ | {"GMEM": tool.ROOT, "RUNS": "2"} | env
    done = tool.run(JOB, *arguments, cwd=directory, env=env, timeout=580)
    if "is not available" in done.stderr:
        raise Skip("the archive does not have the kernel")
    return done


def said(done):
    return f"status {done.returncode}: {done.stdout}{done.stderr}"


def test_job():
    """the shell job calls a commit that faults more a regression, and GitHub gets its table; runs of the same commit are fine"""
    with tempfile.TemporaryDirectory(dir=f"{tool.ROOT}/build") as directory:
        make_repository(directory)
        summary = f"{directory}/summary.md"
        done = run_job(directory, "HEAD~1", "--rules", "ci/guest-memfd.rules", "-f", "github", GITHUB_STEP_SUMMARY=summary)
        assert done.returncode == REGRESSION, said(done)
        assert "::error title=guest_fault.count<=+0%25::base 256, new 320, change +25.00%25" in done.stdout, said(done)
        with open(summary, encoding="utf-8") as file:
            assert "| `guest_fault.count<=+0%` |" in file.read()
        captures = f"{directory}/captures"
        assert sorted(os.listdir(captures)) == ["base-1.gmem", "base-2.gmem", "new-1.gmem", "new-2.gmem"]
        done = tool.trace("check", "--deterministic", "--base", f"{captures}/new-1.gmem", "--new", f"{captures}/new-2.gmem")
        assert done.returncode == FINE, said(done)


def test_what_fails():
    """what fails before the comparison ends the shell job with another status than a regression; the base is what it says, each time"""
    with tempfile.TemporaryDirectory(dir=f"{tool.ROOT}/build") as directory:
        make_repository(directory)
        done = run_job(directory)
        assert done.returncode == tool.USAGE, said(done)
        done = run_job(directory, "no-such-commit")
        assert done.returncode == tool.USAGE and "no-such-commit" in done.stderr, said(done)
        os.unlink(f"{directory}/vmm.in")
        for base in ("HEAD~1", "HEAD"):
            done = run_job(directory, base)
            assert done.returncode == tool.USAGE and "vmm.in" in done.stderr, said(done)
            assert must("git", "rev-parse", "HEAD", cwd=f"{directory}/base") == must("git", "rev-parse", base, cwd=directory)


def shell_problems(text):
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(text)
        file.flush()
        done = tool.run("bash", "-n", file.name)
        return done.stderr + tool.run("shellcheck", "--shell=bash", file.name).stdout


def test_shell():
    """bash and shellcheck find nothing wrong with the shell job"""
    job, = blocks("sh")
    problems = shell_problems(job)
    assert not problems, problems


def run_step(step):
    """What the runner makes of its expressions are words that it puts in as they are."""
    assert not set(re.findall(r"\${{ *([\w.]+)", step["run"])) - {"vars.GMEM_REPOSITORY", "github.event.pull_request.base.sha"}, step
    problems = shell_problems("set -eo pipefail\n" + re.sub(r"\${{[^}]*}}", "word", step["run"]))
    assert not problems, f"{step['name']}: {problems}"


def test_workflow():
    """the workflow is YAML with the fields of one, runs the shell job and keeps its captures, and nothing is wrong with its shell"""
    try:
        import yaml
    except ImportError:
        raise Skip("no python3-yaml: scripts/setup test") from None
    text, = blocks("yaml")
    workflow = yaml.safe_load(text)
    # YAML 1.1 reads the key "on" as true.
    workflow = {"on" if key is True else key: value for key, value in workflow.items()}
    job, = workflow["jobs"].values()
    for fields, of in zip(FIELDS, (workflow, job, {key: None for step in job["steps"] for key in step})):
        assert set(of) <= fields, set(of) - fields
    runs = [step for step in job["steps"] if "run" in step]
    assert all(("run" in step) != ("uses" in step) for step in job["steps"]), job["steps"]
    for step in runs:
        run_step(step)
    assert sum(JOB in step["run"] for step in runs) == 1, runs
    assert job["steps"][-1]["with"]["path"] == "captures" and "rm -rf captures\nmkdir captures\n" in blocks("sh")[0]


def main():
    results = Results("ci")
    results.run_chosen(tests_of(globals()), sys.argv[1:])
    results.exit()


main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Kernels of one's own in the lab: by a path, from a tree, by revision, by bisection. Starts VMs, so it runs on this machine and not in one.

trees.py [TEST]...       without building a kernel: in place of one, a tree's Makefile gives out kernels that Debian has built
trees.py long [DIR [TEST]...]
                         builds them, in a repository of Debian's sources in DIR, made when there is none: an hour, most of it the first build
"""
import contextlib
import gzip
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import docpages  # noqa: E402  (after the path)
import tool  # noqa: E402
from tap import Results, Skip, tests_of  # noqa: E402

LAB = f"{tool.ROOT}/scripts/lab"
CACHE = f"{os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')}/gmem-lab"
KERNEL, SLOWER = "7.3-cloud", "7.2"  # what the Makefile gives out; SLOWER prepares at every fault, OLDER once
OLDER = "6.18"
UNAVAILABLE = 77


def lab(*arguments, timeout=580, **environment):
    return tool.run(LAB, *arguments, timeout=timeout, env=os.environ | environment)


def need(*kernels):
    """Their directories in the cache."""
    done = lab("fetch", *kernels)
    if done.returncode == UNAVAILABLE:
        raise Skip(f"the archive does not have all of {', '.join(kernels)}")
    assert done.returncode == 0, done.stderr
    return [f"{CACHE}/kernels/{kernel}" for kernel in kernels]


def refused(done, *words, status=tool.USAGE):
    """One line with the reason and the next step."""
    assert done.returncode == status and re.fullmatch(r"lab: [^\n]+\. [A-Z][^\n]+\n", done.stderr), done
    for word in words:
        assert word in done.stderr, f"no {word!r}: {done}"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w" if isinstance(text, str) else "wb") as file:
        file.write(text)


def git(tree, *arguments):
    identity = ("-c", "user.name=lab", "-c", "user.email=lab@localhost")
    return subprocess.run(["git", "-C", tree, *identity, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def commit(tree, subject):
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", subject)
    return git(tree, "rev-parse", "HEAD")


# ---- Images ----


def vmlinux(directory):
    return subprocess.run(["zstd", "-dqc", f"{directory}/vmlinux.zst"], check=True, stdout=subprocess.PIPE).stdout


def bzimage(packed):
    """One sector of set-up, and @packed with its unpacked size behind it, as the kernel's build does it."""
    image = bytearray(0x400)
    image[0x1F1] = 1
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", image, 0x248, 0, len(packed) + 4)
    return bytes(image) + packed + b"size"


def test_wrong_usage():
    """wrong usage is told in one line, with status 2"""
    with cache_of_its_own() as (directory, cache):
        tree, empty = f"{directory}/tree", f"{directory}/empty"
        fake_tree(tree)
        os.mkdir(empty)
        write(f"{directory}/text", "no kernel\n")
        build = ("build", "--tree", tree, "--name")
        bisect = ("bisect", "--tree", tree, "--good", "HEAD", "--bad", "HEAD")
        for arguments, words in (
                (("run", "--kernel", f"{directory}/none", "--", "true"), "no such file"),
                (("run", "--kernel", f"{directory}/text", "--", "true"), "neither a bzImage"),
                (("run", "--kernel", empty, "--", "true"), "no kernel in this directory"),
                (("run", "--kernel", "7.3", "--modules", empty, "--", "true"), "is a name"),
                (("run", "--kernel", empty, "--modules", f"{directory}/none", "--", "true"), "no kernel in this directory"),
                (("build", "--tree", empty, "--name", "mine"), "no source tree"),
                (("build", "--tree", tree), "--name NAME"),
                ((*build, "7.3"), "the lab has a kernel of this name"),
                ((*build, "a/b"), "letters, digits"),
                ((*build, "mine", "--config", f"{directory}/none"), "cannot be read"),
                (("perf", "--tree", empty, "--base", "a", "--new", "b"), "no source tree"),
                (("perf", "--tree", tree, "--base", "HEAD", "--new", "nothing"), "nothing: no such commit"),
                (("perf", "--base", "7.3", "--new", "7.3", "--config", f"{directory}/text"), "--config goes with --tree"),
                (("perf", "--base", "7.3", "--new", "7.3", "--good", "HEAD"), "options of bisect"),
                (("bisect", "--tree", tree, "--good", "HEAD"), "--bad REV"),
                (bisect, "--rule"),
                ((*bisect, "--base", "HEAD", "--rule", "loss==0"), "options of perf"),
                (("source", "7.3", empty), "already there"),
                (("source", "2.4", f"{directory}/new"), "no sources of '2.4'")):
            refused(lab(*arguments, **cache), words)
        shutil.rmtree(f"{tree}/.git")
        refused(lab("perf", "--tree", tree, "--base", "a", "--new", "b", **cache), "no git repository")


def test_image():
    """run --kernel boots a bzImage with --modules, a build tree, an ELF vmlinux"""
    [cached] = need(KERNEL)
    elf = vmlinux(cached)
    ask = ("--", "sh", "-c", "uname -n; ls /dev/kvm")
    with tempfile.TemporaryDirectory() as directory:
        write(f"{directory}/image", bzimage(gzip.compress(elf, 1)))
        done = lab("run", "--kernel", f"{directory}/image", "--modules", f"{cached}/modules", *ask)
        assert done.stdout == "image\n/dev/kvm\n", done
        write(f"{directory}/linux/arch/x86/boot/bzImage", bzimage(subprocess.run(["zstd", "-c"], input=elf, check=True, stdout=subprocess.PIPE).stdout))
        shutil.copy(f"{cached}/config", f"{directory}/linux/.config")
        shutil.copytree(f"{cached}/modules", f"{directory}/linux/drivers")
        done = lab("run", "--kernel", f"{directory}/linux", *ask)
        assert done.stdout == "linux\n/dev/kvm\n", done
        write(f"{directory}/vmlinux", elf)
        done = lab("run", "--kernel", f"{directory}/vmlinux", *ask)
        assert done.stdout == "vmlinux\n", f"KVM is a module of this kernel: {done}"


def test_image_lacks():
    """what a VM cannot do without is named before it starts"""
    [cached] = need(KERNEL)
    with tempfile.TemporaryDirectory() as directory:
        write(f"{directory}/vmlinux", vmlinux(cached))
        with open(f"{cached}/config", encoding="utf-8") as file:
            config = file.read()
        write(f"{directory}/.config", re.sub(r"^CONFIG_(VIRTIO_FS|TMPFS)=.*\n", "", config, flags=re.M))
        refused(lab("run", "--kernel", directory, "--", "true"), "built without CONFIG_TMPFS, CONFIG_VIRTIO_FS", "build --tree")
        os.mkdir(f"{directory}/7.3")
        os.rename(f"{directory}/vmlinux", f"{directory}/7.3/vmlinuz")
        os.rename(f"{directory}/.config", f"{directory}/7.3/config")
        refused(lab("run", "--kernel", f"{directory}/7.3", "--", "true"), "7.3/vmlinuz: built without CONFIG_TMPFS, CONFIG_VIRTIO_FS")
        os.rename(f"{directory}/7.3/vmlinuz", f"{directory}/vmlinux")
        write(f"{directory}/.config", config)
        write(f"{directory}/modules.builtin", "kernel/fs/ext4/ext4.ko\n")
        refused(lab("run", "--kernel", directory, "--", "true"), "no module virtio_pci", "--modules")


# ---- Trees ----

# What a kernel's Makefile makes, taken from a kernel that is there. The file `kernel` of the tree says of which.
MAKEFILE = """\
VERSION = 7
PATCHLEVEL = 3
FROM := $(KERNELS)/$(shell cat kernel)
allnoconfig:
	(cat $(FROM)/config; grep -vE 'NO_SUCH|=n$$' $(KCONFIG_ALLCONFIG)) >$(O)/.config
vmlinux:
	@test -d $(FROM) || { echo "kvm.c:1:1: error: no $(FROM)"; false; }
	@echo "CC=$(CC)" >$(O)/compiler
	zstd -dqf $(FROM)/vmlinux.zst -o $(O)/vmlinux
	mkdir -p $(O)/include/config
	cp -r $(FROM)/modules $(O)
	echo 7.3.0$(LOCALVERSION) >$(O)/include/config/kernel.release
modules: vmlinux
"""


def fake_tree(path):
    """A git repository that is taken for a kernel's; its first commit."""
    write(f"{path}/Kconfig", "")
    write(f"{path}/virt/kvm/none", "")
    write(f"{path}/Makefile", MAKEFILE.replace("$(KERNELS)", f"{CACHE}/kernels"))
    write(f"{path}/kernel", KERNEL)
    git(path, "init", "--quiet", "--initial-branch=master")
    return commit(path, "a kernel")


@contextlib.contextmanager
def cache_of_its_own():
    """A directory for the tree, and a cache, in which nothing is but Debian's kernels."""
    with tempfile.TemporaryDirectory() as directory:
        os.makedirs(f"{directory}/cache/gmem-lab/kernels")
        yield directory, {"XDG_CACHE_HOME": f"{directory}/cache"}


def test_rows():
    """build --tree makes a row of lab list, which run takes; a kernel that is no longer there says how it was made"""
    need(KERNEL)
    with cache_of_its_own() as (directory, cache):
        tree, made = f"{directory}/tree", f"{directory}/cache/gmem-lab"
        fake_tree(tree)
        write(f"{directory}/more.config", "CONFIG_MORE=y\n# CONFIG_NO_SUCH is not set\nCONFIG_NONE=n\n")
        done = lab("build", "--tree", tree, "--config", f"{directory}/more.config", "--name", "mine", **cache)
        assert (done.returncode, done.stdout) == (0, "mine 7.3.0-mine\n"), done
        with open(f"{made}/kernels/mine/config", encoding="utf-8") as file:
            config = file.read().splitlines()
        assert {"CONFIG_KVM_SW_PROTECTED_VM=y", "CONFIG_PREEMPT_LAZY=y", "CONFIG_MORE=y"} <= set(config), "not of all fragments"
        write(f"{made}/rows/others", "other | 7.3 | amd64 | sid | by hand\n7.3 | 9.9 | amd64 | sid | not ours\n")
        listed = lab("list", **cache).stdout
        assert re.search(rf"^mine +7\.3\.0-mine +amd64 +yes +built from {tree}$", listed, re.M), listed
        assert re.search(r"^other +- +amd64 +no +by hand$", listed, re.M) and listed.count("\n7.3 ") == 1 and "not ours" not in listed, listed
        done = lab("run", "--kernel", "mine", "--", "sh", "-c", "uname -n; ls /dev/kvm", **cache)
        assert done.stdout == "mine\n/dev/kvm\n", done
        shutil.rmtree(f"{made}/kernels/mine")
        refused(lab("run", "--kernel", "mine", "--", "true", **cache), f"Run scripts/lab build --tree {tree} --name mine.", status=125)


def test_build_fails():
    """a tree that does not build, one that was built in place, a configuration that Kconfig does not take: told with the reason"""
    with cache_of_its_own() as (directory, cache):
        tree = f"{directory}/tree"
        fake_tree(tree)
        build = ("build", "--tree", tree, "--name", "mine")
        write(f"{directory}/bad.config", "CONFIG_NO_SUCH=y\n")
        done = lab(*build, "--config", f"{directory}/bad.config", **cache)
        assert done.returncode == 125 and "CONFIG_NO_SUCH=y was asked for" in done.stderr, done
        write(f"{tree}/kernel", "broken")
        done = lab(*build, **cache)
        assert done.returncode == 125 and "kvm.c:1:1: error: no " in done.stderr and "lab: cannot build" in done.stderr, done
        write(f"{tree}/.config", "")
        refused(lab(*build, **cache), "something was built in it", "make mrproper", status=125)
        assert "mine" not in lab("list", **cache).stdout


def test_ccache():
    """ccache is used where it is"""
    need(KERNEL)
    with cache_of_its_own() as (directory, cache):
        fake_tree(f"{directory}/tree")
        for there in (False, True):
            if there:
                write(f"{directory}/bin/ccache", "#!/bin/sh\n")
                os.chmod(f"{directory}/bin/ccache", 0o755)
            done = lab("build", "--tree", f"{directory}/tree", "--name", "mine", PATH=f"{directory}/bin:{os.environ['PATH']}", **cache)
            assert done.returncode == 0, done
            with open(f"{directory}/cache/gmem-lab/builds/mine/compiler", encoding="utf-8") as file:
                compiler = file.read()
            assert there or not shutil.which("ccache"), "nothing to compare with"
            assert ("ccache gcc" in compiler) == there, compiler


def history(tree, kernels):
    """A commit for each of @kernels; the hashes."""
    fake_tree(tree)
    commits = []
    for number, kernel in enumerate(kernels):
        write(f"{tree}/kernel", kernel)
        write(f"{tree}/number", str(number))
        commits.append(commit(tree, f"step {number}: {kernel}"))
    return commits


# A few faults are enough to count prepares.
FEW = (f"{tool.BUILD}/gmemload", "--vms=1", "--vcpus=1", "--slots=1", "--pages=256", "touch", "recreate", "touch")
PREPARES = ("--rule", "prepare.per_fault<=+1%", "--boots", "1", "--runs", "1")
# What makes the commands of docs/kernel-dev.md shorter, and fit for what the Makefile gives out: that has no private memory.
SHORTER = (("lab perf ", "lab perf --boots 1 --runs 1 "), ("lab bisect ", "lab bisect --boots 1 --runs 1 "), ("--pages=4096", "--pages=256"),
           ("punch:pages=2048", "punch:pages=128"), ("--type=swprot ", ""), ("convert ", ""), ("guest_fault.mean<=+1%", "prepare.per_fault<=+1%"))


def documented(command):
    """What docs/kernel-dev.md has of `scripts/lab` @command."""
    found = [item.text for item in docpages.items() if item.document == "docs/kernel-dev.md" and item.text.startswith(f"scripts/lab {command} --")]
    assert found, f"no {command}"
    return found


def as_documented(text, tree, cache):
    """Runs it with @tree in place of ../linux."""
    text = text.replace("../linux", tree)
    for old, new in SHORTER:
        text = text.replace(old, new)
    if "--base" in text or "--good" in text:
        text += "" if " -- " in text else f" -- {' '.join(FEW)}"
    return tool.run("bash", "-c", text, cwd=tool.ROOT, timeout=580, env=os.environ | cache)


def test_docs():
    """docs/kernel-dev.md: what it builds and runs"""
    need(KERNEL)
    with cache_of_its_own() as (directory, cache):
        fake_tree(f"{directory}/linux")
        for text in documented("build"):
            done = as_documented(text, f"{directory}/linux", cache)
            assert (done.returncode, done.stdout) == (0, "mine 7.3.0-mine\n"), done
        for text in documented("run"):  # the Makefile leaves its kernel where it is built
            done = as_documented(text, f"{directory}/cache/gmem-lab/builds/mine", cache)
            assert done.returncode == 0 and re.search(r"^ *guest_fault +", done.stdout, re.M), done


def test_revisions():
    """docs/kernel-dev.md: perf --tree and bisect: 7.2 prepares at every fault, 6.18 once; what does not build is skipped, what was built is taken"""
    need(OLDER, SLOWER)
    with cache_of_its_own() as (directory, cache):
        tree = f"{directory}/tree"
        commits = history(tree, (OLDER, OLDER, "broken", OLDER, SLOWER, SLOWER))
        git(tree, "branch", "my-series")
        git(tree, "checkout", "--quiet", "-B", "master", commits[0])
        write(f"{tree}/kernel", "changed meanwhile")
        for text in documented("bisect"):
            done = as_documented(text, tree, cache)
            assert done.returncode == 0, done
            assert re.match(rf"first bad commit: {commits[4][:12]} step 4: 7\.2\n\nits parent: {commits[3][:12]} step 3: 6\.18\n", done.stdout), done
            assert re.search(r"^prepare\.per_fault<=\+1% +0\.500 +1 .*regression$", done.stdout, re.M) and "\ngit bisect start " in done.stdout, done.stdout
            assert f"{commits[2][:12]} step 2: broken: cannot be tested, and is skipped" in done.stderr, done.stderr
        for text in documented("perf"):
            done = as_documented(text, tree, cache)
            assert done.returncode == 1 and re.search(r"^(\| `)?prepare\.per_fault<=\+1%.*regression", done.stdout, re.M), done
            assert "building" not in done.stderr and done.stdout.startswith(f"base: {commits[0][:12]} step 0: 6.18 (Linux 7.3.0-"), done
        assert git(tree, "rev-parse", "HEAD") == commits[0] and git(tree, "status", "--short") == "M kernel", "the tree is not as it was"
        done = lab("perf", "--tree", tree, "--base", commits[2], "--new", "master", *PREPARES, **cache)
        assert done.returncode == 125 and "lab: cannot build" in done.stderr, done
        refused(lab("bisect", "--tree", tree, "--good", commits[3], "--bad", commits[0], *PREPARES, **cache), "no ancestor")


def test_nothing_to_find():
    """bisect: where nothing is broken between both ends, it says so; where what is left cannot be tested, it names all of it"""
    need(OLDER, SLOWER)
    with cache_of_its_own() as (directory, cache):
        tree = f"{directory}/tree"
        commits = history(tree, (OLDER, OLDER, "broken", SLOWER))
        done = lab("bisect", "--tree", tree, "--good", commits[0], "--bad", commits[1], *PREPARES, "--", *FEW, **cache)
        assert done.returncode == 3 and "there is nothing to find" in done.stderr and "prepare.per_fault" in done.stdout, done
        done = lab("bisect", "--tree", tree, "--good", commits[1], "--bad", commits[3], *PREPARES, "--", *FEW, **cache)
        assert done.returncode == 3 and f"{commits[2][:12]} step 2" in done.stdout and f"{commits[3][:12]} step 3" in done.stdout, done


SHORT = tests_of(globals())

# ---- The long form: ten commits on Debian's sources ----

GMEM = "virt/kvm/guest_memfd.c"
PREPARED = "r = kvm_arch_gmem_make_private(kvm, gfn, *pfn,\n\t\t\t\t\t       (kvm_pfn_t)1 << *max_order);\n"
# Of kvm_gmem_get_pfn(): the fault of the host has the last two lines as well.
UPTODATE = "\t\treturn PTR_ERR(folio);\n\n\tif (!folio_test_uptodate(folio)) {\n\t\tclear_highpage(folio_page(folio, 0));\n"
# subject, file, and of this what becomes what. A fault of the workload below takes 6,420 instructions, of which 128 more are 2 %.
SERIES = (
    ("KVM: guest_memfd: say what huge pages would take", GMEM, "/* TODO: Support huge pages. */", "/* TODO: Support huge pages, and split them. */"),
    ("KVM: x86/mmu: a word more in a comment", "arch/x86/kvm/mmu/mmu.c", "#include <linux/kvm_host.h>", "#include <linux/kvm_host.h>\t/* struct kvm */"),
    ("KVM: guest_memfd: look at each page for a while", GMEM, UPTODATE,
     UPTODATE.replace("\n\n", "\n\n\tasm volatile(\".fill 128, 1, 0x90\");\n\n")),
    ("KVM: guest_memfd: return early for what is no folio", GMEM, "\tif (folio_test_hwpoison(folio)) {", "\tif (unlikely(folio_test_hwpoison(folio))) {"),
    ("KVM: guest_memfd: count pages (does not build)", GMEM, "\t*pfn = folio_file_pfn(folio, index);", "\tpages++;\n\t*pfn = folio_file_pfn(folio, index);"),
    ("KVM: guest_memfd: do not count pages", GMEM, "\tpages++;\n", ""),
    ("Documentation: one word", "MAINTAINERS", "List of maintainers", "The list of maintainers"),
    ("KVM: guest_memfd: prepare once more", GMEM, PREPARED, PREPARED + "\tif (!r && kvm_gmem_is_private_mem(file_inode(file), index))\n\t\t" + PREPARED),
    ("KVM: a comment", "virt/kvm/kvm_main.c", "#include <linux/kvm_host.h>", "#include <linux/kvm_host.h>\t/* struct kvm */"),
    ("KVM: guest_memfd: another comment", GMEM, "split them. */", "split them again. */"),
)
SLOW, BROKEN, TWICE = 2, 4, 7
# 4,096 private pages, faulted in twice, and half of them once more
PRIVATE = (f"{tool.BUILD}/gmemload", "--type=swprot", "--vms=1", "--vcpus=1", "--slots=1", "--pages=4096",
           "convert", "touch", "recreate", "touch", "punch:pages=2048", "touch")
LIMITS = ("--rule", "guest_fault.mean<=+1%", "--rule", "prepare.per_fault<=+1%")


def series(tree):
    """Debian's sources and a commit for each row; the hashes, that of the sources first. The same each time, so that kernels are found again."""
    if not os.path.isdir(tree):
        done = lab("source", "7.3", tree, timeout=1800)
        assert done.returncode == 0, done.stderr
    os.environ |= {f"GIT_{who}_DATE": "2026-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")}
    git(tree, "checkout", "--quiet", "--force", "--detach", "master")
    commits = [git(tree, "rev-parse", "HEAD")]
    for subject, path, old, new in SERIES:
        with open(f"{tree}/{path}", encoding="utf-8") as file:
            text = file.read()
        assert text.count(old) == 1, f"{subject}: {text.count(old)} places to change in {path}"
        write(f"{tree}/{path}", text.replace(old, new, 1))
        commits.append(commit(tree, subject))
    return commits


def built_in(tree):
    """The repository's place in the cache: that of its worktree."""
    return re.search(rf"^worktree ({CACHE}/trees/.*)/source$", git(tree, "worktree", "list", "--porcelain"), re.M)[1]


def bisected(tree, commits, rule, runs, *workload):
    """What bisect finds, and how long that took. One boot of each: what differs between boots is far below these limits."""
    began = time.monotonic()
    done = lab("bisect", "--tree", tree, "--good", commits[0], "--bad", commits[-1], "--rule", rule, "--boots", "1", "--runs", runs,
               "--", *workload, timeout=14400)
    print("\n".join(f"    {line}" for line in done.stdout.splitlines()), flush=True)
    assert done.returncode == 0, done
    return re.match(r"first bad commit: (\w+)", done.stdout)[1], f"{(time.monotonic() - began) / 60:.0f} minutes"


def test_perf(tree, commits):
    """long: perf --tree finds both: that faults are slower and that pages are prepared twice"""
    done = lab("perf", "--tree", tree, "--base", commits[0], "--new", commits[-1], *LIMITS, "-f", "markdown", "--", *PRIVATE, timeout=14400)
    assert done.returncode == 1, done
    rows = dict(re.findall(r"^\| `([\w.]+)<.*\| (\S+) \|[^|]*\|$", done.stdout, re.M))
    assert rows == {"guest_fault.mean": "**regression**", "prepare.per_fault": "**regression**"}, done.stdout
    return "; ".join(re.findall(r"^\| `.*", done.stdout, re.M)) + "; built in " + ", ".join(re.findall(r" in (\d+ s): ", done.stderr))


def test_slower(tree, commits):
    """long: bisect finds the commit that is 2 % slower"""
    found, took = bisected(tree, commits, "guest_fault.mean<=+1.5%", "3", *PRIVATE)
    assert commits[SLOW + 1].startswith(found), found
    return took


def test_twice(tree, commits):
    """long: bisect finds the commit that prepares twice"""
    found, took = bisected(tree, commits, "prepare.per_fault<=+1%", "1", *(word.replace("=4096", "=256") for word in PRIVATE[:-2]))
    assert commits[TWICE + 1].startswith(found), found
    return took


def test_one_file(tree, commits):
    """long: what is harmless is fine; and a kernel of one changed file takes 3 minutes at most of two CPUs that are its own"""
    git(tree, "checkout", "--quiet", "--force", "--detach", commits[-1])
    with open(f"{tree}/{GMEM}", "a", encoding="utf-8") as file:
        file.write(f"/* {time.time()} */\n")
    new = commit(tree, "KVM: guest_memfd: harmless")
    done = lab("perf", "--tree", tree, "--base", commits[-1], "--new", new, *LIMITS, "--", *PRIVATE, timeout=14400)
    assert done.returncode == 0, done
    seconds, log = re.search(r" in (\d+) s: (\S+)$", done.stderr, re.M).groups()
    with open(log, encoding="utf-8") as file:
        minutes = re.findall(r"(\d+)m([\d.]+)s", file.read().splitlines()[-1])
    cpu = sum(60 * int(minute) + float(second) for minute, second in minutes)
    assert 0 < cpu / 2 < 180, f"{cpu:.0f} s of CPU time"
    return f"{cpu:.0f} s of CPU time; here in {seconds} s"


def test_built_image(tree, _):
    """long: run --kernel takes the tree of a build, and its bzImage"""
    build = f"{built_in(tree)}/build"
    subprocess.run(["make", "-C", build, "-s", "LOCALVERSION=-here", "KBUILD_BUILD_TIMESTAMP=@0", "bzImage"], check=True)
    for path in (build, f"{build}/arch/x86/boot/bzImage"):
        done = lab("run", "--kernel", path, "--", "sh", "-c", "uname -r; ls /dev/kvm")
        assert re.fullmatch(r"\S+-here\n/dev/kvm\n", done.stdout), done


LONG = (test_perf, test_slower, test_twice, test_one_file, test_built_image)


def main():
    results = Results("trees")
    if sys.argv[1:2] == ["long"]:
        tree = os.path.realpath((sys.argv + [f"{CACHE}/linux-7.3"])[2])
        results.run_chosen(LONG, sys.argv[3:], tree, series(tree))
    else:
        results.run_chosen(SHORT, sys.argv[1:])
    results.exit()


if __name__ == "__main__":
    main()

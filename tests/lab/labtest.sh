#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of the lab itself (scripts/lab), on real VMs. Prints one line per test, "ok N - name", "not
# ok N - name" or "ok N - name # skip reason"; exits 1 if one failed. Arguments: parts of test
# names, to run only those.

set -uo pipefail

ROOT=$(dirname "$(readlink -f "$0")")/../..
LAB=$ROOT/scripts/lab
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

number=0
failed=0
why=

# fail REASON: inside a test; the test goes on, but has failed.
fail() {
	why+="${why:+; }$*"
}

# want WHAT IS SHOULD-BE
want() {
	[[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"
}

want_match() {
	[[ $2 =~ $3 ]] || fail "$1 is '$2', which does not match '$3'"
}

# lab STATUS ARGUMENT...: runs it, with output in $TMP/out and $TMP/err, and checks its exit status.
lab() {
	local expected=$1 status=0
	shift
	"$LAB" "$@" >"$TMP/out" 2>"$TMP/err" || status=$?
	[[ $status == "$expected" ]] ||
		fail "lab $1 ended with $status, not $expected: $(tail -n 3 "$TMP/err" | tr '\n' ' ')"
}

# Files and processes of labs run with TMPDIR=$TMP; other people's labs may be running too.
leftovers() {
	local environ
	find "$TMP" -maxdepth 1 -name 'gmem-lab.*'
	for environ in /proc/[0-9]*/environ; do
		grep -qzxF -e "TMPDIR=$TMP" "$environ" 2>/dev/null && tr '\0' ' ' <"${environ%environ}cmdline"
	done
}

test_list_names_every_kernel() {
	local name
	lab 0 list
	for name in 6.1 6.12 6.16 6.18 6.18-cloud 7.2 7.3 7.3-cloud 6.18-arm64 \
		7.2-arm64 7.3-arm64 7.3-arm64-16k; do
		grep -q "^$name " "$TMP/out" || fail "no $name in the list"
	done
}

test_wrong_usage_is_refused() {
	lab 2 run --kernel 1.2.13 -- true
	want_match "the message" "$(<"$TMP/err")" "no kernel '1.2.13'. One of: 6.1 "
	lab 2 run
	lab 2 run --cpus none -- true
	lab 2 run --share /no/such/directory -- true
	lab 2 run --icount --accel kvm -- true
	lab 2 frobnicate
	lab 2
	lab 0 --help
}

# sees_the_machine KERNEL MACHINE: one VM answers many questions: starting it is what takes the time.
sees_the_machine() {
	local line
	mkdir -p "$TMP/share dir"
	cat >"$TMP/look" <<-'END'
		pwd
		id -u
		uname -rm
		uname -n
		test -c /dev/kvm && echo kvm
		test -f /sys/kernel/tracing/available_tracers && echo tracefs
		test -d /sys/kernel/debug/tracing && echo debugfs
		test -f /sys/fs/cgroup/cgroup.procs && echo cgroup
		grep -q ' /sys/fs/bpf bpf ' /proc/mounts && echo bpffs
		touch /usr/written 2>/dev/null || echo read-only
		mount -o remount,rw / && touch /usr/written 2>/dev/null || echo still read-only
		touch /tmp/a /run/a /dev/shm/a && echo writable
		ulimit -l
		echo "$GREETING/$COUNT/${SECRET-unset}"
		cat | wc -c
		echo shared >"$1/file"
		echo "last words" >&2
	END
	cd "$ROOT/tests" || return
	GREETING="it's \"here\"" SECRET=x TMPDIR=$TMP lab 0 run --kernel "$1" --env GREETING --env COUNT=3 \
		--share "$TMP/share dir" -- sh "$TMP/look" "$TMP/share dir"
	mapfile -t line <"$TMP/out"
	want directory "${line[0]}" "$(readlink -f "$ROOT/tests")"
	want user "${line[1]}" 0
	want_match kernel "${line[2]}" "^7\.3\..* $2$"
	want rest "$(tail -n +4 "$TMP/out")" "$(printf '%s\n' "$1" kvm tracefs debugfs cgroup bpffs \
		read-only 'still read-only' writable unlimited "it's \"here\"/3/unset" 0)"
	want "standard error" "$(<"$TMP/err")" "last words"
	want "the shared file" "$(<"$TMP/share dir/file")" shared
	[[ ! -e /usr/written ]] || fail "the VM wrote to this machine's /usr"
	want leftovers "$(leftovers)" ''
}

test_command_sees_the_machine() {
	sees_the_machine 7.3 x86_64
}

test_command_of_arm64_sees_the_machine() {
	"$ROOT/scripts/setup" --have arm64 2>"$TMP/err" || { skip=$(<"$TMP/err"); return; }
	sees_the_machine 7.3-arm64 aarch64
}

# 5 MB on each of the two streams at the same time, and a process left behind that holds them open.
test_output_is_complete_and_exact() {
	head -c 5000000 /dev/urandom >"$TMP/a"
	head -c 5000000 /dev/urandom >"$TMP/b"
	# shellcheck disable=SC2016
	lab 42 run --kernel 7.3-cloud -- sh -c \
		'sleep 1000 & cat "$1" & cat "$2" >&2; wait $!; exit 42' - "$TMP/a" "$TMP/b"
	cmp "$TMP/a" "$TMP/out" || fail "standard output differs"
	cmp "$TMP/b" "$TMP/err" || fail "standard error differs"
}

test_no_kvm_module_and_killed_by_a_signal() {
	# shellcheck disable=SC2016
	lab 137 run --kernel 6.1 --no-kvm-module -- sh -c 'ls /dev/kvm; kill -KILL $$'
	want_match "standard error" "$(<"$TMP/err")" "/dev/kvm.*No such file"
}

test_two_side_by_side_with_nodes() {
	"$LAB" run --kernel 7.3-cloud --numa 2 --memory 1G -- \
		cat /sys/devices/system/node/online >"$TMP/one" 2>&1 &
	lab 127 run --kernel 6.18-cloud --cpus 1 -- no-such-command
	wait $! || fail "the first one ended with $?"
	want "the first one's output" "$(<"$TMP/one")" 0-1
}

test_timeout_ends_a_hanging_vm() {
	local began=$SECONDS
	TMPDIR=$TMP lab 124 run --kernel 7.3-cloud --timeout 12 -- sh -c 'echo begun; sleep 1000'
	((SECONDS - began < 18)) || fail "it took $((SECONDS - began)) s"
	want_match "the message" "$(<"$TMP/err")" \
		"did not end within 12 s.*end of its console \(.*/logs/7.3-cloud-"
	want leftovers "$(leftovers)" ''
}

test_a_panic_is_a_failure_of_the_lab() {
	TMPDIR=$TMP lab 125 run --kernel 7.3-cloud -- sh -c 'echo c >/proc/sysrq-trigger; sleep 10'
	want_match "the message" "$(<"$TMP/err")" \
		"ended before COMMAND did.*(sysrq triggered crash|BUG: kernel NULL pointer)"
	want leftovers "$(leftovers)" ''
}

# interrupt SIGNAL STATUS SECONDS: runs a lab, sends it SIGNAL after SECONDS.
interrupt() {
	local pid status=0
	# A background process ignores SIGINT unless told otherwise.
	TMPDIR=$TMP env --default-signal=INT "$LAB" run --kernel 7.3-cloud -- sleep 1000 &>"$TMP/err" &
	pid=$!
	sleep "$3"
	[[ $(leftovers) ]] || fail "it was not running when SIG$1 came"
	kill "-$1" "$pid"
	wait "$pid" 2>/dev/null || status=$?
	want "status after SIG$1" "$status" "$2"
}

test_interrupted_it_leaves_nothing() {
	interrupt TERM 143 0.2
	want "leftovers early on" "$(leftovers)" ''
	interrupt INT 130 4
	want leftovers "$(leftovers)" ''
	interrupt KILL 137 2
	# Processes that die with their parent need a moment. The files wait for the next lab.
	sleep 0.5
	want "processes after SIGKILL" "$(leftovers | grep -v "^$TMP")" ''
	TMPDIR=$TMP lab 0 run --kernel 7.3-cloud -- true
	want "leftovers after SIGKILL and another run" "$(leftovers)" ''
}

# The archive's part, without fetching a whole kernel: a copy of the cache on a file system that is
# too small. There is room to read an index there, as a cache that came from elsewhere may have none.
test_full_disk_leaves_a_usable_cache() {
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/gmem-lab free
	mkdir "$TMP/small"
	mount -t tmpfs -o size=152m tmpfs "$TMP/small" 2>/dev/null || { skip="cannot mount a tmpfs"; return; }
	mkdir -p "$TMP/small/gmem-lab/kernels"
	[[ ! -d $cache/index ]] || cp -r "$cache/index" "$TMP/small/gmem-lab/"
	cp -r "$cache/kernels/7.3-cloud" "$TMP/small/gmem-lab/kernels/"
	XDG_CACHE_HOME=$TMP/small lab 125 fetch 7.2
	want_match "the message" "$(<"$TMP/err")" \
		"cannot fetch kernel 7.2: [0-9]+ MB free in .*, [0-9]+ MB are needed"
	# Filled to the brim while a fetch is on its way.
	free=$(df --output=avail -BM "$TMP/small" | tr -dc '0-9')
	fallocate -l "$((free - 19))M" "$TMP/small/filler"
	XDG_CACHE_HOME=$TMP/small LAB_NO_SPACE_CHECK=yes lab 125 fetch 7.2
	want_match "the message" "$(<"$TMP/err")" \
		"cannot (download kernel 7.2|make kernel 7.2 of its packages) \([0-9]+ MB free"
	want "partial kernels" "$(find "$TMP/small" -name '.tmp.*')" ''
	XDG_CACHE_HOME=$TMP/small lab 0 fetch 7.3-cloud
	want_match "what is cached" "$(<"$TMP/out")" "^7.3-cloud 7"
	umount "$TMP/small"
}

test_interrupted_fetch_leaves_nothing() {
	local status=0 pid
	mkdir "$TMP/cache"
	TMPDIR=$TMP XDG_CACHE_HOME=$TMP/cache "$LAB" fetch 6.18-cloud &>"$TMP/err" &
	pid=$!
	sleep 2.5
	kill -TERM "$pid"
	wait "$pid" || status=$?
	want status "$status" 143
	want leftovers "$(find "$TMP/cache" -name '.tmp.*' -o -name '.state*')" ''
	want processes "$(leftovers)" ''
}

test_kernel_that_the_archive_lacks() {
	mkdir -p "$TMP/lacks/gmem-lab/index"
	local suite
	for suite in bookworm bookworm-backports trixie trixie-backports forky sid; do
		echo 'linux-image-5.10.0-1-amd64 5.10.1-1 60000000 0 pool/none.deb' \
			>"$TMP/lacks/gmem-lab/index/$suite-amd64"
	done
	XDG_CACHE_HOME=$TMP/lacks LAB_MIRROR=http://localhost:1 lab 77 run --kernel 6.16 -- true
	want_match "the message" "$(<"$TMP/err")" "kernel 6.16 is not available"
}

run_test() {
	local name=${1#test_}
	name=${name//_/ }
	number=$((number + 1)) why='' skip=''
	"$1"
	if [[ $why ]]; then
		echo "not ok $number - lab: $name"
		echo "# $why"
		failed=$((failed + 1))
	else
		echo "ok $number - lab: $name${skip:+ # skip $skip}"
	fi
}

((EUID == 0)) || { printf '%s\n' "ok 1 - lab # skip not root" 1..1; exit 0; }
for test in $(compgen -A function test_); do
	for part in "${@:-}"; do
		[[ $test == *"$part"* ]] && { run_test "$test"; break; }
	done
done
echo "1..$number"
((failed == 0))

# SPDX-License-Identifier: GPL-2.0-only
#
# The kernels the lab knows, as a table, and look-ups in it. Sourced by scripts/lab; downloads
# nothing.
# shellcheck shell=bash

# name | series | flavour | suites, likeliest first | what it is for
#
# Rows of one's own are files in $CACHE/rows, of any name; `lab build --tree` writes them. Of two rows
# with one name the first counts, and ours come first. The flavour "tree" is built there, from the
# directory that stands in place of the suites, see tree.sh.
#
# The flavour "source" is built here from linux-source-SERIES, see build.sh. The suites are where to
# look, not a promise: Debian moves series on, so every later suite is tried too.
KERNELS='
6.1        | 6.1  | amd64       | bookworm                | no guest_memfd at all: error paths
6.12       | 6.12 | amd64       | trixie bookworm-backports | guest_memfd for private memory only
6.16       | 6.16 | amd64       | trixie-backports        | last one before guest_memfd mmap was reworked
6.18       | 6.18 | amd64       | trixie-backports        | first one with guest_memfd mmap
6.18-cloud | 6.18 | cloud-amd64 | trixie-backports        | 6.18 in a smaller configuration
7.2        | 7.2  | amd64       | sid trixie-backports    | prepares on every get_pfn
7.3        | 7.3  | amd64       | trixie-backports sid    | newest; the default
7.3-cloud  | 7.3  | cloud-amd64 | trixie-backports sid    | 7.3 in a smaller configuration
6.18-arm64 | 6.18 | arm64       | trixie-backports        | arm64: first one with guest_memfd mmap
7.2-arm64  | 7.2  | arm64       | sid trixie-backports    | arm64: the one before
7.3-arm64  | 7.3  | arm64       | trixie-backports sid    | arm64: newest
7.3-arm64-16k | 7.3 | arm64-16k | trixie-backports sid    | arm64: newest, with pages of 16 KiB
swprot-6.12 | 6.12 | source     | trixie                  | private memory in software, oldest generation
swprot-7.3 | 7.3  | source      | trixie-backports sid    | private memory in software, newest
'
KERNELS+=$(cat "$CACHE"/rows/* 2>/dev/null || :)

# Tried in this order for a series that is in none of its own suites any more.
ALL_SUITES=(bookworm bookworm-backports trixie trixie-backports forky sid)

# shellcheck disable=SC2034
DEFAULT_KERNEL=7.3

# kernel_names [FLAVOUR]
kernel_names() {
	awk -F'|' -v flavour="${1:-}" '
		NF { gsub(/ /, "", $1); gsub(/ /, "", $3) }
		NF && (flavour == "" || flavour == $3) && !seen[$1]++ { print $1 }' <<<"$KERNELS"
}

# The same in one line, for messages.
kernel_list() {
	kernel_names "$@" | paste -sd' '
}

# kernel_field NAME series|flavour|suites|purpose
kernel_field() {
	local column
	case $2 in
	series) column=2 ;;
	flavour) column=3 ;;
	suites) column=4 ;;
	purpose) column=5 ;;
	*) die "kernel_field: no such field: $2" ;;
	esac
	awk -F'|' -v name="$1" -v column="$column" '
		function trim(s) { gsub(/^ +| +$/, "", s); return s }
		NF && trim($1) == name { print trim($column); exit }' <<<"$KERNELS"
}

kernel_known() {
	[[ -n $(kernel_field "$1" series) ]]
}

# Every suite worth searching for NAME, likeliest first.
kernel_suites() {
	local suite own
	own=$(kernel_field "$1" suites)
	printf '%s\n' "${own// /$'\n'}"
	for suite in "${ALL_SUITES[@]}"; do
		[[ " $own " == *" $suite "* ]] || printf '%s\n' "$suite"
	done
}

# The architecture of the packages, as Debian calls it: amd64 of cloud-amd64.
kernel_arch() {
	case $(kernel_field "$1" flavour) in
	*arm64*) printf 'arm64\n' ;;
	*) printf 'amd64\n' ;;
	esac
}

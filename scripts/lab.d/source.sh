# SPDX-License-Identifier: GPL-2.0-only
#
# `lab source`: the sources of one of Debian's kernels as a git repository, for whoever has none at
# hand. Sourced by scripts/lab.
# shellcheck shell=bash

# The same files as kernels are built from here. The function is build-kernel's: to move it would make
# all of these anew.
source_unpack() {
	# shellcheck disable=SC2016
	printf 'tree=$1 package=$2\n'
	sed -n '/^unpack() {$/,/^}$/p' "$LIB/build-kernel"
}

# source_commit DIR VERSION: all of it is one commit, by no one in particular.
source_commit() {
	local git=(git -C "$1" -c core.compression=0 -c gc.auto=0 -c user.name=lab -c user.email=lab@localhost)
	"${git[@]}" init --quiet --initial-branch=master &&
		"${git[@]}" add --all --force . &&
		"${git[@]}" commit --quiet --message="Linux $2, as Debian has it"
}

# `lab source`: the sources that a series is built from, as a git repository.
cmd_source() {
	local name dir tmp
	[[ $# == 2 ]] || usage "source needs a series, such as 7.3, and a directory that is to be made."
	name=$(kernel_names source | grep -x ".*-$1") || usage "no sources of '$1'. There are swprot-* of: $(kernel_list source)."
	[[ ! -e $2 ]] || usage "$2 is already there. Name a directory that is to be made."
	have git || die "no git. Run scripts/setup."
	mkdir -p "$CACHE/kernels"
	need_space 2000 "unpack sources"
	fetch_resolve "$name"
	[[ $RESOLVED ]] || unavailable "$name"
	tmp=$(mktemp -d "$CACHE/kernels/.tmp.source.XXXXXX")
	at_exit "$tmp"
	fetch_packages "$tmp" || die "cannot download linux-source-$1. Check the network and try again."
	dir=$2.part
	at_exit "$dir"
	interruptible bash -euo pipefail -c "$(source_unpack); unpack" - "$dir" "$tmp"/*.deb || die "cannot unpack linux-source-$1 ($(free_space)). Make room."
	interruptible bash -c "$(declare -f source_commit); source_commit \"\$@\"" - "$dir" "$(resolved_version)" ||
		die "cannot make $2 a git repository. The reason is above."
	mv -T "$dir" "$2"
}

# SPDX-License-Identifier: GPL-2.0-only
#
# Kernels from somebody's own source tree: `lab build --tree`, and the revisions that `lab perf --tree`
# and `lab bisect` build. Sourced by scripts/lab.
#
# The tree is only read. A named kernel is built in $CACHE/builds/NAME. A repository has one place in
# the cache, $CACHE/trees/ID: source, a worktree of it, in which one revision after the other is
# checked out, so that only what differs between them is compiled; build, the objects; and kernels,
# named by the hashes of the revision's tree and of the configuration.
# shellcheck shell=bash

# Objects of a first build, and of one more.
TREE_MEGABYTES=3000
TREE_MEGABYTES_MORE=500

# tree_check DIR
tree_check() {
	[[ -d $1 ]] || usage "--tree $1: no such directory."
	[[ -f $1/Kconfig && -d $1/virt/kvm ]] ||
		usage "--tree $1: no source tree of a kernel. Name the directory with its Kconfig and virt/kvm."
	[[ $(machine_host) == amd64 ]] ||
		die "cannot build $1: the lab has a configuration for x86 only. Build it there, and use run --kernel $1."
}

# config_check FILE...
config_check() {
	local file
	for file; do
		[[ -r $file ]] || usage "--config $file: cannot be read."
	done
}

# tree_fragments DIR: the lab's configuration for its series; the newest there is for others.
tree_fragments() {
	local series own
	series=$(awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { print v "." $3; exit }' "$1/Makefile")
	own=$LIB/swprot-$series.config
	[[ -f $own ]] || own=$(printf '%s\n' "$LIB"/swprot-*.config | sort -V | tail -n 1)
	printf '%s\n' "$LIB/swprot.config" "$own"
}

# tree_said LOG: the lines that say why a build has failed.
tree_said() {
	{
		grep -m 5 -E 'error:|undefined reference|build-tree:|not clean|No space' "$1" || tail -n 10 "$1"
	} | sed 's/^/  | /' >&2
}

# tree_make DIR OUT LABEL VERSION: builds; fails where the tree does, after its errors.
tree_make() {
	local log=$CACHE/logs/build-$3.log ours own=() file began=$SECONDS megabytes=$TREE_MEGABYTES
	[[ ! -f $2/vmlinux ]] || megabytes=$TREE_MEGABYTES_MORE
	mkdir -p "$CACHE/logs" "$2"
	need_space "$megabytes" "build $3"
	build_check_tools "$3"
	mapfile -t ours < <(tree_fragments "$1")
	for file in "${opt_config[@]}"; do
		own+=(--config "$file")
	done
	note "building $3 ..."
	if ! interruptible nice -n "${LAB_NICE:-10}" "$LIB/build-tree" "$1" "$2" "-$4" "${ours[@]}" "${own[@]}" \
		&>"$log" </dev/null; then
		tree_said "$log"
		note "$3 does not build. All of it: $log"
		return 1
	fi
	note "built $3 in $((SECONDS - began)) s: $log"
}

# tree_publish OUT DIR: what was built in OUT becomes the kernel DIR.
tree_publish() {
	local modules='' tmp said
	mkdir -p "${2%/*}"
	tmp=$(mktemp -d "${2%/*}/.tmp.${2##*/}.XXXXXX")
	at_exit "$tmp"
	! grep -qx CONFIG_MODULES=y "$1/.config" || modules=$1
	# shellcheck disable=SC2034
	ARCH=amd64
	said=$(image_unpack "$1/vmlinux" "$modules" "$tmp") || die "cannot use $1/vmlinux: $said."
	cp "$1/include/config/kernel.release" "$tmp/version"
	kernel_publish "$tmp" "$2"
}

tree_parse() {
	opt_tree='' opt_name='' opt_config=()
	while (($#)); do
		case $1 in
		--tree | --name | --config) (($# > 1)) || usage "$1 needs a value." ;;&
		--tree | --name) printf -v "opt_${1#--}" %s "$2" ;;
		--config) opt_config+=("$2") ;;
		*) usage "no option '$1' of build. A tree is built by --tree, --config and --name." ;;
		esac
		shift 2
	done
	[[ $opt_tree && $opt_name ]] || usage "build needs --tree DIR and --name NAME, or the names of kernels."
	[[ $opt_name =~ ^[[:alnum:]][[:alnum:].-]*$ ]] ||
		usage "--name $opt_name: letters, digits, '.' and '-' are possible."
	[[ $opt_tree != *'|'* ]] || usage "--tree $opt_tree: not with a '|' in it."
	! kernel_known "$opt_name" || [[ $(kernel_field "$opt_name" flavour) == tree ]] ||
		usage "--name $opt_name: the lab has a kernel of this name. Take another one."
	tree_check "$opt_tree"
	config_check "${opt_config[@]}"
	opt_tree=$(readlink -f "$opt_tree")
}

# tree_check_clean: kbuild builds out of a tree only where nothing was built in it.
tree_check_clean() {
	[[ ! -e $opt_tree/.config && ! -d $opt_tree/include/config ]] ||
		die "cannot build $opt_tree: something was built in it. Run make mrproper there (it deletes .config, too)," \
			"or take a clean copy: git worktree add."
}

# `lab build --tree`
build_tree() {
	local lock
	tree_parse "$@"
	tree_check_clean
	mkdir -p "$CACHE/builds" "$CACHE/rows" "$CACHE/kernels"
	exec {lock}>"$CACHE/builds/.lock-$opt_name"
	interruptible flock "$lock"
	tree_make "$opt_tree" "$CACHE/builds/$opt_name" "$opt_name" "$opt_name" ||
		die "cannot build $opt_tree. The reason is above."
	tree_publish "$CACHE/builds/$opt_name" "$CACHE/kernels/$opt_name"
	printf '%s | %s | tree | %s | built from %s\n' "$opt_name" \
		"$(kernel_version "$opt_name" | grep -oE '^[0-9]+\.[0-9]+')" "$opt_tree" "$opt_tree" \
		>"$CACHE/rows/$opt_name"
	printf '%s %s\n' "$opt_name" "$(kernel_version "$opt_name")"
}

# kernel_of_tree NAME: ends the lab if NAME has to be built by hand.
kernel_of_tree() {
	[[ $(kernel_field "$1" flavour) != tree ]] ||
		die "cannot get kernel $1: it is built from a tree." \
			"Run scripts/lab build --tree $(kernel_field "$1" suites) --name $1."
}

# repo_check: opt_tree is one's repository; leaves its place in the cache in TREE.
repo_check() {
	local common name
	tree_check "$opt_tree"
	config_check "${opt_config[@]}"
	common=$(git -C "$opt_tree" rev-parse --path-format=absolute --git-common-dir 2>&1) ||
		usage "--tree $opt_tree: no git repository: ${common%%$'\n'*}. Make it one: git init, git add, git commit."
	common=$(readlink -f "$common")
	name=${common%/.git}
	TREE=$CACHE/trees/${name##*/}-$(printf %s "$common" | sha256sum | cut -c1-8)
}

# repo_open: from now on TREE is this lab's alone, and has a worktree.
repo_open() {
	mkdir -p "$TREE/kernels"
	exec {TREE_LOCK}>"$TREE/lock"
	flock --nonblock "$TREE_LOCK" || note "waiting for another lab that builds revisions of $opt_tree ..."
	interruptible flock "$TREE_LOCK"
	[[ ! -e $TREE/source/.git ]] || return 0
	note "making a worktree of $opt_tree in $TREE/source ..."
	git -C "$opt_tree" worktree prune
	interruptible git -C "$opt_tree" worktree add --quiet --force --detach "$TREE/source" >&2
}

# rev_commit REV
rev_commit() {
	git -C "$opt_tree" rev-parse --verify --quiet "$1^{commit}" ||
		usage "$1: no such commit in $opt_tree. Name a commit, a tag or a branch."
}

# rev_line COMMIT: for people.
rev_line() {
	git -C "$opt_tree" log -1 --abbrev=12 --format='%h %s' "$1"
}

# rev_kernel COMMIT: leaves its kernel, a directory, in REV_KERNEL; builds it first where it must. Fails
# where it does not build.
rev_kernel() {
	local tree recipe
	tree=$(git -C "$opt_tree" rev-parse --short=12 "$1^{tree}")
	recipe=$(cat "$LIB/build-tree" "$LIB"/swprot*.config "${opt_config[@]}" | sha256sum | cut -c1-8)
	REV_KERNEL=$TREE/kernels/$tree-$recipe
	! image_is_ready "$REV_KERNEL" || return 0
	note "$(rev_line "$1")"
	interruptible git -C "$TREE/source" checkout --quiet --force --detach "$1" >&2
	tree_make "$TREE/source" "$TREE/build" "${TREE##*/}-$tree" "$tree" || return 1
	tree_publish "$TREE/build" "$REV_KERNEL"
}

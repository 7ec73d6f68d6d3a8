# SPDX-License-Identifier: GPL-2.0-only
#
# The user space of a VM whose architecture is not this machine's: its /usr, /etc and /var, which
# are also what to build against. Sourced by scripts/lab.
#
# It is unpacked from Debian's packages of this machine's release, and nothing of it is ever run
# here: no maintainer script, and so no emulator. It is cached, with a file more beside it, its
# recipe: a user space that is made of other packages by now is made anew.
# shellcheck shell=bash

# What commands in a VM may use; what programs are built against is in scripts/setup.
USER_SPACE_PACKAGES=(base-files base-passwd bash bpftool busybox-static coreutils dash diffutils
	findutils gawk grep gzip mount ncurses-base ncurses-bin procps python3 python3-jsonschema
	python3-pexpect python3-pyte sed tar util-linux zstd)
# The archive's index, packages, and what they become.
USER_SPACE_MEGABYTES=1000

# user_space_path ARCH
user_space_path() {
	printf '%s\n' "$CACHE/user-space/$1"
}

# The release that the user space is of: this machine's, since the cross compiler is of it.
user_space_release() {
	local release
	# shellcheck source=/dev/null
	release=$(. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-}")
	printf '%s\n' "${release:-bookworm}"
}

user_space_packages() {
	printf '%s\n' "${USER_SPACE_PACKAGES[@]}"
	"$LIB/../setup" --list | awk '$1 == "build" && $2 ~ /-dev$/ { print $2 }'
}

# user_space_recipe ARCH
user_space_recipe() {
	{
		user_space_release
		user_space_packages
		declare -f user_space_make
	} | sha256sum | cut -d' ' -f1
}

# What maintainer scripts would have done, as far as it is needed.
user_space_finish() {
	cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"
	cp "$1/usr/share/base-passwd/group.master" "$1/etc/group"
	ln -sf gawk "$1/usr/bin/awk"
}

# user_space_make ARCH DIR
user_space_make() {
	have mmdebstrap || die "no mmdebstrap. Run scripts/setup $1."
	archive_mirror
	need_space "$USER_SPACE_MEGABYTES" "make the user space of $1"
	note "making the user space of $1 ..."
	interruptible mmdebstrap --quiet --variant=extract --arch="$1" \
		--include="$(user_space_packages | paste -sd,)" "$(user_space_release)" "$2" \
		"$MIRROR" >&2 && user_space_finish "$2"
}

# user_space_cached ARCH
user_space_cached() {
	local recipe
	recipe=$(user_space_path "$1").recipe
	[[ -f $recipe && $(<"$recipe") == "$(user_space_recipe "$1")" ]]
}

# user_space_need ARCH: makes sure that it is there.
user_space_need() {
	local path lock
	user_space_cached "$1" && return
	path=$(user_space_path "$1")
	((EUID == 0)) || die "cannot make the user space of $1: not root. Run it with sudo."
	mkdir -p "${path%/*}" || die "cannot write to $CACHE. Set XDG_CACHE_HOME to a directory that can be written."
	exec {lock}>"${path%/*}/.lock-$1"
	interruptible flock "$lock"
	if ! user_space_cached "$1"; then
		rm -rf "$path" "$path.recipe" "$path.part"
		at_exit "$path.part"
		user_space_make "$1" "$path.part" ||
			die "cannot make the user space of $1 ($(free_space)). See above; check the network, or set LAB_MIRROR."
		mv -T "$path.part" "$path"
		user_space_recipe "$1" >"$path.recipe"
	fi
	exec {lock}>&-
}

cmd_user_space() {
	local make=yes
	[[ ${1:-} != --path ]] || { make=''; shift; }
	[[ ${1:-} == arm64 && $# == 1 ]] || usage "user-space is there for one architecture: arm64."
	[[ ! $make ]] || user_space_need "$1"
	user_space_path "$1"
	# shellcheck disable=SC2034
	DONE=yes
}

# SPDX-License-Identifier: GPL-2.0-only
#
# `lab debian`: this project in the root file system of some Debian release, which begins with
# nothing but make. Sourced by scripts/lab.
#
# Roots are kept beside the cache, one for each release; the cache itself is shared with them. A
# root becomes that of a mount namespace, which goes with the command: the lab in it serves / to its
# VMs and makes it read-only there, and the kernel allows no user namespaces below a chroot.
# shellcheck shell=bash

DEBIAN_ROOTS=${XDG_CACHE_HOME:-$HOME/.cache}/gmem-debian

# debian_make RELEASE ROOT
debian_make() {
	have mmdebstrap || die "no mmdebstrap. Run scripts/setup lab."
	archive_mirror
	note "making a root of Debian $1 ..."
	mkdir -p "$2.part"
	at_exit "$2.part"
	interruptible mmdebstrap --quiet --variant=minbase --include=make "$1" "$2.part" "$MIRROR" >&2
	mv "$2.part" "$2"
}

# Becomes COMMAND in ROOT: sh -c "$DEBIAN_ENTER" - ROOT CACHE COMMAND...
# shellcheck disable=SC2016
DEBIAN_ENTER='
root=$1 cache=$2
shift 2
mount --bind "$root" "$root" &&
	mount -t proc proc "$root/proc" &&
	mount --rbind /dev "$root/dev" && mount --rbind /sys "$root/sys" &&
	mount --bind "$cache" "$root/root/.cache/gmem-lab" &&
	cd "$root" && pivot_root . . && umount -l . &&
	exec env -u XDG_CACHE_HOME -u TMPDIR HOME=/root LANG=C.UTF-8 \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "cd /root/gmemtrace && exec \"\$@\"" - "$@"'

cmd_debian() {
	local fresh='' release root status=0
	[[ ${1:-} != --fresh ]] || { fresh=yes; shift; }
	release=${1:-}
	[[ $release =~ ^[a-z]+$ ]] || usage "debian needs the name of a release, such as trixie."
	shift
	[[ ${1:-} != -- ]] || shift
	(($#)) || set -- make check
	((EUID == 0)) || die "cannot make a root file system: not root. Run it with sudo."
	root=$DEBIAN_ROOTS/$release
	[[ ! $fresh ]] || rm -rf "$root"
	[[ -d $root ]] || debian_make "$release" "$root"
	mkdir -p "$CACHE" "$root/root/.cache/gmem-lab"
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	rm -rf "$root/root/gmemtrace"
	git clone --quiet --no-hardlinks "$LIB/../.." "$root/root/gmemtrace"
	interruptible unshare --mount --propagation private \
		sh -c "$DEBIAN_ENTER" - "$root" "$CACHE" "$@" || status=$?
	# shellcheck disable=SC2034
	DONE=yes
	exit "$status"
}

# SPDX-License-Identifier: GPL-2.0-only
#
# `lab fetch`: puts a kernel of Debian's into the cache. Sourced by scripts/lab.
#
# A cached kernel is a directory $CACHE/kernels/NAME: vmlinux.zst, config, modules/*.ko (only those
# a VM needs), load-order, version. It is made under another name and renamed when complete, so what
# has the right name is whole.
# shellcheck shell=bash

# Loaded before the root file system is there, as far as the kernel has them as modules.
BOOT_MODULES=(virtio_pci virtiofs virtio_console)
# Loaded after them, unless --no-kvm-module; which of the two depends on the CPU. On arm64, KVM is
# never a module.
declare -A KVM_MODULES=([amd64]='kvm_amd kvm_intel' [arm64]='')

# fetch_newest NAME TABLE: prints the table lines of the packages that make up the newest complete
# kernel of the series, if any.
fetch_newest() {
	local series flavour
	series=$(kernel_field "$1" series)
	flavour=$(kernel_field "$1" flavour)
	if kernel_is_built "$1"; then
		awk -v package="linux-source-$series" '$1 == package' "$2" | sort -k2,2V | tail -n 1
		return
	fi
	# Up to 6.18 all is in linux-image-*. From 6.19 that is an empty shell, and the parts are
	# linux-binary-*, linux-modules-* and linux-base-* (the configuration); the archive may keep
	# one without the other.
	sort -k2,2V "$2" | awk -v series="$series" -v flavour="$flavour" '
		BEGIN { end = "-" flavour "(-unsigned)?$"; gsub(/[.]/, "[.]", series) }
		$1 !~ "^linux-[a-z-]+-" series "[.][0-9]+([.+~-][0-9a-z.+~]*)?" end { next }
		{
			kind = $1; sub(/-[0-9].*/, "", kind)
			release = $1; sub(/^linux-[a-z-]+-/, "", release); sub(/-unsigned$/, "", release)
		}
		kind == "linux-image" && $3 > 5000000 { whole[release] = $0 }
		kind ~ /^linux-binary/ { binary[release] = $0 }
		kind == "linux-modules" { modules[release] = $0 }
		kind == "linux-base" { base[release] = $0 }
		{
			if (release in whole)
				newest = whole[release]
			else if (release in binary && release in modules && release in base)
				newest = binary[release] "\n" modules[release] "\n" base[release]
		}
		END { if (newest) print newest }'
}

# fetch_resolve NAME [refresh]: leaves the package lines in RESOLVED; empty: the archive does not
# have it.
fetch_resolve() {
	local suite arch read_one=''
	RESOLVED=
	arch=$(kernel_arch "$1")
	for suite in $(kernel_suites "$1"); do
		archive_index "$suite" "$arch" "${2:-}" || continue
		read_one=yes
		RESOLVED=$(fetch_newest "$1" "$INDEX")
		[[ -z $RESOLVED ]] || return 0
	done
	[[ $read_one ]] ||
		die "cannot read any index of the Debian mirror ($(free_space)). Check the network, or set LAB_MIRROR."
}

resolved_version() {
	awk 'NR == 1 { print $2 }' <<<"$RESOLVED"
}

# Downloads the packages of RESOLVED into $1.
fetch_packages() {
	local line lines
	mapfile -t lines <<<"$RESOLVED"
	for line in "${lines[@]}"; do
		archive_download "$line" "$1/${line%% *}.deb" || return 1
	done
}

# fetch_unpack NAME DIR: takes out of the packages in DIR what a VM needs.
fetch_unpack() {
	local kvm
	read -ra kvm <<<"${KVM_MODULES[$(kernel_arch "$1")]}"
	interruptible python3 "$LIB/unpack.py" "$2" "$2"/*.deb \
		--boot "${BOOT_MODULES[@]}" --kvm "${kvm[@]}" &&
		rm "$2"/*.deb
}

# What an earlier fetch of NAME left behind, if it had no chance to clean up.
fetch_clean() {
	rm -rf "$CACHE/kernels/.tmp.$1."*
}

# fetch_space NAME: megabytes needed on the way.
fetch_space() {
	if kernel_is_built "$1"; then
		echo "$BUILD_MEGABYTES"
	else
		awk '{ n += $3 } END { print int(n / 1000000) + 150 }' <<<"$RESOLVED"
	fi
}

# Downloads RESOLVED, the packages of NAME, and publishes the kernel. Called with NAME's lock held.
fetch_resolved() {
	local name=$1 tmp make=fetch_unpack
	! kernel_is_built "$name" || make=build_unpack
	need_space "$(fetch_space "$name")" "fetch kernel $name"
	tmp=$(mktemp -d "$CACHE/kernels/.tmp.$name.XXXXXX")
	at_exit "$tmp"
	fetch_packages "$tmp" || { rm -rf "$tmp"; return 1; }
	"$make" "$name" "$tmp" ||
		die "cannot make kernel $name of its packages ($(free_space)). Make room, or see above."
	resolved_version >"$tmp/version"
	kernel_publish "$tmp" "$CACHE/kernels/$name"
}

# kernel_publish FROM TO
kernel_publish() {
	chmod 755 "$1"
	# rename() cannot replace a directory that has content.
	rm -rf "$2"
	mv -T "$1" "$2"
}

# Called with NAME's lock held.
fetch_locked() {
	local name=$1
	fetch_clean "$name"
	fetch_resolve "$name" "${2:-}"
	if [[ $RESOLVED ]] && fetch_resolved "$name"; then
		return
	fi
	# Either the archive has moved on since the index was read, or the network failed: read it
	# again, once.
	[[ ${2:-} == refresh ]] || fetch_resolve "$name" refresh
	[[ $RESOLVED ]] || unavailable "$name"
	fetch_resolved "$name" ||
		die "cannot download kernel $name ($(free_space)). Check the network and try again."
}

kernel_cached() {
	local dir=$CACHE/kernels/$1
	[[ -s $dir/version && -s $dir/vmlinux.zst ]] || return 1
	! kernel_is_built "$1" || [[ $(<"$dir/recipe") == "$(build_recipe "$1")" ]]
}

kernel_version() {
	cat "$CACHE/kernels/$1/version"
}

# Waits for whoever else is fetching NAME. The lock is KERNEL_LOCK.
fetch_lock() {
	mkdir -p "$CACHE/kernels" ||
		die "cannot write to $CACHE. Set XDG_CACHE_HOME to a directory that can be written."
	exec {KERNEL_LOCK}>"$CACHE/kernels/.lock-$1"
	interruptible flock "$KERNEL_LOCK"
}

fetch_unlock() {
	exec {KERNEL_LOCK}>&-
}

# fetch_kernel NAME: makes sure that NAME is cached.
fetch_kernel() {
	! kernel_cached "$1" || return 0
	kernel_of_tree "$1"
	fetch_lock "$1"
	kernel_cached "$1" || fetch_locked "$1"
	fetch_unlock
}

# Fetches NAME anew if the archive has a newer one than the cache.
fetch_update() {
	kernel_of_tree "$1"
	fetch_lock "$1"
	fetch_resolve "$1" refresh
	[[ $RESOLVED ]] || unavailable "$1"
	if ! kernel_cached "$1" || [[ $(kernel_version "$1") != "$(resolved_version)" ]]; then
		fetch_locked "$1"
	fi
	fetch_unlock
}

cmd_fetch() {
	local name update=''
	if [[ ${1:-} == --update ]]; then
		update=yes
		shift
	fi
	(($#)) || usage "fetch needs a kernel's name, one of: $(kernel_list)."
	for name; do
		kernel_known "$name" || usage "no kernel '$name'. One of: $(kernel_list)."
	done
	for name; do
		if [[ $update ]]; then
			fetch_update "$name"
		else
			fetch_kernel "$name"
		fi
		printf '%s %s\n' "$name" "$(kernel_version "$name")"
	done
}

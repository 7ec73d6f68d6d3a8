# SPDX-License-Identifier: GPL-2.0-only
#
# `lab fetch`: puts a kernel of Debian's into the cache. Sourced by scripts/lab.
#
# A cached kernel is a directory $CACHE/kernels/NAME: vmlinuz, config, modules/*.ko (only those a VM needs, unpacked), load-order,
# version. It is made under another name and renamed when complete, so what has the right name is whole.
# shellcheck shell=bash

# Loaded before the root file system is there, as far as the kernel has them as modules.
BOOT_MODULES='virtio_pci virtiofs virtio_console'
# Loaded after them, unless --no-kvm-module. Debian builds kvm as a module; under TCG the CPU is an AMD one.
KVM_MODULES='kvm_amd'

# fetch_newest NAME TABLE: prints the table lines of the packages that make up the newest complete kernel of the series, if any.
fetch_newest() {
	local series flavour
	series=$(kernel_field "$1" series)
	flavour=$(kernel_field "$1" flavour)
	# Up to 6.18 all is in linux-image-*. From 6.19 that is an empty shell, and the parts are linux-binary-*, linux-modules-* and
	# linux-base-* (the configuration); the archive may keep one without the other.
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

# fetch_resolve NAME [refresh]: prints the package lines. Status 1: the archive does not have it.
fetch_resolve() {
	local suite table lines arch read_one=
	arch=$(kernel_arch "$1")
	for suite in $(kernel_suites "$1"); do
		table=$(archive_index "$suite" "$arch" "${2:-}") || continue
		read_one=yes
		lines=$(fetch_newest "$1" "$table")
		[[ -z $lines ]] || { printf '%s\n' "$lines"; return 0; }
	done
	[[ $read_one ]] || die "cannot read any index from the Debian mirror. Check the network, or set LAB_MIRROR."
	return 1
}

# Downloads the packages named on stdin into $1.
fetch_packages() {
	local line
	while read -r line; do
		archive_download "$line" "$1/${line%% *}.deb" || return 1
	done
}

# Takes out of the packages in $1 what a VM needs.
fetch_unpack() {
	local dir=$1 package
	for package in "$dir"/*.deb; do
		dpkg-deb --fsys-tarfile "$package"
		# The streams are concatenated: modules.py reads on after an end-of-archive mark.
	done | python3 "$LIB/modules.py" "$dir" --boot $BOOT_MODULES --kvm $KVM_MODULES || return 1
	rm "$dir"/*.deb
}

fetch_clean() {
	rm -rf "$CACHE/kernels/.tmp.$1."*
}

# Downloads NAME and publishes it. Called with NAME's lock held.
fetch_locked() {
	local name=$1 lines tmp total
	fetch_clean "$name"
	lines=$(fetch_resolve "$name" "${2:-}") || unavailable "$name"
	total=$(awk '{ n += $3 } END { print int(n / 1000000) + 50 }' <<<"$lines")
	need_space "$total" "fetch kernel $name"
	tmp=$(mktemp -d "$CACHE/kernels/.tmp.$name.XXXXXX")
	if ! fetch_packages "$tmp" <<<"$lines"; then
		fetch_clean "$name"
		[[ ${2:-} == refresh ]] && die "cannot download kernel $name. Check the network and the space in $CACHE."
		# The archive has moved on since the index was read: read it again, once.
		fetch_locked "$name" refresh
		return
	fi
	if ! fetch_unpack "$tmp"; then
		fetch_clean "$name"
		die "cannot unpack kernel $name. Check the space in $CACHE and try again."
	fi
	fetch_publish "$name" "$tmp" "$(awk 'NR == 1 { print $2 }' <<<"$lines")"
}

fetch_publish() {
	local name=$1 tmp=$2
	printf '%s\n' "$3" >"$tmp/version"
	chmod 755 "$tmp"
	# rename() cannot replace a directory that has content. A VM that starts just now has its own links to the old files, or fails.
	rm -rf "$CACHE/kernels/$name"
	mv -T "$tmp" "$CACHE/kernels/$name"
}

kernel_cached() {
	[[ -s $CACHE/kernels/$1/version ]]
}

# fetch_kernel NAME: makes sure that NAME is cached.
fetch_kernel() {
	local name=$1 lock
	kernel_cached "$name" && return
	mkdir -p "$CACHE/kernels"
	exec {lock}>"$CACHE/kernels/.lock-$name"
	flock "$lock"
	kernel_cached "$name" || fetch_locked "$name"
	exec {lock}>&-
}

cmd_fetch() {
	local name update=
	[[ ${1:-} == --update ]] && { update=yes; shift; }
	(($#)) || usage "fetch needs a kernel's name, one of: $(kernel_names | paste -sd' ')."
	for name; do
		kernel_known "$name" || usage "no kernel '$name'. One of: $(kernel_names | paste -sd' ')."
	done
	for name; do
		if [[ $update ]]; then
			fetch_update "$name"
		else
			fetch_kernel "$name"
		fi
		printf '%s %s\n' "$name" "$(<"$CACHE/kernels/$name/version")"
	done
}

# Fetches NAME anew if the archive has a newer one than the cache.
fetch_update() {
	local name=$1 lock lines
	mkdir -p "$CACHE/kernels"
	exec {lock}>"$CACHE/kernels/.lock-$name"
	flock "$lock"
	lines=$(fetch_resolve "$name" refresh) || unavailable "$name"
	if ! kernel_cached "$name" || [[ $(<"$CACHE/kernels/$name/version") != $(awk 'NR == 1 { print $2 }' <<<"$lines") ]]; then
		fetch_locked "$name"
	fi
	exec {lock}>&-
}

# SPDX-License-Identifier: GPL-2.0-only
#
# `lab build`: kernels that Debian does not have, made from its linux-source packages. Sourced by
# scripts/lab.
#
# They are cached like the others and have one file more, recipe: a hash of all that they were made
# from but the source package. It is compared before every use. A newer source package alone is no
# reason to build anew; --update is.
# shellcheck shell=bash

BUILD_TOOLS=(make gcc flex bison bc pahole patch objcopy xz)
# The sources, the objects and the package they come from.
# shellcheck disable=SC2034
BUILD_MEGABYTES=5000

kernel_is_built() {
	[[ $(kernel_field "$1" flavour) == source ]]
}

# build_files NAME: the configuration and the patches that NAME is made from.
build_files() {
	local series file
	series=$(kernel_field "$1" series)
	for file in "$LIB/swprot.config" "$LIB/swprot-$series.config" \
		"$LIB/../../tests/lab/$1.patches"/*.patch; do
		[[ ! -f $file ]] || printf '%s\n' "$file"
	done
}

build_recipe() {
	local files
	mapfile -t files < <(build_files "$1")
	cat "$LIB/build-kernel" "${files[@]}" | sha256sum | cut -d' ' -f1
}

build_check_tools() {
	local tool
	for tool in "${BUILD_TOOLS[@]}"; do
		have "$tool" || die "cannot build kernel $1: no $tool. Run scripts/setup."
	done
}

# build_unpack NAME DIR: as fetch_unpack, the package in DIR being the sources.
build_unpack() {
	local name=$1 dir=$2 files log
	log=$CACHE/logs/build-$name.log
	mkdir -p "$CACHE/logs"
	build_check_tools "$name"
	mapfile -t files < <(build_files "$name")
	note "building kernel $name: this takes some 20 minutes of CPU time. Log: $log"
	if ! interruptible nice -n 19 "$LIB/build-kernel" "$dir" "$dir"/*.deb "${files[@]}" \
		&>"$log"; then
		tail -n 20 "$log" | sed 's/^/  | /' >&2
		return 1
	fi
	mkdir "$dir/modules"
	: >"$dir/load-order"
	build_recipe "$name" >"$dir/recipe"
}

cmd_build() {
	local name
	case ${1:-} in
	--tree | --name | --config)
		build_tree "$@"
		return
		;;
	esac
	for name; do
		[[ $name == -* ]] || kernel_is_built "$name" ||
			usage "'$name' is not built from source. One of: $(kernel_list source)."
	done
	cmd_fetch "$@"
}

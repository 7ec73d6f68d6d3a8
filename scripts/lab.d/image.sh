# SPDX-License-Identifier: GPL-2.0-only
#
# Kernels by their place instead of by a name of the table: an image, a build tree, or a directory
# that the lab has made of one. Sourced by scripts/lab.
# shellcheck shell=bash

# Where builds and distributions leave what boots.
IMAGES=(arch/x86/boot/bzImage arch/arm64/boot/Image vmlinux vmlinuz)

# kernel_is_path KERNEL
kernel_is_path() {
	[[ $1 == */* ]] || { ! kernel_known "$1" && [[ -e $1 ]]; }
}

# A directory with what `lab fetch` and `lab build` make: nothing is to be found or unpacked there.
image_is_ready() {
	[[ -s $1/vmlinux.zst && -f $1/load-order ]]
}

# image_find PATH: prints what boots; nothing where there is none.
image_find() {
	local image
	[[ -d $1 ]] || { printf '%s\n' "$1"; return; }
	for image in "${IMAGES[@]}"; do
		[[ -f $1/$image ]] || continue
		printf '%s\n' "$1/$image"
		return
	done
}

# image_check PATH: ends the lab where no VM can boot it; leaves its architecture in ARCH.
image_check() {
	local image said
	image=$(image_find "$1")
	[[ -e $1 ]] || usage "--kernel $1: no such file or directory."
	[[ $image ]] || usage "--kernel $1: no kernel in this directory (${IMAGES[*]}). Build it there, or name an image."
	said=$("$LIB/image.py" "$image") || usage "--kernel $image: $said."
	ARCH=$said
}

# kernel_check KERNEL: ends the lab where it is neither in the table nor one by its place; leaves its
# architecture in ARCH.
kernel_check() {
	if ! kernel_is_path "$1"; then
		kernel_known "$1" || usage "no kernel '$1'. One of: $(kernel_list), or the path of one."
		ARCH=$(kernel_arch "$1")
	elif image_is_ready "$1"; then
		ARCH=amd64
		! grep -qx CONFIG_ARM64=y "$1/config" || ARCH=arm64
	else
		image_check "$1"
	fi
}

# kernel_label KERNEL: a name for hosts and files.
kernel_label() {
	local path=$1
	if kernel_is_path "$1"; then
		path=$(readlink -f "$1")
		path=${path##*/}
	fi
	printf '%s\n' "${path//[^[:alnum:].-]/-}"
}

# image_unpack IMAGE MODULES DIR: as fetch_unpack; prints the reason where it cannot.
image_unpack() {
	local kvm
	read -ra kvm <<<"${KVM_MODULES[$ARCH]}"
	python3 "$LIB/unpack.py" "$3" --image "$1" ${2:+"--modules=$2"} \
		--boot "${BOOT_MODULES[@]}" --kvm "${kvm[@]}" 2>&1
}

# image_place PATH MODULES DIR: leaves in KERNEL_DIR the directory that a VM starts from, which may be
# made in DIR.
image_place() {
	local image modules=$2 said
	KERNEL_DIR=$(readlink -f "$1")
	! image_is_ready "$1" || return 0
	image=$(image_find "$1")
	# The tree of a build has its modules, too; one that somebody has installed, as well.
	[[ $modules || ! -d $1 ]] || modules=$1
	mkdir "$3"
	said=$(image_unpack "$image" "$modules" "$3") || usage "--kernel $1: $said."
	# shellcheck disable=SC2034
	KERNEL_DIR=$3
}

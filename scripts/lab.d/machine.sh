# SPDX-License-Identifier: GPL-2.0-only
#
# The machines that the lab's VMs are: what differs between architectures. Sourced by scripts/lab.
#
# $ARCH is that of the VM's kernel, as Debian calls it. TCG emulates whatever virtualisation KVM
# inside the VM needs: SVM with nested paging, or EL2.
# shellcheck shell=bash

# This machine's.
machine_host() {
	case $(uname -m) in
	aarch64) printf 'arm64\n' ;;
	*) printf 'amd64\n' ;;
	esac
}

# The group of scripts/setup that has what a VM takes.
machine_group() {
	[[ $ARCH == amd64 ]] && printf 'lab\n' || printf '%s\n' "$ARCH"
}

machine_qemu() {
	case $ARCH in
	amd64) printf 'qemu-system-x86_64\n' ;;
	arm64) printf 'qemu-system-aarch64\n' ;;
	esac
}

# A path that has this in front of it is of the VM's user space, not of this machine's.
machine_user_space() {
	[[ $ARCH == "$(machine_host)" ]] || user_space_path "$ARCH"
}

# machine_options tcg|kvm: QEMU's for the machine and its processor.
machine_options() {
	case $ARCH-$1 in
	amd64-tcg) QEMU+=(-M q35 -cpu max) ;;
	amd64-kvm) QEMU+=(-M q35 -cpu host) ;;
	# A processor that exists: QEMU's max would emulate pointer authentication and SVE, which
	# cost a lot of this machine's time.
	arm64-tcg) QEMU+=(-M "virt,virtualization=on,gic-version=3" -cpu neoverse-n1) ;;
	arm64-kvm) QEMU+=(-M "virt,gic-version=max" -cpu host) ;;
	esac
}

# The kernel's words for its console, and for a quick start.
machine_words() {
	case $ARCH in
	amd64) printf 'console=ttyS0 8250.nr_uarts=1 tsc=reliable no_timer_check\n' ;;
	arm64) printf 'console=ttyAMA0\n' ;;
	esac
}

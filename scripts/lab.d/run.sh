# SPDX-License-Identifier: GPL-2.0-only
#
# `lab run`: one VM from its start to its end. Sourced by scripts/lab.
#
# Processes: one virtiofsd per shared directory, QEMU, and relay.py, which hands on the output and
# knows when all is there. All die with this shell. All files are in one directory, RUN, which goes
# with them.
# shellcheck shell=bash

run_parse() {
	opt_kernel=$DEFAULT_KERNEL opt_modules='' opt_cpus='' opt_memory=2G opt_numa=1 opt_timeout=120
	opt_icount='' opt_accel=tcg opt_share='' opt_kvm=yes opt_append='' opt_verbose=''
	opt_env=(PATH HOME TERM LANG)
	while (($#)); do
		case $1 in
		--kernel | --modules | --cpus | --memory | --numa | --accel | --share | --timeout | --append)
			(($# > 1)) || usage "$1 needs a value."
			printf -v "opt_${1#--}" %s "$2"
			shift
			;;
		--env)
			(($# > 1)) || usage "$1 needs a value."
			opt_env+=("$2")
			shift
			;;
		--icount) opt_icount=yes ;;
		--no-kvm-module) opt_kvm='' ;;
		--verbose) opt_verbose=yes ;;
		--)
			shift
			break
			;;
		-*) usage "no option '$1'." ;;
		*) break ;;
		esac
		shift
	done
	(($#)) || usage "run needs a COMMAND."
	opt_command=("$@")
}

run_check() {
	kernel_check "$opt_kernel"
	[[ ! $opt_modules || -d $opt_modules ]] || usage "--modules $opt_modules: no such directory."
	[[ ! $opt_modules ]] || kernel_is_path "$opt_kernel" ||
		usage "--modules goes with the path of a kernel, and $opt_kernel is a name. Leave it out."
	opt_cpus=${opt_cpus:-$([[ $opt_icount ]] && echo 1 || echo 2)}
	[[ $opt_cpus =~ ^[1-9][0-9]*$ ]] || usage "--cpus $opt_cpus: a number is needed."
	[[ $opt_numa =~ ^[1-8]$ ]] || usage "--numa $opt_numa: a number from 1 to 8 is needed."
	[[ $opt_timeout =~ ^[1-9][0-9]*$ ]] || usage "--timeout $opt_timeout: seconds are needed."
	[[ $opt_memory =~ ^[1-9][0-9]*[MG]$ ]] ||
		usage "--memory $opt_memory: a size such as 512M or 2G is needed."
	[[ $opt_accel == tcg || $opt_accel == kvm ]] || usage "--accel $opt_accel: tcg or kvm."
	[[ ! $opt_icount || $opt_accel == tcg ]] || usage "--icount needs --accel tcg."
	[[ ! $opt_share || -d $opt_share ]] || usage "--share $opt_share: no such directory."
	((EUID == 0)) || die "cannot share this file system with a VM: not root. Run it with sudo."
	[[ $opt_accel == tcg || -w /dev/kvm ]] ||
		die "cannot use --accel kvm: no /dev/kvm here. Leave it out."
	[[ $opt_accel == tcg || $ARCH == "$(machine_host)" ]] ||
		die "cannot use --accel kvm: kernel $opt_kernel is of $ARCH, and this machine is not. Leave it out."
	have "$(machine_qemu)" || die "no $(machine_qemu). Run scripts/setup $(machine_group)."
	[[ -x /bin/busybox ]] || die "no /bin/busybox. Run scripts/setup lab."
}

virtiofsd_path() {
	local path
	for path in /usr/libexec/virtiofsd /usr/lib/virtiofsd /usr/lib/qemu/virtiofsd; do
		[[ -x $path ]] || continue
		printf '%s\n' "$path"
		return
	done
	die "no virtiofsd. Run scripts/setup lab."
}

# quote WORD...: for a shell that knows nothing of $'...', as busybox's.
quote() {
	local word
	for word; do
		printf "'%s' " "${word//\'/\'\\\'\'}"
	done
}

# The script that becomes COMMAND.
run_command_script() {
	local name PATH=$PATH
	# This machine's may lead to programs that another architecture cannot run.
	[[ -z $(machine_user_space) ]] || PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	for name in "${opt_env[@]}"; do
		if [[ $name == *=* ]]; then
			printf 'export %s\n' "$(quote "$name")"
		elif [[ ${!name+set} ]]; then
			printf 'export %s\n' "$(quote "$name=${!name}")"
		fi
	done
	printf 'cd %s 2>/dev/null || cd /\n' "$(quote "$PWD")"
	printf 'exec %s\n' "$(quote "${opt_command[@]}")"
}

# The VM has a /tmp of its own. What COMMAND's words and the current directory name in the host's
# /tmp is mounted into it.
run_tmp_paths() {
	local word
	for word in "$PWD" "${opt_command[@]}"; do
		[[ $word == /tmp/* && $word != *[[:space:]]* && -e $word ]] || continue
		word=${word#/tmp/}
		printf '/tmp/%s\n' "${word%%/*}"
	done | sort -u | paste -sd' '
}

run_settings() {
	printf 'lab_name=%s\nlab_share=%s\nlab_tmp_paths=%s\n' \
		"$(quote "$LABEL")" "$(quote "$opt_share")" "$(quote "$(run_tmp_paths)")"
}

# Not compressed: reading it costs the VM less than unpacking it.
run_initramfs() {
	local tree=$RUN/initramfs
	mkdir -p "$tree/bin"
	cp "$(machine_user_space)/bin/busybox" "$tree/bin/busybox"
	cp "$LIB/init" "$tree/init"
	chmod 755 "$tree/init"
	run_command_script >"$tree/command"
	run_settings >"$tree/settings"
	cp -r "$KERNEL_DIR/modules" "$tree/modules"
	# TCG's CPU is an AMD one.
	[[ $opt_accel == kvm ]] || rm -f "$tree/modules/kvm_intel.ko"
	cp "$KERNEL_DIR/load-order" "$tree/modules/load-order"
	(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$RUN/initramfs.cpio"
	rm -r "$tree"
	zstd -dqf "$KERNEL_DIR/vmlinux.zst" -o "$RUN/vmlinux"
}

# The root is served from a mount namespace where it is read-only, so that not even a VM that
# remounts it can write.
run_start_virtiofsd() {
	local server user_space
	server=$(virtiofsd_path)
	user_space=$(machine_user_space)
	[[ ! $user_space ]] || mkdir "$RUN/tree"
	start unshare --mount --propagation private python3 "$LIB/fs-server.py" --read-only \
		${user_space:+"--user-space=$user_space"} "$server" "$RUN/root.sock" \
		"${user_space:+$RUN/tree}/" &>"$RUN/virtiofsd-root.log"
	[[ ! $opt_share ]] ||
		start python3 "$LIB/fs-server.py" "$server" "$RUN/share.sock" "$opt_share" \
			&>"$RUN/virtiofsd-share.log"
}

run_qemu_numa() {
	local node size first last unit=${opt_memory: -1}
	size=${opt_memory%[MG]}
	[[ $unit == G ]] && size=$((size * 1024))
	for ((node = 0; node < opt_numa; node++)); do
		QEMU+=(-object "memory-backend-memfd,id=mem$node,size=$((size / opt_numa))M")
		first=$((node * opt_cpus / opt_numa)) last=$(((node + 1) * opt_cpus / opt_numa - 1))
		if ((last >= first)); then
			QEMU+=(-numa "node,nodeid=$node,memdev=mem$node,cpus=$first-$last")
		else
			QEMU+=(-numa "node,nodeid=$node,memdev=mem$node")
		fi
	done
	QEMU+=(-m "$((size / opt_numa * opt_numa))M")
}

run_qemu_ports() {
	local name
	QEMU+=(-device virtio-serial-pci)
	for name in lab.out lab.err lab.status; do
		mkfifo "$RUN/$name"
		QEMU+=(-chardev "file,id=$name,path=$RUN/$name")
		QEMU+=(-device "virtserialport,chardev=$name,name=$name")
	done
}

run_qemu_share() {
	QEMU+=(-chardev "socket,id=$1,path=$RUN/$1.sock")
	QEMU+=(-device "vhost-user-fs-pci,chardev=$1,tag=$1,queue-size=1024")
}

run_qemu_accel() {
	if [[ $opt_accel == kvm ]]; then
		QEMU+=(-accel kvm)
	else
		# One thread for all CPUs. With a thread for each, QEMU before 8.1 sometimes keeps
		# the translation of an instruction that the kernel patched at the same moment on
		# another CPU: "Oops: int3" in 1 boot of 15. It is no faster either: a boot uses one
		# CPU.
		QEMU+=(-accel "tcg,thread=single")
	fi
	[[ ! $opt_icount ]] || QEMU+=(-icount "shift=0,sleep=off")
}

run_qemu() {
	# panic=-1 with -no-reboot: a panic ends QEMU. The rest is for a quick start.
	local words
	words="$(machine_words) quiet panic=-1 random.trust_cpu=on audit=0"
	[[ $opt_kvm ]] || words+=" lab.nokvm"
	QEMU=("$(machine_qemu)" -nodefaults -no-user-config -no-reboot)
	machine_options "$opt_accel"
	QEMU+=(-display none -monitor none -serial "file:$RUN/console.log" -smp "$opt_cpus")
	QEMU+=(-kernel "$RUN/vmlinux" -initrd "$RUN/initramfs.cpio" -append "$words $opt_append")
	run_qemu_accel
	run_qemu_numa
	run_qemu_ports
	run_qemu_share root
	[[ ! $opt_share ]] || run_qemu_share share
}

run_directory() {
	run_remove_stale
	while :; do
		RUN=$(mktemp -d "${TMPDIR:-/tmp}/gmem-lab.XXXXXX")
		at_exit "$RUN"
		exec {RUN_LOCK}>"$RUN/lock"
		flock "$RUN_LOCK"
		# Another lab may have taken it for a stale one before it was locked.
		[[ ! -e $RUN/lock ]] || break
	done
}

# Directories of labs that were killed (kill -9) before they could clean up. A lab that runs holds
# its lock.
run_remove_stale() {
	local dir lock
	for dir in "${TMPDIR:-/tmp}"/gmem-lab.*; do
		[[ -f $dir/lock ]] || continue
		exec {lock}<"$dir/lock"
		flock --nonblock "$lock" && rm -rf "$dir"
		exec {lock}<&-
	done
}

# Waits until the relay has everything or the VM is gone. Prints nothing; status: relay.py's.
run_wait() {
	local qemu=$1 relay=$2 name ended
	wait -n -p ended "$qemu" "$relay" || true
	if [[ $ended == "$qemu" ]]; then
		# If QEMU never got as far as opening its FIFOs, the relay would wait for it:
		# opening them once ends that.
		for name in lab.out lab.err lab.status; do
			: <>"$RUN/$name"
		done
	fi
	wait "$relay"
}

# Keeps the console log, and shows its end.
run_failed() {
	local log
	log=$CACHE/logs/$LABEL-$(date +%Y%m%d-%H%M%S)-$$.log
	tr -d '\r' 2>/dev/null <"$RUN/console.log" >"$RUN/all.log" || true
	cat "$RUN/qemu.log" >>"$RUN/all.log"
	# Where the VM said nothing at all, the reason may be on this side.
	[[ -s $RUN/console.log ]] || cat "$RUN"/virtiofsd-*.log >>"$RUN/all.log"
	{
		mkdir -p "$CACHE/logs" &&
			find "$CACHE/logs" -type f -mtime +7 -delete && cp "$RUN/all.log" "$log"
	} 2>/dev/null ||
		log='could not be kept: disk full?'
	note "$1 The end of its console ($log):"
	# A panic is followed by more than 20 lines of registers and stack.
	grep -m 1 -E 'Kernel panic|BUG:|Oops:' "$RUN/all.log" |
		sed 's/^/  | /;s/$/\n  | .../' >&2 || true
	tail -n 20 "$RUN/all.log" | sed 's/^/  | /' >&2
	! grep -q "lab-init: cannot mount the host's root" "$RUN/all.log" ||
		note "kernel $opt_kernel lacks virtiofs or virtio_pci, be it built in or by --modules." \
			"Build it with scripts/lab build --tree."
}

# run_kernel: leaves in KERNEL_DIR what the VM starts from.
run_kernel() {
	KERNEL_DIR=$CACHE/kernels/$opt_kernel
	! kernel_is_path "$opt_kernel" || image_place "$opt_kernel" "$opt_modules" "$RUN/kernel"
}

# Their servers make the sockets at once, but QEMU would not wait for them.
run_wait_sockets() {
	local tries
	for ((tries = 0; tries < 500; tries++)); do
		[[ ! -S $RUN/root.sock || ($opt_share && ! -S $RUN/share.sock) ]] || return 0
		sleep 0.01
	done
	die "virtiofsd did not start: $(cat "$RUN"/virtiofsd-*.log)"
}

run_vm() {
	local began qemu relay rc=0
	began=$(date +%s.%N)
	run_directory
	run_kernel
	run_initramfs
	run_start_virtiofsd
	run_qemu
	run_wait_sockets
	start python3 "$LIB/relay.py" "$RUN" "$opt_timeout" </dev/null
	relay=$STARTED
	start "${QEMU[@]}" </dev/null &>"$RUN/qemu.log"
	qemu=$STARTED
	run_wait "$qemu" "$relay" || rc=$?
	[[ ! $opt_verbose || ! -s $RUN/started ]] ||
		awk -v began="$began" '{ printf "lab: COMMAND began after %.2f s\n", $1 - began }' \
			"$RUN/started" >&2
	case $rc in
	0) RUN_STATUS=$(<"$RUN/status") ;;
	2)
		RUN_STATUS=$EXIT_TIMEOUT
		run_failed "the VM with kernel $opt_kernel did not end within $opt_timeout s and was ended."
		;;
	*)
		RUN_STATUS=$EXIT_FAILED
		run_failed "the VM with kernel $opt_kernel ended before COMMAND did."
		;;
	esac
}

cmd_run() {
	run_parse "$@"
	run_check
	[[ ! $opt_share ]] || opt_share=$(readlink -f "$opt_share")
	LABEL=$(kernel_label "$opt_kernel")
	kernel_is_path "$opt_kernel" || fetch_kernel "$opt_kernel"
	[[ -z $(machine_user_space) ]] || user_space_need "$ARCH"
	run_vm
	# shellcheck disable=SC2034
	DONE=yes
	exit "$RUN_STATUS"
}

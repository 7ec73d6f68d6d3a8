# SPDX-License-Identifier: GPL-2.0-only
#
# `lab perf`: what guest_memfd costs on two kernels, by captures of the same workload under icount,
# where a nanosecond is an instruction and one run is almost like the next, from several boots of each.
# Sourced by scripts/lab.
# shellcheck shell=bash

TOP=$(readlink -f "$LIB/../..")

# Faults every page in twice, with a new memslot in between, and once more what was punched out.
PERF_WORKLOAD=(--vms=1 --vcpus=1 --slots=1 --pages=4096
	touch recreate touch punch:pages=2048 touch host)

perf_parse() {
	opt_base='' opt_new='' opt_boots=2 opt_runs=2 opt_keep='' opt_timeout='' opt_rules=() opt_format=()
	opt_tree='' opt_config=() opt_good='' opt_bad=''
	while (($#)); do
		case $1 in
		--base | --new | --good | --bad | --boots | --runs | --keep | --timeout | --tree)
			(($# > 1)) || usage "$1 needs a value."
			printf -v "opt_${1#--}" %s "$2"
			shift
			;;
		--config)
			(($# > 1)) || usage "$1 needs a value."
			opt_config+=("$2")
			shift
			;;
		--rule | --rules | --allow | --floor)
			(($# > 1)) || usage "$1 needs a value."
			opt_rules+=("$1" "$2")
			shift
			;;
		-f | -o)
			(($# > 1)) || usage "$1 needs a value."
			opt_format+=("$1" "$2")
			shift
			;;
		--per-slot) opt_rules+=("$1") ;;
		--)
			shift
			break
			;;
		*) usage "no option '$1' of perf. What is to be traced follows --." ;;
		esac
		shift
	done
	opt_workload=("$@")
}

# perf_choose_build KERNEL...: what runs in the VMs is of their architecture.
perf_choose_build() {
	local kernel arch=''
	for kernel; do
		kernel_check "$kernel"
		[[ ${arch:=$ARCH} == "$ARCH" ]] ||
			usage "$1 and $kernel are of two architectures: their instructions are not the same."
	done
	PERF_BUILD=$TOP/build
	[[ -z $(machine_user_space) ]] || PERF_BUILD+=/$ARCH
	((${#opt_workload[@]})) || opt_workload=("$PERF_BUILD/gmemload" "${PERF_WORKLOAD[@]}")
	[[ -x $TOP/build/gmemtrace && -x $PERF_BUILD/gmemload ]] ||
		die "no $TOP/build/gmemtrace, or no $PERF_BUILD/gmemload. Run make, and make ARCH=arm64 where that is meant."
}

perf_check_values() {
	[[ $opt_runs =~ ^[1-9][0-9]*$ ]] || usage "--runs $opt_runs: a number is needed."
	[[ $opt_boots =~ ^[1-9][0-9]*$ ]] || usage "--boots $opt_boots: a number is needed."
	[[ ! $opt_keep || -d $opt_keep ]] || usage "--keep $opt_keep: no such directory."
}

# With --tree, --base and --new are revisions: they become the kernels that are built of them.
perf_build() {
	local side option commit
	PERF_HEADING=
	repo_check
	opt_base=$(rev_commit "$opt_base")
	opt_new=$(rev_commit "$opt_new")
	repo_open
	for side in base new; do
		option=opt_$side
		commit=${!option}
		rev_kernel "$commit" || die "cannot build $(rev_line "$commit"). The reason is above."
		PERF_HEADING+="$side: $(rev_line "$commit") (Linux $(<"$REV_KERNEL/version"))"$'\n\n'
		printf -v "$option" %s "$REV_KERNEL"
	done
}

perf_check() {
	[[ $opt_base && $opt_new ]] || usage "perf needs --base KERNEL and --new KERNEL, or with --tree DIR their revisions."
	[[ ! $opt_good && ! $opt_bad ]] || usage "--good and --bad are options of bisect; perf has --base and --new."
	[[ $opt_tree || ! ${opt_config[*]} ]] || usage "--config goes with --tree."
	perf_check_values
	[[ ! $opt_tree ]] || perf_build
	perf_choose_build "$opt_base" "$opt_new"
}

# In the VM: the first run of a boot finds everything cold, and is not kept. Kernels before 7.0 have
# no fsession, so that all are traced without.
# shellcheck disable=SC2016
PERF_SCRIPT='
gmemtrace=$1 prefix=$2 runs=$3
shift 3
for run in $(seq 0 "$runs"); do
	"$gmemtrace" record --no-fsession -o "$prefix-$run.gmem" -- "$@" >/dev/null || exit
done
rm "$prefix-0.gmem"'

# perf_record SIDE KERNEL BOOT: the captures of one boot. Fails after its reason.
perf_record() {
	note "${1:0:12}: boot $3 of $opt_boots of $(kernel_label "$2"), $opt_runs runs and one before them that is not kept"
	interruptible "$TOP/scripts/lab" run --kernel "$2" --icount --share "$opt_keep" \
		--timeout "${opt_timeout:-$((120 + 60 * opt_runs))}" -- \
		sh -c "$PERF_SCRIPT" perf "$PERF_BUILD/gmemtrace" "$opt_keep/$1-$3" "$opt_runs" \
		"${opt_workload[@]}" >&2 || { note "cannot capture on $(kernel_label "$2"); the reason is above."; return 1; }
}

# What differs from boot to boot (where the kernel lies in memory, for one) is no change: each kernel
# boots several times, in turns, and first every second time.
perf_record_all() {
	local boot side sides kernel
	for ((boot = 1; boot <= opt_boots; boot++)); do
		sides=(base new)
		((boot % 2)) || sides=(new base)
		for side in "${sides[@]}"; do
			kernel=opt_$side
			perf_record "$side" "${!kernel}" "$boot" || exit "$EXIT_FAILED"
		done
	done
}

# perf_between_boots SIDE: how far the first two boots of one kernel are apart.
perf_between_boots() {
	local change
	change=$("$TOP/build/gmemtrace" check --deterministic --rule guest_fault.mean \
		--base "$opt_keep/$1"-1-*.gmem --new "$opt_keep/$1"-2-*.gmem |
		awk '$1 == "guest_fault.mean" { print $4 }') || :
	note "$1: between two boots guest_fault.mean moved by ${change:--}"
}

# perf_keep: where captures are.
perf_keep() {
	if [[ ! $opt_keep ]]; then
		opt_keep=$(mktemp -d)
		at_exit "$opt_keep"
	fi
	opt_keep=$(readlink -f "$opt_keep")
}

# perf_compare BASE NEW: the captures whose names begin so; its status is that of gmemtrace check. Of
# two kernels the functions may differ; what they do for a guest is what is compared.
perf_compare() {
	"$TOP/build/gmemtrace" check --deterministic --allow rungs "${opt_rules[@]}" "${opt_format[@]}" \
		--base "$opt_keep/$1"-*.gmem --new "$opt_keep/$2"-*.gmem
}

# perf_heading: the revisions, in front of a report that people read.
perf_heading() {
	case " ${opt_format[*]} " in
	*' -o '*) ;;
	'  ' | *' -f text '* | *' -f markdown '*) printf '%s' "$1" ;;
	esac
}

cmd_perf() {
	local status=0
	perf_parse "$@"
	perf_check
	perf_keep
	rm -f "$opt_keep"/{base,new}-*.gmem
	perf_record_all
	if ((opt_boots > 1)); then
		perf_between_boots base
		perf_between_boots new
	fi
	[[ ! $opt_tree ]] || perf_heading "$PERF_HEADING"
	perf_compare base new || status=$?
	# shellcheck disable=SC2034
	DONE=yes
	exit "$status"
}

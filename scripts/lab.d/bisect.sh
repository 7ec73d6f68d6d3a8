# SPDX-License-Identifier: GPL-2.0-only
#
# `lab bisect`: which commit broke a rule of gmemtrace check. Each commit that git asks for is built and
# captured as `lab perf` does it, and compared with the good one. Sourced by scripts/lab.
# shellcheck shell=bash
#
# Options are those of perf_parse.
# shellcheck disable=SC2154

# What `git bisect run` takes a commit for that cannot be tested, and what ends it.
BISECT_SKIP=125
BISECT_ABORT=255
EXIT_INCONCLUSIVE=3

# What --boots cannot tell is booted as often again, so many times in all: this machine may be busy.
BISECT_ROUNDS=4

bisect_parse() {
	perf_parse "$@"
	[[ $opt_tree && $opt_good && $opt_bad ]] || usage "bisect needs --tree DIR, --good REV and --bad REV."
	[[ ! $opt_base && ! $opt_new ]] || usage "--base and --new are options of perf; bisect has --good and --bad."
	((${#opt_rules[@]})) || usage "bisect needs a --rule, such as 'guest_fault.mean<=+1%'."
	perf_check_values
	repo_check
	opt_good=$(rev_commit "$opt_good")
	opt_bad=$(rev_commit "$opt_bad")
	git -C "$opt_tree" merge-base --is-ancestor "$opt_good" "$opt_bad" ||
		usage "--good $opt_good is no ancestor of --bad $opt_bad. Take their git merge-base."
}

# bisect_capture COMMIT [FIRST-BOOT]: fails where it does not build or its VM does not survive.
bisect_capture() {
	local boot first=${2:-1}
	! compgen -G "$opt_keep/$1-$first-*.gmem" >/dev/null || return 0
	rev_kernel "$1" || return 1
	perf_choose_build "$REV_KERNEL"
	for ((boot = first; boot < first + opt_boots; boot++)); do
		perf_record "$1" "$REV_KERNEL" "$boot" || { rm -f "$opt_keep/$1"-*.gmem; return 1; }
	done
}

# bisect_compare BASE NEW: status of gmemtrace check.
bisect_compare() {
	local format=("${opt_format[@]}") status=0
	opt_format=()
	perf_compare "$1" "$2" || status=$?
	opt_format=("${format[@]}")
	return "$status"
}

# bisect_rounds: the number of the first boot of each round.
bisect_rounds() {
	seq 1 "$opt_boots" $((opt_boots * BISECT_ROUNDS))
}

# `git bisect run` calls it in the worktree, at the commit.
bisect_step() {
	local commit status=$EXIT_INCONCLUSIVE first
	# shellcheck disable=SC2034
	EXIT_FAILED=$BISECT_ABORT
	commit=$(git -C "$TREE/source" rev-parse HEAD)
	for first in $(bisect_rounds); do
		bisect_capture "$commit" "$first" || { note "$(rev_line "$commit"): cannot be tested, and is skipped"; return "$BISECT_SKIP"; }
		status=0
		bisect_compare "$opt_good" "$commit" >"$opt_keep/$commit.txt" 2>&1 || status=$?
		[[ $status == "$EXIT_INCONCLUSIVE" ]] || break
	done
	note "$(rev_line "$commit"): $(tail -n 1 "$opt_keep/$commit.txt")"
	case $status in
	0 | 1) return "$status" ;;
	"$EXIT_INCONCLUSIVE") return "$BISECT_SKIP" ;;
	*) return "$BISECT_ABORT" ;;
	esac
}

# The good one and the bad one have to be that. What is captured of the good one serves all steps.
bisect_ends() {
	local commit first status
	for first in $(bisect_rounds); do
		for commit in "$opt_good" "$opt_bad"; do
			bisect_capture "$commit" "$first" ||
				die "cannot test $(rev_line "$commit"). The reason is above; take another commit."
		done
		status=0
		bisect_compare "$opt_good" "$opt_bad" >"$opt_keep/ends.txt" || status=$?
		[[ $status == "$EXIT_INCONCLUSIVE" ]] || break
	done
	[[ $status != 1 ]] || return 0
	cat "$opt_keep/ends.txt"
	case $status in
	0) note "--bad breaks no rule against --good: there is nothing to find. Take other rules, or another --bad." ;;
	"$EXIT_INCONCLUSIVE") note "--good and --bad cannot be told apart for certain. Take more --runs, or a wider limit." ;;
	*) die "cannot compare --good and --bad. The reason is above." ;;
	esac
	# shellcheck disable=SC2034
	DONE=yes
	exit "$EXIT_INCONCLUSIVE"
}

# bisect_run: git's output is progress; its log and the commit that it has found stay.
bisect_run() {
	local git=(git -C "$TREE/source") args=() file
	for file in "${opt_config[@]}"; do
		args+=(--config "$file")
	done
	"${git[@]}" bisect reset &>/dev/null || :
	"${git[@]}" checkout --quiet --force --detach "$opt_bad"
	"${git[@]}" bisect start "$opt_bad" "$opt_good" >&2
	interruptible "${git[@]}" bisect run env -C "$PWD" "$TOP/scripts/lab" bisect --step --tree "$opt_tree" \
		--good "$opt_good" --bad "$opt_bad" "${args[@]}" "${opt_rules[@]}" --boots "$opt_boots" \
		--runs "$opt_runs" --keep "$opt_keep" ${opt_timeout:+--timeout "$opt_timeout"} -- "${opt_workload[@]}" \
		>"$opt_keep/run.log" || BISECT_STATUS=$?
	"${git[@]}" bisect log >"$opt_keep/bisect.log"
}

# Where what is left could not be tested, git knows several.
bisect_undecided() {
	grep -qF "only 'skip'ped commits left" "$opt_keep/run.log" ||
		die "git bisect ended with status $BISECT_STATUS. The reason is above; all of it: $opt_keep/run.log (with --keep DIR)."
	printf 'The first bad commit is one of these, which could not be tested:\n'
	sed -nE 's/^([0-9a-f]{40})$/\1/p' "$opt_keep/run.log" | while read -r commit; do
		rev_line "$commit"
	done
}

bisect_found() {
	local commit parent
	commit=$(git -C "$TREE/source" rev-parse refs/bisect/bad)
	parent=$(git -C "$opt_tree" rev-parse "$commit^")
	printf 'first bad commit: %s\n\nits parent: %s\n\n' "$(rev_line "$commit")" "$(rev_line "$parent")"
	if bisect_capture "$parent"; then
		perf_compare "$parent" "$commit" || :
	else
		note "its parent cannot be tested: there are no figures of it."
	fi
}

cmd_bisect() {
	BISECT_STATUS=0 opt_step=''
	[[ ${1:-} != --step ]] || { opt_step=yes; shift; }
	bisect_parse "$@"
	# shellcheck disable=SC2034
	if [[ $opt_step ]]; then
		DONE=yes
		bisect_step || exit
		exit 0
	fi
	repo_open
	perf_keep
	find "$opt_keep" -maxdepth 1 -regextype posix-extended -regex '.*/[0-9a-f]{40}-[0-9-]+\.gmem' -delete
	bisect_ends
	bisect_run
	if ((BISECT_STATUS)); then
		bisect_undecided
		BISECT_STATUS=$EXIT_INCONCLUSIVE
	else
		bisect_found
	fi
	printf '\n'
	cat "$opt_keep/bisect.log"
	git -C "$TREE/source" bisect reset &>/dev/null || :
	# shellcheck disable=SC2034
	DONE=yes
	exit "$BISECT_STATUS"
}

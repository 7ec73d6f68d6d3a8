# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's archive: which kernel packages exist and how to get one, verified. Sourced by
# scripts/lab.
#
# A suite's index is some 50 MB unpacked, the lines about kernels a few kB. So apt reads the index
# with a state of its own (it checks the signature against Debian's keyring), the lines that matter
# go into a table, and the rest is thrown away. A package is then downloaded by apt's own helper
# against the SHA-256 from that table: the chain from the archive's key to the file stays whole.
# shellcheck shell=bash

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
APT_HELPER=/usr/lib/apt/apt-helper
INDEX_MAX_AGE_MINUTES=1440

# Leaves the mirror to use in MIRROR, without a trailing slash.
archive_mirror() {
	MIRROR=${LAB_MIRROR:-${MIRROR:-}}
	if [[ -z $MIRROR ]]; then
		have apt-get || die "no apt-get here: kernels are fetched with Debian's apt."
		# --print-uris tells what apt would read, even where no index has been downloaded
		# yet.
		MIRROR=$(apt-get --print-uris update 2>/dev/null | sed -nE \
			"s#^'(.*)/dists/(bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)/InRelease'.*#\1#p" |
			head -n 1)
	fi
	MIRROR=${MIRROR%/}
	[[ $MIRROR ]] || die "no Debian mirror among apt's sources. Set LAB_MIRROR to the address of one."
	[[ -r $KEYRING ]] || die "cannot verify packages: no $KEYRING. Run scripts/setup lab."
}

# A state of its own for apt in directory $1, for suite $2 and architecture $3.
archive_apt_state() {
	local state=$1 suite=$2 arch=$3
	archive_mirror
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	printf 'deb [signed-by=%s arch=%s] %s %s main\n' "$KEYRING" "$arch" "$MIRROR" "$suite" \
		>"$state/sources.list"
	: >"$state/status"
	# The hooks that a desktop hangs on `apt-get update` are none of our business: #clear drops
	# them.
	cat >"$state/apt.conf" <<-END
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		Dir::Etc::SourceList "$state/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State "$state";
		Dir::State::lists "$state/lists";
		Dir::State::status "$state/status";
		Dir::Cache "$state/cache";
		APT::Architecture "$arch";
		APT::Architectures "$arch";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
	END
}

# Reads a Packages file; prints: package, version, size, sha256, file name.
archive_filter() {
	awk '
		/^Package: linux-(image|binary|binary-unsigned|modules|base|source)-[0-9]/ { package = $2 }
		/^Version: / { version = $2 }
		/^Size: / { size = $2 }
		/^SHA256: / { sha = $2 }
		/^Filename: / { file = $2 }
		/^$/ { if (package) print package, version, size, sha, file; package = "" }
		END { if (package) print package, version, size, sha, file }'
}

# archive_read_index TABLE SUITE ARCH STATE_DIR: makes TABLE. Fails, with apt's reason on stderr, if
# the archive cannot be read.
archive_read_index() {
	local table=$1 state=$4 packages
	archive_apt_state "$state" "$2" "$3"
	interruptible apt-get -qq -c "$state/apt.conf" -o APT::Update::Error-Mode=any update >&2 || return 1
	for packages in "$state"/lists/*_Packages*; do
		"$APT_HELPER" -c "$state/apt.conf" cat-file "$packages"
	done | archive_filter >"$state/table" || return 1
	mv "$state/table" "$table"
}

# archive_index SUITE ARCH [refresh]: leaves the path of the suite's table in INDEX, read anew when
# older than a day.
archive_index() {
	local suite=$1 arch=$2 lock state rc=0
	INDEX=$CACHE/index/$suite-$arch
	mkdir -p "$CACHE/index"
	exec {lock}>"$CACHE/index/.lock-$suite-$arch"
	interruptible flock "$lock"
	if [[ ${3:-} == refresh || -z $(find "$INDEX" -mmin "-$INDEX_MAX_AGE_MINUTES" 2>/dev/null) ]]; then
		need_space 120 "read the index of Debian $suite"
		note "reading the index of Debian $suite ..."
		state=$CACHE/index/.state-$suite-$arch
		rm -rf "$state"
		at_exit "$state"
		archive_read_index "$INDEX" "$suite" "$arch" "$state" || rc=$?
		rm -rf "$state"
	fi
	exec {lock}>&-
	((rc)) || return 0
	[[ -s $INDEX ]] || return 1
	note "cannot refresh the index of Debian $suite; using the one of $(date -r "$INDEX" +%F)."
}

# archive_download "PACKAGE VERSION SIZE SHA256 FILE" TO
archive_download() {
	local package version size sha file
	read -r package version size sha file <<<"$1"
	archive_mirror
	note "downloading $package $version ($((size / 1000000)) MB) ..."
	interruptible "$APT_HELPER" -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 \
		download-file "$MIRROR/$file" "$2" "SHA256:$sha" >&2
}

#!/bin/bash
# ML-KEM-768 beside others: 10,000 random cases, with changed keys and ciphertexts among
# them, must come out as in @noble/post-quantum (from npm, into build/npm), and as in
# libsodium's of Debian testing (build/sodium). COUNT and SEED choose others.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
count=${COUNT:-10000} seed=${SEED:-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}
ours=build/release-tree/kem-cases theirs=build/release-sodium/kem-cases
npm=build/npm
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

verdict() { # verdict STATUS TITLE
	case $1 in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)); echo "FAILED $2, seed $seed" ;;
	esac
}

install_noble() {
	if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
		echo "skipped: no node or no npm (make deps installs them)"
		return 77
	fi
	cmp -s "$here/npm/package-lock.json" $npm/package-lock.json &&
		[ -e $npm/installed ] && return
	rm -rf $npm && mkdir -p $npm && cp "$here"/npm/*.json $npm || return
	timeout 120 npm ci --prefix $npm --no-audit --no-fund --loglevel=error \
		--fetch-retries=1 >"$log" 2>&1
	local status=$?
	[ $status != 0 ] || { touch $npm/installed; return 0; }
	cat "$log"
	[ $status = 124 ] ||
		grep -qE 'ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRE|E(NET|HOST)UNREACH' \
		"$log" || return 1
	echo "skipped: npm is not reachable from here, so no @noble/post-quantum"
	return 77
}

like_noble() {
	install_noble || return
	$ours "$count" "$seed" |
		NPM_FOLDER=$PWD/$npm timeout 300 node "$here/kem_noble.mjs" "$count"
}

like_libsodium() {
	if [ ! -x $theirs ]; then
		echo "skipped: no libsodium of Debian testing, which has ML-KEM"
		return 77
	fi
	local a b
	a=$($ours "$count" "$seed" | sha256sum) && b=$($theirs "$count" "$seed" | sha256sum) &&
		[ "$a" = "$b" ] && echo "$count cases as libsodium's"
}

like_noble
verdict $? '@noble/post-quantum'
like_libsodium
verdict $? 'libsodium'
[ $skipped = 0 ] && echo "$passed passed, $failed failed" ||
	echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]

# What the suites about reload share: a tunnel whose end a has a file to edit.

conf=/run/test/adit-a.conf

# start_a: a from a copy of its example, b from its own
start_a() {
	two_ends
	(umask 077; cp "$a" "$conf")
	start adit-a a "$adit" run "$conf"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "address of adit-b" has_address b adit-b
	wait_until 10 "adit-a to be ready" grep -q "adit-a: up" "$dir/adit-a.log"
}
reload() { in_ns a "$adit" reload "$@"; }
edit() { sed -i -E "$@" "$conf"; }
new_key() { wg genkey | wg pubkey; }

add_peer() { # add_peer KEY LINE...
	printf '\n[Peer]\nPublicKey = %s\n' "$1" >>"$conf"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >>"$conf"
}
drop_peers() { # drop_peers COUNT: all but the first so many
	awk -v RS= -v ORS='\n\n' -v keep="$1" '/PublicKey/ { n++ } n <= keep' \
		"$conf" >"$conf.less"
	cat "$conf.less" >"$conf"
}

# Everything that a reload could change.
whole_state() {
	# a prefix that was away stands elsewhere in its list
	in_ns a wg showconf adit-a | tr -s ', ' '\n' | sort
	state_of_a
}

# expect_reload LINES [OPTION...]: the lines that it prints, and the same by diff before
expect_reload() {
	local lines=$1 said status=0
	shift
	said=$(in_ns a "$adit" diff adit-a) || status=$?
	expect_equal "lines of diff" "$lines" "$said"
	expect_equal "status of diff" "$([ -z "$lines" ] && echo 0 || echo 1)" $status
	said=$(reload "$@" adit-a) || fail "reload ended with status $?"
	expect_equal "lines of reload" "$lines" "$said"
}

# expect_refusal STATUS REGEX: what is said, and nothing is changed
expect_refusal() {
	local before status=0
	before=$(whole_state)
	reload adit-a >"$dir/said" 2>&1 || status=$?
	expect_equal "status of reload" "$1" $status
	expect_match "what reload says" "$2" "$(cat "$dir/said")"
	expect_equal "the system" "$before" "$(whole_state)"
}

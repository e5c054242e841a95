#!/bin/bash
# A flood of handshakes, 20,000 a second, each with a valid mac1 and nothing behind
# it: data flows on, and who is honest still gets in. Rates are printed, for people;
# asserted is only what no busy machine should miss.
. "$(dirname "$0")/lib.sh"
load=$top/build/release/load
flood_rate=20000
threads=${threads:-} # of both ends; else what is usual
rounds=${rounds:-3}
seconds=${seconds:-2}

use_threads() {
	local end
	for end in a b; do
		sed "s/^ListenPort/Threads = $threads\n&/" "${!end}" >"$dir/adit-$end.conf"
	done
	a=$dir/adit-a.conf b=$dir/adit-b.conf
}
key_of_b() { sed -n 's/^PublicKey = //p' "$a"; }

# f, where the flood comes from, has a wire of its own to b
add_flooder() {
	add_ns f
	ip link add to-f netns b type veth peer name eth0 netns f
	ip -n b addr add 203.0.113.1/24 dev to-f
	ip -n f addr add 203.0.113.2/24 dev eth0
	ip -n b link set to-f up
	ip -n f link set eth0 up
	wait_until 5 "link of f" has_carrier f
}
# flood PORT SECONDS: in the background, as the process named flood
flood() {
	start flood f "$load" flood 203.0.113.1 "$1" "$(key_of_b)" $flood_rate "$2"
}

# rate_through RATE: bytes a second from a to b through the tunnel, sent at RATE (0: all that goes)
rate_through() {
	local port=$((20000 + RANDOM % 10000))
	in_ns b "$load" count 10.7.0.2 $port >"$dir/rate" &
	local counter=$!
	wait_until 5 "a listener in b" is_listening b $port
	in_ns a "$load" send 10.7.0.2 $port "$1" "$seconds"
	wait $counter
	cat "$dir/rate"
}
# rate_beside_flood PORT RATE: the same while b's PORT is flooded
rate_beside_flood() {
	flood "$1" $((seconds + 2))
	sleep 0.5 # until it is one
	rate_through "$2"
	stop flood || true
}
percent() { # percent OF-FILE TO-FILE: line by line
	paste "$1" "$2" | awk '{ printf "%d\n", 100 * $1 / $2 }'
}
# expect_at_least PERCENT GOAL WHAT: of the percentages on stdin; other work on this
# machine can spoil a round, but starving shows in each
expect_at_least() {
	local all best
	all=$(sort -n | xargs)
	best=${all##* }
	figure "$3: $(awk '{ print $int((NF + 1) / 2) }' <<<"$all") % (of $all; the goal is $2 %)"
	[ "$best" -ge "$1" ] || fail "$3: at best $best %"
}

test_transfers_beside_a_flood() {
	[ -z "$threads" ] || use_threads
	run_both
	add_flooder
	expect_ping a 10.7.0.2
	local round full
	for ((round = 0; round < rounds; round++)); do
		full=$(rate_through 0)
		echo "$full" >>"$dir/full"
		echo $((full / 2)) >>"$dir/half"
		rate_beside_flood 51820 $((full / 2)) >>"$dir/paced"
		rate_beside_flood 51820 0 >>"$dir/tunnel"
		rate_beside_flood 9 0 >>"$dir/closed"
	done
	figure "bytes a second at full speed: alone $(xargs <"$dir/full"); beside a flood of the" \
		"tunnel $(xargs <"$dir/tunnel"), of a closed port $(xargs <"$dir/closed")"
	percent "$dir/paced" "$dir/half" | expect_at_least 50 95 "a transfer at half speed"
	percent "$dir/tunnel" "$dir/closed" | expect_at_least 40 80 "a transfer at full speed"
	expect_ping a 10.7.0.2
	stop_both
}

# Who has never been connected gets in, too: a cookie, then the handshake.
test_new_peer_during_a_flood() {
	[ -z "$threads" ] || use_threads
	two_ends
	add_flooder
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-b" has_address b adit-b
	flood 51820 60
	sleep 1
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	local before
	before=$(clock_ms)
	wait_until 45 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	figure "the first answer came after $(($(clock_ms) - before)) ms" \
		"(the goal is two Rekey-Timeouts, 10000 ms)"
	kill -0 "${pid_of[flood]}" || fail "the flood was over by then"
	stop flood || true
	# some got a cookie, some cost a computation; all were counted
	local counted
	counted=$(drops b adit-b 'under-load|initiation')
	[ "$counted" -ge 1000 ] || fail "only $counted bogus initiations were counted"
	stop_both
}

run_tests 2 "$@"

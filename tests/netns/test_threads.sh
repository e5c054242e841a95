#!/bin/bash
# Four threads on however few processors: what goes in comes out in its order, both
# ways at once, and whatever else happens to the tunnel meanwhile.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
load=$top/build/release/load
seconds=${seconds:-3}

# threads COUNT: a tunnel whose ends have so many
threads() {
	local count=$1
	tunnel 4
	stop_ends
	# with a queue that takes all: whatever is sent twice then was not lost for want of room
	sed -i "s/^MTU/Threads = $count\nTxQueueLen = 10000\n&/" "$dir/wga.conf" "$dir/wgb.conf"
	run_end a
	run_end b
	expect_ping a 10.7.0.2
	expect_match "the log of a" "$count threads" "$(cat "$dir/wga.log")"
}
# a worker that was never called has used no processor time to speak of
workers_of() { # workers_of a|b: clock ticks of each
	local pid
	pid=$(engine_of "$1")
	awk '/adit-worker/ { print $14 + $15 }' /proc/"$pid"/task/*/stat
}
engine_of() { # engine_of a|b: its process
	pgrep -P "${pid_of[wg$1]}" -x adit-engine
}

# stream FROM TO ADDRESS: in the background, a line in $dir/stream-FROM
stream() {
	local port=$((20000 + RANDOM % 10000))
	in_ns "$2" "$load" count "$3" $port >"$dir/rate-$1" &
	wait_until 5 "a listener in $2" is_listening "$2" $port
	in_ns "$1" "$load" stream "$3" $port "$seconds" >"$dir/stream-$1" &
}
# numbers FROM TO ADDRESS LEN: the same with datagrams
numbers() {
	local port=$((20000 + RANDOM % 10000))
	in_ns "$2" "$load" order "$3" $port >"$dir/order-$1" &
	wait_until 5 "a socket in $2" is_bound "$2" $port
	in_ns "$1" "$load" number "$3" $port "$4" "$seconds" &
}
is_bound() { in_ns "$1" ss -Hlun "sport = :$2" | grep -q .; }
await_transfers() { # what stream and numbers started
	local pid
	for pid in $(jobs -p | grep -vxF -e "${pid_of[wga]}" -e "${pid_of[wgb]}"); do
		wait "$pid" || fail "a transfer failed"
	done
}
# Built with the sanitizer, an engine says what it has seen.
expect_no_race() {
	! grep -h -A 30 ThreadSanitizer "$dir"/wg?.log || fail "a race"
}

test_streams_keep_their_order() {
	threads 4
	stream a b 10.7.0.2
	stream b a 10.7.0.1
	await_transfers
	figure "a to b: $(cat "$dir/rate-a") bytes a second, $(cat "$dir/stream-a");" \
		"b to a: $(cat "$dir/rate-b"), $(cat "$dir/stream-b");" \
		"workers of a: $(workers_of a | xargs) ticks"
	expect_match "from a" "reordered 0$" "$(cat "$dir/stream-a")"
	expect_match "from b" "reordered 0$" "$(cat "$dir/stream-b")"
	stop_ends
	expect_no_race
}

test_datagrams_keep_their_order() {
	threads 4
	local len
	for len in 16 1300; do
		numbers a b 10.7.0.2 $len
		numbers b a 10.7.0.1 $len
		await_transfers
		figure "$len bytes: a to b $(cat "$dir/order-a"); b to a $(cat "$dir/order-b")"
		expect_match "from a" ", 0 late$" "$(cat "$dir/order-a")"
		expect_match "from b" ", 0 late$" "$(cat "$dir/order-b")"
	done
	stop_ends
	expect_no_race
}

# Everything that the main thread does is done while the others have packets in hand.
test_changes_under_load() {
	threads 4
	local i peer=$public_b endpoint=10.9.0.2:51820
	numbers a b 10.7.0.2 1300
	numbers b a 10.7.0.1 200
	for ((i = 0; i < 4; i++)); do
		in_ns a wg set wga listen-port $((52000 + i))
		in_ns a wg set wga peer "$(wg genkey | wg pubkey)" allowed-ips 10.99.0.$i/32
		in_ns a wg set wga peer "$peer" remove
		in_ns a wg set wga peer "$peer" endpoint $endpoint allowed-ips 10.7.0.2/32
		in_ns b ip link set wgb down
		in_ns b ip link set wgb up
		in_ns a wg show wga dump >"$dir/dump"
		in_ns a ping -q -c 1 -W 2 10.7.0.2 >"$dir/ping" || true
	done
	await_transfers
	figure "a to b $(cat "$dir/order-a"); b to a $(cat "$dir/order-b")"
	expect_match "from a" ", 0 late$" "$(cat "$dir/order-a")"
	expect_match "from b" ", 0 late$" "$(cat "$dir/order-b")"
	# b forgot its sessions when it went down; a, if it sends into one, notices in 15 s
	wait_until 30 "a way through" one_gets_through
	expect_ping a 10.7.0.2
	expect_ping b 10.7.0.1
	stop_ends
	expect_no_race
}
one_gets_through() {
	in_ns b ping -q -c 1 -W 1 10.7.0.1 || in_ns a ping -q -c 1 -W 1 10.7.0.2
}

# Ended in the midst of it: all that is under way is waited for, and given back.
test_ends_under_load() {
	threads 4
	local engine seconds=60 # longer than the test
	numbers a b 10.7.0.2 1300
	numbers b a 10.7.0.1 1300
	engine=$(engine_of a)
	wait_until 10 "workers" has_worked a
	stop wga || fail "wga ended with status $?"
	! is_running "$engine" || fail "the engine is still there"
	# the device of the other goes while its workers read from it
	ip -n b link del wgb
	wait_until 10 "the end of b" is_gone "${pid_of[wgb]}"
	wait "${pid_of[wgb]}" || fail "wgb ended with status $?"
	expect_no_race
	kill $(jobs -p) 2>/dev/null || true # those that send into nowhere now
}
has_worked() { [ "$(workers_of "$1" | awk '{ n += $1 } END { print n + 0 }')" -gt 0 ]; }

run_tests 4 "$@"

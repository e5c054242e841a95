#!/bin/bash
# The control socket under load, and clients that are slow, silent or hostile: the
# tunnel and other clients do not wait for them. Packets are counted, not timed.
. "$(dirname "$0")/lib.sh"

socket=/run/wireguard/adit-a.sock
wg_a() { in_ns a wg "$@"; }
# speak [PIECE]: says stdin to adit-a's control socket, in pieces of so many bytes
speak() { "$pipe" control $socket "${1:-4096}"; }

# both_ends: adit-a and adit-b, a ping through the tunnel until calm is called
both_ends() {
	run_both
	wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	start ping a ping -n -q -i 0.02 -c 100000 10.7.0.2
}
# calm: every one of the pings was answered, but for one that may be under way
calm() {
	local sent received
	wait_until 10 "50 pings" has_sent 50
	kill -INT "${pid_of[ping]}"
	wait_until 10 "ping to end" is_gone "${pid_of[ping]}"
	read -r sent received < <(sed -n \
		's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$dir/ping.log")
	[ "$received" -ge $((sent - 1)) ] || fail "of $sent pings $received were answered"
	figure "$received of $sent pings were answered meanwhile"
	stop_both
}

has_sent() { [ "$(in_ns a cat /sys/class/net/adit-a/statistics/tx_packets)" -gt "$1" ]; }

# peers COUNT PREFIXES: an operation that sets so many peers with so many prefixes each
peers() {
	awk -v peers="$1" -v prefixes="$2" 'BEGIN {
		print "set=1"
		for (p = 0; p < peers; p++) {
			printf "public_key=%064x\n", 9 + 7919 * p
			for (i = 0; i < prefixes; i++) {
				n = p * prefixes + i
				ip = sprintf("10.%d.%d.%d", n / 65536, n / 256 % 256, n % 256)
				print "allowed_ip=" ip "/32"
			}
		}
		print ""
	}'
}
# what was set, or what is answered: each prefix with its peer
prefixes() {
	awk -F= '$1 == "public_key" { key = $2 } $1 == "allowed_ip" { print key, $2 }' |
		LC_ALL=C sort
}
get() { printf 'get=1\n\n' | speak; }

bare() { # adit-a alone, with nothing in it
	two_ends
	start adit-a a "$adit" -f adit-a
	wait_until 10 "control socket" test -S $socket
}

# Regressions 24: as many as that, there and back over the socket.
test_many_peers_round_trip() {
	bare
	peers 10000 100 >"$dir/set"
	expect_equal "the answer" "errno=0" "$(speak <"$dir/set")"
	get >"$dir/got"
	expect_equal "peers" 10000 "$(grep -c ^public_key= "$dir/got")"
	expect_equal "prefixes" 1000000 "$(grep -c ^allowed_ip= "$dir/got")"
	cmp <(prefixes <"$dir/set") <(prefixes <"$dir/got") || fail "they differ"
	expect_equal "peers that wg counts" 10000 "$(wg_a show adit-a peers | wc -l)"
	figure "an answer of $(stat -c %s "$dir/got") bytes"
	stop adit-a || fail "status $?"
}

test_many_prefixes_of_one_peer() {
	bare
	peers 1 131072 >"$dir/set"
	expect_equal "the answer" "errno=0" "$(speak <"$dir/set")"
	cmp <(prefixes <"$dir/set") <(get | prefixes) || fail "they differ"
	# all in one line for wg, which so takes them in and gives them back
	wg_a showconf adit-a >"$dir/shown"
	wg_a setconf adit-a "$dir/shown"
	cmp <(prefixes <"$dir/set") <(get | prefixes) || fail "they differ after wg setconf"
	# taken away again, one by one
	sed 's/^allowed_ip=/allowed_ip=-/' "$dir/set" >"$dir/unset"
	expect_equal "the answer" "errno=0" "$(speak <"$dir/unset")"
	expect_equal "prefixes left" 0 "$(get | grep -c ^allowed_ip= || true)"
	stop adit-a || fail "status $?"
}

# It never reads its answer of several MiB, and holds up neither packets nor others.
test_deaf_clients() {
	both_ends
	peers 200 500 | speak >/dev/null # an answer of 3 MiB
	start deaf a "$pipe" crowd $socket 100 'get=1\n\nget=1\n\n'
	wait_until 30 "100 deaf clients" grep -q "^100 are connected" "$dir/deaf.log"
	local i
	for i in $(seq 20); do
		expect_equal "peers" 201 "$(wg_a show adit-a peers | wc -l)"
		wg_a set adit-a fwmark 0
	done
	calm
}

# A byte a while, of an operation that is never complete, and of one that is.
test_dribbling_clients() {
	both_ends
	local i
	{ while sleep 0.1; do printf x; done; } | speak 1 >/dev/null 2>&1 &
	{
		printf 'set=1\nlisten_port=518'
		wait_until 60 "the others" test -e "$dir/go"
		printf '20\n\n'
	} | speak 1 >"$dir/slow" &
	local slow=$!
	for i in $(seq 30); do
		wg_a show adit-a >/dev/null
		wg_a set adit-a fwmark 0
	done
	touch "$dir/go"
	wait $slow
	expect_equal "the slow one's answer" errno=0 "$(cat "$dir/slow")"
	calm
}

# A thousand that are there and say nothing; half of them in the middle of something.
test_crowd_of_idle_clients() {
	both_ends
	local engine
	engine=$(pgrep -x adit-engine -P "${pid_of[adit-a]}")
	start idle a "$pipe" crowd $socket 500 ''
	start half a "$pipe" crowd $socket 500 'set=1\npublic_key='
	wait_until 30 "1,000 clients" grep -q "^500 are connected" "$dir/half.log"
	wait_until 30 "1,000 clients" grep -q "^500 are connected" "$dir/idle.log"
	local i
	for i in $(seq 100); do # each needs a place
		wg_a show adit-a >/dev/null || fail "locked out at $i"
	done
	[ "$(find "/proc/$engine/fd" -mindepth 1 | wc -l)" -le 96 ] || fail "no bound"
	in_ns a "$adit" show adit-a >/dev/null
	calm
}

# 4 GiB (or GIB) of one operation, then as fast as it goes small ones.
test_flood() {
	both_ends
	local memory gib=${GIB:-4} line
	memory=$(engine_memory)
	line=$(head -c 4000 /dev/zero | tr '\0' a)
	set +o pipefail # who writes is cut off
	{ echo set=1; yes "$line" | head -c "${gib}G"; printf '\n\n'; } | speak >"$dir/flood"
	expect_equal "the answer" "errno=-22" "$(cat "$dir/flood")"
	yes 'get=1

set=1
fwmark=0
' | head -c 3000000 | speak >"$dir/small" &
	local flood=$! i
	for i in $(seq 20); do
		wg_a show adit-a >/dev/null
	done
	wait $flood
	[ "$(grep -c ^errno= "$dir/small")" -gt 100000 ] || fail "not all is answered"
	[ "$(engine_memory)" -le $((memory + 4096)) ] || fail "$memory KiB, then $(engine_memory)"
	calm
}
engine_memory() {
	sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' \
		"/proc/$(pgrep -x adit-engine -P "${pid_of[adit-a]}")/status"
}

# No descriptor is left for who connects: the supervisor does not spin, packets flow,
# and whoever waits is served when there is one.
test_no_descriptor_left() {
	both_ends
	local pid=${pid_of[adit-a]} before free=0
	while [ -e "/proc/$pid/fd/$free" ]; do free=$((free + 1)); done
	prlimit --pid "$pid" --nofile=$free:1024
	get >"$dir/late" &
	local late=$!
	wait_until 5 "the message" grep -q "a control connection cannot be taken: Too many open" \
		"$dir/adit-a.log"
	before=$(ticks "$pid")
	sleep 1.5
	[ $(($(ticks "$pid") - before)) -lt 20 ] || fail "it spins"
	test ! -s "$dir/late" || fail "it was answered"
	prlimit --pid "$pid" --nofile=1024:1024
	wait $late
	expect_match "the answer" "^errno=0" "$(tail -n 2 "$dir/late")"
	wg_a show adit-a >/dev/null
	calm
}
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; } # hundredths of a second

# Few descriptors for the engine: fewer clients at once, and still a tunnel.
test_few_descriptors() {
	prlimit --pid $$ --nofile=40
	both_ends
	start idle a "$pipe" crowd $socket 30 ''
	wait_until 30 "30 clients" grep -q "^30 are connected" "$dir/idle.log"
	wg_a show adit-a >/dev/null
	calm
}

run_tests 8 "$@"

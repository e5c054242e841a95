#!/bin/bash
# The interface while it comes, changes and goes: every MTU under traffic, down and
# up again many times, and what leaves while a tunnel comes up.
. "$(dirname "$0")/lib.sh"

answers() { in_ns a ping -n -q -c 1 -W 2 -s "${1:-56}" 10.7.0.2; }

# Regressions 16: the MTU goes from each of its ends to the other while packets flow,
# and sizes beyond it are fragments inside the tunnel. (ping has no room for more than
# a dozen fragments.)
test_mtu_changed_live_row_16() {
	run_both
	in_ns a ping -n -q -i 0.02 -W 2 -c 400 -s 300 10.7.0.2 >"$dir/under-traffic" &
	local traffic=$! mtu size
	for mtu in 68 1280 1279 65535 68 9000 576 1281 1420; do
		ip -n a link set adit-a mtu $mtu
		ip -n b link set adit-b mtu $mtu
		for size in 20 52 400 $([ $mtu = 68 ] || echo 1251 1252 3000); do
			answers $size >/dev/null || fail "MTU $mtu: no answer to $size bytes"
		done
	done
	# no TUN takes less, or more: told by the kernel, not by us
	! ip -n a link set adit-a mtu 67 2>/dev/null || fail "an MTU of 67"
	! ip -n a link set adit-a mtu 65536 2>/dev/null || fail "an MTU of 65536"
	wait $traffic || fail "$(tail -n 3 "$dir/under-traffic")"
	expect_match "answers meanwhile" " 0% packet loss" "$(cat "$dir/under-traffic")"
	# a big one in one piece
	ip -n a link set adit-a mtu 65535
	ip -n b link set adit-b mtu 65535
	answers 65000 >/dev/null || fail "no answer to 65,000 bytes"
	stop_both
}

# Of all processes of adit in this world: open descriptors, and memory in KiB.
descriptors() {
	local pid
	for pid in $(adit_pids); do ls "/proc/$pid/fd"; done | wc -l
}
memory() {
	local pid
	for pid in $(adit_pids); do sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' \
		"/proc/$pid/status"; done | awk '{ sum += $1 } END { print sum }'
}

# Down and up, another port, another peer, a connection: all in one life.
live_through() { # live_through TIMES
	local i key
	key=$(in_ns a wg show adit-a peers)
	in_ns a wg showconf adit-a | sed -n '/^\[Peer\]/,$p' >"$dir/peer.conf"
	for i in $(seq "$1"); do
		ip -n a link set adit-a down
		[ $((i % 3)) != 0 ] || in_ns a wg set adit-a listen-port $((40000 + i % 100))
		[ $((i % 4)) != 0 ] || in_ns a wg set adit-a peer "$key" remove
		ip -n a link set adit-a up
		in_ns a wg addconf adit-a "$dir/peer.conf"
		ip -n a route replace 10.7.0.2/32 dev adit-a
		[ $((i % 10)) != 0 ] || wait_until 10 "an answer" answers
	done
	wait_until 10 "an answer" answers
	sleep 0.3 # whoever came by is gone
}

# Regressions 21: what comes and goes a thousand times leaves nothing behind.
test_down_and_up_row_21() {
	run_both
	live_through 20
	local fds kib more=${CYCLES:-60}
	fds=$(descriptors)
	kib=$(memory)
	live_through "$more"
	expect_equal "descriptors after $more times" "$fds" "$(descriptors)"
	figure "$more times down and up: $kib KiB before, $(memory) after"
	[ "$(memory)" -le $((kib + 300)) ] || fail "$kib KiB before, $(memory) after"
	stop_both
}

# Regressions 38: a steady stream to an address behind the tunnel, from before it is
# there. Once a packet of it went into the tunnel, none goes out in the clear; and of
# our own datagrams none goes into the tunnel.
test_no_leak_while_it_comes_up_row_38() {
	two_ends
	ip -n a route add default via 192.0.2.2
	ip -n b addr add 203.0.113.7/32 dev lo
	in_ns a nft -f - <<-END
		table inet watch {
			counter clear { }
			counter inside { }
			counter leak { }
			counter loop { }
			set begun { type ipv4_addr; flags dynamic; size 16; }
			chain postrouting {
				type filter hook postrouting priority 300
				oifname adit-a udp dport 51820 counter name loop
				ip daddr != 203.0.113.7 return
				oifname eth0 ip daddr @begun counter name leak
				oifname eth0 counter name clear
				oifname adit-a add @begun { ip daddr } counter name inside
			}
		}
	END
	sed 's,10.7.0.2/32,&\, 203.0.113.0/24,' "$a" >"$dir/adit-a.conf"
	start stream a ping -n -q -i 0.002 203.0.113.7
	wait_until 20 "a stream" has_counted clear 100
	start adit-b b "$adit" run "$b"
	start adit-a a "$adit" run "$dir/adit-a.conf"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 20 "the stream inside" has_counted inside 100
	stop stream || true
	expect_equal "packets in the clear after the first inside" 0 "$(counted leak)"
	expect_equal "datagrams of ours inside" 0 "$(counted loop)"
	stop_both
}
has_counted() { [ "$(counted "$1")" -gt "$2" ]; }
counted() { in_ns a nft list counter inet watch "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }

run_tests 3 "$@"

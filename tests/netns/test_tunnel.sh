#!/bin/bash
# adit at both ends: packets, files, loss, rekeying, giving up.
. "$(dirname "$0")/lib.sh"

test_ping() {
	run_both
	expect_ping a 10.7.0.2
	expect_ping b 10.7.0.1
	expect_ping a fd07::2
	expect_ping b fd07::1
	# every size up to what the link takes, and fragments above it
	local size
	for size in 0 1 15 16 17 1391 1392 1393 4000; do
		in_ns a ping -n -q -c 1 -W 5 -s $size 10.7.0.2 >/dev/null || fail "size $size"
	done
	stop_both
}

test_transfer_256_mib() {
	run_both
	transfer a b 10.7.0.2 256
	transfer b a fd07::1 256
	stop_both
}

test_transfer_256_mib_under_loss() {
	run_both
	cut_early a b
	set_loss a 5
	set_loss b 5
	transfer a b 10.7.0.2 256 &
	transfer b a fd07::1 256
	wait $!
	[ "$(lost_packets a)" -gt 1000 ] || fail "only $(lost_packets a) packets were lost at a"
	[ "$(lost_packets b)" -gt 1000 ] || fail "only $(lost_packets b) packets were lost at b"
	stop_both
}

# the time of the latest handshake, as adit-a tells wg
handshake_time() { in_ns a wg show adit-a latest-handshakes | cut -f2; }

test_slow_rekey_at_120_s() {
	run_both
	expect_ping a 10.7.0.2
	local before after
	before=$(handshake_time)
	in_ns a ping -n -q -i 0.1 -W 5 -c 1350 10.7.0.2 >"$dir/ping" ||
		fail "$(tail -n 3 "$dir/ping")"
	expect_match "pings across the rekeying" "1350 received, 0% packet loss" \
		"$(cat "$dir/ping")"
	after=$(handshake_time)
	[ $((after - before)) -ge 119 ] && [ $((after - before)) -le 123 ] ||
		fail "the next handshake came after $((after - before)) s"
	stop_both
}

# No answer: it tries for 90 s, then is silent; packets sent later begin anew.
test_slow_gives_up_after_90_s() {
	two_ends
	count_initiations_at_b
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	in_ns a ping -n -q -c 1 -W 1 10.7.0.2 >/dev/null || true
	sleep 95 # the time itself is what is tested
	local tries
	tries=$(initiations_at_b)
	[ "$tries" -ge 15 ] && [ "$tries" -le 19 ] || fail "$tries initiations in 90 s"
	sleep 15
	expect_equal "initiations after it gave up" "$tries" "$(initiations_at_b)"
	in_ns a ping -n -q -c 1 -W 1 10.7.0.2 >/dev/null || true
	wait_until 2 "a new attempt" more_initiations_than "$tries"
	stop adit-a
}
count_initiations_at_b() {
	in_ns b nft -f - <<-END
		table inet watch {
			chain input {
				type filter hook prerouting priority 0
				udp dport 51820 udp length 156 counter
			}
		}
	END
}
initiations_at_b() {
	in_ns b nft list table inet watch | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'
}
more_initiations_than() { [ "$(initiations_at_b)" -gt "$1" ]; }

# The other examples, unchanged.
test_hub_and_two_spokes() {
	start_hub
	local n
	for n in 1 2; do
		add_spoke_network spoke$n $((n + 1))
		start spoke$n spoke$n "$adit" run "$top/conf/hub/spoke$n.conf"
		wait_until 10 "an answer to spoke$n" in_ns spoke$n ping -n -q -c 1 -W 1 10.8.0.1
		expect_ping spoke$n fd08::1
	done
	# through the hub, both ways
	expect_ping spoke1 10.8.0.3
	expect_ping spoke2 fd08::2
	# the hub lets nobody use another's address
	ip -n spoke1 addr add 10.8.0.3/32 dev spoke1
	! in_ns spoke1 ping -n -q -c 2 -i 0.2 -W 1 -I 10.8.0.3 10.8.0.1 >/dev/null ||
		fail "answered a spoke that used another's address"
	for n in hub spoke1 spoke2; do stop $n || fail "$n ended with status $?"; done
}
start_hub() { # 198.51.100.1 on a bridge
	add_ns hub
	ip -n hub link add net type bridge
	ip -n hub addr add 198.51.100.1/24 dev net
	ip -n hub link set net up
	in_ns hub sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	start hub hub "$adit" run "$top/conf/hub/hub.conf"
	wait_until 10 "address of hub" has_text "10.8.0.1" ip -n hub addr show dev hub
}
add_spoke_network() { # add_spoke_network NAMESPACE LAST-BYTE
	add_ns "$1"
	ip link add eth0 netns "$1" type veth peer name "to-$1" netns hub
	ip -n hub link set "to-$1" master net up
	ip -n "$1" addr add 198.51.100.$2/24 dev eth0
	ip -n "$1" link set eth0 up
}
has_text() { local text=$1; shift; "$@" | grep -qF "$text"; }

test_one_program_in_a_namespace() {
	start_hub
	add_spoke_network host 2
	# the commands that the example itself gives
	sed -n 's/^#   \(\(ip\|adit\) .*\)/\1/p' "$top/conf/one-program/inner.conf" >"$dir/steps"
	expect_equal "steps in the example" 9 "$(wc -l <"$dir/steps")"
	sed -i "s,^adit up ./,$adit up $top/conf/one-program/," "$dir/steps"
	sed -i 's/ping /ping -n -c 2 -i 0.2 -W 5 /' "$dir/steps"
	# hold on: `ip netns` inside `ip netns exec` would create it in a private mount
	ip netns add vpn
	sed -i '/^ip netns add/d' "$dir/steps"
	in_ns host bash -e "$dir/steps" >"$dir/steps.log" 2>&1 || fail "the example's steps"
	expect_match "answers" " 0% packet loss" "$(cat "$dir/steps.log")"
	# the hub's outer address answers too, but only through the tunnel
	in_ns vpn ping -n -q -c 1 -W 5 198.51.100.1 >/dev/null || fail "no default route"
	stop hub
	! in_ns vpn ping -n -q -c 1 -W 1 198.51.100.1 >/dev/null || fail "a way around the tunnel"
	in_ns host "$adit" down inner
	! ip -n vpn link show inner 2>/dev/null || fail "the link is still there"
}

run_tests 7 "$@"

#!/bin/bash
# How a tunnel begins and ends: started by hand, by a service manager, as every
# userspace WireGuard is; stopped, its link deleted, killed; and refused.
. "$(dirname "$0")/lib.sh"

test_three_mistakes() {
	two_ends
	sed 's/^ListenPort = .*/ListenPort = 70000/; s/^Endpoint = .*/Endpoint = 192.0.2.2/
		s,10.7.0.2/32,10.7.0.2/33,' "$a" >"$dir/adit-a.conf"
	local before status=0 verb
	before=$(state_of_a)
	for verb in run up check; do
		status=0
		in_ns a "$adit" $verb "$dir/adit-a.conf" >"$dir/said" 2>&1 || status=$?
		expect_equal "exit status of adit $verb" 3 $status
		expect_equal "mistakes that adit $verb names" 3 \
			"$(grep -cE 'adit-a\.conf:[0-9]+:[0-9]+: ' "$dir/said")"
		expect_mistake ListenPort '14: .*70000'
		expect_mistake Endpoint '[0-9]+: '
		expect_mistake AllowedIPs '[0-9]+: .*33'
		expect_equal "carets" 3 "$(grep -cE '^[^^]*\^~*$' "$dir/said")"
		expect_equal "the system" "$before" "$(state_of_a)"
	done
}
expect_mistake() { # expect_mistake KEY COLUMN-AND-TEXT
	local line
	line=$(grep -n "^$1" "$dir/adit-a.conf" | cut -d: -f1)
	expect_match "the mistake in $1" "adit-a.conf:$line:$2" "$(cat "$dir/said")"
}

test_sigterm_leaves_nothing() {
	two_ends
	local before
	before=$(state_of_a)
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	stop adit-a || fail "status $?"
	expect_equal "the system" "$before" "$(state_of_a)"
	wait_until 2 "all processes to end" no_process_left
}

test_deleted_link_ends_it() {
	two_ends
	local before
	before=$(state_of_a)
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	ip -n a link del adit-a
	wait_until 10 "adit to end" is_gone "${pid_of[adit-a]}"
	expect_equal "the system" "$before" "$(state_of_a)"
	wait_until 2 "all processes to end" no_process_left
}

test_kill_9_and_a_new_start() {
	run_both
	expect_ping a 10.7.0.2
	stop adit-a KILL || true
	wait_until 5 "its children to end" one_tree_left
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 20 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	expect_ping a 10.7.0.2
	stop_both
	wait_until 2 "all processes to end" no_process_left
	expect_equal "control sockets left" "" "$(ls /run/wireguard)"
	! ip -n a link show adit-a 2>/dev/null || fail "the link is still there"
}
# only b's processes: those of a are gone with their supervisor
one_tree_left() {
	local pid
	for pid in $(adit_pids); do
		! grep -q adit-a.conf "/proc/$pid/cmdline" || return 1
	done
}

test_up_show_down() {
	two_ends
	local before
	before=$(state_of_a)
	in_ns b "$adit" up "$b" >>"$dir/b.log" 2>&1
	in_ns a "$adit" up "$a" >>"$dir/a.log" 2>&1
	# no waiting: up has returned, so all is there
	expect_ping a 10.7.0.2 1
	expect_match "adit show" "latest handshake: (Now|.*second)" "$(in_ns a "$adit" show adit-a)"
	expect_match "adit show" "interface: adit-b" "$(in_ns a "$adit" show)"
	! in_ns a "$adit" up "$a" >>"$dir/again.log" 2>&1 || fail "came up a second time"
	in_ns a "$adit" down adit-a
	in_ns b "$adit" down adit-b
	expect_equal "the system" "$before" "$(state_of_a)"
	wait_until 2 "all processes to end" no_process_left
	! in_ns a "$adit" down adit-a >>"$dir/again.log" 2>&1 || fail "went down a second time"
}

# As wg-quick and others start a userspace WireGuard; then wg does the rest.
test_started_by_interface_name() {
	two_ends
	in_ns a "$adit" adit-a >>"$dir/a.log" 2>&1
	test -S /run/wireguard/adit-a.sock || fail "in the background, but no control socket"
	start adit-b b "$adit" -f adit-b
	wait_until 5 "control socket of adit-b" test -S /run/wireguard/adit-b.sock
	local end n=1
	for end in a b; do
		grep -v ^Address ${!end} >"$dir/$end.conf"
		in_ns $end wg setconf adit-$end "$dir/$end.conf"
		ip -n $end addr add 10.7.0.$n/24 dev adit-$end
		ip -n $end link set adit-$end up
		n=$((n + 1))
	done
	expect_ping a 10.7.0.2
	expect_equal "peers by wg show" "$(sed -n 's/^PublicKey = //p' "$a")" \
		"$(in_ns a wg show adit-a peers)"
	expect_match "endpoint by wg show" "192.0.2.2:51820" "$(in_ns a wg show adit-a endpoints)"
	in_ns a wg set adit-a listen-port 51999
	expect_ping a 10.7.0.2
	wait_until 5 "b to learn a's new port" knows_endpoint 192.0.2.1:51999
	in_ns a wg set adit-a peer "$(in_ns a wg show adit-a peers)" remove
	! in_ns a ping -n -q -c 1 -W 1 10.7.0.2 >/dev/null || fail "answered without a peer"
	stop adit-b
	# whoever deletes the socket ends the daemon
	rm /run/wireguard/adit-a.sock
	wait_until 5 "all processes to end" no_process_left
	! ip -n a link show adit-a 2>/dev/null || fail "the link is still there"
}
knows_endpoint() { in_ns b wg show adit-b endpoints | grep -q "$1"; }

test_tells_the_service_manager() {
	two_ends
	start manager a "$pipe" datagrams /run/test/notify
	wait_until 5 "the manager's socket" test -S /run/test/notify
	start adit-a a env NOTIFY_SOCKET=/run/test/notify WATCHDOG_USEC=1000000 "$adit" run "$a"
	wait_until 10 "READY=1" grep -q '^READY=1' "$dir/manager.log"
	# ready means: all is set
	has_address a adit-a || fail "ready, but without its address"
	test -S /run/wireguard/adit-a.sock || fail "ready, but without its control socket"
	wait_until 5 "WATCHDOG=1" grep -q '^WATCHDOG=1' "$dir/manager.log"
	# a hung engine answers no ping, so the manager hears nothing any more
	local engine before
	engine=$(pgrep -x adit-engine)
	kill -STOP "$engine"
	sleep 1.2 # a ping that was answered before may still be on its way
	before=$(grep -c '^WATCHDOG=1' "$dir/manager.log")
	sleep 1.2
	expect_equal "signs of life of a hung engine" "$before" \
		"$(grep -c '^WATCHDOG=1' "$dir/manager.log")"
	kill -CONT "$engine"
	stop adit-a || fail "status $?"
	expect_match "the end" '^STOPPING=1' "$(cat "$dir/manager.log")"
	expect_equal "times ready" 1 "$(grep -c '^READY=1' "$dir/manager.log")"
}

# The unit's limits are enough, also for seeing a link that moved elsewhere.
test_the_units_limits_are_enough() {
	two_ends
	local caps
	caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$top/systemd/adit@.service" |
		tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	[ -n "$caps" ] || fail "the unit has no bounding set"
	start adit-a a setpriv --no-new-privs --bounding-set="-all,$caps" "$adit" run "$a"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "address of adit-b" has_address b adit-b
	expect_ping a 10.7.0.2
	expect_moved_link_works
	stop_both
}

test_link_moved_to_another_namespace() {
	run_both
	expect_moved_link_works
	# deleted there, it ends the daemon as here
	ip -n c link del adit-a
	wait_until 10 "adit to end" is_gone "${pid_of[adit-a]}"
	stop adit-b
}
expect_moved_link_works() {
	add_ns c
	ip -n a link set adit-a netns c
	ip -n c addr add 10.7.0.1/24 dev adit-a
	ip -n c link set adit-a up
	wait_until 10 "an answer in the other namespace" in_ns c ping -n -q -c 1 -W 1 10.7.0.2
	# down and up again is noticed there too
	ip -n c link set adit-a down
	wait_until 5 "adit to see that the link is down" port_is_closed
	ip -n c link set adit-a up
	wait_until 10 "an answer after down and up" in_ns c ping -n -q -c 1 -W 1 10.7.0.2
}
port_is_closed() { ! in_ns a ss -Hlnu 'sport = :51820' | grep -q .; }

test_without_ipv6() {
	add_ns a b
	in_ns a sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link add eth0 netns a type veth peer name eth0 netns b
	ip -n a addr add 192.0.2.1/24 dev eth0
	ip -n b addr add 192.0.2.2/24 dev eth0
	ip -n a link set eth0 up
	ip -n b link set eth0 up
	sed -E 's/, fd07::[12]\/[0-9]+//' "$a" >"$dir/adit-a.conf"
	start adit-a a "$adit" run "$dir/adit-a.conf"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	expect_ping b 10.7.0.1
	stop_both
}

# Garbage of every type and length: no answer, and life goes on.
test_garbage_gets_no_answer() {
	run_both
	in_ns b nft -f - <<-END
		table inet watch {
			chain input {
				type filter hook input priority 0
				udp sport 40000 counter
			}
			chain output {
				type filter hook output priority 0
				udp dport 40000 counter
			}
		}
	END
	in_ns a "$pipe" spray 192.0.2.2 51820
	in_ns a "$pipe" spray fd09::2 51820
	local arrived answered
	read -r arrived answered < <(in_ns b nft list table inet watch |
		sed -n 's/.*counter packets \([0-9]*\).*/\1/p' | xargs)
	expect_equal "messages that arrived" $((2 * 7 * 2001)) "$arrived"
	expect_equal "answers" 0 "$answered"
	expect_ping a 10.7.0.2
	stop_both
}

run_tests 11 "$@"

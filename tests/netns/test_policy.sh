#!/bin/bash
# A tunnel that carries the default route, as wg-quick routes it: which packets go
# which way while it comes, is there, and goes; the kill switch; what is left when
# adit is killed, and who removes it.
. "$(dirname "$0")/lib.sh"

# Namespace a has a tunnel to b; its default route leads to b, too. Behind that are
# the tunnel's endpoint and an outside host, in b as well: it answers in the clear and
# through the tunnel. A strict reverse path filter watches a.
endpoint4=198.51.100.9 endpoint6=2001:db8:9::9
outside4=203.0.113.7 outside6=2001:db8:51::7

world() {
	local bits address
	add_ns a b
	add_link a b
	for address in $endpoint4/32 $outside4/32; do ip -n b addr add $address dev lo; done
	for address in $endpoint6/128 $outside6/128; do ip -n b addr add $address dev lo; done
	ip -n a route add default via 10.9.0.2
	ip -n a -6 route add default via fd09::2
	in_ns a sysctl -qw net.ipv4.conf.all.rp_filter=1
	key_a=$(wg genkey) key_b=$(wg genkey)
	public_a=$(wg pubkey <<<"$key_a") public_b=$(wg pubkey <<<"$key_b")
	(umask 077 && cat >"$dir/wgb.conf") <<-END
		[Interface]
		PrivateKey = $key_b
		ListenPort = 51820
		Address = 10.7.0.2/24, fd07::2/64
		[Peer]
		PublicKey = $public_a
		AllowedIPs = 10.7.0.1/32, fd07::1/128
	END
	start wgb b "$adit" run "$dir/wgb.conf"
	wait_until 10 "wgb" is_up b wgb
	in_ns a nft -f - <<-END
		table inet watch {
			counter clear4 { }
			counter clear6 { }
			counter inside4 { }
			counter inside6 { }
			counter loop { }
			chain postrouting {
				type filter hook postrouting priority 300
				oifname "wg*" udp dport 51820 counter name loop
				oifname eth0 ip daddr $outside4 counter name clear4
				oifname eth0 ip6 daddr $outside6 counter name clear6
				oifname "wg*" ip daddr $outside4 counter name inside4
				oifname "wg*" ip6 daddr $outside6 counter name inside6
			}
		}
	END
}
is_up() { [[ $(ip -n "$1" link show dev "$2") == *,UP* ]]; }
counted() { in_ns a nft list counter inet watch "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
reset_counters() { in_ns a nft reset counters table inet watch >/dev/null; }

# config ALLOWED-IPS [LINE...]: of wga, with more lines in [Interface]; over IPv4, or
# IPv6 where only that is in AllowedIPs
config() {
	local host=$endpoint4 allowed=$1
	[[ $allowed == *.* ]] || host=[$endpoint6]
	shift
	(umask 077 && cat >"$dir/wga.conf") <<-END
		[Interface]
		PrivateKey = $key_a
		Address = 10.7.0.1/24, fd07::1/64
		$(printf '%s\n' "$@")
		[Peer]
		PublicKey = $public_b
		AllowedIPs = $allowed
		Endpoint = $host:51820
	END
}
run_a() {
	start wga a "$adit" run "$dir/wga.conf"
	wait_until 10 "wga to be up" grep -q "up, MTU" "$dir/wga.log"
}
kill_a() { # with all its processes, as the kernel's memory killer would
	kill -KILL "${pid_of[wga]}"
	wait_until 10 "wga to vanish" has_no_link wga
	: >"$dir/wga.log"
}
has_no_link() { ! ip -n a link show "$1" >/dev/null 2>&1; }

# All that adit could leave in namespace a besides the device.
policy_of_a() {
	ip -n a rule
	ip -n a -6 rule
	ip -n a route show table all
	ip -n a -6 route show table all
	in_ns a nft list ruleset | grep -v 'packets'
	in_ns a sysctl net.ipv4.conf.all.src_valid_mark
}
answers() { in_ns a ping -n -q -c 1 -W 2 "$1" >/dev/null; }
expect_ways() { # expect_ways 4|6 clear|inside: three pings, and where they went
	local outside=outside$1 other
	other=$([ "$2" = clear ] && echo inside || echo clear)
	reset_counters
	expect_ping a "${!outside}"
	expect_equal "IPv$1 $2" 3 "$(counted "$2$1")"
	expect_equal "IPv$1 $other" 0 "$(counted "$other$1")"
}
expect_closed() { # expect_closed 4|6: refused at once, and nothing leaves
	local outside=outside$1
	reset_counters
	! in_ns a ping -n -q -c 1 -W 2 "${!outside}" >"$dir/ping" 2>&1 || fail "IPv$1 is open"
	expect_match "the refusal" 'No route to host|Unreachable|unreachable' "$(cat "$dir/ping")"
	expect_equal "packets in the clear" 0 "$(counted "clear$1")"
}

# ---------------------------------------------------------------- which way
default_route() { # default_route ALLOWED-IPS WAY-OF-4 WAY-OF-6
	world
	policy_of_a >"$dir/before"
	config "$1"
	run_a
	expect_ways 4 "$2"
	expect_ways 6 "$3"
	# what the main table knows better than by its default route
	reset_counters
	expect_ping a 10.9.0.2
	expect_ping a fd09::2
	# and what b says to the tunnel's address goes back through it
	expect_ping b 10.7.0.1
	transfer a b "$([ "$2" = inside ] && echo $outside4 || echo $outside6)" 4
	expect_equal "datagrams of ours inside" 0 "$(counted loop)"
	expect_equal "the mark" 0xca6c "$(in_ns a wg show wga fwmark)"
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
	expect_ways 4 clear
	expect_ways 6 clear
	stop wgb
}
test_default_route_v4() { default_route "0.0.0.0/0, fd07::2/128" inside clear; }
test_default_route_v6() { default_route "::/0, 10.7.0.2/32" clear inside; }
test_default_route_both() { default_route "0.0.0.0/0, ::/0" inside inside; }

# Rules, routes and the filter's rules: what wg-quick sets, with adit as the device.
test_equals_wg_quick() {
	world
	config "0.0.0.0/0, ::/0, 10.0.0.0/8, fd07::2/128"
	run_a
	quick_state >"$dir/ours"
	stop wga
	PATH=$(dirname "$adit"):$PATH WG_QUICK_USERSPACE_IMPLEMENTATION=adit \
		in_ns a wg-quick up "$dir/wga.conf" >"$dir/quick.log" 2>&1 ||
		fail "wg-quick: $(cat "$dir/quick.log")"
	quick_state >"$dir/theirs"
	in_ns a wg-quick down "$dir/wga.conf" >>"$dir/quick.log" 2>&1
	diff "$dir/ours" "$dir/theirs" || fail "not what wg-quick does"
	expect_match "rules" 'not from all fwmark 0xca6c lookup 51820' "$(cat "$dir/ours")"
	expect_match "the filter" 'ip6 daddr fd07::1 fib saddr type != local drop' \
		"$(cat "$dir/ours")"
}
# Without our protocol number; routes by their table, for they come in any order; of
# the filter the rules, for wg-quick has a table for each family. Without the link-local
# address, which wg-quick lets the kernel make.
quick_state() {
	local family
	for family in -4 -6; do
		ip -n a $family rule | sed 's/ proto 173//'
		ip -n a $family route show table all | grep wga | grep -v fe80 |
			sed 's/ proto [0-9a-z]*//' | sort
	done
	in_ns a nft list ruleset | sed -n '/table inet watch/,/^}/d; /fe80\|comment/d
		s/counter packets 0 bytes 0 //; s/^[[:space:]]*//; /daddr\|mark/p' | sort -u
	in_ns a sysctl net.ipv4.conf.all.src_valid_mark
}

test_tables_that_are_named() {
	local table
	world
	echo "77 tunnels" >"$dir/rt_tables"
	mount --bind "$dir/rt_tables" /etc/iproute2/rt_tables
	for table in 1000 tunnels; do
		config "0.0.0.0/0, ::/0, 10.7.0.0/24" "Table = $table"
		run_a
		expect_equal "routes in $table" "10.7.0.0/24 default " "$(ip -n a route show table \
			$table | grep 'dev wga' | cut -d' ' -f1 | sort | tr '\n' ' ')"
		expect_equal "IPv6 routes in $table" "default" \
			"$(ip -n a -6 route show table $table | cut -d' ' -f1)"
		expect_equal "rules" 3 "$(ip -n a rule | wc -l)"
		expect_ways 4 clear
		stop wga
		expect_equal "routes in $table" "" "$(ip -n a route show table $table 2>/dev/null)"
		: >"$dir/wga.log"
	done
	config "0.0.0.0/0, ::/0" "Table = off"
	run_a
	expect_equal "routes" "" "$(ip -n a route show table all | grep 173)"
	expect_ways 4 clear
	stop wga
}

# A table in use is left alone; a mark of the configuration's own is its table too.
test_marks() {
	world
	ip -n a -6 route add fd99::/64 dev eth0 table 51820
	config "0.0.0.0/0"
	run_a
	expect_equal "the mark" 0xca6d "$(in_ns a wg show wga fwmark)"
	expect_ways 4 inside
	stop wga
	: >"$dir/wga.log"
	config "0.0.0.0/0" "FwMark = 0x77"
	run_a
	expect_equal "the mark" 0x77 "$(in_ns a wg show wga fwmark)"
	expect_match "routes" 'default dev wga' "$(ip -n a route show table 119)"
	expect_ways 4 inside
	stop wga
}

# ---------------------------------------------------------------- the packet filter
test_spoofed_packets_are_dropped() {
	world
	config "0.0.0.0/0, ::/0"
	run_a
	expect_ping a 10.7.0.2
	expect_ping b 10.7.0.1
	expect_equal "dropped before" 0 "$(spoofed)"
	# past the tunnel, with an address outside of it
	ip -n b route add 10.7.0.1/32 via 10.9.0.1 src 10.9.0.2
	ip -n b route add fd07::1/128 via fd09::1 src fd09::2
	! in_ns b ping -n -q -c 2 -i 0.2 -W 1 10.7.0.1 >/dev/null || fail "answered"
	! in_ns b ping -n -q -c 2 -i 0.2 -W 1 fd07::1 >/dev/null || fail "answered"
	expect_equal "dropped" 4 "$(spoofed)"
	# this machine may
	expect_ping a 10.7.0.1
	expect_ping a fd07::1
	stop wga
	expect_ping b 10.9.0.1
}
spoofed() {
	in_ns a nft list table inet adit-wga |
		awk '/daddr/ { for (i = 1; i < NF; i++) if ($i == "packets") n += $(i + 1) }
			END { print n + 0 }'
}

test_src_valid_mark_is_put_back() {
	world
	config "::/0"
	run_a
	expect_equal "for IPv6" 0 "$(src_valid_mark)"
	stop wga
	: >"$dir/wga.log"
	in_ns a sysctl -qw net.ipv4.conf.all.src_valid_mark=1
	config "0.0.0.0/0"
	run_a
	stop wga
	expect_equal "not ours" 1 "$(src_valid_mark)"
}
src_valid_mark() { in_ns a sysctl -n net.ipv4.conf.all.src_valid_mark; }

# ---------------------------------------------------------------- no leak
# Regressions 38, for the default route: a stream in both families while the tunnel comes
# up. Once a packet went inside, none goes out in the clear, and none of ours inside.
test_no_leak_while_it_comes_up_row_38() {
	local family outside
	world
	in_ns a nft -f - <<-END
		table inet watch {
			counter leak { }
			set begun4 { type ipv4_addr; flags dynamic; size 16; }
			set begun6 { type ipv6_addr; flags dynamic; size 16; }
			chain leaks {
				type filter hook postrouting priority 301
				oifname eth0 ip daddr @begun4 counter name leak
				oifname eth0 ip6 daddr @begun6 counter name leak
				oifname wga ip daddr $outside4 add @begun4 { ip daddr }
				oifname wga ip6 daddr $outside6 add @begun6 { ip6 daddr }
			}
		}
	END
	for family in 4 6; do
		outside=outside$family
		in_ns a ping -n -q -i 0.002 -w 4 -W 1 "${!outside}" >"$dir/stream$family" 2>&1 &
	done
	wait_until 5 "packets in the clear" has_counted_both clear
	config "0.0.0.0/0, ::/0"
	run_a
	wait_until 5 "packets inside" has_counted_both inside
	expect_equal "in the clear after the first inside" 0 "$(counted leak)"
	expect_equal "datagrams of ours inside" 0 "$(counted loop)"
	stop wga
}
has_counted_both() { [ "$(counted "${1}4")" -gt 100 ] && [ "$(counted "${1}6")" -gt 100 ]; }

# ---------------------------------------------------------------- the kill switch
test_kill_switch_stays_closed_after_a_kill() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	expect_ways 4 inside
	expect_ways 6 inside
	kill_a
	expect_closed 4
	expect_closed 6
	expect_ping a 10.9.0.2 # what the main table knows
	# down opens it
	in_ns a "$adit" down wga 2>"$dir/down" || fail "down ended with status $?"
	expect_match "what down says" 'what it had left is removed' "$(cat "$dir/down")"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
	expect_ways 4 clear
	expect_ways 6 clear
	local status=0
	in_ns a "$adit" down wga 2>/dev/null || status=$?
	expect_equal "down of what is not there" 4 $status
}

# The next start opens it again, without a moment in which it is open beside the tunnel;
# and one that fails leaves it closed.
test_kill_switch_is_taken_over() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	kill_a
	config "0.0.0.0/0, ::/0" "KillSwitch = yes" "PostUp = false"
	reset_counters
	in_ns a ping -n -q -i 0.002 -w 3 -W 1 $outside4 >/dev/null 2>&1 &
	local stream=$! status=0
	in_ns a "$adit" run "$dir/wga.conf" >>"$dir/wga.log" 2>&1 || status=$?
	expect_equal "status of the start that failed" 1 $status
	expect_closed 4
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	expect_equal "the mark" 0xca6c "$(in_ns a wg show wga fwmark)"
	expect_ping a $outside6
	expect_equal "packets in the clear" 0 "$(counted clear4)"
	expect_equal "rules" 5 "$(ip -n a rule | wc -l)"
	kill $stream 2>/dev/null || true
	wait $stream || true
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

test_kill_switch_when_the_engine_dies() {
	world
	config "0.0.0.0/0, 10.50.0.0/16" "KillSwitch = yes"
	run_a
	expect_ways 4 inside
	kill -KILL "$(pgrep -P "${pid_of[wga]}" -x adit-engine)"
	wait_until 10 "wga to vanish" has_no_link wga
	wait_until 10 "wga to end" is_gone "${pid_of[wga]}"
	expect_match "what it says" 'the kill switch stays closed' "$(cat "$dir/wga.log")"
	expect_closed 4
	! answers 10.50.0.1 || fail "10.50.0.1"
	expect_equal "guards" 2 "$(ip -n a route show table all type unreachable | wc -l)"
	expect_ways 6 clear # not in AllowedIPs
	in_ns a "$adit" down wga
	expect_ways 4 clear
}

# Without a default route: the prefix of the interface's address is closed too.
test_kill_switch_of_some_prefixes() {
	world
	policy_of_a >"$dir/before"
	config "10.7.0.2/32, $outside4/32, $outside6/128, fd07::/64" "KillSwitch = yes"
	run_a
	expect_ways 4 inside
	expect_ways 6 inside
	expect_ping a 10.7.0.2
	kill_a
	expect_closed 4
	expect_closed 6
	local address
	for address in 10.7.0.2 fd07::2; do
		! in_ns a ping -n -q -c 1 -W 1 $address >"$dir/ping" 2>&1 || fail "$address answers"
		expect_match "$address" 'No route to host' "$(cat "$dir/ping")"
	done
	expect_ping a 10.9.0.2
	in_ns a "$adit" down wga
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

# ---------------------------------------------------------------- what is left, and whose
# Two interfaces with a default route each; one that is killed, and its down, leave the
# other alone; so does what somebody else has set.
test_two_interfaces() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0" "KillSwitch = yes"
	sed "s,^Address.*,Address = 10.17.0.1/24," "$dir/wga.conf" >"$dir/wgc.conf"
	chmod 600 "$dir/wgc.conf"
	start wgc a "$adit" run "$dir/wgc.conf"
	wait_until 10 "wgc to be up" grep -q "up, MTU" "$dir/wgc.log"
	policy_of_a >"$dir/one"
	ip -n a rule add fwmark 9 table 9
	ip -n a rule add table main suppress_prefixlength 0
	run_a
	expect_equal "marks" "0xca6d 0xca6c" \
		"$(in_ns a wg show wga fwmark) $(in_ns a wg show wgc fwmark)"
	kill_a
	in_ns a "$adit" down wga
	expect_equal "src_valid_mark for wgc" 1 "$(src_valid_mark)"
	expect_equal "rules of others" 4 "$(ip -n a rule | grep -vc 'proto 173\|lookup local')"
	ip -n a rule delete fwmark 9 table 9
	ip -n a rule delete table main suppress_prefixlength 0
	policy_of_a >"$dir/after"
	diff "$dir/one" "$dir/after" || fail "wgc is not as it was"
	# the other way round: the one that was first goes first
	run_a
	stop wgc || fail "wgc ended with status $?"
	expect_equal "src_valid_mark for wga" 1 "$(src_valid_mark)"
	expect_ways 4 inside
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

# Killed without a kill switch: the machine has its old way at once, and the next start,
# with another configuration, removes what is left.
test_killed_without_a_kill_switch() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0"
	run_a
	kill_a
	expect_ways 4 clear
	expect_ways 6 clear
	config "10.50.0.0/16"
	run_a
	expect_equal "rules" 3 "$(ip -n a rule | wc -l)"
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

test_deleted_and_moved() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	ip -n a link del wga
	wait_until 10 "wga to end" is_gone "${pid_of[wga]}"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
	: >"$dir/wga.log"
	run_a
	add_ns c
	ip -n a link set wga netns c
	wait_until 10 "the move to be noticed" grep -q moved "$dir/wga.log"
	expect_closed 4
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

# ---------------------------------------------------------------- failures on the way up
expect_start_fails() { # expect_start_fails REGEX: and nothing is changed by it
	local status=0
	policy_of_a >"$dir/before"
	in_ns a "$adit" run "$dir/wga.conf" >"$dir/failed" 2>&1 || status=$?
	expect_equal "status" 1 $status
	expect_match "the reason" "$1" "$(cat "$dir/failed")"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
	expect_ways 4 clear
}
test_failures_undo_everything() {
	world
	# the table of the configuration's mark has a default route of somebody's already
	ip -n a route add default via 10.9.0.2 table 119
	config "0.0.0.0/0, ::/0" "FwMark = 119" "KillSwitch = yes"
	expect_start_fails 'route 0.0.0.0/0 table 119: File exists'
	# the filter's table belongs to another process
	mkfifo "$dir/nft"
	in_ns a nft -i <"$dir/nft" >/dev/null 2>&1 &
	local owner=$!
	exec 9>"$dir/nft"
	echo "add table inet adit-wga { flags owner; }" >&9
	wait_until 5 "the table" has_table adit-wga
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	expect_start_fails 'packet filter for mark 51820: Operation not permitted'
	# nothing needs it
	config "10.50.0.0/16" "KillSwitch = yes"
	run_a
	stop wga
	exec 9>&-
	wait $owner || true
}
has_table() { in_ns a nft list tables | grep -q "$1"; }

run_tests 17 "$@"

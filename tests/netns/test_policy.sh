#!/bin/bash
# A tunnel that carries the default route, as wg-quick routes it: which packets go
# which way while it comes, is there, and goes.
. "$(dirname "$0")/lib.sh"
. "$tests_dir/netns/policy.sh"

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
	expect_equal "packets to the neighbour" 6 "$(counted near)"
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

# With what the systemd unit allows.
test_the_units_limits_are_enough() {
	world
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	local caps
	caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$top/systemd/adit@.service" |
		tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	start wga a setpriv --no-new-privs --bounding-set="-all,$caps" \
		"$adit" run "$dir/wga.conf"
	wait_until 10 "wga to be up" grep -q "up, MTU" "$dir/wga.log"
	expect_ways 4 inside
	expect_equal "src_valid_mark" 1 "$(src_valid_mark)"
	stop wga || fail "wga ended with status $?"
	expect_ways 4 clear
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

# What the kernel takes with "down" comes back with "up", and by a reload.
test_down_and_up() {
	world
	config "0.0.0.0/0, ::/0, 10.50.0.0/16"
	run_a
	device_state >"$dir/before"
	ip -n a link set wga down
	expect_ways 4 clear
	ip -n a link set wga up
	wait_until 10 "the routes" is_as_before
	expect_ways 4 inside
	expect_ways 6 inside
	printf 'link set wga %s\n' down up | ip -n a -batch - # heard at once
	wait_until 10 "the routes" is_as_before
	ip -n a link set wga down
	wait_until 10 "a reload that raises it" reloads '+ up'
	ip -n a link set wga mtu 1300
	wait_until 10 "a reload that restores the MTU" reloads '~ mtu 1300 -> 1420'
	is_as_before || fail "not as before: $(device_state | diff "$dir/before" -)"
	stop wga || fail "wga ended with status $?"
}
device_state() {
	ip -n a -o addr show wga | sed 's/ *valid_lft.*//' | sort
	ip -n a link show wga | grep -o 'mtu [0-9]*'
	ip -n a route show table all dev wga | sort
	ip -n a -6 route show table all dev wga | sort
}
is_as_before() { device_state | diff "$dir/before" - >/dev/null; }
reloads() { in_ns a "$adit" reload wga >"$dir/reload" 2>&1 && grep -qxF -- "$1" "$dir/reload"; }

# An automatic MTU is that of the way that our own packets take, whatever mark is next.
test_mtu_of_a_changed_mark() {
	world
	config "0.0.0.0/0, ::/0" "FwMark = 100"
	run_a
	sed -i 's/^FwMark.*/FwMark = 101/' "$dir/wga.conf"
	expect_reload "FwMark = 101" "fwmark 0x64 -> 0x65"
	sed -i '/^FwMark/d; s,^AllowedIPs.*,AllowedIPs = 10.7.0.2/32,' "$dir/wga.conf"
	expect_reload "no default route" "- route 0.0.0.0/0 table 101"
	expect_reload "the same again" "^$"
	sed -i 's,^AllowedIPs.*,AllowedIPs = 0.0.0.0/1\, 128.0.0.0/1,' "$dir/wga.conf"
	expect_reload "two halves" "+ route 128.0.0.0/1"
	expect_reload "the same again" "^$"
	stop wga || fail "wga ended with status $?"
}
expect_reload() { # expect_reload WHAT REGEX: and the MTU stays
	in_ns a "$adit" reload wga >"$dir/reload" 2>&1 || fail "$1: $(cat "$dir/reload")"
	expect_match "$1" "$2" "$(cat "$dir/reload")"
	expect_match "$1" "mtu 1420" "$(ip -n a link show wga)"
}

# While the mark changes, what we send to a peer does not go into the tunnel.
test_no_datagram_inside_while_the_mark_changes() {
	local mark stream
	world
	config "0.0.0.0/0" "FwMark = 100" "MTU = 1420"
	run_a
	expect_ways 4 inside
	reset_counters
	in_ns a ping -n -q -i 0.001 -w 20 $outside4 >/dev/null 2>&1 &
	stream=$!
	for mark in {101..120}; do
		sed -i "s/^FwMark.*/FwMark = $mark/" "$dir/wga.conf"
		in_ns a "$adit" reload wga >"$dir/reload" 2>&1 || fail "$(cat "$dir/reload")"
	done
	# nor on the way back
	ip -n a route add 10.66.0.0/16 via 10.9.0.2
	sed -i 's/^FwMark.*/FwMark = 121/; s,^AllowedIPs.*,&\, 10.66.0.0/16,' "$dir/wga.conf"
	! in_ns a "$adit" reload wga >"$dir/reload" 2>&1 || fail "$(cat "$dir/reload")"
	expect_match "the reload" 'all is as it was' "$(cat "$dir/reload")"
	expect_equal "the mark" 0x78 "$(in_ns a wg show wga fwmark)"
	kill $stream
	wait $stream || true
	[ "$(counted inside4)" -gt 100 ] || fail "there was no stream"
	expect_equal "datagrams of ours inside" 0 "$(counted loop)"
	expect_equal "rules of ours" "2 0" \
		"$(ip -n a rule | grep -c 'proto 173') $(ip -n a -6 rule | grep -c 'proto 173')"
	stop wga || fail "wga ended with status $?"
}

# An endpoint's name is looked up before the default route moves; it is in hosts(5), or
# comes there later, and there is no name server.
with_hosts() { # with_hosts LINE...
	printf '%s\n' "127.0.0.1 localhost" "$@" >"$dir/hosts"
	echo "nameserver 127.0.0.1" >"$dir/resolv.conf"
	mount --bind "$dir/hosts" /etc/hosts
	mount --bind "$dir/resolv.conf" /etc/resolv.conf
	config "0.0.0.0/0, ::/0"
	sed -i "s,^Endpoint.*,Endpoint = end.example.org:51820," "$dir/wga.conf"
}
test_endpoint_by_name() {
	world
	with_hosts "$endpoint4 end.example.org"
	run_a
	expect_ways 4 inside
	stop wga
}
test_endpoint_by_name_that_comes_late() {
	world
	with_hosts
	start wga a "$adit" run "$dir/wga.conf"
	wait_until 10 "a first try" grep -q 'trying again' "$dir/wga.log"
	expect_ways 4 clear
	echo "$endpoint4 end.example.org" >>"$dir/hosts"
	wait_until 20 "wga to be up" grep -q "up, MTU" "$dir/wga.log"
	! grep 'not all endpoints' "$dir/wga.log" || fail "it did not wait"
	expect_ways 4 inside
	stop wga
}
test_slow_endpoint_by_name_that_is_not_there() {
	world
	with_hosts
	start wga a "$adit" run "$dir/wga.conf"
	wait_until 30 "wga to be up" grep -q "up, MTU" "$dir/wga.log"
	expect_match "what it says" 'although not all endpoints are known' "$(cat "$dir/wga.log")"
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

# A mark is one interface's: who comes with the same one is refused, and takes nothing away.
config_c() { # of wgc, from wga.conf
	sed "s,^Address.*,Address = 10.17.0.1/24,; s,^PrivateKey.*,PrivateKey = $(wg genkey)," \
		"$dir/wga.conf" >"$dir/wgc.conf"
	chmod 600 "$dir/wgc.conf"
}
test_mark_of_another_interface() {
	world
	config "0.0.0.0/0, ::/0" "FwMark = 51820"
	config_c
	run_a
	policy_of_a >"$dir/before"
	local status=0
	in_ns a "$adit" run "$dir/wgc.conf" >"$dir/failed" 2>&1 || status=$?
	expect_equal "status" 1 $status
	expect_match "the reason" 'the mark 51820 is that of wga' "$(cat "$dir/failed")"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "wga is not as it was"
	expect_ways 4 inside
	expect_ways 6 inside
	stop wga || fail "wga ended with status $?"
}
# Both have chosen a mark before either has used it.
test_two_that_start_together() {
	world
	policy_of_a >"$dir/before"
	mkfifo "$dir/gate"
	config "0.0.0.0/0" "PreUp = read -r line <$dir/gate"
	config_c
	start wga a "$adit" run --allow-hooks "$dir/wga.conf"
	start wgc a "$adit" run --allow-hooks "$dir/wgc.conf"
	wait_until 10 "the hooks" have_hooks 2
	exec 9>"$dir/gate"
	printf 'go\ngo\n' >&9
	exec 9>&-
	wait_until 10 "wga to be up" grep -q "up, MTU" "$dir/wga.log"
	wait_until 10 "wgc to be up" grep -q "up, MTU" "$dir/wgc.log"
	expect_equal "marks" "0xca6c 0xca6d" \
		"$(echo $({ in_ns a wg show wga fwmark; in_ns a wg show wgc fwmark; } | sort))"
	stop wgc || fail "wgc ended with status $?"
	expect_ways 4 inside
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}
have_hooks() { [ "$(pgrep -fc "sh -c read -r line")" = "$1" ]; }
has_table() { in_ns a nft list tables | grep -q "$1"; }

run_tests 19 "$@"

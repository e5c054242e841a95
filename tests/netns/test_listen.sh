#!/bin/bash
# Where a tunnel listens: addresses, link-local ones, a device; which socket answers,
# and what comes of it when addresses and devices go and come.
. "$(dirname "$0")/lib.sh"

answers() { in_ns "$1" ping -n -q -c 1 -W 1 "$2"; }

# listen_at LINE...: b's example with these lines in place of its port and endpoint
listen_at() {
	local line
	(umask 077; sed '/^ListenPort/d; /^Endpoint/d' "$b" >"$dir/adit-b.conf")
	for line; do sed -i "/^PrivateKey/a $line" "$dir/adit-b.conf"; done
}
start_b() {
	start adit-b b "$adit" run "$dir/adit-b.conf"
	wait_until 10 "address of adit-b" has_address b adit-b
}
# start_a ENDPOINT: a new life, so that a handshake goes to it
start_a() {
	sed "s/^Endpoint = .*/Endpoint = $1/" "$a" >"$dir/adit-a.conf"
	start adit-a a "$adit" run "$dir/adit-a.conf"
	wait_until 10 "address of adit-a" has_address a adit-a
}
# bound_in NAMESPACE: ADDRESS:PORT of every UDP socket, one line for each place
bound_in() { in_ns "$1" ss -Hlnu | awk '{ print $4 }' | LC_ALL=C sort -u; }
expect_bound() { # expect_bound NAMESPACE PLACE...
	local ns=$1
	shift
	expect_equal "bound in $ns" "$(printf '%s\n' "$@" | LC_ALL=C sort)" "$(bound_in "$ns")"
}
peer_of_a() { in_ns a wg show adit-a peers; }
endpoint_of_b() { in_ns b wg show adit-b endpoints | cut -f2; }

# ---------------------------------------------------------------- addresses
test_answers_leave_from_the_address_that_was_hit() {
	two_ends
	ip -n b addr add 192.0.2.77/24 dev eth0
	ip -n b addr add 192.0.2.99/24 dev eth0
	ip -n b addr add fd09::77/64 dev eth0 nodad
	listen_at "Listen = 192.0.2.2:51820, 192.0.2.77:51820" "Listen = [fd09::77]:51820"
	start_b
	expect_bound b 192.0.2.2:51820 192.0.2.77:51820 '[fd09::77]:51820'
	expect_equal "port shown" 51820 "$(in_ns b wg show adit-b listen-port)"
	local endpoint
	for endpoint in 192.0.2.77:51820 '[fd09::77]:51820' 192.0.2.2:51820; do
		start_a "$endpoint"
		count_at b "right4 output udp sport 51820 ip saddr ${endpoint%:*}" \
			"any output udp sport 51820" 2>/dev/null ||
			count_at b "right4 output udp sport 51820 ip6 saddr fd09::77" \
				"any output udp sport 51820"
		wait_until 15 "an answer" answers a 10.7.0.2
		expect_ping a 10.7.0.2
		expect_ping b 10.7.0.1
		[ "$(counted b any)" -ge 7 ] || fail "only $(counted b any) were counted"
		expect_equal "sent from $endpoint" "$(counted b any)" "$(counted b right4)"
		stop adit-a
	done
	stop adit-b
}

test_other_addresses_are_not_listened_at() {
	two_ends
	ip -n b addr add 192.0.2.99/24 dev eth0
	listen_at "Listen = 192.0.2.2:51820"
	start_b
	count_at a "refused input icmp type destination-unreachable"
	count_at b "said output udp sport 51820"
	local other
	for other in 192.0.2.99:51820 '[fd09::2]:51820'; do
		start_a "$other"
		! answers a 10.7.0.2 >/dev/null || fail "an answer from $other"
		stop adit-a
	done
	expect_equal "datagrams of b" 0 "$(counted b said)"
	[ "$(counted a refused)" -ge 1 ] || fail "the kernel of b did not refuse"
	start_a 192.0.2.2:51820
	wait_until 15 "an answer" answers a 10.7.0.2
	stop_both
}

# Two tunnels on one machine and one port; a third has no room.
test_two_on_one_port() {
	two_ends
	ip -n b addr add 192.0.2.77/24 dev eth0
	local c_key d_key
	c_key=$("$adit" genkey)
	d_key=$("$adit" genkey)
	listen_at "Listen = 192.0.2.2:51820"
	start_b
	(umask 077; cat >"$dir/adit-c.conf") <<-END
		[Interface]
		PrivateKey = $c_key
		Listen = 192.0.2.77:51820
		Address = 10.8.0.2/24
		[Peer]
		PublicKey = $("$adit" pubkey <<<"$d_key")
		AllowedIPs = 10.8.0.1/32
	END
	(umask 077; cat >"$dir/adit-d.conf") <<-END
		[Interface]
		PrivateKey = $d_key
		Address = 10.8.0.1/24
		[Peer]
		PublicKey = $("$adit" pubkey <<<"$c_key")
		AllowedIPs = 10.8.0.2/32
		Endpoint = 192.0.2.77:51820
	END
	start adit-c b "$adit" run "$dir/adit-c.conf"
	start adit-d a "$adit" run "$dir/adit-d.conf"
	start_a 192.0.2.2:51820
	expect_bound b 192.0.2.2:51820 192.0.2.77:51820
	wait_until 15 "an answer of b" answers a 10.7.0.2
	wait_until 15 "an answer of c" answers a 10.8.0.2
	expect_ping b 10.7.0.1
	expect_ping b 10.8.0.1
	# neither that address again nor all of them
	local line
	for line in "Listen = 192.0.2.77:51820" "Listen = 0.0.0.0:51820" "ListenPort = 51820"; do
		sed "s/^Listen.*/$line/" "$dir/adit-c.conf" >"$dir/adit-e.conf"
		! in_ns b "$adit" run "$dir/adit-e.conf" 2>"$dir/said" || fail "started with $line"
		expect_match "what it says" "Address already in use" "$(cat "$dir/said")"
	done
	expect_ping a 10.8.0.2
	stop adit-c
	stop adit-d
	stop_both
}

test_link_local() {
	two_ends
	ip -n a addr add fe80::a/64 dev eth0 nodad
	ip -n b addr add fe80::b/64 dev eth0 nodad
	# first in the list, and not to be used for what is beyond the link
	listen_at "Listen = [fe80::b%eth0]:51820, [fd09::2]:51820"
	start_b
	start_a '[fe80::b%eth0]:51820'
	expect_bound b '[fe80::b]%eth0:51820' '[fd09::2]:51820'
	wait_until 15 "an answer" answers a 10.7.0.2
	expect_ping b 10.7.0.1
	expect_match "where a is" '^\[fe80::a%eth0\]:51820$|^\[fe80::a%[0-9]+\]:51820$' \
		"$(endpoint_of_b)"
	stop adit-a
	start_a 192.0.2.99:51820 # nobody is there: b has to begin
	in_ns b wg set adit-b peer "$(in_ns b wg show adit-b peers)" endpoint '[fd09::1]:51820'
	wait_until 20 "b's own handshake" answers b 10.7.0.1
	expect_equal "where b is" '[fd09::2]:51820' "$(in_ns a wg show adit-a endpoints | cut -f2)"
	stop_both
}

test_one_family_and_a_random_port() {
	two_ends
	listen_at "Listen = 192.0.2.2:0, [fd09::2]:0"
	start_b
	local port
	port=$(in_ns b wg show adit-b listen-port)
	expect_bound b "192.0.2.2:$port" "[fd09::2]:$port"
	stop adit-b
	listen_at "Listen = [::]:51820"
	start_b
	expect_bound b '[::]:51820'
	start_a '[fd09::2]:51820'
	wait_until 15 "an answer" answers a 10.7.0.2
	stop_both
}

# ---------------------------------------------------------------- changes
test_port_and_mark() {
	two_ends
	ip -n b addr add 192.0.2.77/24 dev eth0
	listen_at "Listen = 192.0.2.77:51820, [fd09::2]:51820, 192.0.2.2:51820"
	start_b
	start_a 192.0.2.77:51820
	wait_until 15 "an answer" answers a 10.7.0.2
	in_ns b wg set adit-b fwmark 0x77
	count_at b "any output meta l4proto udp" "marked output meta l4proto udp mark 0x77"
	expect_ping a 10.7.0.2
	in_ns b wg set adit-b listen-port 4711
	expect_bound b 192.0.2.77:4711 '[fd09::2]:4711' 192.0.2.2:4711
	expect_ping b 10.7.0.1 # a follows
	expect_equal "where b is" 192.0.2.77:4711 "$(in_ns a wg show adit-a endpoints | cut -f2)"
	in_ns a wg set adit-a peer "$(peer_of_a)" endpoint '[fd09::2]:4711'
	expect_ping a 10.7.0.2
	[ "$(counted b any)" -ge 9 ] || fail "only $(counted b any) were counted"
	expect_equal "marked" "$(counted b any)" "$(counted b marked)"
	# a port that one of the addresses has not got: all stays
	start other b "$pipe" listen 192.0.2.2 4712
	in_ns b wg set adit-b listen-port 4712 || fail "TCP is none of our business"
	stop adit-a
	listen_at "Listen = 192.0.2.2:4713"
	sed 's/^Address.*//' "$dir/adit-b.conf" >"$dir/other.conf"
	start other b "$adit" run "$dir/other.conf"
	wait_until 10 "the other's socket" is_bound b 192.0.2.2:4713
	! in_ns b wg set adit-b listen-port 4713 2>"$dir/said" || fail "the port of another"
	expect_match "what wg says" "Address already in use" "$(cat "$dir/said")"
	expect_bound b 192.0.2.77:4712 '[fd09::2]:4712' 192.0.2.2:4712 192.0.2.2:4713
	# down and up: the same places
	ip -n b link set adit-b down
	wait_until 5 "sockets to close" not_bound b 192.0.2.77:4712
	ip -n b link set adit-b up
	wait_until 5 "sockets to open" is_bound b 192.0.2.77:4712
	expect_bound b 192.0.2.77:4712 '[fd09::2]:4712' 192.0.2.2:4712 192.0.2.2:4713
	stop other
	stop adit-b
}
is_bound() { [[ $'\n'"$(bound_in "$1")"$'\n' == *$'\n'"$2"$'\n'* ]]; }
not_bound() { ! is_bound "$1" "$2"; }

# An address goes: what b sends leaves from the next. It comes again: it is heard again.
test_address_goes_and_comes() {
	two_ends
	ip -n b addr add fd09::77/64 dev eth0 nodad
	listen_at "Listen = [fd09::77]:51820, [fd09::2]:51820"
	start_b
	start_a '[fd09::77]:51820'
	wait_until 15 "an answer" answers a 10.7.0.2
	expect_ping b 10.7.0.1
	ip -n b addr del fd09::77/64 dev eth0
	wait_until 10 "b to go on" answers b 10.7.0.1
	expect_equal "where b is" '[fd09::2]:51820' "$(in_ns a wg show adit-a endpoints | cut -f2)"
	ip -n b addr add fd09::77/64 dev eth0 nodad
	in_ns a wg set adit-a peer "$(peer_of_a)" endpoint '[fd09::77]:51820'
	expect_ping a 10.7.0.2
	expect_equal "where b is" '[fd09::77]:51820' "$(in_ns a wg show adit-a endpoints | cut -f2)"
	# without it there are no sockets when the link comes up, until it is there again
	ip -n b link set adit-b down
	ip -n b addr del fd09::77/64 dev eth0
	ip -n b link set adit-b up
	wait_until 5 "a message" grep -qF 'Listen: [fd09::77]:51820: this machine has no such' \
		"$dir/adit-b.log"
	expect_equal "bound" "" "$(bound_in b)"
	ip -n b addr add 198.51.100.9/32 dev lo # news, and nothing better
	ip -n b addr add fd09::77/64 dev eth0 nodad
	wait_until 5 "sockets" is_bound b '[fd09::77]:51820'
	wait_until 15 "an answer" answers b 10.7.0.1 # a does not know that b forgot the session
	expect_equal "lines about it" 1 "$(grep -c 'no such address' "$dir/adit-b.log")"
	stop_both
}

# ---------------------------------------------------------------- devices
second_link() { # eth1 in both, 198.51.100.1 in a and .2 in b
	ip link add eth1 netns a type veth peer name eth1 netns b
	ip -n a addr add 198.51.100.1/24 dev eth1
	ip -n b addr add 198.51.100.2/24 dev eth1
	ip -n a link set eth1 up
	ip -n b link set eth1 up
}

test_bind_device() {
	two_ends
	second_link
	listen_at "ListenPort = 51820" "BindDevice = eth0"
	start_b
	expect_bound b '0.0.0.0%eth0:51820' '[::]%eth0:51820'
	count_at b "said output udp sport 51820" "wrong output udp sport 51820 oifname eth1"
	start_a 198.51.100.2:51820 # by the other link
	! answers a 10.7.0.2 >/dev/null || fail "an answer by the other link"
	expect_equal "datagrams of b" 0 "$(counted b said)"
	stop adit-a
	start_a 192.0.2.2:51820
	wait_until 15 "an answer" answers a 10.7.0.2
	# even where the route leads elsewhere, nothing goes there
	ip -n b route add 192.0.2.1/32 via 198.51.100.1
	answers b 10.7.0.1 >/dev/null || true
	expect_equal "datagrams by the other link" 0 "$(counted b wrong)"
	ip -n b route del 192.0.2.1/32
	wait_until 15 "an answer" answers a 10.7.0.2
	# the same port is free for another device
	sed 's/^BindDevice.*/BindDevice = eth1/; /^Address/d' "$dir/adit-b.conf" >"$dir/other.conf"
	start other b "$adit" run "$dir/other.conf"
	wait_until 10 "the other's sockets" is_bound b '0.0.0.0%eth1:51820'
	stop other
	stop_both
}

# A VRF, where the kernel has it: the address is the VRF's, not the main table's.
test_bind_vrf() {
	two_ends
	ip -n b link add red type vrf table 10 2>"$dir/vrf" || {
		echo "no VRF in this kernel: $(head -n 1 "$dir/vrf")"
		exit 77
	}
	ip -n b link set red up
	ip -n b link set eth0 master red
	listen_at "Listen = 192.0.2.2:51820" "BindDevice = red"
	start_b
	start_a 192.0.2.2:51820
	wait_until 15 "an answer" answers a 10.7.0.2
	expect_ping b 10.7.0.1
	stop_both
}

# The binding is to a device, not to its name: it is made anew.
test_device_comes_anew() {
	two_ends
	listen_at "Listen = 192.0.2.2:51820, [fd09::2]:51820" "BindDevice = eth0"
	start_b
	start_a 192.0.2.2:51820
	wait_until 15 "an answer" answers a 10.7.0.2
	local i
	for i in 1 2; do
		ip -n b link del eth0
		! answers a 10.7.0.2 >/dev/null || fail "an answer without a link"
		add_link a b
		ip -n a addr add 192.0.2.1/24 dev eth0
		ip -n b addr add 192.0.2.2/24 dev eth0
		wait_until 15 "an answer" answers a 10.7.0.2
		expect_ping b 10.7.0.1
		expect_bound b '192.0.2.2%eth0:51820' '[fd09::2]%eth0:51820'
	done
	[ "$(grep -c 'came anew: listening to it' "$dir/adit-b.log")" -ge 2 ] || fail "not said"
	! grep "cannot be listened to" "$dir/adit-b.log" || fail "it failed meanwhile"
	stop_both
}

# ---------------------------------------------------------------- refusals
# refused STATUS MESSAGE LINE...: what adit run says, and that it leaves nothing
refused() {
	local status=0 expected=$1 message=$2 before
	shift 2
	listen_at "$@"
	before=$(state_of_b)
	in_ns b "$adit" run "$dir/adit-b.conf" 2>"$dir/said" || status=$?
	expect_equal "status with $*" "$expected" $status
	expect_match "with $*" "$message" "$(cat "$dir/said")"
	expect_equal "what is left" "$before" "$(state_of_b)"
}
state_of_b() {
	ip -n b -o link show | sed 's/^[0-9]*: //'
	bound_in b
	find /run/wireguard
}

test_what_is_not_there_is_refused() {
	two_ends
	refused 1 'Listen: 192.0.2.9:51820: this machine has no such address' \
		"Listen = 192.0.2.2:51820, 192.0.2.9:51820"
	refused 1 'Listen: \[fe80::b%eth0\]:51820: this machine has no such address' \
		"Listen = [fe80::b%eth0]:51820"
	refused 1 'Listen: \[fe80::b%eth7\]:51820: there is no interface "eth7"' \
		"Listen = [fe80::b%eth7]:51820"
	refused 1 'BindDevice: there is no interface "eth7"' "BindDevice = eth7"
	refused 3 'BindDevice: "adit-b" is the tunnel itself' "BindDevice = adit-b"
	refused 3 'Listen: "adit-b" is the tunnel itself' "Listen = [fe80::b%adit-b]:51820"
	refused 3 'ListenPort: beside Listen in line' "ListenPort = 1" "Listen = 192.0.2.2:51820"
	refused 3 'Listen: ":51820": no address' "Listen = :51820"
}

run_tests 11 "$@"

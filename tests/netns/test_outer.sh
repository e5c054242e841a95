#!/bin/bash
# The way between the two ends: marks on it, addresses and routes that change, a NAT
# that forgets, and clocks that differ.
. "$(dirname "$0")/lib.sh"

# ---------------------------------------------------------------- counting
expect_counted() { # expect_counted NAMESPACE NAME NUMBER
	expect_equal "packets counted as $2" "$3" "$(counted "$1" "$2")"
}
answers() { in_ns "$1" ping -n -q -c 1 -W 1 "$2"; }
endpoint_is() { # endpoint_is NAMESPACE INTERFACE ADDRESS:PORT
	in_ns "$1" wg show "$2" endpoints | grep -qF "	$3"
}

# ---------------------------------------------------------------- marks
# 5 pings of each kind go from a to b; the counters say what was outside and inside
ping_each_kind() { # ping_each_kind ADDRESS
	local ecn
	for ecn in 0 1 2 3; do
		in_ns a ping -n -q -c 5 -i 0.05 -W 1 -Q $((0xb8 + ecn)) "$1" >/dev/null || true
	done
}
# 1 is ECT(1), 2 ECT(0), 3 CE
count_marks() { # count_marks FAMILY-OUTSIDE FAMILY-INSIDE: ip or ip6
	local ecn rules=()
	local pings='meta l4proto { icmp, ipv6-icmp }' # their length outside: 136 and 152
	for ecn in 0 1 2 3; do
		rules+=("outer$ecn prerouting iifname eth0 udp length { 136, 152 } $1 ecn $ecn")
		rules+=("inner$ecn input iifname adit-b $pings $2 ecn $ecn")
	done
	rules+=("plain prerouting iifname eth0 udp length { 136, 152 } $1 dscp 0")
	rules+=("ef input iifname adit-b $pings $2 dscp ef")
	count_at b "${rules[@]}"
}
set_congestion() { # set_congestion FAMILY: everything that reaches b has met it
	in_ns b nft -f - <<-END
		table inet congestion {
			chain input {
				type filter hook prerouting priority -300
				iifname eth0 udp dport 51820 $1 ecn set ce
			}
		}
	END
}

test_congestion_marks() {
	run_both
	local outer inner address before
	expect_ping a 10.7.0.2
	for outer in ip ip6; do
		[ $outer = ip ] || {
			in_ns a wg set adit-a peer "$(in_ns a wg show adit-a peers)" \
				endpoint '[fd09::2]:51820'
			expect_ping a 10.7.0.2
		}
		for inner in ip ip6; do
			address=10.7.0.2
			[ $inner = ip ] || address=fd07::2
			# inside to outside, and back unchanged; DSCP stays inside
			count_marks $outer $inner
			ping_each_kind $address
			for ecn in 0 1 2 3; do
				expect_counted b outer$ecn 5
				expect_counted b inner$ecn 5
			done
			expect_counted b plain 20
			expect_counted b ef 20
			# congestion outside shows inside, to whoever understands it
			set_congestion $outer
			count_marks $outer $inner
			before=$(drops b adit-b ecn)
			ping_each_kind $address
			expect_counted b inner0 0
			expect_counted b inner1 0
			expect_counted b inner2 0
			expect_counted b inner3 15
			expect_counted b ef 15
			expect_equal "dropped for it" 5 $(($(drops b adit-b ecn) - before))
			in_ns b nft delete table inet congestion
		done
	done
	stop_both
}

test_handshakes_are_marked_af41() {
	two_ends
	count_at b "initiations prerouting udp length 156" \
		"marked prerouting udp length 156 ip dscp af41" \
		"responses output udp length 100" \
		"answered output udp length 100 ip dscp af41"
	start adit-a a "$adit" run "$a"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-b" has_address b adit-b
	wait_until 15 "an answer" answers a 10.7.0.2
	[ "$(counted b responses)" -ge 1 ] || fail "no response"
	expect_counted b marked "$(counted b initiations)"
	expect_counted b answered "$(counted b responses)"
	stop_both
}

# ---------------------------------------------------------------- addresses
test_answers_leave_from_the_address_that_was_hit() {
	two_ends
	ip -n b addr add 192.0.2.77/24 dev eth0
	ip -n b addr add fd09::77/64 dev eth0 nodad
	start adit-b b "$adit" run "$b"
	local endpoint
	for endpoint in 192.0.2.77:51820 '[fd09::77]:51820'; do
		sed "s/^Endpoint = .*/Endpoint = $endpoint/" "$a" >"$dir/adit-a.conf"
		start adit-a a "$adit" run "$dir/adit-a.conf"
		wait_until 10 "address of adit-a" has_address a adit-a
		count_at b "right4 output udp sport 51820 ip saddr 192.0.2.77" \
			"right6 output udp sport 51820 ip6 saddr fd09::77" \
			"any output udp sport 51820"
		wait_until 15 "an answer" answers a 10.7.0.2
		expect_ping a 10.7.0.2
		expect_ping b 10.7.0.1
		[ "$(counted b any)" -ge 7 ] || fail "only $(counted b any) answers were counted"
		expect_equal "answers from $endpoint" "$(counted b any)" \
			$(($(counted b right4) + $(counted b right6)))
		endpoint_is a adit-a "$endpoint" || fail "b moved"
		stop adit-a
	done
	stop adit-b
}

# Row 39: the address that was used goes away, at either end.
test_used_address_is_removed() {
	run_both
	ip -n b addr add 192.0.2.77/24 dev eth0
	in_ns a wg set adit-a peer "$(in_ns a wg show adit-a peers)" endpoint 192.0.2.77:51820
	expect_ping a 10.7.0.2
	in_ns b ping -n -q -c 200 -i 0.01 -W 5 10.7.0.1 >"$dir/pings" &
	sleep 0.5
	ip -n b addr del 192.0.2.77/24 dev eth0
	wait $! || fail "no answer at all"
	local received
	received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$dir/pings")
	[ "$received" -ge 198 ] || fail "$received of 200 answers" # two were on their way
	endpoint_is a adit-a 192.0.2.2:51820 || fail "a does not follow b"
	# the only one a has, and for a while none
	ip -n a addr flush dev eth0
	! answers a 10.7.0.2 >/dev/null || fail "an answer without any address"
	ip -n a addr add 192.0.2.55/24 dev eth0
	wait_until 5 "traffic to go on" answers a 10.7.0.2
	expect_ping b 10.7.0.1
	endpoint_is b adit-b 192.0.2.55:51820 || fail "b does not follow a"
	stop_both
}

# The route moves to another link, and the source address with it.
test_route_changes() {
	run_both
	add_second_link
	ip -n b addr add 203.0.113.9/32 dev lo
	ip -n a route add 203.0.113.9 via 192.0.2.2
	in_ns a wg set adit-a peer "$(in_ns a wg show adit-a peers)" endpoint 203.0.113.9:51820
	expect_ping a 10.7.0.2
	expect_ping a 10.7.0.2 # the answers were seen: the source is known
	endpoint_is b adit-b 192.0.2.1:51820 || fail "not the first link"
	ip -n a route replace 203.0.113.9 via 198.51.100.2
	wait_until 5 "the new link's address" moves_to_the_new_link
	stop_both
}
moves_to_the_new_link() {
	answers a 10.7.0.2
	endpoint_is b adit-b 198.51.100.1:51820
}

# Routes of others do not move a hub to another of its addresses; its client's does.
test_hub_keeps_the_address_that_was_hit() {
	two_ends
	add_second_link
	ip -n b addr add 192.0.2.77/24 dev eth0
	sed "s/^Endpoint = .*/Endpoint = 192.0.2.77:51820/" "$a" >"$dir/adit-a.conf"
	start adit-b b "$adit" run "$b"
	start adit-a a "$adit" run "$dir/adit-a.conf"
	wait_until 10 "address of adit-b" has_address b adit-b
	wait_until 15 "an answer" answers a 10.7.0.2
	expect_ping a 10.7.0.2
	count_at b "right output udp sport 51820 ip saddr 192.0.2.77" "any output udp sport 51820"
	local change
	for change in "route add 203.0.113.0/24 dev lo" "route del 203.0.113.0/24 dev lo" \
		"route add default via 198.51.100.1 dev eth1" \
		"addr add 203.0.113.1/32 dev eth1" "addr del 203.0.113.1/32 dev eth1" \
		"rule add to 203.0.113.0/24 lookup 77" \
		"route add default via 198.51.100.1 table 77"; do
		# shellcheck disable=SC2086
		ip -n b $change
		in_ns b ping -n -q -i 0.05 -W 10 -c 10 10.7.0.1 >"$dir/ping" ||
			fail "after \"$change\": $(tail -n 3 "$dir/ping")"
		expect_equal "from the right address after \"$change\"" "$(counted b any)" \
			"$(counted b right)"
	done
	[ "$(counted b any)" -ge 70 ] || fail "only $(counted b any) packets were counted"
	# a rule and a route that send its packets over the other link
	ip -n b rule add from 192.0.2.77 lookup 77
	wait_until 5 "the first link's own address" moves_to 192.0.2.2
	ip -n b route add 192.0.2.1/32 via 198.51.100.1
	wait_until 5 "the other link's address" moves_to 198.51.100.2
	stop_both
}
add_second_link() {
	ip link add eth1 netns a type veth peer name eth1 netns b
	ip -n a addr add 198.51.100.1/24 dev eth1
	ip -n b addr add 198.51.100.2/24 dev eth1
	ip -n a link set eth1 up
	ip -n b link set eth1 up
}
moves_to() { # moves_to ADDRESS: of b, as a sees it
	answers b 10.7.0.1
	endpoint_is a adit-a "$1:51820"
}

# ---------------------------------------------------------------- NAT
# a behind n, which forgets after 2 s; only a can begin
add_nat() {
	add_ns a n b
	ip link add eth0 netns a type veth peer name to-a netns n
	ip link add eth0 netns b type veth peer name to-b netns n
	ip -n a addr add 10.99.0.2/24 dev eth0
	ip -n n addr add 10.99.0.1/24 dev to-a
	ip -n n addr add 192.0.2.1/24 dev to-b
	ip -n b addr add 192.0.2.2/24 dev eth0
	local ns
	for ns in a b; do
		ip -n $ns link set eth0 up
		ip -n n link set to-$ns up
	done
	ip -n a route add default via 10.99.0.1
	in_ns n sysctl -qw net.ipv4.ip_forward=1
	in_ns n nft -f - 2>"$dir/nft" <<-END || no_nat
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority 100
				oifname to-b masquerade random
			}
		}
	END
	in_ns n sysctl -qw net.netfilter.nf_conntrack_udp_timeout=2 \
		net.netfilter.nf_conntrack_udp_timeout_stream=2
	wait_until 5 "link of b" has_carrier b
}

no_nat() {
	echo "no NAT here: $(head -n 1 "$dir/nft")"
	exit 77
}

test_slow_nat_that_forgets() {
	add_nat
	sed '/^\[Peer\]/a PersistentKeepalive = 1' "$a" >"$dir/adit-a.conf"
	sed '/^Endpoint/d' "$b" >"$dir/adit-b.conf"
	start adit-b b "$adit" run "$dir/adit-b.conf"
	wait_until 10 "address of adit-b" has_address b adit-b
	start adit-a a "$adit" run "$dir/adit-a.conf"
	wait_until 10 "a handshake" handshake_done
	local i
	for i in 1 2 3; do
		sleep 5 # nothing but keepalives
		expect_ping b 10.7.0.1 1
	done
	# without them n forgets: so it was they that kept it
	in_ns a wg set adit-a peer "$(in_ns a wg show adit-a peers)" persistent-keepalive 0
	sleep 5
	! answers b 10.7.0.1 >/dev/null || fail "answered through a NAT that should have forgotten"
	# whatever port n gives next, b follows
	expect_ping a 10.7.0.2
	expect_ping b 10.7.0.1
	stop_both
}
handshake_done() { [ "$(in_ns b wg show adit-b latest-handshakes | cut -f2)" != 0 ]; }

# ---------------------------------------------------------------- clocks
# Row 10. The clock cannot be set here, so the first life is made to send stamps of
# the future: for later ones it is as if their clock had been set back.
test_clock_set_back() {
	two_ends
	local year label mark=/var/lib/adit/adit-a.stamp
	year=$(date -u -d '+10 years' +%Y)
	label=$((0x400000000000000a + $(date -d '+10 years' +%s)))
	mkdir -m 700 /var/lib/adit
	printf 'adit-stamp 1 @%016x%08x\n' $label 0 >$mark
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-b" has_address b adit-b
	local end
	for end in TERM KILL TERM; do
		start adit-a a "$adit" run "$a"
		wait_until 10 "address of adit-a" has_address a adit-a
		wait_until 15 "an answer" answers a 10.7.0.2
		stop adit-a $end || true
		wait_until 5 "its link to go" no_link_a
		test -s $mark || fail "the mark went with it"
	done
	expect_equal "lines about stamps" 0 "$(grep -c stamp "$dir/adit-a.log" || true)"
	# without the mark it is shut out, and told why
	rm $mark
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	! answers a 10.7.0.2 >/dev/null || fail "answered a stamp of the past"
	expect_match "what b says" "refused: its time, $(date -u +%Y)-.* UTC, is not after that of \
the last one, $year-.* UTC" "$(cat "$dir/adit-b.log")"
	[ "$(drops b adit-b stamp)" -ge 1 ] || fail "not counted"
	# the way out that it names
	local key
	key=$(in_ns b wg show adit-b peers)
	in_ns b wg showconf adit-b >"$dir/b.conf"
	in_ns b wg set adit-b peer "$key" remove
	in_ns b wg addconf adit-b <(sed -n '/^\[Peer\]/,$p' "$dir/b.conf")
	wait_until 15 "an answer after all" answers a 10.7.0.2
	stop_both
}
no_link_a() { ! ip -n a link show adit-a 2>/dev/null; }

test_nowhere_to_keep_the_mark() {
	two_ends
	mount -t tmpfs -o ro tmpfs /var/lib
	start adit-a a "$adit" run "$a"
	start adit-b b "$adit" -f adit-b
	wait_until 5 "control socket of adit-b" test -S /run/wireguard/adit-b.sock
	grep -v ^Address "$b" >"$dir/b.conf"
	in_ns b wg setconf adit-b "$dir/b.conf"
	ip -n b addr add 10.7.0.2/24 dev adit-b
	ip -n b link set adit-b up
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 15 "an answer" answers a 10.7.0.2
	local end
	for end in a b; do
		expect_equal "lines about the mark of $end" 1 "$(grep -c \
			'stamp cannot be written (Read-only file system)' "$dir/adit-$end.log")"
	done
	stop_both
}

# ---------------------------------------------------------------- the path's MTU
demotions() { # demotions ADDRESS: how often a said that it sends to there one by one
	grep -cF "packets to $1:51820 go one by one" "$dir/adit-a.log" || true
}

# It takes 1280 bytes and outer packets have up to 1500: bursts cannot leave as one, and
# all leaves in fragments. What waits for a handshake is such a burst.
test_path_narrower_than_packets() {
	two_ends
	local end ping
	for end in a b; do
		sed '/^\[Interface\]/a MTU = 1420' "${!end}" >"$dir/adit-$end.conf"
		chmod 600 "$dir/adit-$end.conf"
		ip -n $end link set eth0 mtu 1280
	done
	start adit-a a "$adit" run "$dir/adit-a.conf"
	wait_until 10 "address of adit-a" has_address a adit-a
	in_ns a ping -n -q -c 8 -i 0.01 -s 1372 -W 20 10.7.0.2 >"$dir/ping" &
	ping=$!
	wait_until 10 "pings that wait for b" said a "no answer from 192.0.2.2:51820"
	start adit-b b "$adit" run "$dir/adit-b.conf"
	wait $ping || fail "what had to wait did not get through: $(tail -n 3 "$dir/ping")"
	expect_equal "lines about 192.0.2.2" 1 "$(demotions 192.0.2.2)"
	transfer a b 10.7.0.2 8
	transfer b a 10.7.0.1 8
	expect_equal "lines about 192.0.2.2" 1 "$(demotions 192.0.2.2)"
	in_ns a wg set adit-a peer "$(in_ns a wg show adit-a peers)" endpoint '[fd09::2]:51820'
	expect_ping a 10.7.0.2
	transfer a b fd07::2 8
	transfer b a fd07::1 8
	expect_equal "lines about fd09::2" 1 "$(demotions '[fd09::2]')"
	for end in a b; do
		expect_equal "packets that $end could not send" 0 \
			"$(drops $end adit-$end send)"
	done
	stop_both
}
said() { grep -qF "$2" "$dir/adit-$1.log"; }

run_tests 10 "$@"

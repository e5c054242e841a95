#!/bin/bash
# Scenarios in which the Linux kernel tests its WireGuard, as ours: what goes through,
# and which way.
. "$(dirname "$0")/lib.sh"
. "$tests_dir/netns/pair.sh"

# ---------------------------------------------------------------- what goes through
passage() { # passage 4|6 OUTER-MTU
	tunnel "$1" "$2"
	local mtu=$(($2 - 80)) tx rx
	expect_ping a 10.7.0.2 10
	read -r rx tx < <(transferred a)
	expect_match "bytes of the initiator" '^(1428|1460)$' "$tx"
	expect_equal "bytes of the responder" 1372 "$rx"
	expect_equal "rx and tx of the responder" "$tx $rx" "$(transferred b)"
	expect_fits a 10.7.0.2 $((mtu - 28)) $((mtu - 27))
	expect_fits b fd07::1 $((mtu - 48)) $((mtu - 47))
	transfer a b 10.7.0.2 8
	transfer b a fd07::1 8
	stop_ends
}
expect_fits() { # expect_fits NAMESPACE ADDRESS SIZE TOO-MUCH: without a fragment
	in_ns "$1" ping -n -q -c 1 -W 5 -M do -s "$3" "$2" >/dev/null || fail "size $3 to $2"
	! in_ns "$1" ping -n -c 1 -W 1 -M do -s "$4" "$2" >"$dir/ping" 2>&1 || fail "size $4 to $2"
	expect_match "what is too long" 'too long' "$(cat "$dir/ping")"
	in_ns "$1" ping -n -q -c 1 -W 5 -s "$4" "$2" >/dev/null || fail "fragments of $4 to $2"
}
test_passage_v4() { passage 4 1500; }
test_passage_v6() { passage 6 1500; }
test_passage_v4_jumbo() { passage 4 9000; }
test_passage_v6_jumbo() { passage 6 9000; }

# A route's MTU below the device's: nothing on the link is longer than it allows.
route_mtu() { # route_mtu 4|6 LONGEST-OUTER-PACKET
	tunnel "$1"
	ip -n a route add 10.7.0.2/32 dev wga mtu 1280
	ip -n a route add fd07::2/128 dev wga mtu 1280
	ip -n b route add 10.7.0.1/32 dev wgb mtu 1280
	ip -n b route add fd07::1/128 dev wgb mtu 1280
	cut_early a b
	local end
	for end in a b; do
		in_ns $end nft -f - <<-END
			table inet longest {
				chain input {
					type filter hook prerouting priority 0
					iifname eth0 meta length > $2 counter drop
				}
			}
		END
	done
	expect_fits a 10.7.0.2 1252 1253
	expect_fits b fd07::1 1232 1233
	transfer a b 10.7.0.2 4
	transfer b a fd07::1 4
	for end in a b; do
		expect_equal "packets at $end that were too long" 0 \
			"$(in_ns $end nft list table inet longest |
				sed -n 's/.*packets \([0-9]*\).*/\1/p')"
	done
}
test_route_mtu_v4() { route_mtu 4 $((1280 + 60)); }
test_route_mtu_v6() { route_mtu 6 $((1280 + 80)); }

# A tunnel whose outer packets go through the first one.
tunnel_in_tunnel() { # tunnel_in_tunnel 4|6 ADDRESS-OF-B-IN-THE-FIRST
	tunnel "$1"
	local end
	for end in a b; do
		sed "s/^ListenPort.*/ListenPort = 51821/; s/^MTU.*/MTU = 1340/; s/10\.7\./10.8./g
			s/fd07:/fd08:/g; s/^Endpoint.*/Endpoint = $2:51821/" \
			"$dir/wg$end.conf" >"$dir/in$end.conf"
		start in$end $end "$adit" run "$dir/in$end.conf"
		wait_until 10 "routes through in$end" leads_through $end in$end fd08::3
		wait_until 10 "routes through in$end" leads_through $end in$end 10.8.0.3
	done
	expect_fits a 10.8.0.2 1312 1313
	expect_fits b fd08::1 1292 1293
	transfer a b 10.8.0.2 4
	transfer b a fd08::1 4
	local through
	read -r through _ < <(transferred b)
	[ "$through" -gt $((4 * 1048576)) ] || fail "only $through bytes went through the outer one"
}
test_tunnel_in_tunnel_v4() { tunnel_in_tunnel 4 10.7.0.2; }
test_tunnel_in_tunnel_v6() { tunnel_in_tunnel 6 '[fd07::2]'; }

# Onion routing: one interface rides on itself, a peer's endpoint is behind another peer.
test_peer_behind_a_peer() {
	tunnel 4
	local key_c
	key_c=$(wg genkey)
	write_config 2 "$key_c" "$public_a" 1340 | sed "s/^ListenPort.*/ListenPort = 51821/
		s/10\.7\./10.8./g; s/fd07:/fd08:/g" >"$dir/wgc.conf"
	start wgc b "$adit" run "$dir/wgc.conf"
	wait_until 10 "routes through wgc" leads_through b wgc 10.8.0.3
	ip -n a addr add 10.8.0.1/24 dev wga
	in_ns a wg set wga peer "$(wg pubkey <<<"$key_c")" endpoint 10.7.0.2:51821 \
		allowed-ips 10.8.0.2/32
	expect_ping a 10.8.0.2
	expect_ping b 10.8.0.1
	in_ns a ping -n -q -c 1 -W 5 -s 4000 10.8.0.2 >/dev/null || fail "fragments of fragments"
	transfer a b 10.8.0.2 4
}

# ---------------------------------------------------------------- roaming
roaming() { # roaming 4|6 PREFIX OPEN CLOSE: addresses of the link, and brackets around
	tunnel "$1"
	expect_ping a 10.7.0.2
	move a "$2" 1 11
	expect_ping a 10.7.0.2
	expect_equal "where b sees a" "$3${2}11$4:51820" "$(endpoint b)"
	move b "$2" 2 12
	expect_ping b fd07::1
	expect_equal "where a sees b" "$3${2}12$4:51820" "$(endpoint a)"
	expect_ping a fd07::2
	move b "$2" 12 2
	move a "$2" 11 1
	! in_ns a ping -n -q -c 1 -W 1 10.7.0.2 >/dev/null || fail "both moved, and yet they meet"
	in_ns a wg set wga peer "$public_b" endpoint "$3${2}2$4:51820"
	expect_ping a 10.7.0.2
	expect_equal "where b sees a" "$3${2}1$4:51820" "$(endpoint b)"
}
move() { # move NAMESPACE PREFIX FROM TO
	local len=24
	[[ $2 != *: ]] || len="64 nodad"
	ip -n "$1" addr del "$2$3/${len% *}" dev eth0
	ip -n "$1" addr add "$2$4"/$len dev eth0
}
test_roaming_v4() { roaming 4 10.9.0. "" ""; }
test_roaming_v6() { roaming 6 fd09:: "[" "]"; }

test_roaming_between_versions() {
	tunnel 4
	expect_ping a 10.7.0.2
	in_ns a wg set wga peer "$public_b" endpoint '[fd09::2]:51820'
	expect_ping a 10.7.0.2
	expect_equal "where b sees a" "[fd09::1]:51820" "$(endpoint b)"
	ip -n b addr del fd09::2/64 dev eth0
	in_ns b wg set wgb peer "$public_a" endpoint 10.9.0.1:51820
	expect_ping b 10.7.0.1
	expect_equal "where a sees b" "10.9.0.2:51820" "$(endpoint a)"
}

# ---------------------------------------------------------------- routes
# Where the endpoint's route leads back into the tunnel, also in fragments.
routing_loop() { # routing_loop 4|6 INNER-ADDRESS-OF-B
	tunnel "$1"
	expect_ping a 10.7.0.2
	local before after size outer=outer$1
	in_ns a wg set wga peer "$public_b" endpoint "$2:51820"
	for size in 56 1300 1372; do
		read -r _ before < <(transferred a)
		! in_ns a ping -n -q -c 10 -i 0.01 -W 1 -s $size fd07::2 >/dev/null ||
			fail "answered"
		sleep 0.3
		read -r _ after < <(transferred a)
		[ $((after - before)) -lt 70000 ] || fail "the loop cost $((after - before)) bytes"
	done
	[ "$(dropped a loop)" -ge 30 ] || fail "$(dropped a loop) packets were counted as a loop"
	in_ns a wg set wga peer "$public_b" endpoint "${!outer}:51820"
	expect_ping a 10.7.0.2
}
test_routing_loop_v4() { routing_loop 4 10.7.0.2; }
test_routing_loop_v6() { routing_loop 6 '[fd07::2]'; }

# Namespace c with wgc (10.7.0.3), a's second peer, at 10.29.0.3 on a link of its own
third_end() { # third_end a|b ADDRESS-OF-A: the link leads there; c knows a by the address
	add_ns c
	ip link add eth2 netns "$1" type veth peer name eth0 netns c
	ip -n "$1" addr add 10.29.0.1/24 dev eth2
	ip -n c addr add 10.29.0.3/24 dev eth0
	ip -n "$1" link set eth2 up
	ip -n c link set eth0 up
	ip -n c route add default via 10.29.0.1
	key_c=$(wg genkey)
	public_c=$(wg pubkey <<<"$key_c")
	write_config 3 "$key_c" "$public_a" 1280 | sed '/^AllowedIPs/d' >"$dir/wgc.conf"
	printf 'AllowedIPs = 10.7.0.1/32\nEndpoint = %s:51820\n' "$2" >>"$dir/wgc.conf"
	in_ns a wg set wga peer "$public_c" allowed-ips 10.7.0.3/32
	start wgc c "$adit" run "$dir/wgc.conf"
	wait_until 10 "routes through wgc" leads_through c wgc 10.7.0.1
}
sent_by_a() { in_ns a wg show wga transfer | awk '{ n += $3 } END { print n }'; }

# The endpoint of each of two peers lies in the other's tunnel, also in fragments.
test_routing_loop_of_two_peers() {
	tunnel 4
	third_end a 10.29.0.1
	expect_ping a 10.7.0.2
	expect_ping c 10.7.0.1
	local before size
	in_ns a wg set wga peer "$public_b" endpoint 10.7.0.3:51820
	in_ns a wg set wga peer "$public_c" endpoint 10.7.0.2:51820
	for size in 56 1300 1372; do
		before=$(sent_by_a)
		! in_ns a ping -n -q -c 10 -i 0.01 -W 1 -s $size 10.7.0.2 >/dev/null ||
			fail "answered"
		sleep 0.3
		[ $(($(sent_by_a) - before)) -lt 140000 ] ||
			fail "the loop cost $(($(sent_by_a) - before)) bytes"
	done
	[ "$(drops a wga loop)" -ge 30 ] || fail "$(drops a wga loop) were counted as a loop"
	in_ns a wg set wga peer "$public_b" endpoint 10.9.0.2:51820
	in_ns a wg set wga peer "$public_c" endpoint 10.29.0.3:51820
	expect_ping a 10.7.0.2
	expect_ping a 10.7.0.3
}

# c has a link with b only: what a sends it goes inside what it sends b, and back. First
# c looks for a, which does not know where c is.
test_peer_behind_another() {
	tunnel 4
	third_end b 10.8.0.1
	in_ns b sysctl -qw net.ipv4.ip_forward=1
	in_ns b wg set wgb peer "$public_a" allowed-ips 10.7.0.1/32,10.8.0.1/32
	in_ns a wg set wga peer "$public_b" allowed-ips 10.7.0.2/32,10.29.0.0/24
	ip -n a addr add 10.8.0.1/32 dev wga
	ip -n a route replace 10.29.0.0/24 dev wga src 10.8.0.1
	ip -n b route replace 10.8.0.1/32 dev wgb
	expect_ping a 10.7.0.2
	expect_ping c 10.7.0.1
	expect_ping a 10.7.0.3 20
	in_ns a ping -n -q -c 3 -i 0.05 -W 5 -s 4000 10.7.0.3 >/dev/null || fail "fragments"
	expect_equal "where a sees c" 10.29.0.3:51820 \
		"$(in_ns a wg show wga endpoints | awk -v key="$public_c" '$1 == key { print $2 }')"
	expect_equal "packets taken for a loop" 0 "$(drops a wga loop)"
	# and the other way: a looks for c
	in_ns a wg set wga peer "$public_c" remove
	in_ns a wg set wga peer "$public_c" allowed-ips 10.7.0.3/32 endpoint 10.29.0.3:51820
	expect_ping a 10.7.0.3 20
	expect_equal "packets taken for a loop" 0 "$(drops a wga loop)"
}

# A rule for the mark leads the outer packets over another link, also those of a program
# that has bound its socket to the tunnel (SO_BINDTODEVICE).
mark_reroute() { # mark_reroute 4|6 ADDRESS-OF-B GATEWAY
	tunnel "$1"
	ip link add eth1 netns a type veth peer name eth1 netns b
	local end n=1
	for end in a b; do
		ip -n $end addr add 10.19.0.$n/24 dev eth1
		ip -n $end addr add fd19::$n/64 dev eth1 nodad
		ip -n $end link set eth1 up
		n=$((n + 1))
	done
	ip -n a -$1 route add "$2" via "$3" dev eth1 table 100
	ip -n a -$1 rule add fwmark 0x51 table 100
	count_at b prerouting 'iifname eth1 udp dport 51820'
	count_at b input 'iifname eth0 udp dport 51820'
	expect_ping a 10.7.0.2
	expect_equal "packets over the other link" 0 "$(counted_at b prerouting)"
	local plain
	plain=$(counted_at b input)
	in_ns a wg set wga fwmark 0x51
	expect_ping a 10.7.0.2 5
	expect_equal "packets over the first link" "$plain" "$(counted_at b input)"
	expect_equal "packets over the other link" 5 "$(counted_at b prerouting)"
	in_ns a ping -n -q -i 0.05 -W 5 -c 5 -I wga 10.7.0.2 >/dev/null || fail "bound to wga"
	expect_equal "packets over the other link" 10 "$(counted_at b prerouting)"
	in_ns a wg set wga fwmark off
	expect_ping a 10.7.0.2 5
	expect_equal "packets over the first link" $((plain + 5)) "$(counted_at b input)"
	expect_equal "packets over the other link" 10 "$(counted_at b prerouting)"
}
test_mark_reroute_v4() { mark_reroute 4 10.9.0.2 10.19.0.2; }
test_mark_reroute_v6() { mark_reroute 6 fd09::2 fd19::2; }

# As wg-quick routes everything: the endpoint behind the default route, strict filters.
policy_routing() { # policy_routing 4|6 OUTER-ADDRESS-OF-B GATEWAY INNER-ADDRESS
	tunnel "$1"
	local bits=32 all=0.0.0.0/0
	[ "$1" = 4 ] || bits=128 all=::/0
	ip -n b addr add "$2/$bits" dev lo
	ip -n b addr add "$4/$bits" dev lo
	ip -n a -$1 route add default via "$3" dev eth0
	in_ns a sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.all.src_valid_mark=1
	in_ns a wg set wga fwmark 51820 peer "$public_b" allowed-ips 0.0.0.0/0,::/0 \
		endpoint "$(sed 's/.*:.*/[&]/' <<<"$2"):51820"
	ip -n a -$1 rule add not fwmark 51820 table 51820
	ip -n a -$1 rule add table main suppress_prefixlength 0
	ip -n a -$1 route add $all dev wga table 51820
	in_ns a nft -f - <<-END
		table inet marks {
			chain save {
				type filter hook postrouting priority mangle
				meta l4proto udp mark 51820 ct mark set mark
			}
			chain restore {
				type filter hook prerouting priority mangle
				meta l4proto udp meta mark set ct mark
			}
		}
	END
	count_at b input 'iifname wgb'
	expect_ping a "$4"
	expect_equal "pings through the tunnel" 3 "$(counted_at b input)"
	expect_equal "where b is" "$(sed 's/.*:.*/[&]/' <<<"$2"):51820" "$(endpoint a)"
	transfer a b "$4" 4
	# what others than us have to say to b's outer address goes through the tunnel, too
	in_ns a ping -n -q -c 1 -W 5 -s 4000 "$2" >/dev/null || fail "fragments to b's endpoint"
	stop wga
	expect_ping a "$4"
}
test_policy_routing_v4() { policy_routing 4 203.0.113.9 10.9.0.2 198.51.100.7; }
test_policy_routing_v6() { policy_routing 6 2001:db8:113::9 fd09::2 2001:db8:51::7; }

# Who sends to nobody, or to a peer that is nowhere, hears so at once.
test_unreachable() {
	tunnel 4
	expect_unreachable b 10.7.0.1 'Destination Host Unreachable'
	expect_unreachable b fd07::1 'Destination unreachable: Address unreachable'
	expect_unreachable a 10.7.0.77 'Destination Host Unreachable'
	expect_unreachable a fd07::77 'Destination unreachable: Address unreachable'
	expect_equal "packets for a peer without an endpoint" 2 "$(dropped b no-endpoint)"
	expect_equal "packets for nobody" 2 "$(dropped a no-peer)"
	expect_ping a 10.7.0.2
	expect_ping b fd07::1
}
expect_unreachable() { # expect_unreachable NAMESPACE ADDRESS TEXT
	local before
	before=$(clock_ms)
	! in_ns "$1" ping -n -c 1 -W 5 "$2" >"$dir/ping" || fail "$2 answered"
	[ $(($(clock_ms) - before)) -lt 2000 ] || fail "ping to $2 had to wait"
	expect_match "ping to $2" "$3" "$(cat "$dir/ping")"
}

run_tests 21 "$@"

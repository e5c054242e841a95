#!/bin/bash
# Scenarios in which the Linux kernel tests its WireGuard, as ours: who may do what,
# when keys change, and when somebody was away.
. "$(dirname "$0")/lib.sh"
. "$tests_dir/netns/pair.sh"

# ---------------------------------------------------------------- who may do what
# Regressions 12: what a peer sends from an address that is not its own is dropped, and
# counted.
test_source_filter() {
	tunnel 4
	expect_ping a 10.7.0.2
	ip -n a addr add 10.7.0.9/32 dev wga
	ip -n a addr add fd07::9/128 dev wga nodad
	count_at b input 'iifname wgb'
	! in_ns a ping -n -q -c 3 -i 0.1 -W 1 -I 10.7.0.9 10.7.0.2 >/dev/null || fail "answered"
	! in_ns a ping -n -q -c 4 -i 0.1 -W 1 -I fd07::9 fd07::2 >/dev/null || fail "answered"
	expect_equal "packets dropped for their source" 7 "$(dropped b source)"
	expect_equal "packets that reached b's system" 0 "$(counted_at b input)"
	# also when another peer may use it
	in_ns b wg set wgb peer "$(wg genkey | wg pubkey)" allowed-ips 10.7.0.9/32
	! in_ns a ping -n -q -c 1 -W 1 -I 10.7.0.9 10.7.0.2 >/dev/null || fail "another's address"
	expect_equal "packets dropped for their source" 8 "$(dropped b source)"
	in_ns b wg set wgb peer "$public_a" allowed-ips 10.7.0.1/32,fd07::1/128,10.7.0.9/32
	in_ns a ping -n -q -c 1 -W 5 -I 10.7.0.9 10.7.0.2 >/dev/null || fail "allowed, no answer"
}

test_peer_with_our_own_key() {
	tunnel 4
	local before
	before=$(in_ns a wg showconf wga)
	in_ns a wg set wga peer "$public_a" endpoint 10.9.0.2:51820 persistent-keepalive 1 \
		allowed-ips 10.7.0.2/32
	expect_equal "the configuration" "$before" "$(in_ns a wg showconf wga)"
	expect_ping a 10.7.0.2
	# a peer whose key becomes ours goes
	in_ns a wg set wga private-key <(echo "$key_b")
	expect_equal "peers" "" "$(in_ns a wg show wga peers)"
}

# Regressions 19: the points of low order, in every encoding that X25519 reads as one of
# them. With such a peer there is no secret, so it never gets a packet.
test_slow_low_order_keys() {
	tunnel 4
	local key number=1 keys=(
		AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
		AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
		4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=
		X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=
		7P///////////////////////////////////////38=
		7f///////////////////////////////////////38=
		7v///////////////////////////////////////38=
	)
	count_at b prerouting 'udp dport 9999'
	for key in "${keys[@]}"; do
		in_ns a wg set wga peer "$key" endpoint 10.9.0.2:9999 persistent-keepalive 1 \
			allowed-ips 10.66.0.$number/32
		ip -n a route add 10.66.0.$number/32 dev wga
		in_ns a ping -n -q -c 1 -W 0.1 10.66.0.$number >/dev/null || true
		number=$((number + 1))
	done
	sleep 6 # a Rekey-Timeout
	expect_equal "peers that we have" 8 "$(in_ns a wg show wga peers | wc -l)"
	expect_equal "packets to such peers" 0 "$(counted_at b prerouting)"
	expect_ping a 10.7.0.2
	# a key that is none of them would have got some
	in_ns a wg set wga peer "$(wg genkey | wg pubkey)" endpoint 10.9.0.2:9999 \
		persistent-keepalive 1
	wait_until 5 "an initiation to any other key" has_counted b prerouting 1
}

test_many_allowed_ips() {
	tunnel 4
	local many
	many=$(wg genkey | wg pubkey)
	awk 'BEGIN {
		for (i = 1; i < 256; i++)
			for (j = 0; j < 256; j++)
				printf "%d.%d.0.0/16\n%d::%s/128\n", i, j, i, j ? j : ""
	}' | sort >"$dir/prefixes"
	{
		printf '[Peer]\nPublicKey = %s\n' "$many"
		sed 's/^/AllowedIPs = /' "$dir/prefixes"
	} >"$dir/many.conf"
	in_ns a wg addconf wga "$dir/many.conf"
	in_ns a wg show wga allowed-ips | sed -n "s,^$many\t,,p" | tr ' ' '\n' | sort >"$dir/got"
	cmp "$dir/prefixes" "$dir/got" >&2 || fail "$(wc -l <"$dir/got") prefixes, or others"
	# the longest still wins, and the new ones lead to the new peer
	expect_ping a 10.7.0.2
	ip -n a route add 99.0.0.0/8 dev wga
	! in_ns a ping -n -q -c 1 -W 1 99.88.7.6 >/dev/null || fail "answered without an endpoint"
	expect_equal "packets for a peer without an endpoint" 1 "$(dropped a no-endpoint)"
	in_ns a wg set wga peer "$many" remove
	! in_ns a ping -n -q -c 1 -W 1 99.88.7.6 >/dev/null || fail "answered without a peer"
	expect_equal "packets for nobody" 1 "$(dropped a no-peer)"
	expect_ping a 10.7.0.2
}

# ---------------------------------------------------------------- keys change
# Regressions 20
test_keys_change_under_traffic() {
	tunnel 4
	expect_ping a 10.7.0.2
	start pings a ping -n -q -i 0.02 10.7.0.2
	local key
	# a preshared key counts from the next handshake on
	(umask 077 && wg genpsk >"$dir/psk")
	in_ns a wg set wga peer "$public_b" preshared-key "$dir/psk"
	expect_ping a 10.7.0.2
	in_ns b wg set wgb peer "$public_a" preshared-key "$dir/psk"
	expect_ping a 10.7.0.2
	# a private key counts at once, as soon as the other end knows it
	key=$(wg genkey)
	in_ns b wg set wgb peer "$(wg pubkey <<<"$key")" preshared-key "$dir/psk" \
		allowed-ips 10.7.0.1/32,fd07::1/128
	in_ns a wg set wga private-key <(echo "$key")
	wait_until 7 "an answer with a's new key" in_ns a ping -n -q -c 1 -W 0.2 10.7.0.2
	in_ns b wg set wgb peer "$public_a" remove
	expect_ping a 10.7.0.2
	key=$(wg genkey)
	in_ns b wg set wgb private-key <(echo "$key")
	! in_ns a ping -n -q -c 2 -W 0.2 -i 0.2 10.7.0.2 >/dev/null || fail "b's old key counts"
	in_ns a wg set wga peer "$(wg pubkey <<<"$key")" preshared-key "$dir/psk" \
		endpoint 10.9.0.2:51820 allowed-ips 10.7.0.2/32,fd07::2/128
	wait_until 7 "an answer with b's new key" in_ns a ping -n -q -c 1 -W 0.2 10.7.0.2
	expect_ping b fd07::1
	stop pings INT
	expect_match "pings meanwhile" ' [0-9]{2,} received' "$(cat "$dir/pings.log")"
}

test_key_change_during_a_handshake() {
	tunnel 4
	local key
	in_ns a nft -f - <<-END
		table inet block {
			chain answers {
				type filter hook input priority 0
				udp sport 51820 drop
			}
		}
	END
	! in_ns a ping -n -q -c 1 -W 0.5 10.7.0.2 >/dev/null || fail "not blocked"
	key=$(wg genkey)
	in_ns b wg set wgb peer "$(wg pubkey <<<"$key")" allowed-ips 10.7.0.1/32,fd07::1/128
	in_ns a nft delete table inet block
	in_ns a wg set wga private-key <(echo "$key")
	wait_until 2 "an answer" in_ns a ping -n -q -c 1 -W 0.5 10.7.0.2
	expect_equal "handshakes under the old key" "0" \
		"$(in_ns b wg show wgb latest-handshakes | sed -n "s,^$public_a\t,,p")"
}

# ---------------------------------------------------------------- time
# An end that comes back without its sessions: whoever knows where the other is
# begins anew, after 15 s in which nothing came back.
restart_under_traffic() { # restart_under_traffic END THE-OTHER ITS-PARTNER SECONDS
	tunnel 4
	expect_ping a 10.7.0.2
	start pings "$2" ping -n -q -i 0.05 "$3"
	sleep 0.5
	stop "wg$1"
	run_end "$1"
	wait_until "$4" "an answer after the restart" in_ns a ping -n -q -c 1 -W 0.3 10.7.0.2
	expect_ping a 10.7.0.2
	expect_ping b fd07::1
	stop pings INT
}
test_slow_restart_of_the_responder() { restart_under_traffic b a 10.7.0.2 21; }
test_slow_restart_of_the_initiator() { restart_under_traffic a b 10.7.0.1 3; }

# Regressions 4
test_slow_idle_is_silent() {
	tunnel 4
	expect_ping a 10.7.0.2
	expect_ping b fd07::1
	sleep 11 # until the last keepalive
	count_at b prerouting 'iifname eth0 udp dport 51820'
	count_at b postrouting 'oifname eth0 udp sport 51820'
	sleep 30
	expect_equal "packets from a" 0 "$(counted_at b prerouting)"
	expect_equal "packets from b" 0 "$(counted_at b postrouting)"
	expect_ping a 10.7.0.2
	[ "$(counted_at b prerouting)" -ge 3 ] || fail "nothing would have been counted"
}

run_tests 9 "$@"

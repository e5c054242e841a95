#!/bin/bash
# adit against wireguard-go, Debian's package: each as initiator, with and without
# a preshared key, over IPv4 and over IPv6.
. "$(dirname "$0")/../netns/lib.sh"

# Namespace a has adit as wga, namespace b has wireguard-go as wgb. Only the
# initiator knows where the other is.
set_up() { # set_up INITIATOR PRESHARED-KEY|"" OUTER-ADDRESS-OF-A OUTER-ADDRESS-OF-B
	local key_a key_b psk=${2:+PresharedKey = $2} to_a="" to_b=""
	key_a=$("$adit" genkey)
	key_b=$(wg genkey)
	if [ "$1" = adit ]; then to_b="Endpoint = $4:51820"; else to_a="Endpoint = $3:51820"; fi
	add_ns a b
	add_link a b
	cat >"$dir/wga.conf" <<-END
		[Interface]
		PrivateKey = $key_a
		ListenPort = 51820
		Address = 10.7.0.1/24, fd07::1/64
		[Peer]
		PublicKey = $(wg pubkey <<<"$key_b")
		AllowedIPs = 10.7.0.2/32, fd07::2/128
		$psk
		$to_b
	END
	cat >"$dir/wgb.conf" <<-END
		[Interface]
		PrivateKey = $key_b
		ListenPort = 51820
		[Peer]
		PublicKey = $("$adit" pubkey <<<"$key_a")
		AllowedIPs = 10.7.0.1/32, fd07::1/128
		$psk
		$to_a
	END
	start_wireguard_go
	start adit a "$adit" run "$dir/wga.conf"
	wait_until 10 "wga's address" address_is_set
}
address_is_set() { ip -n a addr show dev wga | grep -q 10.7.0.1; }

start_wireguard_go() {
	start wireguard-go b env LOG_LEVEL=verbose wireguard-go -f wgb
	wait_until 10 "wgb's control socket" test -S /run/wireguard/wgb.sock
	in_ns b wg setconf wgb "$dir/wgb.conf"
	ip -n b addr add 10.7.0.2/24 dev wgb
	ip -n b addr add fd07::2/64 dev wgb nodad
	ip -n b link set wgb up
}

exchange() { # exchange INITIATOR: first packet from there, then all ways
	local first=a first_to=10.7.0.2
	[ "$1" = adit ] || { first=b; first_to=10.7.0.1; }
	expect_ping $first $first_to
	expect_ping a 10.7.0.2
	expect_ping b 10.7.0.1
	expect_ping a fd07::2
	expect_ping b fd07::1
	transfer a b 10.7.0.2 8
	transfer b a fd07::1 8
	# one handshake was enough, and the initiator was who had to be
	local initiations
	initiations=$(grep -c 'Received handshake initiation' "$dir/wireguard-go.log" || true)
	expect_equal "initiations that wireguard-go received" \
		"$([ "$1" = adit ] && echo 1 || echo 0)" "$initiations"
	stop adit || fail "adit ended with status $?"
	stop wireguard-go
}

v4="10.9.0.1 10.9.0.2" v6="[fd09::1] [fd09::2]"
interop() { # interop INITIATOR PRESHARED-KEY|"" OUTER-ADDRESSES
	set_up "$1" "$2" $3
	exchange "$1"
}

test_adit_initiates_v4() { interop adit "" "$v4"; }
test_adit_initiates_v6() { interop adit "" "$v6"; }
test_adit_initiates_psk_v4() { interop adit "$(wg genpsk)" "$v4"; }
test_adit_initiates_psk_v6() { interop adit "$("$adit" genpsk)" "$v6"; }
test_go_initiates_v4() { interop wireguard-go "" "$v4"; }
test_go_initiates_v6() { interop wireguard-go "" "$v6"; }
test_go_initiates_psk_v4() { interop wireguard-go "$("$adit" genpsk)" "$v4"; }
test_go_initiates_psk_v6() { interop wireguard-go "$(wg genpsk)" "$v6"; }

test_mismatched_preshared_keys() {
	set_up adit "$(wg genpsk)" $v4
	in_ns b wg set wgb peer "$(wg show wgb peers)" preshared-key <(wg genpsk)
	! in_ns a ping -n -q -c 3 -i 0.2 -W 1 10.7.0.2 >/dev/null ||
		fail "answered in spite of different preshared keys"
	# and no key material was shared: mended, it works
	sed -n 's/^PresharedKey = //p' "$dir/wgb.conf" >"$dir/psk"
	in_ns b wg set wgb peer "$(wg show wgb peers)" preshared-key "$dir/psk"
	wait_until 15 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
}

run_tests 9 "$@"

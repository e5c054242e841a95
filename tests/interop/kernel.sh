#!/bin/bash
# adit against the WireGuard of the Linux kernel, Debian's, in an emulated machine
# (kernel_peer.sh). Where that cannot be had the tests are skipped.
peer=$(readlink -f "$(dirname "$0")")/kernel_peer.sh
if [ "${1-}" != --inside ]; then # once, before the worlds without a network
	build_status=0
	build_said=$("$peer" build 2>&1) || build_status=$?
	export build_status build_said
fi
. "$(dirname "$0")/../netns/lib.sh"
export KERNEL_PEER_RUN=/run/test

in_kernel() { "$peer" exec "set -e; $1"; }

# Namespace a has adit as wga, the kernel has wg0. Only the initiator knows where the
# other is.
set_up() { # set_up INITIATOR PRESHARED-KEY|"" OUTER-ADDRESS-OF-A OUTER-ADDRESS-OF-KERNEL
	local psk=${2:+PresharedKey = $2} to_a="" to_kernel="" key_a key_kernel
	[ "$1" = kernel ] || to_kernel="Endpoint = $4:51820"
	[ "$1" = adit ] || to_a="Endpoint = $3:51820"
	key_a=$("$adit" genkey) key_kernel=$(wg genkey)
	public_a=$("$adit" pubkey <<<"$key_a") public_kernel=$(wg pubkey <<<"$key_kernel")
	cat >"$dir/wga.conf" <<-END
		[Interface]
		PrivateKey = $key_a
		ListenPort = 51820
		Address = 10.7.0.1/24, fd07::1/64
		[Peer]
		PublicKey = $public_kernel
		AllowedIPs = 10.7.0.2/32, fd07::2/128
		$psk
		$to_kernel
	END
	cat >"$dir/wg0.conf" <<-END
		[Interface]
		PrivateKey = $key_kernel
		ListenPort = 51820
		[Peer]
		PublicKey = $public_a
		AllowedIPs = 10.7.0.1/32, fd07::1/128
		$psk
		$to_a
	END
	start_kernel
	start adit a "$adit" run "$dir/wga.conf"
	wait_until 10 "routes through wga" leads_to_wga 10.7.0.2
	wait_until 10 "routes through wga" leads_to_wga fd07::2
}
leads_to_wga() { ip -n a route get "$1" | grep -q 'dev wga'; }

start_kernel() {
	if [ "$build_status" != 0 ]; then
		echo "no kernel to test with: $build_said"
		exit "$build_status"
	fi
	add_ns a
	"$peer" start a
	ip -n a addr add 10.9.0.1/24 dev eth0
	ip -n a addr add fd09::1/64 dev eth0 nodad
	in_kernel "
		ip addr add 10.9.0.2/24 dev eth0
		ip addr add fd09::2/64 dev eth0
		echo '$(cat "$dir/wg0.conf")' >/tmp/wg0.conf
		ip link add wg0 type wireguard
		wg setconf wg0 /tmp/wg0.conf
		ip addr add 10.7.0.2/24 dev wg0
		ip addr add fd07::2/64 dev wg0
		ip link set wg0 up"
}

expect_ping_from_kernel() { # expect_ping_from_kernel ADDRESS: every one is answered
	in_kernel "ping -A -q -c 3 -W 5 $1" >"$dir/ping" ||
		fail "ping from the kernel to $1: $(cat "$dir/ping")"
	expect_match "ping from the kernel to $1" " 0% packet loss" "$(cat "$dir/ping")"
}

# expect_handshakes SENT RECEIVED: the initiations that the kernel's log has
expect_handshakes() {
	in_kernel dmesg >"$dir/kernel.log"
	expect_equal "initiations that the kernel sent" "$1" \
		"$(grep -c 'wg0: Sending handshake initiation' "$dir/kernel.log" || true)"
	expect_equal "initiations that the kernel received" "$2" \
		"$(grep -c 'wg0: Receiving handshake initiation' "$dir/kernel.log" || true)"
}
expect_one_handshake_by() { # expect_one_handshake_by INITIATOR
	if [ "$1" = adit ]; then expect_handshakes 0 1; else expect_handshakes 1 0; fi
}

tear_down() {
	stop adit || fail "adit ended with status $?"
	"$peer" stop
}

# ---------------------------------------------------------------- handshakes, pings
interop() { # interop INITIATOR PRESHARED-KEY|"" OUTER-ADDRESSES
	set_up "$1" "$2" $3
	[ "$1" = adit ] || expect_ping_from_kernel 10.7.0.1
	expect_ping a 10.7.0.2
	expect_ping a fd07::2
	expect_ping_from_kernel 10.7.0.1
	expect_ping_from_kernel fd07::1
	expect_one_handshake_by "$1"
	tear_down
}
v4="10.9.0.1 10.9.0.2" v6="[fd09::1] [fd09::2]"

test_adit_initiates_v4() { interop adit "" "$v4"; }
test_adit_initiates_v6() { interop adit "" "$v6"; }
test_adit_initiates_psk_v6() { interop adit "$("$adit" genpsk)" "$v6"; }
test_kernel_initiates_v4() { interop kernel "" "$v4"; }
test_kernel_initiates_v6() { interop kernel "" "$v6"; }
test_kernel_initiates_psk_v4() { interop kernel "$(wg genpsk)" "$v4"; }

test_mismatched_preshared_keys() {
	local psk
	psk=$(wg genpsk)
	set_up adit "$psk" $v4
	set_kernels_psk "$(wg genpsk)"
	! in_ns a ping -n -q -c 3 -i 0.2 -W 1 10.7.0.2 >/dev/null ||
		fail "answered in spite of different preshared keys"
	expect_match "what adit says about it" "response from 10.9.0.2:51820 .*PresharedKey" \
		"$(grep refused "$dir/adit.log" || true)"
	expect_equal "adit's latest handshake" 0 \
		"$(in_ns a wg show wga latest-handshakes | cut -f2)"
	# nothing else was wrong: mended, it works
	set_kernels_psk "$psk"
	wait_until 15 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	tear_down
}
set_kernels_psk() {
	in_kernel "echo $1 >/tmp/psk; wg set wg0 peer $public_a preshared-key /tmp/psk"
}

# ---------------------------------------------------------------- transfers
test_transfer_32_mib() {
	local bytes=$((32 * 1048576))
	set_up adit "" $v4
	in_kernel "nc -l -p 5000 </dev/null >/tmp/received &
		until netstat -ltn | grep -q :5000; do usleep 20000; done"
	head -c $bytes /dev/urandom >"$dir/sent"
	in_ns a "$pipe" send 10.7.0.2 5000 <"$dir/sent"
	expect_equal "SHA-256 from adit to the kernel" "$(sha256sum <"$dir/sent")" \
		"$(in_kernel "while pidof nc >/dev/null; do usleep 20000; done
			sha256sum </tmp/received")"

	in_ns a "$pipe" listen fd07::1 5000 >"$dir/received" &
	wait_until 5 "a listener" is_listening a 5000
	in_kernel "head -c $bytes /dev/urandom >/tmp/sent
		nc fd07::1 5000 </tmp/sent
		sha256sum </tmp/sent" >"$dir/sum"
	wait $!
	expect_equal "SHA-256 from the kernel to adit" "$(cat "$dir/sum")" \
		"$(sha256sum <"$dir/received")"
	expect_equal "bytes from the kernel to adit" $bytes "$(stat -c %s "$dir/received")"
	tear_down
}

# ---------------------------------------------------------------- rekeying
# the times of the latest handshake as both ends tell wg
handshake_times() {
	in_ns a wg show wga latest-handshakes | cut -f2
	in_kernel "wg show wg0 latest-handshakes" | cut -f2
}

rekey() { # rekey INITIATOR
	set_up "$1" "" $v4
	[ "$1" = adit ] || expect_ping_from_kernel 10.7.0.1
	expect_ping a 10.7.0.2
	local before after end names=(adit kernel)
	before=($(handshake_times))
	in_ns a ping -n -q -i 0.2 -W 5 -c 640 10.7.0.2 >"$dir/ping" ||
		fail "$(tail -n 3 "$dir/ping")"
	expect_match "pings across the rekeying" "640 received, 0% packet loss" \
		"$(cat "$dir/ping")"
	after=($(handshake_times))
	for end in 0 1; do
		expect_match "seconds to the next handshake, by ${names[end]}" '^(119|12[0-4])$' \
			$((after[end] - before[end]))
	done
	if [ "$1" = adit ]; then expect_handshakes 0 2; else expect_handshakes 2 0; fi
	tear_down
}
test_slow_adit_rekeys() { rekey adit; }
test_slow_kernel_rekeys() { rekey kernel; }

# ---------------------------------------------------------------- roaming
# Data alone moves the endpoint: no handshake but the first.
test_adit_roams() {
	set_up adit "" $v4
	expect_ping a 10.7.0.2
	expect_equal "where the kernel sees adit" 10.9.0.1:51820 "$(kernels_endpoint)"
	ip -n a addr del 10.9.0.1/24 dev eth0
	ip -n a addr add 10.9.0.3/24 dev eth0
	expect_ping a 10.7.0.2
	expect_equal "where the kernel sees adit" 10.9.0.3:51820 "$(kernels_endpoint)"
	expect_ping_from_kernel 10.7.0.1
	in_ns a wg set wga peer "$public_kernel" endpoint "[fd09::2]:51820"
	expect_ping a 10.7.0.2
	expect_equal "where the kernel sees adit" "[fd09::1]:51820" "$(kernels_endpoint)"
	expect_ping_from_kernel 10.7.0.1
	expect_one_handshake_by adit
	tear_down
}
kernels_endpoint() { in_kernel "wg show wg0 endpoints" | cut -f2; }

test_kernel_roams() {
	set_up kernel "" $v4
	expect_ping_from_kernel 10.7.0.1
	expect_equal "where adit sees the kernel" 10.9.0.2:51820 "$(adits_endpoint)"
	in_kernel "ip addr del 10.9.0.2/24 dev eth0; ip addr add 10.9.0.4/24 dev eth0"
	expect_ping_from_kernel 10.7.0.1
	expect_equal "where adit sees the kernel" 10.9.0.4:51820 "$(adits_endpoint)"
	expect_ping a 10.7.0.2
	in_kernel "wg set wg0 peer $public_a endpoint [fd09::1]:51820"
	expect_ping_from_kernel 10.7.0.1
	expect_equal "where adit sees the kernel" "[fd09::2]:51820" "$(adits_endpoint)"
	expect_ping a 10.7.0.2
	expect_one_handshake_by kernel
	tear_down
}
adits_endpoint() { in_ns a wg show wga endpoints | cut -f2; }

run_tests 12 "$@"

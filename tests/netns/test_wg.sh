#!/bin/bash
# Every subcommand and option of wg(8) against adit, and what only a raw client can say
# on the control socket. (test_control.sh has those that need a peer who answers.)
. "$(dirname "$0")/lib.sh"

# A newer wg than this system's, fetched outside of the tests' worlds; where it cannot
# be had, a raw client says what it would.
newest_wg=$top/build/newest-wg/wg
[ "${1-}" = --inside ] || "$tests_dir/tools/newest_wg" "$top/build/newest-wg" >/dev/null || true

socket=/run/wireguard/adit-a.sock
key_a=$(sed -n 's/^PrivateKey = //p' "$a")
pub_a=$(sed -n 's/^PublicKey = //p' "$b")
pub_b=$(sed -n 's/^PublicKey = //p' "$a")
psk=$(sed -n 's/^PresharedKey = //p' "$a")
other=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=

wg_a() { in_ns a wg "$@"; }
hex() { base64 -d <<<"$1" | od -An -v -tx1 | tr -d ' \n'; }
# said_to_set LINE...: the answer to an operation of these lines
said_to_set() {
	{ echo set=1; printf '%s\n' "$@" ""; } | speak | head -n 1
}
raw_get() { printf 'get=1\n\n' | speak; }
speak() { "$pipe" control $socket 4096; }
of_b() { wg_a show adit-a "$1" | sed -n "s,^$pub_b	,,p"; }

bare() { # adit-a alone, with peer b as the example has it
	two_ends
	start adit-a a "$adit" -f adit-a
	wait_until 10 "control socket" test -S $socket
	grep -v ^Address "$a" >"$dir/a.conf"
	wg_a setconf adit-a "$dir/a.conf"
}

test_show() {
	bare
	local line="$pub_b	$psk	192.0.2.2:51820	10.7.0.2/32,fd07::2/128"
	line+="	0	0	0	off"
	expect_equal "dump" "$key_a	$pub_a	51820	off"$'\n'"$line" "$(wg_a show adit-a dump)"
	expect_equal "all dump" "adit-a	$key_a	$pub_a	51820	off"$'\n'"adit-a	$line" \
		"$(wg_a show all dump)"
	expect_equal "interfaces" adit-a "$(wg_a show interfaces)"
	expect_equal "transfer" "$pub_b	0	0" "$(wg_a show adit-a transfer)"
	expect_equal "latest handshakes" "$pub_b	0" "$(wg_a show adit-a latest-handshakes)"
	wg_a set adit-a fwmark 0xab peer "$pub_b" persistent-keepalive 9
	expect_equal "the whole" "$(wg_a show adit-a)" "$(wg_a show)"
	expect_equal "the whole by wg alone" "$(wg_a show adit-a)" "$(wg_a)"
	for line in "interface: adit-a" "  public key: $pub_a" "  private key: (hidden)" \
		"  listening port: 51820" "  fwmark: 0xab" "peer: $pub_b" \
		"  preshared key: (hidden)" "  endpoint: 192.0.2.2:51820" \
		"  allowed ips: 10.7.0.2/32, fd07::2/128" "  persistent keepalive: every 9 seconds"
	do
		expect_equal "lines \"$line\"" 1 "$(wg_a show | grep -cxF "$line")"
	done
	wg_a setconf adit-a /dev/null
	expect_equal "dump of nothing" "(none)	(none)	0	off" "$(wg_a show adit-a dump)"
	expect_equal "config of nothing" "[Interface]" "$(wg_a showconf adit-a | xargs)"
	! wg_a show no-such dump 2>/dev/null || fail "shows what is not there"
}

test_set_every_option() {
	bare
	local port mark
	for port in 1 65535 0 4711; do
		wg_a set adit-a listen-port $port
		expect_equal "port" $port "$(wg_a show adit-a listen-port)"
	done
	for mark in 1:0x1 0xffffffff:0xffffffff 4294967295:0xffffffff off:off 7:0x7 0:off; do
		wg_a set adit-a fwmark "${mark%:*}"
		expect_equal "fwmark" "${mark#*:}" "$(wg_a show adit-a fwmark)"
	done
	# more than one thing, and peer, at once
	wg_a set adit-a listen-port 5 fwmark 6 peer "$other" allowed-ips 10.8.0.0/16 \
		endpoint '[2001:db8::7]:9' persistent-keepalive 65535 peer "$pub_b" \
		preshared-key /dev/null allowed-ips ''
	expect_equal "all of it" \
		"$(printf '%s\n' "$key_a $pub_a 5 0x6" \
			"$pub_b (none) 192.0.2.2:51820 (none) 0 0 0 off" \
			"$other (none) [2001:db8::7]:9 10.8.0.0/16 0 0 0 65535" |
			LC_ALL=C sort)" "$(wg_a show adit-a dump | tr '\t' ' ' | LC_ALL=C sort)"
	wg_a set adit-a peer "$other" remove peer "$pub_b" preshared-key <(echo "$psk") \
		endpoint localhost:80
	expect_equal "peers" "$pub_b" "$(wg_a show adit-a peers)"
	expect_equal "preshared key" "$psk" "$(of_b preshared-keys)"
	expect_match "endpoint by name" '^(127.0.0.1|\[::1\]):80$' "$(of_b endpoints)"
	# a link-local address comes with the name of an interface, and goes back with it
	wg_a set adit-a peer "$pub_b" endpoint '[fe80::1%eth0]:51820'
	expect_equal "link-local endpoint" '[fe80::1%eth0]:51820' "$(of_b endpoints)"
	wg_a set adit-a private-key /dev/null
	expect_equal "private key" "(none)" "$(wg_a show adit-a private-key)"
}

test_setconf_replaces_and_addconf_adds() {
	bare
	printf '[Interface]\nFwMark = 0x9\n[Peer]\nPublicKey = %s\n' "$other" >"$dir/other.conf"
	wg_a addconf adit-a "$dir/other.conf"
	expect_equal "peers" 2 "$(wg_a show adit-a peers | wc -l)"
	expect_equal "key, port and mark" "$key_a	$pub_a	51820	0x9" \
		"$(wg_a show adit-a dump | head -n 1)"
	wg_a setconf adit-a "$dir/other.conf"
	expect_equal "peers" "$other" "$(wg_a show adit-a peers)"
	expect_equal "key, port and mark" "(none)	(none)	0	0x9" \
		"$(wg_a show adit-a dump | head -n 1)"
	wg_a syncconf adit-a "$dir/a.conf"
	expect_equal "peers" "$pub_b" "$(wg_a show adit-a peers)"
	expect_equal "key, port and mark" "$key_a	$pub_a	51820	off" \
		"$(wg_a show adit-a dump | head -n 1)"
}

# Single prefixes come and go, and the others stay: by a wg that knows how, else raw.
test_allowed_ips_come_and_go() {
	bare
	local how="a raw client" list
	[ ! -x "$newest_wg" ] || how=$("$newest_wg" --version | cut -d' ' -f1,2)
	while IFS='|' read -r list expected; do
		allow_by "$list"
		expect_equal "after $list" "$expected" "$(of_b allowed-ips | tr ' ' '\n' |
			LC_ALL=C sort | paste -sd,)"
	done <<-END
		+10.7.9.0/24|10.7.0.2/32,10.7.9.0/24,fd07::2/128
		-10.7.0.2/32|10.7.9.0/24,fd07::2/128
		-fd07::2/128,+fd07:9::/64|10.7.9.0/24,fd07:9::/64
		-10.77.0.0/16|10.7.9.0/24,fd07:9::/64
		-10.7.9.1/24|fd07:9::/64
	END
	# another peer's prefix is not taken away from it
	wg_a set adit-a peer "$other" allowed-ips 10.66.0.0/16
	allow_by -10.66.0.0/16
	expect_equal "of the other" "$other	10.66.0.0/16" \
		"$(wg_a show adit-a allowed-ips | grep "^$other")"
	figure "+ and - in allowed-ips said by $how"
}
allow_by() { # allow_by LIST: of peer b
	local ip lines=()
	if [ -x "$newest_wg" ]; then
		in_ns a "$newest_wg" set adit-a peer "$pub_b" allowed-ips "$1"
		return
	fi
	for ip in ${1//,/ }; do lines+=("allowed_ip=${ip#+}"); done
	expect_equal "the answer" errno=0 \
		"$(said_to_set "public_key=$(hex "$pub_b")" "${lines[@]}")"
}

# A refused operation changes nothing, wherever it was wrong.
test_refused_operations_change_nothing() {
	bare
	local before line b=public_key=$(hex "$pub_b") o=public_key=$(hex "$other")
	before=$(raw_get)
	for line in "unknown_key=1" "listen_port=65536" "fwmark=-1" "replace_peers=false" \
		"private_key=00" "$b|remove=yes" "$b|endpoint=1.2.3.4" "$b|allowed_ip=1.2.3.4/33" \
		"$b|protocol_version=2" "$b|persistent_keepalive_interval=off" "$b|listen_port=1" \
		"$b|replace_allowed_ips=true|allowed_ip=10.0.0.0/8|$o|preshared_key=1" \
		"no equals sign" "$o|endpoint=[fe80::1%no-such-link]:1"; do
		expect_match "the answer to $line" '^errno=-[0-9]+$' "$(said_to_set listen_port=7 \
			fwmark=8 "private_key=$(hex "$other")" replace_peers=true ${line//|/ })"
		expect_equal "after $line" "$before" "$(raw_get)"
	done
}

test_quirks_of_the_protocol() {
	bare
	local b=public_key=$(hex "$pub_b") o=public_key=$(hex "$other")
	# our own key: passed over, with its lines, which still must be right
	expect_equal "our own key" errno=0 "$(said_to_set "public_key=$(hex "$pub_a")" \
		endpoint=1.2.3.4:5 allowed_ip=0.0.0.0/0 "$b" persistent_keepalive_interval=3)"
	expect_equal "peers" "$pub_b" "$(wg_a show adit-a peers)"
	expect_equal "allowed IPs" "10.7.0.2/32 fd07::2/128" "$(of_b allowed-ips)"
	expect_equal "keepalive" 3 "$(of_b persistent-keepalive)"
	expect_equal "our own key, wrong" errno=-22 \
		"$(said_to_set "public_key=$(hex "$pub_a")" endpoint=nowhere)"
	# who is only to be updated is not made
	expect_equal "update only" errno=0 "$(said_to_set "$o" update_only=true "$b" \
		update_only=true protocol_version=1 persistent_keepalive_interval=4)"
	expect_equal "peers" "$pub_b" "$(wg_a show adit-a peers)"
	expect_equal "keepalive" 4 "$(of_b persistent-keepalive)"
	expect_equal "removed, though not there" errno=0 "$(said_to_set "$o" remove=true)"
	# zeros
	expect_equal "no preshared key" errno=0 \
		"$(said_to_set "$b" preshared_key="$(printf %064d 0)")"
	expect_equal "preshared key" "(none)" "$(of_b preshared-keys)"
	expect_equal "nothing at all" errno=0 "$(said_to_set)"
	expect_equal "a prefix of two peers" errno=0 \
		"$(said_to_set "$o" allowed_ip=10.7.0.2/32)"
	expect_equal "whose it was" "fd07::2/128" "$(of_b allowed-ips)"
	expect_equal "all peers replaced" errno=0 "$(said_to_set replace_peers=true "$b")"
	expect_equal "peers" "$pub_b" "$(wg_a show adit-a peers)"
	expect_equal "of its own" "(none)" "$(of_b allowed-ips)"
	expect_equal "the order of an answer" "private_key listen_port public_key preshared_key \
protocol_version last_handshake_time_sec last_handshake_time_nsec tx_bytes rx_bytes \
persistent_keepalive_interval errno" "$(raw_get | sed -n 's/=.*//p' | xargs)"
}

test_keys_as_wg_makes_them() {
	local i key last
	for i in $(seq 20); do
		key=$("$adit" genkey)
		expect_equal "public key" "$(wg pubkey <<<"$key")" "$("$adit" pubkey <<<"$key")"
		expect_equal "with blanks" "$(wg pubkey <<<"$key")" \
			"$(printf '%s \n\t\n' "$key" | "$adit" pubkey)"
		last=$(hex "$key")
		expect_equal "clamped" 64 $(((0x${last:62:2} & 192) + (0x${last:0:2} & 7)))
		expect_equal "length of a preshared key" 32 "$("$adit" genpsk | base64 -d | wc -c)"
	done
	for key in "" x "${key%=}" "$key$key" "${key:0:42}/=" ; do
		! "$adit" pubkey <<<"$key" >"$dir/said" 2>&1 || fail "a public key of \"$key\""
		! wg pubkey <<<"$key" >"$dir/said" 2>&1 || fail "but wg makes one of \"$key\""
	done
	# others can read what is written
	(umask 022 && "$adit" genkey >"$dir/open" 2>"$dir/said")
	expect_match "the warning" "world|others" "$(cat "$dir/said")"
	(umask 077 && "$adit" genkey >"$dir/closed" 2>"$dir/said")
	expect_equal "a warning" "" "$(cat "$dir/said")"
}

run_tests 7 "$@"

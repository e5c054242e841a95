#!/bin/bash
# adit IFNAME and everything that wg(8) can tell it and ask it; the control socket
# itself; the link under its feet.
. "$(dirname "$0")/lib.sh"

# The keys of the examples.
key_a=$(sed -n 's/^PrivateKey = //p' "$a")
key_b=$(sed -n 's/^PrivateKey = //p' "$b")
pub_a=$(sed -n 's/^PublicKey = //p' "$b")
pub_b=$(sed -n 's/^PublicKey = //p' "$a")
psk=$(sed -n 's/^PresharedKey = //p' "$a")

wg_a() { in_ns a wg "$@"; }
said_by_wg() { in_ns a wg "$@" 2>&1 || true; }

# both_ends: adit-a and adit-b in namespaces a and b, configured by wg alone
both_ends() {
	two_ends
	local end n=1
	for end in a b; do
		start adit-$end $end "$adit" -f adit-$end
		wait_until 10 "control socket of adit-$end" test -S /run/wireguard/adit-$end.sock
		grep -v ^Address ${!end} >"$dir/$end.conf"
		in_ns $end wg setconf adit-$end "$dir/$end.conf"
		ip -n $end addr add 10.7.0.$n/24 dev adit-$end
		ip -n $end addr add fd07::$n/64 dev adit-$end nodad
		ip -n $end link set adit-$end up
		n=$((n + 1))
	done
	wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
}

test_wg_show() {
	both_ends
	local selector
	while IFS='|' read -r selector wanted; do
		expect_equal "wg show $selector" "$wanted" "$(wg_a show adit-a "$selector")"
		[ "$selector" = dump ] || expect_equal "wg show all $selector" \
			"adit-a	$wanted" "$(wg_a show all "$selector" | grep ^adit-a)"
	done <<-END
		public-key|$pub_a
		private-key|$key_a
		listen-port|51820
		fwmark|off
		peers|$pub_b
		preshared-keys|$pub_b	$psk
		endpoints|$pub_b	192.0.2.2:51820
		allowed-ips|$pub_b	10.7.0.2/32 fd07::2/128
		persistent-keepalive|$pub_b	off
	END
	expect_equal "wg show interfaces" adit-a "$(wg_a show interfaces | tr ' ' '\n' |
		grep adit-a)"
	local age=$(($(date +%s) - $(wg_a show adit-a latest-handshakes | cut -f2)))
	[ $age -ge 0 ] && [ $age -le 30 ] || fail "latest handshake $age s ago"
	expect_equal "line 1 of the dump" "$key_a	$pub_a	51820	off" \
		"$(wg_a show adit-a dump | head -n 1)"
	local key='[^	]{44}' ips=10.7.0.2/32,fd07::2/128
	expect_match "line 2 of the dump" \
		"^$key	$key	192.0.2.2:51820	$ips	[0-9]{10}	[0-9]+	[0-9]+	off$" \
		"$(wg_a show adit-a dump | tail -n 1)"
	expect_match "wg show" "latest handshake: (Now|.*second)" "$(wg_a show adit-a)"
}

# Counters, exactly, after ten pings over one handshake [the kernel's own test].
test_counters_are_exact() {
	both_ends
	local end
	for end in a b; do # new sessions, counters at zero
		ip -n $end link set adit-$end down
		in_ns $end wg setconf adit-$end <(grep -v '^\[Peer\]' "$dir/$end.conf" |
			grep -E '^(\[|PrivateKey|ListenPort)')
		in_ns $end wg addconf adit-$end "$dir/$end.conf"
		ip -n $end link set adit-$end up
	done
	wait_until 5 "routes" has_route
	expect_ping a 10.7.0.2 10
	expect_match "received and sent by a" "	1372	(1428|1460)$" "$(wg_a show adit-a transfer)"
	expect_match "received and sent by b" "	(1428|1460)	1372$" \
		"$(in_ns b wg show adit-b transfer)"
}
has_route() { ip -n a route get 10.7.0.2 | grep -q adit-a; }

test_wg_showconf_round_trip() {
	both_ends
	wg_a set adit-a fwmark 0x1234 peer "$pub_b" persistent-keepalive 25
	wg_a showconf adit-a >"$dir/shown"
	local line
	for line in "ListenPort = 51820" "FwMark = 0x1234" "PrivateKey = $key_a" \
		"PublicKey = $pub_b" "PresharedKey = $psk" "AllowedIPs = 10.7.0.2/32, fd07::2/128" \
		"Endpoint = 192.0.2.2:51820" "PersistentKeepalive = 25"; do
		expect_equal "lines \"$line\"" 1 "$(grep -cxF "$line" "$dir/shown")"
	done
	wg_a setconf adit-a "$dir/shown"
	expect_equal "shown again" "$(cat "$dir/shown")" "$(wg_a showconf adit-a)"
	expect_ping a 10.7.0.2
}

test_wg_set_interface() {
	both_ends
	wg_a set adit-a fwmark 0x77
	expect_equal "fwmark" 0x77 "$(wg_a show adit-a fwmark)"
	expect_match "the socket's mark" "fwmark:0x77" "$(in_ns a ss -Hlune 'sport = :51820')"
	expect_ping a 10.7.0.2
	wg_a set adit-a fwmark 0
	expect_equal "fwmark" off "$(wg_a show adit-a fwmark)"
	# another private key: b knows nobody of that name, until it is told
	wg_a set adit-a private-key <("$adit" genkey)
	local new
	new=$(wg_a show adit-a public-key)
	! in_ns a ping -n -q -c 1 -W 1 10.7.0.2 >/dev/null || fail "an answer to a stranger"
	in_ns b wg set adit-b peer "$pub_a" remove peer "$new" preshared-key <(echo "$psk") \
		allowed-ips 10.7.0.1/32,fd07::1/128
	wait_until 15 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	# none
	wg_a set adit-a private-key /dev/null
	expect_equal "private key" "(none)" "$(wg_a show adit-a private-key)"
	! in_ns a ping -n -q -c 1 -W 1 10.7.0.2 >/dev/null || fail "an answer without a key"
	# a peer that has our key is no peer
	wg_a set adit-a private-key <(echo "$key_b")
	expect_equal "peers" "" "$(wg_a show adit-a peers)"
}

test_wg_set_peer() {
	both_ends
	local set=(wg_a set adit-a peer "$pub_b")
	# one preshared key alone does not do for the next handshake, but for this session
	"${set[@]}" preshared-key <("$adit" genpsk)
	expect_ping a 10.7.0.2
	"${set[@]}" preshared-key <(echo "$psk") persistent-keepalive 7
	expect_equal "keepalive" "$pub_b	7" "$(wg_a show adit-a persistent-keepalive)"
	"${set[@]}" persistent-keepalive off preshared-key /dev/null
	expect_equal "keepalive" "$pub_b	off" "$(wg_a show adit-a persistent-keepalive)"
	expect_equal "preshared key" "$pub_b	(none)" "$(wg_a show adit-a preshared-keys)"
	"${set[@]}" preshared-key <(echo "$psk")
	# by another way
	"${set[@]}" endpoint "[fd09::2]:51820"
	expect_ping a 10.7.0.2
	expect_equal "endpoint" "$pub_b	[fd09::2]:51820" "$(wg_a show adit-a endpoints)"
	wait_until 5 "b to follow" b_answers_to "[fd09::1]:51820"
	# what is not allowed is neither sent nor let in
	"${set[@]}" allowed-ips 10.7.0.2/32
	expect_equal "allowed IPs" "$pub_b	10.7.0.2/32" "$(wg_a show adit-a allowed-ips)"
	expect_ping a 10.7.0.2
	! in_ns a ping -n -q -c 1 -W 1 fd07::2 2>/dev/null >&2 || fail "sent without a peer"
	! in_ns b ping -n -q -c 1 -W 1 fd07::1 >/dev/null || fail "let in a foreign source"
	# a prefix that another peer gets is gone here; one that is not known is not made
	local other
	other=$("$adit" genkey | "$adit" pubkey)
	wg_a set adit-a peer "$other" allowed-ips 10.7.0.2/32
	expect_equal "allowed IPs" "$pub_b	(none)" \
		"$(wg_a show adit-a allowed-ips | grep "$pub_b")"
	! in_ns a ping -n -q -c 1 -W 1 10.7.0.2 2>/dev/null >&2 || fail "sent to the wrong peer"
	wg_a set adit-a peer "$other" remove
	expect_equal "peers" "$pub_b" "$(wg_a show adit-a peers)"
	"${set[@]}" allowed-ips 10.7.0.2/24
	expect_equal "host bits" "$pub_b	10.7.0.0/24" "$(wg_a show adit-a allowed-ips)"
	expect_ping a 10.7.0.2
}
b_answers_to() { [ "$(in_ns b wg show adit-b endpoints | cut -f2)" = "$1" ]; }

test_listen_port_changes_under_traffic() {
	both_ends
	in_ns a ping -n -q -i 0.05 -c 100 -W 1 10.7.0.2 >"$dir/ping" &
	local ping=$! port
	for port in 51001 51002 0 51820 51004; do
		sleep 0.5
		wg_a set adit-a listen-port $port
	done
	expect_equal "port" 51004 "$(wg_a show adit-a listen-port)"
	expect_equal "sockets" "51004" "$(in_ns a ss -Hlnu | grep -o ':[0-9]* ' | sort -u |
		tr -d ': ')"
	wait $ping || fail "nothing came back"
	# what is on its way to a port that closes may be lost, one packet each time
	expect_match "answers" "(9[5-9]|100) received" "$(cat "$dir/ping")"
	b_answers_to "192.0.2.1:51004" || fail "b did not follow"
}

test_addconf_and_syncconf() {
	both_ends
	local other before
	other=$("$adit" genkey | "$adit" pubkey)
	printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.7.9.0/24\n' "$other" >"$dir/more"
	wg_a addconf adit-a "$dir/more"
	expect_equal "peers" 2 "$(wg_a show adit-a peers | wc -l)"
	expect_equal "key" "$key_a" "$(wg_a show adit-a private-key)"
	before=$(wg_a show adit-a latest-handshakes | grep "$pub_b")
	# who stays keeps the session; who is not named goes
	sed 's,^AllowedIPs.*,AllowedIPs = 10.7.0.2/32,' "$dir/a.conf" >"$dir/synced"
	wg_a syncconf adit-a "$dir/synced"
	expect_equal "peers" "$pub_b" "$(wg_a show adit-a peers)"
	expect_equal "handshake" "$before" "$(wg_a show adit-a latest-handshakes)"
	expect_equal "allowed IPs" "$pub_b	10.7.0.2/32" "$(wg_a show adit-a allowed-ips)"
	expect_ping a 10.7.0.2
}

take_port() { # of namespace a, by another interface
	start taken a "$adit" -f taken
	wait_until 10 "control socket of taken" test -S /run/wireguard/taken.sock
	wg_a set taken listen-port "$1"
	ip -n a link set taken up
	wait_until 5 "a port in use" has_text ":$1" in_ns a ss -Hlnu
}

# wg prints what the engine refused, and nothing has changed.
test_wg_prints_errors() {
	both_ends
	wg_a showconf adit-a >"$dir/before"
	take_port 40000
	expect_equal "port in use" "Unable to modify interface: Address already in use" \
		"$(said_by_wg set adit-a listen-port 40000 fwmark 5 private-key <("$adit" genkey))"
	expect_equal "shown" "$(cat "$dir/before")" "$(wg_a showconf adit-a)"
	expect_ping a 10.7.0.2
}

# a socket that was accepted belongs to the namespace of whoever connected
clients_are() { [ "$(in_ns a ss -Hx state established | grep -c adit-a.sock)" = "$1" ]; }

# speak PIECE: says stdin to adit-a's control socket
speak() { "$pipe" control /run/wireguard/adit-a.sock "$1"; }

test_control_socket() {
	two_ends
	start adit-a a "$adit" -f adit-a
	wait_until 10 "control socket" test -S /run/wireguard/adit-a.sock
	expect_equal "mode of the socket" 700 "$(stat -c %a /run/wireguard/adit-a.sock)"
	expect_equal "mode of its folder" 755 "$(stat -c %a /run/wireguard)"
	local many='set=1\nlisten_port=7\n\nget=1\n\nset=1\nlisten_port=65536\n\nget=1\n\n'
	local wanted piece
	wanted=$'errno=0\n\nlisten_port=7\nerrno=0\n\nerrno=-22\n\nlisten_port=7\nerrno=0'
	for piece in 1 2 4096; do
		expect_equal "pipelined, in pieces of $piece" "$wanted" \
			"$(printf "$many" | speak $piece)"
	done
	expect_equal "nonsense" "" "$(printf 'GET / HTTP/1.1\n\n' | speak 4096)"
	# a line without an end is cut off; so is whoever is one too many
	! head -c 200000 /dev/zero | tr '\0' a | speak 4096 >"$dir/long" 2>&1 ||
		expect_equal "endless line" "" "$(cat "$dir/long")"
	# one too many takes the place of who was silent for longest
	start crowd a "$pipe" crowd /run/wireguard/adit-a.sock 70 'get=1\n'
	wait_until 10 "70 clients" grep -q "^70 are connected" "$dir/crowd.log"
	wait_until 10 "64 of them" clients_are 64
	expect_equal "one more" $'listen_port=7\nerrno=0' "$(printf 'get=1\n\n' | speak 1)"
	stop crowd || true
	wait_until 10 "the clients to end" clients_are 0
	expect_equal "after that" $'listen_port=7\nerrno=0' "$(printf 'get=1\n\n' | speak 1)"
	stop adit-a || fail "status $?"
}

# Sessions are wiped and sockets closed while the link is down.
test_link_down_and_up() {
	both_ends
	local handshake
	handshake=$(wg_a show adit-a latest-handshakes)
	ip -n a link set adit-a down
	wait_until 5 "the sockets to close" no_udp_in_a
	# settings go on meanwhile
	wg_a set adit-a listen-port 51900 fwmark 9
	expect_equal "sockets while down" "" "$(in_ns a ss -Hlnu)"
	sleep 1.1 # the handshake's time is told in seconds
	ip -n a link set adit-a up
	wait_until 5 "a new handshake" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	[ "$handshake" != "$(wg_a show adit-a latest-handshakes)" ] || fail "the old session lives"
	expect_match "the socket" ":51900 .*fwmark:0x9" "$(in_ns a ss -Hlune)"
	local i
	for i in $(seq 20); do
		ip -n a link set adit-a down
		ip -n a link set adit-a up
	done
	wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	ip -n a link set adit-a down
	wait_until 5 "the sockets to close" no_udp_in_a
	stop adit-a || fail "status $?"
}
no_udp_in_a() { [ -z "$(in_ns a ss -Hlnu)" ]; }

# Up with a port in use: no sockets, a message; another port brings it to life.
test_port_in_use_when_the_link_comes_up() {
	both_ends
	ip -n a link set adit-a down
	wg_a set adit-a listen-port 40000
	take_port 40000
	ip -n a link set adit-a up
	wait_until 5 "a message" grep -q "cannot listen on UDP port 40000: Address already in use" \
		"$dir/adit-a.log"
	wg_a set adit-a listen-port 40001
	wait_until 5 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
}

# Padding ends at the MTU, so the datagrams' size tells what adit knows of it.
count_sizes() {
	in_ns b nft -f - <<-END
		table inet watch {
			chain input {
				type filter hook prerouting priority 0
				udp length 1321 counter comment "MTU 1281: 8 + 32 + 1281"
				udp length 1336 counter comment "padded to 1296"
			}
		}
	END
}
expect_sizes() { # expect_sizes NAMESPACE: where the interface is
	in_ns "$1" ping -n -q -c 3 -i 0.1 -W 2 -M do -s 1253 10.7.0.2 >/dev/null || fail "no answer"
	expect_equal "datagrams of each size" "packets 3 packets 0" \
		"$(in_ns b nft list table inet watch | grep -o 'packets [0-9]*' | paste -sd' ')"
}

test_mtu_change_is_noticed() {
	both_ends
	count_sizes
	ip -n a link set adit-a mtu 1281
	sleep 0.3
	expect_sizes a
}

# Also where the interface was moved to; the socket stays where it was born.
test_mtu_change_is_noticed_elsewhere() {
	both_ends
	add_ns c
	ip -n a link set adit-a netns c
	ip -n c addr add 10.7.0.1/24 dev adit-a
	ip -n c link set adit-a up
	wait_until 10 "an answer" in_ns c ping -n -q -c 1 -W 1 10.7.0.2
	count_sizes
	ip -n c link set adit-a mtu 1281
	sleep 0.3
	expect_sizes c
	expect_match "the socket" ":51820" "$(in_ns a ss -Hlnu)"
	expect_equal "sockets there" "" "$(in_ns c ss -Hlnu)"
	in_ns c wg set adit-a listen-port 51999 # over the socket that both see
	expect_match "the socket" ":51999" "$(in_ns a ss -Hlnu)"
	wait_until 10 "an answer" in_ns c ping -n -q -c 1 -W 1 10.7.0.2
}

test_two_interfaces_at_once() {
	both_ends
	add_ns c
	ip link add eth1 netns a type veth peer name eth0 netns c
	ip -n a addr add 203.0.113.1/24 dev eth1
	ip -n c addr add 203.0.113.2/24 dev eth0
	ip -n a link set eth1 up
	ip -n c link set eth0 up
	sed 's/192.0.2.2/203.0.113.2/; s/51820/51821/; s/10.7.0/10.6.0/g; s/fd07/fd06/g' "$a" \
		>"$dir/second.conf"
	sed 's/192.0.2.1/203.0.113.1/; s/51820/51821/; s/10.7.0/10.6.0/g; s/fd07/fd06/g' "$b" \
		>"$dir/third.conf"
	start second a "$adit" run "$dir/second.conf"
	start third c "$adit" run "$dir/third.conf"
	wait_until 10 "address of third" has_text 10.6.0.2 ip -n c addr show dev third
	wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.6.0.2
	expect_ping a 10.7.0.2
	expect_equal "in adit show" 4 "$("$adit" show | grep -c '^interface: ')"
	stop second || fail "status $?"
	expect_ping a 10.7.0.2
	stop third || fail "status $?"
}
has_text() { local text=$1; shift; "$@" | grep -qF "$text"; }

# A whole wg-quick over adit, as its documentation tells.
test_wg_quick() {
	command -v wg-quick >/dev/null || { echo "no wg-quick"; exit 77; }
	two_ends
	start adit-b b "$adit" run "$b"
	mkdir -p "$dir/quick"
	(umask 077 && cp "$a" "$dir/quick/adit-a.conf")
	in_ns a env WG_QUICK_USERSPACE_IMPLEMENTATION="$adit" \
		wg-quick up "$dir/quick/adit-a.conf" >"$dir/quick.log" 2>&1 || fail "wg-quick up"
	if [[ $(ip -n a -d link show adit-a) == *wireguard* ]]; then
		echo "the kernel has WireGuard, and wg-quick takes that"
		exit 77
	fi
	wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	expect_ping a fd07::2
	in_ns a wg-quick down "$dir/quick/adit-a.conf" >>"$dir/quick.log" 2>&1 ||
		fail "wg-quick down"
	! ip -n a link show adit-a 2>/dev/null || fail "the link is still there"
	stop adit-b
	wait_until 5 "all processes to end" no_process_left
}

run_tests 15 "$@"

#!/bin/bash
# wg-quick(8) over adit, with all that it can be asked for; and the same file used by
# wg-quick and by adit itself.
. "$(dirname "$0")/lib.sh"

key_a=$(sed -n "s,^PrivateKey = ,,p" "$a")
pub_a=$(sed -n 's/^PublicKey = //p' "$b")
pub_b=$(sed -n 's/^PublicKey = //p' "$a")
conf=/etc/wireguard/adit-a.conf

# begin: b runs, a has a folder for configurations, and tools of wg-quick's that may not
# be installed
begin() {
	if ! command -v wg-quick >/dev/null; then
		echo "no wg-quick (make deps)"
		exit 77
	fi
	if [ -e /sys/module/wireguard ]; then
		echo "the kernel has WireGuard, and wg-quick takes that"
		exit 77
	fi
	[ -d /etc/wireguard ] || mkdir /etc/wireguard
	mount -t tmpfs -o mode=700 tmpfs /etc/wireguard
	two_ends
	mkdir "$dir/bin"
	cat >"$dir/bin/resolvconf" <<-END
		#!/bin/sh
		echo "\$@" >>$dir/resolvconf
		case \$1 in
		-a) cat >$dir/dns ;;
		-d) rm -f $dir/dns ;;
		-l) cat $dir/dns ;;
		esac
	END
	chmod +x "$dir/bin/resolvconf"
	PATH=$dir/bin:$PATH
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-b" has_address b adit-b
	(umask 077 && cp "$a" $conf)
	before=$(state_of_a)
}
# quick COMMAND [NAME|FILE]: wg-quick in namespace a; what it says in $dir/quick.log
quick() {
	in_ns a env WG_QUICK_USERSPACE_IMPLEMENTATION="$adit" wg-quick "$1" "${2:-adit-a}" \
		>>"$dir/quick.log" 2>&1
}
up() { quick up "$@" || fail "wg-quick up: $(tail -n 5 "$dir/quick.log")"; }
down() { quick down "$@" || fail "wg-quick down: $(tail -n 5 "$dir/quick.log")"; }

expect_nothing_left() {
	wait_until 10 "adit to end" one_tree_left
	expect_equal "the system" "$before" "$(state_of_a)"
}
one_tree_left() { [ "$(pgrep -x adit | xargs)" = "${pid_of[adit-b]}" ]; }
interface() { # interface LINE...: the example, with these in its [Interface]
	local script='/^\[Interface\]/a\' line
	for line; do script+=$'\n'"$line\\"; done
	(umask 077 && sed "${script%\\}" "$a" >$conf)
}

test_up_save_strip_down() {
	begin
	up
	expect_ping a 10.7.0.2
	expect_ping a fd07::2
	in_ns a wg set adit-a peer "$pub_b" persistent-keepalive 21
	quick save || fail "wg-quick save"
	expect_equal "keepalive saved" 1 "$(grep -c '^PersistentKeepalive = 21' $conf)"
	expect_equal "addresses saved" 2 "$(grep -c '^Address = ' $conf)"
	expect_equal "mode of what was saved" 600 "$(stat -c %a $conf)"
	in_ns a wg-quick strip adit-a >"$dir/stripped"
	! grep -qE '^Address' "$dir/stripped" || fail "strip leaves addresses"
	in_ns a wg syncconf adit-a "$dir/stripped"
	down
	expect_nothing_left
	# what was saved is good for both
	up
	expect_ping a 10.7.0.2
	expect_equal "keepalive" "$pub_b	21" "$(in_ns a wg show adit-a persistent-keepalive)"
	down
	expect_nothing_left
	in_ns a "$adit" up $conf >>"$dir/a.log" 2>&1
	expect_ping a 10.7.0.2
	in_ns a "$adit" down adit-a
	expect_nothing_left
}

# The link is deleted first and the socket goes a moment later: the next one waits.
test_up_again_at_once() {
	begin
	local i
	for i in $(seq 15); do
		up
		down
	done
	up
	expect_ping a 10.7.0.2
	! quick up || fail "up a second time"
	down
	expect_nothing_left
}

# One begins, the other ends.
test_up_by_one_and_down_by_the_other() {
	begin
	up $conf
	expect_ping a 10.7.0.2
	in_ns a "$adit" show adit-a | grep -qF "$pub_b" || fail "adit show does not know the peer"
	in_ns a "$adit" down adit-a
	expect_nothing_left
	in_ns a "$adit" up adit-a >>"$dir/a.log" 2>&1
	expect_ping a 10.7.0.2
	down
	expect_nothing_left
}

test_hooks() {
	begin
	local note=$dir/notes
	interface "PreUp = echo PreUp %i >>$note" "PostUp = wg show %i peers >>$note" \
		"PreDown = ip -o link show %i | grep -o UP, >>$note" \
		"PostDown = echo PostDown %i >>$note"
	up
	down
	expect_equal "what hooks saw" "$(printf '%s\n' "PreUp adit-a" "$pub_b" UP, \
		"PostDown adit-a")" "$(cat "$note")"
	expect_nothing_left
	# a failing one undoes it all
	interface "PostUp = false"
	! quick up || fail "up with a failing hook"
	expect_nothing_left
}

test_tables() {
	begin
	interface "Table = off"
	up
	expect_equal "routes" "" "$(ip -n a route show 10.7.0.2/32)"
	down
	expect_nothing_left
	interface "Table = 1234"
	up
	expect_match "route" "10.7.0.2 dev adit-a" "$(ip -n a route show table 1234)"
	expect_match "route" "fd07::2 dev adit-a" "$(ip -n a -6 route show table 1234)"
	down
	expect_nothing_left
}

mtu() { ip -n a -o link show adit-a | sed 's/.* mtu \([0-9]*\).*/\1/'; }

test_mtu() {
	begin
	up
	expect_equal "MTU by itself" 1420 "$(mtu)"
	down
	interface "MTU = 1281"
	up
	expect_equal "MTU" 1281 "$(mtu)"
	expect_ping a 10.7.0.2
	down
	ip -n a link set eth0 mtu 1400
	cp "$a" $conf
	up
	expect_equal "MTU of a smaller link" 1320 "$(mtu)"
	down
}

test_dns() {
	begin
	interface "DNS = 10.7.0.2, fd07::2, example.org"
	up
	expect_equal "DNS" "nameserver 10.7.0.2 nameserver fd07::2 search example.org" \
		"$(xargs <"$dir/dns")"
	expect_equal "resolvconf was told" "-a adit-a -m 0 -x" "$(cat "$dir/resolvconf")"
	down
	test ! -e "$dir/dns" || fail "DNS is still set"
	rm -f "$dir/resolvconf"
	expect_nothing_left
}

test_save_config() {
	begin
	interface "SaveConfig = true"
	up
	in_ns a wg set adit-a peer "$pub_a" allowed-ips 10.99.0.0/16 # ourselves: nobody
	in_ns a wg set adit-a listen-port 41000 peer "$pub_b" allowed-ips 10.7.0.2/32,10.98.0.0/16
	down
	expect_match "what was saved" "ListenPort = 41000" "$(cat $conf)"
	expect_match "what was saved" "AllowedIPs = 10.7.0.2/32, 10.98.0.0/16" "$(cat $conf)"
	! grep -q 10.99 $conf || fail "our own key is a peer"
	up
	expect_ping a 10.7.0.2
	down
	expect_nothing_left
}

# All of a's traffic, but for the tunnel's own; with the mark, the rules, the firewall.
test_default_route() {
	begin
	ip -n b addr add 203.0.113.7/32 dev lo
	ip -n b addr add 2001:db8:7::7/128 dev lo nodad
	ip -n b route add 10.7.0.1/32 dev adit-b 2>/dev/null || true
	ip -n a route add default via 192.0.2.2
	before=$(state_of_a)
	sed 's,^AllowedIPs.*,AllowedIPs = 0.0.0.0/0\, ::/0,' "$a" >$conf
	up
	local mark
	mark=$(in_ns a wg show adit-a fwmark)
	expect_equal "fwmark" 0xca6c "$mark"
	expect_match "the sockets' mark" "fwmark:0xca6c" "$(in_ns a ss -Hlune 'sport = :51820')"
	expect_match "rules" "not from all fwmark 0xca6c lookup 51820" "$(ip -n a rule)"
	expect_match "the way to anywhere" "dev adit-a" "$(ip -n a route get 203.0.113.7)"
	expect_ping a 203.0.113.7
	expect_ping a 2001:db8:7::7
	expect_ping a 10.7.0.2
	# the peer itself, beside the tunnel; and it is found by the mark
	expect_match "the way of the tunnel" "dev eth0" \
		"$(ip -n a route get 192.0.2.2 mark 51820)"
	expect_match "firewall" "wg-quick-adit-a" "$(in_ns a nft list tables)"
	transfer a b 203.0.113.7 4
	down
	expect_equal "firewall left" "" "$(in_ns a nft list tables)"
	expect_nothing_left
}

# ---------------------------------------------------------------- the same by both
# What an interface has: addresses, MTU, and routes but for who set them.
shape() {
	ip -n a -o addr show dev adit-a | sed 's/^[0-9]*: //; s/ *valid_lft.*//; s/stable-privacy//'
	ip -n a -o link show adit-a | sed 's/.*<\([^>]*\)> mtu \([0-9]*\).*/\1 mtu \2/'
	local family
	for family in -4 -6; do
		ip -n a $family route show table all dev adit-a | sed -E \
			's/ (proto|metric|expires) [a-z0-9]+//g; s/ pref medium//; s/ *$//'
	done | LC_ALL=C sort
	in_ns a wg showconf adit-a
}

# same NAME LINE...: the interface is the same by wg-quick and by adit; both ways, since
# whoever comes first may be the one who leaves something behind
same() {
	local name=$1 quick own
	shift
	(umask 077 && printf '%s\n' "[Interface]" "PrivateKey = $key_a" "$@" >$conf)
	up
	quick=$(shape)
	down
	wait_until 10 "adit to end" one_tree_left
	in_ns a "$adit" up adit-a >"$dir/said" 2>&1 || fail "$name: $(cat "$dir/said")"
	own=$(shape)
	in_ns a "$adit" down adit-a
	[ "$quick" = "$own" ] ||
		fail "$name, wg-quick and adit: $(diff <(echo "$quick") <(echo "$own"))"
	expect_match "$name: the shape" "mtu [0-9]+" "$own"
	expect_nothing_left
	compared=$((compared + 1))
}

test_same_by_wg_quick_and_by_adit() {
	begin
	local compared=0 peer="[Peer]"$'\n'"PublicKey = $pub_b"
	same "nothing" "ListenPort = 1"
	same "one address" "ListenPort = 51820" "Address = 10.7.0.1/24"
	same "addresses" "ListenPort=1" "Address = 10.7.0.1/24,fd07::1/64" "Address=192.168.3.4"
	same "addresses without a length" "ListenPort = 1" "Address = 10.7.0.1, fd07::1"
	same "a peer" "ListenPort = 1" "Address = 10.7.0.1/32" "$peer" "AllowedIPs = 10.8.0.0/16"
	same "prefixes" "ListenPort = 1" "Address = 10.7.0.1/24" "$peer" \
		"AllowedIPs = 10.8.0.0/16, 10.8.1.0/24,10.8.1.1/32" \
		"AllowedIPs=fd08::/64,fd08::7/128"
	same "covered by an address" "ListenPort = 1" "Address = 10.7.0.1/24, fd07::1/64" "$peer" \
		"AllowedIPs = 10.7.0.2/32, fd07::2/128, 10.9.9.0/24"
	same "host bits" "ListenPort = 1" "$peer" "AllowedIPs = 10.8.1.7/16, fd08::7/64"
	same "halves" "ListenPort = 1" "Address = 10.7.0.1/32" "$peer" \
		"AllowedIPs = 0.0.0.0/1, 128.0.0.0/1, ::/1, 8000::/1"
	same "two peers" "ListenPort = 1" "$peer" "AllowedIPs = 10.8.0.0/16, 10.9.0.0/16" \
		"[Peer]" "PublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" \
		"AllowedIPs = 10.9.0.0/16, 10.8.7.0/24"
	same "MTU" "ListenPort = 1" "MTU = 1380" "Address = 10.7.0.1/24"
	same "Table = off" "ListenPort = 1" "Table = off" "Address = 10.7.0.1/24" "$peer" \
		"AllowedIPs = 10.8.0.0/16"
	same "Table = 77" "ListenPort = 1" "Table = 77" "Address = 10.7.0.1/24, fd07::1/64" \
		"$peer" "AllowedIPs = 10.8.0.0/16, fd08::/64, 10.7.0.3/32"
	same "FwMark" "ListenPort = 1" "FwMark = 0x42" "Address = 10.7.0.1/24" "$peer" \
		"AllowedIPs = 10.8.0.0/16"
	same "endpoint" "ListenPort = 1" "$peer" "Endpoint = 192.0.2.2:51820" \
		"AllowedIPs = 10.8.0.0/16" "PersistentKeepalive = 25"
	same "endpoint of IPv6" "ListenPort = 1" "$peer" "Endpoint = [fd09::2]:51820" \
		"AllowedIPs = fd08::/64"
	ip -n a link set eth0 mtu 1370
	before=$(state_of_a)
	same "endpoint over a small link" "ListenPort = 1" "$peer" "Endpoint = 192.0.2.2:51820" \
		"AllowedIPs = 10.8.0.0/16"
	ip -n a route add default via 192.0.2.2 mtu 1333
	before=$(state_of_a)
	same "MTU of a default route" "ListenPort = 1" "Address = 10.7.0.1/24"
	same "as users write it" $'listenport=1 # one\r' $'  ADDRESS\t=  10.7.0.1/24 ,fd07::1/64' \
		"#Address = 10.1.1.1/24" "" "mtu=1380" "[peer] # b" \
		"publickey=$pub_b" "allowedips =10.8.0.0/16"
	figure "$compared configurations are the same by both"
}

run_tests 10 "$@"

#!/bin/bash
# Reload: every kind of change once, with its line, and then nothing is left to say.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/reload.sh"

# What is the engine's.
test_peers_and_keys() {
	start_a
	local peer new psk old_public new_private
	peer=$(in_ns a wg show adit-a peers)
	new=$(new_key)
	expect_reload ""
	edit 's/^ListenPort = .*/ListenPort = 51999/; 1,/\[Peer\]/s/\[Peer\]/FwMark = 0x77\n&/'
	expect_reload "~ listen port 51820 -> 51999
~ fwmark off -> 0x77"
	expect_equal "port" 51999 "$(in_ns a wg show adit-a listen-port)"
	expect_equal "mark" 0x77 "$(in_ns a wg show adit-a fwmark)"
	add_peer "$new" "AllowedIPs = 10.7.0.9/32" "Endpoint = 192.0.2.9:9"
	expect_reload "+ peer $new, endpoint 192.0.2.9:9, allowed ips 10.7.0.9/32"
	edit 's/192.0.2.9:9/192.0.2.8:9/; s,10.7.0.9/32,10.7.0.8/32,
		/192.0.2.8/a PersistentKeepalive = 25'
	expect_reload "~ endpoint of peer $new: 192.0.2.9:9 -> 192.0.2.8:9
~ persistent keepalive of peer $new: off -> 25 s
+ allowed ip 10.7.0.8/32 of peer $new
- allowed ip 10.7.0.9/32 of peer $new"
	edit "s,10.7.0.2/32,&\, 10.7.0.8/32,; /^AllowedIPs = 10.7.0.8/d"
	expect_reload "~ allowed ip 10.7.0.8/32: peer $new -> peer $peer"
	drop_peers 1
	expect_reload "- peer $new"
	psk=$(wg genpsk)
	edit "s,^PresharedKey = .*,PresharedKey = $psk,"
	expect_reload "~ preshared key of peer $peer"
	expect_equal "preshared key" "$peer	$psk" "$(in_ns a wg show adit-a preshared-keys)"
	edit "/^PresharedKey/d"
	expect_reload "- preshared key of peer $peer"
	old_public=$(in_ns a wg show adit-a public-key)
	new_private=$(wg genkey)
	edit "s,^PrivateKey = .*,PrivateKey = $new_private,"
	expect_reload "~ private key, whose public key is $old_public -> $(
		wg pubkey <<<"$new_private")"
	expect_reload ""
	! grep -qF -e "$psk" -e "$new_private" "$dir/adit-a.log" || fail "a key in the log"
	stop_both
}

# What is the link's, and what only the file knows.
test_link_and_hooks() {
	start_a
	local peer
	peer=$(in_ns a wg show adit-a peers)
	edit '1,/\[Peer\]/s/\[Peer\]/MTU = 1380\n&/'
	expect_reload "~ mtu 1420 -> 1380"
	expect_match "the interface" "mtu 1380" "$(ip -n a link show adit-a)"
	edit 's,^(Address = .*)$,\1\, 10.8.0.1/24,; s,10.7.0.2/32,&\, 10.99.0.0/16,'
	expect_reload "+ allowed ip 10.99.0.0/16 of peer $peer
+ address 10.8.0.1/24
+ route 10.99.0.0/16"
	expect_match "routes" "10.99.0.0/16 dev adit-a" "$(ip -n a route)"
	edit 's,\, 10.8.0.1/24,,; s,\, 10.99.0.0/16,,; /^MTU/d'
	expect_reload "- allowed ip 10.99.0.0/16 of peer $peer
~ mtu 1380 -> 1420
- route 10.99.0.0/16
- address 10.8.0.1/24"
	expect_ping a 10.7.0.2
	# the runner of commands comes with the first of them, and they are the next time's
	[ -z "$(pgrep -x adit-hooks)" ] || fail "a hook runner for nothing"
	edit '1,/\[Peer\]/s/\[Peer\]/PostUp = touch %i.up\n&/'
	edit '/^PostUp/a PostDown = touch /run/test/%i.down'
	expect_reload "+ PostUp touch %i.up
+ PostDown touch /run/test/%i.down"
	edit '/^PostUp/d'
	expect_reload "- PostUp touch %i.up"
	[ -n "$(pgrep -x adit-hooks)" ] || fail "no hook runner"
	stop_both
	test -e "$dir/adit-a.down" || fail "the new PostDown did not run"
}

# The machine's default route into the tunnel and out again; the mark comes first.
test_default_route_comes_and_goes() {
	start_a
	local before
	ip -n a route add default via 192.0.2.2
	ip -n b addr add 203.0.113.7/32 dev lo
	expect_ping a 10.7.0.2
	before=$(whole_state)
	cp "$conf" "$conf.right"
	edit 's,10.7.0.2/32,0.0.0.0/0,'
	in_ns a "$adit" diff adit-a >"$dir/lines" || true
	expect_equal "the system after diff" "$before" "$(whole_state)"
	reload adit-a >"$dir/reloaded"
	expect_equal "lines of reload" "$(cat "$dir/lines")" "$(cat "$dir/reloaded")"
	expect_match "the mark" "^~ fwmark off -> 0xca6c" "$(cat "$dir/lines")"
	expect_match "the way" "dev adit-a" "$(ip -n a route get 203.0.113.7)"
	expect_ping a 203.0.113.7
	expect_reload ""
	cp "$conf.right" "$conf"
	expect_match "the mark" "^~ fwmark 0xca6c -> off" "$(reload adit-a)"
	expect_equal "the system" "$before" "$(whole_state)"
	expect_ping a 10.7.0.2
	# and by itself
	edit 's,10.7.0.2/32,0.0.0.0/0,'
	reload --confirm 1s adit-a >"$dir/lines" 2>"$dir/said"
	wait_until 10 "the way back" grep -q "it is rolled back" "$dir/adit-a.log"
	expect_equal "the system" "$before" "$(whole_state)"
	stop_both
}

test_places_to_listen_at() {
	start_a
	expect_ping a 10.7.0.2
	edit '/^ListenPort/a Listen = 192.0.2.1:51820'
	expect_reload "+ listen at 192.0.2.1"
	expect_equal "addresses" 192.0.2.1 "$(listens)"
	expect_ping a 10.7.0.2
	edit 's/^ListenPort = .*/ListenPort = 51999/; s/^Listen = .*/Listen = 10.9.0.1:51999/'
	expect_reload "~ listen port 51820 -> 51999
~ listen at 192.0.2.1 -> 10.9.0.1"
	expect_equal "addresses" 10.9.0.1 "$(listens)"
	edit 's/^Listen = .*/Listen = 192.0.2.99:51999/; s,10.7.0.2/32,&\, 10.99.0.0/16,'
	expect_refusal 1 "it cannot listen there"
	expect_equal "addresses" 10.9.0.1 "$(listens)"
	stop_both
}
listens() { in_ns a ss -Hlnu | awk '{ sub(/:[0-9]*$/, "", $4); print $4 }' | sort -u; }

# resolvconf notes its arguments and what it is given, and succeeds unless told otherwise.
fake_resolvconf() {
	local program
	mount -t tmpfs tmpfs /usr/local/sbin
	for program in {/usr/local,/usr,}/{s,}bin/{resolvectl,resolvconf}; do
		[ ! -e "$program" ] || mount --bind /dev/null "$program"
	done
	cat >/usr/local/sbin/resolvconf <<-END
		#!/bin/sh
		echo "\$*" >>$dir/calls
		grep -s nameserver >>$dir/calls
		! grep -qs "\$(tail -n 1 $dir/calls)" $dir/fails
	END
	chmod 755 /usr/local/sbin/resolvconf
}
calls() { # since the last time
	cat "$dir/calls" 2>/dev/null || true
	rm -f "$dir/calls"
}

test_name_servers() {
	fake_resolvconf
	start_a
	edit '/^Address/a DNS = 10.7.0.2'
	expect_equal "processes for them" "" "$(pgrep -x adit-dns || true)"
	expect_reload "+ dns 10.7.0.2"
	expect_equal "calls" "-a adit-a -m 0 -x
nameserver 10.7.0.2" "$(calls)"
	edit 's/^DNS = .*/DNS = 10.7.0.3/'
	expect_reload "~ dns 10.7.0.2 -> 10.7.0.3"
	expect_match "calls" "nameserver 10.7.0.3" "$(calls)"
	# one that cannot be set undoes what was before it
	echo "nameserver 10.7.0.4" >"$dir/fails"
	edit 's/^DNS = .*/DNS = 10.7.0.4/; s/^ListenPort = .*/ListenPort = 51999/
		s,10.7.0.2/32,&\, 10.99.0.0/16,'
	expect_refusal 1 "the name servers could not be set"
	expect_equal "the last call" "nameserver 10.7.0.3" "$(calls | tail -n 1)"
	edit '/^DNS/d; s/^ListenPort = .*/ListenPort = 51820/; s,\, 10.99.0.0/16,,'
	expect_reload "- dns 10.7.0.3"
	expect_match "calls" "^-d adit-a" "$(calls)"
	stop_both
	expect_equal "calls" "" "$(calls)"
}

# b moves to another port; a knows where it is from its packets, the file does not.
test_what_roamed_stays() {
	start_a
	expect_ping b 10.7.0.1
	in_ns b wg set adit-b listen-port 51333
	expect_ping b 10.7.0.1
	wait_until 5 "a to learn b's new port" a_knows 192.0.2.2:51333
	edit 's,10.7.0.2/32,&\, 10.7.0.4/32,'
	expect_match "the reload" "^\+ allowed ip 10.7.0.4/32" "$(reload adit-a)"
	a_knows 192.0.2.2:51333 || fail "the endpoint was set back"
	# but a peer that wg removed comes back as the file has it
	in_ns a wg set adit-a peer "$(in_ns a wg show adit-a peers)" remove
	expect_match "the reload" "^\+ peer .*, endpoint 192.0.2.2:51820, " "$(reload adit-a)"
	stop_both
}
a_knows() { in_ns a wg show adit-a endpoints | grep -q "$1\$"; }

# Offload and the queue change while it runs, the rest with the next start.
test_tuning() {
	start_a
	expect_equal "queue" 50 "$(queue_len adit-a)"
	expect_match "the log" "AEAD by .*, [0-9]+ threads?, offload: " "$(cat "$dir/adit-a.log")"
	edit '1,/\[Peer\]/s/\[Peer\]/Offload = off\n#!TxQueueLen = 70\nThreads = 2\n&/'
	expect_reload "~ offload auto -> off
~ transmit queue 50 -> 70 packets
~ threads auto -> 2, from the next start on"
	expect_equal "queue" 70 "$(queue_len adit-a)"
	expect_ping a 10.7.0.2
	# and by itself
	edit 's/^#!TxQueueLen.*/TxQueueLen = 90/; /^Offload/d'
	reload --confirm 1s adit-a >"$dir/lines" 2>"$dir/said"
	expect_equal "queue" 90 "$(queue_len adit-a)"
	wait_until 10 "the way back" grep -q "it is rolled back" "$dir/adit-a.log"
	expect_equal "queue" 70 "$(queue_len adit-a)"
	stop_both
	start adit-a a "$adit" run "$conf"
	wait_until 10 "address of adit-a" has_address a adit-a
	expect_equal "queue" 90 "$(queue_len adit-a)"
	stop adit-a
}
queue_len() { in_ns a cat "/sys/class/net/$1/tx_queue_len"; }

run_tests 7 "$@"

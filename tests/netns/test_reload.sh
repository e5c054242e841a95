#!/bin/bash
# Reload: every kind of change and its line, nothing lost through what is not
# changed, all or nothing, and the way back by itself.
. "$(dirname "$0")/lib.sh"

conf=/run/test/adit-a.conf

# start_a: a from a copy of its example, b from its own
start_a() {
	two_ends
	(umask 077; cp "$a" "$conf")
	start adit-a a "$adit" run "$conf"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "address of adit-b" has_address b adit-b
	wait_until 10 "adit-a to be ready" grep -q "adit-a: up" "$dir/adit-a.log"
}
reload() { in_ns a "$adit" reload "$@"; }
edit() { sed -i -E "$@" "$conf"; }
new_key() { wg genkey | wg pubkey; }

add_peer() { # add_peer KEY LINE...
	printf '\n[Peer]\nPublicKey = %s\n' "$1" >>"$conf"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >>"$conf"
}
drop_peers() { # drop_peers COUNT: all but the first so many
	awk -v RS= -v ORS='\n\n' -v keep="$1" '/PublicKey/ { n++ } n <= keep' \
		"$conf" >"$conf.less"
	cat "$conf.less" >"$conf"
}

# Everything that a reload could change.
whole_state() {
	# a prefix that was away stands elsewhere in its list
	in_ns a wg showconf adit-a | tr -s ', ' '\n' | sort
	state_of_a
}

# expect_reload LINES [OPTION...]: the lines that it prints, and the same by diff before
expect_reload() {
	local lines=$1 said status=0
	shift
	said=$(in_ns a "$adit" diff adit-a) || status=$?
	expect_equal "lines of diff" "$lines" "$said"
	expect_equal "status of diff" "$([ -z "$lines" ] && echo 0 || echo 1)" $status
	said=$(reload "$@" adit-a) || fail "reload ended with status $?"
	expect_equal "lines of reload" "$lines" "$said"
}

# What is the engine's: each kind once, and then nothing is left to say.
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

# change_others TIMES: peers, addresses and routes come and go, an unchanged peer stays
change_others() {
	local i
	for i in $(seq "$1"); do
		add_peer "$(new_key)" "AllowedIPs = 10.7.1.$i/32, 10.$((100 + i)).0.0/16"
		edit 's,^(Address = .*)$,\1\, 10.9.9.1/24,'
		reload adit-a >>"$dir/reloads"
		drop_peers 1
		edit 's,\, 10.9.9.1/24,,'
		reload adit-a >>"$dir/reloads"
	done
	expect_equal "peers that came and went" $((2 * $1)) \
		"$(grep -c '^[+-] peer ' "$dir/reloads")"
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

# Twenty reloads under a flood, and twenty under a transfer.
test_an_unchanged_peer_loses_nothing() {
	start_a
	expect_ping a 10.7.0.2
	in_ns a ping -n -q -i 0.002 -W 5 -c 3000 10.7.0.2 >"$dir/flood" &
	local flood=$!
	change_others 10
	wait $flood || fail "$(tail -n 3 "$dir/flood")"
	expect_match "the flood" " 3000 received, 0% packet loss" "$(cat "$dir/flood")"
	transfer a b 10.7.0.2 64 &
	local moved=$!
	rm "$dir/reloads"
	change_others 10
	wait $moved || fail "the transfer broke"
	expect_equal "packets dropped" 0 "$(drops a adit-a '.*')"
	stop_both
}

# expect_refusal STATUS REGEX: what is said, and nothing is changed
expect_refusal() {
	local before status=0
	before=$(whole_state)
	reload adit-a >"$dir/said" 2>&1 || status=$?
	expect_equal "status of reload" "$1" $status
	expect_match "what reload says" "$2" "$(cat "$dir/said")"
	expect_equal "the system" "$before" "$(whole_state)"
}

test_all_or_nothing() {
	start_a
	expect_ping a 10.7.0.2
	cp "$conf" "$conf.right"
	edit 's/^ListenPort = .*/ListenPort = 70000/; s/^Endpoint = .*/Endpoint = 192.0.2.2/'
	expect_refusal 3 'adit-a.conf:[0-9]+:14: error: ListenPort: .*70000'
	# the link is changed first and taken back when the engine cannot follow
	cp "$conf.right" "$conf"
	start other a "$adit" -f other
	wait_until 5 "another interface" test -S /run/wireguard/other.sock
	in_ns a wg set other listen-port 51998
	ip -n a link set other up
	wait_until 5 "its port" port_is_taken
	edit 's/^ListenPort = .*/ListenPort = 51998/; s,10.7.0.2/32,&\, 10.99.0.0/16,
		s,^(Address = .*)$,\1\, 10.8.0.1/24,; 1,/\[Peer\]/s/\[Peer\]/MTU = 1380\n&/'
	expect_refusal 1 'cannot listen on UDP port 51998: .*in use'
	# a route that is not ours to take
	cp "$conf.right" "$conf"
	ip -n a route add 10.99.0.0/16 dev eth0
	edit 's,10.7.0.2/32,10.98.0.0/16\, 10.99.0.0/16\, &,
		s,^(Address = .*)$,\1\, 10.8.0.1/24,'
	expect_refusal 1 'route 10.99.0.0/16'
	rm "$conf"
	expect_refusal 1 'No such file'
	cp "$conf.right" "$conf"
	# commands only from a file that is root's alone
	edit '1,/\[Peer\]/s/\[Peer\]/PostDown = true\n&/'
	chmod 666 "$conf"
	expect_refusal 3 'has commands to run, but they will not'
	cp "$conf.right" "$conf"
	expect_ping a 10.7.0.2
	expect_reload ""
	stop other
	stop_both
}
port_is_taken() { in_ns a ss -Hlnu 'sport = :51998' | grep -q .; }

# A prefix goes from b to c and back while packets to it flow: each gets an answer.
test_a_prefix_moves_under_traffic() {
	start_a
	add_ns c
	ip link add eth1 netns a type veth peer name eth0 netns c
	ip -n a addr add 198.51.100.1/24 dev eth1
	ip -n a link set eth1 up
	ip -n c addr add 198.51.100.3/24 dev eth0
	ip -n c link set eth0 up
	local key ns i
	key=$(wg genkey)
	(umask 077; sed -E "s,^PrivateKey = .*,PrivateKey = $key,; /^PresharedKey/d
		s,192.0.2.1:,198.51.100.1:,; s,10.7.0.2/24,10.7.0.3/24," "$b" >"$dir/adit-c.conf")
	start adit-c c "$adit" run "$dir/adit-c.conf"
	wait_until 10 "address of adit-c" has_address c adit-c
	add_peer "$(wg pubkey <<<"$key")" "AllowedIPs = 10.7.0.3/32" "Endpoint = 198.51.100.3:51820"
	edit 's,10.7.0.2/32,&\, 10.77.0.0/24,'
	reload adit-a
	for ns in b c; do ip -n $ns addr add 10.77.0.1/32 dev lo; done
	expect_ping a 10.7.0.2
	expect_ping a 10.7.0.3
	in_ns a ping -n -q -i 0.002 -W 5 -c 2000 10.77.0.1 >"$dir/flood" &
	local flood=$!
	for i in $(seq 5); do
		edit 's,10.7.0.2/32\, 10.77.0.0/24,10.7.0.2/32,; s,10.7.0.3/32,&\, 10.77.0.0/24,'
		expect_match "the move" "^~ allowed ip 10.77.0.0/24: peer" "$(reload adit-a)"
		edit 's,10.7.0.3/32\, 10.77.0.0/24,10.7.0.3/32,; s,10.7.0.2/32,&\, 10.77.0.0/24,'
		reload adit-a >/dev/null
	done
	wait $flood || fail "$(tail -n 3 "$dir/flood")"
	# what was on its way when its owner changed is refused on return, as it must be
	expect_match "the flood" " (0|0\.[0-9]*)% packet loss" "$(cat "$dir/flood")"
	stop adit-c || true
	stop_both
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

test_confirmed_or_rolled_back() {
	start_a
	local before peer status=0
	expect_ping a 10.7.0.2
	peer=$(in_ns a wg show adit-a peers)
	before=$(whole_state)
	cp "$conf" "$conf.right"
	! in_ns a "$adit" confirm adit-a >"$dir/said" 2>&1 || fail "confirmed nothing"
	expect_match "what confirm says" "no reload waits" "$(cat "$dir/said")"
	edit 's/^ListenPort = .*/ListenPort = 51998/; s,10.7.0.2/32,10.99.0.0/16,
		s,^(Address = .*)$,\1\, 10.8.0.1/24,; /^PresharedKey/d'
	add_peer "$(new_key)" "AllowedIPs = 10.7.1.1/32"
	reload --confirm 2s adit-a >"$dir/lines" 2>"$dir/said"
	expect_equal "lines" 8 "$(wc -l <"$dir/lines")"
	expect_match "what reload says" "rolled back in 2 s, unless" "$(cat "$dir/said")"
	# meanwhile no other
	reload adit-a 2>"$dir/said" || status=$?
	expect_equal "status of another reload" 1 $status
	expect_match "what it says" "waits to be confirmed" "$(cat "$dir/said")"
	wait_until 10 "the way back" grep -q "it is rolled back" "$dir/adit-a.log"
	expect_equal "the system" "$before" "$(whole_state)"
	expect_ping a 10.7.0.2
	# the same again, and confirmed
	reload --confirm 1m adit-a >"$dir/lines" 2>"$dir/said"
	in_ns a "$adit" confirm adit-a
	expect_equal "port" 51998 "$(in_ns a wg show adit-a listen-port)"
	expect_reload ""
	# and an end before it is confirmed is just an end
	cp "$conf.right" "$conf"
	reload --confirm 60 adit-a >/dev/null 2>&1
	stop_both
	expect_equal "sockets left" "" "$(find /run/adit /run/wireguard -type s)"
}

test_hangup_reloads() {
	start_a
	edit '1,/\[Peer\]/s/\[Peer\]/MTU = 1300\n&/'
	kill -HUP "${pid_of[adit-a]}"
	wait_until 5 "the reload" grep -q "reloaded .*adit-a.conf: 1 change$" "$dir/adit-a.log"
	expect_match "the log" "adit-a: ~ mtu 1420 -> 1300" "$(cat "$dir/adit-a.log")"
	edit 's/^MTU = .*/MTU = wrong/'
	kill -HUP "${pid_of[adit-a]}"
	wait_until 5 "its failure" grep -q "the reload failed: all is as it was" "$dir/adit-a.log"
	expect_match "the log" "adit-a.conf:[0-9]+:7: error: MTU: " "$(cat "$dir/adit-a.log")"
	expect_match "the interface" "mtu 1300" "$(ip -n a link show adit-a)"
	stop_both
}

test_diff_of_another_file() {
	start_a
	local status=0
	mkdir "$dir/new"
	sed 's/^ListenPort = .*/ListenPort = 5/' "$a" >"$dir/new/adit-a.conf"
	cd "$dir/new"
	in_ns a "$adit" diff ./adit-a.conf >"$dir/lines" || status=$?
	expect_equal "status" 1 $status
	expect_equal "lines" "~ listen port 51820 -> 5" "$(cat "$dir/lines")"
	expect_reload "" # nothing was done
	status=0
	in_ns a "$adit" diff /run/none/adit-a.conf 2>/dev/null || status=$?
	expect_equal "status of diff without a file" 3 $status
	mkfifo "$dir/fifo.conf"
	mv "$dir/fifo.conf" "$dir/new/adit-a.conf"
	status=0
	in_ns a "$adit" diff ./adit-a.conf 2>/dev/null || status=$?
	expect_equal "status of diff with a pipe" 2 $status
	status=0
	in_ns a "$adit" diff adit-x 2>/dev/null || status=$?
	expect_equal "status of diff without an interface" 4 $status
	rm adit-a.conf
	cp "$conf" adit-a.conf
	# a reload of another file makes it the interface's
	edit 's/^ListenPort = .*/ListenPort = 6/'
	in_ns a "$adit" reload ./adit-a.conf
	expect_equal "diff" "" "$(in_ns a "$adit" diff adit-a)"
	stop_both
}

# Whoever connects and is silent, or asks and dies, delays nobody.
test_clients_that_are_no_good() {
	start_a
	local i
	mkfifo "$dir/silence"
	exec 9<>"$dir/silence"
	for i in $(seq 12); do
		ip netns exec a "$pipe" control /run/adit/adit-a.sock 1 <&9 &
		pid_of[hung$i]=$!
	done
	wait_until 5 "all of them to connect" has_connections 8
	edit 's,10.7.0.2/32,&\, 10.99.0.0/16,'
	reload adit-a >/dev/null
	for i in $(seq 12); do stop hung$i KILL || true; done
	# a client that dies has asked all the same
	kill -STOP "$(pgrep -x adit-engine -n -P "${pid_of[adit-a]}")"
	edit 's,\, 10.99.0.0/16,,'
	start client a "$adit" reload adit-a
	wait_until 5 "the reload to begin" is_under_way
	! in_ns a "$adit" diff adit-a 2>"$dir/said" || fail "two at a time"
	expect_match "what diff says" "another reload is under way" "$(cat "$dir/said")"
	stop client KILL || true
	kill -CONT "$(pgrep -x adit-engine -n -P "${pid_of[adit-a]}")"
	wait_until 5 "the reload" no_such_route
	expect_reload ""
	stop_both
}
has_connections() { [ "$(in_ns a ss -Hxn src /run/adit/adit-a.sock | grep -c ESTAB)" = "$1" ]; }
# the client waits for its answer, and there is nothing of it to read any more
is_under_way() {
	grep -q '^State:.S' "/proc/${pid_of[client]}/status" && has_connections 1 &&
		in_ns a ss -Hxn src /run/adit/adit-a.sock | grep -q 'ESTAB 0 '
}
no_such_route() { ! ip -n a route | grep -q 10.99.0.0; }

# The engine's share of a reload, in nanoseconds of its processor.
engine_ns() { cut -d' ' -f1 "/proc/$(pgrep -x adit-engine -n -P "${pid_of[adit-a]}")/schedstat"; }

test_ten_thousand_peers() {
	start_a
	local i before after
	edit '1,/\[Peer\]/s/\[Peer\]/Table = off\n&/'
	for i in $(seq 0 9999); do
		printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.%d.%d.%d/32\n' \
			"$(printf '%042dA=' $i | tr 0-9 A-J)" \
			$((100 + i / 65536)) $((i / 256 % 256)) $((i % 256))
	done >>"$conf"
	reload adit-a >"$dir/lines"
	expect_equal "peers that came" 10000 "$(grep -c '^+ peer ' "$dir/lines")"
	expect_equal "peers" 10001 "$(in_ns a wg show adit-a peers | wc -l)"
	edit '$ s/$/\nPersistentKeepalive = 25/'
	before=$(engine_ns)
	expect_match "the reload" "^~ persistent keepalive of peer" "$(reload adit-a)"
	after=$(engine_ns)
	figure "one of 10,000 peers changed: $(((after - before) / 1000)) us in the engine"
	expect_ping a 10.7.0.2
	stop_both
}

run_tests 14 "$@"

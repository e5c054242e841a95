#!/bin/bash
# Reload: nothing lost through what is not changed, all or nothing, the way back by
# itself, and who may ask.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/reload.sh"

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
	expect_refusal 3 'No such file'
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

test_confirmed_or_rolled_back() {
	start_a
	local before peer status=0
	expect_ping a 10.7.0.2
	peer=$(in_ns a wg show adit-a peers)
	before=$(whole_state)
	cp "$conf" "$conf.right"
	local time
	for time in 0 25h 1441m 86401 5x 5s5 s -1 "" "1 s"; do
		status=0
		reload --confirm "$time" adit-a >"$dir/said" 2>&1 || status=$?
		expect_equal "status of --confirm \"$time\"" 2 $status
	done
	status=0
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
	wait_until 5 "its failure" grep -q "the reload failed" "$dir/adit-a.log"
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
	start bare a "$adit" -f bare
	wait_until 5 "a bare interface" test -S /run/wireguard/bare.sock
	status=0
	in_ns a "$adit" reload bare 2>"$dir/said" || status=$?
	expect_equal "status of reload without a configuration" 1 $status
	expect_match "what it says" "started without a configuration" "$(cat "$dir/said")"
	stop bare HUP # which ends it, as ever
	rm adit-a.conf
	cp "$conf" adit-a.conf
	# a reload of another file makes it the interface's
	edit 's/^ListenPort = .*/ListenPort = 6/'
	in_ns a "$adit" reload ./adit-a.conf
	expect_equal "diff" "" "$(in_ns a "$adit" diff adit-a 2>"$dir/said")"
	expect_equal "what diff says" "no differences" "$(cat "$dir/said")"
	stop_both
}

# Whoever connects and is silent, or asks and dies, delays nobody.
test_clients_that_are_no_good() {
	start_a
	local i hung
	mkfifo "$dir/silence"
	exec 9<>"$dir/silence"
	for i in $(seq 12); do
		ip netns exec a "$pipe" control /run/adit/adit-a.sock 1 <&9 &
	done
	wait_until 5 "all of them to connect" has_connections 8
	edit 's,10.7.0.2/32,&\, 10.99.0.0/16,'
	reload adit-a >/dev/null
	mapfile -t hung < <(pgrep -x pipe) # each is two processes
	kill -KILL "${hung[@]}"
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

run_tests 8 "$@"

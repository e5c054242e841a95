#!/bin/bash
# The hybrid handshake between whole programs: what it agrees with, what it refuses,
# what it survives, and what is said where it cannot work.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
. "$(dirname "$0")/hybrid.sh"
load=$top/build/release/load
greeters=500

no_answer() { ! in_ns "$1" ping -n -q -c 2 -i 0.3 -W 1 "$2" >/dev/null; }

test_tunnel() {
	post_quantum require require
	count_types a
	count_types b
	expect_ping a 10.7.0.2
	expect_ping b fd07::1
	transfer a b 10.7.0.2 8
	transfer b a fd07::1 8
	expect_exchange x25519+mlkem768
	expect_match "show" "^  post-quantum: required$" "$(in_ns a "$adit" show wga)"
	expect_match "show --json" '"keyExchange": *"x25519\+mlkem768"' \
		"$(in_ns a "$adit" show --json wga)"
	expect_equal "hybrid messages at a" 1 "$(types_at a hybrid)"
	expect_equal "hybrid messages at b" 1 "$(types_at b hybrid)"
	expect_equal "classical messages" 0 $(($(types_at a classical) + $(types_at b classical)))
	# and again, whenever a session begins
	ip -n a link set wga down
	ip -n a link set wga up
	expect_ping a 10.7.0.2
	expect_exchange x25519+mlkem768
	expect_equal "hybrid messages at b" 2 "$(types_at b hybrid)"
	stop_ends
}

test_without_a_word_it_is_wireguard() {
	post_quantum - -
	expect_ping a 10.7.0.2
	expect_exchange x25519
	! in_ns a "$adit" show wga | grep post-quantum || fail "nobody asked for it"
	stop_ends
}

# No negotiation and no fallback: with one end each way, there is nothing, and the reason.
test_one_end_alone() {
	post_quantum off require
	count_types a
	no_answer a 10.7.0.2 || fail "answered without ML-KEM"
	expect_equal "answers" 0 "$(types_at a classical)"
	[ "$(dropped b classical)" -ge 1 ] || fail "b does not count it"
	expect_match "b's log" 'refused: it is x25519 alone, and PostQuantum is "require" here' \
		"$(cat "$dir/wgb.log")"
	in_ns b wg set wgb peer "$public_a" endpoint 10.9.0.1:51820
	no_answer b 10.7.0.1 || fail "answered with ML-KEM"
	[ "$(dropped a hybrid)" -ge 1 ] || fail "a does not count it"
	expect_match "a's log" 'refused: it is post-quantum, and PostQuantum is "off" here' \
		"$(cat "$dir/wga.log")"
	expect_equal "data for a" 0 "$(types_at a data)"
	stop_ends
}

# A man in the middle who takes away every hybrid initiation gets nothing else instead.
test_slow_downgrade() {
	post_quantum require require
	count_types b
	in_ns b nft -f - <<-END
		table inet middle {
			chain input {
				type filter hook input priority 0
				udp dport 51820 @th,64,8 17 drop
			}
		}
	END
	no_answer a 10.7.0.2 || fail "answered without a handshake"
	wait_until 30 "three tries" has_types b hybrid 3
	expect_equal "classical messages" 0 "$(types_at b classical)"
	expect_equal "data" 0 "$(types_at b data)"
	expect_equal "key exchange" "" "$(exchange_of a)$(exchange_of b)"
	wait_until 10 "the reason in the log" grep -qE \
		"PostQuantum = require, and 3 initiations of 1376 bytes each.* unanswered" \
		"$dir/wga.log"
	in_ns b nft delete table inet middle
	wait_until 20 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	expect_exchange x25519+mlkem768
	stop_ends
}
has_types() { [ "$(types_at "$1" "$2")" -ge "$3" ]; }

# wg(8) removes peers and adds them again, and knows nothing of our key.
test_wg_does_not_undo_it() {
	post_quantum require require
	count_types b
	expect_ping a 10.7.0.2
	local round end
	in_ns a wg showconf wga >"$dir/theirs"
	! grep -qi quantum "$dir/theirs" || fail "wg shows our key"
	for round in setconf syncconf; do
		in_ns a wg $round wga "$dir/theirs"
		expect_ping a 10.7.0.2
		expect_exchange x25519+mlkem768
	done
	in_ns a wg set wga peer "$public_b" remove
	in_ns a wg set wga peer "$public_b" allowed-ips 10.7.0.2/32 endpoint 10.9.0.2:51820
	expect_ping a 10.7.0.2
	expect_exchange x25519+mlkem768
	expect_match "show" "post-quantum: required" "$(in_ns a "$adit" show wga)"
	expect_equal "classical messages" 0 "$(types_at b classical)"
	# strip leaves it out, export keeps it, as a comment for the others
	! in_ns a "$adit" strip "$dir/wga.conf" | grep -i quantum || fail "strip"
	expect_match "export" "^#!PostQuantum = require$" "$(in_ns a "$adit" export wga)"
	stop_ends
}

test_reload_changes_it() {
	post_quantum off off
	expect_ping a 10.7.0.2
	expect_exchange x25519
	local end
	sed -i 's/^PostQuantum = off/PostQuantum = require/' "$dir"/wg[ab].conf
	expect_match "diff" "^~ post-quantum of peer [^ ]+: off -> require$" \
		"$(in_ns a "$adit" diff "$dir/wga.conf")"
	for end in a b; do in_ns $end "$adit" reload "$dir/wg$end.conf" >/dev/null; done
	expect_equal "classical sessions" "" "$({ exchange_of a; exchange_of b; } | grep -x x25519)"
	# without a packet of anybody's
	wait_until 10 "a hybrid session" eval '[ "$(exchange_of a)" = x25519+mlkem768 ]'
	expect_ping a 10.7.0.2
	expect_exchange x25519+mlkem768
	# the interface's default, for who is not named
	for end in a b; do
		sed -i -e '/^PostQuantum/d' -e '/^ListenPort/a PostQuantum = require' \
			"$dir/wg$end.conf"
		in_ns $end "$adit" reload "$dir/wg$end.conf" >/dev/null
	done
	expect_ping a 10.7.0.2
	expect_exchange x25519+mlkem768
	stop_ends
}

# One interface with a hybrid peer, a classical one, and another implementation.
test_mixed_device() {
	local name keys=() n=0
	add_ns a b c g
	for name in a b c g; do keys+=("$(wg genkey)"); done
	ip link add br0 type bridge
	ip link set br0 up
	for name in a b c g; do
		n=$((n + 1))
		ip link add "v$name" type veth peer name eth0 netns $name
		ip link set "v$name" master br0 up
		ip -n $name addr add 10.9.0.$n/24 dev eth0
		ip -n $name link set eth0 up
	done
	mixed_config 1 "${keys[0]}" "$(mixed_peer 2 "${keys[1]}" "PostQuantum = require")" \
		>"$dir/wga.conf"
	mixed_config 3 "${keys[2]}" "$(mixed_peer 2 "${keys[1]}")" >"$dir/wgc.conf"
	mixed_config 2 "${keys[1]}" "$(mixed_peer 1 "${keys[0]}" "PostQuantum = require")" \
		"$(mixed_peer 3 "${keys[2]}")" "$(mixed_peer 4 "${keys[3]}")" >"$dir/wgb.conf"
	for name in a b c; do start "wg$name" $name "$adit" run "$dir/wg$name.conf"; done
	mixed_config 4 "${keys[3]}" "$(mixed_peer 2 "${keys[1]}")" |
		grep -v ^Address >"$dir/wgg.conf"
	start wireguard-go g wireguard-go -f wgg
	wait_until 10 "wgg's control socket" test -S /run/wireguard/wgg.sock
	in_ns g wg setconf wgg "$dir/wgg.conf"
	ip -n g addr add 10.7.0.4/24 dev wgg
	ip -n g link set wgg up
	for name in a b c; do
		wait_until 10 "wg$name" leads_through $name wg$name 10.7.0.99
	done
	for name in a c g; do expect_ping $name 10.7.0.2; done
	expect_ping b 10.7.0.1
	expect_ping b 10.7.0.4
	expect_equal "with a" x25519+mlkem768 "$(exchange_of b "$(wg pubkey <<<"${keys[0]}")")"
	expect_equal "with c" x25519 "$(exchange_of b "$(wg pubkey <<<"${keys[2]}")")"
	expect_equal "with wireguard-go" x25519 \
		"$(exchange_of b "$(wg pubkey <<<"${keys[3]}")")"
	transfer a b 10.7.0.2 4
	transfer g b 10.7.0.2 4
	for name in a b c; do stop wg$name || fail "wg$name ended with status $?"; done
	stop wireguard-go
}
mixed_config() { # mixed_config NUMBER PRIVATE-KEY PEER...
	local number=$1 key=$2
	shift 2
	printf '%s\n' "[Interface]" "PrivateKey = $key" "ListenPort = 51820" \
		"Address = 10.7.0.$number/24" "$@"
}
mixed_peer() { # mixed_peer NUMBER PRIVATE-KEY [LINE]
	printf '%s\n' "[Peer]" "PublicKey = $(wg pubkey <<<"$2")" "AllowedIPs = 10.7.0.$1/32" \
		"Endpoint = 10.9.0.$1:51820" ${3:+"$3"}
}

# The initiation is 1396 bytes over IPv6, more than the least MTU: it goes in fragments.
narrow_way() {
	post_quantum require require 6 1360
	ip -n a link set eth0 mtu 1280
	ip -n b link set eth0 mtu 1280
}
fragments_at_b() {
	in_ns b nft list counter ip6 fragments seen | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
test_path_mtu_1280_v6() {
	narrow_way
	in_ns b nft -f - <<-END
		table ip6 fragments {
			counter seen { }
			chain prerouting {
				type filter hook prerouting priority -500
				exthdr frag exists counter name seen
			}
		}
	END
	expect_ping a 10.7.0.2
	expect_exchange x25519+mlkem768
	[ "$(fragments_at_b)" -ge 2 ] || fail "no fragments were needed"
	stop_ends
}

# Where fragments do not pass, no session comes to be, and the log says why.
test_slow_fragments_are_dropped() {
	narrow_way
	in_ns b nft -f - <<-END
		table ip6 fragments {
			chain prerouting {
				type filter hook prerouting priority -500
				exthdr frag exists drop
			}
		}
	END
	no_answer a 10.7.0.2 || fail "answered"
	wait_until 30 "the reason in the log" grep -qE \
		"3 initiations of 1396 bytes each.*does every network between carry that size" \
		"$dir/wga.log"
	expect_equal "key exchange" "" "$(exchange_of a)$(exchange_of b)"
	in_ns b nft delete table ip6 fragments
	wait_until 20 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	stop_ends
}

# Handshakes a second that one responder answers, each from another peer. For people:
# the machine does other things besides.
test_handshake_rate() {
	local kind round key starts=0
	add_ns a b
	add_link a b
	key=$(wg genkey)
	"$load" keys $greeters >"$dir/keys"
	for round in 1 2 3; do
		for kind in x25519 x25519+mlkem768; do
			greeted_config "$key" $kind >"$dir/wgb.conf"
			start wgb b "$adit" run "$dir/wgb.conf"
			starts=$((starts + 1))
			wait_until 10 "wgb" has_started $starts
			in_ns a "$load" greet 10.9.0.2 51820 "$(wg pubkey <<<"$key")" $greeters \
				$kind >>"$dir/$kind"
			stop wgb || fail "wgb ended with status $?"
		done
	done
	figure "handshakes answered a second, by X25519: $(xargs <"$dir/x25519"); by X25519 and" \
		"ML-KEM-768: $(xargs <"$dir/x25519+mlkem768")"
}
has_started() { [ "$(grep -c ': up, MTU' "$dir/wgb.log")" -ge "$1" ]; }
greeted_config() { # greeted_config PRIVATE-KEY KEY-EXCHANGE
	local says=off
	[ "$2" = x25519 ] || says=require
	printf '%s\n' "[Interface]" "PrivateKey = $1" "ListenPort = 51820" \
		"Address = 10.7.0.2/24" "PostQuantum = $says"
	awk '{
		print "[Peer]\nPublicKey = " $0
		print "AllowedIPs = 10.8." int(NR / 250) "." NR % 250
	}' "$dir/keys"
}

run_tests 10 "$@"

#!/bin/bash
# adit beside wireguard-go, Debian's package: the same recorded inputs go through
# both, and every field of every message must be the same, as Wireshark sees it.
. "$(dirname "$0")/../netns/lib.sh"
built=$top/build/release

# Two pairs of ends at once, "ours" and "theirs", with the same keys and addresses:
# the one end under test is adit in the one and wireguard-go in the other, while the
# partner is always adit with its ephemeral keys logged, so that Wireshark can read
# along. Namespaces and interfaces are called ours-a, ours-b, theirs-a, theirs-b.
private_key() { sed -n 's/^PrivateKey = //p' "${!1}"; } # private_key a|b
psk=$(sed -n 's/^PresharedKey = //p' "$a")
public_a=$("$adit" pubkey <<<"$(private_key a)")
public_b=$("$adit" pubkey <<<"$(private_key b)")

# start_end PAIR a|b PROGRAM...: by interface name; then wg does the rest
start_end() {
	local ns=$1-$2
	start "$ns" "$ns" "${@:3}" -f "$ns"
	wait_until 10 "control socket of $ns" test -S "/run/wireguard/$ns.sock"
	in_ns "$ns" wg setconf "$ns" "$dir/$2.conf"
	in_ns "$ns" sysctl -qw "net.ipv6.conf.$ns.disable_ipv6=1" # nothing but what we send
	ip -n "$ns" link set "$ns" mtu 1420 up
	wait_until 10 "port of $ns" is_open "$ns"
}
is_open() { in_ns "$1" ss -Hlnu 'sport = :51820' | grep -q .; }

write_configs() { # write_configs OUTER-ADDRESS-OF-B PRESHARED-KEY|""
	local with_psk=${2:+PresharedKey = $2}
	cat >"$dir/a.conf" <<-END
		[Interface]
		PrivateKey = $(private_key a)
		ListenPort = 51820
		[Peer]
		PublicKey = $public_b
		AllowedIPs = 10.7.0.2/32, fd07::2/128
		Endpoint = $1:51820
		$with_psk
	END
	cat >"$dir/b.conf" <<-END
		[Interface]
		PrivateKey = $(private_key b)
		ListenPort = 51820
		[Peer]
		PublicKey = $public_a
		AllowedIPs = 10.7.0.1/32, fd07::1/128
		$with_psk
	END
}

# ---------------------------------------------------------------- the recording
# What goes in: a|b and what there: an inner packet's version and length, keepalives
# every 25 s or never (0), or the peer removed and added anew.
recording() {
	cat <<-END
		a keepalive 25
		a keepalive 0
		a v4 84
		a v4 20
		a v4 32
		a v4 33
		a v4 1408
		a v4 1409
		a v6 1420
		b v4 84
		b v4 1420
		b v6 40
		b v6 1393
		b renew
		b v4 100
		a v4 101
	END
}
# What comes out: sender, message type, length of the UDP payload, counter. What
# wants a handshake first: a keepalive, then a packet after b forgot its sessions. At
# the end b confirms what it got, after 10 s.
messages() {
	cat <<-END
		a 1 148
		b 2 92
		a 4 32 0
		a 4 128 1
		a 4 64 2
		a 4 64 3
		a 4 80 4
		a 4 1440 5
		a 4 1452 6
		a 4 1452 7
		b 4 128 0
		b 4 1452 1
		b 4 80 2
		b 4 1440 3
		b 1 148
		a 2 92
		b 4 144 0
		a 4 144 0
		b 4 32 1
	END
}

play() { # play PAIR < RECORDING
	local end what value partner
	while read -r end what value; do
		partner=$(tr ab ba <<<"$end")
		case $what in
		keepalive) set_keepalive "$1-$end" "$1-$partner" "$value" ;;
		renew) renew "$1-$end" ;;
		v[46]) deliver "$1-$end" "$1-$partner" "${inner[$what$end]}" \
			"${inner[$what$partner]}" "$value" ;;
		*) fail "not in the language of recordings: $what" ;;
		esac
	done
}
declare -A inner=([v4a]=10.7.0.1 [v4b]=10.7.0.2 [v6a]=fd07::1 [v6b]=fd07::2)
set_keepalive() { # set_keepalive FROM TO SECONDS
	in_ns "$1" wg set "$1" peer "$(in_ns "$1" wg show "$1" peers)" persistent-keepalive "$3"
	wait_until 10 "the keepalive of $1" has_handshake "$2"
}
has_handshake() { ! in_ns "$1" wg show "$1" latest-handshakes | grep -q '\<0$'; }
renew() { # renew NAMESPACE
	local peer endpoint
	read -r peer endpoint < <(in_ns "$1" wg show "$1" endpoints)
	in_ns "$1" wg set "$1" peer "$peer" remove
	in_ns "$1" wg addconf "$1" <(sed -n '/Peer/,$p' "$dir/${1: -1}.conf")
	in_ns "$1" wg set "$1" peer "$peer" endpoint "$endpoint"
}
deliver() { # deliver FROM TO INNER-SOURCE INNER-DESTINATION LENGTH
	local before
	before=$(delivered "$2")
	in_ns "$1" "$built/inject" "$1" "$3" "$4" "$5"
	wait_until 10 "$5 bytes from $1 to $2" has_delivered "$2" $((before + 1))
}
delivered() { ip -n "$1" -s -j link show "$1" | sed 's/.*"rx":{[^}]*"packets":\([0-9]*\).*/\1/'; }
has_delivered() { [ "$(delivered "$1")" -ge "$2" ]; }

# ---------------------------------------------------------------- what Wireshark sees
capture() { # capture NAMESPACE INTERFACE [FILTER]: into $dir/NAMESPACE-INTERFACE.pcapng
	start "capture-$1-$2" "$1" dumpcap -q -i "$2" -f "${3-}" -w "$dir/$1-$2.pcapng"
	wait_until 10 "the capture in $1" is_captured "$1" "$2"
}
is_captured() {
	local index
	index=$(ip -n "$1" -o link show "$2" | cut -d: -f1)
	in_ns "$1" awk -v i="$index" '$5 == i { found = 1 } END { exit !found }' /proc/net/packet
}
stop_capture() { # stop_capture NAMESPACE INTERFACE COUNT: when it has so many packets
	wait_until 20 "$3 packets in the capture of $1 $2" has_captured "$1-$2" "$3"
	stop "capture-$1-$2" INT
}
has_captured() { [ "$(read_capture "$1" | wc -l)" -ge "$2" ]; }
read_capture() { # read_capture CAPTURE OPTION...
	tshark -r "$dir/$1.pcapng" -n "${@:2}" 2> >(sed '/^Running as/d' >>"$dir/tshark.log")
}

write_keys() { # write_keys PAIR: what Wireshark needs to read along
	tr -d '\0' <"$dir/$1.keys" | sed "a PRESHARED_KEY = $psk" >"$dir/$1.keylog"
	printf 'LOCAL_STATIC_PRIVATE_KEY = %s\n' "$(private_key a)" "$(private_key b)" \
		>>"$dir/$1.keylog"
}

# listing PAIR: every message, field by field; what is random by the order in
# which it is first seen, times by whether they grow, decrypted bytes as they are
listing() {
	read_capture "$1-a-eth0" -o "wg.keylog_file:$dir/$1.keylog" -O wg -x | awk '
		function name(kind) {
			if (!($NF in names))
				names[$NF] = kind "-" ++count[kind]
			$NF = names[$NF]
		}
		/^Frame [0-9]+:/ { print "\n" $3 " bytes on the wire"; is_raw = 1; next }
		/^Ethernet/ { next }
		/^[A-Z].*\([0-9]+ bytes\):$/ { is_raw = !/^Decrypted (Static|Packet)/ }
		is_raw && (/bytes\):$/ || /^[0-9a-f]+  /) { next }
		$1 == "Ephemeral:" { name("key") }
		$1 == "Sender:" || $1 == "Receiver:" { name("index") }
		$1 == "mac1:" { name("mac") }
		$1 == "Timestamp:" { next }
		$1 == "TAI64" { label = $3; next }
		$1 == "Nanoseconds:" {
			stamp = sprintf("%s %09d", label, $2)
			print "Timestamp: " (stamp > latest ? "newer" : "OLD") \
				($2 % 2^24 ? ", EXACT" : ", in steps of 2^24 ns")
			latest = stamp
			next
		}
		NF { print }'
}

# as messages() has them, from a listing
summary() {
	awk '
		function flush() {
			if (type)
				print sender, type, len, counter
			counter = ""
		}
		/bytes on the wire/ { flush(); len = $1; is_outer = 1 }
		/^Internet Protocol/ && is_outer {
			sender = / Src: [^,]*1,/ ? "a" : "b"
			len -= /Version 4/ ? 14 + 20 + 8 : 14 + 40 + 8
			is_outer = 0
		}
		$1 == "Type:" { type = $NF; gsub(/[()]/, "", type) }
		$1 == "Counter:" { counter = $2 }
		END { flush() }' | sed 's/ $//'
}

# inner packets, a line of hexadecimal each: as decrypted, and as captured
decrypted() { # decrypted PAIR ip|ipv6: with padding those that are not dissected
	read_capture "$1-a-eth0" -o "wg.keylog_file:$dir/$1.keylog" --disable-protocol "$2" -x |
		awk '/^[A-Z]/ || !NF { is_wanted = /^Decrypted Packet/ } is_wanted' | join_dumps
}
captured() { read_capture "$1-$1" -x | join_dumps; } # captured PAIR-END
join_dumps() {
	awk '/^0000 / && line { print line; line = "" }
		/^[0-9a-f]/ { hex = substr($0, 7, 47); gsub(" ", "", hex); line = line hex }
		END { print line }'
}

# ---------------------------------------------------------------- comparing
record() { # record PAIR a|b PROGRAM...: the end under test, and what runs there
	local pair=$1 tested=$2 end count
	local as_partner=(env "KEYLOG=$dir/$pair.keys" "LD_PRELOAD=$built/keylog.so" "$adit")
	add_ns "$pair-a" "$pair-b"
	add_link "$pair-a" "$pair-b"
	for end in a b; do
		if [ $end = "$tested" ]; then
			start_end "$pair" $end "${@:3}"
		else
			start_end "$pair" $end "${as_partner[@]}"
		fi
		capture "$pair-$end" "$pair-$end"
	done
	capture "$pair-a" eth0 udp
	recording | play "$pair"
	count=$(recording | grep -c ' v[46] ')
	stop_capture "$pair-a" eth0 "$(messages | wc -l)"
	for end in a b; do stop_capture "$pair-$end" "$pair-$end" "$count"; done
	write_keys "$pair"
	listing "$pair" >"$dir/$pair.txt"
}

# compare a|b OUTER-ADDRESS-OF-B PRESHARED-KEY|"": that end is under test
compare() {
	local undissected=ipv6
	[[ $2 != *::* ]] || undissected=ip
	write_configs "$2" "$3"
	record ours "$1" "$adit" &
	local ours=$!
	record theirs "$1" wireguard-go
	wait $ours
	diff -U 20 "$dir/theirs.txt" "$dir/ours.txt" >"$dir/diff" ||
		fail "what differs (- wireguard-go, + adit): $(cat "$dir/diff")"
	local pair
	for pair in ours theirs; do
		expect_equal "messages of $pair" "$(messages)" "$(summary <"$dir/$pair.txt")"
		expect_all_read $pair $undissected
	done
}

# expect_all_read PAIR ip|ipv6: Wireshark could decrypt everything and found what was
# put in, and zeros behind it where it does not dissect what it decrypts
expect_all_read() {
	expect_equal "macs, names, handshakes and keepalives read" "4 2 2 2" "$(
		for text in 'Receiver Static Public Key: ' '^ *Static Public Key: ' \
			'Handshake decryption successful: True' 'Expert Info .*Keepalive'; do
			grep -c "$text" "$dir/$1.txt"
		done | xargs)"
	captured "$1-a" >"$dir/at-a"
	captured "$1-b" >"$dir/at-b"
	decrypted "$1" "$2" >"$dir/decrypted"
	expect_equal "packets at a and at b" "$(cat "$dir/at-a")" "$(cat "$dir/at-b")"
	expect_equal "packets decrypted" "$(recording | grep -c ' v[46] ')" \
		"$(wc -l <"$dir/decrypted")"
	local got packet len padded=0
	while read -r got packet; do
		len=$((${#got} / 2))
		[[ $got = "$packet"* && ${got#"$packet"} =~ ^(00)*$ ]] || fail "decrypted: $got"
		[ "$2" = "${protocol[${got:0:1}]}" ] || continue
		[ $len = 1420 ] || [ $((len % 16)) = 0 ] || fail "padded to $len bytes"
		[ "$got" = "$packet" ] || padded=$((padded + 1))
	done < <(paste "$dir/decrypted" "$dir/at-a")
	[ $padded -ge 2 ] || fail "$padded packets with padding"
}
declare -A protocol=([4]=ip [6]=ipv6)

test_slow_initiator_v4() { compare a 10.9.0.2 ""; }
test_slow_initiator_psk_v6() { compare a '[fd09::2]' "$psk"; }
test_slow_responder_v6() { compare b '[fd09::2]' ""; }
test_slow_responder_psk_v4() { compare b 10.9.0.2 "$psk"; }

# ---------------------------------------------------------------- byte counters
# After 10 pings over a new tunnel both ends and the link agree on every byte.
count_pings() { # count_pings PAIR HEADERS PROGRAM-A PROGRAM-B
	local pair=$1 sent received end
	add_ns "$pair-a" "$pair-b"
	add_link "$pair-a" "$pair-b"
	start_end "$pair" a "$3"
	start_end "$pair" b "$4"
	for end in a b; do ip -n "$pair-$end" addr add "${inner[v4$end]}/24" dev "$pair-$end"; done
	count_on_link "$pair-a"
	expect_ping "$pair-a" 10.7.0.2 10
	sent=$(payload_bytes "$pair-a" output "$2") received=$(payload_bytes "$pair-a" input "$2")
	expect_match "bytes of the initiator, $3 to $4" '^(1428|1460)$' "$sent"
	expect_equal "bytes of the responder, $3 to $4" 1372 "$received"
	expect_equal "rx and tx by $3" "$received $sent" "$(transferred "$pair-a")"
	expect_equal "rx and tx by $4" "$sent $received" "$(transferred "$pair-b")"
}
count_on_link() {
	in_ns "$1" nft -f - <<-END
		table inet count {
			chain input {
				type filter hook input priority 0
				udp dport 51820 counter
			}
			chain output {
				type filter hook output priority 0
				udp sport 51820 counter
			}
		}
	END
}
payload_bytes() { # payload_bytes NAMESPACE CHAIN HEADERS: of UDP, where those of IP are so long
	in_ns "$1" nft list chain inet count "$2" |
		awk -v headers="$3" '/packets/ { print $NF - headers * $(NF - 2) }'
}
transferred() { in_ns "$1" wg show "$1" transfer | cut -f2- | xargs; }

count_all() { # count_all OUTER-ADDRESS-OF-B HEADERS
	write_configs "$1" ""
	local pairs=()
	count_pings ours "$2" "$adit" "$adit" & pairs+=($!)
	count_pings theirs "$2" wireguard-go wireguard-go & pairs+=($!)
	count_pings from "$2" "$adit" wireguard-go & pairs+=($!)
	count_pings to "$2" wireguard-go "$adit" & pairs+=($!)
	local pair
	for pair in "${pairs[@]}"; do wait "$pair"; done
}
test_counters_v4() { count_all 10.9.0.2 28; }
test_counters_v6() { count_all '[fd09::2]' 48; }

run_tests 6 "$@"

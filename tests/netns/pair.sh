# A tunnel with keys of its own; for the suites, after lib.sh. Namespace a has wga
# (10.7.0.1, fd07::1), b has wgb (10.7.0.2, fd07::2). At first only a knows where the
# other is.
outer4=10.9.0.2 outer6=[fd09::2]
peer_says=() # by the number of the end: a line more under [Peer]

# tunnel 4|6 [OUTER-MTU]: over that IP version; the tunnel's MTU is 80 below
tunnel() {
	local mtu=${2:-1500} outer=outer$1 end
	add_ns a b
	add_link a b
	for end in a b; do ip -n $end link set eth0 mtu "$mtu"; done
	key_a=$(wg genkey) key_b=$(wg genkey)
	public_a=$(wg pubkey <<<"$key_a") public_b=$(wg pubkey <<<"$key_b")
	write_config 1 "$key_a" "$public_b" $((mtu - 80)) >"$dir/wga.conf"
	write_config 2 "$key_b" "$public_a" $((mtu - 80)) >"$dir/wgb.conf"
	echo "Endpoint = ${!outer}:51820" >>"$dir/wga.conf"
	run_end a
	run_end b
}
write_config() { # write_config NUMBER PRIVATE-KEY PUBLIC-KEY-OF-THE-OTHER MTU
	local other=$((3 - $1))
	cat <<-END
		[Interface]
		PrivateKey = $2
		ListenPort = 51820
		Address = 10.7.0.$1/24, fd07::$1/64
		MTU = $4
		[Peer]
		PublicKey = $3
		AllowedIPs = 10.7.0.$other/32, fd07::$other/128
		${peer_says[$1]-}
	END
}
run_end() { # run_end a|b
	start "wg$1" "$1" "$adit" run "$dir/wg$1.conf"
	wait_until 10 "routes through wg$1" leads_through "$1" "wg$1" fd07::3
	wait_until 10 "routes through wg$1" leads_through "$1" "wg$1" 10.7.0.3
}
leads_through() { ip -n "$1" route get "$3" | grep -q "dev $2 "; } # NAMESPACE LINK ADDRESS
stop_ends() {
	local end
	for end in wga wgb; do stop $end || fail "$end ended with status $?"; done
}
transferred() { in_ns "$1" wg show "wg$1" transfer | cut -f2- | xargs; } # rx and tx of a|b
endpoint() { in_ns "$1" wg show "wg$1" endpoints | cut -f2; }
dropped() { # dropped a|b REASON: how many
	in_ns "$1" "$adit" show --drops "wg$1" |
		awk -v reason="$2" '$1 == reason { n = $2 } END { print n + 0 }'
}

# count_at NAMESPACE HOOK WHAT: from now on; counted_at: how many packets it were
count_at() {
	in_ns "$1" nft -f - <<-END
		table inet count-$2 {
			chain seen {
				type filter hook $2 priority 0
				$3 counter
			}
		}
	END
}
counted_at() { # counted_at NAMESPACE HOOK
	in_ns "$1" nft list table inet "count-$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
has_counted() { [ "$(counted_at "$1" "$2")" -ge "$3" ]; }

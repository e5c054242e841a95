# Hybrid tunnels, for the suites; after pair.sh.

# post_quantum A B [4|6 [OUTER-MTU]]: a tunnel whose ends say so of each other; "-": nothing
post_quantum() {
	local end says=("" "$1" "$2")
	shift 2
	for end in 1 2; do
		peer_says[end]=
		[ "${says[end]}" = - ] || peer_says[end]="PostQuantum = ${says[end]}"
	done
	tunnel "${@:-4}"
}
exchange_of() { # exchange_of a|b [KEY]: as adit show names it; of one peer, or the only one
	in_ns "$1" "$adit" show "wg$1" | awk -v key="${2:-}" '
		/^peer: / { is_it = key == "" || $2 == key }
		is_it && /^  key exchange: / { print $3 }'
}
expect_exchange() { # expect_exchange NAME
	expect_equal "key exchange at a" "$1" "$(exchange_of a)"
	expect_equal "key exchange at b" "$1" "$(exchange_of b)"
}
# count_types NAMESPACE: from now on, what reaches it, by the first byte of the payload
count_types() {
	in_ns "$1" nft -f - <<-END
		table inet types {
			counter classical { }
			counter hybrid { }
			counter data { }
			chain prerouting {
				type filter hook prerouting priority -310
				udp dport 51820 @th,64,8 { 1, 2 } counter name classical
				udp dport 51820 @th,64,8 { 17, 18 } counter name hybrid
				udp dport 51820 @th,64,8 4 counter name data
			}
		}
	END
}
types_at() {
	local ns=$1 rule name chain match
	shift
	{
		echo "table inet types {"
		for rule; do echo "counter ${rule%% *} { }"; done
		echo "chain prerouting { type filter hook prerouting priority -310;"
		for rule; do
			read -r name chain match <<<"$rule"
			echo "$match counter name $name"
		done
		echo "} }"
	} | in_ns "$ns" nft -f -
}
types_at() { # types_at NAMESPACE NAME
	in_ns "$1" nft list counter inet types "$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

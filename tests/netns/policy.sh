# A tunnel for the default route; for the suites, after lib.sh.
#
# Namespace a has a tunnel to b; its default route leads to b, too. Behind that are
# the tunnel's endpoint and an outside host, in b as well: it answers in the clear and
# through the tunnel. A strict reverse path filter watches a.
endpoint4=198.51.100.9 endpoint6=2001:db8:9::9
outside4=203.0.113.7 outside6=2001:db8:51::7

world() {
	local bits address
	add_ns a b
	add_link a b
	for address in $endpoint4/32 $outside4/32; do ip -n b addr add $address dev lo; done
	for address in $endpoint6/128 $outside6/128; do ip -n b addr add $address dev lo; done
	ip -n a route add default via 10.9.0.2
	ip -n a -6 route add default via fd09::2
	in_ns a sysctl -qw net.ipv4.conf.all.rp_filter=1
	key_a=$(wg genkey) key_b=$(wg genkey)
	public_a=$(wg pubkey <<<"$key_a") public_b=$(wg pubkey <<<"$key_b")
	(umask 077 && cat >"$dir/wgb.conf") <<-END
		[Interface]
		PrivateKey = $key_b
		ListenPort = 51820
		Address = 10.7.0.2/24, fd07::2/64
		[Peer]
		PublicKey = $public_a
		AllowedIPs = 10.7.0.1/32, fd07::1/128
	END
	start wgb b "$adit" run "$dir/wgb.conf"
	wait_until 10 "wgb" is_up b wgb
	in_ns a nft -f - <<-END
		table inet watch {
			counter clear4 { }
			counter clear6 { }
			counter inside4 { }
			counter inside6 { }
			counter loop { }
			counter near { }
			chain postrouting {
				type filter hook postrouting priority 300
				oifname "wg*" udp dport 51820 counter name loop
				oifname eth0 ip daddr 10.9.0.2 meta l4proto icmp counter name near
				oifname eth0 ip6 daddr fd09::2 icmpv6 type 128 counter name near
				oifname eth0 ip daddr $outside4 counter name clear4
				oifname eth0 ip6 daddr $outside6 counter name clear6
				oifname "wg*" ip daddr $outside4 counter name inside4
				oifname "wg*" ip6 daddr $outside6 counter name inside6
			}
		}
	END
}
is_up() { [[ $(ip -n "$1" link show dev "$2") == *,UP* ]]; }
counted() { in_ns a nft list counter inet watch "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
reset_counters() { in_ns a nft reset counters table inet watch >/dev/null; }

# config ALLOWED-IPS [LINE...]: of wga, with more lines in [Interface]; over IPv4, or
# IPv6 where only that is in AllowedIPs
config() {
	local host=$endpoint4 allowed=$1
	[[ $allowed == *.* ]] || host=[$endpoint6]
	shift
	(umask 077 && cat >"$dir/wga.conf") <<-END
		[Interface]
		PrivateKey = $key_a
		Address = 10.7.0.1/24, fd07::1/64
		$(printf '%s\n' "$@")
		[Peer]
		PublicKey = $public_b
		AllowedIPs = $allowed
		Endpoint = $host:51820
	END
}
run_a() {
	start wga a "$adit" run "$dir/wga.conf"
	wait_until 10 "wga to be up" grep -q "up, MTU" "$dir/wga.log"
}
kill_a() { # with all its processes, as the kernel's memory killer would
	kill -KILL "${pid_of[wga]}"
	wait_until 10 "wga to vanish" has_no_link wga
	: >"$dir/wga.log"
}
has_no_link() { ! ip -n a link show "$1" >/dev/null 2>&1; }

# All that adit could leave in namespace a besides the device.
policy_of_a() {
	ip -n a rule
	ip -n a -6 rule
	ip -n a route show table all
	ip -n a -6 route show table all
	in_ns a nft list ruleset | grep -v 'packets'
	in_ns a sysctl net.ipv4.conf.all.src_valid_mark
}
answers() { in_ns a ping -n -q -c 1 -W 2 "$1" >/dev/null; }
expect_ways() { # expect_ways 4|6 clear|inside: three pings, and where they went
	local outside=outside$1 other
	other=$([ "$2" = clear ] && echo inside || echo clear)
	reset_counters
	expect_ping a "${!outside}"
	expect_equal "IPv$1 $2" 3 "$(counted "$2$1")"
	expect_equal "IPv$1 $other" 0 "$(counted "$other$1")"
}
expect_closed() { # expect_closed 4|6: refused at once, and nothing leaves
	local outside=outside$1
	reset_counters
	! in_ns a ping -n -q -c 1 -W 2 "${!outside}" >"$dir/ping" 2>&1 || fail "IPv$1 is open"
	expect_match "the refusal" 'No route to host|Unreachable|unreachable' "$(cat "$dir/ping")"
	expect_equal "packets in the clear" 0 "$(counted "clear$1")"
}
src_valid_mark() { in_ns a sysctl -n net.ipv4.conf.all.src_valid_mark; }

# The contenders: each has two namespaces, WHO-a and WHO-b, a veth between them, and,
# but for the one named veth, a tunnel through it. All are there at once, and idle
# but for the one that is measured. For the benchmarks, after netns/lib.sh.
contenders=(veth wireguard-go adit adit-null adit-avx512 adit-avx2 adit-portable adit-libsodium)
declare -A link_of=([wireguard-go]=go [adit]=ad [adit-null]=nu [adit-avx512]=a5 [adit-avx2]=a2
	[adit-portable]=po [adit-libsodium]=so)
adit_null=$top/build/release/adit-null
probe=$top/build/release/probe

address_of() { # address_of WHO a|b: of the far end, as who talks to it sees it
	local net=7
	[ "$1" != veth ] || net=9
	echo 10.$net.0.$([ "$2" = a ] && echo 1 || echo 2)
}
program_of() { # program_of WHO
	case $1 in
	wireguard-go) echo "$wireguard_go" ;;
	adit-null) echo "$adit_null" ;;
	*) echo "$adit" ;;
	esac
}
# What stands in [Interface] beside the keys; ADIT_LINES is for all of adit's.
own_lines() { # own_lines WHO
	[[ $1 == adit* ]] || return 0
	echo "$ADIT_LINES"
	[[ $1 == adit || $1 == adit-null ]] || echo "Aead = ${1#adit-}"
}

# is_possible WHO: else says why not
is_possible() {
	case $1 in
	veth | adit) return 0 ;;
	wireguard-go) [ -n "$wireguard_go" ] || { echo "there is none"; return 1; } ;;
	adit-null) [ -x "$adit_null" ] || { echo "it was not built"; return 1; } ;;
	*)
		local said kernel=${1#adit-}
		write_interface "$1" "$("$adit" genkey)" >"$dir/try.conf"
		said=$("$adit" check "$dir/try.conf" 2>&1) ||
			{ sed -n 's/.*error: //p; T; q' <<<"$said"; return 1; }
		[[ $1 != adit-avx* ]] || grep -qE "^flags.* $kernel(f|ifma)? " /proc/cpuinfo ||
			{ echo "this processor has no $kernel"; return 1; }
		;;
	esac
}

# ---------------------------------------------------------------- configurations
write_interface() { # write_interface WHO PRIVATE-KEY [PORT]
	printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n' "$2" "${3:-51820}"
	own_lines "$1"
}
write_pair() { # write_pair WHO
	local who=$1 end other link=${link_of[$1]}
	local -A key=([a]=$("$adit" genkey) [b]=$("$adit" genkey)) number=([a]=1 [b]=2)
	for end in a b; do
		other=$([ $end = a ] && echo b || echo a)
		{
			write_interface "$who" "${key[$end]}"
			[ "$who" = wireguard-go ] ||
				printf 'Address = 10.7.0.%s/24\nMTU = 1420\n' "${number[$end]}"
			echo "[Peer]"
			echo "PublicKey = $("$adit" pubkey <<<"${key[$other]}")"
			echo "AllowedIPs = 10.7.0.${number[$other]}/32"
			echo "Endpoint = 10.9.0.${number[$other]}:51820"
		} >"$dir/$link-$end.conf"
	done
}

# ---------------------------------------------------------------- daemons
# run_daemon WHO NAMESPACE LINK [ADDRESS]: with $dir/LINK.conf; its pid in pid_of[LINK]
run_daemon() {
	local who=$1 ns=$2 link=$3 program
	program=$(program_of "$who")
	if [ "$who" != wireguard-go ]; then
		start "$link" "$ns" "$program" run "$dir/$link.conf"
		wait_until 20 "$link" is_up "$ns" "$link"
		return
	fi
	start "$link" "$ns" "$program" -f "$link"
	wait_until 10 "$link's control socket" test -S "/run/wireguard/$link.sock"
	in_ns "$ns" wg setconf "$link" "$dir/$link.conf"
	[ -z "${4-}" ] || ip -n "$ns" addr add "$4" dev "$link"
	ip -n "$ns" link set "$link" up mtu 1420
}
is_up() { [[ $(ip -n "$1" link show dev "$2") == *[,\<]UP[,\>]* ]] && in_ns "$1" wg show "$2"; }
answers() { in_ns "$1-a" ping -n -q -c 1 -W 1 "$(address_of "$1" b)"; }

add_contender() { # add_contender WHO
	local who=$1 end n=1 link
	add_ns "$who-a" "$who-b"
	add_link "$who-a" "$who-b"
	if [ "$who" != veth ]; then
		link=${link_of[$who]}
		write_pair "$who"
		for end in a b; do
			run_daemon "$who" "$who-$end" "$link-$end" 10.7.0.$n/24
			n=$((n + 1))
		done
	fi
	wait_until 30 "an answer through $who" answers "$who"
	start "iperf-$who" "$who-b" iperf3 -s
	wait_until 5 "iperf3's server" is_listening "$who-b" 5201
}

# family PID...: these and all that they started
family() {
	local pid
	for pid; do
		echo "$pid"
		family $(cat /proc/"$pid"/task/*/children 2>/dev/null)
	done
}
daemon_of() { # daemon_of WHO a|b: its processes
	family "${pid_of[${link_of[$1]}-$2]}"
}
# cpu_ms PID...: what these processes have used, in user space and in the kernel
cpu_ms() {
	local pid ticks
	ticks=$(getconf CLK_TCK)
	# the name, in brackets, may have spaces
	for pid; do sed 's/.*) //' "/proc/$pid/stat"; done |
		awk -v ticks="$ticks" '{ n += $12 + $13 } END { print n * 1000 / ticks }'
}
rss_mib() { # rss_mib PID...: all of them together
	local pid
	for pid; do grep VmRSS "/proc/$pid/status"; done |
		awk '{ n += $2 } END { printf "%.2f\n", n / 1024 }'
}
# The process that has the packets: of adit's, the one that says so.
engine_of() { # engine_of WHO a|b
	local pid first=
	for pid in $(daemon_of "$1" "$2"); do
		first=${first:-$pid}
		[ "$(cat "/proc/$pid/comm")" != adit-engine ] || { echo "$pid"; return; }
	done
	echo "$first"
}

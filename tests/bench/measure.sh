# What is measured. A function group_NAME measures the contender $who, for $seconds
# where time is given, and hands each number to `sample`. For the benchmarks, after
# contenders.sh.
#
# group_of[NAME]: which contenders take part
declare -A group_of=(
	[throughput]="veth wireguard-go adit"
	[segmented]="veth wireguard-go adit adit-null"
	[ciphers]="wireguard-go adit adit-null adit-avx512 adit-avx2 adit-portable adit-libsodium"
	[udp]="veth wireguard-go adit adit-null"
	[rtt]="veth wireguard-go adit"
	[bottleneck]="veth wireguard-go adit"
	[memory]="wireguard-go adit"
	[handshakes]="wireguard-go adit"
	[primitives]="adit"
	[smoke]="veth wireguard-go adit adit-null"
)
all_groups=(throughput ciphers udp rtt handshakes segmented memory bottleneck primitives)

sample() { # sample METRIC VALUE
	printf '{"metric":"%s","who":"%s","round":%d,"value":%s}\n' "$1" "$who" "$round" "$2" \
		>>"$samples"
}
ratio() {
	awk -v a="$1" -v b="$2" \
		'BEGIN { if (b > 0) printf "%.6g\n", a / b; else print "null" }'
}

# stream SECONDS ARGUMENTS...: iperf3's JSON
stream() {
	local time=$1 out
	shift
	out=$(in_ns "$who-a" timeout $((time + 20)) iperf3 -c "$(address_of "$who" b)" -C cubic \
		-t "$time" -J "$@") || fail "iperf3 of $who: $(jq -r .error <<<"$out")"
	echo "$out"
}
gbits() { # gbits JSON: both directions together, where there are two
	jq '.end | (.sum_received.bits_per_second +
		(.sum_received_bidir_reverse.bits_per_second // 0)) / 1e9' <<<"$1"
}
stream_at() { # stream_at METRIC ARGUMENTS...
	local metric=$1 out
	shift
	out=$(stream "$seconds" "$@")
	sample "$metric" "$(gbits "$out")"
}
# In the background, for longer than what is measured beside it takes.
start_streams() { # start_streams COUNT SECONDS
	stream "$2" -P "$1" >"$dir/stream" &
	streams=$!
	sleep 1 # slow start is over
}

# daemons_cpu: of both ends, "A B"; of bare veth nothing
daemons_cpu() {
	[ "$who" = veth ] || echo "$(cpu_ms $(daemon_of "$who" a)) $(cpu_ms $(daemon_of "$who" b))"
}
# sample_cpu BEFORE AFTER METRIC-A DIVISOR-A METRIC-B DIVISOR-B: milliseconds per divisor
sample_cpu() {
	[ "$who" != veth ] || return 0
	local a1 b1 a2 b2
	read -r a1 b1 <<<"$1"
	read -r a2 b2 <<<"$2"
	sample "$3" "$(ratio "$(awk "BEGIN { print $a2 - $a1 }")" "$4")"
	sample "$5" "$(ratio "$(awk "BEGIN { print $b2 - $b1 }")" "$6")"
}

one_stream() { # one_stream METRIC-PREFIX: with what it costs
	local before out megabytes
	before=$(daemons_cpu)
	out=$(stream "$seconds")
	sample "$1tcp_1" "$(gbits "$out")"
	megabytes=$(jq '.end.sum_received.bytes / 1e6' <<<"$out") # ms/MB are s/GB
	sample_cpu "$before" "$(daemons_cpu)" "$1cpu_gb_a" "$megabytes" "$1cpu_gb_b" "$megabytes"
}

# ---------------------------------------------------------------- the groups
group_throughput() {
	one_stream ""
	stream_at tcp_1_reverse -R
	stream_at tcp_4 -P 4
	stream_at tcp_4_reverse -P 4 -R
	stream_at tcp_both --bidir
}

# veth passes a super-packet whole, the best case there is; here the kernel must cut it
set_segmenting() { # set_segmenting on|off
	local end on=$1 off=off
	[ "$on" = on ] || off=on
	for end in a b; do
		in_ns "$who-$end" ethtool -K eth0 tso $off tx-udp-segmentation $off gro $on \
			>/dev/null
	done
}
group_segmented() {
	set_segmenting on
	one_stream segmented_
	stream_at segmented_tcp_4 -P 4
	set_segmenting off
}

group_ciphers() {
	one_stream cipher_
}

group_udp() {
	local size out best flood before sent received rest
	local ends=("$who-a" "$who-b" "$(address_of "$who" a)" "$(address_of "$who" b)")
	for size in 64 1392; do
		out=$("$probe" udp-search "${ends[@]}" $size "$trial_ms")
		read -r best flood <<<"$out"
		sample udp_$size "$best"
		sample udp_${size}_flood "$flood"
		before=$(daemons_cpu)
		out=$("$probe" udp-rate "${ends[@]}" $size $((2 * trial_ms)) $((best * 9 / 10)))
		read -r sent received rest <<<"$out"
		sample_cpu "$before" "$(daemons_cpu)" udp_${size}_cpu_a "$(ratio "$sent" 1000)" \
			udp_${size}_cpu_b "$(ratio "$received" 1000)"
	done
}

round_trips() { # round_trips METRIC SECONDS
	local out p50 p99 asked answered
	out=$("$probe" rtt "$who-a" "$who-b" "$(address_of "$who" a)" "$(address_of "$who" b)" \
		$(($2 * 1000)) 2000)
	read -r p50 p99 asked answered <<<"$out"
	sample "$1_p50" "$p50"
	sample "$1_p99" "$p99"
	sample "$1_lost" "$(ratio $((100 * (asked - answered))) "$asked")"
}
round_trips_beside_stream() { # round_trips_beside_stream METRIC SECONDS
	local streams
	start_streams 1 $(($2 + 3))
	round_trips "$1" "$2"
	wait "$streams"
}
group_rtt() {
	round_trips rtt_idle "$seconds"
	round_trips_beside_stream rtt_load "$seconds"
}

# A line of 50 Mbit/s with a queue of 50 ms, as a home has it, on the outer path from A to B
group_bottleneck() {
	tc -n "$who-a" qdisc add dev eth0 root tbf rate 50mbit burst 64kb latency 50ms
	round_trips_beside_stream rtt_tbf $((seconds + 1))
	tc -n "$who-a" qdisc del dev eth0 root
}

sample_memory() { # sample_memory METRIC: of B, all its processes, and what has the packets
	sample "$1" "$(rss_mib $(daemon_of "$who" b))"
	sample "$1_engine" "$(rss_mib "$(engine_of "$who" b)")"
}
group_memory() {
	local streams
	start_streams 4 $((seconds + 2))
	sleep "$((seconds / 2))"
	sample_memory rss_load
	wait "$streams"
}

# A daemon of its own in B, with many peers, each of which shakes hands in its turn.
handshake_peers=1000
group_handshakes() {
	local link=${link_of[$who]}-h key out rate answered sent strange pids
	key=$("$adit" genkey)
	{
		write_interface "$who" "$key" 51821
		[ "$who" = wireguard-go ] || echo "Table = off"
		"$probe" peers 1 $handshake_peers
	} >"$dir/$link.conf"
	run_daemon "$who" "$who-b" "$link"
	pids=$(family "${pid_of[$link]}")
	out=$(cpu_ms $pids)
	out="$out $("$probe" handshakes "$who-a" 10.9.0.1 10.9.0.2 51821 \
		"$("$adit" pubkey <<<"$key")" 1 $handshake_peers $((handshakes * seconds)))"
	out="$out $(cpu_ms $pids)"
	local before after
	read -r before rate answered sent strange after <<<"$out"
	sample handshakes "$rate"
	sample handshakes_core "$(ratio "$((answered * 1000))" \
		"$(awk "BEGIN { print $after - $before }")")"
	sample handshakes_lost "$(ratio $((100 * (sent - answered))) "$sent")"
	stop "$link" || true # wireguard-go ends by the signal
}

# A moment of each kind, to see that the benchmarks themselves work
group_smoke() {
	one_stream ""
	group_udp
	round_trips rtt_idle 1
	[ "$who" != adit ] || group_primitives
	[[ ${group_of[handshakes]} != *$who* ]] || group_handshakes
}

group_primitives() {
	local name us
	while read -r name us; do
		sample "$name" "$us"
	done < <("$probe" primitives $((seconds * 100)))
	aead_kernels
}
# Each kernel is a contender here. The lines: op, batch, bytes, and of each its name and ns
aead_kernels() {
	local op batch bytes kernels i metric who
	while read -r op batch bytes kernels; do
		metric=aead_${op}_${bytes}_$batch
		read -ra kernels <<<"$kernels"
		for ((i = 0; i < ${#kernels[@]}; i += 2)); do
			who=adit-${kernels[i]}
			sample "$metric" "${kernels[i + 1]}"
		done
	done < <("$top/build/release/bench-aead" --rounds $((seconds * 7)) |
		grep -E '^(seal|open) (1|32) (64|1420) ')
}

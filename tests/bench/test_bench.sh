#!/bin/bash
# That the benchmarks work: a moment of each kind, and what comes of it. No number is
# judged here. And the adit without a cipher is nothing that could be mistaken.
. "$(dirname "$0")/../netns/lib.sh"
. "$tests_dir/bench/contenders.sh"

test_smoke() {
	# not below /run: the benchmarks have one of their own
	export RESULTS=$top/build/bench-smoke BENCH=smoke
	"$tests_dir/bench/run" >"$dir/run.log" 2>&1 || fail "the benchmarks: $(cat "$dir/run.log")"
	jq -e '[.results[] | select(.contenders.adit.median > 0) | .metric] as $there
		| (["tcp_1", "udp_64", "udp_1392", "rtt_idle_p50", "handshakes", "x25519"] - $there)
		== []' "$RESULTS/bench.json" >"$dir/jq.log" || fail "a metric has no number"
	jq -e '(.goals | length) > 9 and (.machine.kernel | length) > 0' \
		"$RESULTS/bench.json" >"$dir/jq.log" || fail "goals or machine are missing"
	expect_match "the table" "^1 TCP stream, A to B, Gbit/s +[0-9]" \
		"$(cat "$RESULTS/bench.txt")"
	[ "$(expand "$RESULTS/bench.txt" | awk '!/^(machine|programs|command|note)/' |
		wc -L)" -le 100 ] || fail "the table is wider than 100 columns"
	expect_match "the README's table" "^\| throughput: 1 TCP" \
		"$("$tests_dir/bench/table" --markdown <"$RESULTS/bench.json")"
	expect_equal "the plot" "89504e47" \
		"$(head -c 4 "$RESULTS/bench.png" | od -An -tx1 | tr -d ' ')"
}

# Medians, ratios and verdicts, of numbers made up
test_summary() {
	echo '{}' >"$dir/machine"
	local out round
	out=$(for round in 1 2 3; do
		printf '{"metric":"tcp_1","who":"adit","round":%d,"value":%d}\n' \
			$round $((round * round))
		printf '{"metric":"tcp_1","who":"wireguard-go","round":%d,"value":2}\n' $round
		printf '{"metric":"rss_idle","who":"adit","round":%d,"value":9}\n' $round
	done | "$tests_dir/bench/summarise" "$dir/machine")
	expect_equal "median" 4 "$(jq '.results[0].contenders.adit.median' <<<"$out")"
	expect_equal "ratio" 2 "$(jq '.results[0].ratio' <<<"$out")"
	expect_equal "verdicts" "tcp_1 false, udp_64 null, rss_idle false" "$(jq -r '[.goals[]
		| select(.metric == "tcp_1" or .metric == "rss_idle" or
			.title == "64-byte UDP with < 1 % lost")
		| "\(.metric) \(.reached)"] | join(", ")' <<<"$out")"
}

# Without cipher it talks to its like, and to nobody else; the program has no part of it
test_null_is_apart() {
	expect_equal "wrapped in the program" 0 "$(nm "$adit" | grep -c '__wrap_aead' || true)"
	expect_equal "wrapped without cipher" 4 "$(nm "$adit_null" | grep -c '__wrap_aead')"
	ADIT_LINES="" wireguard_go=""
	add_contender adit-null
	stop nu-b || fail "nu-b ended with status $?"
	adit_null=$adit
	run_daemon adit-null adit-null-b nu-b
	in_ns adit-null-a ping -q -c 3 -i 0.1 -W 1 10.7.0.2 >"$dir/ping" || true
	expect_match "pings to adit" " 0 received" "$(cat "$dir/ping")"
}

run_tests 3 "$@"

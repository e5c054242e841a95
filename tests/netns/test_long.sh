#!/bin/bash
# What mostly takes long, for make test-long.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
. "$(dirname "$0")/hybrid.sh"

engine_of() { # of the supervisor $1
	local pid
	for pid in $(adit_pids); do
		[ "$(sed -n 's/^PPid:\t//p' "/proc/$pid/status")" = "$1" ] || continue
		! grep -qx adit-engine "/proc/$pid/comm" || echo "$pid"
	done
}
data_at_b() { in_ns b nft list counter inet watch data | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
handshake_time() { in_ns a wg show adit-a latest-handshakes | cut -f2; }

# Regressions 29: an engine that was stopped for longer than a session lives, as a
# suspend stops it, and finds a packet waiting when it goes on: what comes first is a
# handshake, and not one packet goes under the old keys.
test_slow_engine_stopped_for_181_s() {
	run_both
	expect_ping a 10.7.0.2
	local engine before
	engine=$(engine_of "${pid_of[adit-a]}")
	before=$(handshake_time)
	kill -STOP "$engine"
	in_ns a ping -n -q -c 1 -W 1 10.7.0.2 >/dev/null || true # waits in the TUN
	sleep 181
	in_ns b nft -f - <<-END
		table inet watch {
			counter data { }
			chain input {
				type filter hook prerouting priority 0
				udp dport 51820 @th,64,8 4 counter name data
			}
		}
	END
	in_ns b nft add chain inet watch shut \
		'{ type filter hook output priority 0; policy accept; }'
	in_ns b nft add rule inet watch shut udp sport 51820 drop # nobody answers the handshake
	kill -CONT "$engine"
	sleep 2
	expect_equal "packets under the old keys" 0 "$(data_at_b)"
	in_ns b nft delete chain inet watch shut
	wait_until 20 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	expect_ping b 10.7.0.1
	[ "$(handshake_time)" -gt "$before" ] || fail "no new handshake"
	stop_both
}

# Two rekeys by time, each hybrid again, and nothing lost meanwhile.
test_slow_hybrid_rekeys() {
	post_quantum require require
	count_types b
	in_ns a ping -n -q -i 1 -c 270 -W 5 10.7.0.2 >"$dir/pings"
	expect_match "pings" " 0% packet loss" "$(cat "$dir/pings")"
	expect_equal "initiations at b" 3 "$(types_at b hybrid)"
	expect_equal "classical messages" 0 "$(types_at b classical)"
	expect_exchange x25519+mlkem768
	stop_ends
}

run_tests 2 "$@"

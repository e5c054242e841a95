#!/bin/bash
# Ends that come at a bad moment, and beginnings in a bad company: hooks that
# hang, callers that leave, descriptors and signals that somebody else prepared.
. "$(dirname "$0")/lib.sh"

no_link() { ! ip -n a link show adit-a >/dev/null 2>&1; }
# with_hook KEY COMMAND: the configuration of a with a hook, of root alone
with_hook() {
	mkdir -p /run/test/conf
	sed "s|^\[Interface\]|&\n$1 = $2|" "$a" >/run/test/conf/adit-a.conf
	a=/run/test/conf/adit-a.conf
}
expect_nothing_left() {
	wait_until 5 "all processes to end" no_process_left
	no_link || fail "the link is still there"
	[ -z "$(ls /run/wireguard)" ] || fail "left: $(ls /run/wireguard)"
}

test_hook_that_hangs_does_not_keep_it() {
	two_ends
	with_hook PostUp 'exec sleep 1000'
	start adit-a a "$adit" run "$a"
	wait_until 10 "the hook" pgrep -x sleep
	stop adit-a || fail "status $?"
	expect_match "what it says" 'sleep 1000.*still runs' "$(cat "$dir/adit-a.log")"
	no_link || fail "the link is still there"
	kill "$(pgrep -x sleep)"
	expect_nothing_left
}

# Told once it waits for the hook, for that may be what the hook is for; told again it goes.
test_told_twice_to_end() {
	two_ends
	with_hook PreDown 'exec sleep 1000'
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	kill -TERM "${pid_of[adit-a]}"
	wait_until 10 "the hook" pgrep -x sleep
	kill -HUP "${pid_of[adit-a]}" # a terminal that closes may say that more than once
	in_ns a "$adit" show adit-a >/dev/null || fail "it does not answer any more"
	stop adit-a || fail "status $?"
	expect_match "what it says" 'PreDown: .*sleep 1000.*still runs: not waited for' \
		"$(cat "$dir/adit-a.log")"
	no_link || fail "the link is still there"
	kill "$(pgrep -x sleep)"
	expect_nothing_left
}

# The interface has gone by then, and this hook too is not waited for.
test_told_twice_to_end_after_it_is_down() {
	two_ends
	with_hook PostDown 'exec sleep 1000'
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	kill -INT "${pid_of[adit-a]}"
	wait_until 10 "the hook" pgrep -x sleep
	no_link || fail "the link is still there"
	stop adit-a INT || fail "status $?"
	expect_match "what it says" 'PostDown: .*sleep 1000.*still runs: not waited for' \
		"$(cat "$dir/adit-a.log")"
	kill "$(pgrep -x sleep)"
	expect_nothing_left
}

# A name server that takes its time does not keep it either.
test_lookup_that_hangs_does_not_keep_it() {
	two_ends
	printf 'nameserver 10.9.0.77\noptions timeout:20\n' >"$dir/resolv.conf"
	printf 'hosts: dns\n' >"$dir/nsswitch.conf"
	mount --bind "$dir/resolv.conf" /etc/resolv.conf
	mount --bind "$dir/nsswitch.conf" /etc/nsswitch.conf
	ip -n a neigh add 10.9.0.77 dev eth0 lladdr 02:00:00:00:00:77 # swallows the questions
	mkdir /run/test/conf
	sed 's/^Endpoint = .*/Endpoint = b.example.org:51820/' "$a" >/run/test/conf/adit-a.conf
	start adit-a a "$adit" run /run/test/conf/adit-a.conf
	wait_until 10 "address of adit-a" has_address a adit-a
	sleep 0.5 # the question is out
	local before
	before=$(clock_ms)
	stop adit-a || fail "status $?"
	[ $(($(clock_ms) - before)) -lt 5000 ] || fail "it took $(($(clock_ms) - before)) ms"
	expect_nothing_left
}

test_told_to_end_before_it_is_ready() {
	two_ends
	with_hook PreUp 'sleep 2'
	start adit-a a "$adit" up "$a"
	wait_until 10 "the hook" pgrep -x sleep
	in_ns a "$adit" down adit-a >>"$dir/down.log" 2>&1
	local status=0
	wait "${pid_of[adit-a]}" || status=$?
	expect_equal "exit status of up" 1 $status
	expect_nothing_left
}

# Whoever interrupts "adit up" does not find it up later.
test_caller_that_leaves() {
	two_ends
	with_hook PreUp 'sleep 2'
	start adit-a a "$adit" up "$a"
	wait_until 10 "the hook" pgrep -x sleep
	stop adit-a INT && fail "up succeeded"
	expect_nothing_left
}

test_reader_that_leaves() {
	two_ends
	with_hook PostUp 'echo one; echo two; echo three'
	in_ns a "$adit" run "$a" 2>&1 | head -n 1 >"$dir/head" &
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "the reader to leave" test -s "$dir/head"
	in_ns a "$adit" down adit-a # it logs this, to nobody
	expect_nothing_left
}

test_reader_that_sleeps() {
	two_ends
	mkfifo "$dir/stderr"
	exec 8<>"$dir/stderr"
	dd if=/dev/zero of="$dir/stderr" oflag=nonblock bs=4096 2>/dev/null || true
	LOG_LEVEL=verbose in_ns a "$adit" run "$a" 2>"$dir/stderr" >&2 &
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "address of adit-b" has_address b adit-b
	expect_ping a 10.7.0.2
	in_ns a "$adit" down adit-a
	stop adit-b
	expect_nothing_left
}

# A log daemon at /dev/log, in a /dev of our own
start_log_daemon() {
	mkdir "$dir/dev"
	mount -t tmpfs tmpfs "$dir/dev"
	mkdir "$dir/dev/net"
	cp -a /dev/{null,zero,full,random,urandom} "$dir/dev"
	cp -a /dev/net/tun "$dir/dev/net"
	mount --bind "$dir/dev" /dev
	"$pipe" datagrams /dev/log >"$dir/syslog" &
	pid_of[log]=$!
	wait_until 5 "the log daemon" test -S /dev/log
}

# In the background there is only syslog to write to; packets do not wait for it.
test_log_daemon_that_sleeps() {
	two_ends
	start_log_daemon
	in_ns a "$adit" up "$a" 2>"$dir/up.log" || fail "status $?"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-b" has_address b adit-b
	wait_until 5 "a first line" grep -q 'adit\[[0-9]*\]: adit-a: up, ' "$dir/syslog"
	kill -STOP "${pid_of[log]}"
	# more lines than it has room for: the kernel will not send there
	local i peers=()
	for i in {1..30}; do
		peers+=(peer "$("$adit" genkey | "$adit" pubkey)" endpoint 198.51.100.$i:1
			persistent-keepalive 1)
	done
	timeout 10 ip netns exec a wg set adit-a "${peers[@]}" || fail "it does not answer"
	expect_ping a 10.7.0.2
	kill -CONT "${pid_of[log]}"
	in_ns a "$adit" down adit-a
	wait_until 5 "a last line" grep -q 'adit-a: .*: ending' "$dir/syslog"
	[ "$(grep -c 'cannot send to' "$dir/syslog")" -ge 1 ] || fail "none was sent"
	kill "${pid_of[log]}"
	stop adit-b
	expect_nothing_left
}

# What a caller leaves open, closed, blocked or ignored makes no difference.
test_inherits_nothing() {
	two_ends
	with_hook PostUp true
	exec 9>"$dir/lock"
	flock 9
	in_ns a env --ignore-signal=CHLD,PIPE --block-signal=TERM,CHLD \
		"$adit" up "$a" <&- >&- 2>&- || fail "status $?"
	exec 9>&-
	flock --nonblock "$dir/lock" true || fail "the caller's lock is still held"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-b" has_address b adit-b
	expect_ping a 10.7.0.2
	in_ns a "$adit" down adit-a
	stop adit-b
	expect_nothing_left
}

# It gets some time, and is killed then.
test_engine_that_hangs_does_not_keep_it() {
	two_ends
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	kill -STOP "$(pgrep -x adit-engine)"
	stop adit-a || fail "status $?"
	expect_equal "lines about it" 1 \
		"$(grep -c 'engine has not ended within 3 s: killing it$' "$dir/adit-a.log")"
	expect_nothing_left
}

test_killed_engine_is_explained() {
	two_ends
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	kill -KILL "$(pgrep -x adit-engine)"
	wait_until 10 "adit to end" is_gone "${pid_of[adit-a]}"
	local status=0
	wait "${pid_of[adit-a]}" || status=$?
	expect_equal "exit status" 1 $status
	expect_match "the reason" 'signal 9' "$(cat "$dir/adit-a.log")"
	expect_nothing_left
}

# Regressions 21: whatever it is doing when it is told to end, nothing is left.
test_stopped_at_any_moment_row_21() {
	two_ends
	local i
	for i in $(seq "${STOPS:-60}"); do
		start adit-a a "$adit" run "$a"
		until [ "/proc/${pid_of[adit-a]}/exe" -ef "$adit" ]; do :; done # no shell any more
		sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
		if [ $((i % 3)) = 0 ]; then kill -KILL "${pid_of[adit-a]}"; else
			kill -TERM "${pid_of[adit-a]}"; fi
		wait_until 10 "adit to end" is_gone "${pid_of[adit-a]}"
		wait_until 5 "all processes to end" no_process_left
		no_link || fail "the link is still there"
	done
	# kill -9, or SIGTERM before it listens for it, may leave the socket to the next start
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	stop adit-a || fail "status $?"
	expect_nothing_left
}

run_tests 13 "$@"

#!/bin/bash
# What a configuration asks for beside the tunnel itself: commands, endpoints by
# name; what is said when it cannot be done; and ends by other hands.
. "$(dirname "$0")/lib.sh"

# conf_with SED-SCRIPT: the example a, changed, as a file that root alone can write
conf_with() {
	mkdir -p /run/test/conf
	sed "$1" "$top/conf/point-to-point/adit-a.conf" >/run/test/conf/adit-a.conf
	a=/run/test/conf/adit-a.conf
}
hooks() { # hooks KEY=COMMAND...: lines for conf_with, after [Interface]
	local line script='/^\[Interface\]/a\'
	for line; do script+=$'\n'"${line%%=*} = ${line#*=}"'\'; done
	echo "${script%\\}"
}
# run_status COMMAND...: in namespace a; its exit status, what it says in $dir/said
run_status() {
	local status=0
	timeout 20 ip netns exec a "$@" >"$dir/said" 2>&1 </dev/null || status=$?
	echo $status
}

test_hooks_in_their_order() {
	two_ends
	local note="$dir/notes" key
	conf_with "$(hooks "PreUp=echo preup1 %i >>$note" \
		"PreUp=ip link show dev %i up | grep -c . >>$note; true" \
		"PostUp=ip -o -4 addr show dev %i | grep -o 10.7.0.1 >>$note" \
		"PostUp=wg show %i peers >>$note" \
		"PreDown=ip link show dev %i up | grep -c . >>$note" \
		"PostDown=ip link show dev %i 2>/dev/null | grep -c . >>$note; true" \
		"PostDown=echo 100%% of %i%i, %n # and all >>$note")"
	key=$(sed -n 's/^PublicKey = //p' "$a")
	start adit-a a "$adit" run "$a"
	wait_until 10 "the peers' line" grep -qsF "$key" "$note"
	expect_equal "before and at up" $'preup1 adit-a\n0\n10.7.0.1\n'"$key" "$(cat "$note")"
	stop adit-a || fail "status $?"
	expect_equal "at down and after" $'2\n0' "$(tail -n 2 "$note")"
	expect_match "the log" 'PostDown: 100%% of adit-aadit-a, %n$' "$(cat "$dir/adit-a.log")"
	expect_match "the log" '^adit-a: PreUp: echo preup1' "$(cat "$dir/adit-a.log")"
}

test_failing_hook_undoes_everything() {
	two_ends
	local before key
	before=$(state_of_a)
	for key in PreUp PostUp; do
		conf_with "$(hooks "$key=echo so far: >>$dir/$key" "$key=echo why >&2; exit 7" \
			"$key=echo not this >>$dir/$key" "PostDown=echo nor this >>$dir/$key")"
		expect_equal "exit status" 1 "$(run_status "$adit" up "$a")"
		expect_match "what it says" "$key: why" "$(cat "$dir/said")"
		expect_match "what it says" "$key: \".*exit 7\" ended with status 7" \
			"$(cat "$dir/said")"
		expect_equal "commands that ran" "so far:" "$(cat "$dir/$key")"
		expect_equal "the system" "$before" "$(state_of_a)"
		wait_until 5 "all processes to end" no_process_left
	done
	# on the way down nothing is held up
	conf_with "$(hooks "PreDown=false" "PreDown=echo not this >>$dir/down" \
		"PostDown=echo last >>$dir/down")"
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	expect_equal "exit status" 0 "$(run_status "$adit" down "$a")"
	expect_equal "commands that ran" last "$(cat "$dir/down")"
	expect_equal "the system" "$before" "$(state_of_a)"
}

# Commands of a file that others can write do not run, and nothing else happens.
test_untrusted_file_is_refused() {
	two_ends
	local before
	before=$(state_of_a)
	conf_with "$(hooks "PreUp=touch $dir/ran")"
	chmod 666 "$a"
	expect_equal "exit status" 3 "$(run_status "$adit" up "$a")"
	expect_match "the reason" "adit-a.conf.*can be written by others.*chmod go-w" \
		"$(cat "$dir/said")"
	chmod 644 "$a"
	chown 65534 "$a"
	expect_equal "exit status" 3 "$(run_status "$adit" up "$a")"
	chown 0 "$a"
	chmod 777 "$(dirname "$a")"
	expect_equal "exit status" 3 "$(run_status "$adit" run "$a")"
	expect_equal "the system" "$before" "$(state_of_a)"
	[ ! -e "$dir/ran" ] || fail "a command ran"
	chmod 755 "$(dirname "$a")"
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	[ -e "$dir/ran" ] || fail "the command did not run"
	in_ns a "$adit" down adit-a
}

# Row 37: a command has 0 to 2 and nothing else of ours; no signal is blocked, and only
# glibc's own 32 and 33 are ignored.
test_hooks_inherit_nothing_row_37() {
	two_ends
	conf_with "$(hooks "PostUp=env >$dir/env" \
		"PostUp=exec grep -E 'Sig(Blk|Ign)' /proc/self/status >$dir/signals" \
		"PostUp=sleep 1000 & echo \$! >$dir/sleeper")"
	start adit-a a env NOTIFY_SOCKET=/run/test/nobody "$adit" run "$a"
	wait_until 10 "the hook" test -s "$dir/sleeper"
	local pid
	pid=$(cat "$dir/sleeper")
	expect_equal "descriptors" "0 1 2" "$(ls "/proc/$pid/fd" | paste -sd' ')"
	expect_equal "stdin" /dev/null "$(readlink "/proc/$pid/fd/0")"
	expect_match "signals" "^0000000000000000 0000000[01][08]0000000$" \
		"$(cut -f2 "$dir/signals" | paste -sd' ')"
	! grep NOTIFY_SOCKET "$dir/env" || fail "a command could speak in our name"
	stop adit-a || fail "status $?"
}

# A name that is not known at first holds nothing up, and is found when it is known.
test_endpoint_by_name() {
	two_ends
	grep -v b.example /etc/hosts >"$dir/hosts" || true
	echo 'hosts: files' >"$dir/nsswitch.conf"
	mount --bind "$dir/hosts" /etc/hosts
	mount --bind "$dir/nsswitch.conf" /etc/nsswitch.conf
	conf_with 's/^Endpoint = .*/Endpoint = b.example:51820/'
	start adit-b b "$adit" run "$b"
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "a message" grep -q 'endpoint b.example:51820: .*; trying again in 5 s' \
		"$dir/adit-a.log"
	expect_match "endpoint" '\(none\)$' "$(in_ns a wg show adit-a endpoints)"
	echo '192.0.2.2 b.example' >>"$dir/hosts"
	wait_until 10 "the endpoint" has_endpoint 192.0.2.2:51820
	wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
	stop adit-a || fail "status $?"
	# known at once
	start adit-a a "$adit" run "$a"
	wait_until 4 "the endpoint" has_endpoint 192.0.2.2:51820
	stop adit-a || fail "status $?"
	stop adit-b || fail "status $?"
}
has_endpoint() { in_ns a wg show adit-a endpoints | grep -qF "	$1"; }

test_exit_codes() {
	two_ends
	local before
	before=$(state_of_a)
	expect_code 4 down adit-a "adit-a is not running"
	expect_code 4 down "$a" "adit-a is not running"
	expect_code 4 show adit-a "adit-a is not running"
	expect_code 2 down a/b "must be called NAME.conf"
	expect_code 2 up "" "missing|is not a name"
	expect_code 2 flup adit-a "is no verb"
	expect_code 3 up /run/test/no.conf "/run/test/no.conf: No such file or directory"
	expect_code 3 run /run/test/no.conf "/run/test/no.conf: No such file or directory"
	expect_code 3 check /run/test/no.conf "/run/test/no.conf: No such file or directory"
	# a port in use
	start other a "$adit" run "$b"
	wait_until 10 "address of adit-b" has_address a adit-b
	before=$(state_of_a)
	expect_code 1 up "$a" "cannot listen on UDP port 51820: Address already in use"
	# its own name
	expect_code 1 up "$b" 'is running already; "adit down adit-b" ends it'
	stop other || fail "status $?"
	# another's interface
	ip -n a link add adit-a type bridge
	before=$(state_of_a)
	expect_code 1 up "$a" "an interface of this name exists"
	wait_until 5 "all processes to end" no_process_left
}
expect_code() { # expect_code STATUS VERB WORD MESSAGE, and nothing has changed
	expect_equal "exit status of adit $2 $3" "$1" "$(run_status "$adit" $2 $3)"
	expect_match "what adit $2 $3 says" "$4" "$(cat "$dir/said")"
	expect_equal "the system after adit $2 $3" "$before" "$(state_of_a)"
}

# Another program's socket is not ours to end.
test_down_leaves_another_program_alone() {
	two_ends
	start other a wireguard-go -f adit-a
	wait_until 10 "its socket" test -S /run/wireguard/adit-a.sock
	expect_equal "exit status" 1 "$(run_status "$adit" down adit-a)"
	expect_match "what it says" "another program" "$(cat "$dir/said")"
	is_running "${pid_of[other]}" || fail "it was ended"
	expect_equal "adit show" 0 "$(run_status "$adit" show adit-a)"
	stop other || true
}

# Whoever waits for adit up's output is not left waiting; nor is a writer to its stdin.
test_up_returns_to_a_pipe() {
	two_ends
	conf_with "$(hooks "PostUp=echo hello" "PostUp=sleep 1000 & echo \$! >$dir/sleeper")"
	local said
	said=$(timeout 10 ip netns exec a "$adit" up "$a" 2>&1) || fail "status $?: $said"
	expect_match "what it said" "PostUp: hello" "$said"
	in_ns a "$adit" down adit-a
	mkfifo "$dir/stdin"
	yes >"$dir/stdin" 2>/dev/null &
	in_ns a "$adit" up "$a" <"$dir/stdin" >>"$dir/up.log" 2>&1
	wait_until 5 "the writer to stdin to end" is_gone $!
	in_ns a "$adit" down adit-a
	wait_until 5 "all processes to end" no_process_left
}

# Ctrl-C: the whole group of processes gets the signal, and the end is in order.
test_ctrl_c_in_the_foreground() {
	two_ends
	local before
	before=$(state_of_a)
	conf_with "$(hooks "PreDown=echo predown >>$dir/notes" \
		"PostDown=echo postdown >>$dir/notes")"
	start adit-a a setsid "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "adit to be ready" grep -q ' up, MTU' "$dir/adit-a.log"
	kill -INT -- "-${pid_of[adit-a]}"
	wait_until 10 "adit to end" is_gone "${pid_of[adit-a]}"
	wait "${pid_of[adit-a]}" || fail "status $?"
	expect_equal "commands that ran" $'predown\npostdown' "$(cat "$dir/notes")"
	expect_equal "the system" "$before" "$(state_of_a)"
	wait_until 5 "all processes to end" no_process_left
}

# The children notice that they are alone, whatever they are; the interface goes with them.
test_kill_9_of_the_supervisor() {
	two_ends
	conf_with "$(hooks "PostUp=true")"
	start adit-a a "$adit" run "$a"
	wait_until 10 "address of adit-a" has_address a adit-a
	expect_equal "processes" "adit adit-engine adit-hooks adit-resolver" \
		"$(for pid in $(adit_pids); do cat "/proc/$pid/comm"; done | sort | paste -sd' ')"
	stop adit-a KILL || true
	wait_until 5 "all processes to end" no_process_left
	! ip -n a link show adit-a 2>/dev/null || fail "the link is still there"
	expect_equal "sockets" "" "$(in_ns a ss -Hlnu)"
	expect_equal "adit show" 4 "$(run_status "$adit" show adit-a)"
}

# Row 22, and that it is no failure.
test_link_deleted_under_traffic_row_22() {
	two_ends
	start adit-b b "$adit" run "$b"
	local i
	for i in 1 2 3 4 5; do
		start adit-a a "$adit" run "$a"
		wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2
		in_ns a ping -n -q -f -c 100000 10.7.0.2 >/dev/null 2>&1 &
		in_ns b ping -n -q -f -c 100000 10.7.0.1 >/dev/null 2>&1 &
		sleep 0.3
		ip -n a link del adit-a
		wait_until 10 "adit to end" is_gone "${pid_of[adit-a]}"
		wait "${pid_of[adit-a]}" || fail "status $?"
		kill $(jobs -p | grep -v "^${pid_of[adit-b]}$") 2>/dev/null || true
	done
	stop adit-b || fail "status $?"
	wait_until 5 "all processes to end" no_process_left
}

run_tests 11 "$@"

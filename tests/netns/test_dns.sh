#!/bin/bash
# DNS: who is told of name servers, and that nothing stays behind. resolvectl and
# resolvconf are scripts here that note how they were called; /etc/resolv.conf is
# looked at, for nobody may touch it.
. "$(dirname "$0")/lib.sh"

# prepare LINE...: two ends, and the example a with these lines in its [Interface]
prepare() {
	two_ends
	local program
	mount -t tmpfs tmpfs /usr/local/sbin
	# not the machine's own
	for program in {/usr/local,/usr,}/{s,}bin/{resolvectl,resolvconf}; do
		[ ! -e "$program" ] || mount --bind /dev/null "$program"
	done
	mkdir -p /run/test/conf
	configure "$@"
	before=$(state_of_a)
	resolv_conf=$(stat -Lc '%i %Y %Z' /etc/resolv.conf; cat /etc/resolv.conf)
}
configure() {
	local line script='/^\[Interface\]/a\'
	for line; do script+=$'\n'"$line"'\'; done
	sed "${script%\\}" "$top/conf/point-to-point/adit-a.conf" >/run/test/conf/adit-a.conf
	a=/run/test/conf/adit-a.conf
}
# fake NAME [COMMAND...]: notes its arguments, whether the link is there, and its input
fake() {
	local name=$1
	shift
	cat >"/usr/local/sbin/$name" <<-END
		#!/bin/sh
		ip link show adit-a >/dev/null 2>&1 && link=up || link=gone
		{ echo "\$link \${0##*/} \$*"; cat; } >>$dir/calls
		$*
	END
	chmod 755 "/usr/local/sbin/$name"
}
calls() { # since the last time
	cat "$dir/calls" 2>/dev/null || true
	rm -f "$dir/calls"
}
run_resolved() { # run_resolved NAMESPACE: somebody listens where it would
	mkdir -p /run/systemd/resolve
	start resolved "$1" "$pipe" socket /run/systemd/resolve/io.systemd.Resolve
	wait_until 5 "a listener" grep -q io.systemd.Resolve "/proc/${pid_of[resolved]}/net/unix"
	before=$(state_of_a)
}
run_status() { # in namespace a; its exit status, what it says in $dir/said
	local status=0
	timeout 60 ip netns exec a "$@" >"$dir/said" 2>&1 </dev/null || status=$?
	echo $status
}
expect_nothing_left() {
	wait_until 5 "all processes to end" no_process_left
	expect_equal "the system" "$before" "$(state_of_a)"
	expect_equal "/etc/resolv.conf" "$resolv_conf" \
		"$(stat -Lc '%i %Y %Z' /etc/resolv.conf; cat /etc/resolv.conf)"
}
set_calls="up resolvconf -a adit-a -m 0 -x
nameserver 10.7.0.2
nameserver fd07::2
search a.example"
unset_calls="up resolvconf -d adit-a -f"

test_resolvectl() {
	prepare "DNS = 10.7.0.2, fd07::2" "DNS = a.example" \
		"PostUp = cp $dir/calls $dir/at-postup" \
		"PreDown = cp $dir/calls $dir/at-predown"
	run_resolved a
	fake resolvectl
	fake resolvconf
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	expect_match "what it says" 'DNS: name servers set through /usr/local/sbin/resolvectl$' \
		"$(cat "$dir/said")"
	local set="up resolvectl dns adit-a 10.7.0.2 fd07::2
up resolvectl domain adit-a a.example
up resolvectl default-route adit-a yes"
	expect_equal "at PostUp" "$set" "$(cat "$dir/at-postup")"
	expect_equal "exit status" 0 "$(run_status "$adit" down adit-a)"
	expect_equal "at PreDown" "$set" "$(cat "$dir/at-predown")"
	expect_equal "in the end" "$set"$'\nup resolvectl revert adit-a' "$(calls)"
	expect_nothing_left
}

# With a route for everything, everything is asked there.
test_all_names_with_a_default_route() {
	prepare "DNS = 10.7.0.2, a.example" "Table = 77"
	sed -i 's,^AllowedIPs.*,AllowedIPs = 0.0.0.0/0,' "$a"
	run_resolved a
	fake resolvectl
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	expect_match "calls" '^up resolvectl domain adit-a a.example ~\.$' "$(calls)"
	in_ns a "$adit" down adit-a
	expect_nothing_left
}

test_resolvconf() {
	prepare "DNS = 10.7.0.2, fd07::2, a.example"
	fake resolvconf
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	expect_equal "at up" "$set_calls" "$(calls)"
	# a second start of the same takes nothing away
	expect_equal "exit status" 1 "$(run_status "$adit" up "$a")"
	expect_equal "calls" "" "$(calls)"
	expect_equal "exit status" 0 "$(run_status "$adit" down adit-a)"
	expect_equal "at down" "$unset_calls" "$(calls)"
	expect_nothing_left
	# the interface is deleted: then it is gone by then, and the record goes all the same
	start adit-a a "$adit" run "$a"
	wait_until 10 "adit to be ready" grep -q ' up, MTU' "$dir/adit-a.log"
	ip -n a link del adit-a
	wait_until 10 "adit to end" is_gone "${pid_of[adit-a]}"
	expect_equal "calls" "$set_calls"$'\n'"gone resolvconf -d adit-a -f" "$(calls)"
	expect_nothing_left
}

# Who stays behind cannot use the tunnel, nor what can be reached through it only.
test_moved_away() {
	prepare "DNS = 10.7.0.2, fd07::2, a.example"
	fake resolvconf
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	ip -n a link set adit-a netns b
	wait_until 10 "the name servers" grep -q 'resolvconf -d adit-a -f' "$dir/calls"
	in_ns a "$adit" down adit-a
	expect_equal "calls" "$set_calls"$'\n'"gone resolvconf -d adit-a -f" "$(calls)"
	expect_nothing_left
}

test_refused_before_anything_is_touched() {
	prepare "DNS = 10.7.0.2" "PreUp = touch $dir/ran"
	expect_equal "exit status" 1 "$(run_status "$adit" up "$a")"
	expect_match "the reason" "DNS: .*systemd-resolved \(with resolvectl\) does not run, and \
there is no resolvconf: install .*openresolv.*leave DNS out" "$(cat "$dir/said")"
	# resolved in another namespace has links of its own
	run_resolved b
	fake resolvectl
	expect_equal "exit status" 1 "$(run_status "$adit" up "$a")"
	expect_match "the reason" "not in this network namespace" "$(cat "$dir/said")"
	expect_nothing_left
	[ ! -e "$dir/ran" ] || fail "a hook ran"
	expect_equal "calls" "" "$(calls)"
	# the file itself is right, wherever it is checked
	expect_equal "adit check" 0 "$(run_status "$adit" check "$a")"
}

test_failure_half_way_undoes_everything() {
	prepare "DNS = 10.7.0.2" "PostUp = touch $dir/ran"
	run_resolved a
	local failing
	for failing in dns domain default-route; do
		fake resolvectl "[ \$1 != $failing ] || { echo no bus >&2; exit 3; }"
		expect_equal "exit status" 1 "$(run_status "$adit" up "$a")"
		expect_match "the reason" "DNS: resolvectl $failing ended with status 3: no bus" \
			"$(cat "$dir/said")"
		expect_equal "the last call" "up resolvectl revert adit-a" "$(calls | tail -n 1)"
		expect_nothing_left
	done
	[ ! -e "$dir/ran" ] || fail "a hook ran"
	# at down it is said, and nothing is held up
	fake resolvectl "[ \$1 != revert ] || exit 3"
	rm -f "$dir/ran"
	start adit-a a "$adit" run "$a"
	wait_until 10 "adit to be ready" grep -q ' up, MTU' "$dir/adit-a.log"
	stop adit-a || fail "status $?"
	expect_match "the log" "DNS: resolvectl revert ended with status 3" \
		"$(cat "$dir/adit-a.log")"
	rm -f /run/wireguard/adit-a.dns # not forgotten, for it is still set
	expect_nothing_left
}

# What comes after it fails, or somebody ends it: taken back while the link is there.
test_end_on_the_way_up() {
	prepare "DNS = 10.7.0.2" "PostUp = false"
	run_resolved a
	fake resolvectl
	expect_equal "exit status" 1 "$(run_status "$adit" up "$a")"
	expect_equal "the last call" "up resolvectl revert adit-a" "$(calls | tail -n 1)"
	expect_nothing_left
	configure "DNS = 10.7.0.2" "PostUp = mkfifo $dir/f; cat $dir/f"
	start adit-a a "$adit" run "$a"
	wait_until 10 "the hook" test -p "$dir/f"
	stop adit-a || fail "status $?"
	expect_equal "the last call" "up resolvectl revert adit-a" "$(calls | tail -n 1)"
	echo >"$dir/f"
	expect_nothing_left
}

# A program that hangs is ended, with what it started; meanwhile nothing else waits.
test_slow_hanging_program() {
	prepare "DNS = 10.7.0.2"
	fake resolvconf "[ \$1 = -d ] || { sleep 1000 & wait; }"
	start adit-a a "$adit" run "$a"
	wait_until 10 "the program" grep -qs resolvconf "$dir/calls"
	expect_match "adit show" "adit-a" "$(in_ns a "$adit" show adit-a)"
	wait_until 30 "adit to end" is_gone "${pid_of[adit-a]}"
	wait "${pid_of[adit-a]}" && fail "it succeeded" || expect_equal "exit status" 1 $?
	expect_match "the log" "DNS: resolvconf -a was ended after 10 s" "$(cat "$dir/adit-a.log")"
	expect_equal "the last call" "$unset_calls" "$(calls | tail -n 1)"
	expect_nothing_left
	! pgrep -x sleep >/dev/null || fail "what it started still runs"
}

test_kill_9_of_the_supervisor() {
	prepare "DNS = 10.7.0.2, fd07::2, a.example"
	fake resolvconf
	start adit-a a "$adit" run "$a"
	wait_until 10 "adit to be ready" grep -q ' up, MTU' "$dir/adit-a.log"
	expect_equal "calls" "$set_calls" "$(calls)"
	stop adit-a KILL || true
	wait_until 5 "all processes to end" no_process_left
	expect_match "calls" " resolvconf -d adit-a -f" "$(calls)"
	[ ! -e /run/wireguard/adit-a.dns ] || fail "the note is still there"
	rm -f /run/{wireguard,adit}/adit-a.sock # which nobody removes, as in any such death
	expect_nothing_left
}

# kill_all: at once, so that nobody can clean up after another
kill_all() {
	start adit-a a "$adit" run "$a"
	wait_until 10 "adit to be ready" grep -q ' up, MTU' "$dir/adit-a.log"
	kill -STOP $(adit_pids)
	kill -KILL $(adit_pids)
	wait_until 5 "all processes to end" no_process_left
	wait "${pid_of[adit-a]}" || true
	rm "$dir/adit-a.log"
	expect_equal "calls" "$set_calls" "$(calls)"
	expect_match "the note" "resolvconf adit-a" "$(cat /run/wireguard/adit-a.dns)"
}

test_kill_9_of_all_and_the_next_start() {
	prepare "DNS = 10.7.0.2, fd07::2, a.example"
	fake resolvconf
	kill_all
	# with another configuration, which wants none
	configure "# nothing"
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	expect_equal "calls" "$unset_calls" "$(calls)"
	in_ns a "$adit" down adit-a
	expect_equal "calls" "" "$(calls)"
	expect_nothing_left
	# or the end of what does not run any more
	configure "DNS = 10.7.0.2, fd07::2, a.example"
	kill_all
	expect_equal "exit status" 0 "$(run_status "$adit" down adit-a)"
	expect_match "what it says" "^adit: adit-a is not running; removed what it had left when \
it was killed: DNS: name servers as before$" \
		"$(cat "$dir/said")"
	expect_equal "calls" "gone resolvconf -d adit-a -f" "$(calls)"
	expect_equal "exit status" 4 "$(run_status "$adit" down adit-a)"
	rm -f /run/{wireguard,adit}/adit-a.sock
	expect_nothing_left
}

# Nobody can take it back: that is said, and holds nothing up.
test_kill_9_of_all_and_no_resolvconf_any_more() {
	prepare "DNS = 10.7.0.2, fd07::2, a.example"
	fake resolvconf
	kill_all
	rm /usr/local/sbin/resolvconf
	configure "# nothing"
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	expect_match "what it says" "DNS: warning: .*/adit-a.dns told of name servers that cannot \
be taken back: there is no resolvconf any more; .*may still have the record adit-a" \
		"$(cat "$dir/said")"
	[ ! -e /run/wireguard/adit-a.dns ] || fail "the note is still there"
	in_ns a "$adit" down adit-a
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	! grep -q "warning: .*dns" "$dir/said" || fail "said again"
	in_ns a "$adit" down adit-a
	expect_nothing_left
	# one that is there, but fails, at both ends of a start
	configure "DNS = 10.7.0.2"
	fake resolvconf "exit 3"
	expect_equal "exit status" 1 "$(run_status "$adit" up "$a")"
	configure "# nothing"
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	expect_match "what it says" "DNS: warning: .*resolvconf -d ended with status 3" \
		"$(cat "$dir/said")"
	in_ns a "$adit" down adit-a
	expect_nothing_left
}

# The tunnel's own name server cannot know where the tunnel goes.
test_endpoint_by_name_comes_first() {
	prepare "DNS = 10.7.0.2, fd07::2, a.example"
	sed -i 's/^Endpoint = .*/Endpoint = b.example:51820/' "$a"
	grep -v b.example /etc/hosts >"$dir/hosts" || true
	echo 'hosts: files' >"$dir/nsswitch.conf"
	mount --bind "$dir/hosts" /etc/hosts
	mount --bind "$dir/nsswitch.conf" /etc/nsswitch.conf
	fake resolvconf
	start adit-a a "$adit" run "$a"
	wait_until 10 "adit to be ready" grep -q ' up, MTU' "$dir/adit-a.log"
	expect_match "the log" "DNS: name servers are set as soon as all endpoints are known" \
		"$(cat "$dir/adit-a.log")"
	expect_equal "calls" "" "$(calls)"
	echo '192.0.2.2 b.example' >>"$dir/hosts"
	wait_until 20 "the name servers" grep -q 'DNS: name servers set' "$dir/adit-a.log"
	expect_equal "calls" "$set_calls" "$(calls)"
	stop adit-a || fail "status $?"
	expect_equal "calls" "$unset_calls" "$(calls)"
	# known at once: set before it is ready
	expect_equal "exit status" 0 "$(run_status "$adit" up "$a")"
	expect_equal "calls" "$set_calls" "$(calls)"
	! grep "is not known yet" "$dir/said" || fail "it is known"
	in_ns a "$adit" down adit-a
	expect_nothing_left
}

run_tests 12 "$@"

#!/bin/bash
# What adit leaves when it is killed, with a kill switch and without: what it holds
# back, who takes it over, and who removes it.
. "$(dirname "$0")/lib.sh"
. "$tests_dir/netns/policy.sh"

down_a() { # down_a [STATUS]: of what is not running
	local status=0
	in_ns a "$adit" down wga 2>"$dir/down" || status=$?
	expect_equal "status of down" "${1:-0}" $status
}

# ---------------------------------------------------------------- the kill switch
test_kill_switch_stays_closed_after_a_kill() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	expect_ways 4 inside
	expect_ways 6 inside
	kill_a
	expect_closed 4
	expect_closed 6
	expect_ping a 10.9.0.2 # what the main table knows
	# somebody has taken the name meanwhile: who can tell that it is no adit?
	ip -n a link add wga type veth peer name other
	down_a 1
	expect_match "what down says" 'not touched, for there is an interface' "$(cat "$dir/down")"
	expect_closed 4
	ip -n a link del wga
	# down opens it
	down_a
	expect_match "what down says" "^adit: wga is not running; removed what it had left when it \
was killed: rules and routes$" "$(cat "$dir/down")"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
	expect_ways 4 clear
	expect_ways 6 clear
	down_a 4
	expect_equal "what down says" "adit: wga is not running" "$(cat "$dir/down")"
}

# The next start opens it again, without a moment in which it is open beside the tunnel;
# and one that fails leaves it closed.
test_kill_switch_is_taken_over() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	kill_a
	config "0.0.0.0/0, ::/0" "KillSwitch = yes" "PostUp = false"
	reset_counters
	in_ns a ping -n -q -i 0.002 -w 3 -W 1 $outside4 >/dev/null 2>&1 &
	local stream=$! status=0
	in_ns a "$adit" run "$dir/wga.conf" >>"$dir/wga.log" 2>&1 || status=$?
	expect_equal "status of the start that failed" 1 $status
	expect_closed 4
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	expect_equal "the mark" 0xca6c "$(in_ns a wg show wga fwmark)"
	expect_ping a $outside6
	expect_equal "packets in the clear" 0 "$(counted clear4)"
	expect_equal "rules" 5 "$(ip -n a rule | wc -l)"
	kill $stream 2>/dev/null || true
	wait $stream || true
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

test_kill_switch_when_the_engine_dies() {
	world
	config "0.0.0.0/0, 10.50.0.0/16" "KillSwitch = yes"
	run_a
	expect_ways 4 inside
	kill -KILL "$(pgrep -P "${pid_of[wga]}" -x adit-engine)"
	wait_until 10 "wga to vanish" has_no_link wga
	wait_until 10 "wga to end" is_gone "${pid_of[wga]}"
	expect_match "what it says" 'the kill switch stays closed' "$(cat "$dir/wga.log")"
	expect_closed 4
	! answers 10.50.0.1 || fail "10.50.0.1"
	expect_equal "guards" 2 "$(ip -n a route show table all type unreachable | wc -l)"
	expect_ways 6 clear # not in AllowedIPs
	down_a
	expect_ways 4 clear
}

# Without a default route: the prefix of the interface's address is closed too.
test_kill_switch_of_some_prefixes() {
	world
	policy_of_a >"$dir/before"
	config "10.7.0.2/32, $outside4/32, $outside6/128, fd07::/64" "KillSwitch = yes"
	run_a
	expect_ways 4 inside
	expect_ways 6 inside
	expect_ping a 10.7.0.2
	kill_a
	expect_closed 4
	expect_closed 6
	local address
	for address in 10.7.0.2 fd07::2; do
		! in_ns a ping -n -q -c 1 -W 1 $address >"$dir/ping" 2>&1 || fail "$address answers"
		expect_match "$address" 'No route to host' "$(cat "$dir/ping")"
	done
	expect_ping a 10.9.0.2
	down_a
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

# ---------------------------------------------------------------- what is left, and whose
# Two interfaces with a default route each; one that is killed, and its down, leave the
# other alone; so does what somebody else has set.
test_two_interfaces() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0" "KillSwitch = yes"
	sed "s,^Address.*,Address = 10.17.0.1/24," "$dir/wga.conf" >"$dir/wgc.conf"
	chmod 600 "$dir/wgc.conf"
	start wgc a "$adit" run "$dir/wgc.conf"
	wait_until 10 "wgc to be up" grep -q "up, MTU" "$dir/wgc.log"
	policy_of_a >"$dir/one"
	ip -n a rule add fwmark 9 table 9
	ip -n a rule add table main suppress_prefixlength 0
	run_a
	expect_equal "marks" "0xca6d 0xca6c" \
		"$(in_ns a wg show wga fwmark) $(in_ns a wg show wgc fwmark)"
	kill_a
	down_a
	expect_equal "src_valid_mark for wgc" 1 "$(src_valid_mark)"
	expect_equal "rules of others" 4 "$(ip -n a rule | grep -vc 'proto 173\|lookup local')"
	ip -n a rule delete fwmark 9 table 9
	ip -n a rule delete table main suppress_prefixlength 0
	policy_of_a >"$dir/after"
	diff "$dir/one" "$dir/after" || fail "wgc is not as it was"
	# the other way round: the one that was first goes first
	run_a
	stop wgc || fail "wgc ended with status $?"
	expect_equal "src_valid_mark for wga" 1 "$(src_valid_mark)"
	expect_ways 4 inside
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

# Killed without a kill switch: the machine has its old way at once, and the next start,
# with another configuration, removes what is left.
test_killed_without_a_kill_switch() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0"
	run_a
	kill_a
	expect_ways 4 clear
	expect_ways 6 clear
	config "10.50.0.0/16"
	run_a
	expect_equal "rules" 3 "$(ip -n a rule | wc -l)"
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

# Whoever deletes the device does not open the kill switch; down and the next start do.
test_kill_switch_when_the_device_is_deleted() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	expect_ways 4 inside
	delete_a 1
	expect_match "what it says" 'the kill switch stays closed' "$(cat "$dir/wga.log")"
	expect_closed 4
	expect_closed 6
	: >"$dir/wga.log"
	run_a
	expect_ways 4 inside
	# wherever it is
	add_ns c
	ip -n a link set wga netns c
	wait_until 10 "the move to be noticed" grep -q moved "$dir/wga.log"
	delete_a 1 c
	expect_closed 4
	down_a
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}
delete_a() { # delete_a STATUS [NAMESPACE]
	local status=0
	ip -n "${2:-a}" link del wga
	wait_until 10 "wga to end" is_gone "${pid_of[wga]}"
	wait "${pid_of[wga]}" || status=$?
	expect_equal "status" "$1" $status
}

test_deleted_and_moved() {
	world
	policy_of_a >"$dir/before"
	config "0.0.0.0/0, ::/0"
	run_a
	delete_a 0
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
	: >"$dir/wga.log"
	config "0.0.0.0/0, ::/0" "KillSwitch = yes"
	run_a
	add_ns c
	ip -n a link set wga netns c
	wait_until 10 "the move to be noticed" grep -q moved "$dir/wga.log"
	expect_closed 4
	stop wga || fail "wga ended with status $?"
	policy_of_a >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "something is left"
}

run_tests 8 "$@"

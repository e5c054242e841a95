#!/bin/bash
# What whoever starts a userspace WireGuard may rely on: descriptors and settings in
# the environment, the ways to end it, the name free again at once.
. "$(dirname "$0")/lib.sh"

socket=/run/wireguard/adit-a.sock
pub_b=$(sed -n 's/^PublicKey = //p' "$a")

wg_a() { in_ns a wg "$@"; }
link_is_there() { ip -n a link show adit-a >/dev/null 2>&1; }
link_is_gone() { ! link_is_there; }

# configure_a: what wg-quick would do after the start
configure_a() {
	grep -v ^Address "$a" >"$dir/a.conf"
	wg_a setconf adit-a "$dir/a.conf"
	ip -n a addr add 10.7.0.1/24 dev adit-a
	ip -n a addr add fd07::1/64 dev adit-a nodad
	ip -n a link set adit-a up
}
expect_tunnel() { wait_until 10 "an answer" in_ns a ping -n -q -c 1 -W 1 10.7.0.2; }

# refused_with VARIABLE=VALUE... WORDS: adit adit-a ends with status 2 and says so
refused_with() {
	local words=${*: -1} status=0
	in_ns a env "${@:1:$#-1}" "$adit" adit-a >"$dir/said" 2>&1 || status=$?
	expect_equal "exit status with $1" 2 $status
	expect_match "what it says about $1" "$words" "$(cat "$dir/said")"
	link_is_gone || fail "$1: there is an interface all the same"
}

test_bad_values_are_named() {
	two_ends
	local value
	for value in x -1 2 ""; do
		refused_with WG_TUN_FD=$value "WG_TUN_FD is \"$value\"; it must be the number"
		refused_with WG_UAPI_FD=$value "WG_UAPI_FD is \"$value\"; it must be the number"
	done
	refused_with WG_TUN_FD=77 "WG_TUN_FD is 77, but there is no such open descriptor"
	exec 8</dev/null
	refused_with WG_TUN_FD=8 "WG_TUN_FD is 8, but it is not a TUN"
	refused_with WG_UAPI_FD=8 "WG_UAPI_FD is 8, but that is not a stream socket"
	refused_with WG_PROCESS_FOREGROUND=yes 'WG_PROCESS_FOREGROUND is "yes"; it must be 1'
	# what many programs share is not reason enough to stay away
	in_ns a env LOG_LEVEL=loud WG_PROCESS_FOREGROUND=0 "$adit" adit-a >"$dir/said" 2>&1
	expect_match "about LOG_LEVEL" 'LOG_LEVEL is "loud"; it must be silent, error, info or' \
		"$(cat "$dir/said")"
	in_ns a "$adit" down adit-a
}

test_log_level() {
	two_ends
	local level lines
	while read -r level lines; do
		LOG_LEVEL=$level start adit-a a "$adit" -f adit-a
		wait_until 10 "control socket" test -S $socket
		stop adit-a || fail "status $?"
		expect_equal "lines at level $level" "$lines" "$(wc -l <"$dir/adit-a.log")"
		rm "$dir/adit-a.log"
	done <<-END
		silent 0
		error 0
		info 2
		verbose 2
	END
}

test_foreground_by_environment() {
	two_ends
	WG_PROCESS_FOREGROUND=1 start adit-a a "$adit" adit-a
	wait_until 10 "control socket" test -S $socket
	is_running "${pid_of[adit-a]}" || fail "it went to the background"
	stop adit-a INT || fail "status $?"
	# there the name is meant, too, whatever it looks like
	WG_PROCESS_FOREGROUND=1 start status a "$adit" status
	wait_until 10 "control socket" test -S /run/wireguard/status.sock
	stop status || fail "status $?"
}

# In the background means: the socket and the interface are there, and nothing of the
# caller's is kept open.
test_background_when_all_is_there() {
	two_ends
	local i
	mkfifo "$dir/held"
	for i in $(seq 5); do
		in_ns a "$adit" adit-a 9>"$dir/held" >>"$dir/a.log" 2>&1 &
		cat "$dir/held" # ends when nobody has it open
		wait $!
		test -S $socket || fail "in the background without a control socket"
		link_is_there || fail "in the background without an interface"
		in_ns a "$adit" down adit-a
	done
	! in_ns a "$adit" lo >"$dir/said" 2>&1 || fail "it took the loopback interface"
	expect_match "what it says" "an interface of this name exists" "$(cat "$dir/said")"
}

# end_by WAY: the process is gone, or the link; a new start must do in any case
end_by() {
	case $1 in
	TERM | INT)
		kill "-$1" "$pid"
		wait_until 10 "adit to end" is_gone "$pid"
		;;
	link) ip -n a link del adit-a ;;
	socket)
		rm $socket
		wait_until 10 "the link to go" link_is_gone
		;;
	kill)
		kill -KILL "$pid"
		wait_until 10 "the link to go" link_is_gone
		;;
	esac
}

test_name_is_free_again_at_once() {
	two_ends
	local i pid way ways=(TERM INT link socket kill)
	for i in $(seq 0 49); do
		way=${ways[i % 5]}
		in_ns a "$adit" adit-a >>"$dir/a.log" 2>&1 || fail "round $i: no start"
		[ -z "$(wg_a show adit-a peers)" ] || fail "round $i: the old one answers"
		wg_a set adit-a peer "$pub_b"
		pid=$(newest_daemon)
		end_by "$way"
	done
	wait_until 10 "all processes to end" no_process_left
	expect_equal "sockets left" "$([ "$way" != kill ] || echo adit-a.sock)" \
		"$(ls /run/wireguard)"
}

newest_daemon() { # the leader of its session
	ps -eo pid=,sid=,comm= --sort=start_time |
		awk '$1 == $2 && $3 == "adit" { pid = $1 } END { print pid }'
}

# Its link deleted, the last owner takes its time: the next one waits for the name.
test_name_is_waited_for() {
	two_ends
	local next
	start adit-a a "$adit" -f adit-a
	wait_until 10 "control socket" test -S $socket
	kill -STOP "${pid_of[adit-a]}"
	ip -n a link del adit-a
	in_ns a "$adit" adit-a >"$dir/said" 2>&1 &
	next=$!
	wait_until 10 "another interface" link_is_there
	sleep 0.1 # it finds somebody at the socket
	kill -CONT "${pid_of[adit-a]}"
	wait $next || fail "$(cat "$dir/said")"
	wait_until 10 "the first to end" is_gone "${pid_of[adit-a]}"
	expect_equal "who answers" "off" "$(wg_a show adit-a fwmark)"
	in_ns a "$adit" down adit-a
}

# A link deleted while somebody of the same name lives elsewhere: that one stays.
test_name_in_use_elsewhere() {
	two_ends
	start adit-b b "$adit" -f adit-a
	wait_until 10 "control socket" test -S $socket
	! in_ns a "$adit" adit-a >"$dir/said" 2>&1 || fail "two at one socket"
	expect_match "what it says" "adit-a.sock: Address already in use" "$(cat "$dir/said")"
	link_is_gone || fail "the interface is still there"
	in_ns b wg show adit-a >/dev/null || fail "the first does not answer any more"
	stop adit-b || fail "status $?"
}

test_stale_sockets() {
	two_ends
	"$pipe" hand-over - $socket true # listens at it, and ends: nobody answers
	test -S $socket || fail "no stale socket"
	in_ns a "$adit" adit-a >>"$dir/a.log" 2>&1 || fail "a stale socket stopped it"
	in_ns a "$adit" down adit-a
	# what is no socket is somebody's
	echo precious >$socket
	! in_ns a "$adit" adit-a >"$dir/said" 2>&1 || fail "it took a file for a socket"
	expect_equal "the file" precious "$(cat $socket)"
	link_is_gone || fail "the interface is still there"
}

test_tun_handed_over() {
	two_ends
	start adit-b b "$adit" run "$b"
	start adit-a a "$pipe" hand-over adit-a - "$adit" -f another-name
	wait_until 10 "control socket" test -S $socket
	configure_a
	expect_tunnel
	expect_ping a fd07::2
	expect_equal "interfaces" adit-a \
		"$(in_ns a wg show interfaces | tr ' ' '\n' | grep -v adit-b)"
	stop adit-a || fail "status $?"
	link_is_gone || fail "the interface is still there"
	# a configuration of another name
	! in_ns a "$pipe" hand-over t7 - "$adit" run "$a" >"$dir/said" 2>&1 || fail "it ran"
	expect_match "what it says" \
		"WG_TUN_FD is the interface t7, but the configuration is for adit-a" \
		"$(cat "$dir/said")"
	stop adit-b
}

test_tun_handed_over_into_the_background() {
	two_ends
	start adit-b b "$adit" run "$b"
	in_ns a "$pipe" hand-over adit-a $socket "$adit" up "$a" >>"$dir/a.log" 2>&1
	expect_tunnel
	in_ns a "$adit" down adit-a # finds who listens now, not who made the socket
	wait_until 10 "the link to go" link_is_gone
	test -S $socket || fail "the socket that was handed over has lost its file"
	stop adit-b
}

# Without any privilege, as in a container: TUN and socket come from outside.
test_handed_over_without_privileges() {
	two_ends
	start adit-b b "$adit" run "$b"
	start adit-a a "$pipe" hand-over adit-a $socket setpriv --reuid 65534 --regid 65534 \
		--clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs "$adit" -f adit-a
	wait_until 10 "an answer to wg" wg_a show adit-a
	configure_a
	expect_tunnel
	# fwmark = 0 is what there is, and always succeeds; another needs a privilege
	grep -v FwMark "$dir/a.conf" >"$dir/no-mark.conf"
	wg_a setconf adit-a "$dir/no-mark.conf"
	wg_a set adit-a fwmark 0
	expect_equal "a mark" "Unable to modify interface: Operation not permitted" \
		"$(wg_a set adit-a fwmark 7 listen-port 40000 2>&1 || true)"
	expect_equal "port" 51820 "$(wg_a show adit-a listen-port)"
	wg_a set adit-a listen-port 40001
	expect_tunnel
	rm $socket
	wait_until 10 "adit to end" is_gone "${pid_of[adit-a]}"
	stop adit-b
}

# Commands of a configuration get neither descriptor, by number or by name.
test_hooks_get_no_descriptor() {
	two_ends
	mkdir -p "$dir/conf"
	sed "/^\[Interface\]/a PostUp = ls -l /proc/self/fd >$dir/fds; env >$dir/environment" "$a" \
		>"$dir/conf/adit-a.conf"
	start adit-a a "$pipe" hand-over adit-a $socket "$adit" run "$dir/conf/adit-a.conf"
	wait_until 10 "the command" test -s "$dir/environment"
	expect_equal "of the environment" "" "$(grep ^WG_ "$dir/environment" || true)"
	# 0-2, and the folder that ls reads
	expect_equal "descriptors" "0 1 2 3" \
		"$(awk '/->/ { print $(NF - 2) }' "$dir/fds" | xargs)"
	! grep -qE "net/tun|socket:" "$dir/fds" || fail "$(cat "$dir/fds")"
	local child
	for child in adit-resolver adit-hooks; do
		! ls -l "/proc/$(pgrep -x $child)/fd" | grep -q net/tun || fail "$child has the TUN"
	done
	stop adit-a || fail "status $?"
}

# Commands that others than root could have written run by --allow-hooks alone.
test_allow_hooks() {
	two_ends
	mkdir -p "$dir/conf"
	sed "/^\[Interface\]/a PostUp = echo it ran >>$dir/ran" "$a" >"$dir/conf/adit-a.conf"
	chown 65534 "$dir/conf/adit-a.conf"
	local status=0 options
	in_ns a "$adit" up "$dir/conf/adit-a.conf" >"$dir/said" 2>&1 || status=$?
	expect_equal "status without the option" 3 $status
	echo "AllowHooks = yes" >>"$dir/conf/adit-a.conf"
	! in_ns a "$adit" up "$dir/conf/adit-a.conf" >"$dir/said" 2>&1 || fail "a key allowed it"
	sed -i '$d' "$dir/conf/adit-a.conf"
	test ! -e "$dir/ran" || fail "it ran all the same"
	cd "$dir/conf"
	for options in "--allow-hooks ./adit-a.conf" "./adit-a.conf --allow-hooks"; do
		in_ns a "$adit" up $options >"$dir/said" 2>&1
		expect_match "the warning" \
			"warning: its commands run because of --allow-hooks: .*belongs to" \
			"$(cat "$dir/said")"
		in_ns a "$adit" down adit-a
	done
	start adit-a a "$adit" run --allow-hooks "$dir/conf/adit-a.conf"
	wait_until 10 "the command" has_lines 3 "$dir/ran"
	stop adit-a || fail "status $?"
	status=0
	in_ns a "$adit" up --allow-everything "$a" >"$dir/said" 2>&1 || status=$?
	expect_equal "status of another option" 2 $status
	expect_match "what it says" "the only option is --allow-hooks" "$(cat "$dir/said")"
}
has_lines() { [ "$(wc -l <"$2")" = "$1" ]; }

run_tests 13 "$@"

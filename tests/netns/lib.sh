# The frame of the tests in network namespaces; a suite sources it, defines
# functions test_NAME, and ends with `run_tests COUNT "$@"`.
#
# Each test runs in a world of its own: new PID, mount and network namespaces with
# an empty /run, so that names of namespaces and interfaces need not be unique,
# tests can run side by side, and nothing is left behind however a test ends: when
# the first process of the world goes, the kernel removes the rest.
#
# A test named test_slow_* mostly waits, and runs beside the others.
set -eu -o pipefail
shopt -s inherit_errexit

tests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
top=$(dirname "$tests_dir")
adit=$(readlink -f "${ADIT:-$top/build/release/adit}")
pipe=$top/build/release/pipe
suite=$(readlink -f "$0")
time_limit=${time_limit:-300} # seconds for one test

# ---------------------------------------------------------------- worlds
# Before a command: runs it as the first process of a new world.
in_new_world=(unshare --mount --pid --net --fork --kill-child --mount-proc)

prepare_world() { # inside, before anything else
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /var/lib # adit keeps its stamps there
	mkdir -p /run/netns /run/wireguard /run/adit /run/test
	ip link set lo up
	dir=/run/test
}

# ---------------------------------------------------------------- the network
in_ns() { # in_ns NAMESPACE COMMAND...
	ip netns exec "$@"
}

add_ns() {
	local ns
	for ns; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
}

# add_link A B: eth0 in both, 10.9.0.1 and fd09::1 in A, 10.9.0.2 and fd09::2 in B
add_link() {
	ip link add eth0 netns "$1" type veth peer name eth0 netns "$2"
	local ns n=1
	for ns; do
		ip -n "$ns" addr add 10.9.0.$n/24 dev eth0
		ip -n "$ns" addr add fd09::$n/64 dev eth0 nodad
		ip -n "$ns" link set eth0 addrgenmode none # nothing that appears later
		ip -n "$ns" link set eth0 up
		n=$((n + 1))
	done
	# queued packets that wait for the carrier would blur counters
	wait_until 5 "link of $2" has_carrier "$2"
}
has_carrier() { ip -n "$1" -o link show eth0 | grep -q LOWER_UP; }

# cut_early NAMESPACE...: what leaves by eth0 is cut into datagrams there, not handed over
# as one packet of many; so each is lost, or counted, by itself
cut_early() {
	local ns
	for ns; do ip -n "$ns" link set eth0 gso_max_segs 1; done
}

# set_loss NAMESPACE PERCENT: of the UDP that arrives there, this much is lost
set_loss() {
	in_ns "$1" nft -f - <<-END
		table inet loss
		delete table inet loss
		table inet loss {
			chain input {
				type filter hook input priority 0
				meta l4proto udp numgen random mod 100 < $2 counter drop
			}
		}
	END
}
lost_packets() { # lost_packets NAMESPACE
	in_ns "$1" nft list table inet loss | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'
}

# ---------------------------------------------------------------- counting
# count_at NAMESPACE RULE...: from here on, how many packets each rule matches; a
# RULE is "NAME CHAIN MATCH"
count_at() {
	local ns=$1 rule name chain at match
	shift
	{
		echo "table inet watch"
		echo "delete table inet watch"
		echo "table inet watch {"
		for rule; do echo "counter ${rule%% *} { }"; done
		for chain in prerouting input output; do
			echo "chain $chain { type filter hook $chain priority -310;"
			for rule; do
				read -r name at match <<<"$rule"
				[ "$at" != $chain ] || echo "$match counter name $name"
			done
			echo "}"
		done
		echo "}"
	} | in_ns "$ns" nft -f -
}
counted() { # counted NAMESPACE NAME
	in_ns "$1" nft list counter inet watch "$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

# ---------------------------------------------------------------- processes
declare -A pid_of=()

# start NAME NAMESPACE COMMAND...: in the background; pid in pid_of[NAME], what it
# says in $dir/NAME.log
start() {
	local name=$1
	shift
	exec ip netns exec "$@" >>"$dir/$name.log" 2>&1 </dev/null & # no shell in between
	pid_of[$name]=$!
}

is_running() { # is_running PID
	[ -e "/proc/$1" ] && ! grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}
is_gone() { ! is_running "$1"; }

adit_pids() { # of all adit processes in this world
	find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$adit" 2>/dev/null | cut -d/ -f3
}

no_process_left() { [ -z "$(adit_pids)" ]; }

# stop NAME [SIGNAL]: and waits until it ended; returns its exit status
stop() {
	kill "-${2:-TERM}" "${pid_of[$1]}" 2>/dev/null || true
	wait_until 10 "$1 to end after SIG${2:-TERM}" is_gone "${pid_of[$1]}"
	local status=0
	wait "${pid_of[$1]}" || status=$?
	return $status
}

# ---------------------------------------------------------------- expectations
# drops NAMESPACE INTERFACE REGEX: packets that the interface dropped for such reasons
drops() {
	in_ns "$1" "$adit" show --drops "$2" |
		awk -v reason="^($3)$" \
			'/^peer/ { exit } $1 ~ reason { n += $2 } END { print n + 0 }'
}

# figure TEXT...: something measured, to be shown even where nothing failed
figure() { echo "figure: $*"; }

fail() {
	echo "$*" >&2
	exit 1
}

# wait_until SECONDS WHAT COMMAND...: polls until the command succeeds
wait_until() {
	local deadline=$(($(clock_ms) + $1 * 1000)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$(clock_ms)" -lt "$deadline" ] || fail "waited in vain for $what ($*)"
		sleep 0.05
	done
}
clock_ms() { echo "${EPOCHREALTIME//[.,]/}" | sed 's/...$//'; }

expect_equal() { # expect_equal WHAT EXPECTED GOT
	[ "$2" = "$3" ] || fail "$1: expected \"$2\", got \"$3\""
}
expect_match() { # expect_match WHAT REGEX GOT
	grep -qE -- "$2" <<<"$3" || fail "$1: expected a match of \"$2\", got \"$3\""
}

# expect_ping NAMESPACE ADDRESS [COUNT]: every one is answered, if need be after an
# initiation that was refused (two within 20 ms) and sent again 5.3 s later
expect_ping() {
	in_ns "$1" ping -n -q -i 0.05 -W 10 -c "${3:-3}" "$2" >"$dir/ping" ||
		fail "ping from $1 to $2: $(tail -n 3 "$dir/ping")"
}

# transfer FROM TO ADDRESS MIB: random bytes through TCP to ADDRESS in TO; both
# SHA-256 sums must be equal
transfer() {
	local from=$1 to=$2 address=$3 bytes=$(($4 * 1048576)) port=$((20000 + RANDOM % 10000))
	local log=$dir/transfer-$from-$to
	in_ns "$to" "$pipe" listen "$address" "$port" | sha256sum >"$log.received" &
	local receiver=$!
	wait_until 5 "a listener in $to" is_listening "$to" "$port"
	head -c "$bytes" /dev/urandom | tee >(sha256sum >"$log.sent") |
		in_ns "$from" "$pipe" send "$address" "$port"
	wait $receiver
	wait_until 5 "the sum of what was sent" test -s "$log.sent"
	expect_equal "SHA-256 from $from to $to" "$(cat "$log.sent")" "$(cat "$log.received")"
}
is_listening() { in_ns "$1" ss -Hltn "sport = :$2" | grep -q .; }

# ---------------------------------------------------------------- two ends of adit
# with the examples, unchanged
a=$top/conf/point-to-point/adit-a.conf
b=$top/conf/point-to-point/adit-b.conf

# two_ends: namespaces a and b with the underlay that the example configurations name
two_ends() {
	add_ns a b
	add_link a b
	ip -n a addr add 192.0.2.1/24 dev eth0
	ip -n b addr add 192.0.2.2/24 dev eth0
}
run_both() {
	two_ends
	start adit-a a "$adit" run "$a"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "address of adit-b" has_address b adit-b
}
# not by grep -q: it ends early, and what still writes to it fails then
has_address() { [[ $(ip -n "$1" addr show dev "$2") == *" 10.7."* ]]; }

# What adit could leave behind in namespace a: links, addresses, routes, rules,
# sockets, and files.
state_of_a() {
	ip -n a -o link show | sed 's/^[0-9]*: //'
	ip -n a -o addr show | sed 's/^[0-9]*: //; s/ *valid_lft.*//'
	ip -n a route show table all
	ip -n a -6 route show table all
	ip -n a rule
	ip -n a -6 rule
	in_ns a ss -Hlnu
	find /run -path /run/test -prune -o -print
}
stop_both() {
	local end
	for end in adit-a adit-b; do stop $end || fail "$end ended with status $?"; done
}

# ---------------------------------------------------------------- the runner
show_logs() { # of a test that failed
	local log
	for log in "$dir"/*.log; do
		[ ! -s "$log" ] || { echo "-- $(basename "$log")"; tail -n 40 "$log"; }
	done
}

run_one() { # run_one TEST: inside its world
	prepare_world
	trap '[ $? = 0 ] || show_logs' EXIT
	trap 'echo "line $LINENO: $BASH_COMMAND" >&2' ERR
	set -E
	# a daemon in the background has no stderr that anybody sees
	export ASAN_OPTIONS=log_path=$dir/report UBSAN_OPTIONS=log_path=$dir/report
	"$1"
	! cat "$dir"/report.* 2>/dev/null || fail "the sanitizers have something to say"
}

launch() { # launch TEST: its world in the background, its output in a file
	timeout -k 1 "$time_limit" "${in_new_world[@]}" bash "$suite" --inside "$1" \
		>"$logs/$1" 2>&1 </dev/null &
	world_of[$1]=$!
}

collect() { # collect TEST
	local status=0
	wait "${world_of[$1]}" || status=$?
	case $status in
	0)
		passed=$((passed + 1))
		echo "ok $1"
		sed -n 's/^figure: /  /p' "$logs/$1"
		;;
	77) skipped=$((skipped + 1)); echo "skipped $1: $(tail -n 1 "$logs/$1")" ;;
	*)
		failed=$((failed + 1))
		[ $status -lt 124 ] || echo "(ended with status $status)" >>"$logs/$1"
		echo "FAILED $1"
		sed 's/^/  /' "$logs/$1"
		;;
	esac
}

# run_tests COUNT [TEST...]: all, which must be COUNT, or those named
run_tests() {
	if [ "${2-}" = --inside ]; then
		run_one "$3"
		exit 0
	fi
	[ "$(id -u)" = 0 ] || { echo "$0: needs root for network namespaces" >&2; exit 1; }
	declare -gA world_of=()
	passed=0 failed=0 skipped=0
	logs=$(mktemp -d)
	trap 'rm -rf "$logs"' EXIT
	trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM HUP
	local expected=$1 test all
	shift
	mapfile -t all < <(sed -n 's/^\(test_[a-z0-9_]*\)() {.*/\1/p' "$suite")
	[ $# = 0 ] || { all=("$@"); expected=$#; }
	for test in "${all[@]}"; do
		[[ $test != test_slow_* ]] || launch "$test"
	done
	for test in "${all[@]}"; do
		[[ $test == test_slow_* ]] || { launch "$test"; collect "$test"; }
	done
	for test in "${all[@]}"; do
		[[ $test != test_slow_* ]] || collect "$test"
	done
	local ran=$((passed + failed + skipped))
	if [ $ran != "$expected" ]; then
		echo "$ran tests ran, $expected expected"
		failed=$((failed + 1))
	fi
	[ $skipped = 0 ] && echo "$passed passed, $failed failed" ||
		echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
}

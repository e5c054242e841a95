#!/bin/bash
# adit show, route and export: against wg(8), byte for byte; over sockets at which
# something else than adit answers; on a terminal.
. "$(dirname "$0")/lib.sh"

key_a=$(sed -n 's/^PrivateKey = //p' "$a")
pub_a=$(sed -n 's/^PublicKey = //p' "$b")
pub_b=$(sed -n 's/^PublicKey = //p' "$a")
psk=$(sed -n 's/^PresharedKey = //p' "$a")
selectors="public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips
	latest-handshakes transfer persistent-keepalive dump"

adit_a() { in_ns a "$adit" "$@"; }
expect_line() { # expect_line WHAT LINE: in $dir/out
	grep -qxF -- "$2" "$dir/out" || fail "$1: no line \"$2\" in $(cat "$dir/out")"
}
status_of() { # status_of COMMAND...: what it says goes to $dir/out and $dir/err
	local status=0
	"$@" >"$dir/out" 2>"$dir/err" || status=$?
	echo $status
}
expect_status() { # expect_status STATUS COMMAND...
	local wanted=$1
	shift
	expect_equal "status of $*" "$wanted" "$(status_of "$@")"
}

without_own_lines() { sed '/key exchange.*: x25519/d'; }

# same_as_wg WORD...: adit show prints what wg show does. Times go on and counters
# count: so between two answers of wg that are the same.
same_as_wg() {
	local before after ours try
	for try in {1..20}; do
		before=$(in_ns a wg show "$@"; echo .)
		ours=$(adit_a show "$@" | without_own_lines; echo .)
		after=$(in_ns a wg show "$@"; echo .)
		[ "$before" = "$after" ] || continue
		expect_equal "show $*" "$before" "$ours"
		return
	done
	fail "wg show $* never said the same twice"
}

# `wg show all endpoints` of 1.0.20210914 names the interface on its first line only;
# its manual has "the first field for all categories".
all_endpoints() {
	local name
	for name in $(in_ns a wg show interfaces); do
		in_ns a wg show "$name" endpoints | sed "s/^/$name\t/"
	done >"$dir/theirs"
	adit_a show all endpoints | cmp - "$dir/theirs" || fail "show all endpoints"
}

same_in_all_forms() { # same_in_all_forms INTERFACE
	local selector name mode
	same_as_wg interfaces
	for mode in never always; do
		export WG_COLOR_MODE=$mode
		same_as_wg
		same_as_wg all
		same_as_wg "$1"
		for selector in $selectors; do
			same_as_wg "$1" "$selector"
			[ "$selector" = endpoints ] || same_as_wg all "$selector"
		done
		all_endpoints
	done
	unset WG_COLOR_MODE
	export WG_HIDE_KEYS=never
	same_as_wg "$1"
	unset WG_HIDE_KEYS
}

# answer_at NAME FILE: a control socket at which somebody answers what is in the file
answer_at() {
	start "answer-$1" a "$pipe" answer "/run/wireguard/$1.sock" "$2"
	wait_until 5 "the socket of $1" test -S "/run/wireguard/$1.sock"
}

test_show_is_that_of_wg() {
	run_both
	expect_ping a 10.7.0.2
	same_in_all_forms adit-a
	in_ns a wg set adit-a fwmark 0x1234 peer "$pub_b" persistent-keepalive 3661
	same_in_all_forms adit-a
	# without a terminal there are neither colours nor keys
	expect_equal "escapes" 0 "$(adit_a show | grep -c $'\e' || true)"
	expect_equal "secrets" 0 "$(adit_a show | grep -cF -e "$key_a" -e "$psk" || true)"
	expect_equal "secrets, asked for" 2 \
		"$(adit_a show adit-a --show-keys | grep -cF -e "$key_a" -e "$psk")"
	# two that run, and one whose socket stayed behind
	start second a "$adit" -f second
	wait_until 10 "control socket of second" test -S /run/wireguard/second.sock
	start killed a "$adit" -f killed
	wait_until 10 "control socket of killed" test -S /run/wireguard/killed.sock
	kill -KILL "${pid_of[killed]}"
	wait_until 10 "the end of killed" is_gone "${pid_of[killed]}"
	! adit_a show interfaces | grep -q killed || fail "one that was killed is listed"
	same_in_all_forms second
	expect_status 4 adit_a show killed
}

# Times and amounts of every size, names of zones, peers without anything.
hex() { printf "%02x" "$1" | sed 's/.*/&&&&&&&&/; s/.*/&&&&/'; }
strange_answer() {
	local now i=1 age
	now=$(date +%s)
	echo "private_key=$(hex 0x48)"
	printf 'listen_port=1\nfwmark=4294967295\n'
	for age in 60 61 3600 86400 31536000 40000000 100000 -500; do
		i=$((i + 1))
		echo "public_key=$(hex $i)"
		echo "preshared_key=$(hex $((i % 2)))"
		echo "endpoint=[fe80::$i%1]:$i"
		echo "last_handshake_time_sec=$((now - age))"
		echo "last_handshake_time_nsec=$i"
		echo "tx_bytes=$((1 << (6 * i)))"
		echo "rx_bytes=$((3 ** (4 * i)))"
		echo "persistent_keepalive_interval=$((i * i * i * i))"
		echo "allowed_ip=10.0.$i.0/24"
		echo "allowed_ip=fd00:$i::/32"
	done
	printf 'public_key=%s\nallowed_ip=0.0.0.0/0\nerrno=0\n\n' "$(hex 200)"
}

test_show_of_strange_values() {
	add_ns a
	strange_answer >"$dir/answer"
	answer_at other "$dir/answer"
	same_in_all_forms other
	# with no peers, and with nothing at all
	printf 'private_key=%s\nlisten_port=7\nerrno=0\n\n' "$(hex 0x48)" >"$dir/answer"
	same_in_all_forms other
	printf 'errno=0\n\n' >"$dir/answer"
	same_in_all_forms other
}

# Every line of what the tools' own script makes is a line of ours, but for commas.
test_json_is_that_of_wg_json() {
	local script=/usr/share/doc/wireguard-tools/examples/json/wg-json
	[ -e $script ] || { echo "no $script"; exit 77; }
	add_ns a
	strange_answer >"$dir/answer"
	answer_at other "$dir/answer"
	in_ns a bash $script | sed 's/,$//' | sort >"$dir/theirs"
	adit_a show --json --show-keys | sed 's/,$//' | sort >"$dir/ours"
	expect_equal "lines that we lack" "" "$(comm -23 "$dir/theirs" "$dir/ours")"
	comm -13 "$dir/theirs" "$dir/ours" >"$dir/more"
	expect_equal "lines of our own" 4 "$(wc -l <"$dir/more")"
	expect_equal "of preshared keys" 4 "$(grep -c '"hasPresharedKey": true' "$dir/more")"
}

test_json() {
	run_both
	expect_ping a 10.7.0.2
	adit_a show --json adit-a >"$dir/json"
	! grep -qF -e "$key_a" -e "$psk" "$dir/json" || fail "secrets in the JSON"
	local line
	for line in '"adit-a": {' "\"publicKey\": \"$pub_a\"," '"listenPort": 51820,' \
		'"up": true,' '"mtu": 1420,' '"10.7.0.1/24",' "\"$pub_b\": {" \
		'"endpoint": "192.0.2.2:51820",' \
		'"10.7.0.2/32",' '"hasPresharedKey": true,' '"keyExchange": "x25519"'; do
		expect_equal "lines $line" 1 "$(sed 's/^\t*//' "$dir/json" | grep -cxF "$line")"
	done
	adit_a show --json --show-keys adit-a >"$dir/json"
	expect_equal "secrets" 2 "$(grep -cF -e "$key_a" -e "$psk" "$dir/json")"
	# packets for nobody are counted, here and there by the same reason
	ip -n a route add 10.99.0.0/16 dev adit-a
	! in_ns a ping -n -q -c 2 -i 0.1 -W 1 10.99.0.1 >/dev/null || fail "an answer from nobody"
	expect_match "drops" '"noPeer": 2' "$(adit_a show --json adit-a)"
	expect_match "drops" 'no-peer +2 ' "$(adit_a show --drops adit-a)"
	# from where the interface cannot be seen, what the daemon knows
	in_ns b "$adit" show --json adit-a >"$dir/json"
	! grep -q '"mtu"' "$dir/json" || fail "the MTU of another namespace"
	expect_equal "port" 1 "$(grep -c '"listenPort": 51820' "$dir/json")"
}

test_show_of_who_means_harm() {
	run_both
	mkfifo "$dir/never"
	answer_at silent "$dir/never"
	expect_status 1 adit_a show silent
	expect_match "complaint" "^adit: silent: .*does not answer in time" "$(cat "$dir/err")"
	# all others are shown
	expect_status 1 adit_a show
	expect_match "the one that is well" "^interface: adit-a$" "$(cat "$dir/out")"
	expect_match "about the silent" "^adit: silent: " "$(cat "$dir/err")"
	stop answer-silent || true
	rm /run/wireguard/silent.sock
	answer_at endless /dev/zero
	expect_status 1 adit_a show endless
	expect_match "about the endless" "^adit: endless: .*too long" "$(cat "$dir/err")"
	stop answer-endless || true
	rm /run/wireguard/endless.sock
	local text
	for text in '\n\n' 'errno=0\nx=1\n\n' 'public_key=zz\nerrno=0\n\n' 'x\n\n' 'errno=13\n\n' \
		'listen_port=5' '' '\0\0\n\n'; do
		rm -f "$dir/garbage"
		# shellcheck disable=SC2059
		printf "$text" >"$dir/garbage"
		answer_at garbage "$dir/garbage"
		expect_status 1 adit_a show garbage
		expect_equal "what is shown of it" "" "$(cat "$dir/out")"
		expect_match "complaint" \
			"^adit: garbage: (its answer|it hung up|it refuses.*: Perm)" \
			"$(cat "$dir/err")"
		expect_status 1 adit_a export garbage
		expect_status 1 adit_a route garbage 10.0.0.1
		stop answer-garbage || true
		rm /run/wireguard/garbage.sock
	done
	# what is no socket, or no name
	touch /run/wireguard/{file,'a b',a%,$'\e[31m',.}.sock /run/wireguard/x
	mkdir /run/wireguard/folder.sock
	expect_status 0 adit_a show
	expect_equal "complaints" "" "$(cat "$dir/err")"
	expect_status 4 adit_a show file
	# a daemon that is stopped
	kill -STOP $(adit_pids)
	expect_status 1 adit_a show adit-a
	expect_match "about the stopped" "does not answer" "$(cat "$dir/err")"
	kill -CONT $(adit_pids)
	! adit_a show >/dev/full 2>"$dir/err" || fail "nothing was written, and it is content"
	expect_match "about a full disk" "^adit: cannot write: " "$(cat "$dir/err")"
	stop_both
	expect_status 0 adit_a show
	expect_equal "of nobody" "" "$(cat "$dir/out")"
}

test_words() {
	add_ns a
	local words
	for words in "wg0 nonsense" "wg0 peers x" "interfaces x" "--nonsense" "--json --drops" \
		"--watch=0" "wg0 dump --json"; do
		# shellcheck disable=SC2086
		expect_status 2 adit_a show $words
		expect_match "about $words" "^usage: adit show" "$(cat "$dir/err")"
		expect_equal "output" "" "$(cat "$dir/out")"
	done
	expect_status 4 adit_a show wg0
	expect_status 4 adit_a show wg0 dump
	expect_status 4 adit_a show --json wg0
	expect_status 4 adit_a show --watch wg0
	expect_match "about it" "^adit: wg0 is not running$" "$(cat "$dir/err")"
	expect_equal "output" "" "$(cat "$dir/out")"
	expect_status 4 adit_a export wg0
	expect_status 4 adit_a route wg0 10.0.0.1
	expect_status 4 adit_a route 10.0.0.1
	expect_status 2 adit_a route wg0 10.0.0.300
	expect_match "about the address" '"10.0.0.300" is not an IP address' "$(cat "$dir/err")"
	expect_status 0 adit_a show --json
	expect_equal "no interface" "{}" "$(cat "$dir/out")"
}

pictures() { grep -c '^interface: adit-a' "$dir/$1.log"; }
has_pictures() { [ "$(pictures "$1")" -ge "$2" ]; }

has_objects() { [ "$(grep -c '^{$' "$dir/all.log")" -ge "$1" ]; }

test_watch() {
	run_both
	start watch a "$adit" show --watch adit-a
	wait_until 10 "three pictures" has_pictures watch 3
	stop watch INT || fail "ended with status $?"
	expect_equal "empty lines between pictures" "$(($(pictures watch) - 1))" \
		"$(grep -B1 '^interface' "$dir/watch.log" | grep -c '^$')"
	# by TERM, all, and as JSON
	start all a "$adit" show --watch --json
	wait_until 10 "two objects" has_objects 2
	stop all TERM || fail "ended with status $?"
	# while it waits for who does not answer
	start watch-stopped a "$adit" show --watch=86400 adit-b
	wait_until 10 "a picture" grep -q interface "$dir/watch-stopped.log"
	kill -STOP "${pid_of[adit-b]}"
	stop watch-stopped INT || fail "ended with status $?"
	kill -CONT "${pid_of[adit-b]}"
	# the end of the interface
	start watch-end a "$adit" show --watch adit-a
	wait_until 10 "a picture" grep -q interface "$dir/watch-end.log"
	stop adit-a
	wait_until 20 "the end" is_gone "${pid_of[watch-end]}"
	local status=0
	wait "${pid_of[watch-end]}" || status=$?
	expect_equal "status" 4 $status
	expect_match "last words" "^adit: adit-a has ended$" "$(tail -n 1 "$dir/watch-end.log")"
}

watching() { # its process
	find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$adit" 2>/dev/null |
		cut -d/ -f3 | while read -r pid; do
			! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- --watch || echo "$pid"
		done
}

test_watch_on_a_terminal() {
	run_both
	local enter=$'\e[?1049h' leave=$'\e[?7h\e[?25h\e[?1049l' screen=$dir/screen
	export TERM=xterm
	unset NO_COLOR
	in_ns a script -qefc "$adit show --watch adit-a" "$screen" >/dev/null 2>&1 </dev/null &
	local script=$!
	wait_until 10 "a picture" grep -qF "$enter" "$screen"
	wait_until 10 "its colours" grep -qF $'\e[32madit-a\e[0m' "$screen"
	! grep -qF "$leave" "$screen" || fail "left too early"
	kill -INT "$(watching)"
	local status=0
	wait $script || status=$?
	expect_equal "status" 0 $status
	expect_equal "the screen given back" 1 "$(grep -cF "$leave" "$screen")"
	# the interface ends: the terminal is given back before it is said
	rm "$screen" # what it shows is not the last one's
	in_ns a script -qefc "$adit show --watch adit-a" "$screen" >/dev/null 2>&1 </dev/null &
	script=$!
	wait_until 10 "a picture" grep -sqF "$enter" "$screen"
	stop adit-a
	wait $script || status=$?
	expect_equal "status" 4 $status
	expect_match "last words" "1049l.*adit: adit-a has ended" "$(tr -d '\n' <"$screen")"
	# without colours, by request
	NO_COLOR=1 in_ns b script -qec "$adit show adit-b" "$screen" >/dev/null 2>&1 </dev/null
	expect_equal "colours" 0 "$(grep -cF $'\e[32m' "$screen" || true)"
	in_ns b script -qec "$adit show adit-b" "$screen" >/dev/null 2>&1 </dev/null
	expect_equal "colours" 1 "$(grep -cF $'\e[32madit-b' "$screen" || true)"
}

test_route() {
	run_both
	local other
	other=$("$adit" genkey | "$adit" pubkey)
	in_ns a wg set adit-a peer "$other" allowed-ips 10.7.0.0/16,10.8.0.0/16
	expect_status 0 adit_a route adit-a 10.7.0.2
	expect_equal "route" "adit-a: 10.7.0.2 goes to peer $pub_b
  by its allowed IPs 10.7.0.2/32
  to its endpoint 192.0.2.2:51820
  shorter, so it loses: 10.7.0.0/16 of peer $other" "$(cat "$dir/out")"
	# over all that run; one peer suffices
	start second a "$adit" -f second
	wait_until 10 "control socket of second" test -S /run/wireguard/second.sock
	expect_status 0 adit_a route fd07::2
	expect_line "route" "adit-a: fd07::2 goes to peer $pub_b"
	expect_match "route" "^second: fd07::2 is in no peer's allowed IPs" "$(cat "$dir/out")"
	# where the system does not send it here
	expect_status 0 adit_a route adit-a 10.8.1.1
	expect_match "the system" "but the system has no route to it" "$(cat "$dir/out")"
	ip -n a route add 10.8.0.0/16 dev eth0
	expect_status 0 adit_a route adit-a 10.8.1.1
	expect_match "the system" "but the system's routes send it to eth0, not here$" \
		"$(cat "$dir/out")"
	expect_match "its endpoint" "its endpoint is not known" "$(cat "$dir/out")"
	expect_status 5 adit_a route 10.9.0.1
	expect_line "nearest" "  nearest: 10.8.0.0/16 of peer $other"
	expect_line "not ours" "adit-a: 10.9.0.1 is in no peer's allowed IPs"
	expect_line "itself" "  it is an address of this machine: it never enters the tunnel"
	expect_status 5 adit_a route adit-a 10.9.0.2
	expect_equal "last line" "  the system's routes send it to eth0, not here" \
		"$(tail -n 1 "$dir/out")"
	expect_status 5 adit_a route adit-a fd07::1
	expect_match "itself" "^  it is an address of this machine" "$(cat "$dir/out")"
	expect_status 5 adit_a route adit-a 10.55.0.1
	expect_match "no way" "^  the system has no route to it: " "$(cat "$dir/out")"
	ip -n a route add 10.55.0.0/16 dev adit-a
	expect_status 5 adit_a route adit-a 10.55.0.1
	expect_line "ours" "adit-a: 10.55.0.1 is in no peer's allowed IPs: dropped"
	expect_equal "the system" 0 "$(grep -c system "$dir/out" || true)"
	# what it says is what happens
	in_ns a wg set adit-a peer "$other" allowed-ips 10.8.0.0/16,10.7.0.2/32
	expect_status 0 adit_a route adit-a 10.7.0.2
	expect_line "route" "adit-a: 10.7.0.2 goes to peer $other"
	! in_ns a ping -n -q -c 1 -W 1 10.7.0.2 2>/dev/null >&2 || fail "sent to another"
}

# What up sets: links, addresses, routes, rules, and what wg shows.
state() {
	state_of_a | grep -v ' test$'
	in_ns a wg showconf adit-a
}

# An address with a zone is looked up, too, and nobody waits for it.
knows_link_local() { in_ns a wg showconf adit-a | grep -F 'fe80::5%eth0' >/dev/null; }

test_export_and_up_again() {
	two_ends
	mkdir "$dir/first" "$dir/second"
	sed 's/^ListenPort.*/&\nFwMark = 0x77\nMTU = 1333/' "$a" >"$dir/first/adit-a.conf"
	printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.50.0.0/16, fd50::/16\nEndpoint = %s\n' \
		"$("$adit" genkey | "$adit" pubkey)" "[fe80::5%eth0]:7" >>"$dir/first/adit-a.conf"
	chmod 600 "$dir/first/adit-a.conf"
	adit_a up "$dir/first/adit-a.conf"
	wait_until 10 "the endpoint" knows_link_local
	(umask 077 && adit_a export adit-a >"$dir/second/adit-a.conf" 2>"$dir/err")
	expect_equal "warnings" "" "$(cat "$dir/err")"
	# the part of wg is that of wg
	expect_equal "wg's part" "$(in_ns a wg showconf adit-a)" \
		"$(grep -vE '^(#|Address|MTU)' "$dir/second/adit-a.conf")"
	expect_equal "MTU" 1 "$(grep -cxF 'MTU = 1333' "$dir/second/adit-a.conf")"
	expect_status 0 adit_a check "$dir/second/adit-a.conf"
	local before
	before=$(state)
	adit_a down adit-a
	adit_a up "$dir/second/adit-a.conf"
	wait_until 10 "the endpoint" knows_link_local
	expect_equal "state" "$before" "$(state)"
	expect_equal "exported again" "$(cat "$dir/second/adit-a.conf")" "$(adit_a export adit-a)"
	# a file that others can read
	(umask 022 && adit_a export adit-a >"$dir/open" 2>"$dir/err")
	expect_match "warning" "warning: .*others can read" "$(cat "$dir/err")"
	adit_a down adit-a
}

many_peers() {
	local i
	echo set=1
	for i in {0..9999}; do
		printf 'public_key=%064x\nallowed_ip=10.%d.%d.0/24\nallowed_ip=fd%02x:%x::/64\n' \
			$((i + 1)) $((i >> 8)) $((i & 255)) $((i >> 12)) $((i & 4095))
	done
	echo
}

test_10000_peers() {
	add_ns a
	start many a "$adit" -f many
	wait_until 10 "control socket of many" test -S /run/wireguard/many.sock
	many_peers | in_ns a "$pipe" control /run/wireguard/many.sock 4096 >"$dir/set"
	expect_equal "answer" errno=0 "$(head -n 1 "$dir/set")"
	local words
	for words in "many" "many dump" "all allowed-ips"; do
		# shellcheck disable=SC2086
		in_ns a wg show $words >"$dir/theirs"
		# shellcheck disable=SC2086
		adit_a show $words | cmp - "$dir/theirs" || fail "show $words"
	done
	expect_equal "peers as JSON" 10000 "$(adit_a show --json many | grep -c allowedIps)"
	expect_equal "peers exported" 10000 "$(adit_a export many | grep -c '^PublicKey')"
	expect_match "route" "by its allowed IPs 10.39.15.0/24" "$(adit_a route many 10.39.15.9)"
}

run_tests 11 "$@"

#!/bin/bash
# make demo: two machines, played by network namespaces, and a tunnel between
# them. Everything lives in namespaces that end with this script, also on Ctrl-C.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

if [ "${1-}" = --has-tools ]; then # what building and running needs
	for tool in gcc ip ping ss unshare; do
		command -v $tool >/dev/null || exit 1
	done
	echo '#include <libmnl/libmnl.h>
		#include <sodium.h>' | gcc -E - >/dev/null 2>&1
	exit
fi

. tests/netns/lib.sh
[ "${1-}" = --inside ] || exec "${in_new_world[@]}" bash "$0" --inside
prepare_world
trap 'trap - EXIT; echo; echo "Stopped. Nothing is left behind."; exit 130' INT TERM HUP
trap '[ $? = 0 ] || { echo; echo "The demo failed."; show_logs; }' EXIT

bold="" plain=""
[ ! -t 1 ] || { bold=$'\e[1m' plain=$'\e[0m'; }
heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
on() { # on NAMESPACE COMMAND...: shows the command, runs it there
	local ns=$1
	shift
	printf '  %s# %s\n' "$ns" "${*/$PWD\//}"
	in_ns "$ns" "$@" 2>&1 | sed -u 's/^/     /'
}
PATH=$PWD/build/release:$PATH

heading "Two machines"
cat <<'END'
     machine a                            machine b
     192.0.2.1  ----- any network -----  192.0.2.2
         \                                  /
      10.7.0.1  ===== the tunnel ======  10.7.0.2
       fd07::1                           fd07::2
END
add_ns a b
add_link a b
ip -n a addr add 192.0.2.1/24 dev eth0
ip -n b addr add 192.0.2.2/24 dev eth0

heading "Their configurations: conf/point-to-point/"
for file in adit-a adit-b; do
	echo "  $file.conf"
	sed '/^#/d; /^$/d; s/^/     /' conf/point-to-point/$file.conf
done

heading "The tunnel comes up, from copies that nobody else can read"
on a install -m 600 conf/point-to-point/adit-a.conf "$dir"
on b install -m 600 conf/point-to-point/adit-b.conf "$dir"
on a adit up "$dir/adit-a.conf"
on b adit up "$dir/adit-b.conf"

heading "Ping, both ways"
on a ping -n -c 3 -i 0.2 10.7.0.2
on b ping -n -c 3 -i 0.2 fd07::1

heading "64 MiB from a to b"
begin=$(clock_ms)
transfer a b 10.7.0.2 64
ms=$(($(clock_ms) - begin))
echo "     sent      SHA-256 $(cut -c1-64 "$dir/transfer-a-b.sent")"
echo "     received  SHA-256 $(cut -c1-64 "$dir/transfer-a-b.received")"
echo "     equal, in $((ms / 1000)).$(printf %03d $((ms % 1000))) s:" \
	"$((64 * 8389 / ms)) Mbit/s"

heading "What each end says"
on a adit show adit-a
on b adit show adit-b

heading "The tunnel goes down"
on a adit down adit-a
on b adit down adit-b
echo
echo "That was it. Nothing is left behind; README.md has the first steps of your own."

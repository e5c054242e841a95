#!/bin/bash
# The WireGuard of the Linux kernel as a peer: Debian's cloud kernel on an initramfs
# of busybox and wg, emulated by QEMU in software, which boots in about 3 s.
#
#   kernel_peer.sh build            fetch the kernel, make the initramfs, once; exit
#                                   status 77 and the reason when that cannot be had
#   kernel_peer.sh start NETNS      boot; eth0 in NETNS and eth0 in the guest, both up,
#                                   with no addresses but link-local ones, are the
#                                   ends of one cable
#   kernel_peer.sh exec COMMAND     run a shell command in the guest: gives what it
#                                   says and its exit status; one at a time
#   kernel_peer.sh stop             end the guest, remove the cable
#
# Commands travel over a virtio serial port, so they work whatever the network does.
# KERNEL_PEER_RUN is the directory of one running guest, build/kernel-peer/run by
# default; console.log in it is what the guest's kernel says, WireGuard's debugging
# messages included. A guest ends with its process namespace too.
set -eu -o pipefail
shopt -s inherit_errexit
export LC_ALL=C

top=$(cd "$(dirname "$0")/../.." && pwd)
cache=$top/build/kernel-peer
run=${KERNEL_PEER_RUN:-$cache/run}
time_limit=120 # seconds for a boot, and for one command

say() { echo "kernel_peer.sh: $*" >&2; }
fail() { say "$@"; exit 1; }
unavailable() { say "$@"; exit 77; }

# ---------------------------------------------------------------- build
tools="apt-get busybox cpio depmod dpkg ip modprobe qemu-system-x86_64 wg xz"
modules="virtio_pci virtio_net virtio_console virtio_rng wireguard"

build() {
	local tool image
	[ "$(uname -m)" = x86_64 ] || unavailable "only on x86_64; this is $(uname -m)"
	for tool in $tools; do
		command -v "$tool" >/dev/null || unavailable "$tool is missing (make deps)"
	done
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	# a change of this file changes the image
	image=$(sha256sum <"$0")
	[ "$image" != "$(cat "$cache/image" 2>/dev/null)" ] || return 0
	rm -f "$cache/image"
	work=$(mktemp -d "$cache/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	fetch_kernel
	make_initramfs
	echo "$image" >"$cache/image"
}

fetch_kernel() { # vmlinuz, and its modules in $work/kernel
	local package deb
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p;T;q') || true
	[ -n "$package" ] || unavailable "apt knows no linux-image-cloud-amd64 (apt-get update)"
	deb=$(find "$cache" -maxdepth 1 -name "${package}_*.deb" -print -quit)
	if [ -z "$deb" ]; then
		(cd "$work" && apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=1 \
			-o Acquire::http::Timeout=20 download "$package" >&2) ||
			unavailable "cannot download $package"
		deb=$cache/$(cd "$work" && ls -- *.deb)
		mv "$work/${deb##*/}" "$deb"
	fi
	mkdir "$work/kernel"
	dpkg --fsys-tarfile "$deb" | tar -x -C "$work/kernel" ./boot ./lib/modules
	cp "$work"/kernel/boot/vmlinuz-* "$cache/vmlinuz"
}

make_initramfs() { # of busybox, wg, the modules and guest_init
	local root=$work/root file n=100
	mkdir -p "$root"/{bin,dev,modules,proc,sys,tmp}
	cp "$(command -v busybox)" "$(command -v wg)" "$root/bin"
	for file in $(ldd "$(command -v wg)" | grep -o '/[^ ]*'); do # its libraries
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done
	# numbered, so that their names' order is the order to load them in
	modules_in_order >"$work/modules"
	while read -r file; do
		cp "$file" "$root/modules/$((n += 1))-${file##*/}"
	done <"$work/modules"
	guest_init >"$root/init"
	chmod 755 "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$cache/initramfs"
}

modules_in_order() { # their files, each after those that it depends on
	local tree=$work/kernel release module
	release=$(ls "$tree/lib/modules")
	find "$tree/lib/modules" -name '*.ko.xz' -exec unxz {} +
	depmod -b "$tree" "$release"
	for module in $modules; do
		modprobe -d "$tree" -S "$release" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# The guest's first process: prepares, then runs what comes through the serial port,
# a line "ID COMMAND" each, and answers "ID STATUS OUTPUT", both in base64.
guest_init() {
	cat <<-'END'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		mount -t devtmpfs dev /dev
		exec </dev/null >/dev/console 2>&1
		for module in /modules/*; do insmod $module || echo failed: $module; done
		echo 'module wireguard +p' >/proc/dynamic_debug/control
		ip link set lo up
		until [ -e /sys/class/net/eth0 ]; do usleep 10000; done
		echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
		ip link set eth0 up
		until [ -e /dev/vport*p1 ]; do usleep 10000; done
		until ip addr show dev eth0 | grep -q fe80; do usleep 10000; done
		port=$(echo /dev/vport*p1)
		exec 3<>$port
		dmesg -n 8
		echo "boot 0" >&3
		while read -r id command <&3; do
			echo $command | base64 -d >/tmp/command
			sh /tmp/command >/tmp/output 2>&1 </dev/null 3>&-
			echo $id $? $(base64 -w 0 /tmp/output) >&3
		done
	END
}

# ---------------------------------------------------------------- a running guest
start() { # start NETNS
	[ -s "$cache/image" ] || fail "nothing is built"
	! is_running || fail "a guest is running already, see $run"
	mkdir -p "$run"
	rm -f "$run"/commands.*
	mkfifo "$run/commands.in" "$run/commands.out"
	ip -n "$1" tuntap add dev eth0 mode tap
	echo "$1" >"$run/netns"
	trap stop EXIT # unless it comes up
	ip -n "$1" link set eth0 up
	boot "$1"
	wait_for_answer boot
	trap - EXIT
}

boot() { # boot NETNS
	# This CPU because emulating wider vectors is slower than not having them.
	local options=(
		-M pc -accel tcg -cpu qemu64,+rdrand -m 256 -nodefaults -no-user-config
		-display none -no-reboot -daemonize -pidfile "$run/pid"
		-kernel "$cache/vmlinuz" -initrd "$cache/initramfs"
		-append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr net.ifnames=0"
		-serial "file:$run/console.log"
		-netdev tap,id=cable,ifname=eth0,script=no,downscript=no
		-device virtio-net-pci,netdev=cable -device virtio-rng-pci
		-chardev "pipe,id=commands,path=$run/commands"
		-device virtio-serial-pci -device virtserialport,chardev=commands
	)
	ip netns exec "$1" qemu-system-x86_64 "${options[@]}"
}

is_running() { grep -qs ^qemu-system "/proc/$(cat "$run/pid" 2>/dev/null)/comm"; }

# wait_for_answer ID: prints the output and returns the status that came with it;
# skips answers that nobody waits for any more
wait_for_answer() {
	local answer status output
	answer=$(timeout $time_limit sed -n "/^$1 /{p;q}" "$run/commands.out") || true
	[ -n "$answer" ] || fail "no answer from the guest; $(tail -n 5 "$run/console.log")"
	read -r _ status output <<<"$answer"
	base64 -d <<<"$output"
	return "$status"
}

exec_in_guest() { # exec_in_guest COMMAND
	local id=$$-$RANDOM
	is_running || fail "no guest is running, see $run"
	echo "$id $(base64 -w 0 <<<"$1")" >"$run/commands.in"
	wait_for_answer $id
}

stop() {
	if is_running; then
		kill -KILL "$(cat "$run/pid")" || true
		while is_running; do sleep 0.05; done
	fi
	[ ! -e "$run/netns" ] || ip -n "$(cat "$run/netns")" link del eth0 2>/dev/null || true
	rm -f "$run/netns" "$run/pid"
}

case ${1-}:$# in
build:1) build ;;
start:2) start "$2" ;;
exec:2) exec_in_guest "$2" ;;
stop:1) stop ;;
*) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 2 ;;
esac

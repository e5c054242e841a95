#!/bin/bash
# The config file where other programs read it too: what wg(8) takes and refuses,
# what wg-quick(8) makes of it; keys in files; check, strip.
. "$(dirname "$0")/lib.sh"

key_a=$(sed -n 's/^PrivateKey = //p' "$a")
pub_b=$(sed -n 's/^PublicKey = //p' "$a")
pub_a=$(sed -n 's/^PublicKey = //p' "$b")
psk=$(sed -n 's/^PresharedKey = //p' "$a")
file=/run/test/wg0.conf

# verdict COMMAND...: yes or no
verdict() {
	if "$@" >"$dir/stdout" 2>"$dir/stderr"; then echo yes; else echo no; fi
}
write() { # write MODE TEXT
	printf "$2" >$file
	chmod "$1" $file
}

# wg setconf and our parser agree, line by line. Each row begins with who accepts it:
# both, none, or, with the reason in words, wg alone or adit alone. I and P stand for
# the beginning of an interface and of a peer; printf(1) makes the rest.
rows() {
	cat <<-'END'
		both|I PrivateKey = KEY
		both|I private key=yAnz5TF+lXXJte14 tji3zlMNq+hd2rYUIgJBgB3fBmk=
		both|I PrivateKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
		none|I PrivateKey=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=
		none|I PrivateKey=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk
		none|I PrivateKey =
		both|I LISTENPORT=65535
		both|I ListenPort=0
		both|I ListenPort=0000000000000000005
		both|I ListenPort=5 1820
		both|I ListenPort=domain
		none|I ListenPort=http
		none|I ListenPort=no-such-service
		none|I ListenPort=51820/udp
		none|I ListenPort=0x10
		none|I ListenPort=-1
		wg, takes it for port 0|I ListenPort=65536
		wg, takes it for port 4464|I ListenPort=70000
		wg, by strtoul(3)|I ListenPort=+1
		none|I ListenPort=
		none|I ListenPort
		both|I FwMark=off
		both|I FwMark=OFF
		both|I FwMark=0
		both|I FwMark=0x0
		both|I FwMark=010
		both|I FwMark=4294967295
		both|I FwMark=0xffffffff
		both|I FwMark=0x00000000001
		none|I FwMark=4294967296
		none|I FwMark=0x100000000
		none|I FwMark=0x
		none|I FwMark=0X10
		none|I FwMark=0xFg
		none|I FwMark=0x-1
		none|I FwMark=-1
		none|I FwMark=auto
		none|I FwMark=
		adit, as wg-quick does|I MTU = 1420
		adit, as wg-quick does|I Address = 10.0.0.1/24
		none|I PublicKey = PUB
		both|I #!PrivateKeyFil = x
		both|I ListenPort=1 # ListenPort=x
		none|I ListenPort=1;
		none|I ; ListenPort=1
		none|I Listen#Port=1
		none|I ListenPort#=1
		both|[ inter FACE ] # c\nListenPort=1
		both|[Interface]\r\nListenPort=1\r\n\r\n
		both|\t[Interface]\n\v\fListenPort\t=\t1
		both|[Interface]\n[Interface]\nListenPort=2
		both|[Interface]
		both|
		none|[Interface]\rListenPort=1
		none|[Interface
		none|Interface
		none|[Interface]x
		none|[Peers]
		none|ListenPort=1
		none|\357\273\277[Interface]\nListenPort=1
		none|[Peer]
		none|[Peer]\nAllowedIPs=10.0.0.0/8
		none|[Peer]\nPublicKey=xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8D==
		none|[Peer]\nPublicKey=xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8D-=
		both|P PublicKey=TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
		both|P [Peer]\nPublicKey=PUB
		both|I PrivateKey=KEY\n[Peer]\nPublicKey=OWN
		none|P ListenPort=1
		none|P PostUp=true
		both|P PresharedKey=KEY
		none|P PresharedKey=short
		none|P PresharedKey=
		both|P AllowedIPs=10.0.0.0/8 , 11.0.0.0/8,::/0
		both|P AllowedIPs=0.0.0.0/0\nAllowedIPs=0.0.0.0/0
		both|P AllowedIPs=10.0.0.1
		both|P AllowedIPs=10.0.0.1/8
		both|P AllowedIPs=10.0.0.0/08
		both|P AllowedIPs=::ffff:1.2.3.4/128
		none|P AllowedIPs=10.0.0.0/33
		none|P AllowedIPs=::/129
		none|P AllowedIPs=10.0.0.0/
		none|P AllowedIPs=10.0.0.0/-1
		none|P AllowedIPs=10.0.0.0/+8
		none|P AllowedIPs=10.0.0.0/8x
		none|P AllowedIPs=10.0.0.0/255.0.0.0
		none|P AllowedIPs=10.0.0.0/8,
		none|P AllowedIPs=,10.0.0.0/8
		none|P AllowedIPs=10.0.0.0/8 ::/0
		none|P AllowedIPs=10.0.0
		none|P AllowedIPs=010.0.0.1
		none|P AllowedIPs=0/0
		none|P AllowedIPs=[::1]/128
		none|P AllowedIPs=fe80::1%%lo
		none|P AllowedIPs=localhost
		none|P AllowedIPs=+-10.0.0.0/8
		none|P AllowedIPs=
		adit, as newer ones of wg do|P AllowedIPs=+10.0.0.0/8
		adit, as newer ones of wg do|P AllowedIPs=-10.0.0.0/8
		both|P Endpoint=192.0.2.1:5
		both|P Endpoint=[192.0.2.1]:5
		both|P Endpoint=192.0.2.1:domain
		both|P Endpoint=localhost:5
		both|P Endpoint=[localhost]:5
		both|P Endpoint=[2001:db8::1]:5
		both|P Endpoint=2001:db8::1:51820
		both|P Endpoint=::1:5
		none|P Endpoint=2001:db8::1
		none|P Endpoint=192.0.2.1
		none|P Endpoint=192.0.2.1:
		none|P Endpoint=192.0.2.1:-1
		none|P Endpoint=192.0.2.1:no-such-service
		none|P Endpoint=192.0.2.1:5,192.0.2.2:5
		none|P Endpoint=[::1]5
		none|P Endpoint=[::1
		none|P Endpoint=[::1]
		none|P Endpoint=[::1]:
		none|P Endpoint=:5
		none|P Endpoint=
		wg, no packet gets there|P Endpoint=192.0.2.1:0
		wg, takes it for port 0|P Endpoint=192.0.2.1:65536
		wg, takes it for 192.0.0.2|P Endpoint=192.2:5
		adit, looks for it later|P Endpoint=no-such-host:5
		adit, looks for it later|P Endpoint=[fe80::1%%no-such-link]:5
		both|P PersistentKeepalive=25
		both|P PersistentKeepalive=Off
		both|P PersistentKeepalive=00025
		both|P PersistentKeepalive=65535
		none|P PersistentKeepalive=65536
		none|P PersistentKeepalive=25s
		none|P PersistentKeepalive=+1
		none|P PersistentKeepalive=0x19
		none|P PersistentKeepalive=
		none|P Unknown=1
		none|P =1
		none|P ==
	END
}

test_agrees_with_wg() {
	add_ns a
	start adit-a a "$adit" -f wg0
	wait_until 10 "control socket" test -S /run/wireguard/wg0.sock
	export WG_ENDPOINT_RESOLUTION_RETRIES=0
	local who text by_wg by_adit wanted count=0 stricter=0
	while IFS='|' read -r who text; do
		text=${text/#I /[Interface]\\n}
		text=${text/#P /[Peer]\\nPublicKey=PUB\\n}
		text=${text//KEY/$key_a} text=${text//PUB/$pub_b} text=${text//OWN/$pub_a}
		write 600 "$text"
		by_wg=$(verdict in_ns a wg setconf wg0 $file)
		by_adit=$(verdict in_ns a "$adit" strip $file)
		case $who in
		both) wanted="yes yes" ;;
		none) wanted="no no" ;;
		wg,*) wanted="yes no" stricter=$((stricter + 1)) ;;
		adit,*) wanted="no yes" ;;
		esac
		expect_equal "wg and adit on $text" "$wanted" "$by_wg $by_adit"
		count=$((count + 1))
		[ "$who" = both ] || continue
		# and both understand the same
		in_ns a wg setconf wg0 $file
		in_ns a wg showconf wg0 | grep -v ListenPort >"$dir/shown"
		in_ns a wg setconf wg0 "$dir/stdout"
		expect_equal "stripped $text" "$(cat "$dir/shown")" \
			"$(in_ns a wg showconf wg0 | grep -v ListenPort)"
	done < <(rows)
	[ $count -ge 100 ] || fail "$count rows only"
	figure "$count rows, in $stricter adit is deliberately stricter"
}

# The keys of wg-quick, which hands what it does not know itself to wg. Many mistakes it
# finds only when ip(8) refuses something half-way.
quick_rows() {
	cat <<-'END'
		both|I Address = 10.0.0.1/24, fd00::1/64 10.0.0.2
		both|I ADDRESS=10.0.0.1 # home
		both|I DNS = 1.1.1.1,2606:4700::1 example.org
		both|I MTU=1420\r\nTable=off\r\nTable = Auto\r\nTable=1234
		both|I PreUp = a # b = c\nPostUp=a\nPreDown=a\nPostDown=a
		both|I SaveConfig = TRUE
		both|I SaveConfig=false\n[Peer]\nPublicKey=PUB\n[Interface]\nMTU=1400
		both|I Address =\nMTU=\nDNS=\nPostUp=
		both|I #!Colour = red, or blue
		none|I SaveConfig = yes
		none|I Adress = 10.0.0.1
		none|I MTU 1420
		none|MTU = 1420
		none|P MTU = 1420
		none|P PostUp = true
		adit, as wg does with its own|I Add ress = 10.0.0.1
		adit, as wg does with its own|[ Interface ]\nMTU = 1420
		wg-quick, until ip refuses it|I Address = 10.0.0.1/33
		wg-quick, until ip refuses it|I Address = home
		wg-quick, until ip refuses it|I MTU = big
		wg-quick, until ip refuses it|I Table = a/b
	END
}

test_agrees_with_wg_quick() {
	add_ns a
	start adit-a a "$adit" -f wg9
	wait_until 10 "control socket" test -S /run/wireguard/wg9.sock
	local who text by_quick by_adit wanted count=0
	while IFS='|' read -r who text; do
		text=${text/#I /[Interface]\\n}
		text=${text/#P /[Peer]\\nPublicKey=PUB\\n}
		write 600 "${text//PUB/$pub_b}"
		by_quick=$(verdict strip_and_set)
		by_adit=$(verdict "$adit" strip $file)
		case $who in
		both) wanted="yes yes" ;;
		none) wanted="no no" ;;
		wg-quick,*) wanted="yes no" ;;
		adit,*) wanted="no yes" ;;
		esac
		expect_equal "wg-quick and adit on $text" "$wanted" "$by_quick $by_adit"
		count=$((count + 1))
	done < <(quick_rows)
	figure "$count rows"
}
strip_and_set() {
	wg-quick strip $file >"$dir/quick" && in_ns a wg setconf wg9 "$dir/quick"
}

# One file with every form there is: what adit up makes of it is what wg makes of it.
test_understands_as_wg_does() {
	local n=0 value
	peer() { # a peer with a key of its own
		n=$((n + 1))
		printf '[PEER]\r\nPublic Key=%02dAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n' $n
	}
	{
		printf '[Inter face]\nPRIVATEKEY=%s # mine\nListen Port = 00 51820#0\n' "$key_a"
		printf 'FwMark=1\nFwMark = 0xCa6C\nTable=off\n'
		for value in 10.0.0.0/8 10.1.0.1/9 '10.2.0.1 , fd07::/64,fd08::7' fd09::1/016 \
			::ffff:1.2.3.4/100 10.0.0.0/8 '::/0\nALLOWEDIPS = 0.0.0.0/0'; do
			peer
			printf "Allowed IPs = $value\n"
		done
		for value in 192.0.2.1:5 [192.0.2.2]:domain 2001:db8::1:51820 [2001:DB8:0::2]:9 \
			'localhost:7\nEndpoint=192.0.2.3:00008' '192. 0.2.4 : 5 # 6'; do
			peer
			printf "Endpoint=$value\n"
		done
		for value in 25 off OFF 0 65535 '7\nPersistentKeepalive=8'; do
			peer
			printf "PersistentKeepalive = $value\n"
		done
		peer
		printf 'PresharedKey = %s\nPresharedKey = %s\n' "$key_a" "$psk"
		# the first peer once more: what this section does not say stays, but the prefixes
		n=7
		peer
		printf 'AllowedIPs=10.9.0.0/24\nPresharedKey = %s' "$psk"
	} >$file
	chmod 600 $file
	add_ns a
	start adit-a a "$adit" -f wg9
	wait_until 10 "control socket" test -S /run/wireguard/wg9.sock
	"$adit" strip $file >"$dir/stripped"
	grep -viE '^Table' $file >"$dir/for-wg"
	in_ns a wg setconf wg9 "$dir/for-wg"
	said_of wg9 >"$dir/by-wg"
	in_ns a wg setconf wg9 "$dir/stripped"
	expect_equal "stripped" "$(cat "$dir/by-wg")" "$(said_of wg9)"
	stop adit-a
	start adit-b a "$adit" run $file
	wait_until 10 "the interface" is_up a wg0
	expect_equal "by adit" "$(cat "$dir/by-wg")" "$(said_of wg0)"
	expect_equal "peers and the interface" 21 "$(wc -l <"$dir/by-wg")"
}
said_of() { in_ns a wg show "$1" dump | cut -f1-4,8 | sort; }
is_up() { ip -n "$1" -o link show "$2" | grep -q '[<,]UP[,>]'; }

# What wg-quick strips is what we strip, but for comments and white space.
test_strips_as_wg_quick_does() {
	write 600 "# mine\r\n[Interface]\r\nPrivateKey = $key_a\r\nAddress = 10.7.0.1/24\r\n\
DNS=1.1.1.1\r\nMTU=1420\r\nTable=off\r\nPreUp=true # ListenPort = 7\r\nSaveConfig=false\r\n\
#!PresharedKeyFil=x\r\nListenPort=51820 # udp\r\n[peer]\r\npublic key=$pub_b\r\n\
\tAllowedIPs=10.7.0.2/32,fd07::2/128\r\nEndpoint=192.0.2.2:51820"
	wg-quick strip $file | sed 's/#.*//; s/[[:space:]]//g; /^$/d' | tr A-Z a-z >"$dir/quick"
	"$adit" strip $file | sed 's/[[:space:]]//g; /^$/d' | tr A-Z a-z >"$dir/ours"
	expect_equal "stripped" "$(cat "$dir/quick")" "$(cat "$dir/ours")"
	# into a file that others can read
	(umask 022 && "$adit" strip $file >"$dir/open" 2>"$dir/stderr")
	expect_match "warning" "warning: writing a secret to a file that others" \
		"$(grep secret "$dir/stderr")"
	(umask 077 && "$adit" strip $file >"$dir/closed" 2>"$dir/stderr")
	! grep secret "$dir/stderr" || fail "a warning of a file that only we can read"
	# nothing of a file with an error
	write 600 "[Interface]\nPrivateKey=$key_a\nMTU=x\n"
	local status=0
	"$adit" strip $file >"$dir/stdout" 2>"$dir/stderr" || status=$?
	expect_equal "status and output" "3 " "$status $(cat "$dir/stdout")"
}

test_check_and_its_last_line() {
	local said status strict text peer="[Peer]\nPublicKey=$pub_b\n"
	local strictly="1 peer, 1 warning; refused, for with --strict warnings are errors"
	while IFS='|' read -r strict status said text; do
		write 600 "[Interface]\nPrivateKey=$key_a\nListenPort=1\n$text"
		local got=0
		"$adit" check ${strict:+$strict} $file >"$dir/stdout" 2>/dev/null || got=$?
		expect_equal "of $text" "$status $file: $said" "$got $(tail -n 1 "$dir/stdout")"
	done <<-END
		|0|0 peers; no errors|
		--strict|0|0 peers; no errors|
		|0|1 peer, 1 warning; usable|$peer
		--strict|3|$strictly|$peer
		|3|2 errors; cannot be used|MTU=x\nTable=no-such-table\n
		--strict|3|1 error, 1 warning; cannot be used|MTU=x\nSaveConfig=true\n
		|3|1 error; cannot be used|MTU=1279\nAddress=fd07::1/64\n
	END
	write 644 "[Interface]\nPrivateKey=$key_a\n"
	expect_equal "of a readable file" no "$(verdict "$adit" check --strict $file)"
	expect_match "why" "others can read it" "$(cat "$dir/stderr")"
	local got=0
	"$adit" check --stric $file 2>"$dir/stderr" || got=$?
	expect_match "usage" "^2 usage: adit check" "$got $(cat "$dir/stderr")"
}

# A configuration that all may read, keys in a file and in a credential.
test_keys_in_files() {
	two_ends
	mkdir -p "$dir/keys" "$dir/credentials"
	(umask 077 && echo "$key_a" >"$dir/keys/a" && echo "$psk" >"$dir/credentials/psk")
	sed "s,^PrivateKey = .*,#!PrivateKeyFile = keys/a,
		s,^PresharedKey = .*,PresharedKeyFile = @psk," "$a" >"$dir/adit-a.conf"
	chmod 644 "$dir/adit-a.conf"
	export CREDENTIALS_DIRECTORY=$dir/credentials
	expect_equal "said by check" "$dir/adit-a.conf: 1 peer; no errors" \
		"$("$adit" check --strict "$dir/adit-a.conf" 2>&1)"
	start adit-a a "$adit" run "$dir/adit-a.conf"
	start adit-b b "$adit" run "$b"
	wait_until 10 "address of adit-a" has_address a adit-a
	wait_until 10 "address of adit-b" has_address b adit-b
	expect_ping a 10.7.0.2
	# wg has no such file to read: it gets the keys
	"$adit" strip "$dir/adit-a.conf" >"$dir/stripped"
	in_ns a wg syncconf adit-a "$dir/stripped"
	expect_equal "private key" "$key_a" "$(in_ns a wg show adit-a private-key)"
	expect_equal "preshared key" "$psk" "$(in_ns a wg show adit-a preshared-keys | cut -f2)"
	expect_ping a 10.7.0.2
	stop_both
	# the credential is the service's alone
	unset CREDENTIALS_DIRECTORY
	expect_equal "adit up" no "$(verdict in_ns a "$adit" up "$dir/adit-a.conf")"
	expect_match "why" 'adit-a.conf:[0-9]+:20: error: PresharedKeyFile: @psk: there is no' \
		"$(cat "$dir/stderr")"
	[ ! -e /sys/class/net/adit-a ] || fail "an interface is there all the same"
}

# One file for both programs: ours counts here and is a comment there.
test_own_keys_are_comments_for_wg_quick() {
	write 600 "[Interface]\n#!PrivateKeyFile = key\nListenPort = 51820\nAddress=10.7.0.1/24\n\
[Peer]\nPublicKey=$pub_b\n#!PresharedKeyFile = psk\nAllowedIPs=10.7.0.2/32\n"
	(umask 077 && echo "$key_a" >"$dir/key" && echo "$psk" >"$dir/psk")
	add_ns a
	start adit-a a "$adit" -f wg9
	wait_until 10 "control socket" test -S /run/wireguard/wg9.sock
	wg-quick strip $file >"$dir/by-quick" 2>/dev/null
	in_ns a wg setconf wg9 "$dir/by-quick"
	expect_equal "preshared key" "(none)" "$(in_ns a wg show wg9 preshared-keys | cut -f2)"
	"$adit" strip $file >"$dir/by-adit"
	in_ns a wg setconf wg9 "$dir/by-adit"
	expect_equal "preshared key" "$psk" "$(in_ns a wg show wg9 preshared-keys | cut -f2)"
	expect_equal "private key" "$key_a" "$(in_ns a wg show wg9 private-key)"
}

# Read, checked and stripped; and wg takes it too.
test_5000_peers() {
	awk -v key="$key_a" 'BEGIN {
		print "[Interface]\nPrivateKey = " key "\nListenPort = 51820"
		for (i = 0; i < 5000; i++)
			printf "[Peer]\nPublicKey = %05dAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" \
				"AllowedIPs = 10.%d.%d.0/24\n", i, i / 256, i % 256
	}' >$file
	chmod 600 $file
	local before=${EPOCHREALTIME//[.,]/}
	expect_equal "said by check" "$file: 5000 peers; no errors" "$("$adit" check $file 2>&1)"
	figure "check of 5,000 peers: $(((${EPOCHREALTIME//[.,]/} - before) / 1000)) ms"
	"$adit" strip $file >"$dir/stripped"
	expect_equal "peers stripped" 5000 "$(grep -c '^\[Peer\]' "$dir/stripped")"
	add_ns a
	start adit-a a "$adit" -f wg0
	wait_until 10 "control socket" test -S /run/wireguard/wg0.sock
	in_ns a wg setconf wg0 "$dir/stripped"
	expect_equal "peers" 5000 "$(in_ns a wg show wg0 peers | wc -l)"
}

run_tests 8 "$@"

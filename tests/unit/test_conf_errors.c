#include "unit/test.h"

#include <stdlib.h>

#include "device/device.h"
#include "text/conf.h"
#include "unit/conf_rows.h"

#define TABLE(line, value)                                                                         \
	line ":7: error: Table: \"" value                                                          \
	     "\": expected off, auto, 1-4294967295, or the name of a "                             \
	     "table\n"

TEST(conf_errors_of_lines)
{
	static const struct conf_row rows[] = {
		{"", "1:1: warning: no [Interface]: no peer can be reached before a private key is "
		     "set\n"},
		{"\n \t[Interface]\n", "2:3: warning: [Interface] has no PrivateKey: no peer can "
				       "be reached before "
				       "a private key is set\n"},
		{HEAD "MTU 1420\n", "3:1: error: MTU: no \"=\" behind it; expected MTU = value\n"},
		{HEAD "MTU: 1420\n", "3:1: error: MTU: no \"=\" behind it; expected MTU = value\n"},
		{HEAD "MTUs 1420\n", "3:1: error: no \"=\"; expected Key = value\n"},
		{HEAD "// a comment\n", "3:1: error: no \"=\"; expected Key = value, or \"#\" "
					"before a comment\n"},
		{HEAD "/\n", "3:1: error: no \"=\"; expected Key = value\n"},
		{HEAD " peer\nMTU=1\n",
			"3:2: error: a section stands in square brackets; expected [Peer]\n"
			"3:2: error: [Peer] has no PublicKey\n"
			"4:1: error: MTU: stands in [Peer]; it belongs into [Interface]\n"},
		{HEAD "[Peer] PublicKey=x\n", "3:1: error: a section and a key in one line; "
					      "expected the section in a line of its own\n"},
		{HEAD " = 1420\n", "3:2: error: no key before \"=\"; expected Key = value\n"},
		{HEAD "; a comment\n", "3:1: error: no \"=\"; expected Key = value, or \"#\" "
				       "before a comment\n"},
		{HEAD "  [Pairs]\nany = thing\nnothing\n[Peer]\n",
			"3:3: error: unknown section \"[Pairs]\"; expected [Interface] or [Peer]\n"
			"6:1: error: [Peer] has no PublicKey\n"},
		/* what follows is checked as if it were the one that was meant */
		{HEAD "[Peers]\nMTU=1420\nPublicKey=" B "\nAllowedIPs=x\n",
			"3:1: error: unknown section \"[Peers]\"; expected [Interface] or [Peer]\n"
			"4:1: error: MTU: stands in [Peer]; it belongs into [Interface]\n"
			"6:12: error: AllowedIPs: \"x\": " IPS_EXPECTED},
		{HEAD "[Peer] x\n", "3:1: error: something behind the section; expected "
				    "[Interface] or [Peer] in a line of its own\n"
				    "3:1: error: [Peer] has no PublicKey\n"},
		{"[Interface\nPrivateKey=" A "\nMTU=x\n",
			"1:1: error: the \"]\" of the section is missing; expected [Interface] or "
			"[Peer]\n"
			"3:5: error: MTU: \"x\": expected 68-65535\n"},
		{"\tMTU=1\n" HEAD, "1:2: error: MTU: stands before any section; it belongs into "
				   "[Interface]\n"},
		{HEAD "Endpoint=a:1\n",
			"3:1: error: Endpoint: stands in [Interface]; it belongs into [Peer]\n"},
		{HEAD PEER "PostUp=x # y\nAllowedIPs=::1",
			"5:1: error: PostUp: stands in [Peer]; it belongs into [Interface]\n"},
		{"\xef\xbb\xbf" HEAD "x=1\n", "1:1: error: the file begins with a byte order mark; "
					      "expected UTF-8 without "
					      "one\n3:1: error: unknown key \"x\"\n"},
		{"\xff\xfe[Interface]\n",
			"1:1: error: the file begins with a byte order mark of UTF-16; expected "
			"UTF-8 without one\n"},
	};
	CHECK_ROWS(rows);
	static const char zero[] = HEAD "MTU = 14\00020\nMTU=x\n";
	conf_check_text(zero, sizeof zero - 1,
		"3:9: error: a zero byte; expected plain text\n"
		"4:5: error: MTU: \"x\": expected 68-65535\n");
}

TEST(conf_errors_of_names)
{
	static const struct conf_row rows[] = {
		{HEAD "Adress=1\n",
			"3:1: error: unknown key \"Adress\"; did you mean `Address`?\n"},
		{HEAD "PrivateKye=1\n",
			"3:1: error: unknown key \"PrivateKye\"; did you mean `PrivateKey`?\n"},
		{HEAD "DSN=1\n", "3:1: error: unknown key \"DSN\"; did you mean `DNS`?\n"},
		{HEAD "listenpor=1\n",
			"3:1: error: unknown key \"listenpor\"; did you mean `ListenPort`?\n"},
		{HEAD "AB=1\n", "3:1: error: unknown key \"AB\"\n"},
		{HEAD "Keepalive=1\n", "3:1: error: unknown key \"Keepalive\"; did you mean "
				       "`PersistentKeepalive`?\n"},
		{HEAD "p s k=1\n",
			"3:1: error: unknown key \"p s k\"; did you mean `PresharedKey`?\n"},
		{HEAD "Twentyfourlettersandnomo=1\n",
			"3:1: error: unknown key \"Twentyfourlettersandnomo\"\n"},
		{HEAD "Addr=1\n", "3:1: error: unknown key \"Addr\"; did you mean `Address`?\n"},
		{HEAD "Adr=1\n", "3:1: error: unknown key \"Adr\"\n"},
		{HEAD "Addrs=1\n", "3:1: error: unknown key \"Addrs\"; did you mean `Address`?\n"},
		{HEAD "zMTU=1\n", "3:1: error: unknown key \"zMTU\"; did you mean `MTU`?\n"},
		{HEAD "nEpdiont=1\n", "3:1: error: unknown key \"nEpdiont\"\n"},
		{HEAD "S=1\n", "3:1: error: unknown key \"S\"\n"},
		/* what might be a piece of a key is not repeated */
		{HEAD "Twentyfourlettersandnomor=1\n", "3:1: error: unknown key\n"},
		{HEAD "B3fBmk=1\n", "3:1: error: unknown key\n"},
		{HEAD "fBmk=\n", "3:1: error: unknown key without a value; is this the rest of "
				 "another line?\n"},
		{HEAD "listen-port=1\nAllowed_IPs=x\n",
			"3:1: error: unknown key; did you mean `ListenPort`?\n"
			"4:1: error: unknown key; did you mean `AllowedIPs`?\n"},
		{HEAD "MTU is=1\n", "3:1: error: MTU: no \"=\" behind it; expected MTU = value\n"},
		{HEAD A "\n",
			"3:1: error: unknown key without a value; is this the rest of another "
			"line?\n"},
	};
	CHECK_ROWS(rows);
}

/* Comments for wg(8) and wg-quick(8); of these keys the own ones only count. */
TEST(conf_errors_behind_the_mark)
{
	static const struct conf_row rows[] = {
		{HEAD "#!MTU = x\n  #! PrivateKey = " C "\n",
			"3:3: warning: MTU: a comment, because \"#!\" is only for keys of adit's "
			"own; to have it count, write it without \"#!\"\n"
			"4:6: warning: PrivateKey: a comment, because \"#!\" is only for keys of "
			"adit's own; to have it count, write it without \"#!\"\n"},
		{HEAD "#!PrivatKeyFile = x\n#!Colour = red\n",
			"3:3: warning: unknown key \"PrivatKeyFile\" behind \"#!\": taken as a "
			"comment; did you mean `PrivateKeyFile`?\n"
			"4:3: warning: unknown key \"Colour\" behind \"#!\": taken as a comment\n"},
		{HEAD "#!PrivateKye = x\n", "3:3: warning: unknown key \"PrivateKye\" behind "
					    "\"#!\": taken as a comment\n"},
		/* plain comments */
		{HEAD "#!/bin/sh\n#!\n#! a remark\n#!a/b=c\n# !PrivateKeyFile=\n##!Table=x\n"
		      "#!PrivateKeyFile # = \nMTU=1420 #!PrivateKeyFile=\n",
			""},
		{HEAD PEER "#!PrivateKeyFile = x\nAllowedIPs=::1\n",
			"5:3: error: PrivateKeyFile: stands in [Peer]; it belongs into "
			"[Interface]\n"},
		{HEAD PEER "AllowedIPs=::1\n#!PresharedKeyFile = # none\n",
			"6:3: error: PresharedKeyFile: no value; expected the path of a file, or @ "
			"and the name of a systemd credential\n"},
		{HEAD "[Pairs]\n#!MTU = 1\n", "3:1: error: unknown section \"[Pairs]\"; expected "
					      "[Interface] or [Peer]\n"},
	};
	CHECK_ROWS(rows);
}

TEST(conf_errors_of_values)
{
	static const struct conf_row rows[] = {
		{"[Interface]\nPrivateKey = yAnz=\n",
			"2:14: error: PrivateKey: 5 characters: " KEY_EXPECTED},
		{"[Interface]\nPrivateKey=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=\n",
			"2:12: error: PrivateKey: 44 characters, but not those of a key: one may "
			"be "
			"mistyped; expected what `adit genkey` prints\n"},
		{"[Interface]\nPrivateKey =\n", "2:1: error: PrivateKey: no value; " KEY_EXPECTED},
		{HEAD "ListenPort=65536\n", "3:12: error: ListenPort: \"65536\": expected 0-65535 "
					    "or the name of a service\n"},
		{HEAD "FwMark = 0x100000000\n", "3:10: error: FwMark: \"0x100000000\": expected "
						"off, 0-4294967295, or 0x and "
						"up to 8 hex digits\n"},
		{HEAD "FwMark=0xaf\nFwMark=0xAF\nFwMark=0xag\nFwMark=1x1\n",
			"5:8: error: FwMark: \"0xag\": expected off, 0-4294967295, or 0x and up to "
			"8 hex digits\n"
			"6:8: error: FwMark: \"1x1\": expected off, 0-4294967295, or 0x and up to "
			"8 hex digits\n"},
		{HEAD "FwMark = 0x\n", "3:10: error: FwMark: \"0x\": expected off, 0-4294967295, "
				       "or 0x and up to 8 hex digits\n"},
		{HEAD "MTU=67\nMTU=65536\nMTU=68\nMTU=65535\n",
			"3:5: error: MTU: \"67\": expected 68-65535\n"
			"4:5: error: MTU: \"65536\": expected 68-65535\n"},
		{HEAD "Table=0\n", "3:7: error: Table: \"0\": expected off, auto, 1-4294967295, or "
				   "the name of a table\n"},
		{HEAD "Table=1a\nTable=-a\nTable=a/b\nTable=a=~\n"
		      "Table=a123456789b123456789c123456789d1\n"
		      "Table=a123456789b123456789c123456789d\n",
			TABLE("3", "1a") TABLE("4", "-a") TABLE("5", "a/b")
				TABLE("7", "a123456789b123456789c123456789d1")},
		{HEAD "KillSwitch=on\nKillSwitch=yes\nkillswitch = FALSE\n",
			"3:12: error: KillSwitch: \"on\": expected yes or no\n"},
		{HEAD "SaveConfig=yes\nSaveConfig=false\nSaveConfig=true\n",
			"3:12: error: SaveConfig: \"yes\": expected true or false\n"
			"5:12: warning: SaveConfig: \"true\": ignored: adit never writes this "
			"file\n"},
		{HEAD "Address = 10.0.0.1/33, 10.0.0.x\tfd00::1/129,\n",
			"3:11: error: Address: \"10.0.0.1/33\": prefix length must be 0-32\n"
			"3:24: error: Address: \"10.0.0.x\": " IPS_EXPECTED
			"3:33: error: Address: \"fd00::1/129\": prefix length must be 0-128\n"},
		{HEAD "DNS=1.1.1.300 a_b.c ~. x/y\n",
			"3:5: error: DNS: \"1.1.1.300\": expected IP addresses and "
			"search domains\n"
			"3:24: error: DNS: \"x/y\": expected IP addresses and search domains\n"},
		{HEAD "DNS=\nPostUp= \t\nMTU = # none\n",
			"3:1: warning: DNS: no value: ignored; expected IP addresses and search "
			"domains\n"
			"4:1: warning: PostUp: no value: ignored; expected a shell command\n"
			"5:1: warning: MTU: no value: ignored; expected 68-65535\n"},
	};
	CHECK_ROWS(rows);
}

/* A right value in the first characters of a long one must not pass. */
TEST(conf_errors_of_long_values)
{
	static char text[8192];
	struct out out;
	out_init_fixed(&out, text, sizeof text);
	out_add_text(&out, HEAD "ListenPort=");
	out_add_repeated(&out, '0', 320);
	out_add_text(&out, "5\nPostUp=");
	out_add_repeated(&out, 'x', CONF_HOOK_MAX + 1);
	out_add_text(&out, "\nPreUp=");
	out_add_repeated(&out, 'x', CONF_HOOK_MAX);
	conf_check_text(text, out.len,
		"3:12: error: ListenPort: "
		"\"0000000000000000000000000000000000000000000000000000000000000000...\": "
		"expected 0-65535 or the name of a service\n"
		"4:8: error: PostUp: 4096 characters; at most 4095 are possible: put them into a "
		"script\n");
}

TEST(conf_errors_are_bounded)
{
	struct out text, out;
	struct conf conf;
	out_init(&text, 1 << 16);
	out_add_text(&text, HEAD PEER);
	for (unsigned i = 0; i < CONF_DIAGNOSTICS_MAX + 3; i++)
		out_add_text(&text, "AllowedIPs=10.0.0.1/8,x\n");
	CHECK(conf_parse(&conf, text.bytes, text.len));
	CHECK_EQ(CONF_DIAGNOSTICS_MAX + 3, conf.error_count);
	CHECK_EQ(CONF_DIAGNOSTICS_MAX + 3, conf.warning_count);
	CHECK_EQ(2 * CONF_DIAGNOSTICS_MAX, conf.diagnostic_count);
	out_init(&out, 1 << 20);
	conf_render(&out, &conf, "f", text.bytes, text.len);
	CHECK(strstr(out_string(&out), "\nf: too many errors: 3 more are not shown\n"
				       "f: too many warnings: 3 more are not shown\n"));
	out_wipe(&out);
	out_wipe(&text);
	conf_wipe(&conf);
}

TEST(conf_errors_of_a_file_too_large)
{
	char *text = malloc(CONF_TEXT_MAX + 1);
	CHECK(text);
	memset(text, '\n', CONF_TEXT_MAX + 1);
	conf_check_text(text, CONF_TEXT_MAX,
		"1:1: warning: no [Interface]: no peer can be reached before a private key is "
		"set\n");
	conf_check_text(
		text, CONF_TEXT_MAX + 1, "1:1: error: the file has more than 16777216 bytes\n");
	free(text);
}

TEST(conf_errors_of_too_many_peers)
{
	struct out text;
	struct conf conf;
	out_init(&text, 1 << 20);
	for (unsigned i = 0; i <= DEVICE_PEERS_MAX; i++)
		out_add_text(&text, "[Peer]\n");
	out_add_text(&text, "PublicKey=" B "\nnot looked at\n");
	CHECK(conf_parse(&conf, text.bytes, text.len));
	CHECK_EQ(DEVICE_PEERS_MAX, conf.change.peer_count);
	CHECK_EQ(DEVICE_PEERS_MAX + 1, conf.error_count);
	CHECK_STR("more than 100000 peers", conf.diagnostics[conf.diagnostic_count - 1].message);
	conf_wipe(&conf);
	out_wipe(&text);
}

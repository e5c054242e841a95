/*
 * What wg(8) and wg-quick(8) make of a line without saying so anywhere, and what comes
 * from writing configurations by hand or by script. test_conf.sh compares with them.
 */
#include "unit/test.h"

#include <stdlib.h>

#include "device/device.h"
#include "text/conf.h"
#include "text/keytext.h"
#include "text/uapi.h"
#include "unit/conf_rows.h"

/* Accepted without a word, and meaning this; the beginning with the private key left out. */
TEST(conf_quirks_of_values)
{
	static const struct {
		const char *text, *set;
	} rows[] = {
		/* white space is deleted, wherever it stands */
		{"Listen Port = 5 1\t820", "listen_port=51820\n"},
		{"\v\f ListenPort\t=\t1\r\n\r", "listen_port=1\n"},
		{"LISTENport=0000000000001", "listen_port=1\n"},
		{"ListenPort=1#0", "listen_port=1\n"},
		{"ListenPort=1\nListenPort=2 #\nListenPort=0", "listen_port=0\n"},
		{"FwMark=010", "fwmark=10\n"},
		{"FwMark=0x010", "fwmark=16\n"},
		{"FwMark=0x0000000000ff", "fwmark=255\n"},
		{"FwMark=0xDeadBeef", "fwmark=3735928559\n"},
		{"FwMark=O F F", "fwmark=0\n"},
		{"FwMark=0", "fwmark=0\n"},
		/* wg-quick(8) passes over these, and so does not see what is wrong with them */
		{"SaveConfig=FALSE", ""},
		{"Table=AUTO\nMTU=001420\nAddress = 10.0.0.1 , 10.0.0.2/8\t::1", ""},
		{"#!\n#! \n#!#\n\t#\n##\n", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[256] = HEAD, expected[256];
		struct conf conf;
		struct out out;
		strcat(text, rows[i].text);
		CHECK(conf_parse(&conf, text, strlen(text)));
		CHECK_EQ(0, conf.diagnostic_count);
		conf.change.has_private_key = false;
		out_init_fixed(&out, expected, sizeof expected);
		out_add_text(&out, "set=1\n");
		out_add_text(&out, rows[i].set);
		out_add_text(&out, "replace_peers=true\n\n");
		out_init(&out, 1 << 16);
		uapi_format_set(&out, &conf.change);
		CHECK_STR(expected, out_string(&out));
		out_wipe(&out);
		conf_wipe(&conf);
	}
}

/* As it was written from behind the = to the end: # and = and blanks belong to it. */
TEST(conf_quirks_of_hooks)
{
	static const struct {
		const char *line, *command;
	} rows[] = {
		{"PostUp = a  b\t c", "a  b\t c"},
		{"PostUp=x=1 #2 # 3", "x=1 #2 # 3"},
		{"post up =\t# nothing \r", "# nothing"},
		{"PostUp = = ", "="},
		{"POSTUP=echo \xc3\xa9 \\", "echo \xc3\xa9 \\"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[256] = HEAD;
		struct conf conf;
		strcat(text, rows[i].line);
		CHECK(conf_parse(&conf, text, strlen(text)));
		CHECK_EQ(0, conf.diagnostic_count);
		CHECK_EQ(1, conf.link.post_up.count);
		CHECK_STR(rows[i].command, conf.link.post_up.items[0]);
		conf_wipe(&conf);
	}
}

/* One list of all for many machines: what counts peers is counted without ourselves. */
TEST(conf_quirks_of_our_own_key)
{
	static const char text[] = HEAD PEER
		"Endpoint=one:1\nPresharedKeyFile=a\nAllowedIPs=::1\n[Peer]\nPublicKey=" OWN
		"\nEndpoint=own:1\nPresharedKeyFile=b\nAllowedIPs=::2\n" OTHER_PEER
		"Endpoint=two:1\nPresharedKeyFile=c\nAllowedIPs=::3\n";
	struct conf conf;
	CHECK(conf_parse(&conf, text, strlen(text)));
	CHECK_EQ(0, conf.error_count);
	CHECK_EQ(1, conf.warning_count);
	CHECK_EQ(2, conf.change.peer_count);
	CHECK_EQ(3, conf.change.peers[1].allowed_ips[0].prefix.address.bytes[15]);
	CHECK_EQ(14, conf.peers_at[1].line);
	CHECK_EQ(2, conf.link.name_count);
	CHECK_STR("two", conf.link.names[1].host);
	CHECK_EQ(1, conf.link.names[1].peer);
	CHECK_EQ(2, conf.key_file_count);
	CHECK_STR("c", conf.key_files[1].path);
	CHECK_EQ(1, conf.key_files[1].peer);
	conf_wipe(&conf);
}

TEST(conf_quirks_of_key_files)
{
	static const char text[] =
		"[interface]\n#!privatekeyFILE=a\n \t#!\tPrivate Key File = "
		"/b c/d=e # f\n" PEER "PresharedKeyFile=first\n" OTHER_PEER
		"PresharedKeyFile=@x\nAllowedIPs=::1\n" PEER "PresharedKeyFile=y\n" PEER;
	struct conf conf;
	CHECK(conf_parse(&conf, text, strlen(text)));
	CHECK_EQ(0, conf.error_count);
	CHECK_EQ(3, conf.key_file_count);
	CHECK_STR("/b c/d=e", conf.key_files[0].path);
	CHECK_EQ(CONF_NO_PEER, conf.key_files[0].peer);
	CHECK_EQ(3, conf.key_files[0].place.line);
	CHECK_EQ(25, conf.key_files[0].place.column);
	CHECK_STR("@x", conf.key_files[1].path);
	CHECK_EQ(0, conf.key_files[1].peer);
	/* of the three sections of a peer the last one with a key */
	CHECK_STR("y", conf.key_files[2].path);
	CHECK_EQ(1, conf.key_files[2].peer);
	CHECK(!conf.change.has_private_key && !conf.change.peers[0].has_preshared_key);
	CHECK_EQ(8, conf.peers_at[0].line);
	CHECK_EQ(15, conf.peers_at[1].line);
	conf_wipe(&conf);
	/* a key in a later section in the place of a file, and the other way round */
	static const char changed[] =
		HEAD PEER "PresharedKeyFile=a\n" OTHER_PEER "PresharedKey=" A "\n" PEER
			  "PresharedKey=" C "\n" OTHER_PEER "PresharedKeyFile=b\n";
	CHECK(conf_parse(&conf, changed, strlen(changed)));
	CHECK_EQ(0, conf.error_count);
	CHECK_EQ(1, conf.key_file_count);
	CHECK_STR("b", conf.key_files[0].path);
	CHECK_EQ(1, conf.key_files[0].peer);
	CHECK(conf.change.peers[0].has_preshared_key && !conf.change.peers[1].has_preshared_key);
	conf_wipe(&conf);
}

/* Peers with keys, prefixes and names of their own; every tenth stands twice. */
static void add_peers(struct out *out, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint8_t key[KEYTEXT_KEY_LEN] = {
			1, (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
		char text[KEYTEXT_BASE64_LEN + 1];
		keytext_write_base64(text, key);
		out_add_text(out, "[Peer]\nPublicKey = ");
		out_add_text(out, text);
		out_add_text(out, "\nAllowedIPs = fd00::");
		out_add_decimal(out, i / 10000);
		out_add_text(out, ":");
		out_add_decimal(out, i % 10000);
		out_add_text(out, "\nPresharedKeyFile = psk");
		out_add_text(out, "\nEndpoint = host");
		out_add_decimal(out, i);
		out_add_text(out, ":51820\n");
	}
}

/* As many as there may be: what took more than n log n would be seen in a test's time. */
TEST(conf_quirks_of_very_many_peers)
{
	static const unsigned counts[] = {5000, DEVICE_PEERS_MAX / 2};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct out text, stripped;
		struct conf conf;
		out_init(&text, CONF_TEXT_MAX);
		out_init(&stripped, SIZE_MAX);
		out_add_text(&text, HEAD);
		add_peers(&text, counts[i]);
		add_peers(&text, counts[i] / 10);
		CHECK(!text.has_failed && conf_parse(&conf, text.bytes, text.len));
		CHECK_EQ(0, conf.error_count);
		CHECK_EQ(counts[i] / 10, conf.warning_count);
		CHECK_EQ(counts[i], conf.change.peer_count);
		CHECK_EQ(counts[i], conf.link.name_count);
		CHECK_EQ(counts[i], conf.key_file_count);
		conf_strip(&stripped, &conf, text.bytes, text.len);
		CHECK(!stripped.has_failed && stripped.len > text.len / 2);
		out_wipe(&stripped);
		out_wipe(&text);
		conf_wipe(&conf);
	}
}

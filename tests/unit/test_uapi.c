#include "unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/addrtext.h"
#include "text/uapi.h"

#define K1 "0101010101010101010101010101010101010101010101010101010101010101"
#define K2 "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd"
#define Z  "0000000000000000000000000000000000000000000000000000000000000000"
#define PK "public_key=" K1 "\n"

/* Feeds in pieces; the verdict that ended it. All of the text must be used. */
static enum uapi_verdict feed(struct uapi_parser *parser, const char *text, size_t piece)
{
	enum uapi_verdict verdict = UAPI_MORE;
	size_t len = strlen(text), at = 0;
	while (verdict == UAPI_MORE && at < len) {
		size_t used, given = piece < len - at ? piece : len - at;
		verdict = uapi_feed(parser, text + at, given, &used);
		at += used;
		if (verdict == UAPI_MORE && used != given)
			test_fail(__FILE__, __LINE__, "%zu of %zu bytes used", used, given);
	}
	if (at != len && verdict != UAPI_VIOLATION)
		test_fail(__FILE__, __LINE__, "%zu bytes left", len - at);
	return verdict;
}

static const char *const refused_lines[] = {
	"private_key=",
	"private_key=" K1 "0",
	"private_key=0",
	"private_key",
	"listen_port=65536",
	"listen_port=-1",
	"listen_port=",
	"listen_port= 1",
	"fwmark=4294967296",
	"fwmark=0x1",
	"fwmark=off",
	"replace_peers=false",
	"replace_peers=",
	"replace_peers=1",
	"unknown=1",
	"=1",
	"Listen_port=1",
	"listen_port =1",
	"get=1",
	"set=1",
	/* a peer's, without one */
	"remove=true",
	"update_only=true",
	"preshared_key=" K1,
	"endpoint=1.2.3.4:5",
	"persistent_keepalive_interval=1",
	"replace_allowed_ips=true",
	"allowed_ip=1.2.3.4/32",
	"protocol_version=1",
	/* with one */
	"public_key=" K1 "0",
	"public_key=",
	PK "remove=false",
	PK "update_only=yes",
	PK "preshared_key=x",
	PK "endpoint=1.2.3.4",
	PK "endpoint=a:5",
	PK "endpoint=[fe80::1%eth0]:5",
	PK "endpoint=1.2.3.4:65536",
	PK "persistent_keepalive_interval=65536",
	PK "persistent_keepalive_interval=off",
	PK "replace_allowed_ips=false",
	PK "allowed_ip=1.2.3.4/33",
	PK "allowed_ip=1.2.3.4",
	PK "allowed_ip=",
	PK "allowed_ip=-",
	PK "allowed_ip=+1.2.3.4/32",
	PK "allowed_ip=1.2.3.4/32,::/0",
	PK "protocol_version=2",
	PK "unknown=1",
	/* the interface's, behind one */
	PK "private_key=" K1,
	PK "listen_port=1",
	PK "fwmark=1",
	PK "replace_peers=true",
};

TEST(uapi_refused_values)
{
	for (size_t i = 0; i < sizeof refused_lines / sizeof *refused_lines; i++) {
		char text[512] = "set=1\nlisten_port=5\n";
		struct uapi_parser parser;
		strcat(text, refused_lines[i]);
		/* read on to the end, and what comes behind changes nothing */
		strcat(text, "\nfwmark=7\n" PK "nonsense\n\n");
		uapi_init(&parser);
		CHECK_EQ(UAPI_SET, feed(&parser, text, 1000));
		CHECK_EQ(EINVAL, parser.error);
		CHECK(!parser.change.has_listen_port && !parser.change.has_fwmark);
		CHECK_EQ(0, parser.change.peer_count);
		/* and the next operation begins afresh */
		CHECK_EQ(UAPI_SET, feed(&parser, "set=1\nfwmark=7\n\n", 1000));
		CHECK_EQ(0, parser.error);
		CHECK_EQ(7, parser.change.fwmark);
		CHECK(!parser.change.has_listen_port);
		uapi_wipe(&parser);
	}
}

TEST(uapi_violations)
{
	static const char *const texts[] = {"\n", "get=2\n", "set=1 \n", "set=true\n", "x\n",
		"GET=1\n", "get=1\nx\n", "get=1\nset=1\n", "errno=0\n\n", "get=1\r\n"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct uapi_parser parser;
		uapi_init(&parser);
		CHECK_EQ(UAPI_VIOLATION, feed(&parser, texts[i], 1000));
		CHECK_EQ(UAPI_VIOLATION, feed(&parser, "get=1\n\n", 1000));
		CHECK_EQ(UAPI_VIOLATION, feed(&parser, "\n", 1000));
		uapi_wipe(&parser);
	}
}

TEST(uapi_operations_one_after_the_other)
{
	static const char text[] = "get=1\n\nset=1\n\nget=1\n\nset=1\nfwmark=1\n\nget";
	static const enum uapi_verdict expected[] = {
		UAPI_GET, UAPI_SET, UAPI_GET, UAPI_SET, UAPI_MORE};
	struct uapi_parser parser;
	const char *at = text;
	uapi_init(&parser);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		size_t used;
		CHECK_EQ(expected[i], uapi_feed(&parser, at, strlen(at), &used));
		CHECK_EQ(i == 3, parser.change.has_fwmark);
		at += used;
	}
	CHECK_EQ(0, strlen(at));
	CHECK_EQ(UAPI_GET, feed(&parser, "=1\n\n", 1));
	uapi_wipe(&parser);
}

static const char everything[] = "set=1\n"
				 "private_key=" K1 "\n"
				 "listen_port=65535\n"
				 "fwmark=4294967295\n"
				 "replace_peers=true\n"
				 "public_key=" K1 "\n"
				 "remove=true\n"
				 "public_key=" K2 "\n"
				 "update_only=true\n"
				 "preshared_key=" Z "\n"
				 "endpoint=[fe80::1%7]:51820\n"
				 "persistent_keepalive_interval=65535\n"
				 "replace_allowed_ips=true\n"
				 "allowed_ip=10.0.0.0/8\n"
				 "allowed_ip=-fd00::/64\n"
				 "allowed_ip=0.0.0.0/0\n"
				 "public_key=" K2 "\n"
				 "\n";

/* parse and format are each other's inverse, in pieces of any size. */
TEST(uapi_round_trip)
{
	for (size_t piece = 1; piece < sizeof everything; piece++) {
		struct uapi_parser parser;
		struct out out;
		uapi_init(&parser);
		out_init(&out, 1 << 16);
		CHECK_EQ(UAPI_SET, feed(&parser, everything, piece));
		CHECK_EQ(0, parser.error);
		uapi_format_set(&out, &parser.change);
		CHECK_STR(everything, out_string(&out));
		out_wipe(&out);
		uapi_wipe(&parser);
	}
}

TEST(uapi_host_bits_are_masked)
{
	struct uapi_parser parser;
	char text[ADDRTEXT_PREFIX_MAX];
	uapi_init(&parser);
	CHECK_EQ(UAPI_SET, feed(&parser,
				   "set=1\n" PK "protocol_version=1\nallowed_ip=10.1.2.3/8\n"
				   "allowed_ip=-fd00::1/64\n\n",
				   1000));
	CHECK_EQ(0, parser.error);
	const struct change_peer *peer = &parser.change.peers[0];
	CHECK_EQ(2, peer->allowed_ip_count);
	addrtext_write_prefix(text, &peer->allowed_ips[0].prefix);
	CHECK_STR("10.0.0.0/8", text);
	CHECK_EQ(false, peer->allowed_ips[0].remove);
	addrtext_write_prefix(text, &peer->allowed_ips[1].prefix);
	CHECK_STR("fd00::/64", text);
	CHECK_EQ(true, peer->allowed_ips[1].remove);
	uapi_wipe(&parser);
}

static unsigned number_of(const char *name)
{
	return !strcmp(name, "eth0") ? 4711 : !strcmp(name, "fifteen-bytes-x") ? 7 : 0;
}

/* wg(8) writes zones as getnameinfo(3) gives them: by name, for a link-local address. */
TEST(uapi_zones_by_name)
{
	static const struct {
		const char *endpoint;
		int error;
		const char *expected;
	} rows[] = {
		{"[fe80::1%eth0]:5", 0, "[fe80::1%4711]:5"},
		{"[fe80::1%fifteen-bytes-x]:5", 0, "[fe80::1%7]:5"},
		{"[fe80::1%12]:5", 0, "[fe80::1%12]:5"},
		{"[fe80::1]:5", 0, "[fe80::1]:5"},
		{"[fe80::1%nosuch]:5", ENODEV, NULL},
		{"[fe80::1%]:5", EINVAL, NULL},
		{"[fe80::1%sixteen-bytes-xx]:5", EINVAL, NULL},
		{"[fe80::1%eth0]", EINVAL, NULL},
		{"[fe80::1%eth0]:x", EINVAL, NULL},
		{"fe80::1%eth0:5", EINVAL, NULL},
		{"[1.2.3.4%eth0]:5", EINVAL, NULL},
		{"[%eth0]:5", EINVAL, NULL},
		{"]%eth0:5", EINVAL, NULL},
		{"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000%eth0]:5",
			EINVAL, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct uapi_parser parser;
		char text[512], endpoint[ADDRTEXT_ENDPOINT_MAX];
		uapi_init(&parser);
		parser.zone_number = number_of;
		snprintf(text, sizeof text, "set=1\n" PK "endpoint=%s\n\n", rows[i].endpoint);
		CHECK_EQ(UAPI_SET, feed(&parser, text, 1000));
		CHECK_EQ(rows[i].error, parser.error);
		if (rows[i].expected && !parser.error) {
			addrtext_write_endpoint(endpoint, &parser.change.peers[0].endpoint);
			CHECK_STR(rows[i].expected, endpoint);
		}
		uapi_wipe(&parser);
	}
}

/* A line of `len` bytes and its newline, cut into pieces, in a set operation. */
static enum uapi_verdict feed_long_line(struct uapi_parser *parser, size_t len, size_t piece)
{
	char *text = malloc(len + 16);
	if (!text)
		return UAPI_MORE;
	strcpy(text, "set=1\n");
	memset(text + 6, 'x', len);
	strcpy(text + 6 + len, "\n\n");
	enum uapi_verdict verdict = feed(parser, text, piece);
	free(text);
	return verdict;
}

TEST(uapi_lines_are_bounded)
{
	static const size_t pieces[] = {1, 1000, 1 << 20};
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct uapi_parser parser;
		uapi_init(&parser);
		CHECK_EQ(UAPI_SET, feed_long_line(&parser, UAPI_LINE_MAX - 1, pieces[i]));
		CHECK_EQ(EINVAL, parser.error);
		CHECK_EQ(UAPI_VIOLATION, feed_long_line(&parser, UAPI_LINE_MAX, pieces[i]));
		uapi_wipe(&parser);
	}
}

TEST(uapi_operations_are_bounded)
{
	struct uapi_parser parser;
	uapi_init(&parser);
	CHECK_EQ(UAPI_MORE, feed(&parser, "set=1\nfwmark=1\n", 1000));
	CHECK_EQ(1, parser.line_count);
	parser.line_count = UAPI_LINES_MAX - 1;
	CHECK_EQ(UAPI_MORE, feed(&parser, "fwmark=2\n", 1000));
	CHECK_EQ(0, parser.error);
	CHECK_EQ(UAPI_SET, feed(&parser, "fwmark=3\n\n", 1000));
	CHECK_EQ(ENOMEM, parser.error);
	CHECK(!parser.change.has_fwmark);
	CHECK_EQ(UAPI_SET, feed(&parser, "set=1\nfwmark=4\n\n", 1000));
	CHECK_EQ(0, parser.error);
	uapi_wipe(&parser);
}

/* regressions 24: 10,000 peers with 100 prefixes each, there and back. */
TEST(uapi_many_peers)
{
	struct uapi_parser parser;
	struct out text, again;
	out_init(&text, 64 << 20);
	out_init(&again, 64 << 20);
	out_add_text(&text, "set=1\n");
	for (unsigned i = 0; i < 10000; i++) {
		out_add_text(&text, "public_key=" Z);
		out_add_text(&text, "\n");
		for (unsigned j = 0; j < 100; j++) {
			out_add_text(&text, "allowed_ip=10.");
			out_add_decimal(&text, i >> 8);
			out_add_text(&text, ".");
			out_add_decimal(&text, i & 255);
			out_add_text(&text, ".");
			out_add_decimal(&text, j);
			out_add_text(&text, "/32\n");
		}
	}
	out_add_text(&text, "\n");
	uapi_init(&parser);
	CHECK_EQ(UAPI_SET, feed(&parser, out_string(&text), 4096));
	CHECK_EQ(0, parser.error);
	uapi_format_set(&again, &parser.change);
	CHECK(!text.has_failed && text.len == again.len);
	CHECK_MEM(text.bytes, again.bytes, text.len);
	uapi_wipe(&parser);
	out_wipe(&again);
	out_wipe(&text);
}

TEST(uapi_mutations)
{
	uint64_t seed = 3;
	for (unsigned round = 0; round < 3000; round++) {
		char text[sizeof everything];
		struct uapi_parser whole, pieces;
		size_t used, len = sizeof text - 1;
		memcpy(text, everything, sizeof text);
		for (unsigned i = 0; i < 1 + round % 4; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			text[(seed >> 33) % len] =
				seed >> 16 & 1 ? (char)(seed >> 24) : text[(seed >> 40) % len];
		}
		uapi_init(&whole);
		uapi_init(&pieces);
		enum uapi_verdict all = uapi_feed(&whole, text, len, &used), bytewise = UAPI_MORE;
		size_t at = 0;
		for (size_t one; bytewise == UAPI_MORE && at < len; at += one)
			bytewise = uapi_feed(&pieces, text + at, 1, &one);
		CHECK_EQ(all, bytewise);
		CHECK_EQ(used, at);
		CHECK_EQ(whole.error, pieces.error);
		CHECK_EQ(whole.change.peer_count, pieces.change.peer_count);
		uapi_wipe(&whole);
		uapi_wipe(&pieces);
	}
}

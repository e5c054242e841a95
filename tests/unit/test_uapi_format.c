#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>

#include "text/uapi.h"
#include "unit/tunnel.h"

#define K1 "0101010101010101010101010101010101010101010101010101010101010101"
#define K2 "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd"
#define Z  "0000000000000000000000000000000000000000000000000000000000000000"

static const struct now now = {SECOND, 1700000000 * SECOND};

/* What a client would have said. */
static bool set(struct end *end, const char *text)
{
	struct uapi_parser parser;
	size_t used;
	uapi_init(&parser);
	bool ok = uapi_feed(&parser, text, strlen(text), &used) == UAPI_SET &&
		  used == strlen(text) && !parser.error &&
		  device_apply(end->device, &parser.change, &now);
	uapi_wipe(&parser);
	return ok;
}

TEST(uapi_errno_has_the_sign_that_wg_needs)
{
	static const struct {
		enum uapi_verdict operation;
		int error;
		const char *text;
	} rows[] = {{UAPI_GET, 0, "errno=0\n\n"}, {UAPI_SET, 0, "errno=0\n\n"},
		{UAPI_GET, 5, "errno=5\n\n"}, {UAPI_SET, 98, "errno=-98\n\n"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[32];
		struct out out;
		out_init_fixed(&out, text, sizeof text);
		uapi_format_errno(&out, rows[i].operation, rows[i].error);
		CHECK_STR(rows[i].text, text);
	}
}

/* The keys and their order are those of the documented protocol. */
TEST(uapi_get)
{
	struct end end;
	struct out out;
	CHECK(end_init(&end, 1, TUNNEL_ARENA, TUNNEL_POOL_MAX));
	out_init(&out, 1 << 16);
	CHECK(set(&end, "set=1\nprivate_key=" Z "\n\n"));
	uapi_format_get(&out, end.device, &(struct uapi_link){0});
	CHECK_STR("errno=0\n\n", out_string(&out));
	out_clear(&out);
	CHECK(set(&end, "set=1\nprivate_key=" K2 "\n"
			"public_key=" K1 "\npreshared_key=" K2 "\nendpoint=[2001:db8::1]:7\n"
			"persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n"
			"allowed_ip=fd00::/64\npublic_key=" K2 "\n\n"));
	struct peer *peer = end_peer(&end);
	peer->latest_handshake_realtime = 1700000000 * SECOND + 42;
	peer->tx_bytes = UINT64_MAX;
	peer->rx_bytes = 148;
	device_drop(end.device, peer, DROP_REPLAY, 3); /* keys of our own: after the others */
	device_count_drop(end.device, DROP_UNDER_LOAD, UINT64_MAX);
	uapi_format_get(&out, end.device, &(struct uapi_link){51820, 0xca6c});
	CHECK_STR("private_key=" K2 "\nlisten_port=51820\nfwmark=51820\n"
		  "drop_under-load=18446744073709551615\ndrop_replay=3\n"
		  "public_key=" K1 "\npreshared_key=" K2 "\nprotocol_version=1\n"
		  "endpoint=[2001:db8::1]:7\nlast_handshake_time_sec=1700000000\n"
		  "last_handshake_time_nsec=42\ntx_bytes=18446744073709551615\nrx_bytes=148\n"
		  "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n"
		  "allowed_ip=fd00::/64\ndrop_replay=3\n"
		  "public_key=" K2 "\npreshared_key=" Z "\nprotocol_version=1\n"
		  "last_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\n"
		  "rx_bytes=0\npersistent_keepalive_interval=0\nerrno=0\n\n",
		out_string(&out));
	out_wipe(&out);
	end_wipe(&end);
}

static size_t count_of(const char *text, const char *word)
{
	size_t count = 0;
	while ((text = strstr(text, word))) {
		text++;
		count++;
	}
	return count;
}

/* In parts it is the same, wherever a part ends: between peers, and among prefixes. */
TEST(uapi_get_in_parts)
{
	struct end end;
	struct out text, whole, parts;
	struct uapi_get get = {0};
	size_t count = 0, before = 0;
	CHECK(end_init(&end, 1, TUNNEL_ARENA, TUNNEL_POOL_MAX));
	out_init(&text, 1 << 20);
	out_init(&whole, 1 << 20);
	out_init(&parts, 1 << 20);
	out_add_text(&text, "set=1\n");
	for (unsigned peer = 0; peer < 255; peer++) {
		out_add_text(&text, "public_key=1");
		out_add_decimal(&text, 100 + peer);
		out_add_text(&text, &K1[4]);
		out_add_text(&text, "\n");
		for (unsigned i = 0; i < (peer == 9 ? 20000 : peer % 3); i++) {
			out_add_text(&text, "allowed_ip=10.");
			out_add_decimal(&text, peer);
			out_add_text(&text, ".");
			out_add_decimal(&text, i >> 8);
			out_add_text(&text, ".");
			out_add_decimal(&text, i & 255);
			out_add_text(&text, "/32\n");
		}
	}
	out_add_text(&text, "\n");
	CHECK(set(&end, out_string(&text)));
	uapi_format_get(&whole, end.device, &(struct uapi_link){0});
	while (!uapi_format_get_part(&parts, end.device, &(struct uapi_link){0}, &get)) {
		CHECK(parts.len >= before + UAPI_PART_LEN);
		CHECK(parts.len < before + UAPI_PART_LEN + 1024);
		before = parts.len;
		count++;
	}
	CHECK(count > 4);
	CHECK_STR(out_string(&whole), out_string(&parts));
	CHECK_EQ(20000 + 255, count_of(out_string(&parts), "allowed_ip="));
	out_wipe(&text);
	out_wipe(&whole);
	out_wipe(&parts);
	end_wipe(&end);
}

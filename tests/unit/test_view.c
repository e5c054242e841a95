#include "unit/test.h"

#include <stdlib.h>

#include "crypto/secret.h"
#include "text/keytext.h"
#include "text/view.h"
#include "text/view_print.h"
#include "text/view_route.h"
#include "text/view_text.h"
#include "unit/freed.h"
#include "unit/json_strict.h"
#include "unit/view_answer.h"

static void print_json(struct out *out, const struct view *view, const struct view_style *style)
{
	struct json_out json;
	const struct view_link none = {0};
	json_out_init(&json, out);
	json_out_begin_object(&json, NULL);
	view_print_json(&json, view, &none, style);
	json_out_end_object(&json);
}

/* In every form that may have keys. */
static void print_all(struct out *out, const struct view *view)
{
	const struct view_style style = {.interface_name = "wg0", .shows_keys = true};
	const struct view_link none = {0};
	view_print_pretty(out, view, &style);
	view_print_selected(out, view, &style, view_selector_find("dump"), true);
	view_print_conf(out, view, &none, &style);
	print_json(out, view, &style);
}

TEST(view_keeps_every_key_as_it_came)
{
	static const uint8_t none[DH_LEN] = {0};
	uint8_t two[DH_LEN], private_key[DH_LEN];
	struct view view;
	HEX(two, TWO);
	HEX(private_key, "4848484848484848484848484848484848484848484848484848484848484840");
	CHECK(view_parse(&view, view_answer, strlen(view_answer)));
	CHECK(view.has_private_key);
	CHECK_MEM(private_key, view.private_key.bytes, DH_LEN);
	CHECK_EQ(1, view.peers[0].public_key.bytes[31]);
	CHECK_EQ(false, view.peers[0].has_preshared_key);
	CHECK_MEM(none, view.peers[0].preshared_key.bytes, DH_LEN);
	CHECK_MEM(two, view.peers[1].public_key.bytes, DH_LEN);
	CHECK(view.peers[1].has_preshared_key);
	CHECK_MEM(two, view.peers[1].preshared_key.bytes, DH_LEN);
	view_wipe(&view);
	CHECK(secret_is_zero(&view, sizeof view));
}

/* Neither where the list of peers grew, nor at the end. */
TEST(view_leaves_no_key_in_freed_memory)
{
	uint8_t secret[DH_LEN];
	struct view view;
	struct out text, out;
	memset(secret, 0xa5, sizeof secret);
	out_init(&text, SIZE_MAX);
	for (int i = 0; i < 100; i++)
		out_add_text(&text,
			"public_key=" TWO "\npreshared_key="
			"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\n");
	out_add_text(&text, "errno=0\n\n");
	freed_watch(secret, sizeof secret);
	CHECK(view_parse(&view, text.bytes, text.len));
	CHECK_MEM(secret, view.peers[99].preshared_key.bytes, DH_LEN);
	free(view_sort_peers(&view));
	view_wipe(&view);
	CHECK_EQ(0, freed_end());
	/* nor in base64 */
	freed_watch("paWlpaWlpaWl", 12);
	CHECK(view_parse(&view, text.bytes, text.len));
	out_init(&out, SIZE_MAX);
	print_all(&out, &view);
	CHECK(strstr(out.bytes, "paWlpaWlpaWl"));
	out_wipe(&out);
	view_wipe(&view);
	CHECK_EQ(0, freed_end());
	out_wipe(&text);
}

/* A key that is not clamped is shown as it is; the public one is what it stands for. */
TEST(view_takes_the_last_private_key)
{
	struct view view;
	static const char text[] = "private_key=" TWO "\nprivate_key=" Z "\nerrno=0\n\n";
	CHECK(view_parse(&view, text, sizeof text - 1));
	CHECK_EQ(false, view.has_private_key);
	view_wipe(&view);
}

TEST(view_masks_host_bits)
{
	struct view view;
	static const char text[] =
		"public_key=" TWO "\nallowed_ip=10.1.2.3/8\nallowed_ip=10.1.2.3\nerrno=0\n\n";
	CHECK(view_parse(&view, text, sizeof text - 1));
	CHECK_EQ(2, view.peers[0].allowed_ip_count);
	CHECK_MEM(((uint8_t[]){10, 0, 0, 0}), view.peers[0].allowed_ips[0].address.bytes, 4);
	CHECK_EQ(8, view.peers[0].allowed_ips[0].len);
	CHECK_EQ(3, view.peers[0].allowed_ips[1].address.bytes[3]);
	CHECK_EQ(32, view.peers[0].allowed_ips[1].len);
	view_wipe(&view);
}

TEST(view_of_an_interface_without_anything)
{
	struct view view;
	CHECK(view_parse(&view, "errno=0\n\n", 9));
	CHECK_EQ(0, view.peer_count);
	view_wipe(&view);
	CHECK(view_parse(&view, "private_key=" Z "\nerrno=13\n\n", 87));
	CHECK_EQ(13, view.error);
	CHECK_EQ(false, view.has_private_key);
	view_wipe(&view);
}

TEST(view_refuses_what_is_no_answer)
{
	static const char *const texts[] = {"", "\n", "\n\n", "errno=0", "errno=0\n",
		"errno=0\n\n\n", "errno=0\nx=1\n\n", "errno=-5\n\n", "errno=\n\n", "errno=4096\n\n",
		"noequals\nerrno=0\n\n", "drop_type=x\nerrno=0\n\n",
		"listen_port=65536\nerrno=0\n\n", "private_key=1\nerrno=0\n\n",
		"public_key=1\nerrno=0\n\n", "public_key=" TWO "\nallowed_ip=x\nerrno=0\n\n",
		"public_key=" TWO "\nendpoint=x:1\nerrno=0\n\n",
		"public_key=" TWO "\npreshared_key=x\nerrno=0\n\n",
		"public_key=" TWO "\nrx_bytes=18446744073709551616\nerrno=0\n\n",
		"public_key=" TWO "\npersistent_keepalive_interval=65536\nerrno=0\n\n"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct view view;
		bool is_right = view_parse(&view, texts[i], strlen(texts[i]));
		view_wipe(&view);
		if (is_right)
			test_fail(__FILE__, __LINE__, "accepted: %s", texts[i]);
	}
}

/* No beginning is taken for the whole; each in a block of its own, so that one byte too far shows.
 */
TEST(view_every_truncation)
{
	for (size_t len = 0; len < strlen(view_answer); len++) {
		char *text = malloc(len + !len);
		struct view view;
		CHECK(text);
		memcpy(text, view_answer, len);
		bool is_right = view_parse(&view, text, len);
		view_wipe(&view);
		free(text);
		CHECK_EQ(false, is_right);
	}
}

#define MANY_PEERS 10000
#define MANY_IPS   100 /* of each */

static void write_many(struct out *out)
{
	out_init(out, SIZE_MAX);
	for (size_t i = 0; i < MANY_PEERS; i++) {
		char hex[KEYTEXT_HEX_LEN + 1];
		uint8_t key[DH_LEN] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
		keytext_write_hex(hex, key);
		out_add_text(out, "public_key=");
		out_add_text(out, hex);
		out_add_text(out, "\nlast_handshake_time_sec=");
		out_add_decimal(out, i * 7919 % MANY_PEERS);
		for (size_t j = 0; j < MANY_IPS; j++) {
			out_add_text(out, "\nallowed_ip=10.");
			out_add_decimal(out, i >> 8);
			out_add_text(out, ".");
			out_add_decimal(out, i & 255);
			out_add_text(out, ".");
			out_add_decimal(out, j);
			out_add_text(out, "/32");
		}
		out_add_text(out, "\n");
	}
	out_add_text(out, "errno=0\n\n");
}

static size_t count_lines(const struct out *out)
{
	size_t lines = 0;
	for (size_t i = 0; i < out->len; i++)
		lines += out->bytes[i] == '\n';
	return lines;
}

/* What takes the square of that many would not end while somebody waits. */
TEST(view_of_many_peers)
{
	struct out text, out;
	struct view view;
	struct view_route route;
	const struct view_style style = {.interface_name = "wg0", .now = NOW};
	const struct view_link none = {0};
	const struct ip_address address = {IP_V4, {10, 39, 15, 99}};
	write_many(&text);
	CHECK(view_parse(&view, text.bytes, text.len));
	CHECK_EQ(MANY_PEERS, view.peer_count);
	out_init(&out, SIZE_MAX);
	view_print_pretty(&out, &view, &style);
	/* all but one have a handshake */
	CHECK_EQ(1 + 4 * MANY_PEERS - 1, count_lines(&out));
	out_clear(&out);
	view_print_selected(&out, &view, &style, view_selector_find("dump"), true);
	CHECK_EQ(1 + MANY_PEERS, count_lines(&out));
	out_clear(&out);
	view_print_conf(&out, &view, &none, &style);
	CHECK(!out.has_failed);
	out_clear(&out);
	print_json(&out, &view, &style);
	CHECK(json_is_right(out.bytes, out.len));
	CHECK(view_route_find(&route, &view, &address) && route.is_carried);
	CHECK(route.entries[0].peer == &view.peers[MANY_PEERS - 1]);
	view_route_free(&route);
	out_wipe(&out);
	out_wipe(&text);
	view_wipe(&view);
}

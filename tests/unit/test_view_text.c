#include "unit/test.h"

#include <stdlib.h>

#include "text/view_text.h"
#include "unit/short_memory.h"
#include "unit/view_answer.h"

static const char *zone_seven(uint32_t scope_id)
{
	return scope_id == 7 ? "eth0" : NULL;
}

static void check_endpoint(const char *expected, uint32_t scope_id, bool is_named)
{
	char text[128];
	struct out out;
	const struct view_style style = {.zone_name = is_named ? zone_seven : NULL};
	const struct endpoint endpoint = {
		.address = {IP_V6, {0xfe, 0x80, [15] = 1}}, .port = 5, .scope_id = scope_id};
	out_init_fixed(&out, text, sizeof text);
	view_add_endpoint(&out, &endpoint, &style);
	CHECK_STR(expected, text);
}

TEST(view_text_of_a_zone)
{
	check_endpoint("[fe80::1%eth0]:5", 7, true);
	check_endpoint("[fe80::1%8]:5", 8, true);
	check_endpoint("[fe80::1%7]:5", 7, false);
	check_endpoint("[fe80::1]:5", 0, true);
}

TEST(view_text_of_a_mark)
{
	static const struct {
		uint32_t mark;
		const char *text;
	} rows[] = {{0, "0x0"}, {1, "0x1"}, {0xca6c, "0xca6c"}, {0x10, "0x10"},
		{UINT32_MAX, "0xffffffff"}, {0x80000000, "0x80000000"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[16];
		struct out out;
		out_init_fixed(&out, text, sizeof text);
		view_add_mark(&out, rows[i].mark);
		CHECK_STR(rows[i].text, text);
	}
}

TEST(view_text_sorts_by_nanoseconds_too)
{
	static const char text[] = PEER("01010101", "5", "last_handshake_time_nsec=1\n")
		PEER("02020202", "5", "last_handshake_time_nsec=2\n") "errno=0\n\n";
	struct view view;
	CHECK(view_parse(&view, text, sizeof text - 1));
	const struct view_peer **peers = view_sort_peers(&view);
	CHECK(peers == NULL || peers[0] == &view.peers[1]);
	CHECK(peers && peers[1] == &view.peers[0]);
	free(peers);
	view_wipe(&view);
}

/* Many without a handshake: they stay as they came. */
TEST(view_text_sorts_equals_as_they_came)
{
	struct view view;
	static const char text[] = PEER("03030303", "0", "") PEER("01010101", "0", "")
		PEER("02020202", "0", "") "errno=0\n\n";
	CHECK(view_parse(&view, text, sizeof text - 1));
	const struct view_peer **peers = view_sort_peers(&view);
	CHECK(peers);
	for (size_t i = 0; i < 3; i++)
		CHECK(peers[i] == &view.peers[i]);
	free(peers);
	short_memory_begin(1);
	peers = view_sort_peers(&view);
	short_memory_end();
	CHECK(!peers);
	view_wipe(&view);
}

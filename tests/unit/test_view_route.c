#include "unit/test.h"

#include <stdlib.h>

#include "text/addrtext.h"
#include "text/view_route.h"
#include "unit/short_memory.h"
#include "unit/view_answer.h"

static const struct view_style style = {.interface_name = "wg0"};

static const char table[] =
	PEER("01010101", "0", "endpoint=192.0.2.1:5\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\n")
		PEER("02020202", "0", "allowed_ip=10.1.0.0/16\nallowed_ip=10.1.2.3/32\n")
			PEER("03030303", "0",
				"allowed_ip=192.0.2.0/24\nallowed_ip=192.0.3.0/24\n") "errno=0\n\n";

static const char with_default[] = PEER("01010101", "0", "allowed_ip=10.0.0.0/8\nallowed_ip=::/0\n")
	PEER("02020202", "0", "allowed_ip=0.0.0.0/0\n") "errno=0\n\n";

static void check(const char *text, const char *address_text, const char *expected)
{
	struct view view;
	struct view_route route;
	struct ip_address address;
	struct out out;
	CHECK(view_parse(&view, text, strlen(text)));
	CHECK(addrtext_read_address(&address, address_text, strlen(address_text)));
	CHECK(view_route_find(&route, &view, &address));
	out_init(&out, 1 << 16);
	view_route_print(&out, &route, &address, &style);
	CHECK_STR(expected, out_string(&out));
	out_wipe(&out);
	view_route_free(&route);
	view_wipe(&view);
}

/* What does not come here is not dropped here. */
TEST(view_route_of_what_goes_elsewhere)
{
	struct view view;
	struct view_route route;
	struct ip_address address;
	struct out out;
	CHECK(view_parse(&view, table, strlen(table)));
	CHECK(addrtext_read_address(&address, "2001:db8::1", 11));
	CHECK(view_route_find(&route, &view, &address) && !route.is_elsewhere);
	route.is_elsewhere = true;
	out_init(&out, 1 << 16);
	view_route_print(&out, &route, &address, &style);
	CHECK_STR("wg0: 2001:db8::1 is in no peer's allowed IPs\n", out_string(&out));
	out_wipe(&out);
	view_route_free(&route);
	view_wipe(&view);
}

TEST(view_route_of_each_kind)
{
#define K1	    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define K2	    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define K3	    "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="
#define NO_ENDPOINT "\n  its endpoint is not known: dropped until it sends something\n"
	check(table, "10.9.9.9",
		"wg0: 10.9.9.9 goes to peer " K1
		"\n  by its allowed IPs 10.0.0.0/8\n  to its endpoint 192.0.2.1:5\n");
	check(table, "10.1.2.3",
		"wg0: 10.1.2.3 goes to peer " K2 "\n  by its allowed IPs 10.1.2.3/32" NO_ENDPOINT
		"  shorter, so it loses: 10.1.0.0/16 of peer " K2
		"\n  shorter, so it loses: 10.0.0.0/8 of peer " K1 "\n");
	check(table, "10.1.2.2",
		"wg0: 10.1.2.2 goes to peer " K2 "\n  by its allowed IPs 10.1.0.0/16" NO_ENDPOINT
		"  shorter, so it loses: 10.0.0.0/8 of peer " K1 "\n");
	check(table, "192.0.1.1",
		"wg0: 192.0.1.1 is in no peer's allowed IPs: dropped\n"
		"  nearest: 192.0.2.0/24 of peer " K3 "\n  nearest: 192.0.3.0/24 of peer " K3 "\n");
	check(table, "fd00:0:0:1::",
		"wg0: fd00:0:0:1:: is in no peer's allowed IPs: dropped\n"
		"  nearest: fd00::/64 of peer " K1 "\n");
	check(table, "2001:db8::1", "wg0: 2001:db8::1 is in no peer's allowed IPs: dropped\n");
	check("errno=0\n\n", "10.0.0.1", "wg0: 10.0.0.1 is in no peer's allowed IPs: dropped\n");
	check(with_default, "8.8.8.8",
		"wg0: 8.8.8.8 goes to peer " K2 "\n  by its allowed IPs 0.0.0.0/0" NO_ENDPOINT);
	check(with_default, "10.0.0.1",
		"wg0: 10.0.0.1 goes to peer " K1 "\n  by its allowed IPs 10.0.0.0/8" NO_ENDPOINT
		"  shorter, so it loses: 0.0.0.0/0 of peer " K2 "\n");
	check(with_default, "::1",
		"wg0: ::1 goes to peer " K1 "\n  by its allowed IPs ::/0" NO_ENDPOINT);
}

/* However many are equally near, a few are enough. */
TEST(view_route_names_few_of_the_nearest)
{
	struct view view;
	struct view_route route;
	struct out text;
	const struct ip_address address = {IP_V4, {10, 0, 0, 9}};
	out_init(&text, 1 << 20);
	out_add_text(&text, "public_key=" TWO "\n");
	for (unsigned i = 0; i < 100; i++) {
		out_add_text(&text, "allowed_ip=10.1.");
		out_add_decimal(&text, i);
		out_add_text(&text, ".0/24\n");
	}
	out_add_text(&text, "errno=0\n\n");
	CHECK(view_parse(&view, text.bytes, text.len));
	CHECK(view_route_find(&route, &view, &address));
	CHECK_EQ(false, route.is_carried);
	CHECK_EQ(VIEW_ROUTE_NEAREST_MAX, route.count);
	view_route_free(&route);
	short_memory_begin(1);
	bool is_found = view_route_find(&route, &view, &address);
	short_memory_end();
	CHECK(!is_found);
	view_route_free(&route);
	view_wipe(&view);
	out_wipe(&text);
}

#include "unit/test.h"

#include <stdlib.h>

#include "text/view_print.h"
#include "unit/json.h"
#include "unit/json_strict.h"
#include "unit/view_answer.h"

#define K1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define K2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define K3 "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="

static void print(struct out *out, const char *text, const struct view_link *link, bool shows_keys)
{
	struct view view;
	struct json_out json;
	const struct view_style style = {.interface_name = "wg0", .shows_keys = shows_keys};
	CHECK(view_parse(&view, text, strlen(text)));
	out_init(out, SIZE_MAX);
	json_out_init(&json, out);
	json_out_begin_object(&json, NULL);
	view_print_json(&json, &view, link, &style);
	json_out_end_object(&json);
	json_out_finish(&json);
	CHECK(json_is_right(out->bytes, out->len));
	view_wipe(&view);
}

static struct json interface_of(const struct out *out)
{
	return json_member((struct json){out->bytes, out->bytes + out->len}, "wg0");
}

TEST(view_json_has_what_wg_json_has)
{
	struct out out;
	const struct view_link none = {0};
	print(&out, view_answer, &none, true);
	struct json wg0 = interface_of(&out), peers = json_member(wg0, "peers");
	CHECK(json_is(
		json_member(wg0, "privateKey"), "SEhISEhISEhISEhISEhISEhISEhISEhISEhISEhISEA="));
	CHECK(json_is(
		json_member(wg0, "publicKey"), "zXyiXWlj94CEUhrj1y255admFouyiGaRH2u1l3FsfhM="));
	CHECK_EQ(51820, json_number(json_member(wg0, "listenPort")));
	CHECK_EQ(51820, json_number(json_member(wg0, "fwmark")));
	CHECK(!json_member(wg0, "mtu").at && !json_member(wg0, "drops").at);
	struct json second = json_member(peers, K2), ips = json_member(second, "allowedIps");
	CHECK(json_is(json_member(second, "presharedKey"), K2));
	CHECK(json_is(json_member(second, "endpoint"), "192.0.2.1:51820"));
	CHECK_EQ(1699999935, json_number(json_member(second, "latestHandshake")));
	CHECK_EQ(1023, json_number(json_member(second, "transferRx")));
	CHECK_EQ(1152, json_number(json_member(second, "transferTx")));
	CHECK_EQ(25, json_number(json_member(second, "persistentKeepalive")));
	CHECK(json_is(json_next(&ips), "10.0.0.2/32"));
	CHECK(json_is(json_next(&ips), "fd00::2/128"));
	CHECK(!json_next(&ips).at);
	struct json first = json_member(peers, K1);
	CHECK(json_member(first, "allowedIps").at);
	CHECK(!json_member(first, "endpoint").at && !json_member(first, "latestHandshake").at);
	CHECK(!json_member(first, "presharedKey").at && !json_member(first, "hasPresharedKey").at);
	out_wipe(&out);
}

TEST(view_json_without_keys)
{
	struct out out;
	const struct view_link none = {0};
	print(&out, view_answer, &none, false);
	CHECK(!strstr(out.bytes, "privateKey") && !strstr(out.bytes, "presharedKey"));
	CHECK(!strstr(out.bytes, "SEhI"));
	CHECK(strstr(out.bytes, "\"hasPresharedKey\": true"));
	out_wipe(&out);
}

TEST(view_json_of_the_link_and_of_drops)
{
	static const char text[] = "drop_under-load=18446744073709551615\ndrop_type=7\n" PEER(
		"01010101", "5", "drop_initiation-rate=1\n") "errno=0\n\n";
	struct out out;
	struct ip_prefix addresses[] = {
		{{IP_V4, {10, 7, 0, 1}}, 24}, {{IP_V6, {0xfd, 7, [15] = 1}}, 64}};
	const struct view_link link = {.is_known = true,
		.is_up = true,
		.mtu = 1420,
		.addresses = addresses,
		.address_count = 2};
	print(&out, text, &link, false);
	CHECK_STR("{\n"
		  "\t\"wg0\": {\n"
		  "\t\t\"up\": true,\n"
		  "\t\t\"mtu\": 1420,\n"
		  "\t\t\"addresses\": [\n"
		  "\t\t\t\"10.7.0.1/24\",\n"
		  "\t\t\t\"fd07::1/64\"\n"
		  "\t\t],\n"
		  "\t\t\"drops\": {\n"
		  "\t\t\t\"type\": 7,\n"
		  "\t\t\t\"underLoad\": 18446744073709551615\n"
		  "\t\t},\n"
		  "\t\t\"peers\": {\n"
		  "\t\t\t\"" K1 "\": {\n"
		  "\t\t\t\t\"latestHandshake\": 5,\n"
		  "\t\t\t\t\"allowedIps\": [],\n"
		  "\t\t\t\t\"drops\": {\n"
		  "\t\t\t\t\t\"initiationRate\": 1\n"
		  "\t\t\t\t}\n"
		  "\t\t\t}\n"
		  "\t\t}\n"
		  "\t}\n"
		  "}\n",
		out_string(&out));
	out_wipe(&out);
}

#include "unit/test.h"

#include <stdlib.h>

#include "text/conf.h"
#include "text/view_print.h"
#include "unit/view_answer.h"

static const struct view_style style = {.interface_name = "wg0"};

static struct ip_prefix addresses[] = {
	{{IP_V4, {10, 7, 0, 1}}, 24}, {{IP_V6, {0xfd, 7, [15] = 1}}, 64}};
static const struct view_link known = {
	.is_known = true, .mtu = 1380, .addresses = addresses, .address_count = 2};

/* Without the comments: what wg(8) prints, and the link. */
TEST(view_conf_looks_like_wg_showconf)
{
	static const char text[] =
		"private_key=" TWO "\nlisten_port=5\nfwmark=16\n" PEER("01010101", "5",
			"endpoint=192.0.2.1:5\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8\n"
			"persistent_keepalive_interval=25\npreshared_key=" TWO "\n")
			PEER("02020202", "0", NO_TRAFFIC) "errno=0\n\n";
	struct view view;
	struct out out;
	CHECK(view_parse(&view, text, sizeof text - 1));
	out_init(&out, 1 << 16);
	view_print_conf(&out, &view, &known, &style);
	CHECK_STR("[Interface]\n"
		  "ListenPort = 5\n"
		  "FwMark = 0x10\n"
		  "PrivateKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		  "Address = 10.7.0.1/24, fd07::1/64\n"
		  "MTU = 1380\n"
		  "\n"
		  "[Peer]\n"
		  "PublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
		  "PresharedKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		  "AllowedIPs = 10.0.0.0/8, fd00::/8\n"
		  "Endpoint = 192.0.2.1:5\n"
		  "PersistentKeepalive = 25\n"
		  "\n"
		  "[Peer]\n"
		  "PublicKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n",
		strstr(out_string(&out), "[Interface]"));
	out_wipe(&out);
	view_wipe(&view);
}

/* What is read back is what was printed. */
TEST(view_conf_is_read_back)
{
	struct view view;
	struct out out;
	struct conf conf;
	CHECK(view_parse(&view, view_answer, strlen(view_answer)));
	out_init(&out, 1 << 16);
	view_print_conf(&out, &view, &known, &style);
	CHECK(conf_parse(&conf, out.bytes, out.len));
	CHECK_EQ(0, conf.error_count);
	CHECK_MEM(&view.private_key, &conf.change.private_key, sizeof view.private_key);
	CHECK_EQ(view.listen_port, conf.change.listen_port);
	CHECK_EQ(view.fwmark, conf.change.fwmark);
	CHECK_EQ(1380, conf.link.mtu);
	CHECK_EQ(2, conf.link.addresses.count);
	for (size_t i = 0; i < 2; i++) {
		const struct ip_prefix *address = &conf.link.addresses.items[i];
		CHECK(ip_address_is_equal(&addresses[i].address, &address->address));
		CHECK_EQ(addresses[i].len, address->len);
	}
	CHECK_EQ(view.peer_count, conf.change.peer_count);
	for (size_t i = 0; i < view.peer_count; i++) {
		const struct view_peer *from = &view.peers[i];
		const struct change_peer *to = &conf.change.peers[i];
		CHECK_MEM(&from->public_key, &to->public_key, DH_LEN);
		CHECK_EQ(from->has_preshared_key, to->has_preshared_key);
		CHECK_MEM(&from->preshared_key, &to->preshared_key, DH_LEN);
		CHECK(endpoint_is_same_remote(&from->endpoint, &to->endpoint));
		CHECK_EQ(from->keepalive_seconds, to->keepalive_seconds);
		CHECK_EQ(from->allowed_ip_count, to->allowed_ip_count);
	}
	conf_wipe(&conf);
	out_wipe(&out);
	view_wipe(&view);
}

TEST(view_conf_says_what_it_does_not_know)
{
	struct view view;
	struct out out;
	const struct view_link none = {0};
	CHECK(view_parse(&view, "errno=0\n\n", 9));
	out_init(&out, 1 << 16);
	view_print_conf(&out, &view, &known, &style);
	CHECK(strstr(out.bytes, "PostDown") && !strstr(out.bytes, "are not known"));
	out_clear(&out);
	view_print_conf(&out, &view, &none, &style);
	CHECK(strstr(out.bytes, "# Address and MTU are not known"));
	CHECK_STR("[Interface]\n", strstr(out.bytes, "[I"));
	out_wipe(&out);
	view_wipe(&view);
}

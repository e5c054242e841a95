#include "unit/test.h"

#include <stdlib.h>

#include "text/view.h"

#define Z   "0000000000000000000000000000000000000000000000000000000000000000"
#define TWO "0202020202020202020202020202020202020202020202020202020202020202"
#define NOW 1700000000

#define PEER(digits, handshake, traffic)                                                           \
	"public_key=" digits digits digits digits digits digits digits digits "\n"                 \
	"preshared_key=" Z "\nprotocol_version=1\n"                                                \
	"last_handshake_time_sec=" handshake "\nlast_handshake_time_nsec=0\n" traffic
#define NO_TRAFFIC "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"

static const char answer[] =
	"private_key=4848484848484848484848484848484848484848484848484848484848484840\n"
	"listen_port=51820\n"
	"another=1\n"
	"fwmark=51820\n" PEER("01010101", "0", NO_TRAFFIC) PEER("02020202", "1699999935",
		"endpoint=192.0.2.1:51820\ntx_bytes=1152\nrx_bytes=1023\n"
		"persistent_keepalive_interval=25\nallowed_ip=10.0.0.2/32\n"
		"allowed_ip=fd00::2/128\n") "preshared_key=" TWO "\n" PEER("03030303", "1699996400",
		"endpoint=[2001:db8::1]:51820\ntx_bytes=1048576\nrx_bytes=1073741824\n"
		"persistent_keepalive_interval=65535\nfuture_key=whatever=3\n") PEER("04040404",
		"1668284000",
		"endpoint=[fe80::1%7]:5\ntx_bytes=1099511627776\n"
		"rx_bytes=18446744073709551615\npersistent_keepalive_interval=1\n"
		"allowed_ip=0.0.0.0/0\n")
		PEER("05050505", "1700000500", "tx_bytes=0\nrx_bytes=1048575\n") "errno=0\n\n";

/* Line by line what wg(8) prints for such an answer, but that it knows the names of zones. */
TEST(view_looks_like_wg_show)
{
	struct view view;
	struct out out;
	CHECK(view_parse(&view, answer, sizeof answer - 1));
	CHECK_EQ(0, view.error);
	CHECK_EQ(5, view.peer_count);
	out_init(&out, 1 << 16);
	view_render_pretty(&out, &view, "wg0", NOW);
	CHECK_STR("interface: wg0\n"
		  "  public key: zXyiXWlj94CEUhrj1y255admFouyiGaRH2u1l3FsfhM=\n"
		  "  private key: (hidden)\n"
		  "  listening port: 51820\n"
		  "  fwmark: 0xca6c\n"
		  "\n"
		  "peer: BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n"
		  "  allowed ips: (none)\n"
		  "  latest handshake: (System clock wound backward; connection problems may "
		  "ensue.)\n"
		  "  transfer: 1024.00 KiB received, 0 B sent\n"
		  "\n"
		  "peer: AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		  "  preshared key: (hidden)\n"
		  "  endpoint: 192.0.2.1:51820\n"
		  "  allowed ips: 10.0.0.2/32, fd00::2/128\n"
		  "  latest handshake: 1 minute, 5 seconds ago\n"
		  "  transfer: 1023 B received, 1.12 KiB sent\n"
		  "  persistent keepalive: every 25 seconds\n"
		  "\n"
		  "peer: AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n"
		  "  endpoint: [2001:db8::1]:51820\n"
		  "  allowed ips: (none)\n"
		  "  latest handshake: 1 hour ago\n"
		  "  transfer: 1.00 GiB received, 1.00 MiB sent\n"
		  "  persistent keepalive: every 18 hours, 12 minutes, 15 seconds\n"
		  "\n"
		  "peer: BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=\n"
		  "  endpoint: [fe80::1%7]:5\n"
		  "  allowed ips: 0.0.0.0/0\n"
		  "  latest handshake: 1 year, 2 days, 2 hours ago\n"
		  "  transfer: 16777216.00 TiB received, 1.00 TiB sent\n"
		  "  persistent keepalive: every 1 second\n"
		  "\n"
		  "peer: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
		  "  allowed ips: (none)\n",
		out_string(&out));
	out_wipe(&out);
	view_wipe(&view);
	CHECK(!view.peers);
}

TEST(view_of_drops)
{
	static const char text[] =
		"drop_under-load=18446744073709551615\ndrop_type=7\ndrop_of-the-future=5\n"
		"drop_=1\n" PEER("01010101", "5", "drop_replay=123\ndrop_initiation-rate=1\n")
			PEER("02020202", "0", NO_TRAFFIC) "errno=0\n\n";
	struct view view;
	struct out out;
	CHECK(view_parse(&view, text, sizeof text - 1));
	out_init(&out, 1 << 16);
	view_render_drops(&out, &view, "wg0");
	CHECK_STR("interface: wg0\n"
		  "  type                       7  outer: unknown message type\n"
		  "  under-load      18446744073709551615  handshake: under load, a cookie was "
		  "sent instead\n"
		  "\n"
		  "peer: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
		  "  initiation-rate            1  initiation: over 50 a second from this peer\n"
		  "  replay                   123  data: counter seen before, or too old\n"
		  "\n"
		  "peer: AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		  "  (nothing was dropped)\n",
		out_string(&out));
	out_wipe(&out);
	view_wipe(&view);
}

/* The line of the first peer that begins with `what`. */
static void check_line(const char *text, const char *what, const char *expected)
{
	char got[128] = "";
	struct view view;
	struct out out;
	CHECK(view_parse(&view, text, strlen(text)));
	out_init(&out, 1 << 16);
	view_render_pretty(&out, &view, "wg0", NOW);
	const char *line = strstr(out_string(&out), what);
	if (line)
		memcpy(got, line, strcspn(line, "\n"));
	CHECK_STR(expected, got);
	out_wipe(&out);
	view_wipe(&view);
}

TEST(view_amounts)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{"1", "1 B"},
		{"1023", "1023 B"},
		{"1024", "1.00 KiB"},
		{"1029", "1.00 KiB"},
		{"1030", "1.01 KiB"},
		{"1075", "1.05 KiB"},
		{"1126", "1.10 KiB"},
		{"1152", "1.12 KiB"}, /* 1.125 */
		{"1408", "1.38 KiB"}, /* 1.375 */
		{"2043", "2.00 KiB"}, /* 1.995.. */
		{"1048575", "1024.00 KiB"},
		{"1048576", "1.00 MiB"},
		{"1610612736", "1.50 GiB"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512] = PEER("01010101", "0", "rx_bytes="), expected[64];
		strcat(text, rows[i].bytes);
		strcat(text, "\nerrno=0\n\n");
		strcpy(expected, "transfer: ");
		strcat(expected, rows[i].text);
		strcat(expected, " received, 0 B sent");
		check_line(text, "transfer", expected);
	}
}

TEST(view_ages)
{
	static const struct {
		const char *handshake, *text;
	} rows[] = {
		{"0", ""},
		{"1700000000", "latest handshake: Now"},
		{"1699999999", "latest handshake: 1 second ago"},
		{"1699999940", "latest handshake: 1 minute ago"},
		{"1699999880", "latest handshake: 2 minutes ago"},
		{"1699913599", "latest handshake: 1 day, 1 second ago"},
		{"1668464000", "latest handshake: 1 year ago"},
		{"1668464001", "latest handshake: 364 days, 23 hours, 59 minutes, 59 seconds ago"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512] = "public_key=" TWO "\nlast_handshake_time_sec=";
		strcat(text, rows[i].handshake);
		strcat(text, "\nerrno=0\n\n");
		check_line(text, "latest", rows[i].text);
	}
}

TEST(view_sorts_by_nanoseconds_too)
{
	static const char text[] = PEER("01010101", "5", "last_handshake_time_nsec=1\n")
		PEER("02020202", "5", "last_handshake_time_nsec=2\n") "errno=0\n\n";
	struct view view;
	CHECK(view_parse(&view, text, sizeof text - 1));
	CHECK_EQ(2, view.peers[0].public_key.bytes[0]);
	CHECK_EQ(1, view.peers[1].public_key.bytes[0]);
	view_wipe(&view);
}

TEST(view_of_an_interface_without_anything)
{
	struct view view;
	char text[64];
	struct out out;
	CHECK(view_parse(&view, "errno=0\n\n", 9));
	out_init_fixed(&out, text, sizeof text);
	view_render_pretty(&out, &view, "wg0", NOW);
	CHECK_STR("interface: wg0\n", text);
	view_wipe(&view);
	CHECK(view_parse(&view, "private_key=" Z "\nerrno=13\n\n", 87));
	CHECK_EQ(13, view.error);
	CHECK_EQ(false, view.has_key);
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
	for (size_t len = 0; len < sizeof answer - 1; len++) {
		char *text = malloc(len + !len);
		struct view view;
		CHECK(text);
		memcpy(text, answer, len);
		bool is_right = view_parse(&view, text, len);
		view_wipe(&view);
		free(text);
		CHECK_EQ(false, is_right);
	}
}

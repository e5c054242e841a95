#include "unit/test.h"

#include "text/view_print.h"
#include "unit/view_answer.h"

static const struct view_style plain = {.interface_name = "wg0", .now = NOW};

/* Line by line what wg(8) prints for such an answer, but that it knows the names of zones. */
TEST(view_looks_like_wg_show)
{
	struct view view;
	struct out out;
	CHECK(view_parse(&view, view_answer, strlen(view_answer)));
	CHECK_EQ(0, view.error);
	CHECK_EQ(5, view.peer_count);
	out_init(&out, 1 << 16);
	view_print_pretty(&out, &view, &plain);
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

/* The line of the first peer that begins with `what`. */
static void check_line(const char *text, const char *what, const char *expected)
{
	char got[128] = "";
	struct view view;
	struct out out;
	CHECK(view_parse(&view, text, strlen(text)));
	out_init(&out, 1 << 16);
	view_print_pretty(&out, &view, &plain);
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

#define RESET  "\x1b[0m"
#define BOLD   "\x1b[1m"
#define RED    "\x1b[31m"
#define GREEN  "\x1b[32m"
#define YELLOW "\x1b[33m"
#define CYAN   "\x1b[36m"

/* Byte for byte what wg(8) prints with WG_COLOR_MODE=always. */
TEST(view_pretty_in_colours)
{
	struct view view;
	struct out out;
	const struct view_style style = {
		.interface_name = "wg0", .now = NOW, .has_colours = true, .shows_keys = true};
	static const char text[] = "private_key=" TWO "\n" PEER("01010101", "1699999939",
		"endpoint=192.0.2.1:5\nrx_bytes=1\nallowed_ip=10.0.0.0/8\n"
		"persistent_keepalive_interval=60\n") "preshared_key=" TWO "\n" PEER("02020202",
		"1800000000", NO_TRAFFIC) "errno=0\n\n";
	CHECK(view_parse(&view, text, sizeof text - 1));
	out_init(&out, 1 << 16);
	view_print_pretty(&out, &view, &style);
	CHECK_STR(RESET GREEN BOLD
		"interface" RESET ": " GREEN "wg0" RESET "\n"
		"  " BOLD "public key" RESET ": zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk=\n"
		"  " BOLD "private key" RESET ": AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		"\n" YELLOW BOLD "peer" RESET ": " YELLOW
		"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=" RESET "\n"
		"  " BOLD "allowed ips" RESET ": (none)\n"
		"  " BOLD "latest handshake" RESET ": (" RED
		"System clock wound backward; connection problems may ensue." RESET ")\n"
		"\n" YELLOW BOLD "peer" RESET ": " YELLOW
		"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" RESET "\n"
		"  " BOLD "preshared key" RESET ": AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		"  " BOLD "endpoint" RESET ": 192.0.2.1:5\n"
		"  " BOLD "allowed ips" RESET ": 10.0.0.0" CYAN "/" RESET "8\n"
		"  " BOLD "latest handshake" RESET ": 1 " CYAN "minute" RESET ", 1 " CYAN
		"second" RESET " ago\n"
		"  " BOLD "transfer" RESET ": 1 " CYAN "B" RESET " received, 0 " CYAN "B" RESET
		" sent\n"
		"  " BOLD "persistent keepalive" RESET ": every 1 " CYAN "minute" RESET "\n",
		out_string(&out));
	out_wipe(&out);
	view_wipe(&view);
}

/* Both keys only for who asks. */
TEST(view_pretty_hides_keys)
{
	struct view view;
	struct out out;
	CHECK(view_parse(&view, view_answer, strlen(view_answer)));
	out_init(&out, 1 << 16);
	view_print_pretty(&out, &view, &plain);
	CHECK(!strstr(out_string(&out), "SEhI") && strstr(out_string(&out), "key: (hidden)"));
	out_clear(&out);
	view_print_pretty(
		&out, &view, &(struct view_style){.interface_name = "wg0", .shows_keys = true});
	CHECK(strstr(out_string(&out),
		"\n  private key: SEhISEhISEhISEhISEhISEhISEhISEhISEhISEhISEA=\n"));
	CHECK(strstr(out_string(&out),
		"\n  preshared key: AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"));
	CHECK(!strstr(out_string(&out), "(hidden)"));
	out_wipe(&out);
	view_wipe(&view);
}

#include "unit/test.h"

#include <stdlib.h>

#include "text/view_print.h"
#include "unit/view_answer.h"

#define K1	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define K2	"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define K3	"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="
#define K4	"BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ="
#define K5	"BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU="
#define PRIVATE "SEhISEhISEhISEhISEhISEhISEhISEhISEhISEhISEA="
#define PUBLIC	"zXyiXWlj94CEUhrj1y255admFouyiGaRH2u1l3FsfhM="

static const struct view_style style = {.interface_name = "wg0"};

static void check(const char *text, const char *selector, bool is_one_of_all, const char *expected)
{
	struct view view;
	struct out out;
	CHECK(view_parse(&view, text, strlen(text)));
	CHECK(view_selector_find(selector) >= 0);
	out_init(&out, 1 << 16);
	view_print_selected(&out, &view, &style, view_selector_find(selector), is_one_of_all);
	CHECK_STR(expected, out_string(&out));
	out_wipe(&out);
	view_wipe(&view);
}

/* In the order of the answer, whatever the handshakes. */
TEST(view_select_each)
{
	static const struct {
		const char *selector, *text;
	} rows[] = {
		{"public-key", PUBLIC "\n"},
		{"private-key", PRIVATE "\n"},
		{"listen-port", "51820\n"},
		{"fwmark", "0xca6c\n"},
		{"peers", K1 "\n" K2 "\n" K3 "\n" K4 "\n" K5 "\n"},
		{"preshared-keys", K1 "\t(none)\n" K2 "\t" K2 "\n" K3 "\t(none)\n" K4
				      "\t(none)\n" K5 "\t(none)\n"},
		{"endpoints", K1 "\t(none)\n" K2 "\t192.0.2.1:51820\n" K3
				 "\t[2001:db8::1]:51820\n" K4 "\t[fe80::1%7]:5\n" K5 "\t(none)\n"},
		{"allowed-ips", K1 "\t(none)\n" K2 "\t10.0.0.2/32 fd00::2/128\n" K3 "\t(none)\n" K4
				   "\t0.0.0.0/0\n" K5 "\t(none)\n"},
		{"latest-handshakes", K1 "\t0\n" K2 "\t1699999935\n" K3 "\t1699996400\n" K4
					 "\t1668284000\n" K5 "\t1700000500\n"},
		{"transfer", K1 "\t0\t0\n" K2 "\t1023\t1152\n" K3 "\t1073741824\t1048576\n" K4
				"\t18446744073709551615\t1099511627776\n" K5 "\t1048575\t0\n"},
		{"persistent-keepalive",
			K1 "\toff\n" K2 "\t25\n" K3 "\t65535\n" K4 "\t1\n" K5 "\toff\n"},
		{"dump", PRIVATE "\t" PUBLIC "\t51820\t0xca6c\n" K1
				 "\t(none)\t(none)\t(none)\t0\t0\t0\toff\n" K2 "\t" K2
				 "\t192.0.2.1:51820\t10.0.0.2/32,fd00::2/128\t1699999935\t1023"
				 "\t1152\t25\n" K3
				 "\t(none)\t[2001:db8::1]:51820\t(none)\t1699996400\t"
				 "1073741824\t1048576\t65535\n" K4
				 "\t(none)\t[fe80::1%7]:5\t0.0.0.0/0\t1668284000\t"
				 "18446744073709551615\t1099511627776\t1\n" K5
				 "\t(none)\t(none)\t(none)\t1700000500\t1048575\t0\toff\n"},
	};
	struct out names;
	out_init(&names, 1 << 10);
	view_print_selectors(&names);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check(view_answer, rows[i].selector, false, rows[i].text);
		CHECK(strstr(out_string(&names), rows[i].selector));
	}
	out_wipe(&names);
}

TEST(view_select_of_nothing)
{
	static const struct {
		const char *selector, *text;
	} rows[] = {
		{"public-key", "(none)\n"},
		{"private-key", "(none)\n"},
		{"listen-port", "0\n"},
		{"fwmark", "off\n"},
		{"peers", ""},
		{"transfer", ""},
		{"dump", "(none)\t(none)\t0\toff\n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check("errno=0\n\n", rows[i].selector, false, rows[i].text);
}

TEST(view_select_begins_lines_of_all)
{
	static const char text[] = PEER("01010101", "5", "allowed_ip=10.0.0.0/8\n")
		PEER("02020202", "0", NO_TRAFFIC) "errno=0\n\n";
	check(text, "listen-port", true, "wg0\t0\n");
	check(text, "peers", true, "wg0\t" K1 "\nwg0\t" K2 "\n");
	check(text, "dump", true,
		"wg0\t(none)\t(none)\t0\toff\n"
		"wg0\t" K1 "\t(none)\t(none)\t10.0.0.0/8\t5\t0\t0\toff\n"
		"wg0\t" K2 "\t(none)\t(none)\t(none)\t0\t0\t0\toff\n");
}

TEST(view_select_knows_no_other)
{
	static const char *const words[] = {
		"", "peer", "peers ", "PEERS", "dumps", "public_key", "all", "interfaces"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		CHECK(view_selector_find(words[i]) < 0);
}

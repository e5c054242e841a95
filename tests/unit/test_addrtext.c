#include "unit/test.h"

#include "text/addrtext.h"

TEST(addrtext_decimals)
{
	static const struct {
		const char *text;
		uint64_t max, value;
		bool is_right;
	} rows[] = {
		{"0", 0, 0, true},
		{"1", 0, 0, false},
		{"", 9, 0, false},
		{"65535", 65535, 65535, true},
		{"65536", 65535, 0, false},
		{"0065535", 65535, 65535, true},
		{"4294967295", UINT32_MAX, UINT32_MAX, true},
		{"4294967296", UINT32_MAX, 0, false},
		{"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
		{"18446744073709551616", UINT64_MAX, 0, false},
		{"99999999999999999999999", UINT64_MAX, 0, false},
		{"9", 5, 0, false},
		{"+1", 9, 0, false},
		{"-1", 9, 0, false},
		{" 1", 9, 0, false},
		{"1 ", 9, 0, false},
		{"0x1", 99, 0, false},
		{"1a", 99, 0, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t value = 4711;
		CHECK_EQ(rows[i].is_right, addrtext_read_decimal(&value, rows[i].text,
						   strlen(rows[i].text), rows[i].max));
		CHECK_EQ(rows[i].is_right ? rows[i].value : 4711, value);
	}
}

TEST(addrtext_addresses)
{
	static const struct {
		const char *text, *written; /* NULL: refused */
	} rows[] = {
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"FD00:0::1", "fd00::1"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"1111:2222:3333:4444:5555:6666:7777:8888",
			"1111:2222:3333:4444:5555:6666:7777:8888"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"", NULL},
		{"256.0.0.0", NULL},
		{"1.2.3", NULL},
		{"1.2.3.4.5", NULL},
		{"10.1", NULL},
		{"0x7f.0.0.1", NULL},
		{" 1.2.3.4", NULL},
		{"1.2.3.4 ", NULL},
		{":::", NULL},
		{"1::2::3", NULL},
		{"fe80::1%1", NULL},
		{"[::1]", NULL},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ip_address address = {.family = IP_NONE};
		bool is_right = addrtext_read_address(&address, rows[i].text, strlen(rows[i].text));
		CHECK_EQ(rows[i].written != NULL, is_right);
		if (!is_right) {
			CHECK_EQ(IP_NONE, address.family);
			continue;
		}
		char text[ADDRTEXT_ADDRESS_MAX];
		addrtext_write_address(text, &address);
		CHECK_STR(rows[i].written, text);
	}
	struct ip_address address;
	CHECK(!addrtext_read_address(&address, "1.2.3.4\0x", 9));
	CHECK(addrtext_read_address(&address, "1.2.3.45", 7));
	CHECK_EQ(4, address.bytes[3]);
	CHECK_EQ(0, address.bytes[4]);
}

TEST(addrtext_prefixes)
{
	static const struct {
		const char *text;
		enum addrtext_verdict verdict;
		const char *written;
		bool has_host_bits;
	} rows[] = {
		{"10.0.0.1", ADDRTEXT_OK, "10.0.0.1/32", false},
		{"10.0.0.1/32", ADDRTEXT_OK, "10.0.0.1/32", false},
		{"10.0.0.1/31", ADDRTEXT_OK, "10.0.0.1/31", true},
		{"10.0.0.0/08", ADDRTEXT_OK, "10.0.0.0/8", false},
		{"0.0.0.0/0", ADDRTEXT_OK, "0.0.0.0/0", false},
		{"0.0.0.1/0", ADDRTEXT_OK, "0.0.0.1/0", true},
		{"::1", ADDRTEXT_OK, "::1/128", false},
		{"fd00::1/64", ADDRTEXT_OK, "fd00::1/64", true},
		{"10.0.0.1/33", ADDRTEXT_BAD_LENGTH, NULL, false},
		{"10.0.0.1/", ADDRTEXT_BAD_LENGTH, NULL, false},
		{"10.0.0.1/-1", ADDRTEXT_BAD_LENGTH, NULL, false},
		{"10.0.0.1/8/8", ADDRTEXT_BAD_LENGTH, NULL, false},
		{"::/129", ADDRTEXT_BAD_LENGTH, NULL, false},
		{"::/4294967296", ADDRTEXT_BAD_LENGTH, NULL, false},
		{"/8", ADDRTEXT_BAD_ADDRESS, NULL, false},
		{"", ADDRTEXT_BAD_ADDRESS, NULL, false},
		{"x/99", ADDRTEXT_BAD_ADDRESS, NULL, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ip_prefix prefix;
		CHECK_EQ(rows[i].verdict,
			addrtext_read_prefix(&prefix, rows[i].text, strlen(rows[i].text)));
		if (!rows[i].written)
			continue;
		char text[ADDRTEXT_PREFIX_MAX];
		addrtext_write_prefix(text, &prefix);
		CHECK_STR(rows[i].written, text);
		CHECK_EQ(rows[i].has_host_bits, ip_prefix_mask(&prefix));
	}
}

TEST(addrtext_endpoints)
{
	static const struct {
		const char *text, *written; /* NULL: refused */
	} rows[] = {
		{"192.0.2.1:51820", "192.0.2.1:51820"},
		{"192.0.2.1:0", "192.0.2.1:0"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{"[2001:db8::1]:51820", "[2001:db8::1]:51820"},
		{"[fe80::1%7]:1", "[fe80::1%7]:1"},
		{"[fe80::1%0]:1", "[fe80::1]:1"},
		{"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535",
			"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535"},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1", NULL},
		{":1", NULL},
		{":", NULL},
		{"", NULL},
		{"::1:1", NULL},
		{"[192.0.2.1]:1", NULL},
		{"192.0.2.1%1:1", NULL},
		{"[]:1", NULL},
		{"[::1]", NULL},
		{"[::1:1", NULL},
		{"[::1]x:1", NULL},
		{"[fe80::1%eth0]:1", NULL},
		{"[fe80::1%]:1", NULL},
		{"[fe80::1%4294967296]:1", NULL},
		{"example.org:1", NULL},
		{"[::1]:domain", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct endpoint e = {.port = 4711};
		bool is_right = addrtext_read_endpoint(&e, rows[i].text, strlen(rows[i].text));
		CHECK_EQ(rows[i].written != NULL, is_right);
		if (!is_right) {
			CHECK_EQ(4711, e.port);
			continue;
		}
		char text[ADDRTEXT_ENDPOINT_MAX];
		addrtext_write_endpoint(text, &e);
		CHECK_STR(rows[i].written, text);
		CHECK_EQ(IP_NONE, e.source.family);
	}
}

/* The longest there is ends in its buffer, none of it cut off. */
TEST(addrtext_longest_fit)
{
	struct endpoint e = {.address.family = IP_V6, .port = 65535, .scope_id = UINT32_MAX};
	struct ip_prefix prefix = {.address.family = IP_V6, .len = 128};
	char text[ADDRTEXT_ENDPOINT_MAX];
	for (unsigned i = 0; i < 16; i++)
		e.address.bytes[i] = prefix.address.bytes[i] = (uint8_t)(0x11 * (1 + i % 15));
	addrtext_write_endpoint(text, &e);
	CHECK_STR("[1122:3344:5566:7788:99aa:bbcc:ddee:ff11%4294967295]:65535", text);
	addrtext_write_prefix(text, &prefix);
	CHECK_STR("1122:3344:5566:7788:99aa:bbcc:ddee:ff11/128", text);
}

#include "unit/test.h"

#include "manage/link_state.h"
#include "unit/netbox.h"
#include "unit/short_memory.h"

#define PREFIXES_MAX 8

static struct link_state state;

struct row {
	const char *addresses[PREFIXES_MAX], *allowed_ips[PREFIXES_MAX];
	enum link_table table;
	bool kill_switch, sets_source_mark;
	const char *items; /* as text, "; " behind each */
};

static size_t read_prefixes(struct ip_prefix out[PREFIXES_MAX], const char *const *text)
{
	size_t count = 0;
	for (; count < PREFIXES_MAX && text[count]; count++)
		out[count] = netbox_prefix(text[count]);
	return count;
}

static bool want(const struct row *row)
{
	struct ip_prefix addresses[PREFIXES_MAX], allowed_ips[PREFIXES_MAX];
	struct link_settings s = {.addresses = addresses,
		.allowed_ips = allowed_ips,
		.table = row->table,
		.table_number = 1000,
		.kill_switch = row->kill_switch,
		.fwmark = 51820};
	struct link_facts facts = {.mtu = 1420, .sets_source_mark = row->sets_source_mark};
	s.address_count = read_prefixes(addresses, row->addresses);
	s.allowed_ip_count = read_prefixes(allowed_ips, row->allowed_ips);
	return link_state_want(&state, &s, &facts);
}

static const char *items(void)
{
	static char text[1024];
	text[0] = 0;
	for (size_t i = 0; i < state.count; i++) {
		char item[LINK_ITEM_MAX];
		link_item_write(item, &state.items[i]);
		strncat(text, item, sizeof text - strlen(text) - 1);
		strncat(text, "; ", sizeof text - strlen(text) - 1);
	}
	return text;
}

TEST(link_state_is_what_settings_mean)
{
	static const struct row rows[] = {
		{.items = "up; "},
		/* In the order of the file: the first is the primary one. */
		{{"10.0.0.2/24", "10.0.0.1/24", "10.0.0.2/24"},
			.items = "address 10.0.0.2/24; address 10.0.0.1/24; up; "},
		/* Longest prefix first, each once, without host bits. */
		{.allowed_ips = {"10.0.0.0/8", "10.1.0.0/16", "fd00::1/16", "10.1.2.3/16",
			 "10.0.0.1/32"},
			.items = "up; route 10.0.0.1/32; route 10.1.0.0/16; route fd00::/16; "
				 "route 10.0.0.0/8; "},
		/* What the kernel's own route for an address leads to the device already. */
		{{"10.0.0.1/24", "fd00::1/64"},
			{"10.0.0.0/24", "10.0.0.7/32", "10.0.0.0/23", "10.0.1.0/24", "fd00::/64",
				"fd00::9/128", "fd00::/63"},
			.items = "address 10.0.0.1/24; address fd00::1/64; up; route fd00::/63; "
				 "route 10.0.1.0/24; route 10.0.0.0/23; "},
		/* A single host has no such route, but with IPv6 it has. */
		{{"10.0.0.1/32", "fd00::1/128"}, {"10.0.0.1/32", "fd00::1/128"},
			.items = "address 10.0.0.1/32; address fd00::1/128; up; "
				 "route 10.0.0.1/32; "},
		{{"0.0.0.1/8"}, {"0.1.0.0/16"},
			.items = "address 0.0.0.1/8; up; route 0.1.0.0/16; "},
		/* A table of one's own gets everything. */
		{{"10.0.0.1/24"}, {"10.0.0.0/24", "0.0.0.0/0"}, LINK_TABLE_NUMBER,
			.items = "address 10.0.0.1/24; up; route 10.0.0.0/24 table 1000; "
				 "route 0.0.0.0/0 table 1000; "},
		{{"10.0.0.1/24"}, {"10.1.0.0/24", "::/0"}, LINK_TABLE_OFF,
			.items = "address 10.0.0.1/24; up; "},
		/* A default route: the rest stays in the main table. */
		{{"10.0.0.1/24"}, {"0.0.0.0/0", "10.0.0.2/32", "10.1.0.0/16"},
			.sets_source_mark = true,
			.items = "packet filter for mark 51820; "
				 "net.ipv4.conf.all.src_valid_mark=1; IPv4 rules for table 51820; "
				 "address 10.0.0.1/24; up; route 10.1.0.0/16; "
				 "route 0.0.0.0/0 table 51820; "},
		{.allowed_ips = {"::/0", "0.0.0.0/0", "::/0"},
			.items = "packet filter for mark 51820; IPv4 rules for table 51820; "
				 "IPv6 rules for table 51820; up; route 0.0.0.0/0 table 51820; "
				 "route ::/0 table 51820; "},
		{.allowed_ips = {"::/0"},
			.sets_source_mark = true,
			.items = "packet filter for mark 51820; IPv6 rules for table 51820; up; "
				 "route ::/0 table 51820; "},
		/* Every route has its guard, also those that an address would cover. */
		{{"10.0.0.1/24"}, {"::/0", "10.0.0.2/32", "10.1.0.0/16"}, .kill_switch = true,
			.items = "packet filter for mark 51820; IPv6 rules for table 51820; "
				 "kill switch 10.0.0.2/32; kill switch 10.1.0.0/16; "
				 "kill switch ::/0 table 51820; address 10.0.0.1/24; up; "
				 "route 10.0.0.2/32; route 10.1.0.0/16; route ::/0 table 51820; "},
		{{"10.0.0.1/24"}, {"10.0.0.2/32", "0.0.0.0/0"}, LINK_TABLE_NUMBER, true,
			.items = "kill switch 10.0.0.2/32 table 1000; "
				 "kill switch 0.0.0.0/0 table 1000; address 10.0.0.1/24; up; "
				 "route 10.0.0.2/32 table 1000; route 0.0.0.0/0 table 1000; "},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK(want(&rows[i]));
		if (strcmp(items(), rows[i].items))
			test_fail(__FILE__, __LINE__, "row %zu: %s", i, items());
		CHECK_EQ(1420, state.mtu);
		link_state_wipe(&state);
		CHECK(!state.items && !state.count);
	}
}

TEST(link_state_says_when_there_is_no_memory)
{
	static const struct row row = {
		{"10.0.0.1/24"}, {"10.1.0.0/24", "::/0"}, .kill_switch = true, .items = ""};
	bool has_failed = true;
	for (size_t n = 1; has_failed; n++) {
		short_memory_begin(n);
		bool ok = want(&row);
		has_failed = short_memory_end();
		CHECK(ok == !has_failed);
		link_state_wipe(&state);
	}
}

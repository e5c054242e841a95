#include "manage/firewall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "manage/netlink.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

#define OUTPUT_MAX 4096

static struct firewall_record records[FIREWALL_RECORDS_MAX];

/* What nft(8) says, one blank for any run of white space. */
static const char *nft(const char *arguments)
{
	static char text[OUTPUT_MAX];
	char command[256];
	snprintf(command, sizeof command, "nft %s 2>&1 | tr -s ' \\t\\n' ' '", arguments);
	FILE *pipe = popen(command, "r");
	size_t len = pipe ? fread(text, 1, sizeof text - 1, pipe) : 0;
	text[len] = 0;
	if (pipe)
		pclose(pipe);
	return text;
}

static bool needs_nft(bool (*body)(void))
{
	if (system("nft list tables >/dev/null 2>&1"))
		return sandbox_skip("no nft(8), or none in the kernel");
	return body();
}

static struct firewall make(const char *interface, const struct ip_prefix *addresses, size_t count)
{
	struct firewall f = {
		.record = {.mark = 51820}, .addresses = addresses, .address_count = count};
	snprintf(f.record.interface, sizeof f.record.interface, "%s", interface);
	return f;
}

static bool table(void)
{
	struct ip_prefix addresses[] = {netbox_prefix("10.7.0.1/24"), netbox_prefix("fd07::1/64")};
	struct firewall f = make("t0", addresses, 2);
	static const char expected[] =
		"table inet adit-t0 { comment \"adit: table 51820, src_valid_mark\" "
		"chain preraw { type filter hook prerouting priority raw; policy accept; "
		"iifname != \"t0\" ip daddr 10.7.0.1 fib saddr type != local "
		"counter packets 0 bytes 0 drop "
		"iifname != \"t0\" ip6 daddr fd07::1 fib saddr type != local "
		"counter packets 0 bytes 0 drop } "
		"chain premangle { type filter hook prerouting priority mangle; policy accept; "
		"meta l4proto udp meta mark set ct mark } "
		"chain postmangle { type filter hook postrouting priority mangle; policy accept; "
		"meta l4proto udp meta mark 0x0000ca6c ct mark set meta mark } } ";
	f.record.has_source_mark = true;
	REQUIRE(firewall_set(&box.n, &f) == 0);
	REQUIRE(!strcmp(nft("list ruleset"), expected));
	/* Again is the same, and with less it is less. */
	REQUIRE(firewall_set(&box.n, &f) == 0);
	REQUIRE(!strcmp(nft("list ruleset"), expected));
	f.address_count = 0;
	REQUIRE(firewall_set(&box.n, &f) == 0);
	REQUIRE(!strstr(nft("list ruleset"), "daddr"));
	REQUIRE(firewall_remove(&box.n, "t0") == 0);
	REQUIRE(!strcmp(nft("list ruleset"), ""));
	REQUIRE(firewall_remove(&box.n, "t0") == -ENOENT);
	return true;
}

static bool table_with_nft(void)
{
	return needs_nft(table);
}

TEST(firewall_sets_the_table_of_wg_quick)
{
	netbox_run(table_with_nft);
}

static bool listing(void)
{
	size_t count = 7;
	struct firewall a = make("abcdefghijklmno", NULL, 0), b = make("t-1", NULL, 0);
	REQUIRE(firewall_list(&box.n, records, &count) == 0 && count == 0);
	b.record.mark = UINT32_MAX;
	b.record.has_source_mark = true;
	REQUIRE(firewall_set(&box.n, &a) == 0 && firewall_set(&box.n, &b) == 0);
	/* Those of others, whatever they are called. */
	nft("add table inet adit-other");
	nft("add table ip adit-t0");
	nft("'add table inet adit-foreign { comment \"mine\"; }'");
	REQUIRE(firewall_list(&box.n, records, &count) == 0 && count == 2);
	for (size_t i = 0; i < count; i++) {
		const struct firewall *f = records[i].mark == 51820 ? &a : &b;
		REQUIRE(!strcmp(records[i].interface, f->record.interface));
		REQUIRE(records[i].mark == f->record.mark);
		REQUIRE(records[i].has_source_mark == f->record.has_source_mark);
	}
	return true;
}

static bool listing_with_nft(void)
{
	return needs_nft(listing);
}

TEST(firewall_finds_its_tables_again)
{
	netbox_run(listing_with_nft);
}

/* More than fits into one message or two. */
static bool many(void)
{
	struct ip_prefix *addresses = calloc(300, sizeof *addresses);
	for (int i = 0; i < 300; i++) {
		addresses[i] = netbox_prefix(i % 2 ? "fd07::/64" : "10.7.0.0/24");
		addresses[i].address.bytes[3] = (uint8_t)i;
	}
	struct firewall f = make("t0", addresses, 300);
	REQUIRE(firewall_set(&box.n, &f) == 0);
	REQUIRE(atoi(nft("list ruleset | grep -c daddr")) == 300);
	free(addresses);
	return true;
}

static bool many_with_nft(void)
{
	return needs_nft(many);
}

TEST(firewall_protects_many_addresses)
{
	netbox_run(many_with_nft);
}

/* A table that belongs to another process is not ours to replace, and nothing comes of it. */
static bool owned(void)
{
	FILE *other = popen("nft -i >/dev/null 2>&1", "w");
	struct firewall f = make("t0", NULL, 0);
	REQUIRE(other);
	fputs("add table inet adit-t0 { flags owner; }\n", other);
	fflush(other);
	while (!strstr(nft("list tables"), "adit-t0"))
		;
	REQUIRE(firewall_set(&box.n, &f) == -EPERM);
	REQUIRE(!strcmp(netlink_explain(&box.n, -EPERM), "Operation not permitted"));
	pclose(other);
	return true;
}

static bool owned_with_nft(void)
{
	return needs_nft(owned);
}

TEST(firewall_says_why_it_cannot)
{
	netbox_run(owned_with_nft);
}

static bool without(void)
{
	size_t count = 7;
	struct firewall f = make("t0", NULL, 0);
	REQUIRE(netbox_forbid_netfilter());
	REQUIRE(firewall_set(&box.n, &f) == -EPROTONOSUPPORT);
	REQUIRE(!strcmp(netlink_explain(&box.n, -EPROTONOSUPPORT),
		"the kernel lacks nftables (CONFIG_NF_TABLES), which a default route needs"));
	REQUIRE(firewall_list(&box.n, records, &count) == 0 && count == 0);
	return true;
}

TEST(firewall_names_what_the_kernel_lacks)
{
	netbox_run(without);
}

#include "manage/netlink_rule.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "unit/netbox.h"
#include "unit/sandbox.h"

#define MARK 51820

static struct netlink_rules found;

static bool is_rule(const struct netlink_rule *r, enum ip_family family, uint32_t priority,
	uint32_t table, uint32_t not_fwmark)
{
	return r->family == family && r->priority == priority && r->table == table &&
	       r->not_fwmark == not_fwmark && r->suppresses_default == !not_fwmark;
}

static bool list(void)
{
	netlink_rules_free(&found);
	return !netlink_rule_list(&box.n, &found);
}

static bool rules(void)
{
	struct netlink_rule mark = {.family = IP_V4, .table = MARK, .not_fwmark = MARK};
	struct netlink_rule main = {
		.family = IP_V4, .table = RT_TABLE_MAIN, .suppresses_default = true};
	REQUIRE(list() && !found.count);
	/* One of somebody else's, with another priority. */
	REQUIRE(netbox_rule(&box.n, 7, 100) == 0);
	REQUIRE(netlink_rule_add(&box.n, &mark) == 0);
	REQUIRE(netlink_rule_add(&box.n, &main) == 0);
	mark.family = main.family = IP_V6;
	main.priority = 77;
	REQUIRE(netlink_rule_add(&box.n, &mark) == 0);
	REQUIRE(netlink_rule_add(&box.n, &main) == 0);
	REQUIRE(netlink_rule_add(&box.n, &main) == 0);
	REQUIRE(list() && found.count == 5);
	/* The latest comes first, and all before that of somebody else. */
	REQUIRE(is_rule(&found.items[0], IP_V4, 32763, RT_TABLE_MAIN, 0));
	REQUIRE(is_rule(&found.items[1], IP_V4, 32764, MARK, MARK));
	REQUIRE(is_rule(&found.items[2], IP_V6, 77, RT_TABLE_MAIN, 0));
	REQUIRE(is_rule(&found.items[3], IP_V6, 77, RT_TABLE_MAIN, 0));
	REQUIRE(is_rule(&found.items[4], IP_V6, 32765, MARK, MARK));
	REQUIRE(netlink_rule_delete(&box.n, &main) == 0);
	REQUIRE(list() && found.count == 4);
	for (size_t i = 0; i < 4; i++)
		REQUIRE(netlink_rule_delete(&box.n, &found.items[i]) == 0);
	REQUIRE(netlink_rule_delete(&box.n, &found.items[0]) == -ENOENT);
	REQUIRE(list() && !found.count);
	/* That one is not ours. */
	struct netlink_rule foreign = {.family = IP_V4, .priority = 32765, .table = 100};
	REQUIRE(netlink_rule_delete(&box.n, &foreign) == -ENOENT);
	return true;
}

TEST(netlink_rule_adds_lists_and_deletes_its_own)
{
	netbox_run(rules);
}

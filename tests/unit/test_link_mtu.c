#include "manage/link_mtu.h"

#include "unit/netbox.h"
#include "unit/sandbox.h"

#define TABLE	      1000
#define ENDPOINTS_MAX 4

static const char *const none[] = {NULL};

static uint32_t choose(const char *const *endpoints)
{
	struct ip_address addresses[ENDPOINTS_MAX];
	size_t count = 0;
	for (; endpoints[count]; count++)
		addresses[count] = netbox_prefix(endpoints[count]).address;
	return link_choose_mtu(&box.n, box.ifindex, addresses, count, 0);
}

/* [wg-quick(8)], but the smallest; rows in the order of the world they need. */
static bool automatic_mtu(void)
{
	static const char *const unknown[] = {"203.0.113.1/32", NULL};
	static const char *const local[] = {"127.0.0.1/32", NULL};
	static const char *const device[] = {"192.0.2.1/32", NULL};
	static const char *const route[] = {"198.51.100.1/32", "192.0.2.1/32", NULL};
	static const char *const v6[] = {"2001:db8::1/128", "192.0.2.1/32", NULL};
	static const char *const large[] = {"127.0.0.1/32", "192.0.2.1/32", "203.0.113.1/32", NULL};
	uint32_t other;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_mtu(&box.n, other, 1400) == 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(choose(none) == 1420);
	REQUIRE(choose(unknown) == 1420);
	REQUIRE(choose(local) == 65456);
	REQUIRE(netbox_foreign_route(&box.n, other, "192.0.2.0/24", 0) == 0);
	REQUIRE(netbox_foreign_route(&box.n, other, "198.51.100.0/24", 1300) == 0);
	REQUIRE(netbox_foreign_route(&box.n, other, "2001:db8::/32", 1290) == 0);
	REQUIRE(choose(device) == 1320);
	REQUIRE(choose(route) == 1220);
	REQUIRE(choose(v6) == 1210);
	REQUIRE(choose(large) == 1320);
	struct ip_prefix all = netbox_prefix("0.0.0.0/0");
	REQUIRE(netlink_route_add(&box.n, other, TABLE, &all) == 0);
	REQUIRE(choose(none) == 1420);
	REQUIRE(netbox_foreign_route(&box.n, other, "0.0.0.0/0", 1380) == 0);
	REQUIRE(choose(none) == 1300);
	REQUIRE(netbox_foreign_route(&box.n, other, "::/0", 1370) == 0);
	REQUIRE(choose(none) == 1290);
	REQUIRE(netlink_link_set_mtu(&box.n, other, 148) == 0); /* IPv6's default route goes */
	REQUIRE(choose(device) == 68);
	REQUIRE(netlink_link_set_mtu(&box.n, other, 147) == 0);
	REQUIRE(choose(device) == 68);
	return true;
}

TEST(link_chooses_the_mtu_of_the_narrowest_path)
{
	netbox_run(automatic_mtu);
}

/* Half of all, and all of IPv6, leads into the tunnel. */
static bool through_the_tunnel(void)
{
	static const char *const inside[] = {"203.0.113.1/32", NULL};
	static const char *const both[] = {"203.0.113.1/32", "192.0.2.1/32", NULL};
	uint32_t other;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_mtu(&box.n, other, 1450) == 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1400) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netbox_foreign_route(&box.n, box.ifindex, "128.0.0.0/1", 0) == 0);
	REQUIRE(netbox_foreign_route(&box.n, box.ifindex, "::/0", 0) == 0);
	REQUIRE(choose(inside) == 1420 && choose(none) == 1420);
	REQUIRE(netbox_foreign_route(&box.n, other, "0.0.0.0/0", 0) == 0);
	REQUIRE(choose(inside) == 1370 && choose(none) == 1370);
	REQUIRE(netbox_foreign_route(&box.n, other, "192.0.2.0/24", 1440) == 0);
	REQUIRE(choose(both) == 1360);
	return true;
}

TEST(link_does_not_choose_its_mtu_by_itself)
{
	netbox_run(through_the_tunnel);
}

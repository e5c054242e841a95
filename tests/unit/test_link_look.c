#include "manage/link_look.h"

#include <linux/rtnetlink.h>

#include "unit/linkbox.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

static const char *const routes[] = {"10.9.0.0/16", "fd09::/32", NULL};

static bool look(void)
{
	static const struct wanted wanted = {.addresses = {"10.7.0.1/24", "fd07::1/64"},
		.allowed_ips = {"10.9.0.0/16", "fd09::/32"},
		.mtu = 1400};
	REQUIRE(set_up(&wanted) == 0);
	/* Nothing is lost, whatever was heard. */
	link_look(&tunnel, &box.n, 1400, false);
	REQUIRE(change(&wanted, "") == 0);
	link_look(&tunnel, &box.n, 1400, true);
	REQUIRE(change(&wanted, "+ up; ") == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, false) == 0);
	link_look(&tunnel, &box.n, 1400, true);
	REQUIRE(change(&wanted, "+ address fd07::1/64; + up; + route fd09::/32; "
				"+ route 10.9.0.0/16; ") == 0);
	REQUIRE(state_is(RT_TABLE_MAIN, 2, routes) && link_is(true, 1400));
	/* Too small for IPv6. */
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1000) == 0);
	link_look(&tunnel, &box.n, 1000, false);
	REQUIRE(change(&wanted, "~ mtu 1000 -> 1400; + address fd07::1/64; "
				"+ route fd09::/32; ") == 0);
	REQUIRE(link_is(true, 1400));
	link_down(&tunnel, &box.n);
	return is_untouched();
}

TEST(link_look_forgets_what_the_kernel_took)
{
	netbox_run(look);
}

#include "main/default_route.h"

#include <stdio.h>

#include "unit/netbox.h"
#include "unit/sandbox.h"

#define KEY  "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
#define PEER "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = "

static struct link tunnel;

/* The configuration's mark after choosing, UINT32_MAX: none. */
static uint32_t chosen(const char *text)
{
	struct conf conf;
	uint32_t mark = UINT32_MAX;
	if (conf_parse(&conf, text, strlen(text)) && !conf.error_count &&
		!default_route_choose_mark(&conf, &tunnel, &box.n, "t0") && conf.change.has_fwmark)
		mark = conf.change.fwmark;
	conf_wipe(&conf);
	return mark;
}

static bool marks(void)
{
	REQUIRE(chosen(KEY PEER "10.0.0.0/8\n") == UINT32_MAX);
	REQUIRE(chosen(KEY PEER "0.0.0.0/0\n") == 51820);
	REQUIRE(chosen(KEY PEER "10.0.0.0/8, ::/0\n") == 51820);
	REQUIRE(chosen(KEY "FwMark = off\n" PEER "::/0\n") == 51820);
	REQUIRE(chosen(KEY "FwMark = 7\n" PEER "::/0\n") == 7);
	REQUIRE(chosen(KEY "Table = off\n" PEER "::/0\n") == UINT32_MAX);
	REQUIRE(chosen(KEY "Table = 100\n" PEER "::/0\n") == UINT32_MAX);
	/* What is in use stays. */
	struct link_item firewall = {.kind = LINK_FIREWALL, .number = 51999};
	REQUIRE(link_state_add(&tunnel.state, &firewall));
	REQUIRE(chosen(KEY PEER "0.0.0.0/0\n") == 51999);
	link_forget(&tunnel);
	return true;
}

TEST(default_route_gives_a_mark_to_who_has_none)
{
	netbox_run(marks);
}

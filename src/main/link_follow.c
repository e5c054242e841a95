#include "main/link_follow.h"

#include "io/log.h"
#include "main/relink.h"
#include "manage/link_look.h"

static bool may_put_back(const struct supervisor *s)
{
	enum reload_state reload = s->door.reload.state;
	return s->has_config && s->stage > STAGE_LINK_UP && s->stage <= STAGE_RUNNING &&
	       reload != RELOAD_CHANGING && reload != RELOAD_GOING_BACK;
}

static void put_back(struct supervisor *s)
{
	char why[LINK_WHY_MAX];
	struct out ignored;
	out_init(&ignored, SIZE_MAX);
	if (relink(&s->link, &s->netlink, &s->config.conf, &ignored, why))
		log_error("the interface is up again, but what it lost cannot be set: %s", why);
	else
		log_info("the interface is up again: what went with it is set again");
	out_wipe(&ignored);
}

void link_follow(struct supervisor *s, uint32_t changes)
{
	struct link *link = &s->link;
	const struct netlink_link *device = &s->monitor.link;
	bool was_down = changes & MONITOR_DOWN;
	if (!link->ifindex)
		return; /* not set up by us, or elsewhere */
	if (was_down || ((changes & MONITOR_MTU) && device->mtu != link->state.mtu))
		link_look(link, &s->netlink, device->mtu, was_down);
	if (device->is_up && !link_state_find(&link->state, LINK_UP) && may_put_back(s))
		put_back(s);
}

#include "main/default_route.h"

#include "main/wishes.h"
#include "manage/link_claim.h"
#include "manage/link_leftovers.h"

bool default_route_is_wanted(const struct conf *conf)
{
	struct wishes wishes;
	bool is_wanted = !wishes_gather(&wishes, conf, 0) || link_needs_mark(&wishes.settings);
	wishes_wipe(&wishes);
	return is_wanted;
}

int default_route_choose_mark(
	struct conf *conf, const struct link *link, struct netlink *n, const char *interface)
{
	struct change *change = &conf->change;
	uint32_t mark = link_mark(link);
	if (!default_route_is_wanted(conf))
		return 0;
	if (change->has_fwmark && change->fwmark) {
		link_claim_reserve(change->fwmark); /* whoever has it is named by link_apply */
		return 0;
	}
	int error = mark ? 0 : link_choose_mark(n, interface, &mark);
	if (error)
		return error;
	change->has_fwmark = true;
	change->fwmark = mark;
	return 0;
}

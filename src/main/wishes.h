/*
 * The link's settings as manage/link.h wants them, gathered from a configuration.
 */
#ifndef ADIT_MAIN_WISHES_H
#define ADIT_MAIN_WISHES_H

#include "manage/link.h"
#include "text/conf.h"

struct wishes {
	struct link_settings settings; /* points into the rest and into the configuration */
	struct ip_prefix *allowed_ips;
	struct ip_address *endpoints;
};

/* false: no memory. wishes_wipe is the caller's in any case. */
bool wishes_gather(struct wishes *wishes, const struct conf *conf, uint32_t ifindex);
void wishes_wipe(struct wishes *wishes);

#endif

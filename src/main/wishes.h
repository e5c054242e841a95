/*
 * What a configuration asks for, gathered as others want it: the link's settings
 * for manage/link.h, the places to listen at for io/udp.h.
 */
#ifndef ADIT_MAIN_WISHES_H
#define ADIT_MAIN_WISHES_H

#include "io/udp.h"
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

/* Owns nothing. The port is in the configuration's change. */
void wishes_listen(struct udp_wishes *wishes, const struct conf_link *link);

#endif

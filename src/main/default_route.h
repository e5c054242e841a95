/*
 * What a configuration that means the machine's default route needs before its
 * link comes up: a mark on our own packets, and endpoints that are known, for
 * afterwards even the name servers may be behind the tunnel.
 */
#ifndef ADIT_MAIN_DEFAULT_ROUTE_H
#define ADIT_MAIN_DEFAULT_ROUTE_H

#include "manage/link.h"
#include "text/conf.h"

#define DEFAULT_ROUTE_PATIENCE (10 * NANOS_PER_SECOND) /* with endpoints that are not known */

/* Also where there is no memory to tell. */
bool default_route_is_wanted(const struct conf *conf);

/*
 * Gives the configuration a mark where it needs one and has none: that of the link,
 * if it has one already, else see link_choose_mark. To be called before anything is
 * told of the configuration. 0 or -errno.
 */
int default_route_choose_mark(
	struct conf *conf, const struct link *link, struct netlink *n, const char *interface);

#endif

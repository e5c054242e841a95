/*
 * The link as a configuration wants it, for a reload: what manage/link.h does and
 * would do, with its lines collected.
 */
#ifndef ADIT_MAIN_RELINK_H
#define ADIT_MAIN_RELINK_H

#include "manage/link.h"
#include "text/conf.h"
#include "text/out.h"

/*
 * Takes the link to what `conf` wants and adds a line for each change to `lines`.
 * 0, or -errno and `why`: then nothing was changed and nothing added. A link that
 * has left us (link_forget) is let be: 0.
 */
int relink(struct link *link, struct netlink *n, const struct conf *conf, struct out *lines,
	char why[static LINK_WHY_MAX]);

/* The same lines, and nothing is done. */
int relink_diff(const struct link *link, struct netlink *n, const struct conf *conf,
	struct out *lines, char why[static LINK_WHY_MAX]);

#endif

#include "main/relink.h"

#include <errno.h>
#include <stdio.h>

#include "main/wishes.h"

static void add_line(void *context, const char *line)
{
	out_add_text(context, line);
	out_add_text(context, "\n");
}

/* Does it, or where `todo` is NULL only says what would be done at `link`. */
static int follow(const struct link *link, struct link *todo, struct netlink *n,
	const struct conf *conf, struct out *lines, char why[static LINK_WHY_MAX])
{
	struct link_report report = {add_line, lines};
	struct wishes wishes;
	int error = -ENOMEM;
	if (!link->ifindex)
		return 0;
	snprintf(why, LINK_WHY_MAX, "no memory");
	if (wishes_gather(&wishes, conf, link->ifindex))
		error = todo ? link_apply(todo, n, &wishes.settings, &report, why)
			     : link_diff(link, n, &wishes.settings, &report, why);
	wishes_wipe(&wishes);
	return error;
}

int relink(struct link *link, struct netlink *n, const struct conf *conf, struct out *lines,
	char why[static LINK_WHY_MAX])
{
	return follow(link, link, n, conf, lines, why);
}

int relink_diff(const struct link *link, struct netlink *n, const struct conf *conf,
	struct out *lines, char why[static LINK_WHY_MAX])
{
	return follow(link, NULL, n, conf, lines, why);
}

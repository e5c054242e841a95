#include "manage/link_step.h"

#include <errno.h>
#include <linux/rtnetlink.h>

/* Whether our own device has that route by somebody else: the kernel, for an address; a hook. */
static bool has_route(const struct link_worker *w, const struct link_item *route)
{
	struct netlink_routes present;
	bool is_there = false;
	int error = netlink_route_list(w->n, w->ifindex, 0, &present);
	for (size_t i = 0; !error && i < present.count; i++) {
		const struct netlink_route *p = &present.items[i];
		is_there |= p->table == route->number && p->prefix.len == route->prefix.len &&
			    ip_address_is_equal(&p->prefix.address, &route->prefix.address);
	}
	netlink_routes_free(&present);
	return is_there;
}

static int add_route(const struct link_worker *w, const struct link_item *route)
{
	int error = netlink_route_add(w->n, w->ifindex, route->number, &route->prefix);
	if (error != -EEXIST)
		return error;
	if (!has_route(w, route))
		/* Through another device; once more, for the words. */
		return netlink_route_add(w->n, w->ifindex, route->number, &route->prefix);
	error = netlink_route_append(w->n, w->ifindex, route->number, &route->prefix);
	return error == -EEXIST ? 0 : error;
}

static int raise(const struct link_worker *w)
{
	int error = netlink_link_set_no_autoconf(w->n, w->ifindex);
	if (!error)
		error = netlink_link_set_promotion(w->n, w->ifindex);
	return error ? error : netlink_link_set_up(w->n, w->ifindex, true);
}

static int add(const struct link_worker *w, const struct link_item *item)
{
	switch (item->kind) {
	case LINK_MTU: return netlink_link_set_mtu(w->n, w->ifindex, item->number);
	case LINK_ADDRESS: return netlink_address_add(w->n, w->ifindex, &item->prefix);
	case LINK_UP: return raise(w);
	case LINK_ROUTE: return add_route(w, item);
	}
	return -EINVAL;
}

static int take_away(const struct link_worker *w, const struct link_item *item)
{
	switch (item->kind) {
	case LINK_ADDRESS: return netlink_address_delete(w->n, w->ifindex, &item->prefix);
	case LINK_UP: return netlink_link_set_up(w->n, w->ifindex, false);
	case LINK_ROUTE: return netlink_route_delete(w->n, w->ifindex, item->number, &item->prefix);
	default: return -EINVAL;
	}
}

/* What the kernel says of something that is not there, or whose device is not. */
static bool is_gone(int error)
{
	return error == -ESRCH || error == -ENOENT || error == -ENODEV || error == -EADDRNOTAVAIL;
}

int link_step_run(void *context, const struct link_step *step)
{
	const struct link_worker *w = context;
	if (step->change != LINK_REMOVE)
		return add(w, &step->item);
	int error = take_away(w, &step->item);
	return is_gone(error) ? 0 : error;
}

#include "main/source_check.h"

#include "manage/netlink.h"

void source_check_begin(struct source_check *check, struct engine_link *engine)
{
	const struct message_sources none = {0};
	check->is_wanted_again = check->is_under_way;
	if (check->is_under_way)
		return;
	check->is_under_way = true;
	engine_link_tell_routes(engine, &none);
}

/* The only device that the socket at the source uses; 0: any. */
static uint32_t device_at(const struct udp_sockets *udp, const struct ip_address *source)
{
	const struct ip_address any = {.family = source->family};
	for (uint32_t i = 0; i < udp->count; i++)
		if (ip_address_is_equal(&udp->places[i].address, source) ||
			ip_address_is_equal(&udp->places[i].address, &any))
			return udp->places[i].ifindex;
	return 0;
}

/* Where it cannot be told the kernel may as well choose. */
static bool is_right(
	struct netlink *netlink, const struct engine_link *engine, const struct endpoint *endpoint)
{
	uint32_t ifindex = device_at(&engine->udp, &endpoint->source);
	return !netlink_route_way_out(netlink, endpoint, engine->fwmark, &ifindex) &&
	       ifindex == endpoint->source_ifindex;
}

void source_check_continue(
	struct source_check *check, struct engine_link *engine, struct netlink *netlink)
{
	const struct message_sources *told = &engine->sources;
	struct message_sources wrong = {0};
	if (!check->is_under_way)
		return; /* nobody has asked */
	for (uint32_t i = 0; i < told->count; i++)
		if (!is_right(netlink, engine, &told->items[i].endpoint))
			wrong.items[wrong.count++] = told->items[i];
	wrong.is_last = told->is_last && !check->is_wanted_again;
	if (told->is_last)
		check->is_wanted_again = false; /* that is now */
	check->is_under_way = !wrong.is_last;
	if (wrong.count || !wrong.is_last)
		engine_link_tell_routes(engine, &wrong);
}

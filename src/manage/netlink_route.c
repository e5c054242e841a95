#include "manage/netlink.h"

#include "manage/netlink_request.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define LISTING_TRIES 8 /* of a listing that changes underneath */

static uint8_t family_to_af(enum ip_family family)
{
	return family == IP_V6 ? AF_INET6 : AF_INET;
}

static size_t address_len(uint8_t af)
{
	return af == AF_INET6 ? 16 : 4;
}

static void put_address(
	union netlink_request *r, uint16_t attribute, const struct ip_address *address)
{
	size_t len = address_len(family_to_af(address->family));
	mnl_attr_put(&r->header, attribute, len, address->bytes);
}

/* false: no address of ours, whatever the kernel means by it. */
static bool is_prefix(uint8_t af, uint8_t len)
{
	return (af == AF_INET || af == AF_INET6) && len <= 8 * address_len(af);
}

static void take_address(uint8_t af, const struct nlattr *attr, struct ip_address *out)
{
	if (!attr || mnl_attr_get_payload_len(attr) != address_len(af))
		return;
	*out = (struct ip_address){.family = af == AF_INET6 ? IP_V6 : IP_V4};
	memcpy(out->bytes, mnl_attr_get_payload(attr), address_len(af));
}

/* ------------------------------------------------------------------ addresses */

static int change_address(struct netlink *n, uint16_t type, uint16_t flags, uint32_t ifindex,
	const struct ip_prefix *address)
{
	union netlink_request r;
	struct ifaddrmsg *m = netlink_request_init(&r, type, flags, sizeof(*m));
	m->ifa_family = family_to_af(address->address.family);
	m->ifa_prefixlen = address->len;
	m->ifa_index = ifindex;
	put_address(&r, IFA_LOCAL, &address->address);
	put_address(&r, IFA_ADDRESS, &address->address);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netlink_address_add(struct netlink *n, uint32_t ifindex, const struct ip_prefix *address)
{
	return change_address(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, address);
}

int netlink_address_delete(struct netlink *n, uint32_t ifindex, const struct ip_prefix *address)
{
	return change_address(n, RTM_DELADDR, 0, ifindex, address);
}

struct address_listing {
	struct ip_prefix *out;
	size_t max, count;
};

static int take_listed_address(const struct nlmsghdr *message, void *context)
{
	struct address_listing *l = context;
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(message);
	if (!netlink_message_is(message, RTM_NEWADDR, sizeof(*m)) ||
		!is_prefix(m->ifa_family, m->ifa_prefixlen))
		return 0;
	struct ip_prefix found = {.len = m->ifa_prefixlen};
	struct netlink_attrs attrs;
	netlink_attrs_read(&attrs, message, sizeof(*m));
	/* With both, which is always so for IPv4, IFA_ADDRESS may be the far end's. */
	const struct nlattr *local = attrs.by_type[IFA_LOCAL];
	take_address(m->ifa_family, local ? local : attrs.by_type[IFA_ADDRESS], &found.address);
	if (found.address.family == IP_NONE)
		return 0;
	if (l->count == l->max)
		return -EOVERFLOW;
	l->out[l->count++] = found;
	return 0;
}

int netlink_address_list(
	struct netlink *n, uint32_t ifindex, struct ip_prefix *out, size_t max, size_t *count)
{
	int error = -EINTR;
	for (int try = 0; error == -EINTR && try < LISTING_TRIES; try++) {
		struct address_listing l = {.out = out, .max = max};
		union netlink_request r;
		struct ifaddrmsg *m = netlink_request_init(&r, RTM_GETADDR, NLM_F_DUMP, sizeof(*m));
		m->ifa_index = ifindex;
		error = netlink_request_run(n, &r, take_listed_address, &l);
		*count = l.count;
	}
	return error;
}

/* ------------------------------------------------------------------ routes */

static void init_route(union netlink_request *r, uint16_t type, uint16_t flags, uint32_t ifindex,
	uint32_t table, const struct ip_prefix *prefix)
{
	struct rtmsg *m = netlink_request_init(r, type, flags, sizeof(*m));
	m->rtm_family = family_to_af(prefix->address.family);
	m->rtm_dst_len = prefix->len;
	m->rtm_protocol = RTPROT_ADIT;
	m->rtm_type = RTN_UNICAST;
	m->rtm_scope = prefix->address.family == IP_V4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	m->rtm_table = RT_TABLE_UNSPEC;
	put_address(r, RTA_DST, &prefix->address);
	mnl_attr_put_u32(&r->header, RTA_TABLE, table);
	if (ifindex)
		mnl_attr_put_u32(&r->header, RTA_OIF, ifindex);
}

int netlink_route_add(
	struct netlink *n, uint32_t ifindex, uint32_t table, const struct ip_prefix *prefix)
{
	union netlink_request r;
	init_route(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, ifindex, table, prefix);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netlink_route_append(
	struct netlink *n, uint32_t ifindex, uint32_t table, const struct ip_prefix *prefix)
{
	union netlink_request r;
	init_route(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, ifindex, table, prefix);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netlink_route_delete(
	struct netlink *n, uint32_t ifindex, uint32_t table, const struct ip_prefix *prefix)
{
	union netlink_request r;
	init_route(&r, RTM_DELROUTE, 0, ifindex, table, prefix);
	return netlink_request_run(n, &r, NULL, NULL);
}

static void init_unreachable(union netlink_request *r, uint16_t type, uint16_t flags,
	uint32_t table, const struct ip_prefix *prefix, uint32_t metric)
{
	init_route(r, type, flags, 0, table, prefix);
	struct rtmsg *m = mnl_nlmsg_get_payload(&r->header);
	m->rtm_type = RTN_UNREACHABLE;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(&r->header, RTA_PRIORITY, metric);
}

int netlink_unreachable_add(
	struct netlink *n, uint32_t table, const struct ip_prefix *prefix, uint32_t metric)
{
	union netlink_request r;
	init_unreachable(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, table, prefix, metric);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netlink_unreachable_delete(
	struct netlink *n, uint32_t table, const struct ip_prefix *prefix, uint32_t metric)
{
	union netlink_request r;
	init_unreachable(&r, RTM_DELROUTE, 0, table, prefix, metric);
	return netlink_request_run(n, &r, NULL, NULL);
}

static uint32_t route_mtu(const struct nlattr *metrics)
{
	struct netlink_attrs attrs;
	if (!metrics)
		return 0;
	netlink_attrs_read_nested(&attrs, metrics);
	return netlink_attr_u32(attrs.by_type[RTAX_MTU]);
}

static void parse_route(const struct nlmsghdr *message, struct netlink_route *out)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(message);
	struct netlink_attrs attrs;
	netlink_attrs_read(&attrs, message, sizeof(*m));
	*out = (struct netlink_route){
		.prefix = {.len = m->rtm_dst_len,
			.address.family = m->rtm_family == AF_INET6 ? IP_V6 : IP_V4},
		.table = netlink_attr_u32(attrs.by_type[RTA_TABLE]),
		.ifindex = netlink_attr_u32(attrs.by_type[RTA_OIF]),
		.mtu = route_mtu(attrs.by_type[RTA_METRICS]),
		.metric = netlink_attr_u32(attrs.by_type[RTA_PRIORITY]),
		.protocol = m->rtm_protocol,
		.type = m->rtm_type};
	take_address(m->rtm_family, attrs.by_type[RTA_DST], &out->prefix.address);
}

static int append_route(struct netlink_routes *routes, const struct netlink_route *route)
{
	if (routes->count == routes->capacity) {
		size_t capacity = routes->capacity ? 2 * routes->capacity : 16;
		if (capacity > NETLINK_ROUTES_MAX)
			return -EOVERFLOW;
		void *grown = realloc(routes->items, capacity * sizeof(*routes->items));
		if (!grown)
			return -ENOMEM;
		routes->items = grown;
		routes->capacity = capacity;
	}
	routes->items[routes->count++] = *route;
	return 0;
}

struct route_listing {
	struct netlink_routes *out;
	uint32_t table; /* 0: any */
	uint8_t type;	/* RTN_UNSPEC: any */
};

static int take_listed_route(const struct nlmsghdr *message, void *context)
{
	const struct route_listing *l = context;
	const struct rtmsg *m = mnl_nlmsg_get_payload(message);
	if (!netlink_message_is(message, RTM_NEWROUTE, sizeof(*m)) ||
		(l->type && m->rtm_type != l->type) || !is_prefix(m->rtm_family, m->rtm_dst_len))
		return 0;
	struct netlink_route route;
	parse_route(message, &route);
	return l->table && route.table != l->table ? 0 : append_route(l->out, &route);
}

static int list_routes(
	struct netlink *n, uint32_t ifindex, uint8_t protocol, struct route_listing *l)
{
	int error = -EINTR;
	*l->out = (struct netlink_routes){0};
	for (int try = 0; error == -EINTR && try < LISTING_TRIES; try++) {
		union netlink_request r;
		struct rtmsg *m = netlink_request_init(&r, RTM_GETROUTE, NLM_F_DUMP, sizeof(*m));
		m->rtm_family = AF_UNSPEC; /* all that the kernel has, with IPv6 or without */
		m->rtm_protocol = protocol;
		if (ifindex)
			mnl_attr_put_u32(&r.header, RTA_OIF, ifindex);
		l->out->count = 0;
		error = netlink_request_run(n, &r, take_listed_route, l);
	}
	return error;
}

int netlink_route_list(
	struct netlink *n, uint32_t ifindex, uint8_t protocol, struct netlink_routes *out)
{
	struct route_listing l = {.out = out, .type = RTN_UNICAST};
	return list_routes(n, ifindex, protocol, &l);
}

int netlink_unreachable_list(struct netlink *n, struct netlink_routes *out)
{
	struct route_listing l = {.out = out, .type = RTN_UNREACHABLE};
	return list_routes(n, 0, RTPROT_ADIT, &l);
}

int netlink_table_is_empty(struct netlink *n, uint32_t table, bool *is_empty)
{
	struct netlink_routes found;
	struct route_listing l = {.out = &found, .table = table};
	int error = list_routes(n, 0, 0, &l);
	*is_empty = !found.count;
	netlink_routes_free(&found);
	return error;
}

void netlink_routes_free(struct netlink_routes *routes)
{
	free(routes->items);
	*routes = (struct netlink_routes){0};
}

static int take_route(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(message);
	if (netlink_message_is(message, RTM_NEWROUTE, sizeof(*m)) &&
		is_prefix(m->rtm_family, m->rtm_dst_len))
		parse_route(message, context);
	return 0;
}

static struct rtmsg *init_lookup(
	union netlink_request *r, const struct ip_address *destination, uint32_t fwmark)
{
	struct rtmsg *m = netlink_request_init(r, RTM_GETROUTE, 0, sizeof(*m));
	m->rtm_family = family_to_af(destination->family);
	m->rtm_dst_len = ip_family_bits(destination->family);
	put_address(r, RTA_DST, destination);
	if (fwmark)
		mnl_attr_put_u32(&r->header, RTA_MARK, fwmark);
	return m;
}

int netlink_route_lookup(struct netlink *n, const struct ip_address *destination, uint32_t fwmark,
	struct netlink_route *out)
{
	union netlink_request r;
	init_lookup(&r, destination, fwmark);
	*out = (struct netlink_route){0};
	return netlink_request_run(n, &r, take_route, out);
}

int netlink_route_way_out(
	struct netlink *n, const struct endpoint *to, uint32_t fwmark, uint32_t *ifindex)
{
	union netlink_request r;
	struct netlink_route route = {0};
	struct rtmsg *m = init_lookup(&r, &to->address, fwmark);
	m->rtm_src_len = ip_family_bits(to->source.family);
	put_address(&r, RTA_SRC, &to->source);
	if (to->scope_id || *ifindex)
		mnl_attr_put_u32(&r.header, RTA_OIF, to->scope_id ? to->scope_id : *ifindex);
	int error = netlink_request_run(n, &r, take_route, &route);
	*ifindex = route.ifindex;
	return error;
}

#include "main/wishes.h"

#include <stdlib.h>
#include <string.h>

static size_t count_allowed_ips(const struct change *change)
{
	size_t count = 0;
	for (size_t i = 0; i < change->peer_count; i++)
		count += change->peers[i].allowed_ip_count;
	return count;
}

static void gather_peer(struct wishes *wishes, const struct change_peer *peer)
{
	struct link_settings *settings = &wishes->settings;
	for (size_t i = 0; i < peer->allowed_ip_count; i++)
		if (!peer->allowed_ips[i].remove)
			wishes->allowed_ips[settings->allowed_ip_count++] =
				peer->allowed_ips[i].prefix;
	if (peer->has_endpoint)
		wishes->endpoints[settings->endpoint_count++] = peer->endpoint.address;
}

static enum link_table table_of(enum conf_table table)
{
	return table == CONF_TABLE_OFF	  ? LINK_TABLE_OFF
	       : table == CONF_TABLE_AUTO ? LINK_TABLE_AUTO
					  : LINK_TABLE_NUMBER;
}

bool wishes_gather(struct wishes *wishes, const struct conf *conf, uint32_t ifindex)
{
	const struct change *change = &conf->change;
	*wishes = (struct wishes){
		.allowed_ips = calloc(count_allowed_ips(change) + 1, sizeof(struct ip_prefix)),
		.endpoints = calloc(change->peer_count + 1, sizeof(struct ip_address)),
	};
	if (!wishes->allowed_ips || !wishes->endpoints)
		return false;
	wishes->settings = (struct link_settings){
		.ifindex = ifindex,
		.addresses = conf->link.addresses.items,
		.address_count = conf->link.addresses.count,
		.allowed_ips = wishes->allowed_ips,
		.endpoints = wishes->endpoints,
		.fwmark = change->has_fwmark ? change->fwmark : 0,
		.mtu = conf->link.mtu,
		.table = table_of(conf->link.table),
		.table_number = conf->link.table_number,
		.kill_switch = conf->link.kill_switch,
	};
	for (size_t i = 0; i < change->peer_count; i++)
		gather_peer(wishes, &change->peers[i]);
	return true;
}

void wishes_wipe(struct wishes *wishes)
{
	free(wishes->allowed_ips);
	free(wishes->endpoints);
	*wishes = (struct wishes){0};
}

_Static_assert(CONF_LISTEN_MAX == UDP_PLACES_MAX, "what can be written can be opened");
_Static_assert(CONF_DEVICE_MAX == IFNAMSIZ - 1, "names of interfaces");

void wishes_listen(struct udp_wishes *wishes, const struct conf_link *link)
{
	*wishes = (struct udp_wishes){.count = (uint32_t)link->listen_count};
	memcpy(wishes->device, link->bind_device, sizeof wishes->device);
	for (uint32_t i = 0; i < wishes->count; i++) {
		const struct conf_listen *listen = &link->listens[i];
		wishes->places[i].address = listen->address;
		memcpy(wishes->places[i].zone, listen->zone, sizeof listen->zone);
	}
}

#include "device/nesting.h"

#include "base/bytes.h"

#define PROTOCOL_UDP	  17
#define PROTOCOL_FRAGMENT 44 /* of IPv6 */
#define UDP_HEADER_LEN	  8
#define MESSAGE_INDEX_END 8 /* in initiations and data: type, then index */

/* Where the UDP header of a packet begins; 0: it has none, or stands in another fragment. */
static uint32_t udp_offset(const uint8_t *bytes, const struct ip_packet *packet)
{
	uint32_t offset = (bytes[0] & 15u) * 4;
	uint8_t protocol = bytes[9];
	bool is_later_fragment = load_be16(bytes + 6) & 0x1fff;
	if (packet->destination.family == IP_V6) {
		offset = 40;
		protocol = bytes[6];
		is_later_fragment = false;
		if (protocol == PROTOCOL_FRAGMENT && packet->len >= offset + 8) {
			protocol = bytes[offset];
			is_later_fragment = load_be16(bytes + offset + 2) & 0xfff8;
			offset += 8;
		}
	}
	bool is_whole = packet->len >= offset + UDP_HEADER_LEN + MESSAGE_INDEX_END;
	return protocol == PROTOCOL_UDP && !is_later_fragment && is_whole ? offset : 0;
}

/* The peer with that index of ours, when it waits for the response to our initiation. */
static struct peer *initiated_peer(const struct device *d, uint32_t index)
{
	struct peer *peer = index_table_find(&d->indices, index);
	return peer && peer->pending && peer->pending->local_index == index ? peer : NULL;
}

static bool is_at(const struct peer *peer, const struct ip_address *address, uint16_t port)
{
	return peer && peer->endpoint.port == port &&
	       ip_address_is_equal(&peer->endpoint.address, address);
}

/*
 * The peer for whom we made this datagram, NULL: nobody. Address and port alone do not
 * tell, others may speak to the same endpoint through us: the index has to be right.
 */
static struct peer *find_addressee(
	const struct device *d, const uint8_t *udp, const struct ip_address *to)
{
	uint16_t port = load_be16(udp + 2);
	uint32_t type = load_le32(udp + UDP_HEADER_LEN),
		 index = load_le32(udp + UDP_HEADER_LEN + 4);
	if (type == MESSAGE_INITIATION || type == MESSAGE_HYBRID_INITIATION) {
		struct peer *peer = initiated_peer(d, index);
		return is_at(peer, to, port) ? peer : NULL;
	}
	struct session *session = NULL;
	while (type == MESSAGE_DATA && (session = remote_table_next(&d->remotes, index, session))) {
		struct peer *peer = index_table_find(&d->indices, session->local_index);
		if (is_at(peer, to, port))
			return peer;
	}
	return NULL;
}

/* In whose tunnel its datagrams were seen of late, or NULL. */
static struct peer *outer_of(const struct device *d, const struct peer *peer, nanos boottime)
{
	bool is_known = peer->nesting_epoch == d->nesting_epoch && boottime < peer->nested_until;
	return is_known ? peer->nested_in : NULL;
}

/*
 * The rest of a datagram in fragments passes once, and its own datagram is one that
 * we know again.
 */
bool nesting_is_loop(struct device *d, const uint8_t *bytes, const struct ip_packet *packet,
	struct peer *peer, const struct now *now)
{
	uint32_t udp = udp_offset(bytes, packet);
	struct peer *inner = udp ? find_addressee(d, bytes + udp, &packet->destination) : NULL;
	if (!inner)
		return false;
	struct peer *outer = peer;
	for (int i = 0; i < NESTING_MAX && outer && outer != inner; i++)
		outer = outer_of(d, outer, now->boottime);
	if (outer)
		return true;
	inner->nested_in = peer;
	inner->nested_until = nanos_add(now->boottime, NESTING_TIME);
	inner->nesting_epoch = d->nesting_epoch;
	return false;
}

void nesting_forget(struct device *d)
{
	d->nesting_epoch++;
}

bool nesting_is_inside(const struct device *d, const struct endpoint *from)
{
	return d->ifindex && from->source_ifindex == d->ifindex;
}

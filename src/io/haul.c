#include "io/haul.h"

#include <errno.h>

#include "io/udp.h"

/* Of the burst that was read into: how much of the turn is over. */
static bool is_full(struct haul *h, const struct burst *burst, uint32_t bytes_max)
{
	h->count++;
	h->bytes += burst->count * burst->len[0];
	return h->bytes >= bytes_max;
}

int haul_tun(struct haul *h, struct tun *tun)
{
	for (uint32_t i = 0; i < HAUL_BURSTS; i++) {
		struct burst *burst = burst_pool_get(h->pool, BURST_LARGE);
		int got = burst ? tun_read_burst(tun, burst, device_mtu(h->device)) : -ENOMEM;
		if (got > 0) {
			bool has_enough = is_full(h, burst, HAUL_TUN_BYTES);
			device_put_inner(h->device, burst, h->now);
			if (tun->is_drained)
				return -EAGAIN; /* without a call that says so once more */
			if (has_enough)
				return 0;
			continue;
		}
		burst_pool_put(h->pool, burst);
		if (got != -EMSGSIZE && got != -EPROTO)
			return got;
		device_count_drop(h->device, DROP_TUN_ERROR, 1);
	}
	return 0;
}

int haul_udp(struct haul *h, int fd, bool is_for_handshakes)
{
	const uint32_t max = is_for_handshakes ? HAUL_HANDSHAKES : HAUL_BURSTS;
	uint32_t cost; /* of the turn */
	for (uint32_t i = 0; i < max; i += cost) {
		struct endpoint from;
		cost = 1;
		struct burst *burst = burst_pool_get(h->pool, BURST_LARGE);
		int got = burst ? udp_receive_burst(fd, burst, &from) : -ENOMEM;
		if (got > 0) {
			bool has_enough = is_full(h, burst, HAUL_UDP_BYTES);
			cost = is_for_handshakes ? burst->count : 1;
			device_count_drop(h->device, DROP_LENGTH, (uint32_t)got - burst->count);
			device_put_datagrams(h->device, burst, &from, h->now);
			if (has_enough)
				return 0;
			continue;
		}
		burst_pool_put(h->pool, burst);
		if (got != -EMSGSIZE)
			return got;
		device_count_drop(h->device, DROP_LENGTH, 1);
	}
	return 0;
}

/*
 * What one turn reads, from the TUN or from a socket, into the device: as much as is
 * sealed or opened and sent on while it is still in the processor's caches, and small
 * enough that the others get their turn. Whose turn it is io/pump.h decides.
 */
#ifndef ADIT_IO_HAUL_H
#define ADIT_IO_HAUL_H

#include "device/device.h"
#include "io/tun.h"

#define HAUL_BURSTS	32
#define HAUL_TUN_BYTES	(128 << 10) /* two super-packets */
#define HAUL_UDP_BYTES	(256 << 10) /* with more, other directions wait too long */
#define HAUL_HANDSHAKES 64	    /* twice what is processed: so load shows */

struct haul {
	struct device *device;
	struct burst_pool *pool;
	const struct now *now;
	uint32_t count, bytes; /* bursts that were read, and what is in them; 0 at first */
};

/*
 * 0: a turn's worth was read, there may be more; else why there is not, with whatever
 * was read before: -EAGAIN, -ENOMEM: not now; others: no more, ever.
 */
int haul_tun(struct haul *haul, struct tun *tun);

/*
 * The same from a socket; no error is for ever. Of handshakes each counts, however many
 * come in by one call.
 */
int haul_udp(struct haul *haul, int fd, bool is_for_handshakes);

#endif

/*
 * What one read of the TUN gives, cut into packets as the wire wants them: TCP and
 * UDP super-packets into segments, checksums that the kernel left to us completed
 * while the payload is copied. The packets go into bursts whose slots are just as
 * long as a sealed packet, so that they are one UDP_SEGMENT call. Pure: the
 * kernel's header and packet come in as bytes, neither is believed without a look.
 */
#ifndef ADIT_IO_SEGMENT_H
#define ADIT_IO_SEGMENT_H

#include <stdbool.h>

#include "base/burst.h"
#include "base/ip.h"
#include "io/virtio.h"

enum segment_kind {
	SEGMENT_WHOLE,	  /* goes on as it is */
	SEGMENT_CHECKSUM, /* but for a checksum that is to be completed */
	SEGMENT_TCP,
	SEGMENT_UDP
};

struct segment { /* a packet that is being cut; all zero: none */
	const uint8_t *packet;
	uint32_t len; /* bytes of it */
	enum segment_kind kind;
	struct ip_packet ip;  /* family IP_NONE: not one that can be read */
	uint32_t l4_at;	      /* where the checksum begins: the TCP or UDP header */
	uint32_t checksum_at; /* where it is stored */
	uint32_t headers_len; /* what each segment begins with */
	uint32_t payload_max; /* of one segment */
	uint32_t count, next; /* segments, and the first that is in no burst yet */
};

/*
 * Begins with a packet of `len` bytes, which stay the caller's and unchanged until all
 * is cut. false: the header does not fit the packet, which is to be dropped; then
 * *segment is empty.
 */
bool segment_begin(struct segment *segment, const struct virtio_net_hdr *header,
	const uint8_t *packet, uint32_t len);

static inline bool segment_is_done(const struct segment *segment)
{
	return segment->next == segment->count;
}

/*
 * Appends as many segments as the burst takes; an empty one gets its stride from the
 * first. It takes those of the destination, TOS and protocol it has (of UDP: of the
 * same source and ports), that are after padding as long as the others; a shorter one
 * is its last. `mtu` bounds the padding as in job_run_batch, and must be the same
 * there. Returns how many were appended.
 */
uint32_t segment_append(struct segment *segment, struct burst *burst, uint32_t mtu);

/* Whether a burst that is not empty cannot take another segment, however it looks. */
bool segment_is_full(const struct burst *burst, uint32_t mtu);

#endif

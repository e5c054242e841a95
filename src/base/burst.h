/*
 * The unit of work: up to 128 packets of one peer in one buffer, laid out as
 * on the wire. Slot i begins at bytes + i * stride; a datagram fills its slot
 * from the start, the inner packet lies BURST_HEADROOM bytes further in, with
 * room behind it for padding and tag. So a packet is sealed and opened where
 * it lies, a sealed burst is the payload of one UDP_SEGMENT call, and what one
 * UDP_GRO receive gives is a burst with the datagrams' size as stride.
 *
 * A burst has one owner at a time; functions say when they take it. Buffers
 * come from a pool that bounds the bytes in use. Not thread-safe: the pool
 * belongs to the core's thread.
 */
#ifndef ADIT_BASE_BURST_H
#define ADIT_BASE_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_PACKETS_MAX 128
#define BURST_HEADROOM	  16	/* the data header before an inner packet */
#define BURST_TAILROOM	  31	/* up to 15 bytes of padding and a tag of 16 behind it */
#define BURST_SMALL	  2048	/* capacity for a handshake message or one packet at MTU 1500 */
#define BURST_LARGE	  81920 /* a 64 KiB super-packet cut at MTU 1420 or at an MSS of 524 */

struct burst {
	struct burst *next; /* belongs to whoever owns the burst */
	uint8_t *bytes;
	uint32_t capacity; /* bytes: BURST_SMALL or BURST_LARGE */
	uint32_t stride;   /* bytes from one slot to the next */
	uint32_t count;	   /* packets, 0..BURST_PACKETS_MAX */
	uint8_t tos;	   /* the outer IP header's DSCP and ECN, the same for all packets */
	/*
	 * Bytes of packet i: of the inner packet while the burst is plaintext, of
	 * the datagram while it is sealed or received. 0 in a plaintext burst on
	 * its way to the TUN: nothing to deliver in this slot.
	 */
	uint32_t len[BURST_PACKETS_MAX];
};

struct burst_pool {
	struct burst *small_free, *large_free;
	size_t small_free_count, large_free_count;
	size_t bytes_out; /* capacity of all bursts handed out */
	size_t bytes_max; /* the cap on bytes_out */
};

static inline uint8_t *burst_datagram(const struct burst *b, uint32_t i)
{
	return b->bytes + (size_t)i * b->stride;
}

static inline uint8_t *burst_inner(const struct burst *b, uint32_t i)
{
	return b->bytes + (size_t)i * b->stride + BURST_HEADROOM;
}

void burst_pool_init(struct burst_pool *pool, size_t bytes_max);

/* Frees what is unused. Every burst must have come back. */
void burst_pool_wipe(struct burst_pool *pool);

/*
 * An empty burst with room for at least `capacity` bytes (at most BURST_LARGE),
 * stride set to its whole capacity; the caller owns it. NULL when the pool's cap
 * is reached or memory is short: the caller drops and counts.
 */
struct burst *burst_pool_get(struct burst_pool *pool, uint32_t capacity);

/* Whether the cap leaves no room for one of BURST_LARGE. */
static inline bool burst_pool_is_short(const struct burst_pool *pool)
{
	return BURST_LARGE > pool->bytes_max - pool->bytes_out;
}

/* Takes the burst back; NULL is allowed. */
void burst_pool_put(struct burst_pool *pool, struct burst *burst);

#endif

/*
 * Segments of one flow that follow each other, made one super-packet, so that a
 * write to the TUN carries many. What comes out of it when it is cut again is byte
 * for byte what went in (but for the identification of IPv4 packets that may not be
 * fragmented, which means nothing [RFC 6864]). Order within a flow is kept; several
 * flows at once are looked after, so that they may come mixed. Pure: packets go in,
 * and the caller's function gets what is to be written. Nothing is copied but headers.
 */
#ifndef ADIT_IO_COALESCE_H
#define ADIT_IO_COALESCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "io/virtio.h"

#define COALESCE_FLOWS	      8
#define COALESCE_SEGMENTS_MAX 64    /* the kernel takes up to 128, of UDP */
#define COALESCE_LEN_MAX      65535 /* bytes of a super-packet */
#define COALESCE_HEADERS_MAX  (40 + 60)

struct coalesce_run {				     /* packets that go in one write */
	struct iovec packets[COALESCE_SEGMENTS_MAX]; /* each whole, as it came in */
	uint32_t count;				     /* 0: the place is free */
	uint32_t l4_at, headers_len;		     /* of each */
	uint32_t payload_len; /* of each but the last, which may be shorter */
	uint32_t len;	      /* of the super-packet */
	bool is_verified;     /* the first: the others always are */
};

struct coalesce {
	bool takes_tcp, takes_udp;
	void (*write)(void *context, const struct coalesce_run *run);
	void *context;
	struct coalesce_run runs[COALESCE_FLOWS];
	uint32_t oldest; /* the place to be taken next when all are taken */
};

struct coalesce_super { /* a run as the TUN takes it */
	struct {
		struct virtio_net_hdr virtio;
		uint8_t packet[COALESCE_HEADERS_MAX];
	} headers;
	struct iovec parts[1 + COALESCE_SEGMENTS_MAX];
	int part_count;
};

/* Which kinds are merged; `write` gets the runs, of one packet or more. */
void coalesce_init(struct coalesce *coalesce, bool takes_tcp, bool takes_udp,
	void (*write)(void *context, const struct coalesce_run *run), void *context);

/*
 * A packet, which by its header has `len` (> 0) bytes. It stays the caller's, and
 * unchanged until coalesce_flush. Writes what cannot grow any more.
 */
void coalesce_add(struct coalesce *coalesce, uint8_t *packet, uint32_t len);

/* Writes all that is left. */
void coalesce_flush(struct coalesce *coalesce);

/* Of a run of two packets or more; points into `super` and the run's packets. */
void coalesce_build(struct coalesce_super *super, const struct coalesce_run *run);

#endif

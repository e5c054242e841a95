/*
 * The outer sockets: bound to any address of both families, or to those that are
 * wanted, all on one port. Each place has one for data and one for handshakes, so
 * that a flood of handshakes fills no queue but its own. The kernel tells them
 * apart by the first byte; every socket takes every message all the same.
 * Datagrams come in and go out as bursts. The sender's address, the local address
 * that it hit and the TOS byte travel with a burst. Where the kernel can, one call
 * takes or gives what would be many (UDP_GRO, UDP_SEGMENT). Sockets never block.
 *
 *   udp_open.c   their life      udp.c   what comes in      udp_send.c   what goes out
 */
#ifndef ADIT_IO_UDP_H
#define ADIT_IO_UDP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/burst.h"
#include "peer/endpoint.h"

#define UDP_PORT_TRIES	100	  /* random ports tried until one is free at all places */
#define UDP_BUFFER_SIZE (4 << 20) /* bytes asked for the kernel's queues */

#define UDP_PLACES_MAX	8
#define UDP_SOCKETS_MAX (2 * UDP_PLACES_MAX)

struct udp_place {		   /* where a pair of sockets is bound */
	struct ip_address address; /* only zeros: any of its family */
	uint32_t ifindex;	   /* of the only device it uses; 0: any */
};

struct udp_pair {
	int data, handshakes; /* -1: handshakes have none of their own, data's is theirs too */
};

struct udp_sockets {
	union { /* the first `count` pairs */
		struct udp_pair pairs[UDP_PLACES_MAX];
		int all[UDP_SOCKETS_MAX]; /* those of data, which are always there, are even */
	};
	struct udp_place places[UDP_PLACES_MAX];
	uint32_t count; /* 0: no sockets */
	uint16_t port;
	int steer_error;  /* why handshakes have no socket of their own, -errno; 0: they have */
	bool can_segment; /* see udp_set_offload */
};

#define UDP_NO_SOCKETS ((struct udp_sockets){.count = 0})

enum udp_families { UDP_V4 = 1, UDP_V6 = 2, UDP_DUAL = UDP_V4 | UDP_V6 };

/*
 * Opens and binds to `port` (0: a random one, the same in both families) of any
 * address. A family that the system has not got is left out; none at all is an
 * error. Where the kernel does not tell handshakes from data both share a socket,
 * see steer_error. The caller owns the sockets. 0 or -errno (-EADDRINUSE: the port
 * is taken); then *sockets is as it was.
 */
int udp_open(struct udp_sockets *sockets, uint16_t port, enum udp_families families);

/* What is wanted. Names of devices, because a device that comes again has another index. */
struct udp_wishes {
	struct {
		struct ip_address address;
		char zone[IFNAMSIZ]; /* the device of a link-local address; "": none */
	} places[UDP_PLACES_MAX];
	uint32_t count;	       /* 0: any address, of both families */
	char device[IFNAMSIZ]; /* the only one to be used, or a VRF; "": any */
};

/*
 * The same at the places that are wanted: all of them, or none. On failure *failed is the
 * index of the first that cannot be had. -EADDRNOTAVAIL: the machine has not got the
 * address; -ENODEV: nor the device.
 */
int udp_open_at(struct udp_sockets *sockets, uint16_t port, const struct udp_wishes *wishes,
	uint32_t *failed);

/*
 * Listens where `wishes` say from now on, at the same port and with `mark`, which places
 * that stay have already: they keep their sockets. 0, or -errno and *failed as above (past
 * the last one: the mark): all stays as it was.
 */
int udp_move(struct udp_sockets *sockets, const struct udp_wishes *wishes, uint32_t mark,
	uint32_t *failed);

/*
 * A socket is bound to a device, not to its name. Where a device of that name has come
 * anew, binds again, to the same port and with `mark`. 1: some sockets are others now; 0: nothing
 * to do; -errno: all stays as it was.
 */
int udp_renew(struct udp_sockets *sockets, const struct udp_wishes *wishes, uint32_t mark);

/* Closes what is open; safe to repeat. */
void udp_close(struct udp_sockets *sockets);

/* Sets SO_MARK (0: none); needs no privilege where nothing changes. 0 or -errno. */
int udp_set_mark(const struct udp_sockets *sockets, uint32_t mark);

/*
 * Whether many datagrams come in by one call and go out by one, as far as this
 * kernel can. New sockets do without.
 */
void udp_set_offload(struct udp_sockets *sockets, bool is_on);

/*
 * Receives datagrams of one sender with one TOS; sets stride, count, len and
 * tos, and *from with the local address as its source. The burst stays the
 * caller's; with offload it must be of BURST_LARGE, and holds messages of any type:
 * a handshake may come behind data. Returns how many came: what is more than
 * BURST_PACKETS_MAX, which no known kernel merges, is not in the burst and lost. Or
 * -EAGAIN: nothing there; -EMSGSIZE: it was larger than the burst and is lost;
 * other -errno.
 */
int udp_receive_burst(int fd, struct burst *burst, struct endpoint *from);

struct udp_progress {	    /* all zero before the first call for a burst */
	uint32_t next;	    /* the first datagram that was not handed over yet */
	uint32_t refused;   /* datagrams that the kernel would not take */
	int error;	    /* of the last one refused, -errno */
	uint32_t way;	    /* how many ways out have failed for this burst */
	int full;	    /* with -EAGAIN: the socket */
	bool source_failed; /* the cached source address is stale: tell the device */
	bool is_plain;	    /* one by one, also where the sockets can do better */
	/* Datagrams went one by one after all: of `segment_len` bytes, why: -errno. */
	int segment_error;
	uint32_t segment_len; /* without an error: of the longest that went together; 0: none */
};

/*
 * Sends the datagrams of a burst from progress->next on; the burst stays the
 * caller's. Neighbours of one length, and a shorter one behind them, go together
 * where the sockets can; what is then refused for a reason that may be that
 * (demotion.h) goes one by one at once. Leaves from to->source when that is set; when the kernel
 * will not, from another address that we may use. Returns 0: done, see *progress; -EAGAIN: call
 * again with the same *progress once the socket progress->full is writable. A handshake message on
 * a socket of handshakes never waits: it is refused.
 */
int udp_send_burst(const struct udp_sockets *sockets, const struct burst *burst,
	const struct endpoint *to, bool is_handshake, struct udp_progress *progress);

/*
 * The socket to try first: the one at to->source, else the first in the order of
 * places that can reach this endpoint; -1: none can.
 */
int udp_socket_to(const struct udp_sockets *sockets, const struct endpoint *to, bool is_handshake);

#endif

/*
 * The outer sockets: one for IPv4 and one for IPv6 on the same port, datagrams
 * in and out as bursts. The sender's address, the local address that it hit and
 * the TOS byte travel with a burst. How many datagrams one receive gives is
 * decided here: one today. Sockets never block.
 */
#ifndef ADIT_IO_UDP_H
#define ADIT_IO_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/burst.h"
#include "peer/endpoint.h"

#define UDP_PORT_TRIES	  100	    /* random ports tried until one is free in both families */
#define UDP_BUFFER_SIZE	  (4 << 20) /* bytes asked for the kernel's queues */
#define UDP_HANDSHAKE_TOS 0x88	    /* AF41 [kernel] */

struct udp_sockets {
	int v4, v6; /* -1: this family is not there */
	uint16_t port;
};

enum udp_families { UDP_V4 = 1, UDP_V6 = 2, UDP_DUAL = UDP_V4 | UDP_V6 };

/*
 * Opens and binds to `port` (0: a random one, the same in both families). A
 * family that the system has not got is left out; none at all is an error. The
 * caller owns the sockets. 0 or -errno (-EADDRINUSE: the port is taken).
 */
int udp_open(struct udp_sockets *sockets, uint16_t port, enum udp_families families);

/* Closes what is open and sets -1; safe to repeat. */
void udp_close(struct udp_sockets *sockets);

/* Sets SO_MARK (0: none); needs no privilege where nothing changes. 0 or -errno. */
int udp_set_mark(const struct udp_sockets *sockets, uint32_t mark);

/*
 * Receives datagrams of one sender with one TOS; sets stride, count, len and
 * tos, and *from with the local address as its source. The burst stays the
 * caller's. Returns the count, or -EAGAIN: nothing there; -EMSGSIZE: it was
 * larger than the burst and is lost; other -errno.
 */
int udp_receive_burst(int fd, struct burst *burst, struct endpoint *from);

struct udp_progress {	    /* all zero before the first call for a burst */
	uint32_t next;	    /* the first datagram that was not handed over yet */
	uint32_t refused;   /* datagrams that the kernel would not take */
	int error;	    /* of the last one refused, -errno */
	bool source_failed; /* the cached source address is stale: tell the device */
};

/*
 * Sends the datagrams of a burst from progress->next on; the burst stays the
 * caller's. Leaves from to->source when that is set; when the kernel will not,
 * from any address. Returns 0: done, see *progress; -EAGAIN: call again with the
 * same *progress once the socket udp_socket_to(to) is writable.
 */
int udp_send_burst(const struct udp_sockets *sockets, const struct burst *burst,
	const struct endpoint *to, bool is_handshake, struct udp_progress *progress);

/* The socket that reaches this endpoint; -1: its family is not there. */
int udp_socket_to(const struct udp_sockets *sockets, const struct endpoint *to);

#endif

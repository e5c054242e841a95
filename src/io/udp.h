/*
 * The outer sockets: for IPv4 and for IPv6, on the same port, one for data and one
 * for handshakes, so that a flood of handshakes fills no queue but its own. The
 * kernel tells them apart by the first byte; every socket takes every message all
 * the same. Datagrams come in and go out as bursts. The sender's address, the
 * local address that it hit and the TOS byte travel with a burst. How many
 * datagrams one receive gives is decided here: one today. Sockets never block.
 */
#ifndef ADIT_IO_UDP_H
#define ADIT_IO_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/burst.h"
#include "peer/endpoint.h"

#define UDP_PORT_TRIES	100	  /* random ports tried until one is free in both families */
#define UDP_BUFFER_SIZE (4 << 20) /* bytes asked for the kernel's queues */

#define UDP_SOCKETS_MAX 4

struct udp_sockets {
	union {
		/* -1: not there. Where handshakes have none of their own, data's is theirs too. */
		struct {
			int v4, v6, handshake_v4, handshake_v6;
		};
		int all[UDP_SOCKETS_MAX];
	};
	uint16_t port;
	int steer_error; /* why handshakes have no socket of their own, -errno; 0: they have */
};

#define UDP_NO_SOCKETS ((struct udp_sockets){.all = {-1, -1, -1, -1}})

enum udp_families { UDP_V4 = 1, UDP_V6 = 2, UDP_DUAL = UDP_V4 | UDP_V6 };

/*
 * Opens and binds to `port` (0: a random one, the same in both families). A
 * family that the system has not got is left out; none at all is an error. Where
 * the kernel does not tell handshakes from data both share a socket, see
 * steer_error. The caller owns the sockets. 0 or -errno (-EADDRINUSE: the port is
 * taken).
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
 * same *progress once the socket udp_socket_to(to, is_handshake) is writable. A
 * handshake message on a socket of handshakes never waits: it is refused.
 */
int udp_send_burst(const struct udp_sockets *sockets, const struct burst *burst,
	const struct endpoint *to, bool is_handshake, struct udp_progress *progress);

/* The socket that reaches this endpoint; -1: its family is not there. */
int udp_socket_to(const struct udp_sockets *sockets, const struct endpoint *to, bool is_handshake);

#endif

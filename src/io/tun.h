/*
 * The TUN device: create it, read inner packets as bursts, write bursts. How many
 * packets one call gives or takes is decided here: with virtio-net headers the kernel
 * hands over super-packets and takes them, see segment.h and coalesce.h, without
 * them one packet at a time. Where the kernel knows less, less is used. One thread
 * reads and one writes at a time; they may be two.
 */
#ifndef ADIT_IO_TUN_H
#define ADIT_IO_TUN_H

#include <net/if.h>
#include <stdbool.h>

#include "base/burst.h"
#include "base/nanos.h"
#include "io/coalesce.h"
#include "io/segment.h"

#define TUN_PACKET_MAX	(40 + 65535)		/* bytes: the longest that IPv6 knows */
#define TUN_RETRY_AFTER (60 * NANOS_PER_SECOND) /* until super-packets are tried again */

/* What the kernel may leave to us, TUN_F_*; USO needs Linux 6.2. */
#define TUN_OFFLOADS_USO ((unsigned)(TUN_F_USO4 | TUN_F_USO6))
#define TUN_OFFLOADS_TSO ((unsigned)(TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN))
#define TUN_OFFLOADS	 (TUN_F_CSUM | TUN_OFFLOADS_TSO | TUN_OFFLOADS_USO)

#define TUN_QUEUE_LEN 50 /* packets; the kernel's 500 let a loaded link wait for seconds */

/* 1..15 bytes, printable ASCII without blank, '/', ':' and '%'; not "." or "..". */
bool tun_name_is_valid(const char *name);

struct tun {
	int fd;		   /* the caller's */
	bool has_headers;  /* virtio-net's, before each packet */
	unsigned offloads; /* that the kernel has accepted */

	/* who reads */
	struct segment rest; /* of the packet read last, points into `bytes` */
	int error;	     /* met behind packets that had to be handed over first; 0: none */
	bool is_drained;     /* the last call has found the end of what was there */
	uint8_t unused[6];   /* so that the packet is aligned */
	/* the kernel's header and the packet; one more, to see that it is too long */
	uint8_t bytes[VIRTIO_HEADER_LEN + TUN_PACKET_MAX + 1];

	/* who writes */
	nanos single_until; /* super-packets were refused: none before this time */
	nanos now;
	uint32_t refused;
	struct coalesce coalesce;
};

/*
 * Creates the device `name`, which must not exist and lives until the descriptor
 * is closed, with a queue of TUN_QUEUE_LEN packets and virtio-net headers. The
 * descriptor does not block. -errno: tun_explain words it.
 */
int tun_create(const char *name);

/*
 * Makes a TUN that somebody else has opened usable: not blocking, closed on exec;
 * fills its name. With or without virtio-net headers. -EINVAL: its descriptor is of
 * something else; -EBADFD: it has no interface (yet, or any more); -EPROTOTYPE: its
 * interface is a TAP. Or another -errno. That it was opened with IFF_NO_PI cannot be
 * checked.
 */
int tun_adopt(int fd, char name[static IFNAMSIZ]);

/*
 * Begins to use the descriptor, which stays the caller's, of a TUN created or adopted,
 * with all offloads that there are. What is no TUN (any more) counts as one without
 * headers: to read from it fails, or gives packets.
 */
void tun_open(struct tun *tun, int fd);

/*
 * Which of TUN_OFFLOADS may be used from now on; 0: none. Super-packets that wait in
 * the kernel's queue still come as such. Returns what the kernel has accepted of it.
 */
unsigned tun_use_offloads(struct tun *tun, unsigned wanted);

/* What to do about an error of tun_create: "load it with: modprobe tun", ... */
const char *tun_explain(int error);

/* The name it has now (it may have been renamed). 0 or -errno. */
int tun_name(int fd, char name[static IFNAMSIZ]);

/*
 * Reads what the TUN has next: packets that share destination, TOS and protocol, in
 * slots as long as the sealed packets, as many as are there; waits for none. `mtu` is
 * the device's, which bounds the padding. Sets stride, count and len; the burst stays the
 * caller's, of BURST_LARGE when the MTU does not fit into BURST_SMALL. Returns the count,
 * or -EAGAIN: nothing there; -EMSGSIZE: a packet was larger than the burst, -EPROTO:
 * the kernel's header does not fit it, and it is lost; -EBADFD, -EIO and others: the
 * device is gone.
 */
int tun_read_burst(struct tun *tun, struct burst *burst, uint32_t mtu);

/*
 * Writes every packet that is not empty of a list of bursts (linked by `next`); they stay
 * the caller's and are plaintext; what lies in the headroom of their slots is lost.
 * Packets of a flow that follow each other go in one call. Returns how many packets
 * the kernel refused.
 */
uint32_t tun_write_bursts(struct tun *tun, const struct burst *first, nanos now);

#endif

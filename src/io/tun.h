/*
 * The TUN device: create it, read inner packets as bursts, write bursts. How
 * many packets one read gives is decided here: today one, and a super-packet
 * with a virtio-net header later, without a change for the caller. Owns nothing.
 */
#ifndef ADIT_IO_TUN_H
#define ADIT_IO_TUN_H

#include <net/if.h>
#include <stdbool.h>

#include "base/burst.h"

#define TUN_QUEUE_LEN 50 /* packets; the kernel's 500 let a loaded link wait for seconds */

/* 1..15 bytes, printable ASCII without blank, '/', ':' and '%'; not "." or "..". */
bool tun_name_is_valid(const char *name);

/*
 * Creates the device `name`, which must not exist and lives until the descriptor
 * is closed, with a queue of TUN_QUEUE_LEN packets. The descriptor does not
 * block. -errno: tun_explain words it.
 */
int tun_create(const char *name);

/*
 * Makes a TUN that somebody else has opened usable: not blocking, closed on exec;
 * fills its name. -EINVAL: its descriptor is of something else; -EBADFD: it has no
 * interface (yet, or any more); -EPROTOTYPE: its interface is a TAP, or has
 * virtio-net headers. Or another -errno. That it was opened with IFF_NO_PI cannot be
 * checked.
 */
int tun_adopt(int fd, char name[static IFNAMSIZ]);

/* What to do about an error of tun_create: "load it with: modprobe tun", ... */
const char *tun_explain(int error);

/* The name it has now (it may have been renamed). 0 or -errno. */
int tun_name(int fd, char name[static IFNAMSIZ]);

/*
 * Reads what the TUN has next: packets that share destination and TOS, at the
 * headroom of their slots; sets stride, count and len. The burst stays the
 * caller's, and is of BURST_LARGE when the MTU does not fit into BURST_SMALL.
 * Returns the count, or -EAGAIN: nothing there; -EMSGSIZE: the packet was larger
 * than the burst and is lost; -EBADFD, -EIO and others: the device is gone.
 */
int tun_read_burst(int fd, struct burst *burst);

/*
 * Writes every packet that is not empty; the burst stays the caller's and is
 * plaintext. Returns how many the kernel refused.
 */
uint32_t tun_write_burst(int fd, const struct burst *burst);

#endif

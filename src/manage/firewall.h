/*
 * The packet filter of a tunnel that carries the default route, as wg-quick(8) has
 * it, in an nftables table of its own, "inet adit-IFNAME":
 *   - a packet to an address of ours that did not come in through the tunnel, nor
 *     from this machine, is dropped: else whoever shares our network could probe
 *     what goes on inside;
 *   - our outer UDP packets leave their mark with their connection, and those that
 *     come back get it again, so that a reverse path filter takes the same table.
 * The table also remembers, in its comment, what adit has to find again after it
 * was killed.
 */
#ifndef ADIT_MANAGE_FIREWALL_H
#define ADIT_MANAGE_FIREWALL_H

#include <stddef.h>

#include "manage/firewall_batch.h"
#include "manage/netlink_socket.h"

#define FIREWALL_RECORDS_MAX 256 /* tables of ours that a listing takes in */

/*
 * Sets the table, or replaces it, in one transaction: there is no moment without
 * one. 0 or -errno; netlink_explain on `n`, which is used for nothing else, has
 * words that say what the kernel lacks.
 */
int firewall_set(struct netlink *n, const struct firewall *firewall);

/* -ENOENT: there is none. */
int firewall_remove(struct netlink *n, const char *interface);

/*
 * All tables of adit's in this namespace; *count of them, none where the kernel has
 * no nftables. 0 or -errno.
 */
int firewall_list(
	struct netlink *n, struct firewall_record out[static FIREWALL_RECORDS_MAX], size_t *count);

#endif

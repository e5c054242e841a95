/*
 * The packet filter's table of a tunnel, as the netlink messages that make it in one
 * transaction. Built, not sent; what the table is for: manage/firewall.h.
 */
#ifndef ADIT_MANAGE_FIREWALL_BATCH_H
#define ADIT_MANAGE_FIREWALL_BATCH_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

#define FIREWALL_NAME_MAX    24	 /* "adit-" and an interface's name, the end included */
#define FIREWALL_COMMENT_MAX 128 /* NFTNL_UDATA_COMMENT_MAXLEN */

/* What the comment of a table says. */
struct firewall_record {
	char interface[IFNAMSIZ];
	uint32_t mark;	      /* and routing table */
	bool has_source_mark; /* src_valid_mark was set by adit */
};

struct firewall {
	struct firewall_record record;
	const struct ip_prefix *addresses; /* to protect; their lengths do not matter */
	size_t address_count;
};

/* What a message is about, for telling what the kernel does not know. */
enum firewall_part {
	FIREWALL_BATCH, /* its beginning or end */
	FIREWALL_TABLE,
	FIREWALL_CHAIN,
	FIREWALL_SPOOF, /* the rule about sources */
	FIREWALL_MARK,	/* a rule about marks */
};

struct firewall_batch {
	char *bytes;
	size_t len, last;	   /* of all; where the latest message begins */
	enum firewall_part *parts; /* by sequence number */
	uint32_t count;		   /* of messages; the last but one asks for an answer */
	bool has_failed;	   /* no memory */
};

/* The table and all in it, in place of one that may be there. false: no memory. */
bool firewall_batch_set(struct firewall_batch *batch, const struct firewall *firewall);
bool firewall_batch_remove(struct firewall_batch *batch, const char *interface);
void firewall_batch_wipe(struct firewall_batch *batch);

void firewall_write_name(char name[static FIREWALL_NAME_MAX], const char *interface);

/* The comment as the table's user data, and back; false: it is not one of ours. */
size_t firewall_write_comment(
	uint8_t out[static FIREWALL_COMMENT_MAX], const struct firewall_record *record);
bool firewall_read_comment(struct firewall_record *record, const uint8_t *data, size_t len);

#endif

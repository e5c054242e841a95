/*
 * What should be different: a neutral description that the config file and the
 * control socket both fill and the device applies. Absent members leave things
 * as they are. Owns its arrays; holds keys, so wipe it.
 */
#ifndef ADIT_DEVICE_CHANGE_H
#define ADIT_DEVICE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "crypto/dh.h"
#include "peer/endpoint.h"

#define CHANGE_PEERS_MAX       (1u << 18) /* entries: a peer may be removed and added again */
#define CHANGE_ALLOWED_IPS_MAX (1u << 20) /* of one entry */

/* What PostQuantum says: whether the key exchange with a peer is hybrid. */
enum post_quantum {
	POST_QUANTUM_DEFAULT, /* of a peer: as the interface. Of the interface: off */
	POST_QUANTUM_OFF,     /* never */
	POST_QUANTUM_REQUIRE, /* always: nothing else is sent or accepted */
};

struct change_allowed_ip {
	struct ip_prefix prefix; /* host bits zero */
	bool remove;
};

struct change_peer {
	struct public_key public_key;
	bool remove, update_only, replace_allowed_ips;
	bool has_preshared_key, has_endpoint, has_keepalive, has_post_quantum;
	struct preshared_key preshared_key; /* all zero removes */
	struct endpoint endpoint;
	uint16_t keepalive_seconds; /* 0: off */
	enum post_quantum post_quantum;
	struct change_allowed_ip *allowed_ips;
	size_t allowed_ip_count, allowed_ip_capacity;
};

struct change {
	bool has_private_key, has_listen_port, has_fwmark, has_post_quantum, replace_peers;
	struct private_key private_key; /* all zero removes */
	uint16_t listen_port;		/* 0: any. For io/, the device ignores it */
	uint32_t fwmark;		/* 0: none. For io/, the device ignores it */
	enum post_quantum post_quantum; /* the default of peers of whom nothing is said */
	struct change_peer *peers;	/* applied in order */
	size_t peer_count, peer_capacity;
};

void change_init(struct change *change);

/* Wipes and frees all; it is then as after change_init. */
void change_wipe(struct change *change);

/* A new, empty peer entry at the end, valid until the next call; NULL: no memory, or full. */
struct change_peer *change_add_peer(struct change *change, const struct public_key *key);

/* false: no memory, or full. */
bool change_peer_add_allowed_ip(
	struct change_peer *peer, const struct ip_prefix *prefix, bool remove);

#endif

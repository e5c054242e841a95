/*
 * The answer to get=1 as a client sees it: what an interface is doing, with its
 * keys. Peers stand in the order of the answer. How it is written for people and
 * for programs is in view_print.h; who would get a packet, in view_route.h.
 *
 * Holds the private and the preshared keys, in their types: view_wipe overwrites
 * them, and no other copy is left behind. Whoever writes a view out decides
 * whether they are shown. Owns its arrays.
 */
#ifndef ADIT_TEXT_VIEW_H
#define ADIT_TEXT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "crypto/dh.h"
#include "device/change.h"
#include "noise/wire.h"
#include "peer/drop.h"
#include "peer/endpoint.h"

struct view_peer {
	struct public_key public_key;
	bool has_preshared_key;
	struct preshared_key preshared_key;	/* zero without one */
	struct endpoint endpoint;		/* IP_NONE: unknown */
	uint64_t handshake_sec, handshake_nsec; /* of the latest, since the epoch; 0: never */
	uint64_t tx_bytes, rx_bytes;
	uint16_t keepalive_seconds;	/* 0: off */
	enum post_quantum post_quantum; /* what was said of it */
	bool has_key_exchange; /* there is a session, and the answer tells its key exchange */
	enum key_exchange key_exchange;
	struct ip_prefix *allowed_ips; /* in the order of the answer */
	size_t allowed_ip_count, allowed_ip_capacity;
	struct drop_counters drops;
};

struct view {
	bool has_private_key;
	struct private_key private_key; /* zero without one */
	struct public_key public_key;	/* from the private key */
	uint16_t listen_port;		/* 0: none */
	uint32_t fwmark;		/* 0: none */
	enum post_quantum post_quantum; /* the default of its peers */
	struct drop_counters drops;	/* those of peers included */
	struct view_peer *peers;	/* in the order of the answer */
	size_t peer_count, peer_capacity;
	int error; /* errno of the answer, positive */
};

/*
 * Overwrites `view`, which view_wipe must free whatever the outcome. Keys that it
 * does not know are skipped. false: no memory, or not a whole answer to get=1.
 * `text` holds keys: the caller wipes it.
 */
bool view_parse(struct view *view, const char *text, size_t len);

/* What holds with the peer, by what was said of it or else of the interface. */
static inline bool view_requires_post_quantum(const struct view *view, const struct view_peer *peer)
{
	enum post_quantum said = peer->post_quantum;
	return (said == POST_QUANTUM_DEFAULT ? view->post_quantum : said) == POST_QUANTUM_REQUIRE;
}

/* Wipes and frees; it is then empty. */
void view_wipe(struct view *view);

#endif

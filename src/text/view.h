/*
 * The answer to get=1 as a client sees it, and how `adit show` prints it: as
 * wg(8) does, or what was dropped and why. Of secret keys it keeps only whether
 * there is one.
 */
#ifndef ADIT_TEXT_VIEW_H
#define ADIT_TEXT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "crypto/dh.h"
#include "peer/drop.h"
#include "peer/endpoint.h"
#include "text/out.h"

struct view_peer {
	struct public_key public_key;
	bool has_preshared_key;
	struct endpoint endpoint;		/* IP_NONE: unknown */
	uint64_t handshake_sec, handshake_nsec; /* of the latest, since the epoch; 0: never */
	uint64_t tx_bytes, rx_bytes;
	uint16_t keepalive_seconds; /* 0: off */
	struct ip_prefix *allowed_ips;
	size_t allowed_ip_count, allowed_ip_capacity;
	struct drop_counters drops;
};

struct view {
	bool has_key;
	struct public_key public_key; /* from the private key */
	uint16_t listen_port;	      /* 0: none */
	uint32_t fwmark;	      /* 0: none */
	struct drop_counters drops;   /* those of peers included */
	struct view_peer *peers;      /* as wg(8) sorts them: the latest handshake first */
	size_t peer_count, peer_capacity;
	int error; /* errno of the answer, positive */
};

/*
 * Overwrites `view`, which view_wipe must free whatever the outcome. Keys that it
 * does not know are skipped. false: no memory, or not a whole answer to get=1.
 * `text` holds keys: the caller wipes it.
 */
bool view_parse(struct view *view, const char *text, size_t len);

/* Frees; it is then empty. */
void view_wipe(struct view *view);

/* The layout of `wg show NAME`, without colours. `now` in seconds since the epoch. */
void view_render_pretty(
	struct out *out, const struct view *view, const char *interface_name, uint64_t now);

/* A table of what was dropped, how often and why, for the interface and each peer. */
void view_render_drops(struct out *out, const struct view *view, const char *interface_name);

#endif

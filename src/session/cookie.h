/*
 * Cookies [WP 5.4.7]: a proof, under load, that a sender receives at the address
 * it sends from. The baker makes them from a secret that changes every 120 s and
 * keeps nothing per sender; the jar is where a peer's latest one waits to be used.
 */
#ifndef ADIT_SESSION_COOKIE_H
#define ADIT_SESSION_COOKIE_H

#include "base/ip.h"
#include "base/nanos.h"
#include "noise/macs.h"

struct cookie_baker {
	uint8_t secret[HASH_LEN];
	nanos secret_birth; /* NANOS_NEVER: there is no secret yet */
};

void cookie_baker_init(struct cookie_baker *baker);

/* The cookie of this address and port at this time; renews the secret when it is old. */
struct mac_value cookie_bake(struct cookie_baker *baker, const struct ip_address *address,
	uint16_t port, nanos boottime, const struct rng *rng);

struct cookie_jar { /* all zero but `birth` at first */
	struct mac_value cookie;
	nanos birth;		    /* NANOS_NEVER: none */
	struct mac_value last_mac1; /* of what we sent last: what a reply must answer */
	bool awaits_reply;	    /* one message brings one cookie */
};

void cookie_jar_init(struct cookie_jar *jar);

/* Sets mac2 while there is a cookie that the peer still accepts; remembers mac1. */
void cookie_jar_seal(struct cookie_jar *jar, void *message, size_t len, nanos boottime);

/* Takes the cookie of a reply to our last message. false: forged or unexpected. */
bool cookie_jar_take(struct cookie_jar *jar, const struct message_cookie_reply *reply,
	const struct macs_keys *them, nanos boottime);

#endif

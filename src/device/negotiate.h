/*
 * Handshakes as the device drives them: when one begins, what a message of one
 * does to the peer. The cryptography is in noise/, the timers in peer/. What is
 * to be sent afterwards (staged packets, a keepalive) is the caller's business.
 */
#ifndef ADIT_DEVICE_NEGOTIATE_H
#define ADIT_DEVICE_NEGOTIATE_H

#include "device/state.h"

struct datagram { /* one message from the network, still untrusted */
	const uint8_t *bytes;
	uint32_t len;
	const struct endpoint *from;
};

/*
 * A session with the peer is wanted. Begins an attempt unless one is under way;
 * sends an initiation now or as soon as Rekey-Timeout allows.
 */
void negotiate_begin(struct device *d, struct peer *peer, const struct now *now);

/* The retry timer was due: sends the initiation again, or gives up. */
void negotiate_retry(struct device *d, struct peer *peer, const struct now *now);

/*
 * A message of the right length for its type, mac1 not yet checked. Answers an
 * initiation. Drops and counts what is not acceptable.
 */
void negotiate_on_initiation(
	struct device *d, const struct datagram *datagram, const struct now *now);

/* The peer with whom a session is now ready for sending, or NULL. */
struct peer *negotiate_on_response(
	struct device *d, const struct datagram *datagram, const struct now *now);

/* The peer used the session that we answered: the handshake is complete on our side too. */
void negotiate_on_confirmation(struct device *d, struct peer *peer, const struct now *now);

/* An authentic packet came from there: answers go there from now on. */
void negotiate_learn_endpoint(struct device *d, struct peer *peer, const struct endpoint *from);

#endif

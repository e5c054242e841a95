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
 * sends an initiation now or as soon as Rekey-Timeout allows. Where none is possible
 * (no private key, a peer's key of low order) what waits for it is dropped.
 */
void negotiate_begin(struct device *d, struct peer *peer, const struct now *now);

/* The retry timer was due: sends the initiation again, or gives up. */
void negotiate_retry(struct device *d, struct peer *peer, const struct now *now);

/* A grant of stamps came: sends the initiation that waited for it, if one did. */
void negotiate_resume(struct device *d, struct peer *peer, const struct now *now);

/* Drops and counts the message, and tells why. `peer` is NULL where it is not known. */
void negotiate_refuse(struct device *d, struct peer *peer, const struct datagram *datagram,
	enum drop_reason reason);

/*
 * The messages: of the right length for their type; initiation and response with a
 * valid mac1, and we have a key. What is not acceptable is dropped and counted.
 * true: the initiation was the peer's, and new.
 */
bool negotiate_on_initiation(
	struct device *d, const struct datagram *datagram, const struct now *now);

/* The peer with whom a session is now ready for sending, or NULL. */
struct peer *negotiate_on_response(
	struct device *d, const struct datagram *datagram, const struct now *now);

void negotiate_on_cookie_reply(
	struct device *d, const struct datagram *datagram, const struct now *now);

/* Answers an initiation or response with a cookie instead of processing it. */
void negotiate_send_cookie(
	struct device *d, const struct datagram *datagram, const struct mac_value *cookie);

/* The peer used the session that we answered: the handshake is complete on our side too. */
void negotiate_on_confirmation(struct device *d, struct peer *peer, const struct now *now);

/* An authentic packet came from there: answers go there from now on. */
void negotiate_learn_endpoint(struct device *d, struct peer *peer, const struct endpoint *from);

#endif

#include "io/narrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io/log.h"
#include "noise/limits.h"
#include "text/addrtext.h"
#include "text/keytext.h"

struct names { /* a peer and where it is, ready for a line */
	char peer[KEYTEXT_BASE64_LEN + 1];
	char endpoint[ADDRTEXT_ENDPOINT_MAX];
};

/* Of IP and UDP, before a datagram. */
static uint32_t header_len(const struct endpoint *to)
{
	return to->address.family == IP_V4 ? 20 + 8 : 40 + 8;
}

/* Keys are told apart by their first characters: "AbCdEfGh..." */
#define SHORT_KEY_LEN 8

static struct names name(const struct public_key *peer, const struct endpoint *endpoint)
{
	struct names names = {.endpoint = "(unknown)"};
	keytext_write_base64(names.peer, peer->bytes);
	strcpy(names.peer + SHORT_KEY_LEN, "...");
	if (endpoint->address.family != IP_NONE)
		addrtext_write_endpoint(names.endpoint, endpoint);
	return names;
}

/* Whether one more line is all right; the first of a new minute tells what was kept back. */
static bool may_speak(struct narrator_share *share, nanos boottime)
{
	if (nanos_since(boottime, share->minute_began) >= 60 * NANOS_PER_SECOND) {
		if (share->suppressed)
			log_info("%u more such messages in the last minutes", share->suppressed);
		*share = (struct narrator_share){.minute_began = boottime};
	}
	if (share->lines < NARRATE_LINES_PER_MINUTE) {
		share->lines++;
		return true;
	}
	share->suppressed++;
	return false;
}

/* A claim to be a peer that was not proved is a stranger's. */
static struct narrator_share *share_of(struct narrator *narrator, const struct event *event)
{
	bool is_proved = event->has_peer && event->reason != DROP_INITIATION_FORGED &&
			 event->reason != DROP_CLASSICAL && event->reason != DROP_HYBRID;
	return is_proved ? &narrator->peers : &narrator->strangers;
}

/* Asked before anything is composed: under a flood that is most of the work. */
static bool is_told(struct narrator *narrator, const struct event *event, nanos boottime)
{
	switch (event->kind) {
	case EVENT_SESSION: break;
	case EVENT_NO_ANSWER: return may_speak(&narrator->unanswered, boottime);
	case EVENT_GAVE_UP: return may_speak(&narrator->given_up, boottime);
	case EVENT_KEYS_ERASED:
	case EVENT_ENDPOINT_MOVED: return log_is_on(LEVEL_VERBOSE);
	case EVENT_NO_ENDPOINT: return may_speak(&narrator->peers, boottime);
	case EVENT_REFUSED: return may_speak(share_of(narrator, event), boottime);
	}
	return true;
}

/* Why a handshake message was not accepted, and what the reader may look at. */
static const char *advise(enum drop_reason reason)
{
	switch (reason) {
	case DROP_MAC1: return "it was made for another public key than ours";
	case DROP_RESPONSE_FORGED:
		return "it does not decrypt: do both ends have the same PresharedKey?";
	case DROP_CLASSICAL:
		return "it is x25519 alone, and PostQuantum is \"require\" here: it must be at "
		       "the other end too, which must be adit";
	case DROP_HYBRID:
		return "it is post-quantum, and PostQuantum is \"off\" here: expected the same at "
		       "both ends";
	case DROP_NO_KEY: return "this interface has no private key";
	default: return drop_reason_meaning(reason);
	}
}

#define TIME_TEXT_MAX 64

/* "2026-01-02 03:04:05.678 UTC" */
static void write_time(char out[static TIME_TEXT_MAX], const struct tai64n *stamp)
{
	nanos realtime = tai64n_to_realtime(stamp);
	time_t seconds = (time_t)(realtime / NANOS_PER_SECOND);
	struct tm utc;
	size_t len = strftime(out, TIME_TEXT_MAX, "%F %T", gmtime_r(&seconds, &utc));
	snprintf(out + len, TIME_TEXT_MAX - len, ".%03u UTC",
		(unsigned)(realtime % NANOS_PER_SECOND / NANOS_PER_MS));
}

/* Both stamps: whose clock is wrong can only be told with them. */
static void narrate_stale_stamp(const struct event *event, const struct names *names)
{
	char stamp[TIME_TEXT_MAX], latest[TIME_TEXT_MAX];
	write_time(stamp, &event->stamp);
	write_time(latest, &event->latest_stamp);
	log_info("peer %s: handshake initiation from %s refused: its time, %s, is not after that "
		 "of the last one, %s: %s",
		names->peer, names->endpoint, stamp, latest,
		tai64n_is_after(&event->latest_stamp, &event->stamp)
			? "an old message sent again, or the peer's clock was set back; then it is "
			  "refused until its clock is past that, or the peer is removed here and "
			  "added again"
			: "the same message once more");
}

/* The whole key: it is what a [Peer] here would need. */
static void narrate_stranger(const struct event *event, const struct names *names)
{
	char key[KEYTEXT_BASE64_LEN + 1];
	keytext_write_base64(key, event->peer.bytes);
	log_info("handshake initiation from %s refused: its public key, %s, is not among our peers",
		names->endpoint, key);
}

static void narrate_refusal(const struct event *event, const struct names *names)
{
	bool is_response =
		event->reason == DROP_RESPONSE_FORGED || event->reason == DROP_RESPONSE_UNEXPECTED;
	const char *what = is_response ? "response" : "initiation";
	if (event->has_peer)
		log_info("peer %s: handshake %s from %s refused: %s", names->peer, what,
			names->endpoint, advise(event->reason));
	else if (event->reason == DROP_UNKNOWN_PEER)
		narrate_stranger(event, names);
	else
		log_info("handshake %s from %s refused: %s", what, names->endpoint,
			advise(event->reason));
}

/*
 * The one thing that only a hybrid handshake needs of the way: an initiation is one
 * UDP datagram of MESSAGE_HYBRID_INITIATION_LEN bytes.
 */
#define HYBRID_TRIES	 3
#define UDP_AND_IPV4_LEN 28
#define UDP_AND_IPV6_LEN 48

static void narrate_no_answer(const struct event *event, const struct names *names)
{
	bool is_v6 = event->endpoint.address.family == IP_V6;
	log_info("peer %s: no %sanswer from %s to handshake initiation %u", names->peer,
		event->is_answered ? "valid " : "", names->endpoint, event->count);
	if (!event->is_hybrid || event->count != HYBRID_TRIES)
		return;
	log_info("peer %s: PostQuantum = require, and %d initiations of %d bytes each, IP header "
		 "included, are unanswered: does the other end run adit with PostQuantum = require "
		 "too, and does every network between carry that size, or its fragments?",
		names->peer, HYBRID_TRIES,
		MESSAGE_HYBRID_INITIATION_LEN + (is_v6 ? UDP_AND_IPV6_LEN : UDP_AND_IPV4_LEN));
}

/* What people wait for is said aloud; that it goes on is not. */
static void narrate_session(const struct event *event, const struct names *names)
{
	if (event->is_first || event->count > 1)
		log_info("peer %s: connected%s, at %s", names->peer,
			event->is_hybrid ? " with x25519+mlkem768" : "", names->endpoint);
	else
		log_verbose("peer %s: session established with %s, as the %s%s", names->peer,
			names->endpoint, event->is_initiator ? "initiator" : "responder",
			event->is_hybrid ? ", x25519+mlkem768" : "");
}

void narrate_event(struct narrator *narrator, const struct event *event, nanos boottime)
{
	if (!is_told(narrator, event, boottime))
		return;
	struct names names = name(&event->peer, &event->endpoint);
	switch (event->kind) {
	case EVENT_SESSION: narrate_session(event, &names); break;
	case EVENT_NO_ANSWER: narrate_no_answer(event, &names); break;
	case EVENT_GAVE_UP:
		log_error(
			"peer %s: no %sanswer from %s in %u s, giving up until there is something "
			"to send: is it running, is the port right and open, does it know our "
			"public key?",
			names.peer, event->is_answered ? "valid " : "", names.endpoint,
			(unsigned)(REKEY_ATTEMPT_TIME / NANOS_PER_SECOND));
		break;
	case EVENT_KEYS_ERASED:
		log_verbose("peer %s: idle, session keys erased", names.peer);
		break;
	case EVENT_ENDPOINT_MOVED:
		log_verbose("peer %s: is now at %s", names.peer, names.endpoint);
		break;
	case EVENT_NO_ENDPOINT:
		log_info("peer %s: its endpoint is not known yet: unless a name of it is being "
			 "looked up, it has to contact us first",
			names.peer);
		break;
	case EVENT_REFUSED:
		if (event->reason == DROP_STALE_STAMP)
			narrate_stale_stamp(event, &names);
		else
			narrate_refusal(event, &names);
		break;
	}
}

void narrate_send_error(struct narrator *narrator, const struct public_key *peer,
	const struct endpoint *to, int error, nanos boottime)
{
	if (!may_speak(&narrator->peers, boottime))
		return;
	struct names names = name(peer, to);
	log_info("peer %s: cannot send to %s: %s", names.peer, names.endpoint, strerror(-error));
}

void narrate_demotion(struct narrator *narrator, const struct public_key *peer,
	const struct endpoint *to, uint32_t len, int error, nanos boottime)
{
	if (!may_speak(&narrator->peers, boottime))
		return;
	struct names names = name(peer, to);
	if (error == -EIO)
		log_info("peer %s: the device on the way to %s cannot cut bursts into packets, "
			 "which go one by one now and cost more time: it computes no checksums "
			 "(ethtool -k), or uses IPsec",
			names.peer, names.endpoint);
	else
		log_info("peer %s: packets to %s go one by one now, which costs more time: the way "
			 "there does not take their %u bytes in one piece (%s); a lower MTU of the "
			 "interface avoids that",
			names.peer, names.endpoint, len + header_len(to), strerror(-error));
}

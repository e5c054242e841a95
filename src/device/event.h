/*
 * What happened that a person may want to know: the device tells, io/ words it.
 * Plain data, no secrets.
 */
#ifndef ADIT_DEVICE_EVENT_H
#define ADIT_DEVICE_EVENT_H

#include "crypto/dh.h"
#include "noise/tai64n.h"
#include "peer/drop.h"
#include "peer/endpoint.h"

enum event_kind {
	EVENT_SESSION,	      /* a handshake completed: is_initiator, is_first, count */
	EVENT_NO_ANSWER,      /* an initiation was not answered in time: count, is_answered */
	EVENT_GAVE_UP,	      /* no answer for Rekey-Attempt-Time; waiting packets dropped */
	EVENT_KEYS_ERASED,    /* idle for so long that all keys were wiped */
	EVENT_ENDPOINT_MOVED, /* the peer now sends from `endpoint` */
	EVENT_NO_ENDPOINT,    /* a handshake is wanted but the endpoint is not known */
	EVENT_REFUSED,	      /* a handshake message was dropped for `reason` */
};

struct event {
	enum event_kind kind;
	bool has_peer; /* peer is known; for EVENT_REFUSED it may be a stranger's claim */
	/* Without has_peer: zeros, or with DROP_UNKNOWN_PEER the stranger's key. */
	struct public_key peer;
	struct endpoint endpoint; /* theirs */
	enum drop_reason reason;
	struct tai64n stamp, latest_stamp; /* with DROP_STALE_STAMP: theirs now, and before */
	uint32_t count; /* initiations of the attempt, 0 where none of ours was needed */
	bool is_hybrid; /* key exchange, wanted with the peer */
	bool is_initiator;
	bool is_first;	  /* with the peer, or since an attempt was given up */
	bool is_answered; /* there was an answer, with DROP_RESPONSE_FORGED */
};

#endif

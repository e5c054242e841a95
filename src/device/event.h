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
	EVENT_SESSION,	      /* a handshake completed; is_initiator tells the role */
	EVENT_NO_ANSWER,      /* an initiation was not answered in time; count of the attempt */
	EVENT_GAVE_UP,	      /* no answer for Rekey-Attempt-Time; waiting packets dropped */
	EVENT_KEYS_ERASED,    /* idle for so long that all keys were wiped */
	EVENT_ENDPOINT_MOVED, /* the peer now sends from `endpoint` */
	EVENT_NO_ENDPOINT,    /* a handshake is wanted but the endpoint is not known */
	EVENT_REFUSED,	      /* a handshake message was dropped for `reason` */
};

struct event {
	enum event_kind kind;
	bool has_peer; /* peer is known; for EVENT_REFUSED it may be a stranger's claim */
	struct public_key peer;
	struct endpoint endpoint; /* theirs */
	enum drop_reason reason;
	struct tai64n stamp, latest_stamp; /* with DROP_STALE_STAMP: theirs now, and before */
	uint32_t count;
	bool is_initiator;
};

#endif

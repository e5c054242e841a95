/*
 * The protocol's numbers, each with its unit and source. [WP] is the WireGuard
 * whitepaper; where it is silent, [kernel] is the Linux implementation.
 */
#ifndef ADIT_NOISE_LIMITS_H
#define ADIT_NOISE_LIMITS_H

#include "base/nanos.h"

#define REPLAY_WINDOW_BITS UINT64_C(8192) /* counters remembered [RFC 6479, kernel] */

#define REKEY_AFTER_MESSAGES  (UINT64_C(1) << 60)		 /* [WP 6.1] */
#define REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C(1) << 13)) /* [WP 6.1] 2^64 - 2^13 - 1 */

#define REKEY_AFTER_TIME   (120 * NANOS_PER_SECOND) /* [WP 6.1] */
#define REJECT_AFTER_TIME  (180 * NANOS_PER_SECOND) /* [WP 6.1] */
#define REKEY_ATTEMPT_TIME (90 * NANOS_PER_SECOND)  /* [WP 6.1] */
#define REKEY_TIMEOUT	   (5 * NANOS_PER_SECOND)   /* [WP 6.1] */
#define KEEPALIVE_TIMEOUT  (10 * NANOS_PER_SECOND)  /* [WP 6.1] */
#define REKEY_JITTER_MAX   (333 * NANOS_PER_MS)	    /* added to Rekey-Timeout [kernel] */

/* Sent, but nothing received for so long: a new handshake [WP 6.5] */
#define NEW_HANDSHAKE_TIMEOUT (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT)
/* The initiator renews at this age when it receives, before the responder cannot answer [WP 6.2] */
#define REKEY_ON_RECEIVE_TIME (REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT)
#define KEY_ERASURE_TIME      (3 * REJECT_AFTER_TIME) /* [WP 6.3] */

#define COOKIE_SECRET_TIME (120 * NANOS_PER_SECOND) /* [WP 5.4.7] */
#define COOKIE_LATENCY	   (5 * NANOS_PER_SECOND)   /* left alone before its end [kernel] */

#define BACKLOG_MAX	    4096	      /* handshake messages that wait [kernel] */
#define BACKLOG_LOAD	    (BACKLOG_MAX / 8) /* so many mean load [kernel] */
#define LOAD_TIME	    NANOS_PER_SECOND  /* load outlasts its last sign by this [kernel] */
#define WASTED_PER_SECOND   1000	      /* handshake messages in vain: more mean load */
#define HANDSHAKES_PER_TURN 32		      /* processed before data has its turn again */
#define PEERS_PER_TICK	    64		      /* whose timers fire before that */

#define INITIATIONS_PER_SECOND 50	  /* accepted from one peer [kernel] */
#define STAMP_WHITENING_NS     (1u << 24) /* a stamp's nanoseconds are cut to multiples of it */

#define PADDING_MULTIPLE   16  /* bytes [WP 5.4.6] */
#define STAGED_PACKETS_MAX 128 /* per peer, the oldest is dropped first [kernel] */

#endif

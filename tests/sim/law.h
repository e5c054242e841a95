/*
 * The numbers of the papers, written a second time: the watch judges the devices
 * by these, so that a wrong number in src/ is seen. [WP 5.3, 5.4, 6.1-6.5], and
 * where the whitepaper is silent, what the Linux implementation does.
 */
#ifndef ADIT_SIM_LAW_H
#define ADIT_SIM_LAW_H

#include "base/nanos.h"

#define SECONDS(n) ((nanos)(n)*NANOS_PER_SECOND)
#define MILLIS(n)  ((nanos)(n)*NANOS_PER_MS)

#define LAW_REKEY_AFTER	  SECONDS(120)
#define LAW_REJECT_AFTER  SECONDS(180)
#define LAW_ERASE_AFTER	  SECONDS(540)
#define LAW_ATTEMPT	  SECONDS(90)
#define LAW_REKEY_TIMEOUT SECONDS(5)
#define LAW_KEEPALIVE	  SECONDS(10)
#define LAW_JITTER_MAX	  MILLIS(333)

#define LAW_REKEY_MESSAGES  (UINT64_C(1) << 60)
#define LAW_REJECT_MESSAGES (UINT64_MAX - 8192) /* 2^64 - 2^13 - 1 */
#define LAW_WINDOW	    8192
#define LAW_HANDSHAKE_TOS   0x88
#define LAW_PADDING	    16

#define LAW_INITIATION_LEN	  148
#define LAW_RESPONSE_LEN	  92
#define LAW_HYBRID_INITIATION_LEN 1348
#define LAW_HYBRID_RESPONSE_LEN	  1196

#define LAW_INITIATION_INTERVAL MILLIS(20) /* of those that are answered to one peer */

#define LAW_STAGED	 128
#define LAW_EVENTS	 256
#define LAW_BURST	 128
#define LAW_PER_TURN	 32
#define LAW_BACKLOG	 4096
#define LAW_LOAD	 512 /* waiting handshakes that mean load */
#define LAW_LOAD_TIME	 SECONDS(1)
#define LAW_WASTED	 1000 /* a second that were processed in vain mean load, too */
#define LAW_COOKIE_TIME	 SECONDS(120)
#define LAW_SOURCE_BURST 5
#define LAW_SOURCE_RATE	 20 /* a second */

#endif

/*
 * Endpoints to which the kernel will not send a burst in one piece (UDP_SEGMENT):
 * mostly because the path takes only smaller packets than ours, sometimes because
 * a device or IPsec on it cannot. Datagrams to there go one by one for a while,
 * to all others as before. Pure: errors and the time are given in. One thread;
 * the caller owns the struct.
 */
#ifndef ADIT_IO_DEMOTION_H
#define ADIT_IO_DEMOTION_H

#include "base/nanos.h"
#include "peer/endpoint.h"

#define DEMOTIONS_MAX 64 /* endpoints; one more takes the place of the oldest */
#define DEMOTION_TIME (5 * 60 * NANOS_PER_SECOND) /* until it is tried again */

struct demotion {
	struct endpoint to;
	nanos until;  /* 0: was lifted */
	uint32_t len; /* bytes: the shortest datagrams that were refused; longer ones are too */
	int error;    /* -errno */
};

struct demotions { /* all zero at first */
	struct demotion items[DEMOTIONS_MAX];
	uint32_t count;
};

/*
 * Whether an error of a send with UDP_SEGMENT may be about that and not about the
 * datagrams: the path's MTU is EINVAL before Linux 6.14 and EMSGSIZE since; no
 * checksums in the device EIO before 6.11; IPsec EIO; some drivers EINVAL.
 */
bool demotion_is_reason(int error);

/*
 * Whether datagrams of `len` bytes to there go one by one: shorter ones than those
 * that were refused do not. Once the time is over the next ones are tried.
 */
bool demotions_hold(
	const struct demotions *demotions, const struct endpoint *to, uint32_t len, nanos boottime);

/*
 * Datagrams of `len` bytes were refused together and taken one by one. Returns
 * whether that is news: it is not the first time for an endpoint that fails again.
 */
bool demotions_add(struct demotions *demotions, const struct endpoint *to, uint32_t len, int error,
	nanos boottime);

/* Datagrams of `len` bytes were taken together. */
void demotions_lift(struct demotions *demotions, const struct endpoint *to, uint32_t len);

#endif

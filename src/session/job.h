/*
 * AEAD work on one burst, the only part of the core that may run on another
 * thread. The device makes a job (begin), anyone calls job_run_batch, the device
 * gets it back (finish). A job in flight owns its burst and pins its session.
 */
#ifndef ADIT_SESSION_JOB_H
#define ADIT_SESSION_JOB_H

#include "base/burst.h"
#include "crypto/aead.h"

enum job_kind { JOB_SEAL, JOB_OPEN };

struct job {
	struct job *next; /* belongs to whoever holds the job */
	struct burst *burst;
	const struct aead_key *key; /* stays valid: the session is pinned */
	enum job_kind kind;
	/* JOB_SEAL: packet i is sealed with counter first_counter + i */
	uint32_t remote_index;
	uint64_t first_counter;
	uint32_t mtu; /* padding never goes beyond it; 0: no bound */
	/* JOB_OPEN: bit i of word i / 64 says that packet i is a data message to open, */
	uint64_t wanted[BURST_PACKETS_MAX / 64];
	/* and, as the result, that it was authentic */
	uint64_t authentic[BURST_PACKETS_MAX / 64];
};

/*
 * Runs jobs of any mix of peers and sessions; touches nothing but the jobs, their
 * bursts and keys, so any thread may call it.
 *
 * Seal: pads each inner packet with zeros to a multiple of 16 but not beyond the
 * MTU [WP 5.4.6], writes the header, seals in place; len[i] becomes the datagram's,
 * which must fit its slot: BURST_TAILROOM bytes behind the inner packet are always
 * enough.
 * Open: opens the wanted packets in place; len[i] becomes the padded inner length:
 * 0 for a keepalive (authentic), and for one that is forged, too short, or not
 * wanted (not authentic). The header, with the counter, stays where it was.
 */
void job_run_batch(struct job *const *jobs, size_t count);

/*
 * The length to which an inner packet is padded [WP 5.4.6], with the bound above; one
 * that is already beyond the MTU gets no padding.
 */
uint32_t job_padded_len(uint32_t len, uint32_t mtu);

static inline bool job_is_authentic(const struct job *job, uint32_t i)
{
	return job->authentic[i / 64] >> (i % 64) & 1;
}

#endif

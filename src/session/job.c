#include "session/job.h"

#include <string.h>

#include "base/bytes.h"
#include "noise/limits.h"
#include "noise/wire.h"

#define BATCH_PACKETS 64 /* enough for the lanes of any vector kernel */

_Static_assert(MESSAGE_DATA_HEADER_LEN == BURST_HEADROOM, "the header fills the headroom");
_Static_assert(PADDING_MULTIPLE - 1 + AEAD_TAG_LEN == BURST_TAILROOM, "padding and tag");

struct origin { /* where a packet of a batch came from */
	struct job *job;
	uint32_t i;
};

struct batch {
	struct aead_packet packets[BATCH_PACKETS];
	struct origin origins[BATCH_PACKETS];
	size_t count;
};

uint32_t job_padded_len(uint32_t len, uint32_t mtu)
{
	uint32_t padded = (len + PADDING_MULTIPLE - 1) / PADDING_MULTIPLE * PADDING_MULTIPLE;
	if (mtu == 0 || padded <= mtu)
		return padded;
	return len < mtu ? mtu : len;
}

static void batch_add(struct batch *batch, struct job *job, uint32_t i, size_t text_len)
{
	struct message_data_header *header = (void *)burst_datagram(job->burst, i);
	batch->origins[batch->count] = (struct origin){job, i};
	batch->packets[batch->count++] = (struct aead_packet){
		.text = burst_inner(job->burst, i),
		.len = text_len,
		.counter = load_le64(header->counter),
		.key = job->key,
	};
}

static void seal_flush(struct batch *batch)
{
	aead_seal_batch(batch->packets, batch->count);
	batch->count = 0;
}

/* Pads packet i and writes its header; its length becomes the datagram's. */
static void seal_add(struct batch *batch, struct job *job, uint32_t i)
{
	struct burst *burst = job->burst;
	uint32_t len = burst->len[i], padded = job_padded_len(len, job->mtu);
	memset(burst_inner(burst, i) + len, 0, padded - len);
	burst->len[i] = MESSAGE_DATA_HEADER_LEN + padded + AEAD_TAG_LEN;

	struct message_data_header *header = (void *)burst_datagram(burst, i);
	store_le32(header->type, MESSAGE_DATA);
	store_le32(header->receiver_index, job->remote_index);
	store_le64(header->counter, job->first_counter + i);
	batch_add(batch, job, i, padded);
}

static void open_flush(struct batch *batch)
{
	aead_open_batch(batch->packets, batch->count);
	for (size_t k = 0; k < batch->count; k++) {
		const struct aead_packet *packet = &batch->packets[k];
		const struct origin *origin = &batch->origins[k];
		if (!packet->ok)
			continue;
		origin->job->burst->len[origin->i] = (uint32_t)(packet->len - AEAD_TAG_LEN);
		origin->job->authentic[origin->i / 64] |= UINT64_C(1) << origin->i % 64;
	}
	batch->count = 0;
}

/* Until it proves authentic, packet i delivers nothing. */
static void open_add(struct batch *batch, struct job *job, uint32_t i)
{
	uint32_t len = job->burst->len[i];
	job->burst->len[i] = 0;
	bool is_wanted = job->wanted[i / 64] >> (i % 64) & 1;
	if (is_wanted && len >= MESSAGE_DATA_MIN_LEN)
		batch_add(batch, job, i, len - MESSAGE_DATA_HEADER_LEN);
}

static void seal_job(struct batch *batch, struct job *job)
{
	for (uint32_t i = 0; i < job->burst->count; i++) {
		seal_add(batch, job, i);
		if (batch->count == BATCH_PACKETS)
			seal_flush(batch);
	}
}

static void open_job(struct batch *batch, struct job *job)
{
	memset(job->authentic, 0, sizeof job->authentic);
	for (uint32_t i = 0; i < job->burst->count; i++) {
		open_add(batch, job, i);
		if (batch->count == BATCH_PACKETS)
			open_flush(batch);
	}
}

void job_run_batch(struct job *const *jobs, size_t count)
{
	struct batch seal, open;
	seal.count = open.count = 0;
	for (size_t k = 0; k < count; k++) {
		if (jobs[k]->kind == JOB_SEAL)
			seal_job(&seal, jobs[k]);
		else
			open_job(&open, jobs[k]);
	}
	seal_flush(&seal);
	open_flush(&open);
}

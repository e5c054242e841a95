#include "session/job.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "noise/wire.h"
#include "unit/test.h"

#define INDEX	   UINT32_C(0x55667788)
#define GUARD	   9 /* bytes between slots that nobody may write */
#define GUARD_BYTE 0xa5

static const struct aead_key key = {{1, 2, 3}};

static uint8_t inner_byte(uint32_t slot, size_t at)
{
	return (uint8_t)(slot * 31 + at * 7 + 1);
}

/* A burst in memory of its own, so that the sanitizer guards its ends. */
static struct burst *burst_make(uint32_t count, uint32_t stride)
{
	struct burst *burst = calloc(1, sizeof *burst);
	*burst = (struct burst){.count = count, .stride = stride, .capacity = count * stride};
	burst->bytes = malloc(burst->capacity);
	memset(burst->bytes, GUARD_BYTE, burst->capacity);
	return burst;
}

static void burst_set(struct burst *burst, uint32_t i, uint32_t len)
{
	burst->len[i] = len;
	for (uint32_t at = 0; at < len; at++)
		burst_inner(burst, i)[at] = inner_byte(i, at);
}

static void burst_unmake(struct burst *burst)
{
	free(burst->bytes);
	free(burst);
}

static struct job seal_job(struct burst *burst, uint32_t mtu, uint64_t first_counter)
{
	return (struct job){.burst = burst,
		.key = &key,
		.kind = JOB_SEAL,
		.remote_index = INDEX,
		.first_counter = first_counter,
		.mtu = mtu};
}

static struct job open_job(struct burst *burst)
{
	return (struct job){
		.burst = burst, .key = &key, .kind = JOB_OPEN, .wanted = {UINT64_MAX, UINT64_MAX}};
}

static void run(struct job *job)
{
	job_run_batch(&job, 1);
}

/* [WP 5.4.6], byte by byte: up to a multiple of 16, stopped by the MTU. */
static uint32_t slowly_padded(uint32_t len, uint32_t mtu)
{
	while (len % 16 != 0 && (mtu == 0 || len < mtu))
		len++;
	return len;
}

/* Packet i of a job that has run; it had `len` bytes. */
static void check_sealed(const struct job *job, uint32_t i, uint32_t len)
{
	static uint8_t plain[65536], expected[65536 + 16];
	const struct burst *burst = job->burst;
	uint64_t counter = job->first_counter + i;
	uint32_t mtu = job->mtu;
	uint32_t padded = slowly_padded(len, mtu);
	CHECK_EQ(16 + padded + 16, burst->len[i]);
	CHECK(padded <= len + 15 && (mtu == 0 || padded <= mtu || padded == len));

	uint8_t header[16] = {4, 0, 0, 0, 0x88, 0x77, 0x66, 0x55};
	store_le64(header + 8, counter);
	CHECK_MEM(header, burst_datagram(burst, i), 16);

	memset(plain, 0, padded);
	for (uint32_t at = 0; at < len; at++)
		plain[at] = inner_byte(i, at);
	aead_seal(expected, plain, padded, NULL, 0, counter, job->key);
	CHECK_MEM(expected, burst_inner(burst, i), padded + 16);
	for (uint32_t at = burst->len[i]; at < burst->stride; at++)
		CHECK_EQ(GUARD_BYTE, burst_datagram(burst, i)[at]);
}

static void check_opened(const struct job *job, uint32_t i, uint32_t len, uint32_t mtu)
{
	CHECK(job_is_authentic(job, i));
	CHECK_EQ(slowly_padded(len, mtu), job->burst->len[i]);
	for (uint32_t at = 0; at < len; at++)
		CHECK_EQ(inner_byte(i, at), burst_inner(job->burst, i)[at]);
}

/* Seals, checks, opens and checks packets of `first` bytes and up, one in each slot. */
static void check_lengths(uint32_t first, uint32_t count, uint32_t mtu)
{
	uint32_t max = first + count - 1;
	struct burst *burst = burst_make(count, BURST_HEADROOM + max + BURST_TAILROOM + GUARD);
	for (uint32_t i = 0; i < count; i++)
		burst_set(burst, i, first + i);
	struct job job = seal_job(burst, mtu, 1000);
	run(&job);
	for (uint32_t i = 0; i < count; i++)
		check_sealed(&job, i, first + i);

	job = open_job(burst);
	run(&job);
	for (uint32_t i = 0; i < count; i++)
		check_opened(&job, i, first + i, mtu);
	burst_unmake(burst);
}

/* Regressions 16, 27: every size up to the MTU and beyond, at odd MTUs too. */
TEST(job_padding)
{
	static const uint32_t mtus[] = {0, 1, 15, 16, 17, 67, 68, 1279, 1280, 1420, 65535};
	for (size_t i = 0; i < sizeof mtus / sizeof *mtus; i++)
		for (uint32_t len = 0; len < 1536; len += BURST_PACKETS_MAX)
			check_lengths(len, BURST_PACKETS_MAX, mtus[i]);
	check_lengths(65535 - 31, 32, 65535);
	check_lengths(65535 - 31, 32, 0);
	check_lengths(65535, 1, 1420);
}

/* Equal packets at the stride of their datagrams: the burst is the wire, without a gap. */
TEST(job_seal_without_gaps)
{
	static const struct {
		uint32_t len, mtu, padded;
	} rows[] = {{0, 1420, 0}, {1, 1420, 16}, {1408, 1420, 1408}, {1409, 1420, 1420},
		{1420, 1420, 1420}, {1421, 1420, 1421}, {1500, 0, 1504}};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct burst *burst = burst_make(BURST_PACKETS_MAX, 16 + rows[k].padded + 16);
		for (uint32_t i = 0; i < burst->count; i++)
			burst_set(burst, i, rows[k].len);
		struct job job = seal_job(burst, rows[k].mtu, 1000);
		run(&job);
		for (uint32_t i = 0; i < burst->count; i++) {
			CHECK_EQ(burst->stride, burst->len[i]);
			check_sealed(&job, i, rows[k].len);
		}
		burst_unmake(burst);
	}
}

enum damage { NONE, COUNTER, TEXT, TAG, CUT, UNWANTED, DAMAGES };

static void damage(struct job *job, uint32_t i)
{
	uint8_t *datagram = burst_datagram(job->burst, i);
	uint32_t *len = &job->burst->len[i];
	switch ((enum damage)(i % DAMAGES)) {
	case COUNTER: datagram[8 + i % 8] ^= 1; break;
	case TEXT: datagram[16 + i % 4] ^= 0x80; break;
	case TAG: datagram[*len - 1 - i % 16] ^= 1; break;
	case CUT: *len -= 1 + i % 32; break;
	case UNWANTED: job->wanted[i / 64] &= ~(UINT64_C(1) << i % 64); break;
	case NONE:
	case DAMAGES: break;
	}
}

/* What is not authentic has no length and no bit, whatever its neighbours are. */
TEST(job_open_forged)
{
	struct burst *burst = burst_make(BURST_PACKETS_MAX, 300);
	for (uint32_t i = 0; i < burst->count; i++)
		burst_set(burst, i, 1 + i);
	struct job job = seal_job(burst, 1420, 1000);
	run(&job);
	job = open_job(burst);
	memset(job.authentic, 0xff, sizeof job.authentic); /* what it was does not matter */
	for (uint32_t i = 0; i < burst->count; i++)
		damage(&job, i);
	run(&job);
	for (uint32_t i = 0; i < burst->count; i++) {
		if (i % DAMAGES != COUNTER)
			CHECK_EQ(1000 + i, load_le64(burst_datagram(burst, i) + 8));
		if (i % DAMAGES == NONE) {
			check_opened(&job, i, 1 + i, 1420);
		} else {
			CHECK(!job_is_authentic(&job, i));
			CHECK_EQ(0, burst->len[i]);
		}
	}
	burst_unmake(burst);
}

/* Every length below a keepalive's is refused; the memory behind it is not read. */
TEST(job_open_short)
{
	for (uint32_t len = 0; len < MESSAGE_DATA_MIN_LEN; len++) {
		struct burst *burst = burst_make(1, len);
		burst->len[0] = len;
		struct job job = open_job(burst);
		run(&job);
		CHECK(!job_is_authentic(&job, 0));
		CHECK_EQ(0, burst->len[0]);
		burst_unmake(burst);
	}
	check_lengths(0, 1, 1420); /* a keepalive is authentic */
}

static void set_all(struct burst *burst, uint32_t k)
{
	for (uint32_t i = 0; i < burst->count; i++)
		burst_set(burst, i, (i + k) % 150);
}

/* Seals and opens of several keys in one call, more packets than one inner batch holds. */
TEST(job_mixed_batch)
{
	enum { JOBS = 9 };
	static const uint32_t counts[JOBS] = {1, 128, 0, 63, 64, 65, 2, 128, 1};
	struct aead_key keys[JOBS];
	struct job jobs[JOBS], *all[JOBS];
	for (uint32_t k = 0; k < JOBS; k++) {
		memset(keys[k].bytes, (int)k, sizeof keys[k].bytes);
		struct burst *burst = burst_make(counts[k] + (counts[k] == 0), 200);
		burst->count = counts[k];
		set_all(burst, k);
		all[k] = &jobs[k];
		jobs[k] = seal_job(burst, 1420, 1000 * k);
		jobs[k].key = &keys[k];
	}
	job_run_batch(all, JOBS);
	for (uint32_t k = 0; k < JOBS; k++) {
		if (k % 2)
			set_all(jobs[k].burst, k);
		else
			jobs[k] = open_job(jobs[k].burst);
		jobs[k].key = &keys[k];
	}
	job_run_batch(all, JOBS); /* the even ones are opened, the odd ones sealed again */
	for (uint32_t k = 0; k < JOBS; k++) {
		for (uint32_t i = 0; i < counts[k]; i++) {
			if (k % 2)
				check_sealed(&jobs[k], i, (i + k) % 150);
			else
				check_opened(&jobs[k], i, (i + k) % 150, 1420);
		}
		burst_unmake(jobs[k].burst);
	}
}

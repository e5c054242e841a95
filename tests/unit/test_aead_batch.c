/*
 * The kernels of the AEAD, each that this machine can run, as packets see them: beside
 * libsodium, at every length and with every neighbour.
 */
#include "crypto/aead_batch.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "crypto/aead_choose.h"
#include "unit/test.h"

#define COUNT_MAX 70 /* packets: more than two groups of 32 */
#define LEN_MAX	  2000
#define SLOT	  2048

static const struct aead_ops *first_ops(enum aead_kernel *kernel)
{
	while (*kernel < AEAD_KERNEL_COUNT && !aead_kernel_ops(*kernel))
		(*kernel)++;
	return *kernel < AEAD_KERNEL_COUNT ? aead_kernel_ops(*kernel) : NULL;
}

/* Goes through the kernels that there are. */
#define EACH_KERNEL(ops)                                                                           \
	enum aead_kernel kernel_ = AEAD_PORTABLE;                                                  \
	for (const struct aead_ops *ops; (ops = first_ops(&kernel_)); kernel_++)

static struct batch {
	uint32_t state;
	size_t count;
	struct aead_key keys[COUNT_MAX];
	struct aead_packet packets[COUNT_MAX];
	uint8_t plain[COUNT_MAX][SLOT], sealed[COUNT_MAX][SLOT], got[COUNT_MAX][SLOT];
} batch;

static uint32_t any(void)
{
	batch.state = batch.state * 1664525 + 1013904223;
	return batch.state >> 8;
}

static void fill(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)any();
}

/* Adds a packet, and what libsodium makes of it. Keys repeat when key_count is small. */
static void put(size_t len, uint64_t counter, size_t key_count)
{
	size_t i = batch.count++;
	struct aead_key *key = &batch.keys[any() % key_count];
	fill(batch.plain[i], SLOT);
	memcpy(batch.got[i], batch.plain[i], SLOT);
	memcpy(batch.sealed[i], batch.plain[i], SLOT);
	aead_seal(batch.sealed[i], batch.plain[i], len, NULL, 0, counter, key);
	batch.packets[i] = (struct aead_packet){batch.got[i], len, counter, key, false};
}

static void begin(uint32_t seed)
{
	batch.state = seed;
	batch.count = 0;
	fill(batch.keys[0].bytes, sizeof batch.keys);
}

/* Seals and opens; bit `flips[i]` of packet i is spoiled in between, if it has so many. */
static void check(const struct aead_ops *ops, const uint32_t *flips)
{
	aead_batch_seal(ops, batch.packets, batch.count);
	CHECK_MEM(batch.sealed, batch.got, batch.count * SLOT);
	for (size_t i = 0; i < batch.count; i++) {
		struct aead_packet *p = &batch.packets[i];
		p->len += AEAD_TAG_LEN;
		p->ok = i % 2; /* what it was does not matter */
		if (flips && flips[i] / 8 < p->len)
			p->text[flips[i] / 8] ^= (uint8_t)(1 << flips[i] % 8);
	}
	aead_batch_open(ops, batch.packets, batch.count);
	for (size_t i = 0; i < batch.count; i++) {
		struct aead_packet *p = &batch.packets[i];
		bool is_spoiled = flips && flips[i] / 8 < p->len;
		CHECK_EQ(!is_spoiled, p->ok);
		if (p->ok)
			CHECK_MEM(batch.plain[i], p->text, p->len - AEAD_TAG_LEN);
		CHECK_MEM(batch.plain[i] + p->len, p->text + p->len, SLOT - p->len);
	}
}

/* The machine's own are tested, and said; portable there is everywhere. */
TEST(aead_kernels_here)
{
	CHECK(aead_kernel_ops(AEAD_PORTABLE));
	CHECK(!aead_kernel_ops(AEAD_AUTO) && !aead_kernel_ops(AEAD_LIBSODIUM));
	if (!aead_kernel_ops(AEAD_AVX512) || !aead_kernel_ops(AEAD_AVX2))
		test_skip("this machine or build has no AVX2 or no AVX-512 for the AEAD");
}

TEST(aead_kernels_all_lengths)
{
	EACH_KERNEL(ops)
	for (size_t len = 0; len <= LEN_MAX;) {
		begin((uint32_t)len);
		for (; len <= LEN_MAX && batch.count < 33; len++)
			put(len, any(), 1);
		check(ops, NULL);
	}
}

/* One packet alone takes other ways than many. */
TEST(aead_kernels_all_lengths_alone)
{
	EACH_KERNEL(ops)
	for (size_t len = 0; len <= LEN_MAX; len += len < 600 ? 1 : 13) {
		begin((uint32_t)len);
		put(len, any(), 1);
		check(ops, NULL);
	}
}

TEST(aead_kernels_all_counts)
{
	EACH_KERNEL(ops)
	for (uint32_t round = 0; round < 4 * COUNT_MAX; round++) {
		begin(round);
		for (size_t i = 0; i <= round % COUNT_MAX; i++) {
			uint32_t max = any() % 3 ? 200 : LEN_MAX;
			size_t len = round < COUNT_MAX ? 16 * (round % 92) : any() % (max + 1);
			put(len, (uint64_t)any() << any() % 41, round % 3 ? COUNT_MAX : 1);
		}
		check(ops, NULL);
	}
}

TEST(aead_kernels_counters)
{
	static const uint64_t counters[] = {0, 1, UINT32_MAX, UINT64_C(1) << 32,
		(UINT64_C(1) << 32) + 1, UINT64_C(0x0102030405060708), UINT64_MAX - 1, UINT64_MAX};
	EACH_KERNEL(ops)
	for (size_t len = 0; len <= 400; len += 80) {
		begin((uint32_t)len);
		for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
			put(len, counters[i], 2);
		check(ops, NULL);
	}
}

/* Each bit of text and tag counts, alone and with neighbours that are as they were. */
TEST(aead_kernels_every_bit_counts)
{
	static const size_t lens[] = {0, 1, 16, 47, 130, 300};
	uint32_t flips[COUNT_MAX];
	EACH_KERNEL(ops)
	for (size_t k = 0; k < sizeof lens / sizeof *lens; k++) {
		uint32_t bits = 8 * (uint32_t)(lens[k] + AEAD_TAG_LEN);
		for (uint32_t bit = 0; bit < bits; bit += 35) {
			begin(bit);
			for (size_t i = 0; i < 36; i++) {
				put(lens[k], i, COUNT_MAX);
				flips[i] = i == 20 ? UINT32_MAX : bit + (uint32_t)i;
			}
			check(ops, flips);
		}
	}
	begin(1);
	kernel_ = AEAD_PORTABLE;
	for (const struct aead_ops *ops; (ops = first_ops(&kernel_)); kernel_++)
		for (uint32_t bit = 0; bit < 8 * (1420 + 16); bit += 97) {
			begin(bit);
			put(1420, bit, 1);
			check(ops, &bit);
		}
}

TEST(aead_kernels_short_and_none)
{
	struct aead_packet packets[40];
	EACH_KERNEL(ops)
	{
		begin(3);
		aead_batch_seal(ops, NULL, 0);
		aead_batch_open(ops, NULL, 0);
		for (size_t i = 0; i < 40; i++) {
			put(i == 38 ? 100 : 0, i, 1);
			memcpy(batch.got[i], batch.sealed[i], SLOT);
			packets[i] = batch.packets[i];
			packets[i].len = i == 38 ? 116 : i % 17;
			packets[i].ok = true;
		}
		aead_batch_open(ops, packets, 40);
		for (size_t i = 0; i < 40; i++) {
			CHECK_EQ(i == 38 || i % 17 == 16, packets[i].ok);
			if (i != 38)
				CHECK_MEM(batch.sealed[i], batch.got[i], SLOT);
		}
	}
}

/* RFC 8439 2.4.2, whose nonce is a counter of ours. */
TEST(aead_kernels_rfc8439)
{
	static const char text[] =
		"Ladies and Gentlemen of the class of '99: If I could offer you only "
		"one tip for the future, sunscreen would be it.";
	struct aead_key key;
	uint8_t expected[114], got[114 + AEAD_TAG_LEN];
	for (uint8_t i = 0; i < 32; i++)
		key.bytes[i] = i;
	HEX(expected, "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b"
		      "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8"
		      "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736"
		      "5af90bbf74a35be6b40b8eedf2785e42874d");
	EACH_KERNEL(ops)
	{
		struct aead_packet packet = {got, sizeof expected, 0x4a000000, &key, false};
		memcpy(got, text, sizeof expected);
		aead_batch_seal(ops, &packet, 1);
		CHECK_MEM(expected, got, sizeof expected);
	}
}

/* ------------------------------------------------------------------ bounds of memory */

/* In place and at the edges of what is mapped: a packet at the end, and one at the start. */
TEST(aead_kernels_touch_nothing_else)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED && !mprotect(pages + page, page, PROT_READ | PROT_WRITE));
	EACH_KERNEL(ops)
	for (size_t len = 0; len + AEAD_TAG_LEN <= page / 2; len += len < 200 ? 1 : 37) {
		begin((uint32_t)len);
		put(len, len, 1);
		uint8_t *places[] = {pages + 2 * page - len - AEAD_TAG_LEN, pages + page};
		for (int i = 0; i < 2; i++) {
			struct aead_packet packet = batch.packets[0], both[17];
			packet.text = places[i];
			memcpy(packet.text, batch.plain[0], len);
			aead_batch_seal(ops, &packet, 1);
			CHECK_MEM(batch.sealed[0], packet.text, len + AEAD_TAG_LEN);
			packet.len += AEAD_TAG_LEN;
			for (int k = 0; k < 17; k++)
				both[k] = packet;
			aead_batch_open(ops, &packet, 1);
			CHECK(packet.ok);
			CHECK_MEM(batch.plain[0], packet.text, len);
			memcpy(packet.text, batch.sealed[0], packet.len);
			aead_batch_open(ops, both, 17); /* as many: all but the first are spoiled */
		}
	}
	CHECK(!munmap(pages, 3 * page));
}

#define COMPANY 20

/* The same beside longer and shorter ones, each on a page of its own. */
TEST(aead_kernels_touch_nothing_else_in_company)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), area = (2 * COMPANY + 1) * page;
	uint8_t *pages = mmap(NULL, area, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (size_t i = 0; i < COMPANY; i++)
		CHECK(!mprotect(pages + (2 * i + 1) * page, page, PROT_READ | PROT_WRITE));
	EACH_KERNEL(ops)
	for (uint32_t round = 0; round < 100; round++) {
		begin(round);
		for (size_t i = 0; i < COMPANY; i++) {
			size_t least = round % 2 ? 256 : 0, more = any() % 1500;
			put(least + (any() % 2 ? more : more / 64 * 64), i, COUNT_MAX);
			struct aead_packet *p = &batch.packets[i];
			p->text = pages + (2 * i + 1) * page;
			p->text += any() % 2 ? 0 : page - p->len - AEAD_TAG_LEN;
			memcpy(p->text, batch.plain[i], p->len);
		}
		aead_batch_seal(ops, batch.packets, COMPANY);
		for (size_t i = 0; i < COMPANY; i++) {
			batch.packets[i].len += AEAD_TAG_LEN;
			CHECK_MEM(batch.sealed[i], batch.packets[i].text, batch.packets[i].len);
		}
		aead_batch_open(ops, batch.packets, COMPANY);
		for (size_t i = 0; i < COMPANY; i++) {
			const struct aead_packet *p = &batch.packets[i];
			CHECK(p->ok);
			CHECK_MEM(batch.plain[i], p->text, p->len - AEAD_TAG_LEN);
		}
	}
	CHECK(!munmap(pages, area));
}

/* ------------------------------------------------------------------ what stays behind */

#define STACK_LEN (1 << 20)

static void *seal_and_open(void *ops)
{
	aead_batch_seal(ops, batch.packets, batch.count);
	for (size_t i = 0; i < batch.count; i++)
		batch.packets[i].len += AEAD_TAG_LEN;
	aead_batch_open(ops, batch.packets, batch.count);
	return NULL;
}

static bool holds(const uint8_t *bytes, const uint8_t *secret, size_t len)
{
	for (size_t at = 0; at + 8 <= len; at += 4)
		if (memmem(bytes, STACK_LEN, secret + at, 8))
			return true;
	return false;
}

/* The block of which Poly1305's key is made, and r once more as it is used. */
static void poly1305_key(uint8_t out[static 48], const struct aead_ops *ops, uint64_t counter,
	const struct aead_key *key)
{
	static struct chacha_lanes lanes;
	static uint8_t stream[CHACHA_LANES_MAX * CHACHA_BLOCK_LEN];
	struct poly1305_weft weft = {.blocks = 0};
	for (int i = 0; i < 8; i++)
		lanes.key[i][0] = load_le32(key->bytes + 4 * i);
	lanes.counter_low[0] = (uint32_t)counter;
	lanes.counter_high[0] = (uint32_t)(counter >> 32);
	ops->blocks(stream, &lanes, 1, &weft);
	memcpy(out, stream, 32);
	store_le64(out + 32, load_le64(out) & UINT64_C(0x0ffffffc0fffffff));
	store_le64(out + 40, load_le64(out + 8) & UINT64_C(0x0ffffffc0ffffffc));
}

/* A run on a stack of its own, which was zero. */
static bool run_on(uint8_t *stack, const struct aead_ops *ops)
{
	pthread_attr_t attr;
	pthread_t thread;
	memset(stack, 0, STACK_LEN);
	return !pthread_attr_init(&attr) && !pthread_attr_setstack(&attr, stack, STACK_LEN) &&
	       !pthread_create(&thread, &attr, seal_and_open, (void *)ops) &&
	       !pthread_join(thread, NULL) && !pthread_attr_destroy(&attr);
}

/* Of its secrets nothing stays on the stack: keys, key stream, Poly1305's r and s. */
TEST(aead_kernels_wipe)
{
#if !defined(_FORTIFY_SOURCE) || defined(__SANITIZE_ADDRESS__)
	test_skip("stack frames of this build are not those that ship; the release build is asked");
	return;
#endif
	uint8_t *stack = mmap(NULL, STACK_LEN, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	uint8_t stream[LEN_MAX], key[48];
	CHECK(stack != MAP_FAILED);
	EACH_KERNEL(ops)
	for (size_t count = 1; count <= 33; count += 16) {
		begin((uint32_t)count);
		for (size_t i = 0; i < count; i++)
			put(i == 1 ? 100 : 1420, i, COUNT_MAX);
		CHECK(run_on(stack, ops));
		CHECK(!holds(stack, batch.keys[0].bytes, sizeof batch.keys));
		for (size_t i = 0; i < count; i += 1 + count / 3) {
			const struct aead_packet *p = &batch.packets[i];
			size_t len = p->len - AEAD_TAG_LEN;
			CHECK(p->ok);
			for (size_t at = 0; at < len; at++)
				stream[at] = batch.plain[i][at] ^ batch.sealed[i][at];
			CHECK(!holds(stack, stream, len));
			poly1305_key(key, ops, p->counter, p->key);
			CHECK(!holds(stack, key, sizeof key));
		}
	}
	CHECK(!munmap(stack, STACK_LEN));
}

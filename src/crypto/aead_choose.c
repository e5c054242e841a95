#include "crypto/aead_choose.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/aead_batch.h"

#define TEST_COUNT   33	  /* packets of the greatest batch */
#define TEST_LEN_MAX 2000 /* bytes of plaintext */
#define TEST_SLOT    2048
#define TEST_LONG    256 /* bytes from which a kernel may take another way with many */

/* NULL: libsodium. Set once, before other threads. */
static const struct aead_ops *chosen;

void aead_seal_batch(struct aead_packet *packets, size_t count)
{
	if (chosen) {
		aead_batch_seal(chosen, packets, count);
		return;
	}
	for (struct aead_packet *p = packets; count > 0; p++, count--)
		aead_seal(p->text, p->text, p->len, NULL, 0, p->counter, p->key);
}

void aead_open_batch(struct aead_packet *packets, size_t count)
{
	if (chosen) {
		aead_batch_open(chosen, packets, count);
		return;
	}
	for (struct aead_packet *p = packets; count > 0; p++, count--)
		p->ok = aead_open(p->text, p->text, p->len, NULL, 0, p->counter, p->key);
}

/* ------------------------------------------------------------------ the self-test */

struct trial {
	uint32_t state; /* of a plain generator: nothing here is secret */
	struct aead_key keys[TEST_COUNT];
	struct aead_packet packets[TEST_COUNT];
	uint8_t plain[TEST_COUNT][TEST_SLOT], sealed[TEST_COUNT][TEST_SLOT];
	uint8_t got[TEST_COUNT][TEST_SLOT];
};

static uint32_t next(struct trial *t)
{
	t->state = t->state * 1664525 + 1013904223;
	return t->state >> 8;
}

/* In turn: beside the edges of blocks and vectors, short, any. */
static size_t next_len(struct trial *t)
{
	uint32_t n = next(t);
	if (n % 3 == 0)
		return n / 3 % 31 * 64 + n / 128 % 3;
	if (n % 3 == 1)
		return n / 3 % (32 * 16);
	return n / 3 % (TEST_LEN_MAX + 1);
}

/*
 * Batch by batch other lengths, in every fourth one none that is short; in every second
 * one the packets have one key.
 */
static void trial_begin(struct trial *t, size_t count)
{
	memset(t->plain, (int)count, sizeof t->plain);
	for (size_t i = 0; i < count; i++) {
		size_t len = next_len(t);
		if (count % 4 == 3 && len < TEST_LONG)
			len += TEST_LONG;
		t->keys[i].bytes[i % AEAD_KEY_LEN] = (uint8_t)next(t);
		t->packets[i] = (struct aead_packet){.text = t->got[i],
			.len = len,
			.counter = (uint64_t)next(t) << (i % 41),
			.key = &t->keys[count % 2 ? i : 0]};
		for (size_t at = 0; at < len; at += 7)
			t->plain[i][at] = (uint8_t)next(t);
		memcpy(t->sealed[i], t->plain[i], TEST_SLOT);
		aead_seal(t->sealed[i], t->plain[i], len, NULL, 0, t->packets[i].counter,
			t->packets[i].key);
	}
	memcpy(t->got, t->plain, sizeof t->got);
}

static bool trial_seals(struct trial *t, const struct aead_ops *ops, size_t count)
{
	aead_batch_seal(ops, t->packets, count);
	return memcmp(t->got, t->sealed, count * TEST_SLOT) == 0;
}

static bool trial_opens(struct trial *t, const struct aead_ops *ops, size_t count)
{
	bool is_good = true;
	for (size_t i = 0; i < count; i++) {
		struct aead_packet *p = &t->packets[i];
		p->len += AEAD_TAG_LEN;
		if (i % 3 == count % 3)
			p->text[next(t) % p->len] ^= (uint8_t)(1 << next(t) % 8);
	}
	aead_batch_open(ops, t->packets, count);
	for (size_t i = 0; i < count; i++) {
		const struct aead_packet *p = &t->packets[i];
		size_t len = p->len - AEAD_TAG_LEN;
		if (i % 3 == count % 3)
			is_good &= !p->ok;
		else
			is_good &= p->ok && memcmp(p->text, t->plain[i], len) == 0;
		is_good &= memcmp(p->text + p->len, t->plain[i] + p->len, TEST_SLOT - p->len) == 0;
	}
	return is_good;
}

bool aead_self_test(const struct aead_ops *ops)
{
	struct trial *t = calloc(1, sizeof *t);
	bool is_good = t != NULL;
	for (size_t count = 1; is_good && count <= TEST_COUNT; count++) {
		trial_begin(t, count);
		is_good = trial_seals(t, ops, count) && trial_opens(t, ops, count);
	}
	free(t);
	return is_good;
}

/* ------------------------------------------------------------------ the choice */

const char *aead_kernel_name(enum aead_kernel kernel)
{
	static const char *const names[AEAD_KERNEL_COUNT] = {
		"auto", "libsodium", "portable", "avx2", "avx512"};
	return names[kernel];
}

const struct aead_ops *aead_kernel_ops(enum aead_kernel kernel)
{
#ifdef __i386__
	if (!__builtin_cpu_supports("sse2"))
		return NULL;
#endif
	if (kernel == AEAD_PORTABLE)
		return &aead_portable;
#ifdef __x86_64__
	/* These say yes only where the system keeps the registers, too. */
	if (kernel == AEAD_AVX2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
		return &aead_avx2;
	if (kernel == AEAD_AVX512 && __builtin_cpu_supports("avx512f") &&
		__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma") &&
		__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2"))
		return &aead_avx512;
#endif
	return NULL;
}

struct aead_choice aead_choose_from(
	const struct aead_ops *const kernels[AEAD_KERNEL_COUNT], enum aead_kernel wish)
{
	struct aead_choice choice = {.used = AEAD_LIBSODIUM};
	enum aead_kernel first = wish == AEAD_AUTO ? AEAD_AVX512 : wish;
	enum aead_kernel last = wish == AEAD_AUTO ? AEAD_PORTABLE : wish;
	chosen = NULL;
	for (enum aead_kernel kernel = first; kernel >= last && kernel > AEAD_LIBSODIUM; kernel--) {
		if (!kernels[kernel]) {
			choice.verdicts[kernel] = AEAD_MISSING;
		} else if (!aead_self_test(kernels[kernel])) {
			choice.verdicts[kernel] = AEAD_BROKEN;
		} else {
			choice.verdicts[kernel] = AEAD_GOOD;
			choice.used = kernel;
			chosen = kernels[kernel];
			break;
		}
	}
	return choice;
}

struct aead_choice aead_choose(enum aead_kernel wish)
{
	const struct aead_ops *kernels[AEAD_KERNEL_COUNT];
	for (enum aead_kernel kernel = 0; kernel < AEAD_KERNEL_COUNT; kernel++)
		kernels[kernel] = aead_kernel_ops(kernel);
	return aead_choose_from(kernels, wish);
}

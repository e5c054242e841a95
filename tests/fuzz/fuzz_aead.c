/*
 * The AEAD's kernels: a batch of packets as the input wants them, sealed and, partly
 * spoiled, opened, beside libsodium packet by packet.
 */
#include "fuzz/fuzz.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

#include "crypto/aead_batch.h"
#include "crypto/aead_choose.h"

#define COUNT_MAX 40
#define KEYS	  4
#define SLOT	  2048
#define LEN_MAX	  (SLOT - AEAD_TAG_LEN - 1)

static struct batch {
	size_t count;
	struct aead_key keys[KEYS];
	struct aead_packet packets[COUNT_MAX];
	uint8_t plain[COUNT_MAX][SLOT], sealed[COUNT_MAX][SLOT], got[COUNT_MAX][SLOT];
} b;

static const struct aead_ops *read_kernel(struct input *in)
{
	enum aead_kernel kernel =
		AEAD_PORTABLE + input_u8(in) % (AEAD_KERNEL_COUNT - AEAD_PORTABLE);
	const struct aead_ops *ops = aead_kernel_ops(kernel);
	return ops ? ops : aead_kernel_ops(AEAD_PORTABLE);
}

/* Its text is a few bytes of the input again and again. Nothing behind the tag is ours. */
static void read_packet(struct input *in)
{
	size_t i = b.count++, len = input_u16(in) % (LEN_MAX + 1), period = 1 + input_u8(in) % 40;
	uint8_t pattern[40];
	struct aead_packet *p = &b.packets[i];
	*p = (struct aead_packet){.text = b.got[i], .len = len};
	p->key = &b.keys[input_u8(in) % KEYS];
	p->counter = input_u64(in);
	input_fill(in, pattern, period);
	for (size_t at = 0; at < len; at++)
		b.plain[i][at] = pattern[at % period];
	memcpy(b.got[i], b.plain[i], len);
	aead_seal(b.sealed[i], b.plain[i], len, NULL, 0, p->counter, p->key);
	ASAN_POISON_MEMORY_REGION(b.got[i] + len + AEAD_TAG_LEN, SLOT - len - AEAD_TAG_LEN);
}

static void spoil_and_open(struct input *in, const struct aead_ops *ops)
{
	bool is_spoiled[COUNT_MAX];
	for (size_t i = 0; i < b.count; i++) {
		struct aead_packet *p = &b.packets[i];
		p->len += AEAD_TAG_LEN;
		is_spoiled[i] = input_u8(in) % 4 == 1 && input_spoil(in, p->text, p->len);
	}
	aead_batch_open(ops, b.packets, b.count);
	for (size_t i = 0; i < b.count; i++) {
		const struct aead_packet *p = &b.packets[i];
		REQUIRE(p->ok == !is_spoiled[i]);
		REQUIRE(!p->ok || !memcmp(p->text, b.plain[i], p->len - AEAD_TAG_LEN));
	}
}

FUZZ(aead)
{
	const struct aead_ops *ops = read_kernel(in);
	size_t count = input_u8(in) % (COUNT_MAX + 1);
	b.count = 0;
	ASAN_UNPOISON_MEMORY_REGION(b.got, sizeof b.got);
	input_fill(in, b.keys, sizeof b.keys);
	for (size_t i = 0; i < count; i++)
		read_packet(in);
	aead_batch_seal(ops, b.packets, b.count);
	for (size_t i = 0; i < count; i++)
		REQUIRE(!memcmp(b.got[i], b.sealed[i], b.packets[i].len + AEAD_TAG_LEN));
	spoil_and_open(in, ops);
	ASAN_UNPOISON_MEMORY_REGION(b.got, sizeof b.got);
}

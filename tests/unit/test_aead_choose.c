/* Which kernel is taken into use, and which never is. */
#include "crypto/aead_choose.h"

#include "crypto/aead_batch.h"
#include "unit/test.h"

enum fault {
	NO_FAULT,
	STREAM_OF_LAST_LANE,
	STREAM_BLOCK_NUMBER,
	STREAM_COUNTER_HIGH,
	TEXT_BEYOND,
	TEXT_LAST_BYTE,
	TAG_BIT,
	TAG_OF_LONG,
	TAG_OF_MANY,
	TAG_OF_MANY_LONG,
	FAULTS
};

static enum fault fault;
static struct aead_ops good, bad;

static void bad_blocks(uint8_t *stream, const struct chacha_lanes *lanes, unsigned count,
	struct poly1305_weft *weft)
{
	struct chacha_lanes own = *lanes;
	for (unsigned i = 0; i < CHACHA_LANES_MAX; i++) {
		if (fault == STREAM_BLOCK_NUMBER && own.block[i] == 31)
			own.block[i] = 30;
		if (fault == STREAM_COUNTER_HIGH)
			own.counter_high[i] = 0;
	}
	good.blocks(stream, &own, count, weft);
	if (fault == STREAM_OF_LAST_LANE && count == good.lanes)
		stream[good.lanes * CHACHA_BLOCK_LEN - 1] ^= 1;
	if (fault == TAG_BIT && weft->blocks < 3)
		weft->mac = (struct poly1305){0};
}

static void bad_add(uint8_t *text, const uint8_t *stream, size_t len)
{
	good.add(text, stream, fault == TEXT_LAST_BYTE && len % 16 == 15 ? len - 1 : len);
	if (fault == TEXT_BEYOND && len % 16 == 1)
		text[len + AEAD_TAG_LEN] ^= 4;
}

static void bad_poly(struct poly1305_message *message)
{
	good.poly(message);
	message->tag[15] ^= fault == TAG_BIT ? 0x80 : 0;
	message->tag[0] ^= fault == TAG_OF_LONG && message->len > 1900;
}

/* All places are taken, and by texts long enough for a way of their own. */
static bool are_many_and_long(const struct poly1305_message *messages, unsigned count)
{
	bool are_long = count == good.many;
	for (unsigned i = 0; i < count; i++)
		are_long &= messages[i].len >= 256;
	return are_long;
}

static void bad_poly_many(struct poly1305_message *messages, unsigned count)
{
	good.poly_many(messages, count);
	messages[count - 1].tag[7] ^= fault == TAG_OF_MANY;
	messages[0].tag[15] ^= fault == TAG_OF_MANY_LONG && are_many_and_long(messages, count);
}

static bool has_fault(const struct aead_ops *ops, enum fault planted)
{
	bool has_poly = planted >= TAG_OF_LONG && planted < FAULTS;
	if (has_poly && ops->weaves)
		return false; /* it has no such function */
	fault = planted;
	good = bad = *ops;
	bad.blocks = bad_blocks;
	bad.add = bad_add;
	bad.poly = bad_poly;
	bad.poly_many = bad_poly_many;
	return true;
}

TEST(aead_self_test)
{
	for (enum aead_kernel kernel = 0; kernel < AEAD_KERNEL_COUNT; kernel++) {
		const struct aead_ops *ops = aead_kernel_ops(kernel);
		for (enum fault planted = 0; ops && planted < FAULTS; planted++)
			if (has_fault(ops, planted) &&
				aead_self_test(&bad) != (planted == NO_FAULT)) {
				test_fail(__FILE__, __LINE__, "%s, fault %d: not judged rightly",
					aead_kernel_name(kernel), (int)planted);
				return;
			}
	}
}

static void seal_one(uint8_t out[static 20])
{
	static const struct aead_key key = {{7}};
	struct aead_packet packet = {out, 4, 9, &key, false};
	memcpy(out, "adit", 4);
	aead_seal_batch(&packet, 1);
	packet.len += AEAD_TAG_LEN;
	aead_open_batch(&packet, 1);
	packet.len -= AEAD_TAG_LEN;
	if (packet.ok)
		aead_seal_batch(&packet, 1);
}

TEST(aead_choose)
{
	uint8_t expected[20], got[20];
	seal_one(expected); /* libsodium, before any choice */
	for (enum aead_kernel wish = 0; wish < AEAD_KERNEL_COUNT; wish++) {
		struct aead_choice choice = aead_choose(wish);
		const struct aead_ops *ops = aead_kernel_ops(wish);
		CHECK(choice.used != AEAD_AUTO);
		if (wish != AEAD_AUTO)
			CHECK_EQ(ops ? wish : AEAD_LIBSODIUM, choice.used);
		if (wish > AEAD_LIBSODIUM)
			CHECK_EQ(ops ? AEAD_GOOD : AEAD_MISSING, choice.verdicts[wish]);
		seal_one(got);
		CHECK_MEM(expected, got, sizeof got);
	}
	aead_choose(AEAD_LIBSODIUM);
	CHECK_STR("auto", aead_kernel_name(AEAD_AUTO));
	CHECK_STR("libsodium", aead_kernel_name(AEAD_LIBSODIUM));
	CHECK_STR("portable", aead_kernel_name(AEAD_PORTABLE));
	CHECK_STR("avx2", aead_kernel_name(AEAD_AVX2));
	CHECK_STR("avx512", aead_kernel_name(AEAD_AVX512));
}

/* From the fastest down; what is broken is passed by, and named. */
TEST(aead_choose_falls_back)
{
	const struct aead_ops *kernels[AEAD_KERNEL_COUNT] = {NULL};
	CHECK(has_fault(aead_kernel_ops(AEAD_PORTABLE), TAG_BIT));
	kernels[AEAD_AVX2] = &bad;
	kernels[AEAD_PORTABLE] = &good;
	struct aead_choice choice = aead_choose_from(kernels, AEAD_AUTO);
	CHECK_EQ(AEAD_PORTABLE, choice.used);
	CHECK_EQ(AEAD_MISSING, choice.verdicts[AEAD_AVX512]);
	CHECK_EQ(AEAD_BROKEN, choice.verdicts[AEAD_AVX2]);
	CHECK_EQ(AEAD_GOOD, choice.verdicts[AEAD_PORTABLE]);

	choice = aead_choose_from(kernels, AEAD_AVX2);
	CHECK_EQ(AEAD_LIBSODIUM, choice.used);
	CHECK_EQ(AEAD_BROKEN, choice.verdicts[AEAD_AVX2]);
	CHECK_EQ(AEAD_UNTRIED, choice.verdicts[AEAD_PORTABLE]);

	kernels[AEAD_PORTABLE] = &bad;
	choice = aead_choose_from(kernels, AEAD_AUTO);
	CHECK_EQ(AEAD_LIBSODIUM, choice.used);
	CHECK_EQ(AEAD_BROKEN, choice.verdicts[AEAD_PORTABLE]);
	CHECK_EQ(AEAD_LIBSODIUM, aead_choose_from(kernels, AEAD_LIBSODIUM).used);
}

/*
 * Poly1305 of each kernel where its limbs are fullest, and where the sum lies beside
 * p = 2^130 - 5: alone, many at once, and woven into ChaCha20; judged by the slow one.
 */
#include "crypto/poly1305.h"

#include "crypto/aead_choose.h"
#include "unit/slow_aead.h"
#include "unit/test.h"

#define LEN_MAX 1600

static uint8_t texts[16][LEN_MAX];
static struct poly1305_message messages[16];

/* What a call of blocks() weaves in, as often as it takes; the rest as the AEAD does it. */
static void weave(const struct aead_ops *ops, struct poly1305_message *m)
{
	static uint8_t stream[CHACHA_LANES_MAX * CHACHA_BLOCK_LEN];
	static struct chacha_lanes lanes;
	struct poly1305_weft weft = {.text = m->text, .blocks = m->len / POLY1305_BLOCK_LEN};
	size_t before = 0;
	poly1305_init(&weft.mac, m->key);
	while (weft.blocks != before) {
		before = weft.blocks;
		ops->blocks(stream, &lanes, ops->lanes, &weft);
	}
	poly1305_finish(&weft.mac, m, (size_t)(weft.text - m->text));
}

static void check_tags(const char *way, enum aead_kernel kernel, unsigned count)
{
	uint8_t expected[16];
	for (unsigned i = 0; i < count; i++) {
		slow_poly1305(
			expected, messages[i].key, NULL, 0, messages[i].text, messages[i].len);
		if (memcmp(expected, messages[i].tag, 16))
			test_fail(__FILE__, __LINE__, "%s, %s: message %u of %u, %zu bytes",
				aead_kernel_name(kernel), way, i, count, messages[i].len);
		memset(messages[i].tag, 0, 16);
	}
}

/* Each kernel, each way, on the messages as they are. */
static void check_all(void)
{
	for (enum aead_kernel kernel = AEAD_PORTABLE; kernel < AEAD_KERNEL_COUNT; kernel++) {
		const struct aead_ops *ops = aead_kernel_ops(kernel);
		if (!ops)
			continue;
		for (unsigned i = 0; i < 16; i++)
			ops->poly(&messages[i]);
		check_tags("alone", kernel, 16);
		if (ops->weaves)
			for (unsigned i = 0; i < 16; i++)
				weave(ops, &messages[i]);
		else
			for (unsigned i = 0; i < 16; i++)
				ops->poly(&messages[i]);
		check_tags("woven", kernel, 16);
		for (unsigned count = 1; ops->many > 1 && count <= ops->many; count += 5) {
			ops->poly_many(messages, count);
			check_tags("many", kernel, count);
		}
	}
}

static const uint8_t r_kinds[][16] = {
	{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff}, /* clamping makes it the greatest */
	{0},
	{1},
	{2},
	{5},
	{0xff, 0xff, 0xff, 0x0f}, /* the greatest lower limb */
	{0, 0, 0, 0, 0, 0, 0, 0, 0xfc, 0xff, 0xff, 0x0f, 0xfc, 0xff, 0xff, 0x0f},
	{0, 0, 0, 0, 0xfc, 0xff, 0xff, 0x0f}, /* limbs of 44 bits: the middle one */
	{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf, 0xfc, 0xff, 0xff, 0x0f},
};
#define R_KINDS (sizeof r_kinds / sizeof *r_kinds)

/* Message i has the i-th kind of r, from `first` on, and s of ones or zeros. */
static void set(unsigned i, size_t len, size_t first)
{
	messages[i].text = texts[i];
	messages[i].len = len;
	memcpy(messages[i].key, r_kinds[(i + first) % R_KINDS], 16);
	memset(messages[i].key + 16, i % 2 ? 0xff : 0, 16);
}

TEST(poly1305_fullest_limbs)
{
	static const size_t lens[] = {0, 1, 15, 16, 17, 64, 127, 128, 239, 240, 241, 255, 256, 257,
		300, 320, 511, 512, 513, 1420, 1600};
	for (int byte = 0; byte < 2; byte++) {
		memset(texts, byte ? 0 : 0xff, sizeof texts);
		for (size_t k = 0; k < sizeof lens / sizeof *lens; k++)
			for (size_t first = 0; first < R_KINDS; first += 4) {
				for (unsigned i = 0; i < 16; i++)
					set(i, lens[k], first);
				check_all();
			}
	}
}

/* Each length beside others. */
TEST(poly1305_mixed_lengths)
{
	uint32_t state = 1;
	for (size_t i = 0; i < sizeof texts; i++, state = state * 1664525 + 1013904223)
		texts[i / LEN_MAX][i % LEN_MAX] = (uint8_t)(state >> 24);
	for (size_t len = 0; len <= 640; len += 3) {
		for (unsigned i = 0; i < 16; i++)
			set(i, (len * (i % 4 + 1) / 4 + i) % LEN_MAX, len);
		check_all();
	}
}

/* 128-bit little-endian text -= n, modulo 2^128 */
static void subtract(uint8_t text[static 16], uint64_t n)
{
	uint64_t low = load_le64(text);
	store_le64(text, low - n);
	store_le64(text + 8, load_le64(text + 8) - (low < n));
}

/*
 * With r = 1 the sum is that of all blocks, each with 2^128 on top. The lengths' is 16n *
 * 2^64. n blocks of text, n = 4k + 2, and it have 3 * 2^128 + 5k on top modulo p, and
 * 3 * 2^128 + 2^128 - 5 is p; so the last block makes the sum p - 11 .. p + 4, which is
 * 2^130 - 1, and the first one up to 8 more.
 */
TEST(poly1305_sum_beside_p)
{
	for (size_t k = 0; k < 24; k++)
		for (uint8_t more = 0; more <= 8; more += 8) {
			size_t n = 4 * k + 2;
			memset(texts, 0, sizeof texts);
			for (unsigned i = 0; i < 16; i++) {
				uint8_t *last = texts[i] + 16 * (n - 1);
				set(i, 16 * n, 2);
				memset(messages[i].key, 0, 16);
				messages[i].key[0] = 1;
				texts[i][0] = more;
				memset(last, 0xff, 16);
				subtract(last, 15 - i + 5 * k);
				store_le64(last + 8, load_le64(last + 8) - 16 * n);
			}
			check_all();
		}
}

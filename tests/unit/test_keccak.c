#include "crypto/keccak.h"

#include "unit/slow_keccak.h"
#include "unit/test.h"

#define INPUT_MAX 1024

static const struct {
	size_t rate, digest_len;
	uint8_t suffix;
} kinds[] = {[SHAKE128] = {168, 400, 0x1f},
	[SHAKE256] = {136, 400, 0x1f},
	[SHA3_256] = {136, 32, 0x06},
	[SHA3_512] = {72, 64, 0x06}};

static const uint8_t *counting(void) /* 00 01 02 ... */
{
	static uint8_t bytes[INPUT_MAX];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	return bytes;
}

static void hash(uint8_t *out, size_t out_len, enum sponge_kind kind, const void *in, size_t len)
{
	struct sponge s;
	sponge_init(&s, kind);
	sponge_absorb(&s, in, len);
	sponge_finish(&s);
	sponge_squeeze(&s, out, out_len);
}

/* Computed with Python's hashlib. */
TEST(keccak_known_answers)
{
	static const struct {
		enum sponge_kind kind;
		size_t len;
		const char *expected;
	} rows[] = {
		{SHA3_256, 0, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"},
		{SHA3_256, 135, "fded8fd9d6551c601eeb3b7c6bc5e5cfd8aad1d015b7e9aaa9c9b9475231d5e2"},
		{SHA3_256, 136, "cf3ccff92480a29160c2d38317c430e14749bfee1788106957dfe73f8c4930e5"},
		{SHA3_256, 1024,
			"b6c70631c6ff932b9f380d9cde8750eb9bea393817a9aea410c2119eb7b9b870"},
		{SHA3_512, 0, "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"},
		{SHA3_512, 72, "5d63f2bbe971a983ac6847480106e4e1264ee3a0befd79954914e1d86e795b2e"},
		{SHAKE128, 0, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"},
		{SHAKE128, 167, "1e552791cc4e93a0d4a8dc47ae49228c2faa869e40e628f6ace477aec3f1ca7a"},
		{SHAKE256, 0, "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"},
		{SHAKE256, 168, "1687771440dbcdaa8af7049dd319414a12a702caa4809a0ded089cb659219ea4"},
	};
	uint8_t expected[32], got[32];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		HEX(expected, rows[i].expected);
		hash(got, sizeof got, rows[i].kind, counting(), rows[i].len);
		CHECK_MEM(expected, got, sizeof got);
	}
}

/* Every length around the blocks, against the words of the standard. */
TEST(keccak_lengths)
{
	uint8_t expected[400], got[400];
	for (enum sponge_kind kind = SHAKE128; kind <= SHA3_512; kind++)
		for (size_t len = 0; len < 350; len++) {
			size_t out_len = kinds[kind].digest_len;
			struct slow_sponge slow;
			slow_sponge_start(&slow, kinds[kind].rate, kinds[kind].suffix, counting(),
				len, NULL, 0);
			for (size_t i = 0; i < out_len; i++)
				expected[i] = slow_sponge_next(&slow);
			hash(got, out_len, kind, counting(), len);
			CHECK_MEM(expected, got, out_len);
		}
}

/* In pieces of any length, in and out, it is the same. */
TEST(keccak_pieces)
{
	uint8_t expected[1000], got[1000];
	hash(expected, sizeof expected, SHAKE256, counting(), INPUT_MAX);
	for (size_t piece = 1; piece < 300; piece++) {
		struct sponge s;
		sponge_init(&s, SHAKE256);
		for (size_t at = 0; at < INPUT_MAX; at += piece)
			sponge_absorb(&s, counting() + at,
				INPUT_MAX - at < piece ? INPUT_MAX - at : piece);
		sponge_finish(&s);
		for (size_t at = 0; at < sizeof got; at += piece)
			sponge_squeeze(
				&s, got + at, sizeof got - at < piece ? sizeof got - at : piece);
		CHECK_MEM(expected, got, sizeof got);
	}
}

TEST(keccak_start)
{
	uint8_t expected[32], got[32];
	for (size_t len = 0; len < 300; len++) {
		struct sponge s;
		sponge_start(&s, SHA3_256, counting(), counting() + 32, len);
		sponge_squeeze(&s, got, sizeof got);
		hash(expected, sizeof expected, SHA3_256, counting(), 32 + len);
		CHECK_MEM(expected, got, sizeof got);
	}
}

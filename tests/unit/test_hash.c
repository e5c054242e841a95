#include "crypto/hash.h"

#include "unit/test.h"

static const uint8_t *counting(void) /* 00 01 02 ... */
{
	static uint8_t bytes[1024];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	return bytes;
}

static void blake2s(
	uint8_t *out, size_t out_len, const void *key, size_t key_len, const void *data, size_t len)
{
	struct blake2s ctx;
	blake2s_init(&ctx, out_len, key, key_len);
	blake2s_update(&ctx, data, len);
	blake2s_final(&ctx, out);
}

/* RFC 7693 appendix B; the others computed with Python's hashlib. */
TEST(blake2s_known_answers)
{
	static const struct {
		size_t key_len, len, out_len;
		const char *expected;
	} rows[] = {
		{0, 0, 32, "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9"},
		{32, 0, 32, "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49"},
		{32, 255, 32, "3fb735061abc519dfe979e54c1ee5bfad0a9d858b3315bad34bde999efd724dd"},
		{16, 64, 16, "dd55c51c98f8ab96ed272882941f0b6a"},
	};
	uint8_t expected[HASH_LEN], got[HASH_LEN];
	HEX(expected, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
	blake2s(got, HASH_LEN, NULL, 0, "abc", 3);
	CHECK_MEM(expected, got, HASH_LEN);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = rows[i].out_len;
		test_hex(expected, n, rows[i].expected);
		blake2s(got, n, counting(), rows[i].key_len, counting(), rows[i].len);
		CHECK_MEM(expected, got, n);
	}
}

/* The appendix's generator of test data: the top bytes of a Fibonacci sequence. */
static void fill_sequence(uint8_t *out, size_t len, uint32_t seed)
{
	uint32_t a = 0xdead4bad * seed, b = 1;
	for (size_t i = 0; i < len; i++) {
		uint32_t sum = a + b;
		a = b;
		b = sum;
		out[i] = (uint8_t)(sum >> 24);
	}
}

/* RFC 7693 appendix E */
TEST(blake2s_self_test)
{
	static const uint8_t out_lens[] = {16, 20, 28, 32};
	static const uint16_t lens[] = {0, 3, 64, 65, 255, 1024};
	uint8_t expected[HASH_LEN], data[1024], key[HASH_LEN], digest[HASH_LEN];
	struct blake2s all;
	blake2s_init(&all, HASH_LEN, NULL, 0);
	for (size_t i = 0; i < sizeof out_lens; i++) {
		for (size_t k = 0; k < sizeof lens / sizeof *lens; k++) {
			fill_sequence(data, lens[k], lens[k]);
			blake2s(digest, out_lens[i], NULL, 0, data, lens[k]);
			blake2s_update(&all, digest, out_lens[i]);
			fill_sequence(key, out_lens[i], out_lens[i]);
			blake2s(digest, out_lens[i], key, out_lens[i], data, lens[k]);
			blake2s_update(&all, digest, out_lens[i]);
		}
	}
	blake2s_final(&all, digest);
	HEX(expected, "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
	CHECK_MEM(expected, digest, HASH_LEN);
}

/* However the data is cut, also at the edges of blocks, keyed or not, the digest is the same. */
TEST(blake2s_in_pieces)
{
	for (size_t key_len = 0; key_len <= 32; key_len += 32) {
		for (size_t len = 0; len <= 200; len++) {
			uint8_t whole[HASH_LEN], cut[HASH_LEN];
			blake2s(whole, HASH_LEN, counting(), key_len, counting(), len);
			for (size_t at = 0; at <= len; at++) {
				struct blake2s ctx;
				blake2s_init(&ctx, HASH_LEN, counting(), key_len);
				blake2s_update(&ctx, counting(), at);
				blake2s_update(&ctx, counting() + at, len - at);
				blake2s_final(&ctx, cut);
				CHECK_MEM(whole, cut, HASH_LEN);
			}
		}
	}
}

/* Nobody hashes 4 GiB here; but beyond it the counter goes on. */
TEST(blake2s_counter_is_64_bits)
{
	uint8_t digests[2][HASH_LEN];
	for (uint64_t i = 0; i < 2; i++) {
		struct blake2s ctx;
		blake2s_init(&ctx, HASH_LEN, NULL, 0);
		ctx.counter = i << 32;
		blake2s_final(&ctx, digests[i]);
	}
	CHECK(memcmp(digests[0], digests[1], HASH_LEN) != 0);
}

TEST(blake2s_context_is_wiped)
{
	struct blake2s ctx, zero;
	memset(&zero, 0, sizeof zero);
	uint8_t out[HASH_LEN + 1] = {[20] = 0xa5};
	blake2s_init(&ctx, 20, counting(), 32);
	blake2s_update(&ctx, counting(), 100);
	blake2s_final(&ctx, out);
	CHECK_MEM(&zero, &ctx, sizeof ctx);
	CHECK_EQ(0xa5, out[20]); /* no byte beyond out_len */
}

/* Computed with Python's hmac. Key and message are 00 01 02 ... */
TEST(hmac_blake2s_known_answers)
{
	static const struct {
		size_t key_len, len;
		const char *expected;
	} rows[] = {
		{0, 0, "eaf4bb25938f4d20e72656bbbc7a9bf63c0c18537333c35bdb67db1402661acd"},
		{0, 64, "85b55a3c7af063f3d2744b2d568d2f808f33794f9791c08f0f37fbdb681d29b1"},
		{32, 0, "e2641d24dfa8dd89e8cb77f1cdc77d8c006e5bebdfc4d6a3a3a6f8d5b7586fb0"},
		{32, 64, "3b35e945d05ac982850451ac8b6cdfffb98e56f50b95272fab665de081691056"},
		{63, 64, "8c8410ad3a4231a2266871d16724f397a05850e4d71f005e48433d739288d75d"},
		{64, 64, "16b4112bb7a7d3d85ee3baf8649046691596c5adab68f93ab0ebb4d798b8444d"},
		{65, 64, "afc14324ca3d7ecb0a92b4920d09c546ed0ab6e537853f817f415281056f63bb"},
		{200, 64, "4fcd9908f5263eb79af66e6d53b90562084ee5820e338e51cfe0c9206ac443ef"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t expected[HASH_LEN], got[HASH_LEN];
		HEX(expected, rows[i].expected);
		for (size_t cut = 0; cut <= rows[i].len; cut++) {
			hmac_blake2s(got, counting(), rows[i].key_len, counting(), cut,
				counting() + cut, rows[i].len - cut);
			CHECK_MEM(expected, got, HASH_LEN);
		}
	}
}

TEST(kdf_known_answers)
{
	static const char *const expected_hex[3] = {
		"6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
		"df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
		"fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24",
	};
	/* HMAC fills a short key up with zeros, so this is the key "test-key" */
	const uint8_t key[HASH_LEN] = "test-key";
	uint8_t expected[3][HASH_LEN], got[3][HASH_LEN];
	for (int i = 0; i < 3; i++)
		HEX(expected[i], expected_hex[i]);
	for (int n = 1; n <= 3; n++) {
		memset(got, 0, sizeof got);
		kdf(got[0], n > 1 ? got[1] : NULL, n > 2 ? got[2] : NULL, key, "test-input", 10);
		CHECK_MEM(expected, got, (size_t)n * HASH_LEN);
	}
	uint8_t in_place[HASH_LEN] = "test-key";
	kdf(in_place, got[1], NULL, in_place, "test-input", 10);
	CHECK_MEM(expected[0], in_place, HASH_LEN);
	CHECK_MEM(expected[1], got[1], HASH_LEN);

	/* no input, as in the last step of the handshake; computed with Python's hmac */
	HEX(expected[0], "8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0");
	HEX(expected[1], "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e");
	kdf(got[0], got[1], NULL, (uint8_t[HASH_LEN]){0}, NULL, 0);
	CHECK_MEM(expected, got, sizeof expected[0] * 2);
}

/* The reference implementation's vectors: key 00..0f, data of 0 to 63 bytes 00 01 02 ... */
TEST(siphash24_reference)
{
	static const uint64_t expected[64] = {
		0x726fdb47dd0e0e31,
		0x74f839c593dc67fd,
		0x0d6c8009d9a94f5a,
		0x85676696d7fb7e2d,
		0xcf2794e0277187b7,
		0x18765564cd99a68d,
		0xcbc9466e58fee3ce,
		0xab0200f58b01d137,
		0x93f5f5799a932462,
		0x9e0082df0ba9e4b0,
		0x7a5dbbc594ddb9f3,
		0xf4b32f46226bada7,
		0x751e8fbc860ee5fb,
		0x14ea5627c0843d90,
		0xf723ca908e7af2ee,
		0xa129ca6149be45e5,
		0x3f2acc7f57c29bdb,
		0x699ae9f52cbe4794,
		0x4bc1b3f0968dd39c,
		0xbb6dc91da77961bd,
		0xbed65cf21aa2ee98,
		0xd0f2cbb02e3b67c7,
		0x93536795e3a33e88,
		0xa80c038ccd5ccec8,
		0xb8ad50c6f649af94,
		0xbce192de8a85b8ea,
		0x17d835b85bbb15f3,
		0x2f2e6163076bcfad,
		0xde4daaaca71dc9a5,
		0xa6a2506687956571,
		0xad87a3535c49ef28,
		0x32d892fad841c342,
		0x7127512f72f27cce,
		0xa7f32346f95978e3,
		0x12e0b01abb051238,
		0x15e034d40fa197ae,
		0x314dffbe0815a3b4,
		0x027990f029623981,
		0xcadcd4e59ef40c4d,
		0x9abfd8766a33735c,
		0x0e3ea96b5304a7d0,
		0xad0c42d6fc585992,
		0x187306c89bc215a9,
		0xd4a60abcf3792b95,
		0xf935451de4f21df2,
		0xa9538f0419755787,
		0xdb9acddff56ca510,
		0xd06c98cd5c0975eb,
		0xe612a3cb9ecba951,
		0xc766e62cfcadaf96,
		0xee64435a9752fe72,
		0xa192d576b245165a,
		0x0a8787bf8ecb74b2,
		0x81b3e73d20b49b6f,
		0x7fa8220ba3b2ecea,
		0x245731c13ca42499,
		0xb78dbfaf3a8d83bd,
		0xea1ad565322a1a0b,
		0x60e61c23a3795013,
		0x6606d7e446282b93,
		0x6ca4ecb15c5f91e1,
		0x9f626da15c9625f3,
		0xe51b38608ef25f57,
		0x958a324ceb064572,
	};
	struct siphash_key key;
	memcpy(key.bytes, counting(), sizeof key.bytes);
	for (size_t len = 0; len < 64; len++)
		CHECK_EQ(expected[len], siphash24(&key, counting(), len));
}

#include "crypto/aead.h"

#include "base/bytes.h"
#include "unit/slow_aead.h"
#include "unit/test.h"

/* RFC 8439 A.5, and its nonce 00000000 0102030405060708 as a counter */
static const char key_a5[] = "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
static const char ad_a5[] = "f33388860000000000004e91";
static const char plain_a5[] = "496e7465726e65742d4472616674732061726520647261667420646f63756d65"
			       "6e74732076616c696420666f722061206d6178696d756d206f6620736978206d"
			       "6f6e74687320616e64206d617920626520757064617465642c207265706c6163"
			       "65642c206f72206f62736f6c65746564206279206f7468657220646f63756d65"
			       "6e747320617420616e792074696d652e20497420697320696e617070726f7072"
			       "6961746520746f2075736520496e7465726e65742d4472616674732061732072"
			       "65666572656e6365206d6174657269616c206f7220746f206369746520746865"
			       "6d206f74686572207468616e206173202fe2809c776f726b20696e2070726f67"
			       "726573732e2fe2809d";
static const char sealed_a5[] = "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
				"4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
				"332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
				"9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
				"b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
				"af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
				"0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
				"49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
				"a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38";
#define LEN_A5	   265
#define COUNTER_A5 UINT64_C(0x0807060504030201)

/* RFC 8439 2.8.2 and the XChaCha draft A.3 seal the same text with the same key. */
static const char key_sunscreen[] =
	"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
static const char ad_sunscreen[] = "50515253c0c1c2c3c4c5c6c7";
static const char sunscreen[] =
	"Ladies and Gentlemen of the class of '99: If I could offer you only "
	"one tip for the future, sunscreen would be it.";
#define LEN_SUNSCREEN 114

TEST(aead_rfc8439)
{
	struct aead_key key;
	uint8_t ad[12], plain[LEN_A5], sealed[LEN_A5 + 16], got[LEN_A5 + 16];
	HEX(key.bytes, key_a5);
	HEX(ad, ad_a5);
	HEX(plain, plain_a5);
	HEX(sealed, sealed_a5);
	aead_seal(got, plain, LEN_A5, ad, sizeof ad, COUNTER_A5, &key);
	CHECK_MEM(sealed, got, sizeof sealed);
	CHECK(aead_open(got, sealed, sizeof sealed, ad, sizeof ad, COUNTER_A5, &key));
	CHECK_MEM(plain, got, LEN_A5);
}

/* RFC 8439 2.8.2: its nonce is no counter of ours, so it judges the slow judge. */
TEST(aead_slow_rfc8439)
{
	uint8_t key[32], nonce[12], ad[12], sealed[LEN_SUNSCREEN + 16], got[LEN_SUNSCREEN + 16];
	HEX(key, key_sunscreen);
	HEX(nonce, "070000004041424344454647");
	HEX(ad, ad_sunscreen);
	HEX(sealed, "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		    "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691");
	slow_aead_seal(got, (const uint8_t *)sunscreen, LEN_SUNSCREEN, ad, sizeof ad, nonce, key);
	CHECK_MEM(sealed, got, sizeof sealed);
}

/* XChaCha draft A.3 */
TEST(xaead_draft)
{
	struct aead_key key;
	uint8_t nonce[24], ad[12], sealed[LEN_SUNSCREEN + 16], got[LEN_SUNSCREEN + 16];
	HEX(key.bytes, key_sunscreen);
	HEX(nonce, "404142434445464748494a4b4c4d4e4f5051525354555657");
	HEX(ad, ad_sunscreen);
	HEX(sealed, "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
		    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
		    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
		    "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
	xaead_seal(got, (const uint8_t *)sunscreen, LEN_SUNSCREEN, ad, sizeof ad, nonce, &key);
	CHECK_MEM(sealed, got, sizeof sealed);
	CHECK(xaead_open(got, got, sizeof sealed, ad, sizeof ad, nonce, &key));
	CHECK_MEM(sunscreen, got, LEN_SUNSCREEN);
	for (size_t len = 0; len < sizeof sealed; len++)
		CHECK(!xaead_open(got, sealed, len, ad, sizeof ad, nonce, &key));
	nonce[23] ^= 1;
	CHECK(!xaead_open(got, sealed, sizeof sealed, ad, sizeof ad, nonce, &key));
}

static void fill(uint8_t *out, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++, seed = seed * 1664525 + 1013904223)
		out[i] = (uint8_t)(seed >> 24);
}

/* In place, at every length around the blocks and at the ends of the counter's range. */
TEST(aead_against_slow)
{
	static const uint64_t counters[] = {0, 1, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
	uint8_t plain[1600], ad[64], got[1600 + 16], expected[1600 + 16], nonce[12] = {0};
	struct aead_key key;
	for (size_t len = 0; len <= sizeof plain; len += len < 300 ? 1 : 325) {
		uint32_t seed = (uint32_t)len;
		uint64_t counter = counters[len % 5];
		size_t ad_len = len * 7 % sizeof ad;
		fill(key.bytes, sizeof key.bytes, seed);
		fill(ad, ad_len, seed + 1);
		fill(plain, len, seed + 2);
		memcpy(got, plain, len);
		store_le64(nonce + 4, counter);
		slow_aead_seal(expected, plain, len, ad, ad_len, nonce, key.bytes);
		aead_seal(got, got, len, ad, ad_len, counter, &key);
		CHECK_MEM(expected, got, len + 16);
		CHECK(aead_open(got, got, len + 16, ad, ad_len, counter, &key));
		CHECK_MEM(plain, got, len);
	}
}

/* Each bit of text, tag, associated data, key and counter counts. */
TEST(aead_every_bit_counts)
{
	struct { /* byte by byte, in this order */
		uint8_t sealed[33 + 16], ad[20];
		struct aead_key key;
		uint8_t counter[8];
	} good, bad;
	uint8_t out[33];
	fill((uint8_t *)&good, sizeof good, 9);
	aead_seal(good.sealed, good.sealed, 33, good.ad, 20, load_le64(good.counter), &good.key);
	for (size_t bit = 0; bit <= 8 * sizeof good; bit++) {
		bad = good;
		if (bit < 8 * sizeof good)
			((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		bool ok = aead_open(out, bad.sealed, sizeof bad.sealed, bad.ad, 20,
			load_le64(bad.counter), &bad.key);
		CHECK_EQ(bit == 8 * sizeof good, ok);
	}
}

TEST(aead_short_input)
{
	struct aead_key key = {{1}};
	uint8_t sealed[17], out[17];
	aead_seal(sealed, NULL, 0, NULL, 0, 5, &key);
	CHECK(aead_open(out, sealed, 16, NULL, 0, 5, &key));
	CHECK(!aead_open(out, sealed, 17, NULL, 0, 5, &key));
	for (size_t len = 0; len < 16; len++)
		CHECK(!aead_open(out, sealed, len, NULL, 0, 5, &key));
}

/* Keys, counters and lengths of its own for each packet; a forged one disturbs no other. */
TEST(aead_batch)
{
	enum { COUNT = 70, MAX = 300 };
	static uint8_t texts[COUNT][MAX + 16];
	static struct aead_key keys[COUNT];
	struct aead_packet packets[COUNT];
	uint8_t plain[MAX], expected[MAX + 16];
	for (uint32_t i = 0; i < COUNT; i++) {
		packets[i] = (struct aead_packet){texts[i], i * 4, UINT64_MAX - i, &keys[i], false};
		fill(texts[i], i * 4, i);
		fill(keys[i].bytes, 32, ~i);
	}
	aead_seal_batch(packets, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		fill(plain, i * 4, i);
		aead_seal(expected, plain, i * 4, NULL, 0, UINT64_MAX - i, &keys[i]);
		CHECK_MEM(expected, texts[i], i * 4 + 16);
		packets[i].len += 16;
		packets[i].ok = i % 3 == 0; /* what it was does not matter */
		texts[i][0] ^= i % 3 == 0;
	}
	aead_open_batch(packets, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		fill(plain, i * 4, i);
		CHECK_EQ(i % 3 != 0, packets[i].ok);
		if (packets[i].ok)
			CHECK_MEM(plain, texts[i], i * 4);
	}
	aead_seal_batch(NULL, 0);
	aead_open_batch(NULL, 0);
}

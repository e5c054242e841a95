#include "unit/test.h"

#include "text/keytext.h"

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* RFC 4648 bit by bit. */
static void slow_base64(char text[static KEYTEXT_BASE64_LEN + 1], const uint8_t *key)
{
	for (unsigned i = 0; i < 43; i++) {
		unsigned value = 0;
		for (unsigned bit = 6 * i; bit < 6 * i + 6; bit++)
			value = value << 1 |
				(bit < 256 ? (unsigned)key[bit / 8] >> (7 - bit % 8) & 1u : 0u);
		text[i] = ALPHABET[value];
	}
	strcpy(text + 43, "=");
}

static void fill(uint8_t key[static KEYTEXT_KEY_LEN], uint64_t *seed)
{
	for (unsigned i = 0; i < KEYTEXT_KEY_LEN; i++) {
		*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		key[i] = (uint8_t)(*seed >> 56);
	}
}

TEST(keytext_base64_known)
{
	static const struct {
		const char *hex, *text;
	} rows[] = {
		{"0000000000000000000000000000000000000000000000000000000000000000",
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		{"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
			"//////////////////////////////////////////8="},
		{"c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf0669",
			"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t key[KEYTEXT_KEY_LEN], read[KEYTEXT_KEY_LEN];
		char text[KEYTEXT_BASE64_LEN + 1], hex[KEYTEXT_HEX_LEN + 1];
		HEX(key, rows[i].hex);
		keytext_write_base64(text, key);
		CHECK_STR(rows[i].text, text);
		CHECK(keytext_read_base64(read, text, KEYTEXT_BASE64_LEN));
		CHECK_MEM(key, read, sizeof key);
		keytext_write_hex(hex, key);
		CHECK_STR(rows[i].hex, hex);
		memset(read, 0xaa, sizeof read);
		CHECK(keytext_read_hex(read, hex, KEYTEXT_HEX_LEN));
		CHECK_MEM(key, read, sizeof key);
	}
}

TEST(keytext_base64_agrees_with_the_slow_way)
{
	uint64_t seed = 7;
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t key[KEYTEXT_KEY_LEN], read[KEYTEXT_KEY_LEN];
		char expected[KEYTEXT_BASE64_LEN + 1], text[KEYTEXT_BASE64_LEN + 1];
		fill(key, &seed);
		slow_base64(expected, key);
		keytext_write_base64(text, key);
		CHECK_STR(expected, text);
		CHECK(keytext_read_base64(read, text, KEYTEXT_BASE64_LEN));
		CHECK_MEM(key, read, sizeof key);
	}
}

/* Every character at every place: right only if writing gives the same text again. */
TEST(keytext_base64_is_canonical)
{
	static const uint8_t zeros[KEYTEXT_KEY_LEN];
	uint8_t key[KEYTEXT_KEY_LEN] = {1, 2, 3};
	char good[KEYTEXT_BASE64_LEN + 1], text[KEYTEXT_BASE64_LEN + 1];
	unsigned accepted = 0;
	keytext_write_base64(good, key);
	for (unsigned place = 0; place < KEYTEXT_BASE64_LEN; place++) {
		for (unsigned c = 0; c < 256; c++) {
			strcpy(text, good);
			text[place] = (char)c;
			if (!keytext_read_base64(key, text, KEYTEXT_BASE64_LEN)) {
				CHECK_MEM(zeros, key, sizeof key);
				continue;
			}
			char again[KEYTEXT_BASE64_LEN + 1];
			keytext_write_base64(again, key);
			CHECK_MEM(text, again, sizeof again);
			accepted++;
		}
	}
	/* 42 free characters, one with 4 bits, one "=" */
	CHECK_EQ(42 * 64 + 16 + 1, accepted);
}

TEST(keytext_hex_digits)
{
	char text[KEYTEXT_HEX_LEN + 1];
	unsigned accepted = 0;
	for (unsigned place = 0; place < KEYTEXT_HEX_LEN; place++) {
		for (unsigned c = 0; c < 256; c++) {
			uint8_t key[KEYTEXT_KEY_LEN];
			memset(text, '0', KEYTEXT_HEX_LEN);
			text[place] = (char)c;
			if (!keytext_read_hex(key, text, KEYTEXT_HEX_LEN))
				continue;
			const char *digit = strchr("0123456789abcdef", (int)(c | 0x20));
			CHECK(digit);
			unsigned value = (unsigned)(digit - strchr("0123456789abcdef", '0'));
			CHECK_EQ(place % 2 ? value : value << 4, key[place / 2]);
			accepted++;
		}
	}
	CHECK_EQ(22 * KEYTEXT_HEX_LEN, accepted);
}

TEST(keytext_only_the_right_length)
{
	static const uint8_t zeros[KEYTEXT_KEY_LEN];
	char text[80];
	for (size_t len = 0; len < sizeof text; len++) {
		uint8_t key[KEYTEXT_KEY_LEN];
		memset(text, 'A', sizeof text);
		CHECK_EQ(len == KEYTEXT_HEX_LEN, keytext_read_hex(key, text, len));
		if (len)
			text[len - 1] = '=';
		CHECK_EQ(len == KEYTEXT_BASE64_LEN, keytext_read_base64(key, text, len));
		CHECK_MEM(zeros, key, sizeof key);
	}
}

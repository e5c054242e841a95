/* Keys as text against libsodium's codecs, and there and back. */
#include "fuzz/fuzz.h"

#include <sodium.h>
#include <string.h>

#include "text/keytext.h"

/* libsodium 1.0.18 takes some bytes above 127 for digits of base64. */
static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] > 127)
			return false;
	return true;
}

static void check_base64(const char *text, size_t len)
{
	uint8_t key[KEYTEXT_KEY_LEN], other[KEYTEXT_KEY_LEN];
	char back[KEYTEXT_BASE64_LEN + 1];
	size_t other_len = 0;
	bool is_read = keytext_read_base64(key, text, len);
	bool is_right = len == KEYTEXT_BASE64_LEN && is_ascii(text, len) &&
			!sodium_base642bin(other, sizeof other, text, len, NULL, &other_len, NULL,
				sodium_base64_VARIANT_ORIGINAL) &&
			other_len == sizeof other;
	REQUIRE(is_read == is_right);
	if (!is_read) {
		REQUIRE(sodium_is_zero(key, sizeof key));
		return;
	}
	REQUIRE(!memcmp(key, other, sizeof key));
	keytext_write_base64(back, key);
	REQUIRE(strlen(back) == len && !memcmp(back, text, len));
}

static void check_hex(const char *text, size_t len)
{
	uint8_t key[KEYTEXT_KEY_LEN], other[KEYTEXT_KEY_LEN];
	char back[KEYTEXT_HEX_LEN + 1], expected[KEYTEXT_HEX_LEN + 1];
	size_t other_len = 0;
	bool is_read = keytext_read_hex(key, text, len);
	bool is_right = len == KEYTEXT_HEX_LEN &&
			!sodium_hex2bin(other, sizeof other, text, len, NULL, &other_len, NULL) &&
			other_len == sizeof other;
	REQUIRE(is_read == is_right);
	if (!is_read) {
		REQUIRE(sodium_is_zero(key, sizeof key));
		return;
	}
	REQUIRE(!memcmp(key, other, sizeof key));
	keytext_write_hex(back, key);
	REQUIRE(!strcmp(back, sodium_bin2hex(expected, sizeof expected, key, sizeof key)));
}

FUZZ(keytext)
{
	check_base64((const char *)in->bytes, in->len);
	check_hex((const char *)in->bytes, in->len);
}

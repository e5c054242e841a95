#include "text/keytext.h"

#include "crypto/secret.h"

/* Consecutive characters that stand for consecutive values. */
struct run {
	int first_char, first_value, count;
};

static const struct run base64_runs[] = {
	{'A', 0, 26}, {'a', 26, 26}, {'0', 52, 10}, {'+', 62, 1}, {'/', 63, 1}};
static const struct run hex_runs[] = {{'0', 0, 10}, {'a', 10, 6}, {'A', 10, 6}};

#define BASE64_RUNS	  5
#define HEX_RUNS	  3
#define HEX_RUNS_TO_WRITE 2 /* lower case only */

/* All ones when first <= x < first + count, else 0; |x| and |first| under 2^30. */
static int mask_if_within(int x, int first, int count)
{
	uint32_t is_outside = (uint32_t)((x - first) | (first + count - 1 - x)) >> 31;
	return (int)secret_barrier(is_outside) - 1;
}

static char encode(int value, const struct run *runs, unsigned run_count)
{
	int c = 0;
	for (unsigned i = 0; i < run_count; i++)
		c |= mask_if_within(value, runs[i].first_value, runs[i].count) &
		     (value - runs[i].first_value + runs[i].first_char);
	return (char)c;
}

/* The character's value; *wrong becomes nonzero when it has none. */
static uint32_t decode(char text, const struct run *runs, unsigned run_count, int *wrong)
{
	int c = (unsigned char)text, value = 0, known = 0;
	for (unsigned i = 0; i < run_count; i++) {
		int mask = mask_if_within(c, runs[i].first_char, runs[i].count);
		value |= mask & (c - runs[i].first_char + runs[i].first_value);
		known |= mask;
	}
	*wrong |= ~known;
	return (uint32_t)value;
}

/* The one thing about the text that may show is whether it was a key. */
static bool keep_if_right(uint8_t key[static KEYTEXT_KEY_LEN], int wrong)
{
	bool is_right = secret_is_zero(&wrong, sizeof wrong);
	if (!is_right)
		secret_wipe(key, KEYTEXT_KEY_LEN);
	return is_right;
}

void keytext_write_base64(
	char text[static KEYTEXT_BASE64_LEN + 1], const uint8_t key[static KEYTEXT_KEY_LEN])
{
	for (unsigned i = 0; i < KEYTEXT_BASE64_LEN / 4; i++) {
		const uint8_t *p = key + 3 * i;
		bool is_last = 3 * i + 2 == KEYTEXT_KEY_LEN;
		uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | (is_last ? 0u : p[2]);
		for (unsigned j = 0; j < 4; j++)
			text[4 * i + j] =
				encode((int)(bits >> (18 - 6 * j) & 63), base64_runs, BASE64_RUNS);
	}
	text[KEYTEXT_BASE64_LEN - 1] = '=';
	text[KEYTEXT_BASE64_LEN] = 0;
}

bool keytext_read_base64(uint8_t key[static KEYTEXT_KEY_LEN], const char *text, size_t len)
{
	secret_wipe(key, KEYTEXT_KEY_LEN);
	if (len != KEYTEXT_BASE64_LEN)
		return false;
	int wrong = text[KEYTEXT_BASE64_LEN - 1] ^ '=';
	for (unsigned i = 0; i < KEYTEXT_BASE64_LEN / 4; i++) {
		bool is_last = 3 * i + 2 == KEYTEXT_KEY_LEN;
		uint32_t bits = 0;
		for (unsigned j = 0; j < 4; j++)
			bits = bits << 6 | (is_last && j == 3 ? 0
							      : decode(text[4 * i + j], base64_runs,
									BASE64_RUNS, &wrong));
		key[3 * i] = (uint8_t)(bits >> 16);
		key[3 * i + 1] = (uint8_t)(bits >> 8);
		if (is_last)
			wrong |= (int)(bits & 0xff);
		else
			key[3 * i + 2] = (uint8_t)bits;
	}
	return keep_if_right(key, wrong);
}

void keytext_write_hex(
	char text[static KEYTEXT_HEX_LEN + 1], const uint8_t key[static KEYTEXT_KEY_LEN])
{
	for (unsigned i = 0; i < KEYTEXT_KEY_LEN; i++) {
		text[2 * i] = encode(key[i] >> 4, hex_runs, HEX_RUNS_TO_WRITE);
		text[2 * i + 1] = encode(key[i] & 15, hex_runs, HEX_RUNS_TO_WRITE);
	}
	text[KEYTEXT_HEX_LEN] = 0;
}

bool keytext_read_hex(uint8_t key[static KEYTEXT_KEY_LEN], const char *text, size_t len)
{
	secret_wipe(key, KEYTEXT_KEY_LEN);
	if (len != KEYTEXT_HEX_LEN)
		return false;
	int wrong = 0;
	for (unsigned i = 0; i < KEYTEXT_KEY_LEN; i++) {
		uint32_t high = decode(text[2 * i], hex_runs, HEX_RUNS, &wrong);
		key[i] = (uint8_t)(high << 4 | decode(text[2 * i + 1], hex_runs, HEX_RUNS, &wrong));
	}
	return keep_if_right(key, wrong);
}

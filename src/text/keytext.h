/*
 * Keys as text: canonical base64 for people and files, hexadecimal for the
 * control socket. Constant in time and memory access for all keys of the same
 * form, right or wrong: no branch on a character, no table looked up by one.
 * Bare bytes, because every kind of key is written alike: the caller knows which
 * it has.
 */
#ifndef ADIT_TEXT_KEYTEXT_H
#define ADIT_TEXT_KEYTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYTEXT_KEY_LEN	   32 /* bytes of a key */
#define KEYTEXT_BASE64_LEN 44 /* characters, without the zero at the end */
#define KEYTEXT_HEX_LEN	   64

void keytext_write_base64(
	char text[static KEYTEXT_BASE64_LEN + 1], const uint8_t key[static KEYTEXT_KEY_LEN]);

/*
 * false, with `key` all zero, unless `text` is exactly what keytext_write_base64
 * makes of some key: the right length, "=" at the end, no stray bits before it.
 */
bool keytext_read_base64(uint8_t key[static KEYTEXT_KEY_LEN], const char *text, size_t len);

/* Lower case. */
void keytext_write_hex(
	char text[static KEYTEXT_HEX_LEN + 1], const uint8_t key[static KEYTEXT_KEY_LEN]);

/* Upper and lower case. false, with `key` all zero, when it is not 64 digits. */
bool keytext_read_hex(uint8_t key[static KEYTEXT_KEY_LEN], const char *text, size_t len);

#endif

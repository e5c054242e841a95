/*
 * The config grammar's vocabulary: which keys there are, where each stands, what
 * it expects. Pure data and comparing of names.
 *
 * Keys that neither wg(8) nor wg-quick(8) knows are marked CONF_OWN in the table:
 * such a key may also be written "#!Key = value", a comment for those two, and no
 * more than the mark is needed for that. A key that is not marked stays a comment
 * behind "#!", with a warning.
 */
#ifndef ADIT_TEXT_CONF_KEYS_H
#define ADIT_TEXT_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#define CONF_NAME_MAX 24 /* longer than any key; longer names are never shown */

enum conf_section {
	CONF_SECTION_NONE,
	CONF_SECTION_INTERFACE,
	CONF_SECTION_PEER,
	CONF_SECTION_EITHER, /* of a key only */
};

enum conf_key_id {
	CONF_PRIVATE_KEY,
	CONF_LISTEN_PORT,
	CONF_FWMARK,
	CONF_PUBLIC_KEY,
	CONF_PRESHARED_KEY,
	CONF_ALLOWED_IPS,
	CONF_ENDPOINT,
	CONF_KEEPALIVE,
	CONF_PRIVATE_KEY_FILE, /* our own beside wg(8)'s */
	CONF_PRESHARED_KEY_FILE,
	CONF_POST_QUANTUM,
	CONF_ADDRESS, /* the first of wg-quick(8)'s */
	CONF_DNS,
	CONF_MTU,
	CONF_TABLE,
	CONF_SAVE_CONFIG,
	CONF_LISTEN,
	CONF_BIND_DEVICE,
	CONF_KILL_SWITCH,
	CONF_OFFLOAD,
	CONF_AEAD,
	CONF_THREADS,
	CONF_TX_QUEUE_LEN,
	CONF_PRE_UP, /* the first of the hooks, which are the last */
	CONF_POST_UP,
	CONF_PRE_DOWN,
	CONF_POST_DOWN,
	CONF_KEY_COUNT
};

enum conf_marks {
	CONF_SECRET = 1, /* the value is never shown */
	CONF_OWN = 2,	 /* adit's own: "#!" may stand before it */
};

struct conf_key {
	enum conf_key_id id;
	const char *name;
	enum conf_section section;
	unsigned marks;	      /* enum conf_marks */
	const char *expected; /* completes "expected ..." */
};

/* Space, tab, newline, vertical tab, form feed, carriage return. */
bool conf_is_space(char c);

/* In upper or lower case, white space ignored; `name` is written without. */
bool conf_text_is(const char *text, size_t len, const char *name);

/* At least one letter; besides letters only digits and characters out of `others`. */
bool conf_is_name(const char *text, size_t len, const char *others);

/*
 * A word that may be shown although nobody knows what it is: letters, perhaps in
 * brackets, and short; so no key, nor a piece of one but by a rare chance.
 */
bool conf_is_word(const char *text, size_t len);

/* But for white space and quotes, so much like a key in base64 that it must not be shown, wherever
 * it stands. */
bool conf_is_like_key(const char *text, size_t len);

/* NULL: no such key. */
const struct conf_key *conf_find_key(const char *text, size_t len);

/* The key at the beginning of "Key value" or "Key: value"; NULL: none. */
const struct conf_key *conf_find_first_key(const char *text, size_t len);

/*
 * The key that was probably meant, by a small edit distance or as a word that people
 * use for it, out of those with all these marks; NULL: none is near.
 */
const struct conf_key *conf_nearest_key(const char *text, size_t len, unsigned marks);

static inline bool conf_key_is_hook(const struct conf_key *key)
{
	return key->id >= CONF_PRE_UP;
}

static inline bool conf_key_is_secret(const struct conf_key *key)
{
	return key->marks & CONF_SECRET;
}

static inline bool conf_key_is_own(const struct conf_key *key)
{
	return key->marks & CONF_OWN;
}

/* wg-quick(8)'s, or stands where those do; the others are wg(8)'s, or stand beside them. */
static inline bool conf_key_is_quick(const struct conf_key *key)
{
	return key->id >= CONF_ADDRESS;
}

/* "[Interface]", "[Peer]", or both for a key that may stand in either. */
const char *conf_section_name(enum conf_section section);

/* In upper or lower case, brackets included; or CONF_SECTION_NONE. */
enum conf_section conf_find_section(const char *text, size_t len);

/* The section that was probably meant by this, with its brackets or without; or CONF_SECTION_NONE.
 */
enum conf_section conf_nearest_section(const char *text, size_t len);

#endif

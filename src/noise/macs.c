#include "noise/macs.h"

#include "base/bytes.h"
#include "crypto/secret.h"

#include <string.h>

#define LABEL_MAC1   "mac1----"
#define LABEL_COOKIE "cookie--"

static void derive(uint8_t out[static HASH_LEN], const char *label, const struct public_key *pub)
{
	struct blake2s ctx;
	blake2s_init(&ctx, HASH_LEN, NULL, 0);
	blake2s_update(&ctx, label, strlen(label));
	blake2s_update(&ctx, pub, sizeof *pub);
	blake2s_final(&ctx, out);
}

void macs_keys_derive(struct macs_keys *keys, const struct public_key *pub)
{
	derive(keys->mac1.bytes, LABEL_MAC1, pub);
	derive(keys->cookie.bytes, LABEL_COOKIE, pub);
}

static void compute(
	struct mac_value *mac, const void *message, size_t len, const void *key, size_t key_len)
{
	struct blake2s ctx;
	blake2s_init(&ctx, sizeof mac->bytes, key, key_len);
	blake2s_update(&ctx, message, len);
	blake2s_final(&ctx, mac->bytes);
}

static size_t mac1_offset(size_t len)
{
	return len - sizeof(struct message_macs);
}

static size_t mac2_offset(size_t len)
{
	return len - sizeof(struct mac_value);
}

void macs_set_mac1(void *message, size_t len, const struct macs_keys *receiver)
{
	struct message_macs *macs = (void *)((uint8_t *)message + mac1_offset(len));
	compute(&macs->mac1, message, mac1_offset(len), &receiver->mac1, sizeof receiver->mac1);
	memset(&macs->mac2, 0, sizeof macs->mac2);
}

void macs_set_mac2(void *message, size_t len, const struct mac_value *cookie)
{
	struct mac_value *mac2 = (void *)((uint8_t *)message + mac2_offset(len));
	compute(mac2, message, mac2_offset(len), cookie, sizeof *cookie);
}

static bool is_valid(const void *message, size_t offset, const void *key, size_t key_len)
{
	struct mac_value mac;
	compute(&mac, message, offset, key, key_len);
	return secret_is_equal(&mac, (const uint8_t *)message + offset, sizeof mac);
}

bool macs_mac1_is_valid(const void *message, size_t len, const struct macs_keys *us)
{
	return len >= sizeof(struct message_macs) &&
	       is_valid(message, mac1_offset(len), &us->mac1, sizeof us->mac1);
}

bool macs_mac2_is_valid(const void *message, size_t len, const struct mac_value *cookie)
{
	return len >= sizeof(struct message_macs) &&
	       is_valid(message, mac2_offset(len), cookie, sizeof *cookie);
}

struct mac_value macs_mac1(const void *message, size_t len)
{
	const struct message_macs *macs =
		(const void *)((const uint8_t *)message + mac1_offset(len));
	return macs->mac1;
}

void cookie_reply_create(struct message_cookie_reply *reply, const uint8_t sender_index[static 4],
	const struct mac_value *mac1, const struct mac_value *cookie, const struct macs_keys *us,
	const struct rng *rng)
{
	store_le32(reply->type, MESSAGE_COOKIE_REPLY);
	memcpy(reply->receiver_index, sender_index, sizeof reply->receiver_index);
	rng_fill(rng, reply->nonce, sizeof reply->nonce);
	xaead_seal(reply->sealed_cookie, cookie->bytes, sizeof cookie->bytes, mac1, sizeof *mac1,
		reply->nonce, &us->cookie);
}

bool cookie_reply_open(struct mac_value *cookie, const struct message_cookie_reply *reply,
	const struct mac_value *mac1, const struct macs_keys *them)
{
	bool ok = xaead_open(cookie->bytes, reply->sealed_cookie, sizeof reply->sealed_cookie, mac1,
		sizeof *mac1, reply->nonce, &them->cookie);
	if (!ok)
		secret_wipe(cookie, sizeof *cookie);
	return ok;
}

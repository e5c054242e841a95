#include "noise/macs.h"

#include "crypto/secret.h"
#include "unit/ends.h"
#include "unit/test.h"

static struct public_key some_key(uint8_t fill)
{
	struct public_key key;
	memset(&key, fill, sizeof key);
	return key;
}

/* The definitions of the paper, written out with the hash alone. */
static void hash_label(
	uint8_t out[static HASH_LEN], const char *label, const struct public_key *key)
{
	uint8_t text[8 + DH_LEN];
	struct blake2s ctx;
	memcpy(text, label, 8);
	memcpy(text + 8, key, sizeof *key);
	blake2s_init(&ctx, HASH_LEN, NULL, 0);
	blake2s_update(&ctx, text, sizeof text);
	blake2s_final(&ctx, out);
}

static struct mac_value keyed_hash(const void *key, size_t key_len, const void *text, size_t len)
{
	struct mac_value mac;
	struct blake2s ctx;
	blake2s_init(&ctx, MAC_LEN, key, key_len);
	blake2s_update(&ctx, text, len);
	blake2s_final(&ctx, mac.bytes);
	return mac;
}

TEST(macs_keys_are_hashes_of_the_public_key)
{
	struct public_key pub = some_key(7);
	struct macs_keys keys;
	uint8_t expected[HASH_LEN];
	macs_keys_derive(&keys, &pub);
	hash_label(expected, "mac1----", &pub);
	CHECK_MEM(expected, &keys.mac1, HASH_LEN);
	hash_label(expected, "cookie--", &pub);
	CHECK_MEM(expected, &keys.cookie, HASH_LEN);
}

TEST(macs_cover_all_before_them)
{
	struct public_key pub = some_key(9);
	struct macs_keys keys;
	struct mac_value cookie = {{1, 2, 3}};
	macs_keys_derive(&keys, &pub);
	static const size_t lens[] = {32, 33, MESSAGE_RESPONSE_LEN, MESSAGE_INITIATION_LEN, 1348};
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		uint8_t message[1348];
		size_t len = lens[i];
		memset(message, 0x5a, sizeof message);
		macs_set_mac1(message, len, &keys);
		CHECK(macs_mac1_is_valid(message, len, &keys));
		CHECK(secret_is_zero(message + len - MAC_LEN, MAC_LEN));
		CHECK(!macs_mac2_is_valid(message, len, &cookie));
		struct mac_value expected =
			keyed_hash(&keys.mac1, HASH_LEN, message, len - 2 * MAC_LEN);
		struct mac_value carried = macs_mac1(message, len);
		CHECK_MEM(&expected, &carried, MAC_LEN);
		macs_set_mac2(message, len, &cookie);
		expected = keyed_hash(&cookie, MAC_LEN, message, len - MAC_LEN);
		CHECK_MEM(&expected, message + len - MAC_LEN, MAC_LEN);
		CHECK(macs_mac1_is_valid(message, len, &keys));
		CHECK(macs_mac2_is_valid(message, len, &cookie));
		for (size_t at = 0; at < len; at++) {
			message[at] ^= 0x10;
			CHECK_EQ(at >= len - MAC_LEN, macs_mac1_is_valid(message, len, &keys));
			CHECK(!macs_mac2_is_valid(message, len, &cookie));
			message[at] ^= 0x10;
		}
	}
}

TEST(macs_of_what_is_too_short_are_not_valid)
{
	struct public_key pub = some_key(9);
	struct macs_keys keys;
	struct mac_value cookie = {{0}};
	uint8_t message[31] = {0};
	macs_keys_derive(&keys, &pub);
	for (size_t len = 0; len <= sizeof message; len++)
		CHECK(!macs_mac1_is_valid(message, len, &keys) &&
			!macs_mac2_is_valid(message, len, &cookie));
}

TEST(macs_cookie_reply_there_and_back)
{
	struct public_key pub = some_key(3);
	struct macs_keys keys;
	struct stream stream = {.seed = 4};
	struct rng rng = {stream_fill, &stream};
	struct mac_value mac1 = {{5}}, cookie = {{6, 7}}, got;
	struct message_cookie_reply reply, second;
	static const uint8_t sender_index[4] = {1, 2, 3, 4};
	macs_keys_derive(&keys, &pub);
	cookie_reply_create(&reply, sender_index, &mac1, &cookie, &keys, &rng);
	CHECK_EQ(MESSAGE_COOKIE_REPLY, reply.type[0]);
	CHECK_MEM(sender_index, reply.receiver_index, 4);
	CHECK(cookie_reply_open(&got, &reply, &mac1, &keys));
	CHECK_MEM(&cookie, &got, MAC_LEN);
	cookie_reply_create(&second, sender_index, &mac1, &cookie, &keys, &rng);
	CHECK(memcmp(reply.nonce, second.nonce, sizeof reply.nonce));
	for (size_t at = 8; at < sizeof reply; at++) {
		((uint8_t *)&reply)[at] ^= 1;
		CHECK(!cookie_reply_open(&got, &reply, &mac1, &keys));
		CHECK(secret_is_zero(&got, sizeof got));
		((uint8_t *)&reply)[at] ^= 1;
	}
	mac1.bytes[15] ^= 1; /* an answer to another message */
	CHECK(!cookie_reply_open(&got, &reply, &mac1, &keys));
}

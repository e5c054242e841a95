/*
 * Wycheproof's cases. Their number is part of each test, so that a file which is
 * cut short or read wrongly cannot pass.
 */
#include "unit/json.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/dh.h"
#include "crypto/secret.h"
#include "unit/low_order.h"
#include "unit/slow_aead.h"
#include "unit/test.h"

#define X25519_FILE  "wycheproof/x25519_test.json"
#define CHACHA_FILE  "wycheproof/chacha20_poly1305_test.json"
#define XCHACHA_FILE "wycheproof/xchacha20_poly1305_test.json"

#define TEXT_MAX 600 /* bytes; the files have 513 */

struct counts {
	unsigned valid, invalid;  /* cases judged */
	unsigned fitting;	  /* of them: the nonce can be expressed as a counter */
	unsigned wrong_nonce_len; /* cases that cannot even be asked */
};

struct aead_case {
	struct aead_key key;
	uint8_t nonce[XAEAD_NONCE_LEN], ad[TEXT_MAX], plain[TEXT_MAX];
	uint8_t sealed[TEXT_MAX + AEAD_TAG_LEN];
	size_t ad_len, len;
	bool is_valid;
};

/* Calls `judge` for each case of the file. false, and skipped: there is no such file. */
static bool each_case(const char *name, void (*judge)(struct json test, struct counts *counts),
	struct counts *counts)
{
	char *text;
	struct json root;
	if (!vectors_read(name, &text, &root)) {
		test_skip("no %s/%s", vectors_folder(), name);
		return false;
	}
	struct json groups = json_member(root, "testGroups");
	for (struct json group; group = json_next(&groups), group.at;) {
		struct json tests = json_member(group, "tests");
		for (struct json test; test = json_next(&tests), test.at;)
			judge(test, counts);
	}
	free(text);
	return true;
}

/* Every file that a unit test reads, here or elsewhere. */
TEST(vector_files)
{
	static const char *const names[] = {X25519_FILE, CHACHA_FILE, XCHACHA_FILE,
		"noise/cacophony-IK.json", "wycheproof/mlkem_768_test.json",
		"wycheproof/mlkem_768_encaps_test.json",
		"wycheproof/mlkem_768_keygen_seed_test.json",
		"wycheproof/mlkem_768_semi_expanded_decaps_test.json",
		"cctv/modulus-ML-KEM-768.txt.gz", "cctv/strcmp-ML-KEM-768.txt",
		"cctv/unluckysample-ML-KEM-768.txt"};
	size_t count = sizeof names / sizeof *names, missing = 0;
	for (size_t i = 0; i < count; i++) {
		char *text;
		struct json root;
		if (vectors_read(names[i], &text, &root))
			free(text);
		else
			missing++;
	}
	if (missing > 0)
		test_skip("%zu of %zu vector files not found in %s (ADIT_VECTORS)", missing, count,
			vectors_folder());
}

static bool is_low_order(const struct public_key *pub)
{
	for (size_t i = 0; i < LOW_ORDER_COUNT; i++) {
		struct public_key point = low_order_point(i);
		if (!memcmp(pub, &point, sizeof point))
			return true;
	}
	return false;
}

static void judge_x25519(struct json test, struct counts *counts)
{
	struct private_key priv;
	struct public_key pub;
	struct shared_secret expected, got;
	CHECK_EQ(DH_LEN, json_hex(json_member(test, "private"), priv.bytes, DH_LEN));
	CHECK_EQ(DH_LEN, json_hex(json_member(test, "public"), pub.bytes, DH_LEN));
	CHECK_EQ(DH_LEN, json_hex(json_member(test, "shared"), expected.bytes, DH_LEN));
	bool is_valid = !secret_is_zero(expected.bytes, DH_LEN);
	CHECK_EQ(!is_valid, is_low_order(&pub));
	memset(&got, 0xa5, sizeof got);
	CHECK_EQ(is_valid, dh(&got, &priv, &pub));
	CHECK_MEM(expected.bytes, got.bytes, DH_LEN);
	counts->valid += is_valid;
	counts->invalid += !is_valid;
}

/* Regressions 19: all 31 cases that give zero are refused, and our list has their points. */
TEST(vectors_x25519)
{
	struct counts counts = {0};
	if (!each_case(X25519_FILE, judge_x25519, &counts))
		return;
	CHECK_EQ(487, counts.valid);
	CHECK_EQ(31, counts.invalid);
}

/* false: the nonce has another length, which is counted; or, and failed, the case is malformed. */
static bool aead_case_read(
	struct aead_case *c, struct json test, size_t nonce_len, struct counts *counts)
{
	if (json_hex(json_member(test, "iv"), c->nonce, sizeof c->nonce) != nonce_len) {
		counts->wrong_nonce_len++;
		return false;
	}
	size_t key_len = json_hex(json_member(test, "key"), c->key.bytes, sizeof c->key.bytes);
	c->ad_len = json_hex(json_member(test, "aad"), c->ad, sizeof c->ad);
	c->len = json_hex(json_member(test, "msg"), c->plain, sizeof c->plain);
	size_t sealed_len = json_hex(json_member(test, "ct"), c->sealed, TEXT_MAX);
	bool is_good = key_len == AEAD_KEY_LEN && c->ad_len <= TEXT_MAX && c->len <= TEXT_MAX &&
		       sealed_len == c->len &&
		       json_hex(json_member(test, "tag"), c->sealed + c->len, AEAD_TAG_LEN) ==
			       AEAD_TAG_LEN;
	c->is_valid = json_is(json_member(test, "result"), "valid");
	if (!is_good)
		test_fail(__FILE__, __LINE__, "case %" PRIu64 " cannot be read",
			json_number(json_member(test, "tcId")));
	return is_good;
}

/*
 * Our nonces begin with four zero bytes; nearly all of the file's do not. So the
 * slow implementation is judged by the case as it is, and judges ours on the case
 * with those bytes cleared, with what the file changed in the tag changed likewise.
 */
static void judge_chacha(struct json test, struct counts *counts)
{
	struct aead_case c;
	uint8_t slow[TEXT_MAX + AEAD_TAG_LEN], got[TEXT_MAX + AEAD_TAG_LEN];
	if (!aead_case_read(&c, test, 12, counts))
		return;
	size_t sealed_len = c.len + AEAD_TAG_LEN;
	slow_aead_seal(slow, c.plain, c.len, c.ad, c.ad_len, c.nonce, c.key.bytes);
	CHECK_EQ(c.is_valid, !memcmp(slow, c.sealed, sealed_len));
	uint8_t change[TEXT_MAX + AEAD_TAG_LEN];
	for (size_t i = 0; i < sealed_len; i++)
		change[i] = slow[i] ^ c.sealed[i];

	uint64_t counter = load_le64(c.nonce + 4);
	counts->fitting += load_le32(c.nonce) == 0;
	memset(c.nonce, 0, 4);
	slow_aead_seal(slow, c.plain, c.len, c.ad, c.ad_len, c.nonce, c.key.bytes);
	aead_seal(got, c.plain, c.len, c.ad, c.ad_len, counter, &c.key);
	CHECK_MEM(slow, got, sealed_len);
	for (size_t i = 0; i < sealed_len; i++)
		got[i] ^= change[i];
	CHECK_EQ(c.is_valid, aead_open(got, got, sealed_len, c.ad, c.ad_len, counter, &c.key));
	if (c.is_valid)
		CHECK_MEM(c.plain, got, c.len);
	counts->valid += c.is_valid;
	counts->invalid += !c.is_valid;
}

TEST(vectors_chacha20_poly1305)
{
	struct counts counts = {0};
	if (!each_case(CHACHA_FILE, judge_chacha, &counts))
		return;
	CHECK_EQ(256, counts.valid);
	CHECK_EQ(60, counts.invalid);
	CHECK_EQ(10, counts.fitting);
	CHECK_EQ(9, counts.wrong_nonce_len);
}

static void judge_xchacha(struct json test, struct counts *counts)
{
	struct aead_case c;
	uint8_t got[TEXT_MAX + AEAD_TAG_LEN];
	if (!aead_case_read(&c, test, XAEAD_NONCE_LEN, counts))
		return;
	xaead_seal(got, c.plain, c.len, c.ad, c.ad_len, c.nonce, &c.key);
	CHECK_EQ(c.is_valid, !memcmp(c.sealed, got, c.len + AEAD_TAG_LEN));
	CHECK_EQ(c.is_valid,
		xaead_open(got, c.sealed, c.len + AEAD_TAG_LEN, c.ad, c.ad_len, c.nonce, &c.key));
	if (c.is_valid)
		CHECK_MEM(c.plain, got, c.len);
	counts->valid += c.is_valid;
	counts->invalid += !c.is_valid;
}

TEST(vectors_xchacha20_poly1305)
{
	struct counts counts = {0};
	if (!each_case(XCHACHA_FILE, judge_xchacha, &counts))
		return;
	CHECK_EQ(246, counts.valid);
	CHECK_EQ(60, counts.invalid);
	CHECK_EQ(9, counts.wrong_nonce_len);
}

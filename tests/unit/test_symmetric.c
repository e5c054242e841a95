#include "unit/test.h"

#include <stdlib.h>

#include "crypto/dh.h"
#include "noise/symmetric.h"
#include "unit/json.h"

#define CONSTRUCTION "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"

static void mix_public(struct symmetric *s, const struct public_key *pub)
{
	symmetric_mix_hash(s, pub, sizeof *pub);
	symmetric_mix_key(s, pub, sizeof *pub);
}

static bool mix_dh(struct symmetric *s, const struct private_key *a, const struct private_key *b)
{
	struct public_key pub;
	struct shared_secret secret;
	public_key_derive(&pub, b);
	if (!dh(&secret, a, &pub))
		return false;
	symmetric_mix_key(s, &secret, sizeof secret);
	return true;
}

#define CHECK_STATE(state, ck_hex, h_hex)                                                          \
	do {                                                                                       \
		struct hash_value ck_, h_;                                                         \
		HEX(ck_.bytes, ck_hex);                                                            \
		HEX(h_.bytes, h_hex);                                                              \
		CHECK_MEM(ck_.bytes, (state)->ck.bytes, HASH_LEN);                                 \
		CHECK_MEM(h_.bytes, (state)->h.bytes, HASH_LEN);                                   \
	} while (0)

static void sequence(uint8_t *out, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(first + i);
}

/*
 * ck and h after every token of WireGuard's handshake, from an independent model
 * in another language. Keys: S_i = 00.., S_r = 20.., E_i = 40.., E_r = 60..,
 * preshared key e0...
 */
TEST(symmetric_known_answers_of_the_initiation_token_by_token)
{
	struct private_key s_i, s_r, e_i;
	struct public_key pub_s_i, pub_s_r, pub_e_i;
	uint8_t stamp[12], sealed[32 + AEAD_TAG_LEN];
	struct symmetric s;
	sequence(s_i.bytes, DH_LEN, 0x00);
	sequence(s_r.bytes, DH_LEN, 0x20);
	sequence(e_i.bytes, DH_LEN, 0x40);
	public_key_derive(&pub_s_i, &s_i);
	public_key_derive(&pub_s_r, &s_r);
	public_key_derive(&pub_e_i, &e_i);
	HEX(stamp, "400000006553f10000000000");

	symmetric_init(&s, CONSTRUCTION, "WireGuard v1 zx2c4 Jason@zx2c4.com");
	symmetric_mix_hash(&s, &pub_s_r, sizeof pub_s_r);
	CHECK_STATE(&s, "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36",
		"c017c50fad770642d47d601a25189f8194b3f8c0e0c71d608a2df62eb445baeb");
	mix_public(&s, &pub_e_i); /* e */
	CHECK_STATE(&s, "ab81178fe02a10a25498ac598b593536248b787bd1fff926bd98b79de8dbe989",
		"389b67ef16dfce40d03d814b37a9a251a8506bfef9173052b6ff38fd9c5d0e60");
	CHECK(mix_dh(&s, &e_i, &s_r)); /* es */
	CHECK_STATE(&s, "51bd07c5f1ca78388ff32729bed1c20b6b7149adec410165af3b7a7de17f6999",
		"389b67ef16dfce40d03d814b37a9a251a8506bfef9173052b6ff38fd9c5d0e60");
	symmetric_encrypt_and_hash(&s, sealed, &pub_s_i, sizeof pub_s_i); /* s */
	CHECK_STATE(&s, "51bd07c5f1ca78388ff32729bed1c20b6b7149adec410165af3b7a7de17f6999",
		"2fa089b8ab810bff08e5e28d030ec14f572afd52b27d34a2391d8754f15e8e97");
	CHECK(mix_dh(&s, &s_i, &s_r)); /* ss */
	CHECK_STATE(&s, "5b3722a25c7c69706cfbbef606c70681a400fd1b6dab82533b1266606d6ede42",
		"2fa089b8ab810bff08e5e28d030ec14f572afd52b27d34a2391d8754f15e8e97");
	symmetric_encrypt_and_hash(&s, sealed, stamp, sizeof stamp); /* {timestamp} */
	CHECK_STATE(&s, "5b3722a25c7c69706cfbbef606c70681a400fd1b6dab82533b1266606d6ede42",
		"1783cde666193ae891588a568a0228f622675e14c20e327ab633072cf7175593");
}

TEST(symmetric_known_answers_of_the_response_token_by_token)
{
	struct private_key s_i, e_i, e_r;
	struct public_key pub_e_r;
	struct preshared_key psk;
	uint8_t sealed[AEAD_TAG_LEN];
	struct symmetric s = {.counter = 0};
	sequence(s_i.bytes, DH_LEN, 0x00);
	sequence(e_i.bytes, DH_LEN, 0x40);
	sequence(e_r.bytes, DH_LEN, 0x60);
	sequence(psk.bytes, DH_LEN, 0xe0);
	public_key_derive(&pub_e_r, &e_r);
	/* as the initiation left them */
	HEX(s.ck.bytes, "5b3722a25c7c69706cfbbef606c70681a400fd1b6dab82533b1266606d6ede42");
	HEX(s.h.bytes, "1783cde666193ae891588a568a0228f622675e14c20e327ab633072cf7175593");

	mix_public(&s, &pub_e_r); /* e */
	CHECK_STATE(&s, "fafe4dc0ff94ab1c7f88a4c024c28099a3dcee2e30089c2819d7e5703028e1b4",
		"5036ba85753e458b0a072a080c4834721473c3434f3216953c25e53f3fb5e998");
	CHECK(mix_dh(&s, &e_r, &e_i)); /* ee */
	CHECK_STATE(&s, "c0582c10e5b830375673ad72c1b81c7f4223b01b7ff72a34fc644d935cf41edb",
		"5036ba85753e458b0a072a080c4834721473c3434f3216953c25e53f3fb5e998");
	CHECK(mix_dh(&s, &e_r, &s_i)); /* se */
	CHECK_STATE(&s, "daf6187f21ce1766dd722de5c70a97b27b9ad1b020845603df13b3bfc68e5f70",
		"5036ba85753e458b0a072a080c4834721473c3434f3216953c25e53f3fb5e998");
	symmetric_mix_key_and_hash(&s, &psk, sizeof psk); /* psk */
	CHECK_STATE(&s, "dc604fd7128161a9064ec9167a8885c228261d4e114d2d3225aff385a5d386e8",
		"c06c43b0ebcad487c6f5fb33def1c33456e849c8b552776e4fb57fd696e1a304");
	symmetric_encrypt_and_hash(&s, sealed, "", 0); /* {} */
	CHECK_STATE(&s, "dc604fd7128161a9064ec9167a8885c228261d4e114d2d3225aff385a5d386e8",
		"ad768b24db6d0911992860abe477bfef72ab4a716ba29f2735724118a8101851");

	struct aead_key from_initiator, from_responder, expected;
	symmetric_split(&s, &from_initiator, &from_responder);
	HEX(expected.bytes, "501fea1b5891afa5d26693ecfbdaaea6c8b68e2a60617a2b2e30216721d2a075");
	CHECK_MEM(expected.bytes, from_initiator.bytes, AEAD_KEY_LEN);
	HEX(expected.bytes, "150044bf14eff14d30e2b365e67ea5f044fb63ec6852771e9b98f4f3fdd00a1c");
	CHECK_MEM(expected.bytes, from_responder.bytes, AEAD_KEY_LEN);
}

/* A key that seals twice must not do so under the same nonce; a new key starts at 0 again. */
TEST(symmetric_counter_advances_under_one_key)
{
	struct symmetric s;
	symmetric_init(&s, "a construction", "an identifier");
	for (int key = 0; key < 3; key++) {
		if (key < 2)
			symmetric_mix_key(&s, &key, sizeof key);
		else
			symmetric_mix_key_and_hash(&s, &key, sizeof key);
		for (uint64_t counter = 0; counter < 3; counter++) {
			uint8_t expected[4 + AEAD_TAG_LEN], got[4 + AEAD_TAG_LEN];
			aead_seal(expected, (const uint8_t *)"same", 4, &s.h, sizeof s.h, counter,
				&s.key);
			symmetric_encrypt_and_hash(&s, got, "same", 4);
			CHECK_MEM(expected, got, sizeof got);
		}
	}
}

TEST(symmetric_decrypts_what_the_other_end_encrypted)
{
	struct symmetric a, b;
	symmetric_init(&a, "a construction", "an identifier");
	symmetric_mix_key(&a, "key", 3);
	b = a;
	for (size_t len = 0; len <= 4; len += 2) {
		uint8_t sealed[4 + AEAD_TAG_LEN], plain[4];
		symmetric_encrypt_and_hash(&a, sealed, "text", len);
		CHECK(symmetric_decrypt_and_hash(&b, plain, sealed, len + AEAD_TAG_LEN));
		CHECK_MEM("text", plain, len);
		CHECK_MEM(&a, &b, sizeof a);
	}
}

TEST(symmetric_refuses_a_forgery_and_stays_as_it_was)
{
	struct symmetric a, b, before;
	symmetric_init(&a, "a construction", "an identifier");
	symmetric_mix_key(&a, "key", 3);
	b = before = a;
	uint8_t sealed[4 + AEAD_TAG_LEN], plain[4];
	symmetric_encrypt_and_hash(&a, sealed, "text", 4);
	for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(!symmetric_decrypt_and_hash(&b, plain, sealed, sizeof sealed));
		CHECK_MEM(&before, &b, sizeof b);
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	b.h.bytes[0] ^= 1; /* another transcript */
	CHECK(!symmetric_decrypt_and_hash(&b, plain, sealed, sizeof sealed));
	b = before;
	b.counter = 1; /* another place under the key */
	CHECK(!symmetric_decrypt_and_hash(&b, plain, sealed, sizeof sealed));
	b = before;
	CHECK(!symmetric_decrypt_and_hash(&b, plain, sealed, AEAD_TAG_LEN - 1));
	CHECK(symmetric_decrypt_and_hash(&b, plain, sealed, sizeof sealed));
}

/* ---------------------------------------------------------------- Noise's own vector */

struct vector {		   /* one of cacophony's */
	char prologue[64]; /* a string: its bytes are text, without a zero among them */
	struct private_key s_i, s_r, e_i, e_r;
	struct preshared_key psk;
	struct hash_value h; /* at the end */
	struct {
		uint8_t payload[64], sealed[256];
		size_t payload_len, sealed_len;
	} messages[6];
	size_t message_count;
};

static bool vector_parse(struct vector *v, struct json object)
{
	*v = (struct vector){.message_count = 0};
	struct json psks = json_member(object, "init_psks");
	struct json messages = json_member(object, "messages"), message;
	bool ok = json_hex(json_member(object, "init_prologue"), (uint8_t *)v->prologue,
			  sizeof v->prologue - 1) < sizeof v->prologue &&
		  json_hex(json_member(object, "init_static"), v->s_i.bytes, 32) == 32 &&
		  json_hex(json_member(object, "resp_static"), v->s_r.bytes, 32) == 32 &&
		  json_hex(json_member(object, "init_ephemeral"), v->e_i.bytes, 32) == 32 &&
		  json_hex(json_member(object, "resp_ephemeral"), v->e_r.bytes, 32) == 32 &&
		  json_hex(json_member(object, "handshake_hash"), v->h.bytes, 32) == 32 &&
		  json_hex(json_next(&psks), v->psk.bytes, 32) == 32;
	while (ok && (message = json_next(&messages)).at) {
		if (v->message_count == 6)
			return false;
		size_t i = v->message_count++;
		v->messages[i].payload_len =
			json_hex(json_member(message, "payload"), v->messages[i].payload, 64);
		v->messages[i].sealed_len =
			json_hex(json_member(message, "ciphertext"), v->messages[i].sealed, 256);
		ok = v->messages[i].payload_len <= 64 && v->messages[i].sealed_len <= 256;
	}
	return ok && v->message_count == 6;
}

/* Takes the field that comes next in a message, by comparing it with ours. */
static bool field_is(const uint8_t **at, const void *ours, size_t len)
{
	bool ok = !memcmp(*at, ours, len);
	*at += len;
	return ok;
}

static void run_first_message(struct symmetric *s, const struct vector *v)
{
	struct public_key s_i, s_r, e_i;
	uint8_t sealed[64 + AEAD_TAG_LEN];
	const uint8_t *at = v->messages[0].sealed;
	size_t len = v->messages[0].payload_len;
	public_key_derive(&s_i, &v->s_i);
	public_key_derive(&s_r, &v->s_r);
	public_key_derive(&e_i, &v->e_i);
	CHECK_EQ(DH_LEN + DH_LEN + AEAD_TAG_LEN + len + AEAD_TAG_LEN, v->messages[0].sealed_len);

	symmetric_init(s, CONSTRUCTION, v->prologue);
	symmetric_mix_hash(s, &s_r, sizeof s_r);
	mix_public(s, &e_i); /* e */
	CHECK(field_is(&at, &e_i, sizeof e_i));
	CHECK(mix_dh(s, &v->e_i, &v->s_r));			 /* es */
	symmetric_encrypt_and_hash(s, sealed, &s_i, sizeof s_i); /* s */
	CHECK(field_is(&at, sealed, sizeof s_i + AEAD_TAG_LEN));
	CHECK(mix_dh(s, &v->s_i, &v->s_r)); /* ss */
	symmetric_encrypt_and_hash(s, sealed, v->messages[0].payload, len);
	CHECK(field_is(&at, sealed, len + AEAD_TAG_LEN));
}

static void run_second_message(struct symmetric *s, const struct vector *v)
{
	struct public_key e_r;
	uint8_t sealed[64 + AEAD_TAG_LEN];
	const uint8_t *at = v->messages[1].sealed;
	size_t len = v->messages[1].payload_len;
	public_key_derive(&e_r, &v->e_r);
	CHECK_EQ(DH_LEN + len + AEAD_TAG_LEN, v->messages[1].sealed_len);

	mix_public(s, &e_r); /* e */
	CHECK(field_is(&at, &e_r, sizeof e_r));
	CHECK(mix_dh(s, &v->e_r, &v->e_i));		       /* ee */
	CHECK(mix_dh(s, &v->e_r, &v->s_i));		       /* se */
	symmetric_mix_key_and_hash(s, &v->psk, sizeof v->psk); /* psk */
	symmetric_encrypt_and_hash(s, sealed, v->messages[1].payload, len);
	CHECK(field_is(&at, sealed, len + AEAD_TAG_LEN));
	CHECK_MEM(v->h.bytes, s->h.bytes, HASH_LEN);
}

static void run_transport(const struct symmetric *s, const struct vector *v)
{
	struct aead_key keys[2]; /* from the initiator, from the responder */
	symmetric_split(s, &keys[0], &keys[1]);
	for (size_t i = 2; i < v->message_count; i++) {
		uint8_t sealed[64 + AEAD_TAG_LEN];
		size_t len = v->messages[i].payload_len;
		aead_seal(sealed, v->messages[i].payload, len, NULL, 0, (i - 2) / 2, &keys[i % 2]);
		CHECK_EQ(len + AEAD_TAG_LEN, v->messages[i].sealed_len);
		CHECK_MEM(v->messages[i].sealed, sealed, len + AEAD_TAG_LEN);
	}
}

TEST(symmetric_runs_cacophony_s_vector)
{
	char *text;
	struct json root, vectors, object;
	if (!vectors_read("noise/cacophony-IK.json", &text, &root)) {
		test_skip("%s/noise/cacophony-IK.json is not there", vectors_folder());
		return;
	}
	vectors = json_member(root, "vectors");
	do
		object = json_next(&vectors);
	while (object.at && !json_is(json_member(object, "protocol_name"), CONSTRUCTION));
	struct vector v;
	bool ok = vector_parse(&v, object);
	free(text);
	CHECK(ok);
	struct symmetric s;
	run_first_message(&s, &v);
	run_second_message(&s, &v);
	run_transport(&s, &v);
}

#include "unit/test.h"

#include "crypto/secret.h"
#include "noise/symmetric.h"
#include "unit/ends.h"
#include "unit/low_order.h"

/* ---------------------------------------------------------------- every bit flip */

/* Who refuses a message whose mac1 the forger has made anew. */
enum layer {
	MAC1_ONLY,   /* the handshake does not look at it: the type, the indices */
	BY_OPEN,     /* initiation_open, or response_open */
	BY_ACCEPT,   /* initiation_accept */
	MAC1_ITSELF, /* making mac1 anew undoes the flip */
	NOBODY,	     /* mac2 counts only under load */
};

struct field {
	const char *name;
	size_t end; /* its first byte is where the last one ended */
	enum layer layer;
};

static const struct field initiation_fields[][7] = {
	[KEY_EXCHANGE_X25519] =
		{
			{"type and sender index", 8, MAC1_ONLY},
			{"e", 40, BY_OPEN},
			{"s", 88, BY_OPEN},
			{"timestamp", 116, BY_ACCEPT},
			{"mac1", 132, MAC1_ITSELF},
			{"mac2", 148, NOBODY},
		},
	[KEY_EXCHANGE_HYBRID] =
		{
			{"type and sender index", 8, MAC1_ONLY},
			{"e", 40, BY_OPEN},
			{"e1", 1240, BY_OPEN},
			{"s", 1288, BY_OPEN},
			{"timestamp", 1316, BY_ACCEPT},
			{"mac1", 1332, MAC1_ITSELF},
			{"mac2", 1348, NOBODY},
		},
};

static const struct field response_fields[][6] = {
	[KEY_EXCHANGE_X25519] =
		{
			{"type and both indices", 12, MAC1_ONLY},
			{"e", 44, BY_OPEN},
			{"nothing", 60, BY_OPEN},
			{"mac1", 76, MAC1_ITSELF},
			{"mac2", 92, NOBODY},
		},
	[KEY_EXCHANGE_HYBRID] =
		{
			{"type and both indices", 12, MAC1_ONLY},
			{"e", 44, BY_OPEN},
			{"ekem1", 1148, BY_OPEN},
			{"nothing", 1164, BY_OPEN},
			{"mac1", 1180, MAC1_ITSELF},
			{"mac2", 1196, NOBODY},
		},
};

static bool begin(struct ends *e, enum key_exchange key_exchange, uint64_t seed)
{
	bool ok = ends_init(e, seed + 1000 * key_exchange);
	e->key_exchange = key_exchange;
	return ok;
}

static enum layer initiation_refused_by(struct ends *e)
{
	struct tai64n stamp;
	if (!ends_open(e))
		return secret_is_zero(&e->opened, sizeof e->opened) ? BY_OPEN : NOBODY;
	if (!initiation_accept(&e->opened, &stamp, &e->initiation, &e->i_of_r))
		return secret_is_zero(&e->opened, sizeof e->opened) ? BY_ACCEPT : NOBODY;
	return MAC1_ONLY;
}

static enum layer response_refused_by(struct ends *e)
{
	memset(&e->keys_i, 0xaa, sizeof e->keys_i);
	if (!ends_complete(e))
		return secret_is_zero(&e->keys_i, sizeof e->keys_i) ? BY_OPEN : NOBODY;
	return MAC1_ONLY;
}

static void flip_initiations(enum key_exchange key_exchange)
{
	struct ends e;
	CHECK(begin(&e, key_exchange, 10) && ends_initiate(&e));
	struct message_hybrid_initiation real = e.hybrid_initiation;
	const struct field *field = initiation_fields[key_exchange];
	for (size_t bit = 0; bit < 8 * (size_t)initiation_len(key_exchange); bit++) {
		field += bit / 8 == field->end;
		e.hybrid_initiation = real;
		((uint8_t *)&e.initiation)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_EQ(field->layer == NOBODY, initiation_mac1_is_valid(&e));
		initiation_remac(&e);
		CHECK(initiation_mac1_is_valid(&e));
		enum layer expected = field->layer >= MAC1_ITSELF ? MAC1_ONLY : field->layer;
		if (initiation_refused_by(&e) != expected)
			test_fail(__FILE__, __LINE__, "bit %zu, in %s", bit, field->name);
	}
}

TEST(handshake_refuses_every_flipped_bit_of_an_initiation)
{
	flip_initiations(KEY_EXCHANGE_X25519);
}

TEST(handshake_refuses_every_flipped_bit_of_a_hybrid_initiation)
{
	flip_initiations(KEY_EXCHANGE_HYBRID);
}

static void flip_responses(enum key_exchange key_exchange)
{
	struct ends e;
	CHECK(begin(&e, key_exchange, 11) && ends_initiate(&e) && ends_respond(&e));
	struct message_hybrid_response real = e.hybrid_response;
	struct pending_handshake before = e.pending;
	const struct field *field = response_fields[key_exchange];
	for (size_t bit = 0; bit < 8 * (size_t)response_len(key_exchange); bit++) {
		field += bit / 8 == field->end;
		e.hybrid_response = real;
		((uint8_t *)&e.response)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_EQ(field->layer == NOBODY, response_mac1_is_valid(&e));
		response_remac(&e);
		CHECK(response_mac1_is_valid(&e));
		enum layer expected = field->layer >= MAC1_ITSELF ? MAC1_ONLY : field->layer;
		if (response_refused_by(&e) != expected)
			test_fail(__FILE__, __LINE__, "bit %zu, in %s", bit, field->name);
		CHECK_MEM(&before, &e.pending, sizeof before);
	}
}

TEST(handshake_refuses_every_flipped_bit_of_a_response)
{
	flip_responses(KEY_EXCHANGE_X25519);
}

TEST(handshake_refuses_every_flipped_bit_of_a_hybrid_response)
{
	flip_responses(KEY_EXCHANGE_HYBRID);
}

/* ----------------------------------------------------------------
 * Regressions 19: low-order points. Their DH with any key is zero, so a
 * forger need not know the other key. Each message here is what such a forger
 * sends, right in all but the point: only the check for zero refuses it.
 */

static const struct shared_secret zero_secret;

static void mix_ephemeral(struct symmetric *s, const struct public_key *ephemeral)
{
	symmetric_mix_hash(s, ephemeral, sizeof *ephemeral);
	symmetric_mix_key(s, ephemeral, sizeof *ephemeral);
}

static const struct spelling { /* a second time, as in the papers */
	const char *construction, *identifier;
} spellings[] = {
	[KEY_EXCHANGE_X25519] = {"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
		"WireGuard v1 zx2c4 Jason@zx2c4.com"},
	[KEY_EXCHANGE_HYBRID] = {"Noise_IKhfs+psk2_25519+MLKEM768_ChaChaPoly_BLAKE2s",
		"adit hybrid v1"},
};

/* An initiation with these public keys; `es` is their DH with the responder's. */
static void forge_initiation(struct ends *e, const struct public_key *ephemeral,
	const struct shared_secret *es, const struct public_key *s_i)
{
	static const struct kem_public_key any_key;
	bool is_hybrid = e->key_exchange == KEY_EXCHANGE_HYBRID;
	const struct spelling *spelling = &spellings[e->key_exchange];
	struct symmetric s;
	memset(&e->hybrid_initiation, 0, sizeof e->hybrid_initiation);
	e->initiation.type[0] = is_hybrid ? MESSAGE_HYBRID_INITIATION : MESSAGE_INITIATION;
	e->initiation.ephemeral = *ephemeral;
	uint8_t *at = is_hybrid ? e->hybrid_initiation.sealed_static : e->initiation.sealed_static;
	symmetric_init(&s, spelling->construction, spelling->identifier);
	symmetric_mix_hash(&s, &e->r.public_key, DH_LEN);
	mix_ephemeral(&s, ephemeral);
	symmetric_mix_key(&s, es, sizeof *es);
	if (is_hybrid)
		symmetric_encrypt_and_hash(
			&s, e->hybrid_initiation.sealed_kem_key, &any_key, sizeof any_key);
	symmetric_encrypt_and_hash(&s, at, s_i, sizeof *s_i);
	symmetric_mix_key(&s, &zero_secret, sizeof zero_secret); /* ss */
	symmetric_encrypt_and_hash(&s, at + DH_LEN + AEAD_TAG_LEN, &e->stamp, sizeof e->stamp);
	initiation_remac(e);
}

/* Every point, in both handshakes. */
#define CASES (2 * LOW_ORDER_COUNT)

static enum key_exchange case_exchange(size_t i)
{
	return i < LOW_ORDER_COUNT ? KEY_EXCHANGE_X25519 : KEY_EXCHANGE_HYBRID;
}

TEST(handshake_refuses_low_order_e_i)
{
	for (size_t i = 0; i < CASES; i++) {
		struct ends e;
		struct public_key low = low_order_point(i % LOW_ORDER_COUNT);
		CHECK(begin(&e, case_exchange(i), 100 + i));
		forge_initiation(&e, &low, &zero_secret, &e.i.public_key);
		CHECK(initiation_mac1_is_valid(&e));
		CHECK(!ends_open(&e));
		CHECK(secret_is_zero(&e.opened, sizeof e.opened));
	}
}

TEST(handshake_refuses_low_order_s_i)
{
	for (size_t i = 0; i < CASES; i++) {
		struct ends e;
		struct public_key low = low_order_point(i % LOW_ORDER_COUNT), e_i;
		struct private_key ephemeral;
		struct shared_secret es;
		struct tai64n stamp;
		CHECK(begin(&e, case_exchange(i), 120 + i));
		private_key_generate(&ephemeral, &e.rng);
		public_key_derive(&e_i, &ephemeral);
		CHECK(dh(&es, &ephemeral, &e.r.public_key));
		forge_initiation(&e, &e_i, &es, &low);

		struct remote_identity peer;
		memset(&peer, 0xaa, sizeof peer);
		CHECK(!remote_identity_init(&peer, &e.r, &low, &e.i_of_r.preshared_key));
		CHECK_MEM(&low, &peer.public_key, DH_LEN);
		CHECK_MEM(&e.i_of_r.preshared_key, &peer.preshared_key, DH_LEN);
		CHECK(secret_is_zero(&peer.static_static, DH_LEN));
		/* open gives the key by value, as of any stranger; accepting it is refused */
		CHECK(ends_open(&e));
		CHECK_MEM(&low, &e.opened.remote_static, DH_LEN);
		memset(&stamp, 0xaa, sizeof stamp);
		CHECK(!initiation_accept(&e.opened, &stamp, &e.initiation, &peer));
		CHECK(secret_is_zero(&e.opened, sizeof e.opened));
		CHECK(secret_is_zero(&stamp, sizeof stamp));
	}
}

/* A genuine one. */
static void forge_ekem1(struct ends *e, struct symmetric *s)
{
	struct kem_public_key pub;
	struct kem_secret_key secret;
	struct kem_ciphertext ct;
	struct kem_shared_secret shared;
	kem_keypair_derive(&pub, &secret, &e->pending.kem_seed);
	CHECK(kem_encapsulate(&ct, &shared, &pub, &e->rng));
	symmetric_encrypt_and_hash(s, e->hybrid_response.sealed_ciphertext, &ct, sizeof ct);
	symmetric_mix_key(s, &shared, sizeof shared);
}

TEST(handshake_refuses_low_order_e_r)
{
	for (size_t i = 0; i < CASES; i++) {
		struct ends e;
		struct public_key low = low_order_point(i % LOW_ORDER_COUNT);
		CHECK(begin(&e, case_exchange(i), 140 + i));
		CHECK(ends_initiate(&e) && ends_respond(&e));
		struct symmetric s = {.ck = e.pending.ck, .h = e.pending.h};
		struct pending_handshake before = e.pending;
		e.response.ephemeral = low;
		mix_ephemeral(&s, &low);
		symmetric_mix_key(&s, &zero_secret, sizeof zero_secret); /* ee */
		uint8_t *at = e.response.sealed_nothing;
		if (e.key_exchange == KEY_EXCHANGE_HYBRID) {
			forge_ekem1(&e, &s);
			at = e.hybrid_response.sealed_nothing;
		}
		symmetric_mix_key(&s, &zero_secret, sizeof zero_secret); /* se */
		symmetric_mix_key_and_hash(&s, &e.r_of_i.preshared_key, DH_LEN);
		symmetric_encrypt_and_hash(&s, at, "", 0);
		response_remac(&e);
		CHECK(response_mac1_is_valid(&e));
		CHECK(!ends_complete(&e));
		CHECK(secret_is_zero(&e.keys_i, sizeof e.keys_i));
		CHECK_MEM(&before, &e.pending, sizeof before);
	}
}

/*
 * By who breaks X25519 and has no ML-KEM: right in all but a ciphertext that does not
 * open, and made as if the token were not there. That refusal alone keeps it out.
 */
TEST(handshake_refuses_a_hybrid_response_without_its_ciphertext)
{
	struct ends e;
	struct private_key e_r;
	struct shared_secret ee, se;
	CHECK(begin(&e, KEY_EXCHANGE_HYBRID, 240) && ends_initiate(&e) && ends_respond(&e));
	struct message_hybrid_response *msg = &e.hybrid_response;
	struct symmetric s = {.ck = e.pending.ck, .h = e.pending.h};
	private_key_generate(&e_r, &e.rng);
	public_key_derive(&msg->ephemeral, &e_r);
	mix_ephemeral(&s, &msg->ephemeral);
	CHECK(dh(&ee, &e.pending.ephemeral, &msg->ephemeral));
	symmetric_mix_key(&s, &ee, sizeof ee);
	CHECK(dh(&se, &e.i.private_key, &msg->ephemeral));
	symmetric_mix_key(&s, &se, sizeof se);
	symmetric_mix_key_and_hash(&s, &e.r_of_i.preshared_key, DH_LEN);
	symmetric_encrypt_and_hash(&s, msg->sealed_nothing, "", 0);
	response_remac(&e);
	CHECK(!ends_complete(&e));
	CHECK(secret_is_zero(&e.keys_i, sizeof e.keys_i));
}

/* ---------------------------------------------------------------- nothing is made for such peers
 */

TEST(handshake_makes_no_initiation_for_a_low_order_peer)
{
	for (size_t i = 0; i < 2 * (LOW_ORDER_COUNT + 1); i++) {
		struct ends e;
		CHECK(begin(&e, i % 2 ? KEY_EXCHANGE_HYBRID : KEY_EXCHANGE_X25519, 160 + i));
		if (i / 2 < LOW_ORDER_COUNT) /* es gives zero */
			e.r_of_i.public_key = low_order_point(i / 2);
		else /* ss does: what remote_identity_init left */
			memset(&e.r_of_i.static_static, 0, DH_LEN);
		CHECK(!ends_initiate(&e));
		CHECK(secret_is_zero(&e.initiation, initiation_len(e.key_exchange)));
		CHECK(secret_is_zero(&e.pending, sizeof e.pending));
	}
}

TEST(handshake_makes_no_response_when_a_dh_gives_zero)
{
	for (size_t i = 0; i < 2 * CASES; i++) {
		struct ends e;
		struct tai64n stamp;
		CHECK(begin(&e, case_exchange(i / 2), 180 + i) && ends_initiate(&e));
		CHECK(ends_open(&e));
		CHECK(initiation_accept(&e.opened, &stamp, &e.initiation, &e.i_of_r));
		struct public_key *spoiled = /* ee, se */
			i % 2 ? &e.opened.remote_ephemeral : &e.i_of_r.public_key;
		*spoiled = low_order_point(i / 2 % LOW_ORDER_COUNT);
		CHECK(!response_create(&e.response, &e.keys_r, &e.opened, &e.i_of_r, 1, &e.rng));
		CHECK(secret_is_zero(&e.response, response_len(e.key_exchange)));
		CHECK(secret_is_zero(&e.keys_r, sizeof e.keys_r));
		CHECK(secret_is_zero(&e.opened, sizeof e.opened));
	}
}

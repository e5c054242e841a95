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

static const struct field initiation_fields[] = {
	{"type and sender index", 8, MAC1_ONLY},
	{"e", 40, BY_OPEN},
	{"s", 88, BY_OPEN},
	{"timestamp", 116, BY_ACCEPT},
	{"mac1", 132, MAC1_ITSELF},
	{"mac2", 148, NOBODY},
};

static const struct field response_fields[] = {
	{"type and both indices", 12, MAC1_ONLY},
	{"e", 44, BY_OPEN},
	{"nothing", 60, BY_OPEN},
	{"mac1", 76, MAC1_ITSELF},
	{"mac2", 92, NOBODY},
};

static enum layer initiation_refused_by(struct ends *e)
{
	struct tai64n stamp;
	if (!initiation_open(&e->opened, &e->initiation, &e->r))
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

TEST(handshake_refuses_every_flipped_bit_of_an_initiation)
{
	struct ends e;
	CHECK(ends_init(&e, 10) && ends_initiate(&e));
	struct message_initiation real = e.initiation;
	const struct field *field = initiation_fields;
	for (size_t bit = 0; bit < 8 * sizeof real; bit++) {
		field += bit / 8 == field->end;
		e.initiation = real;
		((uint8_t *)&e.initiation)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK_EQ(field->layer == NOBODY, initiation_mac1_is_valid(&e));
		initiation_remac(&e);
		CHECK(initiation_mac1_is_valid(&e));
		enum layer expected = field->layer >= MAC1_ITSELF ? MAC1_ONLY : field->layer;
		if (initiation_refused_by(&e) != expected)
			test_fail(__FILE__, __LINE__, "bit %zu, in %s", bit, field->name);
	}
}

TEST(handshake_refuses_every_flipped_bit_of_a_response)
{
	struct ends e;
	CHECK(ends_init(&e, 11) && ends_initiate(&e) && ends_respond(&e));
	struct message_response real = e.response;
	struct pending_handshake before = e.pending;
	const struct field *field = response_fields;
	for (size_t bit = 0; bit < 8 * sizeof real; bit++) {
		field += bit / 8 == field->end;
		e.response = real;
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

/* An initiation with these public keys; `es` is their DH with the responder's. */
static void forge_initiation(struct ends *e, const struct public_key *ephemeral,
	const struct shared_secret *es, const struct public_key *s_i)
{
	struct symmetric s;
	struct message_initiation *msg = &e->initiation;
	*msg = (struct message_initiation){.type = {MESSAGE_INITIATION}, .ephemeral = *ephemeral};
	symmetric_init(
		&s, "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", "WireGuard v1 zx2c4 Jason@zx2c4.com");
	symmetric_mix_hash(&s, &e->r.public_key, DH_LEN);
	mix_ephemeral(&s, ephemeral);
	symmetric_mix_key(&s, es, sizeof *es);
	symmetric_encrypt_and_hash(&s, msg->sealed_static, s_i, sizeof *s_i);
	symmetric_mix_key(&s, &zero_secret, sizeof zero_secret); /* ss */
	symmetric_encrypt_and_hash(&s, msg->sealed_timestamp, &e->stamp, sizeof e->stamp);
	initiation_remac(e);
}

TEST(handshake_refuses_low_order_e_i)
{
	for (size_t i = 0; i < LOW_ORDER_COUNT; i++) {
		struct ends e;
		struct public_key low = low_order_point(i);
		CHECK(ends_init(&e, 100 + i));
		forge_initiation(&e, &low, &zero_secret, &e.i.public_key);
		CHECK(initiation_mac1_is_valid(&e));
		CHECK(!initiation_open(&e.opened, &e.initiation, &e.r));
		CHECK(secret_is_zero(&e.opened, sizeof e.opened));
	}
}

TEST(handshake_refuses_low_order_s_i)
{
	for (size_t i = 0; i < LOW_ORDER_COUNT; i++) {
		struct ends e;
		struct public_key low = low_order_point(i), e_i;
		struct private_key ephemeral;
		struct shared_secret es;
		struct tai64n stamp;
		CHECK(ends_init(&e, 120 + i));
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
		CHECK(initiation_open(&e.opened, &e.initiation, &e.r));
		CHECK_MEM(&low, &e.opened.remote_static, DH_LEN);
		memset(&stamp, 0xaa, sizeof stamp);
		CHECK(!initiation_accept(&e.opened, &stamp, &e.initiation, &peer));
		CHECK(secret_is_zero(&e.opened, sizeof e.opened));
		CHECK(secret_is_zero(&stamp, sizeof stamp));
	}
}

TEST(handshake_refuses_low_order_e_r)
{
	for (size_t i = 0; i < LOW_ORDER_COUNT; i++) {
		struct ends e;
		struct public_key low = low_order_point(i);
		CHECK(ends_init(&e, 140 + i) && ends_initiate(&e) && ends_respond(&e));
		struct symmetric s = {.ck = e.pending.ck, .h = e.pending.h};
		struct pending_handshake before = e.pending;
		e.response.ephemeral = low;
		mix_ephemeral(&s, &low);
		symmetric_mix_key(&s, &zero_secret, sizeof zero_secret); /* ee */
		symmetric_mix_key(&s, &zero_secret, sizeof zero_secret); /* se */
		symmetric_mix_key_and_hash(&s, &e.r_of_i.preshared_key, DH_LEN);
		symmetric_encrypt_and_hash(&s, e.response.sealed_nothing, "", 0);
		response_remac(&e);
		CHECK(response_mac1_is_valid(&e));
		CHECK(!ends_complete(&e));
		CHECK(secret_is_zero(&e.keys_i, sizeof e.keys_i));
		CHECK_MEM(&before, &e.pending, sizeof before);
	}
}

/* ---------------------------------------------------------------- nothing is made for such peers
 */

TEST(handshake_makes_no_initiation_for_a_low_order_peer)
{
	for (size_t i = 0; i <= LOW_ORDER_COUNT; i++) {
		struct ends e;
		CHECK(ends_init(&e, 160 + i));
		if (i < LOW_ORDER_COUNT) /* es gives zero */
			e.r_of_i.public_key = low_order_point(i);
		else /* ss does: what remote_identity_init left */
			memset(&e.r_of_i.static_static, 0, DH_LEN);
		CHECK(!ends_initiate(&e));
		CHECK(secret_is_zero(&e.initiation, sizeof e.initiation));
		CHECK(secret_is_zero(&e.pending, sizeof e.pending));
	}
}

TEST(handshake_makes_no_response_when_a_dh_gives_zero)
{
	for (size_t i = 0; i < 2 * LOW_ORDER_COUNT; i++) {
		struct ends e;
		struct tai64n stamp;
		CHECK(ends_init(&e, 180 + i) && ends_initiate(&e));
		CHECK(initiation_open(&e.opened, &e.initiation, &e.r));
		CHECK(initiation_accept(&e.opened, &stamp, &e.initiation, &e.i_of_r));
		struct public_key *spoiled = /* ee, se */
			i % 2 ? &e.opened.remote_ephemeral : &e.i_of_r.public_key;
		*spoiled = low_order_point(i / 2);
		CHECK(!response_create(&e.response, &e.keys_r, &e.opened, &e.i_of_r, 1, &e.rng));
		CHECK(secret_is_zero(&e.response, sizeof e.response));
		CHECK(secret_is_zero(&e.keys_r, sizeof e.keys_r));
		CHECK(secret_is_zero(&e.opened, sizeof e.opened));
	}
}

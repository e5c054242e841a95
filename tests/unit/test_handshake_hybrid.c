#include "unit/test.h"

#include "unit/ends.h"

#include "base/bytes.h"
#include "crypto/secret.h"
#include "noise/symmetric.h"

/* ---------------------------------------------------------------- known answers
 * from two independent models: S_i = 00.., S_r = 20.., E_i = 40.., E_r = 60.., the KEM's
 * d and z = 80.., its m = c0.., preshared key e0..
 */

/* An rng whose n-th draw counts up from the n-th of these. */
static const uint8_t first_bytes[] = {0x40, 0x80, 0x60, 0xc0};

static void script_fill(void *context, void *out, size_t len)
{
	size_t *draws = context;
	uint8_t *p = out;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(first_bytes[*draws % sizeof first_bytes] + i);
	++*draws;
}

#define CHECK_HEX(hex, got)                                                                        \
	do {                                                                                       \
		uint8_t bytes_[sizeof(got)];                                                       \
		HEX(bytes_, hex);                                                                  \
		CHECK_MEM(bytes_, &(got), sizeof bytes_);                                          \
	} while (0)

#define CHECK_STATE(state, ck_hex, h_hex)                                                          \
	do {                                                                                       \
		CHECK_HEX(ck_hex, (state)->ck);                                                    \
		CHECK_HEX(h_hex, (state)->h);                                                      \
	} while (0)

static struct hash_value digest(const void *message, size_t len)
{
	struct hash_value out;
	struct blake2s ctx;
	blake2s_init(&ctx, HASH_LEN, NULL, 0);
	blake2s_update(&ctx, message, len);
	blake2s_final(&ctx, out.bytes);
	return out;
}

static bool begin_known(struct ends *e, size_t *draws)
{
	if (!ends_init_known(e))
		return false;
	*draws = 0;
	e->rng = (struct rng){script_fill, draws};
	e->key_exchange = KEY_EXCHANGE_HYBRID;
	return true;
}

TEST(hybrid_known_answers_of_the_messages)
{
	struct ends e;
	size_t draws;
	CHECK(begin_known(&e, &draws));
	CHECK(ends_initiate(&e));
	struct hash_value got = digest(&e.hybrid_initiation, 1348);
	CHECK_HEX("f047d6df8f460a6621f7aad56dc1bb7d436bfd20556f5e05de6dd6be8ec860b8", got);
	CHECK_HEX("99e35c3990ff18adf0e86b87cf0b36d9", e.hybrid_initiation.macs.mac1);
	CHECK_EQ(0x11, load_le32(e.hybrid_initiation.type));
	CHECK_EQ(0x11223344, load_le32(e.hybrid_initiation.sender_index));
	CHECK(initiation_mac1_is_valid(&e));

	CHECK(ends_respond(&e));
	got = digest(&e.hybrid_response, 1196);
	CHECK_HEX("7ddc132d6980d8abe89285f8b59388e84f7144efbd55fd75adaa9f2b0e5989d7", got);
	CHECK_HEX("f559afe41002684de64ea081e7a4a7e8", e.hybrid_response.macs.mac1);
	CHECK_EQ(0x12, load_le32(e.hybrid_response.type));
	CHECK_EQ(0x55667788, load_le32(e.hybrid_response.sender_index));
	CHECK_EQ(0x11223344, load_le32(e.hybrid_response.receiver_index));
	CHECK(response_mac1_is_valid(&e));
	CHECK_EQ(4, draws);

	CHECK(ends_complete(&e));
	static const char to_r[] =
		"d50cd5f225d5e5dabb2364cf2a0e5edbfdcccf2693a570b7b9ebd99cf88ca98a";
	static const char to_i[] =
		"c2922854ca9ef18dba9e1e3d95d9353b42614e461e6891ca5706161666751574";
	CHECK_HEX(to_r, e.keys_i.send);
	CHECK_HEX(to_r, e.keys_r.receive);
	CHECK_HEX(to_i, e.keys_i.receive);
	CHECK_HEX(to_i, e.keys_r.send);
}

TEST(hybrid_known_answers_of_the_states_between)
{
	static const char ck[] = "9aa465cf319f433658d4a64c2d398ba8d20d3a0d291efb9ba433ae91ac143b78";
	static const char h[] = "05030710adb49bcb93beef1d91eac34e9d406423b2b6d704ed65774267053bef";
	struct ends e;
	struct tai64n stamp;
	size_t draws;
	CHECK(begin_known(&e, &draws));
	CHECK(ends_initiate(&e));
	CHECK_STATE(&e.pending, ck, h);
	CHECK(ends_open(&e));
	CHECK_STATE(&e.opened, "f321b0c87f83220520a503d2397ee353cf529a87980325bb1b53ac2914122ce6",
		"fd0dc5ab87ab4461e1bff4f3d6628fea9e0cc69d1565e5e10534432e3821ec0f");
	CHECK_MEM(&e.i.public_key, &e.opened.remote_static, DH_LEN);
	CHECK(initiation_accept(&e.opened, &stamp, &e.initiation, &e.i_of_r));
	CHECK_STATE(&e.opened, ck, h);
	CHECK_MEM(&e.stamp, &stamp, sizeof stamp);
}

struct walk { /* what the tokens need, and the state between them */
	struct symmetric s;
	struct private_key s_i, s_r, e_i, e_r;
	struct kem_seed seed;
	struct kem_message m;
	struct preshared_key psk;
	struct kem_public_key pub;
	struct kem_secret_key secret;
};

static void count_up(void *out, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)(first + i);
}

static void walk_begin(struct walk *w)
{
	struct public_key responder;
	count_up(&w->s_i, DH_LEN, 0x00);
	count_up(&w->s_r, DH_LEN, 0x20);
	count_up(&w->e_i, DH_LEN, 0x40);
	count_up(&w->e_r, DH_LEN, 0x60);
	count_up(&w->seed, sizeof w->seed, 0x80);
	count_up(&w->m, sizeof w->m, 0xc0);
	count_up(&w->psk, sizeof w->psk, 0xe0);
	symmetric_init(
		&w->s, "Noise_IKhfs+psk2_25519+MLKEM768_ChaChaPoly_BLAKE2s", "adit hybrid v1");
	public_key_derive(&responder, &w->s_r);
	symmetric_mix_hash(&w->s, &responder, sizeof responder);
}

static void walk_public(struct walk *w, const struct private_key *key)
{
	struct public_key pub;
	public_key_derive(&pub, key);
	symmetric_mix_hash(&w->s, &pub, sizeof pub);
	symmetric_mix_key(&w->s, &pub, sizeof pub);
}

static bool walk_dh(struct walk *w, const struct private_key *a, const struct private_key *b)
{
	struct public_key pub;
	struct shared_secret secret;
	public_key_derive(&pub, b);
	bool ok = dh(&secret, a, &pub);
	symmetric_mix_key(&w->s, &secret, sizeof secret);
	return ok;
}

static void walk_seal(struct walk *w, const void *plain, size_t len)
{
	uint8_t sealed[KEM_PUBLIC_KEY_LEN + AEAD_TAG_LEN];
	symmetric_encrypt_and_hash(&w->s, sealed, plain, len);
}

static bool walk_encapsulate(struct walk *w)
{
	struct kem_ciphertext ct;
	struct kem_shared_secret shared;
	bool ok = kem_encapsulate_message(&ct, &shared, &w->pub, &w->m);
	walk_seal(w, &ct, sizeof ct);
	symmetric_mix_key(&w->s, &shared, sizeof shared);
	return ok;
}

/* ck and h after every token, from the model: who mixes e1 or ekem1 elsewhere sees where. */
TEST(hybrid_known_answers_of_the_initiation_token_by_token)
{
	static const char es[] = "f321b0c87f83220520a503d2397ee353cf529a87980325bb1b53ac2914122ce6";
	static const char ss[] = "9aa465cf319f433658d4a64c2d398ba8d20d3a0d291efb9ba433ae91ac143b78";
	static const char h_e[] =
		"13b0582f5c08581b9dcdedae7a6f4e25668799f3bcdd71a77ef8d96d0f138c2a";
	static const char h_s[] =
		"fd0dc5ab87ab4461e1bff4f3d6628fea9e0cc69d1565e5e10534432e3821ec0f";
	struct walk w;
	struct public_key pub_s_i;
	uint8_t stamp[TAI64N_LEN];
	HEX(stamp, "400000006553f10000000000");
	walk_begin(&w);
	CHECK_STATE(&w.s, "965402c9f2b0d9487513e601df868c5d0ca354443153fd085bb679ef983019d8",
		"c3164eab117c33f3cc6f45b60629861ad9ab63fe38977f31d6fb0d24d5166ac8");
	walk_public(&w, &w.e_i); /* e */
	CHECK_STATE(&w.s, "9a1d06ddd6dc3a1c83ff02ba9311f74d8bdb1bbd7f9b1650c7b7c4e2142f91e8", h_e);
	CHECK(walk_dh(&w, &w.e_i, &w.s_r)); /* es */
	CHECK_STATE(&w.s, es, h_e);
	kem_keypair_derive(&w.pub, &w.secret, &w.seed);
	CHECK_EQ(0, w.s.counter);
	walk_seal(&w, &w.pub, sizeof w.pub); /* e1 */
	CHECK_STATE(&w.s, es, "2bfffcf4429fa20a1ae830fe8c8a7a2999e3ad49640c976d27122049502de376");
	CHECK_EQ(1, w.s.counter); /* the one fatal mistake would be 0 */
	public_key_derive(&pub_s_i, &w.s_i);
	walk_seal(&w, &pub_s_i, sizeof pub_s_i); /* s */
	CHECK_STATE(&w.s, es, h_s);
	CHECK(walk_dh(&w, &w.s_i, &w.s_r)); /* ss */
	CHECK_STATE(&w.s, ss, h_s);
	walk_seal(&w, stamp, sizeof stamp); /* {timestamp} */
	CHECK_STATE(&w.s, ss, "05030710adb49bcb93beef1d91eac34e9d406423b2b6d704ed65774267053bef");
}

TEST(hybrid_known_answers_of_the_response_token_by_token)
{
	static const char psk[] =
		"3b3479baf5726bb8e4b50a78b80bb20be5e5c846d26976aa8098df023b4f9abf";
	static const char h_e[] =
		"09f948bb46fe29c0ad897ecb60c688eaea305c6bda16bdbf73e15d4a9aab156f";
	static const char h_kem[] =
		"06c8b59f00e19bfdb1b63530d7ab1c562755e7a10a53de8b8eb42e6eef06a365";
	struct walk w;
	struct aead_key to_r, to_i;
	walk_begin(&w);
	kem_keypair_derive(&w.pub, &w.secret, &w.seed);
	/* as the initiation left them */
	HEX(w.s.ck.bytes, "9aa465cf319f433658d4a64c2d398ba8d20d3a0d291efb9ba433ae91ac143b78");
	HEX(w.s.h.bytes, "05030710adb49bcb93beef1d91eac34e9d406423b2b6d704ed65774267053bef");
	walk_public(&w, &w.e_r); /* e */
	CHECK_STATE(&w.s, "e961e95a1f14ca7bc783ee044872deb465f72fbbe994ae6dcdb55ba4d4af2874", h_e);
	CHECK(walk_dh(&w, &w.e_r, &w.e_i)); /* ee */
	CHECK_STATE(&w.s, "00155ddb598b98c43e8b56c69858747d44dbd87464ae174473d1ce1f4840cfff", h_e);
	CHECK(walk_encapsulate(&w)); /* ekem1 */
	CHECK_STATE(
		&w.s, "49c55d69dd95f1cc7b6dc2018204c14c29dc1709563890377c22e4b2d3e0a98b", h_kem);
	CHECK(walk_dh(&w, &w.e_r, &w.s_i)); /* se */
	CHECK_STATE(
		&w.s, "50c41aa7f6f377fdb8f4ae378b67435889e640ac78f61ad05bda0ece15a85b40", h_kem);
	symmetric_mix_key_and_hash(&w.s, &w.psk, sizeof w.psk); /* psk */
	CHECK_STATE(&w.s, psk, "8af8ca7cde9e2f5118c9bc4094322bebfc50157a1f63a81162ef48f25481b2fb");
	walk_seal(&w, "", 0); /* {} */
	CHECK_STATE(&w.s, psk, "09d1add4904ea65468e805df1d1d03a6f0a03c42cce4677c6618b3911a023f21");
	symmetric_split(&w.s, &to_r, &to_i);
	CHECK_HEX("d50cd5f225d5e5dabb2364cf2a0e5edbfdcccf2693a570b7b9ebd99cf88ca98a", to_r);
	CHECK_HEX("c2922854ca9ef18dba9e1e3d95d9353b42614e461e6891ca5706161666751574", to_i);
}

/* ---------------------------------------------------------------- what is particular to it */

static bool begin_hybrid(struct ends *e, uint64_t seed)
{
	bool ok = ends_init(e, seed);
	e->key_exchange = KEY_EXCHANGE_HYBRID;
	return ok;
}

/* ML-KEM's secret enters the keys, as X25519's do: who lacks it has none of them. */
TEST(hybrid_keys_need_the_kem_s_own_secret)
{
	struct ends e;
	CHECK(begin_hybrid(&e, 700));
	CHECK(ends_initiate(&e) && ends_respond(&e));
	struct pending_handshake before = e.pending;
	e.pending.kem_seed.bytes[0] ^= 1;
	CHECK(!ends_complete(&e));
	CHECK(secret_is_zero(&e.keys_i, sizeof e.keys_i));
	e.pending = before;
	e.pending.ephemeral.bytes[1] ^= 1;
	CHECK(!ends_complete(&e));
	e.pending = before;
	CHECK(ends_complete(&e));
}

/* [FIPS 203 7.2]: one coefficient that is not below the modulus, and nothing is answered. */
TEST(hybrid_answers_no_key_that_is_none)
{
	struct ends e;
	struct tai64n stamp;
	CHECK(begin_hybrid(&e, 701) && ends_initiate(&e));
	for (size_t i = 0; i < 2; i++) {
		CHECK(ends_open(&e));
		CHECK(initiation_accept(&e.opened, &stamp, &e.initiation, &e.i_of_r));
		uint8_t *last = &e.opened.remote_kem_key.bytes[i ? 1149 : 0];
		last[0] = 0xff;
		last[1] |= 0xff;
		CHECK(!response_create(&e.response, &e.keys_r, &e.opened, &e.i_of_r, 1, &e.rng));
		CHECK(secret_is_zero(&e.hybrid_response, sizeof e.hybrid_response));
		CHECK(secret_is_zero(&e.keys_r, sizeof e.keys_r));
		CHECK(secret_is_zero(&e.opened, sizeof e.opened));
	}
}

/* Fresh in every attempt, and none is left of it where it ended. */
TEST(hybrid_key_of_each_attempt_is_new)
{
	struct ends e;
	CHECK(begin_hybrid(&e, 702) && ends_initiate(&e));
	struct pending_handshake first = e.pending;
	CHECK(ends_initiate(&e));
	CHECK(memcmp(&first.kem_seed, &e.pending.kem_seed, sizeof first.kem_seed));
	CHECK(memcmp(&first.ephemeral, &e.pending.ephemeral, sizeof first.ephemeral));
	e.key_exchange = KEY_EXCHANGE_X25519;
	CHECK(ends_initiate(&e));
	CHECK(secret_is_zero(&e.pending.kem_seed, sizeof e.pending.kem_seed));
}

/* ---------------------------------------------------------------- neither passes as the other */

/* The fields that both have, out of one message into the other: what a splicer can do. */
TEST(hybrid_initiation_without_its_kem_key_is_no_classical_one)
{
	struct ends e;
	CHECK(begin_hybrid(&e, 703) && ends_initiate(&e));
	struct message_hybrid_initiation whole = e.hybrid_initiation;
	struct message_initiation *cut = &e.initiation;
	memcpy(cut->sealed_static, whole.sealed_static, sizeof cut->sealed_static);
	memcpy(cut->sealed_timestamp, whole.sealed_timestamp, sizeof cut->sealed_timestamp);
	store_le32(cut->type, MESSAGE_INITIATION);
	e.key_exchange = KEY_EXCHANGE_X25519;
	initiation_remac(&e);
	CHECK(initiation_mac1_is_valid(&e));
	CHECK(!ends_open(&e));
	CHECK(secret_is_zero(&e.opened, sizeof e.opened));
}

TEST(hybrid_initiation_is_not_made_of_a_classical_one)
{
	struct ends e, other;
	CHECK(ends_init(&e, 704) && ends_initiate(&e));
	CHECK(begin_hybrid(&other, 704) && ends_initiate(&other));
	struct message_initiation classical = e.initiation;
	struct message_hybrid_initiation *made = &e.hybrid_initiation;
	*made = other.hybrid_initiation; /* a genuine e1, of another attempt */
	e.key_exchange = KEY_EXCHANGE_HYBRID;
	made->ephemeral = classical.ephemeral;
	memcpy(made->sealed_static, classical.sealed_static, sizeof made->sealed_static);
	memcpy(made->sealed_timestamp, classical.sealed_timestamp, sizeof made->sealed_timestamp);
	initiation_remac(&e);
	CHECK(!ends_open(&e));
	*made = other.hybrid_initiation;
	CHECK(ends_open(&e)); /* unspliced it is right */
}

/* e1 and the rest of it out of two initiations of the same initiator. */
TEST(hybrid_initiation_is_not_made_of_two)
{
	struct ends e;
	CHECK(begin_hybrid(&e, 705) && ends_initiate(&e));
	struct message_hybrid_initiation first = e.hybrid_initiation;
	CHECK(ends_initiate(&e));
	memcpy(e.hybrid_initiation.sealed_kem_key, first.sealed_kem_key,
		sizeof first.sealed_kem_key);
	initiation_remac(&e);
	CHECK(!ends_open(&e));
}

TEST(hybrid_response_is_not_made_of_a_classical_one)
{
	struct ends e, classical;
	CHECK(begin_hybrid(&e, 706) && ends_init(&classical, 706));
	CHECK(ends_initiate(&e) && ends_respond(&e));
	CHECK(ends_initiate(&classical) && ends_respond(&classical));
	struct pending_handshake before = e.pending;
	struct message_hybrid_response real = e.hybrid_response;
	e.hybrid_response.ephemeral = classical.response.ephemeral;
	memcpy(e.hybrid_response.sealed_nothing, classical.response.sealed_nothing, AEAD_TAG_LEN);
	response_remac(&e);
	CHECK(!ends_complete(&e));
	e.hybrid_response = real;
	memcpy(e.hybrid_response.sealed_nothing, classical.response.sealed_nothing, AEAD_TAG_LEN);
	response_remac(&e);
	CHECK(!ends_complete(&e));
	CHECK_MEM(&before, &e.pending, sizeof before);
	e.hybrid_response = real;
	CHECK(ends_complete(&e));
}

TEST(hybrid_says_its_name_and_lengths)
{
	CHECK(!strcmp("x25519", key_exchange_name(KEY_EXCHANGE_X25519)));
	CHECK(!strcmp("x25519+mlkem768", key_exchange_name(KEY_EXCHANGE_HYBRID)));
	CHECK_EQ(148, initiation_len(KEY_EXCHANGE_X25519));
	CHECK_EQ(92, response_len(KEY_EXCHANGE_X25519));
	CHECK_EQ(1348, initiation_len(KEY_EXCHANGE_HYBRID));
	CHECK_EQ(1196, response_len(KEY_EXCHANGE_HYBRID));
}

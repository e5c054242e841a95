#include "unit/test.h"

#include "unit/ends.h"

#include "base/bytes.h"
#include "crypto/secret.h"

/* ---------------------------------------------------------------- known answers
 * from an independent model: S_i = 00.., S_r = 20.., E_i = 40.., E_r = 60.., preshared key e0..
 */

#define CHECK_HEX(hex, got)                                                                        \
	do {                                                                                       \
		uint8_t bytes_[sizeof(got)];                                                       \
		HEX(bytes_, hex);                                                                  \
		CHECK_MEM(bytes_, &(got), sizeof bytes_);                                          \
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

TEST(handshake_known_answers_of_the_messages)
{
	struct ends e;
	CHECK(ends_init_known(&e));
	e.stream.next = 0x40;
	CHECK(ends_initiate(&e));
	struct hash_value got = digest(&e.initiation, sizeof e.initiation);
	CHECK_HEX("f8b394e953325805123c4063421e88fe95cb7bbd65be0c9987973d1ccd8fc7d5", got);
	CHECK_HEX("baf84b5ee34abda2631415a271dc1f06", e.initiation.macs.mac1);
	CHECK_EQ(0x11223344, load_le32(e.initiation.sender_index));
	CHECK_EQ(0x11223344, e.pending.local_index);
	CHECK(initiation_mac1_is_valid(&e));

	CHECK_EQ(0x60, e.stream.next);
	CHECK(ends_respond(&e));
	got = digest(&e.response, sizeof e.response);
	CHECK_HEX("eab84d51b8698c04452c858d6b9326057b368bcae92a3ab683ab5100245a2732", got);
	CHECK_HEX("96613c52ab9c7686d5f39e00c7629d8e", e.response.macs.mac1);
	CHECK_EQ(0x55667788, load_le32(e.response.sender_index));
	CHECK_EQ(0x11223344, load_le32(e.response.receiver_index));
	CHECK(response_mac1_is_valid(&e));

	CHECK(ends_complete(&e));
	static const char to_r[] =
		"501fea1b5891afa5d26693ecfbdaaea6c8b68e2a60617a2b2e30216721d2a075";
	static const char to_i[] =
		"150044bf14eff14d30e2b365e67ea5f044fb63ec6852771e9b98f4f3fdd00a1c";
	CHECK_HEX(to_r, e.keys_i.send);
	CHECK_HEX(to_r, e.keys_r.receive);
	CHECK_HEX(to_i, e.keys_i.receive);
	CHECK_HEX(to_i, e.keys_r.send);
}

/* What lies between the calls, against the independent model's ck and h of those moments. */
TEST(handshake_known_answers_of_the_states_between)
{
	struct ends e;
	struct tai64n stamp;
	CHECK(ends_init_known(&e));
	e.stream.next = 0x40;
	CHECK(ends_initiate(&e));
	static const char ck[] = "5b3722a25c7c69706cfbbef606c70681a400fd1b6dab82533b1266606d6ede42";
	static const char h[] = "1783cde666193ae891588a568a0228f622675e14c20e327ab633072cf7175593";
	CHECK_HEX(ck, e.pending.ck);
	CHECK_HEX(h, e.pending.h);

	CHECK(ends_open(&e));
	CHECK_HEX("51bd07c5f1ca78388ff32729bed1c20b6b7149adec410165af3b7a7de17f6999", e.opened.ck);
	CHECK_HEX("2fa089b8ab810bff08e5e28d030ec14f572afd52b27d34a2391d8754f15e8e97", e.opened.h);
	CHECK_MEM(&e.i.public_key, &e.opened.remote_static, DH_LEN);
	CHECK_MEM(&e.initiation.ephemeral, &e.opened.remote_ephemeral, DH_LEN);
	CHECK_EQ(0x11223344, e.opened.remote_index);
	CHECK(initiation_accept(&e.opened, &stamp, &e.initiation, &e.i_of_r));
	CHECK_HEX(ck, e.opened.ck);
	CHECK_HEX(h, e.opened.h);
	CHECK_MEM(&e.stamp, &stamp, sizeof stamp);
}

/* ---------------------------------------------------------------- whole handshakes */

TEST(handshake_gives_both_ends_the_same_keys)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct ends e;
		CHECK(ends_init(&e, seed));
		e.key_exchange = seed % 4 < 2 ? KEY_EXCHANGE_X25519 : KEY_EXCHANGE_HYBRID;
		if (seed % 2) {
			memset(&e.r_of_i.preshared_key, 0, DH_LEN);
			memset(&e.i_of_r.preshared_key, 0, DH_LEN);
		}
		CHECK(ends_initiate(&e) && ends_respond(&e) && ends_complete(&e));
		CHECK_MEM(&e.keys_i.send, &e.keys_r.receive, AEAD_KEY_LEN);
		CHECK_MEM(&e.keys_i.receive, &e.keys_r.send, AEAD_KEY_LEN);
		CHECK(memcmp(&e.keys_i.send, &e.keys_i.receive, AEAD_KEY_LEN));
		const uint8_t *initiation = e.initiation.type, *response = e.response.type;
		size_t ends = initiation_len(e.key_exchange) - MAC_LEN;
		CHECK(secret_is_zero(initiation + ends, MAC_LEN));
		ends = response_len(e.key_exchange) - MAC_LEN;
		CHECK(secret_is_zero(response + ends, MAC_LEN));
		CHECK(secret_is_zero(&e.opened, sizeof e.opened)); /* wiped by response_create */
	}
}

TEST(handshake_with_another_preshared_key_leaves_pending_untouched)
{
	struct ends e;
	CHECK(ends_init(&e, 1));
	e.i_of_r.preshared_key.bytes[31] ^= 0x80;
	CHECK(ends_initiate(&e));
	struct pending_handshake before = e.pending;
	CHECK(ends_respond(&e)); /* the responder cannot know */
	CHECK(!ends_complete(&e));
	CHECK_MEM(&before, &e.pending, sizeof before);
	CHECK(secret_is_zero(&e.keys_i, sizeof e.keys_i));
}

/* regressions 1: a forged response clears the pending handshake */
static void forge_1000_responses(enum key_exchange key_exchange)
{
	struct ends e;
	CHECK(ends_init(&e, 2));
	e.key_exchange = key_exchange;
	CHECK(ends_initiate(&e) && ends_respond(&e));
	struct message_hybrid_response real = e.hybrid_response;
	uint8_t *nothing = (uint8_t *)&e.hybrid_response + response_len(key_exchange) -
			   sizeof(struct message_macs) - AEAD_TAG_LEN;
	struct pending_handshake before = e.pending;
	for (int i = 0; i < 1000; i++) {
		/* all a forger can know is right: type, indices, mac1, now and then e_r */
		e.hybrid_response = real;
		if (i % 2)
			rng_fill(&e.rng, &e.response.ephemeral, DH_LEN);
		rng_fill(&e.rng, nothing, AEAD_TAG_LEN);
		response_remac(&e);
		CHECK(response_mac1_is_valid(&e));
		CHECK(!ends_complete(&e));
		CHECK_MEM(&before, &e.pending, sizeof before);
	}
	e.hybrid_response = real;
	CHECK(ends_complete(&e));
	CHECK_MEM(&e.keys_i.send, &e.keys_r.receive, AEAD_KEY_LEN);
}

TEST(handshake_completes_after_1000_forged_responses)
{
	forge_1000_responses(KEY_EXCHANGE_X25519);
}

TEST(handshake_completes_after_1000_forged_hybrid_responses)
{
	forge_1000_responses(KEY_EXCHANGE_HYBRID);
}

/* Somebody else's initiation does not pass as this peer's. */
TEST(handshake_accept_needs_the_sender_s_own_static_key)
{
	struct ends e, other;
	struct tai64n stamp;
	CHECK(ends_init(&e, 3) && ends_init(&other, 4));
	CHECK(ends_initiate(&e));
	CHECK(ends_open(&e));
	struct remote_identity stranger;
	CHECK(remote_identity_init(&stranger, &e.r, &other.i.public_key, &e.i_of_r.preshared_key));
	memset(&stamp, 0xaa, sizeof stamp);
	CHECK(!initiation_accept(&e.opened, &stamp, &e.initiation, &stranger));
	CHECK(secret_is_zero(&e.opened, sizeof e.opened));
	CHECK(secret_is_zero(&stamp, sizeof stamp));
}

TEST(handshake_opens_only_at_whom_it_was_sent_to)
{
	struct ends e, other;
	CHECK(ends_init(&e, 5) && ends_init(&other, 6));
	CHECK(ends_initiate(&e));
	CHECK(!macs_mac1_is_valid(&e.initiation, MESSAGE_INITIATION_LEN, &other.r.macs));
	CHECK(!initiation_open(&e.opened, e.key_exchange, &e.initiation, &other.r));
	CHECK(secret_is_zero(&e.opened, sizeof e.opened));
}

TEST(handshake_mac1_needs_the_whole_message)
{
	struct ends e;
	CHECK(ends_init(&e, 7));
	CHECK(ends_initiate(&e));
	for (size_t len = 0; len < MESSAGE_INITIATION_LEN; len++)
		CHECK(!macs_mac1_is_valid(&e.initiation, len, &e.r.macs));
	CHECK(initiation_mac1_is_valid(&e));
}

/* regressions 26: what is done with secrets, and the same with a leak. */
#include "ct/ct.h"

#include <string.h>

#include "crypto/secret.h"
#include "noise/handshake.h"
#include "noise/symmetric.h"
#include "session/cookie.h"
#include "session/job.h"
#include "text/keytext.h"

/* Numbers that count up, and are secret. */
static void fill_secret(void *context, void *out, size_t len)
{
	uint8_t *next = context, *p = out;
	for (size_t i = 0; i < len; i++)
		p[i] = (*next)++;
	ct_hide(out, len);
}

static uint8_t next_byte;
static const struct rng rng = {fill_secret, &next_byte};

/* ------------------------------------------------------------------ comparing */

static void compare_equal(void)
{
	uint8_t a[32] = {1}, b[32] = {1};
	ct_hide(a, sizeof a);
	need(secret_is_equal(a, b, sizeof a));
	b[0] = 2;
	need(!secret_is_equal(a, b, sizeof a));
	need(!secret_is_zero(a, sizeof a));
}

static void leak_by_memcmp(void)
{
	uint8_t a[32], b[32] = {1};
	rng_fill(&rng, a, sizeof a);
	volatile int order = memcmp(a, b, sizeof a);
	if (order > 0)
		next_byte++;
}

static void leak_by_index(void)
{
	static volatile uint8_t table[256];
	uint8_t secret;
	rng_fill(&rng, &secret, 1);
	next_byte = (uint8_t)(next_byte + table[secret]);
}

/* ------------------------------------------------------------------ macs */

static struct macs_keys some_macs_keys(void)
{
	struct public_key pub = {{9}};
	struct macs_keys keys;
	macs_keys_derive(&keys, &pub);
	ct_hide(&keys, sizeof keys);
	return keys;
}

static void check_mac1(void)
{
	struct message_initiation msg = {.type = {MESSAGE_INITIATION}};
	struct macs_keys keys = some_macs_keys();
	macs_set_mac1(&msg, sizeof msg, &keys);
	ct_show(&msg, sizeof msg);
	need(macs_mac1_is_valid(&msg, sizeof msg, &keys));
	msg.macs.mac1.bytes[15] ^= 1;
	need(!macs_mac1_is_valid(&msg, sizeof msg, &keys));
}

/* As under load: the cookie is made of a secret and the address, and compared. */
static void check_mac2(void)
{
	struct message_initiation msg = {.type = {MESSAGE_INITIATION}};
	const struct ip_address address = {IP_V4, {192, 0, 2, 1}};
	struct cookie_baker baker;
	cookie_baker_init(&baker);
	struct mac_value cookie = cookie_bake(&baker, &address, 7, 1, &rng);
	macs_set_mac2(&msg, sizeof msg, &cookie);
	ct_show(&msg, sizeof msg);
	need(macs_mac2_is_valid(&msg, sizeof msg, &cookie));
	msg.macs.mac2.bytes[0] ^= 1;
	need(!macs_mac2_is_valid(&msg, sizeof msg, &cookie));
}

static void leak_of_mac1(void)
{
	struct message_initiation msg = {.type = {MESSAGE_INITIATION}};
	struct macs_keys keys = some_macs_keys();
	struct message_initiation right = msg;
	macs_set_mac1(&right, sizeof right, &keys);
	for (size_t i = 0; i < MAC_LEN; i++, next_byte++)
		if (right.macs.mac1.bytes[i] != msg.macs.mac1.bytes[i])
			break;
}

static void open_cookie_reply(void)
{
	struct macs_keys keys = some_macs_keys();
	struct mac_value mac1 = {{5}}, cookie, got;
	struct message_cookie_reply reply;
	const uint8_t index[4] = {1};
	rng_fill(&rng, &cookie, sizeof cookie);
	cookie_reply_create(&reply, index, &mac1, &cookie, &keys, &rng);
	ct_show(&reply, sizeof reply);
	need(cookie_reply_open(&got, &reply, &mac1, &keys));
	reply.sealed_cookie[0] ^= 1;
	need(!cookie_reply_open(&got, &reply, &mac1, &keys));
}

/* ------------------------------------------------------------------ the cipher */

static void seal_and_open(void)
{
	static uint8_t plain[1420], sealed[1420 + AEAD_TAG_LEN];
	static const size_t lens[] = {0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1420};
	struct aead_key key;
	rng_fill(&rng, &key, sizeof key);
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		size_t len = lens[i] + AEAD_TAG_LEN;
		ct_hide(plain, sizeof plain);
		aead_seal(sealed, plain, lens[i], "ad", 2, i, &key);
		ct_show(sealed, sizeof sealed);
		need(aead_open(plain, sealed, len, "ad", 2, i, &key));
		sealed[len - 1] ^= 0x80;
		need(!aead_open(plain, sealed, len, "ad", 2, i, &key));
	}
}

static void run_job(struct burst *burst, enum job_kind kind, const struct aead_key *key)
{
	struct job job = {.burst = burst,
		.kind = kind,
		.key = key,
		.mtu = 1420,
		.wanted = {UINT64_MAX, UINT64_MAX}};
	struct job *jobs[] = {&job};
	job_run_batch(jobs, 1);
	for (uint32_t i = 0; kind == JOB_OPEN && i < burst->count; i++)
		need(job_is_authentic(&job, i) == (i % 2 == 0));
}

/* A burst as data takes it, every other packet forged. */
static void seal_and_open_jobs(void)
{
	static uint8_t bytes[64 * 256];
	struct burst burst = {.bytes = bytes, .capacity = sizeof bytes, .stride = 256, .count = 64};
	struct aead_key key;
	rng_fill(&rng, &key, sizeof key);
	for (uint32_t i = 0; i < burst.count; i++) {
		burst.len[i] = 3 * i;
		ct_hide(burst_inner(&burst, i), burst.len[i]);
	}
	run_job(&burst, JOB_SEAL, &key);
	ct_show(bytes, sizeof bytes);
	for (uint32_t i = 1; i < burst.count; i += 2)
		burst_datagram(&burst, i)[burst.len[i] - 1] ^= 1;
	run_job(&burst, JOB_OPEN, &key);
}

static void decrypt_and_hash(void)
{
	uint8_t plain[32], sealed[32 + AEAD_TAG_LEN];
	struct symmetric s, other;
	symmetric_init(&s, "construction", "identifier");
	rng_fill(&rng, plain, sizeof plain);
	symmetric_mix_key(&s, plain, sizeof plain);
	other = s;
	symmetric_encrypt_and_hash(&s, sealed, plain, sizeof plain);
	ct_show(sealed, sizeof sealed);
	need(symmetric_decrypt_and_hash(&other, plain, sealed, sizeof sealed));
	sealed[0] ^= 1;
	need(!symmetric_decrypt_and_hash(&other, plain, sealed, sizeof sealed));
}

/* ------------------------------------------------------------------ keys */

static void derive_and_agree(void)
{
	struct private_key a, b;
	struct public_key a_pub, b_pub, zero = {{0}};
	struct shared_secret at_a, at_b;
	private_key_generate(&a, &rng);
	private_key_generate(&b, &rng);
	public_key_derive(&a_pub, &a);
	public_key_derive(&b_pub, &b);
	ct_show(&a_pub, sizeof a_pub);
	ct_show(&b_pub, sizeof b_pub);
	need(dh(&at_a, &a, &b_pub) && dh(&at_b, &b, &a_pub));
	need(secret_is_equal(&at_a, &at_b, sizeof at_a));
	need(!dh(&at_a, &a, &zero));
}

static void leak_of_a_key_bit(void)
{
	struct private_key key;
	private_key_generate(&key, &rng);
	if (key.bytes[7] & 1)
		next_byte++;
}

struct end {
	struct local_identity us;
	struct remote_identity them;
};

static void introduce(struct end *end, struct end *other, const struct preshared_key *psk)
{
	struct public_key pub = other->us.public_key;
	ct_show(&pub, sizeof pub);
	need(remote_identity_init(&end->them, &end->us, &pub, psk));
}

/* All that is not on the wire is secret: statics, ephemerals, the preshared key. */
static void shake_hands_by(enum key_exchange key_exchange)
{
	struct end i, r;
	struct private_key key;
	struct preshared_key psk;
	uint8_t initiation[MESSAGE_HANDSHAKE_MAX], response[MESSAGE_HANDSHAKE_MAX];
	uint32_t to_r = initiation_len(key_exchange), to_i = response_len(key_exchange);
	struct pending_handshake pending;
	struct opened_initiation opened;
	struct session_keys keys_i, keys_r;
	struct initiation_terms terms = {key_exchange, 1, {{1}}};
	struct tai64n got;
	private_key_generate(&key, &rng);
	local_identity_init(&i.us, &key);
	private_key_generate(&key, &rng);
	local_identity_init(&r.us, &key);
	rng_fill(&rng, &psk, sizeof psk);
	introduce(&i, &r, &psk);
	introduce(&r, &i, &psk);
	need(initiation_create(initiation, &pending, &i.us, &i.them, &terms, &rng));
	ct_show(initiation, to_r);
	need(macs_mac1_is_valid(initiation, to_r, &r.us.macs));
	need(initiation_open(&opened, key_exchange, initiation, &r.us));
	need(initiation_accept(&opened, &got, initiation, &r.them));
	/* a public key, though it was sealed on its way: whether it is one decides what is done */
	ct_show(&opened.remote_kem_key, sizeof opened.remote_kem_key);
	need(response_create(response, &keys_r, &opened, &r.them, 2, &rng));
	ct_show(response, to_i);
	need(macs_mac1_is_valid(response, to_i, &i.us.macs));
	need(response_open(&keys_i, &pending, response, &i.us, &i.them));
	need(secret_is_equal(&keys_i.send, &keys_r.receive, AEAD_KEY_LEN));
	response[to_i - sizeof(struct message_macs) - AEAD_TAG_LEN + 3] ^= 1;
	need(!response_open(&keys_i, &pending, response, &i.us, &i.them));
}

static void shake_hands(void)
{
	shake_hands_by(KEY_EXCHANGE_X25519);
}

static void shake_hybrid_hands(void)
{
	shake_hands_by(KEY_EXCHANGE_HYBRID);
}

/* ------------------------------------------------------------------ keys as text */

static void key_to_base64_and_back(void)
{
	uint8_t key[KEYTEXT_KEY_LEN], again[KEYTEXT_KEY_LEN];
	char text[KEYTEXT_BASE64_LEN + 1];
	rng_fill(&rng, key, sizeof key);
	keytext_write_base64(text, key);
	bool ok = keytext_read_base64(again, text, KEYTEXT_BASE64_LEN);
	ct_show(&ok, sizeof ok);
	need(ok && secret_is_equal(key, again, sizeof key));
}

static void key_to_hex_and_back(void)
{
	uint8_t key[KEYTEXT_KEY_LEN], again[KEYTEXT_KEY_LEN];
	char text[KEYTEXT_HEX_LEN + 1];
	rng_fill(&rng, key, sizeof key);
	keytext_write_hex(text, key);
	bool ok = keytext_read_hex(again, text, KEYTEXT_HEX_LEN);
	ct_show(&ok, sizeof ok);
	need(ok && secret_is_equal(key, again, sizeof key));
}

/* As a table of characters would do it. */
static void leak_of_a_base64_digit(void)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t key[KEYTEXT_KEY_LEN];
	rng_fill(&rng, key, sizeof key);
	volatile char digit = digits[key[0] >> 2];
	(void)digit;
}

const struct ct_case ct_cases[] = {
	{"comparing", compare_equal, false},
	{"mac1", check_mac1, false},
	{"mac2", check_mac2, false},
	{"cookie reply", open_cookie_reply, false},
	{"seal and open", seal_and_open, false},
	{"bursts", seal_and_open_jobs, false},
	{"decrypt and hash", decrypt_and_hash, false},
	{"X25519", derive_and_agree, false},
	{"handshake", shake_hands, false},
	{"hybrid handshake", shake_hybrid_hands, false},
	{"base64", key_to_base64_and_back, false},
	{"hex", key_to_hex_and_back, false},
	{"leak: memcmp", leak_by_memcmp, true},
	{"leak: an index", leak_by_index, true},
	{"leak: a mac compared byte by byte", leak_of_mac1, true},
	{"leak: a bit of a key", leak_of_a_key_bit, true},
	{"leak: a table of base64", leak_of_a_base64_digit, true},
};

const size_t ct_case_count = sizeof ct_cases / sizeof *ct_cases;

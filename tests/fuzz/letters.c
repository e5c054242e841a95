#include "fuzz/letters.h"

#include <string.h>

#include "base/bytes.h"
#include "unit/encapsulations.h"

/* ---------------------------------------------------------------- the authors */

/* Only of the second does b not know at first where it is. */
static void introduce(struct desk *desk, enum author author)
{
	struct change_peer entry = {.public_key = desk->authors[author].public_key};
	entry.has_endpoint = author != AUTHOR_SECOND;
	entry.endpoint = desk->t.a.address;
	entry.has_post_quantum = author_exchange(author) == KEY_EXCHANGE_HYBRID;
	entry.post_quantum = POST_QUANTUM_REQUIRE;
	REQUIRE(end_change_peer(&desk->t.b, &entry, &desk->t.now));
	REQUIRE(desk_peer(desk, author));
}

void desk_init(struct desk *desk)
{
	static const struct preshared_key none;
	struct private_key key;
	memset(desk, 0, sizeof *desk);
	REQUIRE(tunnel_init(&desk->t, 2));
	desk->rng = (struct rng){stream_fill, &desk->t.a.stream};
	struct local_identity *authors = desk->authors;
	for (int i = 0; i < AUTHOR_COUNT; i++) {
		private_key_generate(&key, &desk->rng);
		local_identity_init(&authors[i], &key);
	}
	authors[AUTHOR_PEER] = *desk->t.a.device->us;
	authors[AUTHOR_SELF] = *desk->t.b.device->us;
	authors[AUTHOR_LIAR].public_key = authors[AUTHOR_PEER].public_key;
	memset(&authors[AUTHOR_LOW].public_key, 0, sizeof(struct public_key));
	introduce(desk, AUTHOR_SECOND);
	introduce(desk, AUTHOR_LOW);
	for (int i = 0; i < AUTHOR_COUNT; i++)
		REQUIRE(remote_identity_init(
			&desk->b_of[i], &authors[i], &desk->t.b.public_key, &none));
	desk->b_of[AUTHOR_PEER] = *end_peer(&desk->t.a)->remote;
}

void desk_wipe(struct desk *desk)
{
	tunnel_wipe(&desk->t);
}

struct peer *desk_peer(const struct desk *desk, enum author author)
{
	return peer_table_find(&desk->t.b.device->peers, &desk->authors[author].public_key);
}

/* ---------------------------------------------------------------- letters */

static struct letter *letter_begin(struct desk *desk, enum author author, struct input *in)
{
	if (desk->letter_count == LETTERS_MAX)
		return NULL;
	struct letter *letter = &desk->letters[desk->letter_count];
	/* Above its number any bits: b has to give them back as they are. */
	letter->index = desk->letter_count++ | (uint32_t)input_u8(in) << 24;
	letter->author = author;
	/* The highest of those bits: the handshake that b does not have with this author. */
	bool is_hybrid = (author_exchange(author) == KEY_EXCHANGE_HYBRID) ^ (letter->index >> 31);
	letter->key_exchange = is_hybrid ? KEY_EXCHANGE_HYBRID : KEY_EXCHANGE_X25519;
	return letter;
}

struct letter *letter_find(struct desk *desk, uint32_t index)
{
	uint32_t i = index & 0xffffff;
	return i < desk->letter_count && desk->letters[i].index == index ? &desk->letters[i] : NULL;
}

/* mac1 right or for somebody else; mac2 none, right, or of the cookie for another port. */
static void letter_finish(struct desk *desk, struct input *in, struct letter *letter,
	const struct endpoint *from, void *msg, size_t len)
{
	struct device *b = desk->t.b.device;
	uint8_t kind = input_u8(in);
	bool is_for_b = (kind & 3) != 3;
	macs_set_mac1(msg, len, &desk->authors[is_for_b ? AUTHOR_SELF : AUTHOR_STRANGER].macs);
	letter->mac1 = macs_mac1(msg, len);
	letter->is_right &= is_for_b;
	letter->has_mac2 = (kind & 12) == 4;
	if (!(kind & 4))
		return;
	uint16_t port = (uint16_t)(from->port + (kind >> 3 & 1));
	struct mac_value cookie =
		cookie_bake(b->baker, &from->address, port, desk->t.now.boottime, &desk->rng);
	macs_set_mac2(msg, len, &cookie);
}

/* Near the present, or anything. */
static struct tai64n read_stamp(struct desk *desk, struct input *in)
{
	struct tai64n stamp;
	uint8_t kind = input_u8(in);
	if (kind == 255)
		input_fill(in, &stamp, sizeof stamp);
	else
		stamp = tai64n_from_realtime(
			desk->t.now.realtime + (nanos)kind * (STAMP_WHITENING_NS / 2));
	return stamp;
}

static const uint8_t low_order[DH_LEN]; /* one of the points: zero */

struct letter *letter_initiate(
	struct desk *desk, struct input *in, const struct endpoint *from, void *msg)
{
	struct message_initiation *head = msg;
	uint8_t kind = input_u8(in);
	enum author author = (kind & 7) % AUTHOR_COUNT;
	struct letter *letter = letter_begin(desk, author, in);
	if (!letter)
		return NULL;
	struct local_identity us = desk->authors[author];
	struct remote_identity them = desk->b_of[author];
	/* The plaintexts: the public key that it claims, the stamp, the ephemeral key. */
	bool is_spoilt = kind & 8 && input_spoil(in, us.public_key.bytes, DH_LEN);
	if (kind & 16)
		memcpy(&them.public_key, low_order, DH_LEN);
	if (kind & 64)
		secret_wipe(&them.static_static, sizeof them.static_static);
	letter->stamp = read_stamp(desk, in);
	struct initiation_terms terms = {letter->key_exchange, letter->index, letter->stamp};
	letter->has_bad_kem_key =
		letter->key_exchange == KEY_EXCHANGE_HYBRID && letter->index >> 30 & 1;
	desk->has_bad_kem_key |= letter->has_bad_kem_key;
	derives_no_keys = letter->has_bad_kem_key;
	is_spoilt |= letter->has_bad_kem_key;
	is_spoilt |= !initiation_create(msg, &letter->pending, &us, &them, &terms, &desk->rng);
	derives_no_keys = false;
	/* And what was sealed. */
	size_t start = offsetof(struct message_initiation, ephemeral);
	size_t whole = initiation_len(letter->key_exchange);
	size_t len = whole - sizeof(struct message_macs) - start;
	bool is_hybrid = letter->key_exchange == KEY_EXCHANGE_HYBRID;
	if (kind & 32)
		is_spoilt |= input_spoil(in, (uint8_t *)msg + start, len);
	if (kind & 128) {
		memcpy(&head->ephemeral, low_order, DH_LEN);
		is_spoilt = true;
	}
	store_le32(head->type, is_hybrid ? MESSAGE_HYBRID_INITIATION : MESSAGE_INITIATION);
	store_le32(head->sender_index, letter->index);
	letter->is_right = author < AUTHOR_PEERS && !is_spoilt &&
			   letter->key_exchange == author_exchange(author);
	letter_finish(desk, in, letter, from, msg, whole);
	return letter;
}

struct letter *letter_respond(
	struct desk *desk, struct input *in, const struct endpoint *from, void *msg)
{
	struct message_response *head = msg;
	uint8_t kind = input_u8(in);
	enum author author = kind % AUTHOR_PEERS;
	const void *initiation = &desk->from_b[author];
	struct opened_initiation opened;
	struct tai64n stamp;
	struct letter *letter = desk->has_from_b[author] ? letter_begin(desk, author, in) : NULL;
	if (!letter)
		return NULL;
	REQUIRE(initiation_open(
		&opened, author_exchange(author), initiation, &desk->authors[author]));
	bool is_other_kind = letter->key_exchange != author_exchange(author);
	REQUIRE(initiation_accept(&opened, &stamp, initiation, &desk->b_of[author]));
	bool has_psk = !(kind & 2);
	if (is_other_kind) /* of what kind it was is not in the transcript of its answer alone */
		opened.key_exchange = letter->key_exchange;
	if (kind & 4)
		memcpy(&opened.remote_ephemeral, low_order, DH_LEN);
	letter->b_index = opened.remote_index;
	struct remote_identity them = desk->b_of[has_psk ? author : AUTHOR_STRANGER];
	if (kind & 16)
		memcpy(&them.public_key, low_order, DH_LEN);
	letter->is_response = true;
	letter->is_right = letter->has_keys =
		response_create(msg, &letter->keys, &opened, &them, letter->index, &desk->rng);
	letter->is_right &= has_psk || author == AUTHOR_SECOND;
	letter->is_right &= !is_other_kind;
	if (kind & 32) {
		memcpy(&head->ephemeral, low_order, DH_LEN);
		letter->is_right = false;
	}
	const struct session *current = desk_peer(desk, author)->keyring.current;
	if (kind & 64 && current) { /* the index of something else */
		store_le32(head->receiver_index, current->local_index);
		letter->is_right = false;
	}
	size_t start = offsetof(struct message_response, receiver_index);
	size_t whole = response_len(letter->key_exchange);
	size_t len = whole - sizeof(struct message_macs) - start;
	bool is_hybrid = letter->key_exchange == KEY_EXCHANGE_HYBRID;
	if (kind & 8)
		letter->is_right &= !input_spoil(in, (uint8_t *)msg + start, len);
	store_le32(head->type, is_hybrid ? MESSAGE_HYBRID_RESPONSE : MESSAGE_RESPONSE);
	store_le32(head->sender_index, letter->index);
	letter_finish(desk, in, letter, from, msg, whole);
	return letter;
}

#include "fuzz/letters.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* ---------------------------------------------------------------- what b sends */

/* The last stamp is zero at first. */
bool letter_is_fresh(const struct desk *desk, const struct letter *letter)
{
	nanos now = desk->t.now.boottime;
	const struct latest *latest = &desk->latest[letter->author];
	return memcmp(&letter->stamp, &latest->stamp, TAI64N_LEN) > 0 &&
	       (!latest->is_known || now >= latest->at + NANOS_PER_SECOND / 50);
}

/* Of a letter that is then known to be taken. */
static void on_response(struct desk *desk, const struct flight *f)
{
	const struct message_response *msg = (const void *)f->bytes;
	struct letter *letter = letter_find(desk, load_le32(msg->receiver_index));
	REQUIRE(letter && letter->is_right && f->len == response_len(letter->key_exchange));
	REQUIRE(load_le32(msg->type) == (letter->key_exchange == KEY_EXCHANGE_HYBRID
							? MESSAGE_HYBRID_RESPONSE
							: MESSAGE_RESPONSE));
	REQUIRE(!letter->is_response && !letter->is_taken && letter_is_fresh(desk, letter));
	REQUIRE(!desk->from || endpoint_is_same_remote(&f->to, desk->from));
	letter->is_taken = letter->has_keys = true;
	desk->latest[letter->author] = (struct latest){true, letter->stamp, desk->t.now.boottime};
	const struct local_identity *us = &desk->authors[letter->author];
	REQUIRE(macs_mac1_is_valid(msg, f->len, &us->macs));
	REQUIRE(response_open(
		&letter->keys, &letter->pending, msg, us, &desk->b_of[letter->author]));
	letter->b_index = load_le32(msg->sender_index);
}

static void on_initiation(struct desk *desk, const struct flight *f)
{
	const struct message_initiation *msg = (const void *)f->bytes;
	struct opened_initiation opened;
	struct tai64n stamp;
	enum author author = AUTHOR_PEER;
	if (!macs_mac1_is_valid(msg, f->len, &desk->authors[author].macs))
		author = AUTHOR_SECOND;
	enum key_exchange key_exchange = author_exchange(author);
	bool is_hybrid = key_exchange == KEY_EXCHANGE_HYBRID;
	const struct local_identity *us = &desk->authors[author];
	REQUIRE(f->len == initiation_len(key_exchange));
	REQUIRE(load_le32(msg->type) ==
		(is_hybrid ? MESSAGE_HYBRID_INITIATION : MESSAGE_INITIATION));
	REQUIRE(macs_mac1_is_valid(msg, f->len, &us->macs));
	REQUIRE(initiation_open(&opened, key_exchange, msg, us));
	REQUIRE(initiation_accept(&opened, &stamp, msg, &desk->b_of[author]));
	REQUIRE(!memcmp(&opened.remote_static, &desk->t.b.public_key, DH_LEN));
	REQUIRE(memcmp(&stamp, &desk->sent_stamp[author], sizeof stamp) > 0);
	desk->sent_stamp[author] = stamp;
	const struct cookie_jar *jar = &desk_peer(desk, author)->cookie_jar;
	bool has_cookie =
		jar->birth != NANOS_NEVER && desk->t.now.boottime - jar->birth < 115 * SECOND;
	static const struct mac_value none;
	REQUIRE(has_cookie ? macs_mac2_is_valid(msg, f->len, &jar->cookie)
			   : !memcmp(f->bytes + f->len - sizeof none, &none, sizeof none));
	memcpy(&desk->from_b[author], msg, f->len);
	desk->has_from_b[author] = true;
}

static void on_cookie(struct desk *desk, const struct flight *f)
{
	const struct message_cookie_reply *msg = (const void *)f->bytes;
	struct letter *letter = letter_find(desk, load_le32(msg->receiver_index));
	struct mac_value cookie;
	REQUIRE(f->len == MESSAGE_COOKIE_REPLY_LEN && letter);
	REQUIRE(desk->t.now.boottime < desk->t.b.device->backlog.load_until);
	REQUIRE(cookie_reply_open(&cookie, msg, &letter->mac1, &desk->authors[AUTHOR_SELF].macs));
}

static void on_data(struct desk *desk, const struct flight *f)
{
	const struct message_data_header *header = (const void *)f->bytes;
	struct letter *letter = letter_find(desk, load_le32(header->receiver_index));
	uint8_t plain[2048];
	REQUIRE(letter && letter->has_keys && letter->is_right);
	REQUIRE(f->len >= MESSAGE_DATA_MIN_LEN && f->len <= sizeof plain);
	REQUIRE(aead_open(plain, f->bytes + sizeof *header, f->len - sizeof *header, NULL, 0,
		load_le64(header->counter), &letter->keys.receive));
}

void desk_read_sent(struct desk *desk)
{
	for (struct flight *f; (f = tunnel_take(&desk->t)); free(f)) {
		switch (load_le32(f->bytes)) {
		case MESSAGE_HYBRID_INITIATION:
		case MESSAGE_INITIATION: on_initiation(desk, f); break;
		case MESSAGE_HYBRID_RESPONSE:
		case MESSAGE_RESPONSE: on_response(desk, f); break;
		case MESSAGE_COOKIE_REPLY: on_cookie(desk, f); break;
		case MESSAGE_DATA: on_data(desk, f); break;
		default: REQUIRE(false);
		}
	}
}

/* ---------------------------------------------------------------- what b has become */

static void check_session(struct desk *desk, enum author author, const struct session *session)
{
	if (!session)
		return;
	struct letter *letter = letter_find(desk, session->remote_index);
	REQUIRE(letter && letter->is_right && letter->author == author);
	REQUIRE(letter->is_response == session->is_initiator);
	letter->is_taken = true;
	if (!letter->has_keys)
		return; /* the answer was lost */
	REQUIRE(letter->b_index == session->local_index);
	REQUIRE(!memcmp(&letter->keys.send, &session->keys->receive, AEAD_KEY_LEN));
	REQUIRE(!memcmp(&letter->keys.receive, &session->keys->send, AEAD_KEY_LEN));
}

void desk_note_lost_answers(struct desk *desk)
{
	for (enum author author = 0; author < AUTHOR_PEERS; author++) {
		const struct peer *peer = desk_peer(desk, author);
		desk->latest[author] = (struct latest){
			peer->latest_initiation, peer->latest_stamp, peer->latest_initiation};
	}
}

void desk_check_sessions(struct desk *desk)
{
	for (enum author author = 0; author < AUTHOR_PEERS; author++) {
		const struct keyring *ring = &desk_peer(desk, author)->keyring;
		check_session(desk, author, ring->previous);
		check_session(desk, author, ring->current);
		check_session(desk, author, ring->next);
	}
}

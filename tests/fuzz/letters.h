/*
 * Handshake messages by people who have keys: each author is somebody with a key
 * pair, and each letter one message of theirs to device b, with all that its author
 * remembers: whether b ought to take it, and the keys that follow from b's answer.
 * Letters are made with noise/, so what is spoilt in them was sealed again or macked
 * again, as the input wants.
 */
#ifndef ADIT_TESTS_LETTERS_H
#define ADIT_TESTS_LETTERS_H

#include "fuzz/fuzz.h"
#include "unit/tunnel.h"

#define LETTERS_MAX 64

enum author {
	AUTHOR_PEER,	 /* a, with a preshared key */
	AUTHOR_SECOND,	 /* another peer of b, without one, with which b is hybrid */
	AUTHOR_STRANGER, /* no peer of b */
	AUTHOR_LIAR,	 /* claims a's public key, has the stranger's private one */
	AUTHOR_SELF,	 /* b itself */
	AUTHOR_LOW,	 /* a peer of b whose public key is a point of low order */
	AUTHOR_COUNT
};
#define AUTHOR_PEERS 2 /* of whom b may take something */

struct letter {
	uint32_t index; /* ours, by which b's answer names it */
	enum author author;
	enum key_exchange key_exchange; /* seldom another than b has with the author */
	bool has_bad_kem_key; /* right but for this, which is seen only when it is to be answered */
	bool is_response;
	bool is_right; /* b may take it, if it comes in time, */
	bool has_mac2; /* and under load only if it also has this, right for its address */
	bool is_taken; /* and it did */
	bool has_keys;
	struct tai64n stamp;		  /* of an initiation */
	struct pending_handshake pending; /* of an initiation */
	struct mac_value mac1;
	struct session_keys keys; /* ours; of an initiation once b has answered */
	uint32_t b_index;
	uint64_t counter; /* the next to send under keys.send */
};

struct latest { /* initiation of an author that b took */
	bool is_known;
	struct tai64n stamp;
	nanos at;
};

struct desk {
	struct tunnel t; /* of which a is only an address */
	struct rng rng;
	struct local_identity authors[AUTHOR_COUNT];
	struct remote_identity b_of[AUTHOR_COUNT];	       /* as they know b */
	struct message_hybrid_initiation from_b[AUTHOR_PEERS]; /* its latest to each, of its kind */
	bool has_from_b[AUTHOR_PEERS];
	bool has_bad_kem_key; /* a letter */
	struct letter letters[LETTERS_MAX];
	uint32_t letter_count;
	struct latest latest[AUTHOR_PEERS];
	struct tai64n sent_stamp[AUTHOR_PEERS]; /* b's last to each */
	const struct endpoint *from; /* of the message that b is dealing with; NULL: several */
};

void desk_init(struct desk *desk);
void desk_wipe(struct desk *desk);

/* Which handshake b has with the author. */
static inline enum key_exchange author_exchange(enum author author)
{
	return author == AUTHOR_SECOND ? KEY_EXCHANGE_HYBRID : KEY_EXCHANGE_X25519;
}

/* b's peer that this author is, or claims to be; NULL: none. */
struct peer *desk_peer(const struct desk *desk, enum author author);

/*
 * Writes a letter as the input wants it; the message is then to be sent from `from`.
 * `msg` has room for MESSAGE_HANDSHAKE_MAX bytes. NULL: no more letters, or nothing to answer. A
 * response is to b's latest initiation to that author.
 */
struct letter *letter_initiate(
	struct desk *desk, struct input *in, const struct endpoint *from, void *msg);
struct letter *letter_respond(
	struct desk *desk, struct input *in, const struct endpoint *from, void *msg);

/* Its stamp is greater than the last that b took, and that was 20 ms ago at least. */
bool letter_is_fresh(const struct desk *desk, const struct letter *letter);

/*
 * Takes what b has sent, and requires that each message can be read by whom it is
 * for, and that a letter which is answered was right, fresh, and not answered before.
 */
void desk_read_sent(struct desk *desk);

/* Requires that each session of b is with the author of a right letter, with the same keys. */
void desk_check_sessions(struct desk *desk);

/* Answers may have been lost for want of memory: then only b itself knows what it took. */
void desk_note_lost_answers(struct desk *desk);

/* NULL: nobody has written one with this index. */
struct letter *letter_find(struct desk *desk, uint32_t index);

#endif

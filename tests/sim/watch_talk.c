/*
 * Handshakes and cookies: who is answered, when, and how often. The queue of
 * handshakes is computed once more from what comes in, message by message, so
 * that it is known when a node is under load.
 */
#include "sim/watch_inside.h"

#include "base/bytes.h"
#include "sim/world.h"

#include <string.h>

/* ------------------------------------------------------------------ addresses */

/* The account of an address at a node; NULL: none of those there are. */
static struct credit *find_credit(
	struct world *w, const struct node *node, const struct endpoint *endpoint)
{
	uint32_t number, epoch = 0;
	if (stranger_find(endpoint, &number))
		return &w->watch.intakes[node->index].strangers[number];
	if (!network_find_home(endpoint, &number, &epoch) || number >= w->node_count)
		return NULL;
	struct credit *credits = w->watch.sights[node->index][number].credits;
	struct credit *credit = &credits[epoch % CREDITS_PER_HOME];
	if (credit->epoch != epoch)
		*credit = (struct credit){.epoch = epoch, .cookie = NANOS_NEVER};
	return credit;
}

/* ------------------------------------------------------------------ the queue of handshakes */

/* What a message comes to is not known yet: in vain at the worst. */
static void note_wasted(struct intake *intake, nanos now)
{
	nanos from = intake->wasted_until > now ? intake->wasted_until : now;
	intake->wasted_until = from + SECONDS(1) / LAW_WASTED;
	if (intake->wasted_until <= now + SECONDS(1))
		return;
	intake->wasted_until = now + SECONDS(1);
	intake->maybe_until = now + LAW_LOAD_TIME;
}

static void judge_load(struct world *w, const struct node *node, struct intake *intake)
{
	nanos now = watch_time(w, node);
	bool may_be_loaded = now < intake->maybe_until;
	if (intake->waiting >= LAW_LOAD)
		intake->load_until = now + LAW_LOAD_TIME;
	bool is_loaded = now < intake->load_until;
	intake->processed_loaded += is_loaded || may_be_loaded;
	intake->processed_calm += !is_loaded;
	note_wasted(intake, now);
}

static void take_message(struct world *w, const struct node *node)
{
	struct intake *intake = &w->watch.intakes[node->index];
	if (!intake->waiting && intake->turn_left) {
		intake->turn_left--;
		judge_load(w, node, intake);
	} else if (intake->waiting < LAW_BACKLOG) {
		intake->waiting++;
	} else {
		intake->overflowed++;
	}
}

static bool is_quiet(const struct intake *intake, nanos now)
{
	return now >= intake->load_until && now >= intake->maybe_until;
}

void watch_turn(struct world *w, const struct node *node)
{
	struct intake *intake = &w->watch.intakes[node->index];
	bool is_waiting = !device_deadline(node->device);
	intake->processed_calm = intake->processed_loaded = 0;
	if (intake->is_vague && !is_waiting && is_quiet(intake, watch_time(w, node))) {
		intake->waiting = 0; /* from here on both are the same again */
		intake->is_vague = w->is_short;
	}
	if (is_waiting != (intake->waiting > 0) && !intake->is_vague) {
		world_break(w, "node %u: %u handshakes should wait", node->index, intake->waiting);
		return;
	}
	intake->turn_left = LAW_PER_TURN;
	for (; intake->waiting && intake->turn_left; intake->turn_left--) {
		judge_load(w, node, intake);
		intake->waiting--;
	}
}

/* Type and length of a message that has a mac1. */
static bool has_mac1(const uint8_t *bytes, uint32_t len)
{
	switch (len < 4 ? 0 : load_le32(bytes)) {
	case MESSAGE_INITIATION: return len == LAW_INITIATION_LEN;
	case MESSAGE_RESPONSE: return len == LAW_RESPONSE_LEN;
	case MESSAGE_HYBRID_INITIATION: return len == LAW_HYBRID_INITIATION_LEN;
	case MESSAGE_HYBRID_RESPONSE: return len == LAW_HYBRID_RESPONSE_LEN;
	default: return false;
	}
}

void watch_hit(struct world *w, const struct node *node, const struct burst *burst,
	const struct endpoint *from)
{
	struct intake *intake = &w->watch.intakes[node->index];
	struct credit *credit = find_credit(w, node, from);
	intake->processed_calm = intake->processed_loaded = 0;
	intake->is_vague |= w->is_short;
	w->watch.books[node->index].datagrams += burst->count;
	if (!node->is_up)
		return;
	for (uint32_t i = 0; i < burst->count; i++) {
		const uint8_t *bytes = burst_datagram(burst, i);
		if (!has_mac1(bytes, burst->len[i]) ||
			!macs_mac1_is_valid(bytes, burst->len[i], &node->us.macs))
			continue;
		if (credit)
			credit->count++;
		take_message(w, node);
	}
}

bool watch_is_busy(const struct world *w, const struct node *node)
{
	const struct intake *intake = &w->watch.intakes[node->index];
	return intake->is_vague || intake->waiting || !is_quiet(intake, watch_time(w, node));
}

void watch_intake(struct world *w, const struct node *node)
{
	struct intake *intake = &w->watch.intakes[node->index];
	uint64_t overflowed = device_drops(node->device)->count[DROP_BACKLOG];
	if (intake->is_vague)
		intake->overflowed = overflowed;
	else if (overflowed != intake->overflowed)
		world_break(w, "node %u dropped %llu handshakes for a full queue, not %llu",
			node->index, (unsigned long long)overflowed,
			(unsigned long long)intake->overflowed);
}

/* ------------------------------------------------------------------ messages that leave */

/* Who it is from, its stamp, and that its ephemeral key is new. */
static void check_initiation(struct world *w, struct node *node, struct node *to,
	struct sight *sight, const struct message_initiation *msg)
{
	struct opened_initiation opened;
	struct tai64n stamp;
	const struct sight *back = &w->watch.sights[to->index][node->index];
	bool is_known = back->peer && !memcmp(&back->key, &node->us.public_key, DH_LEN);
	if (!initiation_open(&opened, sight->wanted.key_exchange, msg, &to->us) ||
		memcmp(&opened.remote_static, &node->us.public_key, DH_LEN))
		world_break(w, "node %u initiates in another's name", node->index);
	if (!memcmp(&sight->last_ephemeral, &msg->ephemeral, DH_LEN))
		world_break(w, "node %u uses an ephemeral key twice", node->index);
	sight->last_ephemeral = msg->ephemeral;
	if (!is_known || !initiation_accept(&opened, &stamp, msg, back->peer->remote))
		return; /* the other end has yet to learn of a change */
	struct tai64n limit = tai64n_from_realtime(node->disk.mark);
	if (tai64n_is_after(&node->greatest_stamp, &stamp) ||
		!tai64n_is_after(&stamp, &sight->last_stamp))
		world_break(w, "node %u sends a stamp that goes back", node->index);
	if (node->disk.is_there && tai64n_is_after(&stamp, &limit))
		world_break(w, "node %u sends a stamp that is not written", node->index);
	node->greatest_stamp = sight->last_stamp = sight->message_stamp = stamp;
	if (tai64n_is_after(&stamp, &node->known_stamp))
		node->known_stamp = stamp;
}

static void watch_initiation(struct world *w, struct node *node, uint32_t to, const uint8_t *bytes)
{
	struct sight *sight = &w->watch.sights[node->index][to];
	nanos now = watch_time(w, node);
	if (sight->attempt_began == NANOS_NEVER)
		sight->attempt_began = now;
	if (now - sight->attempt_began > LAW_ATTEMPT)
		world_break(w, "node %u initiates %.3f s after the first of an attempt",
			node->index, (double)(now - sight->attempt_began) / NANOS_PER_SECOND);
	if (sight->last_initiation != NANOS_NEVER &&
		now - sight->last_initiation < LAW_REKEY_TIMEOUT)
		world_break(w, "node %u initiates %.3f s after its last initiation", node->index,
			(double)(now - sight->last_initiation) / NANOS_PER_SECOND);
	sight->last_initiation = now;
	memset(&sight->message_stamp, 0xff, sizeof sight->message_stamp);
	if (!memcmp(&sight->key, &w->nodes[to].us.public_key, DH_LEN))
		check_initiation(w, node, &w->nodes[to], sight, (const void *)bytes);
}

static void watch_response(
	struct world *w, const struct node *node, uint32_t to, const struct endpoint *endpoint)
{
	struct sight *sight = &w->watch.sights[node->index][to];
	const struct intake *intake = &w->watch.intakes[node->index];
	const struct credit *credit = find_credit(w, node, endpoint);
	nanos now = watch_time(w, node);
	/* Regression 9 */
	if (sight->responses_sent && now - sight->last_response < LAW_INITIATION_INTERVAL)
		world_break(w, "node %u answers two initiations at once", node->index);
	sight->last_response = now;
	w->watch.books[node->index].responses++;
	if (++sight->responses_sent > sight->initiations_taken)
		world_break(
			w, "node %u answers an initiation that is forged or repeated", node->index);
	if (intake->processed_calm || intake->is_vague)
		return;
	if (!credit || credit->cookie == NANOS_NEVER || now - credit->cookie > LAW_COOKIE_TIME)
		world_break(w, "node %u, under load, answers who cannot have a cookie of it",
			node->index);
}

static void watch_cookie(
	struct world *w, const struct node *node, const struct endpoint *to, uint32_t len)
{
	struct intake *intake = &w->watch.intakes[node->index];
	struct credit *credit = find_credit(w, node, to);
	w->counts.cookies++;
	if (!credit || !credit->count || len != MESSAGE_COOKIE_REPLY_LEN)
		world_break(w, "node %u sends a cookie to who did not ask", node->index);
	else if (!intake->processed_loaded && !intake->is_vague)
		world_break(w, "node %u sends a cookie without load", node->index);
	if (w->is_broken)
		return;
	credit->count--;
	credit->cookie = watch_time(w, node);
	intake->processed_loaded -= intake->processed_loaded > 0;
}

/* The peer's endpoint, or the one it had when the message was made. */
static bool is_its_endpoint(
	const struct world *w, const struct sight *sight, uint32_t peer, const struct endpoint *to)
{
	uint32_t owner, epoch;
	if (endpoint_is_same_remote(to, &sight->endpoint))
		return true;
	return network_find_home(to, &owner, &epoch) && owner == peer && owner < w->node_count &&
	       sight->homes_proved >> epoch % 64 & 1;
}

void watch_send(struct world *w, struct node *node, const struct device_send *send, uint32_t slot)
{
	const uint8_t *bytes = burst_datagram(send->burst, slot);
	uint32_t len = send->burst->len[slot];
	uint32_t type = len < 4 ? 0 : load_le32(bytes);
	if (send->is_handshake != (type != MESSAGE_DATA) ||
		(send->is_handshake && send->burst->tos != LAW_HANDSHAKE_TOS))
		world_break(w, "node %u: type %u marked wrongly", node->index, type);
	world_digest(w, w->time ^ len);
	world_digest(w, len < 8 ? 0 : load_le64(bytes + len - 8) + node->index);
	if (type == MESSAGE_COOKIE_REPLY) {
		world_trace(w, "node %u: a cookie", node->index);
		watch_cookie(w, node, &send->to, len);
		return;
	}
	const struct node *peer = watch_find_node(w, node, &send->peer);
	if (!peer) {
		world_break(w, "node %u speaks to a stranger, %u bytes", node->index, len);
		return;
	}
	struct sight *sight = &w->watch.sights[node->index][peer->index];
	watch_endpoint(w, node, sight, peer->index);
	if (!is_its_endpoint(w, sight, peer->index, &send->to))
		world_break(w, "node %u sends to another place than where %u is", node->index,
			peer->index);
	sight->bytes_sent += len;
	world_trace(w, "node %u -> %u: type %u, %u bytes", node->index, peer->index, type, len);
	bool is_hybrid = sight->wanted.key_exchange == KEY_EXCHANGE_HYBRID;
	if (type == (is_hybrid ? MESSAGE_HYBRID_INITIATION : MESSAGE_INITIATION) &&
		len == (is_hybrid ? LAW_HYBRID_INITIATION_LEN : LAW_INITIATION_LEN))
		watch_initiation(w, node, peer->index, bytes);
	else if (type == (is_hybrid ? MESSAGE_HYBRID_RESPONSE : MESSAGE_RESPONSE) &&
		 len == (is_hybrid ? LAW_HYBRID_RESPONSE_LEN : LAW_RESPONSE_LEN))
		watch_response(w, node, peer->index, &send->to);
	else if (type == MESSAGE_DATA && len >= MESSAGE_DATA_MIN_LEN)
		watch_data(w, node, bytes, len, send->burst->tos);
	else
		world_break(w, "node %u sends type %u, %u bytes", node->index, type, len);
}

/* ------------------------------------------------------------------ datagrams that arrive */

void watch_arrival(struct world *w, const struct node *node, const struct datagram *datagram)
{
	struct sight *sight = &w->watch.sights[node->index][datagram->from];
	bool is_first = datagram->delivered_life != sight->life;
	world_trace(w, "node %u <- %u: type %u, %u bytes%s", node->index, datagram->from,
		datagram->bytes[0], datagram->len, is_first ? "" : ", again");
	if (datagram->bytes[0] == MESSAGE_COOKIE_REPLY) {
		w->watch.books[node->index].cookies_max += is_first;
		sight->cookies_heard += is_first;
	} else if (is_first) {
		sight->homes_proved |= UINT64_C(1) << datagram->epoch % 64;
		sight->initiations_taken += datagram->bytes[0] == MESSAGE_INITIATION ||
					    datagram->bytes[0] == MESSAGE_HYBRID_INITIATION;
	}
}

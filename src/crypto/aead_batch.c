#include "crypto/aead_batch.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/poly1305.h"
#include "crypto/secret.h"

#define GROUP_MAX  32	/* packets that are worked at together */
#define FRAMES_MAX 8192 /* bytes of stack that a kernel's poly_many() uses, at most */
#define FRAMES_LEN 3072 /* and its other functions */

/* Blocks of one packet that lie in lanes side by side. */
struct run {
	unsigned index, lane; /* of the packet, and of the first block */
	size_t at, end;	      /* bytes of its text */
	bool is_key;	      /* it is the block of the Poly1305 key instead */
};

/*
 * The lanes take up first a block for each packet's Poly1305 key, then the texts, packet
 * by packet. Key stream is added to the text right after each call, while it is in the
 * cache. Tags are made in the packets' order: when sealing behind the adding, when opening
 * ahead of it.
 */
struct group {
	const struct aead_ops *ops;
	bool opens;
	unsigned count;
	struct aead_packet *packets[GROUP_MAX];
	struct poly1305_message messages[GROUP_MAX]; /* their texts and keys */
	/* what the next lanes take up: the key of packet `next`; from `count` on, text */
	unsigned next;
	size_t next_at;				       /* byte */
	struct run runs[CHACHA_LANES_MAX + GROUP_MAX]; /* an empty text has no lane */
	unsigned run_count;
	unsigned ready;	 /* packets whose text is sealed, or whose Poly1305 key is there to open */
	size_t ready_at; /* bytes of the next one that are sealed */
	unsigned tagged; /* packets that have their tag made, and written or compared, */
	size_t woven;	 /* and bytes of the next one that are in weft.mac */
	const struct aead_key *lane_keys[CHACHA_LANES_MAX];
	struct poly1305_weft weft; /* this and what follows is wiped */
	struct chacha_lanes lanes;
	uint8_t stream[CHACHA_LANES_MAX * CHACHA_BLOCK_LEN] __attribute__((aligned(64)));
};

/* ------------------------------------------------------------------ lanes */

static void lane_set_key(struct group *g, unsigned lane, const struct aead_key *key)
{
	for (unsigned i = 0; i < 8; i++)
		g->lanes.key[i][lane] = load_le32(key->bytes + 4 * i);
	g->lane_keys[lane] = key;
}

static void lane_set(struct group *g, unsigned lane, unsigned index, uint32_t block)
{
	const struct aead_packet *packet = g->packets[index];
	if (g->lane_keys[lane] != packet->key)
		lane_set_key(g, lane, packet->key);
	g->lanes.block[lane] = block;
	g->lanes.counter_low[lane] = (uint32_t)packet->counter;
	g->lanes.counter_high[lane] = (uint32_t)(packet->counter >> 32);
}

/* Most batches have one key. */
static void lanes_begin(struct group *g)
{
	const struct aead_key *key = g->packets[0]->key;
	for (unsigned i = 0; i < 8; i++) {
		uint32_t word = load_le32(key->bytes + 4 * i);
		for (unsigned lane = 0; lane < CHACHA_LANES_MAX; lane++)
			g->lanes.key[i][lane] = word;
	}
	for (unsigned lane = 0; lane < CHACHA_LANES_MAX; lane++)
		g->lane_keys[lane] = key;
}

/* Takes up text of packet `index` from next_at on; returns the lanes in use. */
static unsigned fill_text(struct group *g, unsigned index, unsigned lane)
{
	const struct poly1305_message *message = &g->messages[index];
	struct run *run = &g->runs[g->run_count++];
	*run = (struct run){.index = index, .lane = lane, .at = g->next_at, .end = message->len};
	for (; g->next_at < message->len; lane++, g->next_at += CHACHA_BLOCK_LEN) {
		if (lane == g->ops->lanes) {
			run->end = g->next_at;
			return lane;
		}
		lane_set(g, lane, index, (uint32_t)(1 + g->next_at / CHACHA_BLOCK_LEN));
		__builtin_prefetch(message->text + g->next_at, 1);
	}
	g->next++;
	g->next_at = 0;
	return lane;
}

/* Returns the lanes in use; no runs: all has been taken up. */
static unsigned fill(struct group *g)
{
	unsigned lane = 0;
	g->run_count = 0;
	while (lane < g->ops->lanes && g->next < 2 * g->count) {
		if (g->next >= g->count) {
			lane = fill_text(g, g->next - g->count, lane);
			continue;
		}
		g->runs[g->run_count++] =
			(struct run){.index = g->next, .lane = lane, .is_key = true};
		lane_set(g, lane++, g->next++, 0);
	}
	return lane;
}

/* ------------------------------------------------------------------ tags */

/* In constant time. */
static bool is_equal(const uint8_t a[static AEAD_TAG_LEN], const uint8_t b[static AEAD_TAG_LEN])
{
	return ((load_le64(a) ^ load_le64(b)) | (load_le64(a + 8) ^ load_le64(b + 8))) == 0;
}

/* Packet `tagged` has its tag made. */
static void tag_settle(struct group *g)
{
	struct aead_packet *packet = g->packets[g->tagged];
	const struct poly1305_message *message = &g->messages[g->tagged++];
	if (g->opens)
		packet->ok = is_equal(message->tag, message->text + message->len);
	else
		memcpy(packet->text + packet->len, message->tag, AEAD_TAG_LEN);
}

/* Of the packets that are ready the next one's tag, or those of many where that pays. */
static void tag_some(struct group *g)
{
	struct poly1305_message *message = &g->messages[g->tagged];
	unsigned ready = g->ready - g->tagged, many = ready < g->ops->many ? ready : g->ops->many;
	size_t sum = 0, max = 1;
	for (unsigned i = 0; i < many; i++) {
		sum += message[i].len;
		max = message[i].len > max ? message[i].len : max;
	}
	if (sum < max * g->ops->many / 2) {
		g->ops->poly(message);
		many = 1;
	} else {
		g->ops->poly_many(message, many);
	}
	while (many-- > 0)
		tag_settle(g);
}

static void weft_begin(struct group *g)
{
	if (g->woven == 0)
		poly1305_init(&g->weft.mac, g->messages[g->tagged].key);
}

/* The next packet's tag, by a kernel that weaves. */
static void weft_finish(struct group *g)
{
	weft_begin(g);
	poly1305_finish(&g->weft.mac, &g->messages[g->tagged], g->woven);
	tag_settle(g);
	g->woven = 0;
}

/* What may be woven into the next call: whole blocks of the next packet without a tag. */
static void weft_prepare(struct group *g)
{
	while (g->tagged < g->ready && g->messages[g->tagged].len - g->woven < POLY1305_BLOCK_LEN)
		weft_finish(g);
	const struct poly1305_message *message = &g->messages[g->tagged];
	size_t end = g->tagged < g->ready ? message->len : g->ready_at;
	g->weft.blocks = (end - g->woven) / POLY1305_BLOCK_LEN;
	if (g->weft.blocks == 0)
		return;
	weft_begin(g);
	g->weft.text = message->text + g->woven;
}

/* Opening: takes text into the tag before it changes. */
static void tag_ahead(struct group *g, const struct run *run)
{
	bool is_last = run->end == g->messages[run->index].len;
	while (!g->ops->weaves && g->tagged <= run->index)
		tag_some(g);
	while (g->tagged < run->index + is_last)
		weft_finish(g);
	if (g->tagged > run->index)
		return;
	weft_begin(g);
	for (; g->woven < run->end; g->woven += POLY1305_BLOCK_LEN)
		poly1305_block(&g->weft.mac, g->messages[run->index].text + g->woven);
}

/* ------------------------------------------------------------------ a group */

static void run_take(struct group *g, const struct run *run)
{
	const uint8_t *stream = g->stream + (size_t)run->lane * CHACHA_BLOCK_LEN;
	struct poly1305_message *message = &g->messages[run->index];
	if (run->is_key) {
		memcpy(message->key, stream, sizeof message->key);
		g->ready += g->opens;
		return;
	}
	if (g->opens)
		tag_ahead(g, run);
	g->ops->add(g->packets[run->index]->text + run->at, stream, run->end - run->at);
	if (g->opens)
		return;
	bool is_last = run->end == message->len;
	g->ready += is_last;
	g->ready_at = is_last ? 0 : run->end;
	if (!g->ops->weaves && g->ready - g->tagged >= g->ops->many)
		tag_some(g);
}

/* Not inlined: what it and the kernel leave on the stack is then in reach of frames_wipe(). */
static __attribute__((noinline)) void group_run(struct group *g)
{
	lanes_begin(g);
	do {
		unsigned lanes = fill(g);
		g->weft.blocks = 0;
		if (g->ops->weaves)
			weft_prepare(g);
		size_t before = g->weft.blocks;
		if (lanes > 0)
			g->ops->blocks(g->stream, &g->lanes, lanes, &g->weft);
		g->woven += (before - g->weft.blocks) * POLY1305_BLOCK_LEN;
		for (unsigned i = 0; i < g->run_count; i++)
			run_take(g, &g->runs[i]);
	} while (g->run_count > 0);
	while (g->tagged < g->count && g->ops->weaves)
		weft_finish(g);
	while (g->tagged < g->count)
		tag_some(g);
}

/* What group_run() and all that it called left below its caller's frame. */
static __attribute__((noinline)) void frames_wipe(size_t len)
{
	uint8_t frames[FRAMES_MAX];
	secret_wipe(frames + FRAMES_MAX - len, len);
}

static void batch_run(
	const struct aead_ops *ops, struct aead_packet *packets, size_t count, bool opens)
{
	struct group g;
	size_t tag_len = opens ? AEAD_TAG_LEN : 0, most = 0;
	if (count == 0)
		return;
	g.ops = ops;
	g.opens = opens;
	while (count > 0) {
		g.count = g.next = g.ready = g.tagged = 0;
		g.next_at = g.ready_at = g.woven = 0;
		for (; count > 0 && g.count < GROUP_MAX; packets++, count--) {
			if (opens)
				packets->ok = false;
			if (packets->len < tag_len)
				continue;
			g.messages[g.count].text = packets->text;
			g.messages[g.count].len = packets->len - tag_len;
			g.packets[g.count++] = packets;
		}
		if (g.count > 0)
			group_run(&g);
		most = g.count > most ? g.count : most;
	}
	secret_wipe(g.messages, most * sizeof *g.messages);
	secret_wipe(&g.weft, sizeof g - offsetof(struct group, weft));
	frames_wipe(most > 1 ? FRAMES_MAX : FRAMES_LEN);
}

void aead_batch_seal(const struct aead_ops *ops, struct aead_packet *packets, size_t count)
{
	batch_run(ops, packets, count, false);
}

void aead_batch_open(const struct aead_ops *ops, struct aead_packet *packets, size_t count)
{
	batch_run(ops, packets, count, true);
}

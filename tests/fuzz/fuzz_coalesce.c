/*
 * Packets of several flows, as senders make them and with anything wrong with them, are
 * merged. Cut again they are what they were; none is lost or comes twice; the order in a
 * flow is kept; nothing wrong is in a super-packet.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/coalesce.h"
#include "io/segment.h"
#include "unit/plain_packet.h"

#define PACKETS_MAX 200
#define PACKET_MAX  2048
#define FLOWS	    12

struct sent {
	uint8_t *bytes; /* the packet; in memory of its own, without a byte to spare */
	uint8_t kept[PACKET_MAX];
	uint32_t len, flow;
	bool is_spoilt; /* perhaps it is of another flow now */
	bool is_out;
};

struct world {
	struct sent sent[PACKETS_MAX];
	uint32_t count;
	uint32_t next_out[FLOWS]; /* the first of the flow that may still come */
};

static struct sent *find(struct world *world, const struct iovec *packet)
{
	for (uint32_t i = 0; i < world->count; i++)
		if (world->sent[i].bytes == packet->iov_base)
			return &world->sent[i];
	return NULL;
}

/* But for the number of a packet that may not be fragmented. */
static void check_same(uint8_t *cut, const struct sent *sent)
{
	if (cut[0] == 0x45 && cut[6] & 0x40) {
		memcpy(cut + 4, sent->kept + 4, 2);
		memcpy(cut + 10, sent->kept + 10, 2);
	}
	REQUIRE(!memcmp(cut, sent->kept, sent->len));
}

static void check_super(struct world *world, const struct coalesce_run *run)
{
	static uint8_t whole[UINT16_MAX], bytes[BURST_LARGE];
	struct coalesce_super super;
	struct segment segment;
	struct burst burst = {.bytes = bytes, .capacity = sizeof bytes};
	coalesce_build(&super, run);
	uint32_t len = (uint32_t)super.parts[0].iov_len - 10;
	memcpy(whole, super.headers.packet, len);
	for (int i = 1; i < super.part_count; i++) {
		REQUIRE(len + super.parts[i].iov_len <= sizeof whole);
		memcpy(whole + len, super.parts[i].iov_base, super.parts[i].iov_len);
		len += (uint32_t)super.parts[i].iov_len;
	}
	REQUIRE(segment_begin(&segment, &super.headers.virtio, whole, len));
	REQUIRE(segment.count == run->count);
	REQUIRE(segment_append(&segment, &burst, 0) == run->count);
	for (uint32_t i = 0; i < run->count; i++) {
		const struct sent *sent = find(world, &run->packets[i]);
		REQUIRE(burst.len[i] == sent->len && plain_is_right(sent->kept, sent->len));
		check_same(burst_inner(&burst, i), sent);
	}
}

static void on_run(void *context, const struct coalesce_run *run)
{
	struct world *world = context;
	REQUIRE(run->count >= 1 && run->count <= COALESCE_SEGMENTS_MAX);
	for (uint32_t i = 0; i < run->count; i++) {
		struct sent *sent = find(world, &run->packets[i]);
		REQUIRE(sent && !sent->is_out && run->packets[i].iov_len == sent->len);
		uint32_t index = (uint32_t)(sent - world->sent);
		sent->is_out = true;
		if (sent->is_spoilt)
			continue;
		REQUIRE(index >= world->next_out[sent->flow]);
		world->next_out[sent->flow] = index + 1;
	}
	if (run->count > 1)
		check_super(world, run);
}

/* Something about the next packet of a flow changes, for this one or for good. */
static void vary(struct plain_packet *p, struct input *in)
{
	uint8_t what = input_u8(in), value = input_u8(in);
	switch (what % 16) {
	case 0: p->flags = value; break;
	case 1: p->payload_len = value * 5u; break;
	case 2: p->tos = value; break;
	case 3: p->ttl = value; break;
	case 4: p->df = value % 2; break;
	case 5: p->mf = value % 2; break;
	case 6: p->window = value; break;
	case 7: p->options = value % 11; break;
	case 8: p->extra = value % 3; break;
	case 9: p->seq += value; break;
	case 10: p->id = value; break;
	case 11: p->option_seed = value; break;
	case 12: p->urgent = value; break;
	case 13: p->ack += value; break;
	default: break;
	}
}

static struct plain_packet first_of(uint32_t flow)
{
	struct plain_packet p = plain_packet(
		flow % 2 ? 4 : 6, flow / 2 % 2 ? PLAIN_TCP : PLAIN_UDP, 60 + 100 * (flow % 5));
	p.from_port = (uint16_t)(1000 + flow);
	return p;
}

static void send_one(struct world *world, struct coalesce *coalesce, struct plain_packet *p,
	uint32_t flow, struct input *in, bool spoils)
{
	struct sent *sent = &world->sent[world->count++];
	sent->len = plain_build(sent->kept, p);
	sent->flow = flow;
	sent->is_spoilt = spoils && input_spoil(in, sent->kept, sent->len);
	sent->bytes = malloc(sent->len);
	memcpy(sent->bytes, sent->kept, sent->len);
	p->id++;
	p->payload_at += p->payload_len;
	p->seq += p->protocol == PLAIN_TCP ? p->payload_len : 0;
	coalesce_add(coalesce, sent->bytes, sent->len);
}

/* Each command sends 1 to 32 packets of a flow: as ever, or with something new. */
FUZZ(coalesce)
{
	static struct world world;
	static struct coalesce coalesce;
	struct plain_packet flows[FLOWS];
	uint8_t takes = input_u8(in);
	memset(&world, 0, sizeof world);
	for (uint32_t i = 0; i < FLOWS; i++)
		flows[i] = first_of(i);
	coalesce_init(&coalesce, !(takes & 1), !(takes & 2), on_run, &world);
	while (in->len > 0 && world.count < PACKETS_MAX) {
		uint8_t flow = input_u8(in) % FLOWS, how = input_u8(in);
		bool varies = how & 32, spoils = how & 64, is_for_good = how & 128;
		struct plain_packet before = flows[flow];
		if (varies)
			vary(&flows[flow], in);
		for (int n = how % 32; n >= 0 && world.count < PACKETS_MAX; n--)
			send_one(&world, &coalesce, &flows[flow], flow, in, spoils && n == 0);
		if (varies && !is_for_good) {
			before.seq = flows[flow].seq;
			before.id = flows[flow].id;
			before.payload_at = flows[flow].payload_at;
			flows[flow] = before;
		}
	}
	coalesce_flush(&coalesce);
	for (uint32_t i = 0; i < world.count; i++) {
		REQUIRE(world.sent[i].is_out);
		REQUIRE(!memcmp(world.sent[i].bytes, world.sent[i].kept, world.sent[i].len));
		free(world.sent[i].bytes);
	}
}

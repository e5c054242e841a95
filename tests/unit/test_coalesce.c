#include "unit/test.h"

#include <stdlib.h>

#include "io/coalesce.h"
#include "io/segment.h"
#include "unit/plain_packet.h"

#define PACKETS_MAX 400
#define SLOT	    1536 /* as in a burst: 16 bytes before the packet */
#define HEADROOM    16

/* What went in, and which packets came out together. */
static uint8_t slots[PACKETS_MAX][SLOT], kept[PACKETS_MAX][SLOT];
static uint32_t lens[PACKETS_MAX], count;
static uint32_t order[PACKETS_MAX], written;
static struct {
	uint32_t first, count; /* of `order` */
} runs[PACKETS_MAX];
static uint32_t run_count;
static bool is_wrong;

static struct coalesce coalesce;

/* ---- a super-packet, checked */

static uint8_t super_bytes[UINT16_MAX];

static uint32_t gather(const struct coalesce_super *super)
{
	uint32_t len = 0;
	for (int i = 1; i < super->part_count; i++) {
		const struct iovec *part = &super->parts[i];
		memcpy(super_bytes + len, part->iov_base, part->iov_len);
		len += (uint32_t)part->iov_len;
	}
	return len;
}

static void cut_and_compare(const struct coalesce_super *super, uint32_t first, uint32_t packets)
{
	static uint8_t whole[UINT16_MAX], bytes[BURST_LARGE];
	uint32_t headers_len = (uint32_t)super->parts[0].iov_len - 10, done = 0;
	memcpy(whole, super->headers.packet, headers_len);
	uint32_t len = headers_len + gather(super);
	memcpy(whole + headers_len, super_bytes, len - headers_len);
	struct segment segment;
	is_wrong |= !segment_begin(&segment, &super->headers.virtio, whole, len);
	is_wrong |= super->headers.virtio.hdr_len != headers_len || segment.count != packets;
	while (!is_wrong && !segment_is_done(&segment)) {
		struct burst burst = {.bytes = bytes, .capacity = sizeof bytes};
		segment_append(&segment, &burst, 0);
		for (uint32_t i = 0; i < burst.count; i++, done++) {
			uint32_t from = order[first + done];
			uint8_t *packet = burst_inner(&burst, i);
			if (packet[0] == 0x45 && packet[6] & 0x40) { /* its number is nothing */
				memcpy(packet + 4, kept[from] + HEADROOM + 4, 2);
				memcpy(packet + 10, kept[from] + HEADROOM + 10, 2);
			}
			is_wrong |= burst.len[i] != lens[from] ||
				    memcmp(packet, kept[from] + HEADROOM, lens[from]);
		}
	}
}

static void note_run(void *context, const struct coalesce_run *run)
{
	(void)context;
	runs[run_count].first = written;
	runs[run_count++].count = run->count;
	for (uint32_t i = 0; i < run->count; i++) {
		const uint8_t *at = run->packets[i].iov_base;
		uint32_t from = (uint32_t)((size_t)(at - slots[0]) / SLOT);
		is_wrong |= at != slots[from] + HEADROOM || run->packets[i].iov_len != lens[from];
		order[written++] = from;
	}
	if (run->count == 1)
		return;
	struct coalesce_super super;
	coalesce_build(&super, run);
	cut_and_compare(&super, runs[run_count - 1].first, run->count);
}

/* ---- putting in */

static void begin(void)
{
	count = written = run_count = 0;
	is_wrong = false;
	coalesce_init(&coalesce, true, true, note_run, NULL);
}

static void put_bytes(uint32_t len)
{
	lens[count] = len;
	memcpy(kept[count], slots[count], SLOT);
	coalesce_add(&coalesce, slots[count] + HEADROOM, len);
	count++;
}

static void put(const struct plain_packet *p)
{
	put_bytes(plain_build(slots[count] + HEADROOM, p));
}

/* Everything came out once, and nothing that went in was changed. */
static bool finish(void)
{
	bool seen[PACKETS_MAX] = {0};
	coalesce_flush(&coalesce);
	for (uint32_t i = 0; i < written; i++) {
		is_wrong |= seen[order[i]];
		seen[order[i]] = true;
	}
	return !is_wrong && written == count && !memcmp(slots, kept, count * sizeof *slots);
}

static void put_run(struct plain_packet *p, uint32_t packets)
{
	for (uint32_t i = 0; i < packets; i++) {
		put(p);
		*p = plain_next(p);
	}
}

static const struct {
	int version;
	uint8_t protocol;
} kinds[] = {{4, PLAIN_TCP}, {6, PLAIN_TCP}, {4, PLAIN_UDP}, {6, PLAIN_UDP}};
#define KINDS (sizeof kinds / sizeof *kinds)

TEST(coalesce_run_of_each_kind)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		for (uint32_t packets = 1; packets <= 64; packets++) {
			struct plain_packet p = plain_packet(
				kinds[kind].version, kinds[kind].protocol, 900 - packets);
			begin();
			put_run(&p, packets);
			CHECK(finish());
			CHECK_EQ(1, run_count);
		}
}

/* ---- what is merged */

struct join_row {
	const char *what;
	struct plain_packet first, second;
	bool joins;
};

static void check_row(const struct join_row *r)
{
	begin();
	put(&r->first);
	put(&r->second);
	if (!finish() || run_count != (r->joins ? 1 : 2) || order[0] != 0)
		test_fail(__FILE__, __LINE__, "IPv%d, protocol %d: %s", r->first.version,
			r->first.protocol, r->what);
}

#define ROW(is_joined, field, value)                                                               \
	do {                                                                                       \
		struct join_row r_ = {#field " = " #value, p, plain_next(&p), (is_joined)};        \
		r_.second.field = (value);                                                         \
		check_row(&r_);                                                                    \
	} while (0)

static void check_ip_rows(struct plain_packet p)
{
	bool is_v4 = p.version == 4;
	ROW(true, ttl, 63);
	ROW(false, ttl, 62);
	ROW(false, tos, 0x29);
	ROW(false, tos, 0x2b);
	ROW(false, from, 9);
	ROW(false, to, 9);
	ROW(false, from_port, 9);
	ROW(false, to_port, 9);
	ROW(false, extra, 1);
	ROW(true, payload_len, p.payload_len - 1);
	ROW(true, payload_len, 1);
	ROW(false, payload_len, p.payload_len + 1);
	ROW(false, payload_len, 0);
	if (!is_v4) {
		ROW(false, flow_label, 0x12344);
		return;
	}
	ROW(false, df, false);
	ROW(false, mf, true);
	ROW(false, offset, 1);
	ROW(true, id, p.id); /* it may not be fragmented, so this says nothing */
	p.df = false;
	ROW(true, id, (uint16_t)(p.id + 1));
	ROW(false, id, p.id);
	ROW(false, id, (uint16_t)(p.id + 2));
	ROW(false, df, true);
}

TEST(coalesce_needs_the_same_ip_header)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct plain_packet p =
			plain_packet(kinds[kind].version, kinds[kind].protocol, 500);
		p.id = UINT16_MAX;
		check_ip_rows(p);
	}
}

TEST(coalesce_needs_the_same_tcp_header)
{
	for (int version = 4; version <= 6; version += 2) {
		struct plain_packet p = plain_packet(version, PLAIN_TCP, 500);
		ROW(false, seq, p.seq);
		ROW(false, seq, p.seq + 501);
		ROW(false, seq, p.seq + 499);
		ROW(false, ack, p.ack + 1);
		ROW(false, window, 502);
		ROW(false, urgent, 1);
		ROW(false, reserved, 1);
		ROW(false, options, 2);
		ROW(false, options, 4);
		ROW(false, option_seed, 8);
		for (unsigned flags = 0; flags < 256; flags++)
			ROW((flags | PLAIN_PSH) == (PLAIN_ACK | PLAIN_PSH), flags, (uint8_t)flags);
	}
}

/* Flags that keep a packet alone do so for the first too. */
TEST(coalesce_flags_of_the_first)
{
	for (unsigned flags = 0; flags < 256; flags++) {
		struct plain_packet p = plain_packet(4, PLAIN_TCP, 500);
		p.flags = (uint8_t)flags;
		struct join_row r = {"the first's flags", p, plain_next(&p), flags == PLAIN_ACK};
		check_row(&r);
	}
}

TEST(coalesce_headers_that_never_merge)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		for (int i = 0; i < 5; i++) {
			struct plain_packet p =
				plain_packet(kinds[kind].version, kinds[kind].protocol, 500);
			p.extra = i == 0;
			p.mf = i == 1;
			p.offset = i == 2 ? 5 : 0;
			p.reserved = i == 3 ? 4 : 0;
			p.payload_len = i == 4 ? 0 : 500;
			bool merges = (p.version == 6 && (i == 1 || i == 2)) ||
				      (p.protocol == PLAIN_UDP && i == 3) ||
				      (p.protocol == PLAIN_TCP && i == 3);
			struct join_row r = {"both", p, plain_next(&p), merges};
			check_row(&r);
		}
}

/* ---- runs */

static void check_runs(const char *what, uint32_t expected)
{
	if (!finish() || run_count != expected)
		test_fail(__FILE__, __LINE__, "%s: %u runs", what, run_count);
}

TEST(coalesce_bounds)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct plain_packet p =
			plain_packet(kinds[kind].version, kinds[kind].protocol, 100);
		begin();
		put_run(&p, 65);
		check_runs("64 segments", 2);
		CHECK_EQ(64, runs[0].count);

		p = plain_packet(kinds[kind].version, kinds[kind].protocol, 0);
		uint32_t room = COALESCE_LEN_MAX - plain_headers_len(&p);
		for (uint32_t over = 0; over < 2; over++) {
			begin();
			p.payload_len = 1400;
			put_run(&p, room / 1400);
			p.payload_len = room % 1400 + over;
			put(&p);
			check_runs("65,535 bytes", 1 + over);
		}
	}
}

TEST(coalesce_short_or_pushed_ends_the_run)
{
	struct plain_packet p = plain_packet(4, PLAIN_TCP, 1000);
	begin();
	put_run(&p, 3);
	p.flags |= PLAIN_PSH;
	put_run(&p, 1);
	p.flags = PLAIN_ACK;
	put_run(&p, 3);
	p.payload_len = 999;
	put_run(&p, 1);
	p.payload_len = 1000;
	put_run(&p, 2);
	check_runs("PSH, short", 3);
	CHECK(runs[0].count == 4 && runs[1].count == 4 && runs[2].count == 2);
}

/* Flows that come mixed; with more than there are places, the oldest has to go. */
TEST(coalesce_flows_at_once)
{
	for (uint32_t flows = 1; flows <= COALESCE_FLOWS + 1; flows++) {
		struct plain_packet p[COALESCE_FLOWS + 1];
		begin();
		for (uint32_t i = 0; i < flows; i++) {
			p[i] = plain_packet(i % 2 ? 4 : 6, i % 4 / 2 ? PLAIN_TCP : PLAIN_UDP, 300);
			p[i].from_port = (uint16_t)(1000 + i);
		}
		for (uint32_t k = 0; k < 20; k++)
			for (uint32_t i = 0; i < flows; i++)
				put_run(&p[i], 1);
		CHECK(finish());
		CHECK(flows > COALESCE_FLOWS ? run_count > flows : run_count == flows);
	}
}

/* Order within a flow, and with what has none. */
TEST(coalesce_keeps_the_order)
{
	struct plain_packet p = plain_packet(4, PLAIN_TCP, 300),
			    q = plain_packet(4, PLAIN_UDP, 300), fragment = q;
	fragment.mf = true;
	begin();
	put_run(&p, 2);
	put_run(&q, 2);
	p.flags |= PLAIN_FIN;
	put_run(&p, 1); /* ends p's run, not q's */
	put_run(&q, 1);
	put(&fragment); /* ends all */
	put_run(&q, 1);
	CHECK(finish());
	static const uint32_t expected[] = {0, 1, 4, 2, 3, 5, 6, 7};
	CHECK_EQ(8, written);
	CHECK_MEM(expected, order, sizeof expected);
	CHECK_EQ(5, run_count);
}

TEST(coalesce_takes_what_it_may)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		for (int takes = 0; takes < 4; takes++) {
			struct plain_packet p =
				plain_packet(kinds[kind].version, kinds[kind].protocol, 300);
			begin();
			coalesce_init(&coalesce, takes & 1, takes & 2, note_run, NULL);
			put_run(&p, 5);
			CHECK(finish());
			bool merges = takes & (p.protocol == PLAIN_TCP ? 1 : 2);
			CHECK_EQ(merges ? 1 : 5, run_count);
		}
}

/* ---- checksums */

/* A packet with one bit wrong, wherever it is, is never merged, as the first or later. */
TEST(coalesce_never_vouches_for_a_wrong_bit)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		for (uint32_t at = 0;; at++) {
			struct plain_packet p =
				plain_packet(kinds[kind].version, kinds[kind].protocol, 21);
			uint32_t len = plain_headers_len(&p) + 21;
			if (at == 3 * 8 * len)
				break;
			begin();
			for (uint32_t i = 0; i < 3; i++, p = plain_next(&p)) {
				plain_build(slots[i] + HEADROOM, &p);
				if (i == at / (8 * len))
					slots[i][HEADROOM + at / 8 % len] ^=
						(uint8_t)(1u << at % 8);
				put_bytes(len);
			}
			CHECK(finish());
			for (uint32_t i = 0; i < run_count; i++)
				for (uint32_t k = 0; runs[i].count > 1 && k < runs[i].count; k++) {
					uint32_t from = order[runs[i].first + k];
					CHECK(plain_is_right(kept[from] + HEADROOM, lens[from]));
				}
		}
}

/* Of p with other contents: one whose checksum at `at` is `form`, which it then is not. */
static void put_odd(struct plain_packet *p, uint32_t at, uint16_t form)
{
	uint8_t *packet = slots[count] + HEADROOM;
	uint32_t len = plain_build(packet, p);
	for (; packet[at] != form >> 8 || packet[at + 1] != (form & 0xff);
		len = plain_build(packet, p)) {
		p->id++; /* it may not be fragmented: any will do */
		p->payload_at++;
	}
	memset(packet + at, ~form, 2);
	put_bytes(len);
}

/* A UDP checksum of 0 is none; one of TCP or IPv4 that nobody computes would not come back. */
TEST(coalesce_odd_forms_of_checksums)
{
	static const struct {
		int version;
		uint8_t protocol;
		uint32_t at;
		uint16_t form;
	} rows[] = {{4, PLAIN_UDP, 26, 0xffff}, {6, PLAIN_UDP, 46, 0xffff}, {4, PLAIN_TCP, 36, 0},
		{6, PLAIN_TCP, 56, 0}, {4, PLAIN_UDP, 10, 0}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct plain_packet p = plain_packet(rows[i].version, rows[i].protocol, 300);
		begin();
		put_odd(&p, rows[i].at, rows[i].form);
		p = plain_next(&p);
		put_odd(&p, rows[i].at, rows[i].form);
		CHECK(finish());
		CHECK_EQ(2, run_count);
	}
}

/* A length of UDP that is not the packet's, under a checksum that is right. */
TEST(coalesce_lengths_of_udp)
{
	for (int version = 4; version <= 6; version += 2) {
		struct plain_packet p = plain_packet(version, PLAIN_UDP, 300);
		begin();
		for (int k = 0; k < 2; k++, p = plain_next(&p)) {
			uint32_t len = plain_build(slots[count] + HEADROOM, &p);
			uint8_t *udp = slots[count] + HEADROOM + plain_l4_at(&p);
			udp[5] -= 4; /* of 308, so without a borrow */
			udp[7] += 4;
			CHECK(udp[7] >= 4 && plain_is_right(slots[count] + HEADROOM, len));
			put_bytes(len);
		}
		CHECK(finish());
		CHECK_EQ(2, run_count);
	}
}

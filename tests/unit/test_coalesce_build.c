#include "unit/test.h"

#include <stdlib.h>

#include "io/coalesce.h"
#include "unit/plain_packet.h"

static uint8_t slots[3][1536], payload[UINT16_MAX], wanted[UINT16_MAX];
static struct coalesce coalesce;
static uint32_t run_count, written;
static bool is_wrong;

static const struct {
	int version;
	uint8_t protocol;
} kinds[] = {{4, PLAIN_TCP}, {6, PLAIN_TCP}, {4, PLAIN_UDP}, {6, PLAIN_UDP}};
#define KINDS (sizeof kinds / sizeof *kinds)

static uint32_t gather(const struct coalesce_super *super)
{
	uint32_t len = 0;
	for (int i = 1; i < super->part_count; i++) {
		memcpy(payload + len, super->parts[i].iov_base, super->parts[i].iov_len);
		len += (uint32_t)super->parts[i].iov_len;
	}
	return len;
}

/* The super-packet's own bytes, field by field. */
static struct plain_packet super_of;
static void compare_super(void *context, const struct coalesce_run *run)
{
	struct coalesce_super super;
	coalesce_build(&super, run);
	uint32_t len = plain_build_super(wanted, &super_of), headers = plain_headers_len(&super_of);
	const struct virtio_net_hdr *header = &super.headers.virtio;
	bool is_tcp = super_of.protocol == PLAIN_TCP;
	int tcp = super_of.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	(void)context;
	is_wrong = gather(&super) != len - headers ||
		   memcmp(payload, wanted + headers, len - headers) ||
		   memcmp(super.headers.packet, wanted, headers) ||
		   super.parts[0].iov_base != &super.headers ||
		   super.parts[0].iov_len != 10 + headers || header->flags != 1 ||
		   header->gso_type != (is_tcp ? tcp : VIRTIO_NET_HDR_GSO_UDP_L4) ||
		   header->csum_start != plain_l4_at(&super_of) ||
		   header->csum_offset != (is_tcp ? 16 : 6) || header->hdr_len != headers ||
		   header->gso_size != 1000;
	run_count++;
}

TEST(coalesce_super_packet_field_by_field)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct plain_packet p =
			plain_packet(kinds[kind].version, kinds[kind].protocol, 1000);
		super_of = p;
		super_of.payload_len = 2700;
		super_of.flags |= p.protocol == PLAIN_TCP ? PLAIN_PSH : 0;
		coalesce_init(&coalesce, true, true, compare_super, NULL);
		run_count = 0;
		for (int i = 0; i < 3; i++, p = plain_next(&p)) {
			p.payload_len = i == 2 ? 700 : 1000;
			p.flags = i == 2 ? super_of.flags : p.flags;
			coalesce_add(&coalesce, slots[i], plain_build(slots[i], &p));
		}
		coalesce_flush(&coalesce);
		CHECK_EQ(1, run_count);
		CHECK(!is_wrong);
	}
}

static void count_packets(void *context, const struct coalesce_run *run)
{
	(void)context;
	written += run->count;
}

/* Packets cut anywhere, in memory of their own; then with a length that says so. */
TEST(coalesce_cut_short)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct plain_packet p = plain_packet(kinds[kind].version, kinds[kind].protocol, 20);
		uint32_t len = plain_build(wanted, &p);
		for (uint32_t cut = 1; cut < 2 * len; cut++) {
			uint32_t own_len = cut % len + 1;
			uint8_t *own = malloc(own_len);
			memcpy(own, wanted, own_len);
			if (cut >= len && p.version == 4 && own_len >= 4)
				own[3] = (uint8_t)own_len;
			if (cut >= len && p.version == 6 && own_len >= 40)
				own[5] = (uint8_t)(own_len - 40);
			written = 0;
			coalesce_init(&coalesce, true, true, count_packets, NULL);
			coalesce_add(&coalesce, own, own_len);
			coalesce_add(&coalesce, own, own_len);
			coalesce_flush(&coalesce);
			free(own);
			CHECK_EQ(2, written);
		}
	}
}

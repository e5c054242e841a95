#include "device/unreachable.h"

#include "base/bytes.h"
#include "unit/test.h"
#include "unit/tunnel.h"

#define BIG 1400

/* The Internet checksum, the slow way: of a pseudo header's sum and bytes. */
static uint16_t slow_sum(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A whole UDP packet, for IPv4 and IPv6. */
static void udp_build(uint8_t *out, uint32_t len, const struct ip_address *from,
	const struct ip_address *to, uint32_t tag)
{
	inner_build(out, len, from, to, tag);
	if (from->family == IP_V4)
		store_be16(out + 6, 0); /* no fragment */
	out[from->family == IP_V4 ? 9 : 6] = 17;
}

/* Offers one packet and takes what comes back into the TUN; NULL: nothing. */
static struct burst *offer(struct tunnel *t, const uint8_t *packet, uint32_t len)
{
	tunnel_offer_bytes(t, &t->a, packet, len);
	return device_take_inner(t->a.device);
}

static bool is_answered(struct tunnel *t, const uint8_t *packet, uint32_t len)
{
	t->now.boottime += SECOND; /* the share is whole again */
	struct burst *answer = offer(t, packet, len);
	burst_pool_put(&t->a.pool, answer);
	return answer;
}

TEST(unreachable_v4)
{
	struct tunnel t;
	uint8_t packet[BIG] = {0};
	CHECK(tunnel_init(&t, 900));
	struct ip_address nobody = ip("10.99.0.1");
	static const uint32_t lens[] = {INNER_LEN, 547, 548, 549, BIG};
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		udp_build(packet, lens[i], &t.a.inner4, &nobody, 1);
		struct burst *answer = offer(&t, packet, lens[i]);
		CHECK(answer && answer->count == 1);
		const uint8_t *ip4 = burst_inner(answer, 0), *icmp = ip4 + 20;
		uint32_t quoted = lens[i] < 548 ? lens[i] : 548;
		CHECK_EQ(28 + quoted, answer->len[0]);
		CHECK_EQ(0x45, ip4[0]);
		CHECK_EQ(answer->len[0], load_be16(ip4 + 2));
		CHECK_EQ(1, ip4[9]);
		CHECK_MEM(nobody.bytes, ip4 + 12, 4);
		CHECK_MEM(t.a.inner4.bytes, ip4 + 16, 4);
		CHECK_EQ(0xffff, slow_sum(ip4, 20, 0));
		CHECK_EQ(0x0301, load_be16(icmp)); /* host unreachable */
		CHECK_EQ(0, load_be32(icmp + 4));
		CHECK_MEM(packet, icmp + 8, quoted);
		CHECK_EQ(0xffff, slow_sum(icmp, 8 + quoted, 0));
		burst_pool_put(&t.a.pool, answer);
	}
	CHECK_EQ(5, end_drops(&t.a, DROP_NO_ROUTE));
	tunnel_wipe(&t);
}

TEST(unreachable_v6)
{
	struct tunnel t;
	uint8_t packet[BIG] = {0};
	CHECK(tunnel_init(&t, 901));
	struct ip_address nobody = ip("fd99::1");
	static const uint32_t lens[] = {INNER_LEN, 1231, 1232, 1233, BIG};
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		udp_build(packet, lens[i], &t.a.inner6, &nobody, 1);
		struct burst *answer = offer(&t, packet, lens[i]);
		CHECK(answer && answer->count == 1);
		const uint8_t *ip6 = burst_inner(answer, 0), *icmp = ip6 + 40;
		uint32_t quoted = lens[i] < 1232 ? lens[i] : 1232;
		CHECK_EQ(48 + quoted, answer->len[0]);
		CHECK_EQ(0x60000000, load_be32(ip6));
		CHECK_EQ(8 + quoted, load_be16(ip6 + 4));
		CHECK_EQ(58, ip6[6]);
		CHECK_MEM(nobody.bytes, ip6 + 8, 16);
		CHECK_MEM(t.a.inner6.bytes, ip6 + 24, 16);
		CHECK_EQ(0x0103, load_be16(icmp)); /* address unreachable */
		CHECK_MEM(packet, icmp + 8, quoted);
		CHECK_EQ(
			0xffff, slow_sum(icmp, 8 + quoted, slow_sum(ip6 + 8, 32, 58 + 8 + quoted)));
		burst_pool_put(&t.a.pool, answer);
	}
	tunnel_wipe(&t);
}

TEST(unreachable_peer_without_endpoint)
{
	struct tunnel t;
	uint8_t packet[INNER_LEN];
	CHECK(tunnel_init(&t, 902));
	end_peer(&t.a)->endpoint = (struct endpoint){0};
	udp_build(packet, sizeof packet, &t.a.inner4, &t.b.inner4, 1);
	CHECK(is_answered(&t, packet, sizeof packet));
	CHECK_EQ(1, end_peer(&t.a)->drops.count[DROP_NO_ENDPOINT]);
	tunnel_wipe(&t);
}

/* What must not be answered [RFC 1122 3.2.2], and its neighbours that may. */
TEST(unreachable_says_nothing_to_errors_fragments_and_groups)
{
	struct tunnel t;
	uint8_t packet[INNER_LEN];
	CHECK(tunnel_init(&t, 903));
	struct ip_address nobody = ip("10.99.0.1"), group = ip("224.0.0.1"), zero = ip("0.0.0.0"),
			  all = ip("255.255.255.255"), last = ip("223.255.255.255");
	static const struct {
		uint8_t protocol, icmp_type, fragment_high, fragment_low;
		bool ok;
	} rows[] = {
		{17, 0, 0, 0, true},
		{17, 0, 0x20, 0, true}, /* the first fragment */
		{17, 0, 0x20, 1, false},
		{17, 0, 0x1f, 0xff, false},
		{17, 0, 0x40, 0, true}, /* DF */
		{1, 8, 0, 0, true},
		{1, 0, 0, 0, true},
		{1, 13, 0, 0, true},
		{1, 14, 0, 0, true},
		{1, 3, 0, 0, false},
		{1, 11, 0, 0, false},
		{1, 5, 0, 0, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		udp_build(packet, sizeof packet, &t.a.inner4, &nobody, 1);
		packet[6] = rows[i].fragment_high;
		packet[7] = rows[i].fragment_low;
		packet[9] = rows[i].protocol;
		packet[20] = rows[i].icmp_type;
		CHECK_EQ(rows[i].ok, is_answered(&t, packet, sizeof packet));
	}
	/* an echo request but for the type, which is no part of the packet any more */
	udp_build(packet, sizeof packet, &t.a.inner4, &nobody, 1);
	store_be16(packet + 2, 20);
	packet[9] = 1;
	packet[20] = 8;
	CHECK(!is_answered(&t, packet, sizeof packet));
	udp_build(packet, sizeof packet, &t.a.inner4, &group, 1);
	CHECK(!is_answered(&t, packet, sizeof packet));
	udp_build(packet, sizeof packet, &t.a.inner4, &all, 1);
	CHECK(!is_answered(&t, packet, sizeof packet));
	udp_build(packet, sizeof packet, &zero, &nobody, 1);
	CHECK(!is_answered(&t, packet, sizeof packet));
	udp_build(packet, sizeof packet, &group, &nobody, 1);
	CHECK(!is_answered(&t, packet, sizeof packet));
	udp_build(packet, sizeof packet, &t.a.inner4, &last, 1);
	CHECK(is_answered(&t, packet, sizeof packet));
	tunnel_wipe(&t);
}

TEST(unreachable_says_nothing_to_icmpv6_errors_and_redirects)
{
	struct tunnel t;
	uint8_t packet[INNER_LEN];
	CHECK(tunnel_init(&t, 904));
	struct ip_address nobody = ip("fd99::1"), group = ip("ff02::1"), zero = ip("::");
	static const struct {
		uint8_t next_header, type;
		bool ok;
	} rows[] = {{58, 128, true}, {58, 255, true}, {58, 127, false}, {58, 1, false},
		{58, 136, true}, {58, 137, false}, {58, 138, true}, /* a redirect */
		{6, 0, true}, {17, 0, true}, {132, 0, true}, {44, 0, false}, {0, 0, false},
		{43, 0, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		udp_build(packet, sizeof packet, &t.a.inner6, &nobody, 1);
		packet[6] = rows[i].next_header;
		packet[40] = rows[i].type;
		CHECK_EQ(rows[i].ok, is_answered(&t, packet, sizeof packet));
	}
	packet[6] = 58; /* the type is no part of the packet */
	packet[40] = 128;
	store_be16(packet + 4, 0);
	CHECK(!is_answered(&t, packet, sizeof packet));
	udp_build(packet, sizeof packet, &t.a.inner6, &nobody, 1);
	packet[6] = 17;
	memcpy(packet + 24, group.bytes, 16);
	CHECK(!is_answered(&t, packet, sizeof packet));
	memcpy(packet + 24, nobody.bytes, 16);
	memcpy(packet + 8, zero.bytes, 16);
	CHECK(!is_answered(&t, packet, sizeof packet));
	tunnel_wipe(&t);
}

TEST(unreachable_50_at_once_100_a_second)
{
	struct tunnel t;
	uint8_t packet[INNER_LEN];
	uint32_t answers = 0;
	CHECK(tunnel_init(&t, 905));
	struct ip_address nobody = ip("10.99.0.1");
	udp_build(packet, sizeof packet, &t.a.inner4, &nobody, 1);
	for (int i = 0; i < 200; i++) {
		struct burst *answer = offer(&t, packet, sizeof packet);
		answers += answer != NULL;
		burst_pool_put(&t.a.pool, answer);
	}
	CHECK_EQ(50, answers);
	t.now.boottime += 10 * NANOS_PER_MS - 1;
	CHECK(!offer(&t, packet, sizeof packet));
	t.now.boottime += 1;
	struct burst *answer = offer(&t, packet, sizeof packet);
	CHECK(answer);
	burst_pool_put(&t.a.pool, answer);
	CHECK(!offer(&t, packet, sizeof packet));
	tunnel_wipe(&t);
}

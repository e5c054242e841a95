/*
 * Regressions 13: allocation failing at every step. Each of these is done with the
 * first allocation failing, then the second, and so on until it succeeds; so often
 * it must fail cleanly, change nothing, and leave nothing behind.
 */
#include "unit/short_memory.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "text/conf.h"
#include "text/uapi.h"
#include "unit/test.h"
#include "unit/tunnel.h"

#define STEPS_MAX 400

/* ---------------------------------------------------------------- changes */

static struct public_key key_of(uint32_t i)
{
	struct public_key key = {{9}};
	store_le32(key.bytes + 4, i);
	return key;
}

/* Twenty peers with five prefixes each. */
static bool fill_change(struct change *change)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct public_key key = key_of(i);
		struct change_peer *entry = change_add_peer(change, &key);
		if (!entry)
			return false;
		for (uint32_t k = 0; k < 5; k++) {
			struct ip_prefix prefix = {{IP_V4, {10, 3, (uint8_t)i, (uint8_t)k}}, 32};
			if (!change_peer_add_allowed_ip(entry, &prefix, false))
				return false;
		}
	}
	return true;
}

TEST(short_memory_for_a_change)
{
	size_t n = 0;
	for (bool failed = true; failed; n++) {
		struct change change = {0};
		short_memory_begin(n + 1);
		bool is_full = fill_change(&change);
		failed = short_memory_end();
		CHECK_EQ(!failed, is_full);
		change_wipe(&change);
	}
	CHECK(n > 20);
}

TEST(short_memory_for_a_device)
{
	size_t n = 0;
	for (bool failed = true; failed; n++) {
		struct end end;
		short_memory_begin(n + 1);
		bool is_there = end_init(&end, 1600, TUNNEL_ARENA, TUNNEL_POOL_MAX);
		failed = short_memory_end();
		CHECK_EQ(!failed, is_there);
		end_wipe(&end);
	}
	CHECK_EQ(4, n);
}

/* Whole or not at all: what is there goes on meanwhile. */
TEST(short_memory_to_apply_a_change)
{
	struct tunnel t;
	struct change change = {.has_private_key = true};
	size_t n = 0;
	CHECK(tunnel_init(&t, 1601));
	CHECK(tunnel_ping(&t, &t.a));
	change.private_key = t.a.private_key;
	CHECK(fill_change(&change));
	size_t blocks = t.a.arena.blocks_out, nodes = t.a.device->allowed_ips.node_count;
	for (bool failed = true; failed; n++) {
		short_memory_begin(n + 1);
		bool is_applied = device_apply(t.a.device, &change, &t.now);
		failed = short_memory_end();
		if (is_applied)
			continue; /* also when only a table could not grow, which costs no more than
				     time */
		CHECK(failed);
		CHECK_EQ(1, device_peer_count(t.a.device));
		CHECK_EQ(blocks, t.a.arena.blocks_out);
		CHECK_EQ(nodes, t.a.device->allowed_ips.node_count);
		CHECK(tunnel_ping(&t, n % 2 ? &t.a : &t.b));
	}
	CHECK(n > 200); /* peers, nodes of the trie */
	CHECK_EQ(21, device_peer_count(t.a.device));
	CHECK(tunnel_ping(&t, &t.a));
	change_wipe(&change);
	tunnel_wipe(&t);
}

/* Far more peers than the table has buckets: it cannot grow, and is only slower. */
TEST(short_memory_for_the_table_of_peers)
{
	struct end end;
	struct change change = {0};
	struct now now = {SECOND, SECOND};
	CHECK(end_init(&end, 1602, 1u << 20, TUNNEL_POOL_MAX));
	for (uint32_t i = 0; i < 200; i++) {
		struct public_key key = key_of(i);
		CHECK(change_add_peer(&change, &key));
	}
	struct device_plan *plan = device_prepare(end.device, &change);
	CHECK(plan);
	short_memory_begin(1); /* what was prepared cannot fail */
	device_commit(end.device, plan, &change, &now);
	CHECK(short_memory_end());
	CHECK_EQ(200, device_peer_count(end.device));
	for (uint32_t i = 0; i < 200; i++) {
		struct public_key key = key_of(i);
		CHECK(device_find_peer(end.device, &key));
	}
	change_wipe(&change);
	end_wipe(&end);
}

/* ---------------------------------------------------------------- packets and handshakes */

/* Nothing is kept for reuse: the next burst has to be allocated. */
static void forget_free_bursts(struct end *end)
{
	size_t bytes_max = end->pool.bytes_max;
	burst_pool_wipe(&end->pool);
	burst_pool_init(&end->pool, bytes_max);
}

/* Gives a device an input while memory is short, without the wire's own allocations. */
static bool offer_short(struct tunnel *t, struct end *end, size_t n)
{
	forget_free_bursts(end);
	struct burst *burst = tunnel_inner(t, end, 40, 0);
	short_memory_begin(n);
	device_put_inner(end->device, burst, &t->now);
	return short_memory_end();
}

static bool bring_short(struct tunnel *t, struct end *end, const struct flight *f, size_t n)
{
	forget_free_bursts(end);
	struct burst *burst = burst_pool_get(&end->pool, f->len);
	struct endpoint from = f->from;
	burst_add(burst, f->bytes, f->len);
	short_memory_begin(n);
	device_tick(end->device, &t->now);
	device_put_datagrams(end->device, burst, &from, &t->now);
	for (struct job *job; (job = device_take_job(end->device));) {
		job_run_batch(&job, 1);
		device_put_job(end->device, job, &t->now);
	}
	return short_memory_end();
}

/* Each index is a session's or a waiting handshake's, which has a block of secrets. */
static bool is_clean(const struct end *end)
{
	const size_t own_blocks = 3; /* our key, that of cookies, and what is known of the peer */
	return !end->pool.bytes_out && !end->device->staged_bytes &&
	       end->device->indices.count + own_blocks == end->arena.blocks_out;
}

/* What could not be gathered goes with the first packet; then all is as ever. */
static bool recovers(struct tunnel *t)
{
	tunnel_run(t, 2 * (REKEY_TIMEOUT + REKEY_JITTER_MAX));
	tunnel_ping(t, &t->a);
	return tunnel_ping(t, &t->a) && tunnel_ping(t, &t->b) && is_clean(&t->a) && is_clean(&t->b);
}

/* The n-th allocation fails at the end where it matters, from this message of the handshake on. */
static bool fails_during(uint32_t message, size_t n, bool *failed)
{
	struct tunnel t;
	if (!tunnel_init(&t, 1603))
		return false;
	*failed = message == 0 ? offer_short(&t, &t.a, n) : (tunnel_offer(&t, &t.a, 40, 0), false);
	for (uint32_t i = 1; i <= 3; i++) {
		tunnel_pump(&t, i % 2 ? &t.a : &t.b);
		struct flight *f = tunnel_take(&t);
		if (f && i == message)
			*failed = bring_short(&t, i % 2 ? &t.b : &t.a, f, n);
		else if (f)
			tunnel_bring(&t, f);
		free(f);
	}
	bool ok = recovers(&t);
	tunnel_wipe(&t);
	return ok;
}

TEST(short_memory_during_a_handshake)
{
	for (uint32_t message = 0; message <= 3; message++) {
		size_t n = 0;
		for (bool failed = true; failed && n < STEPS_MAX; n++)
			CHECK(fails_during(message, n + 1, &failed));
		CHECK(n < STEPS_MAX && (n > 1 || message == 3)); /* that one's all is there */
	}
}

/* A whole rekey under traffic, in which every allocation from the n-th on fails for a while. */
TEST(short_memory_under_traffic)
{
	for (size_t n = 1; n <= 60; n++) {
		struct tunnel t;
		CHECK(tunnel_init(&t, 1604));
		CHECK(tunnel_ping(&t, &t.a));
		tunnel_skip(&t, REKEY_AFTER_TIME);
		struct burst *bursts[2][5];
		for (int i = 0; i < 5; i++) {
			bursts[0][i] = tunnel_inner(&t, &t.a, 20, 0);
			bursts[1][i] = tunnel_inner(&t, &t.b, 20, 0);
		}
		short_memory_begin(n);
		for (int i = 0; i < 5; i++) {
			device_put_inner(t.a.device, bursts[0][i], &t.now);
			device_put_inner(t.b.device, bursts[1][i], &t.now);
			device_tick(t.a.device, &t.now);
		}
		short_memory_end();
		tunnel_settle(&t);
		CHECK(recovers(&t));
		tunnel_wipe(&t);
	}
}

/* ---------------------------------------------------------------- texts */

static const char text[] =
	"[Interface]\nPrivateKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHl8=\n"
	"Address = 10.0.0.1/24, fd00::1/64\nDNS = 1.1.1.1, example.org\nPostUp = true\n"
	"[Peer]\nPublicKey = eeD8jeDEo4vlPlJ5SwcBBsUvv6SYTp8/3NPjMxR2QXQ=\n"
	"AllowedIPs = 10.0.0.2/32, fd00::2/128, 10.0.0.2/32\nEndpoint = host.example.org:51820\n"
	"[Peer]\nPublicKey = dGVzdGtleXRlc3RrZXl0ZXN0a2V5dGVzdGtleTAwMAA=\nAllowedIPs = "
	"10.0.0.2/32\n"
	"Nonsense = 1\n";

TEST(short_memory_to_read_a_configuration)
{
	size_t n = 0;
	for (bool failed = true; failed; n++) {
		struct conf conf;
		short_memory_begin(n + 1);
		bool is_read = conf_parse(&conf, text, sizeof text - 1);
		failed = short_memory_end();
		CHECK_EQ(!failed, is_read);
		CHECK(failed || conf.error_count == 1);
		conf_wipe(&conf);
	}
	CHECK(n > 10);
}

TEST(short_memory_for_the_control_socket)
{
	static const char set[] =
		"set=1\npublic_key="
		"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n"
		"allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\n\n";
	size_t n = 0;
	for (bool failed = true; failed; n++) {
		struct uapi_parser parser;
		size_t used;
		uapi_init(&parser);
		short_memory_begin(n + 1);
		enum uapi_verdict verdict = uapi_feed(&parser, set, 20, &used);
		if (verdict == UAPI_MORE)
			verdict = uapi_feed(&parser, set + used, sizeof set - 1 - used, &used);
		failed = short_memory_end();
		CHECK(verdict == UAPI_SET || (failed && verdict == UAPI_VIOLATION));
		CHECK(verdict == UAPI_VIOLATION || parser.error == (failed ? ENOMEM : 0));
		uapi_wipe(&parser);
	}
	CHECK(n > 2);
}

TEST(short_memory_for_an_answer)
{
	struct tunnel t;
	const struct uapi_link link = {.listen_port = 7};
	size_t n = 0;
	CHECK(tunnel_init(&t, 1605));
	for (bool failed = true; failed; n++) {
		struct out out;
		out_init(&out, 1u << 20);
		short_memory_begin(n + 1);
		uapi_format_get(&out, t.a.device, &link);
		failed = short_memory_end();
		CHECK_EQ(failed, out.has_failed);
		out_wipe(&out);
	}
	CHECK(n > 1);
	tunnel_wipe(&t);
}

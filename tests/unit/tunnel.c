#include "unit/tunnel.h"

#include "device/intake.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "unit/test.h"

#define TAG_OFFSET 48 /* behind either header */
#define SETTLE_MAX 1000
#define TICKS_MAX  200000

/* ---------------------------------------------------------------- ends */

bool end_init(struct end *end, uint64_t seed, size_t arena_len, size_t pool_max)
{
	*end = (struct end){.stream.seed = seed, .memory = aligned_alloc(64, arena_len)};
	if (!end->memory)
		return false;
	memset(end->memory, 0, arena_len);
	secret_arena_init(&end->arena, end->memory, arena_len);
	burst_pool_init(&end->pool, pool_max);
	struct device_setup setup = {
		.arena = &end->arena,
		.pool = &end->pool,
		.rng = {stream_fill, &end->stream},
		.staged_bytes_max = TUNNEL_STAGED_MAX,
	};
	private_key_generate(&end->private_key, &setup.rng);
	public_key_derive(&end->public_key, &end->private_key);
	end->device = device_create(&setup);
	return end->device;
}

void end_wipe(struct end *end)
{
	device_destroy(end->device);
	if (end->arena.blocks_out || end->pool.bytes_out)
		test_fail(__FILE__, __LINE__, "not given back: %zu blocks, %zu bytes of bursts",
			end->arena.blocks_out, end->pool.bytes_out);
	else
		burst_pool_wipe(&end->pool);
	free(end->memory);
}

struct ip_address ip(const char *text)
{
	struct ip_address a = {.family = strchr(text, ':') ? IP_V6 : IP_V4};
	if (inet_pton(a.family == IP_V6 ? AF_INET6 : AF_INET, text, a.bytes) != 1)
		abort();
	return a;
}

struct ip_prefix ip_net(const char *text, unsigned len)
{
	return (struct ip_prefix){ip(text), (uint8_t)len};
}

bool end_change_peer(struct end *end, const struct change_peer *entry, const struct now *now)
{
	struct change_peer copy = *entry;
	struct change change = {.peers = &copy, .peer_count = 1};
	return device_apply(end->device, &change, now);
}

bool end_change_key(struct end *end, const struct private_key *key, const struct now *now)
{
	struct change change = {.has_private_key = true, .private_key = *key};
	return device_apply(end->device, &change, now);
}

struct change_peer entry_of(const struct end *other)
{
	return (struct change_peer){.public_key = other->public_key};
}

/* ---------------------------------------------------------------- the tunnel */

static bool introduce(struct tunnel *t, struct end *end)
{
	const struct end *other = tunnel_other(t, end);
	struct change_allowed_ip ips[] = {
		{.prefix = {other->inner4, 32}},
		{.prefix = {other->inner6, 128}},
	};
	struct change_peer entry = entry_of(other);
	entry.has_endpoint = entry.has_preshared_key = true;
	entry.endpoint = other->address;
	memset(&entry.preshared_key, 0x5a, sizeof entry.preshared_key);
	entry.allowed_ips = ips;
	entry.allowed_ip_count = 2;
	device_set_mtu(end->device, TUNNEL_MTU);
	device_set_link(end->device, true, &t->now);
	return end_change_key(end, &end->private_key, &t->now) &&
	       end_change_peer(end, &entry, &t->now);
}

bool tunnel_init(struct tunnel *t, uint64_t seed)
{
	memset(t, 0, sizeof *t);
	t->now = (struct now){1000 * SECOND + 7, UINT64_C(1700000000) * SECOND};
	if (!end_init(&t->a, 2 * seed, TUNNEL_ARENA, TUNNEL_POOL_MAX) ||
		!end_init(&t->b, 2 * seed + 1, TUNNEL_ARENA, TUNNEL_POOL_MAX))
		return false;
	t->a.address = (struct endpoint){.address = ip("192.0.2.1"), .port = 1001};
	t->b.address = (struct endpoint){.address = ip("2001:db8::2"), .port = 2002};
	t->a.inner4 = ip("10.0.0.1");
	t->a.inner6 = ip("fd00::1");
	t->b.inner4 = ip("10.0.0.2");
	t->b.inner6 = ip("fd00::2");
	return introduce(t, &t->a) && introduce(t, &t->b);
}

void tunnel_wipe(struct tunnel *t)
{
	tunnel_lose(t);
	end_wipe(&t->a);
	end_wipe(&t->b);
}

/* ---------------------------------------------------------------- inner packets */

/* What a test gives to a device leaves as much of the pool to the device as there was. */
static struct burst *get_burst(struct end *end, uint32_t capacity)
{
	struct burst_pool *pool = &end->pool;
	size_t left = pool->bytes_max - pool->bytes_out;
	pool->bytes_max = SIZE_MAX;
	struct burst *burst = burst_pool_get(pool, capacity);
	if (!burst)
		abort();
	pool->bytes_max = pool->bytes_out + left;
	return burst;
}

void inner_build(uint8_t *out, uint32_t len, const struct ip_address *from,
	const struct ip_address *to, uint32_t tag)
{
	for (uint32_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i + tag);
	out[0] = from->family == IP_V4 ? 0x45 : 0x60;
	out[1] = 0;
	if (from->family == IP_V4) {
		store_be16(out + 2, (uint16_t)len);
		memcpy(out + 12, from->bytes, 4);
		memcpy(out + 16, to->bytes, 4);
	} else {
		store_be16(out + 4, (uint16_t)(len - 40));
		memcpy(out + 8, from->bytes, 16);
		memcpy(out + 24, to->bytes, 16);
	}
	store_be32(out + TAG_OFFSET, tag);
}

struct burst *tunnel_inner(struct tunnel *t, struct end *from, uint32_t count, uint32_t tag)
{
	const struct end *to = tunnel_other(t, from);
	uint32_t stride = BURST_HEADROOM + INNER_LEN + BURST_TAILROOM;
	struct burst *burst = get_burst(from, count * stride);
	burst->stride = stride;
	for (; burst->count < count; burst->count++) {
		inner_build(burst_inner(burst, burst->count), INNER_LEN, &from->inner4, &to->inner4,
			tag + burst->count);
		burst->len[burst->count] = INNER_LEN;
	}
	return burst;
}

void tunnel_offer(struct tunnel *t, struct end *from, uint32_t count, uint32_t tag)
{
	device_put_inner(from->device, tunnel_inner(t, from, count, tag), &t->now);
}

void tunnel_offer_bytes(struct tunnel *t, struct end *from, const uint8_t *packet, uint32_t len)
{
	struct burst *burst = get_burst(from, BURST_HEADROOM + len + BURST_TAILROOM);
	memcpy(burst_inner(burst, 0), packet, len);
	burst->len[0] = len;
	burst->count = 1;
	device_put_inner(from->device, burst, &t->now);
}

bool tunnel_ping(struct tunnel *t, struct end *from)
{
	struct end *to = tunnel_other(t, from);
	uint32_t before = from->received, before_to = to->received;
	tunnel_offer(t, from, 1, 1);
	tunnel_settle(t);
	tunnel_offer(t, to, 1, 2);
	tunnel_settle(t);
	return to->received == before_to + 1 && from->received == before + 1;
}

/* ---------------------------------------------------------------- the wire */

static void note_sent(struct tunnel *t, struct end *end, const uint8_t *bytes)
{
	uint32_t type = load_le32(bytes);
	if (type < TUNNEL_TYPES)
		end->sent[type]++;
	if (type != MESSAGE_INITIATION && type != MESSAGE_HYBRID_INITIATION)
		return;
	if (!end->first_initiation)
		end->first_initiation = t->now.boottime;
	end->last_initiation = t->now.boottime;
}

static void put_on_wire(struct tunnel *t, struct end *end, const struct device_send *send)
{
	for (uint32_t i = 0; i < send->burst->count; i++) {
		uint32_t len = send->burst->len[i];
		note_sent(t, end, burst_datagram(send->burst, i));
		if (end->is_mute)
			continue;
		struct flight *flight = malloc(sizeof *flight + len);
		if (!flight)
			abort();
		*flight = (struct flight){
			.sender = end,
			.from = end->address,
			.to = send->to,
			.len = len,
			.tos = send->burst->tos,
			.is_handshake = send->is_handshake,
		};
		memcpy(flight->bytes, burst_datagram(send->burst, i), len);
		if (t->first)
			t->last->next = flight;
		else
			t->first = flight;
		t->last = flight;
	}
}

static void note_inner(struct end *end, const struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		if (burst->len[i] == 0)
			continue;
		const uint8_t *inner = burst_inner(burst, i);
		uint32_t tag = burst->len[i] < INNER_LEN ? 0 : load_be32(inner + TAG_OFFSET);
		end->tags[end->received++ % TUNNEL_TAGS] = tag;
		end->inner_len = burst->len[i];
		if (end->inner_len <= sizeof end->inner)
			memcpy(end->inner, inner, end->inner_len);
	}
}

void tunnel_pump(struct tunnel *t, struct end *end)
{
	struct device_send send;
	struct burst *burst;
	for (struct job *job; (job = device_take_job(end->device));) {
		job_run_batch(&job, 1);
		device_put_job(end->device, job, &t->now);
	}
	while (device_take_send(end->device, &send)) {
		put_on_wire(t, end, &send);
		burst_pool_put(&end->pool, send.burst);
	}
	while ((burst = device_take_inner(end->device))) {
		note_inner(end, burst);
		burst_pool_put(&end->pool, burst);
	}
}

struct flight *tunnel_take(struct tunnel *t)
{
	struct flight *flight = t->first;
	if (flight)
		t->first = flight->next;
	return flight;
}

void tunnel_lose(struct tunnel *t)
{
	for (struct flight *flight; (flight = tunnel_take(t)); free(flight))
		;
}

void burst_add(struct burst *burst, const void *bytes, uint32_t len)
{
	memcpy(burst_datagram(burst, burst->count), bytes, len);
	burst->len[burst->count++] = len;
}

void tunnel_receive(struct tunnel *t, struct end *end, const void *bytes, uint32_t len,
	const struct endpoint *from)
{
	struct burst *burst = get_burst(end, len);
	burst_add(burst, bytes, len);
	intake_begin_turn(end->device, &t->now); /* each datagram comes in a turn of its own */
	device_put_datagrams(end->device, burst, from, &t->now);
}

void tunnel_bring(struct tunnel *t, const struct flight *flight)
{
	struct endpoint from = flight->from;
	from.source = flight->to.address;
	from.source_ifindex = 1;
	if (endpoint_is_same_remote(&flight->to, &t->a.address))
		tunnel_receive(t, &t->a, flight->bytes, flight->len, &from);
	else if (endpoint_is_same_remote(&flight->to, &t->b.address))
		tunnel_receive(t, &t->b, flight->bytes, flight->len, &from);
	else
		t->lost++;
}

void tunnel_settle(struct tunnel *t)
{
	for (int i = 0; i < SETTLE_MAX; i++) {
		tunnel_pump(t, &t->a);
		tunnel_pump(t, &t->b);
		struct flight *flight = tunnel_take(t);
		if (!flight)
			return;
		do {
			tunnel_bring(t, flight);
			free(flight);
		} while ((flight = tunnel_take(t)));
	}
	test_fail(__FILE__, __LINE__, "the tunnel does not come to rest");
}

/* ---------------------------------------------------------------- time */

void tunnel_skip(struct tunnel *t, nanos duration)
{
	t->now.boottime += duration;
	t->now.realtime += duration;
}

void tunnel_run_until(struct tunnel *t, nanos boottime)
{
	tunnel_settle(t);
	for (int i = 0; i < TICKS_MAX; i++) {
		nanos next = nanos_min(device_deadline(t->a.device), device_deadline(t->b.device));
		if (next > boottime) {
			if (boottime > t->now.boottime)
				tunnel_skip(t, boottime - t->now.boottime);
			return;
		}
		if (next > t->now.boottime)
			tunnel_skip(t, next - t->now.boottime);
		device_tick(t->a.device, &t->now);
		device_tick(t->b.device, &t->now);
		tunnel_settle(t);
	}
	test_fail(__FILE__, __LINE__, "the deadlines do not end");
}

void tunnel_run(struct tunnel *t, nanos duration)
{
	tunnel_run_until(t, t->now.boottime + duration);
}

/* ---------------------------------------------------------------- looking in */

struct peer *end_peer(const struct end *end)
{
	return end->device->peers.first;
}

uint64_t end_drops(const struct end *end, enum drop_reason reason)
{
	return device_drops(end->device)->count[reason];
}

uint64_t end_drops_total(const struct end *end)
{
	uint64_t total = 0;
	for (int i = 0; i < DROP_REASON_COUNT; i++)
		total += end_drops(end, (enum drop_reason)i);
	return total;
}

uint32_t end_sent(const struct end *end)
{
	uint32_t total = 0;
	for (int i = 0; i < TUNNEL_TYPES; i++)
		total += end->sent[i];
	return total;
}

uint32_t end_take_events(struct end *end, enum event_kind kind)
{
	uint32_t count = 0;
	for (struct event event; device_take_event(end->device, &event);)
		count += event.kind == kind;
	return count;
}

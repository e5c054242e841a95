#include "load/greet.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "base/bytes.h"
#include "noise/handshake.h"
#include "text/keytext.h"

#define WINDOW	   24 /* unanswered at a time: within a turn, so that there is no load */
#define PATIENCE_S 5

static struct greeter {
	struct local_identity us;
	struct remote_identity them;
	struct pending_handshake pending;
	uint8_t initiation[MESSAGE_HANDSHAKE_MAX], response[MESSAGE_HANDSHAKE_MAX];
	ssize_t response_len;
} greeters[GREETERS_MAX];

static void fill(void *context, void *out, size_t len)
{
	(void)context;
	if (getrandom(out, len, 0) != (ssize_t)len)
		abort();
}

static const struct rng rng = {fill, NULL};

static nanos now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (nanos)t.tv_sec * NANOS_PER_SECOND + (nanos)t.tv_nsec;
}

static void give_up(const char *what, uint64_t i)
{
	fprintf(stderr, "load: greet: %s, of initiator %llu\n", what, (unsigned long long)i);
	exit(1);
}

static void identify(struct local_identity *us, uint64_t number)
{
	struct private_key key = {{0}};
	store_le64(key.bytes + 8, number + 1);
	private_key_clamp(&key);
	local_identity_init(us, &key);
}

void greet_print_keys(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct local_identity us;
		char text[KEYTEXT_BASE64_LEN + 1];
		identify(&us, i);
		keytext_write_base64(text, us.public_key.bytes);
		puts(text);
	}
}

static void make(
	struct greeter *g, uint64_t i, const struct public_key *key, enum key_exchange key_exchange)
{
	static const struct preshared_key none;
	struct initiation_terms terms = {
		key_exchange, (uint32_t)i, tai64n_from_realtime(now(CLOCK_REALTIME))};
	identify(&g->us, i);
	if (!remote_identity_init(&g->them, &g->us, key, &none) ||
		!initiation_create(g->initiation, &g->pending, &g->us, &g->them, &terms, &rng))
		give_up("no initiation", i);
}

/* One response, to whom it is for. */
static void take(int fd, uint64_t count)
{
	uint8_t bytes[2048];
	struct pollfd ready = {fd, POLLIN, 0};
	ssize_t n = poll(&ready, 1, PATIENCE_S * 1000) == 1 ? recv(fd, bytes, sizeof bytes, 0) : 0;
	uint32_t i = n >= MESSAGE_RESPONSE_LEN ? load_le32(bytes + 8) : GREETERS_MAX;
	if (n > MESSAGE_HANDSHAKE_MAX || i >= GREETERS_MAX || i >= count ||
		greeters[i].response_len)
		give_up("no answer", i);
	memcpy(greeters[i].response, bytes, (size_t)n);
	greeters[i].response_len = n;
}

static nanos exchange(const struct addrinfo *to, uint64_t count, uint32_t len)
{
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen))
		give_up("no socket", 0);
	nanos begin = now(CLOCK_MONOTONIC);
	for (uint64_t sent = 0, answered = 0; answered < count;) {
		if (sent < count && sent < answered + WINDOW) {
			if (send(fd, greeters[sent].initiation, len, 0) != (ssize_t)len)
				give_up("cannot send", sent);
			sent++;
		} else {
			take(fd, count);
			answered++;
		}
	}
	return now(CLOCK_MONOTONIC) - begin;
}

void greet(const struct addrinfo *to, const struct public_key *key, uint64_t count,
	const char *key_exchange)
{
	bool is_hybrid = !strcmp(key_exchange, key_exchange_name(KEY_EXCHANGE_HYBRID));
	enum key_exchange kind = is_hybrid ? KEY_EXCHANGE_HYBRID : KEY_EXCHANGE_X25519;
	for (uint64_t i = 0; i < count; i++)
		make(&greeters[i], i, key, kind);
	nanos taken = exchange(to, count, initiation_len(kind));
	for (uint64_t i = 0; i < count; i++) {
		struct greeter *g = &greeters[i];
		struct session_keys keys;
		if (g->response_len != (ssize_t)response_len(kind) ||
			!response_open(&keys, &g->pending, g->response, &g->us, &g->them))
			give_up("a wrong answer", i);
	}
	printf("%.0f\n", (double)count * (double)NANOS_PER_SECOND / (double)taken);
}

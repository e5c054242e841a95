#include "bench/probe/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/bytes.h"
#include "noise/handshake.h"
#include "text/keytext.h"

/*
 * Handshakes per second of a responder. All initiations are made before the clock
 * starts, each valid and of the next of many peers, so that no peer reaches the
 * limit of one, and only WINDOW wait for their responses at a time: neither we nor
 * wireguard-go are then under load, where both ask for cookies and count what comes
 * from one address.
 */
#define WINDOW	  64
#define CHECKED	  64 /* responses that are opened afterwards, to see that they are some */
#define QUIET_MAX 5  /* receive timeouts, 100 ms each, in a row */

struct shaken {
	struct message_initiation initiation;
	struct pending_handshake pending;
	bool is_answered;
};

struct shakes {
	size_t peers, count;
	struct local_identity *us;
	struct remote_identity *them;
	struct shaken *all;
	struct message_response responses[CHECKED];
	size_t answered, strange;
};

static void *allocate(size_t count, size_t size)
{
	void *p = calloc(count, size);
	if (!p)
		probe_give_up("memory");
	return p;
}

/* Prints a [Peer] section for each of the peers that this seed makes. */
void shake_print_peers(char **words)
{
	uint64_t seed = probe_number(words[0]), count = probe_number(words[1]);
	struct rng rng = probe_rng(&seed);
	for (uint64_t i = 0; i < count; i++) {
		struct private_key priv;
		struct public_key pub;
		char text[KEYTEXT_BASE64_LEN + 1];
		private_key_generate(&priv, &rng);
		public_key_derive(&pub, &priv);
		keytext_write_base64(text, pub.bytes);
		printf("[Peer]\nPublicKey = %s\nAllowedIPs = 10.%u.%u.%u/32\n", text,
			128 + (unsigned)(i >> 16), (unsigned)(i >> 8 & 255), (unsigned)(i & 255));
	}
}

static void make_identities(struct shakes *s, const char *key, struct rng *rng)
{
	struct public_key server;
	struct preshared_key none = {{0}};
	if (!keytext_read_base64(server.bytes, key, strlen(key))) {
		fprintf(stderr, "probe: %s is no public key\n", key);
		exit(2);
	}
	for (size_t i = 0; i < s->peers; i++) {
		struct private_key priv;
		private_key_generate(&priv, rng);
		local_identity_init(&s->us[i], &priv);
		if (!remote_identity_init(&s->them[i], &s->us[i], &server, &none))
			probe_give_up(key);
	}
}

/* The stamps of one peer lie 50 ms apart: they only have to grow. */
static void make_initiations(struct shakes *s, const struct rng *rng)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	nanos stamp = (nanos)now.tv_sec * NANOS_PER_SECOND;
	for (size_t i = 0; i < s->count; i++) {
		struct shaken *shaken = &s->all[i];
		size_t peer = i % s->peers;
		nanos later = (nanos)(i / s->peers) * 50 * NANOS_PER_MS;
		struct initiation_terms terms = {.key_exchange = KEY_EXCHANGE_X25519,
			.local_index = (uint32_t)i,
			.stamp = tai64n_from_realtime(stamp + later)};
		if (!initiation_create(&shaken->initiation, &shaken->pending, &s->us[peer],
			    &s->them[peer], &terms, rng))
			probe_give_up("initiation");
	}
}

/* false: nothing came in time */
static bool receive_one(struct shakes *s, int fd)
{
	struct message_response response;
	ssize_t n = recv(fd, &response, sizeof response, 0);
	if (n < 0)
		return false;
	size_t at = load_le32(response.receiver_index);
	if (n != sizeof response || load_le32((uint8_t *)&response) != MESSAGE_RESPONSE ||
		at >= s->count || s->all[at].is_answered) {
		s->strange++;
		return true;
	}
	if (s->answered < CHECKED)
		s->responses[s->answered] = response;
	s->all[at].is_answered = true;
	s->answered++;
	return true;
}

static nanos exchange(struct shakes *s, int fd)
{
	size_t sent = 0, lost = 0;
	int quiet = 0;
	nanos begin = probe_clock(), last = begin;
	while (s->answered + s->strange + lost < s->count && quiet < QUIET_MAX) {
		size_t settled = s->answered + s->strange + lost;
		for (; sent < s->count && sent < settled + WINDOW; sent++)
			if (send(fd, &s->all[sent].initiation, sizeof s->all[sent].initiation, 0) <
				0)
				probe_give_up("send");
		if (receive_one(s, fd)) {
			last = probe_clock();
			quiet = 0;
		} else {
			lost = sent - s->answered - s->strange;
			quiet++;
		}
	}
	return last - begin;
}

static void check_responses(const struct shakes *s)
{
	for (size_t i = 0; i < s->answered && i < CHECKED; i++) {
		size_t at = load_le32(s->responses[i].receiver_index), peer = at % s->peers;
		struct session_keys keys;
		if (response_open(&keys, &s->all[at].pending, &s->responses[i], &s->us[peer],
			    &s->them[peer]))
			continue;
		fprintf(stderr, "probe: a response that does not open\n");
		exit(1);
	}
}

/* Prints: handshakes/s, answered, sent, answers that were no responses. */
void shake_measure(char **words)
{
	struct shakes s = {.peers = probe_number(words[6]), .count = probe_number(words[7])};
	uint64_t seed = probe_number(words[5]);
	struct rng rng = probe_rng(&seed);
	struct sockaddr_in own, server = {.sin_family = AF_INET};
	s.us = allocate(s.peers, sizeof *s.us);
	s.them = allocate(s.peers, sizeof *s.them);
	s.all = allocate(s.count, sizeof *s.all);
	make_identities(&s, words[4], &rng);
	make_initiations(&s, &rng);
	int fd = probe_open(words[0], words[1], &own);
	server.sin_port = htons((uint16_t)probe_number(words[3]));
	if (inet_pton(AF_INET, words[2], &server.sin_addr) != 1 ||
		connect(fd, (struct sockaddr *)&server, sizeof server))
		probe_give_up(words[2]);
	nanos took = exchange(&s, fd);
	check_responses(&s);
	printf("%.0f %zu %zu %zu\n",
		took ? (double)s.answered * (double)NANOS_PER_SECOND / (double)took : 0, s.answered,
		s.count, s.strange);
	free(s.all);
	free(s.them);
	free(s.us);
}

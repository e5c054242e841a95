#include "unit/test.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/narrate.h"
#include "unit/capture.h"
#include "unit/sandbox.h"

#define MINUTE (60 * NANOS_PER_SECOND)

static struct narrator narrator;

/* Peer "AAECAwQF...", at 192.0.2.1:51820. */
static struct event event_of(enum event_kind kind)
{
	struct event event = {
		.kind = kind,
		.has_peer = true,
		.endpoint = {.address = {IP_V4, {192, 0, 2, 1}}, .port = 51820},
	};
	for (uint8_t i = 0; i < DH_LEN; i++)
		event.peer.bytes[i] = i;
	return event;
}

static bool says(const struct event *event, const char *expected)
{
	narrator = (struct narrator){0};
	narrate_event(&narrator, event, 1);
	const char *got = captured();
	if (!strcmp(expected, got))
		return true;
	test_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", expected, got);
	return false;
}

static bool life(void)
{
	REQUIRE(capture_begin("verbose", "wg0"));
	struct event event = event_of(EVENT_SESSION);
	event.count = 1;
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: session established with 192.0.2.1:51820, as "
			     "the responder\n"));
	event.is_initiator = true;
	event.endpoint.address = (struct ip_address){IP_V6, {0x20, 1, 0xd, 0xb8}};
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: session established with [2001:db8::]:51820, "
			     "as the initiator\n"));
	event = event_of(EVENT_KEYS_ERASED);
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: idle, session keys erased\n"));
	event = event_of(EVENT_ENDPOINT_MOVED);
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: is now at 192.0.2.1:51820\n"));

	/* what goes well is for LOG_LEVEL=verbose */
	REQUIRE(capture_begin(NULL, "wg0"));
	const enum event_kind quiet[] = {EVENT_SESSION, EVENT_KEYS_ERASED, EVENT_ENDPOINT_MOVED};
	for (size_t i = 0; i < 3; i++) {
		event = event_of(quiet[i]);
		REQUIRE(says(&event, ""));
	}
	/* but for what somebody waited for */
	event = event_of(EVENT_SESSION);
	event.is_first = true;
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: connected, at 192.0.2.1:51820\n"));
	event.is_first = false;
	event.count = 2;
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: connected, at 192.0.2.1:51820\n"));
	event.is_hybrid = true;
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: connected with x25519+mlkem768, at "
			     "192.0.2.1:51820\n"));
	return true;
}

TEST(narrate_the_life_of_a_session)
{
	sandbox_run_child(life);
}

static bool silence(void)
{
	REQUIRE(capture_begin(NULL, "wg0"));
	struct event event = event_of(EVENT_NO_ANSWER);
	event.count = 3;
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: no answer from 192.0.2.1:51820 to handshake "
			     "initiation 3\n"));
	event.is_answered = true;
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: no valid answer from 192.0.2.1:51820 to "
			     "handshake initiation 3\n"));
	event = event_of(EVENT_NO_ENDPOINT);
	event.endpoint = (struct endpoint){0};
	REQUIRE(says(&event,
		"wg0: peer AAECAwQF...: its endpoint is not known yet: unless a name of it is "
		"being looked up, it has to contact us first\n"));
	event = event_of(EVENT_GAVE_UP);
	static const char gave_up[] =
		"wg0: peer AAECAwQF...: no answer from 192.0.2.1:51820 in 90 s, giving up until "
		"there is something to send: is it running, is the port right and open, does it "
		"know our public key?\n";
	REQUIRE(says(&event, gave_up));
	REQUIRE(capture_begin("error", "wg0"));
	REQUIRE(says(&event, gave_up));
	event.is_answered = true;
	narrate_event(&narrator, &event, 1);
	REQUIRE(strstr(captured(), ": no valid answer from 192.0.2.1:51820 in 90 s, "));
	return true;
}

TEST(narrate_a_peer_that_does_not_answer)
{
	sandbox_run_child(silence);
}

static bool hybrid(void)
{
	struct event event = event_of(EVENT_NO_ANSWER);
	event.is_hybrid = true;
	REQUIRE(capture_begin(NULL, "wg0"));
	for (event.count = 1; event.count <= 5; event.count++) {
		narrator = (struct narrator){0};
		narrate_event(&narrator, &event, 1);
		const char *said = captured();
		REQUIRE(strstr(said, "no answer from 192.0.2.1:51820 to handshake initiation"));
		REQUIRE(!strstr(said, "1376 bytes") == (event.count != 3));
	}
	event.count = 3;
	event.endpoint.address = (struct ip_address){IP_V6, {0x20, 1, 0xd, 0xb8}};
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: no answer from [2001:db8::]:51820 to "
			     "handshake initiation 3\n"
			     "wg0: peer AAECAwQF...: PostQuantum = require, and 3 initiations of "
			     "1396 bytes each, IP header included, are unanswered: does the other "
			     "end run adit with PostQuantum = require too, and does every network "
			     "between carry that size, or its fragments?\n"));
	event.is_hybrid = false;
	narrate_event(&narrator, &event, 1);
	REQUIRE(!strstr(captured(), "bytes each"));
	event = event_of(EVENT_SESSION);
	event.is_hybrid = event.is_initiator = true;
	REQUIRE(capture_begin("verbose", "wg0"));
	REQUIRE(says(&event, "wg0: peer AAECAwQF...: session established with 192.0.2.1:51820, as "
			     "the initiator, x25519+mlkem768\n"));
	return true;
}

TEST(narrate_a_hybrid_peer_that_does_not_answer)
{
	sandbox_run_child(hybrid);
}

static bool refusals(void)
{
	static const struct {
		enum drop_reason reason;
		bool has_peer;
		const char *line;
	} rows[] = {
		{DROP_MAC1, false,
			"initiation from 192.0.2.1:51820 refused: it was made for "
			"another public key than ours"},
		{DROP_UNKNOWN_PEER, false,
			"initiation from 192.0.2.1:51820 refused: its public key, "
			"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=, is not among our peers"},
		{DROP_RESPONSE_FORGED, true,
			"response from 192.0.2.1:51820 refused: it does not "
			"decrypt: do both ends have the same PresharedKey?"},
		{DROP_RESPONSE_UNEXPECTED, false,
			"response from 192.0.2.1:51820 refused: "
			"response: no handshake waits for it"},
		{DROP_NO_KEY, false,
			"initiation from 192.0.2.1:51820 refused: this interface has "
			"no private key"},
		{DROP_INITIATION_RATE, true,
			"initiation from 192.0.2.1:51820 refused: "
			"initiation: over 50 a second from this peer"},
		{DROP_CLASSICAL, true,
			"initiation from 192.0.2.1:51820 refused: it is x25519 alone, and "
			"PostQuantum is \"require\" here: it must be at the other end too, which "
			"must be adit"},
		{DROP_HYBRID, true,
			"initiation from 192.0.2.1:51820 refused: it is post-quantum, and "
			"PostQuantum is \"off\" here: expected the same at both ends"},
	};
	REQUIRE(capture_begin(NULL, "wg0"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char expected[512];
		struct event event = event_of(EVENT_REFUSED);
		event.has_peer = rows[i].has_peer;
		event.reason = rows[i].reason;
		snprintf(expected, sizeof expected, "wg0: %shandshake %s\n",
			rows[i].has_peer ? "peer AAECAwQF...: " : "", rows[i].line);
		REQUIRE(says(&event, expected));
	}
	return true;
}

TEST(narrate_why_a_handshake_was_refused)
{
	sandbox_run_child(refusals);
}

/* Row 10: whose clock is wrong can only be told with both stamps. */
static bool stale_stamps(void)
{
	struct event event = event_of(EVENT_REFUSED);
	event.reason = DROP_STALE_STAMP;
	event.latest_stamp = tai64n_from_realtime(UINT64_C(1795181130) * NANOS_PER_SECOND);
	event.stamp = tai64n_from_realtime(7 * NANOS_PER_SECOND + 520 * NANOS_PER_MS);
	REQUIRE(capture_begin(NULL, "wg0"));
	REQUIRE(says(&event,
		"wg0: peer AAECAwQF...: handshake initiation from 192.0.2.1:51820 refused: its "
		"time, 1970-01-01 00:00:07.503 UTC, is not after that of the last one, 2026-11-20 "
		"13:25:30.000 UTC: an old message sent again, or the peer's clock was set back; "
		"then it is refused until its clock is past that, or the peer is removed here and "
		"added again\n"));
	event.stamp = event.latest_stamp;
	REQUIRE(says(&event,
		"wg0: peer AAECAwQF...: handshake initiation from 192.0.2.1:51820 refused: its "
		"time, 2026-11-20 13:25:30.000 UTC, is not after that of the last one, 2026-11-20 "
		"13:25:30.000 UTC: the same message once more\n"));
	return true;
}

TEST(narrate_both_stamps_row_10)
{
	sandbox_run_child(stale_stamps);
}

static size_t lines(void)
{
	size_t count = 0;
	for (const char *c = captured(); *c; c++)
		count += *c == '\n';
	return count;
}

/* A flood of `count` refusals at one moment; how many lines that made. */
static size_t flood(uint32_t count, nanos boottime)
{
	struct event event = event_of(EVENT_REFUSED);
	for (uint32_t i = 0; i < count; i++)
		narrate_event(&narrator, &event, boottime);
	return lines();
}

static bool limit(void)
{
	const nanos start = 1000 * NANOS_PER_SECOND;
	struct event event = event_of(EVENT_REFUSED);
	REQUIRE(capture_begin(NULL, "wg0"));
	narrator = (struct narrator){0};
	REQUIRE(flood(NARRATE_LINES_PER_MINUTE, start) == NARRATE_LINES_PER_MINUTE);
	REQUIRE(flood(50, start) == 0);
	REQUIRE(flood(50, start + MINUTE - 1) == 0);
	/* who does not answer has a share of its own */
	struct event no_answer = event_of(EVENT_NO_ANSWER);
	narrate_event(&narrator, &no_answer, start);
	REQUIRE(lines() == 1);
	/* the other two that are limited share the count */
	event.kind = EVENT_NO_ENDPOINT;
	narrate_event(&narrator, &event, start);
	narrate_send_error(&narrator, &event.peer, &event.endpoint, -ENETUNREACH, start);
	REQUIRE(lines() == 0);

	narrate_event(&narrator, &event, start + MINUTE);
	const char *text = captured();
	REQUIRE(!strncmp(text, "wg0: 102 more such messages in the last minutes\n", 48));
	REQUIRE(strchr(text + 48, '\n') == text + strlen(text) - 1);
	REQUIRE(flood(100, start + MINUTE) == NARRATE_LINES_PER_MINUTE - 1);
	return true;
}

TEST(narrate_is_held_to_so_many_lines_a_minute)
{
	sandbox_run_child(limit);
}

/* Two processors may differ by a microsecond: that is no new minute. */
static bool time_goes_back(void)
{
	const nanos start = 1000 * NANOS_PER_SECOND;
	REQUIRE(capture_begin(NULL, "wg0"));
	narrator = (struct narrator){.strangers.minute_began = start, .peers.minute_began = start};
	REQUIRE(flood(NARRATE_LINES_PER_MINUTE + 1, start) == NARRATE_LINES_PER_MINUTE);
	REQUIRE(flood(1, start - 1000) == 0);
	REQUIRE(flood(1, start + MINUTE) == 2);
	return true;
}

TEST(narrate_holds_its_limit_when_time_goes_back)
{
	sandbox_run_child(time_goes_back);
}

static size_t repeat(enum event_kind kind, uint32_t count)
{
	struct event event = event_of(kind);
	for (uint32_t i = 0; i < count; i++)
		narrate_event(&narrator, &event, 1);
	return lines();
}

/* A thousand peers that are off: each kind of line has its share, and takes none of another's. */
static bool many_silent_peers(void)
{
	REQUIRE(capture_begin(NULL, "wg0"));
	narrator = (struct narrator){0};
	REQUIRE(repeat(EVENT_NO_ANSWER, 1000) == NARRATE_LINES_PER_MINUTE);
	REQUIRE(repeat(EVENT_GAVE_UP, 1000) == NARRATE_LINES_PER_MINUTE);
	REQUIRE(repeat(EVENT_REFUSED, 1000) == NARRATE_LINES_PER_MINUTE);
	REQUIRE(repeat(EVENT_SESSION, 1) == 0); /* verbose */
	struct event event = event_of(EVENT_GAVE_UP);
	narrate_event(&narrator, &event, MINUTE + 1);
	REQUIRE(strstr(captured(), "980 more such messages"));
	return true;
}

TEST(narrate_is_held_to_so_many_lines_about_silent_peers)
{
	sandbox_run_child(many_silent_peers);
}

/* An event of which nothing can be read but its kind: what is kept back is not composed. */
static bool not_composed(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(pages != MAP_FAILED && !mprotect(pages + page, page, PROT_NONE));
	struct event *event = (void *)(pages + page - 8);
	const struct endpoint *endpoint = (void *)(pages + page);
	const struct public_key *peer = (void *)(pages + page);
	event->kind = EVENT_NO_ENDPOINT;
	REQUIRE(capture_begin(NULL, "wg0"));
	narrator = (struct narrator){.peers.lines = NARRATE_LINES_PER_MINUTE};
	narrate_event(&narrator, event, 1);
	narrate_send_error(&narrator, peer, endpoint, -ENETUNREACH, 1);
	REQUIRE(narrator.peers.suppressed == 2);
	event->kind = EVENT_ENDPOINT_MOVED; /* for LOG_LEVEL=verbose */
	narrate_event(&narrator, event, 1);
	return lines() == 0;
}

TEST(narrate_composes_nothing_that_is_kept_back)
{
	sandbox_run_child(not_composed);
}

static bool send_error(void)
{
	struct event event = event_of(EVENT_REFUSED);
	REQUIRE(capture_begin(NULL, "wg0"));
	narrator = (struct narrator){0};
	narrate_send_error(&narrator, &event.peer, &event.endpoint, -ENETUNREACH, 1);
	REQUIRE(!strcmp("wg0: peer AAECAwQF...: cannot send to 192.0.2.1:51820: Network is "
			"unreachable\n",
		captured()));
	return true;
}

TEST(narrate_what_the_kernel_would_not_send)
{
	sandbox_run_child(send_error);
}

static bool demotion(void)
{
	struct event event = event_of(EVENT_REFUSED);
	REQUIRE(capture_begin(NULL, "wg0"));
	narrator = (struct narrator){0};
	narrate_demotion(&narrator, &event.peer, &event.endpoint, 1452, -EMSGSIZE, 1);
	REQUIRE(!strcmp("wg0: peer AAECAwQF...: packets to 192.0.2.1:51820 go one by one now, "
			"which costs more time: the way there does not take their 1480 bytes in "
			"one piece (Message too long); a lower MTU of the interface avoids that\n",
		captured()));
	event.endpoint.address = (struct ip_address){IP_V6, {0xfd, [15] = 1}};
	narrate_demotion(&narrator, &event.peer, &event.endpoint, 1452, -EINVAL, 1);
	REQUIRE(strstr(captured(), " 1500 bytes "));
	narrate_demotion(&narrator, &event.peer, &event.endpoint, 1452, -EIO, 1);
	REQUIRE(!strcmp("wg0: peer AAECAwQF...: the device on the way to [fd00::1]:51820 cannot "
			"cut bursts into packets, which go one by one now and cost more time: it "
			"computes no checksums (ethtool -k), or uses IPsec\n",
		captured()));
	for (int i = 0; i < 2 * NARRATE_LINES_PER_MINUTE; i++)
		narrate_demotion(&narrator, &event.peer, &event.endpoint, 1452, -EIO, 1);
	REQUIRE(narrator.peers.suppressed > 0);
	return true;
}

TEST(narrate_what_goes_one_by_one)
{
	sandbox_run_child(demotion);
}

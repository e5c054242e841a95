#include "manage/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/process.h"
#include "manage/netlink.h"
#include "unit/sandbox.h"

static struct process child;
static struct resolver resolver;

static bool begin(void)
{
	resolver = (struct resolver){0};
	REQUIRE(process_start(&child, "resolver", resolver_run, NULL, NULL, 0) == 0);
	resolver.channel = child.channel;
	return true;
}

static bool resolve(const char *host, const char *port, struct from_resolver *answer)
{
	uint32_t id;
	REQUIRE(resolver_ask(&resolver, host, port, &id) == 0);
	REQUIRE(channel_wait(resolver.channel, POLLIN) == 0);
	REQUIRE(resolver_answer(&resolver, answer) == 1);
	REQUIRE(answer->id == id);
	return true;
}

static bool numbers(void)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct from_resolver a;
	struct netlink n;
	struct ip_prefix v4 = {.address = {.family = IP_V4, .bytes = {10, 1, 1, 1}}, .len = 32};
	REQUIRE(netlink_open(&n) == 0 && netlink_address_add(&n, 1, &v4) == 0);
	REQUIRE(begin());
	REQUIRE(resolve("192.0.2.1", "51820", &a));
	REQUIRE(a.error == 0 && a.count == 1);
	REQUIRE(a.endpoints[0].address.family == IP_V4 && a.endpoints[0].port == 51820);
	REQUIRE(!memcmp(a.endpoints[0].address.bytes, "\xc0\x00\x02\x01", 4));
	REQUIRE(a.endpoints[0].scope_id == 0);
	/* Also where there are IPv4 addresses only, as in this namespace. */
	REQUIRE(resolve("2001:db8::1", "1", &a));
	REQUIRE(a.error == 0 && a.count == 1);
	REQUIRE(a.endpoints[0].address.family == IP_V6 && a.endpoints[0].port == 1);
	REQUIRE(!memcmp(a.endpoints[0].address.bytes, v6, sizeof(v6)));
	REQUIRE(resolve("fe80::1%lo", "2", &a));
	REQUIRE(a.error == 0 && a.count == 1 && a.endpoints[0].scope_id == 1);
	return process_finish(&child) == 0;
}

TEST(resolver_reads_numbers)
{
	sandbox_run(numbers);
}

static bool names(void)
{
	struct from_resolver a;
	REQUIRE(begin());
	REQUIRE(resolve("localhost", "51820", &a));
	REQUIRE(a.error == 0 && a.count >= 1 && a.count <= 2);
	for (uint32_t i = 0; i < a.count; i++) {
		const uint8_t *bytes = a.endpoints[i].address.bytes;
		REQUIRE(a.endpoints[i].port == 51820);
		REQUIRE(a.endpoints[i].address.family == IP_V4 ? bytes[0] == 127 : bytes[15] == 1);
	}
	return process_finish(&child) == 0;
}

TEST(resolver_knows_localhost)
{
	sandbox_run(names);
}

static bool failures(void)
{
	static const struct {
		const char *host, *port;
	} rows[] = {{"", "1"}, {"256.1.1.1.invalid", "1"}, {"192.0.2.1", "no-such-service"},
		{"192.0.2.1", "-"}};
	struct from_resolver a;
	char long_host[MESSAGES_HOST_MAX + 1] = {0};
	uint32_t id = 99;
	REQUIRE(begin());
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		REQUIRE(resolve(rows[i].host, rows[i].port, &a));
		REQUIRE(a.error != 0 && a.count == 0);
	}
	memset(long_host, 'a', MESSAGES_HOST_MAX);
	REQUIRE(resolver_ask(&resolver, long_host, "1", &id) == -ENAMETOOLONG && id == 99);
	long_host[MESSAGES_HOST_MAX - 1] = 0;
	REQUIRE(resolve(long_host, "1", &a) && a.error != 0);
	REQUIRE(resolver_answer(&resolver, &a) == -EAGAIN);
	return process_finish(&child) == 0;
}

TEST(resolver_says_what_cannot_be_resolved)
{
	sandbox_run(failures);
}

/* Until the channel is full, then again: all answers come, in order. */
static bool many(void)
{
	struct from_resolver a;
	uint32_t id, asked = 0, answered = 0;
	REQUIRE(begin());
	while (answered < 2000) {
		int error = asked < 2000 ? resolver_ask(&resolver, "192.0.2.1", "1", &id) : -EAGAIN;
		if (!error) {
			REQUIRE(id == ++asked);
			continue;
		}
		REQUIRE(error == -EAGAIN);
		REQUIRE(channel_wait(resolver.channel, POLLIN) == 0);
		REQUIRE(resolver_answer(&resolver, &a) == 1 && a.id == ++answered);
	}
	return process_finish(&child) == 0;
}

TEST(resolver_answers_in_order_however_many)
{
	sandbox_run_child(many);
}

/* A resolver that somebody else has taken over. */
static bool forged_answers(void)
{
	struct from_resolver a,
		forged = {.kind = FROM_RESOLVER_RESOLVED, .id = 1, .error = EAI_NONAME};
	int ends[2];
	uint32_t id;
	REQUIRE(channel_pair(ends) == 0);
	resolver = (struct resolver){.channel = ends[0]};
	/* Nothing was asked. */
	REQUIRE(channel_send(ends[1], &forged, sizeof(forged), NULL, 0) == 0);
	REQUIRE(resolver_answer(&resolver, &a) == -EPROTO);
	REQUIRE(resolver_ask(&resolver, "192.0.2.1", "1", &id) == 0 && id == 1);
	/* Another question's, a wrong kind, a count beyond the array, an uninvited descriptor. */
	struct from_resolver bad[] = {forged, forged, forged};
	bad[0].id = 2;
	bad[1].kind = 7;
	bad[2].count = MESSAGES_ENDPOINTS_MAX + 1;
	for (size_t i = 0; i < 3; i++) {
		REQUIRE(channel_send(ends[1], &bad[i], sizeof(forged), NULL, 0) == 0);
		REQUIRE(resolver_answer(&resolver, &a) == -EPROTO);
	}
	unsigned before = open_fd_count();
	REQUIRE(channel_send(ends[1], &forged, sizeof(forged), ends, 1) == 0);
	REQUIRE(resolver_answer(&resolver, &a) == -EPROTO);
	REQUIRE(open_fd_count() == before);
	/* The right one, once. */
	for (int i = 0; i < 2; i++)
		REQUIRE(channel_send(ends[1], &forged, sizeof(forged), NULL, 0) == 0);
	REQUIRE(resolver_answer(&resolver, &a) == 1 && a.error == EAI_NONAME);
	REQUIRE(resolver_answer(&resolver, &a) == -EPROTO);
	close(ends[1]);
	REQUIRE(resolver_answer(&resolver, &a) == 0);
	REQUIRE(resolver_ask(&resolver, "192.0.2.1", "1", &id) == -EPIPE);
	return true;
}

TEST(resolver_answers_are_not_believed_unasked)
{
	sandbox_run_child(forged_answers);
}

/* The child ends by itself, whatever it is told. */
static bool bad_question(void)
{
	struct to_resolver bad = {.kind = 9, .id = 1};
	REQUIRE(begin());
	REQUIRE(channel_send(child.channel, &bad, sizeof(bad), NULL, 0) == 0);
	REQUIRE(process_finish(&child) == 1);
	REQUIRE(begin());
	REQUIRE(channel_send(child.channel, &bad, 5, NULL, 0) == 0);
	REQUIRE(process_finish(&child) == 1);
	REQUIRE(begin());
	return process_finish(&child) == 0;
}

TEST(resolver_ends_at_a_bad_question_and_with_its_channel)
{
	sandbox_run_child(bad_question);
}

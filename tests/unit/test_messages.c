#include "unit/test.h"

#include "io/messages.h"

#define V4                                                                                         \
	{                                                                                          \
		{IP_V4, {0}}, 0                                                                    \
	}
#define V6                                                                                         \
	{                                                                                          \
		{IP_V6, {0}}, 0                                                                    \
	}

TEST(messages_to_engine)
{
#define USUAL                                                                                      \
	{                                                                                          \
		.tx_queue_len = 1                                                                  \
	}

	static const struct {
		struct to_engine message;
		size_t fd_count;
		bool is_valid;
	} rows[] = {
		{{.kind = 0}, 0, false},
		{{.kind = TO_ENGINE_PING + 1}, 0, false},
		{{.kind = UINT32_MAX}, 0, false},
		{{.kind = TO_ENGINE_START, .start = {.mtu = 65535, .tuning = USUAL}}, 1, true},
		{{.kind = TO_ENGINE_START, .start = {.mtu = 65536, .tuning = USUAL}}, 1, false},
		{{.kind = TO_ENGINE_START, .start = {.mtu = 1420, .tuning = USUAL}}, 0, false},
		{{.kind = TO_ENGINE_START, .start = {.mtu = 1420, .tuning = USUAL}}, 2, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.count = 1, .places = {V4}}}, 1, true},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.count = 1, .places = {V4}}}, 2, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.count = 1, .places = {V4}}}, 0, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.count = 2, .places = {V4, V6}}}, 2, true},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.count = 2, .places = {V4, V6}}}, 1,
			false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.count = 2, .places = {V4}}}, 2, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.count = 1, .places = {{{5, {0}}, 0}}}}, 1,
			false},
		{{.kind = TO_ENGINE_SOCKETS}, 0, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {1, 0, 2, 3, {V4, V6}, 4711}}, 4, true},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {1, 0, 2, 2, {V4, V6}, 4711}}, 3, true},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {1, 0, 2, 4, {V4, V6}, 4711}}, 3, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {1, 0, 2, UINT32_MAX, {V4, V6}, 7}}, 4,
			false},
		{{.kind = TO_ENGINE_SOCKETS,
			 .sockets = {1, 0, 8, 255, {V4, V4, V4, V4, V6, V6, V6, V6}, 7}},
			16, true},
		{{.kind = TO_ENGINE_SOCKETS,
			 .sockets = {1, 0, 9, 255, {V4, V4, V4, V4, V6, V6, V6, V6}, 7}},
			17, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.count = UINT32_MAX}}, 0, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.error = -98}}, 0, true},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.error = -98, .count = 1, .places = {V4}}},
			1, false},
		{{.kind = TO_ENGINE_SOCKETS, .sockets = {.error = -98}}, 1, false},
		{{.kind = TO_ENGINE_CONTROL}, 1, true},
		{{.kind = TO_ENGINE_CONTROL}, 0, false},
		{{.kind = TO_ENGINE_LINK, .link = {.mtu = 0}}, 0, true},
		{{.kind = TO_ENGINE_LINK, .link = {.mtu = 65536}}, 0, false},
		{{.kind = TO_ENGINE_LINK, .link = {.mtu = 1420}}, 1, false},
		{{.kind = TO_ENGINE_START, .start = {.stamps.is_limited = 1, .tuning = USUAL}}, 1,
			true},
		{{.kind = TO_ENGINE_START, .start = {.stamps.is_limited = 2, .tuning = USUAL}}, 1,
			false},
		{{.kind = TO_ENGINE_STAMPS, .stamps = {.is_limited = 1}}, 0, true},
		{{.kind = TO_ENGINE_STAMPS, .stamps = {.is_limited = 2}}, 0, false},
		{{.kind = TO_ENGINE_STAMPS}, 1, false},
		{{.kind = TO_ENGINE_ROUTES}, 0, true},
		{{.kind = TO_ENGINE_ROUTES}, 1, false},
		{{.kind = TO_ENGINE_ROUTES, .sources = {.is_last = 1}}, 0, true},
		{{.kind = TO_ENGINE_ROUTES, .sources = {.is_last = 2}}, 0, false},
		{{.kind = TO_ENGINE_ROUTES, .sources = {.count = 1}}, 0, false},
		{{.kind = TO_ENGINE_PING}, 0, true},
		{{.kind = TO_ENGINE_PING}, 1, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (to_engine_is_valid(&rows[i].message, rows[i].fd_count) != rows[i].is_valid)
			test_fail(__FILE__, __LINE__, "row %zu", i);
}

TEST(messages_to_engine_with_a_tuning)
{
	static const struct {
		struct to_engine message;
		size_t fd_count;
		bool is_valid;
	} rows[] = {
		{{.kind = TO_ENGINE_START, .start = {.tuning = {.tx_queue_len = 0}}}, 1, false},
		{{.kind = TO_ENGINE_TUNING, .tuning = USUAL}, 0, true},
		{{.kind = TO_ENGINE_TUNING, .tuning = USUAL}, 1, false},
		{{.kind = TO_ENGINE_TUNING, .tuning = {1, 4, 64, 10000}}, 0, true},
		{{.kind = TO_ENGINE_TUNING, .tuning = {2, 4, 64, 10000}}, 0, false},
		{{.kind = TO_ENGINE_TUNING, .tuning = {1, 5, 64, 10000}}, 0, false},
		{{.kind = TO_ENGINE_TUNING, .tuning = {1, 4, 65, 10000}}, 0, false},
		{{.kind = TO_ENGINE_TUNING, .tuning = {1, 4, 64, 10001}}, 0, false},
		{{.kind = TO_ENGINE_TUNING, .tuning = {1, 4, 0, 1}}, 0, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (to_engine_is_valid(&rows[i].message, rows[i].fd_count) != rows[i].is_valid)
			test_fail(__FILE__, __LINE__, "row %zu", i);
}

TEST(messages_from_engine)
{
	for (uint32_t kind = 0; kind < 8; kind++) {
		struct from_engine message = {.kind = kind};
		bool is_known = kind >= FROM_ENGINE_NEED_SOCKETS && kind <= FROM_ENGINE_LAST_STAMP;
		CHECK_EQ(is_known, from_engine_is_valid(&message, 0));
		CHECK(!from_engine_is_valid(&message, 1));
	}
}

TEST(messages_sources_are_of_their_endpoints_family)
{
	struct to_engine to = {.kind = TO_ENGINE_ROUTES};
	struct from_engine from = {.kind = FROM_ENGINE_SOURCES};
	const enum ip_family families[] = {IP_NONE, IP_V4, IP_V6, (enum ip_family)5};
	for (int i = 0; i < MESSAGES_SOURCES_MAX; i++)
		to.sources.items[i].endpoint =
			(struct endpoint){.address.family = IP_V6, .source.family = IP_V6};
	for (uint32_t count = 0; count < 20; count++) {
		to.sources.count = count;
		from.sources = to.sources;
		CHECK_EQ(count <= MESSAGES_SOURCES_MAX, to_engine_is_valid(&to, 0));
		CHECK_EQ(count <= MESSAGES_SOURCES_MAX, from_engine_is_valid(&from, 0));
	}
	to.sources.count = 3;
	for (int i = 0; i < 16; i++) {
		struct endpoint *endpoint = &to.sources.items[2].endpoint;
		endpoint->address.family = families[i / 4];
		endpoint->source.family = families[i % 4];
		from.sources = to.sources;
		bool is_valid = i / 4 == i % 4 && i % 4 >= 1 && i % 4 <= 2;
		CHECK_EQ(is_valid, to_engine_is_valid(&to, 0));
		CHECK_EQ(is_valid, from_engine_is_valid(&from, 0));
	}
}

TEST(messages_strings_must_end)
{
	struct to_resolver resolve = {.kind = TO_RESOLVER_RESOLVE};
	CHECK(to_resolver_is_valid(&resolve, 0));
	CHECK(!to_resolver_is_valid(&resolve, 1));
	memset(resolve.host, 'h', sizeof resolve.host - 1);
	memset(resolve.port, '1', sizeof resolve.port - 1);
	CHECK(to_resolver_is_valid(&resolve, 0));
	resolve.host[sizeof resolve.host - 1] = 'h';
	CHECK(!to_resolver_is_valid(&resolve, 0));
	resolve.host[0] = 0;
	resolve.port[sizeof resolve.port - 1] = '1';
	CHECK(!to_resolver_is_valid(&resolve, 0));
	struct to_resolver other = {.kind = TO_RESOLVER_RESOLVE + 1};
	CHECK(!to_resolver_is_valid(&other, 0));

	struct to_hooks run = {.kind = TO_HOOKS_RUN, .phase = HOOK_POST_DOWN};
	memset(run.command, 'c', sizeof run.command - 1);
	CHECK(to_hooks_is_valid(&run, 0));
	CHECK(!to_hooks_is_valid(&run, 1));
	run.command[sizeof run.command - 1] = 'c';
	CHECK(!to_hooks_is_valid(&run, 0));
	run.command[0] = 0;
	CHECK(to_hooks_is_valid(&run, 0));
	run.phase = 0;
	CHECK(!to_hooks_is_valid(&run, 0));
	run.phase = HOOK_POST_DOWN + 1;
	CHECK(!to_hooks_is_valid(&run, 0));
	run = (struct to_hooks){.kind = 0, .phase = HOOK_PRE_UP};
	CHECK(!to_hooks_is_valid(&run, 0));
}

TEST(messages_from_resolver_and_hooks)
{
	struct from_resolver resolved = {.kind = FROM_RESOLVER_RESOLVED};
	for (int i = 0; i < MESSAGES_ENDPOINTS_MAX; i++)
		resolved.endpoints[i].address.family = i % 2 ? IP_V4 : IP_V6;
	for (uint32_t count = 0; count < 10; count++) {
		resolved.count = count;
		resolved.error = 0;
		CHECK_EQ(count >= 1 && count <= 8, from_resolver_is_valid(&resolved, 0));
		CHECK(!from_resolver_is_valid(&resolved, 1));
		resolved.error = -2;
		CHECK_EQ(count == 0, from_resolver_is_valid(&resolved, 0));
	}
	resolved.error = 0;
	resolved.count = UINT32_MAX;
	CHECK(!from_resolver_is_valid(&resolved, 0));
	resolved.count = 2;
	resolved.endpoints[2].address.family = IP_NONE;
	CHECK(from_resolver_is_valid(&resolved, 0));
	resolved.endpoints[1].address.family = IP_NONE;
	CHECK(!from_resolver_is_valid(&resolved, 0));
	resolved.kind = 0;
	CHECK(!from_resolver_is_valid(&resolved, 0));

	struct from_hooks done = {.kind = FROM_HOOKS_DONE, .status = 143};
	CHECK(from_hooks_is_valid(&done, 0));
	CHECK(!from_hooks_is_valid(&done, 1));
	done.kind++;
	CHECK(!from_hooks_is_valid(&done, 0));
}

TEST(messages_to_and_from_dns)
{
	struct to_dns set = {.kind = TO_DNS_SET, .takes_all = 1, .interface = "wg0"};
	CHECK(to_dns_is_valid(&set, 0));
	CHECK(!to_dns_is_valid(&set, 1));
	for (int i = 0; i < MESSAGES_SERVERS_MAX; i++)
		set.servers[i].family = i % 2 ? IP_V4 : IP_V6;
	set.server_count = MESSAGES_SERVERS_MAX;
	CHECK(to_dns_is_valid(&set, 0));
	set.server_count++;
	CHECK(!to_dns_is_valid(&set, 0));
	set.server_count = 3;
	set.servers[3].family = IP_NONE;
	CHECK(to_dns_is_valid(&set, 0));
	set.servers[2].family = IP_NONE;
	CHECK(!to_dns_is_valid(&set, 0));
	set.server_count = 0;
	set.takes_all = 2;
	CHECK(!to_dns_is_valid(&set, 0));
	set.takes_all = 0;
	memset(set.search, 's', sizeof set.search - 1);
	memset(set.interface, 'i', sizeof set.interface - 1);
	CHECK(to_dns_is_valid(&set, 0));
	set.search[sizeof set.search - 1] = 's';
	CHECK(!to_dns_is_valid(&set, 0));
	set.search[0] = 0;
	CHECK(to_dns_is_valid(&set, 0));
	set.interface[sizeof set.interface - 1] = 'i';
	CHECK(!to_dns_is_valid(&set, 0));
	set.interface[0] = 0;
	CHECK(!to_dns_is_valid(&set, 0)); /* no name at all */
	struct to_dns other = {.kind = TO_DNS_SET + 1, .interface = "wg0"};
	CHECK(!to_dns_is_valid(&other, 0));

	struct from_dns done = {.kind = FROM_DNS_DONE, .error = -5};
	memset(done.text, 't', sizeof done.text - 1);
	CHECK(from_dns_is_valid(&done, 0));
	CHECK(!from_dns_is_valid(&done, 1));
	done.text[sizeof done.text - 1] = 't';
	CHECK(!from_dns_is_valid(&done, 0));
	done = (struct from_dns){0};
	CHECK(!from_dns_is_valid(&done, 0));
}

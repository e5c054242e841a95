#include "main/source_check.h"

#include "io/channel.h"
#include "manage/netlink.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

/* The test is the engine; the kernel's routes are those of a box of our own. */
static struct source_check check;
static struct engine_link link_to_engine;
static int engine; /* its end of the channel */
static struct to_engine got;

static bool (*current)(void);

static bool begin(void)
{
	int ends[2];
	struct ip_prefix address = netbox_prefix("10.1.0.1/24");
	REQUIRE(netlink_link_set_no_autoconf(&box.n, box.ifindex) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_address_add(&box.n, box.ifindex, &address) == 0);
	REQUIRE(channel_pair(ends) == 0);
	link_to_engine =
		(struct engine_link){.process = {.channel = ends[0]}, .udp = UDP_NO_SOCKETS};
	engine = ends[1];
	check = (struct source_check){0};
	return current();
}

static void run_check(bool (*body)(void))
{
	current = body;
	netbox_run(begin);
}

static bool hears(void)
{
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	return channel_receive(engine, &got, sizeof got, fds, &fd_count) == 1 &&
	       got.kind == TO_ENGINE_ROUTES && to_engine_is_valid(&got, fd_count);
}

/* The engine tells the first `count` of these, numbered by their ports. */
static bool tells(uint32_t count, bool is_last)
{
	const struct endpoint right = {
		.address = netbox_prefix("10.1.0.9/32").address,
		.source = netbox_prefix("10.1.0.1/32").address,
		.source_ifindex = box.ifindex,
	};
	struct from_engine message = {.kind = FROM_ENGINE_SOURCES};
	enum from_engine_kind kind;
	message.sources.is_last = is_last;
	message.sources.count = count;
	for (uint16_t i = 0; i < count; i++) {
		message.sources.items[i].endpoint = right;
		message.sources.items[i].endpoint.port = i;
		message.sources.items[i].peer.bytes[0] = (uint8_t)i;
	}
	message.sources.items[1].endpoint.source_ifindex++;	 /* it came in elsewhere */
	message.sources.items[2].endpoint.address.bytes[0] = 11; /* no route */
	message.sources.items[3].endpoint.source.bytes[3] = 2;	 /* none of our addresses */
	REQUIRE(channel_send(engine, &message, sizeof message, NULL, 0) == 0);
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == 1 && kind == FROM_ENGINE_SOURCES);
	source_check_continue(&check, &link_to_engine, &box.n);
	return true;
}

static bool walks(void)
{
	source_check_begin(&check, &link_to_engine);
	REQUIRE(hears() && !got.sources.count && !got.sources.is_last);
	REQUIRE(tells(MESSAGES_SOURCES_MAX, false) && hears());
	REQUIRE(got.sources.count == 3 && !got.sources.is_last);
	for (uint8_t i = 0; i < 3; i++) {
		REQUIRE(got.sources.items[i].endpoint.port == i + 1);
		REQUIRE(got.sources.items[i].peer.bytes[0] == i + 1);
	}
	REQUIRE(tells(1, false) && hears() && !got.sources.count && !got.sources.is_last);
	REQUIRE(tells(2, true) && hears() && got.sources.count == 1 && got.sources.is_last);
	REQUIRE(!check.is_under_way);
	/* what nobody asked for is no question either */
	REQUIRE(tells(2, true) && !hears());
	/* all is right: nothing is said */
	source_check_begin(&check, &link_to_engine);
	REQUIRE(hears() && tells(1, true) && !hears() && !check.is_under_way);
	return true;
}

TEST(source_check_names_those_that_are_wrong)
{
	run_check(walks);
}

/* The marks of the sockets count. */
static bool marked(void)
{
	uint32_t other;
	struct ip_prefix all = netbox_prefix("0.0.0.0/0");
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netlink_route_add(&box.n, other, 77, &all) == 0);
	REQUIRE(netbox_rule(&box.n, 0x77, 77) == 0);
	source_check_begin(&check, &link_to_engine);
	REQUIRE(hears() && tells(1, false) && hears() && !got.sources.count);
	link_to_engine.fwmark = 0x77;
	REQUIRE(tells(1, false) && hears() && got.sources.count == 1);
	return true;
}

TEST(source_check_asks_with_the_mark)
{
	run_check(marked);
}

/* A socket that is bound to a device sends by no other, whatever the routes say. */
static bool bound(void)
{
	uint32_t other;
	struct ip_prefix peer = netbox_prefix("10.1.0.9/32"), all = netbox_prefix("0.0.0.0/0");
	struct udp_place *places = link_to_engine.udp.places;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netlink_route_add(&box.n, box.ifindex, 254, &all) == 0);
	REQUIRE(netlink_route_add(&box.n, other, 254, &peer) == 0);
	source_check_begin(&check, &link_to_engine);
	REQUIRE(hears() && tells(1, false) && hears() && got.sources.count == 1);
	places[0] = (struct udp_place){.address.family = IP_V6, .ifindex = other};
	places[1] = (struct udp_place){.address.family = IP_V4, .ifindex = box.ifindex};
	link_to_engine.udp.count = 2;
	REQUIRE(tells(1, false) && hears() && got.sources.count == 0);
	places[1].address = netbox_prefix("10.1.0.1/32").address;
	REQUIRE(tells(1, false) && hears() && got.sources.count == 0);
	places[1].address = netbox_prefix("10.1.0.2/32").address; /* another's */
	REQUIRE(tells(1, false) && hears() && got.sources.count == 1);
	link_to_engine.udp = UDP_NO_SOCKETS;
	return true;
}

TEST(source_check_knows_sockets_that_are_bound_to_a_device)
{
	run_check(bound);
}

static bool other_news(void)
{
	source_check_begin(&check, &link_to_engine);
	REQUIRE(hears());
	source_check_begin(&check, &link_to_engine);
	source_check_begin(&check, &link_to_engine);
	REQUIRE(!hears()); /* one at a time */
	REQUIRE(tells(1, false) && hears() && !got.sources.is_last);
	REQUIRE(tells(1, true) && hears() && !got.sources.is_last); /* and once more */
	REQUIRE(tells(1, true) && !hears() && !check.is_under_way);
	return true;
}

TEST(source_check_begins_anew_after_other_news)
{
	run_check(other_news);
}

#include "unit/test.h"

#include <stdlib.h>

#include "text/reconcile.h"
#include "unit/short_memory.h"

#define ONE   "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define TWO   "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define THREE "AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct change_peer *add(struct change *change, uint8_t i)
{
	struct change_peer *peer = change_add_peer(change, &(struct public_key){{i}});
	if (!peer)
		abort();
	return peer;
}

static void add_ip(struct change_peer *peer, uint8_t byte)
{
	struct ip_prefix prefix = {{IP_V4, {10, byte}}, 16};
	if (!change_peer_add_allowed_ip(peer, &prefix, false))
		abort();
}

static void set_endpoint(struct change_peer *peer, uint8_t byte)
{
	peer->has_endpoint = true;
	peer->endpoint = (struct endpoint){.address = {IP_V4, {192, 0, 2, byte}}, .port = 5};
}

static void fill_before(struct change *change)
{
	change_init(change);
	change->has_private_key = change->has_listen_port = change->has_fwmark = true;
	change->private_key.bytes[0] = 0x48;
	change->listen_port = 51820;
	struct change_peer *peer = add(change, 1);
	set_endpoint(peer, 1);
	peer->has_preshared_key = true;
	peer->preshared_key.bytes[0] = 0x77;
	add_ip(peer, 1);
	add_ip(peer, 2);
	add_ip(peer, 3);
	add_ip(add(change, 2), 4);
}

static void fill_after(struct change *change)
{
	change_init(change);
	change->has_private_key = change->has_listen_port = change->has_fwmark = true;
	change->private_key.bytes[0] = 0x50;
	change->listen_port = 51821;
	change->fwmark = 0xca6c;
	struct change_peer *peer = add(change, 3);
	set_endpoint(peer, 3);
	for (uint8_t i = 3; i < 9; i++)
		add_ip(peer, i);
	peer = add(change, 1);
	set_endpoint(peer, 2);
	peer->has_keepalive = true;
	peer->keepalive_seconds = 25;
	peer->has_preshared_key = true;
	peer->preshared_key.bytes[0] = 0x78;
	add_ip(peer, 1);
	add_ip(peer, 9);
}

/* Below the line for the private key. */
static const char there[] =
	"~ listen port 51820 -> 51821\n"
	"~ fwmark off -> 0xca6c\n"
	"- peer " TWO "\n"
	"+ peer " THREE ", endpoint 192.0.2.3:5, allowed ips 10.3.0.0/16, 10.4.0.0/16, "
	"10.5.0.0/16, 10.6.0.0/16 and 2 more\n"
	"~ allowed ip 10.3.0.0/16: peer " ONE " -> peer " THREE "\n"
	"~ allowed ip 10.4.0.0/16: peer " TWO " -> peer " THREE "\n"
	"~ preshared key of peer " ONE "\n"
	"~ endpoint of peer " ONE ": 192.0.2.1:5 -> 192.0.2.2:5\n"
	"~ persistent keepalive of peer " ONE ": off -> 25 s\n"
	"- allowed ip 10.2.0.0/16 of peer " ONE "\n"
	"+ allowed ip 10.9.0.0/16 of peer " ONE "\n";

TEST(reconcile_render_says_each_difference)
{
	struct change before, after, change;
	struct out out;
	fill_before(&before);
	fill_after(&after);
	out_init(&out, SIZE_MAX);
	CHECK(reconcile(&change, &before, &after));
	reconcile_render(&out, &before, &change);
	const char *text = out_string(&out);
	CHECK(strstr(text, "~ private key, whose public key is "));
	CHECK_STR(there, strchr(text, '\n') + 1);
	CHECK(!out.has_failed);
	out_clear(&out);
	reconcile_render(&out, &after, &(struct change){0});
	CHECK_STR("", out_string(&out));
	out_wipe(&out);
	change_wipe(&change);
	change_wipe(&before);
	change_wipe(&after);
}

TEST(reconcile_render_says_what_comes_and_goes)
{
	struct change with, without, change;
	struct out out;
	fill_before(&with);
	change_init(&without);
	without.has_private_key = true;
	add(&without, 1);
	add(&without, 2);
	out_init(&out, SIZE_MAX);
	CHECK(reconcile(&change, &without, &with));
	reconcile_render(&out, &without, &change);
	CHECK(!strncmp("+ private key, whose public key is ", out_string(&out), 35));
	CHECK_STR("\n~ listen port 0 -> 51820\n"
		  "+ preshared key of peer " ONE "\n"
		  "+ endpoint of peer " ONE ": 192.0.2.1:5\n"
		  "+ allowed ip 10.1.0.0/16 of peer " ONE "\n"
		  "+ allowed ip 10.2.0.0/16 of peer " ONE "\n"
		  "+ allowed ip 10.3.0.0/16 of peer " ONE "\n"
		  "+ allowed ip 10.4.0.0/16 of peer " TWO "\n",
		strchr(out_string(&out), '\n'));
	change_wipe(&change);
	out_clear(&out);
	CHECK(reconcile(&change, &with, &without));
	reconcile_render(&out, &with, &change);
	CHECK(!strncmp("- private key, whose public key is ", out_string(&out), 35));
	CHECK(strstr(out_string(&out), "=\n- preshared key of peer " ONE "\n- allowed ip 10.1."));
	change_wipe(&change);
	change_wipe(&with);
	change_wipe(&without);
	out_wipe(&out);
}

TEST(reconcile_render_without_memory)
{
	struct change before, after, change;
	struct out out;
	char space[4096];
	fill_before(&before);
	fill_after(&after);
	CHECK(reconcile(&change, &before, &after));
	for (size_t n = 1; n <= 2; n++) {
		out_init_fixed(&out, space, sizeof space);
		short_memory_begin(n);
		reconcile_render(&out, &before, &change);
		CHECK(short_memory_end());
		CHECK(out.has_failed);
	}
	change_wipe(&change);
	change_wipe(&before);
	change_wipe(&after);
}

#include "unit/test.h"

#include <stdlib.h>

#include "text/reconcile.h"
#include "text/uapi.h"
#include "text/view_change.h"
#include "unit/short_memory.h"
#include "unit/tunnel.h"

static struct out answer;

static void ask(const struct device *device)
{
	out_init(&answer, SIZE_MAX);
	uapi_format_get(&answer, device, &(struct uapi_link){.listen_port = 7, .fwmark = 9});
}

/* There and back: what a device answers, given to an empty one, makes it answer the same. */
TEST(view_change_describes_the_whole_device)
{
	struct tunnel t;
	struct view view;
	struct change change;
	CHECK(tunnel_init(&t, 720));
	struct change_peer more = {.public_key = {{7}}, .has_keepalive = true};
	more.keepalive_seconds = 25;
	CHECK(end_change_peer(&t.a, &more, &t.now));
	ask(t.a.device);
	CHECK(view_parse(&view, answer.bytes, answer.len) && view_to_change(&change, &view));
	CHECK(change.has_private_key && change.listen_port == 7 && change.fwmark == 9);
	CHECK_MEM(&t.a.private_key, &change.private_key, DH_LEN);
	CHECK_EQ(2, change.peer_count);
	struct end copy;
	CHECK(end_init(&copy, 721, TUNNEL_ARENA, TUNNEL_POOL_MAX));
	CHECK(device_apply(copy.device, &change, &t.now));
	struct out before = answer;
	ask(copy.device);
	struct change again, difference;
	view_wipe(&view);
	CHECK(view_parse(&view, answer.bytes, answer.len) && view_to_change(&again, &view));
	CHECK(reconcile(&difference, &change, &again));
	CHECK_EQ(0, difference.peer_count);
	CHECK(!difference.has_private_key);
	CHECK_EQ(before.len, answer.len);
	out_wipe(&before);
	out_wipe(&answer);
	view_wipe(&view);
	change_wipe(&change);
	change_wipe(&again);
	change_wipe(&difference);
	end_wipe(&copy);
	tunnel_wipe(&t);
}

TEST(view_change_without_memory)
{
	struct tunnel t;
	struct view view;
	struct change change;
	bool has_failed = true;
	CHECK(tunnel_init(&t, 722));
	ask(t.a.device);
	CHECK(view_parse(&view, answer.bytes, answer.len));
	for (size_t n = 1; has_failed; n++) {
		short_memory_begin(n);
		bool ok = view_to_change(&change, &view);
		has_failed = short_memory_end();
		CHECK(ok == !has_failed);
		change_wipe(&change);
	}
	view_wipe(&view);
	out_wipe(&answer);
	tunnel_wipe(&t);
}

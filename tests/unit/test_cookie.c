#include "session/cookie.h"

#include "noise/limits.h"
#include "unit/ends.h"
#include "unit/test.h"

#define T0 (1000 * NANOS_PER_SECOND)

static const struct ip_address address4 = {IP_V4, {192, 0, 2, 1}};

static struct rng some_rng(struct stream *stream)
{
	*stream = (struct stream){.seed = 11};
	return (struct rng){stream_fill, stream};
}

static bool is_same(struct mac_value a, struct mac_value b)
{
	return !memcmp(&a, &b, sizeof a);
}

/* regressions 17: a cookie is for one address and one port */
TEST(cookie_is_of_one_address_and_port)
{
	struct stream stream;
	struct rng rng = some_rng(&stream);
	struct cookie_baker baker;
	cookie_baker_init(&baker);
	struct ip_address other4 = {IP_V4, {192, 0, 2, 2}};
	struct ip_address same_bytes_v6 = {IP_V6, {192, 0, 2, 1}};
	struct mac_value cookie = cookie_bake(&baker, &address4, 4660, T0, &rng);
	CHECK(is_same(cookie, cookie_bake(&baker, &address4, 4660, T0 + 1, &rng)));
	CHECK(!is_same(cookie, cookie_bake(&baker, &address4, 4661, T0, &rng)));
	CHECK(!is_same(
		cookie, cookie_bake(&baker, &address4, 13330, T0, &rng))); /* bytes swapped */
	CHECK(!is_same(cookie, cookie_bake(&baker, &other4, 4660, T0, &rng)));
	CHECK(!is_same(cookie, cookie_bake(&baker, &same_bytes_v6, 4660, T0, &rng)));
}

TEST(cookie_secret_lasts_120_s)
{
	struct stream stream;
	struct rng rng = some_rng(&stream);
	struct cookie_baker baker;
	cookie_baker_init(&baker);
	nanos end = T0 + 120 * NANOS_PER_SECOND;
	struct mac_value first = cookie_bake(&baker, &address4, 1, T0, &rng);
	CHECK(is_same(first, cookie_bake(&baker, &address4, 1, end - 1, &rng)));
	CHECK(!is_same(first, cookie_bake(&baker, &address4, 1, end, &rng)));
}

/* A secret must be drawn even at the very beginning of time. */
TEST(cookie_secret_at_time_zero)
{
	struct stream stream;
	struct rng rng = some_rng(&stream);
	struct cookie_baker a, b;
	cookie_baker_init(&a);
	cookie_baker_init(&b);
	struct mac_value of_a = cookie_bake(&a, &address4, 1, 0, &rng);
	CHECK(!is_same(of_a, cookie_bake(&b, &address4, 1, 0, &rng)));
}

struct jar_test {
	struct stream stream;
	struct rng rng;
	struct macs_keys keys;
	struct cookie_jar jar;
	struct message_initiation msg;
	struct message_cookie_reply reply;
	struct mac_value cookie;
};

/* A message was sent and a reply to it lies ready. */
static void begin(struct jar_test *t)
{
	struct public_key pub = {{1}};
	t->rng = some_rng(&t->stream);
	macs_keys_derive(&t->keys, &pub);
	cookie_jar_init(&t->jar);
	memset(&t->msg, 0x33, sizeof t->msg);
	macs_set_mac1(&t->msg, sizeof t->msg, &t->keys);
	cookie_jar_seal(&t->jar, &t->msg, sizeof t->msg, T0);
	t->cookie = (struct mac_value){{8, 9}};
	struct mac_value mac1 = t->msg.macs.mac1;
	cookie_reply_create(&t->reply, t->msg.sender_index, &mac1, &t->cookie, &t->keys, &t->rng);
}

static bool has_mac2(struct jar_test *t, nanos boottime)
{
	macs_set_mac1(&t->msg, sizeof t->msg, &t->keys);
	cookie_jar_seal(&t->jar, &t->msg, sizeof t->msg, boottime);
	return macs_mac2_is_valid(&t->msg, sizeof t->msg, &t->cookie);
}

/* Who has read the clock a moment earlier may come a moment later. */
TEST(cookie_outlives_time_that_goes_back)
{
	struct jar_test t;
	struct cookie_baker baker;
	begin(&t);
	cookie_baker_init(&baker);
	struct mac_value first = cookie_bake(&baker, &address4, 1, T0, &t.rng);
	CHECK(is_same(first, cookie_bake(&baker, &address4, 1, T0 - 1, &t.rng)));
	CHECK(cookie_jar_take(&t.jar, &t.reply, &t.keys, T0));
	CHECK(has_mac2(&t, T0 - 1));
}

TEST(cookie_is_used_until_115_s)
{
	struct jar_test t;
	begin(&t);
	CHECK(!has_mac2(&t, T0));
	begin(&t);
	CHECK(cookie_jar_take(&t.jar, &t.reply, &t.keys, T0));
	CHECK(has_mac2(&t, T0));
	CHECK(has_mac2(&t, T0 + 115 * NANOS_PER_SECOND - 1));
	CHECK(!has_mac2(&t, T0 + 115 * NANOS_PER_SECOND));
}

TEST(cookie_reply_counts_once_and_for_our_last_message_only)
{
	struct jar_test t;
	begin(&t);
	CHECK(cookie_jar_take(&t.jar, &t.reply, &t.keys, T0));
	CHECK(!cookie_jar_take(&t.jar, &t.reply, &t.keys, T0));
	begin(&t);
	t.msg.sealed_timestamp[0] ^= 1;
	has_mac2(&t, T0); /* another message since */
	CHECK(!cookie_jar_take(&t.jar, &t.reply, &t.keys, T0));
	begin(&t);
	cookie_jar_init(&t.jar); /* nothing was sent */
	CHECK(!cookie_jar_take(&t.jar, &t.reply, &t.keys, T0));
}

/* A forgery neither counts as the one reply nor spoils the cookie that is there. */
TEST(cookie_forged_reply_changes_nothing)
{
	struct jar_test t;
	begin(&t);
	struct message_cookie_reply forged = t.reply;
	forged.sealed_cookie[0] ^= 1;
	for (int i = 0; i < 100; i++)
		CHECK(!cookie_jar_take(&t.jar, &forged, &t.keys, T0));
	CHECK(cookie_jar_take(&t.jar, &t.reply, &t.keys, T0));
	CHECK(has_mac2(&t, T0));
}

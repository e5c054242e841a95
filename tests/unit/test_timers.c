#include "unit/test.h"

#include "peer/timers.h"

#define SECOND NANOS_PER_SECOND
#define T0     (500 * SECOND + 3) /* some boottime */
#define JITTER (REKEY_JITTER_MAX)

static struct timers fresh(void)
{
	struct timers timers;
	timers_init(&timers);
	return timers;
}

/* Nothing a nanosecond before, once at the deadline. */
static bool fires_at(struct timers *timers, enum timer timer, nanos deadline)
{
	return !timers_take_due(timers, timer, deadline - 1) &&
	       timers_take_due(timers, timer, deadline) &&
	       !timers_take_due(timers, timer, NANOS_NEVER);
}

static bool is_silent(const struct timers *timers)
{
	return timers_next(timers) == NANOS_NEVER;
}

TEST(timers_start_disarmed)
{
	struct timers timers = fresh();
	CHECK(is_silent(&timers));
	CHECK(!timers_has_attempt(&timers));
	CHECK(!timers_attempt_is_over(&timers, NANOS_NEVER));
	CHECK(timers_can_initiate(&timers, 0));
	for (int i = 0; i < TIMER_COUNT; i++)
		CHECK(!timers_take_due(&timers, (enum timer)i, NANOS_NEVER));
}

TEST(timers_next_is_the_earliest)
{
	for (int i = 0; i < TIMER_COUNT; i++) {
		struct timers timers = fresh();
		for (int k = 0; k < TIMER_COUNT; k++)
			timers.deadline[k] = T0 + (nanos)k;
		timers.deadline[i] = T0 - 1;
		CHECK_EQ(T0 - 1, timers_next(&timers));
	}
}

TEST(timers_stop_keeps_the_interval_only)
{
	struct timers timers = fresh();
	timers.persistent_interval = 25 * SECOND;
	timers_on_initiation_sent(&timers, T0, 0);
	timers_on_session_derived(&timers, T0);
	timers_on_authentic_sent(&timers, T0);
	timers_on_data_sent(&timers, T0, 0);
	timers_on_data_received(&timers, T0);
	timers_on_data_received(&timers, T0);
	timers_stop(&timers);
	CHECK(is_silent(&timers));
	CHECK(!timers_has_attempt(&timers) && timers_can_initiate(&timers, T0));
	CHECK_EQ(25 * SECOND, timers.persistent_interval);
}

TEST(timers_retry_after_an_initiation)
{
	static const nanos jitters[] = {0, 1, JITTER};
	for (size_t i = 0; i < 3; i++) {
		struct timers timers = fresh();
		timers_on_initiation_sent(&timers, T0, jitters[i]);
		CHECK(timers_has_attempt(&timers));
		CHECK_EQ(T0 + 5 * SECOND + jitters[i], timers_next(&timers));
		CHECK(fires_at(&timers, TIMER_RETRY, T0 + 5 * SECOND + jitters[i]));
		CHECK(timers_has_attempt(&timers));
	}
}

TEST(timers_initiations_keep_their_distance)
{
	struct timers timers = fresh();
	timers_on_initiation_sent(&timers, T0, JITTER);
	CHECK(!timers_can_initiate(&timers, T0));
	CHECK(!timers_can_initiate(&timers, T0 + 5 * SECOND - 1));
	CHECK(timers_can_initiate(&timers, T0 + 5 * SECOND));
	timers_on_attempt_ended(&timers); /* also across attempts */
	CHECK(is_silent(&timers));
	CHECK(!timers_can_initiate(&timers, T0 + 5 * SECOND - 1));
}

/* regressions 3, 11: plays an attempt into a black hole; returns its initiations. */
static int play_attempt(struct timers *timers, nanos began, nanos jitter, nanos *gave_up)
{
	int initiations = 0;
	nanos t = began;
	while (!timers_attempt_is_over(timers, t) && initiations < 100) {
		timers_on_initiation_sent(timers, t, jitter);
		initiations++;
		t = timers_next(timers);
		if (!fires_at(timers, TIMER_RETRY, t))
			return -1;
	}
	*gave_up = t;
	timers_on_attempt_ended(timers);
	return initiations;
}

TEST(timers_attempt_ends_after_90_seconds)
{
	static const struct {
		nanos jitter;
		int initiations;
	} rows[] = {{0, 18}, {1, 18}, {JITTER, 17}};
	for (size_t i = 0; i < 3; i++) {
		struct timers timers = fresh();
		nanos gave_up = 0;
		int initiations = play_attempt(&timers, T0, rows[i].jitter, &gave_up);
		CHECK_EQ(rows[i].initiations, initiations);
		CHECK_EQ(T0 + 90 * SECOND, gave_up);
		CHECK(is_silent(&timers) && !timers_has_attempt(&timers));
	}
}

TEST(timers_attempt_is_over_at_the_deadline)
{
	struct timers timers = fresh();
	timers_on_initiation_sent(&timers, T0, 0);
	timers_on_initiation_sent(&timers, T0 + 89 * SECOND, 0);
	CHECK(!timers_attempt_is_over(&timers, T0 + 90 * SECOND - 1));
	CHECK(timers_attempt_is_over(&timers, T0 + 90 * SECOND));
	CHECK_EQ(T0 + 90 * SECOND, timers_next(&timers));
	timers_on_attempt_ended(&timers);
	CHECK(!timers_attempt_is_over(&timers, T0 + 90 * SECOND));
}

TEST(timers_a_new_attempt_has_its_own_90_seconds)
{
	struct timers timers = fresh();
	nanos gave_up = 0, again = T0 + 1000 * SECOND;
	CHECK(play_attempt(&timers, T0, 0, &gave_up) > 0);
	CHECK(play_attempt(&timers, again, 0, &gave_up) > 0);
	CHECK_EQ(again + 90 * SECOND, gave_up);
}

TEST(timers_postponed_initiation)
{
	struct timers timers = fresh();
	timers_on_initiation_sent(&timers, T0, JITTER);
	timers_on_attempt_ended(&timers);
	timers_on_initiation_postponed(&timers, T0 + SECOND);
	CHECK(timers_has_attempt(&timers));
	CHECK(fires_at(&timers, TIMER_RETRY, T0 + 5 * SECOND));
	CHECK(timers_can_initiate(&timers, T0 + 5 * SECOND));
	CHECK(!timers_attempt_is_over(&timers, T0 + 91 * SECOND - 1));
	CHECK(timers_attempt_is_over(&timers, T0 + 91 * SECOND));
}

TEST(timers_postponed_without_a_reason_is_due_now)
{
	struct timers timers = fresh();
	timers_on_initiation_postponed(&timers, T0);
	CHECK(fires_at(&timers, TIMER_RETRY, T0));

	timers = fresh();
	timers_on_initiation_sent(&timers, T0, 0);
	timers_on_attempt_ended(&timers);
	timers_on_initiation_postponed(&timers, T0 + 7 * SECOND);
	CHECK(fires_at(&timers, TIMER_RETRY, T0 + 7 * SECOND));
}

/* regressions 3: whoever goes on asking does not make the attempt longer */
TEST(timers_postponing_does_not_prolong_an_attempt)
{
	struct timers timers = fresh();
	timers_on_initiation_sent(&timers, T0, JITTER);
	timers_on_initiation_postponed(&timers, T0 + 3 * SECOND);
	CHECK_EQ(T0 + 5 * SECOND + JITTER, timers_next(&timers));
	CHECK(timers_attempt_is_over(&timers, T0 + 90 * SECOND));
}

TEST(timers_keys_are_erased_after_540_seconds)
{
	struct timers timers = fresh();
	timers_on_session_derived(&timers, T0);
	timers_on_session_derived(&timers, T0 + 100 * SECOND); /* from the last one */
	timers_on_authentic_received(&timers, T0 + 200 * SECOND);
	timers_on_authentic_sent(&timers, T0 + 200 * SECOND);
	CHECK(fires_at(&timers, TIMER_ERASE, T0 + 640 * SECOND));
}

/* A response counts for Rekey-Timeout like an initiation [kernel] */
TEST(timers_a_response_delays_our_own_initiation)
{
	struct timers timers = fresh();
	timers_on_response_sent(&timers, T0);
	CHECK(!timers_has_attempt(&timers) && is_silent(&timers));
	CHECK(!timers_can_initiate(&timers, T0 + 5 * SECOND - 1));
	CHECK(timers_can_initiate(&timers, T0 + 5 * SECOND));
}

TEST(timers_new_handshake_when_nothing_comes_back)
{
	struct timers timers = fresh();
	timers_on_data_sent(&timers, T0, JITTER);
	timers_on_data_sent(&timers, T0 + 14 * SECOND, 0); /* does not put it off */
	CHECK(fires_at(&timers, TIMER_NEW_HANDSHAKE, T0 + 15 * SECOND + JITTER));

	timers_on_data_sent(&timers, T0, 0);
	timers_on_authentic_received(&timers, T0 + 1);
	CHECK(is_silent(&timers));
	timers_on_data_sent(&timers, T0 + SECOND, 0);
	CHECK(fires_at(&timers, TIMER_NEW_HANDSHAKE, T0 + 16 * SECOND));
}

TEST(timers_keepalive_when_nothing_goes_out)
{
	struct timers timers = fresh();
	timers_on_data_received(&timers, T0);
	CHECK(fires_at(&timers, TIMER_KEEPALIVE, T0 + 10 * SECOND));
	CHECK(is_silent(&timers));

	timers_on_data_received(&timers, T0);
	timers_on_authentic_sent(&timers, T0 + 1);
	CHECK(is_silent(&timers));
}

TEST(timers_one_keepalive_answers_all_data_before_it)
{
	struct timers timers = fresh();
	timers_on_data_received(&timers, T0);
	timers_on_data_received(&timers, T0 + 9 * SECOND);
	CHECK(fires_at(&timers, TIMER_KEEPALIVE, T0 + 10 * SECOND));
	timers_on_authentic_sent(&timers, T0 + 10 * SECOND);
	CHECK(is_silent(&timers));
	timers_on_data_received(&timers, T0 + 11 * SECOND);
	CHECK(fires_at(&timers, TIMER_KEEPALIVE, T0 + 21 * SECOND));
}

/* regressions 4: a keepalive is answered by nothing */
TEST(timers_keepalives_do_not_play_ping_pong)
{
	struct timers a = fresh(), b = fresh();
	timers_on_data_sent(&a, T0, 0);
	timers_on_authentic_sent(&a, T0);
	timers_on_authentic_received(&b, T0);
	timers_on_data_received(&b, T0);
	CHECK(fires_at(&b, TIMER_KEEPALIVE, T0 + 10 * SECOND));
	timers_on_authentic_sent(&b, T0 + 10 * SECOND);
	timers_on_authentic_received(&a, T0 + 10 * SECOND);
	CHECK(is_silent(&a) && is_silent(&b));
}

TEST(timers_persistent_keepalive)
{
	struct timers timers = fresh();
	timers_on_authentic_sent(&timers, T0);
	timers_on_authentic_received(&timers, T0);
	CHECK(is_silent(&timers)); /* off */
	timers.persistent_interval = 25 * SECOND;
	timers_on_authentic_sent(&timers, T0);
	timers_on_authentic_received(&timers, T0 + 2 * SECOND);
	CHECK(fires_at(&timers, TIMER_PERSISTENT, T0 + 27 * SECOND));
	timers_on_authentic_received(&timers, T0);
	timers_on_authentic_sent(&timers, T0 + 3 * SECOND);
	CHECK(fires_at(&timers, TIMER_PERSISTENT, T0 + 28 * SECOND));
	timers_on_authentic_sent(&timers, T0);
	timers.persistent_interval = 0;
	timers_on_authentic_sent(&timers, T0 + 3 * SECOND);
	CHECK(is_silent(&timers));
}

/* A deadline past the end of time is one that is not armed, not one in the past. */
TEST(timers_do_not_wrap)
{
	struct timers timers = fresh();
	nanos late = NANOS_NEVER - SECOND;
	timers.persistent_interval = 25 * SECOND;
	timers_on_initiation_sent(&timers, late, JITTER);
	timers_on_session_derived(&timers, late);
	timers_on_data_sent(&timers, late, JITTER);
	timers_on_data_received(&timers, late);
	timers_on_authentic_sent(&timers, late);
	CHECK(is_silent(&timers));
}

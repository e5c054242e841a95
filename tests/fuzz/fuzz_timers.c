/*
 * The timers under any order of events, against a history: what each deadline is
 * follows from when the events were. What is due is done as the device does it.
 */
#include "fuzz/fuzz.h"

#include "peer/timers.h"

#define STEPS_MAX 1000
#define SECOND	  NANOS_PER_SECOND
#define NEVER	  NANOS_NEVER

struct world {
	struct timers timers;
	nanos now;
	/* History: when it was last, or NEVER. */
	nanos initiation, initiation_jitter, response, session;
	nanos attempt;			 /* its beginning */
	nanos postponed_to;		 /* its first initiation; NEVER: that has gone out */
	nanos data_in;			 /* the first that nothing sent has followed */
	nanos data_out, data_out_jitter; /* the first that nothing received has followed */
	nanos authentic;		 /* either way */
};

static nanos read_jitter(struct input *in)
{
	return input_u16(in) * (REKEY_JITTER_MAX / UINT16_MAX);
}

/* ---------------------------------------------------------------- events */

static void on_authentic_sent(struct world *w)
{
	timers_on_authentic_sent(&w->timers, w->now);
	w->data_in = NEVER;
	w->authentic = w->now;
}

static void on_authentic_received(struct world *w)
{
	timers_on_authentic_received(&w->timers, w->now);
	w->data_out = NEVER;
	w->authentic = w->now;
}

static void send_initiation(struct world *w, struct input *in)
{
	REQUIRE(w->initiation == NEVER || w->now - w->initiation >= 5 * SECOND);
	REQUIRE(w->attempt == NEVER || w->now - w->attempt < 90 * SECOND);
	w->initiation_jitter = read_jitter(in);
	timers_on_initiation_sent(&w->timers, w->now, w->initiation_jitter);
	w->initiation = w->now;
	w->postponed_to = NEVER;
	if (w->attempt == NEVER)
		w->attempt = w->now;
	on_authentic_sent(w);
}

/* Whatever is the later of the last initiation and response. */
static nanos last_handshake(const struct world *w)
{
	if (w->initiation == NEVER || w->response == NEVER)
		return w->initiation == NEVER ? w->response : w->initiation;
	return w->initiation > w->response ? w->initiation : w->response;
}

static bool can_initiate(const struct world *w)
{
	nanos last = last_handshake(w);
	return last == NEVER || w->now >= last + 5 * SECOND;
}

static void send_response(struct world *w)
{
	timers_on_response_sent(&w->timers, w->now);
	w->response = w->now;
	on_authentic_sent(w);
}

static void begin_attempt(struct world *w, struct input *in)
{
	if (timers_has_attempt(&w->timers)) {
		timers_on_initiation_postponed(&w->timers, w->now); /* means nothing */
		return;
	}
	REQUIRE(timers_can_initiate(&w->timers, w->now) == can_initiate(w));
	if (can_initiate(w)) {
		send_initiation(w, in);
	} else {
		timers_on_initiation_postponed(&w->timers, w->now);
		w->attempt = w->now;
		w->postponed_to = last_handshake(w) + 5 * SECOND;
	}
}

static void end_attempt(struct world *w)
{
	timers_on_attempt_ended(&w->timers);
	w->attempt = w->postponed_to = NEVER;
}

static void derive_session(struct world *w)
{
	timers_on_session_derived(&w->timers, w->now);
	on_authentic_received(w);
	end_attempt(w);
	w->session = w->now;
}

static void send_data(struct world *w, struct input *in)
{
	nanos jitter = read_jitter(in);
	on_authentic_sent(w);
	timers_on_data_sent(&w->timers, w->now, jitter);
	if (w->data_out != NEVER)
		return;
	w->data_out = w->now;
	w->data_out_jitter = jitter;
}

static void receive_data(struct world *w)
{
	on_authentic_received(w);
	timers_on_data_received(&w->timers, w->now);
	if (w->data_in == NEVER)
		w->data_in = w->now;
}

/* ---------------------------------------------------------------- what is due */

static void fire(struct world *w, enum timer timer, struct input *in)
{
	switch (timer) {
	case TIMER_RETRY:
		if (timers_attempt_is_over(&w->timers, w->now))
			end_attempt(w);
		else
			send_initiation(w, in);
		break;
	case TIMER_KEEPALIVE: on_authentic_sent(w); break;
	case TIMER_NEW_HANDSHAKE:
		w->data_out = NEVER;
		begin_attempt(w, in);
		break;
	case TIMER_ERASE: w->session = NEVER; break;
	default: on_authentic_sent(w);
	}
}

static void tick(struct world *w, struct input *in)
{
	for (enum timer timer = 0; timer < TIMER_COUNT; timer++) {
		if (!timers_take_due(&w->timers, timer, w->now))
			continue;
		REQUIRE(w->timers.deadline[timer] == NEVER);
		fire(w, timer, in);
	}
	REQUIRE(timers_next(&w->timers) > w->now);
}

/* ---------------------------------------------------------------- what follows from the history */

static nanos after(nanos event, nanos delay)
{
	return event == NEVER ? NEVER : event + delay;
}

static nanos retry_deadline(const struct world *w)
{
	if (w->attempt == NEVER)
		return NEVER;
	if (w->postponed_to != NEVER)
		return w->postponed_to;
	nanos end = w->attempt + 90 * SECOND;
	nanos retry = w->initiation + 5 * SECOND + w->initiation_jitter;
	return retry < end ? retry : end;
}

static void check(const struct world *w)
{
	nanos interval = w->timers.persistent_interval;
	nanos expected[TIMER_COUNT] = {
		[TIMER_RETRY] = retry_deadline(w),
		[TIMER_KEEPALIVE] = after(w->data_in, 10 * SECOND),
		[TIMER_NEW_HANDSHAKE] = after(w->data_out, 15 * SECOND + w->data_out_jitter),
		[TIMER_ERASE] = after(w->session, 540 * SECOND),
		[TIMER_PERSISTENT] = interval ? after(w->authentic, interval) : NEVER,
	};
	nanos next = NEVER;
	for (int i = 0; i < TIMER_COUNT; i++) {
		REQUIRE(w->timers.deadline[i] == expected[i]);
		next = expected[i] < next ? expected[i] : next;
	}
	REQUIRE(timers_next(&w->timers) == next);
	REQUIRE(timers_has_attempt(&w->timers) == (w->attempt != NEVER));
	REQUIRE(timers_can_initiate(&w->timers, w->now) == can_initiate(w));
}

/* To a deadline or a nanosecond before, or by any time. */
static void pass_time(struct world *w, struct input *in)
{
	nanos next = timers_next(&w->timers);
	uint8_t kind = input_u8(in);
	if (kind < 128 && next != NEVER)
		w->now = next - (kind & 1 && next > w->now);
	else
		w->now += (kind & 1 ? SECOND : 7919) * input_u16(in);
}

static void step(struct world *w, struct input *in)
{
	switch (input_u8(in) % 11) {
	case 0: begin_attempt(w, in); break;
	case 1: derive_session(w); break;
	case 2: end_attempt(w); break;
	case 3: send_data(w, in); break;
	case 4: receive_data(w); break;
	case 5: on_authentic_sent(w); break;
	case 6: on_authentic_received(w); break;
	case 7: send_response(w); break;
	case 8:
		timers_stop(&w->timers);
		w->initiation = w->response = w->session = w->attempt = NEVER;
		w->data_in = w->data_out = w->authentic = NEVER;
		break;
	case 9: /* it takes effect with the next authentic packet */
		w->timers.persistent_interval = input_u16(in) * SECOND;
		on_authentic_sent(w);
		break;
	default: pass_time(w, in);
	}
}

FUZZ(timers)
{
	struct world w = {.now = input_u16(in) * SECOND};
	timers_init(&w.timers);
	w.initiation = w.response = w.session = w.attempt = w.postponed_to = NEVER;
	w.data_in = w.data_out = w.authentic = NEVER;
	for (int i = 0; i < STEPS_MAX && in->len; i++) {
		step(&w, in);
		if (timers_next(&w.timers) <= w.now)
			tick(&w, in);
		check(&w);
	}
}

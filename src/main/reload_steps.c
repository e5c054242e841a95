#include "main/reload_steps.h"

#include <errno.h>
#include <string.h>

#include "io/clock.h"
#include "main/default_route.h"
#include "main/relink.h"
#include "main/wishes.h"
#include "manage/link_rules.h"

#define WAITS 1 /* of a step: reload_steps_on_answer will be called */

static const struct change *change_of(const struct reload_steps *s)
{
	return s->is_back ? &s->plan->back : &s->plan->forward;
}

static const struct conf *target_of(const struct reload_steps *s)
{
	return s->is_back ? s->old : s->new;
}

static int give(struct reload_steps *s, const struct change *change)
{
	int error = reload_feed_change(s->feed, change);
	return error ? error : WAITS;
}

static int give_mark(struct reload_steps *s)
{
	struct change mark = {.has_fwmark = true, .fwmark = change_of(s)->fwmark};
	return give(s, &mark);
}

/*
 * Until the link follows its rules know the old mark only, and would send packets with
 * the new one into the tunnel. Without this some are lost, which stops no reload.
 */
static void begin_to_pass(struct reload_steps *s, uint32_t mark)
{
	uint32_t in_force = link_mark(s->link);
	if (!in_force || in_force == mark || s->passing)
		return;
	s->passing = mark;
	link_rules_pass(s->netlink, mark);
}

static void end_passing(struct reload_steps *s)
{
	if (s->passing)
		link_rules_pass_no_more(s->netlink, s->passing);
	s->passing = 0;
}

/* ---- the steps: 0: over, WAITS, or -errno */

static int set_mark(struct reload_steps *s)
{
	const struct change *change = change_of(s);
	bool was_touched = s->is_done[RELOAD_STEP_MARK] || s->is_done[RELOAD_STEP_ENGINE];
	if (!change->has_fwmark || !change->fwmark || (s->is_back && !was_touched))
		return 0;
	begin_to_pass(s, change->fwmark);
	return give_mark(s);
}

/* It is set back in its usual place, whenever it was set. */
static int set_link(struct reload_steps *s)
{
	char why[LINK_WHY_MAX];
	struct out ignored;
	enum reload_step way_there = s->is_link_late ? RELOAD_STEP_LATE_LINK : RELOAD_STEP_LINK;
	if (s->step != (s->is_back ? RELOAD_STEP_LINK : way_there))
		return 0;
	if (s->is_back && !s->is_done[way_there]) {
		end_passing(s); /* the engine has the old mark again */
		return 0;
	}
	out_init(&ignored, SIZE_MAX);
	int error = relink(
		s->link, s->netlink, target_of(s), s->is_back ? &ignored : &s->plan->lines, why);
	out_wipe(&ignored);
	if (!error || s->is_back)
		end_passing(s);
	if (error)
		reload_voice_remark(s->voice, "%s%s",
			s->is_back ? "the interface could not be set back: " : "", why);
	return error;
}

static bool is_same_listen(const struct conf_link *a, const struct conf_link *b)
{
	if (a->listen_count != b->listen_count || strcmp(a->bind_device, b->bind_device))
		return false;
	for (size_t i = 0; i < a->listen_count; i++)
		if (!ip_address_is_equal(&a->listens[i].address, &b->listens[i].address) ||
			strcmp(a->listens[i].zone, b->listens[i].zone))
			return false;
	return true;
}

/*
 * At the port that there is. With another port, new sockets at once at the new places
 * are the engine's step: those places at the old port may be somebody else's.
 */
static int set_listen(struct reload_steps *s)
{
	struct udp_wishes wishes;
	if (is_same_listen(&s->old->link, &s->new->link) ||
		(s->is_back && !s->is_done[RELOAD_STEP_LISTEN]))
		return 0;
	wishes_listen(&wishes, &target_of(s)->link);
	if (!change_of(s)->has_listen_port)
		return engine_link_listen(s->feed->engine, &wishes);
	s->feed->engine->wishes = wishes;
	return 0;
}

/* What can change while it runs; the lines say of the rest when it counts. */
static int set_tuning(struct reload_steps *s)
{
	const struct tuning *from = &(s->is_back ? s->new : s->old)->tuning;
	const struct tuning *to = &target_of(s)->tuning;
	int error = 0;
	if (s->is_back && !s->is_done[RELOAD_STEP_TUNING])
		return 0;
	if (s->link->ifindex && from->tx_queue_len != to->tx_queue_len)
		error = netlink_link_set_queue_len(s->netlink, s->link->ifindex, to->tx_queue_len);
	if (!error && from->offload != to->offload)
		error = engine_link_tell_tuning(s->feed->engine, to);
	return error;
}

static int change_engine(struct reload_steps *s)
{
	const struct change *change = change_of(s);
	if (s->is_back && !s->is_done[RELOAD_STEP_ENGINE])
		return s->is_done[RELOAD_STEP_MARK] && change->has_fwmark ? give_mark(s) : 0;
	return reload_plan_is_empty(change) ? 0 : give(s, change);
}

static int follow_names(struct reload_steps *s)
{
	if (s->is_back && !s->is_done[RELOAD_STEP_NAMES])
		return 0;
	if (s->is_back && names_add_all(&s->plan->names, s->old))
		reload_voice_remark(
			s->voice, "no memory: names of endpoints are not looked up any more");
	reload_plan_follow_names(s->plan, s->names, change_of(s));
	s->on_news(s->context);
	return 0;
}

static int await_names(struct reload_steps *s)
{
	if (s->is_back || !s->is_link_late || names_state(s->names) == NAMES_KNOWN)
		return 0;
	s->due = nanos_add(clock_read().boottime, DEFAULT_ROUTE_PATIENCE);
	s->on_news(s->context);
	return WAITS; /* reload_steps_look goes on */
}

/* An attempt that failed has taken away what was set, so it counts as done. */
static int set_servers(struct reload_steps *s)
{
	bool is_same = !s->is_back && reload_servers_are_same(s->old, s->new);
	if (is_same || !s->link->ifindex || (s->is_back && !s->is_done[RELOAD_STEP_SERVERS]))
		return 0;
	s->is_done[RELOAD_STEP_SERVERS] = true;
	int set = reload_servers_set(s->servers, target_of(s), s->interface, s->names);
	s->on_news(s->context); /* they may wait for names, but not for ever */
	return set;
}

static int run_step(struct reload_steps *s)
{
	switch (s->step) {
	case RELOAD_STEP_MARK: return set_mark(s);
	case RELOAD_STEP_LINK:
	case RELOAD_STEP_LATE_LINK: return set_link(s);
	case RELOAD_STEP_LISTEN: return set_listen(s);
	case RELOAD_STEP_TUNING: return set_tuning(s);
	case RELOAD_STEP_ENGINE: return change_engine(s);
	case RELOAD_STEP_NAMES: return follow_names(s);
	case RELOAD_STEP_AWAIT_NAMES: return await_names(s);
	case RELOAD_STEP_SERVERS: return set_servers(s);
	case RELOAD_STEP_END: break;
	}
	return 0;
}

/* ---- from one to the next */

/* Of the link's failure its own words are said already. */
static void complain(const struct reload_steps *s, int error)
{
	const struct change *change = change_of(s);
	bool is_engine = s->step == RELOAD_STEP_MARK || s->step == RELOAD_STEP_ENGINE;
	bool is_port = error == EADDRINUSE || error == EACCES;
	if (s->step == RELOAD_STEP_LISTEN)
		reload_voice_remark(s->voice, "it cannot listen there: %s; the log tells more",
			strerror(error));
	else if (s->step == RELOAD_STEP_TUNING)
		reload_voice_remark(
			s->voice, "the transmit queue cannot be that long: %s", strerror(error));
	else if (s->step == RELOAD_STEP_SERVERS)
		reload_voice_remark(
			s->voice, "the name servers could not be set; the log tells why");
	else if (is_engine && s->is_back)
		reload_voice_remark(
			s->voice, "the engine could not be set back: %s", strerror(error));
	else if (is_engine && is_port && change->has_listen_port)
		reload_voice_remark(s->voice, "cannot listen on UDP port %u: %s",
			change->listen_port, strerror(error));
	else if (is_engine)
		reload_voice_remark(s->voice, "the engine refused the change: %s", strerror(error));
}

/* There, a failure is the beginning of the way back; back, what can be done is done. */
static void on_failure(struct reload_steps *s, int error)
{
	complain(s, error);
	if (s->is_back) {
		s->has_trouble = true;
		s->step++;
	} else {
		s->is_back = true;
		s->step = RELOAD_STEP_MARK;
	}
}

static void on_success(struct reload_steps *s)
{
	/* the way there alone decides what there is to undo */
	s->is_done[s->step] |= !s->is_back && s->step != RELOAD_STEP_SERVERS;
	s->step++;
}

/* Not re-entered: whatever answers at once only moves s->step. */
static void go(struct reload_steps *s)
{
	int result = 0;
	if (s->is_running)
		return;
	s->is_running = true;
	while (s->step != RELOAD_STEP_END && (result = run_step(s)) != WAITS)
		if (result)
			on_failure(s, -result);
		else
			on_success(s);
	s->is_running = false;
	if (s->step == RELOAD_STEP_END)
		s->on_end(s->context, !s->is_back);
}

void reload_steps_begin(struct reload_steps *s, struct reload_plan *plan, const struct conf *old,
	const struct conf *new, const char *interface)
{
	s->plan = plan;
	s->old = old;
	s->new = new;
	s->interface = interface;
	s->step = RELOAD_STEP_MARK;
	s->is_back = s->has_trouble = false;
	s->due = NANOS_NEVER;
	s->is_link_late = s->link->ifindex && !link_mark(s->link) && plan->names.count &&
			  default_route_is_wanted(new);
	memset(s->is_done, 0, sizeof s->is_done);
	go(s);
}

void reload_steps_undo(struct reload_steps *s, const struct conf *old, const struct conf *new)
{
	s->old = old;
	s->new = new;
	s->step = RELOAD_STEP_MARK;
	s->is_back = true;
	s->has_trouble = false;
	go(s);
}

void reload_steps_abandon(struct reload_steps *s)
{
	end_passing(s);
}

void reload_steps_on_answer(struct reload_steps *s, int error)
{
	if (error)
		on_failure(s, error);
	else
		on_success(s);
	go(s);
}

void reload_steps_look(struct reload_steps *s, nanos boottime)
{
	if (!s->plan || s->step != RELOAD_STEP_AWAIT_NAMES || s->is_running)
		return;
	bool is_known = names_state(s->names) == NAMES_KNOWN;
	if (!is_known && !nanos_is_due(s->due, boottime))
		return;
	if (!is_known)
		reload_voice_remark(s->voice,
			"the default route moves although not all endpoints are known: their names "
			"can be looked up only if the main table leads to a name server");
	s->due = NANOS_NEVER;
	s->on_news(s->context);
	reload_steps_on_answer(s, 0);
}

bool reload_steps_await_servers(const struct reload_steps *s)
{
	return s->plan && s->step == RELOAD_STEP_SERVERS && !s->is_running;
}

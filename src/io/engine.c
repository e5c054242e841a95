#include "io/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "device/device.h"
#include "io/arena.h"
#include "io/channel.h"
#include "io/clients.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "io/handover.h"
#include "io/haul.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/messages.h"
#include "io/pump.h"
#include "io/sources.h"
#include "io/tuner.h"
#include "text/uapi.h"

#define SECRETS_MAX ((size_t)64 << 20) /* bytes of address space: 100,000 peers */
#define BURSTS_MAX  ((size_t)32 << 20) /* bytes of packets under way */
#define STAGED_MAX  ((size_t)8 << 20)  /* bytes of packets that wait for a handshake */

_Static_assert(TICKETS_MAX *HAUL_BURSTS *BURST_LARGE < BURSTS_MAX / 4 * 3,
	"with all that workers have in hand there is some left to read into");

#define OTHER_FDS_MAX 48 /* descriptors beside those of clients */
#define CLIENTS_MIN   2	 /* the supervisor, and somebody */

struct engine {
	struct loop loop;
	struct arena arena;
	struct secret_arena secrets;
	struct burst_pool pool;
	struct device *device;
	struct pump pump;
	struct clients clients;
	struct uapi_get get; /* the answer that is being written */
	struct watch channel;
	bool is_up;	      /* the link */
	uint16_t listen_port; /* configured; 0: any */
	uint16_t last_port;   /* bound last: "any" keeps it from one up to the next; 0: none */
	uint32_t fwmark;
	uint32_t request_id; /* of the last NEED_SOCKETS */
	/* A set operation that waits for sockets; empty and NULL: none does. */
	struct change change;
	struct device_plan *plan;
	struct sources_walk sources;
	nanos stamps_low; /* when stamps are past it, a new limit is asked for */
	struct tuner tuner;
	bool is_waiting_for_stamps;
	bool has_failed;
};

/* ---- link and sockets */

static void tell_supervisor(struct engine *e, const struct from_engine *message)
{
	int error = channel_send(e->channel.fd, message, sizeof *message, NULL, 0);
	if (error) {
		log_error("the supervisor does not listen: %s", strerror(-error));
		loop_stop(&e->loop);
	}
}

/* Bound, else configured. */
static uint16_t present_port(const struct engine *e)
{
	return pump_has_sockets(&e->pump) ? e->pump.udp.port : e->listen_port;
}

/* To bind next, where no change says otherwise. */
static uint16_t next_port(const struct engine *e)
{
	return e->listen_port ? e->listen_port : e->last_port;
}

/* As the set that waits wants them, else as they were. Makes an earlier request void. */
static void request_sockets(struct engine *e)
{
	const struct change *change = &e->change;
	struct from_engine message = {
		.kind = FROM_ENGINE_NEED_SOCKETS,
		.need_sockets =
			{
				.request_id = ++e->request_id,
				.fwmark = change->has_fwmark ? change->fwmark : e->fwmark,
				.port = change->has_listen_port ? change->listen_port
								: next_port(e),
			},
	};
	tell_supervisor(e, &message);
}

/* The device is up when the link is and there are sockets to send through. */
static void settle_link(struct engine *e)
{
	struct now now = clock_read();
	device_set_link(e->device, e->is_up && pump_has_sockets(&e->pump), &now);
	pump_run(&e->pump, &now);
}

/* ---- stamps */

/* More are asked for when half of them is used: so that hardly a handshake waits for a disk. */
static void take_stamps(struct engine *e, const struct message_stamps *stamps)
{
	struct now now = clock_read();
	nanos sent = tai64n_to_realtime(device_sent_stamp(e->device));
	nanos first = sent > now.realtime ? sent : now.realtime;
	nanos last = tai64n_to_realtime(&stamps->limit);
	struct tai64n limit = stamps->limit;
	e->is_waiting_for_stamps = false;
	e->stamps_low = last > first ? first + (last - first) / 2 : first;
	if (!stamps->is_limited) {
		e->stamps_low = NANOS_NEVER;
		memset(&limit, 0xff, sizeof limit);
	}
	device_grant_stamps(e->device, &limit, &now);
	pump_run(&e->pump, &now);
}

static void on_run(void *context)
{
	struct engine *e = context;
	struct from_engine message = {
		.kind = FROM_ENGINE_NEED_STAMPS,
		.sent_stamp = *device_sent_stamp(e->device),
	};
	bool are_few = tai64n_to_realtime(&message.sent_stamp) > e->stamps_low;
	if (e->is_waiting_for_stamps || (!are_few && !device_wants_stamps(e->device)))
		return;
	e->is_waiting_for_stamps = true;
	tell_supervisor(e, &message);
}

/* Nobody may listen any more. */
static void tell_last_stamp(struct engine *e)
{
	struct from_engine message = {
		.kind = FROM_ENGINE_LAST_STAMP,
		.sent_stamp = *device_sent_stamp(e->device),
	};
	channel_send(e->channel.fd, &message, sizeof message, NULL, 0);
}

/* ---- control */

/* In parts, for a long answer must not hold up packets; clients.h keeps changes out. */
static int on_get(void *context, struct out *answer)
{
	struct engine *e = context;
	struct uapi_link link = {.listen_port = present_port(e), .fwmark = e->fwmark};
	if (!answer->len)
		e->get = (struct uapi_get){0};
	return uapi_format_get_part(answer, e->device, &link, &e->get) ? 0 : CLIENTS_LATER;
}

/*
 * Whether the change is for sockets other than those that are open. A link that is
 * up without any has asked for some and has no answer yet, or could not get them:
 * then any port is a reason to ask again.
 */
static bool needs_sockets(const struct engine *e, const struct change *change)
{
	bool is_other_mark = change->has_fwmark && change->fwmark != e->fwmark;
	bool is_other_port = change->has_listen_port && change->listen_port != e->listen_port &&
			     change->listen_port != e->pump.udp.port;
	if (!pump_has_sockets(&e->pump))
		return e->is_up && (change->has_listen_port || is_other_mark);
	return is_other_port || is_other_mark;
}

static void commit(struct engine *e, struct device_plan *plan, const struct change *change)
{
	struct now now = clock_read();
	if (change->has_listen_port)
		e->listen_port = change->listen_port;
	if (change->has_fwmark)
		e->fwmark = change->fwmark;
	device_commit(e->device, plan, change, &now);
	pump_run(&e->pump, &now);
}

/* What needs sockets is prepared, waits for them, and is then committed. */
static int on_set(void *context, struct change *change)
{
	struct engine *e = context;
	struct device_plan *plan = device_prepare(e->device, change);
	if (!plan)
		return ENOMEM;
	if (!needs_sockets(e, change)) {
		commit(e, plan, change);
		return 0;
	}
	e->plan = plan;
	e->change = *change;
	change_init(change);
	request_sockets(e);
	return CLIENTS_LATER;
}

static void finish_set(struct engine *e, int error)
{
	if (error)
		device_discard(e->device, e->plan);
	else
		commit(e, e->plan, &e->change);
	e->plan = NULL;
	change_wipe(&e->change);
	clients_answer_set(&e->clients, error);
}

/* ---- the supervisor's messages */

/* What waits for sockets needs none any more; those on their way come too late. */
static void close_sockets(struct engine *e)
{
	pump_close_sockets(&e->pump);
	e->request_id++;
	if (e->plan)
		finish_set(e, 0);
}

static void on_link(struct engine *e, const struct to_engine *message)
{
	e->is_up = message->link.is_up;
	device_set_mtu(e->device, message->link.mtu);
	if (!e->is_up)
		close_sockets(e);
	else if (!pump_has_sockets(&e->pump))
		request_sockets(e);
	settle_link(e);
}

static void on_sockets(struct engine *e, const struct to_engine *message, const int *fds)
{
	int error = message->sockets.error;
	uint32_t id = message->sockets.request_id;
	struct udp_sockets udp;
	handover_take(&udp, message, fds);
	if (id != e->request_id) {
		udp_close(&udp); /* an answer to a question that is out of date */
		return;
	}
	if (error == -EADDRINUSE && !e->plan && e->last_port && !e->listen_port) {
		e->last_port = 0; /* somebody took it while we were down: then another */
		request_sockets(e);
		return;
	}
	if (!error)
		error = pump_use_sockets(&e->pump, &udp);
	if (!error) {
		e->last_port = udp.port;
		tuner_say(&e->tuner);
	}
	if (e->plan)
		finish_set(e, -error);
	settle_link(e);
}

static void on_start(struct engine *e, const struct to_engine *message, int tun)
{
	device_set_mtu(e->device, message->start.mtu);
	device_set_stamp_floor(e->device, &message->start.stamp_floor);
	take_stamps(e, &message->start.stamps);
	if (pump_use_tun(&e->pump, tun))
		loop_stop(&e->loop);
	tuner_begin(&e->tuner, &message->start.tuning);
}

/*
 * One message for one: so neither queue fills, however many peers there are. What
 * could not be bound before perhaps can be now.
 */
static void on_routes(struct engine *e, const struct message_sources *wrong)
{
	struct from_engine message = {.kind = FROM_ENGINE_SOURCES};
	sources_forget(e->device, wrong);
	if (wrong->is_last)
		return;
	if (!e->sources.has_begun && e->is_up && !e->plan && !pump_has_sockets(&e->pump))
		request_sockets(e);
	sources_collect(&e->sources, e->device, &message.sources);
	tell_supervisor(e, &message);
}

static void handle(struct engine *e, const struct to_engine *message, const int *fds)
{
	struct from_engine answer = {.kind = FROM_ENGINE_PONG, .pong.id = message->ping.id};
	switch ((enum to_engine_kind)message->kind) {
	case TO_ENGINE_START: on_start(e, message, fds[0]); break;
	case TO_ENGINE_SOCKETS: on_sockets(e, message, fds); break;
	case TO_ENGINE_CONTROL: clients_add(&e->clients, fds[0], message->control.is_own); break;
	case TO_ENGINE_LINK: on_link(e, message); break;
	case TO_ENGINE_ROUTES: on_routes(e, &message->sources); break;
	case TO_ENGINE_TUNING: tuner_change(&e->tuner, &message->tuning); break;
	case TO_ENGINE_STAMPS: take_stamps(e, &message->stamps); break;
	case TO_ENGINE_PING: tell_supervisor(e, &answer); break;
	}
}

static void on_channel(void *context, uint32_t events)
{
	struct engine *e = context;
	struct to_engine message;
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	int got = channel_receive(e->channel.fd, &message, sizeof message, fds, &fd_count);
	(void)events;
	if (got == -EAGAIN)
		return;
	if (got == 1 && to_engine_is_valid(&message, fd_count)) {
		handle(e, &message, fds);
		return;
	}
	if (got == 1)
		channel_close_fds(fds, fd_count);
	if (got == 0)
		tell_last_stamp(e);
	e->has_failed = got != 0;
	loop_stop(&e->loop);
}

/* ---- life */

/* A descriptor that there is no room for breaks the channel it comes over, so there always is. */
static int open_clients(struct engine *e)
{
	struct rlimit limit;
	int error = clients_init(&e->clients, &e->loop);
	e->clients.on_get = on_get;
	e->clients.on_set = on_set;
	e->clients.context = e;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= CLIENTS_MAX + OTHER_FDS_MAX)
		return error;
	e->clients.max = CLIENTS_MIN;
	if (limit.rlim_cur > OTHER_FDS_MAX + CLIENTS_MIN)
		e->clients.max = (size_t)(limit.rlim_cur - OTHER_FDS_MAX);
	return error;
}

static int open_all(struct engine *e, int channel)
{
	int error = arena_map(&e->arena, SECRETS_MAX);
	if (error)
		return error;
	if (e->arena.lock_error)
		log_info("keys cannot be kept out of swap: %s (LimitMEMLOCK)",
			strerror(-e->arena.lock_error));
	secret_arena_init(&e->secrets, e->arena.base, e->arena.len);
	burst_pool_init(&e->pool, BURSTS_MAX);
	struct device_setup setup = {&e->secrets, &e->pool, entropy_rng(), STAGED_MAX};
	e->device = device_create(&setup);
	if (!e->device)
		return -ENOMEM;
	error = loop_init(&e->loop);
	if (error)
		return error;
	pump_init(&e->pump, &e->loop, &e->pool, e->device);
	tuner_init(&e->tuner, &e->pump);
	e->pump.on_run = on_run;
	e->pump.context = e;
	e->stamps_low = NANOS_NEVER;
	error = open_clients(e);
	e->channel = (struct watch){channel, on_channel, e};
	return error ? error : loop_add(&e->loop, &e->channel, EPOLLIN);
}

static void close_all(struct engine *e)
{
	clients_wipe(&e->clients);
	if (e->plan)
		device_discard(e->device, e->plan);
	change_wipe(&e->change);
	pump_wipe(&e->pump);
	device_destroy(e->device);
	burst_pool_wipe(&e->pool);
	loop_wipe(&e->loop);
	arena_unmap(&e->arena);
}

int engine_run(int channel, void *context)
{
	static struct engine engine; /* watches must not move; too large for a stack */
	struct engine *e = &engine;
	(void)context;
	*e = (struct engine){0};
	int error = open_all(e, channel);
	if (!error)
		error = loop_run(&e->loop);
	if (error)
		log_error("the engine cannot run: %s", strerror(-error));
	if (!error)
		close_all(e);
	return error || e->has_failed;
}

#include "io/pump.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/haul.h"
#include "io/log.h"
#include "io/tun.h"

#define DRAIN_TURNS 32 /* with HAUL_UDP_BYTES each: all that a socket's queue holds */

/* ---- packets */

/*
 * Segments of a packet that was read already wait for no other packet: a TUN can always
 * be written to, so that this wakes us.
 */
static void watch_tun(struct pump *p, bool pause)
{
	uint32_t events = segment_is_done(&p->packets.rest) ? EPOLLIN : EPOLLIN | EPOLLOUT;
	if (pause)
		events = 0;
	if (p->tun_events == events || p->tun.fd < 0)
		return;
	p->tun_events = events;
	loop_modify(p->loop, &p->tun, events);
}

static struct watch *watch_of(struct pump *p, int fd)
{
	struct pump_port *port = p->ports;
	while (port->watch.fd != fd)
		port++;
	return &port->watch;
}

/*
 * Bursts that wait for a full socket may be all that there is memory for. Then nothing
 * can be read until some have gone: what is ready would wake us again and again.
 */
static void watch_udp(struct pump *p, bool pause)
{
	uint32_t events = pause ? 0 : EPOLLIN;
	if (p->udp_events == events)
		return;
	p->udp_events = events;
	for (uint32_t i = 0; i < 2 * p->udp.count; i++) {
		bool is_full = p->blocked.burst && p->udp.all[i] == p->progress.full;
		uint32_t writing = is_full ? EPOLLOUT : 0;
		if (p->udp.all[i] >= 0)
			loop_modify(p->loop, &p->ports[i].watch, events | writing);
	}
}

/* Sends one burst, as far as the socket takes it. false: the rest is `blocked`. */
static bool send_burst(struct pump *p, const struct device_send *send)
{
	if (outlet_send(&p->outlet, &p->udp, send, &p->narrator, &p->progress) == -EAGAIN) {
		p->blocked = *send;
		loop_modify(p->loop, watch_of(p, p->progress.full), p->udp_events | EPOLLOUT);
		return false;
	}
	if (p->progress.source_failed)
		device_on_send_error(p->device, &send->peer);
	if (p->progress.refused) {
		device_count_drop(p->device, DROP_SEND_ERROR, p->progress.refused);
		if (device_find_peer(p->device, &send->peer)) /* no cookie for a stranger */
			narrate_send_error(&p->narrator, &send->peer, &send->to, p->progress.error,
				clock_read().boottime);
	}
	burst_pool_put(p->pool, send->burst);
	p->progress = (struct udp_progress){0};
	return true;
}

/* true when everything has gone */
static bool flush_sends(struct pump *p)
{
	struct device_send send;
	if (p->blocked.burst)
		return false;
	while (device_take_send(p->device, &send))
		if (!send_burst(p, &send))
			return false;
	return true;
}

static void flush_inner(struct pump *p, const struct now *now)
{
	struct burst *first = NULL, **end = &first;
	while ((*end = device_take_inner(p->device)))
		end = &(*end)->next;
	uint32_t refused = first ? tun_write_bursts(&p->packets, first, now->boottime) : 0;
	if (refused)
		device_count_drop(p->device, DROP_TUN_ERROR, refused);
	while (first) {
		struct burst *next = first->next;
		burst_pool_put(p->pool, first);
		first = next;
	}
}

/* ---- jobs */

/* All that the device has to do, as far as it fits; NULL: it has nothing, or all are out. */
static struct ticket *take_ticket(struct pump *p)
{
	struct ticket *ticket = tickets_next(&p->tickets);
	struct job *job;
	if (!ticket)
		return NULL;
	while (ticket->count < TICKET_JOBS_MAX && (job = device_take_job(p->device)))
		ticket->jobs[ticket->count++] = job;
	if (!ticket->count)
		return NULL;
	tickets_take(&p->tickets);
	return ticket;
}

/* In the order of the tickets; those behind one that is not done are left to who has it. */
static void finish_tickets(struct pump *p, const struct now *now)
{
	bool were_out = tickets_are_out(&p->tickets);
	struct ticket *ticket;
	while ((ticket = tickets_done(&p->tickets))) {
		for (size_t i = 0; i < ticket->count; i++)
			device_put_job(p->device, ticket->jobs[i], now);
		tickets_put(&p->tickets);
	}
	if (were_out)
		crew_make_room(&p->crew);
}

/*
 * What is left because all tickets are out is run by who puts the next one back. The
 * others go on meanwhile: nothing that was looked up before is valid afterwards.
 */
static void run_jobs(struct pump *p, struct now *now)
{
	struct ticket *ticket;
	while ((ticket = take_ticket(p))) {
		crew_unlock(&p->crew);
		job_run_batch(ticket->jobs, ticket->count);
		crew_lock(&p->crew);
		ticket->is_done = true;
		if (p->crew.count)
			*now = clock_read(); /* others have finished something since */
		finish_tickets(p, now);
	}
}

/* Takes every output of the device after an input. */
void pump_run(struct pump *p, const struct now *begin)
{
	struct now now = *begin;
	struct event event;
	run_jobs(p, &now);
	watch_tun(p, !flush_sends(p));
	flush_inner(p, &now);
	watch_udp(p, p->blocked.burst && burst_pool_is_short(p->pool));
	while (device_take_event(p->device, &event))
		narrate_event(&p->narrator, &event, now.boottime);
	if (p->on_run)
		p->on_run(p->context);
	loop_set_deadline(p->loop, device_deadline(p->device));
}

/* ---- shares */

static bool handshakes_may_run(struct pump *p)
{
	return shares_let_handshakes(&p->shares, p->loop->turn, p->tickets.count > 0);
}

static void charge_handshakes(struct pump *p, const struct now *begin)
{
	shares_charge_handshakes(&p->shares, nanos_since(clock_read().boottime, begin->boottime));
}

/* The clock is asked only where something is owed. */
static void credit_data(struct pump *p, const struct now *begin)
{
	nanos spent = p->shares.owed ? nanos_since(clock_read().boottime, begin->boottime) : 0;
	shares_credit_data(&p->shares, p->loop->turn, spent);
}

/* Timers, and a turn of the handshakes that wait, unless data comes first. */
static void on_deadline(void *context)
{
	struct pump *p = context;
	struct now now = clock_read();
	bool has_handshakes = device_deadline(p->device) == 0;
	bool may_run = has_handshakes && handshakes_may_run(p);
	if (may_run || !has_handshakes)
		device_tick(p->device, &now);
	else
		device_fire_timers(p->device, &now);
	pump_run(p, &now);
	if (may_run)
		charge_handshakes(p, &now);
}

/* ---- into the device */

static void close_tun(struct pump *p)
{
	if (p->tun.fd < 0)
		return;
	loop_remove(p->loop, &p->tun);
	close(p->tun.fd);
	p->tun.fd = p->packets.fd = -1;
}

/* A deleted device is no failure: the supervisor hears of it too, and decides. */
static void give_up_tun(struct pump *p, int error)
{
	close_tun(p);
	if (error == -EBADFD)
		return;
	log_error("cannot read from the interface: %s", strerror(-error));
	loop_stop(p->loop);
}

/* What is read now must find a ticket: else it would be sealed late, and more be read. */
static struct haul begin_turn(struct pump *p, struct now *now)
{
	while (tickets_are_out(&p->tickets))
		crew_await_room(&p->crew);
	*now = clock_read();
	return (struct haul){.device = p->device, .pool = p->pool, .now = now};
}

static void on_tun(void *context, uint32_t events)
{
	struct pump *p = context;
	struct now now;
	struct haul haul = begin_turn(p, &now);
	if (!p->tun_events && !(events & (EPOLLERR | EPOLLHUP)))
		return; /* by a worker, since it was ready; that it is gone is told all the same */
	int error = haul_tun(&haul, &p->packets);
	if (!error)
		crew_engage(&p->crew);
	else if (error != -EAGAIN && error != -ENOMEM)
		give_up_tun(p, error);
	pump_run(p, &now);
	credit_data(p, &now);
}

static void send_blocked(struct pump *p, struct watch *watch)
{
	struct device_send send = p->blocked;
	p->blocked.burst = NULL;
	loop_modify(p->loop, watch, p->udp_events);
	send_burst(p, &send);
}

static void on_udp(void *context, uint32_t events)
{
	struct pump_port *port = context;
	struct pump *p = port->pump;
	struct now now;
	bool has_handshakes = port->is_for_handshakes;
	if (has_handshakes && !handshakes_may_run(p))
		return;
	struct haul haul = begin_turn(p, &now);
	if (events & EPOLLOUT && p->blocked.burst)
		send_blocked(p, &port->watch);
	if (!haul_udp(&haul, port->watch.fd, has_handshakes) && !has_handshakes)
		crew_engage(&p->crew);
	pump_run(p, &now);
	if (has_handshakes)
		charge_handshakes(p, &now);
	else
		credit_data(p, &now);
}

/* ---- workers */

/* Number 0 is the TUN, the others are the data sockets. */
static int haul_source(struct pump *p, struct haul *haul, uint32_t number)
{
	if (number > 0)
		return haul_udp(haul, p->udp.pairs[number - 1].data, false);
	if (p->tun.fd < 0 || !p->tun_events)
		return -EAGAIN;
	return haul_tun(haul, &p->packets); /* an error is the main thread's to see */
}

/* A worker's turn: one source that has something, and not always the same first. */
static bool on_worker(void *context)
{
	struct pump *p = context;
	struct now now;
	struct haul haul = begin_turn(p, &now);
	uint32_t sources = 1 + p->udp.count;
	int error = -EAGAIN;
	for (uint32_t i = 0; i < sources && !haul.count; i++)
		error = haul_source(p, &haul, p->next_source++ % sources);
	if (!haul.count)
		return false;
	if (!error)
		crew_engage(&p->crew);
	pump_run(p, &now);
	credit_data(p, &now);
	return true;
}

static void on_wait(void *context, bool is_over)
{
	struct pump *p = context;
	if (is_over)
		crew_lock(&p->crew);
	else
		crew_unlock(&p->crew);
}

uint32_t pump_start_workers(struct pump *p, uint32_t count)
{
	uint32_t started = count ? crew_start(&p->crew, count, on_worker, p) : 0;
	if (started)
		loop_on_wait(p->loop, on_wait, p);
	return started;
}

/* ---- descriptors */

/* A burst that waited for a socket which is gone now. */
static void drop_blocked(struct pump *p)
{
	if (!p->blocked.burst)
		return;
	device_count_drop(p->device, DROP_SEND_ERROR, p->progress.refused);
	device_count_drop(p->device, DROP_REMOVED, p->blocked.burst->count - p->progress.next);
	burst_pool_put(p->pool, p->blocked.burst);
	p->blocked.burst = NULL;
	p->progress = (struct udp_progress){0};
}

void pump_close_sockets(struct pump *p)
{
	drop_blocked(p);
	for (uint32_t i = 0; i < 2 * p->udp.count; i++)
		if (p->udp.all[i] >= 0)
			loop_remove(p->loop, &p->ports[i].watch);
	udp_close(&p->udp);
}

int pump_use_sockets(struct pump *p, const struct udp_sockets *udp)
{
	int error = 0;
	pump_close_sockets(p);
	p->udp = *udp;
	p->udp_events = EPOLLIN;
	udp_set_offload(&p->udp, p->has_offload);
	for (uint32_t i = 0; i < 2 * udp->count; i++) {
		struct pump_port *port = &p->ports[i];
		*port = (struct pump_port){{udp->all[i], on_udp, port}, p, i % 2};
		if (!error && udp->all[i] >= 0)
			error = loop_add(p->loop, &port->watch, p->udp_events);
	}
	if (error)
		pump_close_sockets(p);
	else
		device_forget_sources(p->device); /* learned by other sockets */
	return error;
}

bool pump_has_sockets(const struct pump *p)
{
	return p->udp.count > 0;
}

void pump_init(struct pump *p, struct loop *loop, struct burst_pool *pool, struct device *device)
{
	*p = (struct pump){
		.loop = loop,
		.pool = pool,
		.device = device,
		.tun.fd = -1,
		.packets.fd = -1,
		.udp = UDP_NO_SOCKETS,
		.has_offload = true,
	};
	loop_on_deadline(loop, on_deadline, p);
}

/*
 * Its index here, where the sockets are too; 0: not known. It keeps that for life: where
 * it is moved to another namespace, nothing comes in by that index any more.
 */
static uint32_t tun_ifindex(int tun)
{
	char name[IFNAMSIZ];
	return tun_name(tun, name) ? 0 : if_nametoindex(name);
}

int pump_use_tun(struct pump *p, int tun)
{
	device_set_ifindex(p->device, tun_ifindex(tun));
	p->tun = (struct watch){tun, on_tun, p};
	p->tun_events = EPOLLIN;
	tun_open(&p->packets, tun);
	if (!p->has_offload)
		tun_use_offloads(&p->packets, 0);
	return loop_add(p->loop, &p->tun, EPOLLIN);
}

/* What a socket has merged it tells from one large datagram only as long as it merges. */
static void read_merged(struct pump *p)
{
	for (uint32_t i = 0; i < DRAIN_TURNS * p->udp.count; i++) {
		struct now now;
		struct haul haul = begin_turn(p, &now);
		haul_udp(&haul, p->udp.pairs[i % p->udp.count].data, false);
		pump_run(p, &now);
	}
}

/* Super-packets that wait in a queue already are cut and opened all the same. */
void pump_set_offload(struct pump *p, bool is_on)
{
	if (p->has_offload && !is_on)
		read_merged(p);
	p->has_offload = is_on;
	if (p->tun.fd >= 0)
		tun_use_offloads(&p->packets, is_on ? TUN_OFFLOADS : 0);
	udp_set_offload(&p->udp, is_on);
}

void pump_wipe(struct pump *p)
{
	loop_on_wait(p->loop, NULL, NULL);
	crew_stop(&p->crew);
	pump_close_sockets(p);
	close_tun(p);
}

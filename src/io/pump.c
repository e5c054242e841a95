#include "io/pump.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log.h"
#include "io/tun.h"

/* Read from one descriptor before the others have a turn. */
#define TURN_BURSTS	32
#define TURN_BYTES	(256 << 10) /* of datagrams: with more, other directions wait too long */
#define TURN_HANDSHAKES 64	    /* twice what is processed: so load shows */
#define JOBS_BATCH	64
#define DATA_SHARE	7 /* for one part of the time that handshakes get */

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

/* Sends one burst, as far as the socket takes it. false: the rest is `blocked`. */
static bool send_burst(struct pump *p, const struct device_send *send)
{
	if (outlet_send(&p->outlet, &p->udp, send, &p->narrator, &p->progress) == -EAGAIN) {
		p->blocked = *send;
		loop_modify(p->loop, watch_of(p, p->progress.full), EPOLLIN | EPOLLOUT);
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

static size_t run_jobs(struct pump *p, const struct now *now)
{
	struct job *jobs[JOBS_BATCH];
	size_t count = 0;
	while (count < JOBS_BATCH && (jobs[count] = device_take_job(p->device)))
		count++;
	job_run_batch(jobs, count);
	for (size_t i = 0; i < count; i++)
		device_put_job(p->device, jobs[i], now);
	return count;
}

/* Takes every output of the device after an input. */
void pump_run(struct pump *p, const struct now *now)
{
	struct event event;
	while (run_jobs(p, now))
		;
	watch_tun(p, !flush_sends(p));
	flush_inner(p, now);
	while (device_take_event(p->device, &event))
		narrate_event(&p->narrator, &event, now->boottime);
	if (p->on_run)
		p->on_run(p->context);
	loop_set_deadline(p->loop, device_deadline(p->device));
}

/* ---- shares */

/*
 * Data that waits has DATA_SHARE times as long as handshakes had. Where there was
 * none since the last turn, none waits: all that is ready is called in each turn.
 */
static bool handshakes_may_run(struct pump *p)
{
	if (p->loop->turn > p->data_turn + 1)
		p->owed = 0;
	return p->owed == 0;
}

/* With a bound: a turn in which the machine slept was no work. */
static void charge_handshakes(struct pump *p, const struct now *begin)
{
	nanos spent = nanos_since(clock_read().boottime, begin->boottime);
	p->owed = nanos_min(nanos_add(p->owed, DATA_SHARE * spent), PUMP_OWED_MAX);
}

static void credit_data(struct pump *p, const struct now *begin)
{
	p->data_turn = p->loop->turn;
	if (p->owed)
		p->owed -= nanos_min(p->owed, nanos_since(clock_read().boottime, begin->boottime));
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

static void on_tun(void *context, uint32_t events)
{
	struct pump *p = context;
	struct now now = clock_read();
	(void)events;
	for (int i = 0; i < TURN_BURSTS; i++) {
		struct burst *burst = burst_pool_get(p->pool, BURST_LARGE);
		int count =
			burst ? tun_read_burst(&p->packets, burst, device_mtu(p->device)) : -ENOMEM;
		if (count > 0) {
			device_put_inner(p->device, burst, &now);
			if (p->packets.is_drained)
				break; /* without a call that says so once more */
			continue;
		}
		burst_pool_put(p->pool, burst);
		if (count != -EMSGSIZE && count != -EPROTO) {
			if (count != -EAGAIN && count != -ENOMEM)
				give_up_tun(p, count);
			break;
		}
		device_count_drop(p->device, DROP_TUN_ERROR, 1);
	}
	pump_run(p, &now);
	credit_data(p, &now);
}

static void on_udp(void *context, uint32_t events)
{
	struct pump_port *port = context;
	struct pump *p = port->pump;
	struct now now = clock_read();
	bool has_handshakes = port->is_for_handshakes;
	if (has_handshakes && !handshakes_may_run(p))
		return;
	if (events & EPOLLOUT && p->blocked.burst) {
		struct device_send send = p->blocked;
		p->blocked.burst = NULL;
		loop_modify(p->loop, &port->watch, EPOLLIN);
		send_burst(p, &send);
	}
	uint32_t bytes = 0;
	for (int i = has_handshakes ? TURN_HANDSHAKES : TURN_BURSTS; i > 0; i--) {
		struct endpoint from;
		struct burst *burst = burst_pool_get(p->pool, BURST_LARGE);
		int count = burst ? udp_receive_burst(port->watch.fd, burst, &from) : -ENOMEM;
		if (count > 0) {
			uint32_t lost = (uint32_t)count - burst->count;
			bytes += burst->count * burst->len[0];
			device_count_drop(p->device, DROP_LENGTH, lost);
			device_put_datagrams(p->device, burst, &from, &now);
			if (bytes < TURN_BYTES)
				continue;
			break;
		}
		burst_pool_put(p->pool, burst);
		if (count != -EMSGSIZE)
			break;
		device_count_drop(p->device, DROP_LENGTH, 1);
	}
	pump_run(p, &now);
	if (has_handshakes)
		charge_handshakes(p, &now);
	else
		credit_data(p, &now);
}

/* ---- descriptors */

/* A burst that waited for a socket which is gone now. */
static void drop_blocked(struct pump *p)
{
	if (!p->blocked.burst)
		return;
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
	udp_set_offload(&p->udp, true);
	for (uint32_t i = 0; i < 2 * udp->count; i++) {
		struct pump_port *port = &p->ports[i];
		*port = (struct pump_port){{udp->all[i], on_udp, port}, p, i % 2};
		if (!error && udp->all[i] >= 0)
			error = loop_add(p->loop, &port->watch, EPOLLIN);
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
	return loop_add(p->loop, &p->tun, EPOLLIN);
}

void pump_wipe(struct pump *p)
{
	pump_close_sockets(p);
	close_tun(p);
}

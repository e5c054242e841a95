/*
 * Packets between the device and the descriptors: TUN and UDP in, jobs run, UDP
 * and TUN out, nothing decided. When UDP is full the TUN is not read, so that
 * packets wait in the kernel's queue, where they belong. While data waits,
 * handshakes get a small share of the time: who floods us with them fills a queue.
 */
#ifndef ADIT_IO_PUMP_H
#define ADIT_IO_PUMP_H

#include "device/device.h"
#include "io/crew.h"
#include "io/loop.h"
#include "io/narrate.h"
#include "io/outlet.h"
#include "io/shares.h"
#include "io/tun.h"
#include "io/tickets.h"
#include "io/udp.h"

struct pump_port { /* one UDP socket */
	struct watch watch;
	struct pump *pump;
	bool is_for_handshakes; /* only */
};

struct pump { /* stays at its address once it has descriptors */
	struct loop *loop;
	struct burst_pool *pool;
	struct device *device;
	struct narrator narrator;
	/* Set after pump_init, or NULL: called when all outputs of the device are taken. */
	void (*on_run)(void *context);
	void *context;
	struct watch tun;
	struct tun packets;  /* of the TUN */
	uint32_t tun_events; /* that wake us */
	bool has_offload;    /* wanted */
	struct udp_sockets udp;
	uint32_t udp_events; /* that wake us, but for EPOLLOUT while one is full */
	struct outlet outlet;
	struct pump_port ports[UDP_SOCKETS_MAX]; /* in the order of udp.all */
	struct shares shares;
	/* A send that found the socket full; the TUN is not read until it has gone. */
	struct device_send blocked;
	struct udp_progress progress;
	struct tickets tickets;
	struct crew crew;
	uint32_t next_source; /* that a worker looks at */
};

/* The three belong to the caller and outlive the pump. Calls back at the device's deadlines. */
void pump_init(
	struct pump *pump, struct loop *loop, struct burst_pool *pool, struct device *device);

/*
 * From here on so many threads beside the caller's, whose is the loop, carry packets
 * when there is more than one can do; returns how many could be started. All that is
 * called here, and everything that the device is given, is under their lock: callbacks
 * of the loop have it, and so has the caller before loop_run and after.
 */
uint32_t pump_start_workers(struct pump *pump, uint32_t count);

/* Whether what the kernel offers is used, from now on and at first; see io/tun.h, io/udp.h. */
void pump_set_offload(struct pump *pump, bool is_on);

/* Takes the TUN's descriptor. 0 or -errno. */
int pump_use_tun(struct pump *pump, int tun);

/* Takes the sockets in place of those it has. 0 or -errno: then it has none. */
int pump_use_sockets(struct pump *pump, const struct udp_sockets *udp);
void pump_close_sockets(struct pump *pump);
bool pump_has_sockets(const struct pump *pump);

/*
 * Takes every output of the device; to be called after any input that others gave it.
 * With workers the lock is released in between.
 */
void pump_run(struct pump *pump, const struct now *now);

/* Closes all that it took. */
void pump_wipe(struct pump *pump);

#endif

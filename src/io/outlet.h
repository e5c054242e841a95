/*
 * What the device sends, on its way to the sockets: in one piece where the path to
 * the endpoint takes that (demotion.h), and with a line for people where it does
 * not. Reads the clock for endpoints that it remembers only. One thread; the caller
 * owns the struct.
 */
#ifndef ADIT_IO_OUTLET_H
#define ADIT_IO_OUTLET_H

#include "device/device.h"
#include "io/demotion.h"
#include "io/narrate.h"
#include "io/udp.h"

struct outlet { /* all zero at first */
	struct demotions demotions;
};

/* As udp_send_burst; the burst of `send` stays the caller's. */
int outlet_send(struct outlet *outlet, const struct udp_sockets *sockets,
	const struct device_send *send, struct narrator *narrator, struct udp_progress *progress);

#endif

/*
 * The way in: datagrams of any kind, hostile ones included, to inner packets.
 * Begin (device_put_datagrams) and finish of opening; run is session/job.c.
 */
#ifndef ADIT_DEVICE_RECEIVE_H
#define ADIT_DEVICE_RECEIVE_H

#include "device/state.h"

/* The carrier of a JOB_OPEN that was run. Takes it. */
void receive_finish(struct device *d, struct carrier *carrier, const struct now *now);

#endif

/*
 * Which handshake messages are worth our time, and when. Each costs a hash on
 * arrival (mac1); HANDSHAKES_PER_TURN are processed a turn, the rest waits. When
 * much waits, or much was in vain, there is load: then a sender first has to prove with a cookie
 * that it receives at its address, and each address gets its share only [WP 5.3].
 */
#ifndef ADIT_DEVICE_INTAKE_H
#define ADIT_DEVICE_INTAKE_H

#include "device/negotiate.h"
#include "device/state.h"

/* false: the arena is full. */
bool intake_init(struct device *d);
void intake_wipe(struct device *d);

/* A handshake message or cookie reply of the right length, otherwise untrusted. */
void intake_message(struct device *d, const struct datagram *datagram, const struct now *now);

/* A new turn: processes what waits, as far as the turn's share goes. */
void intake_begin_turn(struct device *d, const struct now *now);

/* Something waits for the next turn. */
bool intake_is_waiting(const struct device *d);

/* Drops what waits: the link went down, or the key changed that its mac1 was checked with. */
void intake_clear(struct device *d);

#endif

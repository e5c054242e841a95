/* What holds of a device whatever it was given, once all its outputs have been taken. */
#ifndef ADIT_TESTS_SOUND_H
#define ADIT_TESTS_SOUND_H

#include "unit/tunnel.h"

/*
 * Requires that each session and pending handshake has its index and nobody else, that
 * queues are within their bounds, that no deadline is forgotten, and nothing is kept that
 * was given back.
 */
void require_sound(const struct end *end);

#endif

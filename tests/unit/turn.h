/*
 * For tests that drive a struct loop by hand: turns of it, without a clock.
 */
#ifndef ADIT_TESTS_TURN_H
#define ADIT_TESTS_TURN_H

#include <stdbool.h>

#include "io/loop.h"

#define TURN_TIMEOUT_MS 10000 /* a loaded machine is no failure; a hang is */
#define TURNS_MAX	10000 /* that make a loop settle; more is an endless loop */

/* One turn: all that is ready, once. */
void loop_turn(struct loop *loop);

/* Dispatches what is ready, and what becomes ready by that, until nothing is (TURNS_MAX). */
void loop_settle(struct loop *loop);

/* The same until `is_done`, waiting for what other processes do. false: it took too long. */
bool loop_wait(struct loop *loop, bool (*is_done)(void));

#endif

/*
 * The simulator's own randomness: xoshiro256**, seeded by splitmix64. Never the
 * system's, so that a seed means the same run on every machine.
 */
#ifndef ADIT_SIM_DICE_H
#define ADIT_SIM_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
	uint64_t state[4];
};

/* One seed has many streams that know nothing of each other. */
void dice_init(struct dice *dice, uint64_t seed, uint64_t stream);

uint64_t dice_next(struct dice *dice);

/* 0..n-1; n > 0. */
uint64_t dice_below(struct dice *dice, uint64_t n);

/* low..high, both included. */
uint64_t dice_between(struct dice *dice, uint64_t low, uint64_t high);

bool dice_chance(struct dice *dice, uint32_t permille);

/* Fits struct rng: the context is a struct dice. */
void dice_fill(void *context, void *out, size_t len);

/* splitmix64's finalizer: spreads a number over 64 bits. */
uint64_t dice_mix(uint64_t x);

#endif

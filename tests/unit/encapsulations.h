/*
 * How often anything has encapsulated to an ML-KEM key in this program: what nobody may
 * make us do who has not proved to be a peer. Counted by the linker's --wrap.
 */
#ifndef ADIT_TESTS_ENCAPSULATIONS_H
#define ADIT_TESTS_ENCAPSULATIONS_H

#include <stdbool.h>
#include <stdint.h>

extern uint64_t encapsulations, decapsulations;

/* While it is set, the public keys that are derived are none: a number is too great. */
extern bool derives_no_keys;

#endif

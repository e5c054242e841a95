/*
 * How often anything has encapsulated to an ML-KEM key in this program: what nobody may
 * make us do who has not proved to be a peer. Counted by the linker's --wrap.
 */
#ifndef ADIT_TESTS_ENCAPSULATIONS_H
#define ADIT_TESTS_ENCAPSULATIONS_H

#include <stdint.h>

extern uint64_t encapsulations, decapsulations;

#endif

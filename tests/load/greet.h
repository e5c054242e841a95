/*
 * Many initiators that shake hands once each: how many a second a responder answers.
 */
#ifndef ADIT_TESTS_GREET_H
#define ADIT_TESTS_GREET_H

#include <netdb.h>
#include <stdint.h>

#include "crypto/dh.h"

#define GREETERS_MAX 1000

/* The public keys of so many initiators, a line each. They are the same each time. */
void greet_print_keys(uint64_t count);

/*
 * All of them, by the key exchange of this name, at whom `key` is of; the messages are
 * made before, and checked after. Prints how many a second were answered; ends the program
 * when not all were, or an answer is wrong.
 */
void greet(const struct addrinfo *to, const struct public_key *key, uint64_t count,
	const char *key_exchange);

#endif

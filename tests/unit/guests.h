/*
 * For tests of io/clients: connections to it, with a service behind them that
 * answers as the test wants, in one process and without a clock.
 */
#ifndef ADIT_TESTS_GUESTS_H
#define ADIT_TESTS_GUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "io/clients.h"

#define OK     "errno=0\n\n"
#define ANSWER "listen_port=1\n" OK

extern struct guests {
	struct loop loop;
	struct clients clients;
	int gets, sets; /* carried out */
	int set_result;
	size_t answer_len; /* of get, instead of ANSWER; 0: that */
	size_t part_count; /* ANSWER comes in the last; each before it is an x */
	int parts;	   /* written after the first */
	uint16_t port;	   /* of the last set */
	const struct change *last_change;
} guests;

bool guests_begin(void);
void guests_end(void);

/* Our end of a new connection; it does not block. */
int guests_connect(void);

bool guests_say(int fd, const char *text);

/* What came after the loop has settled; "" for nothing, "closed" when the connection is. */
const char *guests_hear(int fd);

#endif

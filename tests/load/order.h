/*
 * Whether what goes through a tunnel comes out in its order: datagrams with numbers,
 * and a connection that tells of itself. Ends the program where the system fails.
 */
#ifndef ADIT_TESTS_ORDER_H
#define ADIT_TESTS_ORDER_H

#include <netdb.h>

#include "base/nanos.h"

#define ORDER_LEN_MAX 65507

/* Bytes to whoever counts them; prints "retransmits N reordered N". */
void order_stream(const struct addrinfo *to, nanos duration);

/* Datagrams of `len` bytes, at least 16, to whoever checks them; the way may be gone for a time. */
void order_number(const struct addrinfo *to, uint64_t len, nanos duration);

/* Until the last one comes; prints "received N of N, N late". */
void order_check(const struct addrinfo *address);

#endif

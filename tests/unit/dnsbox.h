/*
 * For tests of name servers, in the folder that folder_run makes: programs that
 * note how they were called, a socket at which resolved would listen, and a
 * struct dns_system that knows nothing else.
 */
#ifndef ADIT_TESTS_DNSBOX_H
#define ADIT_TESTS_DNSBOX_H

#include <stdbool.h>

#include "io/messages.h"
#include "manage/dns_way.h"

/*
 * Everything in ".", nothing there yet. A program: bin/NAME. It appends
 * "NAME ARGUMENT|ARGUMENT" and its input to the file `calls`; then does `then`, its first argument
 * in $op.
 */
struct dns_system dnsbox_system(void);
bool dnsbox_program(const char *name, const char *then);

/* Somebody listens where resolved would. The descriptor. */
int dnsbox_resolved(void);

/* What the programs were called with since the last time; "" for nothing. */
const char *dnsbox_calls(void);

/* "10.0.0.1 fd00::1", "a.example b.example", for the interface lo: one that exists. */
struct to_dns dnsbox_wanted(const char *servers, const char *search);

#endif

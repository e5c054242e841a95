/*
 * For tests of io/: a child process in a network namespace of its own, where
 * nothing of the machine can be touched; a storm of signals, so that every call
 * is interrupted; the process's descriptors.
 */
#ifndef ADIT_TESTS_SANDBOX_H
#define ADIT_TESTS_SANDBOX_H

#include <errno.h>
#include <stdbool.h>

#include "unit/test.h"

/* In a sandbox's body, or a helper of it: notes the failure and returns false. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			test_fail(__FILE__, __LINE__, "%s (errno: %s)", #condition,                \
				strerror(errno));                                                  \
			return false;                                                              \
		}                                                                                  \
	} while (0)

/*
 * Runs `body` in a child; the test fails when it returns false or dies, and is
 * skipped when there can be no namespace. The child has loopback up, and is root
 * at least in there.
 */
void sandbox_run(bool (*body)(void));
/* The same without a namespace. */
void sandbox_run_child(bool (*body)(void));
/* To be returned by a body that cannot run here. */
bool sandbox_skip(const char *why);

/* Sets the interface's flag IFF_UP. */
bool sandbox_set_up(const char *ifname);
/* Writes a short text into a file, of /proc/sys mostly. */
bool sandbox_write_file(const char *path, const char *text);

/* From begin to end a signal every millisecond, without SA_RESTART; end returns how many came. */
void storm_begin(void);
unsigned storm_end(void);

unsigned open_fd_count(void);
bool fd_is_cloexec(int fd);

#endif

/*
 * Kernels and devices that cannot cut a message into datagrams, in ways that the one
 * below does not have: the linker puts our sendmsg and sendmmsg before the system's
 * (--wrap, see the Makefile).
 */
#ifndef ADIT_TESTS_SEGMENTS_H
#define ADIT_TESTS_SEGMENTS_H

/* From now on a message with UDP_SEGMENT fails with this errno; 0: no more. */
void segments_fail(int error);

#endif

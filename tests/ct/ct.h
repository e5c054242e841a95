/*
 * Constant time, checked by memcheck as Langley's ctgrind does it: secrets are
 * marked as undefined, and whatever jumps or addresses memory by something that
 * was made of them is an error. Each case runs the program's own functions on
 * such secrets; cases that leak on purpose are the control: they must be seen.
 */
#ifndef ADIT_TESTS_CT_H
#define ADIT_TESTS_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

struct ct_case {
	const char *name;
	void (*run)(void);
	bool leaks; /* on purpose */
};

extern const struct ct_case ct_cases[], ct_kem_cases[];
extern const size_t ct_case_count, ct_kem_case_count;

/* A case's own mistake, not a leak: nothing of it may be passed over in silence. */
static inline void need(bool condition)
{
	if (!condition)
		abort();
}

/* The AEAD's kernels; they need nothing that is not ours. */
extern const struct ct_case ct_kernel_cases[];
extern const size_t ct_kernel_case_count;

/* From here on the bytes are a secret; and from here on everybody may know them. */
void ct_hide(void *p, size_t len);
void ct_show(void *p, size_t len);

/* Whether all of them are secret, or made of what is. */
bool ct_is_hidden(const void *p, size_t len);

#endif

/*
 * How a kernel is judged before it is used: for aead_choose() in crypto/aead.h, and for
 * tests that plant kernels which do not work.
 */
#ifndef ADIT_CRYPTO_AEAD_CHOOSE_H
#define ADIT_CRYPTO_AEAD_CHOOSE_H

#include "crypto/aead.h"
#include "crypto/aead_ops.h"

/* This kernel, if this build has it and the processor and the system can run it; else NULL. */
const struct aead_ops *aead_kernel_ops(enum aead_kernel kernel);

/*
 * Seals and opens as libsodium does: batches of 1 to 33 packets, lengths from 0 to 2000
 * with all that lie at the edges of blocks, some batches without short ones, every third
 * packet then spoiled by one bit, and nothing written beyond. A few milliseconds. false: it does
 * not, or memory is short.
 */
bool aead_self_test(const struct aead_ops *ops);

/* As aead_choose(), from these; NULL for what is not to be had. */
struct aead_choice aead_choose_from(
	const struct aead_ops *const kernels[AEAD_KERNEL_COUNT], enum aead_kernel wish);

#endif

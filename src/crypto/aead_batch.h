/*
 * The AEAD's logic, once for all kernels: which packet's block of key stream lies in
 * which lane, where it goes, which tag is due. Who wants packets sealed or opened calls
 * crypto/aead.h; this is for that, and for tests and measurements of a certain kernel.
 */
#ifndef ADIT_CRYPTO_AEAD_BATCH_H
#define ADIT_CRYPTO_AEAD_BATCH_H

#include "crypto/aead.h"
#include "crypto/aead_ops.h"

/* As aead_seal_batch() and aead_open_batch(), by this kernel. */
void aead_batch_seal(const struct aead_ops *ops, struct aead_packet *packets, size_t count);
void aead_batch_open(const struct aead_ops *ops, struct aead_packet *packets, size_t count);

#endif

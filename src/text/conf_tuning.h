/*
 * The words for the choices of base/tuning.h, in the config file, in the lines of a
 * reload, and in the log.
 */
#ifndef ADIT_TEXT_CONF_TUNING_H
#define ADIT_TEXT_CONF_TUNING_H

#include "base/tuning.h"

/* "auto" or "off". */
const char *conf_offload_name(uint32_t offload);

/* "auto", "libsodium", "portable", "avx2" or "avx512". */
const char *conf_aead_name(uint32_t aead);

#endif

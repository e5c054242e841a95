/*
 * The AEAD without a cipher, for the benchmarks' ceiling: what the rest of the
 * program costs. Only the link of build/.../adit-null has it, by --wrap; the program
 * itself has no such symbols, and no switch that could lead here.
 *
 * Nothing is encrypted, and every tag is the same. So no handshake with anyone else
 * succeeds, for no real tag is this one, nor this one a real peer's.
 */
#include "crypto/aead.h"

#include <string.h>

static const uint8_t tag[AEAD_TAG_LEN] = "adit: no cipher";

void __wrap_aead_seal(uint8_t *out, const uint8_t *plain, size_t len, const void *ad, size_t ad_len,
	uint64_t counter, const struct aead_key *key);
bool __wrap_aead_open(uint8_t *out, const uint8_t *sealed, size_t len, const void *ad,
	size_t ad_len, uint64_t counter, const struct aead_key *key);
void __wrap_aead_seal_batch(struct aead_packet *packets, size_t count);
void __wrap_aead_open_batch(struct aead_packet *packets, size_t count);

void __wrap_aead_seal(uint8_t *out, const uint8_t *plain, size_t len, const void *ad, size_t ad_len,
	uint64_t counter, const struct aead_key *key)
{
	(void)ad, (void)ad_len, (void)counter, (void)key;
	if (len)
		memmove(out, plain, len);
	memcpy(out + len, tag, sizeof tag);
}

bool __wrap_aead_open(uint8_t *out, const uint8_t *sealed, size_t len, const void *ad,
	size_t ad_len, uint64_t counter, const struct aead_key *key)
{
	(void)ad, (void)ad_len, (void)counter, (void)key;
	if (len < sizeof tag || memcmp(sealed + len - sizeof tag, tag, sizeof tag))
		return false;
	if (len > sizeof tag)
		memmove(out, sealed, len - sizeof tag);
	return true;
}

void __wrap_aead_seal_batch(struct aead_packet *packets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		memcpy(packets[i].text + packets[i].len, tag, sizeof tag);
}

void __wrap_aead_open_batch(struct aead_packet *packets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct aead_packet *p = &packets[i];
		p->ok = p->len >= sizeof tag &&
			!memcmp(p->text + p->len - sizeof tag, tag, sizeof tag);
	}
}

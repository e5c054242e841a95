/*
 * ct: runs every case under valgrind and counts the errors of each; see ct.h.
 * Ends with "N passed, M failed".
 */
#include "ct/ct.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "crypto/aead.h"
#include "crypto/dh.h"
#include "crypto/kem_poly.h"
#include "crypto/secret.h"

void ct_hide(void *p, size_t len)
{
	VALGRIND_MAKE_MEM_UNDEFINED(p, len);
}

void ct_show(void *p, size_t len)
{
	VALGRIND_MAKE_MEM_DEFINED(p, len);
}

bool ct_is_hidden(const void *p, size_t len)
{
	uint8_t undefined[4096] = {0};
	need(len <= sizeof undefined && VALGRIND_GET_VBITS(p, undefined, len) == 1);
	for (size_t i = 0; i < len; i++)
		if (!undefined[i])
			return false;
	return true;
}

/* ------------------------------------------------------------------ outcomes
 * Whether a DH, a tag or a mac was good shows in what is done next: an answer, a
 * session, silence. So these results, and nothing but they, stop being secret where
 * the module hands them out. The linker puts these in (--wrap).
 */

static bool shown(bool outcome)
{
	ct_show(&outcome, sizeof outcome);
	return outcome;
}

#define WRAP(name, parameters, arguments)                                                          \
	bool __real_##name parameters;                                                             \
	bool __wrap_##name parameters;                                                             \
	bool __wrap_##name parameters                                                              \
	{                                                                                          \
		return shown(__real_##name arguments);                                             \
	}

WRAP(secret_is_equal, (const void *a, const void *b, size_t len), (a, b, len))
WRAP(secret_is_zero, (const void *p, size_t len), (p, len))
WRAP(dh, (struct shared_secret * out, const struct private_key *priv, const struct public_key *pub),
	(out, priv, pub))
WRAP(aead_open,
	(uint8_t * out, const uint8_t *sealed, size_t len, const void *ad, size_t ad_len,
		uint64_t counter, const struct aead_key *key),
	(out, sealed, len, ad, ad_len, counter, key))
WRAP(xaead_open,
	(uint8_t * out, const uint8_t *sealed, size_t len, const void *ad, size_t ad_len,
		const uint8_t *nonce, const struct aead_key *key),
	(out, sealed, len, ad, ad_len, nonce, key))

void __real_aead_open_batch(struct aead_packet *packets, size_t count);
void __wrap_aead_open_batch(struct aead_packet *packets, size_t count);
void __wrap_aead_open_batch(struct aead_packet *packets, size_t count)
{
	__real_aead_open_batch(packets, count);
	for (size_t i = 0; i < count; i++)
		packets[i].ok = shown(packets[i].ok);
}

/* ------------------------------------------------------------------ public values
 * rho, of which ML-KEM makes its matrix, is a hash of the secret seed; but it is half of
 * what is sent as the public key, and how often a number of the matrix is drawn again
 * shows nothing else. So rho, and nothing but it, stops being secret where it is used.
 */

void __real_poly_sample_public(struct poly *out, const uint8_t *seed, uint8_t j, uint8_t i);
void __wrap_poly_sample_public(struct poly *out, const uint8_t *seed, uint8_t j, uint8_t i);
void __wrap_poly_sample_public(struct poly *out, const uint8_t *seed, uint8_t j, uint8_t i)
{
	uint8_t rho[32];
	memcpy(rho, seed, sizeof rho);
	ct_show(rho, sizeof rho);
	__real_poly_sample_public(out, rho, j, i);
}

/* ------------------------------------------------------------------ the runner */

static bool judge(const struct ct_case *c)
{
	unsigned before = VALGRIND_COUNT_ERRORS;
	c->run();
	unsigned errors = VALGRIND_COUNT_ERRORS - before;
	if ((errors > 0) == c->leaks)
		return true;
	if (c->leaks)
		printf("FAILED %s: the planted leak was not seen\n", c->name);
	else
		printf("FAILED %s: %u jumps or addresses depend on a secret\n", c->name, errors);
	return false;
}

int main(void)
{
	size_t passed = 0;
	if (!RUNNING_ON_VALGRIND) {
		printf("ct means nothing without valgrind; see tests/ct/run\n");
		return 1;
	}
	if (!crypto_init())
		return 1;
	for (size_t i = 0; i < ct_case_count; i++)
		passed += judge(&ct_cases[i]);
	for (size_t i = 0; i < ct_kem_case_count; i++)
		passed += judge(&ct_kem_cases[i]);
	for (size_t i = 0; i < ct_kernel_case_count; i++)
		passed += judge(&ct_kernel_cases[i]);
	size_t count = ct_case_count + ct_kem_case_count + ct_kernel_case_count;
	printf("%zu passed, %zu failed\n", passed, count - passed);
	return passed != count;
}

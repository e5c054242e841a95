#include "unit/test.h"

#include <stdlib.h>

#include "io/entropy.h"
#include "unit/sandbox.h"

TEST(entropy_fills_exactly_what_is_asked)
{
	struct rng rng = entropy_rng();
	for (size_t len = 0; len <= 64; len++) {
		uint8_t out[66], seen[66] = {0};
		for (int round = 0; round < 40; round++) { /* each byte is 0 every time: 256^-40 */
			memset(out, 0, sizeof out);
			rng_fill(&rng, out + 1, len);
			for (size_t i = 0; i < sizeof out; i++)
				seen[i] |= out[i];
		}
		for (size_t i = 0; i < sizeof seen; i++)
			CHECK_EQ(i >= 1 && i <= len, seen[i] != 0);
	}
}

TEST(entropy_does_not_repeat)
{
	struct rng rng = entropy_rng();
	uint8_t a[32], b[32];
	rng_fill(&rng, a, sizeof a);
	rng_fill(&rng, b, sizeof b);
	CHECK(memcmp(a, b, sizeof a));
}

/* Row 34: getrandom gives short counts and EINTR when signals arrive. */
TEST(entropy_fills_under_signals_row_34)
{
	struct rng rng = entropy_rng();
	size_t len = 8 << 20, page = 4096;
	uint8_t *out = calloc(1, len);
	static const uint8_t zero[4096];
	unsigned empty = 0;
	storm_begin();
	rng_fill(&rng, out, len);
	unsigned signals = storm_end();
	for (size_t at = 0; at < len; at += page)
		empty += !memcmp(out + at, zero, page);
	free(out);
	CHECK(signals > 0);
	CHECK_EQ(0, empty);
}

#include "io/checksum.h"

#include <stdbool.h>

#define LANE 16 /* bytes */

/*
 * 32-bit words in 64-bit lanes: no carry is ever lost, and none has to be looked for.
 * Is made twice, with and without the copy, without a test in the loop.
 */
static inline __attribute__((always_inline)) uint64_t add(
	uint64_t sum, uint8_t *to, const uint8_t *from, size_t len, bool copies)
{
	uint64_t a __attribute__((vector_size(LANE))), b __attribute__((vector_size(LANE)));
	uint64_t even __attribute__((vector_size(LANE))) = {0};
	uint64_t odd __attribute__((vector_size(LANE))) = {0};
	for (; len >= 2 * LANE; from += 2 * LANE, len -= 2 * LANE) {
		memcpy(&a, from, LANE);
		memcpy(&b, from + LANE, LANE);
		even += (a & UINT32_MAX) + (b & UINT32_MAX);
		odd += (a >> 32) + (b >> 32);
		if (copies) {
			memcpy(to, &a, LANE);
			memcpy(to + LANE, &b, LANE);
			to += 2 * LANE;
		}
	}
	even += odd;
	sum += even[0] + even[1];
	if (copies)
		memcpy(to, from, len);
	for (uint32_t word; len >= sizeof word; from += sizeof word, len -= sizeof word) {
		memcpy(&word, from, sizeof word);
		sum += word;
	}
	if (len >= 2) {
		sum += checksum_load(from);
		from += 2;
		len -= 2;
	}
	if (len)
		sum += checksum_load((const uint8_t[2]){*from, 0});
	return sum;
}

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t len)
{
	return add(sum, NULL, bytes, len, false);
}

uint64_t checksum_copy(uint64_t sum, uint8_t *to, const uint8_t *from, size_t len)
{
	return add(sum, to, from, len, true);
}

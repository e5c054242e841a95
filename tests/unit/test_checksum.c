#include "unit/test.h"

#include <stdlib.h>

#include "io/checksum.h"
#include "unit/plain_packet.h"

#define LEN_MAX 2100

static uint8_t bytes[LEN_MAX + 16], copy[LEN_MAX + 16];

static void fill(uint8_t (*next)(size_t))
{
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = next(i);
}

static uint8_t mixed(size_t i)
{
	return (uint8_t)(i * 2654435761u >> 13);
}

static uint8_t ones(size_t i)
{
	(void)i;
	return 0xff;
}

static uint8_t zeros(size_t i)
{
	(void)i;
	return 0;
}

/* The copy ends where it should. */
static bool is_sum(const uint8_t *from, size_t len)
{
	uint16_t expected = htons((uint16_t)plain_sum_bytes(from, (uint32_t)len));
	memset(copy, 0x5a, sizeof copy);
	return checksum_fold(checksum_add(0, from, len)) == expected &&
	       checksum_fold(checksum_copy(0, copy, from, len)) == expected &&
	       !memcmp(copy, from, len) && copy[len] == 0x5a;
}

/* Every length, in memory of its own, so that the sanitizer guards its end; odd addresses too. */
TEST(checksum_against_bytes_one_by_one)
{
	static uint8_t (*const patterns[])(size_t) = {mixed, ones, zeros};
	for (size_t k = 0; k < 3; k++) {
		fill(patterns[k]);
		for (size_t len = 0; len <= LEN_MAX; len++) {
			uint8_t *own = malloc(len + 1);
			memcpy(own, bytes, len);
			bool is_right = is_sum(own, len) && is_sum(bytes + len % 16, len);
			free(own);
			if (!is_right)
				test_fail(__FILE__, __LINE__, "%zu bytes, pattern %zu", len, k);
		}
	}
}

/* [RFC 1071 3]: the example */
TEST(checksum_of_the_rfc)
{
	uint8_t example[8];
	HEX(example, "0001 f203 f4f5 f6f7");
	CHECK_EQ(htons(0xddf2), checksum_fold(checksum_add(0, example, sizeof example)));
}

TEST(checksum_in_parts)
{
	fill(mixed);
	uint64_t sum = checksum_add(0, bytes, 40);
	sum = checksum_add(sum, bytes + 40, 1400);
	CHECK_EQ(checksum_fold(checksum_add(0, bytes, 1440)), checksum_fold(sum));
	sum = checksum_add_number(sum, 0x1234);
	CHECK(checksum_fold(checksum_add(0, bytes, 1440)) != checksum_fold(sum));
	sum = checksum_subtract_number(sum, 0x1234);
	CHECK_EQ(checksum_fold(checksum_add(0, bytes, 1440)), checksum_fold(sum));
}

/* Carries out of every fold. */
TEST(checksum_fold_of_large_sums)
{
	CHECK_EQ(0, checksum_fold(0));
	CHECK_EQ(0xffff, checksum_fold(UINT64_MAX));
	CHECK_EQ(1, checksum_fold(0x10000));
	CHECK_EQ(0xffff, checksum_fold(0xffff0000));
	CHECK_EQ(2, checksum_fold(UINT64_C(0x1000000010000000) >> 12));
	CHECK_EQ(1, checksum_fold(UINT64_C(0xffffffff00000001)));
}

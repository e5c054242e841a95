/*
 * The Internet checksum [RFC 1071] of inner packets. A sum is of 16-bit words as
 * they lie in memory, so a field that is already in network order can be added
 * and stored without a swap, on any machine. Pure; any thread.
 */
#ifndef ADIT_IO_CHECKSUM_H
#define ADIT_IO_CHECKSUM_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * `sum` and the words of `bytes`, which begin at an even offset of what is summed; an
 * odd last byte counts as if a zero came after it. Exact for 4 GiB and more.
 */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t len);

/* The same while copying; the two must not overlap. */
uint64_t checksum_copy(uint64_t sum, uint8_t *to, const uint8_t *from, size_t len);

/* A number of the machine as one more word. */
static inline uint64_t checksum_add_number(uint64_t sum, uint16_t number)
{
	return sum + htons(number);
}

/* A word less: as an addition of its complement. */
static inline uint64_t checksum_subtract_number(uint64_t sum, uint16_t number)
{
	return sum + (uint16_t)~htons(number);
}

/* The sum in 16 bits, not inverted: 0xffff when a right checksum was among it. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & UINT32_MAX);
	sum = (sum >> 32) + (sum & UINT32_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	return (uint16_t)((sum >> 16) + (sum & UINT16_MAX));
}

/* A field of a header, as it lies there. */
static inline uint16_t checksum_load(const uint8_t field[static 2])
{
	uint16_t word;
	memcpy(&word, field, sizeof word);
	return word;
}

static inline void checksum_store(uint8_t field[static 2], uint16_t word)
{
	memcpy(field, &word, sizeof word);
}

#endif

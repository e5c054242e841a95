#include "unit/slow_keccak.h"

#include <string.h>

/* The state is A[x][y], as FIPS 202 has it. */

static uint64_t rotate(uint64_t lane, unsigned bits)
{
	return bits % 64 ? lane << bits % 64 | lane >> (64 - bits % 64) : lane;
}

static void theta(uint64_t a[5][5])
{
	uint64_t c[5] = {0};
	for (int x = 0; x < 5; x++)
		for (int y = 0; y < 5; y++)
			c[x] ^= a[x][y];
	for (int x = 0; x < 5; x++)
		for (int y = 0; y < 5; y++)
			a[x][y] ^= c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
}

static void rho(uint64_t a[5][5])
{
	int x = 1, y = 0;
	for (unsigned t = 0; t < 24; t++) {
		a[x][y] = rotate(a[x][y], (t + 1) * (t + 2) / 2);
		int next = (2 * x + 3 * y) % 5;
		x = y;
		y = next;
	}
}

static void pi_and_chi(uint64_t a[5][5])
{
	uint64_t b[5][5];
	for (int x = 0; x < 5; x++)
		for (int y = 0; y < 5; y++)
			b[x][y] = a[(x + 3 * y) % 5][x];
	for (int x = 0; x < 5; x++)
		for (int y = 0; y < 5; y++)
			a[x][y] = b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y]);
}

/* rc(t): the shift register, from its start */
static uint64_t round_bit(unsigned t)
{
	unsigned r = 1;
	for (unsigned i = 0; i < t % 255; i++)
		r = r & 0x80 ? (r << 1 ^ 0x171) & 0xff : r << 1;
	return r & 1;
}

static void permute(uint8_t state[static 200])
{
	uint64_t a[5][5] = {{0}};
	for (size_t i = 0; i < 200; i++)
		a[i / 8 % 5][i / 40] |= (uint64_t)state[i] << 8 * (i % 8);
	for (unsigned round = 0; round < 24; round++) {
		theta(a);
		rho(a);
		pi_and_chi(a);
		for (unsigned j = 0; j <= 6; j++)
			a[0][0] ^= round_bit(j + 7 * round) << ((1u << j) - 1);
	}
	for (size_t i = 0; i < 200; i++)
		state[i] = (uint8_t)(a[i / 8 % 5][i / 40] >> 8 * (i % 8));
}

static void absorb(struct slow_sponge *s, uint8_t byte)
{
	if (s->at == s->rate) {
		permute(s->state);
		s->at = 0;
	}
	s->state[s->at++] ^= byte;
}

void slow_sponge_start(struct slow_sponge *s, size_t rate, uint8_t suffix, const void *a,
	size_t a_len, const void *b, size_t b_len)
{
	const uint8_t *first = a, *second = b;
	*s = (struct slow_sponge){.rate = rate};
	for (size_t i = 0; i < a_len; i++)
		absorb(s, first[i]);
	for (size_t i = 0; i < b_len; i++)
		absorb(s, second[i]);
	absorb(s, suffix);
	s->state[rate - 1] ^= 0x80;
	s->at = rate;
}

uint8_t slow_sponge_next(struct slow_sponge *s)
{
	if (s->at == s->rate) {
		permute(s->state);
		s->at = 0;
	}
	return s->state[s->at++];
}

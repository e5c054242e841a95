#include "sim/dice.h"

#include <string.h>

uint64_t dice_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void dice_init(struct dice *dice, uint64_t seed, uint64_t stream)
{
	uint64_t x = dice_mix(seed) ^ dice_mix(~stream);
	for (int i = 0; i < 4; i++)
		dice->state[i] = x = dice_mix(x);
}

static uint64_t rotate_left(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

uint64_t dice_next(struct dice *dice)
{
	uint64_t *s = dice->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t dice_below(struct dice *dice, uint64_t n)
{
	return dice_next(dice) % n;
}

uint64_t dice_between(struct dice *dice, uint64_t low, uint64_t high)
{
	return low + dice_below(dice, high - low + 1);
}

bool dice_chance(struct dice *dice, uint32_t permille)
{
	return permille && dice_below(dice, 1000) < permille;
}

void dice_fill(void *context, void *out, size_t len)
{
	for (uint8_t *p = out; len;) {
		uint64_t word = dice_next(context);
		size_t n = len < sizeof word ? len : sizeof word;
		memcpy(p, &word, n);
		p += n;
		len -= n;
	}
}

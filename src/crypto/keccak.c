#include "crypto/keccak.h"

#include "base/bytes.h"

#define ROUNDS 24

/* RC [FIPS 202, Algorithm 5] */
static const uint64_t round_constants[ROUNDS] = {
	0x0000000000000001,
	0x0000000000008082,
	0x800000000000808a,
	0x8000000080008000,
	0x000000000000808b,
	0x0000000080000001,
	0x8000000080008081,
	0x8000000000008009,
	0x000000000000008a,
	0x0000000000000088,
	0x0000000080008009,
	0x000000008000000a,
	0x000000008000808b,
	0x800000000000008b,
	0x8000000000008089,
	0x8000000000008003,
	0x8000000000008002,
	0x8000000000000080,
	0x000000000000800a,
	0x800000008000000a,
	0x8000000080008081,
	0x8000000000008080,
	0x0000000080000001,
	0x8000000080008008,
};

static inline uint64_t rotate_left(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* chi [FIPS 202, Algorithm 4] on one row */
__attribute__((always_inline)) static inline void chi(
	uint64_t out[static 5], uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	out[0] = a ^ (~b & c);
	out[1] = b ^ (~c & d);
	out[2] = c ^ (~d & e);
	out[3] = d ^ (~e & a);
	out[4] = e ^ (~a & b);
}

/*
 * One round. rho and pi are the indices and the distances in which chi takes its rows:
 * all of them constants, so the compiler keeps what it can in registers.
 */
__attribute__((always_inline)) static inline void keccak_round(
	uint64_t out[static 25], const uint64_t a[static 25], uint64_t constant)
{
	uint64_t c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
	uint64_t c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
	uint64_t c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
	uint64_t c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
	uint64_t c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
	uint64_t d0 = c4 ^ rotate_left(c1, 1);
	uint64_t d1 = c0 ^ rotate_left(c2, 1);
	uint64_t d2 = c1 ^ rotate_left(c3, 1);
	uint64_t d3 = c2 ^ rotate_left(c4, 1);
	uint64_t d4 = c3 ^ rotate_left(c0, 1);
	chi(out, a[0] ^ d0, rotate_left(a[6] ^ d1, 44), rotate_left(a[12] ^ d2, 43),
		rotate_left(a[18] ^ d3, 21), rotate_left(a[24] ^ d4, 14));
	chi(out + 5, rotate_left(a[3] ^ d3, 28), rotate_left(a[9] ^ d4, 20),
		rotate_left(a[10] ^ d0, 3), rotate_left(a[16] ^ d1, 45),
		rotate_left(a[22] ^ d2, 61));
	chi(out + 10, rotate_left(a[1] ^ d1, 1), rotate_left(a[7] ^ d2, 6),
		rotate_left(a[13] ^ d3, 25), rotate_left(a[19] ^ d4, 8),
		rotate_left(a[20] ^ d0, 18));
	chi(out + 15, rotate_left(a[4] ^ d4, 27), rotate_left(a[5] ^ d0, 36),
		rotate_left(a[11] ^ d1, 10), rotate_left(a[17] ^ d2, 15),
		rotate_left(a[23] ^ d3, 56));
	chi(out + 20, rotate_left(a[2] ^ d2, 62), rotate_left(a[8] ^ d3, 55),
		rotate_left(a[14] ^ d4, 39), rotate_left(a[15] ^ d0, 41),
		rotate_left(a[21] ^ d1, 2));
	out[0] ^= constant;
}

static void permute(uint64_t lanes[static 25])
{
	uint64_t between[25];
	for (size_t i = 0; i < ROUNDS; i += 2) {
		keccak_round(between, lanes, round_constants[i]);
		keccak_round(lanes, between, round_constants[i + 1]);
	}
}

void sponge_init(struct sponge *s, enum sponge_kind kind)
{
	static const struct {
		uint8_t rate, suffix;
	} kinds[] = {[SHAKE128] = {168, 0x1f},
		[SHAKE256] = {136, 0x1f},
		[SHA3_256] = {136, 0x06},
		[SHA3_512] = {72, 0x06}};
	*s = (struct sponge){.rate = kinds[kind].rate, .suffix = kinds[kind].suffix};
}

static void absorb_byte(struct sponge *s, uint32_t at, uint8_t byte)
{
	s->lanes[at / 8] ^= (uint64_t)byte << 8 * (at % 8);
}

void sponge_absorb(struct sponge *s, const void *data, size_t len)
{
	const uint8_t *in = data;
	while (len > 0) {
		if (s->at % 8 == 0 && len >= 8) {
			s->lanes[s->at / 8] ^= load_le64(in);
			s->at += 8;
			in += 8;
			len -= 8;
		} else {
			absorb_byte(s, s->at++, *in++);
			len--;
		}
		if (s->at == s->rate) {
			permute(s->lanes);
			s->at = 0;
		}
	}
}

void sponge_finish(struct sponge *s)
{
	absorb_byte(s, s->at, s->suffix);
	absorb_byte(s, s->rate - 1, 0x80);
	s->at = s->rate;
}

void sponge_start(struct sponge *s, enum sponge_kind kind, const uint8_t first[static 32],
	const void *rest, size_t len)
{
	sponge_init(s, kind);
	sponge_absorb(s, first, 32);
	sponge_absorb(s, rest, len);
	sponge_finish(s);
}

void sponge_squeeze(struct sponge *s, void *out, size_t len)
{
	uint8_t *to = out;
	while (len > 0) {
		if (s->at == s->rate) {
			permute(s->lanes);
			s->at = 0;
		}
		if (s->at % 8 == 0 && len >= 8) {
			store_le64(to, s->lanes[s->at / 8]);
			s->at += 8;
			to += 8;
			len -= 8;
		} else {
			*to++ = (uint8_t)(s->lanes[s->at / 8] >> 8 * (s->at % 8));
			s->at++;
			len--;
		}
	}
}

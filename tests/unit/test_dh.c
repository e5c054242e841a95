#include "crypto/dh.h"

#include "unit/low_order.h"
#include "unit/test.h"

/* RFC 7748 5.2 */
TEST(dh_rfc7748)
{
	static const char *const rows[][3] = {
		{"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
		{"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
			"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
	};
	for (size_t i = 0; i < 2; i++) {
		struct private_key priv;
		struct public_key pub;
		struct shared_secret got;
		uint8_t expected[DH_LEN];
		HEX(priv.bytes, rows[i][0]);
		HEX(pub.bytes, rows[i][1]);
		HEX(expected, rows[i][2]);
		CHECK(dh(&got, &priv, &pub));
		CHECK_MEM(expected, got.bytes, DH_LEN);
	}
}

/* RFC 7748 5.2, iterated: each result is the next scalar, each scalar the next point. */
TEST(dh_rfc7748_iterated)
{
	struct private_key k = {{9}};
	struct public_key u = {{9}};
	uint8_t expected[DH_LEN];
	for (int round = 1; round <= 1000; round++) {
		struct shared_secret next;
		CHECK(dh(&next, &k, &u));
		memcpy(u.bytes, k.bytes, DH_LEN);
		memcpy(k.bytes, next.bytes, DH_LEN);
		if (round == 1) {
			HEX(expected,
				"422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
			CHECK_MEM(expected, k.bytes, DH_LEN);
		}
	}
	HEX(expected, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
	CHECK_MEM(expected, k.bytes, DH_LEN);
}

/* RFC 7748 6.1 */
TEST(dh_both_sides_agree)
{
	struct private_key a, b;
	struct public_key a_pub, b_pub;
	struct shared_secret at_a, at_b;
	uint8_t expected[DH_LEN];
	HEX(a.bytes, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
	HEX(b.bytes, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
	public_key_derive(&a_pub, &a);
	HEX(expected, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	CHECK_MEM(expected, a_pub.bytes, DH_LEN);
	public_key_derive(&b_pub, &b);
	HEX(expected, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	CHECK_MEM(expected, b_pub.bytes, DH_LEN);
	HEX(expected, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	CHECK(dh(&at_a, &a, &b_pub) && dh(&at_b, &b, &a_pub));
	CHECK_MEM(expected, at_a.bytes, DH_LEN);
	CHECK_MEM(expected, at_b.bytes, DH_LEN);
}

/* Regressions 19: the points of low order, canonical or not, with either top bit. */
TEST(dh_refuses_low_order)
{
	struct private_key priv = {{0x40}};
	for (size_t i = 0; i < LOW_ORDER_COUNT; i++) {
		struct public_key pub = low_order_point(i);
		struct shared_secret out;
		memset(&out, 0xa5, sizeof out);
		CHECK(!dh(&out, &priv, &pub));
		CHECK_MEM((uint8_t[DH_LEN]){0}, out.bytes, DH_LEN);
	}
}

static void fill_with_context(void *context, void *out, size_t len)
{
	memset(out, *(uint8_t *)context, len);
}

TEST(private_key_bits)
{
	uint8_t value = 0xff;
	const struct rng rng = {fill_with_context, &value};
	struct private_key key;
	uint8_t expected[DH_LEN];
	private_key_generate(&key, &rng);
	HEX(expected, "f8ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
	CHECK_MEM(expected, key.bytes, DH_LEN);
	value = 0;
	private_key_generate(&key, &rng);
	HEX(expected, "0000000000000000000000000000000000000000000000000000000000000040");
	CHECK_MEM(expected, key.bytes, DH_LEN);
	private_key_clamp(&key);
	CHECK_MEM(expected, key.bytes, DH_LEN);
}

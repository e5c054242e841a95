#include "unit/low_order.h"

#include "unit/test.h"

struct public_key low_order_point(size_t i)
{
	static const char *const points[LOW_ORDER_COUNT / 2] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p - 1 */
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p */
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p + 1 */
	};
	struct public_key point;
	HEX(point.bytes, points[i / 2]);
	point.bytes[DH_LEN - 1] ^= (uint8_t)(i % 2 << 7);
	return point;
}

/*
 * The points whose product with any clamped scalar is zero (order 1, 2, 4, 8, on
 * the curve or its twist), as a sender may write them: canonical or not, with
 * either top bit. Wycheproof's 31 cases of a zero secret are about these 14.
 */
#ifndef ADIT_TESTS_LOW_ORDER_H
#define ADIT_TESTS_LOW_ORDER_H

#include "crypto/dh.h"

#define LOW_ORDER_COUNT 14

struct public_key low_order_point(size_t i);

#endif

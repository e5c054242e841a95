#include "io/shares.h"

#include "unit/test.h"

TEST(shares_data_has_seven_times_as_long)
{
	struct shares s = {.data_turn = 10};
	CHECK(shares_let_handshakes(&s, 10, false));
	shares_charge_handshakes(&s, 100);
	CHECK(!shares_let_handshakes(&s, 10, false));
	shares_credit_data(&s, 11, 699);
	CHECK(!shares_let_handshakes(&s, 12, false));
	shares_credit_data(&s, 12, 1);
	CHECK(shares_let_handshakes(&s, 12, false));
	shares_credit_data(&s, 13, 1000); /* nothing is saved up */
	shares_charge_handshakes(&s, 1);
	CHECK(!shares_let_handshakes(&s, 13, false));
}

TEST(shares_nothing_is_owed_where_no_data_waits)
{
	struct shares s = {.data_turn = 10};
	shares_charge_handshakes(&s, 100);
	CHECK(!shares_let_handshakes(&s, 11, false));
	CHECK(!shares_let_handshakes(&s, 12, true)); /* a worker has some */
	CHECK(shares_let_handshakes(&s, 12, false));
	CHECK(shares_let_handshakes(&s, 12, true)); /* it is forgiven */
}

TEST(shares_owed_is_bounded)
{
	struct shares s = {0};
	shares_charge_handshakes(&s, NANOS_NEVER / 8);
	shares_charge_handshakes(&s, 1);
	CHECK_EQ(SHARES_OWED_MAX, s.owed);
}

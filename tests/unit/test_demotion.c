#include "unit/test.h"

#include <errno.h>

#include "io/demotion.h"

#define START (1000 * NANOS_PER_SECOND)

static struct demotions demotions;

static struct endpoint endpoint_of(uint8_t number)
{
	return (struct endpoint){.address = {IP_V4, {192, 0, 2, number}}, .port = 51820};
}

static bool holds(const struct endpoint *to, uint32_t len, nanos boottime)
{
	return demotions_hold(&demotions, to, len, boottime);
}

static bool add(const struct endpoint *to, uint32_t len, int error, nanos boottime)
{
	return demotions_add(&demotions, to, len, error, boottime);
}

TEST(demotion_reasons)
{
	static const int all[] = {0, -EAGAIN, -EPERM, -ENOBUFS, -ENOMEM, -ENETUNREACH,
		-EADDRNOTAVAIL, -EACCES, -EHOSTUNREACH};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		CHECK(!demotion_is_reason(all[i]));
	CHECK(demotion_is_reason(-EINVAL));
	CHECK(demotion_is_reason(-EIO));
	CHECK(demotion_is_reason(-EMSGSIZE));
}

TEST(demotion_holds_for_its_time)
{
	struct endpoint to = endpoint_of(1), other = endpoint_of(2);
	demotions = (struct demotions){0};
	CHECK(!holds(&to, 1452, START));
	CHECK(add(&to, 1452, -EMSGSIZE, START)); /* news */
	CHECK(holds(&to, 1452, START));
	CHECK(holds(&to, 1452, START + DEMOTION_TIME - 1));
	CHECK(!holds(&to, 1452, START + DEMOTION_TIME));
	CHECK(!holds(&other, 1452, START));
	other = to;
	other.port++;
	CHECK(!holds(&other, 1452, START));
	to.source = (struct ip_address){IP_V4, {10, 0, 0, 1}}; /* is no matter of it */
	CHECK(holds(&to, 1452, START));
	CHECK_EQ(1, demotions.count);
}

TEST(demotion_lets_shorter_ones_pass)
{
	struct endpoint to = endpoint_of(1);
	demotions = (struct demotions){0};
	add(&to, 1300, -EINVAL, START);
	CHECK(holds(&to, 65000, START));
	CHECK(holds(&to, 1300, START));
	CHECK(!holds(&to, 1299, START));
	CHECK(!add(&to, 1200, -EINVAL, START + 1)); /* shorter still, but no news */
	CHECK(holds(&to, 1200, START + 1));
	CHECK(!holds(&to, 1199, START + 1));
	CHECK(!add(&to, 1400, -EINVAL, START + 2)); /* that was known */
	CHECK(holds(&to, 1200, START + 2));
	/* without checksums in the device the length is no matter */
	CHECK(add(&to, 1400, -EIO, START + 3));
	CHECK(holds(&to, 1, START + 3));
}

TEST(demotion_tries_again_in_silence)
{
	struct endpoint to = endpoint_of(1);
	nanos later = START + DEMOTION_TIME;
	demotions = (struct demotions){0};
	CHECK(add(&to, 1452, -EMSGSIZE, START));
	CHECK(!add(&to, 1452, -EMSGSIZE, later)); /* as before: said already */
	CHECK(holds(&to, 1452, later + DEMOTION_TIME - 1));
	later += DEMOTION_TIME;
	demotions_lift(&demotions, &to, 1451); /* says nothing about what was refused */
	CHECK(!holds(&to, 1452, later));
	CHECK(holds(&to, 1452, later - 1));
	demotions_lift(&demotions, &to, 1452);
	CHECK(!holds(&to, 1452, later - 1));
	CHECK(!add(&to, 1452, -EMSGSIZE, later)); /* comes and goes: said once */
	CHECK(holds(&to, 1452, later));
	CHECK(add(&to, 1452, -EINVAL, later)); /* another reason */
	struct endpoint other = endpoint_of(2);
	demotions_lift(&demotions, &other, 1452); /* not there: nothing */
	CHECK_EQ(1, demotions.count);
}

TEST(demotion_table_is_bounded)
{
	demotions = (struct demotions){0};
	for (uint8_t i = 0; i < DEMOTIONS_MAX; i++) {
		struct endpoint to = endpoint_of(i);
		/* number 5 has waited for longest */
		CHECK(add(&to, 1452, -EMSGSIZE, i == 5 ? START - 1 : START + i));
	}
	struct endpoint one_more = endpoint_of(200), oldest = endpoint_of(5);
	CHECK(holds(&oldest, 1452, START));
	CHECK(add(&one_more, 1452, -EMSGSIZE, START));
	CHECK_EQ(DEMOTIONS_MAX, demotions.count);
	CHECK(holds(&one_more, 1452, START));
	CHECK(!holds(&oldest, 1452, START));
	for (uint8_t i = 0; i < DEMOTIONS_MAX; i++) {
		struct endpoint to = endpoint_of(i);
		CHECK(i == 5 || holds(&to, 1452, START));
	}
	/* one that was lifted goes first */
	struct endpoint lifted = endpoint_of(40), another = endpoint_of(201);
	demotions_lift(&demotions, &lifted, 1452);
	CHECK(add(&another, 1452, -EMSGSIZE, START));
	CHECK(holds(&another, 1452, START) && holds(&one_more, 1452, START));
	CHECK(add(&lifted, 1452, -EMSGSIZE, START)); /* forgotten: news again */
}

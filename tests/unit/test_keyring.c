#include "unit/test.h"

#include "session/keyring.h"

static struct session a = {.local_index = 1}, b = {.local_index = 2}, c = {.local_index = 3},
		      n = {.local_index = 4};

/* Retired are exactly x and y (NULL: none), in any order. */
static bool is_retired(struct keyring_retired retired, const struct session *x,
	const struct session *y, const struct session *z)
{
	const struct session *expected[KEYRING_SESSIONS] = {x, y, z};
	int found = 0, wanted = 0, given = 0;
	for (int i = 0; i < KEYRING_SESSIONS; i++) {
		wanted += expected[i] != NULL;
		given += retired.sessions[i] != NULL;
		for (int k = 0; k < KEYRING_SESSIONS; k++)
			found += expected[i] && expected[i] == retired.sessions[k];
	}
	return found == wanted && given == wanted;
}

static bool is_ring(const struct keyring *ring, const struct session *previous,
	const struct session *current, const struct session *next)
{
	return ring->previous == previous && ring->current == current && ring->next == next;
}

struct row {
	struct keyring before, after;
	struct session *retired[2];
};

/* Every state of the ring; n is the new session. */
static void check_initiated(const struct row *row, bool gives_way)
{
	struct keyring ring = row->before;
	struct keyring_retired retired = keyring_add_initiated(&ring, &n, gives_way);
	const struct keyring *after = &row->after;
	CHECK(is_ring(&ring, after->previous, after->current, after->next));
	CHECK(is_retired(retired, row->retired[0], row->retired[1], NULL));
}

TEST(keyring_add_initiated)
{
	static const struct row rows[] = {
		{{NULL, NULL, NULL}, {NULL, &n, NULL}, {NULL}},
		{{NULL, &b, NULL}, {&b, &n, NULL}, {NULL}},
		{{&a, &b, NULL}, {&b, &n, NULL}, {&a}},
		{{&a, NULL, NULL}, {NULL, &n, NULL}, {&a}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		check_initiated(&rows[i], false);
		check_initiated(&rows[i], true);
	}
}

/* Both initiated at once: what we answered stays receivable, or becomes current later. */
TEST(keyring_add_initiated_when_both_did)
{
	static const struct row rows[] = {
		{{NULL, NULL, &c}, {&c, &n, NULL}, {NULL}},
		{{NULL, &b, &c}, {&c, &n, NULL}, {&b}},
		{{&a, &b, &c}, {&c, &n, NULL}, {&a, &b}},
		{{&a, NULL, &c}, {&c, &n, NULL}, {&a}},
	};
	static const struct row giving_way[] = {
		{{NULL, NULL, &c}, {NULL, &n, &c}, {NULL}},
		{{NULL, &b, &c}, {&b, &n, &c}, {NULL}},
		{{&a, &b, &c}, {&b, &n, &c}, {&a}},
		{{&a, NULL, &c}, {NULL, &n, &c}, {&a}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		check_initiated(&rows[i], false);
		check_initiated(&giving_way[i], true);
	}
}

TEST(keyring_add_responded)
{
	static const struct row rows[] = {
		{{NULL, NULL, NULL}, {NULL, NULL, &n}, {NULL}},
		{{NULL, &b, NULL}, {NULL, &b, &n}, {NULL}},
		{{&a, &b, NULL}, {&a, &b, &n}, {NULL}},
		{{NULL, &b, &c}, {NULL, &b, &n}, {&c}},
		{{&a, &b, &c}, {&a, &b, &n}, {&c}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct keyring ring = rows[i].before;
		struct keyring_retired retired = keyring_add_responded(&ring, &n);
		const struct keyring *after = &rows[i].after;
		CHECK(is_ring(&ring, after->previous, after->current, after->next));
		CHECK(is_retired(retired, rows[i].retired[0], rows[i].retired[1], NULL));
	}
}

TEST(keyring_confirm_moves_next_to_current)
{
	struct keyring ring = {&a, &b, &n};
	bool confirmed = false;
	struct keyring_retired retired = keyring_confirm(&ring, &n, &confirmed);
	CHECK(confirmed);
	CHECK(is_ring(&ring, &b, &n, NULL));
	CHECK(is_retired(retired, &a, NULL, NULL));

	retired = keyring_confirm(&ring, &n, &confirmed); /* only the first packet confirms */
	CHECK(!confirmed);
	CHECK(is_ring(&ring, &b, &n, NULL));
	CHECK(is_retired(retired, NULL, NULL, NULL));
}

TEST(keyring_confirm_of_the_first_session)
{
	struct keyring ring = {NULL, NULL, &n};
	bool confirmed = false;
	struct keyring_retired retired = keyring_confirm(&ring, &n, &confirmed);
	CHECK(confirmed);
	CHECK(is_ring(&ring, NULL, &n, NULL));
	CHECK(is_retired(retired, NULL, NULL, NULL));
}

TEST(keyring_other_packets_confirm_nothing)
{
	struct session retired_already = {.local_index = 9};
	const struct session *others[] = {&a, &b, &retired_already};
	for (size_t i = 0; i < 3; i++) {
		struct keyring ring = {&a, &b, &n};
		bool confirmed = true;
		struct keyring_retired retired = keyring_confirm(&ring, others[i], &confirmed);
		CHECK(!confirmed);
		CHECK(is_ring(&ring, &a, &b, &n));
		CHECK(is_retired(retired, NULL, NULL, NULL));
	}
}

TEST(keyring_clear)
{
	struct keyring ring = {&a, &b, &c};
	CHECK(is_retired(keyring_clear(&ring), &a, &b, &c));
	CHECK(is_ring(&ring, NULL, NULL, NULL));
	CHECK(is_retired(keyring_clear(&ring), NULL, NULL, NULL));
}

TEST(keyring_find)
{
	struct keyring ring = {&a, &b, &c};
	CHECK(keyring_find(&ring, 1) == &a);
	CHECK(keyring_find(&ring, 2) == &b);
	CHECK(keyring_find(&ring, 3) == &c);
	CHECK(!keyring_find(&ring, 4));
	ring = (struct keyring){NULL, NULL, NULL};
	CHECK(!keyring_find(&ring, 0));
}

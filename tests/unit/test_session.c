#include "unit/test.h"

#include "session/session.h"

#define SECOND NANOS_PER_SECOND
#define BIRTH  (UINT64_C(1000) * SECOND + 7)
#define INDEX  UINT32_C(0xa1b2c3d4)

static _Alignas(64) uint8_t memory[64];

static struct session_keys example_keys(void)
{
	struct session_keys keys;
	memset(&keys.send, 0xaa, sizeof keys.send);
	memset(&keys.receive, 0xbb, sizeof keys.receive);
	return keys;
}

/* A session without keys: the predicates need none. */
static struct session keyless(bool is_initiator, uint64_t send_counter)
{
	return (struct session){
		.is_initiator = is_initiator, .birth = BIRTH, .send_counter = send_counter};
}

TEST(session_keeps_its_keys_in_the_arena_only)
{
	struct secret_arena arena;
	struct session_keys keys = example_keys();
	secret_arena_init(&arena, memory, sizeof memory);
	struct session *session = session_create(&arena, &keys, INDEX, INDEX + 1, true, BIRTH);
	CHECK(session);
	CHECK((uint8_t *)session->keys >= memory && (uint8_t *)session->keys < memory + 64);
	CHECK_MEM(&keys, session->keys, sizeof keys);
	CHECK_EQ(INDEX, session->local_index);
	CHECK_EQ(INDEX + 1, session->remote_index);
	CHECK(session->is_initiator && !session->is_retired);
	CHECK_EQ(BIRTH, session->birth);
	CHECK_EQ(0, session->send_counter);
	CHECK_EQ(0, session->pins);
	CHECK(replay_accept(&session->replay, 0));
	session_destroy(session, &arena);
	CHECK_EQ(0, arena.blocks_out);
	for (size_t i = 0; i < sizeof memory; i++)
		CHECK(memory[i] != 0xaa && memory[i] != 0xbb);
}

TEST(session_create_fails_when_the_arena_is_full)
{
	struct secret_arena arena;
	struct session_keys keys = example_keys();
	secret_arena_init(&arena, memory, sizeof memory);
	struct session *session = session_create(&arena, &keys, 1, 2, false, BIRTH);
	CHECK(session);
	CHECK(!session_create(&arena, &keys, 3, 4, false, BIRTH));
	session_destroy(session, &arena);
	session = session_create(&arena, &keys, 3, 4, false, BIRTH);
	CHECK(session);
	session_destroy(session, &arena);
	session_destroy(NULL, &arena);
}

struct age_row {
	bool (*predicate)(const struct session *session, nanos boottime);
	bool is_initiator;
	nanos limit; /* the answer changes here; NANOS_NEVER: it does not */
	bool before;
};

/* regressions 5, 11, 29 */
TEST(session_ages)
{
	static const struct age_row rows[] = {
		{session_can_send, true, 180 * SECOND, true},
		{session_can_send, false, 180 * SECOND, true},
		{session_can_receive, true, 180 * SECOND, true},
		{session_can_receive, false, 180 * SECOND, true},
		{session_wants_rekey_on_send, true, 120 * SECOND, false},
		{session_wants_rekey_on_send, false, NANOS_NEVER, false},
		{session_wants_rekey_on_receive, true, 165 * SECOND, false},
		{session_wants_rekey_on_receive, false, NANOS_NEVER, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct age_row *row = &rows[i];
		struct session session = keyless(row->is_initiator, 1);
		CHECK_EQ(row->before, row->predicate(&session, BIRTH));
		if (row->limit == NANOS_NEVER) {
			CHECK_EQ(row->before, row->predicate(&session, BIRTH + 1000 * SECOND));
			continue;
		}
		CHECK_EQ(row->before, row->predicate(&session, BIRTH + row->limit - 1));
		CHECK_EQ(!row->before, row->predicate(&session, BIRTH + row->limit));
		CHECK_EQ(!row->before, row->predicate(&session, BIRTH + row->limit + 1));
	}
}

/* regressions 5: by messages, both roles */
TEST(session_wants_rekey_by_messages)
{
	const uint64_t limit = UINT64_C(1) << 60;
	for (int is_initiator = 0; is_initiator < 2; is_initiator++) {
		struct session session = keyless(is_initiator, limit - 1);
		CHECK(!session_wants_rekey_on_send(&session, BIRTH));
		session.send_counter = limit;
		CHECK(session_wants_rekey_on_send(&session, BIRTH));
		CHECK(!session_wants_rekey_on_receive(&session, BIRTH));
		CHECK(session_can_send(&session, BIRTH));
	}
}

/* regressions 6 */
TEST(session_never_sends_past_the_message_limit)
{
	const uint64_t limit = UINT64_MAX - 8192;
	struct session session = keyless(true, limit - 5);
	uint64_t first = 0;
	CHECK(session_can_send(&session, BIRTH));
	CHECK_EQ(3, session_take_counters(&session, 3, &first));
	CHECK_EQ(limit - 5, first);
	CHECK(session_can_send(&session, BIRTH));
	CHECK_EQ(2, session_take_counters(&session, 128, &first));
	CHECK_EQ(limit - 2, first);
	CHECK(!session_can_send(&session, BIRTH));
	CHECK_EQ(0, session_take_counters(&session, 128, &first));
	CHECK_EQ(limit, session.send_counter);
	CHECK(session_can_receive(&session, BIRTH));
}

TEST(session_counters_are_64_bit_and_in_a_row)
{
	struct session session = keyless(true, 0);
	uint64_t first = 1;
	CHECK_EQ(0, session_take_counters(&session, 0, &first));
	CHECK_EQ(0, first);
	CHECK_EQ(128, session_take_counters(&session, 128, &first));
	CHECK_EQ(0, first);
	CHECK_EQ(UINT32_MAX, session_take_counters(&session, UINT32_MAX, &first));
	CHECK_EQ(128, first);
	CHECK_EQ(1, session_take_counters(&session, 1, &first));
	CHECK_EQ(UINT64_C(128) + UINT32_MAX, first);
}

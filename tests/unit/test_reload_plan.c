#include "main/reload_plan.h"

#include "text/reconcile.h"
#include "unit/short_memory.h"
#include "unit/test.h"

#define ONE "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define TWO "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const char old_text[] = "[Interface]\nPostUp = a\n[Peer]\nPublicKey = " ONE "\n"
			       "Endpoint = one.example:1\n";
static const char new_text[] = "[Interface]\n[Peer]\nPublicKey = " ONE "\n"
			       "PersistentKeepalive = 5\nEndpoint = one.example:1\n"
			       "[Peer]\nPublicKey = " TWO "\nEndpoint = two.example:2\n";

static struct conf old, new;
static struct reload_plan plan;

static bool begin(void)
{
	reload_plan_init(&plan);
	return conf_parse(&old, old_text, sizeof old_text - 1) &&
	       conf_parse(&new, new_text, sizeof new_text - 1);
}

static void end(void)
{
	reload_plan_wipe(&plan);
	conf_wipe(&old);
	conf_wipe(&new);
}

TEST(reload_plan_leads_there_and_back)
{
	CHECK(begin());
	CHECK(reload_plan_is_empty(&plan.forward));
	CHECK(reload_plan_make(&plan, &old.change, &old, &new));
	reload_plan_add_file_lines(&plan, &old, &new);
	CHECK_STR("~ persistent keepalive of peer " ONE ": off -> 5 s\n"
		  "+ peer " TWO "\n"
		  "+ endpoint of peer " TWO ": two.example:2\n"
		  "- PostUp a\n",
		out_string(&plan.lines));
	CHECK_EQ(4, reload_plan_count_lines(&plan));
	CHECK(!reload_plan_is_empty(&plan.forward) && !reload_plan_is_empty(&plan.back));
	CHECK_EQ(2, plan.back.peer_count);
	CHECK(plan.back.peers[0].remove && plan.back.peers[1].has_keepalive);
	CHECK_EQ(2, plan.names.count);
	/* who was known goes on, who is new is asked */
	struct names names = {0};
	CHECK_EQ(0, names_add_all(&names, &old));
	names.names[0].next_try = NANOS_NEVER;
	reload_plan_follow_names(&plan, &names, &plan.forward);
	CHECK_EQ(2, names.count);
	CHECK(names.names[0].next_try == NANOS_NEVER && names.names[1].next_try == 0);
	names_free(&names);
	end();
}

TEST(reload_plan_without_memory)
{
	bool has_failed = true;
	CHECK(begin());
	for (size_t n = 1; has_failed; n++) {
		reload_plan_wipe(&plan);
		short_memory_begin(n);
		bool ok = reload_plan_make(&plan, &old.change, &old, &new);
		has_failed = short_memory_end();
		CHECK(ok == !has_failed);
	}
	end();
}

#include "main/reload.h"

#include "io/clock.h"
#include "main/verb.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/reload_bench.h"
#include "unit/sandbox.h"

#define PSK "PresharedKey = AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static bool reload_unconfirmed(void)
{
	REQUIRE(bench_write_file(KEY PEER PSK MORE));
	bench_ask(false, 60);
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	REQUIRE(bench_hears("set=1\n" SELECT_1 "update_only=true\npreshared_key=0300" Z24
			    "\n" SELECT_2 "post_quantum=default\nallowed_ip=10.0.0.2/32\n\n"));
	bench_answer("errno=0\n\n");
	REQUIRE(bench.status == VERB_OK && bench.names.count == 1 &&
		bench.config.conf.change.peer_count == 2);
	REQUIRE(strstr(
		bench.words, "it is rolled back in 60 s, unless \"adit confirm wg0\" comes"));
	nanos now = clock_read().boottime;
	REQUIRE(bench.reload.deadline > now && bench.reload.deadline <= now + TIME);
	return true;
}

static bool comes_back(void)
{
	REQUIRE(bench_begin(KEY PEER) && reload_unconfirmed());
	reload_on_time(&bench.reload, bench.reload.deadline - 1);
	REQUIRE(!bench_is_connected());
	bench_ask(false, 0);
	REQUIRE(bench.status == VERB_FAILED && strstr(bench.words, "waits to be confirmed"));
	reload_on_time(&bench.reload, bench.reload.deadline);
	REQUIRE(bench.reload.deadline == NANOS_NEVER && bench_is_connected());
	REQUIRE(bench_hears("set=1\n" SELECT_2 "remove=true\n" SELECT_1
			    "update_only=true\npreshared_key=0000" Z24 "\n\n"));
	bench_ask(false, 0);
	REQUIRE(bench.status == VERB_FAILED && strstr(bench.words, "under way"));
	bench_answer("errno=0\n\n");
	REQUIRE(!reload_is_busy(&bench.reload) && bench.names.count == 0);
	REQUIRE(bench.config.conf.change.peer_count == 1 && bench.reload.deadline == NANOS_NEVER);
	REQUIRE(reload_confirm(&bench.reload) == VERB_FAILED);
	/* an engine that does not follow leaves the old file in force all the same */
	REQUIRE(reload_unconfirmed());
	reload_on_time(&bench.reload, bench.reload.deadline);
	REQUIRE(bench_is_connected());
	captured();
	bench_answer("errno=-12\n\n");
	REQUIRE(strstr(captured(), "the engine could not be set back: Cannot allocate memory"));
	REQUIRE(!reload_is_busy(&bench.reload) && bench.config.conf.change.peer_count == 1);
	bench_end();
	return true;
}

TEST(reload_comes_back_unless_confirmed)
{
	folder_run(comes_back);
}

static bool confirms(void)
{
	REQUIRE(bench_begin(KEY PEER) && reload_confirm(&bench.reload) == VERB_FAILED);
	REQUIRE(reload_unconfirmed() && reload_confirm(&bench.reload) == VERB_OK);
	REQUIRE(bench.reload.deadline == NANOS_NEVER && !bench.reload.plan.back.peers);
	REQUIRE(bench.config.conf.change.peer_count == 2);
	/* an end before it is confirmed is just an end */
	REQUIRE(bench_write_file(KEY PEER));
	bench_ask(false, 60);
	REQUIRE(bench_asks_state());
	bench_answer_state("preshared_key=0300" Z24 "\n" SELECT_2);
	bench_answer("errno=0\n\n");
	REQUIRE(bench.status == VERB_OK);
	bench.status = -1;
	reload_abandon(&bench.reload);
	REQUIRE(bench.status == -1 && !bench_is_connected());
	bench_end();
	return true;
}

TEST(reload_stays_when_confirmed)
{
	folder_run(confirms);
}

static bool nothing_to_confirm(void)
{
	REQUIRE(bench_begin(KEY PEER));
	bench_ask(false, 60);
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	REQUIRE(bench.status == VERB_OK && strstr(bench.words, "no differences"));
	REQUIRE(bench.reload.deadline == NANOS_NEVER && !reload_is_busy(&bench.reload));
	bench_ask(false, 0); /* the next one waits for nobody */
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	REQUIRE(bench.status == VERB_OK);
	bench_end();
	return true;
}

TEST(reload_without_differences_needs_no_confirmation)
{
	folder_run(nothing_to_confirm);
}

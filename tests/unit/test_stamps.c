#include "main/stamps.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

#define SECONDS	  NANOS_PER_SECOND
#define TODAY	  (UINT64_C(1800000000) * SECONDS)
#define IN_1970	  (7 * SECONDS)
#define TEN_YEARS (UINT64_C(315360000) * SECONDS)

static struct stamps s;

static struct tai64n at(nanos realtime)
{
	return tai64n_from_realtime(realtime);
}

static bool same(const struct tai64n *a, nanos realtime)
{
	struct tai64n b = at(realtime);
	return !memcmp(a, &b, sizeof b);
}

/* The limit is on the disk before it is granted. */
static bool is_kept(void)
{
	struct tai64n mark;
	return s.is_limited && !stamp_file_read("state/wg0.stamp", &mark) &&
	       !memcmp(&mark, &s.limit, sizeof mark);
}

static bool lives(void)
{
	struct tai64n zero = {0}, sent = at(TODAY + 5 * SECONDS), back;
	REQUIRE(capture_begin(NULL, "wg0"));
	stamps_open(&s, "state", "wg0", TODAY);
	REQUIRE(!memcmp(&s.floor, &zero, sizeof zero));
	REQUIRE(same(&s.limit, TODAY + STAMPS_AHEAD_OF_CLOCK) && is_kept());
	stamps_grant(&s, &sent, TODAY + 2000 * SECONDS);
	REQUIRE(same(&s.limit, TODAY + 2000 * SECONDS + STAMPS_AHEAD_OF_CLOCK) && is_kept());
	/* the clock is set back, stamps go on from where they were */
	sent = s.limit;
	stamps_grant(&s, &sent, IN_1970);
	REQUIRE(same(&s.limit,
			TODAY + 2000 * SECONDS + STAMPS_AHEAD_OF_CLOCK + STAMPS_AHEAD_OF_SENT) &&
		is_kept());
	back = s.limit;
	/* killed; then a life without a clock */
	stamps_open(&s, "state", "wg0", IN_1970);
	REQUIRE(!memcmp(&s.floor, &back, sizeof back));
	REQUIRE(tai64n_is_after(&s.limit, &back) && is_kept());
	REQUIRE(tai64n_to_realtime(&s.limit) - tai64n_to_realtime(&back) <= STAMPS_AHEAD_OF_SENT);
	/* an orderly end keeps what was sent and not what might have been */
	sent = at(TODAY);
	stamps_close(&s, &sent);
	stamps_open(&s, "state", "wg0", TODAY + TEN_YEARS);
	REQUIRE(same(&s.floor, TODAY));
	REQUIRE(same(&s.limit, TODAY + TEN_YEARS + STAMPS_AHEAD_OF_CLOCK) && is_kept());
	REQUIRE(!strcmp(captured(), ""));
	return true;
}

TEST(stamps_over_several_lives_row_10)
{
	folder_run(lives);
}

/* Killed and started again, a hundred times, as systemd does it: 5 s later. */
static bool crash_loop(void)
{
	nanos time = TODAY;
	for (int life = 0; life < 100; life++, time += 5 * SECONDS)
		stamps_open(&s, "state", "wg0", time);
	time -= 5 * SECONDS;
	REQUIRE(tai64n_to_realtime(&s.limit) <= time + STAMPS_AHEAD_OF_CLOCK);
	/* stamps that are ahead already have time enough to be caught up with */
	struct tai64n sent = at(time + 2 * STAMPS_AHEAD_OF_CLOCK);
	stamps_close(&s, &sent);
	for (int life = 0; life < 200; life++, time += 5 * SECONDS)
		stamps_open(&s, "state", "wg0", time);
	time -= 5 * SECONDS;
	REQUIRE(tai64n_to_realtime(&s.limit) <= time + STAMPS_AHEAD_OF_CLOCK);
	return true;
}

TEST(stamps_of_a_crash_loop_do_not_run_away_from_the_clock)
{
	folder_run(crash_loop);
}

static bool damaged_file(void)
{
	struct tai64n zero = {0};
	REQUIRE(capture_begin(NULL, "wg0"));
	stamps_open(&s, "state", "wg0", TODAY);
	FILE *f = fopen("state/wg0.stamp", "w");
	REQUIRE(f && fputs("adit-stamp 1 @40000000", f) >= 0 && fclose(f) == 0);
	stamps_open(&s, "state", "wg0", TODAY);
	REQUIRE(!memcmp(&s.floor, &zero, sizeof zero));
	REQUIRE(same(&s.limit, TODAY + STAMPS_AHEAD_OF_CLOCK) && is_kept());
	const char *said = captured();
	REQUIRE(strstr(said, "state/wg0.stamp is damaged and ignored"));
	return true;
}

TEST(stamps_without_a_legible_file)
{
	folder_run(damaged_file);
}

static bool no_disk(void)
{
	struct tai64n sent = at(TODAY);
	REQUIRE(capture_begin(NULL, "wg0"));
	stamps_open(&s, "no/where", "wg0", TODAY);
	REQUIRE(!s.is_limited);
	REQUIRE(strstr(captured(), "no/where/wg0.stamp cannot be written (No such file"));
	stamps_grant(&s, &sent, TODAY);
	stamps_close(&s, &sent);
	REQUIRE(!s.is_limited && !strcmp(captured(), "")); /* said once */
	/* the disk fails later */
	stamps_open(&s, "state", "wg0", TODAY);
	REQUIRE(s.is_limited && !strcmp(captured(), ""));
	REQUIRE(!unlink("state/wg0.stamp") && !rmdir("state") && !symlink("no/where", "state"));
	stamps_grant(&s, &sent, TODAY);
	REQUIRE(!s.is_limited && strstr(captured(), "cannot be written"));
	return true;
}

TEST(stamps_without_a_disk)
{
	folder_run(no_disk);
}

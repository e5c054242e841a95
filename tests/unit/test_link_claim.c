#include "manage/link_claim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "manage/link_leftovers.h"
#include "manage/link_rules.h"
#include "manage/link_step.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

#define MARK 51820

static bool set_filter(const char *name)
{
	struct firewall f = {.record = {.mark = MARK}};
	snprintf(f.record.interface, sizeof f.record.interface, "%s", name);
	return !firewall_set(&box.n, &f);
}

static bool has_rules_of_a(void)
{
	struct link_state state = {0};
	bool ok = !link_leftovers_find(&box.n, "a", &state);
	ok = ok && link_state_find(&state, LINK_RULES);
	link_state_wipe(&state);
	return ok;
}

/* Of the rules of a no step of b is to take hold. */
static bool records(void)
{
	struct link_state nothing = {0};
	struct link_worker b = {.n = &box.n, .name = "b"};
	struct link_step step = {.change = LINK_ADD,
		.target = &nothing,
		.item = {.kind = LINK_RULES, .number = MARK}};
	step.item.prefix.address.family = IP_V4;
	REQUIRE(link_step_run(&b, &step) == 0);
	REQUIRE(link_claim_check(&box.n, "b", IP_V4, MARK) == 0); /* they lead to nothing */
	REQUIRE(set_filter("a") && has_rules_of_a());
	REQUIRE(link_step_run(&b, &step) == -EEXIST);
	REQUIRE(strstr(netlink_explain(&box.n, -EEXIST), "the mark 51820 is that of a,"));
	REQUIRE(link_claim_check(&box.n, "a", IP_V4, MARK) == 0);
	REQUIRE(link_claim_check(&box.n, "b", IP_V4, MARK + 1) == 0);
	/* b was killed before it was refused: it still takes nothing away. */
	struct link_state left = {0};
	REQUIRE(set_filter("b"));
	REQUIRE(link_leftovers_find(&box.n, "b", &left) == 0);
	REQUIRE(link_state_find(&left, LINK_FIREWALL) && !link_state_find(&left, LINK_RULES));
	REQUIRE(link_leftovers_remove(&box.n, "b", &left) == 0 && has_rules_of_a());
	link_state_wipe(&left);
	return true;
}

TEST(link_claim_is_told_by_a_record)
{
	netbox_run(records);
}

/* Somebody has flushed nftables. */
static bool routes(void)
{
	struct ip_prefix all = netbox_prefix("0.0.0.0/0");
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_route_add(&box.n, box.ifindex, MARK, &all) == 0);
	REQUIRE(link_claim_check(&box.n, "b", IP_V4, MARK) == 0); /* no rules: not one of ours */
	REQUIRE(link_rules_add(&box.n, IP_V4, MARK) == 0);
	REQUIRE(link_claim_check(&box.n, "b", IP_V4, MARK) == -EEXIST);
	REQUIRE(strstr(netlink_explain(&box.n, -EEXIST), "table 51820 is in use"));
	REQUIRE(link_claim_check(&box.n, "b", IP_V6, MARK) == 0);
	return true;
}

TEST(link_claim_is_told_by_rules_and_their_table)
{
	netbox_run(routes);
}

/* In a process of its own: what is tried there ends with it. */
static int try_elsewhere(uint32_t *mark)
{
	int ends[2], status;
	if (pipe(ends))
		return -errno;
	pid_t pid = fork();
	if (!pid) {
		uint32_t chosen = 0;
		link_claim_reserve(MARK + 99); /* instead of what is the parent's */
		link_choose_mark(&box.n, "c", &chosen);
		_exit(write(ends[1], &chosen, sizeof chosen) != sizeof chosen);
	}
	bool ok = read(ends[0], mark, sizeof *mark) == sizeof *mark;
	ok = waitpid(pid, &status, 0) == pid && !status && ok;
	close(ends[0]);
	close(ends[1]);
	return ok ? 0 : -EIO;
}

static bool reservations(void)
{
	uint32_t mark, other;
	REQUIRE(try_elsewhere(&other) == 0 && other == MARK);
	REQUIRE(link_choose_mark(&box.n, "a", &mark) == 0 && mark == MARK);
	REQUIRE(link_claim_reserve(MARK) == 0);
	REQUIRE(try_elsewhere(&other) == 0 && other == MARK + 1);
	REQUIRE(link_claim_reserve(7) == 0); /* and gives up the first */
	REQUIRE(try_elsewhere(&other) == 0 && other == MARK);
	return true;
}

TEST(link_claim_keeps_a_mark_that_is_not_in_use_yet)
{
	netbox_run(reservations);
}

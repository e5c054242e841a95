#include "manage/link.h"

#include <errno.h>
#include <stdio.h>

#include "manage/link_mtu.h"
#include "manage/link_plan.h"
#include "manage/link_step.h"

/* ------------------------------------------------------------------ what can be done */

static bool has_ipv6(const struct ip_prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (prefixes[i].address.family == IP_V6)
			return true;
	return false;
}

static bool mtu_is_possible(
	const struct link_settings *s, uint32_t mtu, char why[static LINK_WHY_MAX])
{
	bool wants_ipv6 =
		has_ipv6(s->addresses, s->address_count) ||
		(s->table != LINK_TABLE_OFF && has_ipv6(s->allowed_ips, s->allowed_ip_count));
	if (mtu >= LINK_MTU_IPV6_MIN || !wants_ipv6)
		return true;
	snprintf(why, LINK_WHY_MAX,
		"MTU %u is too small for the IPv6 addresses inside the tunnel; they need at least "
		"%u: set MTU = %u, or leave IPv6 out of Address and AllowedIPs",
		mtu, LINK_MTU_IPV6_MIN, LINK_MTU_IPV6_MIN);
	return false;
}

bool link_is_possible(const struct link_settings *s, char why[static LINK_WHY_MAX])
{
	if (s->mtu && !mtu_is_possible(s, s->mtu, why))
		return false;
	for (size_t i = 0; s->table == LINK_TABLE_AUTO && i < s->allowed_ip_count; i++) {
		const struct ip_prefix *p = &s->allowed_ips[i];
		if (p->len)
			continue;
		bool v6 = p->address.family == IP_V6;
		const char *halves = v6 ? "::/1, 8000::/1" : "0.0.0.0/1, 128.0.0.0/1";
		snprintf(why, LINK_WHY_MAX,
			"AllowedIPs %s with Table = auto means this machine's default route, which "
			"adit cannot move yet; write Table = off, or Table = 1000 (any number) and "
			"ip-rules of your own, or AllowedIPs = %s and a route of your own to the "
			"peer's Endpoint",
			v6 ? "::/0" : "0.0.0.0/0", halves);
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------ from one state to another */

static int fail(struct netlink *n, int error, const char *what, char why[static LINK_WHY_MAX])
{
	snprintf(why, LINK_WHY_MAX, "%s: %s", what, netlink_explain(n, error));
	return error;
}

static int have_no_memory(char why[static LINK_WHY_MAX])
{
	snprintf(why, LINK_WHY_MAX, "no memory for the list of routes");
	return -ENOMEM;
}

/* The device as it is: what link_down goes back to. */
static int find_state(
	struct link *link, struct netlink *n, uint32_t ifindex, char why[static LINK_WHY_MAX])
{
	struct netlink_link device;
	int error = netlink_link_get(n, ifindex, &device);
	if (error)
		return fail(n, error, "the tunnel's interface", why);
	struct link_item up = {.kind = LINK_UP};
	link->found.mtu = link->state.mtu = device.mtu;
	if (device.is_up &&
		(!link_state_add(&link->found, &up) || !link_state_add(&link->state, &up)))
		return have_no_memory(why);
	link->ifindex = ifindex;
	return 0;
}

static void report_plan(const struct link_report *report, const struct link_plan *plan)
{
	char line[LINK_LINE_MAX];
	for (size_t i = 0; report && i < plan->count; i++) {
		link_step_write(line, &plan->steps[i]);
		report->say(report->context, line);
	}
}

struct work {
	struct link_worker worker;
	char *why; /* LINK_WHY_MAX; about the first failure, not about undoing */
	bool has_failed;
};

static int run_step(void *context, const struct link_step *step)
{
	struct work *work = context;
	char what[LINK_ITEM_MAX];
	int error = link_step_run(&work->worker, step);
	if (error && !work->has_failed) {
		link_item_write(what, &step->item);
		fail(work->worker.n, error, what, work->why);
		work->has_failed = true;
	}
	return error;
}

/* What the settings mean here and now; *wanted is to be wiped in any case. */
static int want(struct link_state *wanted, struct netlink *n, const struct link_settings *s,
	char why[static LINK_WHY_MAX])
{
	*wanted = (struct link_state){0};
	if (!link_is_possible(s, why))
		return -EINVAL;
	uint32_t mtu = s->mtu;
	if (!mtu)
		mtu = link_choose_mtu(n, s->endpoints, s->endpoint_count, s->fwmark);
	if (!mtu_is_possible(s, mtu, why))
		return -EINVAL;
	return link_state_want(wanted, s, mtu) ? 0 : have_no_memory(why);
}

int link_apply(struct link *link, struct netlink *n, const struct link_settings *s,
	const struct link_report *report, char why[static LINK_WHY_MAX])
{
	struct link_plan plan = {0};
	struct link_state wanted;
	struct work work = {.worker = {.n = n, .ifindex = s->ifindex}, .why = why};
	bool is_first = !link->ifindex;
	int error = want(&wanted, n, s, why);
	if (!error && is_first)
		error = find_state(link, n, s->ifindex, why);
	if (!error && !link_plan_make(&plan, &link->state, &wanted))
		error = have_no_memory(why);
	if (!error)
		error = link_plan_run(&plan, run_step, &work);
	if (!error) {
		report_plan(report, &plan);
		link_state_wipe(&link->state);
		link->state = wanted;
		wanted = (struct link_state){0};
	} else if (is_first) {
		link_forget(link);
	}
	link_plan_wipe(&plan);
	link_state_wipe(&wanted);
	return error;
}

int link_diff(const struct link *link, struct netlink *n, const struct link_settings *s,
	const struct link_report *report, char why[static LINK_WHY_MAX])
{
	struct link_plan plan = {0};
	struct link_state wanted;
	struct link fresh = {0};
	int error = want(&wanted, n, s, why);
	if (!error && !link->ifindex)
		error = find_state(&fresh, n, s->ifindex, why);
	if (!error && !link_plan_make(&plan, link->ifindex ? &link->state : &fresh.state, &wanted))
		error = have_no_memory(why);
	if (!error)
		report_plan(report, &plan);
	link_plan_wipe(&plan);
	link_state_wipe(&wanted);
	link_forget(&fresh);
	return error;
}

/*
 * No step's failure stops the next: what is gone already was to go anyway. Without
 * a plan, which takes memory: everything goes, in reverse.
 */
void link_down(struct link *link, struct netlink *n)
{
	struct link_worker worker = {.n = n, .ifindex = link->ifindex};
	struct link_step step = {.change = LINK_REMOVE, .target = &link->found};
	for (size_t i = link->state.count; i-- > 0;) {
		step.item = link->state.items[i];
		if (step.item.kind != LINK_UP || !link_state_find(&link->found, LINK_UP))
			link_step_run(&worker, &step);
	}
	if (link->state.mtu != link->found.mtu)
		netlink_link_set_mtu(n, link->ifindex, link->found.mtu);
	link_forget(link);
}

void link_forget(struct link *link)
{
	link_state_wipe(&link->found);
	link_state_wipe(&link->state);
	*link = (struct link){0};
}

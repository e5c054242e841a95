#include "manage/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manage/firewall.h"
#include "manage/link_leftovers.h"
#include "manage/link_mtu.h"
#include "manage/link_plan.h"
#include "manage/link_step.h"
#include "manage/source_mark.h"

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
	if (!s->kill_switch || s->table != LINK_TABLE_OFF)
		return true;
	snprintf(why, LINK_WHY_MAX,
		"KillSwitch = yes closes the routes to AllowedIPs, and Table = off means that "
		"there are none: leave one of the two out");
	return false;
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

/* What is there before the first change: the device, and what an earlier life left. */
static int find_state(
	struct link *link, struct netlink *n, uint32_t ifindex, char why[static LINK_WHY_MAX])
{
	struct netlink_link device;
	struct link_item up = {.kind = LINK_UP};
	int error = netlink_link_get(n, ifindex, &device);
	if (error)
		return fail(n, error, "the tunnel's interface", why);
	error = link_leftovers_find(n, device.name, &link->found);
	if (error)
		return fail(n, error, "what is left of an earlier life", why);
	bool ok = !device.is_up || link_state_add(&link->found, &up);
	link->found.mtu = link->state.mtu = device.mtu;
	for (size_t i = 0; ok && i < link->found.count; i++)
		ok = link_state_add(&link->state, &link->found.items[i]);
	link->ifindex = ifindex;
	memcpy(link->name, device.name, sizeof(link->name));
	return ok ? 0 : have_no_memory(why);
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

/* Not where somebody else has set it; but who has it from another adit may be the last. */
static int wants_source_mark(const struct link *link, struct netlink *n, bool *wants)
{
	static struct firewall_record records[FIREWALL_RECORDS_MAX];
	size_t count = 0;
	bool is_on;
	n->words[0] = 0;
	int error = source_mark_get(&is_on);
	if (!error && is_on)
		error = firewall_list(n, records, &count);
	*wants = !is_on || link_state_find(&link->state, LINK_SOURCE_MARK);
	for (size_t i = 0; i < count; i++)
		*wants |= records[i].has_source_mark;
	return error;
}

/* Rules that are there let the old mark past the tunnel, not yet the new one. */
static uint32_t mark_in_force(const struct link *link, const struct link_settings *s)
{
	uint32_t mark = link_mark(link);
	return mark ? mark : s->fwmark;
}

/* What the settings mean here and now; *wanted is to be wiped in any case. */
static int want(struct link_state *wanted, const struct link *link, struct netlink *n,
	const struct link_settings *s, char why[static LINK_WHY_MAX])
{
	struct link_facts facts = {.mtu = s->mtu};
	*wanted = (struct link_state){0};
	if (!link_is_possible(s, why))
		return -EINVAL;
	if (!facts.mtu)
		facts.mtu = link_choose_mtu(
			n, link->ifindex, s->endpoints, s->endpoint_count, mark_in_force(link, s));
	if (!mtu_is_possible(s, facts.mtu, why))
		return -EINVAL;
	int error = 0;
	if (link_has_default(s, IP_V4))
		error = wants_source_mark(link, n, &facts.sets_source_mark);
	if (error)
		return fail(n, error, "net.ipv4.conf.all.src_valid_mark", why);
	return link_state_want(wanted, s, &facts) ? 0 : have_no_memory(why);
}

/* From what is known, or at first found, to what is wanted. All is to be wiped in any case. */
static int plan(struct link_plan *plan, struct link *link, struct netlink *n,
	const struct link_settings *s, struct link_state *wanted, char why[static LINK_WHY_MAX])
{
	int error = 0;
	*plan = (struct link_plan){0};
	*wanted = (struct link_state){0};
	if (!link->name[0])
		error = find_state(link, n, s->ifindex, why);
	if (!error && !link->ifindex) {
		snprintf(why, LINK_WHY_MAX, "the interface is in another network namespace");
		error = -ENODEV;
	}
	if (!error)
		error = want(wanted, link, n, s, why);
	if (!error && !link_plan_make(plan, &link->state, wanted))
		error = have_no_memory(why);
	return error;
}

int link_apply(struct link *link, struct netlink *n, const struct link_settings *s,
	const struct link_report *report, char why[static LINK_WHY_MAX])
{
	struct link_plan steps;
	struct link_state wanted;
	bool is_first = !link->name[0];
	int error = plan(&steps, link, n, s, &wanted, why);
	struct work work = {.worker = {n, link->name, link->ifindex}, .why = why};
	if (!error)
		error = link_plan_run(&steps, run_step, &work);
	if (!error) {
		report_plan(report, &steps);
		link_state_wipe(&link->state);
		link->state = wanted;
		wanted = (struct link_state){0};
	} else if (is_first) {
		link_restore(link, n);
	}
	link_plan_wipe(&steps);
	link_state_wipe(&wanted);
	return error;
}

int link_diff(const struct link *link, struct netlink *n, const struct link_settings *s,
	const struct link_report *report, char why[static LINK_WHY_MAX])
{
	struct link_plan steps;
	struct link_state wanted;
	struct link fresh = {0}, seen = *link;
	int error = plan(&steps, link->name[0] ? &seen : &fresh, n, s, &wanted, why);
	if (!error)
		report_plan(report, &steps);
	link_plan_wipe(&steps);
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
	struct link_state nothing = {0};
	struct link_worker worker = {n, link->name, link->ifindex};
	struct link_step step = {.change = LINK_REMOVE, .target = &nothing};
	for (size_t i = link->state.count; i-- > 0;) {
		step.item = link->state.items[i];
		if (step.item.kind != LINK_UP || !link_state_find(&link->found, LINK_UP))
			link_step_run(&worker, &step);
	}
	if (link->state.mtu != link->found.mtu)
		netlink_link_set_mtu(n, link->ifindex, link->found.mtu);
	link_forget(link);
}

void link_restore(struct link *link, struct netlink *n)
{
	struct link_plan back;
	struct link_worker worker = {n, link->name, link->ifindex};
	if (!link_state_find(&link->found, LINK_GUARD)) {
		link_down(link, n);
		return;
	}
	if (link_plan_make(&back, &link->state, &link->found))
		for (size_t i = 0; i < back.count; i++)
			link_step_run(&worker, &back.steps[i]);
	link_plan_wipe(&back);
	link_forget(link);
}

uint32_t link_mark(const struct link *link)
{
	const struct link_item *firewall = link_state_find(&link->state, LINK_FIREWALL);
	return firewall ? firewall->number : 0;
}

bool link_is_guarded(const struct link *link)
{
	return link_state_find(&link->state, LINK_GUARD);
}

void link_lose_device(struct link *link)
{
	size_t kept = 0;
	for (size_t i = 0; i < link->state.count; i++)
		if (link->state.items[i].kind <= LINK_GUARD)
			link->state.items[kept++] = link->state.items[i];
	link->state.count = kept;
	link->state.mtu = link->found.mtu;
	link->ifindex = 0;
}

void link_forget(struct link *link)
{
	link_state_wipe(&link->found);
	link_state_wipe(&link->state);
	*link = (struct link){0};
}

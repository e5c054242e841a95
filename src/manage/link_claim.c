#include "manage/link_claim.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "manage/netlink_rule.h"

const struct firewall_record *link_claim_other(
	const struct firewall_record *records, size_t count, const char *name, uint32_t mark)
{
	for (size_t i = 0; i < count; i++)
		if (records[i].mark == mark && strcmp(records[i].interface, name))
			return &records[i];
	return NULL;
}

static int has_rule(struct netlink *n, enum ip_family family, uint32_t mark, bool *has)
{
	struct netlink_rules rules;
	int error = netlink_rule_list(n, &rules);
	*has = false;
	for (size_t i = 0; !error && i < rules.count; i++)
		*has |= rules.items[i].family == family && rules.items[i].not_fwmark == mark &&
			rules.items[i].table == mark;
	netlink_rules_free(&rules);
	return error;
}

int link_claim_check(struct netlink *n, const char *name, enum ip_family family, uint32_t mark)
{
	static struct firewall_record records[FIREWALL_RECORDS_MAX];
	size_t count;
	bool has, is_empty = true;
	int error = firewall_list(n, records, &count);
	if (error)
		return error;
	const struct firewall_record *other = link_claim_other(records, count, name, mark);
	if (other) {
		snprintf(n->words, sizeof(n->words),
			"the mark %u is that of %.15s, and two interfaces cannot share one: leave "
			"FwMark out, or set another one (\"adit down %.15s\" removes what a killed "
			"one left)",
			mark, other->interface, other->interface);
		return -EEXIST;
	}
	error = has_rule(n, family, mark, &has);
	if (!error && has)
		error = netlink_table_is_empty(n, mark, &is_empty);
	if (error || is_empty)
		return error;
	snprintf(n->words, sizeof(n->words),
		"they are there already, and table %u is in use: another interface has the mark "
		"%u; leave FwMark out, or set another one",
		mark, mark);
	return -EEXIST;
}

int link_claim_reserve(uint32_t mark)
{
	static int held = -1; /* to the end of the process */
	static uint32_t held_mark;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "adit-mark-%u", mark);
	if (held >= 0 && held_mark == mark)
		return 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
	if (bind(fd, (struct sockaddr *)&name, size) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	if (held >= 0)
		close(held);
	held = fd;
	held_mark = mark;
	return 0;
}

/*
 * For tests of manage/link: a link on the TUN of a netbox, what is wanted of it as
 * text, and what is to be seen of it afterwards.
 */
#ifndef ADIT_TESTS_LINKBOX_H
#define ADIT_TESTS_LINKBOX_H

#include "manage/link.h"

#define LINKBOX_TABLE	     1000
#define LINKBOX_MARK	     51820
#define LINKBOX_PREFIXES_MAX 16

struct wanted { /* in text, each list ends with NULL */
	const char *addresses[LINKBOX_PREFIXES_MAX], *allowed_ips[LINKBOX_PREFIXES_MAX];
	uint32_t mtu;
	enum link_table table;
	bool kill_switch;
};

extern struct link tunnel;
extern char why[LINK_WHY_MAX];

/* link_apply, without a report. */
int set_up(const struct wanted *wanted);

/* The error, else whether the reported lines, "; " behind each, are not as expected. */
int change(const struct wanted *wanted, const char *expected);
/* The same, of link_diff. */
int ask_change(const struct wanted *wanted, const char *expected);
/* Of the latest change: what was reported. */
extern char lines[1024];

/* What is set on the device: our routes, in the given table, and addresses. */
bool state_is(uint32_t table, size_t address_count, const char *const *routes);
bool link_is(bool is_up, uint32_t mtu);

/* Nothing of ours is left, and nothing else is different. */
bool is_untouched(void);

#endif

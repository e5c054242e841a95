/*
 * Name servers in a reload, as main/reload_hooks.h for hooks: an interface that had
 * none to set has no process for it, and the new file may need one. It is forked
 * before that file is read, so that it has none of the keys.
 */
#ifndef ADIT_MAIN_RELOAD_SERVERS_H
#define ADIT_MAIN_RELOAD_SERVERS_H

#include "main/name_servers.h"

struct reload_servers {
	struct name_servers *servers; /* the supervisor's, as all here */
	bool *has_servers;	      /* whether there is the process, for good */
	struct loop *loop;
	const struct dns_system *system;
	bool is_new; /* there is one, and it is not decided yet */
};

/* 0, also where there is one already, or -errno. One that died is no hindrance. */
int reload_servers_start(struct reload_servers *rs);

/*
 * The new one stays, or it goes; nothing where there is no new one. One that was asked
 * for something stays in both: it may be busy for half a minute, and nobody waits
 * for it here. What it set is undone as the interface's own at the end.
 */
void reload_servers_keep(struct reload_servers *rs);
void reload_servers_stop(struct reload_servers *rs);

/* Whether what the file asks for can be set; if not, why. */
bool reload_servers_can(const struct reload_servers *rs, const struct conf *conf,
	const char *interface, char why[static DNS_TEXT_MAX]);

/* Whether both files ask for the same. */
bool reload_servers_are_same(const struct conf *a, const struct conf *b);

/*
 * Sets what the file asks for in place of what is set. 1: servers->on_done will be
 * called; 0: nothing to do; -errno, after a message.
 */
int reload_servers_set(struct reload_servers *rs, const struct conf *conf, const char *interface,
	const struct names *names);

#endif

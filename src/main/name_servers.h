/*
 * The link's name servers: what the configuration wants, when to set it, and what
 * became of it. Endpoints given by name are looked up first: the new name servers
 * may answer through the tunnel only, which needs the endpoint. Where a name is
 * not known after NAME_SERVERS_PATIENCE the interface comes up all the same, and
 * the name servers follow when it is.
 *
 * The programs are run by a process of its own, which stays only where there is
 * something to set. It may be started again at any time when no key of a
 * configuration is in memory.
 */
#ifndef ADIT_MAIN_NAME_SERVERS_H
#define ADIT_MAIN_NAME_SERVERS_H

#include <stdbool.h>

#include "base/nanos.h"
#include "io/loop.h"
#include "io/process.h"
#include "main/names.h"
#include "manage/dns.h"
#include "manage/dns_process.h"
#include "text/conf.h"

#define NAME_SERVERS_PATIENCE (10 * NANOS_PER_SECOND)

enum name_servers_state {
	NAME_SERVERS_IDLE,
	NAME_SERVERS_WAITING, /* for names */
	NAME_SERVERS_ASKED,   /* the process is at it */
};

struct name_servers {
	enum name_servers_state state;
	struct process process;
	struct dns_process dns;
	const struct dns_system *system;
	struct loop *loop;
	struct watch answers;
	struct to_dns wanted;
	bool is_late;  /* on_done was called already, nobody waits for us */
	bool was_used; /* there may be something to undo */
	nanos due;     /* for the loop: when to call name_servers_look */
	/* The end of name_servers_set and name_servers_unset: 0 or -errno, after a message. */
	void (*on_done)(void *context, int error);
	void *context;
};

/* Forks the process. system, the caller's: dns_usual_system. 0 or -errno. */
int name_servers_start(struct name_servers *ns, const struct dns_system *system);

/* What is set is undone by then, or by the process, which is waited for. */
void name_servers_stop(struct name_servers *ns);

/*
 * In `wanted`: what conf (NULL: there is none) asks for. false and why: what no
 * machine could set.
 */
bool name_servers_gather(struct to_dns *wanted, const struct conf *conf, const char *interface,
	char why[static DNS_TEXT_MAX]);

/* Whether there is something to set, or a note of something to undo. */
bool name_servers_are_wanted(const struct name_servers *ns);

/* Calls back from the loop; on_done and context are set before. 0 or -errno. */
int name_servers_attach(struct name_servers *ns, struct loop *loop);

/*
 * Sets ns->wanted in place of what is set, when all of `names` are known. 1: on_done
 * will be called; 0: nothing to do; -errno, after a message.
 */
int name_servers_set(struct name_servers *ns, const struct names *names, nanos boottime);

/* Something about `names` is new, or ns->due may have come. */
void name_servers_look(struct name_servers *ns, const struct names *names, nanos boottime);

/* Undoes it, whatever is under way. Returns as name_servers_set. */
int name_servers_unset(struct name_servers *ns);

/* Nobody here reaches them any more: the same, and whoever waits is told of the end by on_done. */
void name_servers_leave(struct name_servers *ns);

#endif

/*
 * Endpoints given by name: asks the resolver, again and more slowly while it has
 * no answer, and reports each address found. The interface runs meanwhile.
 */
#ifndef ADIT_MAIN_NAMES_H
#define ADIT_MAIN_NAMES_H

#include "base/nanos.h"
#include "crypto/dh.h"
#include "io/process.h"
#include "manage/resolver.h"
#include "text/conf.h"

#define NAMES_RETRY_FIRST (5 * NANOS_PER_SECOND)
#define NAMES_RETRY_LAST  (60 * NANOS_PER_SECOND)

struct name { /* one peer's endpoint */
	struct public_key peer;
	const char *host, *port; /* the configuration's */
	uint32_t id;		 /* of the question under way; 0: none */
	nanos next_try;		 /* NANOS_NEVER: found, or under way */
	nanos wait;
};

struct names {
	struct process process;
	struct resolver resolver;
	struct name *names;
	size_t count;
	/* An address was found; 0, or -errno: ask again later. Set before the first question. */
	int (*on_found)(void *context, const struct name *name, const struct endpoint *endpoint);
	void *context;
};

enum names_state {
	NAMES_KNOWN, /* all of them; also where there are none */
	NAMES_TRIED, /* each was asked for, and for some there was no answer */
	NAMES_OPEN,
};

/* Forks the resolver; in the background it leaves the terminal. 0 or -errno. */
int names_start(struct names *names, bool is_background);

/* Does not wait for a name server that the resolver waits for. */
void names_stop(struct names *names);

/* The strings stay the caller's. 0 or -ENOMEM. */
int names_add(
	struct names *names, const struct public_key *peer, const char *host, const char *port);

/* The list alone. */
void names_free(struct names *names);

/* Every name of a configuration, whose strings they stay. 0 or -ENOMEM. */
int names_add_all(struct names *names, const struct conf *conf);

/*
 * Takes the list of `fresh` in place of its own. A peer that has the same name in
 * both goes on where it is: found, under way or to be tried again.
 */
void names_follow(struct names *names, struct names *fresh);

/* After names_follow: the engine knows the peer from now on only: its name, if it has one, is asked
 * again. */
void names_forget_answer(struct names *names, const struct public_key *peer);

enum names_state names_state(const struct names *names);

/* A line for each that is not known, for who waits until the interface is ready. */
void names_say_unknown(const struct names *names);

/* Asks what is due. Returns when to call again. */
nanos names_ask(struct names *names, nanos boottime);

/* The channel is readable. 0, or -errno: the resolver is of no use any more. */
int names_answer(struct names *names, nanos boottime);

#endif

#include "main/names.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "io/log.h"
#include "main/background.h"
#include "text/keytext.h"

static int run_resolver(int channel, void *is_background)
{
	if (*(bool *)is_background)
		background_leave_terminal();
	return resolver_run(channel, NULL);
}

int names_start(struct names *names, bool is_background)
{
	int error = process_start(
		&names->process, "adit-resolver", run_resolver, &is_background, NULL, 0);
	if (!error)
		names->resolver = (struct resolver){.channel = names->process.channel};
	return error;
}

void names_stop(struct names *names)
{
	if (names->process.pid > 0) {
		/* getaddrinfo(3) may take half a minute more, and leaves nothing behind */
		process_kill(&names->process);
		process_finish(&names->process);
	}
	free(names->names);
	*names = (struct names){0};
}

void names_free(struct names *names)
{
	free(names->names);
	names->names = NULL;
	names->count = 0;
}

int names_add(
	struct names *names, const struct public_key *peer, const char *host, const char *port)
{
	struct name *grown = reallocarray(names->names, names->count + 1, sizeof *names->names);
	if (!grown)
		return -ENOMEM;
	names->names = grown;
	grown[names->count++] =
		(struct name){.peer = *peer, .host = host, .port = port, .wait = NAMES_RETRY_FIRST};
	return 0;
}

static bool is_known(const struct name *name)
{
	return !name->id && name->next_try == NANOS_NEVER;
}

enum names_state names_state(const struct names *names)
{
	enum names_state state = NAMES_KNOWN;
	for (size_t i = 0; i < names->count; i++) {
		const struct name *name = &names->names[i];
		if (is_known(name))
			continue;
		if (name->wait == NAMES_RETRY_FIRST)
			return NAMES_OPEN;
		state = NAMES_TRIED;
	}
	return state;
}

int names_add_all(struct names *names, const struct conf *conf)
{
	int error = 0;
	for (size_t i = 0; !error && i < conf->link.name_count; i++) {
		const struct conf_name *name = &conf->link.names[i];
		error = names_add(
			names, &conf->change.peers[name->peer].public_key, name->host, name->port);
	}
	return error;
}

static int compare_names(const void *first, const void *second)
{
	const struct name *a = first, *b = second;
	return memcmp(&a->peer, &b->peer, sizeof a->peer);
}

static void sort(struct names *names)
{
	if (names->count)
		qsort(names->names, names->count, sizeof *names->names, compare_names);
}

/* In a list that is sorted. */
static struct name *find_name(const struct names *names, const struct public_key *peer)
{
	struct name wanted = {.peer = *peer};
	return names->count
		       ? bsearch(&wanted, names->names, names->count, sizeof wanted, compare_names)
		       : NULL;
}

void names_follow(struct names *names, struct names *fresh)
{
	sort(names);
	for (size_t i = 0; i < fresh->count; i++) {
		struct name *name = &fresh->names[i], *old = find_name(names, &name->peer);
		if (!old || strcmp(old->host, name->host) || strcmp(old->port, name->port))
			continue;
		name->id = old->id;
		name->next_try = old->next_try;
		name->wait = old->wait;
	}
	free(names->names);
	names->names = fresh->names;
	names->count = fresh->count;
	fresh->names = NULL;
	fresh->count = 0;
	sort(names);
}

void names_forget_answer(struct names *names, const struct public_key *peer)
{
	struct name *name = find_name(names, peer);
	if (name)
		*name = (struct name){.peer = *peer,
			.host = name->host,
			.port = name->port,
			.wait = NAMES_RETRY_FIRST};
}

void names_say_unknown(const struct names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct name *name = &names->names[i];
		char key[KEYTEXT_BASE64_LEN + 1];
		if (is_known(name))
			continue;
		keytext_write_base64(key, name->peer.bytes);
		log_info("endpoint %s:%s of peer %.8s... is not known yet: it is being looked up",
			name->host, name->port, key);
	}
}

/* The next try, later each time. */
static void try_later(struct name *name, nanos boottime)
{
	name->id = 0;
	name->next_try = nanos_add(boottime, name->wait);
	name->wait = nanos_min(2 * name->wait, NAMES_RETRY_LAST);
}

nanos names_ask(struct names *names, nanos boottime)
{
	nanos next = NANOS_NEVER;
	for (size_t i = 0; i < names->count; i++) {
		struct name *name = &names->names[i];
		if (nanos_is_due(name->next_try, boottime)) {
			int error =
				resolver_ask(&names->resolver, name->host, name->port, &name->id);
			name->next_try = NANOS_NEVER;
			if (error)
				try_later(name, boottime);
		}
		next = nanos_min(next, name->next_try);
	}
	return next;
}

static struct name *find_question(struct names *names, uint32_t id)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->names[i].id == id)
			return &names->names[i];
	return NULL;
}

static void on_answer(struct names *names, const struct from_resolver *answer, nanos boottime)
{
	struct name *name = find_question(names, answer->id);
	if (!name)
		return;
	if (answer->count == 0) {
		log_error("endpoint %s:%s: %s; trying again in %u s", name->host, name->port,
			gai_strerror(answer->error), (unsigned)(name->wait / NANOS_PER_SECOND));
		try_later(name, boottime);
		return;
	}
	name->id = 0;
	if (names->on_found(names->context, name, &answer->endpoints[0]))
		try_later(name, boottime);
}

int names_answer(struct names *names, nanos boottime)
{
	struct from_resolver answer;
	int got;
	while ((got = resolver_answer(&names->resolver, &answer)) == 1)
		on_answer(names, &answer, boottime);
	return got == -EAGAIN ? 0 : got ? got : -EPIPE;
}

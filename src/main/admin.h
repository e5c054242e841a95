/*
 * The supervisor's own door: a socket at ADMIN_DIRECTORY/IFNAME.sock, which only
 * its owner may open, for what concerns the configuration and not the engine. A
 * client sends one line; the answer is lines too, each beginning with '1' (for
 * stdout) or '2' (for stderr), and at the end '=' and the exit status. Then the
 * connection is closed. A client that is slow, silent or gone delays nobody: what
 * it was told waits in memory of its own, and its place goes to the next.
 *
 * No secret is ever said here. One thread, the supervisor's loop.
 */
#ifndef ADIT_MAIN_ADMIN_H
#define ADIT_MAIN_ADMIN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/loop.h"
#include "manage/control.h"
#include "text/out.h"

#define ADMIN_DIRECTORY	  "/run/adit"
#define ADMIN_CLIENTS_MAX 8
#define ADMIN_LINE_MAX	  (PATH_MAX + 64)    /* bytes of a request, the newline included */
#define ADMIN_ANSWER_MAX  ((size_t)64 << 20) /* bytes that wait for one client to read them */

enum admin_stream { ADMIN_STDOUT = '1', ADMIN_STDERR = '2' };

struct admin;

struct admin_client {
	struct watch watch;
	struct admin *admin;
	bool is_used, has_asked, is_finished;
	uint64_t number; /* the later, the greater */
	char line[ADMIN_LINE_MAX];
	size_t len;
	struct out answer;
	size_t sent; /* of it */
};

struct admin {
	struct loop *loop; /* NULL: closed */
	struct control control;
	struct watch watch;
	uint64_t accepted;
	struct admin_client clients[ADMIN_CLIENTS_MAX];
	/*
	 * A whole line came, without its newline and without control characters. The
	 * answer is given now or later: admin_say, then admin_finish, once.
	 */
	void (*on_request)(void *context, struct admin_client *client, const char *line);
	/* The client went before admin_finish: nothing is to be said to it any more. */
	void (*on_gone)(void *context, struct admin_client *client);
	/* `due` is another. */
	void (*on_due)(void *context);
	void *context;
	nanos due; /* when to call admin_on_time, for a listener that failed; NANOS_NEVER: none */
};

/* Zero but for the callbacks; must stay at its address until admin_close. 0 or -errno. */
int admin_open(
	struct admin *admin, struct loop *loop, const char *directory, const char *interface);

/* Sends what can be sent without waiting, then closes all. Harmless when repeated. */
void admin_close(struct admin *admin);

void admin_on_time(struct admin *admin, nanos boottime);

/* One or more lines; control characters become '?'. */
void admin_say(struct admin_client *client, enum admin_stream stream, const char *text);

/* The exit status: an enum verb_exit, or a verb's own. */
void admin_finish(struct admin_client *client, int status);

#endif

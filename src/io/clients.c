#include "io/clients.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "text/uapi.h"

#define READ_MAX 16384 /* bytes taken from one client before the others have a turn */

struct client {
	struct client *next;
	struct clients *owner;
	bool is_own;
	uint64_t active; /* when it last said or read something, in the owner's count */
	struct watch watch;
	struct uapi_parser parser;
	struct out answer;
	size_t sent; /* of the answer */
	/* Read and not yet parsed: what came behind an operation that is being carried out. */
	char bytes[READ_MAX];
	size_t len, used;
};

static void remove_client(struct client *client)
{
	struct clients *clients = client->owner;
	struct client **link = &clients->first;
	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	clients->count--;
	if (clients->waiting == client)
		clients->waiting = NULL; /* what it waits for goes on */
	loop_remove(clients->loop, &client->watch);
	close(client->watch.fd);
	uapi_wipe(&client->parser);
	out_wipe(&client->answer);
	secret_wipe(client, sizeof *client);
	free(client);
}

/*
 * Who has been silent for longest, of those who may be sent away: not ourselves, nor
 * who waits for what we are doing. NULL: nobody.
 */
static struct client *find_idlest(const struct clients *clients, bool has_answer)
{
	struct client *idlest = NULL;
	for (struct client *client = clients->first; client; client = client->next) {
		if (client->is_own || client == clients->waiting ||
			(has_answer && !client->answer.len))
			continue;
		if (!idlest || client->active < idlest->active)
			idlest = client;
	}
	return idlest;
}

static void note_activity(struct client *client)
{
	client->active = ++client->owner->activity;
}

/*
 * Reads only when there is nothing to write and nothing put off: no client fills our
 * memory. The next of several operations has its turn when the socket takes an answer.
 */
static void watch_client(struct client *client)
{
	struct clients *clients = client->owner;
	bool is_unfinished = clients->is_writing && client == clients->waiting;
	bool is_writing = client->sent < client->answer.len && !is_unfinished;
	bool is_paused = clients->is_paused;
	bool has_more = client->used < client->len && !is_paused;
	uint32_t reading = is_paused ? 0 : EPOLLIN;
	loop_modify(
		client->owner->loop, &client->watch, is_writing || has_more ? EPOLLOUT : reading);
}

/* false: the client is gone. */
static bool write_answer(struct client *client)
{
	struct out *answer = &client->answer;
	while (client->sent < answer->len) {
		ssize_t n = send(client->watch.fd, answer->bytes + client->sent,
			answer->len - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		client->sent += (size_t)n;
		note_activity(client);
	}
	out_wipe(answer);
	client->sent = 0;
	return true;
}

/* What all wait to read is bounded, too: who has been reading least is not waited for. */
static void bound_answers(struct clients *clients)
{
	size_t all = 0;
	struct client *idlest;
	for (struct client *client = clients->first; client; client = client->next)
		all += client->answer.capacity;
	while (all > clients->answers_max && (idlest = find_idlest(clients, true))) {
		all -= idlest->answer.capacity;
		remove_client(idlest);
	}
}

/* Whoever is read again has a turn of their own. */
static void resume(struct clients *clients)
{
	clients->is_paused = false;
	clients->waiting = NULL;
	for (struct client *client = clients->first; client; client = client->next)
		watch_client(client);
}

/* The next part of the answer; nobody else is served until it is whole, packets are. */
static void write_part(struct client *client)
{
	struct clients *clients = client->owner;
	struct out *answer = &client->answer;
	clients->is_writing = clients->on_get(clients->context, answer) == CLIENTS_LATER;
	clients->is_paused = clients->is_writing;
	clients->waiting = clients->is_writing ? client : NULL;
	if (!answer->has_failed)
		return;
	out_wipe(answer);
	uapi_format_errno(answer, UAPI_GET, ENOMEM);
}

static void begin_get(struct client *client)
{
	struct clients *clients = client->owner;
	write_part(client);
	if (clients->is_writing)
		loop_modify(clients->loop, &clients->again, EPOLLIN);
}

/* A descriptor that is always readable calls this in each turn, while something is written. */
static void on_again(void *context, uint32_t events)
{
	struct clients *clients = context;
	struct client *client = clients->waiting;
	(void)events;
	if (client)
		write_part(client);
	if (client && clients->is_writing)
		return;
	clients->is_writing = false;
	loop_modify(clients->loop, &clients->again, 0);
	resume(clients);
	if (client && (client->answer.has_failed || !write_answer(client)))
		remove_client(client);
	else if (client)
		watch_client(client);
	bound_answers(clients);
}

static void answer_set(struct client *client)
{
	struct clients *clients = client->owner;
	int error = client->parser.error;
	if (!error)
		error = clients->on_set(clients->context, &client->parser.change);
	/* The connection may stay for days; the keys that came over it shall not. */
	change_wipe(&client->parser.change);
	if (error == CLIENTS_LATER) {
		clients->is_paused = true;
		clients->waiting = client;
	} else {
		uapi_format_errno(&client->answer, UAPI_SET, error);
	}
}

/*
 * Parses what was read up to the end of one operation, and carries it out: the others,
 * and packets, have a turn before the next. false: it broke the rules, or has gone.
 */
static bool work_off(struct client *client)
{
	size_t used;
	if (client->used == client->len || client->owner->is_paused || client->answer.len)
		return true;
	enum uapi_verdict verdict = uapi_feed(
		&client->parser, client->bytes + client->used, client->len - client->used, &used);
	client->used += used;
	if (verdict == UAPI_VIOLATION)
		return false;
	if (verdict == UAPI_GET)
		begin_get(client);
	if (verdict == UAPI_SET)
		answer_set(client);
	if (client->used == client->len) {
		secret_wipe(client->bytes, client->len);
		client->used = client->len = 0;
	}
	if (client->owner->is_writing)
		return true;
	return !client->answer.has_failed && write_answer(client);
}

/* false: it is gone. */
static bool read_more(struct client *client)
{
	if (client->len)
		return true; /* there is still something to work off */
	ssize_t n = recv(client->watch.fd, client->bytes, sizeof client->bytes, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return false;
	client->len = n > 0 ? (size_t)n : 0;
	note_activity(client);
	return true;
}

static void on_client(void *context, uint32_t events)
{
	struct client *client = context;
	struct clients *clients = client->owner;
	bool is_alive = !(events & (EPOLLERR | EPOLLHUP)) || events & EPOLLIN;
	if (is_alive && events & EPOLLOUT)
		is_alive = write_answer(client);
	if (is_alive && events & EPOLLIN && client->answer.len == 0)
		is_alive = read_more(client);
	if (is_alive)
		is_alive = work_off(client);
	if (is_alive)
		watch_client(client);
	else
		remove_client(client);
	bound_answers(clients);
}

int clients_init(struct clients *clients, struct loop *loop)
{
	*clients = (struct clients){
		.loop = loop,
		.max = CLIENTS_MAX,
		.answers_max = CLIENTS_ANSWERS_MAX,
		.again = {eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), on_again, clients},
	};
	return clients->again.fd < 0 ? -errno : loop_add(loop, &clients->again, 0);
}

void clients_add(struct clients *clients, int fd, bool is_own)
{
	struct client *idlest = clients->count < clients->max ? NULL : find_idlest(clients, false);
	if (idlest)
		remove_client(idlest);
	struct client *client =
		clients->count < clients->max || is_own ? calloc(1, sizeof *client) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	client->owner = clients;
	client->is_own = is_own;
	client->watch = (struct watch){fd, on_client, client};
	uapi_init(&client->parser);
	client->parser.zone_number = if_nametoindex;
	out_init(&client->answer, CLIENTS_ANSWER_MAX);
	note_activity(client);
	client->next = clients->first;
	clients->first = client;
	clients->count++;
	if (loop_add(clients->loop, &client->watch, clients->is_paused ? 0 : EPOLLIN))
		remove_client(client);
}

void clients_wipe(struct clients *clients)
{
	while (clients->first)
		remove_client(clients->first);
	if (clients->again.fd < 0 || !clients->loop)
		return;
	loop_remove(clients->loop, &clients->again);
	close(clients->again.fd);
	clients->again.fd = -1;
}

void clients_answer_set(struct clients *clients, int error)
{
	struct client *answered = clients->waiting;
	if (answered) {
		uapi_format_errno(&answered->answer, UAPI_SET, error);
		if (answered->answer.has_failed)
			remove_client(answered);
	}
	resume(clients);
}

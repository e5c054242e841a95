#include "io/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "text/uapi.h"

#define READ_MAX 16384 /* bytes taken from one client before the others have a turn */

struct client {
	struct client *next;
	struct clients *owner;
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
		clients->waiting = NULL;
	loop_remove(clients->loop, &client->watch);
	close(client->watch.fd);
	uapi_wipe(&client->parser);
	out_wipe(&client->answer);
	secret_wipe(client, sizeof *client);
	free(client);
}

/* Reads only when there is nothing to write and nothing put off: no client fills our memory. */
static void watch_client(struct client *client)
{
	bool is_writing = client->sent < client->answer.len;
	bool is_reading = !is_writing && !client->owner->is_paused;
	loop_modify(client->owner->loop, &client->watch,
		(is_writing ? EPOLLOUT : 0) | (is_reading ? EPOLLIN : 0));
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
	}
	out_wipe(answer);
	client->sent = 0;
	return true;
}

static void carry_out(struct client *client, enum uapi_verdict verdict)
{
	struct clients *clients = client->owner;
	int error = client->parser.error;
	if (verdict == UAPI_GET) {
		clients->on_get(clients->context, &client->answer);
		return;
	}
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

/* Parses what was read, as far as operations can be carried out now. false: it broke the rules. */
static bool work_off(struct client *client)
{
	enum uapi_verdict verdict = UAPI_MORE;
	while (client->used < client->len && !client->owner->is_paused && client->answer.len == 0) {
		size_t used;
		verdict = uapi_feed(&client->parser, client->bytes + client->used,
			client->len - client->used, &used);
		client->used += used;
		if (verdict == UAPI_VIOLATION)
			return false;
		if (verdict != UAPI_MORE)
			carry_out(client, verdict);
		if (client->answer.has_failed || !write_answer(client))
			return false;
	}
	if (client->used == client->len) {
		secret_wipe(client->bytes, client->len);
		client->used = client->len = 0;
	}
	return true;
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
	return true;
}

static void on_client(void *context, uint32_t events)
{
	struct client *client = context;
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
}

void clients_add(struct clients *clients, int fd)
{
	struct client *client = clients->count < CLIENTS_MAX ? calloc(1, sizeof *client) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	client->owner = clients;
	client->watch = (struct watch){fd, on_client, client};
	uapi_init(&client->parser);
	out_init(&client->answer, CLIENTS_ANSWER_MAX);
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
}

void clients_answer_set(struct clients *clients, int error)
{
	struct client *answered = clients->waiting;
	clients->is_paused = false;
	clients->waiting = NULL;
	for (struct client *client = clients->first, *next; client; client = next) {
		next = client->next;
		if (client == answered)
			uapi_format_errno(&client->answer, UAPI_SET, error);
		if (write_answer(client) && work_off(client))
			watch_client(client);
		else
			remove_client(client);
	}
}

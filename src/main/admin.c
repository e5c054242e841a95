#include "main/admin.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log.h"

static void remove_client(struct admin_client *client)
{
	struct admin *admin = client->admin;
	bool is_waiting = client->has_asked && !client->is_finished;
	loop_remove(admin->loop, &client->watch);
	close(client->watch.fd);
	out_wipe(&client->answer);
	client->is_used = false;
	if (is_waiting)
		admin->on_gone(admin->context, client);
}

static void watch_client(struct admin_client *client)
{
	bool is_writing = client->sent < client->answer.len || client->is_finished;
	loop_modify(client->admin->loop, &client->watch,
		is_writing	    ? EPOLLOUT
		: client->has_asked ? 0
				    : EPOLLIN);
}

/* false: there is nobody to send it to. */
static bool send_answer(struct admin_client *client)
{
	struct out *answer = &client->answer;
	if (answer->has_failed)
		return false;
	while (client->sent < answer->len) {
		ssize_t n = send(client->watch.fd, answer->bytes + client->sent,
			answer->len - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		client->sent += (size_t)n;
	}
	out_clear(answer);
	client->sent = 0;
	return !client->is_finished;
}

static bool has_control_characters(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return true;
	return false;
}

/* false: it broke the rules, or is gone. */
static bool read_request(struct admin_client *client)
{
	size_t room = sizeof client->line - client->len;
	ssize_t n = recv(client->watch.fd, client->line + client->len, room, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	client->len += (size_t)n;
	char *newline = memchr(client->line, '\n', client->len);
	if (!newline)
		return client->len < sizeof client->line;
	if (newline != client->line + client->len - 1 ||
		has_control_characters(client->line, client->len - 1))
		return false;
	*newline = 0;
	client->has_asked = true;
	client->admin->on_request(client->admin->context, client, client->line);
	return true;
}

static void on_client(void *context, uint32_t events)
{
	struct admin_client *client = context;
	bool is_alive = !(events & (EPOLLERR | EPOLLHUP));
	if (is_alive && events & EPOLLIN && !client->has_asked)
		is_alive = read_request(client);
	if (is_alive && events & EPOLLOUT)
		is_alive = send_answer(client);
	if (is_alive)
		watch_client(client);
	else
		remove_client(client);
}

/* How willingly a client gives way to a new one; 0: not at all. */
static int dispensability(const struct admin_client *client)
{
	return !client->is_used ? 3 : !client->has_asked ? 2 : client->is_finished ? 1 : 0;
}

static struct admin_client *find_place(struct admin *admin)
{
	struct admin_client *best = &admin->clients[0];
	for (size_t i = 1; i < ADMIN_CLIENTS_MAX; i++) {
		struct admin_client *client = &admin->clients[i];
		int more = dispensability(client) - dispensability(best);
		if (more > 0 || (more == 0 && client->number < best->number))
			best = client;
	}
	if (!dispensability(best))
		return NULL;
	if (best->is_used)
		remove_client(best);
	return best;
}

/* Too many descriptors, or no memory: whoever connects waits, and we do not spin. */
static void pause_listener(struct admin *admin, int error)
{
	log_error("a connection to %s cannot be taken: %s; tried again every second",
		admin->control.path, strerror(-error));
	loop_modify(admin->loop, &admin->watch, 0);
	admin->due = nanos_add(clock_read().boottime, NANOS_PER_SECOND);
	admin->on_due(admin->context);
}

void admin_on_time(struct admin *admin, nanos boottime)
{
	if (!nanos_is_due(admin->due, boottime))
		return;
	admin->due = NANOS_NEVER;
	loop_modify(admin->loop, &admin->watch, EPOLLIN);
}

static void on_connection(void *context, uint32_t events)
{
	struct admin *admin = context;
	int fd = control_accept(&admin->control);
	(void)events;
	if (fd < 0 && fd != -EAGAIN)
		pause_listener(admin, fd);
	if (fd < 0)
		return;
	struct admin_client *client = find_place(admin);
	if (!client) {
		close(fd);
		return;
	}
	*client = (struct admin_client){.admin = admin, .is_used = true};
	client->number = ++admin->accepted;
	client->watch = (struct watch){fd, on_client, client};
	out_init(&client->answer, ADMIN_ANSWER_MAX);
	if (loop_add(admin->loop, &client->watch, EPOLLIN))
		remove_client(client);
}

int admin_open(struct admin *admin, struct loop *loop, const char *directory, const char *interface)
{
	admin->due = NANOS_NEVER;
	int error = control_open(&admin->control, directory, interface);
	if (error)
		return error;
	admin->watch = (struct watch){admin->control.listen_fd, on_connection, admin};
	error = loop_add(loop, &admin->watch, EPOLLIN);
	if (error)
		control_close(&admin->control);
	else
		admin->loop = loop;
	return error;
}

void admin_close(struct admin *admin)
{
	if (!admin->loop)
		return;
	for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++) {
		struct admin_client *client = &admin->clients[i];
		if (!client->is_used)
			continue;
		send_answer(client);
		remove_client(client);
	}
	loop_remove(admin->loop, &admin->watch);
	control_close(&admin->control);
	admin->loop = NULL;
	admin->due = NANOS_NEVER;
}

void admin_say(struct admin_client *client, enum admin_stream stream, const char *text)
{
	struct out *out = &client->answer;
	char first = (char)stream;
	while (*text) {
		size_t len = strcspn(text, "\n");
		out_add(out, &first, 1);
		for (size_t i = 0; i < len; i++) {
			bool is_safe = text[i] == '\t' || !has_control_characters(&text[i], 1);
			out_add(out, is_safe ? &text[i] : "?", 1);
		}
		out_add_text(out, "\n");
		text += len + (text[len] == '\n');
	}
	watch_client(client);
}

void admin_finish(struct admin_client *client, int status)
{
	out_add_text(&client->answer, "=");
	out_add_decimal(&client->answer, (uint64_t)status);
	out_add_text(&client->answer, "\n");
	client->is_finished = true;
	watch_client(client);
}

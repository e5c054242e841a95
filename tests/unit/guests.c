#include "unit/guests.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/sandbox.h"
#include "unit/turn.h"

struct guests guests;

static int on_get(void *context, struct out *answer)
{
	(void)context;
	guests.gets += !answer->len;
	guests.parts += answer->len != 0;
	if (answer->len + 1 < guests.part_count)
		out_add_text(answer, "x");
	else if (guests.answer_len)
		out_add_repeated(answer, 'x', guests.answer_len);
	else
		out_add_text(answer, ANSWER);
	return answer->len < guests.part_count ? CLIENTS_LATER : 0;
}

static int on_set(void *context, struct change *change)
{
	(void)context;
	guests.sets++;
	guests.port = change->listen_port;
	guests.last_change = change;
	return guests.set_result;
}

bool guests_begin(void)
{
	guests = (struct guests){0};
	REQUIRE(loop_init(&guests.loop) == 0 && clients_init(&guests.clients, &guests.loop) == 0);
	guests.clients.on_get = on_get;
	guests.clients.on_set = on_set;
	return true;
}

void guests_end(void)
{
	clients_wipe(&guests.clients);
	loop_wipe(&guests.loop);
}

int guests_connect(void)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		abort();
	clients_add(&guests.clients, ends[1], false);
	return ends[0];
}

bool guests_say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

const char *guests_hear(int fd)
{
	static char text[65536];
	loop_settle(&guests.loop);
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n == 0)
		return "closed";
	text[n > 0 ? n : 0] = 0;
	return text;
}

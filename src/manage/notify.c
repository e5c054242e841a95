#include "manage/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A positive number from the environment; 0: not set, or none. */
static unsigned long long read_number(const char *name)
{
	const char *text = getenv(name);
	if (!text || *text < '0' || *text > '9')
		return 0;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	return errno || *end ? 0 : value;
}

static nanos read_watchdog(void)
{
	unsigned long long us = read_number("WATCHDOG_USEC"), pid = read_number("WATCHDOG_PID");
	bool is_for_us = !getenv("WATCHDOG_PID") || pid == (unsigned long long)getpid();
	if (!us || !is_for_us || us > NANOS_NEVER / 1000)
		return NANOS_NEVER;
	return us * 1000;
}

/* The socket's name: a path, or '@' for an abstract one. */
static int read_address(struct notify *n, const char *name)
{
	size_t len = strlen(name);
	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(n->address.sun_path))
		return -EINVAL;
	n->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(n->address.sun_path, name, len);
	bool is_abstract = name[0] == '@';
	if (is_abstract)
		n->address.sun_path[0] = 0;
	/* A zero at the end would be part of an abstract name. */
	n->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !is_abstract);
	return 0;
}

static int open_socket(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");
	if (!name)
		return 0;
	int error = read_address(n, name);
	if (error)
		return error;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return n->fd < 0 ? -errno : 0;
}

int notify_open(struct notify *n)
{
	*n = (struct notify){.fd = -1, .watchdog_ns = read_watchdog()};
	int error = open_socket(n);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return error;
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

int notify_send(const struct notify *n, const char *assignments)
{
	ssize_t sent;
	if (n->fd < 0)
		return 0;
	do
		sent = sendto(n->fd, assignments, strlen(assignments), MSG_NOSIGNAL,
			(const struct sockaddr *)&n->address, n->address_len);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

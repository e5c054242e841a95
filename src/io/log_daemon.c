#include "io/log_daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"

#define HEAD_MAX 64 /* "<31>Nov 20 16:22:58 adit[4194304]: " */

static bool reconnect(struct log_daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	log_daemon_close(daemon);
	if (strlen(daemon->path) >= sizeof address.sun_path)
		return false;
	strcpy(address.sun_path, daemon->path);
	daemon->owner = getpid();
	daemon->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (daemon->fd < 0)
		return false;
	if (!connect(daemon->fd, (const struct sockaddr *)&address, sizeof address))
		return true;
	log_daemon_close(daemon);
	return false;
}

void log_daemon_open(struct log_daemon *daemon, const char *path)
{
	tzset(); /* its file may be out of reach later */
	*daemon = (struct log_daemon){.path = path, .fd = -1};
	reconnect(daemon);
}

void log_daemon_close(struct log_daemon *daemon)
{
	if (daemon->fd >= 0 && daemon->owner == getpid())
		close(daemon->fd);
	daemon->fd = -1;
}

/* Always in the C locale, which is the program's. */
static size_t write_head(char out[static HEAD_MAX], int priority)
{
	time_t seconds = (time_t)(clock_read().realtime / NANOS_PER_SECOND);
	struct tm local;
	char time[32] = "";
	if (localtime_r(&seconds, &local))
		strftime(time, sizeof time, "%b %e %T ", &local);
	return (size_t)snprintf(
		out, HEAD_MAX, "<%d>%sadit[%d]: ", LOG_DAEMON | priority, time, (int)getpid());
}

/* 0 or -errno; never -EINTR. */
static int send_once(const struct log_daemon *daemon, const char *bytes, size_t len)
{
	ssize_t sent;
	do
		sent = send(daemon->fd, bytes, len, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* What is not the daemon's being busy is perhaps its not being there any more. */
static bool is_worth_a_reconnect(int error)
{
	return error && error != -EAGAIN && error != -ENOBUFS && error != -EMSGSIZE;
}

bool log_daemon_send(struct log_daemon *daemon, int priority, const char *text, size_t len)
{
	char bytes[HEAD_MAX + LOG_DAEMON_TEXT_MAX];
	size_t head = write_head(bytes, priority);
	if (len > LOG_DAEMON_TEXT_MAX)
		len = LOG_DAEMON_TEXT_MAX;
	memcpy(bytes + head, text, len);
	bool is_ours = daemon->fd >= 0 && daemon->owner == getpid();
	int error = is_ours ? send_once(daemon, bytes, head + len) : -ENOTCONN;
	if (is_worth_a_reconnect(error) && reconnect(daemon))
		error = send_once(daemon, bytes, head + len);
	return !error;
}

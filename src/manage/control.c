#include "manage/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define BACKLOG		64
#define CONNECT_SECONDS 5   /* that a client waits for a listener too busy to take it */
#define LEAVING_TRIES	100 /* of a name that somebody is about to give up */
#define LEAVING_STEP_US 20000
#define LISTENER_TRIES	4 /* of finding a listener that is replaced meanwhile */
#define WATCHED_CHANGES (IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

static int set_path(struct sockaddr_un *address, const char *directory, const char *interface)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int len = snprintf(
		address->sun_path, sizeof(address->sun_path), "%s/%s.sock", directory, interface);
	return len >= (int)sizeof(address->sun_path) ? -ENAMETOOLONG : 0;
}

/* A connected socket or -errno. */
static int connect_to(const struct sockaddr_un *address, int flags)
{
	struct timeval timeout = {.tv_sec = CONNECT_SECONDS};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	int error = 0;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) ||
		connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		error = -errno;
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* ------------------------------------------------------------------ the listener */

static int create_directory(const char *path)
{
	mode_t before = umask(022);
	int error = mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
	umask(before);
	return error;
}

/* Makes room for ours: a socket that refuses has lost its listener. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat s;
	if (lstat(address->sun_path, &s))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(s.st_mode)) /* which would refuse, too */
		return -ENOTSOCK;
	int fd = connect_to(address, SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN) /* the latter: a listener whose queue is full */
		return -EADDRINUSE;
	if (fd != -ECONNREFUSED)
		return fd == -ENOENT ? 0 : fd;
	return unlink(address->sun_path) && errno != ENOENT ? -errno : 0;
}

static void note_path(struct control *c, const struct sockaddr_un *address, const struct stat *s)
{
	memcpy(c->path, address->sun_path, sizeof(c->path));
	c->device = s->st_dev;
	c->inode = s->st_ino;
}

static int listen_at(struct control *c, const struct sockaddr_un *address)
{
	struct stat s;
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listen_fd < 0)
		return -errno;
	mode_t before = umask(077);
	int error = bind(c->listen_fd, (const struct sockaddr *)address, sizeof(*address));
	if (error)
		error = -errno;
	umask(before);
	if (error)
		return error;
	if (lstat(address->sun_path, &s))
		return -errno;
	note_path(c, address, &s);
	return control_claim(c);
}

static int watch(struct control *c)
{
	c->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (c->watch_fd < 0 || inotify_add_watch(c->watch_fd, c->path, WATCHED_CHANGES) < 0)
		return -errno;
	return 0;
}

/* Whose interface was deleted gives up the name a moment later. */
static int wait_for_name(const struct sockaddr_un *address)
{
	int error = remove_stale(address);
	for (int try = 0; error == -EADDRINUSE && try < LEAVING_TRIES; try++) {
		usleep(LEAVING_STEP_US);
		error = remove_stale(address);
	}
	return error;
}

int control_open(struct control *c, const char *directory, const char *interface)
{
	struct sockaddr_un address;
	*c = (struct control){.listen_fd = -1, .watch_fd = -1};
	int error = set_path(&address, directory, interface);
	if (!error)
		error = create_directory(directory);
	if (!error)
		error = wait_for_name(&address);
	if (!error)
		error = listen_at(c, &address);
	if (!error)
		error = watch(c);
	if (error)
		control_close(c);
	return error;
}

/* One without a name, or in the abstract namespace, has no file that could be removed. */
static int watch_file(struct control *c)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address) - 1; /* a path may fill it without an end */
	struct stat s;
	if (getsockname(c->listen_fd, (struct sockaddr *)&address, &len))
		return -errno;
	if (!address.sun_path[0] || lstat(address.sun_path, &s) || !S_ISSOCK(s.st_mode))
		return 0;
	note_path(c, &address, &s);
	return watch(c);
}

int control_adopt(struct control *c, int fd)
{
	*c = (struct control){.listen_fd = fd, .watch_fd = -1, .is_adopted = true};
	int error = 0, flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		error = -errno;
	if (!error)
		error = control_claim(c);
	if (!error)
		error = watch_file(c);
	if (error) {
		c->listen_fd = -1; /* it stays the caller's */
		control_close(c);
	}
	return error;
}

int control_claim(const struct control *c)
{
	return listen(c->listen_fd, BACKLOG) ? -errno : 0;
}

int control_accept(const struct control *c)
{
	int fd;
	do
		fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	return fd < 0 ? -errno : fd;
}

static bool is_at_its_path(const struct control *c)
{
	struct stat s;
	return !lstat(c->path, &s) && s.st_dev == c->device && s.st_ino == c->inode;
}

bool control_is_removed(const struct control *c)
{
	char events[4096];
	ssize_t got;
	do /* what they say does not matter, only what is there now */
		got = read(c->watch_fd, events, sizeof(events));
	while (got > 0 || (got < 0 && errno == EINTR));
	return !is_at_its_path(c);
}

void control_close(struct control *c)
{
	if (c->path[0] && !c->is_adopted && is_at_its_path(c))
		unlink(c->path);
	if (c->watch_fd >= 0)
		close(c->watch_fd);
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	*c = (struct control){.listen_fd = -1, .watch_fd = -1};
}

/* ------------------------------------------------------------------ the client */

int control_connect(const char *directory, const char *interface)
{
	struct sockaddr_un address;
	int error = set_path(&address, directory, interface);
	return error ? error : connect_to(&address, 0);
}

/* Who listens now: 0 or -errno. */
static int ask_listener(const char *directory, const char *interface, pid_t *pid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd = control_connect(directory, interface);
	if (fd < 0)
		return fd;
	int error = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ? -errno : 0;
	close(fd);
	if (!error)
		*pid = peer.pid;
	return error;
}

int control_open_listener(const char *directory, const char *interface, pid_t *pid)
{
	for (int try = 0; try < LISTENER_TRIES; try++) {
		pid_t again;
		int error = ask_listener(directory, interface, pid);
		if (error)
			return error;
		int fd = pidfd_open(*pid, 0);
		if (fd < 0 && errno == ESRCH)
			continue;
		if (fd < 0)
			return -errno;
		/* If that process still listens, its number cannot have gone to another. */
		error = ask_listener(directory, interface, &again);
		if (!error && again == *pid)
			return fd;
		close(fd);
		if (error)
			return error;
	}
	return -EAGAIN;
}

#include "manage/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/folder.h"
#include "unit/sandbox.h"

#define DIRECTORY "wireguard"
#define SOCKET	  DIRECTORY "/wg0.sock"

static struct control c;

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

static bool modes(void)
{
	struct stat s;
	umask(027);
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	REQUIRE(stat(DIRECTORY, &s) == 0 && S_ISDIR(s.st_mode) && (s.st_mode & 07777) == 0755);
	REQUIRE(stat(SOCKET, &s) == 0 && S_ISSOCK(s.st_mode) && (s.st_mode & 07777) == 0700);
	REQUIRE(umask(0) == 027);
	REQUIRE(fd_is_cloexec(c.listen_fd) && fd_is_cloexec(c.watch_fd));
	control_close(&c);
	REQUIRE(access(SOCKET, F_OK) != 0 && access(DIRECTORY, F_OK) == 0);
	/* A folder that is there keeps its mode. */
	REQUIRE(chmod(DIRECTORY, 0700) == 0 && control_open(&c, DIRECTORY, "wg0") == 0);
	REQUIRE(stat(DIRECTORY, &s) == 0 && (s.st_mode & 07777) == 0700);
	control_close(&c);
	return true;
}

TEST(control_socket_is_its_owners_alone)
{
	folder_run(modes);
}

static bool talk(void)
{
	char got[2];
	REQUIRE(control_connect(DIRECTORY, "wg0") == -ENOENT);
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	REQUIRE(control_accept(&c) == -EAGAIN && !is_readable(c.listen_fd));
	int client = control_connect(DIRECTORY, "wg0");
	REQUIRE(client >= 0 && fd_is_cloexec(client) && is_readable(c.listen_fd));
	int server = control_accept(&c);
	REQUIRE(server >= 0 && fd_is_cloexec(server) && fcntl(server, F_GETFL) & O_NONBLOCK);
	REQUIRE(!(fcntl(client, F_GETFL) & O_NONBLOCK));
	REQUIRE(write(client, "hi", 2) == 2 && read(server, got, 2) == 2 && got[1] == 'i');
	control_close(&c);
	/* A connection outlives the listener; a new one finds nobody. */
	REQUIRE(write(server, "ho", 2) == 2 && read(client, got, 2) == 2 && got[1] == 'o');
	REQUIRE(control_connect(DIRECTORY, "wg0") == -ENOENT);
	return true;
}

TEST(control_takes_connections)
{
	folder_run(talk);
}

static bool stale(void)
{
	struct control second;
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	unsigned before = open_fd_count();
	REQUIRE(control_open(&second, DIRECTORY, "wg0") == -EADDRINUSE);
	REQUIRE(open_fd_count() == before && !control_is_removed(&c));
	REQUIRE(control_open(&second, DIRECTORY, "wg1") == 0); /* another interface is no matter */
	/* The listener dies and leaves its socket, as after kill -9. */
	close(c.listen_fd);
	REQUIRE(access(SOCKET, F_OK) == 0 && control_connect(DIRECTORY, "wg0") == -ECONNREFUSED);
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0 && !control_is_removed(&c));
	REQUIRE(control_connect(DIRECTORY, "wg0") >= 0);
	return true;
}

TEST(control_replaces_only_a_socket_without_listener)
{
	folder_run(stale);
}

/* So many wait that the kernel takes no more: somebody is there all the same. */
static bool busy(void)
{
	struct control second;
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int count = 0;
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	for (;; count++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
			break;
	}
	REQUIRE(errno == EAGAIN && count >= 16);
	REQUIRE(control_open(&second, DIRECTORY, "wg0") == -EADDRINUSE);
	REQUIRE(!control_is_removed(&c));
	return true;
}

TEST(control_leaves_a_busy_listener_alone)
{
	folder_run(busy);
}

static bool not_a_socket(void)
{
	char name[200];
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	REQUIRE(control_open(&c, DIRECTORY, name) == -ENAMETOOLONG);
	REQUIRE(control_connect(DIRECTORY, name) == -ENAMETOOLONG);
	REQUIRE(control_open(&c, "no/such/folder", "wg0") == -ENOENT);
	/* A file that is no socket stays. */
	REQUIRE(mkdir(DIRECTORY, 0755) == 0);
	REQUIRE(close(open(SOCKET, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	unsigned before = open_fd_count();
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == -ENOTSOCK);
	REQUIRE(access(SOCKET, F_OK) == 0 && open_fd_count() == before);
	return true;
}

TEST(control_fails_cleanly)
{
	folder_run(not_a_socket);
}

static bool removals(void)
{
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	REQUIRE(!is_readable(c.watch_fd) && !control_is_removed(&c));
	REQUIRE(chmod(SOCKET, 0770) == 0); /* seen, but no removal */
	REQUIRE(is_readable(c.watch_fd) && !control_is_removed(&c) && !is_readable(c.watch_fd));
	REQUIRE(unlink(SOCKET) == 0);
	REQUIRE(is_readable(c.watch_fd) && control_is_removed(&c));
	control_close(&c);
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	REQUIRE(rename(SOCKET, DIRECTORY "/other.sock") == 0);
	REQUIRE(is_readable(c.watch_fd) && control_is_removed(&c));
	control_close(&c);
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	REQUIRE(rename(DIRECTORY "/other.sock", SOCKET) == 0);
	REQUIRE(is_readable(c.watch_fd) && control_is_removed(&c));
	return true;
}

TEST(control_notices_that_its_socket_is_removed)
{
	folder_run(removals);
}

static bool successor(void)
{
	struct control second;
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	REQUIRE(unlink(SOCKET) == 0 && control_open(&second, DIRECTORY, "wg0") == 0);
	control_close(&c);
	REQUIRE(!control_is_removed(&second) && control_connect(DIRECTORY, "wg0") >= 0);
	control_close(&second);
	REQUIRE(access(SOCKET, F_OK) != 0);
	control_close(&second);
	return true;
}

TEST(control_does_not_remove_its_successors_socket)
{
	folder_run(successor);
}

/* ------------------------------------------------------------------ who listens */

static bool is_alive(int pidfd)
{
	return !is_readable(pidfd);
}

static bool listener(void)
{
	pid_t pid = 0, found;
	REQUIRE(control_open_listener(DIRECTORY, "wg0", &found) == -ENOENT);
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	int fd = control_open_listener(DIRECTORY, "wg0", &found);
	REQUIRE(fd >= 0 && fd_is_cloexec(fd) && found == getpid() && is_alive(fd));
	close(fd);

	/* Going to the background: the child listens from now on. */
	int ready[2];
	REQUIRE(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int error = control_claim(&c);
		(void)!write(ready[1], &error, sizeof(error));
		pause();
	}
	int error = 1;
	REQUIRE(pid > 0 && read(ready[0], &error, sizeof(error)) == sizeof(error) && !error);
	fd = control_open_listener(DIRECTORY, "wg0", &found);
	REQUIRE(fd >= 0 && found == pid && is_alive(fd));
	close(c.listen_fd);
	unsigned before = open_fd_count();
	REQUIRE(pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0);
	REQUIRE(waitpid(pid, NULL, 0) == pid && !is_alive(fd));
	REQUIRE(control_open_listener(DIRECTORY, "wg0", &found) == -ECONNREFUSED);
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(control_finds_the_listening_process)
{
	folder_run(listener);
}

/* It is gone, but somebody else keeps its socket open: there is nobody to signal. */
static bool listener_without_process(void)
{
	pid_t found;
	REQUIRE(control_open(&c, DIRECTORY, "wg0") == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(control_claim(&c) ? 1 : 0);
	REQUIRE(waitpid(pid, NULL, 0) == pid);
	REQUIRE(control_open_listener(DIRECTORY, "wg0", &found) == -EAGAIN);
	return true;
}

TEST(control_does_not_name_a_process_that_is_gone)
{
	folder_run(listener_without_process);
}

/* A listening socket of somebody else's, with a file or without. */
static int listener_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	memcpy(address.sun_path, path ? path : "", len);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t size = (socklen_t)(sizeof(sa_family_t) + len + (path != NULL));
	if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1))
		return -1;
	return fd;
}

static bool adopted(void)
{
	struct stat s;
	int fd = listener_at("theirs.sock");
	REQUIRE(fd >= 0 && control_adopt(&c, fd) == 0);
	REQUIRE(c.listen_fd == fd && fd_is_cloexec(fd) && fcntl(fd, F_GETFL) & O_NONBLOCK);
	REQUIRE(control_accept(&c) == -EAGAIN && !is_readable(c.watch_fd));
	/* its file stays */
	control_close(&c);
	REQUIRE(!lstat("theirs.sock", &s) && S_ISSOCK(s.st_mode));
	REQUIRE(fcntl(fd, F_GETFD) < 0);
	/* and when it is removed, that is seen */
	unlink("theirs.sock");
	fd = listener_at("theirs.sock");
	REQUIRE(fd >= 0 && control_adopt(&c, fd) == 0 && !unlink("theirs.sock"));
	REQUIRE(is_readable(c.watch_fd) && control_is_removed(&c));
	control_close(&c);
	/* without a file there is nothing to watch */
	fd = listener_at(NULL);
	REQUIRE(fd >= 0 && control_adopt(&c, fd) == 0 && c.watch_fd == -1);
	control_close(&c);
	fd = listener_at("gone.sock");
	REQUIRE(!unlink("gone.sock") && control_adopt(&c, fd) == 0 && c.watch_fd == -1);
	control_close(&c);
	return true;
}

TEST(control_takes_a_listener_over)
{
	folder_run(adopted);
}

/* Whoever asks is told of us, who listen now, not of who made the socket. */
static bool claimed_by_adoption(void)
{
	pid_t pid = 0;
	REQUIRE(!mkdir(DIRECTORY, 0755));
	int fd = listener_at(SOCKET);
	pid_t child = fork();
	if (child == 0) {
		_exit(control_adopt(&c, fd) ? 1 : pause());
	}
	while (pid != child) {
		int pidfd = control_open_listener(DIRECTORY, "wg0", &pid);
		REQUIRE(pidfd >= 0);
		close(pidfd);
	}
	kill(child, SIGKILL);
	REQUIRE(waitpid(child, NULL, 0) == child);
	return true;
}

TEST(control_is_said_to_be_whose_who_took_it_over)
{
	folder_run(claimed_by_adoption);
}

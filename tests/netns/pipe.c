/*
 * A TCP connection between stdin and stdout, for the tests in namespaces: a
 * fresh Debian has no netcat.
 *
 *   pipe listen ADDRESS PORT   accepts one connection, copies it to stdout
 *   pipe send ADDRESS PORT     copies stdin to a connection, and ends when the
 *                              other side has read it all
 *   pipe spray ADDRESS PORT    from UDP port 40000: messages of every type, known or
 *                              not, with every length 0..2000, the rest random
 *   pipe datagrams PATH        a datagram socket at PATH, as a service manager has
 *                              one: writes what comes in, a line each
 *   pipe socket PATH           a stream socket at PATH that listens, and nothing else
 *   pipe control PATH SIZE     copies stdin to the stream socket at PATH in pieces of
 *                              SIZE bytes, then what it answers to stdout
 *   pipe answer PATH FILE      a stream socket at PATH: whoever sends an empty line
 *                              there gets what is in FILE
 *   pipe crowd PATH COUNT TEXT COUNT connections to the stream socket at PATH; each says
 *                              TEXT (\n is a newline) and reads nothing; then a line
 *                              on stdout, and they stay
 *   pipe hand-over TUN PATH COMMAND...   becomes COMMAND, with a TUN of that name and
 *                              a socket that listens at PATH open, as WG_TUN_FD and
 *                              WG_UAPI_FD say; "-": without
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netns/hand_over.h"

#define CHUNK	   (256 * 1024)
#define SPRAY_PORT "40000"
#define SPRAY_LEN  2000

static void give_up(const char *what)
{
	fprintf(stderr, "pipe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static socklen_t read_address(struct sockaddr_storage *out, const char *address, const char *port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	in_port_t number = htons((uint16_t)strtoul(port, NULL, 10));
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = number;
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = number;
		return sizeof(*v6);
	}
	fprintf(stderr, "pipe: %s is not an IP address\n", address);
	exit(2);
}

static int accept_one(const struct sockaddr *address, socklen_t len)
{
	int listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
		bind(listener, address, len) || listen(listener, 1))
		give_up("listen");
	int connection = accept(listener, NULL, NULL);
	if (connection < 0)
		give_up("accept");
	close(listener);
	return connection;
}

static int connect_to(const struct sockaddr *address, socklen_t len)
{
	int connection = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection < 0 || connect(connection, address, len))
		give_up("connect");
	return connection;
}

static void copy(int from, int to)
{
	static char buffer[CHUNK];
	ssize_t len;
	while ((len = read(from, buffer, sizeof(buffer))) > 0) {
		for (ssize_t done = 0, n; done < len; done += n) {
			n = write(to, buffer + done, (size_t)(len - done));
			if (n < 0)
				give_up("write");
		}
	}
	if (len < 0)
		give_up("read");
}

static void spray(const struct sockaddr *to, socklen_t len)
{
	static const uint8_t types[] = {0, 1, 2, 3, 4, 5, 255};
	struct sockaddr_storage from;
	socklen_t from_len =
		read_address(&from, to->sa_family == AF_INET ? "0.0.0.0" : "::", SPRAY_PORT);
	int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, from_len) || connect(fd, to, len))
		give_up("spray");
	for (size_t i = 0; i < sizeof(types); i++) {
		for (size_t n = 0; n <= SPRAY_LEN; n++) {
			uint8_t message[4 + SPRAY_LEN] = {types[i]};
			if (getrandom(message + 4, SPRAY_LEN, 0) != SPRAY_LEN)
				give_up("getrandom");
			if (send(fd, message, n, 0) < 0)
				give_up("send");
			if (n % 100 == 0)
				usleep(1000); /* no faster than it is read */
		}
	}
}

static struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		give_up(path);
	}
	strcpy(address.sun_path, path);
	return address;
}

static void converse(const char *path, size_t size)
{
	char piece[4096];
	struct sockaddr_un address = unix_address(path);
	int connection = connect_to((struct sockaddr *)&address, sizeof(address));
	ssize_t len;
	pid_t reader = fork(); /* while we still speak, for nobody takes questions for ever */
	if (reader == 0) {
		copy(connection, STDOUT_FILENO);
		_exit(0);
	}
	while ((len = read(STDIN_FILENO, piece, size < sizeof(piece) ? size : sizeof(piece))) > 0)
		if (send(connection, piece, (size_t)len, MSG_NOSIGNAL) != len)
			give_up("send");
	shutdown(connection, SHUT_WR);
	int status;
	if (waitpid(reader, &status, 0) != reader || status)
		exit(1);
}

/* Somebody who hangs up early does not end it. */
static void answer_one(int connection, const char *file)
{
	static char buffer[CHUNK];
	char question[4096];
	size_t len = 0;
	ssize_t n = 1;
	while (n > 0 && (len < 2 || memcmp(question + len - 2, "\n\n", 2))) {
		n = recv(connection, question + len, sizeof(question) - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	int from = n > 0 ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	while (from >= 0 && (n = read(from, buffer, sizeof(buffer))) > 0)
		if (send(connection, buffer, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	if (from >= 0)
		close(from);
	close(connection);
}

static void answer(const char *path, const char *file)
{
	struct sockaddr_un address = unix_address(path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
		listen(listener, 8))
		give_up(path);
	for (;;)
		answer_one(accept(listener, NULL, NULL), file);
}

static void print_datagrams(const char *path)
{
	struct sockaddr_un address = unix_address(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		give_up(path);
	char message[4096];
	ssize_t len;
	while ((len = recv(fd, message, sizeof(message), 0)) >= 0) {
		printf("%.*s\n", (int)len, message);
		fflush(stdout);
	}
	give_up("recv");
}

static void rest_at(const char *path)
{
	struct sockaddr_un address = unix_address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		give_up(path);
	for (;;)
		pause();
}

/* In place: \n as a newline. */
static void unescape(char *text)
{
	char *out = text;
	for (; *text; text++)
		if (text[0] == '\\' && text[1] == 'n') {
			*out++ = '\n';
			text++;
		} else {
			*out++ = *text;
		}
	*out = 0;
}

/* Whoever is sent away meanwhile is gone: that is what is tested. */
_Noreturn static void crowd(const char *path, unsigned long count, char *text)
{
	struct sockaddr_un address = unix_address(path);
	unescape(text);
	for (unsigned long i = 0; i < count; i++) {
		int connection = connect_to((struct sockaddr *)&address, sizeof(address));
		send(connection, text, strlen(text), MSG_NOSIGNAL);
	}
	printf("%lu are connected\n", count);
	fflush(stdout);
	for (;;)
		pause();
}

static void usage(void)
{
	fprintf(stderr, "usage: pipe listen|send|spray ADDRESS PORT, pipe datagrams PATH, "
			"pipe socket PATH, pipe control PATH SIZE, pipe answer PATH FILE, pipe "
			"crowd PATH COUNT TEXT, "
			"pipe hand-over TUN PATH COMMAND...\n");
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "datagrams"))
		print_datagrams(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "socket"))
		rest_at(argv[2]);
	if (argc >= 5 && !strcmp(argv[1], "hand-over"))
		hand_over(argv[2], argv[3], argv + 4);
	if (argc == 5 && !strcmp(argv[1], "crowd")) {
		crowd(argv[2], strtoul(argv[3], NULL, 10), argv[4]);
	}
	if (argc != 4)
		usage();
	if (!strcmp(argv[1], "control")) {
		converse(argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (!strcmp(argv[1], "answer"))
		answer(argv[2], argv[3]);
	struct sockaddr_storage storage;
	struct sockaddr *address = (struct sockaddr *)&storage;
	socklen_t len = read_address(&storage, argv[2], argv[3]);
	if (!strcmp(argv[1], "listen")) {
		copy(accept_one(address, len), STDOUT_FILENO);
	} else if (!strcmp(argv[1], "send")) {
		int connection = connect_to(address, len);
		copy(STDIN_FILENO, connection);
		shutdown(connection, SHUT_WR);
		copy(connection, STDOUT_FILENO); /* until the other side closes */
	} else if (!strcmp(argv[1], "spray")) {
		spray(address, len);
	} else {
		usage();
	}
	return 0;
}

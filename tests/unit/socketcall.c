/*
 * Tests forbid system calls by their arguments. On i386 the C library makes those
 * of sockets through socketcall(2), which hides them; so here they are made directly.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_socketcall

int socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, domain, type, protocol);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

#endif

#include "manage/source_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PATH "/proc/sys/net/ipv4/conf/all/src_valid_mark"

int source_mark_get(bool *is_on)
{
	char digit;
	int fd = open(PATH, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, &digit, 1);
	int error = got == 1 ? 0 : got == 0 ? -EIO : -errno;
	if (fd >= 0)
		close(fd);
	*is_on = !error && digit != '0';
	return error;
}

int source_mark_set(bool on)
{
	int fd = open(PATH, O_WRONLY | O_CLOEXEC);
	ssize_t done = fd < 0 ? -1 : write(fd, on ? "1" : "0", 1);
	int error = done == 1 ? 0 : -errno;
	if (fd >= 0)
		close(fd);
	return error;
}

#include "manage/stamp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

#define LINE_FORMAT "adit-stamp 1 @%016llx%08x\n"
#define LINE_LEN    39

int stamp_file_path(
	char out[static STAMP_FILE_PATH_MAX], const char *directory, const char *interface)
{
	int len = snprintf(out, STAMP_FILE_PATH_MAX, "%s/%s.stamp", directory, interface);
	return len < 0 || len >= STAMP_FILE_PATH_MAX ? -ENAMETOOLONG : 0;
}

static void write_line(char line[static LINE_LEN + 1], const struct tai64n *mark)
{
	snprintf(line, LINE_LEN + 1, LINE_FORMAT, (unsigned long long)load_be64(mark->bytes),
		load_be32(mark->bytes + 8));
}

/* What is read must be, byte by byte, what would be written. */
static bool read_line(struct tai64n *mark, const char *line, size_t len)
{
	char copy[LINE_LEN + 1] = {0}, again[LINE_LEN + 1];
	unsigned long long label = 0;
	unsigned int ns = 0;
	if (len != LINE_LEN)
		return false;
	memcpy(copy, line, LINE_LEN);
	if (sscanf(copy, "adit-stamp 1 @%16llx%8x", &label, &ns) != 2)
		return false;
	store_be64(mark->bytes, label);
	store_be32(mark->bytes + 8, ns);
	write_line(again, mark);
	/* later than any clock can be: nothing could follow */
	return !strcmp(copy, again) && tai64n_to_realtime(mark) != NANOS_NEVER;
}

int stamp_file_read(const char *path, struct tai64n *mark)
{
	char line[LINE_LEN + 1];
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, line + len, sizeof line - len);
		len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && len < sizeof line) || (n < 0 && errno == EINTR));
	int error = n < 0 ? -errno : 0;
	close(fd);
	if (error)
		return error;
	return read_line(mark, line, len) ? 0 : -EBADMSG;
}

static int write_and_sync(int fd, const char *line)
{
	ssize_t n;
	do
		n = write(fd, line, LINE_LEN);
	while (n < 0 && errno == EINTR);
	if (n != LINE_LEN)
		return n < 0 ? -errno : -ENOSPC;
	return fsync(fd) ? -errno : 0;
}

/* The file that `path` is renamed from. 0 or -errno: then it is gone again. */
static int write_new(const char *new_path, const char *line)
{
	int fd = open(
		new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return -errno;
	int error = write_and_sync(fd, line);
	close(fd);
	if (error)
		unlink(new_path);
	return error;
}

/* A rename is on the disk when its directory is. */
static int sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = fsync(fd) ? -errno : 0;
	close(fd);
	return error;
}

int stamp_file_write(const char *path, const struct tai64n *mark)
{
	char line[LINE_LEN + 1], directory[STAMP_FILE_PATH_MAX], new_path[STAMP_FILE_PATH_MAX];
	const char *slash = strrchr(path, '/');
	int len = snprintf(new_path, sizeof new_path, "%s.new", path);
	if (!slash || len < 0 || (size_t)len >= sizeof new_path)
		return slash ? -ENAMETOOLONG : -EINVAL;
	snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
	write_line(line, mark);
	int error = mkdir(directory, 0700) && errno != EEXIST ? -errno : 0;
	if (!error)
		error = write_new(new_path, line);
	if (!error && rename(new_path, path)) {
		error = -errno;
		unlink(new_path);
	}
	return error ? error : sync_directory(directory);
}

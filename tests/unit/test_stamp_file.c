#include "manage/stamp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/folder.h"
#include "unit/sandbox.h"

#define PATH "state/wg0.stamp"

static struct tai64n stamp(const char *hex)
{
	struct tai64n t;
	test_hex(t.bytes, sizeof t.bytes, hex);
	return t;
}

static bool write_file(const char *text, size_t len)
{
	FILE *f = fopen(PATH, "w");
	bool ok = f && fwrite(text, 1, len, f) == len;
	return f && fclose(f) == 0 && ok;
}

static bool file_is(const char *text)
{
	char bytes[100] = {0};
	FILE *f = fopen(PATH, "r");
	if (!f)
		return false;
	size_t len = fread(bytes, 1, sizeof bytes - 1, f);
	fclose(f);
	return len == strlen(text) && !strcmp(bytes, text);
}

static bool is_mode(const char *path, mode_t mode)
{
	struct stat st;
	return !lstat(path, &st) && (st.st_mode & 07777) == mode;
}

static bool there_and_back(void)
{
	struct tai64n got, first = stamp("400000006a0000000bebc200"),
			   second = stamp("400000016a0000001f000000");
	REQUIRE(stamp_file_read(PATH, &got) == -ENOENT);
	umask(0);
	REQUIRE(stamp_file_write(PATH, &first) == 0);
	REQUIRE(is_mode("state", 0700) && is_mode(PATH, 0600));
	REQUIRE(file_is("adit-stamp 1 @400000006a0000000bebc200\n"));
	REQUIRE(stamp_file_read(PATH, &got) == 0 && !memcmp(&got, &first, sizeof got));
	REQUIRE(stamp_file_write(PATH, &second) == 0);
	REQUIRE(stamp_file_read(PATH, &got) == 0 && !memcmp(&got, &second, sizeof got));
	REQUIRE(stamp_file_write(PATH, &first) == 0); /* it may also go back */
	REQUIRE(stamp_file_read(PATH, &got) == 0 && !memcmp(&got, &first, sizeof got));
	struct tai64n zero = {0};
	REQUIRE(stamp_file_write(PATH, &zero) == 0);
	REQUIRE(stamp_file_read(PATH, &got) == 0 && !memcmp(&got, &zero, sizeof got));
	REQUIRE(access(PATH ".new", F_OK) && errno == ENOENT);
	return true;
}

TEST(stamp_file_there_and_back_row_10)
{
	folder_run(there_and_back);
}

static bool damaged(void)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
#define ROW(text) {text, sizeof(text) - 1}
		ROW(""), ROW("\n"), ROW("adit-stamp 1 @400000006a0000000bebc200"),
		ROW("adit-stamp 1 @400000006a0000000bebc200\r\n"),
		ROW("adit-stamp 1 @400000006a0000000bebc200\n\n"),
		ROW("adit-stamp 1 @400000006a0000000bebc20\n"),
		ROW("adit-stamp 1 @400000006a0000000bebc2000\n"),
		ROW("adit-stamp 2 @400000006a0000000bebc200\n"),
		ROW("adit-stamp 1 @400000006A0000000bebc200\n"),
		ROW("adit-stamp 1 @+00000006a0000000bebc200\n"),
		ROW("adit-stamp 1 @0x0000006a0000000bebc200\n"),
		ROW("adit-stamp 1 @ 00000006a0000000bebc200\n"),
		ROW("adit-stamp 1 @400000006a0000000bebc20g\n"),
		ROW("adit-stamp 1 @400000006a0000000bebc20\0\n"),
		ROW("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		    "\0"),
		ROW("adit-stamp 1 @ffffffffffffffffffffffff\n"), /* nothing is later */
	};
	struct tai64n got, good = stamp("400000006a0000000bebc200");
	REQUIRE(stamp_file_write(PATH, &good) == 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		REQUIRE(write_file(rows[i].text, rows[i].len));
		if (stamp_file_read(PATH, &got) != -EBADMSG)
			test_fail(__FILE__, __LINE__, "row %zu", i);
		REQUIRE(stamp_file_write(PATH, &good) == 0 && !stamp_file_read(PATH, &got));
	}
	/* no file at all: not waited for, not followed */
	REQUIRE(!unlink(PATH) && !mkfifo(PATH, 0600));
	REQUIRE(stamp_file_read(PATH, &got) == -EBADMSG);
	REQUIRE(!unlink(PATH) && !symlink("elsewhere", PATH));
	REQUIRE(stamp_file_read(PATH, &got) == -ELOOP);
	REQUIRE(!unlink(PATH) && !mkdir(PATH, 0700));
	REQUIRE(stamp_file_read(PATH, &got) == -EISDIR);
	REQUIRE(stamp_file_write(PATH, &good) == -EISDIR);
	REQUIRE(access(PATH ".new", F_OK) && errno == ENOENT);
	return true;
}

TEST(stamp_file_damaged)
{
	folder_run(damaged);
}

/* A disk that is full: the old file stays whole. */
static bool no_space(void)
{
	struct tai64n got, first = stamp("400000006a0000000bebc200"),
			   second = stamp("400000016a0000001f000000");
	REQUIRE(stamp_file_write(PATH, &first) == 0);
	struct rlimit limit = {.rlim_cur = 20, .rlim_max = RLIM_INFINITY};
	REQUIRE(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && !setrlimit(RLIMIT_FSIZE, &limit));
	REQUIRE(stamp_file_write(PATH, &second) == -ENOSPC);
	limit.rlim_cur = 0;
	REQUIRE(!setrlimit(RLIMIT_FSIZE, &limit));
	REQUIRE(stamp_file_write(PATH, &second) == -EFBIG);
	REQUIRE(access(PATH ".new", F_OK) && errno == ENOENT);
	REQUIRE(stamp_file_read(PATH, &got) == 0 && !memcmp(&got, &first, sizeof got));
	/* nor a place at all */
	REQUIRE(stamp_file_write("/proc/adit/wg0.stamp", &first) < 0);
	REQUIRE(stamp_file_write("a/b/wg0.stamp", &first) == -ENOENT);
	return true;
}

TEST(stamp_file_no_space)
{
	folder_run(no_space);
}

TEST(stamp_file_path)
{
	char path[STAMP_FILE_PATH_MAX], directory[STAMP_FILE_PATH_MAX] = {0};
	CHECK_EQ(0, stamp_file_path(path, STAMP_FILE_DIRECTORY, "wg0"));
	CHECK_STR("/var/lib/adit/wg0.stamp", path);
	memset(directory, 'd', STAMP_FILE_PATH_MAX - 11);
	CHECK_EQ(0, stamp_file_path(path, directory, "wg0"));
	directory[STAMP_FILE_PATH_MAX - 11] = 'd';
	CHECK_EQ(-ENAMETOOLONG, stamp_file_path(path, directory, "wg0"));
}

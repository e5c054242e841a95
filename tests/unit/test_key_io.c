#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/key_io.h"
#include "main/verb.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static bool reads(const char *text, size_t len)
{
	uint8_t key[KEYTEXT_KEY_LEN];
	stdin = fmemopen((void *)text, len, "r");
	bool ok = stdin && key_read(key);
	fclose(stdin);
	for (uint8_t i = 0; ok && i < sizeof key; i++)
		ok = key[i] == i;
	return ok;
}

static bool read_rows(void)
{
	static const struct {
		const char *text;
		bool is_key;
	} rows[] = {
		{BASE64, true},
		{BASE64 "\n", true},
		{BASE64 "\r\n \t\n", true},
		{"\n  " BASE64 " ", true},
		{"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
		{BASE64 "=", false},
		{BASE64 "\n" BASE64, false},
		{"AAECAwQFBgcICQoLDA0O DxAREhMUFRYXGBkaGxwdHh8=", false},
		{"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", false}, /* not canonical */
		{"\n", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (reads(rows[i].text, strlen(rows[i].text)) == rows[i].is_key)
			continue;
		test_fail(__FILE__, __LINE__, "\"%s\"", rows[i].text);
		return false;
	}
	REQUIRE(!reads(BASE64 "\0", strlen(BASE64) + 1));
	/* more than anybody types: refused, not cut */
	static char many[1000];
	memset(many, ' ', sizeof many);
	memcpy(many, BASE64, strlen(BASE64));
	many[sizeof many - 1] = 'x';
	REQUIRE(!reads(many, sizeof many));
	return true;
}

TEST(key_io_reads_one_key)
{
	sandbox_run_child(read_rows);
}

/* Standard output to a file of this mode; what reading it gives. */
static bool write_to(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	return fd >= 0 && !fchmod(fd, mode) && dup2(fd, STDOUT_FILENO) >= 0 && !close(fd);
}

static bool prints(void)
{
	uint8_t key[KEYTEXT_KEY_LEN];
	char text[64] = "";
	for (uint8_t i = 0; i < sizeof key; i++)
		key[i] = i;
	REQUIRE(capture_begin(NULL, "") && write_to("key", 0600));
	int status = key_print(key);
	int fd = open("key", O_RDONLY | O_CLOEXEC);
	REQUIRE(status == VERB_OK && read(fd, text, sizeof text - 1) == 45);
	REQUIRE(!strcmp(BASE64 "\n", text));
	REQUIRE(dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO) >= 0);
	REQUIRE(key_print(key) == VERB_FAILED);
	REQUIRE(!strcmp("adit: cannot write the key: No space left on device\n", captured()));
	return true;
}

TEST(key_io_prints_a_key_or_says_why_not)
{
	folder_run(prints);
}

static bool warns(void)
{
	static const struct {
		mode_t mode;
		bool is_readable;
	} rows[] = {{0600, false}, {0640, false}, {0604, true}, {0644, true}, {0601, true}};
	REQUIRE(capture_begin(NULL, ""));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		REQUIRE(write_to("key", rows[i].mode));
		key_warn_if_readable();
		bool has_warned = !strncmp("warning: ", captured(), 9);
		REQUIRE(has_warned == rows[i].is_readable);
	}
	int ends[2]; /* nobody else reads from a pipe */
	REQUIRE(!pipe2(ends, O_CLOEXEC) && dup2(ends[1], STDOUT_FILENO) >= 0);
	key_warn_if_readable();
	REQUIRE(!strcmp("", captured()));
	return true;
}

TEST(key_io_warns_of_a_file_that_others_can_read)
{
	folder_run(warns);
}

/*
 * Configurations as people get them wrong, each with all that `adit check` says of it:
 * the files in conf_bad/. A case is
 *
 *   == what is wrong
 *   the configuration; \xNN stands for a byte, and a line that ends with \ for one
 *   without its newline
 *   -- refused (or: usable)
 *   what is said
 *
 * and an empty line. Whoever changes a text reads here what the others look like.
 */
#include "unit/test.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/load.h"
#include "main/verb.h"
#include "text/out.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

#define CASES	 172
#define TEXT_MAX 65536

#define KEY "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="

static glob_t files; /* of cases */
static char **texts; /* what is in them */

static bool write_file(const char *path, const char *bytes, size_t len, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, bytes, len) == (ssize_t)len && !fchmod(fd, mode);
	close(fd);
	return ok;
}

/* What PrivateKeyFile names in the cases. */
static bool write_keys(void)
{
	static const struct {
		const char *path, *text;
		mode_t mode;
	} rows[] = {
		{"wg0.key", KEY "\n", 0600},
		{"empty.key", " \n", 0600},
		{"short.key", "yAnz5TF+lXXJte14tji3\n", 0600},
		{"two.key", KEY "\n" KEY "\n", 0600},
		{"typo.key", "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=\n", 0600},
		{"open.key", KEY "\n", 0604},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		REQUIRE(write_file(rows[i].path, rows[i].text, strlen(rows[i].text), rows[i].mode));
	return true;
}

/* Writes the configuration as it is meant. */
static bool write_conf(const char *text, size_t len)
{
	char bytes[TEXT_MAX];
	struct out out;
	out_init_fixed(&out, bytes, sizeof bytes);
	for (size_t i = 0; i < len; i++) {
		char byte = text[i];
		if (byte == '\\' && text[i + 1] == '\n') {
			i++;
			continue;
		}
		if (byte == '\\' && text[i + 1] == 'x') {
			byte = (char)(test_hex_digit(text[i + 2]) << 4 |
				      test_hex_digit(text[i + 3]));
			i += 3;
		}
		out_add(&out, &byte, 1);
	}
	return !out.has_failed && write_file("wg0.conf", bytes, out.len, 0600);
}

static int check(void)
{
	static struct load load;
	if (!load_find(&load, "./wg0.conf"))
		return -1;
	load.is_check = true;
	int status = load_read(&load, load_say_on_stderr);
	if (status)
		return status;
	status = load_check(&load, false);
	load_wipe(&load);
	return status;
}

/* One case, from behind its "== ". */
static bool run_case(const char *text, size_t len, const char *file)
{
	const char *title_end = strchr(text, '\n');
	const char *verdict = strstr(title_end, "\n-- ") + 1;
	const char *said = strchr(verdict, '\n') + 1;
	size_t said_len = len - (size_t)(said - text);
	REQUIRE(write_conf(title_end + 1, (size_t)(verdict - title_end - 1)));
	bool is_refused = !strncmp(verdict, "-- refused\n", 11);
	REQUIRE(is_refused || !strncmp(verdict, "-- usable\n", 10));
	int status = check();
	const char *got = captured();
	if (status == (is_refused ? VERB_CONFIG : VERB_OK) && strlen(got) == said_len &&
		!memcmp(got, said, said_len))
		return true;
	test_fail(file, 0, "%.*s: it ended with %d and said\n%s  expected\n%.*s",
		(int)(title_end - text), text, status, got, (int)said_len, said);
	return false;
}

static unsigned run_file(const char *text, const char *file, bool *all_right)
{
	unsigned count = 0;
	while (text) {
		const char *next = strstr(text, "\n\n== ");
		const char *end = next ? next + 1 : text + strlen(text);
		*all_right &= run_case(text + 3, (size_t)(end - text - 3), file);
		count++;
		text = next ? next + 2 : NULL;
	}
	return count;
}

static bool cases(void)
{
	unsigned count = 0;
	bool all_right = true;
	REQUIRE(capture_begin(NULL, "") && write_keys() && !unsetenv("CREDENTIALS_DIRECTORY"));
	for (size_t i = 0; i < files.gl_pathc; i++)
		count += run_file(texts[i], files.gl_pathv[i], &all_right);
	if (count != CASES)
		test_fail(__FILE__, __LINE__, "%u cases ran, %u expected", count, CASES);
	return all_right && count == CASES;
}

static char *read_text(const char *path)
{
	char *text = calloc(1, TEXT_MAX);
	FILE *file = fopen(path, "r");
	if (text && file)
		text[fread(text, 1, TEXT_MAX - 1, file)] = 0;
	if (file)
		fclose(file);
	return text;
}

TEST(conf_bad_gets_the_texts_that_are_expected)
{
	CHECK(!glob("tests/unit/conf_bad/*.txt", 0, NULL, &files));
	texts = calloc(files.gl_pathc, sizeof *texts);
	for (size_t i = 0; texts && i < files.gl_pathc; i++)
		texts[i] = read_text(files.gl_pathv[i]);
	folder_run(cases);
	for (size_t i = 0; texts && i < files.gl_pathc; i++)
		free(texts[i]);
	free(texts);
	globfree(&files);
}

/*
 * replay [--targets N] FILE ...
 * Runs each FILE through the target that its folder is named after, in a child, for
 * a failure ends the process; a leak is told with the last file. With --targets so
 * many targets must have a file, so that none can vanish unnoticed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "fuzz/fuzz.h"

#define FILE_MAX     (1u << 20)
#define NAME_LEN_MAX 31
#define TARGETS_MAX  64

/* The target of corpus/TARGET/FILE, or NULL. */
static const struct fuzz_target *target_of(const char *path)
{
	char name[NAME_LEN_MAX + 1];
	const char *end = strrchr(path, '/'), *start = end;
	while (start && start > path && start[-1] != '/')
		start--;
	size_t len = end ? (size_t)(end - start) : 0;
	if (len == 0 || len > NAME_LEN_MAX)
		return NULL;
	memcpy(name, start, len);
	name[len] = 0;
	return fuzz_find(name);
}

/* Into memory of exactly its size, so that the sanitizers see a read beyond the end. */
static void replay(const char *path)
{
	static uint8_t bytes[FILE_MAX];
	const struct fuzz_target *target = target_of(path);
	FILE *file = fopen(path, "rb");
	if (!file || !target) {
		printf("%s\n", file ? "no target has its folder's name" : "it cannot be read");
		exit(1);
	}
	size_t len = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	uint8_t *exact = malloc(len);
	if (!exact)
		abort();
	memcpy(exact, bytes, len);
	struct input in = {exact, len};
	target->run(&in);
	free(exact);
}

/* Replays files from *at on; *at, which the parent sees, is the present one. */
static bool replay_in_child(char **files, int count, volatile int *at)
{
	pid_t child = fork();
	if (child < 0)
		abort();
	if (child == 0) {
		for (; *at < count; ++*at)
			replay(files[*at]);
		exit(0);
	}
	int status;
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* How many targets have a file. */
static int count_targets(char **files, int count)
{
	const struct fuzz_target *seen[TARGETS_MAX];
	int seen_count = 0;
	for (int i = 0; i < count; i++) {
		const struct fuzz_target *target = target_of(files[i]);
		int k = 0;
		while (k < seen_count && seen[k] != target)
			k++;
		if (k == seen_count && target && k < TARGETS_MAX)
			seen[seen_count++] = target;
	}
	return seen_count;
}

int main(int argc, char **argv)
{
	int expected = -1, failed = 0;
	if (argc > 2 && !strcmp(argv[1], "--targets")) {
		expected = (int)strtol(argv[2], NULL, 10);
		argv += 2;
		argc -= 2;
	}
	char **files = argv + 1;
	int count = argc - 1, targets = count_targets(files, count);
	volatile int *at =
		mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED || !crypto_init())
		return 1;
	for (; *at < count; ++*at) {
		fflush(stdout);
		if (replay_in_child(files, count, at))
			continue;
		printf("FAILED %s\n", files[*at < count ? *at : count - 1]);
		failed++;
	}
	int passed = count - failed;
	if (expected >= 0 && targets != expected) {
		printf("files of %d targets, %d expected\n", targets, expected);
		failed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}

/* Between libFuzzer, which has main(), and the target that FUZZ_TARGET names. */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/secret.h"
#include "fuzz/fuzz.h"

/* libFuzzer's names, for which it has no header. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	const char *name = getenv("FUZZ_TARGET");
	target = name ? fuzz_find(name) : NULL;
	if (!target || !crypto_init()) {
		fprintf(stderr, "%s: FUZZ_TARGET is \"%s\"; expected NAME of a fuzz_NAME.c\n",
			(*argv)[0], name ? name : "");
		exit(1);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = {bytes, len};
	target->run(&in);
	return 0;
}

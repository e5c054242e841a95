/*
 * ct-msan: the AEAD's kernels on secrets that clang's MemorySanitizer takes for memory
 * which was never written: it ends a program that jumps or addresses memory by such. So
 * each case is a process. For what valgrind does not know, AVX-512; see ct.h.
 * Ends with "N passed, M failed".
 */
#include <sanitizer/msan_interface.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/aead_choose.h"
#include "ct/ct.h"

void ct_hide(void *p, size_t len)
{
	__msan_poison(p, len);
}

void ct_show(void *p, size_t len)
{
	__msan_unpoison(p, len);
}

#define SEEN 86 /* the exit of a process that MSan ended */

const char *__msan_default_options(void);
const char *__msan_default_options(void)
{
	return "exit_code=86";
}

/* What MSan says of a planted leak is not to be read by anybody. */
static int run(const struct ct_case *c)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (c->leaks && !freopen("/dev/null", "w", stderr))
			_exit(1);
		c->run();
		fflush(stdout);
		_exit(0);
	}
	int status = -1;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int main(void)
{
	size_t passed = 0;
	for (size_t i = 0; i < ct_kernel_case_count; i++) {
		const struct ct_case *c = &ct_kernel_cases[i];
		int status = run(c);
		if (status == (c->leaks ? SEEN : 0))
			passed++;
		else
			printf("FAILED %s: %s (%d)\n", c->name,
				status == SEEN ? "jumps or addresses depend on a secret"
					       : "the planted leak was not seen, or it crashed",
				status);
	}
	bool has_all = aead_kernel_ops(AEAD_AVX512) && aead_kernel_ops(AEAD_AVX2);
	if (!has_all)
		printf("skipped: no AVX2 or no AVX-512 here\n");
	printf("%zu passed, %zu failed%s\n", passed, ct_kernel_case_count - passed,
		has_all ? "" : ", 1 skipped");
	return passed != ct_kernel_case_count;
}

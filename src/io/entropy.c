#include "io/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "io/log.h"

static void fill(void *context, void *out, size_t len)
{
	(void)context;
	uint8_t *p = out;
	while (len) {
		ssize_t got = getrandom(p, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			log_error("the kernel gives no randomness (getrandom: %s); Linux 3.17 or "
				  "newer is needed",
				got < 0 ? strerror(errno) : "nothing came");
			abort();
		}
		p += got;
		len -= (size_t)got;
	}
}

struct rng entropy_rng(void)
{
	return (struct rng){.fill = fill};
}

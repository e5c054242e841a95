#include "crypto/dh.h"
#include "crypto/secret.h"
#include "io/entropy.h"
#include "main/key_io.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	struct preshared_key key;
	struct rng rng = entropy_rng();
	(void)argc;
	(void)argv;
	key_warn_if_readable();
	rng_fill(&rng, &key, sizeof key);
	int status = key_print(key.bytes);
	secret_wipe(&key, sizeof key);
	return status;
}

const struct verb verb_genpsk = {
	.name = "genpsk",
	.arguments = "",
	.summary = "print a new preshared key",
	.help = "Prints 32 random bytes in base64, to be given to both ends as PresharedKey.",
	.run = run,
};

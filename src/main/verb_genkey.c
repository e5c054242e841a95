#include "crypto/dh.h"
#include "crypto/secret.h"
#include "io/entropy.h"
#include "main/key_io.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	struct private_key key;
	struct rng rng = entropy_rng();
	(void)argc;
	(void)argv;
	key_warn_if_readable();
	private_key_generate(&key, &rng);
	int status = key_print(key.bytes);
	secret_wipe(&key, sizeof key);
	return status;
}

const struct verb verb_genkey = {
	.name = "genkey",
	.arguments = "",
	.summary = "print a new private key",
	.help = "Prints a new private key in base64. A pair, where nobody else can read it:\n\n"
		"    (umask 077; adit genkey | tee private | adit pubkey >public)",
	.run = run,
};

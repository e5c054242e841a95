#include <stdio.h>

#include "crypto/dh.h"
#include "crypto/secret.h"
#include "main/key_io.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	struct private_key key;
	struct public_key pub;
	(void)argc;
	(void)argv;
	if (!key_read(key.bytes)) {
		fprintf(stderr, "adit pubkey: stdin does not hold a key: 44 characters of base64, "
				"as adit genkey prints\n");
		return VERB_FAILED;
	}
	public_key_derive(&pub, &key);
	secret_wipe(&key, sizeof key);
	return key_print(pub.bytes);
}

const struct verb verb_pubkey = {
	.name = "pubkey",
	.arguments = "",
	.summary = "print the public key of the private key on stdin",
	.help = "Reads a private key in base64 from stdin and prints the public key that belongs "
		"to it.",
	.run = run,
};

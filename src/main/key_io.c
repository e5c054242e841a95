#include "main/key_io.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "main/verb.h"

#define INPUT_MAX 256 /* characters of a key and the blanks around it */

void key_warn_if_readable(void)
{
	struct stat st;
	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && st.st_mode & S_IRWXO)
		fprintf(stderr, "warning: writing a secret to a file that others can read; "
				"\"umask 077\" before the command would have prevented it\n");
}

int key_print(const uint8_t key[static KEYTEXT_KEY_LEN])
{
	char text[KEYTEXT_BASE64_LEN + 1];
	keytext_write_base64(text, key);
	bool ok = puts(text) >= 0 && fflush(stdout) == 0;
	secret_wipe(text, sizeof text);
	if (!ok)
		perror("adit: cannot write the key");
	return ok ? VERB_OK : VERB_FAILED;
}

bool key_read(uint8_t key[static KEYTEXT_KEY_LEN])
{
	char text[INPUT_MAX];
	size_t len = fread(text, 1, sizeof text, stdin), start = 0;
	bool is_whole = len < sizeof text;
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	while (start < len && isspace((unsigned char)text[start]))
		start++;
	bool ok = is_whole && keytext_read_base64(key, text + start, len - start);
	secret_wipe(text, sizeof text);
	return ok;
}

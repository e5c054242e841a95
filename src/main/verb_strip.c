#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "main/key_io.h"
#include "main/load.h"
#include "main/verb.h"

static int print(const struct out *out)
{
	if (!out->has_failed && fputs(out_string(out), stdout) >= 0 && !fflush(stdout))
		return VERB_OK;
	fprintf(stderr, "adit strip: cannot write: %s\n",
		out->has_failed ? "no memory" : strerror(errno));
	return VERB_FAILED;
}

static int strip(struct load *load)
{
	size_t len;
	struct out out;
	char *text = load_read_text(load, &len);
	if (!text) {
		fprintf(stderr, "adit strip: %s: %s\n", load->path, strerror(errno));
		return VERB_FAILED;
	}
	out_init(&out, SIZE_MAX);
	conf_strip(&out, &load->conf, text, len);
	secret_wipe(text, len);
	free(text);
	if (load_has_secret(load))
		key_warn_if_readable();
	int status = print(&out);
	out_wipe(&out);
	return status;
}

static int run(int argc, char **argv)
{
	struct load load;
	(void)argc;
	if (!load_find(&load, argv[0]))
		return VERB_USAGE;
	int status = load_read(&load, load_say_on_stderr);
	if (status)
		return status;
	status = strip(&load);
	load_wipe(&load);
	return status;
}

const struct verb verb_strip = {
	.name = "strip",
	.arguments = "NAME|FILE",
	.summary = "print what wg(8) understands of a configuration",
	.help = "Prints the sections and keys of /etc/wireguard/NAME.conf, or FILE, that wg(8) "
		"knows,\n"
		"for `wg setconf` and its relatives; those of wg-quick(8) and of adit, and "
		"comments, are\n"
		"left out. wg(8) reads no files with keys: in their place the key itself is "
		"printed.",
	.min_arguments = 1,
	.max_arguments = 1,
	.run = run,
};

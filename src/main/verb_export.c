#include <stdio.h>

#include "main/key_io.h"
#include "main/load.h"
#include "main/running.h"
#include "main/screen.h"
#include "main/verb.h"
#include "text/conf.h"
#include "text/view_print.h"

static bool has_secret(const struct view *view)
{
	bool has_one = view->has_private_key;
	for (size_t i = 0; i < view->peer_count; i++)
		has_one |= view->peers[i].has_preshared_key;
	return has_one;
}

static int export(const struct view *view, const char *name)
{
	struct out text;
	struct view_link link;
	const struct view_style style = {.interface_name = name, .zone_name = running_zone_name};
	out_init(&text, SIZE_MAX);
	running_link(name, &link);
	if (has_secret(view))
		key_warn_if_readable();
	view_print_conf(&text, view, &link, &style);
	bool ok = !text.has_failed;
	if (!ok)
		fprintf(stderr, "adit: no memory\n");
	else
		ok = screen_print(&text);
	if (text.len > CONF_TEXT_MAX)
		fprintf(stderr,
			"adit: warning: %zu bytes: a configuration of over %u bytes is not read\n",
			text.len, CONF_TEXT_MAX);
	running_link_free(&link);
	out_wipe(&text);
	return ok ? VERB_OK : VERB_FAILED;
}

static int run(int argc, char **argv)
{
	struct load load;
	struct view view;
	struct out complaints;
	(void)argc;
	if (!load_find(&load, argv[0]))
		return VERB_USAGE;
	out_init(&complaints, SIZE_MAX);
	int status = running_view(load.name, &view, -1, &complaints);
	fputs(out_string(&complaints), stderr);
	out_wipe(&complaints);
	if (status)
		return status;
	status = export(&view, load.name);
	view_wipe(&view);
	return status;
}

const struct verb verb_export = {
	.name = "export",
	.arguments = "NAME",
	.summary = "print the running configuration as a file",
	.help = "Prints the state of the interface as a configuration that `adit up` takes: keys,\n"
		"port, mark, peers, addresses, MTU. It holds the private key. What a running\n"
		"interface does not tell is named in a comment: Listen, BindDevice, DNS, Table,\n"
		"Offload and the like, commands, and names of endpoints, which stand as addresses.",
	.min_arguments = 1,
	.max_arguments = 1,
	.run = run,
};

/*
 * From a name or a path to a configuration: finds the file, reads it, parses it,
 * prints what is wrong with it.
 */
#ifndef ADIT_MAIN_LOAD_H
#define ADIT_MAIN_LOAD_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>

#include "text/conf.h"

#define LOAD_DIRECTORY "/etc/wireguard"

struct load {
	char name[IFNAMSIZ]; /* the interface's */
	char path[PATH_MAX];
	int fd;			       /* the file's, for what is asked of it later; -1: closed */
	void (*say)(const char *text); /* see load_read */
	bool is_check;		       /* it is looked at only; load_find sets it to false */
	size_t error_count, warning_count; /* of load_read and load_check so far */
	struct conf conf;
};

/*
 * `word` is an interface's name (then the file is LOAD_DIRECTORY/NAME.conf) or,
 * with a slash or ".conf" in it, a path that ends in NAME.conf. Fills name and path.
 * Prints why and returns false when it is neither.
 */
bool load_find(struct load *load, const char *word);

/* For load_read: on stderr, all of it, however long its reader takes. */
void load_say_on_stderr(const char *text);

/*
 * Reads and parses load->path and the files with keys that it names, and looks up
 * what only this machine can tell; diagnostics, whole lines, go to `say`, here and
 * in load_check. Returns an enum verb_exit: VERB_OK (warnings at most), VERB_CONFIG
 * (errors, or it cannot be read), VERB_FAILED (no memory or descriptor for it).
 * After VERB_OK load_wipe is the caller's.
 */
int load_read(struct load *load, void (*say)(const char *text));

/*
 * After load_read: whether what it asks for can be done at all; if not, says why,
 * with the line. Commands that others than root may have written are refused, or,
 * with allow_hooks, warned about. Touches nothing. An enum verb_exit.
 */
int load_check(struct load *load, bool allow_hooks);

/* After load_read: the file's text once more, to be wiped and freed. NULL and errno. */
char *load_read_text(const struct load *load, size_t *len);

/* Keys, from its text or from other files. */
bool load_has_secret(const struct load *load);
bool load_has_hooks(const struct load *load);
void load_wipe(struct load *load);

#endif

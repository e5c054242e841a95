/*
 * The command line: one verb per file, one table. A verb's help is true, whole,
 * and all there is: `adit help VERB` prints it.
 */
#ifndef ADIT_MAIN_VERB_H
#define ADIT_MAIN_VERB_H

/* Exit codes, the same for every verb; they stand in adit(8). */
enum verb_exit {
	VERB_OK = 0,
	VERB_FAILED = 1, /* could not be done; the reason was printed */
	VERB_USAGE = 2,	 /* the command line was wrong */
	VERB_CONFIG = 3, /* the configuration has errors or cannot be read; nothing was touched */
	VERB_NOT_RUNNING = 4, /* there is no such interface of ours */
	VERB_NO_PEER = 5,     /* of route: no peer gets packets to that address */
};

struct verb {
	const char *name;
	const char *arguments; /* "NAME|FILE" */
	const char *summary;   /* one line, for the list */
	const char *help;      /* what `adit help VERB` says after the first line */
	int min_arguments, max_arguments;
	int (*run)(int argc, char **argv); /* without the verb itself; an enum verb_exit */
};

extern const struct verb verb_check, verb_confirm, verb_diff, verb_down, verb_export, verb_genkey,
	verb_genpsk, verb_help, verb_pubkey, verb_reload, verb_route, verb_run, verb_show,
	verb_strip, verb_up;

/* NULL: no such verb. */
const struct verb *verb_find(const char *name);

/* What was probably meant by a word that is no verb; NULL: it does not look like one. */
const char *verb_guess(const char *word);

/* All of them, ended by NULL, in the order of the list. */
const struct verb *const *verb_list(void);

#endif

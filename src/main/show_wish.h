/*
 * What `adit show` is asked for, from its words.
 */
#ifndef ADIT_MAIN_SHOW_WISH_H
#define ADIT_MAIN_SHOW_WISH_H

#include <net/if.h>
#include <stdbool.h>

#include "base/nanos.h"

enum show_form { SHOW_PRETTY, SHOW_DROPS, SHOW_JSON, SHOW_SELECTED, SHOW_NAMES };

struct show_wish {
	enum show_form form;
	int selector; /* with SHOW_SELECTED */
	bool is_all;
	char name[IFNAMSIZ]; /* if not is_all */
	bool wants_keys;
	nanos interval; /* 0: once */
};

/* false: they make no sense, and why was printed. */
bool show_wish_parse(struct show_wish *wish, int argc, char **argv);

#endif

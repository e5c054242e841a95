/*
 * One picture of what `adit show` is asked for: asks the interfaces, and writes
 * what they say as text.
 */
#ifndef ADIT_MAIN_SHOW_PAGE_H
#define ADIT_MAIN_SHOW_PAGE_H

#include "main/show_wish.h"
#include "text/json_out.h"
#include "text/out.h"

struct show_page {
	const struct show_wish *wish;
	struct out text;       /* may hold keys */
	struct out complaints; /* lines for people */
	struct json_out json;
	int stop_fd;  /* readable: somebody does not want to wait any longer; -1: none */
	bool has_one; /* an interface stands there */
};

/* The wish must outlive it. */
void show_page_init(struct show_page *page, const struct show_wish *wish, int stop_fd);
void show_page_wipe(struct show_page *page);

/* Fills text and complaints. An enum verb_exit. */
int show_page_fill(struct show_page *page);

#endif

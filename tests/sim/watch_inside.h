/*
 * What the files of the watch tell each other.
 */
#ifndef ADIT_SIM_WATCH_INSIDE_H
#define ADIT_SIM_WATCH_INSIDE_H

#include "sim/watch.h"

/* watch.c */
nanos watch_time(const struct world *w, const struct node *node);
/* The node that this key is, or was, or NULL. */
struct node *watch_find_node(struct world *w, const struct node *who, const struct public_key *key);
void watch_endpoint(struct world *w, const struct node *node, struct sight *sight, uint32_t peer);

/* watch_keys.c */
void watch_secrets(struct world *w, const struct node *node, struct sight *sight);
/* No copy of a secret is left in the node's arena. */
void watch_is_gone(struct world *w, const struct node *node, const void *secret, const char *what);
void watch_data(
	struct world *w, const struct node *node, const uint8_t *bytes, uint32_t len, uint8_t tos);
/* None of its keys may seal any more. */
void watch_void_keys(struct world *w, const struct node *node);

/* watch_talk.c */
void watch_intake(struct world *w, const struct node *node);

/* watch_books.c */
void watch_balance(struct world *w, const struct node *node);

#endif

/*
 * After news of routes: which of the local addresses that the engine answers from
 * still lead to their peers by the interface where these came in? The others are
 * forgotten, and the kernel chooses anew [as its own WireGuard does with each
 * packet]. The engine has no netlink and we have no peers, so it tells a few, and
 * hears with the next question which of them are wrong.
 */
#ifndef ADIT_MAIN_SOURCE_CHECK_H
#define ADIT_MAIN_SOURCE_CHECK_H

#include "main/engine_link.h"
#include "manage/netlink_socket.h"

struct source_check { /* all zero at first */
	bool is_under_way;
	bool is_wanted_again; /* there was other news meanwhile */
};

/* There is news: asks for the first. What fails is the engine's end, and told by its channel. */
void source_check_begin(struct source_check *check, struct engine_link *engine);

/* FROM_ENGINE_SOURCES has come, as engine->sources: answers, or ends it. */
void source_check_continue(
	struct source_check *check, struct engine_link *engine, struct netlink *netlink);

#endif

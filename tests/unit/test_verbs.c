#include "unit/test.h"

#include "main/verb.h"

TEST(verbs_are_found_by_their_whole_name)
{
	CHECK(verb_find("up") == &verb_up && verb_find("show") == &verb_show);
	CHECK(!verb_find("sho") && !verb_find("shows") && !verb_find(""));
}

TEST(verbs_guess_what_was_meant)
{
	static const struct {
		const char *word, *meant;
	} rows[] = {
		{"status", "show"},
		{"start", "up"},
		{"stop", "down"},
		{"restart", "down"},
		{"relaod", "reload"},
		{"list", "show"},
		{"ls", "show"},
		{"version", "--version"},
		{"info", "show"},
		{"shwo", "show"},
		{"shows", "show"},
		{"SHOW", "show"},
		{"dwn", "down"},
		{"chekc", "check"},
		{"gen-key", "genkey"},
		{"pubkeyxx", "pubkey"},
		{"pubkeyxxx", NULL},
		/* names of interfaces */
		{"wg0", NULL},
		{"foo", NULL},
		{"u", NULL},
		{"ups", NULL},
		{"tun0", NULL},
		{"home", NULL},
		{"adit-a", NULL},
		{"a-name-of-over-24-characters", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = verb_guess(rows[i].word);
		if (!rows[i].meant || !got)
			CHECK(rows[i].meant == got);
		else
			CHECK_STR(rows[i].meant, got);
	}
}

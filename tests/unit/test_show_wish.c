#include "main/show_wish.h"

#include "text/view_print.h"
#include "unit/capture.h"
#include "unit/sandbox.h"

#define WORDS_MAX 6

struct row {
	char *words[WORDS_MAX];
	enum show_form form;
	bool is_all, wants_keys;
	unsigned seconds;
	const char *name, *selector;
};

static bool reads(const struct row *row)
{
	struct show_wish wish;
	char *words[WORDS_MAX];
	int count = 0;
	for (; count < WORDS_MAX && row->words[count]; count++)
		words[count] = row->words[count];
	REQUIRE(show_wish_parse(&wish, count, words));
	REQUIRE(wish.form == row->form && wish.is_all == row->is_all);
	REQUIRE(wish.wants_keys == row->wants_keys);
	REQUIRE(wish.interval == row->seconds * NANOS_PER_SECOND);
	REQUIRE(!row->name || !strcmp(row->name, wish.name));
	REQUIRE(!row->selector || wish.selector == view_selector_find(row->selector));
	return true;
}

static bool right(void)
{
	static const struct row rows[] = {
		{{NULL}, SHOW_PRETTY, true, false, 0, NULL, NULL},
		{{"all"}, SHOW_PRETTY, true, false, 0, NULL, NULL},
		{{"wg0"}, SHOW_PRETTY, false, false, 0, "wg0", NULL},
		{{"/x/wg0.conf"}, SHOW_PRETTY, false, false, 0, "wg0", NULL},
		{{"wg0", "dump"}, SHOW_SELECTED, false, false, 0, "wg0", "dump"},
		{{"all", "peers"}, SHOW_SELECTED, true, false, 0, NULL, "peers"},
		{{"interfaces"}, SHOW_NAMES, false, false, 0, NULL, NULL},
		{{"--json"}, SHOW_JSON, true, false, 0, NULL, NULL},
		{{"--json", "wg0", "--show-keys"}, SHOW_JSON, false, true, 0, "wg0", NULL},
		{{"wg0", "--drops"}, SHOW_DROPS, false, false, 0, "wg0", NULL},
		{{"--watch"}, SHOW_PRETTY, true, false, 1, NULL, NULL},
		{{"--watch=86400", "wg0", "transfer"}, SHOW_SELECTED, false, false, 86400, "wg0",
			"transfer"},
		{{"--drops", "--watch=3"}, SHOW_DROPS, true, false, 3, NULL, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		REQUIRE(reads(&rows[i]));
	return true;
}

TEST(show_wish_reads_words)
{
	sandbox_run_child(right);
}

static bool wrong(void)
{
	static char *const rows[][WORDS_MAX] = {{"wg0", "nonsense"}, {"all", "all"},
		{"wg0", "peers", "x"}, {"interfaces", "x"}, {"interfaces", "--json"}, {"a/b"},
		{"a-name-of-over-15-bytes"}, {""}, {"--nonsense"}, {"-h"}, {"--json", "--drops"},
		{"wg0", "dump", "--json"}, {"--watch="}, {"--watch=0"}, {"--watch=86401"},
		{"--watch=x"}, {"--watch=1.5"}, {"--watches"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct show_wish wish;
		char *words[WORDS_MAX];
		int count = 0;
		for (; count < WORDS_MAX && rows[i][count]; count++)
			words[count] = rows[i][count];
		REQUIRE(capture_begin(NULL, "adit"));
		bool is_taken = show_wish_parse(&wish, count, words);
		if (is_taken)
			test_fail(__FILE__, __LINE__, "taken: row %zu", i);
		REQUIRE(!is_taken && *captured());
	}
	return true;
}

TEST(show_wish_refuses)
{
	sandbox_run_child(wrong);
}

static bool names_selectors(void)
{
	struct show_wish wish;
	char *words[] = {"wg0", "peer"};
	REQUIRE(capture_begin(NULL, "adit"));
	REQUIRE(!show_wish_parse(&wish, 2, words));
	const char *said = captured();
	REQUIRE(strstr(said, "\"peer\": no such selector\n"));
	REQUIRE(strstr(said, "SELECTOR is one of: public-key ") && strstr(said, " dump\n"));
	return true;
}

TEST(show_wish_says_what_there_is)
{
	sandbox_run_child(names_selectors);
}

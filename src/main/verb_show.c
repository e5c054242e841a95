#include <stdio.h>
#include <string.h>

#include "main/screen.h"
#include "main/show_page.h"
#include "main/show_wish.h"
#include "main/verb.h"

static void complain(const struct show_page *page)
{
	fputs(out_string(&page->complaints), stderr);
}

static int show_once(const struct show_wish *wish)
{
	struct show_page page;
	show_page_init(&page, wish, -1);
	int status = show_page_fill(&page);
	bool is_whole = !page.text.has_failed && (page.has_one || wish->is_all);
	if (is_whole && !screen_print(&page.text))
		status = VERB_FAILED;
	complain(&page);
	show_page_wipe(&page);
	return status;
}

/* Complaints about one of all do not end it; on a terminal they stand below. */
static bool draw(struct screen *screen, struct show_page *page)
{
	bool is_for_people = page->wish->form == SHOW_PRETTY || page->wish->form == SHOW_DROPS;
	if (!page->has_one && is_for_people)
		out_add_text(&page->text, "no interface is running\n");
	if (screen->is_terminal)
		out_add(&page->text, out_string(&page->complaints), page->complaints.len);
	else
		complain(page);
	return screen_draw(screen, &page->text);
}

/*
 * The next picture. true: go on. One that goes away may do so in the middle of an answer:
 * so one failure is forgiven.
 */
static bool show_next(
	struct screen *screen, struct show_page *page, unsigned *failures, int *status)
{
	int filled = show_page_fill(page);
	if (screen_is_interrupted(screen))
		return true; /* screen_wait says what it means */
	*failures = filled ? *failures + 1 : 0;
	if (filled == VERB_OK || page->wish->is_all) {
		*status = draw(screen, page) ? VERB_OK : VERB_FAILED;
		return *status == VERB_OK;
	}
	if (filled == VERB_FAILED && screen->has_picture && *failures == 1)
		return true;
	*status = filled;
	return false;
}

/* After the screen is given back. */
static void say_why(const struct show_page *page, bool had_picture, int status)
{
	if (status == VERB_NOT_RUNNING && had_picture)
		fprintf(stderr, "adit: %s has ended\n", page->wish->name);
	else if (status)
		complain(page);
}

static int show_watched(const struct show_wish *wish)
{
	struct screen screen;
	unsigned failures = 0;
	int status = VERB_OK, error = screen_begin(&screen, wish->interval);
	if (error) {
		fprintf(stderr, "adit: cannot wait for signals: %s\n", strerror(-error));
		return VERB_FAILED;
	}
	for (bool goes_on = true; goes_on;) {
		struct show_page page;
		show_page_init(&page, wish, screen.signal_fd);
		goes_on = show_next(&screen, &page, &failures, &status) && screen_wait(&screen);
		if (!goes_on) {
			screen_end(&screen);
			say_why(&page, screen.has_picture, status);
		}
		show_page_wipe(&page);
	}
	return status;
}

static int run(int argc, char **argv)
{
	struct show_wish wish;
	if (!show_wish_parse(&wish, argc, argv))
		return VERB_USAGE;
	return wish.interval ? show_watched(&wish) : show_once(&wish);
}

const struct verb verb_show = {
	.name = "show",
	.arguments = "[OPTION] [NAME]",
	.summary = "show the state of the interface, or of all",
	.help = "Prints what `wg show` prints: the interface's public key and port, and for each "
		"peer\n"
		"its endpoint, allowed IPs, latest handshake and traffic; in colours on a "
		"terminal.\n"
		"And two lines of our own: the key exchange of the session (x25519, or\n"
		"x25519+mlkem768), and whether PostQuantum is \"require\".\n"
		"Behind the NAME, or \"all\", one of wg's selectors: public-key, private-key,\n"
		"listen-port, fwmark, peers, preshared-keys, endpoints, allowed-ips,\n"
		"latest-handshakes, transfer, persistent-keepalive, dump. \"interfaces\" instead "
		"of\n"
		"a NAME: the names of all that run.\n"
		"\n"
		"  --json            as JSON, in the shape of wg-json and with more\n"
		"  --drops           the packets that were dropped, how many and why, for the\n"
		"                    interface and for each peer\n"
		"  --show-keys       private and preshared keys too\n"
		"  --watch[=SECONDS] again every second, or every so many, until Ctrl-C",
	.max_arguments = 6,
	.run = run,
};

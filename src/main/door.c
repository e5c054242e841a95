#include "main/door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/log.h"
#include "main/verb.h"
#include "text/addrtext.h"

#define LOGGED_LINES_MAX 100 /* of one reload */

/* ---- voices */

/* A sentence for a client, with the names in front that its other messages have. */
static void say_sentence(const struct door *door, struct admin_client *client, const char *text)
{
	char line[2048];
	snprintf(line, sizeof line, "adit: %s: %s", door->interface, text);
	admin_say(client, ADMIN_STDERR, line);
}

static void say_to_client(void *context, enum reload_words kind, const char *text)
{
	struct door *door = context;
	door->has_lines |= kind == RELOAD_LINE;
	if (!door->client)
		return;
	if (kind == RELOAD_REMARK)
		say_sentence(door, door->client, text);
	else
		admin_say(door->client, kind == RELOAD_LINE ? ADMIN_STDOUT : ADMIN_STDERR, text);
}

/* Of diff, failure has another status than a difference. */
static int diff_status(int status, bool has_lines)
{
	if (status == VERB_FAILED)
		return DOOR_TROUBLE;
	return status != VERB_OK ? status : has_lines ? DOOR_DIFFERENT : DOOR_SAME;
}

static void finish_client(void *context, int status)
{
	struct door *door = context;
	struct admin_client *client = door->client;
	door->client = NULL;
	if (client)
		admin_finish(client, door->is_diff ? diff_status(status, door->has_lines) : status);
}

static void log_lines(const char *text)
{
	size_t count = 0;
	for (; *text && count < LOGGED_LINES_MAX; count++) {
		size_t len = strcspn(text, "\n");
		log_info("%.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
	if (*text)
		log_info("and more that is not shown; \"adit reload\" shows all");
}

static void say_to_log(void *context, enum reload_words kind, const char *text)
{
	(void)context;
	if (kind == RELOAD_LINE)
		log_lines(text);
	else if (kind == RELOAD_MISTAKE)
		log_text(text);
	else
		log_error("%s", text);
}

static void finish_log(void *context, int status)
{
	(void)context;
	if (status)
		log_error("the reload failed");
}

/* ---- requests */

/* A wish from what follows the verb. false: it is not in the grammar. */
static bool read_wish(struct reload_wish *wish, const char *words)
{
	uint64_t seconds;
	if (!strncmp(words, " confirm=", 9)) {
		words += 9;
		size_t len = strcspn(words, " ");
		if (!addrtext_read_decimal(&seconds, words, len, RELOAD_CONFIRM_MAX) || !seconds)
			return false;
		wish->confirm_seconds = (uint32_t)seconds;
		words += len;
	}
	if (!strncmp(words, " path=/", 7)) {
		wish->path = words + 6;
		return true;
	}
	return !*words;
}

static void refuse(struct door *door, struct admin_client *client, int status, const char *text)
{
	say_sentence(door, client, text);
	admin_finish(client, status);
}

static void confirm(struct door *door, struct admin_client *client)
{
	int status = reload_confirm(&door->reload);
	if (status)
		refuse(door, client, status, "no reload waits to be confirmed");
	else
		admin_finish(client, status);
}

static void begin(struct door *door, struct admin_client *client, const struct reload_wish *wish)
{
	const struct reload_voice voice = {say_to_client, finish_client, door};
	const char *busy = reload_is_busy(&door->reload);
	if (busy) {
		refuse(door, client, wish->is_dry ? DOOR_TROUBLE : VERB_FAILED, busy);
		return;
	}
	door->client = client;
	door->is_diff = wish->is_dry;
	door->has_lines = false;
	reload_begin(&door->reload, wish, &voice);
}

static void on_request(void *context, struct admin_client *client, const char *line)
{
	struct door *door = context;
	size_t len = strcspn(line, " ");
	struct reload_wish wish = {.is_dry = len == 4 && !strncmp(line, "diff", len)};
	bool is_reload = len == 6 && !strncmp(line, "reload", len);
	bool is_known = (wish.is_dry || is_reload) && read_wish(&wish, line + len);
	if (!is_known && strcmp(line, "confirm"))
		refuse(door, client, VERB_USAGE, "it does not understand this request");
	else if (!door->is_ready)
		refuse(door, client, wish.is_dry ? DOOR_TROUBLE : VERB_FAILED,
			"it is just starting or ending");
	else if (is_known)
		begin(door, client, &wish);
	else
		confirm(door, client);
}

/* What it asked for goes on all the same. */
static void on_gone(void *context, struct admin_client *client)
{
	struct door *door = context;
	if (door->client == client)
		door->client = NULL;
}

static void on_due(void *context)
{
	struct door *door = context;
	door->reload.world.on_news(door->reload.world.context);
}

/* ---- life */

int door_open(struct door *door, struct loop *loop, const char *directory, const char *interface)
{
	door->interface = interface;
	door->admin.on_request = on_request;
	door->admin.on_gone = on_gone;
	door->admin.on_due = on_due;
	door->admin.context = door;
	return admin_open(&door->admin, loop, directory, interface);
}

void door_begin(struct door *door)
{
	door->is_ready = true;
}

void door_end(struct door *door)
{
	if (!door->is_ready)
		return;
	door->is_ready = false;
	reload_abandon(&door->reload);
}

void door_close(struct door *door)
{
	admin_close(&door->admin);
}

void door_on_hangup(struct door *door)
{
	const struct reload_voice voice = {say_to_log, finish_log, door};
	const struct reload_wish wish = {0};
	if (door->is_ready)
		reload_begin(&door->reload, &wish, &voice);
	else
		log_error("it is just starting or ending: nothing is reloaded");
}

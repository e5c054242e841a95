#include "main/show_page.h"

#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "main/running.h"
#include "main/screen.h"
#include "main/verb.h"
#include "text/view_print.h"

void show_page_init(struct show_page *page, const struct show_wish *wish, int stop_fd)
{
	*page = (struct show_page){.wish = wish, .stop_fd = stop_fd};
	out_init(&page->text, SIZE_MAX);
	out_init(&page->complaints, SIZE_MAX);
}

void show_page_wipe(struct show_page *page)
{
	out_wipe(&page->text);
	out_wipe(&page->complaints);
}

static void add_json(
	struct show_page *page, const struct view *view, const struct view_style *style)
{
	struct view_link link;
	running_link(style->interface_name, &link);
	view_print_json(&page->json, view, &link, style);
	running_link_free(&link);
}

/* WG_HIDE_KEYS is about what people look at; who reads JSON may not know of it. */
static bool shows_keys(const struct show_wish *wish)
{
	const char *hides = getenv("WG_HIDE_KEYS");
	return wish->wants_keys || (wish->form == SHOW_PRETTY && hides && !strcmp(hides, "never"));
}

static void add_view(struct show_page *page, const struct view *view, const char *name)
{
	const struct show_wish *wish = page->wish;
	const struct view_style style = {.interface_name = name,
		.now = clock_read().realtime / NANOS_PER_SECOND,
		.has_colours = screen_wants_colours(),
		.shows_keys = shows_keys(wish),
		.zone_name = running_zone_name};
	bool is_for_people = wish->form == SHOW_PRETTY || wish->form == SHOW_DROPS;
	out_add_text(&page->text, is_for_people && page->has_one ? "\n" : "");
	page->has_one = true;
	if (wish->form == SHOW_PRETTY)
		view_print_pretty(&page->text, view, &style);
	else if (wish->form == SHOW_DROPS)
		view_print_drops(&page->text, view, &style);
	else if (wish->form == SHOW_JSON)
		add_json(page, view, &style);
	else
		view_print_selected(&page->text, view, &style, wish->selector, wish->is_all);
}

static int add_one(struct show_page *page, const char *name)
{
	struct view view;
	int status = running_view(name, &view, page->stop_fd, &page->complaints);
	if (status == VERB_OK) {
		add_view(page, &view, name);
		view_wipe(&view);
	}
	return status;
}

/* A socket that one left behind who was killed is no news. */
static int add_all(struct show_page *page)
{
	struct running running;
	int status = running_list(&running) ? VERB_OK : VERB_FAILED;
	for (size_t i = 0; i < running.count; i++) {
		if (!running_is_alive(running.names[i]))
			continue;
		int one = add_one(page, running.names[i]);
		status = status ? status : one;
	}
	running_free(&running);
	return status;
}

static int add_names(struct show_page *page)
{
	struct running running;
	int status = running_list(&running) ? VERB_OK : VERB_FAILED;
	for (size_t i = 0; i < running.count; i++) {
		if (!running_is_alive(running.names[i]))
			continue;
		out_add_text(&page->text, page->has_one ? " " : "");
		out_add_text(&page->text, running.names[i]);
		page->has_one = true;
	}
	out_add_text(&page->text, page->has_one ? "\n" : "");
	running_free(&running);
	return status;
}

static int add_json_object(struct show_page *page)
{
	json_out_init(&page->json, &page->text);
	json_out_begin_object(&page->json, NULL);
	int status = page->wish->is_all ? add_all(page) : add_one(page, page->wish->name);
	json_out_end_object(&page->json);
	json_out_finish(&page->json);
	return status;
}

int show_page_fill(struct show_page *page)
{
	const struct show_wish *wish = page->wish;
	int status;
	if (wish->form == SHOW_NAMES)
		status = add_names(page);
	else if (wish->form == SHOW_JSON)
		status = add_json_object(page);
	else
		status = wish->is_all ? add_all(page) : add_one(page, wish->name);
	if (!page->text.has_failed)
		return status;
	out_add_text(&page->complaints, "adit: no memory\n");
	return VERB_FAILED;
}

#include "text/conf.h"

#include <string.h>

#include "text/conf_keys.h"
#include "text/conf_lex.h"

#define SHOWN_MAX   160 /* characters of a line */
#define SHOWN_AHEAD 100 /* of them before the column, at most */

/* A key's file may have been mistaken for the key. */
static bool is_secret(const struct conf_line *line)
{
	return conf_key_is_secret(line->key) ||
	       (conf_key_is_own(line->key) &&
		       conf_is_like_key(line->text + line->value.start, line->value.len));
}

/*
 * How much of the line's beginning may be shown; behind that stand asterisks. A
 * value may be shown when its key is known and takes no secret; a name only when
 * it is a known key or too unlike one to be a piece of base64.
 */
static size_t public_part(const struct conf_line *line)
{
	const char *name = line->text + line->name.start;
	size_t value_end = line->value.start + line->value.len;
	size_t name_end = line->name.start + line->name.len;
	if (line->kind == CONF_LINE_SECTION)
		return conf_is_word(name, line->name.len) ? name_end : 0;
	if (line->kind == CONF_LINE_SETTING || line->kind == CONF_LINE_REMARK) {
		if (line->key)
			return is_secret(line) ? line->value.start : value_end;
		if (line->value.len && conf_is_word(name, line->name.len))
			return line->value.start;
	}
	const struct conf_key *key = conf_find_first_key(name, line->name.len);
	if (key) { /* and no "=" behind it, but perhaps a colon */
		size_t key_len = strlen(key->name), rest = line->name.len - key_len;
		bool is_like_key = rest && conf_is_like_key(name + key_len + 1, rest - 1);
		return key->marks || is_like_key ? line->name.start + key_len : name_end;
	}
	return conf_nearest_section(name, line->name.len) ? name_end : 0;
}

/* The line's end, without a comment. */
static size_t shown_end(const struct conf_line *line)
{
	size_t value_end = line->value.start + line->value.len;
	size_t name_end = line->name.start + line->name.len;
	return value_end > name_end ? value_end : name_end;
}

static void add_source(struct out *out, const struct conf_line *line, size_t from)
{
	size_t end = shown_end(line), safe = public_part(line);
	if (end > from + SHOWN_MAX)
		end = from + SHOWN_MAX;
	out_add_text(out, from ? "  ..." : "  ");
	for (size_t i = from; i < end; i++) {
		char c = line->text[i];
		if (c != '\t' && c != ' ' && c != '=')
			c = i < safe ? out_printable(c) : '*';
		out_add(out, &c, 1);
	}
	out_add_text(out, end < shown_end(line) ? "...\n" : "\n");
}

/* A tab under each tab, so that the caret stands right whatever a tab's width. */
static void add_caret(struct out *out, const struct conf_line *line, size_t from, size_t column)
{
	out_add_text(out, from ? "     " : "  ");
	for (size_t i = from; i + 1 < column; i++)
		out_add_text(out, i < line->len && line->text[i] == '\t' ? "\t" : " ");
	out_add_text(out, "^\n");
}

static void add_message(struct out *out, const struct conf_diagnostic *d, const char *file_name)
{
	out_add_text(out, file_name);
	out_add_text(out, ":");
	out_add_decimal(out, d->line);
	out_add_text(out, ":");
	out_add_decimal(out, d->column);
	out_add_text(out, d->severity == CONF_ERROR ? ": error: " : ": warning: ");
	out_add_text(out, d->message);
	out_add_text(out, "\n");
}

static void add_rest(struct out *out, const char *file_name, size_t count, const char *what)
{
	if (count <= CONF_DIAGNOSTICS_MAX)
		return;
	out_add_text(out, file_name);
	out_add_text(out, ": too many ");
	out_add_text(out, what);
	out_add_text(out, ": ");
	out_add_decimal(out, count - CONF_DIAGNOSTICS_MAX);
	out_add_text(out, " more are not shown\n");
}

void conf_render(struct out *out, const struct conf *conf, const char *file_name, const char *text,
	size_t len)
{
	struct conf_lexer lexer;
	struct conf_line line = {0};
	conf_lexer_init(&lexer, text, len);
	for (size_t i = 0; i < conf->diagnostic_count; i++) {
		const struct conf_diagnostic *d = &conf->diagnostics[i];
		add_message(out, d, file_name);
		while (line.number < d->line && conf_next_line(&lexer, &line))
			continue;
		if (line.number != d->line || shown_end(&line) == 0)
			continue;
		size_t from = d->column > SHOWN_AHEAD ? d->column - SHOWN_AHEAD : 0;
		add_source(out, &line, from);
		add_caret(out, &line, from, d->column);
	}
	add_rest(out, file_name, conf->error_count, "errors");
	add_rest(out, file_name, conf->warning_count, "warnings");
}

#include "text/json_out.h"

#include <string.h>

#define REPLACEMENT "\\ufffd"

void json_out_init(struct json_out *json, struct out *out)
{
	*json = (struct json_out){.out = out};
}

/* ------------------------------------------------------------------ strings */

/* How long the UTF-8 character is at the beginning of `text`; 0: there is none [RFC 3629 4]. */
static size_t character_len(const uint8_t *text, size_t len)
{
	static const struct {
		uint8_t first, last, second_first, second_last;
		size_t len;
	} forms[] = {
		{0x00, 0x7f, 0x00, 0x00, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, /* without surrogates */
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t form = 0;
	while (text[0] > forms[form].last && ++form < sizeof forms / sizeof *forms)
		continue;
	if (form == sizeof forms / sizeof *forms || text[0] < forms[form].first)
		return 0;
	size_t wanted = forms[form].len;
	if (wanted > len)
		return 0;
	if (wanted > 1 && (text[1] < forms[form].second_first || text[1] > forms[form].second_last))
		return 0;
	for (size_t i = 2; i < wanted; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return wanted;
}

static void add_escaped(struct out *out, uint8_t c)
{
	char escape[] = "\\u00xx";
	escape[4] = "0123456789abcdef"[c >> 4];
	escape[5] = "0123456789abcdef"[c & 15];
	out_add_text(out, escape);
}

static void add_character(struct out *out, const uint8_t *text, size_t len)
{
	if (*text == '"' || *text == '\\')
		out_add_text(out, "\\");
	/* DEL need not be escaped, but terminals dislike it */
	if (*text < ' ' || *text == 0x7f)
		add_escaped(out, *text);
	else
		out_add(out, text, len);
}

static void add_string(struct out *out, const char *text, size_t len)
{
	out_add_text(out, "\"");
	for (const uint8_t *at = (const uint8_t *)text; len;) {
		size_t used = character_len(at, len);
		if (used)
			add_character(out, at, used);
		else
			out_add_text(out, REPLACEMENT);
		used += !used;
		at += used;
		len -= used;
	}
	out_add_text(out, "\"");
}

/* ------------------------------------------------------------------ structure */

static void begin_line(struct json_out *json)
{
	out_add_text(json->out, "\n");
	out_add_repeated(json->out, '\t', json->depth);
}

/* Whether there is an item at this depth already. */
static bool *has_item(struct json_out *json)
{
	size_t depth = json->depth < JSON_OUT_DEPTH_MAX ? json->depth : JSON_OUT_DEPTH_MAX;
	return &json->has_items[depth];
}

/* What stands before a value. */
static void begin_item(struct json_out *json, const char *name)
{
	if (*has_item(json))
		out_add_text(json->out, ",");
	*has_item(json) = true;
	if (json->depth)
		begin_line(json);
	if (!name)
		return;
	add_string(json->out, name, strlen(name));
	out_add_text(json->out, ": ");
}

static void begin(struct json_out *json, const char *name, const char *bracket)
{
	begin_item(json, name);
	out_add_text(json->out, bracket);
	json->depth++;
	*has_item(json) = false;
	json->out->has_failed |= json->depth > JSON_OUT_DEPTH_MAX;
}

static void end(struct json_out *json, const char *bracket)
{
	bool is_empty = !*has_item(json);
	json->depth--;
	if (!is_empty)
		begin_line(json);
	out_add_text(json->out, bracket);
}

void json_out_begin_object(struct json_out *json, const char *name)
{
	begin(json, name, "{");
}

void json_out_end_object(struct json_out *json)
{
	end(json, "}");
}

void json_out_begin_array(struct json_out *json, const char *name)
{
	begin(json, name, "[");
}

void json_out_end_array(struct json_out *json)
{
	end(json, "]");
}

void json_out_text(struct json_out *json, const char *name, const char *text, size_t len)
{
	begin_item(json, name);
	add_string(json->out, text, len);
}

void json_out_decimal(struct json_out *json, const char *name, uint64_t value)
{
	begin_item(json, name);
	out_add_decimal(json->out, value);
}

void json_out_bool(struct json_out *json, const char *name, bool value)
{
	begin_item(json, name);
	out_add_text(json->out, value ? "true" : "false");
}

void json_out_finish(struct json_out *json)
{
	out_add_text(json->out, "\n");
}

#include "text/conf_parse.h"

#include <string.h>

static struct out diagnose_name(
	struct conf_parser *p, enum conf_severity severity, const struct conf_line *line)
{
	return conf_diagnose(p, severity, line->number, (uint32_t)(line->name.start + 1));
}

/* "; did you mean `this`?" */
static void add_guess(struct out *m, const char *meant)
{
	out_add_text(m, "; did you mean `");
	out_add_text(m, meant);
	out_add_text(m, "`?");
}

/* base64 broken over two lines would end up as a name and "=": such a one is not shown. */
static bool can_show_name(const struct conf_line *line)
{
	return line->value.len && conf_is_word(line->text + line->name.start, line->name.len);
}

/* "Key: no "=" behind it". */
static void add_no_equals(struct out *m, const struct conf_key *key)
{
	out_add_text(m, key->name);
	out_add_text(m, ": no \"=\" behind it; expected ");
	out_add_text(m, key->name);
	out_add_text(m, " = value");
}

/* The key that is written like this by those who put hyphens or underscores into it. */
static const struct conf_key *find_without_hyphens(const char *text, size_t len)
{
	char word[CONF_NAME_MAX];
	size_t word_len = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '-' || text[i] == '_')
			continue;
		if (word_len == sizeof word)
			return NULL;
		word[word_len++] = text[i];
	}
	return conf_find_key(word, word_len);
}

static void add_unknown(struct out *m, const struct conf_line *line)
{
	const char *name = line->text + line->name.start;
	size_t len = line->name.len;
	const struct conf_key *nearest = find_without_hyphens(name, len);
	out_add_text(m, "unknown key");
	if (can_show_name(line)) {
		out_add_text(m, " ");
		out_add_quoted(m, name, len);
		nearest = conf_nearest_key(name, len, 0);
	}
	if (nearest)
		add_guess(m, nearest->name);
	else if (!line->value.len)
		out_add_text(m, " without a value; is this the rest of another line?");
}

void conf_refuse_name(struct conf_parser *p, const struct conf_line *line)
{
	const char *name = line->text + line->name.start;
	struct out m = diagnose_name(p, CONF_ERROR, line);
	const struct conf_key *first = conf_find_first_key(name, line->name.len);
	if (line->name.len == 0)
		out_add_text(&m, "no key before \"=\"; expected Key = value");
	else if (name[0] == '[')
		out_add_text(&m, "a section and a key in one line; expected the section in a line "
				 "of its own");
	else if (first)
		add_no_equals(&m, first);
	else
		add_unknown(&m, line);
}

void conf_warn_of_remark(struct conf_parser *p, const struct conf_line *line)
{
	const char *name = line->text + line->name.start;
	if (line->key) {
		struct out m = diagnose_name(p, CONF_WARNING, line);
		out_add_text(&m, line->key->name);
		out_add_text(&m, ": a comment, because \"#!\" is only for keys of adit's own; to "
				 "have it count, write it without \"#!\"");
		return;
	}
	if (!can_show_name(line))
		return;
	struct out m = diagnose_name(p, CONF_WARNING, line);
	out_add_text(&m, "unknown key ");
	out_add_quoted(&m, name, line->name.len);
	out_add_text(&m, " behind \"#!\": taken as a comment");
	const struct conf_key *nearest = conf_nearest_key(name, line->name.len, CONF_OWN);
	if (nearest)
		add_guess(&m, nearest->name);
}

enum conf_section conf_refuse_line(struct conf_parser *p, const struct conf_line *line)
{
	const char *text = line->text + line->name.start;
	const struct conf_key *key = conf_find_first_key(text, line->name.len);
	enum conf_section section = conf_nearest_section(text, line->name.len);
	struct out m = diagnose_name(p, CONF_ERROR, line);
	if (section) {
		out_add_text(&m, "a section stands in square brackets; expected ");
		out_add_text(&m, conf_section_name(section));
	} else if (key) {
		add_no_equals(&m, key);
	} else if (text[0] == ';' || (text[0] == '/' && line->name.len > 1 && text[1] == '/')) {
		out_add_text(&m, "no \"=\"; expected Key = value, or \"#\" before a comment");
	} else {
		out_add_text(&m, "no \"=\"; expected Key = value");
	}
	return section;
}

enum conf_section conf_refuse_section(struct conf_parser *p, const struct conf_line *line)
{
	const char *name = line->text + line->name.start;
	size_t len = line->name.len;
	bool is_closed = memchr(name, ']', len);
	enum conf_section nearest = conf_nearest_section(name, len);
	struct out m = diagnose_name(p, CONF_ERROR, line);
	if (is_closed && name[len - 1] != ']') {
		out_add_text(&m, "something behind the section; expected [Interface] or [Peer] in "
				 "a line of its own");
		size_t end = (size_t)((const char *)memchr(name, ']', len) - name) + 1;
		return conf_nearest_section(name, end);
	}
	out_add_text(&m, is_closed ? "unknown section" : "the \"]\" of the section is missing");
	if (is_closed && conf_is_word(name, len)) {
		out_add_text(&m, " ");
		out_add_quoted(&m, name, len);
	}
	out_add_text(&m, "; expected [Interface] or [Peer]");
	return nearest;
}

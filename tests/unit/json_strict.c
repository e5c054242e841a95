#include "unit/json_strict.h"

#include <string.h>

struct text {
	const char *at, *end;
	char open[JSON_STRICT_DEPTH_MAX]; /* the brackets around here */
	size_t depth;
};

static char peek(const struct text *t)
{
	return t->at < t->end ? *t->at : 0;
}

static bool take(struct text *t, char c)
{
	bool is_there = t->at < t->end && *t->at == c;
	t->at += is_there;
	return is_there;
}

static void skip_blanks(struct text *t)
{
	while (t->at < t->end && *t->at && strchr(" \t\r\n", *t->at))
		t->at++;
}

static size_t take_digits(struct text *t, const char *digits)
{
	const char *start = t->at;
	while (t->at < t->end && *t->at && strchr(digits, *t->at))
		t->at++;
	return (size_t)(t->at - start);
}

static bool take_escape(struct text *t)
{
	char c = peek(t);
	if (!c || !strchr("\"\\/bfnrtu", c))
		return false;
	t->at++;
	if (c != 'u')
		return true;
	const char *start = t->at;
	take_digits(t, "0123456789abcdefABCDEF");
	if (t->at - start < 4)
		return false;
	t->at = start + 4;
	return true;
}

static bool take_string(struct text *t)
{
	if (!take(t, '"'))
		return false;
	while (t->at < t->end && *t->at != '"') {
		if ((unsigned char)*t->at < ' ')
			return false;
		if (*t->at++ == '\\' && !take_escape(t))
			return false;
	}
	return take(t, '"');
}

static bool take_word(struct text *t, const char *word)
{
	size_t len = strlen(word);
	bool is_there = (size_t)(t->end - t->at) >= len && !memcmp(t->at, word, len);
	t->at += is_there ? len : 0;
	return is_there;
}

static bool take_number(struct text *t)
{
	take(t, '-');
	if (!take(t, '0') && !take_digits(t, "0123456789"))
		return false;
	if (take(t, '.') && !take_digits(t, "0123456789"))
		return false;
	if (!take(t, 'e') && !take(t, 'E'))
		return true;
	if (!take(t, '+'))
		take(t, '-');
	return take_digits(t, "0123456789") > 0;
}

static bool take_scalar(struct text *t)
{
	if (peek(t) == '"')
		return take_string(t);
	return take_word(t, "true") || take_word(t, "false") || take_word(t, "null") ||
	       take_number(t);
}

/* In an object, what stands before a value. */
static bool take_name(struct text *t)
{
	if (!t->depth || t->open[t->depth - 1] == '[')
		return true;
	skip_blanks(t);
	if (!take_string(t))
		return false;
	skip_blanks(t);
	return take(t, ':');
}

/* Behind a value: the brackets that end here. *more: a comma, and so another value. */
static bool take_ends(struct text *t, bool *more)
{
	*more = false;
	for (skip_blanks(t); t->depth; skip_blanks(t)) {
		if (take(t, ',')) {
			*more = true;
			return true;
		}
		if (!take(t, t->open[t->depth - 1] == '[' ? ']' : '}'))
			return false;
		t->depth--;
	}
	return true;
}

/* A scalar, an empty pair of brackets, or an opening one: *is_open. */
static bool take_value(struct text *t, bool *is_open)
{
	skip_blanks(t);
	char c = peek(t);
	*is_open = false;
	if (c != '[' && c != '{')
		return take_scalar(t);
	t->at++;
	skip_blanks(t);
	if (take(t, c == '[' ? ']' : '}'))
		return true;
	*is_open = t->depth < JSON_STRICT_DEPTH_MAX;
	if (*is_open)
		t->open[t->depth++] = c;
	return *is_open;
}

bool json_is_right(const char *text, size_t len)
{
	struct text t = {.at = text, .end = text + len};
	for (bool more = true; more;) {
		bool is_open;
		if (!take_name(&t) || !take_value(&t, &is_open))
			return false;
		more = is_open;
		if (!is_open && !take_ends(&t, &more))
			return false;
	}
	return t.at == t.end;
}

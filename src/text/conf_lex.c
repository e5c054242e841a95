#include "text/conf_lex.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define OWN_MARK	"#!"

void conf_lexer_init(struct conf_lexer *lexer, const char *text, size_t len)
{
	size_t mark_len = strlen(BYTE_ORDER_MARK);
	bool has_mark = len >= mark_len && !memcmp(text, BYTE_ORDER_MARK, mark_len);
	*lexer = (struct conf_lexer){.text = text, .len = len, .at = has_mark ? mark_len : 0};
}

static struct conf_span trim(const char *text, size_t start, size_t end)
{
	while (start < end && conf_is_space(text[start]))
		start++;
	while (end > start && conf_is_space(text[end - 1]))
		end--;
	return (struct conf_span){start, end - start};
}

/* Up to `len`, or to the first c in it. */
static size_t length_before(const char *text, size_t len, char c)
{
	const char *found = memchr(text, c, len);
	return found ? (size_t)(found - text) : len;
}

/* Where the line's text begins: behind the "#!" that a comment may begin with, else at 0. */
static size_t find_begin(const struct conf_line *line)
{
	size_t start = trim(line->text, 0, line->len).start;
	bool is_marked = line->len - start >= strlen(OWN_MARK) &&
			 !memcmp(line->text + start, OWN_MARK, strlen(OWN_MARK));
	return is_marked ? start + strlen(OWN_MARK) : 0;
}

static void read_setting(struct conf_line *line, size_t begin, size_t equals, size_t end)
{
	line->kind = CONF_LINE_SETTING;
	line->key = conf_find_key(line->text + begin, equals - begin);
	if (begin && !(line->key && conf_key_is_own(line->key)))
		line->kind = CONF_LINE_REMARK;
	else if (line->key && conf_key_is_hook(line->key))
		end = line->len; /* # is no comment there */
	line->value = trim(line->text, equals + 1, end);
}

static void read_line(struct conf_line *line)
{
	const char *text = line->text;
	size_t begin = find_begin(line);
	size_t end = begin + length_before(text + begin, line->len - begin, '#');
	size_t equals = begin + length_before(text + begin, end - begin, '=');
	line->name = trim(text, begin, equals);
	line->value = (struct conf_span){0};
	line->key = NULL;
	line->kind = CONF_LINE_NO_EQUALS;
	if (equals < end) {
		read_setting(line, begin, equals, end);
	} else if (begin || line->name.len == 0) {
		line->kind = CONF_LINE_BLANK;
		line->name = (struct conf_span){0};
	} else if (text[line->name.start] == '[') {
		line->kind = CONF_LINE_SECTION;
	}
}

bool conf_next_line(struct conf_lexer *lexer, struct conf_line *line)
{
	if (lexer->at == lexer->len)
		return false;
	const char *text = lexer->text + lexer->at;
	size_t rest = lexer->len - lexer->at;
	size_t len = length_before(text, rest, '\n');
	lexer->at += len < rest ? len + 1 : len;
	line->text = text;
	line->len = len;
	line->number = ++lexer->line_number;
	read_line(line);
	return true;
}

static bool ends_token(char c, enum conf_split split)
{
	return (split != CONF_SPLIT_NOWHERE && c == ',') ||
	       (split == CONF_SPLIT_WORDS && conf_is_space(c));
}

bool conf_next_token(
	const struct conf_line *line, size_t *at, enum conf_split split, struct conf_token *token)
{
	const char *value = line->text + line->value.start;
	size_t len = line->value.len, i = *at;
	while (split == CONF_SPLIT_WORDS && i < len && ends_token(value[i], split))
		i++;
	if (i > len || (i == len && split == CONF_SPLIT_WORDS))
		return false;
	token->len = 0;
	token->is_cut = false;
	while (i < len && conf_is_space(value[i]))
		i++;
	token->column = (uint32_t)(line->value.start + i + 1);
	token->raw_len = 0;
	size_t start = i;
	for (; i < len && !ends_token(value[i], split); i++) {
		if (conf_is_space(value[i]))
			continue;
		token->raw_len = i + 1 - start;
		if (token->len < CONF_TOKEN_MAX)
			token->text[token->len++] = value[i];
		else
			token->is_cut = true;
	}
	token->text[token->len] = 0;
	*at = i + 1; /* past the separator; len + 1 when there was none */
	return true;
}

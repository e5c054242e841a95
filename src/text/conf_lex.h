/*
 * The config grammar's lines and tokens: what is a section, a name, a value, a
 * comment. Everything points into the text.
 */
#ifndef ADIT_TEXT_CONF_LEX_H
#define ADIT_TEXT_CONF_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/conf_keys.h"

enum conf_line_kind {
	CONF_LINE_BLANK,    /* nothing, or a comment */
	CONF_LINE_SECTION,  /* name: the brackets and what is between */
	CONF_LINE_SETTING,  /* name = value, or #!name = value with one of our own keys */
	CONF_LINE_REMARK,   /* #!name = value with any other: a comment */
	CONF_LINE_NO_EQUALS /* name: all of it */
};

struct conf_span { /* of a line: no white space at its ends */
	size_t start, len;
};

struct conf_line {
	enum conf_line_kind kind;
	uint32_t number;  /* from 1 */
	const char *text; /* without the newline */
	size_t len;
	const struct conf_key *key; /* of a setting or remark; NULL: unknown */
	struct conf_span name, value;
};

struct conf_lexer {
	const char *text;
	size_t len, at;
	uint32_t line_number;
};

enum conf_split {
	CONF_SPLIT_NOWHERE, /* one token; white space inside is deleted, as wg(8) does */
	CONF_SPLIT_COMMAS,  /* at each comma; white space inside is deleted, as wg(8) does */
	CONF_SPLIT_WORDS,   /* at commas and white space, as wg-quick(8) does; none is empty */
};

#define CONF_TOKEN_MAX 320 /* longer than any right one */

struct conf_token { /* may be a key: wipe it */
	char text[CONF_TOKEN_MAX + 1];
	size_t len;	 /* of text; what does not fit is left out */
	bool is_cut;	 /* something was left out */
	uint32_t column; /* of its first character */
	size_t raw_len;	 /* in the line, from there: with the white space that text lacks */
};

/* Starts at the first byte, or behind a byte order mark of UTF-8: then columns do not count it. */
void conf_lexer_init(struct conf_lexer *lexer, const char *text, size_t len);

/* The next line; false at the end of the text. */
bool conf_next_line(struct conf_lexer *lexer, struct conf_line *line);

/*
 * The next token of the value: *at is 0 at first and moved along. With
 * CONF_SPLIT_COMMAS a token may be empty. false: no more.
 */
bool conf_next_token(
	const struct conf_line *line, size_t *at, enum conf_split split, struct conf_token *token);

#endif

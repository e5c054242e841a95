#include "text/conf_parse.h"

#include <stdlib.h>
#include <string.h>

#include "text/addrtext.h"
#include "text/keytext.h"
#include "text/list.h"

static bool is_before(const struct conf_diagnostic *d, uint32_t line, uint32_t column)
{
	return d->line < line || (d->line == line && d->column <= column);
}

/*
 * Counts a diagnostic and makes room for it in its place. NULL: as many as are kept
 * are there, or *has_no_memory.
 */
static struct conf_diagnostic *make_room(
	struct conf *conf, enum conf_severity severity, struct conf_place at, bool *has_no_memory)
{
	size_t *count = severity == CONF_ERROR ? &conf->error_count : &conf->warning_count;
	if ((*count)++ >= CONF_DIAGNOSTICS_MAX)
		return NULL;
	struct conf_diagnostic *all = list_grow(conf->diagnostics, conf->diagnostic_count,
		&conf->diagnostic_capacity, sizeof *conf->diagnostics);
	if (!all) {
		*has_no_memory = true;
		return NULL;
	}
	conf->diagnostics = all;
	size_t i = conf->diagnostic_count++;
	for (; i && !is_before(&all[i - 1], at.line, at.column); i--)
		all[i] = all[i - 1];
	all[i] = (struct conf_diagnostic){
		.severity = severity, .line = at.line, .column = at.column};
	return &all[i];
}

struct out conf_diagnose(
	struct conf_parser *p, enum conf_severity severity, uint32_t line, uint32_t column)
{
	struct conf_place at = {line, column};
	struct conf_diagnostic *d = make_room(p->conf, severity, at, &p->has_no_memory);
	struct out out;
	out_init_fixed(&out, d ? d->message : p->spare.message, sizeof p->spare.message);
	return out;
}

bool conf_add_diagnostic(
	struct conf *conf, enum conf_severity severity, struct conf_place at, const char *message)
{
	bool has_no_memory = false;
	struct conf_diagnostic *d = make_room(conf, severity, at, &has_no_memory);
	struct out out;
	if (d) {
		out_init_fixed(&out, d->message, sizeof d->message);
		out_add_text(&out, message);
	}
	return !has_no_memory;
}

struct out conf_diagnose_token(
	struct conf_parser *p, enum conf_severity severity, const struct conf_line *line)
{
	const struct conf_token *token = &p->token;
	struct out m = conf_diagnose(p, severity, line->number, token->column);
	out_add_text(&m, line->key->name);
	out_add_text(&m, ": ");
	/* of any key's value only the length: a secret may stand where a public key belongs */
	if (conf_key_is_secret(line->key) || line->key->id == CONF_PUBLIC_KEY) {
		out_add_text(&m, token->is_cut ? "more than " : "");
		out_add_decimal(&m, token->len);
		out_add_text(&m, " characters");
		out_add_text(&m, token->len == KEYTEXT_HEX_LEN ? " (hexadecimal?)" : "");
	} else {
		out_add_quoted(&m, line->text + token->column - 1, token->raw_len);
	}
	return m;
}

void conf_add_hint_of_quotes(const struct conf_parser *p, struct out *m)
{
	if (p->token.text[0] == '"' || p->token.text[0] == '\'')
		out_add_text(m, ", without quotes");
}

void conf_refuse_token(struct conf_parser *p, const struct conf_line *line)
{
	struct out m = conf_diagnose_token(p, CONF_ERROR, line);
	out_add_text(&m, p->token.len ? ": expected " : ": a comma too many; expected ");
	out_add_text(&m, line->key->expected);
	conf_add_hint_of_quotes(p, &m);
}

bool conf_take_token(
	struct conf_parser *p, const struct conf_line *line, size_t *at, enum conf_split split)
{
	while (conf_next_token(line, at, split, &p->token)) {
		if (!p->token.is_cut)
			return true;
		conf_refuse_token(p, line);
	}
	return false;
}

/* Digits only, a netmask, or more than one prefix without a comma. */
static void refuse_length(struct conf_parser *p, const struct conf_line *line, const char *text,
	size_t len, enum ip_family family)
{
	const char *slash = memchr(text, '/', len);
	size_t digits = 0, dots = 0, rest = len - (size_t)(slash + 1 - text);
	for (size_t i = 1; i <= rest; i++) {
		digits += slash[i] >= '0' && slash[i] <= '9';
		dots += slash[i] == '.';
	}
	if (digits + dots < rest) {
		conf_refuse_token(p, line);
		return;
	}
	struct out m = conf_diagnose_token(p, CONF_ERROR, line);
	out_add_text(&m, ": prefix length must be 0-");
	out_add_decimal(&m, ip_family_bits(family));
	out_add_text(&m, dots ? ", not a netmask" : "");
}

bool conf_read_prefix(struct conf_parser *p, const struct conf_line *line, const char *text,
	size_t len, struct ip_prefix *prefix)
{
	switch (addrtext_read_prefix(prefix, text, len)) {
	case ADDRTEXT_OK: return true;
	case ADDRTEXT_BAD_ADDRESS: conf_refuse_token(p, line); break;
	case ADDRTEXT_BAD_LENGTH: refuse_length(p, line, text, len, prefix->address.family);
	}
	return false;
}

char *conf_copy_text(struct conf_parser *p, const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	if (!copy) {
		p->has_no_memory = true;
		return NULL;
	}
	memcpy(copy, text, len);
	copy[len] = 0;
	return copy;
}

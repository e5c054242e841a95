#include "text/conf_parse.h"

#include <stdlib.h>
#include <string.h>

#include "text/addrtext.h"
#include "text/list.h"

static bool is_before(const struct conf_diagnostic *d, uint32_t line, uint32_t column)
{
	return d->line < line || (d->line == line && d->column <= column);
}

struct out conf_diagnose(
	struct conf_parser *p, enum conf_severity severity, uint32_t line, uint32_t column)
{
	struct conf *conf = p->conf;
	size_t *count = severity == CONF_ERROR ? &conf->error_count : &conf->warning_count;
	struct conf_diagnostic *d = &p->spare;
	if ((*count)++ < CONF_DIAGNOSTICS_MAX) {
		struct conf_diagnostic *all = list_grow(conf->diagnostics, conf->diagnostic_count,
			&conf->diagnostic_capacity, sizeof *conf->diagnostics);
		if (all) {
			size_t at = conf->diagnostic_count++;
			for (; at && !is_before(&all[at - 1], line, column); at--)
				all[at] = all[at - 1];
			conf->diagnostics = all;
			d = &all[at];
		} else {
			p->has_no_memory = true;
		}
	}
	d->severity = severity;
	d->line = line;
	d->column = column;
	struct out out;
	out_init_fixed(&out, d->message, sizeof d->message);
	return out;
}

struct out conf_diagnose_token(
	struct conf_parser *p, enum conf_severity severity, const struct conf_line *line)
{
	const struct conf_token *token = &p->token;
	struct out m = conf_diagnose(p, severity, line->number, token->column);
	out_add_text(&m, line->key->name);
	out_add_text(&m, ": ");
	/* of any key's value only the length: a secret may stand where a public key belongs */
	if (line->key->is_secret || line->key->id == CONF_PUBLIC_KEY) {
		out_add_text(&m, token->is_cut ? "more than " : "");
		out_add_decimal(&m, token->len);
		out_add_text(&m, " characters");
	} else {
		out_add_quoted(&m, line->text + token->column - 1, token->raw_len);
	}
	return m;
}

void conf_refuse_token(struct conf_parser *p, const struct conf_line *line)
{
	struct out m = conf_diagnose_token(p, CONF_ERROR, line);
	out_add_text(&m, ": expected ");
	out_add_text(&m, line->key->expected);
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

bool conf_read_prefix(struct conf_parser *p, const struct conf_line *line, const char *text,
	size_t len, struct ip_prefix *prefix)
{
	switch (addrtext_read_prefix(prefix, text, len)) {
	case ADDRTEXT_OK: return true;
	case ADDRTEXT_BAD_ADDRESS: conf_refuse_token(p, line); break;
	case ADDRTEXT_BAD_LENGTH: {
		struct out m = conf_diagnose_token(p, CONF_ERROR, line);
		out_add_text(&m, ": prefix length must be 0-");
		out_add_decimal(&m, ip_family_bits(prefix->address.family));
	}
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

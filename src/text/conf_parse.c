#include "text/conf_parse.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "device/device.h"
#include "text/list.h"

static void begin_peer(struct conf_parser *p, uint32_t line, uint32_t column)
{
	struct change *change = &p->conf->change;
	static const struct public_key not_yet;
	if (change->peer_count == DEVICE_PEERS_MAX) {
		struct out m = conf_diagnose(p, CONF_ERROR, line, column);
		out_add_text(&m, "more than ");
		out_add_decimal(&m, DEVICE_PEERS_MAX);
		out_add_text(&m, " peers");
		p->is_skipping = true;
		return;
	}
	struct conf_peer_origin *origins =
		list_grow(p->origins, p->origin_count, &p->origin_capacity, sizeof *p->origins);
	if (origins)
		p->origins = origins;
	struct change_peer *peer = origins ? change_add_peer(change, &not_yet) : NULL;
	if (!peer) {
		p->has_no_memory = true;
		return;
	}
	peer->replace_allowed_ips = true;
	origins[p->origin_count++] = (struct conf_peer_origin){.line = line, .column = column};
}

static void begin_section(
	struct conf_parser *p, const struct conf_line *line, enum conf_section section)
{
	uint32_t column = (uint32_t)line->name.start + 1;
	p->is_skipping = !section;
	if (section)
		p->section = section;
	if (section == CONF_SECTION_INTERFACE && !p->interface_line) {
		p->interface_line = line->number;
		p->interface_column = column;
	}
	if (section == CONF_SECTION_PEER)
		begin_peer(p, line->number, column);
}

/* What follows a mistyped section is checked as if it were the one that was meant. */
static void read_section(struct conf_parser *p, const struct conf_line *line)
{
	enum conf_section section =
		conf_find_section(line->text + line->name.start, line->name.len);
	begin_section(p, line, section ? section : conf_refuse_section(p, line));
}

/* A section without its brackets is one too. */
static void read_no_equals(struct conf_parser *p, const struct conf_line *line)
{
	enum conf_section section = conf_refuse_line(p, line);
	if (section)
		begin_section(p, line, section);
}

/* Whether the key may stand here; if not, says so. */
static bool check_place(struct conf_parser *p, const struct conf_line *line)
{
	const struct conf_key *key = line->key;
	if (key->section == p->section || (key->section == CONF_SECTION_EITHER && p->section))
		return true;
	struct out m = conf_diagnose(p, CONF_ERROR, line->number, (uint32_t)(line->name.start + 1));
	out_add_text(&m, key->name);
	out_add_text(&m, p->section ? ": stands in " : ": stands before any section");
	out_add_text(&m, p->section ? conf_section_name(p->section) : "");
	out_add_text(&m, "; it belongs into ");
	out_add_text(&m, conf_section_name(key->section));
	return false;
}

/* wg(8) refuses an empty value; wg-quick(8) lets it pass. */
static void report_empty(struct conf_parser *p, const struct conf_line *line)
{
	bool is_quick = conf_key_is_quick(line->key) && !conf_key_is_own(line->key);
	struct out m = conf_diagnose(p, is_quick ? CONF_WARNING : CONF_ERROR, line->number,
		(uint32_t)(line->name.start + 1));
	out_add_text(&m, line->key->name);
	out_add_text(&m, is_quick ? ": no value: ignored; expected " : ": no value; expected ");
	out_add_text(&m, line->key->expected);
}

static void read_setting(struct conf_parser *p, const struct conf_line *line)
{
	if (!line->key)
		conf_refuse_name(p, line);
	else if (!check_place(p, line))
		return;
	else if (line->value.len == 0)
		report_empty(p, line);
	else if (conf_key_is_quick(line->key))
		conf_read_quick_key(p, line);
	else
		conf_read_wg_key(p, line);
}

static void read_line(struct conf_parser *p, const struct conf_line *line)
{
	const char *zero = memchr(line->text, 0, line->len);
	uint32_t column = (uint32_t)((zero ? (size_t)(zero - line->text) : line->name.start) + 1);
	if (zero) {
		struct out m = conf_diagnose(p, CONF_ERROR, line->number, column);
		out_add_text(&m, "a zero byte; expected plain text");
	} else if (line->kind == CONF_LINE_SECTION) {
		read_section(p, line);
	} else if (p->is_skipping) {
		return;
	} else if (line->kind == CONF_LINE_SETTING) {
		read_setting(p, line);
	} else if (line->kind == CONF_LINE_REMARK) {
		conf_warn_of_remark(p, line);
	} else if (line->kind == CONF_LINE_NO_EQUALS) {
		read_no_equals(p, line);
	}
}

/* false: what this is cannot be read as lines of text at all. */
static bool check_encoding(struct conf_parser *p, const char *text, size_t len)
{
	struct conf_lexer lexer;
	conf_lexer_init(&lexer, text, len);
	bool is_utf16 = len >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2));
	if (len > CONF_TEXT_MAX) {
		struct out m = conf_diagnose(p, CONF_ERROR, 1, 1);
		out_add_text(&m, "the file has more than ");
		out_add_decimal(&m, CONF_TEXT_MAX);
		out_add_text(&m, " bytes");
		return false;
	}
	if (lexer.at || is_utf16) {
		struct out m = conf_diagnose(p, CONF_ERROR, 1, 1);
		out_add_text(&m, "the file begins with a byte order mark");
		out_add_text(&m, is_utf16 ? " of UTF-16" : "");
		out_add_text(&m, "; expected UTF-8 without one");
	}
	return !is_utf16;
}

bool conf_parse(struct conf *conf, const char *text, size_t len)
{
	struct conf_parser p = {.conf = conf};
	*conf = (struct conf){0};
	change_init(&conf->change);
	conf->change.replace_peers = true;
	conf->tuning = TUNING_USUAL;
	if (check_encoding(&p, text, len)) {
		struct conf_lexer lexer;
		struct conf_line line;
		conf_lexer_init(&lexer, text, len);
		while (!p.has_no_memory && conf_next_line(&lexer, &line))
			read_line(&p, &line);
		if (!p.has_no_memory)
			conf_check(&p);
	}
	free(p.private_key.path);
	for (size_t i = 0; i < p.origin_count; i++)
		free(p.origins[i].preshared_key.path);
	free(p.origins);
	free(p.prefixes);
	bool is_complete = !p.has_no_memory;
	secret_wipe(&p, sizeof p);
	return is_complete;
}

#include "text/conf.h"

#include "crypto/secret.h"
#include "text/conf_keys.h"
#include "text/conf_lex.h"
#include "text/keytext.h"

static void add_setting(struct out *out, const char *name, const char *value, size_t len)
{
	out_add_text(out, name);
	out_add_text(out, " = ");
	out_add(out, value, len);
	out_add_text(out, "\n");
}

/*
 * In the place of a key's file the key, unless another line of the same kind counts.
 * *next is the first of the files that may stand in this line or below.
 */
static void add_key_of_file(
	struct out *out, const struct conf *conf, const struct conf_line *line, size_t *next)
{
	const struct change *change = &conf->change;
	while (*next < conf->key_file_count && conf->key_files[*next].place.line < line->number)
		++*next;
	const struct conf_key_file *file = &conf->key_files[*next];
	if (*next == conf->key_file_count || file->place.line != line->number)
		return;
	char text[KEYTEXT_BASE64_LEN + 1];
	bool is_private = file->peer == CONF_NO_PEER;
	keytext_write_base64(text, is_private ? change->private_key.bytes
					      : change->peers[file->peer].preshared_key.bytes);
	add_setting(out, is_private ? "PrivateKey" : "PresharedKey", text, KEYTEXT_BASE64_LEN);
	secret_wipe(text, sizeof text);
}

/* The port of Listen, in the place of its first line, unless it stands somewhere by itself. */
static void add_port_of_listen(
	struct out *out, const struct conf *conf, const struct conf_line *line)
{
	const struct conf_link *link = &conf->link;
	if (link->listen_port_at.line || line->number != link->listens[0].at.line)
		return;
	out_add_text(out, "ListenPort = ");
	out_add_decimal(out, conf->change.listen_port);
	out_add_text(out, "\n");
}

static void add_line(
	struct out *out, const struct conf *conf, const struct conf_line *line, size_t *next)
{
	const char *text = line->text;
	if (line->kind == CONF_LINE_SECTION) {
		out_add_text(out, out->len ? "\n" : "");
		out_add_text(out, conf_section_name(conf_find_section(
					  text + line->name.start, line->name.len)));
		out_add_text(out, "\n");
		return;
	}
	if (line->kind != CONF_LINE_SETTING)
		return;
	if (!conf_key_is_quick(line->key) && !conf_key_is_own(line->key))
		add_setting(out, line->key->name, text + line->value.start, line->value.len);
	else if (line->key->id == CONF_LISTEN)
		add_port_of_listen(out, conf, line);
	else if (line->key->id == CONF_PRIVATE_KEY_FILE || line->key->id == CONF_PRESHARED_KEY_FILE)
		add_key_of_file(out, conf, line, next);
}

void conf_strip(struct out *out, const struct conf *conf, const char *text, size_t len)
{
	struct conf_lexer lexer;
	struct conf_line line;
	size_t next = 0;
	conf_lexer_init(&lexer, text, len);
	while (conf_next_line(&lexer, &line))
		add_line(out, conf, &line, &next);
}

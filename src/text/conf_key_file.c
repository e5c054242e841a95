#include "text/conf_parse.h"

#include <stdlib.h>
#include <string.h>

static struct conf_key_origin *present_origin(struct conf_parser *p, const struct conf_line *line)
{
	return line->key->section == CONF_SECTION_INTERFACE
		       ? &p->private_key
		       : &p->origins[p->origin_count - 1].preshared_key;
}

/* A key in one place and its file in another: which of them is up to date? */
static void refuse_second(struct conf_parser *p, const struct conf_line *line, uint32_t other_line)
{
	bool is_private = line->key->section == CONF_SECTION_INTERFACE;
	struct out m = conf_diagnose(p, CONF_ERROR, line->number, (uint32_t)(line->name.start + 1));
	out_add_text(&m, line->key->name);
	out_add_text(&m, ": line ");
	out_add_decimal(&m, other_line);
	out_add_text(&m, is_private ? " has PrivateKey" : " has PresharedKey");
	out_add_text(&m, conf_key_is_own(line->key) ? "" : "File");
	out_add_text(&m, " already; expected one of the two");
}

void conf_note_key(struct conf_parser *p, const struct conf_line *line)
{
	struct conf_key_origin *origin = present_origin(p, line);
	origin->key_line = line->number;
	if (origin->file_at.line)
		refuse_second(p, line, origin->file_at.line);
}

/* What is wrong with the path, for a message; NULL: nothing that can be seen from here. */
static const char *find_fault(const char *path, size_t len)
{
	if (conf_is_like_key(path, len))
		return ": this looks like a key";
	if (len > CONF_FILE_MAX)
		return ": too long";
	if (path[0] == '@' && (len == 1 || memchr(path, '/', len)))
		return ": no name of a credential";
	return NULL;
}

void conf_read_key_file(struct conf_parser *p, const struct conf_line *line)
{
	struct conf_key_origin *origin = present_origin(p, line);
	const char *path = line->text + line->value.start;
	const char *fault = find_fault(path, line->value.len);
	origin->file_at = (struct conf_place){line->number, (uint32_t)(line->value.start + 1)};
	if (origin->key_line)
		refuse_second(p, line, origin->key_line);
	free(origin->path);
	origin->path = fault ? NULL : conf_copy_text(p, path, line->value.len);
	if (!fault)
		return;
	struct out m = conf_diagnose(p, CONF_ERROR, origin->file_at.line, origin->file_at.column);
	out_add_text(&m, line->key->name);
	out_add_text(&m, fault);
	out_add_text(&m, "; expected ");
	out_add_text(&m, line->key->expected);
}

/* Takes the path out of `origin`. */
static void collect(struct conf *conf, struct conf_key_origin *origin, size_t peer)
{
	if (!origin->path)
		return;
	conf->key_files[conf->key_file_count++] = (struct conf_key_file){
		.peer = peer, .path = origin->path, .place = origin->file_at};
	origin->path = NULL;
}

static int compare_places(const void *first, const void *second)
{
	const struct conf_key_file *a = first, *b = second;
	return a->place.line < b->place.line ? -1 : a->place.line > b->place.line;
}

void conf_collect_key_files(struct conf_parser *p, const bool *is_gone)
{
	size_t count = p->private_key.path != NULL, kept = 0;
	for (size_t i = 0; i < p->origin_count; i++)
		count += !is_gone[i] && p->origins[i].preshared_key.path;
	if (!count)
		return;
	p->conf->key_files = calloc(count, sizeof *p->conf->key_files);
	if (!p->conf->key_files) {
		p->has_no_memory = true;
		return;
	}
	collect(p->conf, &p->private_key, CONF_NO_PEER);
	for (size_t i = 0; i < p->origin_count; i++)
		if (!is_gone[i])
			collect(p->conf, &p->origins[i].preshared_key, kept++);
	qsort(p->conf->key_files, count, sizeof *p->conf->key_files, compare_places);
}

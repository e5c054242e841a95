#include "text/conf_parse.h"

#include <stdlib.h>
#include <string.h>

#include "text/addrtext.h"
#include "text/list.h"

static void add_text(struct conf_parser *p, struct conf_texts *texts, const char *text, size_t len)
{
	char **items =
		list_grow(texts->items, texts->count, &texts->capacity, sizeof *texts->items);
	char *copy = items ? conf_copy_text(p, text, len) : NULL;
	if (items)
		texts->items = items;
	if (copy)
		items[texts->count++] = copy;
	else
		p->has_no_memory = true;
}

static void add_address(
	struct conf_parser *p, struct conf_addresses *list, const struct ip_prefix *address)
{
	struct ip_prefix *items =
		list_grow(list->items, list->count, &list->capacity, sizeof *list->items);
	if (!items) {
		p->has_no_memory = true;
		return;
	}
	list->items = items;
	items[list->count++] = *address;
}

static void read_address(struct conf_parser *p, const struct conf_line *line)
{
	struct ip_prefix address;
	if (conf_read_prefix(p, line, p->token.text, p->token.len, &address))
		add_address(p, &p->conf->link.addresses, &address);
}

/*
 * Digits and dots alone, or a colon somewhere, were meant to be an address
 * [wg-quick(8)]. "~." is resolved's way of asking these servers for all names.
 */
static bool is_search_domain(const char *text, size_t len)
{
	return conf_text_is(text, len, "~.") ||
	       (len <= CONF_HOST_MAX && conf_is_name(text, len, "-_.~"));
}

static void read_dns(struct conf_parser *p, const struct conf_line *line)
{
	struct conf_link *link = &p->conf->link;
	const struct conf_token *token = &p->token;
	struct ip_prefix server;
	link->dns_at = (struct conf_place){line->number, token->column};
	if (addrtext_read_address(&server.address, token->text, token->len)) {
		server.len = ip_family_bits(server.address.family);
		add_address(p, &link->dns_servers, &server);
	} else if (is_search_domain(token->text, token->len)) {
		add_text(p, &link->dns_search, token->text, token->len);
	} else {
		conf_refuse_token(p, line);
	}
}

static void read_mtu(struct conf_parser *p, const struct conf_line *line)
{
	uint64_t mtu;
	if (!addrtext_read_decimal(&mtu, p->token.text, p->token.len, UINT16_MAX) ||
		mtu < CONF_MTU_MIN)
		conf_refuse_token(p, line);
	else
		p->conf->link.mtu = (uint32_t)mtu;
	p->conf->link.mtu_at = (struct conf_place){line->number, p->token.column};
}

static bool is_table_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '/')
			return false;
	return len <= CONF_TABLE_NAME_MAX && (text[0] < '0' || text[0] > '9') && text[0] != '-';
}

static void read_table(struct conf_parser *p, const struct conf_line *line)
{
	struct conf_link *link = &p->conf->link;
	const char *text = p->token.text;
	size_t len = p->token.len;
	uint64_t number = 0;
	enum conf_table table = CONF_TABLE_NAME;
	if (conf_text_is(text, len, "auto"))
		table = CONF_TABLE_AUTO;
	else if (conf_text_is(text, len, "off"))
		table = CONF_TABLE_OFF;
	else if (addrtext_read_decimal(&number, text, len, UINT32_MAX) && number)
		table = CONF_TABLE_NUMBER;
	else if (!is_table_name(text, len)) {
		conf_refuse_token(p, line);
		return;
	}
	free(link->table_name);
	link->table_name = table == CONF_TABLE_NAME ? conf_copy_text(p, text, len) : NULL;
	link->table_number = (uint32_t)number;
	link->table = table;
	link->table_at = (struct conf_place){line->number, p->token.column};
}

static void read_save_config(struct conf_parser *p, const struct conf_line *line)
{
	if (conf_text_is(p->token.text, p->token.len, "true")) {
		struct out m = conf_diagnose_token(p, CONF_WARNING, line);
		out_add_text(&m, ": ignored: adit never writes this file");
	} else if (!conf_text_is(p->token.text, p->token.len, "false")) {
		conf_refuse_token(p, line);
	}
}

static void read_kill_switch(struct conf_parser *p, const struct conf_line *line)
{
	const char *text = p->token.text;
	size_t len = p->token.len;
	p->conf->link.kill_switch_at = (struct conf_place){line->number, p->token.column};
	bool is_on = conf_text_is(text, len, "yes") || conf_text_is(text, len, "true");
	if (is_on || conf_text_is(text, len, "no") || conf_text_is(text, len, "false"))
		p->conf->link.kill_switch = is_on;
	else
		conf_refuse_token(p, line);
}

static void read_hook(struct conf_parser *p, const struct conf_line *line)
{
	struct conf_link *link = &p->conf->link;
	struct conf_texts *hooks = line->key->id == CONF_PRE_UP	    ? &link->pre_up
				   : line->key->id == CONF_POST_UP  ? &link->post_up
				   : line->key->id == CONF_PRE_DOWN ? &link->pre_down
								    : &link->post_down;
	if (line->value.len <= CONF_HOOK_MAX) {
		add_text(p, hooks, line->text + line->value.start, line->value.len);
		return;
	}
	struct out m =
		conf_diagnose(p, CONF_ERROR, line->number, (uint32_t)(line->value.start + 1));
	out_add_text(&m, line->key->name);
	out_add_text(&m, ": ");
	out_add_decimal(&m, line->value.len);
	out_add_text(&m, " characters; at most ");
	out_add_decimal(&m, CONF_HOOK_MAX);
	out_add_text(&m, " are possible: put them into a script");
}

/* The others take one value. */
static bool is_list(enum conf_key_id id)
{
	return id == CONF_ADDRESS || id == CONF_DNS || id == CONF_LISTEN;
}

void conf_read_quick_key(struct conf_parser *p, const struct conf_line *line)
{
	enum conf_key_id id = line->key->id;
	if (conf_key_is_hook(line->key)) {
		read_hook(p, line);
		return;
	}
	size_t at = 0;
	enum conf_split split = is_list(id) ? CONF_SPLIT_WORDS : CONF_SPLIT_NOWHERE;
	while (conf_take_token(p, line, &at, split)) {
		switch (id) {
		case CONF_ADDRESS: read_address(p, line); break;
		case CONF_DNS: read_dns(p, line); break;
		case CONF_MTU: read_mtu(p, line); break;
		case CONF_TABLE: read_table(p, line); break;
		case CONF_LISTEN: conf_read_listen(p, line); break;
		case CONF_BIND_DEVICE: conf_read_bind_device(p, line); break;
		case CONF_KILL_SWITCH: read_kill_switch(p, line); break;
		case CONF_OFFLOAD:
		case CONF_AEAD:
		case CONF_THREADS:
		case CONF_TX_QUEUE_LEN: conf_read_tuning(p, line); break;
		default: read_save_config(p, line); break;
		}
	}
}

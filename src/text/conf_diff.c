#include "text/conf_diff.h"

#include <stdlib.h>
#include <string.h>

#include "text/addrtext.h"
#include "text/conf_tuning.h"
#include "text/keytext.h"
#include "text/reconcile_index.h"

/* ---- names */

struct named { /* a file's peers, and the names of their endpoints */
	const struct change *change;
	const struct conf_name **name_of; /* by peer; NULL: it has none */
	struct reconcile_index index;
};

static bool gather(struct named *named, const struct conf *conf)
{
	*named = (struct named){.change = &conf->change,
		.name_of = calloc(conf->change.peer_count + 1, sizeof *named->name_of)};
	for (size_t i = 0; named->name_of && i < conf->link.name_count; i++)
		named->name_of[conf->link.names[i].peer] = &conf->link.names[i];
	return reconcile_index_build(&named->index, &conf->change) && named->name_of;
}

static void free_named(struct named *named)
{
	reconcile_index_free(&named->index);
	free(named->name_of);
}

static const struct conf_name *find_name(const struct named *named, const struct change_peer *peer)
{
	return peer ? named->name_of[peer - named->change->peers] : NULL;
}

static bool is_same_name(const struct conf_name *a, const struct conf_name *b)
{
	return a == b || (a && b && !strcmp(a->host, b->host) && !strcmp(a->port, b->port));
}

/* "host:port", or what the file says in numbers. */
static void add_endpoint(
	struct out *out, const struct conf_name *name, const struct change_peer *peer)
{
	char text[ADDRTEXT_ENDPOINT_MAX];
	if (name) {
		out_add_text(out, name->host);
		out_add_text(out, ":");
		out_add_text(out, name->port);
		return;
	}
	addrtext_write_endpoint(text, &peer->endpoint);
	out_add_text(out, text);
}

static void add_line(struct out *out, const struct conf_name *before, const struct change_peer *was,
	const struct conf_name *after, const struct change_peer *is)
{
	char key[KEYTEXT_BASE64_LEN + 1];
	bool had = before || (was && was->has_endpoint), has = after || is->has_endpoint;
	keytext_write_base64(key, is->public_key.bytes);
	out_add_text(out, had && has ? "~ " : has ? "+ " : "- ");
	out_add_text(out, "endpoint of peer ");
	out_add_text(out, key);
	out_add_text(out, ": ");
	if (had)
		add_endpoint(out, before, was);
	out_add_text(out, had && has ? " -> " : has ? "" : ", where it is remains");
	if (has)
		add_endpoint(out, after, is);
	out_add_text(out, "\n");
}

void conf_diff_names(struct out *out, const struct conf *from, const struct conf *to)
{
	struct named old, new;
	bool ok = gather(&old, from);
	ok = gather(&new, to) && ok;
	for (size_t i = 0; ok && i < to->change.peer_count; i++) {
		const struct change_peer *is = &to->change.peers[i];
		const struct change_peer *was = reconcile_index_find(&old.index, &is->public_key);
		const struct conf_name *before = find_name(&old, was), *after = new.name_of[i];
		/* one in numbers is news for the engine, and said there */
		if (!is_same_name(before, after) && !is->has_endpoint)
			add_line(out, before, was, after, is);
	}
	out->has_failed |= !ok;
	free_named(&old);
	free_named(&new);
}

/* ---- hooks */

static void add_commands(struct out *out, const char *sign, const char *key,
	const struct conf_texts *texts, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		out_add_text(out, sign);
		out_add_text(out, key);
		out_add_text(out, " ");
		out_add_text(out, texts->items[i]);
		out_add_text(out, "\n");
	}
}

/* What is alike at the beginning and at the end is not said. */
static void diff_commands(struct out *out, const char *key, const struct conf_texts *from,
	const struct conf_texts *to)
{
	size_t first = 0, from_end = from->count, to_end = to->count;
	while (first < from_end && first < to_end && !strcmp(from->items[first], to->items[first]))
		first++;
	while (from_end > first && to_end > first &&
		!strcmp(from->items[from_end - 1], to->items[to_end - 1])) {
		from_end--;
		to_end--;
	}
	add_commands(out, "- ", key, from, first, from_end);
	add_commands(out, "+ ", key, to, first, to_end);
}

void conf_diff_hooks(struct out *out, const struct conf *from, const struct conf *to)
{
	const struct conf_link *a = &from->link, *b = &to->link;
	diff_commands(out, "PreUp", &a->pre_up, &b->pre_up);
	diff_commands(out, "PostUp", &a->post_up, &b->post_up);
	diff_commands(out, "PreDown", &a->pre_down, &b->pre_down);
	diff_commands(out, "PostDown", &a->post_down, &b->post_down);
}

/* ---- lists, told as a whole */

static void add_item(struct out *out, const char *text)
{
	out_add_text(out, out->len ? ", " : "");
	out_add_text(out, text);
}

static void add_listens(struct out *out, const struct conf_link *link)
{
	for (size_t i = 0; i < link->listen_count; i++) {
		const struct conf_listen *listen = &link->listens[i];
		char text[ADDRTEXT_ADDRESS_MAX];
		addrtext_write_address(text, &listen->address);
		add_item(out, text);
		out_add_text(out, listen->zone[0] ? "%" : "");
		out_add_text(out, listen->zone);
	}
}

static void add_device(struct out *out, const struct conf_link *link)
{
	out_add_text(out, link->bind_device);
}

static void add_dns(struct out *out, const struct conf_link *link)
{
	char text[ADDRTEXT_ADDRESS_MAX];
	for (size_t i = 0; i < link->dns_servers.count; i++) {
		addrtext_write_address(text, &link->dns_servers.items[i].address);
		add_item(out, text);
	}
	for (size_t i = 0; i < link->dns_search.count; i++)
		add_item(out, link->dns_search.items[i]);
}

/* "~ NAME a, b -> c". */
static void diff_lists(struct out *out, const char *name, const struct conf *from,
	const struct conf *to, void (*add)(struct out *out, const struct conf_link *link))
{
	struct out before, after;
	out_init(&before, SIZE_MAX);
	out_init(&after, SIZE_MAX);
	add(&before, &from->link);
	add(&after, &to->link);
	if (strcmp(out_string(&before), out_string(&after))) {
		out_add_text(out, !after.len ? "- " : before.len ? "~ " : "+ ");
		out_add_text(out, name);
		out_add_text(out, out_string(&before));
		out_add_text(out, before.len && after.len ? " -> " : "");
		out_add_text(out, out_string(&after));
		out_add_text(out, "\n");
	}
	out->has_failed |= before.has_failed || after.has_failed;
	out_wipe(&before);
	out_wipe(&after);
}

void conf_diff_listen(struct out *out, const struct conf *from, const struct conf *to)
{
	diff_lists(out, "listen at ", from, to, add_listens);
	diff_lists(out, "bind device ", from, to, add_device);
}

void conf_diff_dns(struct out *out, const struct conf *from, const struct conf *to)
{
	diff_lists(out, "dns ", from, to, add_dns);
}

/* ---- how the engine works */

static void add_threads(struct out *out, uint32_t threads)
{
	if (threads)
		out_add_decimal(out, threads);
	else
		out_add_text(out, "auto");
}

/* They are the engine's for life: changing them under way is worth no special case. */
static const char until_start[] = ", from the next start on\n";

void conf_diff_tuning(struct out *out, const struct conf *from_conf, const struct conf *to_conf)
{
	const struct tuning *from = &from_conf->tuning, *to = &to_conf->tuning;
	if (from->offload != to->offload) {
		out_add_text(out, "~ offload ");
		out_add_text(out, conf_offload_name(from->offload));
		out_add_text(out, " -> ");
		out_add_text(out, conf_offload_name(to->offload));
		out_add_text(out, "\n");
	}
	if (from->tx_queue_len != to->tx_queue_len) {
		out_add_text(out, "~ transmit queue ");
		out_add_decimal(out, from->tx_queue_len);
		out_add_text(out, " -> ");
		out_add_decimal(out, to->tx_queue_len);
		out_add_text(out, " packets\n");
	}
	if (from->aead != to->aead) {
		out_add_text(out, "~ aead ");
		out_add_text(out, conf_aead_name(from->aead));
		out_add_text(out, " -> ");
		out_add_text(out, conf_aead_name(to->aead));
		out_add_text(out, until_start);
	}
	if (from->threads != to->threads) {
		out_add_text(out, "~ threads ");
		add_threads(out, from->threads);
		out_add_text(out, " -> ");
		add_threads(out, to->threads);
		out_add_text(out, until_start);
	}
}

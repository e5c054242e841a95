#include "text/conf_parse.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/dh.h"
#include "crypto/secret.h"
#include "text/addrtext.h"

#define NO_NAME SIZE_MAX

/* What is missing may be what an error is about: such warnings come only without one. */
static void check_private_key(struct conf_parser *p)
{
	if (p->conf->error_count || p->private_key.key_line || p->private_key.file_at.line)
		return;
	bool has_section = p->interface_line;
	struct out m = conf_diagnose(p, CONF_WARNING, has_section ? p->interface_line : 1,
		has_section ? p->interface_column : 1);
	out_add_text(&m, has_section ? "[Interface] has no PrivateKey" : "no [Interface]");
	out_add_text(&m, ": no peer can be reached before a private key is set");
}

static void check_public_keys(struct conf_parser *p)
{
	for (size_t i = 0; i < p->conf->change.peer_count; i++) {
		if (p->origins[i].key_at.line)
			continue;
		struct out m =
			conf_diagnose(p, CONF_ERROR, p->origins[i].line, p->origins[i].column);
		out_add_text(&m, "[Peer] has no PublicKey");
	}
}

static int compare_indices(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

struct keyed { /* a peer, for sorting */
	const struct public_key *key;
	size_t peer;
};

static int compare_keyed(const void *first, const void *second)
{
	const struct keyed *a = first, *b = second;
	int order = memcmp(a->key, b->key, sizeof *a->key);
	return order ? order : compare_indices(a->peer, b->peer);
}

/* What the later section of a peer does not set stays as the earlier one had it. */
static void merge_peer(struct conf_parser *p, size_t earlier, size_t later, size_t *name_of)
{
	struct change_peer *from = &p->conf->change.peers[earlier];
	struct change_peer *to = &p->conf->change.peers[later];
	if (!to->has_preshared_key && !p->origins[later].preshared_key.path) {
		to->has_preshared_key = from->has_preshared_key;
		to->preshared_key = from->preshared_key;
		p->origins[later].preshared_key = p->origins[earlier].preshared_key;
		p->origins[earlier].preshared_key.path = NULL;
	}
	if (!to->has_keepalive) {
		to->has_keepalive = from->has_keepalive;
		to->keepalive_seconds = from->keepalive_seconds;
	}
	if (!to->has_post_quantum) {
		to->has_post_quantum = from->has_post_quantum;
		to->post_quantum = from->post_quantum;
	}
	if (!to->has_endpoint && name_of[later] == NO_NAME) {
		to->has_endpoint = from->has_endpoint;
		to->endpoint = from->endpoint;
		name_of[later] = name_of[earlier];
		name_of[earlier] = NO_NAME;
	}
	const struct conf_peer_origin *origin = &p->origins[later];
	struct out m = conf_diagnose(p, CONF_WARNING, origin->key_at.line, origin->key_at.column);
	out_add_text(&m, "PublicKey: the same as in line ");
	out_add_decimal(&m, p->origins[earlier].key_at.line);
	out_add_text(&m, ": one peer, with the AllowedIPs of this section only");
}

/* Marks peers that live on in a later section: is_gone. */
static bool merge_peers(struct conf_parser *p, size_t *name_of, bool *is_gone)
{
	struct change *change = &p->conf->change;
	struct keyed *order = calloc(change->peer_count, sizeof *order);
	if (!order)
		return false;
	size_t count = 0;
	for (size_t i = 0; i < change->peer_count; i++)
		if (p->origins[i].has_key)
			order[count++] = (struct keyed){&change->peers[i].public_key, i};
	if (count)
		qsort(order, count, sizeof *order, compare_keyed);
	for (size_t i = 1; i < count; i++) {
		if (memcmp(order[i - 1].key, order[i].key, sizeof *order[i].key))
			continue;
		merge_peer(p, order[i - 1].peer, order[i].peer, name_of);
		is_gone[order[i - 1].peer] = true;
	}
	free(order);
	return true;
}

/* Closes the gaps that merging left; names that do not count go, the others follow their peers. */
static void drop_gone_peers(struct conf_parser *p, const size_t *name_of, const bool *is_gone)
{
	struct change *change = &p->conf->change;
	struct conf_link *link = &p->conf->link;
	size_t kept = 0;
	conf_collect_key_files(p, is_gone);
	for (size_t i = 0; i < link->name_count; i++)
		link->names[i].peer = NO_NAME;
	for (size_t i = 0; i < change->peer_count; i++) {
		if (is_gone[i]) {
			free(change->peers[i].allowed_ips);
			continue;
		}
		if (name_of[i] != NO_NAME)
			link->names[name_of[i]].peer = kept;
		p->conf->peers_at[kept] = p->conf->peers_at[i];
		change->peers[kept++] = change->peers[i];
	}
	change->peer_count = kept;
	kept = 0;
	for (size_t i = 0; i < link->name_count; i++) {
		if (link->names[i].peer != NO_NAME) {
			link->names[kept++] = link->names[i];
			continue;
		}
		free(link->names[i].host);
		free(link->names[i].port);
	}
	link->name_count = kept;
}

static int compare_prefixes(const void *first, const void *second)
{
	const struct conf_prefix_origin *a = first, *b = second;
	int order = memcmp(
		a->prefix.address.bytes, b->prefix.address.bytes, sizeof a->prefix.address.bytes);
	if (!order)
		order = (int)a->prefix.address.family - (int)b->prefix.address.family;
	if (!order)
		order = a->prefix.len - b->prefix.len;
	if (!order)
		order = compare_indices(a->line, b->line);
	return order ? order : compare_indices(a->column, b->column);
}

static void warn_of_moved_prefix(struct conf_parser *p, const struct conf_prefix_origin *earlier,
	const struct conf_prefix_origin *later)
{
	char text[ADDRTEXT_PREFIX_MAX];
	addrtext_write_prefix(text, &later->prefix);
	struct out m = conf_diagnose(p, CONF_WARNING, later->line, later->column);
	out_add_text(&m, "AllowedIPs: ");
	out_add_quoted(&m, text, strlen(text));
	out_add_text(&m, " stands in line ");
	out_add_decimal(&m, earlier->line);
	out_add_text(&m, " for another peer: the one of line ");
	out_add_decimal(&m, later->line);
	out_add_text(&m, " gets it");
}

static void check_prefixes(struct conf_parser *p, const bool *is_gone)
{
	size_t count = 0;
	for (size_t i = 0; i < p->prefix_count; i++)
		if (!is_gone[p->prefixes[i].peer])
			p->prefixes[count++] = p->prefixes[i];
	if (count)
		qsort(p->prefixes, count, sizeof *p->prefixes, compare_prefixes);
	for (size_t i = 1; i < count; i++) {
		const struct conf_prefix_origin *a = &p->prefixes[i - 1], *b = a + 1;
		if (a->prefix.len == b->prefix.len && a->peer != b->peer &&
			ip_address_is_equal(&a->prefix.address, &b->prefix.address))
			warn_of_moved_prefix(p, a, b);
	}
}

/* A peer's last Endpoint counts: name_of stays NO_NAME where that was an address. */
static void find_names(const struct conf_parser *p, size_t *name_of)
{
	for (size_t i = 0; i < p->conf->link.name_count; i++) {
		size_t peer = p->conf->link.names[i].peer;
		if (!p->conf->change.peers[peer].has_endpoint)
			name_of[peer] = i;
	}
}

/* The others keep their order; what counts them is counted anew. */
static void leave_out_peer(struct conf *conf, size_t gone)
{
	struct conf_link *link = &conf->link;
	size_t after = --conf->change.peer_count - gone, kept = 0;
	struct change_peer *peer = &conf->change.peers[gone];
	secret_wipe(&peer->preshared_key, sizeof peer->preshared_key);
	free(peer->allowed_ips);
	memmove(peer, peer + 1, after * sizeof *peer);
	memmove(&conf->peers_at[gone], &conf->peers_at[gone + 1], after * sizeof *conf->peers_at);
	for (size_t i = 0; i < link->name_count; i++) {
		struct conf_name name = link->names[i];
		if (name.peer == gone) {
			free(name.host);
			free(name.port);
			continue;
		}
		name.peer -= name.peer > gone;
		link->names[kept++] = name;
	}
	link->name_count = kept;
	kept = 0;
	for (size_t i = 0; i < conf->key_file_count; i++) {
		struct conf_key_file file = conf->key_files[i];
		if (file.peer == gone) {
			free(file.path);
			continue;
		}
		file.peer -= file.peer != CONF_NO_PEER && file.peer > gone;
		conf->key_files[kept++] = file;
	}
	conf->key_file_count = kept;
}

/* One list of all for many machines is usual: the device leaves such a peer out too [kernel]. */
bool conf_check_own_key(struct conf *conf)
{
	struct public_key own;
	bool is_complete = true;
	public_key_derive(&own, &conf->change.private_key);
	for (size_t i = conf->change.peer_count; i-- > 0;) {
		if (memcmp(&own, &conf->change.peers[i].public_key, sizeof own))
			continue;
		is_complete &= conf_add_diagnostic(conf, CONF_WARNING, conf->peers_at[i],
			"PublicKey: this is this machine's own: this peer is left out");
		leave_out_peer(conf, i);
	}
	return is_complete;
}

static void check_allowed_ips(struct conf_parser *p, const bool *is_gone)
{
	for (size_t i = 0; i < p->conf->change.peer_count && !p->conf->error_count; i++) {
		const struct conf_peer_origin *origin = &p->origins[i];
		if (is_gone[i] || !origin->has_key || origin->has_allowed_ips)
			continue;
		struct out m = conf_diagnose(p, CONF_WARNING, origin->line, origin->column);
		out_add_text(&m, "[Peer] has no AllowedIPs: no packet goes to it, and none from "
				 "it is taken");
	}
}

/* A port that the other end can be told of. */
static bool has_fixed_port(const struct conf *conf)
{
	return conf->link.listen_service ||
	       (conf->change.has_listen_port && conf->change.listen_port);
}

/*
 * Who has no Endpoint waits for the peer to begin, and the peer needs our port for
 * that. One warning for all; and none beside an error, which may be the reason.
 */
static void check_reach(struct conf_parser *p, const size_t *name_of, const bool *is_gone)
{
	size_t first = NO_NAME, others = 0;
	if (has_fixed_port(p->conf) || p->conf->error_count)
		return;
	for (size_t i = 0; i < p->conf->change.peer_count; i++) {
		if (is_gone[i] || p->conf->change.peers[i].has_endpoint || name_of[i] != NO_NAME)
			continue;
		others += first != NO_NAME;
		first = first == NO_NAME ? i : first;
	}
	if (first == NO_NAME)
		return;
	struct out m =
		conf_diagnose(p, CONF_WARNING, p->origins[first].line, p->origins[first].column);
	out_add_text(&m, "[Peer] has no Endpoint, and [Interface] no ListenPort: neither end can "
			 "send the first packet");
	if (others) {
		out_add_text(&m, " (so with ");
		out_add_decimal(&m, others);
		out_add_text(&m, others == 1 ? " more peer)" : " more peers)");
	}
	out_add_text(&m, "; expected one of the two");
}

static void check_peers(struct conf_parser *p)
{
	size_t count = p->conf->change.peer_count;
	size_t *name_of = calloc(count, sizeof *name_of);
	bool *is_gone = calloc(count, sizeof *is_gone);
	if (name_of && is_gone) {
		for (size_t i = 0; i < count; i++)
			name_of[i] = NO_NAME;
		find_names(p, name_of);
		p->has_no_memory |= !merge_peers(p, name_of, is_gone);
		check_prefixes(p, is_gone);
		check_allowed_ips(p, is_gone);
		check_reach(p, name_of, is_gone);
		drop_gone_peers(p, name_of, is_gone);
	} else {
		p->has_no_memory = true;
	}
	free(name_of);
	free(is_gone);
}

static bool note_places(struct conf_parser *p)
{
	p->conf->peers_at = calloc(p->origin_count, sizeof *p->conf->peers_at);
	for (size_t i = 0; p->conf->peers_at && i < p->origin_count; i++)
		p->conf->peers_at[i] = p->origins[i].key_at;
	return p->conf->peers_at;
}

void conf_check(struct conf_parser *p)
{
	check_public_keys(p);
	check_private_key(p);
	conf_check_listen(p);
	if (!p->origin_count) {
		conf_collect_key_files(p, NULL);
		return;
	}
	if (!note_places(p)) {
		p->has_no_memory = true;
		return;
	}
	check_peers(p);
	if (p->conf->change.has_private_key && !p->has_no_memory)
		p->has_no_memory = !conf_check_own_key(p->conf);
}

/*
 * Config files: every mistake has its place in the text and a message, the report
 * keeps its bounds, and a file without an error gives a change that holds together;
 * the part of it that is for wg(8) gives the same change again.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "fuzz/change_text.h"
#include "text/conf.h"
#include "unit/short_memory.h"

#define REPORT_MAX (1u << 20)

static void check_diagnostics(const struct conf *conf, const char *text, size_t len)
{
	uint32_t lines = 1, last = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	REQUIRE(conf->diagnostic_count <= 2 * CONF_DIAGNOSTICS_MAX);
	REQUIRE(conf->error_count + conf->warning_count >= conf->diagnostic_count);
	for (size_t i = 0; i < conf->diagnostic_count; i++) {
		const struct conf_diagnostic *d = &conf->diagnostics[i];
		REQUIRE(d->line >= 1 && d->line <= lines && d->line >= last);
		REQUIRE(d->column >= 1 && d->column <= len + 1);
		REQUIRE(memchr(d->message, 0, sizeof d->message) && d->message[0]);
		last = d->line;
	}
}

static void check_change(const struct change *change)
{
	for (size_t i = 0; i < change->peer_count; i++) {
		const struct change_peer *peer = &change->peers[i];
		REQUIRE(peer->replace_allowed_ips && !peer->remove);
		for (size_t k = 0; k < i; k++)
			REQUIRE(memcmp(&peer->public_key, &change->peers[k].public_key, DH_LEN));
		for (size_t k = 0; k < peer->allowed_ip_count; k++) {
			struct ip_prefix prefix = peer->allowed_ips[k].prefix;
			REQUIRE(!ip_prefix_mask(&prefix));
		}
	}
	change_require_round_trip(change);
}

static void check_link(const struct conf *conf)
{
	const struct conf_link *link = &conf->link;
	REQUIRE(link->mtu == 0 || (link->mtu >= CONF_MTU_MIN && link->mtu <= 65535));
	REQUIRE((link->table == CONF_TABLE_NAME) == (link->table_name != NULL));
	REQUIRE(tuning_is_valid(&conf->tuning));
	REQUIRE(link->listen_count <= CONF_LISTEN_MAX);
	REQUIRE(!link->listen_count || conf->change.has_listen_port);
	for (size_t i = 0; i < link->listen_count; i++) {
		REQUIRE(ip_family_bits(link->listens[i].address.family));
		REQUIRE(memchr(link->listens[i].zone, 0, sizeof link->listens[i].zone));
	}
	REQUIRE(memchr(link->bind_device, 0, sizeof link->bind_device));
	for (size_t i = 0; i < link->name_count; i++) {
		REQUIRE(link->names[i].peer < conf->change.peer_count);
		REQUIRE(link->names[i].at.line && link->names[i].at.column);
		REQUIRE(strlen(link->names[i].port) <= CONF_SERVICE_MAX && link->names[i].host[0]);
	}
	for (size_t i = 0; i < link->addresses.count; i++)
		REQUIRE(ip_family_bits(link->addresses.items[i].address.family) >=
			link->addresses.items[i].len);
}

static void check_key_files(const struct conf *conf)
{
	for (size_t i = 0; i < conf->key_file_count; i++) {
		const struct conf_key_file *file = &conf->key_files[i];
		bool is_private = file->peer == CONF_NO_PEER;
		REQUIRE(is_private || file->peer < conf->change.peer_count);
		REQUIRE(is_private ? !conf->change.has_private_key
				   : !conf->change.peers[file->peer].has_preshared_key);
		REQUIRE(file->path[0] && strlen(file->path) <= CONF_FILE_MAX);
		REQUIRE(file->place.line && file->place.column);
		REQUIRE(!i || file[-1].place.line < file->place.line);
	}
	for (size_t i = 0; i < conf->change.peer_count; i++)
		REQUIRE(conf->peers_at[i].line && conf->peers_at[i].column);
}

/* Keys that are in files are zero here, and so in what is written in their place. */
static void check_strip(const struct conf *conf, const char *text, size_t len)
{
	struct out once, twice;
	struct conf again;
	out_init(&once, REPORT_MAX);
	out_init(&twice, REPORT_MAX);
	conf_strip(&once, conf, text, len);
	REQUIRE(!once.has_failed && conf_parse(&again, out_string(&once), once.len));
	REQUIRE(again.error_count == 0 && again.key_file_count == 0);
	REQUIRE(again.link.name_count == conf->link.name_count);
	REQUIRE(again.link.addresses.count == 0 && again.link.mtu == 0);
	if (!conf->key_file_count)
		change_require_same(&again.change, &conf->change);
	conf_strip(&twice, &again, out_string(&once), once.len);
	REQUIRE(!strcmp(out_string(&once), out_string(&twice)));
	out_wipe(&once);
	out_wipe(&twice);
	conf_wipe(&again);
}

static void check_report(const struct conf *conf, const char *text, size_t len)
{
	struct out out;
	out_init(&out, REPORT_MAX);
	conf_render(&out, conf, "wg0.conf", text, len);
	REQUIRE(!out.has_failed);
	for (size_t i = 0; i < out.len; i++) /* nothing that a terminal acts upon */
		REQUIRE((out.bytes[i] >= ' ' && out.bytes[i] <= '~') || out.bytes[i] == '\n' ||
			out.bytes[i] == '\t');
	out_wipe(&out);
}

FUZZ(conf)
{
	struct conf conf;
	uint8_t memory = input_u8(in);
	const char *text = (const char *)in->bytes;
	short_memory_begin(memory < 64 ? memory + 1u : SIZE_MAX);
	bool is_parsed = conf_parse(&conf, text, in->len);
	short_memory_end();
	REQUIRE(is_parsed || memory < 64);
	if (is_parsed) {
		check_diagnostics(&conf, text, in->len);
		check_report(&conf, text, in->len);
	}
	if (is_parsed && conf.error_count == 0) {
		check_change(&conf.change);
		check_link(&conf);
		check_key_files(&conf);
		check_strip(&conf, text, in->len);
	}
	conf_wipe(&conf);
}

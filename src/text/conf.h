/*
 * A config file, as text, to what it asks for: a change for the device, and the
 * link's settings for the supervisor. The grammar is that of wg(8) and
 * wg-quick(8). Every mistake becomes a diagnostic with line and column; parsing
 * goes on, so that all of them are found at once. Pure: no file is read, no name
 * looked up. Holds keys: wipe it.
 *
 *   conf_parse.c    sections, and the file as a whole
 *   conf_lex.c      lines and tokens          conf_peer.c   keys of wg(8)
 *   conf_keys.c     the table of keys         conf_link.c   keys of wg-quick(8)
 *   conf_listen.c   Listen and BindDevice     conf_tuning.c Offload, Aead and the like
 *   conf_check.c    what only the whole file shows
 *   conf_key_file.c keys that stand in files of their own
 *   conf_mistake.c  lines that are none: what was probably meant
 *   conf_render.c   diagnostics for people    conf_strip.c  the part for wg(8)
 */
#ifndef ADIT_TEXT_CONF_H
#define ADIT_TEXT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/tuning.h"
#include "device/change.h"
#include "text/out.h"

#define CONF_TEXT_MAX	     (16u << 20) /* bytes of a file */
#define CONF_DIAGNOSTICS_MAX 100	 /* kept, of errors and of warnings each */
#define CONF_MESSAGE_MAX     512	 /* bytes, the zero at the end included */
#define CONF_HOST_MAX	     253	 /* characters of a host name [RFC 1035] */
#define CONF_SERVICE_MAX     31		 /* of a port's name */
#define CONF_HOOK_MAX	     4095	 /* of a hook's command */
#define CONF_FILE_MAX	     1023	 /* of a key file's path */
#define CONF_TABLE_NAME_MAX  31		 /* of a routing table's name */
#define CONF_MTU_MIN	     68		 /* [RFC 791] */
#define CONF_LISTEN_MAX	     8		 /* places to listen at */
#define CONF_DEVICE_MAX	     15		 /* characters of an interface's name */

enum conf_severity { CONF_WARNING, CONF_ERROR };

struct conf_place {	       /* of a value */
	uint32_t line, column; /* from 1; columns count bytes; line 0: it stands nowhere */
};

struct conf_diagnostic {
	enum conf_severity severity;
	uint32_t line, column; /* as in a place */
	char message[CONF_MESSAGE_MAX];
};

struct conf_texts {
	char **items;
	size_t count, capacity;
};

struct conf_addresses {
	struct ip_prefix *items; /* with their host bits; a DNS server is one host */
	size_t count, capacity;
};

/* An endpoint that has to be looked up, for change.peers[peer]. */
struct conf_name {
	size_t peer;
	char *host; /* a name, or an address with the name of a zone */
	char *port; /* decimal, or a service name */
	struct conf_place at;
};

struct conf_listen {			/* at change.listen_port */
	struct ip_address address;	/* only zeros: any of its family */
	char zone[CONF_DEVICE_MAX + 1]; /* of a link-local address, by name; "": none */
	struct conf_place at;
};

#define CONF_NO_PEER SIZE_MAX

/* A file with a key, to be read by whoever may read files: main/key_file.h. */
struct conf_key_file {
	size_t peer; /* the preshared key of change.peers[peer]; CONF_NO_PEER: the private key */
	char *path;  /* as written; "@name" is a systemd credential */
	struct conf_place place;
};

enum conf_table { CONF_TABLE_AUTO, CONF_TABLE_OFF, CONF_TABLE_NUMBER, CONF_TABLE_NAME };

struct conf_link {
	struct conf_addresses addresses, dns_servers;
	struct conf_texts dns_search;
	uint32_t mtu; /* 0: automatic */
	enum conf_table table;
	uint32_t table_number; /* with CONF_TABLE_NUMBER */
	char *table_name;      /* with CONF_TABLE_NAME, as in rt_tables */
	bool kill_switch;
	struct conf_texts pre_up, post_up, pre_down, post_down; /* %i as written */
	char *listen_service; /* ListenPort as a name to look up; NULL: change.listen_port */
	struct conf_listen listens[CONF_LISTEN_MAX];
	size_t listen_count;		       /* 0: any address, of both families */
	char bind_device[CONF_DEVICE_MAX + 1]; /* the only one to be used; "": any */
	struct conf_place listen_port_at, mtu_at, table_at, dns_at, bind_device_at, kill_switch_at;
	struct conf_name *names;
	size_t name_count, name_capacity;
};

struct conf {
	/*
	 * Everything the file says: replace_peers and each peer's replace_allowed_ips
	 * are set, one entry for each public key, in the order in which to apply them.
	 */
	struct change change;
	struct conf_link link;
	struct tuning tuning;
	struct conf_place *peers_at; /* of the PublicKey of each of change.peers */
	/* At most one for each key, in the order of the text; the change lacks these keys. */
	struct conf_key_file *key_files;
	size_t key_file_count;
	/* In the order of the text. The counts include those beyond what is kept. */
	struct conf_diagnostic *diagnostics;
	size_t diagnostic_count, diagnostic_capacity;
	size_t error_count, warning_count;
};

/*
 * Overwrites `conf`, which conf_wipe must free whatever the outcome. Only with an
 * error_count of 0 may change and link be used. false: no memory. `text` may
 * hold anything, zero bytes too; it is not kept.
 */
bool conf_parse(struct conf *conf, const char *text, size_t len);

/*
 * For what only whoever looks beyond the text can tell: counts the diagnostic and
 * keeps it in its place, as those of conf_parse. A message that is too long is cut.
 * false: no memory; it is counted all the same.
 */
bool conf_add_diagnostic(
	struct conf *conf, enum conf_severity severity, struct conf_place at, const char *message);

/*
 * Leaves out a peer with our own key, after a warning. conf_parse has done so for a
 * private key that stands in the text; to be called once it was read from a file.
 * false: as of conf_add_diagnostic.
 */
bool conf_check_own_key(struct conf *conf);

/* Wipes and frees; it is then empty. */
void conf_wipe(struct conf *conf);

/*
 * Writes every diagnostic as "file:line:column: error: message", the line of the
 * text it was parsed from, and a caret below. Of that line, only what is known to
 * be no secret: see conf_render.c.
 */
void conf_render(struct out *out, const struct conf *conf, const char *file_name, const char *text,
	size_t len);

/*
 * Writes the part of the text that wg(8) understands, for `wg setconf`: its keys with
 * their values as they were written, in their order. A key that was read from a file
 * stands in the place of the file's path, the port of Listen in the place of Listen.
 * `text` is what `conf` was parsed from, without an error. Holds keys: wipe it.
 */
void conf_strip(struct out *out, const struct conf *conf, const char *text, size_t len);

#endif

/*
 * What the parts of the config parser share while they work. Private to conf*.c.
 */
#ifndef ADIT_TEXT_CONF_PARSE_H
#define ADIT_TEXT_CONF_PARSE_H

#include "text/conf.h"
#include "text/conf_keys.h"
#include "text/conf_lex.h"

struct conf_key_origin {	   /* of a private or preshared key */
	uint32_t key_line;	   /* with the key itself; 0: none */
	struct conf_place file_at; /* with a file's path; 0: none */
	char *path;		   /* owned; NULL: none, or it was wrong */
};

struct conf_peer_origin {	  /* of change.peers[same index] */
	uint32_t line, column;	  /* of [Peer] */
	struct conf_place key_at; /* of its PublicKey's value; 0: not seen */
	bool has_key;		  /* and it was right */
	bool has_allowed_ips;	  /* right or wrong */
	struct conf_key_origin preshared_key;
};

struct conf_prefix_origin {
	struct ip_prefix prefix;
	size_t peer;
	uint32_t line, column;
};

struct conf_parser {
	struct conf *conf;
	enum conf_section section;
	bool is_skipping;			   /* until the next section */
	uint32_t interface_line, interface_column; /* of the first [Interface]; 0: none */
	uint16_t listen_port;			   /* of Listen, if there is one */
	struct conf_key_origin private_key;
	struct conf_peer_origin *origins;
	size_t origin_count, origin_capacity;
	struct conf_prefix_origin *prefixes; /* all that are added, in order */
	size_t prefix_count, prefix_capacity;
	struct conf_diagnostic spare; /* takes the messages that are not kept */
	struct conf_token token;      /* may be a secret */
	bool has_no_memory;
};

/*
 * Counts a diagnostic, puts it in its place, and returns where to write the
 * message, before the next call.
 */
struct out conf_diagnose(
	struct conf_parser *p, enum conf_severity severity, uint32_t line, uint32_t column);

/* A message that begins with the key and the present token, in quotes if it is no secret. */
struct out conf_diagnose_token(
	struct conf_parser *p, enum conf_severity severity, const struct conf_line *line);

/*
 * The value's next token becomes the present one. One that is longer than any
 * right one is refused here and passed over. false: no more.
 */
bool conf_take_token(
	struct conf_parser *p, const struct conf_line *line, size_t *at, enum conf_split split);

/* An error: the present token is not what the key expects. */
void conf_refuse_token(struct conf_parser *p, const struct conf_line *line);

/* Adds "without quotes" if the present token has some. */
void conf_add_hint_of_quotes(const struct conf_parser *p, struct out *m);

/*
 * Reads a prefix from the present token. false: refused, and said why. Host bits
 * are kept.
 */
bool conf_read_prefix(struct conf_parser *p, const struct conf_line *line, const char *text,
	size_t len, struct ip_prefix *prefix);

/* A zero-terminated copy, or NULL, which is noted. */
char *conf_copy_text(struct conf_parser *p, const char *text, size_t len);

/*
 * Errors of conf_mistake.c: a key that there is not; a line without "="; a section
 * that there is not. The latter two return the section that was probably meant.
 */
void conf_refuse_name(struct conf_parser *p, const struct conf_line *line);
enum conf_section conf_refuse_line(struct conf_parser *p, const struct conf_line *line);
enum conf_section conf_refuse_section(struct conf_parser *p, const struct conf_line *line);

/* A warning, if a CONF_LINE_REMARK looks as if more than a comment was meant. */
void conf_warn_of_remark(struct conf_parser *p, const struct conf_line *line);

/* Settings with a known key, in the right section, and a value that is not empty. */
void conf_read_wg_key(struct conf_parser *p, const struct conf_line *line);
void conf_read_quick_key(struct conf_parser *p, const struct conf_line *line);

void conf_read_listen(struct conf_parser *p, const struct conf_line *line);
void conf_read_bind_device(struct conf_parser *p, const struct conf_line *line);

/* Offload, Aead, Threads, TxQueueLen. */
void conf_read_tuning(struct conf_parser *p, const struct conf_line *line);

/* After the last line: whether ListenPort agrees with Listen. Sets the port of the change. */
void conf_check_listen(struct conf_parser *p);
/* PrivateKeyFile and PresharedKeyFile. */
void conf_read_key_file(struct conf_parser *p, const struct conf_line *line);

/* To be told of each PrivateKey and PresharedKey. */
void conf_note_key(struct conf_parser *p, const struct conf_line *line);

/* Moves the paths of the peers that stay into conf. */
void conf_collect_key_files(struct conf_parser *p, const bool *is_gone);

/* After the last line: keys that are missing, peers and prefixes that stand twice. */
void conf_check(struct conf_parser *p);

#endif

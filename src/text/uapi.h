/*
 * The control socket's grammar, both directions: what a client asks, incrementally
 * from bytes in any pieces, and what it is answered. The supervisor speaks to the
 * engine in it too. No socket here. Holds keys: wipe parsers and buffers.
 */
#ifndef ADIT_TEXT_UAPI_H
#define ADIT_TEXT_UAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/change.h"
#include "device/device.h"
#include "text/out.h"

#define UAPI_LINE_MAX  65536	  /* bytes of a line, the newline included */
#define UAPI_LINES_MAX (1u << 22) /* of one operation */

enum uapi_verdict {
	UAPI_MORE,	/* the operation is not complete */
	UAPI_GET,	/* get=1: answer with uapi_format_get */
	UAPI_SET,	/* set=1: apply `change` if `error` is 0; answer with uapi_format_errno */
	UAPI_VIOLATION, /* not this protocol: close the connection */
};

enum uapi_state { UAPI_AT_OPERATION, UAPI_IN_GET, UAPI_IN_SET, UAPI_CLOSED };

struct uapi_parser {
	struct change change; /* after UAPI_SET, until the next uapi_feed */
	int error;	      /* after UAPI_SET: 0, or an errno; then `change` is empty */
	enum uapi_state state;
	bool is_done; /* the last operation was reported */
	uint32_t line_count;
	struct out line; /* the part of a line that came */
	/*
	 * The number of a network interface, 0: there is none; for zones by name, as in
	 * [fe80::1%eth0]:51820, which wg(8) sends. Set after uapi_init; NULL: numbers only.
	 */
	unsigned (*zone_number)(const char *name);
};

void uapi_init(struct uapi_parser *parser);
void uapi_wipe(struct uapi_parser *parser);

/*
 * Reads up to the end of one operation; *used says how many of the bytes. For
 * the rest call again after the operation is carried out. The bytes may hold
 * keys: the caller wipes them.
 */
enum uapi_verdict uapi_feed(
	struct uapi_parser *parser, const char *bytes, size_t len, size_t *used);

struct uapi_link {	      /* what the device does not know */
	uint16_t listen_port; /* 0: none */
	uint32_t fwmark;      /* 0: none */
};

/* "drop_NAME=N": packets dropped for a reason, at the interface or, below it, at a peer. */
#define UAPI_DROP_PREFIX "drop_"

/*
 * Keys of our own, which wg(8) passes over in an answer and never sets:
 *   "post_quantum=require|off"   of the interface: the default, told unless off; of a peer:
 *                                what was said of it, told if anything was; in a set=1
 *                                "default" unsays it
 *   "key_exchange=NAME"          of a peer's session, told if there is one
 */
#define UAPI_POST_QUANTUM "post_quantum"
#define UAPI_KEY_EXCHANGE "key_exchange"

/* The whole answer to get=1, errno=0 and the empty line included. Holds keys. */
void uapi_format_get(struct out *out, const struct device *device, const struct uapi_link *link);

/* Where an answer is that is written in parts; all zero: at its beginning. */
struct uapi_get {
	bool has_begun;
	const struct peer *peer;	    /* the next; NULL: there is none */
	const struct allowedips_node *node; /* of this peer's prefixes, what was written last */
};

/*
 * The same in parts of UAPI_PART_LEN bytes, or a little more: true when it is whole.
 * Nothing that changes peers or prefixes may come in between.
 */
#define UAPI_PART_LEN 65536
bool uapi_format_get_part(struct out *out, const struct device *device,
	const struct uapi_link *link, struct uapi_get *get);

/*
 * The end of an answer to `operation` (UAPI_GET or UAPI_SET): errno, which the
 * caller gives as 0 or positive, with the sign that wg(8) needs, and the empty
 * line.
 */
void uapi_format_errno(struct out *out, enum uapi_verdict operation, int error);

/* The operation set=1 that means `change`, the empty line included. Holds keys. */
void uapi_format_set(struct out *out, const struct change *change);

#endif

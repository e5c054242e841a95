/*
 * What the processes say to each other over their channels: one fixed struct a
 * direction, a kind and what belongs to it. A receiver checks every message with
 * the direction's x_is_valid before it looks inside, and closes the descriptors
 * when that fails. Truth values are integers: a foreign byte in a bool would be
 * undefined. No secret ever stands in a message.
 */
#ifndef ADIT_IO_MESSAGES_H
#define ADIT_IO_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/tuning.h"
#include "crypto/dh.h"
#include "io/udp.h"
#include "noise/tai64n.h"
#include "peer/endpoint.h"

#define MESSAGES_HOST_MAX      256 /* bytes with the zero at the end, as all below */
#define MESSAGES_PORT_MAX      32
#define MESSAGES_COMMAND_MAX   4096
#define MESSAGES_ENDPOINTS_MAX 8
#define MESSAGES_INTERFACE_MAX 16   /* as IFNAMSIZ */
#define MESSAGES_SERVERS_MAX   32   /* a resolv.conf(5) takes 3 */
#define MESSAGES_SEARCH_MAX    2048 /* all search domains together */
#define MESSAGES_TEXT_MAX      1024
#define MESSAGES_SOURCES_MAX   16

enum to_engine_kind {
	TO_ENGINE_START = 1, /* begin; with the TUN */
	TO_ENGINE_SOCKETS,   /* an answer to NEED_SOCKETS, perhaps a later one; with them */
	TO_ENGINE_CONTROL,   /* serve this control connection; with it */
	TO_ENGINE_LINK,	     /* the interface changed */
	TO_ENGINE_ROUTES,    /* routes have changed: the next sources, please */
	TO_ENGINE_STAMPS,    /* an answer to NEED_STAMPS */
	TO_ENGINE_TUNING,    /* a file that was read anew has another one */
	TO_ENGINE_PING,
};

struct message_stamps {
	uint32_t is_limited;
	struct tai64n limit; /* none greater may be sent before the next STAMPS */
};

struct message_source {
	struct public_key peer;
	struct endpoint endpoint; /* with a source of its family */
};

struct message_sources {
	uint32_t is_last; /* there are no more; no more are wanted */
	uint32_t count;
	struct message_source items[MESSAGES_SOURCES_MAX];
};

struct to_engine {
	uint32_t kind;
	union {
		struct {
			uint32_t mtu;
			struct message_stamps stamps;
			struct tai64n stamp_floor; /* all are greater */
			struct tuning tuning;
		} start;
		struct {
			uint32_t request_id;
			int32_t error;		 /* 0, or -errno: then no sockets, what was stays */
			uint32_t count;		 /* of places, and sockets for data */
			uint32_t has_handshakes; /* bit i: place i has one for them, too */
			struct udp_place places[UDP_PLACES_MAX];
			uint16_t port; /* the one bound */
		} sockets;
		struct {
			uint32_t is_own; /* the supervisor's, not somebody's who connected */
		} control;
		struct {
			uint32_t mtu, is_up;
		} link;
		struct message_stamps stamps;
		struct tuning tuning;
		struct message_sources sources; /* ROUTES: to be forgotten, of those told last */
		struct {
			uint32_t id;
		} ping;
	};
};

enum from_engine_kind {
	FROM_ENGINE_NEED_SOCKETS = 1,
	FROM_ENGINE_PONG,
	FROM_ENGINE_NEED_STAMPS, /* the limit of stamps is near */
	FROM_ENGINE_SOURCES,	 /* an answer to ROUTES */
	FROM_ENGINE_LAST_STAMP,	 /* the last message: the channel was shut down */
};

struct from_engine {
	uint32_t kind;
	union {
		struct {
			uint32_t request_id, fwmark;
			uint16_t port; /* 0: any */
		} need_sockets;
		struct {
			uint32_t id;
		} pong;
		struct tai64n sent_stamp; /* NEED_STAMPS, LAST_STAMP: the greatest so far */
		struct message_sources sources;
	};
};

enum to_resolver_kind { TO_RESOLVER_RESOLVE = 1 };

struct to_resolver {
	uint32_t kind, id;
	char host[MESSAGES_HOST_MAX];
	char port[MESSAGES_PORT_MAX]; /* decimal or a service name */
};

enum from_resolver_kind { FROM_RESOLVER_RESOLVED = 1 };

struct from_resolver {
	uint32_t kind, id;
	int32_t error;	/* 0 or an EAI_ code of getaddrinfo(3); then count is 0 */
	uint32_t count; /* of endpoints, in getaddrinfo's order */
	struct endpoint endpoints[MESSAGES_ENDPOINTS_MAX];
};

enum to_hooks_kind { TO_HOOKS_RUN = 1 };

enum hook_phase { HOOK_PRE_UP = 1, HOOK_POST_UP, HOOK_PRE_DOWN, HOOK_POST_DOWN };

struct to_hooks {
	uint32_t kind, id;
	uint32_t phase;			    /* enum hook_phase */
	char command[MESSAGES_COMMAND_MAX]; /* for the shell, %i already replaced */
};

enum from_hooks_kind { FROM_HOOKS_DONE = 1 };

struct from_hooks {
	uint32_t kind, id;
	int32_t status; /* the exit status; 128 + the signal that ended it; -errno: not started */
};

enum to_dns_kind { TO_DNS_SET = 1 };

struct to_dns {
	uint32_t kind, id;
	uint32_t takes_all; /* names that no other search domain claims go to these servers too */
	uint32_t server_count; /* 0: what was set goes */
	struct ip_address servers[MESSAGES_SERVERS_MAX];
	char interface[MESSAGES_INTERFACE_MAX];
	char search[MESSAGES_SEARCH_MAX]; /* domains, a blank between two */
};

enum from_dns_kind { FROM_DNS_DONE = 1 };

struct from_dns {
	uint32_t kind, id;
	int32_t error;		      /* 0 or -errno; then nothing of ours is set */
	char text[MESSAGES_TEXT_MAX]; /* what was done, or why it could not be done */
};

/*
 * Whether the kind is known, its fields are within their bounds, strings end,
 * and as many descriptors came as the kind needs.
 */
bool to_engine_is_valid(const struct to_engine *message, size_t fd_count);
bool from_engine_is_valid(const struct from_engine *message, size_t fd_count);
bool to_resolver_is_valid(const struct to_resolver *message, size_t fd_count);
bool from_resolver_is_valid(const struct from_resolver *message, size_t fd_count);
bool to_hooks_is_valid(const struct to_hooks *message, size_t fd_count);
bool from_hooks_is_valid(const struct from_hooks *message, size_t fd_count);
bool to_dns_is_valid(const struct to_dns *message, size_t fd_count);
bool from_dns_is_valid(const struct from_dns *message, size_t fd_count);

#endif

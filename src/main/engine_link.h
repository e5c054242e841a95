/*
 * The supervisor's side of the engine: starts the process, hands it the TUN,
 * sockets and control connections, answers what it asks for. It keeps duplicates
 * of the UDP sockets, so that a new mark needs no new bind, and binds anew where a
 * device that they are bound to has come anew.
 */
#ifndef ADIT_MAIN_ENGINE_LINK_H
#define ADIT_MAIN_ENGINE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "io/messages.h"
#include "io/process.h"
#include "io/udp.h"
#include "main/stamps.h"

#define ENGINE_LINK_STOP_NS (3 * NANOS_PER_SECOND) /* to end in; then it is killed */

struct engine_link {
	struct process process;	  /* .channel for the loop */
	struct udp_wishes wishes; /* where to listen; set by the owner before that begins */
	struct udp_sockets udp;	  /* duplicates of the engine's */
	uint32_t answered_id;	  /* the latest request for sockets; 0: before the first */
	int told_error;		  /* why there are none, as was said last; 0: there are */
	uint32_t fwmark;
	bool told_up; /* what the engine knows of the link */
	uint32_t told_mtu;
	struct tai64n sent_stamp;	/* the greatest, when it said so last */
	struct message_sources sources; /* those of FROM_ENGINE_SOURCES */
	bool has_last_stamp;		/* it ended, and this is it */
	bool is_closed; /* it was told that the link is down: nothing is to be bound */
};

/* Forks the engine; in the background it leaves the terminal at once. 0 or -errno. */
int engine_link_start(struct engine_link *engine, bool is_background);

/*
 * Ends the engine, waits for it, and kills one that hangs, with a message. Its exit
 * status, 128 + signal, or -errno. Then pid is 0.
 */
int engine_link_stop(struct engine_link *engine);

/* Hands over the TUN, with the link down. 0 or -errno, as all below. */
int engine_link_give_tun(struct engine_link *engine, int tun, uint32_t mtu,
	const struct tuning *tuning, const struct stamps *stamps);

/* Of what is different the engine takes over what it can while it runs: offload. */
int engine_link_tell_tuning(struct engine_link *engine, const struct tuning *tuning);

/* The answer to FROM_ENGINE_NEED_STAMPS. */
int engine_link_give_stamps(struct engine_link *engine, const struct stamps *stamps);

/* Routes or addresses have changed, perhaps because a device has gone or come. 0 or -errno. */
int engine_link_renew_sockets(struct engine_link *engine);
/* Routes have changed: `wrong` are to be forgotten; FROM_ENGINE_SOURCES follows, if not is_last. */
int engine_link_tell_routes(struct engine_link *engine, const struct message_sources *wrong);

/*
 * Binds `port` (0: any) ahead of being asked, so that a port in use is found at the
 * start; says what is wrong.
 */
int engine_link_open_port(struct engine_link *engine, uint16_t port, uint32_t fwmark);

/*
 * Listens elsewhere from now on, at the same port: for a configuration that was read
 * anew. On failure, which it explains, all stays as it was.
 */
int engine_link_listen(struct engine_link *engine, const struct udp_wishes *wishes);

/* Hands over a control connection, accepted or our own (is_own), and closes it here. */
int engine_link_give_control(struct engine_link *engine, int fd, bool is_own);

/* The state of the link, if it is news. */
int engine_link_tell(struct engine_link *engine, bool is_up, uint32_t mtu);

/* Answered by FROM_ENGINE_PONG once all before it was dealt with. */
int engine_link_ping(struct engine_link *engine);

/*
 * Handles one message of the engine: 1 and its kind; 0: the engine has ended;
 * -EAGAIN: none.
 */
int engine_link_receive(struct engine_link *engine, enum from_engine_kind *kind);

#endif

/*
 * Why a packet was dropped. Every packet that does not go on is counted under
 * one of these, per device and, where the peer is known, per peer.
 */
#ifndef ADIT_PEER_DROP_H
#define ADIT_PEER_DROP_H

#include <stdint.h>

/* X(constant, "name in show --drops", "what it means") */
#define DROP_REASONS(X)                                                                            \
	X(DROP_TYPE, "type", "outer: unknown message type")                                        \
	X(DROP_LENGTH, "length", "outer: not the length of its type")                              \
	X(DROP_MAC1, "mac1", "handshake: mac1 is wrong (other public key, or not for us)")         \
	X(DROP_BACKLOG, "backlog", "handshake: 4096 wait already")                                 \
	X(DROP_UNDER_LOAD, "under-load", "handshake: under load, a cookie was sent instead")       \
	X(DROP_SOURCE_RATE, "source-rate", "handshake: under load, over 20 a second from there")   \
	X(DROP_NO_KEY, "no-key", "this interface has no private key")                              \
	X(DROP_PEER_KEY, "peer-key", "outgoing: no handshake is possible with such a public key")  \
	X(DROP_INITIATION_FORGED, "initiation", "initiation: does not decrypt")                    \
	X(DROP_UNKNOWN_PEER, "unknown-peer", "initiation: from a public key that is no peer")      \
	X(DROP_CLASSICAL, "classical", "initiation: x25519 alone, where PostQuantum = require")    \
	X(DROP_HYBRID, "hybrid", "initiation: with ML-KEM, where PostQuantum = off")               \
	X(DROP_STALE_STAMP, "stamp", "initiation: timestamp not newer than the last (replay?)")    \
	X(DROP_INITIATION_RATE, "initiation-rate", "initiation: over 50 a second from this peer")  \
	X(DROP_RESPONSE_UNEXPECTED, "no-handshake", "response: no handshake waits for it")         \
	X(DROP_RESPONSE_FORGED, "response", "response: does not decrypt (preshared key?)")         \
	X(DROP_COOKIE_UNEXPECTED, "cookie", "cookie reply: nothing waits for it, or forged")       \
	X(DROP_UNKNOWN_INDEX, "index", "data: no session has this index")                          \
	X(DROP_SESSION_EXPIRED, "expired", "data: session older than 180 s")                       \
	X(DROP_DATA_FORGED, "forged", "data: does not decrypt")                                    \
	X(DROP_REPLAY, "replay", "data: counter seen before, or too old")                          \
	X(DROP_INNER_MALFORMED, "inner", "inner packet: neither IPv4 nor IPv6, or cut short")      \
	X(DROP_INNER_SOURCE, "source", "inner packet: source not in the peer's AllowedIPs")        \
	X(DROP_ECN, "ecn", "inner packet: congestion was signalled to who does not know it")       \
	X(DROP_NO_ROUTE, "no-peer", "outgoing: no peer has this address in its AllowedIPs")        \
	X(DROP_LOOP, "loop", "outgoing: our own datagram came back into the tunnel (routes?)")     \
	X(DROP_NO_ENDPOINT, "no-endpoint", "outgoing: the peer's endpoint is not known")           \
	X(DROP_STAGED_FULL, "staged", "outgoing: more than 128 packets wait for a handshake")      \
	X(DROP_GAVE_UP, "no-answer", "outgoing: handshake not answered for 90 s")                  \
	X(DROP_REMOVED, "removed", "the peer, its keys or the link went away meanwhile")           \
	X(DROP_NO_MEMORY, "memory", "a queue's or the memory's bound was reached")                 \
	X(DROP_SEND_ERROR, "send", "outgoing: the kernel refused the datagram")                    \
	X(DROP_TUN_ERROR, "tun", "incoming: the kernel refused the inner packet")

enum drop_reason {
#define DROP_CONSTANT(constant, name, meaning) constant,
	DROP_REASONS(DROP_CONSTANT)
#undef DROP_CONSTANT
		DROP_REASON_COUNT
};

struct drop_counters {
	uint64_t count[DROP_REASON_COUNT];
};

const char *drop_reason_name(enum drop_reason reason);
const char *drop_reason_meaning(enum drop_reason reason);

#endif

/*
 * Answers to get=1, for the tests of the views.
 */
#ifndef ADIT_TESTS_VIEW_ANSWER_H
#define ADIT_TESTS_VIEW_ANSWER_H

#define Z   "0000000000000000000000000000000000000000000000000000000000000000"
#define TWO "0202020202020202020202020202020202020202020202020202020202020202"
#define NOW 1700000000

#define PEER(digits, handshake, traffic)                                                           \
	"public_key=" digits digits digits digits digits digits digits digits "\n"                 \
	"preshared_key=" Z "\nprotocol_version=1\n"                                                \
	"last_handshake_time_sec=" handshake "\nlast_handshake_time_nsec=0\n" traffic
#define NO_TRAFFIC "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"

/* Five peers, every kind of value. */
extern const char view_answer[];

#endif

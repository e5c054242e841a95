/*
 * The rotation of keys between two ends, for SPIN: src/session/keyring.c, and
 * what src/device/{negotiate,transmit,receive,tick}.c and src/peer/timers.c do
 * around it. A transition of an end here is an event of the device there; the
 * comments name its functions. tests/model/run says what is searched.
 *
 * The network is hostile at first: it loses, duplicates and reorders; whatever a
 * timer may cause happens at any moment; ends restart and erase their keys. At a
 * moment of its choice it becomes calm, for good: everything arrives, in order,
 * and a timer is due only when nothing is under way, for the shortest of them is
 * longer than a round trip. In a FAITHFUL network it is calm from the beginning.
 *
 *   slots         at most three sessions at each end, and none leaks      assert
 *   once          an initiation is answered once                          assert
 *   confirmation  the responder sends nothing with a session before its
 *                 initiator has                                           assert
 *   retirement    a session is not used after it was retired              assert
 *   courtesy      to answer an initiation takes no session away that its
 *                 sender sends with, once that one is confirmed           assert
 *   few           calm, two more initiations of each end are enough            assert
 *   no deadlock   calm, packets never cease                   invalid end state
 *   settles       calm, a moment comes from which on each end sends with a
 *                 session that the other one holds, none is refused          ltl
 *   lossless      FAITHFUL, and EAGER to send: a renewal that begins when no
 *                 other one is under way or was left over loses no packet assert
 *   same          FAITHFUL: both come to send with the same session          ltl
 *
 * `same` does not hold after a hostile phase: each end may come to send with the
 * session that it has answered. All packets arrive then, but neither end is the
 * initiator who renews, and a new handshake waits until both have expired.
 *
 * Not here: time as a number (the simulator has it), counters and the replay
 * window, forged messages, endpoints, cookies.
 */

/* Bounds; run overrides them. */
#ifndef INITIATIONS
#define INITIATIONS 2 /* of both ends together, while hostile or unforced */
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#define INITIATIONS_CALM  2 /* more, of each end: to recover */
#define UNDER_WAY_HOSTILE 2 /* messages in one direction; one more is lost */
#define UNDER_WAY	  5 /* calm: never exceeded */

#define NONE  0
#define OTHER (1 - e)

mtype = { INITIATION, RESPONSE, DATA, KEEPALIVE };

/*
 * Initiation n of end e has the number 2 n + e. It stands for its stamp, its
 * ephemeral key and its sender index. A responder answers it once in its life, so
 * a session is known by that number and by which life of the responder it was.
 */
#define MADE_BY(e, n)	      (2 * (n) + (e))
#define SESSION(number, life) (2 * (number) + (life))
#define NUMBER(session)	      ((session) / 2)
#define INITIATOR(session)    (NUMBER(session) % 2)
#define BIT(session)	      (1 << (session))

chan link[2] = [UNDER_WAY] of { mtype, byte }; /* link[e] leads to e */

/* struct keyring, struct peer */
byte previous[2], current[2], next[2];
byte pending[2]; /* the initiation that waits for its response */
byte latest[2];	 /* the greatest stamp seen: peer->latest_stamp */

/* struct timers and the queue: followed when calm. Hostile, they would only forbid. */
bit staged[2];	   /* a packet waits for a session */
bit attempt[2];	   /* timers_has_attempt */
bit early[2];	   /* !timers_can_initiate: no Rekey-Timeout since the last handshake message */
bit owes[2];	   /* TIMER_KEEPALIVE: data came, nothing went */
bit unanswered[2]; /* TIMER_NEW_HANDSHAKE: data went, nothing came */

/* What no end knows. */
byte initiations[2]; /* made so far */
byte restarts;
bit life[2];	 /* 1: it has restarted */
bool calm;
bit silent[2];	 /* calm: it has no packets of its own to send */
int alive[2];	 /* sessions created and not retired */
int confirmed;	 /* sessions that the responder has heard its initiator use */
bool refused;	 /* the last packet that arrived had no session */
bool unclean;	 /* a renewal began beside another, or with one left over */

#define MAY_INITIATE	  (initiations[0] + initiations[1] < 2 + INITIATIONS)
#define AT_REST		  (len(link[0]) + len(link[1]) == 0)
#define IS_BUSY(e)	  (attempt[e] || early[e] || owes[e])
#define HOLDS(e, session) \
	(previous[e] == (session) || current[e] == (session) || next[e] == (session))

#ifdef EAGER
#define CAN_SEND (len(link[OTHER]) < 2)
#else /* slower than the timers, but without end */
#define CAN_SEND (AT_REST && !IS_BUSY(0) && !IS_BUSY(1) && !unanswered[e])
#endif

inline emit(type, content)
{
	if
	:: len(link[OTHER]) < UNDER_WAY_HOSTILE -> link[OTHER]!type(content)
	:: len(link[OTHER]) >= UNDER_WAY_HOSTILE && !calm
	:: len(link[OTHER]) >= UNDER_WAY_HOSTILE && calm ->
		assert(len(link[OTHER]) < UNDER_WAY);
		link[OTHER]!type(content)
	fi
}

/* ------------------------------------------------------- session.c, keyring.c */

/* session_create */
inline create(session)
{
	assert(!(alive[e] & BIT(session))); /* once */
	alive[e] = alive[e] | BIT(session)
}

/* device_retire_sessions, for one of them */
inline retire(session)
{
	if
	:: session != NONE ->
		assert(alive[e] & BIT(session));
		alive[e] = alive[e] & ~BIT(session);
		confirmed = (INITIATOR(session) == e -> confirmed : confirmed & ~BIT(session))
	:: else
	fi
}

/* After each change: the sessions alive are those in the slots, each in one. */
inline check_slots()
{
	assert(alive[e] == ((BIT(previous[e]) | BIT(current[e]) | BIT(next[e])) & ~BIT(NONE)));
	assert(current[e] == NONE || (current[e] != previous[e] && current[e] != next[e]));
	assert(previous[e] == NONE || previous[e] != next[e])
}

#if defined(NO_TIE_BREAK)
#define GIVES_WAY false
#elif defined(BOTH_GIVE_WAY)
#define GIVES_WAY true
#else
#define GIVES_WAY (e == 1) /* one of two public keys is the greater */
#endif

/* keyring_add_initiated */
inline add_initiated(session)
{
	create(session);
	retire(previous[e]);
	if
	:: next[e] != NONE && !GIVES_WAY ->
		retire(current[e]);
		previous[e] = next[e];
		next[e] = NONE
	:: else ->
		previous[e] = current[e]
	fi;
	current[e] = session;
	check_slots()
}

/* keyring_add_responded */
inline add_responded(session)
{
	create(session);
	retire(next[e]);
	next[e] = session;
#ifdef RETIRE_PREVIOUS_AT_INITIATION
	retire(previous[e]);
	previous[e] = NONE;
#endif
#ifdef SEND_BEFORE_CONFIRMATION
	promote_next();
#endif
	check_slots()
}

inline promote_next()
{
#ifndef LEAK_AT_CONFIRMATION
	retire(previous[e]);
#endif
	previous[e] = current[e];
	current[e] = next[e];
	next[e] = NONE
}

/* keyring_confirm, negotiate_on_confirmation, transmit_staged */
inline confirm()
{
	promote_next();
	check_slots();
	pending[e] = NONE;
	attempt[e] = 0;
	if
	:: staged[e] -> staged[e] = 0; seal(DATA)
	:: else
	fi
}

/* keyring_clear */
inline clear()
{
	retire(previous[e]);
	retire(current[e]);
	retire(next[e]);
	previous[e] = NONE;
	current[e] = NONE;
	next[e] = NONE;
	check_slots()
}

/* --------------------------------------------------------------- negotiate.c */

/* send_initiation */
inline initiate()
{
	assert(initiations[e] < 1 + INITIATIONS + INITIATIONS_CALM); /* few */
	initiations[e]++;
	unclean = unclean || pending[OTHER] != NONE || next[0] != NONE || next[1] != NONE;
	pending[e] = MADE_BY(e, initiations[e]);
	attempt[e] = calm;
	early[e] = calm;
	owes[e] = 0;
	emit(INITIATION, pending[e])
}

/* negotiate_begin */
inline begin()
{
	if
	:: !attempt[e] && !early[e] -> initiate()
	:: else -> attempt[e] = calm /* under way, or postponed */
	fi
}

/* negotiate_on_initiation with is_fresh, answer */
inline on_initiation(number)
{
	if
#ifdef NO_STAMP_CHECK
	:: true ->
#else
	:: number > latest[e] ->
#endif
		latest[e] = number;
		kept = current[OTHER] != NONE && HOLDS(e, current[OTHER]) &&
			(INITIATOR(current[OTHER]) == e || (confirmed & BIT(current[OTHER])));
		add_responded(SESSION(number, life[e]));
		assert(!kept || HOLDS(e, current[OTHER])); /* courtesy */
		kept = false;
		unanswered[e] = 0;
		early[e] = calm;
		owes[e] = 0;
		emit(RESPONSE, SESSION(number, life[e]))
	:: else
	fi
}

/* negotiate_on_response, then transmit_keepalive */
inline on_response(session)
{
	if
	:: pending[e] == NUMBER(session) ->
		pending[e] = NONE;
		attempt[e] = 0;
		add_initiated(session);
		unanswered[e] = 0;
		send_keepalive()
	:: else
	fi
}

/* ---------------------------------------------------------------- transmit.c */

/* begin_seal to transmit_finish, with the current session */
inline seal(type)
{
	assert(alive[e] & BIT(current[e])); /* retirement */
	assert(INITIATOR(current[e]) == e || (confirmed & BIT(current[e]))); /* confirmation */
	owes[e] = 0;
	unanswered[e] = unanswered[e] || (calm && type == DATA);
	emit(type, current[e])
}

/* transmit_burst */
inline send_data()
{
	if
	:: current[e] != NONE -> seal(DATA)
	:: else -> staged[e] = 1; begin()
	fi
}

/* transmit_keepalive */
inline send_keepalive()
{
	if
	:: current[e] != NONE && staged[e] -> staged[e] = 0; seal(DATA)
	:: current[e] != NONE && !staged[e] -> seal(KEEPALIVE)
	:: else -> begin()
	fi
}

/* ----------------------------------------------------------------- receive.c */

/* find_session to receive_finish and on_authentic */
inline on_data(type, session)
{
	if
#ifdef KEEP_INDEX_OF_RETIRED
	:: true ->
#else
	:: HOLDS(e, session) ->
#endif
		assert(alive[e] & BIT(session)); /* retirement */
		confirmed = (INITIATOR(session) == e -> confirmed : confirmed | BIT(session));
		refused = false;
		unanswered[e] = 0;
		owes[e] = owes[e] || (calm && type == DATA);
		if
		:: session == next[e] -> confirm()
		:: else
		fi
	:: else ->
		refused = calm;
#ifdef FAITHFUL
		assert(unclean) /* lossless */
#endif
	fi
}

/* -------------------------------------------------------------- ends, network */

proctype end(bit e)
{
	byte what;
	bool kept;
	do
	/* device_put_datagrams */
	:: d_step { link[e]?INITIATION(what) -> on_initiation(what); what = 0 }
	:: d_step { link[e]?RESPONSE(what) -> on_response(what); what = 0 }
	:: d_step { link[e]?DATA(what) -> on_data(DATA, what); what = 0 }
	:: d_step { link[e]?KEEPALIVE(what) -> on_data(KEEPALIVE, what); what = 0 }

	/* device_put_inner */
	:: d_step { calm && !silent[e] && CAN_SEND -> send_data() }

	/* session_wants_rekey_on_send, session_wants_rekey_on_receive: by messages, either role */
	:: d_step { calm && current[e] != NONE && !attempt[e] && MAY_INITIATE -> begin() }

	/* device_tick */
	:: d_step { early[e] && AT_REST -> early[e] = 0; unclean = false }
#ifndef NO_RETRY
	:: d_step { attempt[e] && !early[e] && AT_REST -> initiate() } /* negotiate_retry */
#endif
#ifndef NO_PASSIVE_KEEPALIVE
	:: d_step { owes[e] && AT_REST -> owes[e] = 0; send_keepalive() }
#endif
#ifndef NO_NEW_HANDSHAKE
	:: d_step { unanswered[e] && AT_REST && !owes[OTHER] -> unanswered[e] = 0; begin() }
#endif

	/* Hostile: what packets and timers may cause, at any moment. */
	:: d_step { !calm && current[e] != NONE -> seal(KEEPALIVE) }
	:: d_step { !calm && MAY_INITIATE -> initiate() }
	:: d_step { !calm && pending[e] != NONE -> pending[e] = NONE } /* give_up */
	:: d_step { !calm && alive[e] -> clear() }		       /* erase_keys */
	:: d_step { !calm && restarts < RESTARTS -> /* all is lost but the clock */
		restarts++;
		life[e] = 1;
		clear();
		pending[e] = NONE;
		latest[e] = 0 }
	od
}

/* The timers count again, those of attempts under way from now on. */
inline become_calm()
{
	d_step {
		attempt[0] = pending[0] != NONE;
		attempt[1] = pending[1] != NONE;
		calm = true
	}
}

/* What is first may be lost, come twice, or be overtaken by the rest. */
#define DISTURB(e) \
	:: d_step { len(link[e]) > 0 -> link[e]?type(what); type = 0; what = 0 } \
	:: d_step { len(link[e]) == 1 -> \
		link[e]?<type(what)>; link[e]!type(what); type = 0; what = 0 } \
	:: d_step { len(link[e]) > 1 -> \
		link[e]?type(what); link[e]!type(what); type = 0; what = 0 }

proctype network()
{
	mtype type;
	byte what;
	do
	DISTURB(0)
	DISTURB(1)
#ifndef NEVER_CALM
	:: become_calm(); break
	:: silent[0] = 1; become_calm(); break
	:: silent[1] = 1; become_calm(); break
#endif
	od
}

/* At first there is no session, or one that either of them has initiated. */
init
{
	byte session;
	if
	:: true
	:: d_step { session = SESSION(MADE_BY(0, 1), 0); latest[1] = MADE_BY(0, 1) }
	:: d_step { session = SESSION(MADE_BY(1, 1), 0); latest[0] = MADE_BY(1, 1) }
	fi;
	atomic {
		initiations[0] = 1;
		initiations[1] = 1;
		current[0] = session;
		current[1] = session;
		alive[0] = (session != NONE -> BIT(session) : 0);
		alive[1] = alive[0];
		confirmed = alive[0];
		session = NONE;
		run end(0);
		run end(1);
#ifdef FAITHFUL
		calm = true
#else
		run network()
#endif
	}
}

#define ARRIVES(e) ((alive[1 - e] & BIT(current[e])) != 0) /* what e sends */

ltl settles {
	always (calm implies eventually always (ARRIVES(0) && ARRIVES(1) && !refused))
}
ltl same {
	always (calm implies eventually always (ARRIVES(0) && current[0] == current[1]))
}

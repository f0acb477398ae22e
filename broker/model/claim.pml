/* claim.pml - admission, claim, withdrawal: every interleaving of a small hub.
 *
 * For: tests/checks/model.sh, which has spin look at all of them. What is proved is
 * asserted below, beside the number that design 11 gives it:
 *
 *   1  what was told (admitted, withdrawn) is not lost by a failover;
 *   2  nothing is admitted without a permit that holds in that transaction, and
 *      nothing reaches an office without one that held in its claim, which by then
 *      is committed and on the standby;
 *   3  after a withdrawal commits there is no new claim; the notice names exactly
 *      what was claimed before, and gets there; what it asks back does not come
 *      after it;
 *   -  while a case is suspended nothing of it is admitted or claimed, and when that
 *      is lifted all that waited goes on (with -DDOUBT, where it is suspended once);
 *   -  every run comes to its end, and then every message is delivered, stopped or
 *      expired, and who asked was answered: none lost, none stuck.
 *
 * Two brokers on one primary with a synchronous standby; one case, and one office
 * that receives. Delivery 0 is admitted while we look, delivery 1 waits from the
 * start (not with -DONE), delivery 2 is the withdrawal notice. Faults come at any
 * moment: without end, or with -DFAULTS=n at most n; only then does a run end at all.
 *
 * What stands for what:
 *   admission         admit.c: attempt_run, for a sender who asks until answered
 *   withdrawal        withdrawal.c, inside the same attempt_run
 *   suspension        suspension.c, likewise: the word, then the answer that lifts it
 *   deliverer         claim.c: claim_round, one thread in each broker
 *   office            the agent; session.c: open_in_database; receipt.c: mark
 *   timers            claim.c: claim_timers, of whichever broker
 *   cluster           PostgreSQL's replication, and what promotes the standby
 *   sharers, holder   who has the row of corridor.avrr_case: FOR SHARE (facts.c:
 *                     ask_cases), FOR UPDATE (there, and withdrawal.c: authorise)
 *   locked            the rows of corridor.delivery that an UPDATE has
 *   d_step            a statement, or several with nothing between that anyone else
 *                     could do; with commit() in it, all that its COMMIT makes seen
 *
 * What is left out, and why that hides nothing:
 *   - What a transaction wrote is seen from its COMMIT on, here also while that waits
 *     for the standby. PostgreSQL hides it for as long; but its locks stay, and what
 *     is read without one (look) is asked again by the UPDATE that acts on it. Only
 *     where a lock is not asked for (hello) is the row passed over instead.
 *   - A transaction of one statement is one step and waits for nothing: nobody is
 *     told of it, so to lose it is as if it had not run.
 *   - A crash of a broker is the sum of what it does, each of which happens here by
 *     itself, at any moment: its transactions end (before COMMIT as if never begun,
 *     at COMMIT in doubt), what it was to send is not sent, its session is gone. A
 *     broken connection, a cancelled wait for the standby and the fall of the primary
 *     leave a commit in the same doubt.
 *   - A primary that lives on behind its promoted standby hears no acknowledgement
 *     again: whatever a broker does there stays in doubt, and is not acted upon.
 *   - Leases have no clock and run out at any moment; give_back is one that runs out
 *     at once, and the broker named in a lease has no other use.
 *   - What is sent arrives at once and in order, or not at all: when the office does
 *     something about it is open. It listens on its newest connection alone.
 *   - Neither windows nor order within a queue: more can be claimed than in the code.
 *   - Further recipients and withdrawals meet these only at the lock of the case, other
 *     cases nowhere. Cards and agreements are to the gate-epoch row (registry_hold)
 *     what a consent is to its case. The duty to answer is a row of the withdrawal's
 *     own commit (ask); that it is met or escalated is invariant 8. That a message sent
 *     to two brokers is admitted once is the dedupe table's key, and invariant 4.
 *
 * With -DBREAK=... the protocol is broken on purpose; model.sh demands that each way
 * is found out. */

#define NO_LOCK 1              /* claims without the lock of the case */
#define READ_BEFORE_LOCK 2     /* claims by what was read before it was granted */
#define NO_REGATE 3            /* sends again by the permit of the first claim */
#define LIST_BEFORE_LOCK 4     /* lists recipients before the withdrawal has its lock */
#define ADMIT_BLIND 5          /* admits without the lock of the case */
#define SEND_BEFORE_COMMIT 6   /* sends what may not be claimed in the end */
#define TRUST_CANCELLED_SYNC 7 /* believes a COMMIT that warns */
#define DUPLICATE_AT_ONCE 8    /* answers again without a commit of its own */
#define NO_FENCE 9             /* sends a claim to whatever session the office has by now */
#define NO_LEASE 10            /* what was claimed stays claimed */
#define SUSPEND_BLIND 11       /* suspends without the lock of the case */
#define LIFT_BLIND 12          /* lifts without it */
#ifndef BREAK
#define BREAK 0
#endif

#define BIT(x) (1 << (x))
#define NOTICE 2
#define DELIVERIES 3
#define PERSONAL (BIT(0) | BIT(1))
#ifdef ONE
#define AT_START DELIVERED
#else
#define AT_START QUEUED
#endif

#ifdef FAULTS
byte faults = FAULTS;
#define FAULT (faults > 0)
#define SPEND faults--
#else
#define FAULT true
#define SPEND skip
#endif

/* delivery.state; stopped and expired are one: ends of which the sender is told;
 * aside: waits for the end of a suspension */
#define ABSENT 0
#define QUEUED 1
#define CLAIMED 2
#define DELIVERED 3
#define ENDED 4
#define ASIDE 5

/* What a database server has of the case. */
typedef rows {
  byte state[DELIVERIES];
  byte first;   /* first_claimed_at is set: a bit for each delivery */
  byte asked;   /* the message ids that the withdrawal notice names */
  bit withdrawn; /* the consent they stand on */
  bit suspended
}
rows P, S;      /* the primary; the standby, which has all of it up to some commit */
bit behind;     /* the standby lacks something: */
byte pending;   /* also the commits of these, who wait for it: BIT(who) */
#define ADMISSION 2 /* who, beside broker 0 and 1 */
#define WITHDRAWAL 3
#define SUSPENSION 4

byte sharers;   /* how many have the case FOR SHARE */
bit holder;     /* somebody has it FOR UPDATE */
byte locked;    /* deliveries */

bit at;         /* the broker to which the office is connected */
bit bound;      /* what that broker's deliverer is at was looked up for this very session */
byte seen;      /* deliveries the office has on disk */
byte due;       /* receipts it is about to send */

bit wants;      /* the person withdraws, sooner or later */
bit told;       /* that this is done */
bit doubt;      /* somebody says so without proof, sooner or later */
bit lifting;    /* the answer to it is under way, or was */
byte said;      /* of that was told: 1 the word is kept, 2 it is lifted, or nothing is left to lift */
byte sender;    /* of delivery 0 was told: */
#define NOTHING 0
#define REFUSED 1
#define ADMITTED 2

hidden byte h;  /* counts within a step */

inline set(k, to) { P.state[k] = to; behind = 1 }
#define unlocked(k) !(locked & BIT(k))

inline copy(from, to) {
  for (h : 0 .. DELIVERIES - 1) { to.state[h] = from.state[h] }
  to.first = from.first; to.asked = from.asked; to.withdrawn = from.withdrawn;
  to.suspended = from.suspended;
  h = 0; behind = 0; pending = 0
}

/* What holds of every state the primary is ever in. */
inline judge() {
  assert(!told || P.withdrawn); /* 1, 3: nobody is told of a withdrawal that is lost */
  assert(sender != ADMITTED || P.state[0] != ABSENT); /* 1: nor of an admission */
  assert(said != 1 || P.suspended || P.withdrawn || lifting); /* 1: nor of a suspension */
  assert(!P.withdrawn || P.asked == (P.first & PERSONAL)); /* 3: list = claims */
  assert((P.state[NOTICE] != ABSENT) == (P.asked != 0)) /* 3: who is on it is asked */
}

/* db_commit: COMMIT is in the primary's log, and waits for the standby's word. True
 * when that came; false when the connection broke or the wait was cancelled, which
 * is a COMMIT that warns: it may hold all the same, and nobody is told. */
inline commit(who) { behind = 1; pending = pending | BIT(who); judge() }
#define committed(who) (BREAK == TRUST_CANCELLED_SYNC || !(pending & BIT(who)))
inline go_on(who) { pending = pending & ~BIT(who) }
inline in_doubt(who) {
  SPEND; go_on(who);
  printf("db.c: the commit of %d is in doubt (0, 1 a broker's claim, 2 admission, 3 withdrawal)\n", who)
}

/* ---- admit.c: dedupe, gate, one transaction, receipt ---- */

#define ADMIT_LOCKS (BREAK != ADMIT_BLIND)

proctype admission() {
  bit permit;
end:
  do
  /* The same bytes again: the first receipt, after a commit of its own (write_time)
   * that brought the standby all before it. */
  :: d_step { sender == NOTHING && P.state[0] != ABSENT -> commit(ADMISSION) }
     if
     :: d_step { committed(ADMISSION) -> go_on(ADMISSION); sender = ADMITTED }
     :: d_step { FAULT -> in_doubt(ADMISSION) }
     fi
  /* facts_load: the lock, then the consent in a statement of its own. */
  :: d_step { sender == NOTHING && P.state[0] == ABSENT && !(holder && ADMIT_LOCKS) ->
       sharers = sharers + ADMIT_LOCKS;
       permit = !P.withdrawn && !P.suspended;
       printf("admit.c: message 0 is judged, permit %d\n", permit) }
     d_step {
       if
       :: permit -> P.state[0] = QUEUED;
          printf("admit.c: message 0 is admitted\n");
          assert(!P.withdrawn && !P.suspended) /* 2: the permit still holds */
       :: else
       fi;
       commit(ADMISSION) }
     if
     :: d_step { committed(ADMISSION) -> go_on(ADMISSION);
          sharers = sharers - ADMIT_LOCKS; sender = REFUSED + permit; permit = 0 }
     :: d_step { FAULT -> in_doubt(ADMISSION); sharers = sharers - ADMIT_LOCKS; permit = 0 }
     fi
  od
}

/* ---- withdrawal.c ---- */

inline ask_recipients() {
  list = P.first & PERSONAL;
  printf("withdrawal.c: the recipients of %d are listed (a bit each)\n", list)
}

inline tell() { go_on(WITHDRAWAL); told = 1; printf("withdrawal.c: the withdrawer is told\n") }

proctype withdrawal() {
  byte stopping, list;
end:
  do
  :: d_step { wants && !told && P.withdrawn ->
       if :: BREAK != DUPLICATE_AT_ONCE -> commit(WITHDRAWAL) :: else fi }
     if
     :: d_step { committed(WITHDRAWAL) -> tell() }
     :: d_step { FAULT -> in_doubt(WITHDRAWAL) }
     fi
#if BREAK == LIST_BEFORE_LOCK
  :: d_step { wants && !told && !P.withdrawn -> ask_recipients() }
     d_step { !holder && sharers == 0 -> holder = 1 }
#else
  :: d_step { wants && !told && !P.withdrawn && !holder && sharers == 0 -> holder = 1 }
#endif
     /* stop_waiting, ask_recipients. No claim is under way: no row here is locked. */
     d_step { holder ->
       for (h : 0 .. 1) {
         if :: P.state[h] == QUEUED || P.state[h] == ASIDE -> stopping = stopping | BIT(h) :: else fi }
       h = 0; locked = locked | stopping;
       if :: BREAK != LIST_BEFORE_LOCK -> ask_recipients() :: else fi }
     d_step {
       P.withdrawn = 1; P.suspended = 0;
       for (h : 0 .. 1) { if :: stopping & BIT(h) -> P.state[h] = ENDED :: else fi }
       P.asked = list;
       if :: list -> P.state[NOTICE] = QUEUED :: else fi;
       printf("withdrawal.c: consent is withdrawn, %d is stopped (a bit each)\n", stopping);
       h = 0; list = 0;
       commit(WITHDRAWAL) }
     if
     :: d_step { committed(WITHDRAWAL) -> tell() }
     :: d_step { FAULT -> in_doubt(WITHDRAWAL) }
     fi
     d_step { holder = 0; locked = locked & ~stopping; stopping = 0 }
  od
}

/* ---- suspension.c: the word without the code, and the answer to it ---- */

#ifdef DOUBT
#define MAY_SUSPEND (BREAK == SUSPEND_BLIND || (!holder && sharers == 0))
#define MAY_LIFT (BREAK == LIFT_BLIND || (!holder && sharers == 0))

inline end_suspension() {
  P.suspended = 0;
  for (h : 0 .. 1) { if :: P.state[h] == ASIDE && unlocked(h) -> P.state[h] = QUEUED :: else fi }
  h = 0
}

proctype suspension() {
  bit mine; /* has the lock */
end:
  do
  /* The same bytes again; or a case that is withdrawn, where there is nothing to do. */
  :: d_step { doubt && said == 0 && (P.suspended || P.withdrawn) -> commit(SUSPENSION) }
     if
     :: d_step { committed(SUSPENSION) -> go_on(SUSPENSION); said = 1 }
     :: d_step { FAULT -> in_doubt(SUSPENSION) }
     fi
  :: d_step { doubt && said == 0 && !P.suspended && !P.withdrawn && MAY_SUSPEND ->
       mine = BREAK != SUSPEND_BLIND; holder = holder | mine;
       P.suspended = 1; printf("suspension.c: the case is suspended\n");
       commit(SUSPENSION) }
     if
     :: d_step { committed(SUSPENSION) -> go_on(SUSPENSION); said = 1; if :: mine -> holder = 0 :: else fi; mine = 0 }
     :: d_step { FAULT -> in_doubt(SUSPENSION); if :: mine -> holder = 0 :: else fi; mine = 0 }
     fi
  :: d_step { said == 1 && MAY_LIFT ->
       mine = BREAK != LIFT_BLIND; holder = holder | mine; lifting = 1;
       if :: P.suspended -> end_suspension(); printf("suspension.c: it is lifted\n") :: else fi;
       commit(SUSPENSION) }
     if
     :: d_step { committed(SUSPENSION) -> go_on(SUSPENSION); said = 2; if :: mine -> holder = 0 :: else fi; mine = 0 }
     :: d_step { FAULT -> in_doubt(SUSPENSION); if :: mine -> holder = 0 :: else fi; mine = 0 }
     fi
  od
}
#endif

/* ---- claim.c: claim (gate again), commit, send ---- */

/* A broker may claim for an office that has left unnoticed: a fault. */
#define may_look(k) (P.state[k] == QUEUED && (at == b || FAULT))
#define CASE_GRANTED !(holder && BREAK != NO_LOCK && BREAK != READ_BEFORE_LOCK)
#define SHARES (i != NOTICE && BREAK != NO_LOCK)
#define PERMIT (i == NOTICE || (!P.withdrawn && !P.suspended) || (BREAK == NO_REGATE && P.first & BIT(i)))
#define WAITS (i != NOTICE && P.suspended)
#define SAME_SESSION (at == b && (bound || BREAK == NO_FENCE))

inline unlock() { locked = locked & ~held; held = 0; sharers = sharers - SHARES }
inline rest() { i = 0; claimed = 0; if :: at == b -> bound = 0 :: else fi }

inline send() {
  printf("claim.c: broker %d sends delivery %d\n", b, i);
  assert(S.first & BIT(i)); /* 2: claimed, which nothing can undo */
  assert(i == NOTICE || !(seen & BIT(NOTICE)) || seen & BIT(i)); /* 3: what is asked back does not come after */
  seen = seen | BIT(i);
  due = due | BIT(i)
}

proctype deliverer(byte b) {
  byte i, held;
  bit permit, claimed, waits;
end:
  do
  /* look; then judge: the lock, and when it is granted the consent. */
  :: d_step {
       if
       :: may_look(0) && CASE_GRANTED -> i = 0
       :: may_look(1) && CASE_GRANTED -> i = 1
       :: may_look(NOTICE) -> i = NOTICE
       fi;
       if :: at == b -> bound = 1 :: else -> SPEND fi;
       if :: BREAK != READ_BEFORE_LOCK -> sharers = sharers + SHARES :: else fi;
       permit = PERMIT; waits = WAITS;
       printf("claim.c: broker %d judges delivery %d, permit %d\n", b, i, permit) }
#if BREAK == READ_BEFORE_LOCK
     d_step { !(SHARES && holder) -> sharers = sharers + SHARES }
#endif
#if BREAK == SEND_BEFORE_COMMIT
     d_step { if :: permit && at == b -> send() :: else fi }
#endif
     /* mark_claimed, stop_refused: each UPDATE waits for the row and looks again. */
     d_step { unlocked(i) ->
       if
       :: P.state[i] == QUEUED && permit ->
          printf("claim.c: broker %d claims delivery %d\n", b, i);
          assert(i == NOTICE || !P.withdrawn); /* 2: the permit still holds; 3: no claim after */
          assert(i == NOTICE || !P.suspended); /* 2: nor of what is suspended */
          P.state[i] = CLAIMED; P.first = P.first | BIT(i); claimed = 1; held = BIT(i)
       :: P.state[i] == QUEUED && waits -> P.state[i] = ASIDE; held = BIT(i)
       :: P.state[i] == QUEUED && !permit && !waits -> P.state[i] = ENDED; held = BIT(i)
       :: else
       fi;
       locked = locked | held; permit = 0; waits = 0;
       commit(b) }
     if
     :: d_step { committed(b) && claimed -> go_on(b); unlock() }
        if
        :: d_step { SAME_SESSION -> send(); rest() }
        :: d_step { !SAME_SESSION -> rest() } /* give_back, or sent into the void */
        :: d_step { SAME_SESSION && FAULT -> SPEND; rest(); /* crashed, or the network failed */
             printf("claim.c: what broker %d was to send is lost\n", b) }
        fi
     :: d_step { committed(b) && !claimed -> go_on(b); unlock(); rest() }
     :: d_step { FAULT -> in_doubt(b); unlock(); rest() }
     fi
  od
}

/* ---- the office: session.c, receipt.c ---- */

/* A new connection, and its HELLO: what the former session had claimed is given back,
 * but for a claim whose commit still waits and is not seen. */
inline hello(b) {
  SPEND; at = b; bound = 0;
  for (h : 0 .. DELIVERIES - 1) { if :: P.state[h] == CLAIMED && unlocked(h) -> set(h, QUEUED) :: else fi }
  h = 0;
  printf("session.c: the office connects to broker %d\n", b)
}

/* Good also for what was queued again or stopped meanwhile. */
#define may_receipt(k) (due & BIT(k) && unlocked(k))
inline receipt(k) {
  due = due & ~BIT(k);
  if :: P.first & BIT(k) && P.state[k] != DELIVERED -> set(k, DELIVERED) :: else fi
}

proctype office() {
end:
  do
  :: d_step { FAULT -> hello(0) }
  :: d_step { FAULT -> hello(1) }
  :: d_step { may_receipt(0) -> receipt(0) }
  :: d_step { may_receipt(1) -> receipt(1) }
  :: d_step { may_receipt(NOTICE) -> receipt(NOTICE) }
  :: d_step { due && FAULT -> SPEND; due = 0; printf("office: its receipts are lost on the way\n") }
  od
}

/* ---- claim.c: claim_timers ---- */

#define may_lapse(k) (P.state[k] == CLAIMED && unlocked(k) && BREAK != NO_LEASE)
inline lapse(k) { set(k, QUEUED); printf("claim.c: the lease of delivery %d runs out\n", k) }

proctype timers() {
end:
  do
  :: d_step { may_lapse(0) && FAULT -> SPEND; lapse(0) }
  :: d_step { may_lapse(1) && FAULT -> SPEND; lapse(1) }
  :: d_step { may_lapse(NOTICE) && FAULT -> SPEND; lapse(NOTICE) }
  :: d_step { P.state[0] == QUEUED && unlocked(0) && FAULT -> SPEND; set(0, ENDED);
       printf("claim.c: message 0 expires\n") }
  /* It is no fault when nothing else is left to happen. */
  :: atomic { timeout && may_lapse(0) -> lapse(0) }
  :: atomic { timeout && may_lapse(1) -> lapse(1) }
  :: atomic { timeout && may_lapse(NOTICE) -> lapse(NOTICE) }
  od
}

/* ---- the database servers ---- */

proctype cluster() {
end:
  do
  :: d_step { behind -> copy(P, S) }
  /* Whoever was at its commit is in doubt by now, and no lock is left. */
  :: d_step { FAULT && behind && sharers == 0 && !holder && pending == 0 -> SPEND;
       printf("cluster: the standby takes over, without what it lacks\n");
       copy(S, P); judge() }
  od
}

/* Nothing more can happen. */
proctype last() {
end:
  atomic { timeout && !may_lapse(0) && !may_lapse(1) && !may_lapse(NOTICE) ->
    assert(sender != NOTHING && told == wants && said == 2 * doubt); /* who asked is answered */
    assert(sender == REFUSED || P.state[0] == DELIVERED || P.state[0] == ENDED); /* a message has its end */
    assert(P.state[1] == DELIVERED || P.state[1] == ENDED); /* a message has its end */
    assert(!P.asked || P.state[NOTICE] == DELIVERED) /* 3: the question is on the office's disk */ }
}

init {
  if :: wants = 1 :: skip fi;
#ifdef DOUBT
  doubt = 1;
#endif
  atomic {
    P.state[1] = AT_START; S.state[1] = AT_START;
    run admission(); run withdrawal(); run deliverer(0); run deliverer(1);
    run office(); run timers(); run cluster(); run last();
#ifdef DOUBT
    run suspension()
#endif
  }
}

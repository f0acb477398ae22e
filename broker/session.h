/* session.h - offices connected through the door.
 *
 * One session per office, fenced by an epoch in the database: a newer HELLO cuts
 * the older connection, on whichever broker. */
#ifndef BROKER_SESSION_H
#define BROKER_SESSION_H
#include "core.h"
#include <corridor/v1/session.pb-c.h>
#include <pthread.h>

enum {
  SESSIONS_MAX = 4096,
  SESSION_PLACES = 2 * SESSIONS_MAX, /* of the index: never more than half full */
  SESSION_WINDOW = 256,
  SESSION_LANES = 3, /* parts of attachments, in order, overtaking: lowest first */
  SESSION_WINDOW_BYTES = 16 * 1024 * 1024,
  SESSION_DELIVERY_BYTES = 8 * 1024 * 1024 /* well below what the door holds for a slow reader */
};

typedef struct session {
  uint64_t connection;
  char office[COR_OFFICE_MAX + 1];
  bool open;        /* HELLO accepted */
  bool quarantined; /* its store went backwards: nothing new is taken from it */
  uint64_t epoch;
  uint64_t taken_n; /* last submission number taken */
  uint64_t answered_n;
  uint64_t delivered_n; /* last delivery number sent */
  uint32_t window;      /* deliveries the agent takes unreceipted */
  uint64_t window_bytes;
  uint32_t in_flight; /* sent, not receipted */
  uint64_t in_flight_bytes;
  bool due;                         /* something may wait for it */
  bool look_back;                   /* perhaps further back than where its queue began */
  int64_t look_from[SESSION_LANES]; /* the deliverer's: where its queue began, by lane */
  uint64_t look_n;                  /* delivered_n when that was read: where nothing left, it stands */
  bool cards_due;                   /* the core's: a newer list is to be sent */
} session;

/* The core's thread alone adds, removes and reads without asking. The deliverer's
 * looks, sends and counts under the lock, and so does the core where it changes
 * what the deliverer reads: the list, open, due, window and in_flight. */
struct sessions {
  session *list;
  size_t n;
  uint16_t by_office[SESSION_PLACES], by_connection[SESSION_PLACES];
  pthread_mutex_t lock;
};

struct sessions *sessions_new(void);
void sessions_destroy(struct sessions **all);
session *session_find(struct sessions *all, uint64_t connection);
session *session_of(struct sessions *all, const char *office);
/* NULL when full. */
session *session_add(struct sessions *all, uint64_t connection, const char *office);
void session_remove(struct sessions *all, uint64_t connection);
void sessions_clear(struct sessions *all);

/* HELLO: version, office id, fencing, store regression; answers WELCOME and,
 * if the agent's list is older, CARDS. On refusal says BYE and cuts. */
void session_hello(core *c, session *s, const Corridor__V1__Hello *hello);
/* The newest list; while there is no room for it, it stays due. */
void session_send_cards(core *c, session *s);
/* The newer list to those who lack it, as far as the door's queue has room. */
void session_send_due_cards(core *c);
/* Which keys may connect; told again by session_follow_cards until it is heard. */
void session_tell_door(core *c);
/* Loads what changed in the registry: the door first (it cuts whose key is gone),
 * then every open session. False: the database did not answer. */
bool session_follow_cards(core *c) COR_MUST_CHECK;
/* One delivery of so many bytes to the office is no longer in flight: receipted, or
 * its lease ran out. By office: the receipt of a session that was replaced counts
 * for the one that took its claims over. */
void session_landed(struct sessions *all, const char *office, uint64_t bytes);
void sessions_due_all(struct sessions *all);
/* Committed mail waits for these offices. */
void session_due(struct sessions *all, const core_waiter *waiters, size_t n);
/* BYE with a code, then the door cuts. The session is removed. */
void session_bye(core *c, uint64_t connection, int code);
#endif

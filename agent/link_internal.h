/* link_internal.h - what the link_*.c files share: one session and its socket.
 * Only the link's own thread touches a session; facts and metrics are shared. */
#ifndef AGENT_LINK_INTERNAL_H
#define AGENT_LINK_INTERNAL_H
#include "link.h"
#include "link_relay.h"

#include "corridor/envelope.h"
#include "corridor/frames.h"

#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

enum {
  LINK_FLIGHT_MAX = 256, /* submissions unanswered, at most */
  LINK_BATCH_MAX = 64,   /* deliveries per transaction */
  LINK_BATCH_BYTES = 8 * 1024 * 1024,
  LINK_FLIGHT_BYTES = 16 * 1024 * 1024, /* and so many bytes, whatever window the hub names */
  LINK_WINDOW_MESSAGES = 64,            /* what we let the hub send unreceipted */
  LINK_WINDOW_BYTES = 16 * 1024 * 1024
};

typedef enum link_metric {
  LINK_CONNECTED,
  LINK_SESSIONS,
  LINK_SUBMITTED,
  LINK_ADMITTED,
  LINK_REFUSED,
  LINK_POSTPONED,
  LINK_RECEIVED,
  LINK_REDELIVERED,
  LINK_REJECTED,
  LINK_CONFLICTS,
  LINK_METRICS
} link_metric;

typedef enum link_state {
  LINK_WAITING,
  LINK_GREETING,
  LINK_OPEN,
  LINK_LEAVING,
  LINK_DONE,
  LINK_STATES
} link_state;

typedef enum link_event { LINK_ON_DUE, LINK_ON_WELCOMED, LINK_ON_LOST, LINK_ON_STOP, LINK_EVENTS } link_event;

typedef struct link_flight {
  uint64_t n;
  int64_t row;
  int type, compartment;
  bool is_part; /* of an attachment */
  uint8_t id[COR_ID_LEN], header_hash[COR_HASH_LEN];
  size_t bytes;
} link_flight;

/* A message as it came in; the frames live in the parts. */
typedef struct link_message {
  zmq_msg_t parts[COR_FRAMES_MAX];
  size_t n;
  cor_frames frames;
} link_message;

struct agent_link {
  agent *a;
  pthread_t thread;
  int wake_fd;
  _Atomic bool stopping, lifted;
  pthread_mutex_t facts_lock;
  link_facts facts;
  cor_metric metrics[LINK_METRICS];

  void *zmq, *socket, *monitor;
  link_relay *relay; /* between the socket and the broker */
  unsigned sockets;  /* made so far: names the monitors */
  link_state state;
  size_t broker;     /* index of the one to try next */
  unsigned attempts; /* in a row without a lasting session */
  int64_t deadline;  /* monotonic: next try, WELCOME due, leaving ends */
  int64_t opened_at, heard_at, pinged_at;
  bool quarantined, unkept; /* unkept: told of it, and not yet on disk */
  uint64_t next_n, window_bytes, flight_bytes;
  size_t window_messages, n_flight;
  link_flight flight[LINK_FLIGHT_MAX];
  int64_t look_at;  /* monotonic: when the outbox is worth another look */
  uint64_t through; /* deliveries 1..through are durable here */
  link_message batch[LINK_BATCH_MAX];
  size_t n_batch, batch_bytes;
  cor_sign_memory *memory;
};

/* link.c */
void link_count(agent_link *l, link_metric which);
/* Messages of restricted compartments are not counted: /metrics has readers who
 * may not learn of them. */
void link_count_message(agent_link *l, link_metric which, int compartment);
void link_happen(agent_link *l, link_event what, int code); /* the one place where state changes */
void link_quarantine_set(agent_link *l, bool quarantined);  /* here and in the facts; not on disk */

/* link_command.c: takes what has arrived, bounded */
void link_receive(agent_link *l);

/* link_socket.c */
bool link_socket_open(agent_link *l, const char *broker, cor_error *err) COR_MUST_CHECK;
void link_socket_close(agent_link *l, int linger_ms);
bool link_socket_lost(agent_link *l); /* the monitor says so */
/* Takes the bytes of message (and body) as they are; body.data NULL = none. */
bool link_socket_send(agent_link *l, cor_command command, const ProtobufCMessage *message, cor_bytes body,
                      cor_error *err) COR_MUST_CHECK;
/* ABSENT: nothing there. ERROR: not a message of this protocol. */
store_found link_socket_receive(agent_link *l, link_message *out, cor_error *err) COR_MUST_CHECK;
void link_message_clear(link_message *message);

/* link_send.c: the outbox goes out, answers come in */
bool link_submit(agent_link *l, cor_error *err) COR_MUST_CHECK;
bool link_on_results(agent_link *l, const cor_frames *frames, cor_error *err) COR_MUST_CHECK;

/* link_take.c: deliveries come in, receipts go out */
bool link_take_batch(agent_link *l, cor_error *err) COR_MUST_CHECK;

/* link_notice.c: what a hub notice changes here; in the caller's transaction.
 * A notice about one of our restricted messages stands where that stands: who may
 * not see the message may not see its end. The end of a part of an attachment stands
 * in no list. */
store_taken link_notice_put(agent_link *l, const ProtobufCMessage *notice, store_message *as,
                            uint64_t sequence, cor_buf *receipt, cor_error *err) COR_MUST_CHECK;
bool link_notice_apply(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                       const ProtobufCMessage *notice, cor_error *err) COR_MUST_CHECK;

/* link_bundle.c: each notice of a bundle just kept, as if it had come alone; in the
 * caller's transaction. *ordinary: how many were new and are nobody's secret here. */
bool link_bundle_apply(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                       const Corridor__V1__NoticeBundle *bundle, const store_message *kept, uint64_t sequence,
                       size_t *ordinary, cor_error *err) COR_MUST_CHECK;

/* link_erasure.c: what this office had erased before its store went back; in the
 * caller's transaction. */
bool link_erasure_again(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                        const Corridor__V1__WithdrawalNotice *notice, cor_error *err) COR_MUST_CHECK;
#endif

/* link.c - the session with the hub: connect, greet, talk, lose it, try again.
 *
 * One thread owns the socket. Its state is one table of state x event; each
 * change is logged. Guarantees: brokers are tried in the configured order, with
 * exponential backoff and full jitter between tries (100 ms to 30 s of real
 * time), so that offices do not return to a restarted hub in step; a session
 * that brings nothing for 25 s, or that the monitor calls lost, is given up. A
 * broken rule of the protocol ends the session, never the agent. Nothing is
 * fatal here; what is queued stays queued. */
#include "link_internal.h"

#include "corridor/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
  BACKOFF_FIRST_MS = 100,
  BACKOFF_MAX_MS = 30000,
  GREETING_MS = 10000, /* CURVE handshake, HELLO and WELCOME */
  LASTING_MS = 1000,   /* a session this long starts the backoff anew */
  IDLE_MS = 10000,
  DEAD_MS = 25000,
  LEAVING_MS = 3000,
  POLL_MAX_MS = 1000
};

static const cor_metric metric_rows[LINK_METRICS] = {
    [LINK_CONNECTED] = {"corridor_agent_connected", "1 while a session with a broker is open", false, 0},
    [LINK_SESSIONS] = {"corridor_agent_sessions_total", "Sessions opened", true, 0},
    [LINK_SUBMITTED] = {"corridor_agent_submitted_total", "Messages submitted, repeats included", true, 0},
    [LINK_ADMITTED] = {"corridor_agent_admitted_total", "Admission receipts kept", true, 0},
    [LINK_REFUSED] = {"corridor_agent_refused_total", "Messages refused by the hub", true, 0},
    [LINK_POSTPONED] = {"corridor_agent_postponed_total", "Submissions to be tried again later", true, 0},
    [LINK_RECEIVED] = {"corridor_agent_receipted_total",
                       "Deliveries receipted, repeats included; notices of a bundle one by one, once", true,
                       0},
    [LINK_REDELIVERED] = {"corridor_agent_redelivered_total", "Deliveries that were already kept", true, 0},
    [LINK_REJECTED] = {"corridor_agent_rejected_total", "Deliveries that did not verify", true, 0},
    [LINK_CONFLICTS] = {"corridor_agent_conflicts_total", "Deliveries with a known id and another header",
                        true, 0},
};

void link_count(agent_link *l, link_metric which) {
  atomic_fetch_add(&l->metrics[which].value, 1);
}

void link_count_message(agent_link *l, link_metric which, int compartment) {
  if (!(COR_BIT(compartment) & COR_RESTRICTED)) link_count(l, which);
}

cor_metric *link_metrics(agent_link *l, size_t *n) {
  *n = LINK_METRICS;
  return l->metrics;
}

void link_facts_get(agent_link *l, link_facts *out) {
  pthread_mutex_lock(&l->facts_lock);
  *out = l->facts;
  pthread_mutex_unlock(&l->facts_lock);
}

void link_wake(agent_link *l) {
  const uint64_t one = 1;
  /* Fails only when the counter is full, and then the thread is awake anyway. */
  if (write(l->wake_fd, &one, sizeof one) < 0) return;
}

/* ---- quarantine ---- */

void link_quarantine_set(agent_link *l, bool quarantined) {
  l->quarantined = quarantined;
  pthread_mutex_lock(&l->facts_lock);
  l->facts.quarantined = quarantined;
  pthread_mutex_unlock(&l->facts_lock);
}

void link_quarantine_lifted(agent_link *l) {
  atomic_store(&l->lifted, true);
  link_wake(l);
}

static bool read_quarantine(agent_link *l, cor_error *err) {
  store_quarantine kept;
  if (!store_begin(l->a->store, err)) return false;
  const bool ok = store_quarantine_get(l->a->store, &kept, err);
  store_rollback(l->a->store);
  if (ok) link_quarantine_set(l, kept.since != 0 || l->unkept);
  return ok;
}

/* ---- the state table ---- */

static const char *const state_names[] = {"waiting", "greeting", "open", "leaving", "done"};

static void schedule(agent_link *l, int code) {
  bool lasted = l->opened_at != 0 && cor_clock_monotonic_ms() - l->opened_at >= LASTING_MS;
  l->attempts = lasted ? 0 : l->attempts + 1;
  const unsigned doublings = l->attempts < 9 ? l->attempts : 9;
  int64_t most = (int64_t)BACKOFF_FIRST_MS << doublings;
  if (most > BACKOFF_MAX_MS) most = BACKOFF_MAX_MS;
  uint32_t dice;
  cor_random((uint8_t *)&dice, sizeof dice);
  l->deadline = cor_clock_monotonic_ms() + (int64_t)(dice % (uint32_t)most);
  l->opened_at = 0;
  COR_LOG(l->a->log, COR_INFO, "session-ended", COR_CODE(code),
          COR_NUM("retry_ms", l->deadline - cor_clock_monotonic_ms()));
}

static link_state give_up(agent_link *l, int code) {
  for (size_t i = 0; i < l->n_batch; i++)
    link_message_clear(&l->batch[i]);
  l->n_batch = l->batch_bytes = l->n_flight = 0;
  l->flight_bytes = 0;
  link_socket_close(l, 0);
  l->broker++;
  schedule(l, code);
  pthread_mutex_lock(&l->facts_lock);
  l->facts.connected = false;
  l->facts.last_code = code;
  pthread_mutex_unlock(&l->facts_lock);
  atomic_store(&l->metrics[LINK_CONNECTED].value, 0);
  return LINK_WAITING;
}

static bool say_hello(agent_link *l, cor_error *err) {
  Corridor__V1__Hello hello = CORRIDOR__V1__HELLO__INIT;
  uint32_t version = COR_PROTOCOL;
  store_facts facts;
  if (!store_begin(l->a->store, err)) return false;
  bool ok = store_facts_get(l->a->store, &facts, err);
  store_rollback(l->a->store);
  if (!ok) return false;
  hello.n_versions = 1;
  hello.versions = &version;
  hello.office = l->a->office.id;
  hello.software = "corridor-agent/" CORRIDOR_VERSION;
  hello.store_epoch = (ProtobufCBinaryData){COR_ID_LEN, facts.epoch};
  hello.store_sequence = facts.sequence;
  hello.card_list = roster_number(l->a->roster);
  hello.table_version = COR_SOP_VERSION;
  hello.window_messages = LINK_WINDOW_MESSAGES;
  hello.window_bytes = LINK_WINDOW_BYTES;
  return link_socket_send(l, COR_HELLO, &hello.base, (cor_bytes){NULL, 0}, err);
}

static link_state on_due(agent_link *l, int code) {
  cor_error err;
  (void)code;
  const char *broker = cor_config_item(l->a->config, "brokers", l->broker);
  if (broker == NULL) {
    l->broker = 0;
    broker = cor_config_item(l->a->config, "brokers", 0);
  }
  pthread_mutex_lock(&l->facts_lock);
  snprintf(l->facts.broker, sizeof l->facts.broker, "%s", broker);
  pthread_mutex_unlock(&l->facts_lock);
  l->next_n = 1;
  l->through = 0;
  if (!link_socket_open(l, broker, &err) || !say_hello(l, &err)) return give_up(l, err.code);
  l->heard_at = cor_clock_monotonic_ms();
  l->deadline = l->heard_at + GREETING_MS;
  return LINK_GREETING;
}

static link_state on_welcomed(agent_link *l, int code) {
  (void)code;
  l->opened_at = cor_clock_monotonic_ms();
  l->look_at = l->pinged_at = 0;
  link_count(l, LINK_SESSIONS);
  atomic_store(&l->metrics[LINK_CONNECTED].value, 1);
  pthread_mutex_lock(&l->facts_lock);
  l->facts.connected = true;
  l->facts.last_code = 0;
  pthread_mutex_unlock(&l->facts_lock);
  return LINK_OPEN;
}

static link_state on_leave(agent_link *l, int code) {
  (void)code;
  l->deadline = cor_clock_monotonic_ms() + LEAVING_MS;
  return LINK_LEAVING;
}

static link_state on_left(agent_link *l, int code) {
  Corridor__V1__Bye bye = CORRIDOR__V1__BYE__INIT;
  cor_error ignored; /* leaving anyway */
  (void)code;
  bye.code = COR_GOING_DOWN;
  bye.retry = true;
  if (l->socket != NULL && !link_socket_send(l, COR_BYE, &bye.base, (cor_bytes){NULL, 0}, &ignored))
    COR_LOG(l->a->log, COR_DEBUG, "bye-not-sent");
  link_socket_close(l, 500);
  return LINK_DONE;
}

static link_state (*const table[LINK_DONE][LINK_EVENTS])(agent_link *, int) = {
    [LINK_WAITING] = {[LINK_ON_DUE] = on_due, [LINK_ON_STOP] = on_left},
    [LINK_GREETING] = {[LINK_ON_DUE] = give_up,
                       [LINK_ON_WELCOMED] = on_welcomed,
                       [LINK_ON_LOST] = give_up,
                       [LINK_ON_STOP] = on_left},
    [LINK_OPEN] = {[LINK_ON_LOST] = give_up, [LINK_ON_STOP] = on_leave},
    [LINK_LEAVING] = {[LINK_ON_DUE] = on_left, [LINK_ON_LOST] = on_left},
};

void link_happen(agent_link *l, link_event what, int code) {
  const link_state from = l->state;
  if (from >= LINK_DONE || table[from][what] == NULL) return;
  l->state = table[from][what](l, code);
  if (l->state != from)
    COR_LOG(l->a->log, COR_DEBUG, "link-state", COR_WORD("from", state_names[from]),
            COR_WORD("to", state_names[l->state]), COR_CODE(code));
  store_announce(l->a->store);
}

/* ---- the loop ---- */

static int64_t poll_ms(const agent_link *l) {
  const int64_t now = cor_clock_monotonic_ms();
  int64_t until = now + POLL_MAX_MS;
  if (l->state != LINK_OPEN && l->deadline < until) until = l->deadline;
  if (l->state == LINK_OPEN && !l->quarantined && l->n_flight < l->window_messages && l->look_at < until)
    until = l->look_at;
  return until > now ? until - now : 0;
}

static void keep_alive(agent_link *l) {
  const int64_t now = cor_clock_monotonic_ms();
  Corridor__V1__Ping ping = CORRIDOR__V1__PING__INIT;
  cor_error err;
  if (now - l->heard_at >= DEAD_MS) {
    link_happen(l, LINK_ON_LOST, COR_HUB_UNAVAILABLE);
  } else if (now - l->heard_at >= IDLE_MS && l->pinged_at == 0) {
    l->pinged_at = now;
    ping.n = (uint64_t)now;
    if (!link_socket_send(l, COR_PING, &ping.base, (cor_bytes){NULL, 0}, &err))
      link_happen(l, LINK_ON_LOST, err.code);
  }
}

static void heed_lift(agent_link *l) {
  cor_error err;
  if (!atomic_exchange(&l->lifted, false)) return;
  if (!read_quarantine(l, &err)) {
    atomic_store(&l->lifted, true); /* the store will answer another time */
  } else if (!l->quarantined && l->state == LINK_OPEN) {
    link_happen(l, LINK_ON_LOST, COR_STORE_REGRESSED);
  }
}

static void turn(agent_link *l) {
  const int64_t now = cor_clock_monotonic_ms();
  cor_error err;
  heed_lift(l);
  if (atomic_load(&l->stopping)) link_happen(l, LINK_ON_STOP, COR_GOING_DOWN);
  if (l->state != LINK_OPEN && l->state != LINK_DONE && now >= l->deadline)
    link_happen(l, LINK_ON_DUE, l->state == LINK_GREETING ? COR_HUB_UNAVAILABLE : COR_OK);
  if (l->state == LINK_LEAVING && l->n_flight == 0) link_happen(l, LINK_ON_DUE, COR_GOING_DOWN);
  if (l->state != LINK_OPEN) return;
  keep_alive(l);
  if (l->state != LINK_OPEN || l->quarantined || now < l->look_at) return;
  if (!link_submit(l, &err)) {
    COR_LOG(l->a->log, COR_WARN, "submit-failed", COR_CODE(err.code));
    link_happen(l, LINK_ON_LOST, err.code);
  }
}

static void *run(void *arg) {
  agent_link *l = arg;
  l->deadline = cor_clock_monotonic_ms();
  while (l->state != LINK_DONE) {
    turn(l);
    if (l->state == LINK_DONE) break;
    zmq_pollitem_t items[] = {{.fd = l->wake_fd, .events = ZMQ_POLLIN},
                              {.socket = l->socket, .events = ZMQ_POLLIN},
                              {.socket = l->monitor, .events = ZMQ_POLLIN}};
    if (zmq_poll(items, l->socket == NULL ? 1 : 3, (long)poll_ms(l)) <= 0) continue;
    uint64_t wakes;
    if ((items[0].revents & ZMQ_POLLIN) && read(l->wake_fd, &wakes, sizeof wakes) > 0) l->look_at = 0;
    if (l->socket == NULL) continue;
    if (items[1].revents & ZMQ_POLLIN) {
      link_receive(l);
      l->look_at = 0; /* an answer may free the next in its row */
    }
    if (l->socket != NULL && link_socket_lost(l)) {
      link_receive(l); /* what came before the line went still counts */
      link_happen(l, LINK_ON_LOST, COR_HUB_UNAVAILABLE);
    }
  }
  return NULL;
}

agent_link *link_start(agent *a, cor_error *err) {
  agent_link *l = calloc(1, sizeof *l);
  if (l == NULL) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
    return NULL;
  }
  l->a = a;
  l->state = LINK_WAITING;
  for (size_t i = 0; i < LINK_METRICS; i++) {
    l->metrics[i].name = metric_rows[i].name;
    l->metrics[i].help = metric_rows[i].help;
    l->metrics[i].counter = metric_rows[i].counter;
  }
  pthread_mutex_init(&l->facts_lock, NULL);
  l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  l->memory = cor_sign_memory_new(64);
  l->zmq = zmq_ctx_new();
  bool ok = l->wake_fd >= 0 && l->memory != NULL && l->zmq != NULL;
  if (!ok) (void)cor_fail(err, COR_INTERNAL, "", "the session thread cannot be started");
  ok = ok && read_quarantine(l, err);
  if (ok && pthread_create(&l->thread, NULL, run, l) == 0) return l;
  if (ok) (void)cor_fail(err, COR_INTERNAL, "", "the session thread cannot be started");
  if (l->zmq != NULL) zmq_ctx_term(l->zmq);
  if (l->wake_fd >= 0) close(l->wake_fd);
  cor_sign_memory_destroy(&l->memory);
  free(l);
  return NULL;
}

void link_stop(agent_link **l) {
  if (l == NULL || *l == NULL) return;
  agent_link *gone = *l;
  atomic_store(&gone->stopping, true);
  link_wake(gone);
  pthread_join(gone->thread, NULL);
  zmq_ctx_term(gone->zmq);
  close(gone->wake_fd);
  cor_sign_memory_destroy(&gone->memory);
  pthread_mutex_destroy(&gone->facts_lock);
  free(gone);
  *l = NULL;
}

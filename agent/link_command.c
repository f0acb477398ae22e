/* link_command.c - what the hub sends, one handler per command.
 *
 * Guarantees: commands take effect in the order they came; deliveries gather
 * into a batch that is taken before any other command is looked at. Before
 * WELCOME nothing is believed but WELCOME itself, a card list (which carries its
 * own signature), pings and BYE; and WELCOME comes once. The hub tells of a
 * quarantine once, so it is on disk before the session goes on, and lasts until
 * the operator lifts it (api_quarantine.c). A handler that returns false ends the
 * session. */
#include "link_internal.h"

#include "corridor/codec.h"
#include "corridor/refusal.h"

enum { RECEIVE_MAX = 256 };
static const int64_t skew_ms = 2 * 60 * 1000;

/* The hub's time less ours; the hub may claim any time at all. */
static int64_t skew_of(int64_t hub_time, int64_t now) {
  int64_t skew;
  return !__builtin_sub_overflow(hub_time, now, &skew) ? skew : hub_time < 0 ? INT64_MIN : INT64_MAX;
}

/* Should it not get to disk, the session ends and memory still holds it: the next
 * WELCOME tries again. */
static bool note_quarantine(agent_link *l, bool told, cor_error *err) {
  if (told) COR_LOG(l->a->log, COR_ALARM, "quarantined", COR_CODE(COR_STORE_REGRESSED));
  l->unkept = l->unkept || told;
  if (!l->unkept) return true;
  link_quarantine_set(l, true);
  if (!store_begin(l->a->store, err)) return false;
  if (store_quarantine_begin(l->a->store, cor_clock_now(l->a->clock), err)) {
    l->unkept = !store_commit(l->a->store, err);
    return !l->unkept;
  }
  store_rollback(l->a->store);
  return false;
}

static bool on_welcome(agent_link *l, const cor_frames *frames, cor_error *err) {
  Corridor__V1__Welcome *w = (Corridor__V1__Welcome *)cor_decode(
      &corridor__v1__welcome__descriptor, frames->control, COR_CONTROL_MAX, false, err);
  if (w == NULL) return false;
  bool ok = w->version == COR_PROTOCOL ||
            cor_fail(err, COR_UNSUPPORTED_VERSION, "version", "the hub speaks another version");
  ok = ok && note_quarantine(l, w->quarantined, err);
  if (ok) {
    const int64_t skew = skew_of(w->hub_time, cor_clock_now(l->a->clock));
    l->window_messages = w->window_messages == 0                ? 1
                         : w->window_messages < LINK_FLIGHT_MAX ? w->window_messages
                                                                : LINK_FLIGHT_MAX;
    l->window_bytes = w->window_bytes < LINK_FLIGHT_BYTES ? w->window_bytes : LINK_FLIGHT_BYTES;
    pthread_mutex_lock(&l->facts_lock);
    l->facts.clock_skew = skew;
    pthread_mutex_unlock(&l->facts_lock);
    if (skew > skew_ms || skew < -skew_ms) COR_LOG(l->a->log, COR_ALARM, "clock-skew", COR_NUM("ms", skew));
    COR_LOG(l->a->log, COR_INFO, "welcomed", COR_NUM("session", w->session_epoch),
            COR_NUM("window", l->window_messages));
    link_happen(l, LINK_ON_WELCOMED, COR_OK);
    l->look_at = 0;
  }
  cor_message_free(&w->base);
  return ok;
}

static bool on_cards(agent_link *l, const cor_frames *frames, cor_error *err) {
  cor_error why;
  (void)err;
  /* A list that does not verify changes nothing; the session may go on. */
  if (!roster_replace(l->a->roster, frames->control, &why))
    COR_LOG(l->a->log, COR_ALARM, "card-list-refused", COR_CODE(why.code));
  return true;
}

static bool on_ping(agent_link *l, const cor_frames *frames, cor_error *err) {
  Corridor__V1__Ping *ping = (Corridor__V1__Ping *)cor_decode(&corridor__v1__ping__descriptor,
                                                              frames->control, COR_CONTROL_MAX, false, err);
  if (ping == NULL) return false;
  Corridor__V1__Pong pong = CORRIDOR__V1__PONG__INIT;
  pong.n = ping->n;
  cor_message_free(&ping->base);
  return link_socket_send(l, COR_PONG, &pong.base, (cor_bytes){NULL, 0}, err);
}

static bool on_pong(agent_link *l, const cor_frames *frames, cor_error *err) {
  (void)l, (void)frames, (void)err; /* heard_at was set, which is all it is for */
  return true;
}

static bool on_bye(agent_link *l, const cor_frames *frames, cor_error *err) {
  Corridor__V1__Bye *bye = (Corridor__V1__Bye *)cor_decode(&corridor__v1__bye__descriptor, frames->control,
                                                           COR_CONTROL_MAX, false, err);
  if (bye == NULL) return false;
  const int code = bye->code > 0 && bye->code < 1000 ? (int)bye->code : COR_GOING_DOWN;
  cor_message_free(&bye->base);
  (void)l;
  return cor_fail(err, code, "", "the hub ended the session");
}

static const struct {
  bool (*handle)(agent_link *, const cor_frames *, cor_error *);
  bool greeting, later; /* before WELCOME, after it */
} commands[] = {
    [COR_WELCOME] = {on_welcome, true, false}, [COR_RESULTS] = {link_on_results, false, true},
    [COR_CARDS] = {on_cards, true, true},      [COR_PING] = {on_ping, true, true},
    [COR_PONG] = {on_pong, true, true},        [COR_BYE] = {on_bye, true, true},
    [COR_DELIVER] = {NULL, false, true},
};

static bool dispatch(agent_link *l, link_message *m, cor_error *err) {
  const size_t command = (size_t)m->frames.command;
  if (l->state == LINK_GREETING && !commands[command].greeting)
    return cor_fail(err, COR_HELLO_EXPECTED, "", "the hub sent command %zu before WELCOME", command);
  if (l->state != LINK_GREETING && !commands[command].later)
    return cor_fail(err, COR_BAD_FRAMES, "", "the hub sent command %zu after WELCOME", command);
  return link_take_batch(l, err) && commands[command].handle(l, &m->frames, err);
}

/* Each message is received into the slot behind the batch and never moved: short
 * frames live inside zmq_msg_t itself. A delivery stays there until the batch is
 * taken; anything else is handled after what came before it, and dropped. */
static bool receive_one(agent_link *l, bool *nothing, cor_error *err) {
  link_message *slot = &l->batch[l->n_batch];
  store_found found = link_socket_receive(l, slot, err);
  *nothing = found == STORE_ABSENT;
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  l->heard_at = cor_clock_monotonic_ms();
  l->pinged_at = 0;
  if (slot->frames.command == COR_DELIVER && l->state != LINK_GREETING) {
    l->n_batch++;
    l->batch_bytes += slot->frames.body.len;
    return (l->n_batch < LINK_BATCH_MAX && l->batch_bytes < LINK_BATCH_BYTES) || link_take_batch(l, err);
  }
  bool ok = dispatch(l, slot, err);
  link_message_clear(slot);
  return ok;
}

void link_receive(agent_link *l) {
  cor_error err;
  bool ok = true, nothing = false;
  for (int i = 0; ok && !nothing && i < RECEIVE_MAX; i++)
    ok = receive_one(l, &nothing, &err);
  if (ok && link_take_batch(l, &err)) return;
  COR_LOG(l->a->log, COR_WARN, "session-fault", COR_CODE(err.code), COR_WORD("field", err.path));
  link_happen(l, LINK_ON_LOST, err.code);
}

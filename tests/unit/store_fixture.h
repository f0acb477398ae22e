/* store_fixture.h - a store in a directory of its own, and messages whose ids say
 * which one they are: what the tests of the store share. */
#ifndef CORRIDOR_TESTS_STORE_FIXTURE_H
#define CORRIDOR_TESTS_STORE_FIXTURE_H
#include "programme.h"
#include "store_internal.h"

#include "corridor/clock.h"
#include "corridor/log.h"

#define ME "ne-niamey"

static char dir[64];
static cor_clock *wall;
static cor_log *quiet;
static store *s;
static cor_error err;

static inline store *open_as(const char *office) {
  return store_open(in(dir, "store"), office, quiet, &err);
}

static inline void setup(void) {
  programme_dir(dir);
  wall = cor_clock_system();
  quiet = cor_log_new("test", wall, COR_ALARM);
  s = open_as(ME);
  must(s != NULL);
}

static inline void teardown(void) {
  store_close(&s);
  cor_log_destroy(&quiet);
  cor_clock_destroy(&wall);
  programme_remove(dir);
}

static inline void reopen(void) {
  store_close(&s);
  s = open_as(ME);
  must(s != NULL);
}

static inline store_facts facts(void) {
  store_facts out;
  must(store_begin(s, &err));
  must(store_facts_get(s, &out, &err));
  store_rollback(s);
  return out;
}

/* A message whose ids say which one it is; buffers are static and borrowed. */
static inline store_message made(uint8_t n, const char *peer, uint8_t handle,
                                 Corridor__V1__MessageType type) {
  static uint8_t bytes[] = "sealed";
  store_message m = {.type = (int)type, .compartment = COR_C(CASEWORK), .sent_at = T0, .settled_at = T0};
  memset(m.id, n, sizeof m.id);
  memset(m.handle, handle, sizeof m.handle);
  memset(m.case_handle, handle, sizeof m.case_handle);
  memset(m.header_hash, n, sizeof m.header_hash);
  (void)snprintf(m.peer, sizeof m.peer, "%s", peer);
  m.envelope = m.body = m.receipt = (cor_buf){bytes, sizeof bytes};
  return m;
}

static inline void queue(const store_message *m, cor_lane lane) {
  must(store_begin(s, &err));
  must(store_out_put(s, m, lane, &err));
  must(store_commit(s, &err));
}

static inline void settle(uint8_t n, store_out_event event, int code) {
  uint8_t id[COR_ID_LEN];
  memset(id, n, sizeof id);
  const store_outcome what = {.event = event, .code = code, .at = T0 + 1000};
  must(store_begin(s, &err));
  must(store_out_apply(s, id, &what, &err));
  must(store_commit(s, &err));
}

/* The next to submit while n are busy, its envelope and body dropped: n = 0 if none may
 * go; its id's first byte says which it is. */
static inline store_message next_out(const int64_t *busy, size_t n) {
  store_message m;
  must(store_begin(s, &err));
  store_found found = store_out_next(s, busy, n, cor_clock_monotonic_ms(), &m, &err);
  store_rollback(s);
  ck_assert_int_ne(found, STORE_ERROR);
  if (found == STORE_ABSENT) return (store_message){0};
  store_message_clear(&m);
  return m;
}

static inline store_taken take(const store_message *m, uint64_t sequence, cor_buf *receipt) {
  must(store_begin(s, &err));
  store_taken taken = store_in_put(s, m, sequence, receipt, &err);
  if (taken == STORE_TAKE_ERROR)
    store_rollback(s);
  else
    must(store_commit(s, &err));
  return taken;
}
#endif

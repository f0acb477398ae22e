/* duplicate.c - was this person helped before? Compares one message with the case
 * files of this office (deploy/docs/duplicates.md).
 *
 * For: a holder of casework, who asks for it and decides what the answer is; bodies
 * are sealed to a key that his passphrase opens, so nothing can be compared while
 * nobody is there. Each file is opened, compared and zeroed before the next, in the
 * order of keeping, and the store is held for one file at a time: the agent goes on
 * sending and receiving meanwhile.
 * Guarantees: a file is left out, and counted, whose body was erased or quarantined,
 * whose person has withdrawn, or which is of the very case that is asked about. No
 * index is kept and nothing of a body is written anywhere. Other compartments are not
 * opened. Trusts envelopes, which were verified when they were taken. */
#include "duplicate.h"
#include "open.h"

#include "corridor/ca.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/seal.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_LEN = 4096 + 64 };

#define FILE_TYPE &corridor__v1__case_file_casework__descriptor
#define QUESTION_TYPE &corridor__v1__duplicate_question__descriptor

typedef struct comparison {
  agent *a;
  held_key key;
  matcher *matcher;
  match_person asked, file; /* file: of the one in hand */
  duplicate_result *out;
} comparison;

/* ---- opening ---- */

/* The content of a message, checked like any other; free with cor_message_free. */
static ProtobufCMessage *open_body(const comparison *c, const store_message *m, cor_error *err) {
  ProtobufCMessage *body = NULL;
  cor_buf content = {0};
  Corridor__V1__Header *header = open_header(m, err);
  const ProtobufCMessageDescriptor *type = header == NULL ? NULL
                                                          : cor_sop_body(header->type, header->compartment);
  if (type != NULL && open_unseal(m, header, &c->key, &content, err))
    body = cor_decode(type, cor_buf_view(&content), COR_PLAIN_MAX, true, err);
  if (body != NULL && !cor_content_check(header->type, header->compartment, body, "/content", err)) {
    cor_message_free(body);
    body = NULL;
  }
  cor_buf_clear(&content);
  if (header != NULL) cor_message_free(&header->base);
  return body;
}

/* ---- a person, as a message describes one ---- */

static match_sex sex_of(Corridor__V1__Sex sex) {
  return sex == CORRIDOR__V1__SEX__FEMALE ? MATCH_FEMALE
         : sex == CORRIDOR__V1__SEX__MALE ? MATCH_MALE
                                          : MATCH_SEX_UNKNOWN;
}

static void read_file(const comparison *c, const store_message *m, const Corridor__V1__CaseFileCasework *file,
                      match_person *out) {
  const char *names[] = {file->name};
  match_facts facts = {.names = names,
                       .n_names = 1,
                       .birth_date = file->birth_date,
                       .age = file->age,
                       .sex = sex_of(file->sex),
                       .birth_place = file->birth_place,
                       .country = file->intended_return == NULL ? "" : file->intended_return->country};
  if (!cor_day_parse(file->declaration_date, &facts.age_on)) facts.age_on = cor_day_of(m->sent_at, 0);
  match_read(c->matcher, &facts, out);
}

static void read_question(const comparison *c, const store_message *m,
                          const Corridor__V1__DuplicateQuestion *asked, match_person *out) {
  const match_facts facts = {.names = (const char *const *)asked->names,
                             .n_names = asked->n_names,
                             .birth_date = asked->birth_date,
                             .age = asked->age,
                             .age_on = cor_day_of(m->sent_at, 0),
                             .sex = sex_of(asked->sex),
                             .birth_place = asked->birth_place,
                             .country = asked->country};
  match_read(c->matcher, &facts, out);
}

/* Cut, if need be, between two letters: it will be shown as text. */
static void keep_programme(char out[DUPLICATE_PROGRAMME_SIZE], const char *programme) {
  size_t len = strnlen(programme, DUPLICATE_PROGRAMME_SIZE - 1);
  while (len > 0 && ((unsigned char)programme[len] & 0xC0) == 0x80)
    len--;
  memcpy(out, programme, len);
  out[len] = '\0';
}

/* What is asked about. */
static bool read_subject(comparison *c, const store_message *m, cor_error *err) {
  duplicate_result *out = c->out;
  if (m->body.len == 0)
    return cor_fail(err, COR_CANNOT_OPEN, "", "this office erased the content after a withdrawal");
  ProtobufCMessage *body = open_body(c, m, err);
  if (body == NULL) return false;
  out->asked = !m->outgoing && body->descriptor == QUESTION_TYPE;
  memcpy(out->handle, m->case_handle, COR_ID_LEN);
  memcpy(out->message_id, m->id, COR_ID_LEN);
  memcpy(out->peer, m->peer, sizeof out->peer);
  if (body->descriptor == QUESTION_TYPE) {
    read_question(c, m, (const Corridor__V1__DuplicateQuestion *)body, &c->asked);
    keep_programme(out->programme, ((const Corridor__V1__DuplicateQuestion *)body)->programme);
  } else {
    read_file(c, m, (const Corridor__V1__CaseFileCasework *)body, &c->asked);
    keep_programme(out->programme, ((const Corridor__V1__CaseFileCasework *)body)->programme);
  }
  cor_message_free(body);
  return true;
}

static bool find_subject(agent *a, const uint8_t *id, store_message *m, cor_error *err) {
  if (!store_begin(a->store, err)) return false;
  const store_found found = store_message_find(a->store, id, m, err);
  store_rollback(a->store);
  if (found == STORE_ERROR) return false;
  const bool fits = found == STORE_FOUND && m->compartment == COR_C(CASEWORK) &&
                    (m->type == COR_T(DUPLICATE_QUESTION) || m->type == COR_T(CASE_FILE));
  return fits || cor_fail(err, COR_NO_SUCH_MESSAGE, "/messageId",
                          "this office has no such duplicate question, nor casework part of a case file");
}

/* ---- candidates ---- */

static bool before(const duplicate_candidate *a, const duplicate_candidate *b) {
  return a->score != b->score ? a->score > b->score : a->at > b->at;
}

/* Takes the place of a less sure file of the same case, else of the least sure case. */
static void add(duplicate_result *out, const duplicate_candidate *one) {
  size_t at = 0;
  while (at < out->n && memcmp(out->candidates[at].handle, one->handle, COR_ID_LEN) != 0)
    at++;
  const bool known = at < out->n, full = out->n == DUPLICATE_SHOWN_MAX;
  if (known && before(&out->candidates[at], one)) return;
  if (!known && full && !before(one, &out->candidates[--at])) return;
  if (!known && !full) out->n++;
  for (; at > 0 && before(one, &out->candidates[at - 1]); at--)
    out->candidates[at] = out->candidates[at - 1];
  out->candidates[at] = *one;
}

static void compare(comparison *c, const store_message *m, const Corridor__V1__CaseFileCasework *file) {
  duplicate_candidate one = {
      .outgoing = m->outgoing, .state = m->state, .at = m->outgoing ? m->sent_at : m->settled_at};
  read_file(c, m, file, &c->file);
  c->out->compared++;
  one.rule = match_compare(&c->asked, &c->file, &one.score);
  if (one.rule == NULL) return;
  c->out->agreeing++;
  memcpy(one.handle, m->case_handle, COR_ID_LEN);
  memcpy(one.message_id, m->id, COR_ID_LEN);
  memcpy(one.peer, m->peer, sizeof one.peer);
  keep_programme(one.programme, file->programme);
  one.same_programme = strcmp(one.programme, c->out->programme) == 0;
  add(c->out, &one);
}

/* Which count a file that is left out goes to; NULL: it is to be compared. */
static size_t *left_out(comparison *c, const store_message *m, bool withdrawn) {
  if (memcmp(m->case_handle, c->out->handle, COR_ID_LEN) == 0) return &c->out->same_case;
  if (m->body.len == 0) return &c->out->erased;
  if (!m->outgoing && m->code != COR_OK) return &c->out->quarantined;
  return withdrawn ? &c->out->withdrawn : NULL;
}

static store_found next_file(comparison *c, bool outgoing, int64_t n, store_message *m, bool *withdrawn,
                             cor_error *err) {
  store_case of;
  if (!store_begin(c->a->store, err)) return STORE_ERROR;
  store_found found = store_message_after(c->a->store, outgoing, n, COR_T(CASE_FILE), COR_C(CASEWORK), m,
                                          err);
  const store_found known = found == STORE_FOUND ? store_case_get(c->a->store, m->case_handle, &of, err)
                                                 : STORE_ABSENT;
  store_rollback(c->a->store);
  *withdrawn = known == STORE_FOUND && of.withdrawn;
  if (known != STORE_ERROR) return found;
  store_message_clear(m);
  return STORE_ERROR;
}

static bool compare_box(comparison *c, bool outgoing, cor_error *err) {
  store_message m;
  bool withdrawn;
  for (int64_t n = 0;; n = m.n) {
    const store_found found = next_file(c, outgoing, n, &m, &withdrawn, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    cor_error why; /* of one file: the first opening by a person tells the hub, not this */
    size_t *count = left_out(c, &m, withdrawn);
    ProtobufCMessage *body = count == NULL ? open_body(c, &m, &why) : NULL;
    if (body != NULL)
      compare(c, &m, (const Corridor__V1__CaseFileCasework *)body);
    else
      ++*(count == NULL ? &c->out->unreadable : count);
    cor_message_free(body);
    store_message_clear(&m);
  }
}

/* ---- all of it ---- */

static bool note_compared(agent *a, const store_message *m, const cor_holder *holder, cor_error *err) {
  store_event event = {.event = "compared",
                       .at = cor_clock_now(a->clock),
                       .type = m->type,
                       .compartment = m->compartment,
                       .outgoing = m->outgoing,
                       .peer = m->peer,
                       .detail = holder->user};
  memcpy(event.handle, m->handle, COR_ID_LEN);
  memcpy(event.message_id, m->id, COR_ID_LEN);
  if (!store_begin(a->store, err)) return false;
  if (store_event_put(a->store, &event, err)) return store_commit(a->store, err);
  store_rollback(a->store);
  return false;
}

static void comparison_free(comparison *c) {
  matcher_close(&c->matcher);
  held_key_clear(&c->key);
  OPENSSL_cleanse(c, sizeof *c);
  free(c);
}

bool duplicate_check(agent *a, const uint8_t id[COR_ID_LEN], const cor_holder *holder, duplicate_result *out,
                     cor_error *err) {
  store_message subject = {0};
  *out = (duplicate_result){.asked = false};
  comparison *c = calloc(1, sizeof *c); /* two descriptions are large */
  if (c == NULL) return cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was compared");
  c->a = a;
  c->out = out;
  bool ok = find_subject(a, id, &subject, err) && held_key_get(c->a, COR_C(CASEWORK), holder, &c->key, err);
  if (ok) c->matcher = matcher_open(cor_config_text(a->config, "names"), err);
  ok = ok && c->matcher != NULL && read_subject(c, &subject, err) && compare_box(c, false, err) &&
       compare_box(c, true, err) && note_compared(a, &subject, holder, err);
  store_message_clear(&subject);
  comparison_free(c);
  return ok;
}

/* api_consent_list.c - the consents this office took: which stand, which run out, and,
 * for a holder, how they were given.
 *
 * Guarantees: a consent that names what HEALTH or PROTECTION hold is unknown here to
 * whoever does not hold that key, in the list as by its id (design 3); a form is
 * opened for its holder only, and the case's timeline says by whom. The list judges by
 * the agent's own clock. */
#include "api.h"
#include "form.h"
#include "iso27560.h"

#include "corridor/codec.h"
#include "corridor/consent.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"

#include <stdlib.h>
#include <string.h>

/* An officer needs about a month to find the person and ask again (P). */
#define SOON_MS (INT64_C(30) * 24 * 60 * 60 * 1000)

typedef struct consent_list {
  json_t *list;
  int64_t now;
  unsigned visible;
  bool soon; /* only those that run out, or have run out of late */
  const agent *a;
} consent_list;

static const char *state_word(const store_consent *kept, const Corridor__V1__ConsentRecord *record,
                              int64_t now) {
  if (kept->withdrawn_at != 0) return "withdrawn";
  if (now < record->valid_from) return "not-yet";
  if (now >= record->valid_until) return "expired";
  return now >= record->valid_until - SOON_MS ? "runs-out" : "standing";
}

static Corridor__V1__ConsentRecord *record_of(const store_consent *kept, cor_error *err) {
  return (Corridor__V1__ConsentRecord *)cor_decode(&corridor__v1__consent_record__descriptor,
                                                   cor_buf_view(&kept->record), COR_CONTROL_MAX, true, err);
}

/* As it was filed: where the office has no such compartment, under CASEWORK. */
static bool may_know(const agent *a, const Corridor__V1__ConsentRecord *record, unsigned visible) {
  const cor_cards *cards = roster_hold(a->roster);
  const Corridor__V1__Compartment c = form_compartment(a, cards, record);
  roster_release(a->roster);
  return (visible & COR_BIT(c)) != 0;
}

static json_t *consent_json(const store_consent *kept, const Corridor__V1__ConsentRecord *record,
                            int64_t now) {
  json_t *readable = cor_json_write_readable(&record->base);
  json_t *out = json_pack("{s:o, s:o, s:i, s:o, s:o, s:s, s:o, s:O}", "consentId",
                          api_hex(kept->id, COR_ID_LEN), "case", api_hex(kept->case_handle, COR_ID_LEN),
                          "version", (int)kept->version, "validFrom", api_time_json(record->valid_from),
                          "validUntil", api_time_json(record->valid_until), "state",
                          state_word(kept, record, now), "withdrawnAt", api_time_json(kept->withdrawn_at),
                          "scopes", json_object_get(readable, "scopes"));
  json_decref(readable);
  return out;
}

static bool is_soon(const store_consent *kept, const Corridor__V1__ConsentRecord *record, int64_t now) {
  return kept->withdrawn_at == 0 && now >= record->valid_until - SOON_MS &&
         now < record->valid_until + SOON_MS;
}

static bool add_consent(const store_consent *kept, void *ctx) {
  consent_list *out = ctx;
  cor_error ignored;
  Corridor__V1__ConsentRecord *record = record_of(kept, &ignored);
  if (record == NULL) return true;
  if (may_know(out->a, record, out->visible) && (!out->soon || is_soon(kept, record, out->now)))
    json_array_append_new(out->list, consent_json(kept, record, out->now));
  cor_message_free(&record->base);
  return true;
}

static json_t *list_of(api_request *q, const uint8_t *case_handle, bool soon, cor_error *err) {
  consent_list out = {.list = json_array(),
                      .now = cor_clock_now(q->a->clock),
                      .visible = q->visible,
                      .soon = soon,
                      .a = q->a};
  if (store_consent_list(q->a->store, case_handle, add_consent, &out, err)) return out.list;
  json_decref(out.list);
  return NULL;
}

json_t *api_consents_soon(api_request *q, cor_error *err) {
  return list_of(q, NULL, true, err);
}

bool api_get_consents(api_request *q, cor_error *err) {
  const char *name = api_query(q, "case"), *soon = api_query(q, "soon");
  json_t *list = NULL;
  store_case c;
  if (!store_begin(q->a->store, err)) return false;
  if (name == NULL || api_case(q, name, &c, err))
    list = list_of(q, name == NULL ? NULL : c.case_handle, soon != NULL && strcmp(soon, "1") == 0, err);
  store_rollback(q->a->store);
  if (list != NULL) q->reply = json_pack("{s:o}", "consents", list);
  return list != NULL;
}

/* ---- one consent ---- */

typedef struct found_consent {
  store_consent kept;
  Corridor__V1__ConsentRecord *record;
  Corridor__V1__ConsentForm *form; /* NULL: nobody named, or none kept here */
} found_consent;

static void found_clear(found_consent *f) {
  store_consent_clear(&f->kept);
  if (f->record != NULL) cor_message_free(&f->record->base);
  if (f->form != NULL) cor_message_free(&f->form->base);
}

static bool find(api_request *q, found_consent *f, cor_error *err) {
  uint8_t id[COR_ID_LEN];
  store_found found = STORE_ABSENT;
  if (cor_id_parse(q->arg, id)) {
    if (!store_begin(q->a->store, err)) return false;
    found = store_consent_get(q->a->store, id, &f->kept, err);
    store_rollback(q->a->store);
  }
  if (found == STORE_ERROR) return false;
  if (found == STORE_FOUND && (f->record = record_of(&f->kept, err)) == NULL) return false;
  return (found == STORE_FOUND && may_know(q->a, f->record, q->visible)) ||
         cor_fail(err, COR_NO_SUCH_CONSENT, "", "this office has recorded no such consent");
}

/* On disk before a word of the form is shown, in the timeline of those whose business it
 * is. The hub holds no such body and is told nothing. */
static bool note_opened(api_request *q, const found_consent *f, cor_error *err) {
  agent *a = q->a;
  if (!store_begin(a->store, err)) return false;
  const cor_cards *cards = roster_hold(a->roster);
  store_event event = {.event = "opened",
                       .at = cor_clock_now(a->clock),
                       .type = COR_T(CONSENT_RECORD),
                       .compartment = (int)form_compartment(a, cards, f->record),
                       .outgoing = true,
                       .peer = "hub",
                       .detail = q->holder.user};
  roster_release(a->roster);
  memcpy(event.handle, f->kept.case_handle, COR_ID_LEN);
  memcpy(event.message_id, f->kept.message_id, COR_ID_LEN);
  if (store_event_put(a->store, &event, err)) return store_commit(a->store, err);
  store_rollback(a->store);
  return false;
}

/* With the form, if a holder asks. */
static bool find_and_open(api_request *q, found_consent *f, cor_error *err) {
  if (!find(q, f, err)) return false;
  if (!q->named) return true;
  f->form = form_open(q->a, &f->kept, cor_bytes_of(f->record->evidence_sha256), &q->holder, err);
  return f->form != NULL ? note_opened(q, f, err) : err->code == COR_OK;
}

bool api_get_consent(api_request *q, cor_error *err) {
  found_consent f = {0};
  bool ok = find_and_open(q, &f, err);
  if (ok) {
    q->reply = consent_json(&f.kept, f.record, cor_clock_now(q->a->clock));
    if (f.form != NULL) json_object_set_new(q->reply, "form", cor_json_write_readable(&f.form->base));
  }
  found_clear(&f);
  return ok;
}

bool api_get_iso27560(api_request *q, cor_error *err) {
  found_consent f = {0};
  bool ok = find_and_open(q, &f, err);
  if (ok) {
    const iso27560_context context = {.office = q->a->office.id,
                                      .office_name = q->a->office.name,
                                      .case_handle = f.kept.case_handle,
                                      .withdrawn_at = f.kept.withdrawn_at};
    q->reply = iso27560_write(f.record, f.form, &context);
    ok = q->reply != NULL || cor_fail(err, COR_INTERNAL, "", "the record could not be written");
  }
  found_clear(&f);
  return ok;
}

bool api_get_evidence(api_request *q, cor_error *err) {
  const char *text = api_query(q, "n");
  found_consent f = {0};
  cor_buf bytes = {0};
  bool ok = q->named || cor_fail(err, COR_NOT_PERMITTED, "", "evidence opens for a holder: name a user");
  if (ok && (text == NULL || strspn(text, "0123456789") != strlen(text) || strlen(text) != 1))
    ok = cor_fail(err, COR_BAD_INPUT, "n", "say which piece: 0 is the first");
  ok = ok && find_and_open(q, &f, err);
  if (ok && f.form == NULL)
    ok = cor_fail(err, COR_NO_SUCH_CONSENT, "", "no form of this consent is kept here");
  ok = ok && form_open_evidence(q->a, &f.kept, f.form, (size_t)(text[0] - '0'), &q->holder, &bytes, err);
  if (ok) {
    Corridor__V1__EvidenceFile file = CORRIDOR__V1__EVIDENCE_FILE__INIT;
    file.kind = f.form->evidence[text[0] - '0']->kind;
    file.data = (ProtobufCBinaryData){bytes.len, bytes.data};
    q->reply = cor_json_write(&file.base);
  }
  cor_buf_clear(&bytes);
  found_clear(&f);
  return ok;
}

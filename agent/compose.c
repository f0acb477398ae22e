/* compose.c - the orders of one act become messages: content rules, header, local
 * gate, seal, signatures, outbox.
 *
 * An act has two halves. First each order becomes a draft, sealed and whole but for
 * the signature of its cover; all that can be refused is refused here. Then the
 * covers are signed together (envelope.c says why they and nothing else), and every
 * draft is kept.
 * Guarantees: nothing is kept that the content rules or the local gate refuse, or
 * that needs two people and has one (release.c); what is kept is sealed for exactly
 * the recipient's compartment key and our own (so that a holder here can read what
 * was sent), and signed. The plaintext lives in memory only and is zeroed. Records for the hub are coded and
 * go unsealed (design 3). Trusts the card list for keys. */
#include "compose.h"

#include "corridor/codec.h"
#include "corridor/envelope.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include "corridor/seal.h"

#include <stdlib.h>
#include <string.h>

enum { LIFE_DAYS = 30 };
static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

/* A message on its way into the outbox, with everything its header points to. */
typedef struct draft {
  const compose_order *order;
  Corridor__V1__Header header;
  Corridor__V1__DataCategory categories[COMPOSE_CATEGORIES_MAX];
  uint8_t id[COR_ID_LEN], consent[COR_ID_LEN], reply[COR_ID_LEN], case_handle[COR_ID_LEN];
  Corridor__V1__Compartment filed; /* in this office's own lists */
  cor_buf body;                    /* as it will be sent */
  Corridor__V1__Envelope *wire;
} draft;

/* ---- defaults ---- */

/* Which message a type answers: the newest of that type received. */
static const struct {
  Corridor__V1__MessageType type, answers;
} answers[] = {
    {COR_T(ABN_CONFIRM), COR_T(ABN)},
    {COR_T(TICKET_ISSUED), COR_T(ABN_CONFIRM)},
    {COR_T(ARRIVAL_NOTICE), COR_T(DEPARTURE_CONFIRMATION)},
    {COR_T(DUPLICATE_ANSWER), COR_T(DUPLICATE_QUESTION)},
    {COR_T(REFERRAL_ACK), COR_T(REFERRAL)},
    {COR_T(REFERRAL_HANDOVER), COR_T(REFERRAL_ACK)},
    {COR_T(SERVICE_REPORT), COR_T(REFERRAL_HANDOVER)},
    {COR_T(ERASURE_STATEMENT), COR_T(WITHDRAWAL_NOTICE)},
    {COR_T(SUSPENSION_ANSWER), COR_T(SUSPENSION_NOTICE)},
    {COR_T(DATA_STATEMENT), COR_T(DATA_NOTICE)},
};

size_t compose_spoken_of(const ProtobufCMessage *body, const ProtobufCBinaryData **ids) {
  const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor,
                                                                                          "message_ids");
  if (field == NULL || field->type != PROTOBUF_C_TYPE_BYTES) return 0;
  *ids = *(ProtobufCBinaryData *const *)(const void *)((const char *)body + field->offset);
  return *(const size_t *)(const void *)((const char *)body + field->quantifier_offset);
}

/* Which people here may see the message: those of its compartment; of a record that
 * speaks of sealed messages, those whom these are for. */
static bool choose_file(agent *a, const compose_order *order, draft *d, cor_error *err) {
  const ProtobufCBinaryData *ids = NULL;
  const size_t n = compose_spoken_of(order->body, &ids);
  d->filed = order->filed_under != 0 ? order->filed_under : order->compartment;
  for (size_t i = 0; i < n; i++) { /* 16 bytes each: content_rules.c */
    store_message m;
    store_found found = store_message_find(a->store, ids[i].data, &m, err);
    if (found == STORE_ERROR) return false;
    if (found == STORE_ABSENT) continue;
    if (COR_BIT(m.compartment) & COR_RESTRICTED) d->filed = (Corridor__V1__Compartment)m.compartment;
    store_message_clear(&m);
  }
  return true;
}

/* What a message answers is filed where it is itself, or for everyone. */
static unsigned reply_among(const draft *d) {
  const unsigned own = COR_BIT(d->filed);
  return own & COR_RESTRICTED ? own : STORE_ORDINARY;
}

static bool default_reply(agent *a, const compose_order *order, draft *d, cor_error *err) {
  const uint8_t *reply = order->in_reply_to;
  for (size_t i = 0; reply == NULL && i < sizeof answers / sizeof *answers; i++) {
    store_message newest;
    if (answers[i].type != order->row->type) continue;
    store_found found = store_in_newest(a->store, order->handle, (int)answers[i].answers, reply_among(d),
                                        &newest, err);
    if (found == STORE_ERROR) return false;
    if (found == STORE_ABSENT) break;
    memcpy(d->reply, newest.id, COR_ID_LEN);
    d->header.in_reply_to = (ProtobufCBinaryData){COR_ID_LEN, d->reply};
    return true;
  }
  if (reply != NULL) d->header.in_reply_to = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)reply};
  return true;
}

static unsigned lowest_bit(unsigned bits) {
  return bits == 0 ? 0 : (unsigned)__builtin_ctz(bits);
}

static Corridor__V1__Purpose default_purpose(const compose_order *order) {
  unsigned care = COR_BIT(COR_PURPOSE(CONTINUITY_OF_CARE));
  if (order->purpose != 0) return order->purpose;
  if (order->compartment == COR_C(HEALTH) && (order->row->purposes & care))
    return COR_PURPOSE(CONTINUITY_OF_CARE);
  return (Corridor__V1__Purpose)lowest_bit(order->row->purposes & ~care);
}

static Corridor__V1__LegalBasis default_basis(const compose_order *order, uint32_t categories) {
  unsigned none = COR_BIT(COR_BASIS(NO_PERSONAL_DATA));
  if (order->basis != 0) return order->basis;
  if ((order->row->bases & none) && categories == COR_BIT(COR_CAT(OPERATIONAL)))
    return COR_BASIS(NO_PERSONAL_DATA);
  return (Corridor__V1__LegalBasis)lowest_bit(order->row->bases);
}

/* What is declared decides which consent, agreement and permission must cover it. A
 * caller may name more than the fields show (a free text holds what it holds), and leave
 * out nothing that they do; health is told by either of its two names. Of a file nothing
 * can be read off (api_attachment.c). */
static bool all_declared(const compose_order *order, cor_error *err) {
  const uint32_t health = COR_BIT(COR_CAT(HEALTH_DATA)) | COR_BIT(COR_CAT(MENTAL_HEALTH));
  if (order->categories == 0 || order->row->lane == COR_LANE_ATTACHMENT) return true;
  uint32_t missing = compose_categories(order->body) & ~order->categories & ~COR_BIT(COR_CAT(OPERATIONAL));
  if (order->categories & health) missing &= ~health;
  if (missing == 0) return true;
  const ProtobufCEnumValue *first = protobuf_c_enum_descriptor_get_value(
      &corridor__v1__data_category__descriptor, (int)lowest_bit(missing));
  return cor_fail(err, COR_BAD_INPUT, "/categories",
                  "the content holds %s, which is not among them; nothing was kept",
                  first == NULL ? "more" : first->name);
}

/* What the handover will carry was announced in the offer and agreed to there. */
static uint32_t default_categories(const compose_order *order, const store_case *known) {
  if (order->categories != 0) return order->categories;
  uint32_t carried = compose_categories(order->body);
  if (order->row->type == COR_T(REFERRAL_HANDOVER) && known != NULL) carried |= known->categories;
  return carried;
}

/* The dates and codes that stand outside the seal, read from the body by name. */
static int64_t body_time(const ProtobufCMessage *body) {
  static const char *const names[] = {"departs_at", "departed_at", "answer_by"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor,
                                                                                            names[i]);
    if (field != NULL && field->type == PROTOBUF_C_TYPE_INT64)
      return *(const int64_t *)((const char *)body + field->offset);
  }
  return 0;
}

static Corridor__V1__Outcome body_outcome(const ProtobufCMessage *body) {
  static const char *const names[] = {"available", "answer"};
  if (body->descriptor == &corridor__v1__departure_confirmation__descriptor) {
    const Corridor__V1__Answer boarded = ((const Corridor__V1__DepartureConfirmation *)body)->boarded;
    return boarded == CORRIDOR__V1__ANSWER__IS_YES  ? COR_OUTCOME(YES)
           : boarded == CORRIDOR__V1__ANSWER__IS_NO ? COR_OUTCOME(NO)
                                                    : 0;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor,
                                                                                            names[i]);
    if (field != NULL && field->descriptor == &corridor__v1__outcome__descriptor)
      return *(const Corridor__V1__Outcome *)((const char *)body + field->offset);
  }
  return 0;
}

static bool names_escort(const ProtobufCMessage *body) {
  const Corridor__V1__Abn *abn = (const Corridor__V1__Abn *)body;
  return body->descriptor == &corridor__v1__abn__descriptor && abn->escort != NULL && abn->escort->kind != 0;
}

static bool safeguards_met(const compose_order *order, const store_case *known) {
  if (!order->row->safeguards || known == NULL) return false;
  return known->safeguards == STORE_GUARDED ||
         (known->safeguards == STORE_GUARDED_WITH_ESCORT && names_escort(order->body));
}

static bool fill_header(agent *a, const compose_order *order, const store_case *known, draft *d,
                        cor_error *err) {
  Corridor__V1__Header *h = &d->header;
  const int64_t now = cor_clock_now(a->clock);
  const uint32_t bits = default_categories(order, known);
  corridor__v1__header__init(h);
  cor_id_new(d->id, now);
  h->version = 1;
  h->message_id = (ProtobufCBinaryData){COR_ID_LEN, d->id};
  h->sender = a->office.id;
  h->recipient = (char *)order->to;
  h->compartment = order->compartment;
  h->handle = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)order->handle};
  h->type = order->row->type;
  h->purpose = default_purpose(order);
  for (unsigned c = 1; c < 32 && h->n_categories < COMPOSE_CATEGORIES_MAX; c++)
    if (bits & COR_BIT(c)) d->categories[h->n_categories++] = (Corridor__V1__DataCategory)c;
  h->categories = d->categories;
  h->basis = default_basis(order, bits);
  h->sent_at = now;
  h->expires_at = order->expires_at != 0 ? order->expires_at : now + LIFE_DAYS * day_ms;
  h->event_at = order->event_at != 0 ? order->event_at : order->row->needs_event ? body_time(order->body) : 0;
  h->outcome = order->outcome != 0         ? order->outcome
               : order->row->needs_outcome ? body_outcome(order->body)
                                           : 0;
  h->safeguards_met = safeguards_met(order, known);
  h->table_version = COR_SOP_VERSION;
  return default_reply(a, order, d, err);
}

/* ---- seal and keep ---- */

static X509 *sealing_cert(const cor_cards *cards, const char *office, Corridor__V1__Compartment c) {
  const cor_card *card = cor_cards_find(cards, office);
  return card == NULL || (unsigned)c >= sizeof card->sealing / sizeof *card->sealing ? NULL
                                                                                     : card->sealing[c];
}

static bool seal(agent *a, const cor_cards *cards, const draft *d, cor_bytes content, cor_buf *out,
                 cor_error *err) {
  const Corridor__V1__Header *h = &d->header;
  X509 *to[] = {sealing_cert(cards, h->recipient, h->compartment),
                sealing_cert(cards, a->office.id, h->compartment)};
  const char *name = cor_compartment_name(h->compartment);
  if (to[0] == NULL)
    return cor_fail(err, COR_RECIPIENT_UNKNOWN, "recipient", "%s has no %s key on its card; nothing was kept",
                    h->recipient, name);
  if (to[1] == NULL)
    return cor_fail(err, COR_NOT_PERMITTED, "compartment",
                    "this office has no %s key of its own; nothing was kept", name);
  Corridor__V1__Sealed sealed = CORRIDOR__V1__SEALED__INIT;
  sealed.message_id = h->message_id;
  sealed.sender = h->sender;
  sealed.recipient = h->recipient;
  sealed.handle = h->handle;
  sealed.type = h->type;
  sealed.compartment = h->compartment;
  sealed.content = (ProtobufCBinaryData){content.len, (uint8_t *)content.data};
  return cor_seal_make(&sealed, to, 2, out, err);
}

/* Both names, in the office's own timeline and nowhere else. */
static bool note_release(agent *a, const draft *d, const store_message *m, cor_error *err) {
  char who[RELEASE_TEXT];
  if (d->order->two == NULL) return true;
  release_text(d->order->two, who);
  store_event event = {.event = "released",
                       .at = m->sent_at,
                       .type = m->type,
                       .compartment = m->compartment,
                       .outgoing = true,
                       .peer = m->peer,
                       .detail = who};
  memcpy(event.handle, m->handle, COR_ID_LEN);
  memcpy(event.message_id, m->id, COR_ID_LEN);
  return store_event_put(a->store, &event, err);
}

static bool keep(agent *a, const draft *d, cor_error *err) {
  const Corridor__V1__Header *h = &d->header;
  const Corridor__V1__Cover *cover = d->order->cover;
  store_message m = {.outgoing = true,
                     .type = (int)h->type,
                     .compartment = (int)d->filed,
                     .outcome = (int)h->outcome,
                     .sent_at = h->sent_at,
                     .on_consent = cover ? !cor_basis_find(cover->basis) : h->basis == COR_BASIS(CONSENT),
                     .body = d->body};
  memcpy(m.id, d->id, COR_ID_LEN);
  memcpy(m.handle, d->order->handle, COR_ID_LEN);
  memcpy(m.case_handle, d->case_handle, COR_ID_LEN);
  memcpy(m.peer, h->recipient, strlen(h->recipient) + 1); /* a valid office id: the header was checked */
  store_message_name(&m, h);
  cor_content_hash(COR_DOMAIN_HEADER, (cor_bytes){d->wire->header.data, d->wire->header.len}, m.header_hash);
  bool ok = cor_encode(&d->wire->base, &m.envelope, err) &&
            store_out_put(a->store, &m, d->order->row->lane, err) && note_release(a, d, &m, err);
  cor_buf_clear(&m.envelope);
  return ok;
}

/* What composing this message teaches about its case: safeguards and step. Read
 * anew: an earlier message of the act may have taught something too. */
static bool note_case(agent *a, const draft *d, cor_error *err) {
  const compose_order *order = d->order;
  store_case c;
  store_found found = store_case_get(a->store, order->handle, &c, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  if (!(COR_BIT(d->filed) & COR_RESTRICTED) && order->row->type != COR_T(ACCESS_STATEMENT))
    c.last_type = (int)order->row->type;
  if (order->body->descriptor == &corridor__v1__case_file_casework__descriptor) {
    const Corridor__V1__CaseFileCasework *file = (const Corridor__V1__CaseFileCasework *)order->body;
    Corridor__V1__Abn today = CORRIDOR__V1__ABN__INIT;
    char day[COR_TIME_TEXT];
    cor_error ignored;
    today.planned_return_date = (char *)cor_day_text(cor_day_of(cor_clock_now(a->clock), 0), day);
    c.safeguards = !cor_safeguards_check(file, &ignored)      ? STORE_UNGUARDED
                   : cor_escort_check(file, &today, &ignored) ? STORE_GUARDED
                                                              : STORE_GUARDED_WITH_ESCORT;
  }
  return store_case_put(a->store, &c, err);
}

/* Who signs "erased" has erased: in the transaction that keeps the statement. */
static bool erase(agent *a, const draft *d, cor_error *err) {
  const compose_order *order = d->order;
  const Corridor__V1__ErasureStatement *statement = (const Corridor__V1__ErasureStatement *)order->body;
  if (order->body->descriptor != &corridor__v1__erasure_statement__descriptor ||
      statement->ground != CORRIDOR__V1__ERASURE_GROUND__ERASED)
    return true;
  for (size_t i = 0; i < statement->n_message_ids; i++) /* 16 bytes each: content_rules.c */
    if (!store_message_erase(a->store, order->handle, statement->message_ids[i].data, d->header.sent_at, err))
      return false;
  return true;
}

/* ---- an act ---- */

static bool draft_body(agent *a, const cor_cards *cards, draft *d, cor_error *err) {
  cor_buf content = {0};
  if (d->order->compartment == COR_C(RECORD)) return cor_encode(d->order->body, &d->body, err);
  bool ok = cor_encode(d->order->body, &content, err) &&
            seal(a, cards, d, cor_buf_view(&content), &d->body, err);
  cor_buf_clear(&content);
  return ok;
}

/* Whatever the request called it: what the body holds, and what the offer of this
 * handover announced. */
static bool released(const cor_cards *cards, const draft *d, const store_case *known, cor_error *err) {
  uint32_t carried = compose_categories(d->order->body);
  if (d->header.type == COR_T(REFERRAL_HANDOVER) && known != NULL) carried |= known->categories;
  return !release_for_sending(cards, &d->header, carried) ||
         release_given(d->order->two, d->header.compartment, err);
}

/* Of who has left, a case file prepares no return: what was told wrong is corrected. */
static bool returns_there(agent *a, const cor_cards *cards, const compose_order *order, int64_t now,
                          cor_error *err) {
  store_history past;
  if (!store_case_history(a->store, order->handle, order->to, &past, err)) return false;
  const bool left = (past.yes & (UINT64_C(1) << COR_T(DEPARTURE_CONFIRMATION))) != 0;
  return (left && !order->row->books_return) || compose_region(cor_cards_list(cards), order, now, err);
}

/* The mission of origin receives a person, not a journey [003:594]. */
static bool whole_booking(const cor_cards *cards, const compose_order *order, cor_error *err) {
  const cor_card *to = cor_cards_find(cards, order->to);
  if (order->row->type != COR_T(ABN) || to == NULL || to->card->role != COR_ROLE(ORIGIN_MISSION)) return true;
  if (((const Corridor__V1__Abn *)order->body)->case_ref[0] != '\0') return true;
  char path[128];
  snprintf(path, sizeof path, "%s/caseRef", order->path);
  return cor_fail(err, COR_MISSING_FIELD, path,
                  "for the mission of origin a booking names its person [003:594]");
}

static bool draft_make(agent *a, const cor_cards *cards, const compose_order *order, draft *d,
                       cor_error *err) {
  store_case found_case;
  d->order = order;
  if (!cor_office_valid(order->to))
    return cor_fail(err, COR_BAD_INPUT, "/to", "not an office id; nothing was kept");
  if (!cor_content_check(order->row->type, order->compartment, order->body, order->path, err) ||
      !all_declared(order, err) || !whole_booking(cards, order, err))
    return false;
  store_found found = store_case_get(a->store, order->handle, &found_case, err);
  if (found == STORE_ERROR) return false;
  const store_case *known = found == STORE_FOUND ? &found_case : NULL;
  memcpy(d->case_handle, known == NULL ? order->handle : known->case_handle, COR_ID_LEN);
  if (!choose_file(a, order, d, err) || !fill_header(a, order, known, d, err) ||
      !cor_basis_check(&d->header, order->body, order->path, err) ||
      !compose_gate(a, cards, order, known, &d->header, d->consent, err) ||
      !returns_there(a, cards, order, d->header.sent_at, err))
    return false;
  if (!released(cards, d, known, err) || !draft_body(a, cards, d, err)) return false;
  d->wire = cor_envelope_begin(&d->header, order->cover, cor_buf_view(&d->body), a->office.signing, err);
  return d->wire != NULL;
}

static bool drafts_sign(agent *a, const draft *drafts, size_t n, cor_error *err) {
  Corridor__V1__Envelope *wires[COMPOSE_ACT_MAX] = {0};
  for (size_t i = 0; i < n; i++)
    wires[i] = drafts[i].wire;
  return cor_envelope_sign_covers(wires, n, a->office.id, a->office.signing, err);
}

static bool draft_keep(agent *a, const draft *d, cor_error *err) {
  return keep(a, d, err) && note_case(a, d, err) && erase(a, d, err);
}

static void drafts_free(draft *drafts, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (drafts[i].wire != NULL) cor_message_free(&drafts[i].wire->base);
    cor_buf_clear(&drafts[i].body);
  }
  free(drafts);
}

bool compose_act(agent *a, const cor_cards *cards, const compose_order *orders, size_t n,
                 uint8_t (*ids)[COR_ID_LEN], size_t *at, cor_error *err) {
  bool ok = true;
  *at = 0;
  if (n == 0 || n > COMPOSE_ACT_MAX)
    return cor_fail(err, COR_TOO_LARGE, "", "an act makes 1 to %d messages; nothing was kept",
                    COMPOSE_ACT_MAX);
  draft *drafts = calloc(n, sizeof *drafts);
  if (drafts == NULL) return cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was kept, try again");
  for (size_t i = 0; ok && i < n; i++) {
    *at = i;
    ok = draft_make(a, cards, &orders[i], &drafts[i], err);
  }
  ok = ok && drafts_sign(a, drafts, n, err);
  for (size_t i = 0; ok && i < n; i++) {
    *at = i;
    ok = draft_keep(a, &drafts[i], err);
    memcpy(ids[i], drafts[i].id, COR_ID_LEN);
  }
  drafts_free(drafts, n);
  return ok;
}

bool compose_message(agent *a, const cor_cards *cards, const compose_order *order, uint8_t id[COR_ID_LEN],
                     cor_error *err) {
  uint8_t ids[1][COR_ID_LEN] = {{0}};
  size_t at;
  if (!compose_act(a, cards, order, 1, ids, &at, err)) return false;
  memcpy(id, ids[0], COR_ID_LEN);
  return true;
}

/* open.c - opening a sealed body for a person who holds its compartment.
 *
 * Guarantees: the key file decides who may read (passphrase, 0600, a share of
 * the holder's own); what the seal repeats must be what the header says; the
 * content passes the same rules the sender's agent applied before a byte of it
 * is shown (design 4); what fails is quarantined, and the hub told, who tells the
 * sender; of restricted content the hub is told each opening (access.c). Keys and
 * plaintext live in memory for this one request and are zeroed. Trusts the envelope, which was verified when
 * it was taken. */
#include "open.h"
#include "access.h"
#include "compose.h"
#include "link.h"

#include "corridor/ca.h"
#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/seal.h"

#include <stdio.h>
#include <string.h>

enum { PATH_LEN = 4096 + 64 };

Corridor__V1__Header *open_header(const store_message *message, cor_error *err) {
  Corridor__V1__Envelope *wire = (Corridor__V1__Envelope *)cor_decode(
      &corridor__v1__envelope__descriptor, cor_buf_view(&message->envelope), COR_CONTROL_MAX, false, err);
  if (wire == NULL) return NULL;
  const cor_bytes bytes = {wire->header.data, wire->header.len};
  Corridor__V1__Header *header = (Corridor__V1__Header *)cor_decode(&corridor__v1__header__descriptor, bytes,
                                                                    COR_HEADER_MAX, true, err);
  cor_message_free(&wire->base);
  return header;
}

static EVP_PKEY *holder_key(const agent *a, Corridor__V1__Compartment c, const cor_holder *holder,
                            int64_t *recovered_at, cor_error *err) {
  char path[PATH_LEN];
  snprintf(path, sizeof path, "%s/keys/%s.key", roster_dir(a->roster), cor_compartment_name(c));
  return tries_open_share(a->tries, path, holder, recovered_at, err);
}

bool open_key_get(const agent *a, Corridor__V1__Compartment c, const cor_holder *holder, open_key *out,
                  cor_error *err) {
  char path[PATH_LEN];
  *out = (open_key){0};
  if (holder == NULL)
    return cor_fail(err, COR_NOT_PERMITTED, "", "name a user and passphrase that hold the %s key",
                    cor_compartment_name(c));
  snprintf(path, sizeof path, "%s/keys/%s.crt", roster_dir(a->roster), cor_compartment_name(c));
  out->key = holder_key(a, c, holder, &out->recovered_at, err);
  out->cert = out->key == NULL ? NULL : cor_cert_from_pem_file(path, err);
  if (out->cert != NULL) return true;
  open_key_clear(out);
  return false;
}

void open_key_clear(open_key *key) {
  X509_free(key->cert);
  EVP_PKEY_free(key->key);
  *key = (open_key){0};
}

bool open_unseal(const store_message *m, const Corridor__V1__Header *header, const open_key *key,
                 cor_buf *content, cor_error *err) {
  Corridor__V1__Sealed *sealed = cor_seal_open(cor_buf_view(&m->body), key->cert, key->key, err);
  bool ok = sealed != NULL && cor_seal_matches(sealed, header, err) &&
            cor_buf_copy(content, (cor_bytes){sealed->content.data, sealed->content.len}, err);
  if (sealed != NULL) cor_message_free(&sealed->base);
  return ok;
}

typedef struct unsealed {
  cor_buf content;
  bool theirs;          /* the key was there, so what failed is the message */
  int64_t recovered_at; /* of the share that opened it */
} unsealed;

static bool unseal(const agent *a, const store_message *m, const Corridor__V1__Header *header,
                   const cor_holder *holder, unsealed *out, cor_error *err) {
  open_key key = {0};
  if (holder != NULL && m->body.len == 0)
    return cor_fail(err, COR_CANNOT_OPEN, "", "this office erased the content after a withdrawal");
  if (!open_key_get(a, header->compartment, holder, &key, err)) return false;
  out->theirs = true;
  out->recovered_at = key.recovered_at;
  const bool ok = open_unseal(m, header, &key, &out->content, err);
  open_key_clear(&key);
  return ok;
}

/* An opened case file tells which printed number its handle belongs to: keep the
 * number's hash, so that people here can name the case by it. The first word
 * stands: no later file moves a number to another person's handle, or a case of
 * our own to another number. */
static bool learn_case(agent *a, const store_message *m, const ProtobufCMessage *body, cor_error *err) {
  const Corridor__V1__CaseFileCasework *file = (const Corridor__V1__CaseFileCasework *)body;
  char reference[COR_REFERENCE_TEXT];
  store_case c;
  if (body->descriptor != &corridor__v1__case_file_casework__descriptor || m->outgoing) return true;
  store_found found = store_case_get(a->store, m->handle, &c, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  if (!cor_reference_parse(file->case_ref, reference)) return true;
  uint8_t hash[COR_HASH_LEN];
  cor_reference_hash(reference, hash);
  if (c.own || c.has_reference) {
    if (!c.has_reference || memcmp(hash, c.reference_hash, sizeof hash) != 0)
      COR_LOG(a->log, COR_ALARM, "reference-not-believed", COR_ID("message", m->id),
              COR_WORD("sender", m->peer));
    return true;
  }
  memcpy(c.reference_hash, hash, sizeof hash);
  c.has_reference = true;
  snprintf(c.programme, sizeof c.programme, "%s", file->programme);
  return store_case_put(a->store, &c, err);
}

bool open_note(agent *a, const store_message *m, const char *word, const char *detail, cor_error *err) {
  store_event event = {.event = word,
                       .at = cor_clock_now(a->clock),
                       .type = m->type,
                       .compartment = m->compartment,
                       .outgoing = m->outgoing,
                       .peer = m->peer,
                       .detail = detail};
  memcpy(event.handle, m->handle, COR_ID_LEN);
  memcpy(event.message_id, m->id, COR_ID_LEN);
  return store_event_put(a->store, &event, err);
}

/* The opening is on disk, and the hub will hear of it, before a byte is shown. */
static bool note_good(agent *a, const store_message *m, const cor_holder *holder, int64_t recovered_at,
                      const ProtobufCMessage *body, cor_error *err) {
  if (!store_begin(a->store, err)) return false;
  if (open_note(a, m, "opened", holder->user, err) &&
      (m->outgoing || store_in_checked(a->store, m, COR_OK, err)) && learn_case(a, m, body, err) &&
      access_state(a, m, recovered_at, err)) {
    if (!store_commit(a->store, err)) return false;
    store_announce(a->store);
    if (a->link != NULL) link_wake(a->link);
    return true;
  }
  store_rollback(a->store);
  return false;
}

/* Tells the hub, which tells the sender. Filed where the message is: nobody learns
 * from the outbox that a restricted one came. */
static bool tell_hub(agent *a, const store_message *m, Corridor__V1__EndState state, int code,
                     cor_error *err) {
  Corridor__V1__ContentStatement body = CORRIDOR__V1__CONTENT_STATEMENT__INIT;
  compose_order order = {.row = cor_sop_find(COR_T(CONTENT_STATEMENT)),
                         .to = "hub",
                         .compartment = COR_C(RECORD),
                         .filed_under = (Corridor__V1__Compartment)m->compartment,
                         .body = &body.base,
                         .path = "",
                         .in_reply_to = m->id};
  uint8_t id[COR_ID_LEN];
  body.message_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)m->id};
  body.state = state;
  body.reason = (uint32_t)code;
  memcpy(order.handle, m->handle, COR_ID_LEN);
  const cor_cards *cards = roster_hold(a->roster);
  bool ok = compose_message(a, cards, &order, id, err);
  roster_release(a->roster);
  return ok;
}

/* Quarantine and statement are one transaction. If the statement cannot be made
 * now (our card is suspended), the message stays unchecked and the next opening
 * says it. What was good once is not declared bad: then the fault is ours. */
void open_quarantine(agent *a, const store_message *m, Corridor__V1__EndState state, int code) {
  cor_error why;
  const bool first = !m->outgoing && !m->read && m->code == COR_OK;
  COR_LOG(a->log, COR_WARN, "quarantined-message", COR_ID("message", m->id), COR_CODE(code));
  if (!store_begin(a->store, &why)) return;
  if (open_note(a, m, "quarantined", cor_refusal_of(code)->name, &why) &&
      (!first || (store_in_checked(a->store, m, code, &why) && tell_hub(a, m, state, code, &why))) &&
      store_commit(a->store, &why)) {
    store_announce(a->store);
    if (first && a->link != NULL) link_wake(a->link);
    return;
  }
  store_rollback(a->store);
  COR_LOG(a->log, COR_ALARM, "quarantine-not-told", COR_ID("message", m->id), COR_CODE(why.code));
}

bool open_own_fault(int code) {
  return code == COR_INTERNAL || code == COR_DISK_FULL;
}

static json_t *open_record(const store_message *m, const Corridor__V1__Header *header, cor_error *err) {
  const ProtobufCMessageDescriptor *type = cor_sop_body(header->type, header->compartment);
  ProtobufCMessage *body = type == NULL ? NULL
                                        : cor_decode(type, cor_buf_view(&m->body), COR_PLAIN_MAX, true, err);
  if (type == NULL) (void)cor_fail(err, COR_BAD_INPUT, "type", "this agent does not know the record");
  json_t *out = body == NULL ? NULL : cor_json_write(body);
  cor_message_free(body);
  return out;
}

static json_t *open_sealed(agent *a, const store_message *m, const Corridor__V1__Header *header,
                           const cor_holder *holder, cor_error *err) {
  const ProtobufCMessageDescriptor *type = cor_sop_body(header->type, header->compartment);
  unsealed in = {.content = {NULL, 0}};
  ProtobufCMessage *body = NULL;
  json_t *out = NULL;
  if (type == NULL) {
    (void)cor_fail(err, COR_BAD_INPUT, "type", "this agent does not know the message's content");
    return NULL;
  }
  if (unseal(a, m, header, holder, &in, err))
    body = cor_decode(type, cor_buf_view(&in.content), COR_PLAIN_MAX, true, err);
  if (body == NULL) {
    if (in.theirs && !open_own_fault(err->code))
      open_quarantine(a, m, CORRIDOR__V1__END_STATE__UNREADABLE, err->code);
  } else if (!cor_content_check(header->type, header->compartment, body, "/content", err) ||
             !cor_basis_check(header, body, "/content", err))
    open_quarantine(a, m, CORRIDOR__V1__END_STATE__CONTENT_REFUSED, err->code);
  else if (note_good(a, m, holder, in.recovered_at, body, err)) {
    out = cor_json_write(body);
    if (out == NULL) (void)cor_fail(err, COR_INTERNAL, "", "the content could not be written as JSON");
    /* A piece of a file is nothing to read; the whole is (open_attachment.c). */
    if (type == &corridor__v1__attachment_chunk__descriptor) json_object_del(out, "data");
  }
  cor_message_free(body);
  cor_buf_clear(&in.content);
  return out;
}

json_t *open_content(agent *a, const store_message *m, const cor_holder *holder, cor_error *err) {
  Corridor__V1__Header *header = open_header(m, err);
  if (header == NULL) return NULL;
  json_t *out = header->compartment == COR_C(RECORD) ? open_record(m, header, err)
                                                     : open_sealed(a, m, header, holder, err);
  cor_message_free(&header->base);
  return out;
}

unsigned open_held(agent *a, const cor_holder *holder, cor_error *err) {
  unsigned held = 0;
  (void)cor_fail(err, COR_NOT_PERMITTED, "",
                 "who does this is known by name: give a holder's name and passphrase; nothing was kept");
  for (int c = COR_C(OPERATIONS); holder != NULL && c <= COR_C(MONITORING); c++) {
    cor_error why = {0};
    int64_t recovered_at;
    EVP_PKEY *key = holder_key(a, (Corridor__V1__Compartment)c, holder, &recovered_at, &why);
    if (key != NULL) held |= COR_BIT(c);
    /* Of the offices' keys, not of those it never had. */
    if (why.code == COR_WRONG_PASSPHRASE || why.code == COR_LIMIT_REACHED) *err = why;
    EVP_PKEY_free(key);
  }
  return held;
}

unsigned open_visible(agent *a, const cor_holder *holder) {
  unsigned visible = STORE_ORDINARY;
  static const Corridor__V1__Compartment restricted[] = {COR_C(HEALTH), COR_C(PROTECTION)};
  for (size_t i = 0; holder != NULL && i < sizeof restricted / sizeof *restricted; i++) {
    cor_error ignored; /* wrong passphrase and no share look alike: not listed */
    int64_t recovered_at;
    EVP_PKEY *key = holder_key(a, restricted[i], holder, &recovered_at, &ignored);
    if (key != NULL) visible |= COR_BIT(restricted[i]);
    EVP_PKEY_free(key);
  }
  return visible;
}

/* open.c - opening a sealed body for a person who holds its compartment.
 *
 * Guarantees: the key file decides who may read (passphrase, 0600, a share of
 * the holder's own); what the seal repeats must be what the header says; the
 * content passes the same rules the sender's agent applied before a byte of it
 * is shown (design 4). Keys and plaintext live in memory for this one request
 * and are zeroed. Trusts the envelope, which was verified when it was taken. */
#include "open.h"

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
                            cor_error *err) {
  char path[PATH_LEN];
  snprintf(path, sizeof path, "%s/keys/%s.key", roster_dir(a->roster), cor_compartment_name(c));
  return tries_open(a->tries, path, holder, err);
}

/* Unseals, compares, and hands over the content bytes. */
static bool unseal(const agent *a, const store_message *m, const Corridor__V1__Header *header,
                   const cor_holder *holder, cor_buf *content, cor_error *err) {
  if (holder == NULL)
    return cor_fail(err, COR_NOT_PERMITTED, "", "name a user and passphrase that hold the %s key",
                    cor_compartment_name(header->compartment));
  if (m->body.len == 0)
    return cor_fail(err, COR_CANNOT_OPEN, "", "this office erased the content after a withdrawal");
  char path[PATH_LEN];
  snprintf(path, sizeof path, "%s/keys/%s.crt", roster_dir(a->roster),
           cor_compartment_name(header->compartment));
  EVP_PKEY *key = holder_key(a, header->compartment, holder, err);
  X509 *cert = key == NULL ? NULL : cor_cert_from_pem_file(path, err);
  Corridor__V1__Sealed *sealed = cert == NULL ? NULL : cor_seal_open(cor_buf_view(&m->body), cert, key, err);
  bool ok = sealed != NULL && cor_seal_matches(sealed, header, err) &&
            cor_buf_copy(content, (cor_bytes){sealed->content.data, sealed->content.len}, err);
  if (sealed != NULL) cor_message_free(&sealed->base);
  X509_free(cert);
  EVP_PKEY_free(key);
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

static bool note_opening(agent *a, const store_message *m, const cor_holder *holder, int code,
                         const ProtobufCMessage *body, cor_error *err) {
  store_event event = {.event = code == COR_OK ? "opened" : "quarantined",
                       .at = cor_clock_now(a->clock),
                       .type = m->type,
                       .compartment = m->compartment,
                       .outgoing = m->outgoing,
                       .peer = m->peer,
                       .detail = code == COR_OK ? holder->user : cor_refusal_of(code)->name};
  memcpy(event.handle, m->handle, COR_ID_LEN);
  memcpy(event.message_id, m->id, COR_ID_LEN);
  if (!store_begin(a->store, err)) return false;
  if (store_event_put(a->store, &event, err) && (m->outgoing || store_in_checked(a->store, m, code, err)) &&
      (body == NULL || learn_case(a, m, body, err)))
    return store_commit(a->store, err);
  store_rollback(a->store);
  return false;
}

json_t *open_content(agent *a, const store_message *m, const cor_holder *holder, cor_error *err) {
  Corridor__V1__Header *header = open_header(m, err);
  cor_buf content = {NULL, 0};
  json_t *out = NULL;
  ProtobufCMessage *body = NULL;
  cor_error noted;
  if (header == NULL) return NULL;
  const bool record = header->compartment == COR_C(RECORD);
  if (record ? !cor_buf_copy(&content, cor_buf_view(&m->body), err)
             : !unseal(a, m, header, holder, &content, err))
    goto done;
  const ProtobufCMessageDescriptor *type = cor_sop_body(header->type, header->compartment);
  body = type == NULL ? NULL : cor_decode(type, cor_buf_view(&content), COR_PLAIN_MAX, true, err);
  if (type == NULL)
    (void)cor_fail(err, COR_BAD_INPUT, "type", "this agent does not know the message's content");
  bool good = body != NULL &&
              (record || cor_content_check(header->type, header->compartment, body, "/content", err));
  if (!record &&
      !note_opening(a, m, holder, good ? COR_OK : err->code, good ? body : NULL, good ? err : &noted))
    goto done;
  if (good) out = cor_json_write(body);
  if (good && out == NULL) (void)cor_fail(err, COR_INTERNAL, "", "the content could not be written as JSON");
done:
  cor_message_free(body);
  cor_buf_clear(&content);
  cor_message_free(&header->base);
  return out;
}

unsigned open_visible(agent *a, const cor_holder *holder) {
  unsigned visible = STORE_ORDINARY;
  static const Corridor__V1__Compartment restricted[] = {COR_C(HEALTH), COR_C(PROTECTION)};
  for (size_t i = 0; holder != NULL && i < sizeof restricted / sizeof *restricted; i++) {
    cor_error ignored; /* wrong passphrase and no share look alike: not listed */
    EVP_PKEY *key = holder_key(a, restricted[i], holder, &ignored);
    if (key != NULL) visible |= COR_BIT(restricted[i]);
    EVP_PKEY_free(key);
  }
  return visible;
}

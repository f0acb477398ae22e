/* form.c - the consent form: read, bound to its record, sealed, kept, opened.
 *
 * Guarantees: a form is sealed to this office's own key before it reaches the
 * disk and never leaves the office; the hub gets its digest only, and a salt keeps
 * that from being guessed. Evidence is kept whole or the consent is not. Whenever they
 * are opened, the form is compared with the record's digest and evidence with the form's. Trusts the record
 * to have passed its content rules when it is composed. Nothing is fatal. */
#include "form.h"
#include "open.h"

#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/consent.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/seal.h"
#include "corridor/sign.h"
#include "corridor/sop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sealed part and what it repeats fit into the largest size class. */
enum { PART_MAX = 1000 * 1024, FORM_PART = 0 };

void form_draft_clear(form_draft *draft) {
  if (draft->form != NULL) cor_message_free(&draft->form->base);
  for (size_t i = 0; i < FORM_EVIDENCE_MAX; i++)
    cor_buf_clear(&draft->evidence[i]);
  *draft = (form_draft){0};
}

/* ---- reading ---- */

/* One entry of `evidence`: its bytes go into *bytes, what the form says of it into
 * a new object. */
static json_t *read_evidence(const json_t *entry, size_t i, cor_buf *bytes, cor_error *err) {
  char path[32], digest[COR_HEX64_TEXT];
  uint8_t computed[COR_HASH_LEN];
  json_t *out = NULL;
  snprintf(path, sizeof path, "/evidence/%zu", i);
  Corridor__V1__EvidenceFile *file = (Corridor__V1__EvidenceFile *)cor_json_read(
      &corridor__v1__evidence_file__descriptor, entry, path, err);
  if (file == NULL) return NULL;
  const cor_bytes data = cor_bytes_of(file->data), given = cor_bytes_of(file->sha256);
  cor_sha256(computed, &data, 1);
  if (given.len != 0 && (data.len == 0 || !cor_bytes_equal(given, (cor_bytes){computed, sizeof computed})))
    (void)cor_fail(err, COR_BAD_INPUT, path, "the evidence is not what its digest says; nothing was kept");
  else if (data.len > 0 && file->kind == CORRIDOR__V1__EVIDENCE_KIND__PAPER_IN_FILE)
    (void)cor_fail(err, COR_BAD_INPUT, path, "paper has a place, not bytes; nothing was kept");
  else if (data.len == 0 || cor_buf_copy(bytes, data, err)) {
    out = json_pack("{s:i, s:s}", "kind", (int)file->kind, "keptAt", file->kept_at);
    if (data.len > 0) {
      json_object_set_new(
          out, "sha256", json_string(cor_hex((cor_bytes){computed, sizeof computed}, digest, sizeof digest)));
      json_object_set_new(out, "size", json_integer((json_int_t)data.len));
    }
  }
  cor_message_free(&file->base);
  return out;
}

/* All of `evidence`, as the form's own member. */
static json_t *read_all_evidence(const json_t *given, form_draft *out, cor_error *err) {
  const json_t *entry;
  size_t i, total = 0;
  json_t *list = json_array();
  if (given != NULL && !json_is_array(given)) {
    (void)cor_fail(err, COR_BAD_INPUT, "/evidence", "must be a list; nothing was kept");
    goto fail;
  }
  json_array_foreach(given, i, entry) {
    json_t *said = i < FORM_EVIDENCE_MAX ? read_evidence(entry, i, &out->evidence[i], err) : NULL;
    if (i >= FORM_EVIDENCE_MAX)
      (void)cor_fail(err, COR_TOO_LARGE, "/evidence", "at most %d pieces; nothing was kept",
                     FORM_EVIDENCE_MAX);
    if (said == NULL) goto fail;
    json_array_append_new(list, said);
    total += out->evidence[i].len;
  }
  if (total <= FORM_EVIDENCE_BYTES) return list;
  (void)cor_fail(err, COR_TOO_LARGE, "/evidence", "at most 2.5 MiB in all; nothing was kept");
fail:
  json_decref(list);
  return NULL;
}

bool form_read(const json_t *request, form_draft *out, cor_error *err) {
  static const char *const made_here[] = {"salt", "consentId", "consent_id", "version", "evidence"};
  const json_t *given = json_object_get(request, "form"), *evidence = json_object_get(request, "evidence");
  *out = (form_draft){0};
  if (given == NULL)
    return evidence == NULL ||
           cor_fail(err, COR_MISSING_FIELD, "/form", "evidence goes with its form; nothing was kept");
  if (!json_is_object(given))
    return cor_fail(err, COR_BAD_INPUT, "/form", "must be an object; nothing was kept");
  for (size_t i = 0; i < sizeof made_here / sizeof *made_here; i++)
    if (json_object_get(given, made_here[i]) != NULL)
      return cor_fail(err, COR_BAD_INPUT, "/form", "%s is made here, not given; nothing was kept",
                      made_here[i]);
  json_t *list = read_all_evidence(evidence, out, err);
  json_t *whole = list == NULL ? NULL : json_copy((json_t *)(uintptr_t)given);
  if (whole != NULL && json_object_set(whole, "evidence", list) == 0)
    out->form = (Corridor__V1__ConsentForm *)cor_json_read(&corridor__v1__consent_form__descriptor, whole,
                                                           "/form", err);
  json_decref(whole);
  json_decref(list);
  if (out->form != NULL) return true;
  form_draft_clear(out);
  return false;
}

/* ---- binding ---- */

static bool set_bytes(ProtobufCBinaryData *field, cor_bytes value, cor_error *err) {
  cor_buf copy = {0};
  if (!cor_buf_copy(&copy, value, err)) return false;
  free(field->data);
  *field = (ProtobufCBinaryData){copy.len, copy.data};
  return true;
}

static void set_validity(Corridor__V1__ConsentRecord *record, const Corridor__V1__ConsentForm *form) {
  int32_t given = 0, majority = 0;
  if (record->valid_until != 0 || !cor_day_parse(form->given_on, &given)) return;
  if (form->minor && !cor_day_parse(form->majority_on, &majority)) return;
  record->valid_until = cor_consent_until(given, majority);
}

static bool set_digest(const form_draft *draft, Corridor__V1__ConsentRecord *record, cor_error *err) {
  uint8_t digest[COR_HASH_LEN];
  cor_buf bytes = {0};
  if (record->evidence_sha256.len != 0)
    return cor_fail(err, COR_BAD_INPUT, "/consent/evidenceSha256",
                    "is made here of the form, or given without one; nothing was kept");
  bool ok = cor_consent_form_encode(draft->form, &bytes, digest, err) &&
            set_bytes(&record->evidence_sha256, (cor_bytes){digest, sizeof digest}, err);
  cor_buf_clear(&bytes);
  return ok;
}

bool form_bind(form_draft *draft, Corridor__V1__ConsentRecord *record, cor_error *err) {
  uint8_t salt[COR_HASH_LEN];
  if (draft->form == NULL) return true;
  cor_random(salt, sizeof salt);
  draft->form->version = record->version;
  set_validity(record, draft->form);
  return set_bytes(&draft->form->consent_id, cor_bytes_of(record->consent_id), err) &&
         set_bytes(&draft->form->salt, (cor_bytes){salt, sizeof salt}, err) &&
         cor_consent_form_check(record, draft->form, err) && set_digest(draft, record, err);
}

/* ---- keeping ---- */

static X509 *own_cert(const agent *a, const cor_cards *cards, Corridor__V1__Compartment c) {
  const cor_card *card = cor_cards_find(cards, a->office.id);
  return card == NULL ? NULL : card->sealing[c];
}

Corridor__V1__Compartment form_compartment(const agent *a, const cor_cards *cards,
                                           const Corridor__V1__ConsentRecord *record) {
  const Corridor__V1__Compartment c = cor_consent_compartment(record);
  return own_cert(a, cards, c) != NULL ? c : COR_C(CASEWORK);
}

typedef struct keeping {
  agent *a;
  X509 *cert;
  Corridor__V1__Sealed sealed; /* all but the content */
  store_form_part part;
} keeping;

static bool keep_part(keeping *k, cor_bytes content, cor_error *err) {
  k->sealed.content = (ProtobufCBinaryData){content.len, (uint8_t *)(uintptr_t)content.data};
  bool ok = cor_seal_make(&k->sealed, &k->cert, 1, &k->part.sealed, err) &&
            store_form_put(k->a->store, &k->part, err);
  cor_buf_clear(&k->part.sealed);
  k->part.part++;
  return ok;
}

static bool keep_bytes(keeping *k, cor_bytes bytes, cor_error *err) {
  bool ok = true;
  for (size_t at = 0; ok && at < bytes.len; at += PART_MAX) {
    const size_t left = bytes.len - at;
    ok = keep_part(k, (cor_bytes){bytes.data + at, left < PART_MAX ? left : PART_MAX}, err);
  }
  return ok;
}

bool form_keep(agent *a, const cor_cards *cards, const form_draft *draft,
               const Corridor__V1__ConsentRecord *record, const uint8_t handle[COR_ID_LEN], cor_error *err) {
  keeping k = {.a = a, .part = {.version = record->version, .part = FORM_PART}};
  cor_buf bytes = {0};
  uint8_t digest[COR_HASH_LEN];
  if (draft->form == NULL) return true;
  const Corridor__V1__Compartment c = form_compartment(a, cards, record);
  k.cert = own_cert(a, cards, c);
  if (k.cert == NULL)
    return cor_fail(err, COR_NOT_PERMITTED, "/form",
                    "this office has no casework key to seal the form with; nothing was kept");
  k.part.compartment = (int)c;
  memcpy(k.part.consent, record->consent_id.data, COR_ID_LEN);
  corridor__v1__sealed__init(&k.sealed);
  k.sealed.message_id = record->consent_id;
  k.sealed.sender = k.sealed.recipient = a->office.id;
  k.sealed.handle = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)(uintptr_t)handle};
  k.sealed.type = COR_T(CONSENT_RECORD);
  k.sealed.compartment = c;
  bool ok = cor_consent_form_encode(draft->form, &bytes, digest, err) &&
            keep_part(&k, cor_buf_view(&bytes), err);
  for (size_t i = 0; ok && i < draft->form->n_evidence; i++)
    ok = keep_bytes(&k, cor_buf_view(&draft->evidence[i]), err);
  cor_buf_clear(&bytes);
  return ok;
}

/* ---- opening ---- */

/* The content of one part. ABSENT: no such part was kept. */
static store_found open_part(agent *a, const store_consent *consent, int n, const cor_holder *holder,
                             cor_buf *out, cor_error *err) {
  store_form_part part;
  held_key key;
  if (!store_begin(a->store, err)) return STORE_ERROR;
  store_found found = store_form_get(a->store, consent->id, consent->version, n, &part, err);
  store_rollback(a->store);
  if (found != STORE_FOUND) return found;
  Corridor__V1__Sealed *sealed = NULL;
  if (held_key_get(a, (Corridor__V1__Compartment)part.compartment, holder, &key, err)) {
    sealed = cor_seal_open(cor_buf_view(&part.sealed), key.cert, key.key, err);
    held_key_clear(&key);
  }
  bool ok = sealed != NULL && cor_buf_copy(out, cor_bytes_of(sealed->content), err);
  if (sealed != NULL) cor_message_free(&sealed->base);
  cor_buf_clear(&part.sealed);
  return ok ? STORE_FOUND : STORE_ERROR;
}

Corridor__V1__ConsentForm *form_open(agent *a, const store_consent *consent, cor_bytes digest,
                                     const cor_holder *holder, cor_error *err) {
  cor_buf bytes = {0};
  uint8_t found[COR_HASH_LEN];
  Corridor__V1__ConsentForm *form = NULL;
  *err = (cor_error){.code = COR_OK};
  if (open_part(a, consent, FORM_PART, holder, &bytes, err) != STORE_FOUND) return NULL;
  cor_content_hash(COR_DOMAIN_FORM, cor_buf_view(&bytes), found);
  if (cor_bytes_equal(digest, (cor_bytes){found, sizeof found}))
    form = (Corridor__V1__ConsentForm *)cor_decode(&corridor__v1__consent_form__descriptor,
                                                   cor_buf_view(&bytes), COR_PLAIN_MAX, true, err);
  else
    (void)cor_fail(err, COR_CANNOT_OPEN, "",
                   "the form that is kept here is not the one this record was made of");
  cor_buf_clear(&bytes);
  return form;
}

/* The part that holds the first bytes of evidence n. */
static int first_part(const Corridor__V1__ConsentForm *form, size_t n) {
  int part = FORM_PART + 1;
  for (size_t i = 0; i < n; i++)
    part += (int)((form->evidence[i]->size + PART_MAX - 1) / PART_MAX);
  return part;
}

bool form_open_evidence(agent *a, const store_consent *consent, const Corridor__V1__ConsentForm *form,
                        size_t n, const cor_holder *holder, cor_buf *out, cor_error *err) {
  uint8_t digest[COR_HASH_LEN];
  if (n >= form->n_evidence || form->evidence[n]->size == 0 || form->evidence[n]->size > FORM_EVIDENCE_BYTES)
    return cor_fail(err, COR_BAD_INPUT, "n", "the form has no such evidence here");
  const Corridor__V1__Evidence *said = form->evidence[n];
  cor_buf whole = {malloc(said->size), 0};
  store_found found = STORE_FOUND;
  if (whole.data == NULL) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  for (int part = first_part(form, n); found == STORE_FOUND && whole.len < said->size; part++) {
    cor_buf piece = {0};
    found = open_part(a, consent, part, holder, &piece, err);
    const bool fits = found == STORE_FOUND && piece.len > 0 && piece.len <= said->size - whole.len;
    if (fits) memcpy(whole.data + whole.len, piece.data, piece.len);
    whole.len += fits ? piece.len : 0;
    if (found == STORE_FOUND && !fits) found = STORE_ABSENT;
    cor_buf_clear(&piece);
  }
  const cor_bytes got = cor_buf_view(&whole);
  cor_sha256(digest, &got, 1);
  if (found == STORE_FOUND &&
      cor_bytes_equal(cor_bytes_of(said->sha256), (cor_bytes){digest, sizeof digest})) {
    *out = whole;
    return true;
  }
  cor_buf_clear(&whole);
  if (found == STORE_ERROR) return false;
  return cor_fail(err, COR_CANNOT_OPEN, "", "the evidence that is kept here is not what the form says");
}

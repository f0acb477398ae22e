/* header_check.c - is this header well formed for its type?
 *
 * Looks at the header alone, before any key, card or fact: presence, lengths,
 * order and closed lists, as the type's row of the SOP table wants them. What
 * passes can be trusted in shape: times are bounded (calendar arithmetic cannot
 * overflow), the row exists, compartment and purpose belong to it, ids have
 * their length. Whether the message is *permitted* is the gate's question.
 *
 * Trusts that cor_decode has refused unknown enum values and bad text. The
 * first fault ends the check; err->path is the header field's name. */
#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <string.h>

/* 9999-12-31: no real date is later, and sums with it stay far from overflow. */
#define TIME_MAX INT64_C(253402300799999)

enum { HEADER_VERSION = 1, CATEGORY_MAX = COR_CAT(ASYLUM) };

static bool in_set(uint32_t set, unsigned value) {
  return value != 0 && value < 32 && (set & COR_BIT(value));
}

static bool missing(cor_error *err, const char *field, const char *type) {
  return cor_fail(err, COR_MISSING_FIELD, field, "%s needs %s; nothing was sent", type, field);
}

static bool bad(cor_error *err, const char *field, const char *why) {
  return cor_fail(err, COR_BAD_INPUT, field, "%s %s", field, why);
}

static bool check_id(const ProtobufCBinaryData *id, bool required, const char *field, const char *type,
                     cor_error *err) {
  if (id->len == 0) return required ? missing(err, field, type) : true;
  return id->len == COR_ID_LEN ? true : bad(err, field, "must be 16 bytes");
}

static bool check_parties(const Corridor__V1__Header *h, const cor_sop_row *row, cor_error *err) {
  if (!h->sender || !cor_office_valid(h->sender)) return bad(err, "sender", "is not an office id");
  if (!h->recipient || !cor_office_valid(h->recipient)) return bad(err, "recipient", "is not an office id");
  if (strcmp(h->sender, h->recipient) == 0)
    return bad(err, "recipient", "must be another office than the sender");
  if (row->to_hub != (strcmp(h->recipient, "hub") == 0))
    return bad(err, "recipient",
               row->to_hub ? "must be \"hub\" for a record" : "cannot be \"hub\" for this type");
  return true;
}

static bool check_ids(const Corridor__V1__Header *h, const cor_sop_row *row, cor_error *err) {
  if (!check_id(&h->message_id, true, "message_id", row->name, err)) return false;
  if (!cor_id_is_uuid7((cor_bytes){h->message_id.data, h->message_id.len}))
    return bad(err, "message_id", "must be a version 7 UUID (RFC 9562)");
  if (!check_id(&h->handle, row->handle != COR_HANDLE_NONE, "handle", row->name, err)) return false;
  if (row->handle == COR_HANDLE_NONE && h->handle.len != 0)
    return bad(err, "handle", "must be empty for this type");
  /* A consent id beside another basis would link what the basis keeps apart:
   * a referral offer must not point to its case. */
  bool by_consent = h->basis == COR_BASIS(CONSENT);
  if (!by_consent && h->consent_id.len != 0)
    return bad(err, "consent_id", "must be empty unless the basis is CONSENT");
  return check_id(&h->consent_id, by_consent, "consent_id", row->name, err) &&
         check_id(&h->in_reply_to, false, "in_reply_to", row->name, err);
}

static bool check_codes(const Corridor__V1__Header *h, const cor_sop_row *row, cor_error *err) {
  if (!in_set(row->compartments, h->compartment))
    return bad(err, "compartment", "is not one that this type has");
  if (!in_set(row->purposes, h->purpose)) return bad(err, "purpose", "is not one that this type has");
  if (h->basis == 0) return missing(err, "basis", row->name);
  if (row->needs_outcome ? h->outcome == 0 : h->outcome != 0)
    return row->needs_outcome ? missing(err, "outcome", row->name)
                              : bad(err, "outcome", "must be absent for this type");
  if (h->n_categories == 0) return missing(err, "categories", row->name);
  for (size_t i = 0; i < h->n_categories; i++) {
    if ((unsigned)h->categories[i] - 1u >= CATEGORY_MAX)
      return cor_fail(err, COR_UNKNOWN_ENUM, "categories", "categories holds an unknown code");
    if (i > 0 && h->categories[i] <= h->categories[i - 1])
      return bad(err, "categories", "must be strictly ascending");
  }
  return true;
}

static bool check_times(const Corridor__V1__Header *h, const cor_sop_row *row, cor_error *err) {
  if (h->sent_at <= 0 || h->sent_at > TIME_MAX) return bad(err, "sent_at", "is not a time");
  if (h->expires_at <= h->sent_at || h->expires_at > TIME_MAX)
    return bad(err, "expires_at", "must be later than sent_at");
  /* Who did not board has no departure to count from. */
  const bool opens = !row->opens_unless_no || h->outcome != COR_OUTCOME(NO);
  if (!row->needs_event || !opens)
    return h->event_at == 0 ? true : bad(err, "event_at", "must be absent for this type and outcome");
  if (h->event_at == 0) return missing(err, "event_at", row->name);
  return h->event_at > 0 && h->event_at <= TIME_MAX ? true : bad(err, "event_at", "is not a time");
}

static bool check_body(const Corridor__V1__Header *h, cor_error *err) {
  if (h->body_size == 0 || h->body_size > COR_BODY_MAX)
    return cor_fail(err, COR_TOO_LARGE, "body_size", "body_size must be 1 to %d bytes", COR_BODY_MAX);
  if (h->body_sha256.len != COR_HASH_LEN) return bad(err, "body_sha256", "must be 32 bytes");
  if (h->checkpoint && h->checkpoint->root.len != COR_HASH_LEN)
    return bad(err, "checkpoint", "must hold a root of 32 bytes");
  return true;
}

bool cor_header_check(const Corridor__V1__Header *header, cor_error *err) {
  if (header->version != HEADER_VERSION)
    return cor_fail(err, COR_UNSUPPORTED_VERSION, "version", "header version %u is not understood; send %d",
                    header->version, HEADER_VERSION);
  const cor_sop_row *row = cor_sop_find(header->type);
  if (!row) return cor_fail(err, COR_UNKNOWN_ENUM, "type", "no such message type");
  if (header->table_version == 0) return missing(err, "table_version", row->name);
  return check_parties(header, row, err) && check_codes(header, row, err) && check_ids(header, row, err) &&
         check_times(header, row, err) && check_body(header, err);
}

/* mail.c - rows of corridor.message and corridor.delivery.
 *
 * For: admission and notices alike, so that one statement pair knows the
 * columns. Guarantees: message and delivery rows are inserted in the caller's
 * transaction or not at all; the sequence number of a delivery is the
 * database's. The bytes stored are the bytes that were signed. */
#include "mail.h"
#include "corridor/codec.h"
#include "corridor/gate.h"
#include "corridor/sop.h"

static bool write_messages(core *c, const mail *all, size_t n, int64_t now) {
  db_args args = {0};
  db_array *id = db_list(&args, DB_BYTES), *sender = db_list(&args, DB_TEXT),
           *recipient = db_list(&args, DB_TEXT);
  db_array *compartment = db_list(&args, DB_I16), *handle = db_list(&args, DB_BYTES),
           *kase = db_list(&args, DB_BYTES);
  db_array *type = db_list(&args, DB_I16), *purpose = db_list(&args, DB_I16),
           *categories = db_list(&args, DB_I32);
  db_array *basis = db_list(&args, DB_I16), *consent = db_list(&args, DB_BYTES),
           *expires = db_list(&args, DB_I64);
  db_array *late = db_list(&args, DB_BOOL), *hash = db_list(&args, DB_BYTES),
           *header = db_list(&args, DB_BYTES);
  db_array *signature = db_list(&args, DB_BYTES), *cover = db_list(&args, DB_BYTES),
           *body = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++) {
    const Corridor__V1__Header *h = all[i].header;
    db_add_bytes(id, cor_bytes_of(h->message_id));
    db_add_text(sender, h->sender);
    db_add_text(recipient, h->recipient);
    db_add_i64(compartment, h->compartment);
    db_add_bytes(handle, cor_bytes_of(h->handle));
    db_add_bytes(kase, all[i].case_handle);
    db_add_i64(type, h->type);
    db_add_i64(purpose, h->purpose);
    db_add_i64(categories, cor_category_set(h->categories, h->n_categories));
    db_add_i64(basis, h->basis);
    db_add_bytes(consent, all[i].consent_id);
    db_add_i64(expires, h->expires_at);
    db_add_i64(late, all[i].late);
    db_add_bytes(hash, (cor_bytes){all[i].header_hash, COR_HASH_LEN});
    db_add_bytes(header, all[i].header_bytes);
    db_add_bytes(signature, all[i].signature);
    db_add_bytes(cover, all[i].cover);
    db_add_bytes(body, all[i].body);
  }
  db_i64(&args, now);
  return db_do(
      c->db,
      "INSERT INTO corridor.message (message_id, sender, recipient, compartment, handle, case_handle, type, "
      "purpose,"
      " categories, basis, consent_id, expires_at, late, header_hash, header, signature, cover, body, "
      "admitted_at)"
      " SELECT u.*, $19::bigint FROM unnest($1::bytea[], $2::text[], $3::text[], $4::smallint[], $5::bytea[],"
      " $6::bytea[], $7::smallint[], $8::smallint[], $9::int[], $10::smallint[], $11::bytea[], $12::bigint[],"
      " $13::bool[], $14::bytea[], $15::bytea[], $16::bytea[], $17::bytea[], $18::bytea[]) u",
      &args);
}

bool mail_write(core *c, const mail *all, size_t n, int64_t now) {
  if (n == 0) return true;
  if (!write_messages(c, all, n, now)) return false;
  db_args args = {0};
  db_array *id = db_list(&args, DB_BYTES), *sender = db_list(&args, DB_TEXT),
           *recipient = db_list(&args, DB_TEXT);
  db_array *handle = db_list(&args, DB_BYTES), *kase = db_list(&args, DB_BYTES),
           *lane = db_list(&args, DB_I16);
  db_array *state = db_list(&args, DB_I16), *expires = db_list(&args, DB_I64);
  for (size_t i = 0; i < n; i++) {
    const Corridor__V1__Header *h = all[i].header;
    if (!all[i].deliver) continue;
    db_add_bytes(id, cor_bytes_of(h->message_id));
    db_add_text(sender, h->sender);
    db_add_text(recipient, h->recipient);
    db_add_bytes(handle, cor_bytes_of(h->handle));
    db_add_bytes(kase, all[i].case_handle);
    db_add_i64(lane, cor_sop_find(h->type)->lane);
    db_add_i64(state, all[i].state);
    db_add_i64(expires, h->expires_at);
    if (all[i].state == MAIL_QUEUED) core_waiting(c, h->recipient, false);
  }
  if (id->count == 0) {
    db_args_clear(&args);
    return true;
  }
  db_i64(&args, now);
  return db_do(c->db,
               "INSERT INTO corridor.delivery (message_id, sender, recipient, handle, case_handle, lane, "
               "state, expires_at,"
               " admitted_at, released_at)"
               " SELECT id, sender, recipient, handle, kase, lane, state, expires, $9::bigint,"
               "  CASE WHEN state = 1 THEN $9::bigint END"
               " FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::smallint[], "
               "$7::smallint[],"
               " $8::bigint[]) WITH ORDINALITY AS u (id, sender, recipient, handle, kase, lane, state, "
               "expires, i) ORDER BY i",
               &args);
}

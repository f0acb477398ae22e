/* store_form.c - consent forms and their evidence, sealed as they were kept. The
 * newest version counts; older ones stay, for they say what was consented to when. */
#include "store_internal.h"

#include <string.h>

bool store_form_put(store *s, const store_form_part *p, cor_error *err) {
  return STORE_EXEC(
      s, err, "INSERT INTO consent_forms(consent_id, version, part, compartment, sealed) VALUES(?,?,?,?,?)",
      A_ID(p->consent), A_INT(p->version), A_INT(p->part), A_INT(p->compartment),
      A_BLOB(cor_buf_view(&p->sealed)));
}

store_found store_form_get(store *s, const uint8_t consent[COR_ID_LEN], uint32_t version, int part,
                           store_form_part *out, cor_error *err) {
  *out = (store_form_part){.version = version, .part = part};
  memcpy(out->consent, consent, COR_ID_LEN);
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      "SELECT compartment, sealed FROM consent_forms WHERE consent_id = ? AND version = ? AND part = ?",
      A_ID(consent), A_INT(version), A_INT(part));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  out->compartment = sqlite3_column_int(stmt, 0);
  bool ok = store_column_buf(stmt, 1, &out->sealed, err);
  store_done(stmt);
  return ok ? STORE_FOUND : STORE_ERROR;
}

/* permission_json.c - a permission table, and a table of consent policies, as people
 * write them.
 *
 * For: `corridor ca permissions` and `ca consent-policy`, and whoever makes a programme from
 * deploy/permissions. The file is the schema's own JSON of the rows, with two things
 * for readers only: "about" at the top, "cite" in a row. Guarantees: another member is
 * an error with its place; nothing is guessed. What the rows must obey is
 * permission_check.c's and consent_policy.c's. Trusts nothing; nothing is fatal. */
#include "corridor/permission_json.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include <stdio.h>

enum { TABLE_MAX = 1024 * 1024 };

static Corridor__V1__CardList *read_table(json_t *table, const char *member, cor_error *err) {
  size_t i;
  json_t *row, *rows = json_object_get(table, member);
  json_object_del(table, "about");
  if (!json_is_array(rows) || json_object_size(table) != 1) {
    char path[32];
    snprintf(path, sizeof path, "/%s", member);
    (void)cor_fail(err, COR_BAD_INPUT, path,
                   "a table has \"%s\", may have \"about\", and nothing else; nothing was changed", member);
    return NULL;
  }
  json_array_foreach(rows, i, row) json_object_del(row, "cite");
  return (Corridor__V1__CardList *)cor_json_read(&corridor__v1__card_list__descriptor, table, "", err);
}

Corridor__V1__CardList *cor_permissions_read(json_t *table, cor_error *err) {
  return read_table(table, "permissions", err);
}

Corridor__V1__CardList *cor_consent_policies_read(json_t *table, cor_error *err) {
  return read_table(table, "consentPolicies", err);
}

Corridor__V1__CardList *cor_permissions_load(const char *path, cor_error *err) {
  cor_buf text = {0};
  if (!cor_file_read(path, TABLE_MAX, false, &text, err)) return NULL;
  json_t *table = cor_json_parse(cor_buf_view(&text), err);
  Corridor__V1__CardList *out = table ? cor_permissions_read(table, err) : NULL;
  json_decref(table);
  cor_buf_clear(&text);
  return out;
}

/* changes.c - what a new card list changes of who may tell whom what.
 *
 * For: registry.c, when a list is imported: each change of a permission, an agreement, a
 * consent policy, a suspended region, of an office's role, or of who is UNHCR is a log
 * record of its own, so that oversight reads a sentence and need not compare two lists.
 * (An office that is new or gone stands in the list; what it may is said of its role.)
 * Guarantees: permissions are compared as they work out (a pair of roles, a function,
 * the categories that pass), not as their rows are written; what stands on one list
 * only is added or removed, what differs in a byte is altered. Comparing takes
 * n log n steps: the gate's epoch row is locked meanwhile.
 * Trusts: both lists were verified. Memory that runs out is fatal. */
#include "changes.h"
#include "corridor/codec.h"
#include "corridor/gate.h"
#include "corridor/office.h"
#include "corridor/permission.h"
#include "corridor/sop.h"
#include "ledger.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART(x) CORRIDOR__V1__LIST_PART__PART_##x
#define CHANGE(x) CORRIDOR__V1__LIST_CHANGE__CHANGE_##x
enum { CATEGORIES = 32 };

/* Something of a list that can change, and what it is now. */
typedef struct item {
  list_change what;
  Corridor__V1__Role role; /* PART_ROLE */
  uint8_t digest[COR_HASH_LEN];
} item;

typedef struct items {
  item *list;
  size_t n, cap;
} items;

static item *add(items *all, Corridor__V1__ListPart part, uint32_t categories) {
  if (all->n == all->cap) {
    all->cap = all->cap ? all->cap * 2 : 256;
    all->list = realloc(all->list, all->cap * sizeof *all->list);
    if (!all->list) abort();
  }
  item *one = &all->list[all->n++];
  *one = (item){.what = {.part = part, .categories = categories}};
  return one;
}

static void digest_of(item *one, const ProtobufCMessage *message) {
  cor_buf bytes = {0};
  cor_error err;
  if (!cor_encode(message, &bytes, &err)) abort(); /* it was decoded: an invariant */
  cor_sha256(one->digest, &(cor_bytes){bytes.data, bytes.len}, 1);
  cor_buf_clear(&bytes);
}

/* ---- what a list says ---- */

static const char *role_word(Corridor__V1__Role role) {
  const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&corridor__v1__role__descriptor,
                                                                     (int)role);
  return v ? v->name + strlen("ROLE_") : "?";
}

static void add_cells(items *all, const Corridor__V1__CardList *list, Corridor__V1__Role from,
                      Corridor__V1__Role to) {
  for (int c = COR_C(OPERATIONS); c <= COR_C(MONITORING); c++) {
    const uint32_t set = cor_permission_set((const Corridor__V1__Permission *const *)list->permissions,
                                            list->n_permissions, from, to, (Corridor__V1__Compartment)c);
    if (set == 0) continue;
    item *one = add(all, PART(PERMISSION), set);
    snprintf(one->what.subject, sizeof one->what.subject, "%s > %s, %s", role_word(from), role_word(to),
             cor_compartment_name((Corridor__V1__Compartment)c));
  }
}

static void add_permissions(items *all, const Corridor__V1__CardList *list) {
  for (int from = COR_ROLE(HOST_MISSION); from <= COR_ROLE(OVERSIGHT); from++)
    for (int to = COR_ROLE(HOST_MISSION); to <= COR_ROLE(OVERSIGHT); to++)
      add_cells(all, list, (Corridor__V1__Role)from, (Corridor__V1__Role)to);
}

static int by_subject(const void *a, const void *b) {
  const list_change *x = &((const item *)a)->what, *y = &((const item *)b)->what;
  return x->part != y->part ? (x->part > y->part) - (x->part < y->part) : strcmp(x->subject, y->subject);
}

static void gather(items *all, const Corridor__V1__CardList *list) {
  if (!list) return;
  add_permissions(all, list);
  for (size_t i = 0; i < list->n_agreements; i++) {
    const Corridor__V1__Agreement *a = list->agreements[i];
    item *one = add(all, PART(AGREEMENT), cor_category_set(a->categories, a->n_categories));
    snprintf(one->what.subject, sizeof one->what.subject, "%s", a->id);
    digest_of(one, &a->base);
  }
  for (size_t i = 0; i < list->n_suspended; i++) {
    item *one = add(all, PART(REGION), 0);
    snprintf(one->what.subject, sizeof one->what.subject, "%s", list->suspended[i]->region);
    digest_of(one, &list->suspended[i]->base);
  }
  for (size_t i = 0; i < list->n_consent_policies; i++) {
    const Corridor__V1__ConsentPolicy *policy = list->consent_policies[i];
    const ProtobufCEnumValue *scope = protobuf_c_enum_descriptor_get_value(
        &corridor__v1__consent_scope_code__descriptor, (int)policy->scope);
    item *one = add(all, PART(CONSENT_POLICY), 0);
    snprintf(one->what.subject, sizeof one->what.subject, "%s", scope ? scope->name : "?");
    digest_of(one, &policy->base);
  }
  for (size_t i = 0; i < list->n_cards; i++) {
    item *office = add(all, PART(ROLE), 0);
    snprintf(office->what.subject, sizeof office->what.subject, "%s", list->cards[i]->office);
    office->role = list->cards[i]->role;
    if (!list->cards[i]->asylum_authority) continue;
    item *one = add(all, PART(ASYLUM_AUTHORITY), COR_BIT(COR_CAT(ASYLUM)));
    snprintf(one->what.subject, sizeof one->what.subject, "%s", list->cards[i]->office);
  }
  if (all->n > 0) qsort(all->list, all->n, sizeof *all->list, by_subject);
}

/* ---- two lists ---- */

static void note(changes *out, const item *one, Corridor__V1__ListChange change) {
  list_change *c = &out->list[out->n++];
  *c = one->what;
  c->change = change;
  if (change == CHANGE(REMOVED)) c->categories = 0;
}

/* Its subject says both. */
static void note_role(changes *out, const item *before, const item *after) {
  list_change *c = &out->list[out->n++];
  *c = after->what;
  c->change = CHANGE(ALTERED);
  snprintf(c->subject, sizeof c->subject, "%.32s: %s > %s", after->what.subject, role_word(before->role),
           role_word(after->role));
}

static bool differ(const item *a, const item *b) {
  return a->what.categories != b->what.categories || memcmp(a->digest, b->digest, COR_HASH_LEN) != 0;
}

/* Both sorted: one walk sees what is on either side alone, or on both. */
void changes_find(const Corridor__V1__CardList *former, const Corridor__V1__CardList *next, changes *out) {
  items before = {0}, after = {0};
  gather(&before, former);
  gather(&after, next);
  *out = (changes){.list = calloc(before.n + after.n + 1, sizeof *out->list)};
  if (!out->list) abort();
  for (size_t i = 0, k = 0; i < before.n || k < after.n;) {
    const int order = i == before.n ? 1 : k == after.n ? -1 : by_subject(&before.list[i], &after.list[k]);
    const bool role = (order > 0 ? &after.list[k] : &before.list[i])->what.part == PART(ROLE);
    if (order < 0 && !role) note(out, &before.list[i], CHANGE(REMOVED));
    if (order > 0 && !role) note(out, &after.list[k], CHANGE(ADDED));
    if (order == 0 && before.list[i].role != after.list[k].role)
      note_role(out, &before.list[i], &after.list[k]);
    else if (order == 0 && differ(&before.list[i], &after.list[k]))
      note(out, &after.list[k], CHANGE(ALTERED));
    i += order <= 0;
    k += order >= 0;
  }
  free(before.list);
  free(after.list);
}

void changes_clear(changes *c) {
  free(c->list);
  *c = (changes){0};
}

/* ---- into the log ---- */

static void add_record(ledger *log, const list_change *c, uint64_t number, int64_t now) {
  Corridor__V1__LogRecord record = CORRIDOR__V1__LOG_RECORD__INIT;
  Corridor__V1__DataCategory categories[CATEGORIES];
  for (unsigned i = 1; i < CATEGORIES; i++)
    if (c->categories & COR_BIT(i)) categories[record.n_categories++] = (Corridor__V1__DataCategory)i;
  record.kind = CORRIDOR__V1__LOG_KIND__LOG_PERMISSION_CHANGED;
  record.at = now;
  record.sender = (char *)"ca";
  record.card_list = number;
  record.categories = categories;
  record.part = c->part;
  record.subject = (char *)c->subject;
  record.change = c->change;
  ledger_add(log, &record);
}

static bool write_rows(db *conn, const ledger *log, const changes *c, uint64_t number, int64_t now) {
  db_args args = {0};
  db_array *leaf = db_list(&args, DB_I64), *part = db_list(&args, DB_I16), *change = db_list(&args, DB_I16);
  db_array *subject = db_list(&args, DB_TEXT), *categories = db_list(&args, DB_I32);
  for (size_t i = 0; i < c->n; i++) {
    db_add_i64(leaf, log->entries[i].leaf_id);
    db_add_i64(part, c->list[i].part);
    db_add_i64(change, c->list[i].change);
    db_add_text(subject, c->list[i].subject);
    db_add_i64(categories, c->list[i].categories);
  }
  db_i64(&args, (int64_t)number);
  db_i64(&args, now);
  return db_do(
      conn,
      "INSERT INTO corridor.permission_change (leaf_id, at, card_list, part, change, subject, categories)"
      " SELECT leaf, $7, $6, part, change, subject, categories FROM unnest($1::bigint[], $2::smallint[],"
      "  $3::smallint[], $4::text[], $5::int[]) AS u (leaf, part, change, subject, categories)",
      &args);
}

bool changes_log(db *conn, const changes *c, uint64_t number, int64_t now) {
  ledger log;
  ledger_ids ids = {0}; /* a rare act: the rest of its block is a gap */
  if (c->n == 0) return true;
  ledger_begin(&log);
  for (size_t i = 0; i < c->n; i++)
    add_record(&log, &c->list[i], number, now);
  bool ok = ledger_write(&log, &ids, conn, now) && write_rows(conn, &log, c, number, now);
  ledger_clear(&log);
  return ok;
}

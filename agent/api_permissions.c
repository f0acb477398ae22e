/* api_permissions.c - GET permissions: to whom this office may send what, under which
 * agreement, until when; and where no return is booked.
 *
 * For: a case officer who was refused, and an administrator after a new card list. Each
 * route is what is left when SOP table, permission table, agreement and both offices'
 * keys are laid over each other, computed by the functions the gate itself asks; consent
 * and standing are a case's and not shown here. Everything in it is on the card list,
 * which every office holds. */
#include "api.h"

#include "corridor/gate.h"
#include "corridor/json.h"
#include "corridor/permission.h"
#include "corridor/refusal.h"

#include <string.h>

typedef struct routes {
  const cor_cards *cards;
  const cor_card *own;
  int64_t now;
  json_t *list;
} routes;

/* What some message type may carry on this way. */
static uint32_t by_the_sops(Corridor__V1__Role from, Corridor__V1__Role to, Corridor__V1__Compartment c) {
  uint32_t set = 0;
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)) != NULL; i++)
    if ((row->from_roles & COR_BIT(from)) && (row->to_roles & COR_BIT(to)) && !row->from_hub)
      set |= cor_sop_categories(row, c, to);
  return set;
}

static uint32_t route_set(const routes *r, const Corridor__V1__Agreement *agreement, const cor_card *to,
                          Corridor__V1__Compartment c) {
  const Corridor__V1__CardList *list = cor_cards_list(r->cards);
  const Corridor__V1__Role from = r->own->card->role, role = to->card->role;
  uint32_t set = by_the_sops(from, role, c) & cor_agreement_set(agreement, from, role) &
                 cor_permission_set((const Corridor__V1__Permission *const *)list->permissions,
                                    list->n_permissions, from, role, c);
  return to->card->asylum_authority ? set : set & ~COR_BIT(COR_CAT(ASYLUM));
}

static json_t *categories_json(uint32_t set) {
  json_t *out = json_array();
  for (int i = 1; i < 32; i++)
    if (set & COR_BIT(i))
      json_array_append_new(out, api_enum_json(&corridor__v1__data_category__descriptor, i));
  return out;
}

/* No return is booked there now, whatever the route allows. */
static bool shut(const routes *r, const cor_card *to) {
  const Corridor__V1__CardList *list = cor_cards_list(r->cards);
  return to->card->role == COR_ROLE(ORIGIN_MISSION) &&
         cor_region_suspended((const Corridor__V1__SuspendedRegion *const *)list->suspended,
                              list->n_suspended, to->card->country, r->now);
}

static void add_routes(routes *r, const Corridor__V1__Agreement *agreement, const cor_card *to) {
  for (int c = COR_C(OPERATIONS); c <= COR_C(MONITORING); c++) {
    const uint32_t set = to->sealing[c] && r->own->sealing[c]
                             ? route_set(r, agreement, to, (Corridor__V1__Compartment)c)
                             : 0;
    if (set == 0) continue;
    json_array_append_new(
        r->list,
        json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:s, s:o, s:b}", "to", to->card->office, "name",
                  to->card->name, "role", api_enum_json(&corridor__v1__role__descriptor, (int)to->card->role),
                  "country", to->card->country, "compartment",
                  api_enum_json(&corridor__v1__compartment__descriptor, c), "categories",
                  categories_json(set), "agreement", agreement->id, "programme", agreement->programme,
                  "validUntil", api_time_json(agreement->valid_until), "suspended", shut(r, to) ? 1 : 0));
  }
}

static void add_agreement(routes *r, const Corridor__V1__Agreement *agreement) {
  const char *own = r->own->card->office;
  for (size_t i = 0; i < agreement->n_offices; i++) {
    const char *other = agreement->offices[i];
    const cor_card *to = cor_cards_find(r->cards, other);
    if (to == NULL || strcmp(other, own) == 0 || !cor_agreement_binds(agreement, own, other, r->now) ||
        cor_cards_standing(r->cards, other, r->now) != COR_OK)
      continue;
    add_routes(r, agreement, to);
  }
}

static json_t *regions_json(const Corridor__V1__CardList *list) {
  json_t *out = json_array();
  for (size_t i = 0; i < list->n_suspended; i++)
    json_array_append_new(out, cor_json_write_readable(&list->suspended[i]->base));
  return out;
}

bool api_get_permissions(api_request *q, cor_error *err) {
  const cor_cards *cards = roster_hold(q->a->roster);
  const Corridor__V1__CardList *list = cor_cards_list(cards);
  routes r = {.cards = cards,
              .own = cor_cards_find(cards, q->a->office.id),
              .now = cor_clock_now(q->a->clock),
              .list = json_array()};
  for (size_t i = 0; r.own != NULL && i < list->n_agreements; i++)
    add_agreement(&r, list->agreements[i]);
  q->reply = json_pack("{s:s, s:I, s:o, s:o}", "office", q->a->office.id, "cardList",
                       (json_int_t)cor_cards_number(cards), "routes", r.list, "suspendedRegions",
                       regions_json(list));
  roster_release(q->a->roster);
  return q->reply != NULL || cor_fail(err, COR_INTERNAL, "", "the permissions could not be written");
}

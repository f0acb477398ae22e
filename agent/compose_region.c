/* compose_region.c - no return is prepared or booked to a region under suspension.
 *
 * For: composing a body that names where a person returns to. The place stands inside the
 * seal, so what is finer than a country only the sender's agent can see; for the country
 * itself the gate refuses a booking too (gate.c, region_open). Bodies without such a
 * place pass: notices of arrival, referrals, withdrawals go on, and a ticket names no
 * place, its ABN did.
 * Guarantees: of a country that is suspended in part, the region is known by its code, or
 * the message is not kept: a region written as a name could be any. Trusts the card list.
 * Nothing is fatal. */
#include "compose.h"

#include "corridor/permission.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *field, *member;
} places[] = {{"intended_return", "intendedReturn"}, {"final_destination", "finalDestination"}};

static const Corridor__V1__Place *place_in(const ProtobufCMessage *body, const char *name) {
  const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(body->descriptor,
                                                                                          name);
  if (field == NULL || field->descriptor != &corridor__v1__place__descriptor ||
      field->label == PROTOBUF_C_LABEL_REPEATED)
    return NULL;
  return *(Corridor__V1__Place *const *)(const void *)((const char *)body + field->offset);
}

/* "GN-K" is in "GN". */
static bool is_in(const char *region, const char *country) {
  return cor_region_ok(region) && strncmp(region, country, 2) == 0 && region[2] == '-';
}

static bool partly_suspended(const Corridor__V1__CardList *list, const char *country, int64_t now) {
  for (size_t i = 0; i < list->n_suspended; i++)
    if (list->suspended[i]->since <= now && is_in(list->suspended[i]->region, country)) return true;
  return false;
}

static bool suspended(const Corridor__V1__CardList *list, const char *region, int64_t now) {
  return cor_region_suspended((const Corridor__V1__SuspendedRegion *const *)list->suspended,
                              list->n_suspended, region, now);
}

static bool open_to_return(const Corridor__V1__CardList *list, const Corridor__V1__Place *place,
                           const char *path, int64_t now, cor_error *err) {
  char at[sizeof err->path];
  if (suspended(list, place->country, now) || suspended(list, place->region, now))
    return cor_fail(err, COR_REGION_SUSPENDED, path, "returns there are under suspension; nothing was kept");
  if (!partly_suspended(list, place->country, now) || is_in(place->region, place->country)) return true;
  snprintf(at, sizeof at, "%.100s/region", path);
  return cor_fail(err, COR_BAD_INPUT, at,
                  "regions of this country are under suspension: write the region as its ISO 3166-2 code; "
                  "nothing was kept");
}

bool compose_region(const Corridor__V1__CardList *list, const compose_order *order, int64_t now,
                    cor_error *err) {
  char path[sizeof err->path];
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const Corridor__V1__Place *place = place_in(order->body, places[i].field);
    if (place == NULL) continue;
    snprintf(path, sizeof path, "%.80s/%s", order->path, places[i].member);
    if (!open_to_return(list, place, path, now, err)) return false;
  }
  return true;
}

/* gate_world.h - what the gate is asked in its tests: for every message type a header and
 * facts in which everything is as the SOPs want it, and what they point to. */
#ifndef CORRIDOR_TESTS_GATE_WORLD_H
#define CORRIDOR_TESTS_GATE_WORLD_H
#include "corridor/gate.h"
#include "corridor/refusal.h"
#include <string.h>

#define NOW INT64_C(1772442000000) /* 2026-03-02T09:00Z */
#define HOUR INT64_C(3600000)
#define CAT(x) COR_BIT(COR_CAT(x))
#define TYPE_BIT(x) (UINT64_C(1) << (unsigned)COR_T(x))

typedef struct world {
  cor_gate_facts facts;
  Corridor__V1__Header header;
  Corridor__V1__Agreement agreement;
  Corridor__V1__Agreement others; /* of two other offices */
  Corridor__V1__Agreement *agreements[2];
  char *offices[2], *strangers[2];
  Corridor__V1__DataCategory categories[16], agreed[16];
  /* the row that fits, behind one of other roles and one of another function */
  Corridor__V1__Permission permission, of_other_senders, of_other_recipients, of_another_function;
  Corridor__V1__Permission *permissions[4];
  Corridor__V1__Role senders[2], recipients[2], others_role;
  Corridor__V1__DataCategory enter[16], view[16];
  Corridor__V1__SuspendedRegion region;
  Corridor__V1__SuspendedRegion *regions[1];
  Corridor__V1__CardList list;
} world;

static unsigned lowest(uint32_t set) {
  for (unsigned i = 1; i < 32; i++)
    if (set & COR_BIT(i)) return i;
  return 0;
}

static size_t spread(uint32_t set, Corridor__V1__DataCategory *out) {
  size_t n = 0;
  for (unsigned i = 1; i < 16; i++)
    if (set & COR_BIT(i)) out[n++] = (Corridor__V1__DataCategory)i;
  return n;
}

static void carry(world *w, uint32_t set) {
  w->header.n_categories = spread(set, w->categories);
}

/* What the CA signed: an agreement of the two, and permissions for their roles. */
static void plain_list(world *w) {
  cor_gate_facts *f = &w->facts;
  w->offices[0] = f->sender.office;
  w->offices[1] = f->recipient.office;
  corridor__v1__agreement__init(&w->agreement);
  w->agreement.id = (char *)"A-1";
  w->agreement.offices = w->offices;
  w->agreement.n_offices = 2;
  w->agreement.programme = (char *)"JI";
  w->agreement.valid_from = NOW - HOUR;
  w->agreement.valid_until = NOW + HOUR;
  w->agreement.categories = w->agreed;
  w->agreement.n_categories = spread(0xfffe, w->agreed);
  w->agreement.record_transfer_mou = w->agreement.child_data_protocol = (char *)"R-1";
  w->others = w->agreement;
  w->others.id = (char *)"A-2";
  w->strangers[0] = w->strangers[1] = (char *)"three";
  w->others.offices = w->strangers;
  w->agreements[0] = w->agreements[1] = &w->agreement;

  w->senders[0] = w->recipients[0] = w->others_role = COR_ROLE(OVERSIGHT);
  w->senders[1] = f->sender.role;
  w->recipients[1] = f->recipient.role;
  corridor__v1__permission__init(&w->permission);
  w->permission.senders = w->senders;
  w->permission.recipients = w->recipients;
  w->permission.n_senders = w->permission.n_recipients = 2;
  w->permission.compartment = w->header.compartment;
  w->permission.enter = w->enter;
  w->permission.n_enter = spread(0xfffe, w->enter);
  w->permission.view = w->view;
  w->permission.n_view = spread(0xfffe, w->view);
  w->of_other_senders = w->of_other_recipients = w->of_another_function = w->permission;
  w->of_other_senders.senders = w->of_other_recipients.recipients = &w->others_role;
  w->of_other_senders.n_senders = w->of_other_recipients.n_recipients = 1;
  w->of_another_function.compartment = COR_C(MONITORING);
  w->permissions[0] = &w->of_other_senders;
  w->permissions[1] = &w->of_other_recipients;
  w->permissions[2] = &w->of_another_function;
  w->permissions[3] = &w->permission;

  corridor__v1__suspended_region__init(&w->region);
  w->region.region = (char *)"GN";
  w->region.since = NOW;
  w->regions[0] = &w->region;

  corridor__v1__card_list__init(&w->list);
  w->list.agreements = w->agreements;
  w->list.n_agreements = 1;
  w->list.permissions = w->permissions;
  w->list.n_permissions = 4;
  w->list.suspended = w->regions; /* and n_suspended 0: nothing is */
  cor_gate_take_list(f, &w->list);
}

static cor_gate_party party_of(const char *office, Corridor__V1__Role role, const char *country) {
  cor_gate_party party = {.known = true, .card = COR_OK};
  Corridor__V1__Card card = CORRIDOR__V1__CARD__INIT;
  strcpy(party.office, office);
  card.role = role;
  card.country = (char *)country;
  cor_gate_take_card(&party, &card);
  return party;
}

/* A case of this type in which everything is as the SOPs want it. */
static void plain(world *w, Corridor__V1__MessageType type) {
  const cor_sop_row *row = cor_sop_find(type);
  memset(w, 0, sizeof *w);
  corridor__v1__header__init(&w->header);
  Corridor__V1__Header *h = &w->header;
  h->type = type;
  h->compartment = (Corridor__V1__Compartment)lowest(row->compartments);
  h->purpose = (Corridor__V1__Purpose)lowest(row->purposes);
  h->basis = (Corridor__V1__LegalBasis)lowest(row->bases);
  h->categories = w->categories;
  h->sent_at = NOW - HOUR;
  h->expires_at = NOW + HOUR;
  h->event_at = row->needs_event ? NOW + 24 * HOUR : 0;
  h->outcome = row->needs_outcome ? COR_OUTCOME(YES) : 0;
  h->safeguards_met = row->safeguards;
  h->table_version = COR_SOP_VERSION;

  cor_gate_facts *f = &w->facts;
  f->now = NOW;
  f->sender = party_of("one", (Corridor__V1__Role)lowest(row->from_roles), "NE");
  if (!row->to_hub) f->recipient = party_of("two", (Corridor__V1__Role)lowest(row->to_roles), "GN");
  uint32_t allowed = cor_sop_categories(row, h->compartment, f->recipient.role);
  carry(w, h->basis == COR_BASIS(CONSENT) ? allowed : CAT(OPERATIONAL));
  f->case_known = f->sender_standing = f->recipient_is_other_party = true;
  f->history = f->history_yes = f->recipient_yes = ~UINT64_C(0);
  f->cover_categories = CAT(BIODATA) | CAT(CONTACT);
  strcpy(f->programme, "JI");
  if (type == COR_T(REGISTRATION)) f->case_known = f->sender_standing = false;
  f->consent = (cor_gate_consent){
      .found = true, .valid_from = NOW - HOUR, .valid_until = NOW + HOUR, .n_scopes = 1};
  f->consent.scopes[0] = (cor_gate_scope){h->purpose, ~0u, "two", 0, false, false};

  plain_list(w);
}
#endif

/* gate.h - the gate: a pure function from facts and a header to a permit or a
 * refusal code, shared by agent and broker; deny by default (design 4).
 *
 * Order: parties active -> agreement covers pair, programme, categories ->
 * standing -> region open -> legal basis -> need to know (SOP table, then the CA's
 * permission table) -> consent -> recall -> safeguards -> process preconditions ->
 * limits -> suspension.
 * No I/O, no clock, no allocation. */
#ifndef CORRIDOR_GATE_H
#define CORRIDOR_GATE_H
#include "corridor/base.h"
#include "corridor/permission.h"
#include "corridor/sop.h"
#include <corridor/v1/card.pb-c.h>

typedef struct cor_gate_party {
  bool known;
  int card; /* COR_OK, COR_CARD_SUSPENDED, ... (cor_cards_standing) */
  Corridor__V1__Role role;
  char office[COR_OFFICE_MAX + 1];
  char country[3];       /* ISO 3166-1 */
  bool asylum_authority; /* it is UNHCR, its card says */
} cor_gate_party;

typedef struct cor_gate_scope {
  Corridor__V1__Purpose purpose;
  uint32_t categories;                       /* bits */
  char recipient_office[COR_OFFICE_MAX + 1]; /* empty: by role */
  Corridor__V1__Role recipient_role;
  bool onward;
  bool withdrawn; /* this part of the consent, for this recipient */
} cor_gate_scope;

enum { COR_GATE_SCOPES_MAX = 32, COR_GATE_TYPES = 40 };

typedef struct cor_gate_consent {
  bool found;                                    /* an id of this very case (a foreign one is not found) */
  int64_t valid_from, valid_until, withdrawn_at; /* withdrawn_at 0 = standing */
  char taken_by[COR_OFFICE_MAX + 1];
  size_t n_scopes;
  cor_gate_scope scopes[COR_GATE_SCOPES_MAX];
} cor_gate_consent;

typedef struct cor_gate_facts {
  int64_t now; /* gate time: max(now, highest committed) */
  cor_gate_party sender, recipient;
  /* the card list's (cor_gate_take_list), borrowed */
  const Corridor__V1__Agreement *const *agreements;
  size_t n_agreements;
  const Corridor__V1__Permission *const *permissions;
  size_t n_permissions;
  const Corridor__V1__SuspendedRegion *const *suspended;
  size_t n_suspended;
  /* the case behind the handle (for a referral: its case) */
  bool case_known;
  bool case_withdrawn; /* decision to return or all consent withdrawn */
  bool case_suspended; /* it may be withdrawn: the responsible office asks the person */
  int recalled;        /* why its recipient was asked to erase this very message; COR_OK = it was not */
  char programme[32];
  bool sender_standing;                 /* on the header's handle (an offer: on the cover's case) */
  cor_gate_consent consent;             /* of header.consent_id, for offers of cover.consent_id */
  uint32_t cover_categories;            /* offers: what the handover will carry */
  Corridor__V1__LegalBasis cover_basis; /* offers: the handover's, 0 = consent */
  /* what was admitted for this handle: bit per type, and bit per outcome YES */
  uint64_t history, history_yes;
  uint64_t recipient_yes;        /* the same, of what the recipient itself sent */
  bool handle_taken;             /* registration, offer: the handle (or the offer's rank) is in use */
  bool referral_taken;           /* another provider holds the referral */
  bool recipient_is_other_party; /* answers go back to who asked: recipient is a party of the handle */
} cor_gate_facts;

typedef struct cor_decision {
  int code; /* COR_OK = permit */
  uint32_t table_version;
  const char *field;     /* header field at fault, static text, may be "" */
  const char *agreement; /* id of the one that authorises it, "" if none is needed; borrowed
                            from the facts, and set on a permit only */
} cor_decision;

cor_decision cor_gate_decide(const cor_gate_facts *facts, const Corridor__V1__Header *header);

/* What a card list and a card on it say, into the facts. */
void cor_gate_take_list(cor_gate_facts *facts, const Corridor__V1__CardList *list);
void cor_gate_take_card(cor_gate_party *party, const Corridor__V1__Card *card);

/* Whether an agreement in force binds the two offices for this programme: asked
 * of a registration, whose case could otherwise never send anything. */
bool cor_gate_agreed(const Corridor__V1__CardList *list, const char *one, const char *other,
                     const char *programme, int64_t now);

/* One bit each; bit 31, which no row of the SOP table allows, for any that is in no table. */
uint32_t cor_category_set(const Corridor__V1__DataCategory *list, size_t n);
#endif

/* basis.c - is the decision stated that stands in place of the person's consent?
 *
 * A basis of the SOP table's bases[] (life at risk, a child's best interests, other
 * vital interest) is somebody's decision. Who took it, why, when, and why consent could
 * not be had stand inside the seal, so the hub cannot look: the sender's agent runs
 * this before sealing, the recipient's at first opening. Under consent the body states
 * no decision: two grounds for one message would be none.
 *
 * Life at risk is a mental-health professional's to decide and nobody else's
 * [004:3025]; an officer who decides it alone is told whom to ask. The first fault ends
 * the check; err->path is the JSON Pointer of the field, err->detail holds no datum.
 * Trusts that the body passed cor_content_check, so texts are bounded. Nothing is
 * fatal. */
#include "corridor/clock.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <stdio.h>
#include <string.h>

#define BY(x) CORRIDOR__V1__DECIDER__##x

/* Of bodies that may travel on such a basis; NULL descriptor: this one may not. */
static const ProtobufCFieldDescriptor *decision_field(const ProtobufCMessage *body) {
  return protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "basis_decision");
}

static const Corridor__V1__BasisDecision *decision_of(const ProtobufCMessage *body) {
  const ProtobufCFieldDescriptor *field = decision_field(body);
  const Corridor__V1__BasisDecision *decision = NULL;
  if (field) memcpy(&decision, (const char *)body + field->offset, sizeof decision);
  return decision;
}

static bool blank(const char *text) {
  return !text || text[strspn(text, " \t\r\n")] == '\0';
}

static bool fault(cor_error *err, int code, const char *prefix, const char *field, const char *why) {
  char path[sizeof err->path];
  snprintf(path, sizeof path, "%.80s/basisDecision%s", prefix, field);
  return cor_fail(err, code, path, "%s", why);
}

typedef struct demand {
  bool met;
  const char *field, *why;
} demand;

static bool all_met(const demand *list, size_t n, const char *prefix, cor_error *err) {
  for (size_t i = 0; i < n; i++)
    if (!list[i].met) return fault(err, COR_MISSING_FIELD, prefix, list[i].field, list[i].why);
  return true;
}

/* A person who can be asked about it later. */
static bool professional_named(const Corridor__V1__BasisDecision *d, const char *prefix, cor_error *err) {
  const demand two[] = {
      {!blank(d->decider_name), "/deciderName", "the professional who decided is named [004:3025]"},
      {!blank(d->professional_id), "/professionalId",
       "the professional's licence or register number is given"},
  };
  return all_met(two, sizeof two / sizeof *two, prefix, err);
}

/* A determination that can be found in the files. */
static bool determination_named(const Corridor__V1__BasisDecision *d, const char *prefix, cor_error *err) {
  int32_t day;
  bool panel = d->n_bid_panel > 0;
  for (size_t i = 0; i < d->n_bid_panel; i++)
    panel = panel && !blank(d->bid_panel[i]);
  const demand three[] = {
      {!blank(d->bid_reference), "/bidReference",
       "the best interests determination has a reference [003:468]"},
      {d->bid_date && cor_day_parse(d->bid_date, &day), "/bidDate",
       "the day of the determination is given, YYYY-MM-DD [003:468]"},
      {panel, "/bidPanel", "who took part in the determination is listed [004:4248,4255]"},
  };
  return all_met(three, sizeof three / sizeof *three, prefix, err);
}

static bool in_set(uint16_t set, unsigned value) {
  return value < 16 && (set & COR_BIT(value));
}

/* Whose decision it is, on this ground. */
static bool decided_by_right(const cor_basis_row *row, const Corridor__V1__BasisDecision *d,
                             const char *prefix, cor_error *err) {
  if (d->decided_by == 0)
    return fault(err, COR_MISSING_FIELD, prefix, "/decidedBy", "who decided is stated, by function");
  if (!in_set(row->deciders, (unsigned)d->decided_by))
    return fault(err, COR_NOT_THEIRS_TO_DECIDE, prefix, "/decidedBy",
                 in_set(row->deciders, BY(BEST_INTERESTS_PANEL))
                     ? "a best interests panel decides this [003:468]"
                     : "a mental-health professional decides this, not the office [004:3025]");
  return d->decided_by == BY(BEST_INTERESTS_PANEL) ? determination_named(d, prefix, err)
                                                   : professional_named(d, prefix, err);
}

static bool grounds_given(const cor_basis_row *row, const Corridor__V1__BasisDecision *d, int64_t sent_at,
                          const char *prefix, cor_error *err) {
  const demand three[] = {
      {d->obstacle != 0, "/obstacle", "why consent could not be had is stated"},
      {!blank(d->reason), "/reason", "the reason for the decision is given [004:3025]"},
      {d->decided_at != 0, "/decidedAt", "when it was decided is stated"},
  };
  if (!all_met(three, sizeof three / sizeof *three, prefix, err)) return false;
  if (!in_set(row->obstacles, (unsigned)d->obstacle))
    return fault(err, COR_BAD_INPUT, prefix, "/obstacle", "does not go with this basis");
  if (d->decided_at < 0 || d->decided_at > sent_at)
    return fault(err, COR_BAD_INPUT, prefix, "/decidedAt", "must not be later than the message itself");
  return true;
}

bool cor_basis_check(const Corridor__V1__Header *header, const ProtobufCMessage *body,
                     const char *path_prefix, cor_error *err) {
  const cor_basis_row *row = cor_basis_find(header->basis);
  const Corridor__V1__BasisDecision *d = decision_of(body);
  const char *prefix = path_prefix ? path_prefix : "";
  if (!row)
    return !d || fault(err, COR_BAD_INPUT, prefix, "",
                       "stands only where the basis is not consent: name that basis, or leave it out");
  if (!decision_field(body))
    return cor_fail(err, COR_BASIS_NOT_ALLOWED, "basis", "nothing of this type travels without consent");
  if (!d)
    return fault(err, COR_MISSING_FIELD, prefix, "",
                 "a message without consent states who decided it, and why");
  return decided_by_right(row, d, prefix, err) && grounds_given(row, d, header->sent_at, prefix, err);
}

/* form.h - a consent as it was given, kept sealed at this office beside the coded
 * record that the hub gets. */
#ifndef AGENT_FORM_H
#define AGENT_FORM_H
#include "agent.h"

#include <jansson.h>
#include <corridor/v1/consent.pb-c.h>
#include <corridor/v1/record.pb-c.h>

enum { FORM_EVIDENCE_MAX = 8, FORM_EVIDENCE_BYTES = 5 * 1024 * 1024 / 2 };

/* A form that is being recorded, with the bytes of its evidence. All zero: none. */
typedef struct form_draft {
  Corridor__V1__ConsentForm *form;
  cor_buf evidence[FORM_EVIDENCE_MAX]; /* one for each of form->evidence; paper has none */
} form_draft;
void form_draft_clear(form_draft *draft);

/* Members `form` and `evidence` of a request, if they are there. */
bool form_read(const json_t *request, form_draft *out, cor_error *err) COR_MUST_CHECK;
/* Makes the form that of this record, and the record's digest that of the form; sets
 * valid_until where it is 0. Refuses a form that cannot carry the record, and a
 * digest that was given and is another. */
bool form_bind(form_draft *draft, Corridor__V1__ConsentRecord *record, cor_error *err) COR_MUST_CHECK;
/* Whose business in this office the consent is: where it is filed, and whose key
 * opens the form. CASEWORK where the office has no such compartment. */
Corridor__V1__Compartment form_compartment(const agent *a, const cor_cards *cards,
                                           const Corridor__V1__ConsentRecord *record);
/* Seals and keeps; handle is the case's. In a transaction. */
bool form_keep(agent *a, const cor_cards *cards, const form_draft *draft,
               const Corridor__V1__ConsentRecord *record, const uint8_t handle[COR_ID_LEN],
               cor_error *err) COR_MUST_CHECK;

/* The form of a kept consent, for a holder, if it is the one of this digest (the
 * record's); NULL with err->code COR_OK when none was kept here. Free with
 * cor_message_free. Not in a transaction. */
Corridor__V1__ConsentForm *form_open(agent *a, const store_consent *consent, cor_bytes digest,
                                     const cor_holder *holder, cor_error *err) COR_MUST_CHECK;
/* The bytes of evidence n (from 0) of an opened form, compared with their digest. */
bool form_open_evidence(agent *a, const store_consent *consent, const Corridor__V1__ConsentForm *form,
                        size_t n, const cor_holder *holder, cor_buf *out, cor_error *err) COR_MUST_CHECK;
#endif

/* iso27560.h - consents in the shape of ISO/IEC TS 27560:2023, consent record
 * information structure: record header, PII processing, parties, events. */
#ifndef AGENT_ISO27560_H
#define AGENT_ISO27560_H
#include "corridor/base.h"

#include <jansson.h>
#include <corridor/v1/consent.pb-c.h>
#include <corridor/v1/record.pb-c.h>

typedef struct iso27560_context {
  const char *office, *office_name; /* who took it: the PII controller */
  const uint8_t *case_handle;       /* 16 bytes, in place of the person's name */
  int64_t withdrawn_at;             /* 0 = standing */
} iso27560_context;

/* New reference. form NULL: how it was given is left out. Names of givers are never
 * written, only their roles. */
json_t *iso27560_write(const Corridor__V1__ConsentRecord *record, const Corridor__V1__ConsentForm *form,
                       const iso27560_context *context);

/* A request to record a consent (members case, consent, form, evidence), made of a
 * record in this shape; members that the request itself has win, and what this
 * shape has no place for (givers, safe contact) comes from there. New reference;
 * NULL with err, whose pointer begins with /iso27560. */
json_t *iso27560_read(const json_t *iso, const json_t *request, cor_error *err);
#endif

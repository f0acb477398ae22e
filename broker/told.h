/* told.h - who was told something personal of a case, and what: for the notices
 * that follow it (withdrawal, rectification, restriction). */
#ifndef BROKER_TOLD_H
#define BROKER_TOLD_H
#include "act.h"

enum { TOLD_IDS_MAX = 1000 }; /* content rules allow 1024 in one notice */

/* Which disclosures. Empty or zero = any. */
typedef struct told_query {
  cor_bytes handle;           /* the case */
  cor_bytes consent_id;       /* that stood on this consent */
  bool on_consent;            /* that stood on some consent */
  const char *recipient;      /* "" = any */
  int purpose;                /* Purpose */
  const char *but_to;         /* not to this office; "" = to all */
  cor_bytes message_id;       /* this one */
  bool waiting;               /* also what has not left yet */
  ProtobufCBinaryData *named; /* these messages */
  size_t n_named;
} told_query;

/* What one office was told by another, under one handle; of a restricted
 * compartment apart. */
typedef struct told {
  const char *office, *by; /* who received, who sent: both know the handle */
  cor_bytes handle;
  Corridor__V1__Compartment restricted; /* all of it is for its holders there; 0 = it is not restricted */
  ProtobufCBinaryData *ids;
  size_t n;
} told;

typedef void (*told_fn)(core *c, act *a, const told *who, const void *ctx);
bool told_each(core *c, act *a, const told_query *q, told_fn each, const void *ctx) COR_MUST_CHECK;

/* When an office's answer is due, by its own calendar. */
int64_t told_due(core *c, const char *office, cor_duty duty, int64_t from);
/* Opens, in the act, the duty to answer the notice with this id. */
void told_owes(act *a, const told *who, cor_duty duty, cor_bytes case_handle, const uint8_t *notice_id,
               int64_t due_at);
#endif

/* records.h - messages meant for the hub itself: registration, consent,
 * withdrawal, erasure statement. Applied after the gate's permit, under the
 * case lock FOR UPDATE, inside the caller's transaction. */
#ifndef BROKER_RECORDS_H
#define BROKER_RECORDS_H
#include "act.h"
#include "corridor/envelope.h"
#include "facts.h"

/* Decodes and checks the body; no database. */
bool record_read(const cor_envelope *envelope, ProtobufCMessage **body, cor_error *err) COR_MUST_CHECK;
/* *code: COR_OK or the refusal. false = database failure. item->case_handle and
 * has_case may be filled (registration, withdrawal by code). */
bool record_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body, int *code) COR_MUST_CHECK;
#endif

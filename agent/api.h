/* api.h - the agent's local interface (deploy/docs/agent-api.md): HTTP/1.1 and
 * JSON over a unix socket of the owner's. */
#ifndef AGENT_API_H
#define AGENT_API_H
#include "agent.h"
#include "compose.h"
#include "open.h"
#include "release.h"
#include "slip.h"

#include <jansson.h>

struct MHD_Connection;
typedef struct api api;

/* Listens on the configured socket (0600). a is borrowed. */
api *api_start(agent *a, cor_error *err) COR_MUST_CHECK;
void api_stop(api **p); /* ends waits, finishes what is being answered */

/* One request. A handler sets reply (and status, 200 by default) and returns
 * true, or fills err: the error's JSON and status come from the refusal table. */
typedef struct api_request {
  agent *a;
  struct MHD_Connection *connection;
  const char *language;
  const char *arg; /* what stood for * in the route */
  json_t *body;    /* POST: a JSON object, borrowed */
  cor_buf *file;   /* POST of a file: its bytes; a handler that is done with them may clear it */
  bool named;      /* holder is set */
  cor_holder holder;
  bool has_second; /* second is set, and holder too */
  cor_holder second;
  unsigned visible; /* compartments whose messages this asker may know of */
  unsigned status;
  json_t *reply;   /* new reference */
  cor_buf sending; /* a file instead of a reply; malloc's, zeroed when it has gone out */
} api_request;

typedef bool (*api_handler)(api_request *q, cor_error *err);
bool api_get_status(api_request *q, cor_error *err);
bool api_get_due(api_request *q, cor_error *err);
bool api_get_permissions(api_request *q, cor_error *err);
bool api_post_quarantine_lift(api_request *q, cor_error *err);
bool api_post_unlock(api_request *q, cor_error *err);
bool api_post_case(api_request *q, cor_error *err);
bool api_get_cases(api_request *q, cor_error *err);
bool api_get_timeline(api_request *q, cor_error *err);
bool api_post_consent(api_request *q, cor_error *err);
bool api_get_consents(api_request *q, cor_error *err);
bool api_get_consent(api_request *q, cor_error *err);
bool api_get_evidence(api_request *q, cor_error *err);
bool api_get_iso27560(api_request *q, cor_error *err);
bool api_post_slip(api_request *q, cor_error *err);
bool api_post_withdrawal(api_request *q, cor_error *err);
bool api_post_message(api_request *q, cor_error *err);
bool api_get_messages(api_request *q, cor_error *err);
bool api_get_message(api_request *q, cor_error *err);
bool api_get_outcome(api_request *q, cor_error *err);
bool api_post_export(api_request *q, cor_error *err);
bool api_post_referral(api_request *q, cor_error *err);
bool api_post_answer(api_request *q, cor_error *err);
bool api_get_exceptions(api_request *q, cor_error *err);
bool api_post_statement(api_request *q, cor_error *err);
bool api_post_attachment(api_request *q, cor_error *err);
bool api_get_attachments(api_request *q, cor_error *err);
bool api_get_attachment(api_request *q, cor_error *err);
bool api_get_attachment_file(api_request *q, cor_error *err);
bool api_get_duplicates(api_request *q, cor_error *err);
bool api_post_duplicate_answer(api_request *q, cor_error *err);

/* ---- api_help.c: reading requests ---- */
/* Refuses members that are not among names (NULL at the end). */
bool api_only(const json_t *object, const char *const *names, cor_error *err) COR_MUST_CHECK;
const char *api_query(api_request *q, const char *name); /* NULL = absent */
/* String member; absent: NULL with true, or MISSING_FIELD when required. */
bool api_text(const json_t *body, const char *name, bool required, const char **out,
              cor_error *err) COR_MUST_CHECK;
bool api_id(const json_t *body, const char *name, bool required, uint8_t out[COR_ID_LEN], bool *given,
            cor_error *err) COR_MUST_CHECK;
bool api_time(const json_t *body, const char *name, int64_t *out, cor_error *err) COR_MUST_CHECK;
bool api_enum(const json_t *body, const char *name, const ProtobufCEnumDescriptor *type, int *out,
              cor_error *err) COR_MUST_CHECK;
bool api_categories(const json_t *body, const char *name, uint32_t *bits, cor_error *err) COR_MUST_CHECK;
/* Query parameters, in the same forms. */
bool api_query_needed(api_request *q, const char *name, const char **out, cor_error *err) COR_MUST_CHECK;
bool api_query_id(api_request *q, const char *name, uint8_t out[COR_ID_LEN], bool *given,
                  cor_error *err) COR_MUST_CHECK;
bool api_query_enum(api_request *q, const char *name, const ProtobufCEnumDescriptor *type, int *out,
                    cor_error *err) COR_MUST_CHECK;
/* A case by handle or reference number; NO_SUCH_CASE. In a transaction. */
bool api_case(api_request *q, const char *name, store_case *out, cor_error *err) COR_MUST_CHECK;
/* What a list asks for in its query: box, limit and what the asker may see; then, in a
 * transaction, its case, which filter borrows from c. */
bool api_filter(api_request *q, store_filter *out, cor_error *err) COR_MUST_CHECK;
bool api_filter_case(api_request *q, store_filter *filter, store_case *c, cor_error *err) COR_MUST_CHECK;

/* The message whose id stood in the route, with its blobs; NO_SUCH_MESSAGE. */
bool api_find_message(api_request *q, store_message *m, cor_error *err) COR_MUST_CHECK;

/* ---- api_named.c ---- */
/* That a record for the hub names no message that the asker could not list, and answers
 * none; NO_SUCH_MESSAGE with its JSON Pointer. In a transaction. */
bool api_may_speak_of(api_request *q, const compose_order *order, cor_error *err) COR_MUST_CHECK;

/* ---- api_consent_list.c ---- */
/* What runs out within 30 days or did in the last 30, as GET /v1/consents has it. In a
 * transaction. New reference; NULL on error. */
json_t *api_consents_soon(api_request *q, cor_error *err) COR_MUST_CHECK;

/* ---- api_slip.c ---- */
/* Members slipLanguage and slipTelephone: the words, or NULL with true when none
 * were asked for. phone "" = none. */
bool api_slip_words(api_request *q, bool required, slip **out, const char **phone,
                    cor_error *err) COR_MUST_CHECK;

/* ---- api_basis.c: what goes out without consent ---- */
/* A basis that is not consent asks for a holder by name. Slow: before the store is held. */
bool api_needs_name(api_request *q, Corridor__V1__LegalBasis basis, cor_error *err) COR_MUST_CHECK;
/* In the transaction that kept it: this asker sent the message of that basis. */
bool api_note_sender(api_request *q, Corridor__V1__LegalBasis basis, const uint8_t id[COR_ID_LEN],
                     cor_error *err) COR_MUST_CHECK;

/* ---- api_answer.c: writing answers ---- */
json_t *api_hex(const uint8_t *bytes, size_t len);
json_t *api_id_json(const uint8_t id[COR_ID_LEN]);
json_t *api_time_json(int64_t ms); /* null for 0 */
json_t *api_enum_json(const ProtobufCEnumDescriptor *type, int value);
json_t *api_type_json(int type);
json_t *api_error_json(const agent *a, const char *language, const cor_error *err);
json_t *api_message_json(const store_message *message);
/* Waits (query `wait`, 0-60 s, 10) until none of the messages is queued, then
 * puts their outcome into reply: as list `messages`, or, when flat, the first
 * one's members. Refused: the refusal's members and status; still queued:
 * KEPT_NOT_SENT and 202. Takes reply. */
bool api_outcome(api_request *q, json_t *reply, bool flat, const uint8_t (*ids)[COR_ID_LEN], size_t n,
                 cor_error *err) COR_MUST_CHECK;
/* When the query `wait` ends, monotonic. */
int64_t api_wait_until(api_request *q);
/* The members of a code, for an answer that also tells what was kept; and its status. */
void api_add_code(api_request *q, json_t *reply, int code);
/* The same for one message just kept, flat and without waiting: for an answer
 * that nobody can get a second time. */
bool api_at_once(api_request *q, json_t *reply, const uint8_t id[COR_ID_LEN], cor_error *err) COR_MUST_CHECK;
/* Begins a transaction for new work: DISK_FULL when there is no room for it. */
bool api_begin(api_request *q, cor_error *err) COR_MUST_CHECK;
/* Ends it: on ok commits and wakes the link. */
bool api_keep(api_request *q, bool ok, cor_error *err) COR_MUST_CHECK;
#endif

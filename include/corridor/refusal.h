/* refusal.h - every way Corridor says no: one table.
 *
 * Each row: code name, wire value, is a retry of the same bytes useful, HTTP
 * status of the agent's API, command line exit code, the rule it comes from.
 * The sentence a case officer reads is data (deploy/catalogue/<lang>.json),
 * keyed by the name. Wire values are never reused. */
#ifndef CORRIDOR_REFUSAL_H
#define CORRIDOR_REFUSAL_H
#include "corridor/base.h"

/* clang-format off */
/*      name                   wire retry  http exit rule */
#define COR_REFUSALS(X)                                                                      \
  X(OK,                          0, false, 200, 0, "")                                       \
  /* the input itself */                                                                     \
  X(BAD_INPUT,                  10, false, 400, 3, "schema")                                 \
  X(BAD_ENCODING,               11, false, 400, 3, "PROTOCOL 4: canonical bytes, UTF-8")     \
  X(TOO_LARGE,                  12, false, 413, 3, "PROTOCOL 9: limits")                     \
  X(UNKNOWN_ENUM,               13, false, 400, 3, "schema")                                 \
  X(MISSING_FIELD,              14, false, 400, 3, "data dictionary 3")                      \
  X(FORBIDDEN_CONTENT,          15, false, 400, 3, "[003:603] need to know")                 \
  X(UNSUPPORTED_VERSION,        16, false, 400, 3, "PROTOCOL 10")                            \
  X(BAD_SEAL,                   17, false, 400, 3, "PROTOCOL 6: seal profile")               \
  X(BODY_MISMATCH,              18, false, 400, 3, "PROTOCOL 4: body digest")                \
  /* identity */                                                                             \
  X(BAD_SIGNATURE,              20, false, 403, 4, "PROTOCOL 5")                             \
  X(UNKNOWN_OFFICE,             21, false, 403, 4, "design 2")                               \
  X(CARD_SUSPENDED,             22, true,  403, 4, "design 2")                               \
  X(CARD_REVOKED,               23, false, 403, 4, "design 2")                               \
  X(CARD_EXPIRED,               24, true,  403, 4, "design 2")                               \
  X(NOT_YOUR_NAME,              25, false, 403, 4, "design 3: sender = connection = signer") \
  X(CARD_LIST_EXPIRED,          26, true,  403, 4, "design 2")                               \
  /* the gate, in its order */                                                               \
  X(RECIPIENT_UNKNOWN,          30, true,  403, 4, "design 4: parties active")               \
  X(NO_AGREEMENT,               31, true,  403, 4, "design 4: data-sharing agreement")       \
  X(ROLE_NOT_ALLOWED,           32, false, 403, 4, "SOP table")                              \
  X(NO_STANDING,                33, false, 403, 4, "design 4: standing")                     \
  X(NO_CONSENT,                 34, true,  403, 4, "[003:233] written consent")              \
  X(CONSENT_EXPIRED,            35, false, 403, 4, "data dictionary 4.2")                    \
  X(CONSENT_WITHDRAWN,          36, false, 403, 4, "[004:3430] withdraw at any time")        \
  X(CATEGORY_NOT_ALLOWED,       37, false, 403, 4, "need-to-know matrix")                    \
  X(BASIS_NOT_ALLOWED,          38, false, 403, 4, "design 4: legal basis")                  \
  X(SAFEGUARDS_MISSING,         39, true,  403, 4, "[003:464-470,581]")                      \
  X(PRECONDITION_MISSING,       40, true,  403, 4, "SOP table: what must have happened")     \
  X(EXPIRED,                    41, false, 403, 4, "header expires_at")                      \
  X(CONFLICT,                   42, false, 409, 4, "PROTOCOL 7: same id, other content")     \
  X(LIMIT_REACHED,              43, true,  429, 4, "PROTOCOL 9: limits")                     \
  X(CLOCK_SKEW,                 44, true,  403, 4, "design 4: time")                         \
  X(TABLE_VERSION,              45, false, 403, 4, "SOP table version")                      \
  X(REFERRAL_TAKEN,             46, false, 409, 4, "never two providers holding one")        \
  X(CASE_WITHDRAWN,             47, false, 403, 4, "[003:222]")                              \
  X(CASE_SUSPENDED,             70, true,  202, 5, "design 4: withdrawal without the code")  \
  X(NOTHING_TO_ANSWER,          71, false, 409, 4, "design 4: one question, one answer")     \
  /* the local agent and its people */                                                       \
  X(KEPT_NOT_SENT,              50, true,  202, 5, "agent keeps when it cannot send")        \
  X(NOT_PERMITTED,              51, false, 403, 6, "no key to this compartment")             \
  X(WRONG_PASSPHRASE,           52, false, 403, 6, "key file")                               \
  X(NO_SUCH_CASE,               53, false, 404, 3, "local store")                            \
  X(DISK_FULL,                  54, true,  507, 5, "agent refuses new work, still drains")   \
  X(CANNOT_OPEN,                55, false, 422, 4, "seal: unreadable")                       \
  X(KEY_FILE_EXPOSED,           56, false, 403, 6, "key files are 0600")                     \
  X(DEMO_ONLY,                  57, false, 403, 6, "demo clock needs a demo CA")             \
  X(NO_SUCH_MESSAGE,            58, false, 404, 3, "local store")                            \
  X(NO_SUCH_CONSENT,            82, false, 404, 3, "local store")                            \
  /* telling without consent */                                                              \
  X(NOT_THEIRS_TO_DECIDE,       74, false, 403, 4, "[004:3025] who may decide it")           \
  X(SAME_PERSON,                75, false, 403, 6, "design 4: another holder signs")         \
  /* session */                                                                              \
  X(SESSION_FENCED,             60, true,  409, 5, "one session per office")                 \
  X(BAD_FRAMES,                 61, false, 400, 3, "PROTOCOL 2: frames")                     \
  X(HELLO_EXPECTED,             62, false, 400, 3, "PROTOCOL 3: handshake")                  \
  X(GOING_DOWN,                 63, true,  503, 5, "draining")                               \
  X(STORE_REGRESSED,            64, true,  409, 5, "design 3: restore")                      \
  X(HUB_UNAVAILABLE,            65, true,  503, 5, "database away")                          \
  /* an office's people and keys */                                                          \
  X(SECOND_PERSON_NEEDED,       76, true,  403, 6, "design 4: two-person release")           \
  X(OFFICE_LOCKED,              77, true,  503, 6, "keys locked under a passphrase")         \
  /* attachments */                                                                          \
  X(ATTACHMENT_LIMIT,           80, false, 413, 4, "PROTOCOL 9: limits")                     \
  X(KIND_NOT_ALLOWED,           81, false, 415, 3, "PROTOCOL 7: attachments")                \
  /* routes, as the CA's list has them */                                                    \
  X(REGION_SUSPENDED,           72, true,  403, 4, "regions under suspension")               \
  X(NO_ROUTE,                   73, true,  403, 4, "[004:3104] permission table")            \
  X(INTERNAL,                   99, true,  500, 1, "")
/* clang-format on */

enum cor_refusal_code {
#define X(name, wire, retry, http, exit, rule) COR_##name = wire,
  COR_REFUSALS(X)
#undef X
};

typedef struct cor_refusal {
  int code;
  const char *name; /* "NO_CONSENT" */
  bool retry;
  int http;
  int exit;
  const char *rule;
} cor_refusal;

/* Never NULL: unknown codes give the INTERNAL row. */
const cor_refusal *cor_refusal_of(int code);
const cor_refusal *cor_refusal_at(size_t i); /* NULL past the end: for docs and tests */
#endif

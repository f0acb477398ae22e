/* store.h - what an agent keeps on disk: cases, consents, messages, timeline,
 * obligations (SQLite, WAL, synchronous=FULL).
 *
 * One connection behind one mutex: store_begin takes it, store_commit and
 * store_rollback give it back, and every other function that reads or writes
 * must be called between them. Nobody waits for the network while holding it.
 * Names, contents, reference numbers and withdrawal codes never get here: bodies
 * stay sealed and a reference is kept as its hash only. */
#ifndef AGENT_STORE_H
#define AGENT_STORE_H
#include "corridor/base.h"
#include "corridor/log.h"
#include "corridor/office.h"
#include "corridor/sop.h"

typedef struct store store;

/* Makes the file (0600) and its epoch when it does not exist. Refuses a file
 * that others can read, one of another office, and one another agent has open. */
store *store_open(const char *path, const char *office, cor_log *log, cor_error *err) COR_MUST_CHECK;
void store_close(store **s);

bool store_begin(store *s, cor_error *err) COR_MUST_CHECK;  /* takes the mutex only when true */
bool store_commit(store *s, cor_error *err) COR_MUST_CHECK; /* false: nothing was kept */
void store_rollback(store *s);
/* DISK_FULL unless there is room for new work and, after it, for the answers to
 * what is already queued. */
bool store_room(store *s, cor_error *err) COR_MUST_CHECK;
/* The same for new work of that many bytes. */
bool store_room_for(store *s, int64_t bytes, cor_error *err) COR_MUST_CHECK;

/* Waiting for what another thread commits. store_announce after a commit wakes
 * all; store_wait returns false at the deadline (cor_clock_monotonic_ms) or after
 * store_stop. Both without the mutex. */
uint64_t store_version(store *s);
void store_announce(store *s);
bool store_wait(store *s, uint64_t seen, int64_t deadline);
void store_stop(store *s);

/* ---- the store itself ---- */
typedef struct store_facts {
  uint8_t epoch[COR_ID_LEN];
  uint64_t sequence;     /* highest delivery sequence on disk */
  int64_t queued, inbox; /* restricted compartments are not counted (design 3) */
} store_facts;
bool store_facts_get(store *s, store_facts *out, cor_error *err) COR_MUST_CHECK;

/* ---- quarantine: the hub saw this store go back (store_quarantine.c) ---- */
typedef struct store_quarantine {
  int64_t since;    /* 0 = none */
  int64_t received; /* messages since then; restricted compartments are not counted */
} store_quarantine;
bool store_quarantine_begin(store *s, int64_t at, cor_error *err) COR_MUST_CHECK; /* the first one stands */
bool store_quarantine_end(store *s, cor_error *err) COR_MUST_CHECK;
bool store_quarantine_get(store *s, store_quarantine *out, cor_error *err) COR_MUST_CHECK;

/* ---- messages ---- */
typedef enum store_state {
  STORE_QUEUED = 1,
  STORE_ADMITTED,
  STORE_REFUSED,
  STORE_DELIVERED,
  STORE_STOPPED,
  STORE_EXPIRED,
  STORE_RECEIVED,
  STORE_UNREADABLE,     /* delivered, but no holder there could open it */
  STORE_CONTENT_REFUSED /* delivered, opened, and not to be held there */
} store_state;
const char *store_state_name(store_state state);

/* What everyone in the office may see in lists and counts. */
#define STORE_ORDINARY (0xffu & ~COR_RESTRICTED)

typedef struct store_message {
  bool outgoing;
  int64_t n; /* order in its box */
  uint8_t id[COR_ID_LEN], handle[COR_ID_LEN], header_hash[COR_HASH_LEN];
  uint8_t case_handle[COR_ID_LEN]; /* outgoing: the case behind the handle */
  char peer[COR_OFFICE_MAX + 1];   /* recipient of an outgoing, sender of an incoming one */
  int type, compartment, outcome;
  store_state state;
  int code;                    /* refusal, stop reason, or content check */
  int64_t sent_at, settled_at; /* settled: admitted, refused; incoming: received */
  bool late;
  bool on_consent; /* outgoing, for store_out_put: it stands on consent */
  bool read;       /* incoming: a holder opened it before, and it was good */
  bool is_part;    /* of the attachment named here (store_message_name) */
  uint8_t attachment[COR_ID_LEN];
  cor_buf envelope, body, receipt; /* only from store_message_find and store_out_next */
} store_message;
void store_message_clear(store_message *message);

typedef enum store_found { STORE_ERROR = -1, STORE_ABSENT = 0, STORE_FOUND = 1 } store_found;

/* Keeps an outgoing message: envelope, body, id, handle, case_handle, peer, type,
 * compartment, outcome, on_consent, header_hash, sent_at and what it is part of are read
 * (borrowed). */
bool store_out_put(store *s, const store_message *message, cor_lane lane, cor_error *err) COR_MUST_CHECK;

/* The next message to submit: what overtakes first, parts of attachments last, else in
 * order of keeping. A message waits while an earlier one of the same recipient, handle
 * and lane, or an earlier record of the same case, is unanswered, except for those aside,
 * for which none waits; but what needs no consent does not wait for what a suspension
 * holds up. busy lists the n in flight. */
store_found store_out_next(store *s, const int64_t *busy, size_t n_busy, int64_t monotonic,
                           store_message *out, cor_error *err) COR_MUST_CHECK;

/* What happens to an outgoing message: one table of state x event (store_out.c). */
typedef enum store_out_event {
  STORE_OUT_ADMIT,
  STORE_OUT_REFUSE,
  STORE_OUT_DELIVER,
  STORE_OUT_STOP,
  STORE_OUT_EXPIRE,
  STORE_OUT_FAIL_OPENING,
  STORE_OUT_REFUSE_CONTENT
} store_out_event;
typedef struct store_outcome {
  store_out_event event;
  int code;
  int64_t at;
  bool late;
  cor_bytes receipt; /* admission or delivery receipt, SignedContent bytes */
} store_outcome;
bool store_out_apply(store *s, const uint8_t id[COR_ID_LEN], const store_outcome *what,
                     cor_error *err) COR_MUST_CHECK;
/* Leaves it queued, not to be tried before `monotonic`; counts the attempt. */
bool store_out_postpone(store *s, const uint8_t id[COR_ID_LEN], int code, int64_t monotonic,
                        cor_error *err) COR_MUST_CHECK;
bool store_out_attempts(store *s, const uint8_t id[COR_ID_LEN], int64_t *attempts,
                        cor_error *err) COR_MUST_CHECK;

/* FOUND: it stands on consent, and is queued in a case that the hub holds suspended. */
store_found store_out_suspended(store *s, const uint8_t id[COR_ID_LEN], cor_error *err) COR_MUST_CHECK;

typedef enum store_taken {
  STORE_TAKE_ERROR = -1,
  STORE_TAKE_NEW,
  STORE_TAKE_AGAIN,
  STORE_TAKE_CONFLICT
} store_taken;
/* Keeps an incoming message once. AGAIN: the row exists, *receipt is a copy of
 * the receipt first given. CONFLICT: same sender and id, other header. look says
 * which it would be, and keeps nothing. */
store_taken store_in_look(store *s, const store_message *message, cor_error *err) COR_MUST_CHECK;
store_taken store_in_put(store *s, const store_message *message, uint64_t sequence, cor_buf *receipt,
                         cor_error *err) COR_MUST_CHECK;
/* The same for a notice that stands in no list and no count: a bundle, whose notices
 * are put each by itself, or the end of one part of an attachment. */
store_taken store_unlisted_put(store *s, const store_message *notice, uint64_t sequence, cor_buf *receipt,
                               cor_error *err) COR_MUST_CHECK;
bool store_in_checked(store *s, const store_message *message, int code, cor_error *err) COR_MUST_CHECK;

/* What was received or sent under handle (a case's, or the referral's own) with
 * this id loses its body for good, on disk too once committed; envelope, receipt
 * and the row that tells a repetition stay. Unknown ids, and what is still queued,
 * change nothing. */
bool store_message_erase(store *s, const uint8_t handle[COR_ID_LEN], const uint8_t id[COR_ID_LEN], int64_t at,
                         cor_error *err) COR_MUST_CHECK;

/* The same for what this office erased before its store went back: a message that
 * is not here yet, or is still queued, will lose its body too. */
bool store_message_erase_again(store *s, const uint8_t handle[COR_ID_LEN], const uint8_t id[COR_ID_LEN],
                               int64_t at, cor_error *err) COR_MUST_CHECK;

/* What the hub's data notices said of a message received, also before it came. */
typedef struct store_note {
  int64_t restricted_at; /* 0 = free to use */
  bool replaced;
  uint8_t replaced_by[COR_ID_LEN];
} store_note;
bool store_note_restricted(store *s, const uint8_t id[COR_ID_LEN], int64_t said_at, bool restricted,
                           cor_error *err) COR_MUST_CHECK;
bool store_note_replaced(store *s, const uint8_t id[COR_ID_LEN], const uint8_t by[COR_ID_LEN],
                         cor_error *err) COR_MUST_CHECK;
bool store_note_get(store *s, const uint8_t id[COR_ID_LEN], store_note *out, cor_error *err) COR_MUST_CHECK;

/* Either box, by id; with envelope, body and receipt. */
store_found store_message_find(store *s, const uint8_t id[COR_ID_LEN], store_message *out,
                               cor_error *err) COR_MUST_CHECK;
/* Newest message received under handle of that type, in these compartments (bits);
 * without blobs. */
store_found store_in_newest(store *s, const uint8_t handle[COR_ID_LEN], int type, unsigned compartments,
                            store_message *out, cor_error *err) COR_MUST_CHECK;

/* The first message of that type and compartment after the n-th of its box (0: of
 * all), oldest first; with envelope and body. */
store_found store_message_after(store *s, bool outgoing, int64_t n, int type, int compartment,
                                store_message *out, cor_error *err) COR_MUST_CHECK;

typedef struct store_filter {
  bool outgoing;
  const uint8_t *handle; /* NULL = any */
  unsigned compartments; /* bits of those the asker may see */
  int64_t limit;
} store_filter;
typedef bool (*store_message_fn)(const store_message *message, void *ctx); /* false stops */
bool store_message_list(store *s, const store_filter *filter, store_message_fn each, void *ctx,
                        cor_error *err) COR_MUST_CHECK;

/* ---- attachments: files that travel in parts (store_attachment.c) ---- */
/* Fills in what the message is part of; nothing for other types. */
void store_message_name(store_message *message, const Corridor__V1__Header *header);

typedef struct store_attachment {
  int64_t n;
  bool outgoing;
  uint8_t id[COR_ID_LEN], handle[COR_ID_LEN], case_handle[COR_ID_LEN];
  char peer[COR_OFFICE_MAX + 1];
  int compartment;
  int64_t at;                  /* sent, or the first part received */
  int64_t parts;               /* kept here */
  int64_t of;                  /* of the whole; 0 = received, and nobody has opened a part yet */
  int64_t admitted, delivered; /* outgoing */
  store_state state;           /* outgoing: the worst end of a part, else the least far */
  int code;
} store_attachment;
typedef bool (*store_attachment_fn)(const store_attachment *attachment, void *ctx); /* false stops */

store_found store_attachment_find(store *s, const uint8_t id[COR_ID_LEN], unsigned compartments,
                                  store_attachment *out, cor_error *err) COR_MUST_CHECK;
bool store_attachment_list(store *s, const store_filter *filter, store_attachment_fn each, void *ctx,
                           cor_error *err) COR_MUST_CHECK;
/* The message that is the i-th part here, in the order of keeping. */
store_found store_part_at(store *s, const store_attachment *attachment, int64_t i, uint8_t id[COR_ID_LEN],
                          cor_error *err) COR_MUST_CHECK;
/* Whether the message is a part sent from here. */
store_found store_part_sent(store *s, const uint8_t id[COR_ID_LEN], cor_error *err) COR_MUST_CHECK;
/* How many parts were ever kept here to be sent for a case. */
bool store_attachment_sent(store *s, const uint8_t case_handle[COR_ID_LEN], int64_t *parts,
                           cor_error *err) COR_MUST_CHECK;
bool store_attachment_sized(store *s, int64_t n, int64_t of, cor_error *err) COR_MUST_CHECK;

/* ---- cases and referrals ---- */
/* The store cannot read the case file; so whether an ABN may assert its
 * safeguards is judged when the casework part is composed, and kept. */
typedef enum store_safeguards {
  STORE_UNGUARDED = 0,
  STORE_GUARDED = 1,
  STORE_GUARDED_WITH_ESCORT = 2
} store_safeguards;

typedef struct store_case {
  uint8_t handle[COR_ID_LEN];
  cor_handle_kind kind;
  bool own;                        /* registered, or offered, from here */
  uint8_t case_handle[COR_ID_LEN]; /* a referral offered from here: its case; else = handle */
  uint8_t referral_id[COR_ID_LEN]; /* zero = none */
  bool has_reference;
  uint8_t reference_hash[COR_HASH_LEN];
  char programme[32];          /* "" = not known here */
  uint32_t categories;         /* referral: what its handover will carry */
  store_safeguards safeguards; /* what the casework part met when it was composed */
  bool withdrawn;
  bool has_last_consent;
  uint8_t last_consent[COR_ID_LEN]; /* newest consent id seen in a header received */
  int64_t since;
  int last_type; /* newest unrestricted message, 0 = none */
} store_case;
bool store_case_put(store *s, const store_case *c, cor_error *err) COR_MUST_CHECK; /* insert or replace */
store_found store_case_get(store *s, const uint8_t handle[COR_ID_LEN], store_case *out,
                           cor_error *err) COR_MUST_CHECK;
/* ERROR with NO_SUCH_CASE when two cases of others bear the number. */
store_found store_case_by_reference(store *s, const uint8_t hash[COR_HASH_LEN], store_case *out,
                                    cor_error *err) COR_MUST_CHECK;
bool store_case_list(store *s, bool (*each)(const store_case *, void *), void *ctx,
                     cor_error *err) COR_MUST_CHECK;
/* What was exchanged under a handle: bit per type, bit per outcome YES, and the
 * YES that came from one office; what was refused, stopped, expired or could not
 * be read does not count. */
typedef struct store_history {
  uint64_t types, yes, office_yes;
} store_history;
bool store_case_history(store *s, const uint8_t handle[COR_ID_LEN], const char *office, store_history *out,
                        cor_error *err) COR_MUST_CHECK;
store_found store_case_peer(store *s, const uint8_t handle[COR_ID_LEN], const char *office,
                            cor_error *err) COR_MUST_CHECK;

/* ---- consents recorded here ---- */
typedef struct store_consent {
  uint8_t id[COR_ID_LEN], case_handle[COR_ID_LEN], message_id[COR_ID_LEN];
  uint32_t version;
  int64_t withdrawn_at;
  cor_buf record; /* canonical ConsentRecord */
} store_consent;
bool store_consent_put(store *s, const store_consent *consent, cor_error *err) COR_MUST_CHECK;
store_found store_consent_get(store *s, const uint8_t id[COR_ID_LEN], store_consent *out,
                              cor_error *err) COR_MUST_CHECK;
/* The i-th newest of a case whose record was not refused; clear with
 * store_consent_clear. */
store_found store_consent_at(store *s, const uint8_t case_handle[COR_ID_LEN], int64_t i, store_consent *out,
                             cor_error *err) COR_MUST_CHECK;
void store_consent_clear(store_consent *consent);
/* consent NULL = every consent of the case, and the case itself. */
bool store_consent_withdraw(store *s, const uint8_t case_handle[COR_ID_LEN], const uint8_t *consent,
                            int64_t at, cor_error *err) COR_MUST_CHECK;

/* Every consent recorded here, or one case's, the newest first; until each says no. */
typedef bool (*store_consent_fn)(const store_consent *consent, void *ctx);
bool store_consent_list(store *s, const uint8_t *case_handle, store_consent_fn each, void *ctx,
                        cor_error *err) COR_MUST_CHECK;

/* ---- consent forms and their evidence, sealed (store_form.c) ---- */
/* Part 0 is the form, the others its evidence in order. A version's are never
 * changed. sealed is borrowed, respectively the caller's to clear. */
typedef struct store_form_part {
  uint8_t consent[COR_ID_LEN];
  uint32_t version;
  int part, compartment;
  cor_buf sealed;
} store_form_part;
bool store_form_put(store *s, const store_form_part *part, cor_error *err) COR_MUST_CHECK;
store_found store_form_get(store *s, const uint8_t consent[COR_ID_LEN], uint32_t version, int part,
                           store_form_part *out, cor_error *err) COR_MUST_CHECK;

/* ---- obligations ---- */
typedef struct store_due {
  uint8_t id[COR_ID_LEN], handle[COR_ID_LEN], message_id[COR_ID_LEN];
  int kind, state;
  unsigned level;
  char responsible[COR_OFFICE_MAX + 1];
  int64_t opened_at, due_at, at;
} store_due;
/* Newer state of the same id replaces an older one. */
bool store_due_put(store *s, const store_due *due, cor_error *err) COR_MUST_CHECK;
/* Only duties about messages in these compartments, or about none this office has. */
bool store_due_list(store *s, bool all, unsigned compartments, bool (*each)(const store_due *, void *),
                    void *ctx, cor_error *err) COR_MUST_CHECK;

/* ---- messages sent by name (store_signed.c) ---- */
/* Notes, in the transaction that keeps it, which holder sent a message of ours. */
bool store_signed_put(store *s, const store_message *message, const char *user, int64_t at,
                      cor_error *err) COR_MUST_CHECK;
/* Who did, or "". */
bool store_signed_get(store *s, const store_message *message, char user[COR_USER_MAX + 1],
                      cor_error *err) COR_MUST_CHECK;
/* All of them in these compartments, oldest first, with envelope and body. */
typedef bool (*store_signed_fn)(const store_message *message, const char *user, void *ctx);
bool store_signed_list(store *s, unsigned compartments, store_signed_fn each, void *ctx,
                       cor_error *err) COR_MUST_CHECK;

/* ---- timeline ---- */
typedef struct store_event {
  const char *event; /* "sent", "admitted", ... */
  int64_t at;
  uint8_t handle[COR_ID_LEN], message_id[COR_ID_LEN];
  int type, compartment;
  bool outgoing;
  const char *peer, *detail; /* coded words; never text from a message */
} store_event;
bool store_event_put(store *s, const store_event *event, cor_error *err) COR_MUST_CHECK;
bool store_event_list(store *s, const uint8_t handle[COR_ID_LEN], unsigned compartments,
                      bool (*each)(const store_event *, void *), void *ctx, cor_error *err) COR_MUST_CHECK;
#endif

/* duplicate.h - was this person helped before? One message against the case files
 * of this office, for a holder of casework. */
#ifndef AGENT_DUPLICATE_H
#define AGENT_DUPLICATE_H
#include "agent.h"
#include "match.h"

enum { DUPLICATE_SHOWN_MAX = 20, DUPLICATE_PROGRAMME_SIZE = 64 };

/* A case of which some file may be of the same person. */
typedef struct duplicate_candidate {
  uint8_t handle[COR_ID_LEN], message_id[COR_ID_LEN]; /* the file that agrees best */
  bool outgoing;
  char peer[COR_OFFICE_MAX + 1];
  store_state state;
  int64_t at; /* sent or received */
  char programme[DUPLICATE_PROGRAMME_SIZE];
  bool same_programme;
  const match_rule *rule;
  unsigned score;
} duplicate_candidate;

typedef struct duplicate_result {
  bool asked; /* the message is a question this office received */
  uint8_t handle[COR_ID_LEN], message_id[COR_ID_LEN];
  char peer[COR_OFFICE_MAX + 1];
  char programme[DUPLICATE_PROGRAMME_SIZE];
  /* case files: compared, agreeing, and left out because ... */
  size_t compared, agreeing, same_case, erased, quarantined, withdrawn, unreadable;
  duplicate_candidate candidates[DUPLICATE_SHOWN_MAX]; /* one a case, the surest first */
  size_t n;
} duplicate_result;

/* The message is a DuplicateQuestion or the casework part of a CaseFile, received or
 * sent: its person against every other casework part that is kept here. Nobody is
 * shown a file by this; that the message was compared, and by whom, is in its
 * timeline before this returns. NO_SUCH_MESSAGE, NOT_PERMITTED, WRONG_PASSPHRASE. The
 * caller zeroes out. */
bool duplicate_check(agent *a, const uint8_t id[COR_ID_LEN], const cor_holder *holder, duplicate_result *out,
                     cor_error *err) COR_MUST_CHECK;
#endif

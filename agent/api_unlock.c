/* api_unlock.c - the office's passphrase, given to an agent that was started without it.
 *
 * Guarantees: the passphrase is tried against office.lock only, as slowly and as rarely
 * as a holder's against a key file (tries.c); it is kept nowhere, and zeroed with the
 * request. Of two people who unlock at once the first counts. When the request has been
 * answered the agent starts in earnest; its socket closes for that moment. */
#include "api.h"

#include "corridor/refusal.h"

static bool unlock(agent *a, const char *passphrase, cor_error *err) {
  cor_office office;
  if (!tries_office(a->tries, cor_config_text(a->config, "office_dir"), passphrase, &office, err))
    return false;
  if (atomic_exchange(&a->unlocked, true))
    cor_office_clear(&office);
  else
    a->opened = office; /* the main thread reads it when every request has ended */
  return true;
}

bool api_post_unlock(api_request *q, cor_error *err) {
  static const char *const members[] = {"passphrase", NULL};
  const char *passphrase;
  const bool locked = q->a->locked;
  if (!api_only(q->body, members, err) || !api_text(q->body, "passphrase", true, &passphrase, err) ||
      (locked && !unlock(q->a, passphrase, err)))
    return false;
  q->reply = json_pack("{s:s, s:b}", "office", q->a->office.id, "unlocked", locked ? 1 : 0);
  return true;
}

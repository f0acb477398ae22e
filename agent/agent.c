/* agent.c - the agent's life: load, check, start, serve, drain.
 *
 * Guarantees: nothing listens or connects before configuration, keys, card list,
 * crypto library and store have been checked, each failure naming what and why.
 * SIGTERM refuses new work first, then lets answers in flight arrive, then says
 * BYE; a kill at any moment loses nothing that was acknowledged (store.c).
 * Fatal: any failed check at start. Later nothing is: an office without its hub
 * keeps working. */
#include "agent.h"
#include "api.h"
#include "link.h"

#include "corridor/ca.h"
#include "corridor/notify.h"
#include "corridor/refusal.h"
#include "corridor/seal.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const languages[AGENT_LANGUAGES] = {"en", "fr", "es", "ar"};

const char *agent_sentence(const agent *a, const char *accept_language, int code) {
  /* First understood of the list; weights are not worth a parser. */
  for (const char *at = accept_language; at != NULL && *at != '\0';) {
    at += strspn(at, " ,");
    for (size_t i = 0; i < AGENT_LANGUAGES; i++)
      if (a->catalogues[i] != NULL && strncmp(at, languages[i], 2) == 0)
        return cor_catalogue_sentence(a->catalogues[i], code);
    at += strcspn(at, ",");
  }
  return cor_catalogue_sentence(a->catalogues[0], code);
}

/* The demo clock may only tell the time where the CA is a demo CA. */
static bool open_clock(agent *a, cor_error *err) {
  char path[4096 + 16];
  const char *demo_clock = cor_config_text(a->config, "demo_clock");
  snprintf(path, sizeof path, "%s/ca.crt", cor_config_text(a->config, "office_dir"));
  X509 *ca = cor_cert_from_pem_file(path, err);
  if (ca == NULL) return false;
  a->demo = cor_cert_is_demo(ca);
  X509_free(ca);
  if (demo_clock[0] == '\0') {
    a->clock = cor_clock_system();
    return a->clock != NULL || cor_fail(err, COR_INTERNAL, "", "no clock");
  }
  if (!a->demo)
    return cor_fail(err, COR_DEMO_ONLY, "demo_clock",
                    "a demo clock works under a demo CA only; take the option out");
  a->clock = cor_clock_demo(demo_clock, err);
  return a->clock != NULL;
}

static bool load_catalogues(agent *a, cor_error *err) {
  const char *dir = cor_config_text(a->config, "catalogue");
  cor_error ignored; /* English is needed; another language falls back to it */
  a->catalogues[0] = cor_catalogue_load(dir, languages[0], err);
  for (size_t i = 1; a->catalogues[0] != NULL && i < AGENT_LANGUAGES; i++)
    a->catalogues[i] = cor_catalogue_load(dir, languages[i], &ignored);
  return a->catalogues[0] != NULL;
}

/* systemd gives a service its credentials in a directory only it can read. */
static bool credential(char out[COR_PASSPHRASE_MAX + 1]) {
  char path[4096];
  cor_buf text = {NULL, 0};
  cor_error ignored;
  const char *dir = getenv("CREDENTIALS_DIRECTORY");
  if (dir == NULL || snprintf(path, sizeof path, "%s/office-passphrase", dir) >= (int)sizeof path ||
      !cor_file_read(path, COR_PASSPHRASE_MAX, false, &text, &ignored))
    return false;
  size_t len = text.len;
  while (len > 0 && text.data[len - 1] == '\n')
    len--;
  memcpy(out, text.data, len);
  out[len] = '\0';
  cor_buf_clear(&text);
  return len > 0;
}

static bool load_office(agent *a, const char *dir, cor_error *err) {
  char passphrase[COR_PASSPHRASE_MAX + 1];
  if (!cor_office_locked(dir)) return cor_office_load(dir, &a->office, err);
  a->locked = !credential(passphrase);
  if (a->locked) return cor_office_describe(dir, &a->office, err);
  const bool ok = cor_office_open(dir, passphrase, &a->office, err);
  OPENSSL_cleanse(passphrase, sizeof passphrase);
  return ok;
}

/* It compares our card with our keys: not before they are there. */
static bool open_roster(agent *a, cor_error *err) {
  a->roster = roster_load(cor_config_text(a->config, "office_dir"), &a->office, a->log, err);
  return a->roster != NULL;
}

bool agent_prepare(agent *a, const char *config_path, cor_error *err) {
  *a = (agent){.config_path = config_path};
  umask(077);
  a->config = agent_config_load(config_path, err);
  if (a->config == NULL || !cor_seal_library_ok(err) || !open_clock(a, err)) return false;
  const char *office_dir = cor_config_text(a->config, "office_dir");
  a->log = cor_log_new("corridor-agent", a->clock, agent_config_level(a->config));
  a->tries = tries_new();
  if (a->log == NULL || a->tries == NULL) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  if (!load_office(a, office_dir, err) || !load_catalogues(a, err)) return false;
  if (!a->locked && !open_roster(a, err)) return false;
  a->store = store_open(cor_config_text(a->config, "store"), a->office.id, a->log, err);
  return a->store != NULL;
}

/* ---- running ---- */

static bool start(agent *a, cor_error *err) {
  const char *listen = cor_config_text(a->config, "status");
  size_t n;
  a->link = link_start(a, err);
  if (a->link == NULL) return false;
  a->api = api_start(a, err);
  if (a->api == NULL) return false;
  if (listen[0] == '\0') return true;
  cor_metric *metrics = link_metrics(a->link, &n);
  a->status = cor_status_start(listen, metrics, n, err);
  return a->status != NULL;
}

static void stop(agent *a) {
  api_stop(&a->api);
  cor_status_stop(&a->status);
  link_stop(&a->link);
}

static void reload(agent *a) {
  cor_error err;
  cor_config *fresh = agent_config_load(a->config_path, &err);
  if (fresh == NULL) {
    COR_LOG(a->log, COR_WARN, "reload-refused", COR_CODE(err.code), COR_WORD("option", err.path));
    return;
  }
  cor_log_set_level(a->log, agent_config_level(fresh));
  cor_config_destroy(&fresh);
  if (!roster_reread(a->roster, &err)) COR_LOG(a->log, COR_WARN, "card-list-not-reread", COR_CODE(err.code));
  COR_LOG(a->log, COR_INFO, "reloaded");
}

static void tell_health(agent *a) {
  link_facts link;
  if (a->status == NULL) return;
  link_facts_get(a->link, &link);
  cor_status_set(a->status, link.connected && !link.quarantined,
                 link.quarantined ? "quarantined"
                 : link.connected ? ""
                                  : "no session with a broker");
}

/* Until somebody has unlocked the keys, or *stop: the agent was told to end. The
 * request that unlocks says so by SIGUSR1, once it has been answered (api.c). */
static bool await_unlock(agent *a, const sigset_t *set, bool *stop, cor_error *err) {
  a->api = api_start(a, err);
  if (a->api == NULL) return false;
  COR_LOG(a->log, COR_WARN, "locked", COR_WORD("office", a->office.id));
  cor_notify("READY=1");
  while (!*stop && !atomic_load(&a->unlocked)) {
    const int which = sigwaitinfo(set, NULL);
    *stop = which == SIGTERM || which == SIGINT;
  }
  api_stop(&a->api);
  if (!atomic_load(&a->unlocked)) return true;
  a->office = a->opened; /* its one owner from here on */
  a->opened = (cor_office){0};
  a->locked = false;
  atomic_store(&a->unlocked, false);
  COR_LOG(a->log, COR_INFO, "unlocked", COR_WORD("office", a->office.id));
  return open_roster(a, err);
}

bool agent_run(agent *a, cor_error *err) {
  bool stop_asked = false;
  const struct timespec tick = {.tv_sec = 1};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR1);
  /* Blocked before any thread exists, so that all inherit it and only the wait
   * below takes them. */
  if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
    return cor_fail(err, COR_INTERNAL, "", "signals cannot be set up");
  if (a->locked && !await_unlock(a, &set, &stop_asked, err)) return false;
  if (stop_asked) return true;
  if (!start(a, err)) {
    stop(a);
    return false;
  }
  COR_LOG(a->log, COR_INFO, "started", COR_WORD("office", a->office.id),
          COR_NUM("card_list", roster_number(a->roster)));
  cor_notify("READY=1");
  for (int which = 0; which != SIGTERM && which != SIGINT;) {
    tell_health(a);
    which = sigtimedwait(&set, NULL, &tick);
    if (which == SIGHUP) reload(a);
  }
  cor_notify("STOPPING=1");
  COR_LOG(a->log, COR_INFO, "stopping");
  stop(a);
  COR_LOG(a->log, COR_INFO, "stopped");
  return true;
}

void agent_clear(agent *a) {
  store_close(&a->store);
  roster_destroy(&a->roster);
  tries_destroy(&a->tries);
  for (size_t i = 0; i < AGENT_LANGUAGES; i++)
    cor_catalogue_destroy(&a->catalogues[i]);
  cor_office_clear(&a->opened);
  cor_office_clear(&a->office);
  cor_log_destroy(&a->log);
  cor_clock_destroy(&a->clock);
  cor_config_destroy(&a->config);
}

/* programme.c - a programme made by bench-crowd, opened for the load.
 *
 * For: load.c and crowd.c, so that both know the same names. Trusts the folder.
 * Anything missing is fatal. */
#include "programme.h"
#include "corridor/ca.h"
#include "corridor/office.h"
#include "die.h"
#include <string.h>
#include <zmq.h>

static X509 *read_ca(const char *dir, cor_error *err) {
  char path[OFFICE_DIR_MAX];
  snprintf(path, sizeof path, "%s/ca/ca.crt", dir);
  return cor_cert_from_pem_file(path, err);
}

static void read_cards(programme *p, const char *path) {
  cor_error err = {0};
  cor_buf list = {0};
  X509 *ca = read_ca(p->dir, &err);
  if (!ca || !cor_file_read(path, COR_CARDS_MAX, false, &list, &err) ||
      !(p->cards = cor_cards_load(cor_buf_view(&list), ca, &err)))
    die_of("cards", &err);
  cor_buf_clear(&list);
  X509_free(ca);
}

void programme_open(programme *p, const char *dir, const char *endpoint, const char *clock_file) {
  cor_error err = {0};
  cor_office hub;
  char path[OFFICE_DIR_MAX];
  *p = (programme){.dir = dir, .endpoint = endpoint};
  p->clock = clock_file ? cor_clock_demo(clock_file, &err) : cor_clock_system();
  if (!p->clock) die_of("clock", &err);
  snprintf(path, sizeof path, "%s/ca/cardlist", dir);
  read_cards(p, path);
  programme_office_dir(dir, "hub", path);
  if (!cor_office_load(path, &hub, &err)) die_of("hub", &err);
  memcpy(p->hub_key, hub.curve_public, sizeof p->hub_key);
  cor_office_clear(&hub);
  p->context = zmq_ctx_new();
  if (!p->context || zmq_ctx_set(p->context, ZMQ_MAX_SOCKETS, 8192) != 0) die("zmq", zmq_strerror(errno));
}

void programme_close(programme *p) {
  cor_cards_destroy(&p->cards);
  cor_clock_destroy(&p->clock);
  zmq_ctx_term(p->context);
}

void programme_host(size_t i, char out[COR_OFFICE_MAX + 1]) {
  snprintf(out, COR_OFFICE_MAX + 1, "ne-%04zu", i + 1);
}

void programme_recipient(size_t i, bool away, char out[COR_OFFICE_MAX + 1]) {
  snprintf(out, COR_OFFICE_MAX + 1, "gn-%s%02zu", away ? "away-" : "", i % RECIPIENTS_MAX + 1);
}

void programme_office_dir(const char *dir, const char *id, char out[OFFICE_DIR_MAX]) {
  const int n = snprintf(out, OFFICE_DIR_MAX, "%s/%s/keys", dir, id);
  if (n < 0 || n >= OFFICE_DIR_MAX) die("the programme's folder has too long a name", dir);
}

/* held.c - the keys that a holder opens.
 *
 * Guarantees: the key file decides (passphrase, 0600, a share of the holder's own);
 * who holds nothing waits as long as who holds all; a wrong passphrase and no share
 * look alike where only what may be listed is asked. Keys live in memory for one
 * request and are zeroed. */
#include "held.h"
#include "corridor/ca.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"

#include <stdio.h>

enum { PATH_LEN = 4096 + 64 };

static EVP_PKEY *holder_key(const agent *a, Corridor__V1__Compartment c, const cor_holder *holder,
                            int64_t *recovered_at, cor_error *err) {
  char path[PATH_LEN];
  snprintf(path, sizeof path, "%s/keys/%s.key", roster_dir(a->roster), cor_compartment_name(c));
  return tries_open_share(a->tries, path, holder, recovered_at, err);
}

bool held_key_get(const agent *a, Corridor__V1__Compartment c, const cor_holder *holder, held_key *out,
                  cor_error *err) {
  char path[PATH_LEN];
  *out = (held_key){0};
  if (holder == NULL)
    return cor_fail(err, COR_NOT_PERMITTED, "", "name a user and passphrase that hold the %s key",
                    cor_compartment_name(c));
  snprintf(path, sizeof path, "%s/keys/%s.crt", roster_dir(a->roster), cor_compartment_name(c));
  out->key = holder_key(a, c, holder, &out->recovered_at, err);
  out->cert = out->key == NULL ? NULL : cor_cert_from_pem_file(path, err);
  if (out->cert != NULL) return true;
  held_key_clear(out);
  return false;
}

void held_key_clear(held_key *key) {
  X509_free(key->cert);
  EVP_PKEY_free(key->key);
  *key = (held_key){0};
}

unsigned held_compartments(agent *a, const cor_holder *holder, cor_error *err) {
  unsigned held = 0;
  (void)cor_fail(err, COR_NOT_PERMITTED, "",
                 "who does this is known by name: give a holder's name and passphrase; nothing was kept");
  for (int c = COR_C(OPERATIONS); holder != NULL && c <= COR_C(MONITORING); c++) {
    cor_error why = {0};
    int64_t recovered_at;
    EVP_PKEY *key = holder_key(a, (Corridor__V1__Compartment)c, holder, &recovered_at, &why);
    if (key != NULL) held |= COR_BIT(c);
    /* Of the offices' keys, not of those it never had. */
    if (why.code == COR_WRONG_PASSPHRASE || why.code == COR_LIMIT_REACHED) *err = why;
    EVP_PKEY_free(key);
  }
  return held;
}

unsigned held_visible(agent *a, const cor_holder *holder) {
  unsigned visible = STORE_ORDINARY;
  static const Corridor__V1__Compartment restricted[] = {COR_C(HEALTH), COR_C(PROTECTION)};
  for (size_t i = 0; holder != NULL && i < sizeof restricted / sizeof *restricted; i++) {
    cor_error ignored; /* wrong passphrase and no share look alike: not listed */
    int64_t recovered_at;
    EVP_PKEY *key = holder_key(a, restricted[i], holder, &recovered_at, &ignored);
    if (key != NULL) visible |= COR_BIT(restricted[i]);
    EVP_PKEY_free(key);
  }
  return visible;
}

/* keyfile.h - a key file in memory, as keyfile.c reads and writes it, keyfile_open.c
 * opens and seals it, and keyfile_change.c changes it. Internal to libcorridor; what
 * it is for stands in corridor/office.h. */
#ifndef CORRIDOR_PROTO_KEYFILE_H
#define CORRIDOR_PROTO_KEYFILE_H
#include "box.h"
#include "corridor/office.h"

typedef struct keyfile_holder {
  char user[COR_USER_MAX + 1];
  int64_t recovered_at; /* 0 = a present holder, or the making, gave the share */
  uint8_t public[COR_WRAP_KEY], salt[COR_WRAP_SALT];
  cor_wrapped secret; /* the holder's private key, under the passphrase */
  cor_box box;        /* the data key, for the holder's public key */
} keyfile_holder;

typedef struct keyfile_recovery {
  bool made;
  uint8_t public[COR_WRAP_KEY];
  uint8_t shares[COR_SHARES][COR_HASH_LEN]; /* digests, so that a wrong share is named */
  cor_box box;
} keyfile_recovery;

typedef struct keyfile {
  char compartment[16];
  uint8_t spki[256];
  size_t spki_len;
  cor_wrapped key; /* PKCS#8, under the data key */
  size_t n;
  keyfile_holder holders[COR_HOLDERS_MAX];
  keyfile_recovery recovery;
} keyfile;

/* What an opened key file gives. Zero it with OPENSSL_cleanse. */
typedef struct keyfile_opened {
  uint8_t pkcs8[COR_WRAP_MAX];
  size_t len;
  int64_t recovered_at; /* of the share that opened it */
} keyfile_opened;

/* ---- keyfile.c: the text ---- */
/* NULL on error; free with keyfile_free, which nulls. */
keyfile *keyfile_read(const char *path, cor_error *err) COR_MUST_CHECK;
bool keyfile_write(const char *path, const keyfile *file, cor_error *err) COR_MUST_CHECK;
void keyfile_free(keyfile **file);
const keyfile_holder *keyfile_find(const keyfile *file, const char *user); /* NULL = no holder */

/* ---- keyfile_open.c: the secrets ---- */
/* What the private key is under, for this holder; made anew by every change. */
bool keyfile_data_key(const keyfile *file, const cor_holder *who, uint8_t data_key[COR_WRAP_KEY],
                      cor_error *err) COR_MUST_CHECK;
bool keyfile_unlock(const keyfile *file, const cor_holder *who, keyfile_opened *out,
                    cor_error *err) COR_MUST_CHECK;
bool keyfile_unlock_recovery(const keyfile *file, const uint8_t secret[COR_RECOVERY_LEN], keyfile_opened *out,
                             cor_error *err) COR_MUST_CHECK;
/* Puts the holder on the list, with a new key pair; keyfile_reseal must follow. */
bool keyfile_admit(keyfile *file, const cor_holder *holder, int64_t recovered_at,
                   cor_error *err) COR_MUST_CHECK;
/* A new data key, for those on the list now and for the recovery key. */
bool keyfile_reseal(keyfile *file, const keyfile_opened *opened, cor_error *err) COR_MUST_CHECK;
/* The key pair that two shares give. */
bool keyfile_recovery_keys(const uint8_t secret[COR_RECOVERY_LEN], uint8_t private[COR_WRAP_KEY],
                           uint8_t public[COR_WRAP_KEY]) COR_MUST_CHECK;

#endif

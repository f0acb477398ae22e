/* sign.c - ECDSA P-256 signatures over a Merkle root of contents (PROTOCOL 5).
 *
 * One form serves a single message and a batch: the signature covers domain,
 * signer, context (compartment), batch size and root; each content carries its
 * path. Guarantees: cor_verify accepts a content only if key, domain, signer,
 * context, size, index, path and bytes are exactly those signed; a remembered
 * root saves the ECDSA check only when every one of these inputs, the key and
 * the signature bytes are the same as in a check that succeeded.
 * Trusts the caller for the key (cards.c knows whose it is). Signature fields
 * come from a peer and are bounded here. Nothing is fatal. */
#include "corridor/sign.h"
#include "merkle.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_LEN_MAX = 12 /* ceil(log2(COR_BATCH_MAX)) */, DOMAIN_LEN_MAX = 64 };
enum { INPUT_MAX = DOMAIN_LEN_MAX + 1 + 1 + COR_OFFICE_MAX + 1 + 4 + COR_HASH_LEN };

/* A key is known by its address, which holds because the entry holds the key: a
 * freed key's address returns. Asking a key for its public point instead would cost
 * as much as the hashes of a path. */
typedef struct seen {
  EVP_PKEY *key;
  uint8_t name[COR_HASH_LEN];
} seen;

struct cor_sign_memory {
  pthread_mutex_t lock; /* never held while a signature is checked */
  size_t entries, used, next;
  uint64_t checks;
  seen seen[];
};

typedef struct input {
  uint8_t data[INPUT_MAX];
  size_t len;
} input;

static cor_bytes text(const char *s) {
  return (cor_bytes){(const uint8_t *)s, strlen(s)};
}

void cor_content_hash(const char *domain, cor_bytes content, uint8_t out[COR_HASH_LEN]) {
  const cor_bytes pieces[] = {{(const uint8_t *)domain, strlen(domain) + 1}, content};
  cor_sha256(out, pieces, 2);
}

static void content_leaf(const char *domain, cor_bytes content, uint8_t out[COR_HASH_LEN]) {
  static const uint8_t prefix = 0x00;
  uint8_t hash[COR_HASH_LEN];
  cor_content_hash(domain, content, hash);
  const cor_bytes pieces[] = {{&prefix, 1}, {hash, sizeof hash}};
  cor_sha256(out, pieces, 2);
}

static void put(input *in, const void *data, size_t len) {
  memcpy(in->data + in->len, data, len);
  in->len += len;
}

/* domain 00 len8(signer) signer context8 size32be root; false if a text is too long. */
static bool make_input(const char *domain, const char *signer, uint8_t context, uint32_t size,
                       const uint8_t root[COR_HASH_LEN], input *out) {
  cor_bytes d = text(domain), s = text(signer);
  if (d.len > DOMAIN_LEN_MAX || s.len == 0 || s.len > COR_OFFICE_MAX) return false;
  const uint8_t signer_len = (uint8_t)s.len;
  const uint8_t size_be[4] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                              (uint8_t)size};
  out->len = 0;
  put(out, d.data, d.len + 1);
  put(out, &signer_len, 1);
  put(out, s.data, s.len);
  put(out, &context, 1);
  put(out, size_be, sizeof size_be);
  put(out, root, COR_HASH_LEN);
  return true;
}

static bool ecdsa_sign(EVP_PKEY *key, const input *in, uint8_t out[COR_ECDSA_MAX], size_t *len) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  *len = COR_ECDSA_MAX;
  bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
            EVP_DigestSign(ctx, out, len, in->data, in->len) == 1;
  EVP_MD_CTX_free(ctx);
  if (!ok) ERR_clear_error(); /* the queue is the thread's: leave nothing for others to read */
  return ok;
}

static bool ecdsa_verify(EVP_PKEY *key, const input *in, cor_bytes ecdsa) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool ok = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
            EVP_DigestVerify(ctx, ecdsa.data, ecdsa.len, in->data, in->len) == 1;
  EVP_MD_CTX_free(ctx);
  if (!ok) ERR_clear_error(); /* the queue is the thread's: leave nothing for others to read */
  return ok;
}

static bool set_bytes(ProtobufCBinaryData *field, const uint8_t *data, size_t len) {
  field->data = malloc(len);
  if (field->data == NULL) return false;
  memcpy(field->data, data, len);
  field->len = len;
  return true;
}

static Corridor__V1__Signature *new_signature(const uint8_t (*nodes)[COR_HASH_LEN], size_t n, size_t index,
                                              cor_bytes ecdsa) {
  uint8_t path[PATH_LEN_MAX][COR_HASH_LEN];
  size_t path_len = cor_merkle_built_path(nodes, n, index, path);
  Corridor__V1__Signature *s = malloc(sizeof *s);
  if (s == NULL) return NULL;
  corridor__v1__signature__init(s);
  s->size = (uint32_t)n;
  s->index = (uint32_t)index;
  bool ok = set_bytes(&s->ecdsa, ecdsa.data, ecdsa.len);
  if (ok && path_len > 0) ok = (s->path = calloc(path_len, sizeof *s->path)) != NULL;
  for (; ok && s->n_path < path_len; s->n_path++)
    ok = set_bytes(&s->path[s->n_path], path[s->n_path], COR_HASH_LEN);
  if (ok) return s;
  cor_message_free(&s->base);
  return NULL;
}

static uint8_t (*new_tree(const char *domain, const cor_bytes *contents, size_t n))[COR_HASH_LEN] {
  uint8_t(*nodes)[COR_HASH_LEN] = calloc(cor_merkle_nodes(n), sizeof *nodes);
  if (nodes == NULL) return NULL;
  for (size_t i = 0; i < n; i++)
    content_leaf(domain, contents[i], nodes[i]);
  cor_merkle_build(nodes, n);
  return nodes;
}

static bool new_signatures(const uint8_t (*nodes)[COR_HASH_LEN], size_t n, cor_bytes ecdsa,
                           Corridor__V1__Signature **out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = new_signature(nodes, n, i, ecdsa);
    if (out[i] != NULL) continue;
    while (i > 0)
      cor_message_free(&out[--i]->base);
    return false;
  }
  return true;
}

bool cor_sign(EVP_PKEY *key, const char *domain, const char *signer, uint8_t context,
              const cor_bytes *contents, size_t n, Corridor__V1__Signature **out, cor_error *err) {
  uint8_t ecdsa[COR_ECDSA_MAX];
  size_t ecdsa_len;
  input in;
  bool ok = false;
  if (n == 0 || n > COR_BATCH_MAX)
    return cor_fail(err, COR_TOO_LARGE, "", "a batch holds 1 to %d messages; nothing was signed",
                    COR_BATCH_MAX);
  uint8_t(*nodes)[COR_HASH_LEN] = new_tree(domain, contents, n);
  if (nodes == NULL)
    cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was signed, try again");
  else if (!make_input(domain, signer, context, (uint32_t)n, nodes[cor_merkle_nodes(n) - 1], &in))
    cor_fail(err, COR_BAD_INPUT, "sender", "the signer's name has no valid length; nothing was signed");
  else if (!ecdsa_sign(key, &in, ecdsa, &ecdsa_len))
    cor_fail(err, COR_INTERNAL, "", "the signing key does not work; nothing was signed, check the key file");
  else if (!new_signatures((const uint8_t(*)[COR_HASH_LEN])nodes, n, (cor_bytes){ecdsa, ecdsa_len}, out))
    cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was signed, try again");
  else
    ok = true;
  free(nodes);
  return ok;
}

cor_sign_memory *cor_sign_memory_new(size_t entries) {
  cor_sign_memory *memory = calloc(1, sizeof *memory + entries * sizeof(seen));
  if (memory == NULL) return NULL;
  memory->entries = entries;
  pthread_mutex_init(&memory->lock, NULL);
  return memory;
}

void cor_sign_memory_destroy(cor_sign_memory **memory) {
  if (*memory == NULL) return;
  for (size_t i = 0; i < (*memory)->used; i++)
    EVP_PKEY_free((*memory)->seen[i].key);
  pthread_mutex_destroy(&(*memory)->lock);
  free(*memory);
  *memory = NULL;
}

uint64_t cor_sign_memory_checks(const cor_sign_memory *memory) {
  return memory->checks;
}

/* Looked for by key and name: what was signed, and the signature's own bytes. */
static bool remembered(cor_sign_memory *memory, const EVP_PKEY *key, const uint8_t name[COR_HASH_LEN]) {
  bool found = false;
  pthread_mutex_lock(&memory->lock);
  for (size_t i = 0; !found && i < memory->used; i++)
    found = memory->seen[i].key == key && memcmp(memory->seen[i].name, name, COR_HASH_LEN) == 0;
  memory->checks += !found;
  pthread_mutex_unlock(&memory->lock);
  return found;
}

static void remember(cor_sign_memory *memory, EVP_PKEY *key, const uint8_t name[COR_HASH_LEN]) {
  if (memory->entries == 0 || EVP_PKEY_up_ref(key) != 1) return;
  pthread_mutex_lock(&memory->lock);
  seen *entry = &memory->seen[memory->next];
  EVP_PKEY *forgotten = entry->key;
  entry->key = key;
  memcpy(entry->name, name, COR_HASH_LEN);
  memory->next = (memory->next + 1) % memory->entries;
  if (memory->used < memory->entries) memory->used++;
  pthread_mutex_unlock(&memory->lock);
  EVP_PKEY_free(forgotten);
}

static bool verify_once(EVP_PKEY *key, const input *in, cor_bytes ecdsa, cor_sign_memory *memory) {
  uint8_t name[COR_HASH_LEN];
  if (memory == NULL) return ecdsa_verify(key, in, ecdsa);
  cor_sha256(name, (cor_bytes[]){{in->data, in->len}, ecdsa}, 2);
  if (remembered(memory, key, name)) return true;
  if (!ecdsa_verify(key, in, ecdsa)) return false;
  remember(memory, key, name);
  return true;
}

/* Root that content's leaf and the signature's path lead to. */
static bool signed_root(const char *domain, cor_bytes content, const Corridor__V1__Signature *signature,
                        uint8_t root[COR_HASH_LEN]) {
  uint8_t leaf[COR_HASH_LEN];
  cor_bytes path[PATH_LEN_MAX];
  if (signature->size == 0 || signature->size > COR_BATCH_MAX || signature->n_path > PATH_LEN_MAX)
    return false;
  for (size_t i = 0; i < signature->n_path; i++)
    path[i] = (cor_bytes){signature->path[i].data, signature->path[i].len};
  content_leaf(domain, content, leaf);
  return cor_merkle_root_from_path(leaf, signature->index, signature->size, path, signature->n_path, root);
}

bool cor_verify(EVP_PKEY *key, const char *domain, const char *signer, uint8_t context, cor_bytes content,
                const Corridor__V1__Signature *signature, cor_sign_memory *memory, cor_error *err) {
  uint8_t root[COR_HASH_LEN];
  input in;
  if (key == NULL || signature == NULL || signature->ecdsa.len == 0)
    return cor_fail(err, COR_BAD_SIGNATURE, "signature", "there is no signature; the message was not used");
  cor_bytes ecdsa = {signature->ecdsa.data, signature->ecdsa.len};
  if (ecdsa.len > COR_ECDSA_MAX || !signed_root(domain, content, signature, root) ||
      !make_input(domain, signer, context, signature->size, root, &in))
    return cor_fail(err, COR_BAD_SIGNATURE, "signature",
                    "the signature is malformed; the message was not used");
  if (!verify_once(key, &in, ecdsa, memory))
    return cor_fail(err, COR_BAD_SIGNATURE, "signature",
                    "the signature does not fit these bytes and this office; the message was not used");
  return true;
}

/* parts.c - the price of each library call that a message needs.
 *
 * For: limits.c. Each part does the bare call, not our code around it, over
 * sizes as they are on the wire, and is given in CPU time of this process per
 * message: wall time would count waiting on a shared machine. Errors are fatal. */
#include "parts.h"
#include "corridor/ca.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/sign.h"
#include "die.h"
#include "sample.h"
#include <corridor/v1/session.pb-c.h>
#include <string.h>
#include <zmq.h>

enum { HEADER_BYTES = 260, TURN = 64 /* calls between two looks at the clock */ };

/* CPU time per call of step, called for at least for_us. */
static double per_call(void (*step)(void *), void *with, int64_t for_us, size_t messages_per_call) {
  const int64_t begin = cor_clock_monotonic_us(), cpu = sample_cpu_us();
  size_t calls = 0;
  do {
    for (int i = 0; i < TURN; i++, calls++)
      step(with);
  } while (cor_clock_monotonic_us() - begin < for_us);
  return (double)(sample_cpu_us() - cpu) / (double)calls / (double)messages_per_call;
}

/* Contexts and algorithms are made once: what remains is the arithmetic. */
typedef struct ecdsa {
  EVP_PKEY *key;
  EVP_PKEY_CTX *signer, *verifier;
  uint8_t digest[COR_HASH_LEN], signature[COR_ECDSA_MAX];
  size_t len;
} ecdsa;

static void sign_once(void *with) {
  ecdsa *e = with;
  e->len = sizeof e->signature;
  if (EVP_PKEY_sign(e->signer, e->signature, &e->len, e->digest, sizeof e->digest) != 1) die("sign", NULL);
}

static void verify_once(void *with) {
  ecdsa *e = with;
  if (EVP_PKEY_verify(e->verifier, e->signature, e->len, e->digest, sizeof e->digest) != 1)
    die("verify", NULL);
}

static void ecdsa_open(ecdsa *e) {
  cor_error err = {0};
  *e = (ecdsa){.key = cor_key_new(&err)};
  if (!e->key) die_of("key", &err);
  e->signer = EVP_PKEY_CTX_new(e->key, NULL);
  e->verifier = EVP_PKEY_CTX_new(e->key, NULL);
  if (!e->signer || !e->verifier || EVP_PKEY_sign_init(e->signer) != 1 ||
      EVP_PKEY_verify_init(e->verifier) != 1)
    die("ECDSA", NULL);
  cor_random(e->digest, sizeof e->digest);
  sign_once(e);
}

static void ecdsa_close(ecdsa *e) {
  EVP_PKEY_CTX_free(e->signer);
  EVP_PKEY_CTX_free(e->verifier);
  EVP_PKEY_free(e->key);
}

static double ecdsa_cost(void (*step)(void *), int64_t for_us) {
  ecdsa e;
  ecdsa_open(&e);
  const double cost = per_call(step, &e, for_us, 1);
  ecdsa_close(&e);
  return cost;
}

double parts_ecdsa_sign(int64_t for_us) {
  return ecdsa_cost(sign_once, for_us);
}

double parts_ecdsa_verify(int64_t for_us) {
  return ecdsa_cost(verify_once, for_us);
}

typedef struct hashing {
  EVP_MD *sha256;
  EVP_MD_CTX *ctx;
  ecdsa ecdsa;
  uint8_t in[PARTS_BODY], out[COR_HASH_LEN];
} hashing;

static void hashing_open(hashing *h) {
  h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  h->ctx = EVP_MD_CTX_new();
  if (!h->sha256 || !h->ctx) die("SHA-256", NULL);
  cor_random(h->in, sizeof h->in);
}

static void hashing_close(hashing *h) {
  EVP_MD_CTX_free(h->ctx);
  EVP_MD_free(h->sha256);
}

static void hash(hashing *h, size_t len) {
  if (EVP_DigestInit_ex2(h->ctx, h->sha256, NULL) != 1 || EVP_DigestUpdate(h->ctx, h->in, len) != 1 ||
      EVP_DigestFinal_ex(h->ctx, h->out, NULL) != 1)
    die("SHA-256", NULL);
}

static void hash_body(void *with) {
  hash(with, PARTS_BODY);
}

double parts_sha256(int64_t for_us) {
  hashing h;
  hashing_open(&h);
  const double cost = per_call(hash_body, &h, for_us, 1);
  hashing_close(&h);
  return cost;
}

/* For each header its content hash, its leaf and the nodes of its path (PROTOCOL
 * 5); for all of them one verification. */
static void verify_batch(void *with) {
  enum { LEAF = 1 + COR_HASH_LEN, NODE = 1 + 2 * COR_HASH_LEN, DEPTH = 8 /* log2 of PARTS_BATCH */ };
  hashing *h = with;
  for (int i = 0; i < PARTS_BATCH; i++) {
    hash(h, HEADER_BYTES);
    hash(h, LEAF);
    for (int level = 0; level < DEPTH; level++)
      hash(h, NODE);
  }
  verify_once(&h->ecdsa);
}

double parts_verify_in_batch(int64_t for_us) {
  hashing h;
  hashing_open(&h);
  ecdsa_open(&h.ecdsa);
  const double cost = per_call(verify_batch, &h, for_us, PARTS_BATCH);
  ecdsa_close(&h.ecdsa);
  hashing_close(&h);
  return cost;
}

static void transcode(void *with) {
  const cor_buf *wire = with;
  uint8_t out[1024];
  Corridor__V1__Submission *s = corridor__v1__submission__unpack(NULL, wire->len, wire->data);
  if (!s || corridor__v1__submission__get_packed_size(s) > sizeof out) die("protobuf", NULL);
  corridor__v1__submission__pack(s, out);
  corridor__v1__submission__free_unpacked(s, NULL);
}

double parts_protobuf(int64_t for_us) {
  uint8_t bytes[HEADER_BYTES];
  cor_error err = {0};
  cor_buf wire = {0};
  Corridor__V1__Signature signature = CORRIDOR__V1__SIGNATURE__INIT;
  Corridor__V1__Envelope envelope = CORRIDOR__V1__ENVELOPE__INIT;
  Corridor__V1__Submission submission = CORRIDOR__V1__SUBMISSION__INIT;
  cor_random(bytes, sizeof bytes);
  signature.size = 1;
  signature.ecdsa = (ProtobufCBinaryData){71, bytes};
  envelope.header = (ProtobufCBinaryData){sizeof bytes, bytes};
  envelope.signature = &signature;
  submission.n = 1000;
  submission.envelope = &envelope;
  if (!cor_encode(&submission.base, &wire, &err)) die_of("protobuf", &err);
  const double cost = per_call(transcode, &wire, for_us, 1);
  cor_buf_clear(&wire);
  return cost;
}

/* ---- CURVE ---- */

typedef struct pair {
  void *context, *server, *client;
} pair;

static void set(void *socket, int option, const void *value, size_t size) {
  if (zmq_setsockopt(socket, option, value, size) != 0) die("zmq option", zmq_strerror(errno));
}

static void pair_open(pair *p) {
  const int one = 1;
  char public_key[41], secret_key[41], endpoint[128];
  size_t size = sizeof endpoint;
  p->context = zmq_ctx_new();
  p->server = zmq_socket(p->context, ZMQ_PAIR);
  p->client = zmq_socket(p->context, ZMQ_PAIR);
  if (!p->server || !p->client || zmq_curve_keypair(public_key, secret_key) != 0) die("zmq", NULL);
  set(p->server, ZMQ_CURVE_SERVER, &one, sizeof one);
  set(p->server, ZMQ_CURVE_SECRETKEY, secret_key, 41);
  set(p->client, ZMQ_CURVE_SERVERKEY, public_key, 41);
  set(p->client, ZMQ_CURVE_PUBLICKEY, public_key, 41);
  set(p->client, ZMQ_CURVE_SECRETKEY, secret_key, 41);
  if (zmq_bind(p->server, "tcp://127.0.0.1:*") != 0 ||
      zmq_getsockopt(p->server, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0 ||
      zmq_connect(p->client, endpoint) != 0)
    die("zmq", zmq_strerror(errno));
}

static void send_burst(void *with) {
  static const uint8_t body[PARTS_BODY] = {1};
  static uint8_t out[PARTS_BODY];
  pair *p = with;
  for (int i = 0; i < TURN; i++)
    if (zmq_send(p->client, body, sizeof body, 0) < 0) die("send", zmq_strerror(errno));
  for (int i = 0; i < TURN; i++)
    if (zmq_recv(p->server, out, sizeof out, 0) != PARTS_BODY) die("receive", zmq_strerror(errno));
}

double parts_curve(int64_t for_us) {
  pair p;
  pair_open(&p);
  send_burst(&p); /* the handshake is over */
  const double cost = per_call(send_burst, &p, for_us, TURN);
  zmq_close(p.client);
  zmq_close(p.server);
  zmq_ctx_term(p.context);
  return cost;
}

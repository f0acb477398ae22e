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
#include "corridor/sop.h"
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

typedef struct ecdsa {
  EVP_PKEY *key;
  uint8_t input[96], signature[COR_ECDSA_MAX];
  size_t len;
} ecdsa;

static void sign_once(void *with) {
  ecdsa *e = with;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  e->len = sizeof e->signature;
  if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, e->key) != 1 ||
      EVP_DigestSign(ctx, e->signature, &e->len, e->input, sizeof e->input) != 1)
    die("sign", NULL);
  EVP_MD_CTX_free(ctx);
}

static void verify_once(void *with) {
  ecdsa *e = with;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, e->key) != 1 ||
      EVP_DigestVerify(ctx, e->signature, e->len, e->input, sizeof e->input) != 1)
    die("verify", NULL);
  EVP_MD_CTX_free(ctx);
}

static double ecdsa_cost(void (*step)(void *), int64_t for_us) {
  cor_error err = {0};
  ecdsa e = {.key = cor_key_new(&err)};
  if (!e.key) die_of("key", &err);
  sign_once(&e);
  const double cost = per_call(step, &e, for_us, 1);
  EVP_PKEY_free(e.key);
  return cost;
}

double parts_ecdsa_sign(int64_t for_us) {
  return ecdsa_cost(sign_once, for_us);
}

double parts_ecdsa_verify(int64_t for_us) {
  return ecdsa_cost(verify_once, for_us);
}

typedef struct batch {
  EVP_PKEY *key;
  uint8_t headers[PARTS_BATCH][HEADER_BYTES];
  cor_bytes views[PARTS_BATCH];
  Corridor__V1__Signature *signatures[PARTS_BATCH];
} batch;

static void verify_batch(void *with) {
  batch *b = with;
  cor_error err = {0};
  cor_sign_memory *memory = cor_sign_memory_new(1);
  for (size_t i = 0; i < PARTS_BATCH; i++)
    if (!cor_verify(b->key, COR_DOMAIN_HEADER, "bench", COR_C(CASEWORK), b->views[i], b->signatures[i],
                    memory, &err))
      die_of("verify", &err);
  cor_sign_memory_destroy(&memory);
}

double parts_verify_in_batch(int64_t for_us) {
  cor_error err = {0};
  batch *b = must_have(1, sizeof *b);
  b->key = cor_key_new(&err);
  for (size_t i = 0; i < PARTS_BATCH; i++) {
    cor_random(b->headers[i], HEADER_BYTES);
    b->views[i] = (cor_bytes){b->headers[i], HEADER_BYTES};
  }
  if (!b->key || !cor_sign(b->key, COR_DOMAIN_HEADER, "bench", COR_C(CASEWORK), b->views, PARTS_BATCH,
                           b->signatures, &err))
    die_of("sign", &err);
  const double cost = per_call(verify_batch, b, for_us, PARTS_BATCH);
  for (size_t i = 0; i < PARTS_BATCH; i++)
    cor_message_free(&b->signatures[i]->base);
  EVP_PKEY_free(b->key);
  free(b);
  return cost;
}

static void hash_once(void *with) {
  uint8_t out[COR_HASH_LEN];
  cor_sha256(out, &(cor_bytes){with, PARTS_BODY}, 1);
}

double parts_sha256(int64_t for_us) {
  uint8_t body[PARTS_BODY];
  cor_random(body, sizeof body);
  return per_call(hash_once, body, for_us, 1);
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

/* load.c - host missions that send case files as fast as the hub answers.
 *
 * For: tests/bench/run. Each office is one strict protocol peer over CURVE.
 * Registration and consent of the cases come first and are not timed; then
 * sealed and signed case files, made beforehand, are kept at a fixed number in
 * flight, and each is timed from send to its signed admission receipt (checked
 * for its message id; every 64th signature is verified). Prints one JSON line.
 * Fatal: any refusal; a benchmark of refusals measures nothing. */
#include "corridor/cards.h"
#include "corridor/ca.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/envelope.h"
#include "corridor/frames.h"
#include "corridor/id.h"
#include "corridor/office.h"
#include "corridor/seal.h"
#include "corridor/sop.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { OFFICES_MAX = 64, WINDOW = 256 };
static const int64_t day_ms = 24 * 3600 * INT64_C(1000);

typedef struct prepared {
  uint8_t id[COR_ID_LEN];
  Corridor__V1__Envelope *envelope;
  cor_buf body;
  int64_t sent_us;
} prepared;

typedef struct peer {
  cor_office office;
  void *socket;
  uint64_t n;     /* submissions sent in this session */
  prepared *list; /* what is to be sent, in order */
  size_t count, sent, answered;
  uint64_t first_n; /* n of list[0] */
  uint8_t (*handles)[COR_ID_LEN], (*consents)[COR_ID_LEN];
} peer;

typedef struct bench {
  const char *endpoint, *hub_key, *origin;
  cor_clock *clock;
  cor_cards *cards;
  void *context;
  peer peers[OFFICES_MAX];
  size_t n_peers, in_flight, messages, cases;
  size_t body;
  int64_t *latency;
  size_t n_latency;
} bench;

static void die(const char *what, const cor_error *err) {
  fprintf(stderr, "load: %s: %s %s\n", what, err ? err->path : "", err ? err->detail : "");
  exit(1);
}

static void send_frames(peer *p, cor_command command, const ProtobufCMessage *control, cor_bytes body) {
  uint8_t head[2];
  cor_buf packed = {0};
  cor_error err;
  cor_frames_head(command, head);
  if (!cor_encode(control, &packed, &err)) die("encode", &err);
  zmq_send(p->socket, head, sizeof head, ZMQ_SNDMORE);
  zmq_send(p->socket, packed.data, packed.len, body.data ? ZMQ_SNDMORE : 0);
  if (body.data) zmq_send(p->socket, body.data, body.len, 0);
  cor_buf_clear(&packed);
}

/* The command of one message; control is copied. */
static cor_command receive(peer *p, int flags, cor_buf *control) {
  zmq_msg_t part;
  cor_command command = 0;
  cor_error err;
  int more = 1;
  size_t size = sizeof more;
  for (int i = 0; more; i++) {
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, p->socket, i ? 0 : flags) < 0) return 0;
    if (i == 0) command = (cor_command)((uint8_t *)zmq_msg_data(&part))[1];
    if (i == 1 && !cor_buf_copy(control, (cor_bytes){zmq_msg_data(&part), zmq_msg_size(&part)}, &err))
      die("memory", &err);
    zmq_getsockopt(p->socket, ZMQ_RCVMORE, &more, &size);
    zmq_msg_close(&part);
  }
  return command;
}

static void connect_peer(bench *b, peer *p) {
  Corridor__V1__Hello hello = CORRIDOR__V1__HELLO__INIT;
  uint32_t version = COR_PROTOCOL;
  uint8_t epoch[COR_ID_LEN];
  cor_buf control = {0};
  int zero = 0, hwm = 0;
  p->socket = zmq_socket(b->context, ZMQ_DEALER);
  zmq_setsockopt(p->socket, ZMQ_LINGER, &zero, sizeof zero);
  zmq_setsockopt(p->socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
  zmq_setsockopt(p->socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
  zmq_setsockopt(p->socket, ZMQ_CURVE_SERVERKEY, b->hub_key, 41);
  zmq_setsockopt(p->socket, ZMQ_CURVE_PUBLICKEY, p->office.curve_public, 41);
  zmq_setsockopt(p->socket, ZMQ_CURVE_SECRETKEY, p->office.curve_secret, 41);
  if (zmq_connect(p->socket, b->endpoint) != 0) die("connect", NULL);
  cor_random(epoch, sizeof epoch);
  hello.n_versions = 1;
  hello.versions = &version;
  hello.office = p->office.id;
  hello.software = "bench";
  hello.store_epoch = (ProtobufCBinaryData){sizeof epoch, epoch};
  hello.card_list = cor_cards_number(b->cards);
  hello.table_version = COR_SOP_VERSION;
  hello.window_messages = 1;
  hello.window_bytes = 1;
  send_frames(p, COR_HELLO, &hello.base, (cor_bytes){0});
  if (receive(p, 0, &control) != COR_WELCOME) die("no WELCOME", NULL);
  cor_buf_clear(&control);
}

static void header_begin(bench *b, peer *p, Corridor__V1__Header *h, uint8_t *id, const uint8_t *handle) {
  int64_t now = cor_clock_now(b->clock);
  corridor__v1__header__init(h);
  cor_id_new(id, now);
  h->version = 1;
  h->message_id = (ProtobufCBinaryData){COR_ID_LEN, id};
  h->sender = p->office.id;
  h->handle = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)handle};
  h->sent_at = now;
  h->expires_at = now + 30 * day_ms;
  h->table_version = COR_SOP_VERSION;
}

static void submit(peer *p, const Corridor__V1__Envelope *envelope, cor_bytes body) {
  Corridor__V1__Submission submission = CORRIDOR__V1__SUBMISSION__INIT;
  submission.n = ++p->n;
  submission.envelope = (Corridor__V1__Envelope *)envelope;
  send_frames(p, COR_SEND, &submission.base, body);
}

static void record(bench *b, peer *p, const uint8_t *handle, Corridor__V1__MessageType type,
                   const ProtobufCMessage *body) {
  static Corridor__V1__DataCategory operational[] = {COR_CAT(OPERATIONAL)};
  Corridor__V1__Header h;
  uint8_t id[COR_ID_LEN];
  cor_buf bytes = {0};
  cor_error err = {0};
  header_begin(b, p, &h, id, handle);
  h.recipient = "hub";
  h.compartment = COR_C(RECORD);
  h.type = type;
  h.purpose = COR_PURPOSE(RECORD_KEEPING);
  h.basis = COR_BASIS(RECORD_DUTY);
  h.n_categories = 1;
  h.categories = operational;
  if (!cor_encode(body, &bytes, &err)) die("record", &err);
  Corridor__V1__Envelope *envelope = cor_envelope_make(&h, NULL, cor_buf_view(&bytes), p->office.signing,
                                                       &err);
  if (!envelope) die("record", &err);
  submit(p, envelope, cor_buf_view(&bytes));
  cor_message_free(&envelope->base);
  cor_buf_clear(&bytes);
}

static void take_results(bench *b, peer *p, const cor_buf *control, bool timed) {
  cor_error err = {0};
  Corridor__V1__Results *results = (Corridor__V1__Results *)cor_decode(
      &corridor__v1__results__descriptor, cor_buf_view(control), COR_CONTROL_MAX, false, &err);
  if (!results) die("results", &err);
  int64_t now = cor_clock_monotonic_us();
  for (size_t i = 0; i < results->n_results; i++) {
    const Corridor__V1__Result *r = results->results[i];
    if (!r->receipt) {
      fprintf(stderr, "load: refused with code %u %s\n", r->refusal->code, r->refusal->field);
      exit(1);
    }
    p->answered++;
    if (!timed) continue;
    const prepared *m = &p->list[r->n - p->first_n];
    if (memcmp(r->message_id.data, m->id, COR_ID_LEN) != 0) die("a receipt for another message", NULL);
    if (b->n_latency % 64 == 0 && !cor_verify(cor_cards_hub(b->cards)->signing, COR_DOMAIN_RECEIPT, "hub", 0,
                                              (cor_bytes){r->receipt->content.data, r->receipt->content.len},
                                              r->receipt->signature, NULL, &err))
      die("receipt signature", &err);
    b->latency[b->n_latency++] = now - m->sent_us;
  }
  cor_message_free(&results->base);
}

static void drain(bench *b, peer *p, int flags, bool timed) {
  cor_buf control = {0};
  cor_command command;
  while ((command = receive(p, flags, &control)) != 0) {
    if (command == COR_RESULTS) take_results(b, p, &control, timed);
    if (command == COR_BYE) die("the hub said BYE", NULL);
    cor_buf_clear(&control);
    flags = ZMQ_DONTWAIT;
  }
  cor_buf_clear(&control);
}

static void register_case(bench *b, peer *p, size_t i) {
  static Corridor__V1__DataCategory covered[] = {COR_CAT(BIODATA), COR_CAT(CONTACT), COR_CAT(TRAVEL),
                                                 COR_CAT(FAMILY)};
  uint8_t reference[COR_HASH_LEN], code[COR_HASH_LEN], evidence[COR_HASH_LEN];
  int64_t today = cor_clock_now(b->clock) / day_ms * day_ms;
  Corridor__V1__Registration registration = CORRIDOR__V1__REGISTRATION__INIT;
  Corridor__V1__ConsentScope scope = CORRIDOR__V1__CONSENT_SCOPE__INIT, *scopes[] = {&scope};
  Corridor__V1__ConsentRecord consent = CORRIDOR__V1__CONSENT_RECORD__INIT;
  cor_random(p->handles[i], COR_ID_LEN);
  cor_random(p->consents[i], COR_ID_LEN);
  cor_random(reference, sizeof reference);
  cor_random(code, sizeof code);
  cor_random(evidence, sizeof evidence);
  registration.programme = "JI";
  registration.return_type = CORRIDOR__V1__RETURN_TYPE__AVRR;
  registration.origin_office = (char *)b->origin;
  registration.reference_hash = (ProtobufCBinaryData){COR_HASH_LEN, reference};
  registration.withdrawal_hash = (ProtobufCBinaryData){COR_HASH_LEN, code};
  registration.declared_on = (int32_t)(today / day_ms);
  record(b, p, p->handles[i], COR_T(REGISTRATION), &registration.base);
  scope.scope = CORRIDOR__V1__CONSENT_SCOPE_CODE__RETURN_AND_DATA;
  scope.purpose = COR_PURPOSE(RETURN_PREPARATION);
  scope.n_categories = sizeof covered / sizeof *covered;
  scope.categories = covered;
  scope.recipient_office = (char *)b->origin;
  consent.consent_id = (ProtobufCBinaryData){COR_ID_LEN, p->consents[i]};
  consent.version = 1;
  consent.n_scopes = 1;
  consent.scopes = scopes;
  consent.valid_from = today;
  consent.valid_until = INT64_C(1893456000000); /* 2030-01-01, a first of the month */
  consent.evidence_sha256 = (ProtobufCBinaryData){COR_HASH_LEN, evidence};
  record(b, p, p->handles[i], COR_T(CONSENT_RECORD), &consent.base);
}

static void register_cases(bench *b) {
  size_t each = (b->cases + b->n_peers - 1) / b->n_peers;
  for (size_t i = 0; i < b->n_peers; i++) {
    peer *p = &b->peers[i];
    p->handles = calloc(each, sizeof *p->handles);
    p->consents = calloc(each, sizeof *p->consents);
    for (size_t k = 0; k < each; k++) {
      register_case(b, p, k);
      while (p->n - p->answered > WINDOW - 8)
        drain(b, p, 0, false);
    }
    while (p->answered < p->n)
      drain(b, p, 0, false);
  }
}

static void prepare(bench *b, peer *p, prepared *m, size_t k) {
  static Corridor__V1__DataCategory categories[] = {COR_CAT(BIODATA), COR_CAT(CONTACT)};
  const cor_card *origin = cor_cards_find(b->cards, b->origin), *own = cor_cards_find(b->cards, p->office.id);
  Corridor__V1__Header h;
  Corridor__V1__Sealed sealed = CORRIDOR__V1__SEALED__INIT;
  cor_error err = {0};
  uint8_t *content = calloc(1, b->body);
  header_begin(b, p, &h, m->id, p->handles[k]);
  h.recipient = (char *)b->origin;
  h.compartment = COR_C(CASEWORK);
  h.type = COR_T(CASE_FILE);
  h.purpose = COR_PURPOSE(RETURN_PREPARATION);
  h.basis = COR_BASIS(CONSENT);
  h.n_categories = 2;
  h.categories = categories;
  h.consent_id = (ProtobufCBinaryData){COR_ID_LEN, p->consents[k]};
  h.safeguards_met = true;
  sealed.message_id = h.message_id;
  sealed.sender = h.sender;
  sealed.recipient = h.recipient;
  sealed.handle = h.handle;
  sealed.type = h.type;
  sealed.compartment = h.compartment;
  sealed.content = (ProtobufCBinaryData){b->body - 512, content};
  X509 *to[] = {origin->sealing[COR_C(CASEWORK)], own->sealing[COR_C(CASEWORK)]};
  if (!cor_seal_make(&sealed, to, 2, &m->body, &err)) die("seal", &err);
  m->envelope = cor_envelope_make(&h, NULL, cor_buf_view(&m->body), p->office.signing, &err);
  if (!m->envelope) die("sign", &err);
  free(content);
}

static void prepare_all(bench *b) {
  size_t each = (b->messages + b->n_peers - 1) / b->n_peers, cases = (b->cases + b->n_peers - 1) / b->n_peers;
  for (size_t i = 0; i < b->n_peers; i++) {
    peer *p = &b->peers[i];
    p->list = calloc(each, sizeof *p->list);
    p->count = each;
    for (size_t k = 0; k < each; k++)
      prepare(b, p, &p->list[k], k % cases);
    p->first_n = p->n + 1;
    p->answered = 0;
  }
  b->latency = calloc(each * b->n_peers, sizeof *b->latency);
}

/* in_flight over all peers; each keeps its share. */
static int64_t run(bench *b) {
  size_t share = (b->in_flight + b->n_peers - 1) / b->n_peers, left = b->n_peers;
  zmq_pollitem_t items[OFFICES_MAX];
  int64_t begin = cor_clock_monotonic_us();
  while (left) {
    left = 0;
    for (size_t i = 0; i < b->n_peers; i++) {
      peer *p = &b->peers[i];
      for (; p->sent < p->count && p->sent - p->answered < share; p->sent++) {
        p->list[p->sent].sent_us = cor_clock_monotonic_us();
        submit(p, p->list[p->sent].envelope, cor_buf_view(&p->list[p->sent].body));
      }
      left += p->answered < p->count;
      items[i] = (zmq_pollitem_t){.socket = p->socket, .events = ZMQ_POLLIN};
    }
    if (left == 0) break;
    if (zmq_poll(items, (int)b->n_peers, 20000) == 0) die("no answer in 20 s", NULL);
    for (size_t i = 0; i < b->n_peers; i++)
      if (items[i].revents & ZMQ_POLLIN) drain(b, &b->peers[i], ZMQ_DONTWAIT, true);
  }
  return cor_clock_monotonic_us() - begin;
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void open_all(bench *b, const char *ca_path, char **dirs, int n) {
  cor_error err = {0};
  cor_buf list = {0};
  char path[512];
  X509 *ca = cor_cert_from_pem_file(ca_path, &err);
  snprintf(path, sizeof path, "%s/cardlist", dirs[0]);
  if (!ca || !cor_file_read(path, COR_CARDS_MAX, false, &list, &err) ||
      !(b->cards = cor_cards_load(cor_buf_view(&list), ca, &err)))
    die("cards", &err);
  cor_buf_clear(&list);
  X509_free(ca);
  b->context = zmq_ctx_new();
  for (int i = 0; i < n && b->n_peers < OFFICES_MAX; i++) {
    peer *p = &b->peers[b->n_peers++];
    if (!cor_office_load(dirs[i], &p->office, &err)) die("office", &err);
    connect_peer(b, p);
  }
}

int main(int argc, char **argv) {
  static bench b = {.in_flight = 1, .messages = 1000, .cases = 256, .body = 4096};
  const char *ca = NULL, *clock_file = NULL;
  cor_error err = {0};
  int option;
  while ((option = getopt(argc, argv, "e:k:o:a:t:f:n:c:b:")) != -1) {
    switch (option) {
    case 'e': b.endpoint = optarg; break;
    case 'k': b.hub_key = optarg; break;
    case 'o': b.origin = optarg; break;
    case 'a': ca = optarg; break;
    case 't': clock_file = optarg; break;
    case 'f': b.in_flight = strtoul(optarg, NULL, 10); break;
    case 'n': b.messages = strtoul(optarg, NULL, 10); break;
    case 'c': b.cases = strtoul(optarg, NULL, 10); break;
    case 'b': b.body = strtoul(optarg, NULL, 10); break;
    default: return 2;
    }
  }
  if (!b.endpoint || !b.hub_key || !b.origin || !ca || optind == argc || b.body < 1024) {
    fprintf(stderr,
            "load -e ENDPOINT -k HUB_KEY -o ORIGIN -a CA_CRT [-t DEMO_CLOCK] [-f IN_FLIGHT] [-n MESSAGES]"
            " [-c CASES] [-b BODY] OFFICE_DIR...\n");
    return 2;
  }
  b.clock = clock_file ? cor_clock_demo(clock_file, &err) : cor_clock_system();
  if (!b.clock) die("clock", &err);
  open_all(&b, ca, argv + optind, argc - optind);
  register_cases(&b);
  prepare_all(&b);
  int64_t us = run(&b);
  qsort(b.latency, b.n_latency, sizeof *b.latency, by_size);
  printf("{\"messages\": %zu, \"in_flight\": %zu, \"body\": %zu, \"offices\": %zu, \"seconds\": %.3f, "
         "\"per_second\": %.0f,"
         " \"p50_us\": %lld, \"p99_us\": %lld}\n",
         b.n_latency, b.in_flight, b.body, b.n_peers, (double)us / 1e6,
         (double)b.n_latency * 1e6 / (double)us, (long long)b.latency[b.n_latency / 2],
         (long long)b.latency[b.n_latency * 99 / 100]);
  return 0;
}

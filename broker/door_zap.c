/* door_zap.c - the ZAP handler and the list of allowed CURVE keys.
 *
 * Guarantees: deny by default; a request is permitted only if it is CURVE, of
 * our domain and its key is on the list now. Refusal is status 300, which makes
 * libzmq drop the connection without telling the client to give up: a client
 * told 400 never tries again (measured on 4.3.4), and an office whose suspended
 * card is reinstated would stay away for ever. Renewing the socket opens no gap:
 * while none is bound, libzmq refuses everyone (door_socket.c).
 * Trusts: the core for the list; libzmq for the key in the request (CURVE has
 * proved it by then). Fatal: nothing. */
#include "door_zap.h"
#include "door_socket.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { ZAP_FIELDS = 7, ZAP_FIELD_MAX = 255, KEYS_MAX = 65536, REQUEST_ID_MAX = 32 };

typedef struct zap_key {
  uint8_t key[COR_CURVE_LEN];
  char office[COR_OFFICE_MAX + 1];
} zap_key;

struct door_zap {
  void *context, *socket;
  uint64_t asked; /* through this socket */
  zap_key *keys;
  size_t n;
  uint64_t refused;
  uint8_t request_id[REQUEST_ID_MAX];
  size_t request_id_len;
};

/* RFC 27: version, request id, domain, address, identity, mechanism, credentials. */
typedef struct zap_fields {
  uint8_t data[ZAP_FIELDS][ZAP_FIELD_MAX];
  size_t len[ZAP_FIELDS];
} zap_fields;
enum { ZAP_VERSION, ZAP_REQUEST_ID, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_CREDENTIALS };

static const char ENDPOINT[] = "inproc://zeromq.zap.01";

/* Not bound yet. */
static void *new_socket(void *context) {
  const int none = 0;
  void *socket = zmq_socket(context, ZMQ_REP);
  if (socket == NULL || zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) == 0) return socket;
  zmq_close(socket);
  return NULL;
}

static bool not_opened(cor_error *err) {
  return cor_fail(err, COR_INTERNAL, "", "cannot open the ZAP handler: %s", zmq_strerror(zmq_errno()));
}

door_zap *door_zap_new(void *context, cor_error *err) {
  door_zap *zap = calloc(1, sizeof *zap);
  if (zap != NULL) *zap = (door_zap){.context = context, .socket = new_socket(context)};
  if (zap != NULL && zap->socket != NULL && zmq_bind(zap->socket, ENDPOINT) == 0) return zap;
  (void)not_opened(err);
  door_zap_destroy(&zap);
  return NULL;
}

bool door_zap_renew(door_zap *zap, cor_error *err) {
  void *fresh = new_socket(zap->context);
  if (fresh == NULL) return not_opened(err);
  /* Between the two calls there is no handler, and every stranger is refused. */
  if (zmq_unbind(zap->socket, ENDPOINT) == 0 && zmq_bind(fresh, ENDPOINT) == 0) {
    zmq_close(zap->socket);
    zap->socket = fresh;
    zap->asked = 0;
    return true;
  }
  (void)not_opened(err);
  zmq_close(fresh);
  (void)zmq_bind(zap->socket, ENDPOINT); /* fails if it never was unbound, which is as good */
  return false;
}

uint64_t door_zap_asked(const door_zap *zap) {
  return zap->asked;
}

void door_zap_destroy(door_zap **zap) {
  if (*zap == NULL) return;
  if ((*zap)->socket != NULL) zmq_close((*zap)->socket);
  free((*zap)->keys);
  free(*zap);
  *zap = NULL;
}

int door_zap_fd(const door_zap *zap) {
  int fd = -1;
  size_t size = sizeof fd;
  return zmq_getsockopt(zap->socket, ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

uint64_t door_zap_refused(const door_zap *zap) {
  return zap->refused;
}

/* Takes one request whole. Returns the number of fields, 0 when there is none;
 * a field that is too long makes the number wrong, so the request is refused. */
static size_t receive_fields(void *socket, zap_fields *out) {
  size_t n = 0;
  for (bool more = true; more;) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&part);
      return 0;
    }
    size_t len = zmq_msg_size(&part);
    if (len > ZAP_FIELD_MAX) n = ZAP_FIELDS;
    if (n < ZAP_FIELDS) {
      memcpy(out->data[n], zmq_msg_data(&part), len);
      out->len[n] = len;
    }
    n += n <= ZAP_FIELDS;
    more = zmq_msg_more(&part);
    zmq_msg_close(&part);
  }
  return n;
}

static bool field_is(const zap_fields *fields, int i, const char *text) {
  return fields->len[i] == strlen(text) && memcmp(fields->data[i], text, fields->len[i]) == 0;
}

static bool read_request(door_zap *zap, const zap_fields *fields, size_t n, door_zap_request *out) {
  zap->request_id_len = n > ZAP_REQUEST_ID && fields->len[ZAP_REQUEST_ID] <= REQUEST_ID_MAX
                            ? fields->len[ZAP_REQUEST_ID]
                            : 0;
  memcpy(zap->request_id, fields->data[ZAP_REQUEST_ID], zap->request_id_len);
  if (n != ZAP_FIELDS || !field_is(fields, ZAP_VERSION, "1.0") || !field_is(fields, ZAP_MECHANISM, "CURVE") ||
      fields->len[ZAP_CREDENTIALS] != COR_CURVE_LEN)
    return false;
  memset(out, 0, sizeof *out);
  memcpy(out->key, fields->data[ZAP_CREDENTIALS], COR_CURVE_LEN);
  const char *office = door_zap_office(zap, out->key);
  if (office != NULL) memcpy(out->office, office, strlen(office) + 1);
  return door_socket_domain_parse((cor_bytes){fields->data[ZAP_DOMAIN], fields->len[ZAP_DOMAIN]},
                                  &out->connection);
}

bool door_zap_next(door_zap *zap, door_zap_request *out) {
  zap_fields fields = {0};
  size_t n;
  while ((n = receive_fields(zap->socket, &fields)) > 0) {
    if (read_request(zap, &fields, n, out)) return true;
    door_zap_answer(zap, out, false);
  }
  return false;
}

void door_zap_answer(door_zap *zap, const door_zap_request *request, bool permit) {
  const char *office = permit ? request->office : "";
  const cor_bytes reply[] = {
      {(const uint8_t *)"1.0", 3},
      {zap->request_id, zap->request_id_len},
      {(const uint8_t *)(permit ? "200" : "300"), 3},
      {(const uint8_t *)"", 0},
      {(const uint8_t *)office, strlen(office)},
      {(const uint8_t *)"", 0},
  };
  const size_t n = sizeof reply / sizeof *reply;
  /* The asker may be gone already; then REP drops the answer, and nothing hangs on it. */
  for (size_t i = 0; i < n; i++)
    (void)zmq_send(zap->socket, reply[i].data, reply[i].len, ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0));
  zap->refused += !permit;
  zap->asked++;
}

static bool read_key(cor_bytes *in, zap_key *out) {
  if (in->len < COR_CURVE_LEN + 1) return false;
  size_t text = in->data[COR_CURVE_LEN];
  if (text > COR_OFFICE_MAX || in->len < COR_CURVE_LEN + 1 + text) return false;
  memcpy(out->key, in->data, COR_CURVE_LEN);
  memcpy(out->office, in->data + COR_CURVE_LEN + 1, text);
  out->office[text] = 0;
  in->data += COR_CURVE_LEN + 1 + text;
  in->len -= COR_CURVE_LEN + 1 + text;
  return strlen(out->office) == text && cor_office_valid(out->office);
}

bool door_zap_set_keys(door_zap *zap, cor_bytes keys, cor_error *err) {
  free(zap->keys);
  zap->keys = NULL;
  zap->n = 0;
  const size_t most = keys.len / (COR_CURVE_LEN + 1);
  if (most == 0 && keys.len == 0) return true;
  zap_key *list = most == 0 || most > KEYS_MAX ? NULL : calloc(most, sizeof *list);
  size_t n = 0;
  while (list != NULL && keys.len > 0) {
    if (!read_key(&keys, &list[n++])) {
      free(list);
      list = NULL;
    }
  }
  if (list == NULL)
    return cor_fail(err, COR_INTERNAL, "KEYS",
                    "the core's key list is malformed; nobody may connect until it sends another");
  zap->keys = list;
  zap->n = n;
  return true;
}

const char *door_zap_office(const door_zap *zap, const uint8_t key[COR_CURVE_LEN]) {
  for (size_t i = 0; i < zap->n; i++)
    if (memcmp(zap->keys[i].key, key, COR_CURVE_LEN) == 0) return zap->keys[i].office;
  return NULL;
}

/* door_zap.h - who may connect: the ZAP handler (ZeroMQ RFC 27).
 *
 * libzmq asks it about every CURVE handshake. It answers from the key list the
 * core gave, which is empty at first: then nobody may. */
#ifndef BROKER_DOOR_ZAP_H
#define BROKER_DOOR_ZAP_H
#include "corridor/base.h"

typedef struct door_zap door_zap;

typedef struct door_zap_request {
  uint64_t connection; /* by the ZAP domain, which only we choose */
  uint8_t key[COR_CURVE_LEN];
  char office[COR_OFFICE_MAX + 1]; /* "" when the key is not listed */
} door_zap_request;

/* Binds the handler in this context. NULL on error. */
door_zap *door_zap_new(void *context, cor_error *err) COR_MUST_CHECK;
void door_zap_destroy(door_zap **zap);
int door_zap_fd(const door_zap *zap); /* ZMQ_FD: for poll; then call door_zap_next until false */

/* libzmq keeps the pipe of each question, some 10 KiB, as long as the connection
 * lives. This opens another socket for the questions to come and drops the pipes
 * with the old one: door_zap_fd changes, so take the old one out of any poll
 * first. Only while nobody's question is open: it would stay without an answer.
 * False: all is as it was. */
bool door_zap_renew(door_zap *zap, cor_error *err) COR_MUST_CHECK;
/* Questions answered on this socket. */
uint64_t door_zap_asked(const door_zap *zap);

/* The next question, if there is one; it must be answered before the next call.
 * Questions that are not CURVE, not RFC 27 or of a foreign domain are refused
 * here and only counted. */
bool door_zap_next(door_zap *zap, door_zap_request *out);
/* User-Id becomes request->office. */
void door_zap_answer(door_zap *zap, const door_zap_request *request, bool permit);
uint64_t door_zap_refused(const door_zap *zap);

/* Replaces the list with KEYS of channel.h: { key[32], length, office } ... A
 * malformed list leaves an empty one: who was revoked cannot be told any more. */
bool door_zap_set_keys(door_zap *zap, cor_bytes keys, cor_error *err) COR_MUST_CHECK;
/* The office of a key, or NULL. Valid until the next door_zap_set_keys. */
const char *door_zap_office(const door_zap *zap, const uint8_t key[COR_CURVE_LEN]);

#endif

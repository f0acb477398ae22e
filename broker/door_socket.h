/* door_socket.h - the ZeroMQ socket behind one accepted connection. */
#ifndef BROKER_DOOR_SOCKET_H
#define BROKER_DOOR_SOCKET_H
#include "corridor/base.h"

enum {
  DOOR_ENDPOINT_TEXT = 128,
  DOOR_DOMAIN_TEXT = 32,
  DOOR_CURVE_FRAME = 33 /* command name, nonce, MAC and flags CURVE puts around each frame */
};

typedef struct door_socket_place {
  const char *run_dir; /* a directory only the door may enter */
  const char *secret;  /* Z85 */
  uint64_t connection; /* names the file and the ZAP domain */
  int64_t handshake_ms;
} door_socket_place;

/* A DEALER in CURVE server mode, bound to its own endpoint. NULL on error.
 * The self-test takes it as a parameter, so that its own test can hand it a
 * socket with a setting left out and see it fail. */
typedef void *door_socket_opener(void *context, const door_socket_place *place, cor_error *err);
door_socket_opener door_socket_open;

/* ipc:// endpoint; its path starts after DOOR_ENDPOINT_SCHEME characters. */
enum { DOOR_ENDPOINT_SCHEME = 6 };
const char *door_socket_endpoint(const door_socket_place *place, char out[DOOR_ENDPOINT_TEXT]);
/* ZAP domain "corridor/<connection, 16 hex>": chosen by us, so a ZAP request
 * names its connection beyond doubt. */
const char *door_socket_domain(uint64_t connection, char out[DOOR_DOMAIN_TEXT]);
bool door_socket_domain_parse(cor_bytes domain, uint64_t *connection);

#endif

/* door_selftest.h - the proof, at every start, that strangers are refused. */
#ifndef BROKER_DOOR_SELFTEST_H
#define BROKER_DOOR_SELFTEST_H
#include "door_socket.h"
#include "door_zap.h"

/* Opens the ZAP handler of this context and proves, with the opener's real
 * sockets: a random key is refused while no handler answers; a random key is
 * refused by the handler; a listed key is admitted (else the refusals would
 * prove nothing). Returns the handler, with an empty list, or NULL. */
door_zap *door_selftest(void *context, door_socket_opener *open, const door_socket_place *place,
                        cor_error *err) COR_MUST_CHECK;

#endif

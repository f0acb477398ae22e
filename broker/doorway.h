/* doorway.h - the core's end of the channel to the door (channel.h). */
#ifndef BROKER_DOORWAY_H
#define BROKER_DOORWAY_H
#include "channel.h"
#include "corridor/cards.h"
#include "corridor/frames.h"
#include "corridor/log.h"
#include <protobuf-c/protobuf-c.h>
#include <zmq.h>

typedef struct doorway doorway_t;

/* What the door sent: head and up to three frames; close with doorway_mail_close. */
typedef struct doorway_mail {
  channel_head head;
  zmq_msg_t parts[COR_FRAMES_MAX];
  size_t n;
} doorway_mail;

struct doorway *doorway_new(const char *endpoint, cor_log *log, cor_error *err) COR_MUST_CHECK;
void doorway_destroy(struct doorway **doorway);
void doorway_mail_close(doorway_mail *mail);

/* ---- the porter's: from one thread only ---- */

void *doorway_socket(struct doorway *doorway); /* for zmq_poll */
/* One message if there is one. Handles DOOR_UP itself: *door_changed is set when
 * a door of another generation came up. */
bool doorway_take(struct doorway *doorway, doorway_mail *mail, bool *door_changed);
/* CORE_UP and TAKEN, at most once a second and when much was taken. */
void doorway_pulse(struct doorway *doorway);
/* Carries out what was given below; true: some still waits for room in the socket. */
bool doorway_flush(struct doorway *doorway);

/* ---- from any thread ---- */

int doorway_fd(const struct doorway *doorway); /* readable when something waits for the porter */
/* Less than half of the queue waits: room for what can wait itself. */
bool doorway_has_room(struct doorway *doorway);
/* False: the door is away or the queue full; it must be told again. */
bool doorway_keys(struct doorway *doorway, const cor_cards *cards, int64_t now) COR_MUST_CHECK;
/* control is packed here; body may be empty; it is copied. False: the door is
 * away or the queue full, the message is not sent. */
bool doorway_send(struct doorway *doorway, uint64_t connection, cor_command command,
                  const ProtobufCMessage *control, cor_bytes body);
bool doorway_send_raw(struct doorway *doorway, uint64_t connection, cor_command command, cor_bytes control);
void doorway_cut(struct doorway *doorway, uint64_t connection, int code);
#endif

/* channel.h - what door and core say to each other.
 *
 * One DEALER each, over an ipc socket in a 0700 directory: the core binds, the
 * door connects. The core trusts nothing but the office id (which the door took
 * from ZAP) and even that is confirmed by each message's signature. Message
 * parts: the head below, then for MESSAGE and SEND the 1-3 frames of PROTOCOL 2.
 *
 *   head = kind (1 byte) || connection (8, big endian) || number (8, big endian) || text
 *
 * door -> core
 *   DOOR_UP   number = door generation (random); repeated each second until
 *             CORE_UP came. The core forgets every connection of another generation.
 *   MESSAGE   connection, text = office id by ZAP User-Id; frames follow.
 *   CLOSED    connection is gone.
 * core -> door
 *   CORE_UP   number = core generation (random), each second. At a new
 *             generation the door cuts every connection and forgets its count.
 *   KEYS      part 2 = repeated { key[32], length (1), office id }: exactly the
 *             CURVE keys that may connect. Live connections of other keys are cut.
 *   SEND      connection; frames follow. Dropped with CLOSED if it is gone.
 *   CUT       connection; number = refusal code, for the log.
 *   TAKEN     number = total frame bytes of MESSAGEs taken since CORE_UP: the
 *             door keeps at most CHANNEL_BYTES_MAX untaken and then stops reading
 *             from the network. */
#ifndef BROKER_CHANNEL_H
#define BROKER_CHANNEL_H
#include "corridor/base.h"

enum channel_kind {
  CHANNEL_DOOR_UP = 'U',
  CHANNEL_MESSAGE = 'M',
  CHANNEL_CLOSED = 'C',
  CHANNEL_CORE_UP = 'u',
  CHANNEL_KEYS = 'K',
  CHANNEL_SEND = 'S',
  CHANNEL_CUT = 'X',
  CHANNEL_TAKEN = 'T'
};
enum {
  CHANNEL_HEAD_MIN = 17,
  CHANNEL_HEAD_MAX = CHANNEL_HEAD_MIN + COR_OFFICE_MAX,
  CHANNEL_BYTES_MAX = 32 * 1024 * 1024
};

typedef struct channel_head {
  enum channel_kind kind;
  uint64_t connection, number;
  char office[COR_OFFICE_MAX + 1];
} channel_head;

size_t channel_head_write(const channel_head *head, uint8_t out[CHANNEL_HEAD_MAX]);
bool channel_head_read(cor_bytes in, channel_head *out);
#endif

/* channel.c - the head of every message between door and core, as bytes.
 *
 * Guarantees: channel_head_read accepts exactly what channel_head_write makes:
 * a known kind, two big-endian numbers and, for MESSAGE only, a valid office id
 * that fills the rest. Anything else is refused whole; nothing is half filled.
 * Trusts: nothing; both ends call this at their boundary.
 * Fatal: nothing. */
#include "channel.h"
#include "corridor/id.h"
#include <string.h>

static const char KINDS[] = {CHANNEL_DOOR_UP, CHANNEL_MESSAGE, CHANNEL_CLOSED, CHANNEL_CORE_UP,
                             CHANNEL_KEYS,    CHANNEL_SEND,    CHANNEL_CUT,    CHANNEL_TAKEN};

static void put_number(uint64_t value, uint8_t out[8]) {
  for (int i = 0; i < 8; i++)
    out[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get_number(const uint8_t in[8]) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++)
    value = value << 8 | in[i];
  return value;
}

size_t channel_head_write(const channel_head *head, uint8_t out[CHANNEL_HEAD_MAX]) {
  size_t text = head->kind == CHANNEL_MESSAGE ? strnlen(head->office, COR_OFFICE_MAX) : 0;
  out[0] = (uint8_t)head->kind;
  put_number(head->connection, out + 1);
  put_number(head->number, out + 9);
  memcpy(out + CHANNEL_HEAD_MIN, head->office, text);
  return CHANNEL_HEAD_MIN + text;
}

bool channel_head_read(cor_bytes in, channel_head *out) {
  if (in.len < CHANNEL_HEAD_MIN || in.len > CHANNEL_HEAD_MAX) return false;
  if (memchr(KINDS, in.data[0], sizeof KINDS) == NULL) return false;
  channel_head head = {.kind = (enum channel_kind)in.data[0],
                       .connection = get_number(in.data + 1),
                       .number = get_number(in.data + 9)};
  size_t text = in.len - CHANNEL_HEAD_MIN;
  memcpy(head.office, in.data + CHANNEL_HEAD_MIN, text);
  /* A NUL inside the text would make the office shorter than what was sent. */
  if (head.kind == CHANNEL_MESSAGE ? strlen(head.office) != text || !cor_office_valid(head.office)
                                   : text != 0)
    return false;
  *out = head;
  return true;
}

/* input.h - what hot.c drives the hot functions with: the same bytes each time.
 *
 * One advance booking notification as an agent sends it, alone and in a batch,
 * what the gate knows about it, a case file, a calendar. Fixed ids and times, so
 * that the same work is done on every machine; nothing of it is valid outside. */
#ifndef INSTRUCTIONS_INPUT_H
#define INSTRUCTIONS_INPUT_H
#include "corridor/gate.h"
#include "corridor/sign.h"
#include <corridor/v1/session.pb-c.h>

enum {
  INPUT_BATCH = 64,
  INPUT_BODY = 4096,
  INPUT_PATH = 6, /* log2 of INPUT_BATCH */
  INPUT_AGREEMENTS = 8,
  INPUT_PERMISSIONS = 12,
  INPUT_SCOPES = 4,
  INPUT_HOLIDAYS = 14
};
#define INPUT_NOW INT64_C(1772442000000) /* 2026-03-02T09:00Z */
#define INPUT_HOUR INT64_C(3600000)

typedef struct input {
  uint8_t id[COR_ID_LEN], handle[COR_ID_LEN], consent[COR_ID_LEN], digest[COR_HASH_LEN];
  uint8_t body[INPUT_BODY], ecdsa[71];

  Corridor__V1__Header header;
  Corridor__V1__DataCategory categories[4];
  Corridor__V1__Envelope envelope;
  Corridor__V1__Signature signature;
  ProtobufCBinaryData path[INPUT_PATH];
  cor_buf header_bytes, envelope_bytes, submission_bytes, receipts_bytes;

  uint8_t leaves[INPUT_BATCH][COR_HASH_LEN];
  uint8_t paths[INPUT_BATCH][INPUT_PATH][COR_HASH_LEN];

  cor_gate_facts permitted, refused;
  Corridor__V1__Agreement agreement[INPUT_AGREEMENTS];
  const Corridor__V1__Agreement *agreements[INPUT_AGREEMENTS];
  Corridor__V1__Permission permission[INPUT_PERMISSIONS];
  const Corridor__V1__Permission *permissions[INPUT_PERMISSIONS];

  cor_bytes case_text; /* a case file as JSON */
  ProtobufCMessage *case_file;

  Corridor__V1__Calendar calendar;
  Corridor__V1__UtcOffset offset[2], *offsets[2];
  uint32_t weekend[2];
  int32_t holidays[INPUT_HOLIDAYS];
} input;

/* Too large for a stack; free with input_free. */
input *input_new(void);
void input_free(input *in);
#endif

/* codec.c - bytes to messages and back, at one boundary.
 *
 * Decoding is three gates in a row: the pre-scan (prescan.c) judges the raw
 * bytes, protobuf-c then unpacks them with an allocator that stops at a budget
 * proportional to their length, and canonical messages are packed again and
 * compared byte by byte. The comparison repeats what the pre-scan already
 * enforced, on purpose: two independent readings must agree on what is signed.
 *
 * Guarantees: what cor_decode returns holds only valid UTF-8, known codes and
 * bounded counts; a canonical message packs to the very bytes it came from,
 * unknown fields included. Memory always comes from malloc, the budget only
 * counts it, so that a message may be freed by protobuf-c's own default and
 * hand-built messages with malloc'ed fields by cor_message_free. Whatever was
 * decoded is zeroed when it is freed, a message that failed half-way too.
 * Trusts the descriptors. Nothing is fatal. */
#include "corridor/codec.h"
#include "prescan.h"
#include "corridor/refusal.h"
#include "corridor/wipe.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Measured: ordinary messages need under 8 bytes of memory per wire byte, a
 * hostile one 56. The fixed part covers protobuf-c's own scratch. */
enum { MEMORY_FIXED = 64 * 1024, MEMORY_PER_BYTE = 32 };

static void *budget_alloc(void *data, size_t size) {
  size_t *left = data;
  if (size > *left) return NULL;
  *left -= size;
  return malloc(size);
}

static void budget_free(void *data, void *pointer) {
  (void)data;
  cor_wipe_free(pointer);
}

/* A ProtobufCBuffer that keeps nothing: it compares what is packed into it. */
typedef struct compare_buffer {
  ProtobufCBuffer base;
  cor_bytes expected;
  bool same;
} compare_buffer;

static void compare_append(ProtobufCBuffer *buffer, size_t len, const uint8_t *data) {
  compare_buffer *compare = (compare_buffer *)buffer;
  if (len > compare->expected.len || (len > 0 && memcmp(compare->expected.data, data, len) != 0)) {
    compare->same = false;
    return;
  }
  if (len == 0) return;
  compare->expected.data += len;
  compare->expected.len -= len;
}

static bool packs_to(const ProtobufCMessage *message, cor_bytes in) {
  compare_buffer compare = {{compare_append}, in, true};
  if (protobuf_c_message_get_packed_size(message) != in.len) return false;
  protobuf_c_message_pack_to_buffer(message, &compare.base);
  return compare.same && compare.expected.len == 0;
}

static ProtobufCMessage *decode(const ProtobufCMessageDescriptor *type, cor_bytes in, size_t max_len,
                                size_t max_fields, bool canonical, cor_error *err) {
  if (in.len > max_len) {
    cor_fail(err, COR_TOO_LARGE, "", "the message has %zu bytes, the limit is %zu; it was not read", in.len,
             max_len);
    return NULL;
  }
  if (!cor_prescan(type, in, canonical, max_fields, err)) return NULL;
  size_t budget = MEMORY_FIXED + MEMORY_PER_BYTE * in.len;
  ProtobufCAllocator capped = {budget_alloc, budget_free, &budget};
  ProtobufCMessage *message = protobuf_c_message_unpack(type, &capped, in.len, in.data);
  if (message == NULL) {
    cor_fail(err, COR_TOO_LARGE, "", "the message needs more memory than its size allows; it was not used");
    return NULL;
  }
  if (canonical && !packs_to(message, in)) {
    cor_message_free(message);
    cor_fail(err, COR_BAD_ENCODING, "", "the bytes are not the one canonical form; the message was not used");
    return NULL;
  }
  return message;
}

ProtobufCMessage *cor_decode(const ProtobufCMessageDescriptor *type, cor_bytes in, size_t max_len,
                             bool canonical, cor_error *err) {
  return decode(type, in, max_len, COR_FIELDS_MAX, canonical, err);
}

ProtobufCMessage *cor_decode_large(const ProtobufCMessageDescriptor *type, cor_bytes in, size_t max_len,
                                   size_t max_fields, cor_error *err) {
  return decode(type, in, max_len, max_fields, true, err);
}

/* Not only texts and bytes: dates and codes are a person's data too. */
void cor_message_free(ProtobufCMessage *message) {
  ProtobufCAllocator wiping = {budget_alloc, budget_free, NULL};
  if (message != NULL) protobuf_c_message_free_unpacked(message, &wiping);
}

bool cor_encode(const ProtobufCMessage *message, cor_buf *out, cor_error *err) {
  size_t size = protobuf_c_message_get_packed_size(message);
  *out = (cor_buf){malloc(size + 1), size}; /* an empty message still has an address */
  if (out->data == NULL) {
    out->len = 0;
    return cor_fail(err, COR_INTERNAL, "", "out of memory while encoding; nothing was sent, try again");
  }
  protobuf_c_message_pack(message, out->data);
  return true;
}

/* Length of the well-formed sequence at text, 0 if there is none (RFC 3629 4). */
static size_t utf8_sequence(const uint8_t *text, size_t left) {
  uint8_t lead = text[0], low = 0x80, high = 0xBF;
  size_t len = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (lead == 0 || len == 0 || len > left) return 0;
  if (lead == 0xE0) low = 0xA0;  /* overlong */
  if (lead == 0xED) high = 0x9F; /* surrogates */
  if (lead == 0xF0) low = 0x90;  /* overlong */
  if (lead == 0xF4) high = 0x8F; /* above U+10FFFF */
  if (len > 1 && (text[1] < low || text[1] > high)) return 0;
  for (size_t i = 2; i < len; i++)
    if ((text[i] & 0xC0) != 0x80) return 0;
  return len;
}

bool cor_utf8_valid(cor_bytes text) {
  for (size_t at = 0, len; at < text.len; at += len) {
    len = utf8_sequence(text.data + at, text.len - at);
    if (len == 0) return false;
  }
  return true;
}

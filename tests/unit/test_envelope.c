/* test_envelope.c - an envelope is believed whole or not at all.
 *
 * With a real CA, card list and SOP table: good envelopes pass, every altered bit
 * of header, cover, body or signature is refused, and so is every mismatch of
 * sender, connection and signer. */
#include "programme.h"
#include "corridor/envelope.h"
#include "corridor/id.h"
#include "corridor/sop.h"

static char dir[64];
static cor_cards *cards;
static EVP_PKEY *niamey, *hub;
static const uint8_t body_data[64] = "sealed, as far as this test is concerned";
static const cor_bytes body = {body_data, sizeof body_data};

static ProtobufCBinaryData bin(const uint8_t *data, size_t len) {
  return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
}
static char *text(const char *s) {
  return (char *)(uintptr_t)s;
}

/* A card whose signing key the test holds. */
static EVP_PKEY *add_office(cor_ca *ca, const char *office, Corridor__V1__Role role) {
  Corridor__V1__CardRequest request = CORRIDOR__V1__CARD_REQUEST__INIT;
  uint8_t curve[COR_CURVE_LEN];
  cor_buf csr;
  cor_error err;
  EVP_PKEY *key = cor_key_new(&err);
  must(key != NULL);
  must(cor_csr_new(key, office, "signing", &csr, &err));
  cor_random(curve, sizeof curve);
  request.office = text(office);
  request.role = role;
  request.country = text("NE");
  request.name = text("Office of Tests");
  request.curve_key = bin(curve, sizeof curve);
  request.signing_csr = bin(csr.data, csr.len);
  must(cor_ca_sign(ca, &request, T0, 365, &err));
  cor_buf_clear(&csr);
  return key;
}

static void setup(void) {
  cor_error err;
  programme_dir(dir);
  cor_ca *ca = programme_ca(dir);
  niamey = add_office(ca, "niamey", CORRIDOR__V1__ROLE__ROLE_HOST_MISSION);
  hub = add_office(ca, "hub-geneva", CORRIDOR__V1__ROLE__ROLE_HUB);
  must(cor_ca_publish(ca, T0, 30, &err));
  cards = programme_cards(dir);
  cor_ca_destroy(&ca);
}

static void teardown(void) {
  cor_cards_destroy(&cards);
  EVP_PKEY_free(niamey);
  EVP_PKEY_free(hub);
  programme_remove(dir);
}

/* A header and cover that hold their own storage. */
typedef struct draft {
  Corridor__V1__Header header;
  Corridor__V1__Cover cover;
  uint8_t id[COR_ID_LEN], handle[COR_ID_LEN];
  Corridor__V1__DataCategory categories[2];
} draft;

static void draft_of(draft *d, Corridor__V1__MessageType type) {
  const cor_sop_row *row = cor_sop_find(type);
  Corridor__V1__Header *h = &d->header;
  corridor__v1__header__init(h);
  cor_id_new(d->id, T0);
  memset(d->handle, 7, sizeof d->handle);
  h->version = 1;
  h->message_id = bin(d->id, sizeof d->id);
  h->sender = text(row->from_hub ? "hub" : "niamey");
  h->recipient = text("conakry");
  while ((row->compartments >> h->compartment & 1) == 0)
    h->compartment++;
  while ((row->purposes >> h->purpose & 1) == 0)
    h->purpose++;
  while ((row->bases >> h->basis & 1) == 0)
    h->basis++;
  if (row->handle != COR_HANDLE_NONE) h->handle = bin(d->handle, sizeof d->handle);
  if (h->basis == COR_BASIS(CONSENT)) h->consent_id = bin(d->handle, sizeof d->handle);
  h->type = type;
  h->n_categories = 1;
  h->categories = d->categories;
  d->categories[0] = COR_CAT(OPERATIONAL);
  d->categories[1] = COR_CAT(BIODATA);
  h->sent_at = T0;
  h->expires_at = T0 + DAY;
  if (row->needs_event) h->event_at = T0 + DAY;
  if (row->needs_outcome) h->outcome = COR_OUTCOME(YES);
  h->table_version = COR_SOP_VERSION;
  corridor__v1__cover__init(&d->cover);
  d->cover.case_handle = d->cover.consent_id = d->cover.referral_id = bin(d->handle, sizeof d->handle);
  d->cover.rank = 1;
  d->cover.n_categories = 2;
  d->cover.categories = d->categories;
}

static Corridor__V1__Envelope *make(Corridor__V1__MessageType type, EVP_PKEY *key) {
  draft d;
  cor_error err;
  draft_of(&d, type);
  Corridor__V1__Envelope *wire = cor_envelope_make(
      &d.header, cor_sop_find(type)->needs_cover ? &d.cover : NULL, body, key, &err);
  must(wire != NULL);
  return wire;
}

/* What a receiver does, in full: 0 or the refusal. */
static int receive(const Corridor__V1__Envelope *wire, cor_bytes with, const char *connection) {
  cor_envelope envelope;
  cor_error err = {0};
  if (!cor_envelope_read(wire, with, &envelope, &err)) return err.code;
  int code = cor_envelope_verify(&envelope, cards, connection, NULL, &err) ? 0 : err.code;
  cor_envelope_clear(&envelope);
  return code;
}

START_TEST(reads_what_was_made) {
  Corridor__V1__Envelope *wire = make(COR_T(REFERRAL), niamey);
  uint8_t hash[COR_HASH_LEN];
  cor_envelope envelope;
  cor_error err;
  cor_sign_memory *memory = cor_sign_memory_new(4);
  must(cor_envelope_read(wire, body, &envelope, &err));
  must(cor_envelope_verify(&envelope, cards, "niamey", memory, &err));
  must(cor_envelope_verify(&envelope, cards, NULL, memory, &err));
  ck_assert_uint_eq(cor_sign_memory_checks(memory), 2); /* header and cover, once each */
  cor_content_hash(COR_DOMAIN_HEADER, (cor_bytes){wire->header.data, wire->header.len}, hash);
  ck_assert_mem_eq(envelope.header_hash, hash, sizeof hash);
  ck_assert_mem_eq(envelope.cover->header_hash.data, hash, sizeof hash);
  ck_assert_str_eq(envelope.header->sender, "niamey");
  ck_assert_uint_eq(envelope.header->body_size, sizeof body_data);
  cor_envelope_clear(&envelope);
  cor_envelope_clear(&envelope); /* harmless */
  cor_sign_memory_destroy(&memory);
  cor_message_free(&wire->base);
}
END_TEST

/* Every type of the SOP table can be made and is believed. */
START_TEST(every_type) {
  const cor_sop_row *row = cor_sop_at((size_t)_i);
  draft d;
  cor_error err;
  draft_of(&d, row->type);
  if (row->to_hub) d.header.recipient = text("hub");
  Corridor__V1__Envelope *wire = cor_envelope_make(&d.header, row->needs_cover ? &d.cover : NULL, body,
                                                   row->from_hub ? hub : niamey, &err);
  must(wire != NULL);
  ck_assert_uint_eq(d.header.body_size, 0); /* the draft is left as it was */
  ck_assert_ptr_null(d.header.body_sha256.data);
  ck_assert_int_eq(receive(wire, body, row->from_hub ? NULL : "niamey"), 0);
  cor_message_free(&wire->base);
}
END_TEST

/* Flips every bit of a part; nothing of it may be believed. */
static void flip_all(Corridor__V1__Envelope *wire, uint8_t *part, size_t len, cor_bytes with) {
  for (size_t i = 0; i < len * 8; i++) {
    part[i / 8] ^= (uint8_t)(1 << i % 8);
    ck_assert_msg(receive(wire, with, "niamey") != 0, "bit %zu of a part was not missed", i);
    part[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  ck_assert_int_eq(receive(wire, with, "niamey"), 0);
}

START_TEST(every_bit) {
  Corridor__V1__Envelope *wire = make(COR_T(REFERRAL), niamey);
  uint8_t copy[sizeof body_data];
  memcpy(copy, body_data, sizeof copy);
  cor_bytes with = {copy, sizeof copy};
  flip_all(wire, wire->header.data, wire->header.len, with);
  flip_all(wire, wire->cover.data, wire->cover.len, with);
  flip_all(wire, wire->signature->ecdsa.data, wire->signature->ecdsa.len, with);
  flip_all(wire, wire->cover_signature->ecdsa.data, wire->cover_signature->ecdsa.len, with);
  flip_all(wire, copy, sizeof copy, with);
  with.len--;
  ck_assert_int_eq(receive(wire, with, "niamey"), COR_BODY_MISMATCH);
  cor_message_free(&wire->base);
}
END_TEST

/* The same on the wire: whatever a flipped Envelope still decodes to is refused. */
START_TEST(every_bit_of_the_wire) {
  Corridor__V1__Envelope *wire = make(_i == 0 ? COR_T(REFERRAL) : COR_T(CASE_FILE), niamey);
  cor_buf bytes;
  cor_error err;
  must(cor_encode(&wire->base, &bytes, &err));
  for (size_t i = 0; i < bytes.len * 8; i++) {
    bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
    ProtobufCMessage *got = cor_decode(&corridor__v1__envelope__descriptor, cor_buf_view(&bytes),
                                       COR_CONTROL_MAX, false, &err);
    ck_assert_msg(got == NULL || receive((Corridor__V1__Envelope *)got, body, "niamey") != 0, "bit %zu", i);
    cor_message_free(got);
    bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  cor_buf_clear(&bytes);
  cor_message_free(&wire->base);
}
END_TEST

START_TEST(whose_name) {
  draft d;
  cor_error err;
  Corridor__V1__Envelope *wire = make(COR_T(CASE_FILE), niamey);
  ck_assert_int_eq(receive(wire, body, "niamey"), 0);
  ck_assert_int_eq(receive(wire, body, "conakry"), COR_NOT_YOUR_NAME);
  ck_assert_int_eq(receive(wire, body, ""), COR_NOT_YOUR_NAME);
  cor_message_free(&wire->base);

  static const struct {
    const char *sender;
    bool by_hub;
    int code;
  } rows[] = {{"nobody", false, COR_UNKNOWN_OFFICE},
              {"niamey", true, COR_BAD_SIGNATURE},
              {"hub-geneva", false, COR_BAD_SIGNATURE},
              {"hub", false, COR_BAD_SIGNATURE}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    draft_of(&d, COR_T(CASE_FILE));
    d.header.sender = text(rows[i].sender);
    wire = cor_envelope_make(&d.header, NULL, body, rows[i].by_hub ? hub : niamey, &err);
    must(wire != NULL);
    ck_assert_int_eq(receive(wire, body, rows[i].sender), rows[i].code);
    cor_message_free(&wire->base);
  }
}
END_TEST

/* Parts of two good envelopes do not make a third. */
START_TEST(mixed_parts) {
  Corridor__V1__Envelope *a = make(COR_T(REFERRAL), niamey), *b = make(COR_T(REFERRAL), niamey);
  Corridor__V1__Envelope *file = make(COR_T(CASE_FILE), niamey), mixed;
  mixed = *a;
  mixed.signature = b->signature;
  ck_assert_int_eq(receive(&mixed, body, NULL), COR_BAD_SIGNATURE);
  mixed.signature = a->cover_signature; /* another domain */
  ck_assert_int_eq(receive(&mixed, body, NULL), COR_BAD_SIGNATURE);
  mixed.signature = NULL;
  ck_assert_int_eq(receive(&mixed, body, NULL), COR_BAD_SIGNATURE);
  mixed = *a;
  mixed.cover = b->cover;
  mixed.cover_signature = b->cover_signature;
  ck_assert_int_eq(receive(&mixed, body, NULL), COR_BAD_INPUT);
  mixed = *a;
  mixed.cover_signature = b->cover_signature;
  ck_assert_int_eq(receive(&mixed, body, NULL), COR_BAD_SIGNATURE);
  mixed.cover_signature = NULL;
  ck_assert_int_eq(receive(&mixed, body, NULL), COR_BAD_SIGNATURE);
  mixed = *a;
  mixed.cover = bin(NULL, 0);
  ck_assert_int_eq(receive(&mixed, body, NULL), COR_BAD_SIGNATURE);
  mixed.cover_signature = NULL; /* as delivered: the hub took the cover off */
  ck_assert_int_eq(receive(&mixed, body, NULL), 0);
  mixed = *file;
  mixed.cover = a->cover;
  mixed.cover_signature = a->cover_signature;
  ck_assert_int_eq(receive(&mixed, body, NULL), COR_BAD_INPUT);
  cor_message_free(&a->base);
  cor_message_free(&b->base);
  cor_message_free(&file->base);
}
END_TEST

/* Offers of one referral and a message without a cover, made in one act. */
static void make_act(Corridor__V1__Envelope *wires[4]) {
  cor_error err;
  for (size_t i = 0; i < 4; i++) {
    draft d;
    draft_of(&d, i == 2 ? COR_T(CASE_FILE) : COR_T(REFERRAL));
    d.cover.rank = (uint32_t)i + 1;
    wires[i] = cor_envelope_begin(&d.header, i == 2 ? NULL : &d.cover, body, niamey, &err);
    must(wires[i] != NULL);
    ck_assert_int_eq(receive(wires[i], body, "niamey"), i == 2 ? 0 : COR_BAD_SIGNATURE); /* not yet */
  }
  must(cor_envelope_sign_covers(wires, 4, "niamey", niamey, &err));
}

static cor_bytes ecdsa_of(const Corridor__V1__Signature *signature) {
  return (cor_bytes){signature->ecdsa.data, signature->ecdsa.len};
}

/* What a provider gets, header and its signature, tells nothing of the others. */
START_TEST(act_signs_covers_together_and_headers_alone) {
  Corridor__V1__Envelope *wires[4];
  cor_error err;
  cor_sign_memory *memory = cor_sign_memory_new(8);
  uint32_t place = 0;
  make_act(wires);
  for (size_t i = 0; i < 4; i++) {
    cor_envelope envelope;
    must(cor_envelope_read(wires[i], body, &envelope, &err));
    must(cor_envelope_verify(&envelope, cards, "niamey", memory, &err));
    cor_envelope_clear(&envelope);
    ck_assert_uint_eq(wires[i]->signature->size, 1);
    ck_assert_uint_eq(wires[i]->signature->n_path, 0);
    for (size_t k = 0; k < i; k++)
      ck_assert(!cor_bytes_equal(ecdsa_of(wires[i]->signature), ecdsa_of(wires[k]->signature)));
    if (i == 2) continue;
    ck_assert_uint_eq(wires[i]->cover_signature->size, 3);
    ck_assert_uint_eq(wires[i]->cover_signature->index, place++);
    ck_assert(cor_bytes_equal(ecdsa_of(wires[i]->cover_signature), ecdsa_of(wires[0]->cover_signature)));
  }
  ck_assert_ptr_null(wires[2]->cover_signature);
  ck_assert_uint_eq(cor_sign_memory_checks(memory), 5); /* four headers, all covers at once */
  cor_sign_memory_destroy(&memory);
  for (size_t i = 0; i < 4; i++)
    cor_message_free(&wires[i]->base);
}
END_TEST

/* One member's cover, or its place or path under the root, is changed: that one is
 * refused, whichever it is, and the others stand. */
START_TEST(altered_cover_of_an_act_falls_alone) {
  static const size_t offers[] = {0, 1, 3};
  const size_t altered = offers[_i];
  Corridor__V1__Envelope *wires[4];
  make_act(wires);
  Corridor__V1__Envelope *one = wires[altered];
  uint8_t *const parts[] = {one->cover.data, one->cover_signature->path[0].data};
  const size_t lengths[] = {one->cover.len, one->cover_signature->path[0].len};
  for (size_t p = 0; p < 2; p++)
    flip_all(one, parts[p], lengths[p], body);
  one->cover_signature->index ^= 1;
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(receive(wires[i], body, "niamey"), i == altered ? COR_BAD_SIGNATURE : 0);
  for (size_t i = 0; i < 4; i++)
    cor_message_free(&wires[i]->base);
}
END_TEST

START_TEST(lone_cover_keeps_the_plain_form) {
  Corridor__V1__Envelope *wire = make(COR_T(REFERRAL), niamey);
  ck_assert_uint_eq(wire->cover_signature->size, 1);
  ck_assert_uint_eq(wire->cover_signature->n_path, 0);
  cor_message_free(&wire->base);
}
END_TEST

/* cor_envelope_make refuses what a receiver would, and says which field. */
START_TEST(refuses_to_make) {
  static const struct {
    const char *path;
    int code;
  } rows[] = {{"recipient", COR_BAD_INPUT},        {"cover.case_handle", COR_BAD_INPUT},
              {"cover.consent_id", COR_BAD_INPUT}, {"cover.referral_id", COR_BAD_INPUT},
              {"cover.rank", COR_BAD_INPUT},       {"cover.categories", COR_BAD_INPUT},
              {"cover.categories", COR_BAD_INPUT}, {"recipient", COR_BAD_ENCODING},
              {"body_size", COR_TOO_LARGE},        {"cover", COR_BAD_INPUT}};
  draft d;
  cor_error err = {0};
  cor_bytes with = body;
  draft_of(&d, _i == 9 ? COR_T(CASE_FILE) : COR_T(REFERRAL));
  switch (_i) {
  case 0: d.header.recipient = text(""); break;
  case 1: d.cover.case_handle.len--; break;
  case 2: d.cover.consent_id.len = 1; break;
  case 3: d.cover.referral_id.len = 0; break;
  case 4: d.cover.rank = 0; break;
  case 5: d.categories[1] = d.categories[0]; break;
  case 6: d.cover.n_categories = 1, d.cover.categories = (Corridor__V1__DataCategory[]){0}; break;
  case 7: d.header.recipient = text("\xff"); break;
  case 8: with.len = 0; break;
  default: break; /* a cover where the type has none */
  }
  ck_assert_ptr_null(cor_envelope_make(&d.header, &d.cover, with, niamey, &err));
  ck_assert_msg(err.code == rows[_i].code && strcmp(err.path, rows[_i].path) == 0, "%d %s", err.code,
                err.path);
}
END_TEST

/* The digest is right, the size is not. */
START_TEST(lying_size) {
  Corridor__V1__Envelope *wire = make(COR_T(CASE_FILE), niamey), lying = *wire;
  cor_buf bytes;
  cor_error err;
  Corridor__V1__Header *header = (Corridor__V1__Header *)cor_decode(
      &corridor__v1__header__descriptor, (cor_bytes){wire->header.data, wire->header.len}, COR_HEADER_MAX,
      true, &err);
  must(header != NULL);
  header->body_size++;
  must(cor_encode(&header->base, &bytes, &err));
  lying.header = bin(bytes.data, bytes.len);
  ck_assert_int_eq(receive(&lying, body, NULL), COR_BODY_MISMATCH);
  cor_buf_clear(&bytes);
  cor_message_free(&header->base);
  cor_message_free(&wire->base);
}
END_TEST

START_TEST(header_too_long) {
  static uint8_t bytes[COR_HEADER_MAX + 1];
  Corridor__V1__Envelope wire = CORRIDOR__V1__ENVELOPE__INIT;
  wire.header = bin(bytes, sizeof bytes);
  ck_assert_int_eq(receive(&wire, body, NULL), COR_TOO_LARGE);
}
END_TEST

int main(void) {
  size_t types = 0;
  while (cor_sop_at(types) != NULL)
    types++;
  TCase *tc = tcase_create("envelope");
  tcase_add_unchecked_fixture(tc, setup, teardown);
  tcase_set_timeout(tc, 120);
  tcase_add_test(tc, reads_what_was_made);
  tcase_add_loop_test(tc, every_type, 0, (int)types);
  tcase_add_test(tc, every_bit);
  tcase_add_loop_test(tc, every_bit_of_the_wire, 0, 2);
  tcase_add_test(tc, whose_name);
  tcase_add_test(tc, mixed_parts);
  tcase_add_test(tc, act_signs_covers_together_and_headers_alone);
  tcase_add_loop_test(tc, altered_cover_of_an_act_falls_alone, 0, 3);
  tcase_add_test(tc, lone_cover_keeps_the_plain_form);
  tcase_add_loop_test(tc, refuses_to_make, 0, 10);
  tcase_add_test(tc, lying_size);
  tcase_add_test(tc, header_too_long);
  return programme_run(tc, "envelope");
}

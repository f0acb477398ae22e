/* hot.c - every function of ours that each message goes through, TURNS times each.
 *
 * For: tests/checks/instructions.sh, which runs this under valgrind's callgrind
 * and counts, between the entry and the return of each drive_ function below, the
 * instructions spent in our own sources (count.py). What the libraries spend in
 * between is not counted, nor this file. Guarantees: fixed input (input.h) and a
 * fixed number of turns. Random are only salts and one key, in whose bytes no
 * function of ours makes a choice. Each drive checks what it got: a function that
 * fails early would look fast. Fatal: everything that fails. */
#include "input.h"
#include "../bench/die.h"
#include "channel.h"
#include "corridor/ca.h"
#include "corridor/calendar.h"
#include "corridor/codec.h"
#include "corridor/envelope.h"
#include "corridor/frames.h"
#include "corridor/json.h"
#include "corridor/log.h"
#include "corridor/refusal.h"
#include "ledger.h"
#include "merkle.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { TURNS = 20 };

/* A symbol of its own that callgrind can name, whatever the compiler would like. */
#define DRIVE(what) static __attribute__((noinline)) void drive_##what(const input *in)
#define EACH_TURN for (int turn = 0; turn < TURNS; turn++)
#define EACH_OF_BATCH for (size_t i = 0; i < INPUT_BATCH; i++)

static void decode(const ProtobufCMessageDescriptor *type, const cor_buf *bytes, bool canonical) {
  cor_error err;
  ProtobufCMessage *message = cor_decode(type, cor_buf_view(bytes), COR_CONTROL_MAX, canonical, &err);
  if (!message) die_of(type->name, &err);
  cor_message_free(message);
}

DRIVE(decode_header) {
  EACH_TURN decode(&corridor__v1__header__descriptor, &in->header_bytes, true);
}

DRIVE(decode_envelope) {
  EACH_TURN decode(&corridor__v1__envelope__descriptor, &in->envelope_bytes, true);
}

DRIVE(decode_submission) {
  EACH_TURN decode(&corridor__v1__submission__descriptor, &in->submission_bytes, false);
}

DRIVE(decode_receipts_64) {
  EACH_TURN decode(&corridor__v1__receipts__descriptor, &in->receipts_bytes, false);
}

DRIVE(encode_header) {
  EACH_TURN {
    cor_error err;
    cor_buf out = {0};
    if (!cor_encode(&in->header.base, &out, &err)) die_of("encode", &err);
    cor_buf_clear(&out);
  }
}

DRIVE(header_check) {
  EACH_TURN {
    cor_error err;
    if (!cor_header_check(&in->header, &err)) die_of("header", &err);
  }
}

DRIVE(envelope_read) {
  EACH_TURN {
    cor_error err;
    cor_envelope envelope;
    if (!cor_envelope_read(&in->envelope, (cor_bytes){in->body, sizeof in->body}, &envelope, &err))
      die_of("envelope", &err);
    cor_envelope_clear(&envelope);
  }
}

DRIVE(gate_permit) {
  EACH_TURN if (cor_gate_decide(&in->permitted, &in->header).code != COR_OK) die("gate", "refused");
}

DRIVE(gate_refuse) {
  EACH_TURN if (cor_gate_decide(&in->refused, &in->header).code != COR_NO_CONSENT) die("gate", "permitted");
}

DRIVE(content_check) {
  EACH_TURN {
    cor_error err;
    if (!cor_content_check(COR_T(CASE_FILE), COR_C(CASEWORK), in->case_file, "/body", &err))
      die_of("content", &err);
  }
}

DRIVE(content_hash_64) {
  EACH_TURN EACH_OF_BATCH {
    uint8_t hash[COR_HASH_LEN];
    cor_content_hash(COR_DOMAIN_HEADER, cor_buf_view(&in->header_bytes), hash);
  }
}

DRIVE(merkle_build_64) {
  EACH_TURN {
    uint8_t nodes[2 * INPUT_BATCH][COR_HASH_LEN];
    memcpy(nodes, in->leaves, sizeof in->leaves);
    cor_merkle_build(nodes, INPUT_BATCH);
  }
}

DRIVE(merkle_check_64) {
  EACH_TURN EACH_OF_BATCH {
    uint8_t root[COR_HASH_LEN];
    cor_bytes path[INPUT_PATH];
    for (size_t k = 0; k < INPUT_PATH; k++)
      path[k] = (cor_bytes){in->paths[i][k], COR_HASH_LEN};
    if (!cor_merkle_root_from_path(in->leaves[i], i, INPUT_BATCH, path, INPUT_PATH, root))
      die("merkle", "a path does not fit");
  }
}

/* As the hub signs receipts and verifies a batch: one ECDSA signature, then 64
 * contents against the remembered root. */
DRIVE(sign_and_verify_64) {
  cor_error err;
  EVP_PKEY *key = cor_key_new(&err);
  cor_sign_memory *memory = cor_sign_memory_new(4);
  Corridor__V1__Signature *signatures[INPUT_BATCH];
  cor_bytes contents[INPUT_BATCH];
  if (!key || !memory) die("key", NULL);
  EACH_OF_BATCH contents[i] = cor_buf_view(&in->header_bytes);
  EACH_TURN {
    if (!cor_sign(key, COR_DOMAIN_HEADER, "iom-ne", 1, contents, INPUT_BATCH, signatures, &err))
      die_of("sign", &err);
    EACH_OF_BATCH {
      if (!cor_verify(key, COR_DOMAIN_HEADER, "iom-ne", 1, contents[i], signatures[i], memory, &err))
        die_of("verify", &err);
      cor_message_free(&signatures[i]->base);
    }
  }
  cor_sign_memory_destroy(&memory);
  EVP_PKEY_free(key);
}

DRIVE(frames_check) {
  uint8_t head[2];
  cor_frames_head(COR_SEND, head);
  const cor_bytes parts[] = {{head, 2}, cor_buf_view(&in->submission_bytes), {in->body, sizeof in->body}};
  EACH_TURN {
    cor_error err;
    cor_frames frames;
    if (!cor_frames_check(parts, 3, true, &frames, &err)) die_of("frames", &err);
  }
}

DRIVE(channel_head) {
  (void)in;
  const channel_head head = {CHANNEL_MESSAGE, UINT64_C(0x1234567890), 77, "iom-ne"};
  EACH_TURN {
    uint8_t bytes[CHANNEL_HEAD_MAX];
    channel_head back;
    if (!channel_head_read((cor_bytes){bytes, channel_head_write(&head, bytes)}, &back)) die("channel", NULL);
  }
}

DRIVE(json_write) {
  EACH_TURN {
    json_t *tree = cor_json_write(in->case_file);
    if (!tree) die("json", NULL);
    json_decref(tree);
  }
}

DRIVE(json_read) {
  EACH_TURN {
    cor_error err;
    json_t *tree = cor_json_parse(in->case_text, &err);
    ProtobufCMessage *message =
        tree ? cor_json_read(&corridor__v1__case_file_casework__descriptor, tree, "", &err) : NULL;
    if (!message) die_of("json", &err);
    cor_message_free(message);
    json_decref(tree);
  }
}

DRIVE(duty_due) {
  EACH_TURN for (int duty = COR_DUTY_NONE + 1; duty < COR_DUTY_COUNT; duty++) {
    if (!cor_duty_find((cor_duty)duty)) continue; /* numbers have gaps */
    const int64_t due = cor_duty_due((cor_duty)duty, &in->calendar, INPUT_NOW, in->header.event_at);
    if (due == INT64_MAX) die("duty", "never due");
    if (cor_duty_wake((cor_duty)duty, (cor_duty_status){CORRIDOR__V1__OBLIGATION_STATE__OPEN, 0}, due) <= due)
      die("duty", "wakes too early");
  }
}

DRIVE(db_arrays_64) {
  static const cor_bytes null = {0};
  EACH_TURN {
    db_args args = {0};
    db_array *id = db_list(&args, DB_BYTES), *office = db_list(&args, DB_TEXT), *at = db_list(&args, DB_I64),
             *type = db_list(&args, DB_I32), *cover = db_list(&args, DB_BYTES);
    EACH_OF_BATCH {
      db_add_bytes(id, (cor_bytes){in->id, COR_ID_LEN});
      db_add_text(office, "iom-ne");
      db_add_i64(at, INPUT_NOW);
      db_add_i64(type, (int64_t)in->header.type);
      db_add_bytes(cover, null);
    }
    db_i64(&args, INPUT_NOW);
    db_args_clear(&args);
  }
}

DRIVE(ledger_add_64) {
  EACH_TURN {
    ledger log;
    ledger_begin(&log);
    EACH_OF_BATCH {
      Corridor__V1__LogRecord record;
      ledger_of_header(&record, CORRIDOR__V1__LOG_KIND__LOG_ADMITTED, INPUT_NOW, &in->header);
      (void)ledger_add(&log, &record);
    }
    ledger_clear(&log);
  }
}

/* Its lines go nowhere, but standard error is wanted afterwards. */
DRIVE(log_line) {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), said = dup(STDERR_FILENO);
  cor_clock *clock = cor_clock_system();
  cor_log *log = cor_log_new("corridor-broker", clock, COR_INFO);
  if (nowhere < 0 || said < 0 || dup2(nowhere, STDERR_FILENO) < 0) die("/dev/null", NULL);
  EACH_TURN COR_LOG(log, COR_INFO, "admitted", COR_ID("message", in->id), COR_WORD("office", "iom-ne"),
                    COR_NUM("bytes", INPUT_BODY), COR_CODE(COR_NO_CONSENT));
  if (dup2(said, STDERR_FILENO) < 0) exit(1);
  close(said);
  close(nowhere);
  cor_log_destroy(&log);
  cor_clock_destroy(&clock);
}

static void (*const drives[])(const input *) = {
    drive_decode_header,   drive_decode_envelope,    drive_decode_submission, drive_decode_receipts_64,
    drive_encode_header,   drive_header_check,       drive_envelope_read,     drive_gate_permit,
    drive_gate_refuse,     drive_content_check,      drive_content_hash_64,   drive_merkle_build_64,
    drive_merkle_check_64, drive_sign_and_verify_64, drive_frames_check,      drive_channel_head,
    drive_json_write,      drive_json_read,          drive_duty_due,          drive_db_arrays_64,
    drive_ledger_add_64,   drive_log_line,
};

int main(void) {
  json_object_seed(1); /* or jansson would order its tables by chance */
  input *in = input_new();
  for (size_t i = 0; i < sizeof drives / sizeof *drives; i++)
    drives[i](in);
  input_free(in);
  printf("turns %d\n", TURNS);
  return 0;
}

/* log.h - structured log lines on stderr: key=value, one line each.
 *
 * Fields are typed so that no free text from a message can get in: ids, office
 * ids, codes, numbers. Never a name, a body, a key or a passphrase. Thread safe. */
#ifndef CORRIDOR_LOG_H
#define CORRIDOR_LOG_H
#include "corridor/base.h"
#include "corridor/clock.h"

typedef enum cor_level { COR_DEBUG, COR_INFO, COR_WARN, COR_ALARM } cor_level;
typedef struct cor_log cor_log;

cor_log *cor_log_new(const char *program, cor_clock *clock, cor_level least);
void cor_log_destroy(cor_log **log);
void cor_log_set_level(cor_log *log, cor_level least);

typedef struct cor_field {
  const char *name;
  enum { COR_F_WORD, COR_F_NUMBER, COR_F_ID, COR_F_CODE } kind;
  const char *word;  /* static or validated: printed with everything but [!-~] escaped, 128 max */
  int64_t number;    /* also refusal codes */
  const uint8_t *id; /* 16 bytes */
} cor_field;
/* clang-format off */
#define COR_WORD(n, v) (cor_field){.name = (n), .kind = COR_F_WORD, .word = (v)}
#define COR_NUM(n, v) (cor_field){.name = (n), .kind = COR_F_NUMBER, .number = (int64_t)(v)}
#define COR_ID(n, v) (cor_field){.name = (n), .kind = COR_F_ID, .id = (v)}
#define COR_CODE(v) (cor_field){.name = "code", .kind = COR_F_CODE, .number = (v)}
/* clang-format on */

void cor_log_write(cor_log *log, cor_level level, const char *event, const cor_field *fields, size_t n);
#define COR_LOG(log, level, event, ...)                                                                      \
  do {                                                                                                       \
    const cor_field cor_fields_[] = {__VA_ARGS__};                                                           \
    cor_log_write((log), (level), (event), cor_fields_, sizeof cor_fields_ / sizeof *cor_fields_);           \
  } while (0)
#endif

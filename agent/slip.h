/* slip.h - the paper a person takes along: number and withdrawal code, in the
 * person's language, and nothing that tells a bystander what they are for. */
#ifndef AGENT_SLIP_H
#define AGENT_SLIP_H
#include "corridor/base.h"

#include <jansson.h>

typedef struct slip slip;

/* The words of one language, DIR/slip/LANGUAGE.json. UNKNOWN_ENUM with the pointer
 * /slipLanguage where there is no such file. */
slip *slip_load(const char *dir, const char *language, cor_error *err) COR_MUST_CHECK;
void slip_destroy(slip **s);

/* {language, direction, text, html}: plain text, and one page to print that loads
 * nothing else. reference and code are normal forms; phone "" = none. New
 * reference; NULL = no memory. */
json_t *slip_write(const slip *s, const char *reference, const char *code, const char *phone);
#endif

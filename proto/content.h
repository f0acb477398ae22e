/* content.h - private to proto/: the shape of a content rule. The rules are in
 * content_rules.c, what carries them out is in content.c. */
#ifndef CORRIDOR_CONTENT_H
#define CORRIDOR_CONTENT_H
#include "corridor/sop.h"

typedef enum cor_content_kind {
  COR_ANY,       /* there at all: not blank, not 0, not an empty list */
  COR_DATE,      /* YYYY-MM-DD */
  COR_PART_DATE, /* the same, YYYY-MM or YYYY */
  COR_COUNTRY,   /* ISO 3166-1 alpha-2 */
  COR_AREA,      /* ISO 3166-2 */
  COR_LANGUAGE,  /* ISO 639, two or three letters */
  COR_CURRENCY,  /* ISO 4217 */
  COR_OFFICE,    /* office id */
  COR_BYTES_16,
  COR_BYTES_32
} cor_content_kind;

typedef enum cor_content_need { COR_MUST, COR_MAY } cor_content_need; /* MAY: right if given */

typedef struct cor_content_rule {
  Corridor__V1__MessageType type;
  Corridor__V1__Compartment compartment;
  const char *field; /* schema names; '/' steps into a message, or into each of a list */
  cor_content_need need;
  cor_content_kind kind;
  bool (*when)(const ProtobufCMessage *body); /* NULL: always */
  const char *cite;
} cor_content_rule;

typedef struct cor_content_fault {
  char field[64]; /* JSON Pointer below the body */
  const char *why;
} cor_content_fault;

/* What no single field shows: two fields that must agree. Returns COR_OK, or a
 * refusal code with *fault filled in. */
typedef struct cor_content_relation {
  Corridor__V1__MessageType type;
  Corridor__V1__Compartment compartment;
  int (*check)(const ProtobufCMessage *body, cor_content_fault *fault);
} cor_content_relation;

const cor_content_rule *cor_content_rule_at(size_t i); /* NULL past the end */
const cor_content_relation *cor_content_relation_at(size_t i);

#endif

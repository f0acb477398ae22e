/* cases.h - cases of one host mission: registered, with a consent each. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H
#include "office.h"

typedef struct cases {
  uint8_t (*handles)[COR_ID_LEN], (*consents)[COR_ID_LEN];
  size_t n;
} cases;

/* Registers n cases that name the origin office, at every office of all at once:
 * each[i] belongs to offices[i]. Returns when all are admitted. */
void cases_make(office *offices, size_t n_offices, bool away, size_t n, cases *each);
void cases_clear(cases *c);

/* Fills the fields all headers of the load share; id gets a fresh UUIDv7 that
 * ends in index. */
void cases_header(const office *o, Corridor__V1__Header *h, uint8_t id[COR_ID_LEN], const uint8_t *handle,
                  uint32_t index);
#endif

/* ledger.h - the data-sharing log: records gathered in a transaction and
 * written with it (design 7). leaf = SHA-256(0x00 || SHA-256(salt || record)). */
#ifndef BROKER_LEDGER_H
#define BROKER_LEDGER_H
#include "db.h"
#include <corridor/v1/envelope.pb-c.h>
#include <corridor/v1/record.pb-c.h>

/* Leaf ids are taken from the database a block at a time, so that rows can name a
 * leaf before it is written. Ids that are not used leave a gap, which says nothing:
 * the tree has numbers of its own. One per connection. */
enum { LEDGER_BLOCK = 256 }; /* the sequence's increment, 0007 */
typedef struct ledger_ids {
  int64_t next, end;
} ledger_ids;
bool ledger_reserve(ledger_ids *ids, db *conn, size_t n, int64_t *out) COR_MUST_CHECK;

typedef struct ledger_entry {
  uint8_t leaf[COR_HASH_LEN], salt[32];
  cor_buf record;
  int64_t leaf_id; /* 0: given by ledger_write */
} ledger_entry;

typedef struct ledger {
  ledger_entry *entries;
  size_t n, cap;
} ledger;

void ledger_begin(ledger *log);
/* Starts a record with what a header says; borrows from the header. */
void ledger_of_header(Corridor__V1__LogRecord *record, Corridor__V1__LogKind kind, int64_t at,
                      const Corridor__V1__Header *header);
/* Copies the record; returns its index in entries. */
size_t ledger_add(ledger *log, const Corridor__V1__LogRecord *record);
/* Inserts leaves and records in the open transaction; fills leaf_id. */
bool ledger_write(ledger *log, ledger_ids *ids, db *conn, int64_t now) COR_MUST_CHECK;
void ledger_clear(ledger *log);
#endif

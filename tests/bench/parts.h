/* parts.h - what one message costs in each of the things no hub can leave out. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H
#include <stdint.h>

enum { PARTS_BODY = 4096, PARTS_BATCH = 256 };

/* CPU microseconds per message; each is measured for for_us. */
double parts_ecdsa_sign(int64_t for_us);
double parts_ecdsa_verify(int64_t for_us);
/* One of PARTS_BATCH headers under one signature: its path, and its share. */
double parts_verify_in_batch(int64_t for_us);
double parts_sha256(int64_t for_us);
/* Unpacks and packs a Submission with its envelope, as protobuf-c does it. */
double parts_protobuf(int64_t for_us);
/* A PARTS_BODY message over a CURVE pair on loopback, both sides together. */
double parts_curve(int64_t for_us);
#endif

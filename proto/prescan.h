/* prescan.h - internal to codec.c: judge wire bytes before protobuf-c sees them. */
#ifndef CORRIDOR_PRESCAN_H
#define CORRIDOR_PRESCAN_H
#include "corridor/base.h"
#include <protobuf-c/protobuf-c.h>

/* True when every field of every level of in keeps the rules of PROTOCOL 4 (with
 * canonical = true also order and absence of defaults). max_fields bounds the
 * fields and packed elements of all levels together. */
bool cor_prescan(const ProtobufCMessageDescriptor *type, cor_bytes in, bool canonical, size_t max_fields,
                 cor_error *err) COR_MUST_CHECK;
#endif

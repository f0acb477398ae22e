/* quiet.h - does the hub still have anything to deliver? */
#ifndef CASELOAD_QUIET_H
#define CASELOAD_QUIET_H
#include "corridor/base.h"

typedef struct quiet quiet;
quiet *quiet_new(const char *conninfo, cor_error *err) COR_MUST_CHECK;
void quiet_destroy(quiet **q);
bool quiet_now(quiet *q, bool *yes, cor_error *err) COR_MUST_CHECK;
#endif

/* quota.h - how many refusals of one office are logged in an hour (design 7:
 * "refusals are capped per office, then counted"). Memory of this process only. */
#ifndef BROKER_QUOTA_H
#define BROKER_QUOTA_H
#include "corridor/base.h"

enum { QUOTA_PER_HOUR = 1000 };
struct quota;

struct quota *quota_new(void);
void quota_destroy(struct quota **quota);
/* True while the office has some left in this hour of monotonic time. */
bool quota_take(struct quota *quota, const char *office);
#endif

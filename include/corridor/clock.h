/* clock.h - the one clock. Nothing else in the product asks for the time, and
 * SQL takes it as a parameter (a test searches C and SQL for anything else).
 *
 * A real clock is the system's. A demo clock reads one small file that holds
 * the offset between demo time and system time; it ticks, may start anywhere,
 * and can only be set forward. It is opened only with a demo CA (ca.h); the
 * caller must have checked that. The file is re-read whenever it changes, so
 * all processes agree. Thread safe. */
#ifndef CORRIDOR_CLOCK_H
#define CORRIDOR_CLOCK_H
#include "corridor/base.h"

typedef struct cor_clock cor_clock;

cor_clock *cor_clock_system(void); /* never NULL */
/* NULL on error. */
cor_clock *cor_clock_demo(const char *path, cor_error *err) COR_MUST_CHECK;
void cor_clock_destroy(cor_clock **clock);

int64_t cor_clock_now(cor_clock *clock); /* ms UTC */
int64_t cor_clock_monotonic_ms(void);    /* for timeouts only */
/* Whether so many ms have passed since *last, by the monotonic clock; then *last is now. */
bool cor_clock_due(int64_t *last, int64_t every);
int64_t cor_clock_monotonic_us(void); /* for metrics only */

/* Makes the file (start, refused if it exists) or moves it forward (set,
 * refuses to go back with BAD_INPUT). A running clock follows within 50 ms. */
bool cor_clock_demo_start(const char *path, int64_t now, cor_error *err) COR_MUST_CHECK;
bool cor_clock_demo_set(const char *path, int64_t now, cor_error *err) COR_MUST_CHECK;

/* RFC 3339 text: "2026-03-02T09:00:00Z" (seconds and zone may be left out on
 * input: "2026-03-02T09:00" is UTC, "2026-03-02" is midnight UTC; a fraction and
 * a numeric zone are understood). Text is rounded down to the second and kept
 * within the years 1 to 9999. */
enum { COR_TIME_TEXT = 32 };
const char *cor_time_text(int64_t ms, char out[COR_TIME_TEXT]);
bool cor_time_parse(const char *text, int64_t *ms);
int32_t cor_day_of(int64_t ms, int32_t utc_offset_minutes);
bool cor_day_parse(const char *yyyy_mm_dd, int32_t *day);
const char *cor_day_text(int32_t day, char out[COR_TIME_TEXT]);
#endif

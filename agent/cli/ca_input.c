/* ca_input.c - agreements, calendars, permission tables and consent policies as people
 * write them.
 *
 * The schema counts days and milliseconds; a person writes dates, and names the
 * holiday so that a colleague can check it. This file turns one into the other
 * and leaves every further check to the schema's own JSON reader. Guarantees:
 * a date that is none is an error with its place; nothing is guessed. */
#include "cli_ca_input.h"
#include "corridor/clock.h"
#include "corridor/json.h"
#include "corridor/permission_json.h"
#include "corridor/refusal.h"
#include <stdlib.h>
#include <string.h>

ProtobufCMessage *ca_input_agreement(const char *path, cor_error *err) {
  json_t *in = cli_json_load(path, err);
  if (!in) return NULL;
  cli_times_to_ms(in);
  ProtobufCMessage *out = cor_json_read(&corridor__v1__agreement__descriptor, in, "", err);
  json_decref(in);
  return out;
}

Corridor__V1__CardList *ca_input_permissions(const char *path, cor_error *err) {
  json_t *in = cli_json_load(path, err);
  if (!in) return NULL;
  Corridor__V1__CardList *out = cor_permissions_read(in, err);
  json_decref(in);
  return out;
}

Corridor__V1__CardList *ca_input_consent_policies(const char *path, cor_error *err) {
  json_t *in = cli_json_load(path, err);
  if (!in) return NULL;
  Corridor__V1__CardList *out = cor_consent_policies_read(in, err);
  json_decref(in);
  return out;
}

static int by_day(const void *a, const void *b) {
  const int32_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* {"2026-01-01": "New Year's Day", ...} to ascending day numbers. */
static json_t *days_of(const json_t *holidays, cor_error *err) {
  size_t n = 0, room = json_object_size(holidays);
  const char *date;
  json_t *name, *out = NULL;
  int32_t *days = calloc(room + 1, sizeof *days);
  if (!days) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
    return NULL;
  }
  json_object_foreach((json_t *)(uintptr_t)holidays, date, name) {
    if (!cor_day_parse(date, &days[n++])) {
      (void)cor_fail(err, COR_BAD_INPUT, "/holidays", "\"%.20s\" is not a day such as 2026-01-01", date);
      goto done;
    }
  }
  qsort(days, n, sizeof *days, by_day);
  out = json_array();
  for (size_t i = 0; i < n; i++)
    json_array_append_new(out, json_integer(days[i]));
done:
  free(days);
  return out;
}

struct offset {
  int64_t from;
  json_int_t minutes;
};

static int by_time(const void *a, const void *b) {
  const struct offset *x = a, *y = b;
  return (x->from > y->from) - (x->from < y->from);
}

/* {"2026-03-29T01:00Z": 120, ...} to the schema's ascending list. */
static json_t *offsets_of(const json_t *offsets, cor_error *err) {
  size_t n = 0;
  const char *from;
  json_t *minutes, *out = NULL;
  struct offset *rows = calloc(json_object_size(offsets) + 1, sizeof *rows);
  if (!rows) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
    return NULL;
  }
  json_object_foreach((json_t *)(uintptr_t)offsets, from, minutes) {
    if (!cor_time_parse(from, &rows[n].from) || !json_is_integer(minutes)) {
      (void)cor_fail(err, COR_BAD_INPUT, "/offsets", "\"%.32s\" must be a time, and its value minutes", from);
      goto done;
    }
    rows[n++].minutes = json_integer_value(minutes);
  }
  qsort(rows, n, sizeof *rows, by_time);
  out = json_array();
  for (size_t i = 0; i < n; i++)
    json_array_append_new(
        out, json_pack("{s:I, s:I}", "from", (json_int_t)rows[i].from, "minutes", rows[i].minutes));
done:
  free(rows);
  return out;
}

ProtobufCMessage *ca_input_calendar(const char *path, cor_error *err) {
  ProtobufCMessage *out = NULL;
  json_t *in = cli_json_load(path, err), *days = NULL, *offsets = NULL;
  if (!in) return NULL;
  json_object_del(in, "about"); /* where the days come from: for readers only */
  days = days_of(json_object_get(in, "holidays"), err);
  offsets = days ? offsets_of(json_object_get(in, "offsets"), err) : NULL;
  if (offsets) {
    json_object_set(in, "holidays", days);
    json_object_set(in, "offsets", offsets);
    out = cor_json_read(&corridor__v1__calendar__descriptor, in, "", err);
  }
  json_decref(days);
  json_decref(offsets);
  json_decref(in);
  return out;
}

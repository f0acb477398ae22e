/* quoted.h - JSON in C sources, written with ' for ". */
#ifndef CORRIDOR_TESTS_QUOTED_H
#define CORRIDOR_TESTS_QUOTED_H
#include <check.h>
#include <jansson.h>
#include <string.h>

/* The caller's to free; a sample that is no JSON fails the test. */
static inline json_t *json(const char *text) {
  char copy[4096];
  json_error_t why;
  ck_assert_uint_lt(strlen(text), sizeof copy);
  strcpy(copy, text);
  for (char *c = copy; *c; c++)
    if (*c == '\'') *c = '"';
  json_t *out = json_loads(copy, 0, &why);
  ck_assert_msg(out != NULL, "bad sample: %s near %s", why.text, why.source);
  return out;
}
#endif

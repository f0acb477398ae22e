/* json_parse.c - JSON text to a tree.
 *
 * Guarantees: nesting is bounded before jansson's recursive parser sees the text;
 * duplicate keys, NUL and bad UTF-8 are refused; the error says line:column and
 * what is wrong in our own words. jansson's message is not passed on, because it
 * quotes the input, which is about a person.
 * Trusts the caller for the length of the text. Nothing is fatal. */
#include "corridor/json.h"
#include "corridor/refusal.h"
#include <stdio.h>
#include <string.h>

/* The API's bodies need six: {body: {list: [{object: {list: []}}]}}. */
enum { NESTING_MAX = 16 };

typedef struct place {
  int line, column;
} place;

static json_t *refuse(cor_error *err, int code, place at, const char *why) {
  char path[32];
  snprintf(path, sizeof path, "%d:%d", at.line, at.column);
  cor_fail(err, code, path, "%s; nothing was stored or sent", why);
  return NULL;
}

/* Counts brackets outside of strings; false at the first that opens too deep. */
static bool nesting_ok(cor_bytes text, place *at) {
  bool in_string = false;
  int depth = 0;
  *at = (place){1, 0};
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    at->column++;
    if (c == '\n') *at = (place){at->line + 1, 0};
    if (in_string && c == '\\') {
      at->column++;
      i++;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '{' || c == '[')) {
      if (++depth > NESTING_MAX) return false;
    } else if (!in_string && (c == '}' || c == ']')) {
      depth--;
    }
  }
  return true;
}

static const struct {
  enum json_error_code theirs;
  int ours;
  const char *why;
} reasons[] = {
    {json_error_duplicate_key, COR_BAD_INPUT, "a field is given twice"},
    {json_error_null_character, COR_BAD_ENCODING, "a text holds a NUL character"},
    {json_error_null_byte_in_key, COR_BAD_ENCODING, "a field name holds a NUL character"},
    {json_error_invalid_utf8, COR_BAD_ENCODING, "a text is not UTF-8"},
    {json_error_numeric_overflow, COR_BAD_INPUT, "a number is too large"},
    {json_error_end_of_input_expected, COR_BAD_INPUT, "something follows the end of the JSON object"},
    {json_error_premature_end_of_input, COR_BAD_INPUT,
     "the JSON ends too early: a bracket or quote is missing"},
    {json_error_out_of_memory, COR_INTERNAL, "out of memory"},
};

json_t *cor_json_parse(cor_bytes text, cor_error *err) {
  json_error_t error;
  place at;
  if (text.len == 0) return refuse(err, COR_BAD_INPUT, (place){1, 1}, "there is no JSON, the input is empty");
  if (!nesting_ok(text, &at)) return refuse(err, COR_BAD_INPUT, at, "brackets are nested too deeply");
  json_t *tree = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
  if (tree != NULL) return tree;
  at = (place){error.line, error.column};
  for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
    if (json_error_code(&error) == reasons[i].theirs) return refuse(err, reasons[i].ours, at, reasons[i].why);
  return refuse(err, COR_BAD_INPUT, at, "this is not well-formed JSON");
}

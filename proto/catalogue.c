/* catalogue.c - the sentences of one language (catalogue.h).
 *
 * Guarantees: a loaded catalogue has a text for every refusal, so that no
 * refusal is ever shown empty; sentences hold no control characters and are
 * valid UTF-8. A name that no refusal bears is an error: it is a misspelling
 * that would leave an officer without a sentence.
 *
 * Trusts: that the administrator installed the files; their form is checked.
 * The language may come from a request and is never used as a path unchecked.
 * Nothing here is fatal. */
#include "corridor/catalogue.h"
#include "corridor/refusal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 128 * 1024, SENTENCE_MAX = 1024 };

struct cor_catalogue {
  json_t *sentences; /* English, overlaid with the language */
};

static bool lang_valid(const char *lang) {
  size_t len = strnlen(lang, 4);
  return len >= 2 && len <= 3 && strspn(lang, "abcdefghijklmnopqrstuvwxyz") == len;
}

static bool name_known(const char *name) {
  const cor_refusal *row;
  for (size_t i = 0; (row = cor_refusal_at(i)) != NULL; i++)
    if (strcmp(row->name, name) == 0) return true;
  return false;
}

static bool sentence_fits(const json_t *value) {
  const char *text = json_string_value(value);
  size_t len = json_string_length(value);
  if (!text || len == 0 || len > SENTENCE_MAX) return false;
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) return false;
  return true;
}

static bool sentences_check(json_t *object, const char *path, cor_error *err) {
  const char *name;
  json_t *value;
  if (!json_is_object(object))
    return cor_fail(err, COR_BAD_INPUT, "", "%s: not an object from refusal names to sentences", path);
  json_object_foreach(object, name, value) {
    if (!name_known(name))
      return cor_fail(err, COR_BAD_INPUT, name, "%s: there is no refusal of this name", path);
    if (!sentence_fits(value))
      return cor_fail(err, COR_BAD_INPUT, name, "%s: not a sentence of at most %d bytes", path, SENTENCE_MAX);
  }
  return true;
}

/* A new reference, or NULL. */
static json_t *read_language(const char *dir, const char *lang, cor_error *err) {
  char *path = NULL;
  cor_buf file = {0};
  json_t *object = NULL;
  json_error_t where;
  if (asprintf(&path, "%s/%s.json", dir, lang) < 0) {
    cor_fail(err, COR_INTERNAL, "", "out of memory; no sentences were loaded");
    return NULL;
  }
  if (!cor_file_read(path, FILE_MAX, false, &file, err)) goto done;
  object = json_loadb((const char *)file.data, file.len, JSON_REJECT_DUPLICATES, &where);
  if (!object)
    cor_fail(err, COR_BAD_INPUT, "", "%s:%d: %s", path, where.line, where.text);
  else if (!sentences_check(object, path, err)) {
    json_decref(object);
    object = NULL;
  }
done:
  cor_buf_clear(&file);
  free(path);
  return object;
}

cor_catalogue *cor_catalogue_load(const char *dir, const char *lang, cor_error *err) {
  cor_catalogue *catalogue = NULL;
  json_t *english = NULL, *own = NULL;
  if (!lang_valid(lang)) {
    cor_fail(err, COR_BAD_INPUT, "lang",
             "a language is two or three small letters, such as en, fr, es or ar");
    return NULL;
  }
  english = read_language(dir, "en", err);
  own = english ? read_language(dir, lang, err) : NULL;
  if (!own) goto done;
  catalogue = calloc(1, sizeof *catalogue);
  if (!catalogue || json_object_update(english, own) != 0) {
    cor_fail(err, COR_INTERNAL, "", "out of memory; no sentences were loaded");
    free(catalogue);
    catalogue = NULL;
    goto done;
  }
  catalogue->sentences = json_incref(english);
done:
  json_decref(own);
  json_decref(english);
  return catalogue;
}

void cor_catalogue_destroy(cor_catalogue **catalogue) {
  if (!*catalogue) return;
  json_decref((*catalogue)->sentences);
  free(*catalogue);
  *catalogue = NULL;
}

const char *cor_catalogue_sentence(const cor_catalogue *catalogue, int code) {
  const char *name = cor_refusal_of(code)->name;
  const char *sentence = json_string_value(json_object_get(catalogue->sentences, name));
  return sentence ? sentence : name;
}

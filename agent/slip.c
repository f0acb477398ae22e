/* slip.c - the paper a person takes along (slip.h).
 *
 * The words are data, one file a language: adding one needs no program. Guarantees:
 * a slip holds the words of its file, the number, the code and a telephone number,
 * and no name, office, programme or date: who finds it learns that somebody has
 * papers somewhere. The page is self-contained, escaped, and set in the direction of
 * its language; number and code always read from left to right. Number and code are
 * in memory that is zeroed when it is given back (wipe.h). Nothing is fatal. */
#include "slip.h"

#include "corridor/refusal.h"
#include "corridor/wipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 32 * 1024, TEXT_MAX = 1024, LINES_MAX = 12 };

struct slip {
  char language[4];
  json_t *words;
};

/* ---- loading ---- */

static bool fits(const json_t *value) {
  const size_t len = json_string_length(value);
  return json_is_string(value) && len > 0 && len <= TEXT_MAX &&
         strpbrk(json_string_value(value), "\r\n\t") == NULL;
}

static bool check(const json_t *words, const char *language, cor_error *err) {
  static const char *const needed[] = {"name", "direction", "title", "number", "code", "telephone"};
  const json_t *lines = json_object_get(words, "text"), *line;
  size_t i;
  for (i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!fits(json_object_get(words, needed[i])))
      return cor_fail(err, COR_BAD_INPUT, "/slipLanguage", "slip/%s.json has no %s", language, needed[i]);
  const char *direction = json_string_value(json_object_get(words, "direction"));
  if (strcmp(direction, "ltr") != 0 && strcmp(direction, "rtl") != 0)
    return cor_fail(err, COR_BAD_INPUT, "/slipLanguage", "slip/%s.json: direction is ltr or rtl", language);
  bool ok = json_array_size(lines) >= 1 && json_array_size(lines) <= LINES_MAX;
  json_array_foreach(lines, i, line) ok = ok && fits(line);
  return ok || cor_fail(err, COR_BAD_INPUT, "/slipLanguage", "slip/%s.json: text is 1 to %d lines", language,
                        LINES_MAX);
}

static bool is_language(const char *text) {
  const size_t len = strnlen(text, 4);
  return len >= 2 && len <= 3 && strspn(text, "abcdefghijklmnopqrstuvwxyz") == len;
}

slip *slip_load(const char *dir, const char *language, cor_error *err) {
  char *path = NULL;
  cor_buf file = {0};
  json_error_t where;
  cor_error unread;
  slip *out = NULL;
  json_t *words = NULL;
  if (!is_language(language) || asprintf(&path, "%s/slip/%s.json", dir, language) < 0 ||
      !cor_file_read(path, FILE_MAX, false, &file, &unread)) {
    (void)cor_fail(err, COR_UNKNOWN_ENUM, "/slipLanguage",
                   "there is no slip in this language; nothing was kept");
    goto done;
  }
  words = json_loadb((const char *)file.data, file.len, JSON_REJECT_DUPLICATES, &where);
  if (words == NULL) {
    (void)cor_fail(err, COR_BAD_INPUT, "/slipLanguage", "slip/%s.json:%d: %s", language, where.line,
                   where.text);
    goto done;
  }
  if (!check(words, language, err)) goto done;
  if ((out = calloc(1, sizeof *out)) == NULL) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
    goto done;
  }
  memcpy(out->language, language, strlen(language) + 1);
  out->words = json_incref(words);
done:
  json_decref(words);
  cor_buf_clear(&file);
  free(path);
  return out;
}

void slip_destroy(slip **s) {
  if (*s == NULL) return;
  json_decref((*s)->words);
  free(*s);
  *s = NULL;
}

/* ---- writing ---- */

typedef struct filled {
  const slip *slip;
  const char *reference, *code, *phone;
} filled;

static const char *word(const slip *s, const char *name) {
  return json_string_value(json_object_get(s->words, name));
}

static void escape(FILE *out, const char *text) {
  static const struct {
    char c;
    const char *as;
  } special[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
  for (; *text != '\0'; text++) {
    const char *as = NULL;
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
      if (special[i].c == *text) as = special[i].as;
    if (as != NULL)
      fputs(as, out);
    else
      fputc(*text, out);
  }
}

static void html_pair(FILE *out, const char *name, const char *value) {
  if (value[0] == '\0') return;
  fputs("<dt>", out);
  escape(out, name);
  fputs("</dt><dd><bdi dir=\"ltr\">", out);
  escape(out, value);
  fputs("</bdi></dd>\n", out);
}

static void write_html(FILE *out, const filled *f) {
  const json_t *lines = json_object_get(f->slip->words, "text"), *line;
  size_t i;
  fprintf(out, "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n<title>",
          f->slip->language, word(f->slip, "direction"));
  escape(out, word(f->slip, "title"));
  fputs("</title>\n<style>\n"
        "body { font: 13pt/1.5 sans-serif; max-width: 32em; margin: 2em auto; padding: 0 1em }\n"
        "dd { font: bold 17pt monospace; margin: 0 0 0.6em 0 }\n"
        "@media print { body { margin: 0 } @page { margin: 20mm } }\n"
        "</style>\n</head>\n<body>\n<h1>",
        out);
  escape(out, word(f->slip, "title"));
  fputs("</h1>\n<dl>\n", out);
  html_pair(out, word(f->slip, "number"), f->reference);
  html_pair(out, word(f->slip, "code"), f->code);
  html_pair(out, word(f->slip, "telephone"), f->phone);
  fputs("</dl>\n", out);
  json_array_foreach(lines, i, line) {
    fputs("<p>", out);
    escape(out, json_string_value(line));
    fputs("</p>\n", out);
  }
  fputs("</body>\n</html>\n", out);
}

static void text_pair(FILE *out, const char *name, const char *value) {
  if (value[0] != '\0') fprintf(out, "%s\n    %s\n", name, value);
}

static void write_text(FILE *out, const filled *f) {
  const json_t *lines = json_object_get(f->slip->words, "text"), *line;
  size_t i;
  fprintf(out, "%s\n\n", word(f->slip, "title"));
  text_pair(out, word(f->slip, "number"), f->reference);
  text_pair(out, word(f->slip, "code"), f->code);
  text_pair(out, word(f->slip, "telephone"), f->phone);
  json_array_foreach(lines, i, line) fprintf(out, "\n%s\n", json_string_value(line));
}

/* What the writer wrote, as a JSON text; NULL = no memory. */
static json_t *written(void (*write)(FILE *, const filled *), const filled *f) {
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  if (out == NULL) return NULL;
  write(out, f);
  const bool whole = fclose(out) == 0;
  json_t *value = whole ? json_stringn(text, len) : NULL;
  cor_wipe_free(text);
  return value;
}

json_t *slip_write(const slip *s, const char *reference, const char *code, const char *phone) {
  const filled f = {s, reference, code, phone};
  return json_pack("{s:s, s:s, s:o, s:o}", "language", s->language, "direction", word(s, "direction"), "text",
                   written(write_text, &f), "html", written(write_html, &f));
}

/* config.c - configuration files by table (config.h).
 *
 * Guarantees: a loaded configuration has a checked value for every row; a file
 * with an unknown option, a repeated one, a bad value or a missing one is
 * refused whole, naming file, line and option, so that a daemon never runs on
 * half of what was written.
 *
 * Trusts: the table, which is part of the program. The file is bounded and may
 * hold anything.
 *
 * Fatal: asking for an option that the table does not have, or as another type:
 * that is a bug in the caller. */
#include "corridor/config.h"
#include "corridor/refusal.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 64 * 1024 };

typedef struct value {
  char *text;     /* NULL until set; a list's entries each end in NUL */
  int64_t number; /* numbers; yes = 1; list: entries */
  size_t line;    /* 0 = the fallback */
} value;

struct cor_config {
  const cor_config_row *rows;
  size_t n;
  value values[];
};

/* Where an error is: file and line, or the table's own default. */
typedef struct place {
  const char *path;
  size_t line;
} place;

static bool bad(cor_error *err, int code, place at, const char *name, const char *what) {
  return cor_fail(err, code, name, "%s:%zu: %s: %s", at.path, at.line, name, what);
}

static char *trim(char *text) {
  text += strspn(text, " \t\r");
  size_t len = strlen(text);
  while (len > 0 && strchr(" \t\r", text[len - 1]))
    len--;
  text[len] = '\0';
  return text;
}

static bool set_number(const cor_config_row *row, value *v, place at, cor_error *err) {
  char what[96];
  const char *digit = v->text + (v->text[0] == '-');
  size_t len = strlen(digit);
  bool ok = len >= 1 && len <= 18 && strspn(digit, "0123456789") == len;
  v->number = ok ? strtoll(v->text, NULL, 10) : 0;
  if (ok && v->number >= row->min && v->number <= row->max) return true;
  snprintf(what, sizeof what, "must be a number from %lld to %lld", (long long)row->min, (long long)row->max);
  return bad(err, COR_BAD_INPUT, at, row->name, what);
}

/* Splits in place: "a, b" becomes "a\0b\0", two entries. */
static bool set_list(const cor_config_row *row, value *v, place at, cor_error *err) {
  char what[64];
  char *from = v->text, *to = v->text;
  v->number = 0;
  while (*v->text != '\0' && from) {
    char *comma = strchr(from, ',');
    if (comma) *comma = '\0';
    char *entry = trim(from);
    size_t size = strlen(entry) + 1;
    if (size == 1) return bad(err, COR_BAD_INPUT, at, row->name, "has an empty entry");
    if (++v->number > row->max) {
      snprintf(what, sizeof what, "has more than %lld entries", (long long)row->max);
      return bad(err, COR_TOO_LARGE, at, row->name, what);
    }
    memmove(to, entry, size);
    to += size;
    from = comma ? comma + 1 : NULL;
  }
  return true;
}

static bool set_value(const cor_config_row *row, value *v, const char *text, place at, cor_error *err) {
  v->line = at.line;
  v->text = strdup(text);
  if (!v->text) return bad(err, COR_INTERNAL, at, row->name, "out of memory");
  switch (row->type) {
  case COR_CONF_NUMBER: return set_number(row, v, at, err);
  case COR_CONF_LIST: return set_list(row, v, at, err);
  case COR_CONF_PATH:
    return *text == '/' || *text == '\0' ||
           bad(err, COR_BAD_INPUT, at, row->name, "must be an absolute path, starting with /");
  case COR_CONF_TEXT: break;
  }
  return true;
}

static size_t find_row(const cor_config_row *rows, size_t n, const char *name) {
  size_t i = 0;
  while (i < n && strcmp(rows[i].name, name) != 0)
    i++;
  return i;
}

static bool take_line(cor_config *config, char *text, place at, cor_error *err) {
  text = trim(text);
  if (*text == '\0' || *text == '#') return true;
  for (const char *c = text; *c != '\0'; c++)
    if ((unsigned char)*c < ' ' && *c != '\t')
      return cor_fail(err, COR_BAD_INPUT, "", "%s:%zu: control character", at.path, at.line);
  char *equals = strchr(text, '=');
  if (!equals) return cor_fail(err, COR_BAD_INPUT, "", "%s:%zu: expected name = value", at.path, at.line);
  *equals = '\0';
  char *name = trim(text);
  size_t i = find_row(config->rows, config->n, name);
  if (i == config->n) return bad(err, COR_BAD_INPUT, at, name, "no such option");
  if (config->values[i].text) return bad(err, COR_BAD_INPUT, at, name, "given twice");
  const char *given = trim(equals + 1);
  if (*given == '\0' && !config->rows[i].fallback)
    return bad(err, COR_MISSING_FIELD, at, name, "must not be empty");
  return set_value(&config->rows[i], &config->values[i], given, at, err);
}

static bool take_file(cor_config *config, const char *path, cor_error *err) {
  cor_buf file;
  place at = {path, 0};
  if (!cor_file_read(path, CONFIG_MAX, false, &file, err)) return false;
  char *text = (char *)file.data;
  bool ok = strlen(text) == file.len || cor_fail(err, COR_BAD_INPUT, "", "%s: holds a NUL byte", path);
  while (ok && text) {
    char *end = strchr(text, '\n');
    if (end) *end = '\0';
    at.line++;
    ok = take_line(config, text, at, err);
    text = end ? end + 1 : NULL;
  }
  cor_buf_clear(&file);
  return ok;
}

static bool take_fallbacks(cor_config *config, const char *path, cor_error *err) {
  for (size_t i = 0; i < config->n; i++) {
    const cor_config_row *row = &config->rows[i];
    if (config->values[i].text) continue;
    if (!row->fallback)
      return cor_fail(err, COR_MISSING_FIELD, row->name, "%s: the option %s must be set", path, row->name);
    /* An empty default of any type means "not set". */
    if (row->fallback[0] == '\0') {
      if (!(config->values[i].text = strdup("")))
        return cor_fail(err, COR_INTERNAL, row->name, "out of memory");
    } else if (!set_value(row, &config->values[i], row->fallback, (place){"default", 0}, err)) {
      return false;
    }
  }
  return true;
}

cor_config *cor_config_load(const char *path, const cor_config_row *rows, size_t n, cor_error *err) {
  cor_config *config = calloc(1, sizeof *config + n * sizeof *config->values);
  if (!config) {
    cor_fail(err, COR_INTERNAL, "", "out of memory; %s was not read", path);
    return NULL;
  }
  config->rows = rows;
  config->n = n;
  if (!take_file(config, path, err) || !take_fallbacks(config, path, err)) cor_config_destroy(&config);
  return config;
}

void cor_config_destroy(cor_config **config) {
  if (!*config) return;
  for (size_t i = 0; i < (*config)->n; i++)
    free((*config)->values[i].text);
  free(*config);
  *config = NULL;
}

/* The value of an option that the table has with one of two types. */
static const value *value_of(const cor_config *config, const char *name, cor_config_type type,
                             cor_config_type or_type) {
  size_t i = find_row(config->rows, config->n, name);
  if (i == config->n || (config->rows[i].type != type && config->rows[i].type != or_type)) abort();
  return &config->values[i];
}

const char *cor_config_text(const cor_config *config, const char *name) {
  return value_of(config, name, COR_CONF_TEXT, COR_CONF_PATH)->text;
}

int64_t cor_config_number(const cor_config *config, const char *name) {
  return value_of(config, name, COR_CONF_NUMBER, COR_CONF_NUMBER)->number;
}

const char *cor_config_item(const cor_config *config, const char *name, size_t i) {
  const value *v = value_of(config, name, COR_CONF_LIST, COR_CONF_LIST);
  if (i >= (size_t)v->number) return NULL;
  const char *entry = v->text;
  while (i-- > 0)
    entry += strlen(entry) + 1;
  return entry;
}

static void sample_kind(FILE *out, const cor_config_row *row) {
  static const char *const words[] = {[COR_CONF_TEXT] = "text", [COR_CONF_PATH] = "absolute path"};
  if (row->type == COR_CONF_NUMBER)
    fprintf(out, "%lld to %lld", (long long)row->min, (long long)row->max);
  else if (row->type == COR_CONF_LIST)
    fprintf(out, "comma-separated, at most %lld", (long long)row->max);
  else
    fputs(words[row->type], out);
}

void cor_config_sample(FILE *out, const cor_config_row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    fprintf(out, "%s# %s (", i > 0 ? "\n" : "", rows[i].help);
    sample_kind(out, &rows[i]);
    fprintf(out, "; %s)\n", rows[i].reload ? "re-read on SIGHUP" : "needs a restart");
    if (rows[i].fallback)
      fprintf(out, "#%s = %s\n", rows[i].name, rows[i].fallback);
    else
      fprintf(out, "%s =\n", rows[i].name);
  }
}

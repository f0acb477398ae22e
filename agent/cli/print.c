/* print.c - answers as people read them: tables, fields, trees, refusals.
 *
 * Guarantees: text that came from another office is printed with every control
 * character escaped, so that it cannot rewrite what is on the screen; columns
 * line up by characters, not bytes; times are RFC 3339 in UTC. Trusts nothing
 * in the JSON to be there. A value that is missing prints as "-". */
#include "cli_print.h"
#include "cli.h"
#include "corridor/clock.h"
#include "corridor/wipe.h"
#include <stdlib.h>
#include <string.h>

enum { CELL_MAX = 512, COLUMNS_MAX = 16 };

/* Writes text escaped into out; returns its width in characters. */
static size_t escape(const char *text, char *out, size_t size) {
  size_t used = 0, width = 0;
  for (const unsigned char *at = (const unsigned char *)text; *at && used + 8 < size; at++) {
    /* C0 and DEL, and C1 as UTF-8 writes it: C2 80 .. C2 9F. Then the marks that
     * turn the writing direction by force (U+202A..202E, U+2066..2069): they would
     * let a name or a dose be read backwards; plain Arabic needs none of them. */
    bool c1 = at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F;
    bool turn = at[0] == 0xE2 && ((at[1] == 0x80 && at[2] >= 0xAA && at[2] <= 0xAE) ||
                                  (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9));
    if (turn) {
      used += (size_t)snprintf(out + used, size - used, "\\u20%02X", ((at[1] & 3) << 6) | (at[2] & 0x3F));
      width += 6;
      at += 2;
      continue;
    }
    if (*at < 0x20 || *at == 0x7F || c1) {
      used += (size_t)snprintf(out + used, size - used, "\\x%02X", c1 ? at[1] : at[0]);
      width += 4;
      if (c1) at++;
      continue;
    }
    if ((*at & 0xC0) != 0x80) width++;
    out[used++] = (char)*at;
  }
  out[used] = 0;
  return width;
}

void cli_print_text(FILE *out, const char *text) {
  size_t left = strlen(text), room = left * 4 + 16;
  char *clean = malloc(room);
  if (!clean) return;
  escape(text, clean, room);
  fputs(clean, out);
  cor_wipe_free(clean);
}

void cli_print_json(FILE *out, const json_t *value) {
  /* Escaped to ASCII so that no terminal acts on what a message says. */
  json_dumpf(value, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
  fputc('\n', out);
}

static const json_t *lookup(const json_t *object, const char *pointer) {
  char step[64];
  while (object && *pointer) {
    size_t len = strcspn(pointer, "/");
    if (len >= sizeof step) return NULL;
    memcpy(step, pointer, len);
    step[len] = 0;
    object = json_object_get(object, step);
    pointer += len + (pointer[len] == '/');
  }
  return object;
}

static bool time_value(const json_t *value, int64_t *ms) {
  if (json_is_integer(value)) {
    *ms = json_integer_value(value);
    return true;
  }
  const char *text = json_string_value(value);
  if (!text || !*text || strspn(text, "0123456789") != strlen(text)) return false;
  *ms = strtoll(text, NULL, 10);
  return true;
}

/* A scalar, or an array of scalars joined by commas, as one line of text. */
static size_t cell(const json_t *value, cli_kind kind, char *out, size_t size) {
  int64_t ms;
  char time[COR_TIME_TEXT], number[32];
  if (!value || json_is_null(value) || (json_is_string(value) && !*json_string_value(value)))
    return escape("-", out, size);
  if (kind == CLI_TIME && time_value(value, &ms))
    return escape(ms ? cor_time_text(ms, time) : "-", out, size);
  if (json_is_string(value)) return escape(json_string_value(value), out, size);
  if (json_is_boolean(value)) return escape(json_is_true(value) ? "yes" : "no", out, size);
  if (json_is_integer(value)) {
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    return escape(number, out, size);
  }
  if (json_is_array(value)) {
    size_t used = 0, width = 0, i;
    const json_t *item;
    out[0] = 0;
    json_array_foreach((json_t *)(uintptr_t)value, i, item) {
      if (used + 16 >= size) break;
      if (i) used += (size_t)snprintf(out + used, size - used, ", "), width += 2;
      width += cell(item, kind, out + used, size - used);
      used += strlen(out + used);
    }
    return width ? width : escape("-", out, size);
  }
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  size_t width = escape(text ? text : "-", out, size);
  cor_wipe_free(text);
  return width;
}

static void put_padded(FILE *out, const char *text, size_t width, size_t column, bool last) {
  fputs(text, out);
  if (!last) fprintf(out, "%*s", (int)(column - width + 2), "");
}

void cli_print_table(FILE *out, const json_t *rows, const cli_column *columns, size_t n,
                     const char *nothing) {
  size_t widths[COLUMNS_MAX] = {0}, i;
  char text[CELL_MAX];
  const json_t *row;
  if (n > COLUMNS_MAX) n = COLUMNS_MAX;
  if (json_array_size(rows) == 0) {
    fprintf(out, "%s\n", nothing);
    return;
  }
  for (size_t c = 0; c < n; c++) {
    widths[c] = strlen(columns[c].title);
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
      size_t width = cell(lookup(row, columns[c].pointer), columns[c].kind, text, sizeof text);
      if (width > widths[c]) widths[c] = width;
    }
  }
  for (size_t c = 0; c < n; c++)
    put_padded(out, columns[c].title, strlen(columns[c].title), widths[c], c + 1 == n);
  fputc('\n', out);
  json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
    for (size_t c = 0; c < n; c++) {
      size_t width = cell(lookup(row, columns[c].pointer), columns[c].kind, text, sizeof text);
      put_padded(out, text, width, widths[c], c + 1 == n);
    }
    fputc('\n', out);
  }
}

void cli_print_fields(FILE *out, const json_t *object, const cli_column *columns, size_t n) {
  char text[CELL_MAX];
  int widest = 0;
  for (size_t c = 0; c < n; c++)
    if (lookup(object, columns[c].pointer) && (int)strlen(columns[c].title) > widest)
      widest = (int)strlen(columns[c].title);
  for (size_t c = 0; c < n; c++) {
    const json_t *value = lookup(object, columns[c].pointer);
    if (!value) continue;
    cell(value, columns[c].kind, text, sizeof text);
    fprintf(out, "%-*s  %s\n", widest, columns[c].title, text);
  }
}

static bool is_flat(const json_t *value) {
  size_t i;
  const json_t *item;
  if (json_is_object(value)) return false;
  json_array_foreach((json_t *)(uintptr_t)value, i,
                     item) if (json_is_object(item) || json_is_array(item)) return false;
  return true;
}

/* A scalar or a list of them in full: a cell cuts, and of what a message says
 * nothing may be cut. */
static void print_flat(FILE *out, const json_t *value, cli_kind kind) {
  char text[CELL_MAX];
  const json_t *item;
  size_t i;
  if (json_is_array(value) && json_array_size(value) > 0) {
    json_array_foreach((json_t *)(uintptr_t)value, i, item) {
      if (i > 0) fputs(", ", out);
      print_flat(out, item, kind);
    }
  } else if (json_is_string(value) && kind == CLI_TEXT && *json_string_value(value)) {
    cli_print_text(out, json_string_value(value));
  } else {
    cell(value, kind, text, sizeof text);
    fputs(text, out);
  }
}

void cli_print_tree(FILE *out, const json_t *value, int indent) {
  const char *key;
  const json_t *member;
  size_t i;
  if (json_is_object(value)) {
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at;
         at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
      key = json_object_iter_key(at);
      member = json_object_iter_value(at);
      fprintf(out, "%*s", indent, "");
      cli_print_text(out, key);
      if (json_is_string(member) && !cli_is_time_field(key)) {
        fputs(": ", out);
        cli_print_text(out, json_string_value(member));
        fputc('\n', out);
      } else if (is_flat(member)) {
        fputs(": ", out);
        print_flat(out, member, cli_is_time_field(key) ? CLI_TIME : CLI_TEXT);
        fputc('\n', out);
      } else {
        fputs(":\n", out);
        cli_print_tree(out, member, indent + 2);
      }
    }
  } else if (json_is_array(value)) {
    json_array_foreach((json_t *)(uintptr_t)value, i, member) {
      fprintf(out, "%*s-\n", indent, "");
      cli_print_tree(out, member, indent + 2);
    }
  } else {
    fprintf(out, "%*s", indent, "");
    print_flat(out, value, CLI_TEXT);
    fputc('\n', out);
  }
}

static void error_line(FILE *err, const char *title, const char *text) {
  if (!text || !*text) return;
  fprintf(err, "  %-7s ", title);
  cli_print_text(err, text);
  fputc('\n', err);
}

static const char *retry_text(const char *code, bool useful) {
  /* Sending again by hand would make a second message. */
  if (code && (strcmp(code, "KEPT_NOT_SENT") == 0 || strcmp(code, "CASE_SUSPENDED") == 0))
    return "not needed: what is kept goes out by itself";
  return useful ? "yes, once the cause is gone" : "no, the same again will be refused again";
}

void cli_print_contact(FILE *out, const json_t *contact) {
  static const cli_column LINES[] = {{"safeHours", "Call only at", CLI_TEXT},
                                     {"whoMayAnswer", "Speak only with", CLI_TEXT},
                                     {"phone", "Number", CLI_TEXT}};
  if (!contact) return;
  fputs("BEFORE ANYBODY MAKES CONTACT\n", out);
  cli_print_fields(out, contact, LINES, sizeof LINES / sizeof *LINES);
  if (json_is_true(json_object_get(contact, "noMessage"))) fputs("Leave no message.\n", out);
  fputs("\n", out);
}

void cli_print_error(FILE *err, const cor_refusal *row, const json_t *error) {
  const char *code = json_string_value(json_object_get(error, "code"));
  const char *sentence = json_string_value(json_object_get(error, "sentence"));
  const char *detail = json_string_value(json_object_get(error, "detail"));
  const char *rule = json_string_value(json_object_get(error, "rule"));
  const json_t *retry = json_object_get(error, "retry");
  const json_t *kept = json_object_get(error, "kept");
  const char *said = sentence && *sentence ? sentence : detail;
  fputs("corridor: ", err);
  cli_print_text(err, said && *said ? said : row->name);
  fputc('\n', err);
  error_line(err, "code", code ? code : row->name);
  error_line(err, "where", json_string_value(json_object_get(error, "path")));
  error_line(err, "rule", rule && *rule ? rule : row->rule);
  error_line(err, "retry", retry_text(code, retry ? json_is_true(retry) : row->retry));
  if (said != detail) error_line(err, "detail", detail);
  if (json_array_size(kept)) {
    char text[CELL_MAX];
    cell(kept, CLI_TEXT, text, sizeof text);
    fprintf(err, "  %-7s %s\n", "kept", text);
  }
}

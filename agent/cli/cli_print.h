/* cli_print.h - answers as people read them. Nothing printed from a message or
 * an answer can move a terminal's cursor: control characters are escaped. */
#ifndef CORRIDOR_CLI_PRINT_H
#define CORRIDOR_CLI_PRINT_H
#include "corridor/refusal.h"
#include <jansson.h>
#include <stdio.h>

typedef enum cli_kind { CLI_TEXT, CLI_TIME } cli_kind;

/* One column of a table or one line of a list of fields. pointer is the member
 * of the row ("type") or a path in it ("header/type"). */
typedef struct cli_column {
  const char *pointer;
  const char *title;
  cli_kind kind;
} cli_column;

void cli_print_text(FILE *out, const char *text);
void cli_print_json(FILE *out, const json_t *value);
/* rows: array of objects; nothing = what to say when there is none. */
void cli_print_table(FILE *out, const json_t *rows, const cli_column *columns, size_t n, const char *nothing);
/* "Title: value" lines for the members that are there. */
void cli_print_fields(FILE *out, const json_t *object, const cli_column *columns, size_t n);
/* Any value, nested members indented; times by field name (cli_is_time_field). */
void cli_print_tree(FILE *out, const json_t *value, int indent);
/* How a person may be reached without danger (dictionary 4; a Contact of the schema):
 * stands before whatever makes contact possible. Nothing when contact is NULL. */
void cli_print_contact(FILE *out, const json_t *contact);
void cli_print_error(FILE *err, const cor_refusal *row, const json_t *error);
#endif

/* config.h - configuration files: one table per program says name, type,
 * default, whether SIGHUP re-reads it, and its help; --help, the sample file
 * and the check all come from it. Format: "name = value" lines, # comments. */
#ifndef CORRIDOR_CONFIG_H
#define CORRIDOR_CONFIG_H
#include "corridor/base.h"
#include <stdio.h>

typedef enum cor_config_type { COR_CONF_TEXT, COR_CONF_PATH, COR_CONF_NUMBER, COR_CONF_LIST } cor_config_type;

typedef struct cor_config_row {
  const char *name;
  cor_config_type type;
  const char *fallback; /* NULL = must be given */
  int64_t min, max;     /* numbers; list: max entries */
  bool reload;
  const char *help;
} cor_config_row;

typedef struct cor_config cor_config;
/* Paths are absolute. yes/no may be written true/false. An empty fallback means
 * "not set": "" as text, 0, false, no entries.
 * Unknown names, duplicates, bad values: error naming file:line and the option. */
cor_config *cor_config_load(const char *path, const cor_config_row *rows, size_t n,
                            cor_error *err) COR_MUST_CHECK;
void cor_config_destroy(cor_config **config);
const char *cor_config_text(const cor_config *config, const char *name); /* "" if empty default */
int64_t cor_config_number(const cor_config *config, const char *name);
/* Comma-separated list; i-th entry or NULL. Asking for an option that is not in
 * the table, or as another type, aborts: a bug in the caller. */
const char *cor_config_item(const cor_config *config, const char *name, size_t i);
void cor_config_sample(FILE *out, const cor_config_row *rows, size_t n);
#endif

/* core_config.c - the core's options: the one table behind the parser, --help
 * and the sample file. */
#include "core.h"

static const cor_config_row rows[] = {
    {"db", COR_CONF_TEXT, NULL, 0, 0, false, "PostgreSQL connection string; log in as corridor_broker"},
    {"office_dir", COR_CONF_PATH, NULL, 0, 0, false,
     "the hub's key directory (corridor office make ... --role hub)"},
    {"channel", COR_CONF_TEXT, NULL, 0, 0, false,
     "ipc://PATH the door connects to, in a directory only we may enter"},
    {"status", COR_CONF_TEXT, "", 0, 0, false, "loopback host:port for /healthz and /metrics; empty = off"},
    {"demo_clock", COR_CONF_PATH, "", 0, 0, false,
     "demo clock file; refused unless ca.crt bears the demo mark"},
    {"log_level", COR_CONF_TEXT, "info", 0, 0, true, "debug, info, warn or alarm"},
};

const cor_config_row *core_config_rows(size_t *n) {
  *n = sizeof rows / sizeof *rows;
  return rows;
}

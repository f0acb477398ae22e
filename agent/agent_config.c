/* agent_config.c - the options of corridor-agent: one table, from which the
 * file's check, --help and --sample-config come.
 *
 * Guarantees: a configuration that loads names at least one broker by a tcp://
 * address, a hub key of 40 Z85 characters and a known log level. Whether the
 * files it names exist is found out at start. */
#include "agent_config.h"

#include "corridor/refusal.h"
#include "corridor/status.h"

#include <string.h>
#include <zmq.h>

static const cor_config_row rows[] = {
    {.name = "office_dir",
     .type = COR_CONF_PATH,
     .help = "key directory of the office, as `corridor office install` left it"},
    {.name = "store", .type = COR_CONF_PATH, .help = "the agent's database file; made with mode 0600"},
    {.name = "socket",
     .type = COR_CONF_PATH,
     .help = "unix socket on which the `corridor` command is served"},
    {.name = "brokers",
     .type = COR_CONF_LIST,
     .max = AGENT_BROKERS_MAX,
     .help = "brokers as tcp://host:port, separated by commas, tried in this order"},
    {.name = "hub_key", .type = COR_CONF_TEXT, .help = "the hub's public CURVE key, 40 Z85 characters"},
    {.name = "status",
     .type = COR_CONF_TEXT,
     .fallback = "",
     .help = "loopback address and port for /healthz and /metrics; empty: none"},
    {.name = "demo_clock",
     .type = COR_CONF_PATH,
     .fallback = "",
     .help = "demo clock file; refused unless ca.crt bears the demo mark"},
    {.name = "catalogue",
     .type = COR_CONF_PATH,
     .fallback = CORRIDOR_DATADIR "/catalogue",
     .help = "directory of the sentences that explain refusals"},
    {.name = "names",
     .type = COR_CONF_PATH,
     .fallback = CORRIDOR_DATADIR "/names",
     .help = "directory of the rules by which names are compared"},
    {.name = "log_level",
     .type = COR_CONF_TEXT,
     .fallback = "info",
     .reload = true,
     .help = "least level that is logged: debug, info, warn or alarm"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const char *const levels[] = {
    [COR_DEBUG] = "debug", [COR_INFO] = "info", [COR_WARN] = "warn", [COR_ALARM] = "alarm"};

void agent_config_sample(FILE *out) {
  cor_config_sample(out, rows, ROWS);
}

cor_level agent_config_level(const cor_config *config) {
  const char *word = cor_config_text(config, "log_level");
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    if (strcmp(word, levels[i]) == 0) return (cor_level)i;
  return COR_INFO;
}

static bool check_level(const cor_config *config, cor_error *err) {
  const char *word = cor_config_text(config, "log_level");
  if (strcmp(word, levels[agent_config_level(config)]) == 0) return true;
  return cor_fail(err, COR_BAD_INPUT, "log_level", "log_level is one of debug, info, warn, alarm");
}

static bool check_brokers(const cor_config *config, cor_error *err) {
  const char *broker = cor_config_item(config, "brokers", 0);
  if (broker == NULL)
    return cor_fail(err, COR_BAD_INPUT, "brokers", "name at least one broker, tcp://host:port");
  for (size_t i = 0; (broker = cor_config_item(config, "brokers", i)) != NULL; i++)
    if (strncmp(broker, "tcp://", 6) != 0 || strrchr(broker + 6, ':') == NULL || strlen(broker) > 255)
      return cor_fail(err, COR_BAD_INPUT, "brokers", "broker %zu is not tcp://host:port", i + 1);
  return true;
}

static bool check_hub_key(const cor_config *config, cor_error *err) {
  const char *key = cor_config_text(config, "hub_key");
  uint8_t raw[COR_CURVE_LEN];
  if (strlen(key) == 40 && zmq_z85_decode(raw, key) != NULL) return true;
  return cor_fail(err, COR_BAD_INPUT, "hub_key", "hub_key is 40 Z85 characters, as the hub published it");
}

cor_config *agent_config_load(const char *path, cor_error *err) {
  cor_config *config = cor_config_load(path, rows, ROWS, err);
  if (config != NULL &&
      !(check_brokers(config, err) && check_hub_key(config, err) && check_level(config, err) &&
        cor_status_check(cor_config_text(config, "status"), err)))
    cor_config_destroy(&config);
  return config;
}

/* door_config.c - the door's options: one table, and their values checked once.
 *
 * Guarantees: a door_settings that loaded is usable as it stands: address
 * parsed, CURVE secret present and private to its owner, paths short enough for
 * a unix socket. The table also feeds --help and the sample file.
 * Trusts: the file's owner. A key file others can read is refused.
 * Fatal: nothing here; the caller does not start on an error. */
#include "door_config.h"
#include "door.h"
#include "corridor/refusal.h"
#include "corridor/status.h"
#include <netdb.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum { MIB = 1024 * 1024, UNREAD_MIN = COR_BODY_MAX + COR_CONTROL_MAX + 65536 };

static const cor_config_row ROWS[] = {
    {"listen", COR_CONF_TEXT, "127.0.0.1:7400", 0, 0, false,
     "Address and port agents connect to, e.g. 0.0.0.0:7400 or [::]:7400."},
    {"core", COR_CONF_TEXT, NULL, 0, 0, false,
     "ZeroMQ endpoint of the core, e.g. ipc:///run/corridor/core/channel."},
    {"curve_secret", COR_CONF_PATH, NULL, 0, 0, false,
     "File with the hub's CURVE secret key (40 characters of Z85, mode 0600)."},
    {"run_dir", COR_CONF_PATH, NULL, 0, 0, false,
     "Directory for the door's own sockets; made with mode 0700 if it is not there."},
    {"status", COR_CONF_TEXT, "", 0, 0, false,
     "Loopback address for /healthz and /metrics, e.g. 127.0.0.1:9101. Empty: off."},
    {"connections_max", COR_CONF_NUMBER, "256", 1, 4096, false, "Most connections at one time."},
    {"connections_per_address", COR_CONF_NUMBER, "32", 1, 4096, false,
     "Most connections from one address (one /64 network of IPv6) at one time."},
    {"handshake_seconds", COR_CONF_NUMBER, "10", 1, 60, false,
     "A connection that has not proved its key by then is cut."},
    {"unread_max", COR_CONF_NUMBER, "1310720", UNREAD_MIN, 64 * MIB, false,
     "Most bytes of one connection that are read but not yet a whole message."},
    {"stall_seconds", COR_CONF_NUMBER, "10", 1, 300, false,
     "A connection that stays at a bound (a message without end, a reader that does not read) this long "
     "is cut."},
    {"memory_max", COR_CONF_NUMBER, "536870912", 0, INT64_C(1) << 40, false,
     "Most address space of the process in bytes, at least 256 MiB; messages held stay under a quarter of "
     "it. 0: no limit."},
    {"demo_clock", COR_CONF_PATH, "", 0, 0, false, "Demo clock file, for the times in the log only."},
    {"log_level", COR_CONF_TEXT, "info", 0, 0, true, "Least level logged: debug, info, warn or alarm."},
};

const cor_config_row *door_config_rows(size_t *n) {
  *n = sizeof ROWS / sizeof *ROWS;
  return ROWS;
}

static bool copy_text(const cor_config *config, const char *name, char *out, size_t size, cor_error *err) {
  const char *text = cor_config_text(config, name);
  if (strlen(text) >= size)
    return cor_fail(err, COR_TOO_LARGE, name, "longer than %zu characters; choose a shorter one", size - 1);
  memcpy(out, text, strlen(text) + 1);
  return true;
}

/* "127.0.0.1:7400" or "[::1]:7400"; names are not looked up. */
static bool parse_listen(const char *text, door_settings *out, cor_error *err) {
  char host[80];
  const char *colon = strrchr(text, ':');
  size_t len = colon ? (size_t)(colon - text) : 0;
  if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  }
  if (len == 0 || len >= sizeof host)
    return cor_fail(err, COR_BAD_INPUT, "listen", "not an address and port like 127.0.0.1:7400");
  memcpy(host, text, len);
  host[len] = 0;
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
    return cor_fail(err, COR_BAD_INPUT, "listen", "not an address and port like 127.0.0.1:7400");
  memcpy(&out->listen, found->ai_addr, found->ai_addrlen);
  out->listen_len = found->ai_addrlen;
  freeaddrinfo(found);
  return true;
}

static bool read_secret(const char *path, char out[DOOR_SECRET_TEXT], cor_error *err) {
  cor_buf file = {0};
  if (!cor_file_read(path, 64, true, &file, err)) return false;
  size_t len = file.len;
  while (len > 0 && strchr(" \r\n", file.data[len - 1]) != NULL)
    len--;
  bool ok = len == DOOR_SECRET_TEXT - 1;
  if (ok) memcpy(out, file.data, len);
  out[ok ? len : 0] = 0;
  cor_buf_clear(&file);
  return ok || cor_fail(err, COR_BAD_INPUT, "curve_secret", "not a CURVE secret key of 40 Z85 characters");
}

static bool parse_level(const char *text, cor_level *out, cor_error *err) {
  static const char *const NAMES[] = {[COR_DEBUG] = "debug", "info", "warn", "alarm"};
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    if (strcmp(text, NAMES[i]) == 0) {
      *out = (cor_level)i;
      return true;
    }
  return cor_fail(err, COR_BAD_INPUT, "log_level", "not one of debug, info, warn, alarm");
}

static bool check_numbers(const cor_config *config, door_settings *out, cor_error *err) {
  out->connections_max = (size_t)cor_config_number(config, "connections_max");
  out->connections_per_address = (size_t)cor_config_number(config, "connections_per_address");
  out->handshake_ms = cor_config_number(config, "handshake_seconds") * 1000;
  out->stall_ms = cor_config_number(config, "stall_seconds") * 1000;
  out->unread_max = (size_t)cor_config_number(config, "unread_max");
  out->memory_max = (size_t)cor_config_number(config, "memory_max");
  if (out->memory_max != 0 && out->memory_max < 256 * MIB)
    return cor_fail(err, COR_BAD_INPUT, "memory_max", "under 256 MiB the door cannot run; give more, or 0");
  return true;
}

bool door_settings_load(const char *path, door_settings *out, cor_error *err) {
  memset(out, 0, sizeof *out);
  cor_config *config = cor_config_load(path, ROWS, sizeof ROWS / sizeof *ROWS, err);
  if (config == NULL) return false;
  bool ok = parse_listen(cor_config_text(config, "listen"), out, err) &&
            copy_text(config, "core", out->core, sizeof out->core, err) &&
            copy_text(config, "run_dir", out->run_dir, sizeof out->run_dir, err) &&
            copy_text(config, "status", out->status, sizeof out->status, err) &&
            copy_text(config, "demo_clock", out->demo_clock, sizeof out->demo_clock, err) &&
            cor_status_check(cor_config_text(config, "status"), err) &&
            parse_level(cor_config_text(config, "log_level"), &out->log_level, err) &&
            check_numbers(config, out, err) &&
            read_secret(cor_config_text(config, "curve_secret"), out->secret, err);
  cor_config_destroy(&config);
  return ok;
}

void door_settings_clear(door_settings *settings) {
  OPENSSL_cleanse(settings->secret, sizeof settings->secret);
}

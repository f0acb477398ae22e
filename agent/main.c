/* main.c - corridor-agent: an office's own daemon.
 *
 * It keeps the office's messages, seals and signs what goes out, verifies and
 * keeps what comes in, and serves the `corridor` command on a unix socket. This
 * file reads the command line and nothing else. Exit codes: 0 done, 1 the agent
 * could not start or run, 2 usage, 3 the configuration is wrong. */
#include "agent.h"
#include "match.h"

#include "corridor/refusal.h"
#include "corridor/wipe.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static const char usage[] = "Usage: corridor-agent --config FILE [--check-config]\n"
                            "       corridor-agent --sample-config | --help | --version\n"
                            "\n"
                            "Runs an office's agent in the foreground until SIGTERM. SIGHUP re-reads the\n"
                            "log level and the card list.\n"
                            "\n"
                            "  --config FILE     the configuration; every option is in --sample-config\n"
                            "  --check-config    check FILE and exit: 0 good, 3 wrong\n"
                            "  --sample-config   print a configuration with every option explained\n"
                            "  --help            print this\n"
                            "  --version         print the version\n"
                            "\n"
                            "example: corridor-agent --config /etc/corridor/ne-niamey.conf\n"
                            "\n"
                            "Exit codes: 0 done, 1 it could not start or run, 2 wrong usage, 3 the\n"
                            "configuration is wrong.\n"
                            "\n"
                            "Options of the configuration file:\n";

enum { DONE = 0, FAILED = 1, USAGE = 2, BAD_CONFIG = 3 };

static int say(const cor_error *err, int code) {
  fprintf(stderr, "corridor-agent: %s: %s%s%s\n", cor_refusal_of(err->code)->name, err->detail,
          err->path[0] ? " at " : "", err->path);
  return code;
}

static int check(const char *path) {
  cor_error err;
  cor_config *config = agent_config_load(path, &err);
  if (config == NULL) return say(&err, BAD_CONFIG);
  cor_config_destroy(&config);
  printf("%s is good\n", path);
  return DONE;
}

static int run(const char *path) {
  agent a;
  cor_error err = {0};
  prctl(PR_SET_DUMPABLE, 0); /* no core files, no ptrace: keys and opened files pass through here */
  bool prepared = agent_prepare(&a, path, &err);
  bool ok = prepared && agent_run(&a, &err);
  bool bad_config = a.config == NULL;
  agent_clear(&a);
  return ok ? DONE : say(&err, bad_config ? BAD_CONFIG : FAILED);
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"config", required_argument, NULL, 'c'},  {"check-config", no_argument, NULL, 'k'},
      {"sample-config", no_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'},
      {"version", no_argument, NULL, 'v'},       {NULL, 0, NULL, 0}};
  const char *config = NULL;
  bool check_only = false;
  if (!cor_wipe_begin() || !match_begin()) {
    fputs("corridor-agent: libcrypto or ICU cannot be made to zero its memory; nothing was started\n",
          stderr);
    return FAILED;
  }
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
    switch (option) {
    case 'c': config = optarg; break;
    case 'k': check_only = true; break;
    case 's': agent_config_sample(stdout); return DONE;
    case 'h':
      fputs(usage, stdout);
      agent_config_sample(stdout);
      return DONE;
    case 'v': puts("corridor-agent " CORRIDOR_VERSION); return DONE;
    default: return USAGE;
    }
  if (config == NULL || optind != argc) {
    fputs("corridor-agent: name the configuration with --config FILE; --help explains\n", stderr);
    return USAGE;
  }
  return check_only ? check(config) : run(config);
}

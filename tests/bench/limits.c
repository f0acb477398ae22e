/* limits.c - what this machine allows at all, measured beside the load.
 *
 * For: tests/bench/run. Synchronous appends to a file, the bare libpq loop over
 * the very rows of a hub (bare.c), and the price of each library call a message
 * needs (parts.c). Prints one JSON object. The database given is emptied again
 * and again: it is never the hub's. Errors are fatal. */
#include "bare.h"
#include "corridor/clock.h"
#include "die.h"
#include "parts.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 512, BLOCK = 4096 };

static void print_syncs(const char *dir, int64_t for_us) {
  char path[PATH_BYTES];
  static char block[BLOCK];
  sample latency = {0};
  snprintf(path, sizeof path, "%s/fsync.probe", dir);
  const int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) die(path, strerror(errno));
  const int64_t begin = cor_clock_monotonic_us();
  int64_t now = begin;
  while (now - begin < for_us) {
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0)
      die(path, strerror(errno));
    sample_add(&latency, cor_clock_monotonic_us() - now);
    now = cor_clock_monotonic_us();
  }
  close(fd);
  unlink(path);
  printf("\"fdatasync\": {\"per_second\": %.1f, ", (double)latency.n * 1e6 / (double)(now - begin));
  sample_print(&latency);
  printf("}");
  sample_clear(&latency);
}

/* clang-format off */
static const bare_plan plans[] = {
    {BARE_COPY, false, 256, 2}, {BARE_COPY, false, 256, 1}, {BARE_COPY, false, 64, 1},
    {BARE_UNNEST, false, 256, 2}, {BARE_UNNEST, false, 256, 1}, {BARE_UNNEST, false, 64, 2},
    {BARE_UNNEST, false, 64, 1}, {BARE_UNNEST, false, 16, 1}, {BARE_UNNEST, false, 1, 1},
    {BARE_COPY, true, 256, 2}, {BARE_COPY, true, 256, 1}, {BARE_COPY, true, 64, 1},
    {BARE_UNNEST, true, 256, 2}, {BARE_UNNEST, true, 256, 1}, {BARE_UNNEST, true, 64, 2},
    {BARE_UNNEST, true, 64, 1}, {BARE_UNNEST, true, 16, 1}, {BARE_UNNEST, true, 1, 1},
};
/* clang-format on */

static void print_bare(bare *b, bare_plan plan, int64_t for_us) {
  bare_result r = {0};
  bare_run(b, plan, for_us, &r);
  const double n = (double)r.messages;
  printf("{\"way\": \"%s\", \"updates\": %s, \"batch\": %zu, \"connections\": %zu, \"per_second\": %.1f, "
         "\"client_us\": %.2f, \"backend_us\": %.2f, ",
         plan.way == BARE_COPY ? "COPY" : "unnest", plan.updates ? "true" : "false", plan.batch,
         plan.connections, n * 1e6 / (double)r.took_us, (double)r.client_us / n, (double)r.backend_us / n);
  sample_print(&r.latency);
  printf("}");
  sample_clear(&r.latency);
}

static void print_rows(const char *hub, const char *conninfo, int64_t for_us) {
  bare *b = bare_new(hub, conninfo);
  sample one = {0};
  bare_run_one_row(b, for_us, &one);
  printf("\"one_row_commit\": {");
  sample_print(&one);
  printf("}, \"rows\": [");
  for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
    if (i) printf(", ");
    print_bare(b, plans[i], for_us);
  }
  printf("]");
  sample_clear(&one);
  bare_destroy(&b);
}

static void print_parts(int64_t for_us) {
  static const struct {
    const char *name;
    double (*cost)(int64_t);
  } parts[] = {{"ecdsa_sign", parts_ecdsa_sign},
               {"ecdsa_verify", parts_ecdsa_verify},
               {"verify_in_batch", parts_verify_in_batch},
               {"sha256", parts_sha256},
               {"protobuf", parts_protobuf},
               {"curve", parts_curve}};
  printf("\"parts_us\": {");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    printf("%s\"%s\": %.3f", i ? ", " : "", parts[i].name, parts[i].cost(for_us));
  printf("}");
}

int main(int argc, char **argv) {
  const long ms = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
  if (ms < 1 || ms > 600000) {
    fprintf(stderr, "bench-limits DIR HUB_CONNINFO EMPTY_CONNINFO MILLISECONDS_EACH\n");
    return 2;
  }
  printf("{");
  print_syncs(argv[1], ms * 1000);
  printf(", ");
  print_parts(ms * 1000);
  printf(", ");
  print_rows(argv[2], argv[3], ms * 1000);
  printf("}\n");
  return 0;
}

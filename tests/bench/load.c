/* load.c - offices that exchange case files as fast as the hub lets them.
 *
 * For: tests/bench/run, on a programme made by bench-crowd. Registration and
 * consent of the cases come first, then the messages are sealed and signed;
 * neither is timed. The program then says "ready" and waits for a line, so that
 * whoever measures the hub's processes can look at them first; keeps messages in
 * flight until all are done (exchange.h), and prints one JSON line. With -m idle
 * it only opens the sessions, says "ready" and stays until its input ends.
 * Fatal: any refusal; a benchmark of refusals measures nothing. */
#include "die.h"
#include "exchange.h"
#include <getopt.h>
#include <string.h>

typedef struct options {
  const char *dir, *endpoint, *clock_file, *mode;
  size_t senders, in_flight, messages, cases, body, batch;
} options;

typedef struct load {
  programme programme;
  exchange x;
  cases *cases;
} load;

static const char usage[] =
    "bench-load -p PROGRAMME -e ENDPOINT [-t DEMO_CLOCK] [-m admitted|delivered|idle] [-s SENDERS]\n"
    "  [-f IN_FLIGHT] [-n MESSAGES] [-c CASES] [-b BODY_BYTES] [-B SIGNATURES_TOGETHER]\n";

static void open_offices(load *l, const options *opt, bool with_recipients) {
  exchange *x = &l->x;
  char id[COR_OFFICE_MAX + 1];
  x->n_senders = opt->senders;
  x->senders = must_have(x->n_senders, sizeof *x->senders);
  for (size_t i = 0; i < x->n_senders; i++) {
    programme_host(i, id);
    office_open(&x->senders[i], &l->programme, id, OFFICE_WINDOW);
  }
  if (with_recipients) x->n_recipients = opt->senders < RECIPIENTS_MAX ? opt->senders : RECIPIENTS_MAX;
  x->recipients = must_have(x->n_recipients, sizeof *x->recipients);
  for (size_t i = 0; i < x->n_recipients; i++) {
    programme_recipient(i, false, id);
    office_open(&x->recipients[i], &l->programme, id, OFFICE_WINDOW);
  }
  for (size_t i = 0; i < x->n_senders; i++)
    office_welcomed(&x->senders[i]);
  for (size_t i = 0; i < x->n_recipients; i++)
    office_welcomed(&x->recipients[i]);
}

/* With less in flight than senders, only so many send. */
static void fill_outboxes(load *l, const options *opt) {
  exchange *x = &l->x;
  const size_t active = opt->in_flight < x->n_senders ? opt->in_flight : x->n_senders;
  const bool away = x->end == EXCHANGE_ADMITTED;
  char to[COR_OFFICE_MAX + 1];
  l->cases = must_have(x->n_senders, sizeof *l->cases);
  x->boxes = must_have(x->n_senders, sizeof *x->boxes);
  cases_make(x->senders, active, away, opt->cases, l->cases);
  for (size_t i = 0; i < active; i++) {
    const size_t n = opt->messages / active + (i < opt->messages % active);
    programme_recipient(i, away, to);
    if (n) outbox_make(&x->boxes[i], &x->senders[i], to, &l->cases[i], n, opt->body, opt->batch);
  }
}

/* "ready", then a line or the end of the input. */
static void wait_for_start(void) {
  int c;
  printf("ready\n");
  fflush(stdout);
  do
    c = getchar();
  while (c != '\n' && c != EOF);
}

static void print_result(load *l, const options *opt, int64_t cpu_us) {
  exchange *x = &l->x;
  const double seconds = (double)x->took_us / 1e6;
  printf("{\"mode\": \"%s\", \"messages\": %zu, \"in_flight\": %zu, \"body\": %zu, \"offices\": %zu, "
         "\"batch\": %zu, \"cases\": %zu, \"seconds\": %.4f, \"per_second\": %.1f, "
         "\"cpu_us_per_message\": %.2f, ",
         opt->mode, x->latency.n, x->allowed, opt->body, x->n_senders, opt->batch, opt->cases, seconds,
         (double)x->latency.n / seconds, (double)cpu_us / (double)x->latency.n);
  sample_print(&x->latency);
  printf("}\n");
  fflush(stdout);
}

static void close_all(load *l) {
  exchange *x = &l->x;
  for (size_t i = 0; i < x->n_senders; i++) {
    if (x->boxes) outbox_clear(&x->boxes[i]);
    if (l->cases) cases_clear(&l->cases[i]);
    office_close(&x->senders[i]);
  }
  for (size_t i = 0; i < x->n_recipients; i++)
    office_close(&x->recipients[i]);
  free(x->senders);
  free(x->recipients);
  free(x->boxes);
  free(l->cases);
  sample_clear(&x->latency);
  programme_close(&l->programme);
}

static bool number(const char *text, size_t least, size_t most, size_t *out) {
  char *end;
  const unsigned long value = strtoul(text, &end, 10);
  *out = value;
  return *text >= '0' && *text <= '9' && *end == 0 && value >= least && value <= most;
}

static bool read_options(int argc, char **argv, options *opt) {
  int c;
  bool ok = true;
  while (ok && (c = getopt(argc, argv, "p:e:t:m:s:f:n:c:b:B:")) != -1) {
    switch (c) {
    case 'p': opt->dir = optarg; break;
    case 'e': opt->endpoint = optarg; break;
    case 't': opt->clock_file = optarg; break;
    case 'm': opt->mode = optarg; break;
    case 's': ok = number(optarg, 1, 2000, &opt->senders); break;
    case 'f': ok = number(optarg, 1, 100000, &opt->in_flight); break;
    case 'n': ok = number(optarg, 1, 10000000, &opt->messages); break;
    case 'c': ok = number(optarg, 1, 1000000, &opt->cases); break;
    case 'b': ok = number(optarg, 1024, COR_PLAIN_MAX, &opt->body); break;
    case 'B': ok = number(optarg, 1, COR_BATCH_MAX, &opt->batch); break;
    default: ok = false;
    }
  }
  return ok && optind == argc && opt->dir && opt->endpoint &&
         (strcmp(opt->mode, "admitted") == 0 || strcmp(opt->mode, "delivered") == 0 ||
          strcmp(opt->mode, "idle") == 0);
}

int main(int argc, char **argv) {
  options opt = {.mode = "admitted",
                 .senders = 1,
                 .in_flight = 1,
                 .messages = 1000,
                 .cases = 256,
                 .body = 4096,
                 .batch = 1};
  load l = {0};
  if (!read_options(argc, argv, &opt)) {
    fputs(usage, stderr);
    return 2;
  }
  const bool idle = strcmp(opt.mode, "idle") == 0;
  l.x.in_flight = opt.in_flight;
  l.x.end = strcmp(opt.mode, "delivered") == 0 ? EXCHANGE_DELIVERED : EXCHANGE_ADMITTED;
  programme_open(&l.programme, opt.dir, opt.endpoint, opt.clock_file);
  open_offices(&l, &opt, l.x.end == EXCHANGE_DELIVERED);
  if (!idle) fill_outboxes(&l, &opt);
  wait_for_start();
  if (!idle) {
    const int64_t cpu_before = sample_cpu_us();
    exchange_run(&l.x);
    print_result(&l, &opt, sample_cpu_us() - cpu_before);
  }
  close_all(&l);
  return 0;
}

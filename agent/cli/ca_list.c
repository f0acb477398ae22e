/* ca_list.c - corridor ca list: the published card list as people read it.
 *
 * Offices first, then what lets them exchange: agreements, the permission table, and
 * the regions to which no return is booked. Guarantees: what is shown is signed by the
 * CA of the same directory; nothing else is printed. Needs no passphrase. */
#include "cli_ca_list.h"
#include "cli_print.h"
#include "corridor/ca.h"
#include "corridor/cards.h"
#include "corridor/clock.h"
#include "corridor/json.h"
#include "corridor/refusal.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A line each; lists whole, however long: an agreement may name 256 offices. */
static void print_lines(FILE *out, const json_t *one, const cli_column *fields, size_t n) {
  for (size_t c = 0; c < n; c++) {
    const json_t *list = json_object_get(one, fields[c].pointer), *item;
    size_t i;
    if (!json_is_array(list)) {
      cli_print_fields(out, one, &fields[c], 1);
      continue;
    }
    fprintf(out, "%s ", fields[c].title);
    json_array_foreach((json_t *)(uintptr_t)list, i, item) {
      const char *text = json_string_value(item);
      fputs(i > 0 ? ", " : " ", out);
      cli_print_text(out, text ? text : "-");
    }
    fputc('\n', out);
  }
}

static void print_each(FILE *out, const char *title, const json_t *list, const cli_column *fields, size_t n) {
  size_t i;
  const json_t *one;
  fprintf(out, "\n%s: %zu\n", title, json_array_size(list));
  json_array_foreach((json_t *)(uintptr_t)list, i, one) {
    if (i > 0) fputc('\n', out);
    print_lines(out, one, fields, n);
  }
}

static void print_list(FILE *out, const Corridor__V1__CardList *shown, const json_t *list) {
  static const cli_column CARDS[] = {
      {"office", "OFFICE", CLI_TEXT},    {"role", "ROLE", CLI_TEXT},
      {"country", "COUNTRY", CLI_TEXT},  {"state", "STATE", CLI_TEXT},
      {"stateSince", "SINCE", CLI_TIME}, {"asylumAuthority", "UNHCR", CLI_TEXT},
      {"name", "NAME", CLI_TEXT}};
  static const cli_column AGREEMENTS[] = {{"id", "Agreement", CLI_TEXT},
                                          {"programme", "Programme", CLI_TEXT},
                                          {"offices", "Offices", CLI_TEXT},
                                          {"categories", "Categories", CLI_TEXT},
                                          {"dpiaReference", "Assessment", CLI_TEXT},
                                          {"childDataProtocol", "Child-data protocol", CLI_TEXT},
                                          {"recordTransferMou", "Record-transfer MoU", CLI_TEXT},
                                          {"validFrom", "From", CLI_TIME},
                                          {"validUntil", "Until", CLI_TIME}};
  static const cli_column PERMISSIONS[] = {{"senders", "From", CLI_TEXT},
                                           {"recipients", "To", CLI_TEXT},
                                           {"compartment", "Function", CLI_TEXT},
                                           {"enter", "May enter", CLI_TEXT},
                                           {"view", "May view", CLI_TEXT}};
  static const cli_column POLICIES[] = {{"scope", "SCOPE", CLI_TEXT}, {"forbidden", "NOT BY", CLI_TEXT}};
  static const cli_column REGIONS[] = {
      {"region", "REGION", CLI_TEXT}, {"since", "SINCE", CLI_TIME}, {"reason", "REASON", CLI_TEXT}};
  char issued[COR_TIME_TEXT], expires[COR_TIME_TEXT];
  fprintf(out, "Card list %llu, issued %s, expires %s\n", (unsigned long long)shown->number,
          cor_time_text(shown->issued_at, issued), cor_time_text(shown->expires_at, expires));
  cli_print_table(out, json_object_get(list, "cards"), CARDS, COUNT(CARDS), "No cards.");
  print_each(out, "Agreements", json_object_get(list, "agreements"), AGREEMENTS, COUNT(AGREEMENTS));
  print_each(out, "Permissions", json_object_get(list, "permissions"), PERMISSIONS, COUNT(PERMISSIONS));
  fputs("\nWays of consenting that are not taken\n", out);
  cli_print_table(out, json_object_get(list, "consentPolicies"), POLICIES, COUNT(POLICIES), "None.");
  fputs("\nRegions under suspension\n", out);
  cli_print_table(out, json_object_get(list, "suspended"), REGIONS, COUNT(REGIONS), "None.");
}

int ca_list_run(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  char path[4096];
  cor_buf bytes = {0};
  X509 *root = NULL;
  cor_cards *cards = NULL;
  json_t *list = NULL;
  const char *dir = cli_args_get(args, "dir");
  snprintf(path, sizeof path, "%s/cardlist", dir);
  bool done = cor_file_read(path, COR_CARDS_MAX, false, &bytes, &err);
  snprintf(path, sizeof path, "%s/ca.crt", dir);
  done = done && (root = cor_cert_from_pem_file(path, &err)) != NULL &&
         (cards = cor_cards_load(cor_buf_view(&bytes), root, &err)) != NULL;
  if (done) list = cor_json_write(&cor_cards_list(cards)->base);
  if (!done)
    cli_error(cli, &err);
  else if (cli->json)
    cli_print_json(cli->out, list);
  else
    print_list(cli->out, cor_cards_list(cards), list);
  json_decref(list);
  cor_cards_destroy(&cards);
  X509_free(root);
  cor_buf_clear(&bytes);
  return done ? CLI_DONE : cor_refusal_of(err.code)->exit;
}

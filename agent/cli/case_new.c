/* case_new.c - the verb "case new": registers a person's case.
 *
 * The agent answers a registration as soon as it has it on disk, and this verb
 * prints the case's handle, the reference number and the withdrawal code before
 * it waits for the hub: whoever is cut off while waiting holds them already.
 * Guarantees: they are printed once, to standard output (and, if asked for, into
 * the slip's file of mode 0600), and go nowhere else;
 * SIGINT, SIGTERM and SIGHUP only end the waiting (exit code 5), and are held
 * back while the agent is being asked, so that no answer is lost on its way;
 * --json is one document, its first members written at once and the document
 * closed when the waiting ends. What cannot be held is SIGKILL between the
 * agent's commit and its answer: then the case has no reader, and is registered
 * anew. Trusts the agent for every rule. */
#include "cli_case_new.h"
#include "cli_hold.h"
#include "cli_http.h"
#include "cli_print.h"
#include <string.h>

const cli_option cli_case_new_options[] = {
    {"origin", "OFFICE", true, "the responsible mission in the country of origin"},
    {"programme", "CODE", true, "the programme, as the data-sharing agreement names it"},
    {"return-type", "TYPE", true, "AVRR, VHR, COVID19_TASK_FORCE or OTHER_VOLUNTARY"},
    {"declared-on", "DATE", true, "day the return declaration was signed, 2026-03-02"},
    {"slip", "LANGUAGE", false, "print the person's slip too: en, fr, es, ar, am, ha"},
    {"slip-telephone", "NUMBER", false, "a number to print on it"},
    {"slip-html", "FILE", false, "write the slip as a page to print, instead of printing it here"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static json_t *request_body(cli_context *cli, const cli_args *args) {
  static const char *const MEMBERS[][2] = {
      {"origin", "origin"},          {"programme", "programme"}, {"return-type", "returnType"},
      {"declared-on", "declaredOn"}, {"slip", "slipLanguage"},   {"slip-telephone", "slipTelephone"}};
  json_t *body = json_object();
  for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
    const char *value = cli_args_get(args, MEMBERS[i][0]);
    if (value && json_object_set_new(body, MEMBERS[i][1], json_string(value)) != 0) {
      json_decref(body);
      (void)cli_usage(cli, "case new", "--%s is not valid UTF-8", MEMBERS[i][0]);
      return NULL;
    }
  }
  return body;
}

/* ---- printing in two parts ---- */

static bool is_identity(const char *name) {
  static const char *const NAMES[] = {"handle", "reference", "withdrawalCode", "slip", "messageId"};
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    if (strcmp(NAMES[i], name) == 0) return true;
  return false;
}

/* The members of an object, with or without its end; before: what is written first. */
static void print_members(FILE *out, const json_t *answer, bool identity, const char *before) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)answer, name, value) {
    if (is_identity(name) != identity) continue;
    fprintf(out, "%s\n  \"%s\": ", before, name); /* names of this program's own agent */
    json_dumpf(value, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    before = ",";
  }
}

/* The page goes to a file of its own; if that fails, what it holds stands above. */
static void print_slip(cli_context *cli, const cli_args *args, const json_t *answer) {
  const json_t *slip = json_object_get(answer, "slip");
  const char *html = json_string_value(json_object_get(slip, "html")),
             *file = cli_args_get(args, "slip-html");
  cor_error err = {0};
  if (!slip) return;
  if (!file) {
    if (!cli->json) fprintf(cli->out, "\n%s\n", json_string_value(json_object_get(slip, "text")));
  } else if (!cor_file_write(file, (cor_bytes){(const uint8_t *)html, strlen(html)}, 0600, &err))
    (void)cli_error(cli, &err);
  else if (!cli->json)
    fputs("The slip is written. Print it for the person, then destroy the file: it holds the code.\n",
          cli->out);
}

static void print_identity(cli_context *cli, const cli_args *args, const json_t *answer) {
  static const cli_column FIELDS[] = {{"reference", "Reference number", CLI_TEXT},
                                      {"withdrawalCode", "Withdrawal code", CLI_TEXT},
                                      {"handle", "Case handle", CLI_TEXT},
                                      {"messageId", "Registration", CLI_TEXT}};
  if (cli->json) {
    print_members(cli->out, answer, true, "{");
  } else {
    cli_print_fields(cli->out, answer, FIELDS, sizeof FIELDS / sizeof *FIELDS);
    fputs(
        "Print the reference and the code for the person now. The code is shown this once and kept nowhere:\n"
        "with both, the person can withdraw consent at any office.\n",
        cli->out);
  }
  print_slip(cli, args, answer);
  fflush(cli->out);
}

static void print_outcome(cli_context *cli, const json_t *outcome) {
  static const cli_column FIELDS[] = {{"state", "State           ", CLI_TEXT}}; /* in line with the others */
  const char *state = json_string_value(json_object_get(outcome, "state"));
  if (cli->json) {
    print_members(cli->out, outcome, false, ",");
    fputs("\n}\n", cli->out);
    return;
  }
  cli_print_fields(cli->out, outcome, FIELDS, sizeof FIELDS / sizeof *FIELDS);
  if (state && strcmp(state, "refused") == 0)
    fputs("The hub did not take the registration: this reference and this code are void.\n", cli->out);
}

/* ---- waiting ---- */

static bool is_queued(const json_t *answer) {
  const char *state = json_string_value(json_object_get(answer, "state"));
  return state && strcmp(state, "queued") == 0;
}

/* What became of the registration, or NULL: nobody can tell yet. */
static json_t *wait_for_hub(cli_context *cli, const cli_args *args, const json_t *answer) {
  const char *id = json_string_value(json_object_get(answer, "messageId"));
  cor_error ignored = {0}; /* it is kept, whatever the agent does now */
  cli_path path = {0};
  long status = 0;
  if (!id || !is_queued(answer)) return NULL;
  cli_path_add(&path, "/v1/messages/");
  cli_path_add_value(&path, id);
  cli_path_add(&path, "/outcome");
  if (!cli_path_add_wait(&path, args, &ignored)) return NULL;
  json_t *outcome = cli_http_wait(cli, &path, &status, &ignored);
  if (outcome && json_object_get(outcome, "state")) return outcome;
  json_decref(outcome);
  return NULL;
}

static int tell(cli_context *cli, const cli_args *args, json_t *answer) {
  int code = CLI_DONE;
  print_identity(cli, args, answer);
  json_t *outcome = wait_for_hub(cli, args, answer);
  if (!outcome) outcome = json_incref(answer);
  print_outcome(cli, outcome);
  if (json_object_get(outcome, "code")) code = cli_error_json(cli, outcome);
  json_decref(outcome);
  return code;
}

int cli_case_new(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0}, unused = {0};
  sigset_t before;
  long status = 0;
  int code;
  if (!cli_path_add_wait(&unused, args, &err)) return cli_usage(cli, "case new", "%s", err.detail);
  if (!cli->agent) return cli_usage(cli, NULL, CLI_NO_AGENT);
  json_t *body = request_body(cli, args);
  if (!body) return CLI_USAGE;
  cli_path_add(&path, "/v1/cases");
  cli_hold_begin(&before);
  json_t *answer = cli_http_call(cli, "POST", &path, body, &status, &err);
  json_decref(body);
  if (!answer)
    code = cli_error(cli, &err);
  else if (!json_object_get(answer, "reference"))
    code = cli_error_json(cli, answer);
  else
    code = tell(cli, args, answer);
  json_decref(answer);
  cli_hold_end(&before);
  return code;
}

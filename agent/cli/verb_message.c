/* verb_message.c - send, inbox, show, export, timeline.
 *
 * Guarantees: a send never reports more than the agent knows: a message is
 * "admitted" only with the hub's receipt, otherwise the exit code is 5. What a
 * message says is shown only to a holder of its compartment's key: without
 * --user, `show` prints the envelope. With --json every answer is the agent's,
 * unchanged; for people, ids and times are put as they are written elsewhere.
 * Trusts the agent for every rule. */
#include "cli_http.h"
#include "cli_print.h"
#include "corridor/codec.h"
#include "corridor/json.h"
#include "corridor/sop.h"
#include "corridor/wipe.h"
#include <string.h>
#include <unistd.h>

static const cli_option SEND_OPTIONS[] = {CLI_WAIT_OPTION, {NULL, NULL, false, NULL}};

static void show_sent(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {{"messageId", "MESSAGE", CLI_TEXT},
                                       {"type", "TYPE", CLI_TEXT},
                                       {"compartment", "COMPARTMENT", CLI_TEXT},
                                       {"state", "STATE", CLI_TEXT},
                                       {"refusal/code", "REASON", CLI_TEXT}};
  const json_t *messages = json_object_get(answer, "messages"), *message;
  size_t i, n = sizeof COLUMNS / sizeof *COLUMNS;
  bool refused = false;
  json_array_foreach((json_t *)(uintptr_t)messages, i, message)
      refused = refused || json_object_get(message, "refusal");
  cli_print_table(out, messages, COLUMNS, refused ? n : n - 1, "Nothing was sent.");
}

static int run_send(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  cli_path_add(&path, "/v1/messages");
  if (!cli_path_add_wait(&path, args, &err)) return cli_usage(cli, "send", "%s", err.detail);
  json_t *body = cli_json_load(args->operands[0], &err);
  if (!body) return cli_error(cli, &err);
  cli_times_to_ms(body);
  return cli_ask(cli, "POST", &path, body, show_sent);
}

static const cli_option INBOX_OPTIONS[] = {
    {"sent", NULL, false, "what this office sent, instead of received"},
    {"case", "CASE", false, "only this case (handle, reference)"},
    {"limit", "N", false, "at most N messages, the newest"},
    {NULL, NULL, false, NULL}};

static void show_received(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {
      {"messageId", "MESSAGE", CLI_TEXT},   {"type", "TYPE", CLI_TEXT},
      {"from", "FROM", CLI_TEXT},           {"compartment", "COMPARTMENT", CLI_TEXT},
      {"receivedAt", "RECEIVED", CLI_TIME}, {"state", "STATE", CLI_TEXT},
      {"late", "LATE", CLI_TEXT},           {"case", "CASE", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "messages"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No messages.");
}

static void show_outbox(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {{"messageId", "MESSAGE", CLI_TEXT},
                                       {"type", "TYPE", CLI_TEXT},
                                       {"to", "TO", CLI_TEXT},
                                       {"compartment", "COMPARTMENT", CLI_TEXT},
                                       {"sentAt", "SENT", CLI_TIME},
                                       {"state", "STATE", CLI_TEXT},
                                       {"late", "LATE", CLI_TEXT},
                                       {"case", "CASE", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "messages"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No messages.");
}

static int run_inbox(cli_context *cli, const cli_args *args) {
  bool sent = cli_args_has(args, "sent");
  cli_path path = {0};
  cli_path_add(&path, "/v1/messages");
  cli_path_add_query(&path, "box", sent ? "out" : "in");
  cli_path_add_query(&path, "case", cli_args_get(args, "case"));
  cli_path_add_query(&path, "limit", cli_args_get(args, "limit"));
  return cli_ask(cli, "GET", &path, NULL, sent ? show_outbox : show_received);
}

/* Replaces a member in the schema's canonical JSON by its readable form; what
 * this program's schema does not know stays as it came. */
static void make_readable(json_t *object, const char *name, const ProtobufCMessageDescriptor *type) {
  cor_error err = {0};
  const json_t *value = json_object_get(object, name);
  ProtobufCMessage *message = value && type ? cor_json_read(type, value, "", &err) : NULL;
  json_t *readable = message ? cor_json_write_readable(message) : NULL;
  if (readable) json_object_set_new(object, name, readable);
  cor_message_free(message);
}

static const ProtobufCMessageDescriptor *body_type(const json_t *answer) {
  const char *type = json_string_value(json_object_get(answer, "type"));
  const char *compartment = json_string_value(json_object_get(answer, "compartment"));
  const cor_sop_row *row = type ? cor_sop_named(type) : NULL;
  const ProtobufCEnumValue *c = compartment ? protobuf_c_enum_descriptor_get_value_by_name(
                                                  &corridor__v1__compartment__descriptor, compartment)
                                            : NULL;
  return row && c ? cor_sop_body(row->type, (Corridor__V1__Compartment)c->value) : NULL;
}

/* On the wire a duty is its code in the SOP table. */
static void name_duty(json_t *content) {
  const json_t *kind = json_object_get(content, "kind");
  const json_int_t code = json_integer_value(kind);
  const bool known = json_is_integer(kind) && code > 0 && code < COR_DUTY_COUNT;
  const cor_duty_row *row = known ? cor_duty_find((cor_duty)code) : NULL;
  if (row) json_object_set_new(content, "kind", json_string(row->name));
}

static void show_one(FILE *out, const json_t *answer) {
  json_t *envelope = json_copy((json_t *)(uintptr_t)answer);
  make_readable(envelope, "header", &corridor__v1__header__descriptor);
  const ProtobufCMessageDescriptor *body = body_type(answer);
  make_readable(envelope, "content", body);
  if (body == &corridor__v1__obligation_notice__descriptor) name_duty(json_object_get(envelope, "content"));
  json_t *content = json_incref(json_object_get(envelope, "content"));
  json_object_del(envelope, "content");
  json_object_del(envelope, "contentError");
  cli_print_contact(out, json_object_get(content, "contact"));
  cli_print_tree(out, envelope, 0);
  if (content) {
    fputs("\ncontent:\n", out);
    cli_print_tree(out, content, 2);
  }
  json_decref(content);
  json_decref(envelope);
}

static int run_show(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  long status = 0;
  int code = CLI_DONE;
  if (!cli->agent) return cli_usage(cli, NULL, CLI_NO_AGENT);
  cli_path_add(&path, "/v1/messages/");
  cli_path_add_value(&path, args->operands[0]);
  json_t *answer = cli_http_call(cli, "GET", &path, NULL, &status, &err);
  if (!answer) return cli_error(cli, &err);
  const json_t *content_error = json_object_get(answer, "contentError");
  if (status != 200) {
    code = cli_error_json(cli, answer);
  } else {
    if (cli->json)
      cli_print_json(cli->out, answer);
    else
      show_one(cli->out, answer);
    if (!cli->json && !cli->user && !json_object_get(answer, "content"))
      fputs("\nThe content is sealed: a holder of the key opens it with --user and --passphrase-fd.\n",
            cli->out);
    /* Whoever asked for the envelope only (no --user) got what they asked for. */
    if (cli->user && json_is_object(content_error)) code = cli_error_json(cli, content_error);
  }
  json_decref(answer);
  return code;
}

static const cli_option EXPORT_OPTIONS[] = {{"out", "FILE", true, "a new file, for this account only (0600)"},
                                            {NULL, NULL, false, NULL}};

static bool write_export(const char *out, const json_t *answer, cor_error *err) {
  char *text = json_dumps(answer, JSON_INDENT(2) | JSON_ENSURE_ASCII);
  if (!text) return cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was written");
  bool ok = cor_file_write(out, (cor_bytes){(const uint8_t *)text, strlen(text)}, 0600, err);
  cor_wipe_free(text);
  return ok;
}

static int run_export(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  long status = 0;
  const char *out = cli_args_get(args, "out");
  if (!cli->agent) return cli_usage(cli, NULL, CLI_NO_AGENT);
  if (!cli->user) return cli_usage(cli, "export", "--user is required: a holder of the message's key");
  if (access(out, F_OK) == 0) {
    (void)cor_fail(&err, COR_CONFLICT, "out", "this file exists already; nothing was exported");
    return cli_error(cli, &err);
  }
  cli_path_add(&path, "/v1/messages/");
  cli_path_add_value(&path, args->operands[0]);
  cli_path_add(&path, "/export");
  json_t *body = json_object(), *answer = cli_http_call(cli, "POST", &path, body, &status, &err);
  int code = CLI_DONE;
  json_decref(body);
  if (!answer)
    code = cli_error(cli, &err);
  else if (status != 200)
    code = cli_error_json(cli, answer);
  else if (!write_export(out, answer, &err))
    code = cli_error(cli, &err);
  else if (!cli->json)
    fputs("Exported. What becomes of the file is now in your hands.\n", cli->out);
  else
    fputs("{\"exported\": true}\n", cli->out);
  json_decref(answer);
  return code;
}

/* The hub's notices stand in a timeline as what they tell: delivered, due-met; an
 * opening as itself, not as the statement of it. */
static bool only_carried_news(const json_t *event) {
  const char *what = json_string_value(json_object_get(event, "event"));
  const char *type = json_string_value(json_object_get(event, "type"));
  if (type && strcmp(type, "AccessStatement") == 0) return true;
  return what && type && strcmp(what, "received") == 0 &&
         (strcmp(type, "EndNotice") == 0 || strcmp(type, "ObligationNotice") == 0);
}

static void show_timeline(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {
      {"at", "AT", CLI_TIME},         {"event", "EVENT", CLI_TEXT},
      {"type", "TYPE", CLI_TEXT},     {"compartment", "COMPARTMENT", CLI_TEXT},
      {"direction", "WAY", CLI_TEXT}, {"peer", "OFFICE", CLI_TEXT},
      {"detail", "DETAIL", CLI_TEXT}};
  json_t *shown = json_array(), *event;
  size_t i;
  json_array_foreach(json_object_get(answer, "events"), i, event) {
    if (!only_carried_news(event)) json_array_append(shown, event);
  }
  cli_print_table(out, shown, COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "Nothing has happened in this case.");
  json_decref(shown);
}

static int run_timeline(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  cli_path_add(&path, "/v1/cases/");
  cli_path_add_value(&path, args->operands[0]);
  cli_path_add(&path, "/timeline");
  return cli_ask(cli, "GET", &path, NULL, show_timeline);
}

const cli_verb cli_message_verbs[] = {
    {"send", "FILE", 1, 1, "seal a message, send it, wait for the hub's receipt",
     "FILE is JSON, or - for standard input:\n"
     "  {\"type\": \"ABN\", \"to\": OFFICE, \"case\": HANDLE or REFERENCE, \"body\": {...}}\n"
     "Types: CaseFile, ABN, AbnConfirm, TicketIssued, DepartureConfirmation, ArrivalNotice,\n"
     "DuplicateQuestion (its answer: `corridor duplicates answer`), ReferralHandover, ServiceReport\n"
     "(offers: `corridor refer`; their answers: `corridor answer`), and ErasureStatement, the answer to a\n"
     "withdrawal (see `corridor due --help`), which goes to the hub, as do SuspensionAnswer, DataRequest\n"
     "and DataStatement (`corridor suspension`, `corridor data`).\n"
     "The body of a CaseFile is {\"casework\": {...}, \"operations\": {...}, \"health\": {...}}; each part\n"
     "becomes a message of its own, readable only by that function of the recipient. Times may be written\n"
     "2026-03-13T10:00Z. Optional members: consent, basis, purpose, categories, inReplyTo, eventAt,\n"
     "outcome, expiresAt; what they leave open follows from the SOP table and the body. A basis in place of\n"
     "consent: `corridor exceptions --help`.\n"
     "A wrong field ends with exit code 3 and its place, as /body/casework/name. A refusal ends with 4.\n"
     "Without a receipt in time the message is kept and goes out later: exit code 5.\n"
     "Health and trafficking data on its way to a provider or an authority needs two holders of the\n"
     "message's compartment: --user and --second, whose passphrases are read in this order, a line each.",
     "corridor send case-file.json --wait 30", SEND_OPTIONS, run_send},
    {"inbox", "", 0, 0, "list messages received (or sent)", NULL,
     "corridor inbox --case GS8Z-6BTX-3HZ0-HBH7-02 --limit 20", INBOX_OPTIONS, run_inbox},
    {"show", "MESSAGE", 1, 1, "show one message; with --user, what it says",
     "MESSAGE is an id from `corridor inbox`. Opening needs a holder of the message's compartment:\n"
     "  corridor --user amina --passphrase-fd 3 show MESSAGE 3<FILE\n"
     "The opening is recorded.",
     "corridor --user amina show 019cadfd-899b-7a07-8547-945d85d86c9f", NULL, run_show},
    {"export", "MESSAGE", 1, 1, "write what a message says to a file",
     "For a file that must leave the agent: the person's own copy, a court. Health and trafficking content\n"
     "needs two holders of its compartment (--user, --second). The timeline keeps who exported it.",
     "corridor --user amina --second moussa export 019cadfd-899b-7a07-8547-945d85d86c9f --out copy.json",
     EXPORT_OPTIONS, run_export},
    {"timeline", "CASE", 1, 1, "what happened in a case, oldest first",
     "CASE is a handle or a reference number. What the hub reports stands as what it tells (delivered,\n"
     "due-met); its notices themselves are in `corridor inbox` and in --json.",
     "corridor timeline GS8Z-6BTX-3HZ0-HBH7-02", NULL, run_timeline},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

/* verb_data.c - suspension confirm and lift; data rectify, restrict, release and
 * answer: what follows a person's word about what was told.
 *
 * Each is one record for the hub, sent like any message. Guarantees: lifting names a
 * ground of the closed list; a correction names what it replaces; an answer is to the
 * notice that was shown, and speaks of all it named. Trusts the agent for every rule. */
#include "cli_http.h"
#include "cli_print.h"
#include "corridor/codec.h"
#include "corridor/id.h"
#include <openssl/crypto.h>
#include <string.h>

static void show_sent(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {{"messageId", "RECORD", CLI_TEXT},
                                       {"type", "TYPE", CLI_TEXT},
                                       {"state", "STATE", CLI_TEXT},
                                       {"refusal/code", "REASON", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "messages"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "Nothing was sent.");
}

/* Takes body, which may be NULL (no memory, or bad UTF-8). */
static int send_record(cli_context *cli, const cli_args *args, const char *verb, const char *type,
                       const char *name, json_t *body, const char *reply) {
  cor_error err = {0};
  cli_path path = {0};
  cli_path_add(&path, "/v1/messages");
  if (!cli_path_add_wait(&path, args, &err)) {
    json_decref(body);
    return cli_usage(cli, verb, "%s", err.detail);
  }
  json_t *request = body ? json_pack("{s:s, s:s, s:o, s:s*}", "type", type, "case", name, "body", body,
                                     "inReplyTo", reply)
                         : NULL;
  if (!request) return cli_usage(cli, verb, "a value is not valid UTF-8");
  return cli_ask(cli, "POST", &path, request, show_sent);
}

/* ---- suspension ---- */

static const cli_option CONFIRM_OPTIONS[] = {CLI_WAIT_OPTION, {NULL, NULL, false, NULL}};
static const cli_option LIFT_OPTIONS[] = {
    {"ground", "GROUND", true, "PERSON_DENIES, NOT_THIS_PERSON, MISTAKE or WITHDRAWN_IN_PART"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static int run_confirm(cli_context *cli, const cli_args *args) {
  return send_record(cli, args, "suspension confirm", "SuspensionAnswer", args->operands[0],
                     json_pack("{s:s}", "outcome", "CONFIRMED"), NULL);
}

static int run_lift(cli_context *cli, const cli_args *args) {
  return send_record(cli, args, "suspension lift", "SuspensionAnswer", args->operands[0],
                     json_pack("{s:s, s:s}", "outcome", "LIFTED", "ground", cli_args_get(args, "ground")),
                     NULL);
}

/* ---- data ---- */

static const cli_option RECTIFY_OPTIONS[] = {
    {"message", "ID", true, "the message that was wrong; may be given several times"},
    {"by", "ID", true, "the corrected message, sent before to the same office"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};
static const cli_option RESTRICT_OPTIONS[] = {
    {"message", "ID", false, "only this message; may be given several times (else all of the case)"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static json_t *id_of(const char *text) {
  uint8_t id[COR_ID_LEN];
  char hex[COR_HEX32_TEXT];
  return cor_id_parse(text, id) ? json_string(cor_hex((cor_bytes){id, sizeof id}, hex, sizeof hex)) : NULL;
}

/* NULL: one of them is no id. */
static json_t *ids_of(const cli_args *args) {
  json_t *list = json_array();
  const char *text;
  for (size_t i = 0; list && (text = cli_args_nth(args, "message", i)) != NULL; i++) {
    json_t *id = id_of(text);
    if (id && json_array_append_new(list, id) == 0) continue;
    json_decref(list);
    list = NULL;
  }
  return list;
}

static int run_request(cli_context *cli, const cli_args *args, const char *verb, const char *action) {
  const char *by = cli_args_get(args, "by");
  json_t *ids = ids_of(args), *replacement = by ? id_of(by) : NULL;
  if (!ids || (by && !replacement)) {
    json_decref(ids);
    json_decref(replacement);
    return cli_usage(cli, verb, "a message is named by its id, from `corridor inbox --sent`");
  }
  return send_record(
      cli, args, verb, "DataRequest", args->operands[0],
      json_pack("{s:s, s:o, s:o*}", "action", action, "messageIds", ids, "replacementId", replacement), NULL);
}

static int run_rectify(cli_context *cli, const cli_args *args) {
  return run_request(cli, args, "data rectify", "RECTIFIED");
}
static int run_restrict(cli_context *cli, const cli_args *args) {
  return run_request(cli, args, "data restrict", "RESTRICTED");
}
static int run_release(cli_context *cli, const cli_args *args) {
  return run_request(cli, args, "data release", "RESTRICTION_LIFTED");
}

static const cli_option ANSWER_OPTIONS[] = {
    {"not-done", "GROUND", false,
     "NOT_DONE_LEGAL_OBLIGATION, NOT_DONE_LEGAL_CLAIM, NOT_DONE_VITAL_INTEREST or NOT_HELD (else: done)"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static int answer_notice(cli_context *cli, const cli_args *args, const json_t *notice) {
  const char *ground = cli_args_get(args, "not-done");
  const char *type = json_string_value(json_object_get(notice, "type"));
  const char *handle = json_string_value(json_object_get(notice, "case"));
  json_t *ids = json_object_get(json_object_get(notice, "content"), "messageIds");
  if (!type || !handle || strcmp(type, "DataNotice") != 0)
    return cli_usage(cli, "data answer", "that message is no DataNotice; see `corridor inbox`");
  if (!ids)
    return cli_usage(cli, "data answer",
                     "that notice is about sealed messages: a holder answers it, with --user");
  return send_record(cli, args, "data answer", "DataStatement", handle,
                     json_pack("{s:O, s:s, s:s*}", "messageIds", ids, "outcome", ground ? "NOT_DONE" : "DONE",
                               "ground", ground),
                     args->operands[0]);
}

static void forget(cli_context *cli) {
  OPENSSL_cleanse(cli->keep, COR_PASSPHRASE_MAX + 1);
  cli->keep = NULL;
}

static int run_answer(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  long status = 0;
  char passphrase[COR_PASSPHRASE_MAX + 1] = ""; /* to look, and to answer */
  if (!cli->agent) return cli_usage(cli, NULL, CLI_NO_AGENT);
  cli->keep = passphrase;
  cli_path_add(&path, "/v1/messages/");
  cli_path_add_value(&path, args->operands[0]);
  json_t *notice = cli_http_call(cli, "GET", &path, NULL, &status, &err);
  if (!notice) {
    forget(cli);
    return cli_error(cli, &err);
  }
  int code = status == 200 ? answer_notice(cli, args, notice) : cli_error_json(cli, notice);
  json_decref(notice);
  forget(cli);
  return code;
}

const cli_verb cli_data_verbs[] = {
    {"suspension confirm", "CASE", 1, 1, "the person does withdraw: everything is withdrawn now",
     "Somebody brought the person's word without the withdrawal code: `corridor due` shows \"Answer to the\n"
     "suspension due\". What stands on consent waits until you have asked the person and answered.",
     "corridor suspension confirm GS8Z-6BTX-3HZ0-HBH7-02", CONFIRM_OPTIONS, run_confirm},
    {"suspension lift", "CASE", 1, 1, "the person does not withdraw: what waited goes on",
     "Grounds: PERSON_DENIES (you asked, and the person wants the consent to stand), NOT_THIS_PERSON,\n"
     "MISTAKE; WITHDRAWN_IN_PART when the person takes back a part: record that first with `corridor\n"
     "withdraw CASE --recipient OFFICE` or `--purpose PURPOSE`.",
     "corridor suspension lift GS8Z-6BTX-3HZ0-HBH7-02 --ground PERSON_DENIES", LIFT_OPTIONS, run_lift},
    {"data rectify", "CASE", 1, 1, "tell who received a message which one corrects it",
     "Send the corrected message first, like any other. Then name what it replaces: the same office, type\n"
     "and compartment. Its recipient has 72 hours to answer.",
     "corridor data rectify GS8Z-6BTX-3HZ0-HBH7-02 --message 019cadfd-899b-7a07-8547-945d85d86c9f --by "
     "019cae02-11d3-7c52-9a4e-0b6a6f1d7e35",
     RECTIFY_OPTIONS, run_rectify},
    {"data restrict", "CASE", 1, 1, "bid who received data of the case not to use it for now",
     "Without --message it is all of the case, to every office that ever received any of it; only the\n"
     "missions of the case may ask that. Each has 72 hours to answer.",
     "corridor data restrict GS8Z-6BTX-3HZ0-HBH7-02", RESTRICT_OPTIONS, run_restrict},
    {"data release", "CASE", 1, 1, "lift such a restriction",
     "Name the same messages as in the restriction, or none.", "corridor data release GS8Z-6BTX-3HZ0-HBH7-02",
     RESTRICT_OPTIONS, run_release},
    {"data answer", "NOTICE", 1, 1, "answer a correction or a restriction: done, or why not",
     "NOTICE is a DataNotice of `corridor inbox`. \"Done\" says that it is done in your own files and\n"
     "wherever this office passed it on.",
     "corridor data answer 019cadfd-899b-7a07-8547-945d85d86c9f", ANSWER_OPTIONS, run_answer},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

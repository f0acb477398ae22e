/* verb_consent.c - consents as people give them: recorded with their form and
 * evidence, listed, opened for a holder, exported, and the slip a person takes along.
 *
 * Guarantees: evidence is read whole before the agent is asked, and is written only
 * to a new file of mode 0600; what is safe for the person is printed before what
 * makes contact possible. Trusts the agent for every rule. */
#include "cli_http.h"
#include "cli_print.h"
#include "corridor/consent.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EVIDENCE_BYTES_MAX = 5 * 1024 * 1024 / 2 };

/* ---- recording ---- */

static const cli_option RECORD_OPTIONS[] = {
    {"scan", "FILE", false, "the signed form, scanned; goes sealed into this office's store"},
    {"recording", "FILE", false, "the person's voice; likewise"},
    {"note", "FILE", false, "the note of a call; likewise"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static json_t *base64_json(const cor_buf *file) {
  const size_t room = (file->len + 2) / 3 * 4 + 1;
  unsigned char *text = malloc(room);
  if (!text) return NULL;
  const int len = EVP_EncodeBlock(text, file->data, (int)file->len);
  json_t *value = json_stringn((const char *)text, (size_t)len);
  OPENSSL_cleanse(text, room);
  free(text);
  return value;
}

static bool add_file(json_t *list, const char *kind, const char *path, cor_error *err) {
  cor_buf file = {0};
  if (!cor_file_read(path, EVIDENCE_BYTES_MAX, false, &file, err)) {
    if (err->code == COR_INTERNAL) err->code = COR_BAD_INPUT;
    return false;
  }
  json_t *data = base64_json(&file);
  cor_buf_clear(&file);
  return (data && json_array_append_new(list, json_pack("{s:s, s:o}", "kind", kind, "data", data)) == 0) ||
         cor_fail(err, COR_INTERNAL, "", "out of memory");
}

/* The files of the command line, after what the request itself lists. */
static bool add_evidence(json_t *body, const cli_args *args, cor_error *err) {
  static const char *const KINDS[][2] = {
      {"scan", "SCAN"}, {"recording", "RECORDING"}, {"note", "NOTE_OF_CALL"}};
  json_t *list = json_object_get(body, "evidence");
  const char *path;
  for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++)
    for (size_t i = 0; (path = cli_args_nth(args, KINDS[k][0], i)) != NULL; i++) {
      if (!list && json_object_set_new(body, "evidence", list = json_array()) != 0) return false;
      if (!add_file(list, KINDS[k][1], path, err)) return false;
    }
  return true;
}

static void show_recorded(FILE *out, const json_t *answer) {
  static const cli_column FIELDS[] = {
      {"consentId", "Consent", CLI_TEXT}, {"messageId", "Record", CLI_TEXT}, {"state", "State", CLI_TEXT}};
  cli_print_fields(out, answer, FIELDS, sizeof FIELDS / sizeof *FIELDS);
}

static int run_record(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  cli_path_add(&path, "/v1/consents");
  if (!cli_path_add_wait(&path, args, &err)) return cli_usage(cli, "consent", "%s", err.detail);
  json_t *body = cli_json_load(args->operands[0], &err);
  if (!body) return cli_error(cli, &err);
  if (!add_evidence(body, args, &err)) {
    json_decref(body);
    return cli_error(cli, &err);
  }
  cli_times_to_ms(body);
  return cli_ask(cli, "POST", &path, body, show_recorded);
}

/* ---- looking ---- */

static const cli_option LIST_OPTIONS[] = {
    {"case", "CASE", false, "only this case (handle, reference)"},
    {"soon", NULL, false, "only those that run out within 30 days, or did in the last 30"},
    {NULL, NULL, false, NULL}};

static void show_list(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {
      {"consentId", "CONSENT", CLI_TEXT}, {"version", "VERSION", CLI_TEXT},
      {"state", "STATE", CLI_TEXT},       {"validFrom", "FROM", CLI_TIME},
      {"validUntil", "UNTIL", CLI_TIME},  {"withdrawnAt", "WITHDRAWN", CLI_TIME},
      {"case", "CASE", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "consents"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No consents.");
}

static int run_list(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  cli_path_add(&path, "/v1/consents");
  cli_path_add_query(&path, "case", cli_args_get(args, "case"));
  cli_path_add_query(&path, "soon", cli_args_has(args, "soon") ? "1" : NULL);
  return cli_ask(cli, "GET", &path, NULL, show_list);
}

static void show_one(FILE *out, const json_t *answer) {
  cli_print_contact(out, json_object_get(json_object_get(answer, "form"), "safeContact"));
  cli_print_tree(out, answer, 0);
}

static void consent_path(cli_path *path, const cli_args *args, const char *more) {
  cli_path_add(path, "/v1/consents/");
  cli_path_add_value(path, args->operands[0]);
  cli_path_add(path, more);
}

static int run_show(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  consent_path(&path, args, "");
  return cli_ask(cli, "GET", &path, NULL, show_one);
}

static void show_json(FILE *out, const json_t *answer) {
  cli_print_json(out, answer);
}

static int run_export(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  consent_path(&path, args, "/iso27560");
  return cli_ask(cli, "GET", &path, NULL, show_json);
}

/* ---- what may be asked ---- */

/* The names of the bits of an enum, without its zero. */
static json_t *names_of(const ProtobufCEnumDescriptor *type, unsigned bits) {
  json_t *list = json_array();
  for (unsigned i = 0; i < type->n_values; i++)
    if (type->values[i].value > 0 && (bits & COR_BIT(type->values[i].value)))
      json_array_append_new(list, json_string(type->values[i].name));
  return list;
}

static json_t *scope_json(const cor_scope_row *row) {
  const ProtobufCEnumValue *name = protobuf_c_enum_descriptor_get_value(
      &corridor__v1__consent_scope_code__descriptor, (int)row->scope);
  return json_pack("{s:s, s:o, s:o, s:s, s:s}", "scope", name ? name->name : "", "purposes",
                   names_of(&corridor__v1__purpose__descriptor, row->purposes), "methods",
                   names_of(&corridor__v1__consent_method__descriptor, row->methods), "asks",
                   row->of_child     ? "guardian and child"
                   : row->names_plan ? "version of the plan"
                                     : "",
                   "rule", row->cite);
}

static int run_scopes(cli_context *cli, const cli_args *args) {
  static const cli_column COLUMNS[] = {{"scope", "SCOPE", CLI_TEXT},
                                       {"purposes", "PURPOSES", CLI_TEXT},
                                       {"methods", "HOW", CLI_TEXT},
                                       {"asks", "ASKS FOR", CLI_TEXT},
                                       {"rule", "RULE", CLI_TEXT}};
  const cor_scope_row *row;
  json_t *rows = json_array();
  (void)args;
  for (size_t i = 0; (row = cor_scope_at(i)) != NULL; i++)
    json_array_append_new(rows, scope_json(row));
  if (cli->json) {
    json_t *answer = json_pack("{s:O}", "scopes", rows);
    cli_print_json(cli->out, answer);
    json_decref(answer);
  } else
    cli_print_table(cli->out, rows, COLUMNS, sizeof COLUMNS / sizeof *COLUMNS, "");
  json_decref(rows);
  return CLI_DONE;
}

/* ---- evidence ---- */

static const cli_option EVIDENCE_OPTIONS[] = {
    {"n", "N", false, "which piece, as the form lists them; 0, the first, if not given"},
    {NULL, NULL, false, NULL}};

/* The bytes in the answer, to a file that must be new. */
static bool write_evidence(const json_t *answer, const char *path, cor_error *err) {
  const char *text = json_string_value(json_object_get(answer, "data"));
  const size_t len = json_string_length(json_object_get(answer, "data"));
  struct stat st;
  if (!text || len == 0 || len % 4 != 0)
    return cor_fail(err, COR_INTERNAL, "", "the agent's answer has no data");
  if (stat(path, &st) == 0) return cor_fail(err, COR_BAD_INPUT, path, "the file exists; nothing was written");
  unsigned char *bytes = malloc(len / 4 * 3);
  if (!bytes) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  const int got = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len) - (text[len - 1] == '=') -
                  (text[len - 2] == '=');
  bool ok = got > 0 ? cor_file_write(path, (cor_bytes){bytes, (size_t)got}, 0600, err)
                    : cor_fail(err, COR_INTERNAL, "", "the agent's answer is not base64");
  OPENSSL_cleanse(bytes, len / 4 * 3);
  free(bytes);
  return ok;
}

static int run_evidence(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  int64_t n = 0;
  long status = 0;
  if (!cli->agent) return cli_usage(cli, NULL, CLI_NO_AGENT);
  if (!cli_args_number(args, "n", 0, 0, 7, &n, &err))
    return cli_usage(cli, "consent evidence", "%s", err.detail);
  const char piece[] = {(char)('0' + n), '\0'};
  consent_path(&path, args, "/evidence");
  cli_path_add_query(&path, "n", piece);
  json_t *answer = cli_http_call(cli, "GET", &path, NULL, &status, &err);
  if (!answer) return cli_error(cli, &err);
  int code = CLI_DONE;
  if (json_object_get(answer, "code"))
    code = cli_error_json(cli, answer);
  else if (!write_evidence(answer, args->operands[1], &err))
    code = cli_error(cli, &err);
  else if (!cli->json) {
    fputs("Written, readable for you alone. Destroy it when it has served: ", cli->out);
    cli_print_text(cli->out, args->operands[1]);
    fputs("\n", cli->out);
  }
  json_decref(answer);
  return code;
}

/* ---- the slip ---- */

static const cli_option SLIP_OPTIONS[] = {
    {"in", "LANGUAGE", true, "the person's language: en, fr, es, ar, am, ha"},
    {"telephone", "NUMBER", false, "to be printed on it"},
    {"html", "FILE", false, "write a page to print, instead of plain text"},
    {NULL, NULL, false, NULL}};

static int print_slip(cli_context *cli, const json_t *answer, const char *html) {
  cor_error err = {0};
  const char *page = json_string_value(json_object_get(answer, "html"));
  if (json_object_get(answer, "code")) return cli_error_json(cli, answer);
  if (!html) {
    if (cli->json)
      cli_print_json(cli->out, answer);
    else
      fputs(json_string_value(json_object_get(answer, "text")), cli->out);
    return CLI_DONE;
  }
  if (!page || !cor_file_write(html, (cor_bytes){(const uint8_t *)page, strlen(page)}, 0600, &err))
    return cli_error(cli, &err);
  if (!cli->json) fputs("Print it for the person, then destroy the file: it holds the code.\n", cli->out);
  return CLI_DONE;
}

static int run_slip(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  char code[COR_PASSPHRASE_MAX + 1];
  long status = 0;
  if (!cli->agent) return cli_usage(cli, NULL, CLI_NO_AGENT);
  if (!cli_secret_read(cli, "Withdrawal code: ", code, &err)) return cli_error(cli, &err);
  cli_path_add(&path, "/v1/slips");
  json_t *body = json_pack("{s:s, s:s, s:s, s:s*}", "reference", args->operands[0], "code", code,
                           "slipLanguage", cli_args_get(args, "in"), "slipTelephone",
                           cli_args_get(args, "telephone"));
  OPENSSL_cleanse(code, sizeof code);
  if (!body) return cli_usage(cli, "slip", "number, code, language or telephone is not valid UTF-8");
  json_t *answer = cli_http_call(cli, "POST", &path, body, &status, &err);
  json_decref(body);
  if (!answer) return cli_error(cli, &err);
  const int done = print_slip(cli, answer, cli_args_get(args, "html"));
  json_decref(answer);
  return done;
}

const cli_verb cli_consent_verbs[] = {
    {"consent list", "", 0, 0, "the consents this office took, and which run out",
     "States: standing, runs-out (within 30 days: ask the person again), expired, withdrawn, not-yet.\n"
     "Consents to share health or protection data are listed for who holds that key (--user).",
     "corridor consent list --soon", LIST_OPTIONS, run_list},
    {"consent show", "CONSENT", 1, 1, "one consent; with --user how it was given, and how to make contact",
     NULL, "corridor --user awa consent show 4bb8d2bebd067ac88e96c4a4b883b4c6", NULL, run_show},
    {"consent evidence", "CONSENT FILE", 2, 2, "open a scan or recording into a new file", NULL,
     "corridor --user awa consent evidence 4bb8d2bebd067ac88e96c4a4b883b4c6 form.pdf", EVIDENCE_OPTIONS,
     run_evidence},
    {"consent export", "CONSENT", 1, 1, "the consent in the shape of ISO/IEC TS 27560",
     "With --user also how it was given; names of givers are left out. `corridor consent` takes it back as\n"
     "  {\"case\": CASE, \"iso27560\": what was exported, \"form\": what it has no place for}.",
     "corridor consent export 4bb8d2bebd067ac88e96c4a4b883b4c6", NULL, run_export},
    {"consent scopes", "", 0, 0, "what may be asked for which purpose, and how", NULL,
     "corridor consent scopes", NULL, run_scopes},
    {"consent", "FILE", 1, 1, "record a consent the person gave",
     "FILE is JSON, or - for standard input:\n"
     "  {\"case\": HANDLE or REFERENCE,\n"
     "   \"consent\": {\"validFrom\": \"2026-03-02\",\n"
     "     \"scopes\": [{\"scope\": \"RETURN_AND_DATA\", \"purpose\": \"RETURN_PREPARATION\",\n"
     "        \"categories\": [\"OPERATIONAL\", \"BIODATA\", ...],\n"
     "        \"recipientOffice\": \"gn-conakry\" or \"recipientRole\": \"ROLE_SERVICE_PROVIDER\",\n"
     "        \"onward\": true if the recipient may share further under its own gate}]},\n"
     "   \"form\": {\"givers\": [{\"role\": \"SELF\"}], \"method\": \"WRITTEN\", \"language\": \"fr\",\n"
     "     \"formVersion\": \"declaration 2025-11\", \"givenOn\": \"2026-03-02\",\n"
     "     \"safeContact\": {\"phone\": ..., \"safeHours\": ..., \"whoMayAnswer\": ...} or {\"noMessage\": "
     "true},\n"
     "     \"toldWhyAndHow\": true, \"toldOfWithdrawal\": true},\n"
     "   \"evidence\": [{\"kind\": \"PAPER_IN_FILE\", \"keptAt\": \"cabinet 3\"}]}\n"
     "The form and its evidence stay here, sealed; the hub gets the record and the form's digest. A child's\n"
     "form says minor, majorityOn, viewOfChild and names who consents for it. validUntil may be left out. A\n"
     "new version has the same consentId and a higher version. An office whose own system keeps the forms\n"
     "leaves form out and gives validUntil and evidenceSha256 in consent. `corridor consent scopes`\n"
     "lists what may be asked.",
     "corridor consent consent.json --scan form.pdf", RECORD_OPTIONS, run_record},
    {"slip", "REFERENCE", 1, 1, "the paper a person takes along: number and code, in their language",
     "The code is read from the terminal or --passphrase-fd, a line. The slip names no office and no\n"
     "programme, and does not tell a bystander what it is for.",
     "corridor slip GS8Z-6BTX-3HZ0-HBH7-02 --in ar --html slip.html", SLIP_OPTIONS, run_slip},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

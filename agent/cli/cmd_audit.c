/* cmd_audit.c - corridor audit report: who was told what of a case, and why; audit
 * exceptions: what was told without consent, and whether that was accounted for; audit
 * permissions: what changed of who may tell whom what.
 *
 * For oversight, and for the person whose case it is. Reads the hub's stable
 * views (oversight.disclosure, .access, .refusal, .exception, .case_reference,
 * .permission_change) and nothing
 * else, in one read-only transaction, so that the report is of one moment. Values go to
 * the server as parameters. Guarantees: prints codes, offices and times; the
 * hub knows no name and no content. A database error is fatal to the report:
 * no half of it is printed. Trusts the connection string's server. */
#include "cli.h"
#include "cli_http.h"
#include "cli_print.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

static const cli_option REPORT_OPTIONS[] = {
    {"case", "CASE", true, "the case's handle (32 hex digits) or reference number"},
    {"db", "CONNINFO", false, "the hub's database (else $CORRIDOR_DB)"},
    {NULL, NULL, false, NULL}};
static const cli_option PERMISSIONS_OPTIONS[] = {
    {"db", "CONNINFO", false, "the hub's database (else $CORRIDOR_DB)"}, {NULL, NULL, false, NULL}};

static const cli_option EXCEPTIONS_OPTIONS[] = {
    {"case", "CASE", false, "of this case only: its handle (32 hex digits) or reference number"},
    {"db", "CONNINFO", false, "the hub's database (else $CORRIDOR_DB)"},
    {NULL, NULL, false, NULL}};

/* Times as RFC 3339 in UTC, whatever the server's settings. */
#define AT(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
static const char DISCLOSURES[] =
    "SELECT record::text, message::text, recipient, recipient_name AS \"recipientName\", sender, "
    "sender_name AS \"senderName\", type, array_to_string(categories, ', ') AS categories, purpose, basis, "
    "consent, agreement, " AT("admitted") "AS admitted, " AT("claimed") "AS claimed, " AT(
        "delivered") "AS delivered, receipt "
                     "FROM oversight.disclosure WHERE "
                     "case_handle = $1 ORDER BY claimed, "
                     "record";
static const char REFUSALS[] = "SELECT " AT("at") "AS at, message::text, sender, recipient, type, code "
                                                  "FROM oversight.refusal WHERE case_handle = $1 ORDER BY "
                                                  "oversight.refusal.at, message";
static const char ACCESSES[] =
    "SELECT " AT("opened") "AS opened, message::text, office, office_name AS \"officeName\","
                           " type, array_to_string(categories, ', ') AS categories, kind, record::text"
                           " FROM oversight.access WHERE case_handle = $1"
                           " ORDER BY oversight.access.opened, oversight.access.record";
static const char EXCEPTIONS[] =
    "SELECT message::text, handle, sender, recipient, type, array_to_string(categories, ', ') AS categories, "
    "basis, " AT("admitted") "AS admitted, " AT("claimed") "AS claimed, " AT(
        "counter_signed") "AS \"counterSigned\", " AT("reviewed") "AS reviewed, result, late "
                                                                  "FROM oversight.exception WHERE $1::text "
                                                                  "IS NULL OR case_handle = $1 "
                                                                  "ORDER BY oversight.exception.admitted, "
                                                                  "message";
static const char CHANGES[] =
    "SELECT " AT("at") "AS at, record::text, card_list::text AS \"cardList\", part, "
                       "change, subject, array_to_string(categories, ', ') AS "
                       "categories FROM oversight.permission_change ORDER BY "
                       "oversight.permission_change.record";
static const char BY_REFERENCE[] = "SELECT handle FROM oversight.case_reference WHERE reference_hash = $1";
static const char BY_HANDLE[] = "SELECT handle FROM oversight.case_reference WHERE handle = $1";

static bool pg_fail(PGconn *db, cor_error *err) {
  const char *text = PQerrorMessage(db);
  return cor_fail(err, COR_INTERNAL, "db", "%.*s", (int)strcspn(text, "\n"), text);
}

/* Rows as an array of objects by column name; NULL on error. parameter: $1, where the
 * query has one; NULL is SQL's null. */
static json_t *query_rows(PGconn *db, const char *sql, const char *parameter, cor_error *err) {
  PGresult *result = PQexecParams(db, sql, strstr(sql, "$1") != NULL, NULL, &parameter, NULL, NULL, 0);
  json_t *rows = NULL;
  if (PQresultStatus(result) != PGRES_TUPLES_OK) {
    (void)pg_fail(db, err);
    goto done;
  }
  rows = json_array();
  for (int r = 0; r < PQntuples(result); r++) {
    json_t *row = json_object();
    for (int c = 0; c < PQnfields(result); c++)
      json_object_set_new(row, PQfname(result, c),
                          PQgetisnull(result, r, c) ? json_null() : json_string(PQgetvalue(result, r, c)));
    json_array_append_new(rows, row);
  }
done:
  PQclear(result);
  return rows;
}

/* The case's handle as hex from what the person typed. */
static bool find_handle(PGconn *db, const char *name, char out[COR_HEX32_TEXT], cor_error *err) {
  uint8_t handle[COR_ID_LEN], hash[COR_HASH_LEN];
  char reference[COR_REFERENCE_TEXT], hex[COR_HEX64_TEXT], parameter[COR_HEX64_TEXT + 2];
  if (cor_id_parse(name, handle)) {
    cor_hex((cor_bytes){handle, sizeof handle}, out, COR_HEX32_TEXT);
    return true;
  }
  if (!cor_reference_parse(name, reference))
    return cor_fail(err, COR_BAD_INPUT, "case", "neither a handle (32 hex digits) nor a reference number");
  cor_reference_hash(reference, hash);
  snprintf(parameter, sizeof parameter, "\\x%s", cor_hex((cor_bytes){hash, sizeof hash}, hex, sizeof hex));
  json_t *rows = query_rows(db, BY_REFERENCE, parameter, err);
  if (!rows) return false;
  const char *found = json_string_value(json_object_get(json_array_get(rows, 0), "handle"));
  bool done = found && cor_id_parse(found, handle);
  if (done)
    cor_hex((cor_bytes){handle, sizeof handle}, out, COR_HEX32_TEXT);
  else
    (void)cor_fail(err, COR_NO_SUCH_CASE, "case", "no case of this reference is registered");
  json_decref(rows);
  return done;
}

static void print_disclosure(FILE *out, const json_t *row) {
  static const cli_column FIELDS[] = {
      {"recipientName", "told", CLI_TEXT},  {"recipient", "office", CLI_TEXT},
      {"senderName", "by", CLI_TEXT},       {"categories", "what", CLI_TEXT},
      {"purpose", "why", CLI_TEXT},         {"basis", "basis", CLI_TEXT},
      {"consent", "consent", CLI_TEXT},     {"agreement", "agreement", CLI_TEXT},
      {"admitted", "admitted", CLI_TEXT},   {"claimed", "released", CLI_TEXT},
      {"delivered", "delivered", CLI_TEXT}, {"receipt", "receipt", CLI_TEXT},
      {"message", "message", CLI_TEXT}};
  const char *record = json_string_value(json_object_get(row, "record"));
  const char *type = json_string_value(json_object_get(row, "type"));
  fprintf(out, "\nrecord %s: ", record ? record : "-");
  cli_print_text(out, type ? type : "-");
  fputc('\n', out);
  cli_print_fields(out, row, FIELDS, sizeof FIELDS / sizeof *FIELDS);
}

static void print_accesses(FILE *out, const json_t *accesses) {
  static const cli_column COLUMNS[] = {
      {"opened", "AT", CLI_TEXT}, {"office", "BY SOMEONE AT", CLI_TEXT}, {"kind", "HOW", CLI_TEXT},
      {"type", "TYPE", CLI_TEXT}, {"categories", "WHAT", CLI_TEXT},      {"message", "MESSAGE", CLI_TEXT}};
  if (json_array_size(accesses) == 0) return;
  fputs("\nOpened (health and protection content; other content by a recovered key). The office's own\n"
        "timeline says by whom:\n",
        out);
  cli_print_table(out, accesses, COLUMNS, sizeof COLUMNS / sizeof *COLUMNS, "");
}

static bool same_member(const json_t *a, const json_t *b, const char *name) {
  return json_equal(json_object_get(a, name), json_object_get(b, name)) == 1;
}

/* Each part of a file is a disclosure; those that follow each other, to the same office
 * for the same reason, are one thing to a reader. */
static bool same_file(const json_t *a, const json_t *b) {
  static const char *const NAMES[] = {"type",    "recipient", "sender", "categories",
                                      "purpose", "basis",     "consent"};
  const char *type = json_string_value(json_object_get(a, "type"));
  if (!b || !type || !strstr(type, "Attachment")) return false;
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    if (!same_member(a, b, NAMES[i])) return false;
  return true;
}

static void print_disclosures(FILE *out, const json_t *rows) {
  for (size_t i = 0, n; i < json_array_size(rows); i += n) {
    const json_t *first = json_array_get(rows, i);
    for (n = 1; same_file(first, json_array_get(rows, i + n)); n++)
      ;
    print_disclosure(out, first);
    if (n == 1) continue;
    const char *last = json_string_value(json_object_get(json_array_get(rows, i + n - 1), "record"));
    fprintf(out, "and %zu parts more, to record %s\n", n - 1, last ? last : "-");
  }
}

static void print_report(FILE *out, const json_t *report) {
  static const cli_column COLUMNS[] = {{"at", "AT", CLI_TEXT},
                                       {"type", "TYPE", CLI_TEXT},
                                       {"sender", "FROM", CLI_TEXT},
                                       {"recipient", "TO", CLI_TEXT},
                                       {"code", "REFUSED FOR", CLI_TEXT}};
  const json_t *disclosures = json_object_get(report, "disclosures");
  const json_t *refusals = json_object_get(report, "refusals");
  fprintf(out, "Disclosures of case %s: %zu\n", json_string_value(json_object_get(report, "case")),
          json_array_size(disclosures));
  print_disclosures(out, disclosures);
  print_accesses(out, json_object_get(report, "accesses"));
  if (json_array_size(refusals) == 0) return;
  fputs("\nRefused, and told to no one:\n", out);
  cli_print_table(out, refusals, COLUMNS, sizeof COLUMNS / sizeof *COLUMNS, "");
}

/* "No disclosures" about a handle with a typing error would be a false answer. */
static bool is_registered(PGconn *db, const char *handle, cor_error *err) {
  json_t *rows = query_rows(db, BY_HANDLE, handle, err);
  bool found = json_array_size(rows) > 0;
  if (rows && !found) (void)cor_fail(err, COR_NO_SUCH_CASE, "case", "no case of this handle is registered");
  json_decref(rows);
  return found;
}

/* The view gives a refusal's wire value; people and --json get its name. */
static void name_codes(json_t *refusals) {
  size_t i;
  json_t *row;
  json_array_foreach(refusals, i, row) {
    const char *code = json_string_value(json_object_get(row, "code"));
    if (code && *code && strspn(code, "0123456789") == strlen(code))
      json_object_set_new(row, "code", json_string(cor_refusal_of((int)strtol(code, NULL, 10))->name));
  }
}

static json_t *make_report(PGconn *db, const char *name, cor_error *err) {
  char handle[COR_HEX32_TEXT];
  if (!find_handle(db, name, handle, err)) return NULL;
  json_t *disclosures = query_rows(db, DISCLOSURES, handle, err);
  json_t *accesses = disclosures ? query_rows(db, ACCESSES, handle, err) : NULL;
  json_t *refusals = accesses ? query_rows(db, REFUSALS, handle, err) : NULL;
  if (!refusals ||
      (json_array_size(disclosures) + json_array_size(refusals) == 0 && !is_registered(db, handle, err))) {
    json_decref(disclosures);
    json_decref(accesses);
    json_decref(refusals);
    return NULL;
  }
  name_codes(refusals);
  return json_pack("{s:s, s:o, s:o, s:o}", "case", handle, "disclosures", disclosures, "accesses", accesses,
                   "refusals", refusals);
}

/* ---- what was told without consent ---- */

static void print_exceptions(FILE *out, const json_t *report) {
  static const cli_column COLUMNS[] = {
      {"admitted", "ADMITTED", CLI_TEXT}, {"sender", "FROM", CLI_TEXT},
      {"recipient", "TO", CLI_TEXT},      {"type", "TYPE", CLI_TEXT},
      {"basis", "BASIS", CLI_TEXT},       {"categories", "WHAT", CLI_TEXT},
      {"claimed", "RELEASED", CLI_TEXT},  {"counterSigned", "COUNTER-SIGNED", CLI_TEXT},
      {"reviewed", "REVIEWED", CLI_TEXT}, {"result", "RESULT", CLI_TEXT},
      {"late", "LATE", CLI_TEXT},         {"message", "MESSAGE", CLI_TEXT},
      {"handle", "HANDLE", CLI_TEXT}};
  cli_print_table(out, json_object_get(report, "exceptions"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "Nothing was told without consent.");
}

static json_t *make_exceptions(PGconn *db, const char *name, cor_error *err) {
  char handle[COR_HEX32_TEXT];
  size_t i;
  json_t *row;
  if (name && !find_handle(db, name, handle, err)) return NULL;
  json_t *rows = query_rows(db, EXCEPTIONS, name ? handle : NULL, err);
  json_array_foreach(rows, i, row) {
    const char *late = json_string_value(json_object_get(row, "late"));
    json_object_set_new(row, "late", json_boolean(late && strcmp(late, "t") == 0));
  }
  return rows ? json_pack("{s:o}", "exceptions", rows) : NULL;
}

/* ---- one moment of the database ---- */

static int run_audit(cli_context *cli, const cli_args *args, const char *verb,
                     json_t *(*make)(PGconn *, const char *, cor_error *), cli_show *show) {
  cor_error err = {0};
  int code = CLI_DONE;
  const char *conninfo = cli_args_get(args, "db");
  if (!conninfo) conninfo = getenv("CORRIDOR_DB");
  if (!conninfo || !*conninfo)
    return cli_usage(cli, verb, "which database? Give --db CONNINFO or set CORRIDOR_DB");
  PGconn *db = PQconnectdb(conninfo);
  json_t *made = NULL;
  if (PQstatus(db) != CONNECTION_OK) {
    (void)pg_fail(db, &err);
  } else {
    PGresult *begun = PQexec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    made = PQresultStatus(begun) == PGRES_COMMAND_OK ? make(db, cli_args_get(args, "case"), &err) : NULL;
    if (PQresultStatus(begun) != PGRES_COMMAND_OK) (void)pg_fail(db, &err);
    PQclear(begun);
  }
  if (!made)
    code = cli_error(cli, &err);
  else if (cli->json)
    cli_print_json(cli->out, made);
  else
    show(cli->out, made);
  json_decref(made);
  PQfinish(db);
  return code;
}

static int run_report(cli_context *cli, const cli_args *args) {
  return run_audit(cli, args, "audit report", make_report, print_report);
}

static int run_exceptions(cli_context *cli, const cli_args *args) {
  return run_audit(cli, args, "audit exceptions", make_exceptions, print_exceptions);
}

static json_t *make_changes(PGconn *db, const char *name, cor_error *err) {
  (void)name;
  json_t *rows = query_rows(db, CHANGES, NULL, err);
  return rows ? json_pack("{s:o}", "changes", rows) : NULL;
}

static void print_changes(FILE *out, const json_t *made) {
  static const cli_column COLUMNS[] = {{"at", "AT", CLI_TEXT},
                                       {"cardList", "LIST", CLI_TEXT},
                                       {"part", "WHAT", CLI_TEXT},
                                       {"change", "CHANGE", CLI_TEXT},
                                       {"subject", "WHICH", CLI_TEXT},
                                       {"record", "RECORD", CLI_TEXT},
                                       {"categories", "MAY PASS NOW", CLI_TEXT}};
  cli_print_table(out, json_object_get(made, "changes"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No card list was ever imported.");
}

static int run_permissions(cli_context *cli, const cli_args *args) {
  return run_audit(cli, args, "audit permissions", make_changes, print_changes);
}

const cli_verb cli_audit_verbs[] = {
    {"audit report", "", 0, 0, "list every disclosure of a case: to whom, what, why, when",
     "Each disclosure names the recipient, the data categories, the purpose, the legal basis and consent,\n"
     "the agreement that authorised it, when it was admitted, released and delivered, and the SHA-256 of\n"
     "the recipient's signed receipt.\n"
     "Then come the openings of health and protection content, and of other content by a recovered key;\n"
     "and below the attempts that were refused.",
     "corridor audit report --case GS8Z-6BTX-3HZ0-HBH7-02 --db dbname=corridor", REPORT_OPTIONS, run_report},
    {"audit exceptions", "", 0, 0, "list what was told without consent, and who has accounted for it",
     "Each message about a person that rests on a decision in place of consent: on which ground, when it "
     "was\n"
     "released (\"-\": it has not left), when the sending office counter-signed (4 hours) and reviewed it "
     "(72\n"
     "hours; a best-interests determination is reviewed only), with what result, and whether one of them "
     "was\n"
     "late or is overdue. Who decided, and why, stands inside the seal; who signed, in the sending office.",
     "corridor audit exceptions --db dbname=corridor", EXCEPTIONS_OPTIONS, run_exceptions},
    {"audit permissions", "", 0, 0, "list every change of who may tell whom what",
     "One line for each permission, agreement, region under suspension, role or mark of UNHCR that a\n"
     "new card list added, altered or removed, oldest first, with the log record that says the same.",
     "corridor audit permissions --db dbname=corridor", PERMISSIONS_OPTIONS, run_permissions},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

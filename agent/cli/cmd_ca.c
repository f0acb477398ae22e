/* cmd_ca.c - corridor ca: the programme's certificate authority.
 *
 * Runs offline, in the CA's own directory, under its passphrase. Guarantees:
 * no change reaches an office before `publish` signs the next list; a moment
 * other than now can be given only to a demo CA, so no one can back-date a
 * production certificate. Trusts whoever holds the passphrase. */
#include "cli.h"
#include "cli_print.h"
#include "corridor/ca.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "cli_ca_input.h"
#include "cli_ca_list.h"
#include "cli_moment.h"
#include <openssl/crypto.h>
#include <string.h>

enum { CERT_DAYS = 730, ROOT_DAYS = 3650, LIST_DAYS = 90, DAYS_MAX = 36500, REQUEST_MAX = 64 * 1024 };

#define DIR_OPTION                                                                                           \
  { "dir", "DIR", true, "the CA's directory" }
static const cli_option MAKE_OPTIONS[] = {
    DIR_OPTION,
    {"name", "NAME", true, "the programme's name, put in the root certificate"},
    {"demo", NULL, false, "mark it as a demonstration: allows the demo clock"},
    {"days", "N", false, "validity of the root (3650)"},
    CLI_TIME_OPTIONS,
    {NULL, NULL, false, NULL}};
static const cli_option SIGN_OPTIONS[] = {DIR_OPTION,
                                          {"days", "N", false, "validity of the certificates (730)"},
                                          CLI_TIME_OPTIONS,
                                          {NULL, NULL, false, NULL}};
static const cli_option PLAIN_OPTIONS[] = {DIR_OPTION, {NULL, NULL, false, NULL}};
static const cli_option STATE_OPTIONS[] = {DIR_OPTION, CLI_TIME_OPTIONS, {NULL, NULL, false, NULL}};
static const cli_option REGION_OPTIONS[] = {
    DIR_OPTION,
    {"suspend", "REASON", false, "INSECURITY, PUBLIC_HEALTH, DISASTER, NO_RECEPTION or PROGRAMME_DECISION"},
    {"since", "TIME", false, "with --suspend: from then on (now)"},
    {"lift", NULL, false, "returns there may be booked again"},
    CLI_TIME_OPTIONS,
    {NULL, NULL, false, NULL}};
static const cli_option ASYLUM_OPTIONS[] = {
    DIR_OPTION, {"lift", NULL, false, "it is not"}, CLI_TIME_OPTIONS, {NULL, NULL, false, NULL}};
static const cli_option REVOKE_OPTIONS[] = {
    DIR_OPTION,
    {"compromised-since", "TIME", false, "its keys may have been in other hands from then on"},
    CLI_TIME_OPTIONS,
    {NULL, NULL, false, NULL}};
static const cli_option PUBLISH_OPTIONS[] = {DIR_OPTION,
                                             {"days", "N", false, "the list expires after this (90)"},
                                             CLI_TIME_OPTIONS,
                                             {NULL, NULL, false, NULL}};

static bool root_is_demo(const char *dir, bool *demo, cor_error *err) {
  char path[4096];
  snprintf(path, sizeof path, "%s/ca.crt", dir);
  X509 *root = cor_cert_from_pem_file(path, err);
  if (!root) return false;
  *demo = cor_cert_is_demo(root);
  X509_free(root);
  return true;
}

/* Opens the CA with its passphrase and says which moment to use. */
static cor_ca *open_ca(cli_context *cli, const cli_args *args, int64_t *now, cor_error *err) {
  char secret[COR_PASSPHRASE_MAX + 1];
  const char *dir = cli_args_get(args, "dir");
  bool demo;
  if (!root_is_demo(dir, &demo, err) || !cli_moment(args, demo, now, err)) return NULL;
  if (!cli_secret_read(cli, "CA passphrase: ", secret, err)) return NULL;
  cor_ca *ca = cor_ca_open(dir, secret, err);
  OPENSSL_cleanse(secret, sizeof secret);
  return ca;
}

/* Says what was done, in words or as JSON. */
static int said(cli_context *cli, const char *done, const char *subject, int64_t number) {
  if (cli->json) {
    json_t *answer = json_pack("{s:s, s:s*, s:I}", "done", done, "subject", subject, "cardList",
                               (json_int_t)number);
    cli_print_json(cli->out, answer);
    json_decref(answer);
  } else {
    fprintf(cli->out, "%s", done);
    if (subject) fputc(' ', cli->out), cli_print_text(cli->out, subject);
    fputc('\n', cli->out);
  }
  return CLI_DONE;
}

static int64_t list_number(const cor_ca *ca) {
  const Corridor__V1__CardList *list = cor_ca_list(ca);
  return list ? (int64_t)list->number : 0;
}

static int run_make(cli_context *cli, const cli_args *args) {
  char secret[COR_PASSPHRASE_MAX + 1];
  const char *dir = cli_args_get(args, "dir"), *name = cli_args_get(args, "name");
  bool demo = cli_args_has(args, "demo");
  cor_error err = {0};
  int64_t now, days;
  if (!cli_args_number(args, "days", ROOT_DAYS, 1, DAYS_MAX, &days, &err))
    return cli_usage(cli, "ca make", "%s", err.detail);
  if (!cli_moment(args, demo, &now, &err)) return cli_error(cli, &err);
  if (!cli_secret_read(cli, "New CA passphrase: ", secret, &err)) return cli_error(cli, &err);
  bool made = cor_ca_make(dir, name, demo, secret, now, days, &err);
  OPENSSL_cleanse(secret, sizeof secret);
  if (!made) return cli_error(cli, &err);
  return said(cli, demo ? "Made a demonstration CA in" : "Made a CA in", dir, 0);
}

static bool sign_one(cor_ca *ca, const char *path, int64_t now, int64_t days, cor_error *err) {
  cor_buf bytes = {0};
  ProtobufCMessage *request = NULL;
  bool done = cor_file_read(path, REQUEST_MAX, false, &bytes, err) &&
              (request = cor_decode(&corridor__v1__card_request__descriptor, cor_buf_view(&bytes),
                                    REQUEST_MAX, true, err)) != NULL &&
              cor_ca_sign(ca, (const Corridor__V1__CardRequest *)request, now, days, err);
  cor_message_free(request);
  cor_buf_clear(&bytes);
  return done;
}

/* Stops at the first request that fails; those before it are signed. */
static int run_sign(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  int64_t now, days;
  int code = CLI_DONE;
  if (!cli_args_number(args, "days", CERT_DAYS, 1, DAYS_MAX, &days, &err))
    return cli_usage(cli, "ca sign", "%s", err.detail);
  cor_ca *ca = open_ca(cli, args, &now, &err);
  if (!ca) return cli_error(cli, &err);
  for (size_t i = 0; code == CLI_DONE && i < args->n_operands; i++)
    code = sign_one(ca, args->operands[i], now, days, &err)
               ? said(cli, "Signed; `corridor ca publish` makes it known:", args->operands[i],
                      list_number(ca))
               : cli_error(cli, &err);
  cor_ca_destroy(&ca);
  return code;
}

static int run_agreement(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cor_ca *ca = NULL;
  int64_t now;
  ProtobufCMessage *agreement = ca_input_agreement(args->operands[0], &err);
  bool done = agreement && (ca = open_ca(cli, args, &now, &err)) != NULL &&
              cor_ca_put_agreement(ca, (const Corridor__V1__Agreement *)agreement, &err);
  int code = done ? said(cli, "Entered agreement", ((const Corridor__V1__Agreement *)agreement)->id,
                         list_number(ca))
                  : cli_error(cli, &err);
  cor_ca_destroy(&ca);
  cor_message_free(agreement);
  return code;
}

static int run_calendar(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  int64_t now;
  int code = CLI_DONE;
  cor_ca *ca = open_ca(cli, args, &now, &err);
  if (!ca) return cli_error(cli, &err);
  for (size_t i = 0; code == CLI_DONE && i < args->n_operands; i++) {
    ProtobufCMessage *calendar = ca_input_calendar(args->operands[i], &err);
    code = calendar && cor_ca_put_calendar(ca, (const Corridor__V1__Calendar *)calendar, &err)
               ? said(cli, "Entered the calendar of", ((const Corridor__V1__Calendar *)calendar)->country,
                      list_number(ca))
               : cli_error(cli, &err);
    cor_message_free(calendar);
  }
  cor_ca_destroy(&ca);
  return code;
}

/* A whole table of the list, from a file. */
typedef struct table_kind {
  Corridor__V1__CardList *(*read)(const char *path, cor_error *err);
  bool (*set)(cor_ca *ca, const Corridor__V1__CardList *table, cor_error *err);
  const char *said;
} table_kind;

static int run_table(cli_context *cli, const cli_args *args, const table_kind *kind) {
  cor_error err = {0};
  cor_ca *ca = NULL;
  int64_t now;
  Corridor__V1__CardList *table = kind->read(args->operands[0], &err);
  bool done = table && (ca = open_ca(cli, args, &now, &err)) != NULL && kind->set(ca, table, &err);
  int code = done ? said(cli, kind->said, args->operands[0], list_number(ca)) : cli_error(cli, &err);
  cor_ca_destroy(&ca);
  if (table) cor_message_free(&table->base);
  return code;
}

static int run_permissions(cli_context *cli, const cli_args *args) {
  static const table_kind permissions = {
      ca_input_permissions, cor_ca_set_permissions,
      "Entered the permission table; `corridor ca publish` puts it in force:"};
  return run_table(cli, args, &permissions);
}

static int run_consent_policy(cli_context *cli, const cli_args *args) {
  static const table_kind policies = {
      ca_input_consent_policies, cor_ca_set_consent_policies,
      "Entered the consent policies; `corridor ca publish` puts them in force:"};
  return run_table(cli, args, &policies);
}

static bool suspend_region(cor_ca *ca, const cli_args *args, int64_t now, cor_error *err) {
  const char *reason = cli_args_get(args, "suspend"), *since = cli_args_get(args, "since");
  const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value_by_name(
      &corridor__v1__suspension_reason__descriptor, reason);
  Corridor__V1__SuspendedRegion region = CORRIDOR__V1__SUSPENDED_REGION__INIT;
  if (!known || known->value == 0)
    return cor_fail(err, COR_UNKNOWN_ENUM, "suspend", "no such reason; see `corridor ca region --help`");
  if (since && !cor_time_parse(since, &now))
    return cor_fail(err, COR_BAD_INPUT, "since", "not a time; write 2026-03-02T09:00Z");
  region.region = (char *)args->operands[0];
  region.since = now;
  region.reason = (Corridor__V1__SuspensionReason)known->value;
  return cor_ca_suspend_region(ca, &region, err);
}

static int run_region(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  int64_t now;
  const bool lift = cli_args_has(args, "lift");
  if (lift == (cli_args_get(args, "suspend") != NULL))
    return cli_usage(cli, "ca region", "give either --suspend REASON or --lift");
  cor_ca *ca = open_ca(cli, args, &now, &err);
  bool done = ca &&
              (lift ? cor_ca_lift_region(ca, args->operands[0], &err) : suspend_region(ca, args, now, &err));
  int code = done ? said(cli,
                         lift ? "Lifted; `corridor ca publish` makes it known:"
                              : "Returns are suspended; `corridor ca publish` makes it known:",
                         args->operands[0], list_number(ca))
                  : cli_error(cli, &err);
  cor_ca_destroy(&ca);
  return code;
}

static int run_asylum(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  int64_t now;
  const bool lift = cli_args_has(args, "lift");
  cor_ca *ca = open_ca(cli, args, &now, &err);
  int code = ca && cor_ca_set_asylum_authority(ca, args->operands[0], !lift, now, &err)
                 ? said(cli,
                        lift ? "No longer for asylum matters; `corridor ca publish` makes it known:"
                             : "Asylum matters may go to it; `corridor ca publish` makes it known:",
                        args->operands[0], list_number(ca))
                 : cli_error(cli, &err);
  cor_ca_destroy(&ca);
  return code;
}

static int set_state(cli_context *cli, const cli_args *args, Corridor__V1__CardState state,
                     const char *done) {
  cor_error err = {0};
  int64_t now, since = 0;
  const char *text = cli_args_get(args, "compromised-since");
  if (text && !cor_time_parse(text, &since)) {
    (void)cor_fail(&err, COR_BAD_INPUT, "compromised-since", "not a time; write 2026-03-02T09:00Z");
    return cli_error(cli, &err);
  }
  cor_ca *ca = open_ca(cli, args, &now, &err);
  int code = ca && cor_ca_set_state(ca, args->operands[0], state, now, since, &err)
                 ? said(cli, done, args->operands[0], list_number(ca))
                 : cli_error(cli, &err);
  cor_ca_destroy(&ca);
  return code;
}

static int run_suspend(cli_context *cli, const cli_args *args) {
  return set_state(cli, args, CORRIDOR__V1__CARD_STATE__SUSPENDED,
                   "Suspended; `corridor ca publish` makes it known:");
}
static int run_revoke(cli_context *cli, const cli_args *args) {
  return set_state(cli, args, CORRIDOR__V1__CARD_STATE__REVOKED,
                   "Revoked; `corridor ca publish` makes it known:");
}
static int run_reinstate(cli_context *cli, const cli_args *args) {
  return set_state(cli, args, CORRIDOR__V1__CARD_STATE__ACTIVE,
                   "Reinstated; `corridor ca publish` makes it known:");
}

static int run_publish(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  int64_t now, days;
  char number[32];
  if (!cli_args_number(args, "days", LIST_DAYS, 1, DAYS_MAX, &days, &err))
    return cli_usage(cli, "ca publish", "%s", err.detail);
  cor_ca *ca = open_ca(cli, args, &now, &err);
  bool done = ca && cor_ca_publish(ca, now, days, &err);
  snprintf(number, sizeof number, "%lld", done ? (long long)list_number(ca) : 0LL);
  int code = done ? said(cli, "Published card list", number, list_number(ca)) : cli_error(cli, &err);
  cor_ca_destroy(&ca);
  return code;
}

const cli_verb cli_ca_verbs[] = {
    {"ca make", "", 0, 0, "make the programme's root key and certificate",
     "The key stays in DIR under the passphrase (--passphrase-fd, or asked for). Keep DIR on a machine\n"
     "without a network; only DIR/ca.crt and DIR/cardlist leave it.",
     "corridor ca make --dir ca --name \"Joint Initiative\"", MAKE_OPTIONS, run_make},
    {"ca sign", "REQUEST...", 1, CLI_OPERANDS_MAX, "certify an office's keys and put its card on the list",
     "REQUEST is the file `corridor office request` wrote. Check with the office, by another way, that it\n"
     "is theirs.",
     "corridor ca sign --dir ca ne-niamey.request gn-conakry.request", SIGN_OPTIONS, run_sign},
    {"ca agreement", "FILE", 1, 1, "enter a data-sharing agreement between offices",
     "FILE is JSON, or - for standard input:\n"
     "  {\"id\": \"JI-2026\", \"programme\": \"JI\", \"offices\": [\"ne-niamey\", \"gn-conakry\"],\n"
     "   \"categories\": [\"OPERATIONAL\", \"BIODATA\", ...], \"dpiaReference\": \"DPIA-2026-001\",\n"
     "   \"childDataProtocol\": \"...\", \"recordTransferMou\": \"...\",\n"
     "   \"validFrom\": \"2026-01-01\", \"validUntil\": \"2028-01-01\"}\n"
     "Any two of the offices may then exchange these categories for this programme, as far as the\n"
     "permission table lets their roles. dpiaReference names the data-protection impact assessment.\n"
     "Without childDataProtocol (the States' protocol on children's data) none of it goes from a host to\n"
     "an origin mission; without recordTransferMou (on medical records) there is no health data.\n"
     "\"otherVitalInterest\": true also allows VITAL_INTEREST_OTHER, a ground in place of consent that is\n"
     "otherwise refused.",
     "corridor ca agreement --dir ca agreement.json", PLAIN_OPTIONS, run_agreement},
    {"ca permissions", "FILE", 1, 1, "enter the permission table: who may enter and who may view what",
     "FILE is JSON, as in deploy/permissions, and replaces the table before it:\n"
     "  {\"permissions\": [{\"senders\": [\"ROLE_HOST_MISSION\"], \"recipients\": "
     "[\"ROLE_ORIGIN_MISSION\"],\n"
     "    \"compartment\": \"CASEWORK\", \"enter\": [\"BIODATA\", ...], \"view\": [\"BIODATA\", ...]}, "
     "...]}\n"
     "Between offices passes what a row lets the senders enter and the recipients view, and nothing else.\n"
     "It cannot give what the programme's rules give nobody: nothing about a person to donors, to the EU\n"
     "delegation, to a committee or to the authority that notifies forced returns.",
     "corridor ca permissions --dir ca deploy/permissions/default.json", PLAIN_OPTIONS, run_permissions},
    {"ca consent-policy", "FILE", 1, 1, "enter in which ways consent to what is not taken",
     "FILE is JSON and replaces the policies before it:\n"
     "  {\"consentPolicies\": [{\"scope\": \"PHOTO\", \"forbidden\": [\"RECORDED_AUDIO\"]}, ...]}\n"
     "It narrows what `corridor consent scopes` shows: remote consent (SCANNED_SIGNATURE, RECORDED_AUDIO),\n"
     "for example, where a programme does not want it. Each scope keeps one way at least. An office's agent\n"
     "refuses such a consent when it is recorded; one recorded before stands.",
     "corridor ca consent-policy --dir ca policy.json", PLAIN_OPTIONS, run_consent_policy},
    {"ca region", "REGION", 1, 1, "suspend returns to a country or region, or lift it",
     "REGION is an ISO 3166-1 or 3166-2 code, as GN or GN-K. No return there is prepared or booked; notices\n"
     "of arrival, referrals and withdrawals go on. A code is matched as it stands: suspend each region of\n"
     "a country, or the country.",
     "corridor ca region GN-K --dir ca --suspend INSECURITY", REGION_OPTIONS, run_region},
    {"ca asylum", "OFFICE", 1, 1, "say that an office is UNHCR: asylum matters go to it alone",
     "The office's role is UN_AGENCY. Sign its card first (`corridor ca sign`).",
     "corridor ca asylum unhcr-niamey --dir ca", ASYLUM_OPTIONS, run_asylum},
    {"ca calendar", "FILE...", 1, CLI_OPERANDS_MAX, "enter a country's working days, holidays and time zone",
     "FILE is JSON as in deploy/calendars:\n"
     "  {\"country\": \"GN\", \"weekend\": [6, 7], \"holidays\": {\"2026-01-01\": \"New Year's Day\"},\n"
     "   \"offsets\": {\"2026-01-01T00:00Z\": 0}}\n"
     "weekend counts Monday as 1; offsets are minutes east of UTC from that moment on.",
     "corridor ca calendar --dir ca deploy/calendars/GN.json", PLAIN_OPTIONS, run_calendar},
    {"ca suspend", "OFFICE", 1, 1, "suspend a card: nothing is admitted from it or released to it", NULL,
     "corridor ca suspend --dir ca gn-conakry", STATE_OPTIONS, run_suspend},
    {"ca revoke", "OFFICE", 1, 1, "revoke a card for good", NULL,
     "corridor ca revoke --dir ca gn-conakry --compromised-since 2026-03-02T09:00Z", REVOKE_OPTIONS,
     run_revoke},
    {"ca reinstate", "OFFICE", 1, 1, "lift a suspension", NULL, "corridor ca reinstate --dir ca gn-conakry",
     STATE_OPTIONS, run_reinstate},
    {"ca publish", "", 0, 0, "sign the next card list and print its number",
     "Take DIR/cardlist to the hub (`corridor-broker cards import`); the hub hands it to every office.",
     "corridor ca publish --dir ca --days 30", PUBLISH_OPTIONS, run_publish},
    {"ca list", "", 0, 0, "show the published card list",
     "Offices, agreements, the permission table, regions under suspension.", "corridor ca list --dir ca",
     PLAIN_OPTIONS, ca_list_run},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

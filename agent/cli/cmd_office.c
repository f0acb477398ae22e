/* cmd_office.c - corridor office: an office's own keys, from making to card.
 *
 * Guarantees: private keys are made here and stay here; what leaves is a
 * request with public keys and proofs of possession. Every compartment key has
 * at least two holders, so that a lost passphrase or a leaver closes no file
 * (who they are is cmd_holders.c's). Passphrases come from --passphrase-fd, one
 * line each, and are wiped. */
#include "cli_office.h"
#include "cli_print.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static const cli_option MAKE_OPTIONS[] = {
    {"dir", "DIR", true, "where the keys are made; only this account may read it"},
    {"office", "ID", true, "the office's id: small letters, digits, dashes"},
    {"role", "ROLE", true, "HOST_MISSION, ORIGIN_MISSION, SERVICE_PROVIDER, ... (card.proto)"},
    {"country", "CC", true, "ISO 3166-1 code of its country"},
    {"name", "NAME", true, "the office's public name"},
    {"compartment", "NAME", false, "operations, casework, health, protection, monitoring; repeat it"},
    {"holder", "USER", false, "a person who may open the compartments; repeat it, at least two"},
    {"recovery", NULL, false, "also make recovery shares of each compartment and print them, once"},
    {NULL, NULL, false, NULL}};
static const cli_option REQUEST_OPTIONS[] = {{"dir", "DIR", true, "the office's key directory"},
                                             {"out", "FILE", true, "where to write the request for the CA"},
                                             {NULL, NULL, false, NULL}};
static const cli_option LOCK_OPTIONS[] = {{"dir", "DIR", true, "the office's key directory"},
                                          {NULL, NULL, false, NULL}};
static const cli_option INSTALL_OPTIONS[] = {
    {"dir", "DIR", true, "the office's key directory"},
    {"ca", "FILE", true, "the programme's ca.crt, got by a trusted way"},
    {"cardlist", "FILE", true, "the published card list"},
    {NULL, NULL, false, NULL}};

int office_done(cli_context *cli, const char *done, const char *subject, json_t *more) {
  if (cli->json) {
    json_t *answer = json_pack("{s:s, s:s}", "done", done, "subject", subject);
    if (more) json_object_update_missing(answer, more);
    cli_print_json(cli->out, answer);
    json_decref(answer);
  } else {
    fprintf(cli->out, "%s ", done);
    cli_print_text(cli->out, subject);
    fputc('\n', cli->out);
  }
  json_decref(more);
  return CLI_DONE;
}

static bool role_of(const char *name, Corridor__V1__Role *out, cor_error *err) {
  char full[64];
  snprintf(full, sizeof full, "%s%.50s", strncmp(name, "ROLE_", 5) == 0 ? "" : "ROLE_", name);
  const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(
      &corridor__v1__role__descriptor, full);
  if (!value || value->value == 0)
    return cor_fail(err, COR_UNKNOWN_ENUM, "role", "no such role: %.50s", name);
  *out = (Corridor__V1__Role)value->value;
  return true;
}

bool office_compartments(const cli_args *args, unsigned *mask, cor_error *err) {
  const char *name;
  Corridor__V1__Compartment compartment;
  *mask = 0;
  for (size_t i = 0; (name = cli_args_nth(args, "compartment", i)) != NULL; i++) {
    if (!cor_compartment_parse(name, &compartment))
      return cor_fail(err, COR_UNKNOWN_ENUM, "compartment", "no such compartment: %.40s", name);
    *mask |= COR_BIT(compartment);
  }
  return true;
}

json_t *office_names(unsigned compartments) {
  json_t *names = json_array();
  for (unsigned c = COR_C(OPERATIONS); c <= COR_C(MONITORING); c++)
    if (compartments & COR_BIT(c))
      json_array_append_new(names, json_string(cor_compartment_name((Corridor__V1__Compartment)c)));
  return names;
}

/* ---- people ---- */

bool people_add(cli_context *cli, people *all, const char *user, cor_error *err) {
  char prompt[80];
  if (!all->secrets) all->secrets = calloc(PEOPLE_MAX, sizeof *all->secrets);
  if (!all->secrets) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  if (all->n == PEOPLE_MAX) return cor_fail(err, COR_BAD_INPUT, "holder", "at most %d people", PEOPLE_MAX);
  snprintf(prompt, sizeof prompt, "Passphrase of %.40s: ", user);
  if (!cli_secret_read(cli, prompt, all->secrets[all->n], err)) return false;
  all->holders[all->n] = (cor_holder){user, all->secrets[all->n]};
  all->n++;
  return true;
}

bool people_named(cli_context *cli, people *all, const cli_args *args, const char *option, cor_error *err) {
  const char *user;
  for (size_t i = 0; (user = cli_args_nth(args, option, i)) != NULL; i++)
    if (!people_add(cli, all, user, err)) return false;
  return true;
}

bool people_present(cli_context *cli, people *all, const cli_args *args, cor_error *err) {
  return people_add(cli, all, cli->user, err) && people_named(cli, all, args, "present", err);
}

void people_clear(people *all) {
  if (all->secrets) OPENSSL_cleanse(all->secrets, PEOPLE_MAX * sizeof *all->secrets);
  free(all->secrets);
  *all = (people){0};
}

/* ---- verbs ---- */

/* The keys are made: what fails from here on is told, and `recovery make` does it later. */
static int tell_made(cli_context *cli, const cli_args *args, unsigned compartments, const people *holders) {
  cor_error err = {0};
  const char *office = cli_args_get(args, "office");
  json_t *shares = NULL;
  if (!cli_args_has(args, "recovery") || !compartments)
    return office_done(cli, "Made the keys of", office, NULL);
  bool made = recovery_make(cli_args_get(args, "dir"), office, compartments, holders, &shares, &err);
  if (!cli->json) recovery_print(cli, shares);
  int code = office_done(cli, "Made the keys of", office, json_pack("{s:O}", "shares", shares));
  json_decref(shares);
  return made ? code : cli_error(cli, &err);
}

static int run_make(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  people holders = {0};
  Corridor__V1__Role role = CORRIDOR__V1__ROLE__ROLE_UNSPECIFIED;
  unsigned compartments = 0;
  bool done = role_of(cli_args_get(args, "role"), &role, &err) &&
              office_compartments(args, &compartments, &err);
  if (done && compartments && !cli_args_nth(args, "holder", COR_HOLDERS_MIN - 1))
    done = cor_fail(&err, COR_BAD_INPUT, "holder", "a compartment needs at least %d holders: repeat --holder",
                    COR_HOLDERS_MIN);
  done = done && people_named(cli, &holders, args, "holder", &err) &&
         cor_office_make(cli_args_get(args, "dir"), cli_args_get(args, "office"), role,
                         cli_args_get(args, "country"), cli_args_get(args, "name"), compartments,
                         holders.holders, holders.n, &err);
  int code = done ? tell_made(cli, args, compartments, &holders) : cli_error(cli, &err);
  people_clear(&holders);
  return code;
}

static int run_request(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cor_buf request = {0};
  const char *out = cli_args_get(args, "out");
  bool done = cor_office_request(cli_args_get(args, "dir"), &request, &err) &&
              cor_file_write(out, cor_buf_view(&request), 0644, &err);
  cor_buf_clear(&request);
  if (!done) return cli_error(cli, &err);
  return office_done(cli, "Wrote the request to", out, NULL);
}

static int run_install(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  const char *dir = cli_args_get(args, "dir");
  if (!cor_office_install(dir, cli_args_get(args, "ca"), cli_args_get(args, "cardlist"), &err))
    return cli_error(cli, &err);
  return office_done(cli, "Installed the card in", dir, NULL);
}

static int change_lock(cli_context *cli, const cli_args *args, const char *done,
                       bool (*change)(const char *, const char *, cor_error *)) {
  cor_error err = {0};
  char secret[COR_PASSPHRASE_MAX + 1];
  const char *dir = cli_args_get(args, "dir");
  bool ok = cli_secret_read(cli, "The office's passphrase: ", secret, &err) && change(dir, secret, &err);
  OPENSSL_cleanse(secret, sizeof secret);
  return ok ? office_done(cli, done, dir, NULL) : cli_error(cli, &err);
}

static int run_lock(cli_context *cli, const cli_args *args) {
  return change_lock(cli, args, "Locked the keys in", cor_office_lock);
}

static int run_unlock(cli_context *cli, const cli_args *args) {
  return change_lock(cli, args, "The keys lie open again in", cor_office_unlock);
}

const cli_verb cli_office_verbs[] = {
    {"office make", "", 0, 0, "make an office's keys",
     "Reads one passphrase for each --holder, in their order, a line each:\n"
     "  corridor office make --dir keys --office gn-conakry --role ORIGIN_MISSION --country GN \\\n"
     "    --name \"Mission in Conakry\" --compartment operations --compartment casework \\\n"
     "    --holder fatou --holder sekou --passphrase-fd 3 3<FILE\n"
     "Then `corridor office request`, take the request to the CA, and `corridor office install` what\n"
     "comes back.\n"
     "With --recovery, write the printed shares down, one on each paper, and give them to three people.",
     "corridor office make --dir keys --office gn-conakry --role ORIGIN_MISSION --country GN --name Conakry",
     MAKE_OPTIONS, run_make},
    {"office request", "", 0, 0, "write the request that the CA signs", NULL,
     "corridor office request --dir keys --out gn-conakry.request", REQUEST_OPTIONS, run_request},
    {"office install", "", 0, 0, "install the CA's certificate and card list", NULL,
     "corridor office install --dir keys --ca ca.crt --cardlist cardlist", INSTALL_OPTIONS, run_install},
    {"office lock", "", 0, 0, "lock the agent's own keys under a passphrase of the office",
     "For an agent on somebody else's machine. Reads the passphrase, one line. curve.key and signing.key go\n"
     "into office.lock; after each start the agent waits for `corridor agent unlock`. Lock before the first\n"
     "use: what a disk keeps of removed files nobody knows.",
     "corridor office lock --dir keys", LOCK_OPTIONS, run_lock},
    {"office unlock", "", 0, 0, "lay the agent's own keys open again",
     "For a new request or card (`office request`, `office install`), and for an agent that shall start by\n"
     "itself. Reads the passphrase, one line.",
     "corridor office unlock --dir keys", LOCK_OPTIONS, run_unlock},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

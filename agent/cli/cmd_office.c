/* cmd_office.c - corridor office: an office's own keys.
 *
 * Guarantees: private keys are made here and stay here; what leaves is a
 * request with public keys and proofs of possession. Every compartment key has
 * at least two holders, so that a lost passphrase or a leaver closes no file.
 * Passphrases come from --passphrase-fd, one line each, and are wiped. */
#include "cli.h"
#include "cli_print.h"
#include "corridor/refusal.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { HOLDERS_MAX = 16, HOLDERS_MIN = 2 };

static const cli_option MAKE_OPTIONS[] = {
    {"dir", "DIR", true, "where the keys are made; only this account may read it"},
    {"office", "ID", true, "the office's id: small letters, digits, dashes"},
    {"role", "ROLE", true, "HOST_MISSION, ORIGIN_MISSION, SERVICE_PROVIDER, ... (card.proto)"},
    {"country", "CC", true, "ISO 3166-1 code of its country"},
    {"name", "NAME", true, "the office's public name"},
    {"compartment", "NAME", false, "operations, casework, health, protection, monitoring; repeat it"},
    {"holder", "USER", false, "a person who may open the compartments; repeat it, at least two"},
    {NULL, NULL, false, NULL}};
static const cli_option REQUEST_OPTIONS[] = {{"dir", "DIR", true, "the office's key directory"},
                                             {"out", "FILE", true, "where to write the request for the CA"},
                                             {NULL, NULL, false, NULL}};
static const cli_option INSTALL_OPTIONS[] = {
    {"dir", "DIR", true, "the office's key directory"},
    {"ca", "FILE", true, "the programme's ca.crt, got by a trusted way"},
    {"cardlist", "FILE", true, "the published card list"},
    {NULL, NULL, false, NULL}};
static const cli_option HOLDER_OPTIONS[] = {{"dir", "DIR", true, "the office's key directory"},
                                            {"compartment", "NAME", true, "which key to share"},
                                            {"holder", "USER", true, "who shall hold it too"},
                                            {NULL, NULL, false, NULL}};

static int done_with(cli_context *cli, const char *done, const char *subject) {
  if (cli->json) {
    json_t *answer = json_pack("{s:s, s:s}", "done", done, "subject", subject);
    cli_print_json(cli->out, answer);
    json_decref(answer);
  } else {
    fprintf(cli->out, "%s ", done);
    cli_print_text(cli->out, subject);
    fputc('\n', cli->out);
  }
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

static bool compartments_of(const cli_args *args, unsigned *mask, cor_error *err) {
  const char *name;
  Corridor__V1__Compartment compartment;
  *mask = 0;
  for (size_t i = 0; (name = cli_args_nth(args, "compartment", i)) != NULL; i++) {
    if (!cor_compartment_parse(name, &compartment))
      return cor_fail(err, COR_UNKNOWN_ENUM, "compartment", "no such compartment: %.40s", name);
    *mask |= 1u << compartment;
  }
  return true;
}

/* Reads one passphrase for each --holder, in their order. */
static bool holders_of(cli_context *cli, const cli_args *args, char (*secrets)[COR_PASSPHRASE_MAX + 1],
                       cor_holder *holders, size_t *n, cor_error *err) {
  const char *user;
  for (*n = 0; (user = cli_args_nth(args, "holder", *n)) != NULL; (*n)++) {
    char prompt[80];
    if (*n == HOLDERS_MAX) return cor_fail(err, COR_BAD_INPUT, "holder", "at most %d holders", HOLDERS_MAX);
    snprintf(prompt, sizeof prompt, "Passphrase of %.40s: ", user);
    if (!cli_secret_read(cli, prompt, secrets[*n], err)) return false;
    holders[*n] = (cor_holder){user, secrets[*n]};
  }
  return true;
}

static int run_make(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cor_holder holders[HOLDERS_MAX];
  Corridor__V1__Role role = CORRIDOR__V1__ROLE__ROLE_UNSPECIFIED;
  unsigned compartments = 0;
  size_t n = 0;
  char(*secrets)[COR_PASSPHRASE_MAX + 1] = calloc(HOLDERS_MAX, sizeof *secrets);
  if (!secrets) return cor_refusal_of(COR_INTERNAL)->exit;
  bool done = role_of(cli_args_get(args, "role"), &role, &err) && compartments_of(args, &compartments, &err);
  if (done && compartments && !cli_args_nth(args, "holder", HOLDERS_MIN - 1))
    done = cor_fail(&err, COR_BAD_INPUT, "holder", "a compartment needs at least %d holders: repeat --holder",
                    HOLDERS_MIN);
  done = done && holders_of(cli, args, secrets, holders, &n, &err) &&
         cor_office_make(cli_args_get(args, "dir"), cli_args_get(args, "office"), role,
                         cli_args_get(args, "country"), cli_args_get(args, "name"), compartments, holders, n,
                         &err);
  OPENSSL_cleanse(secrets, HOLDERS_MAX * sizeof *secrets);
  free(secrets);
  if (!done) return cli_error(cli, &err);
  return done_with(cli, "Made the keys of", cli_args_get(args, "office"));
}

static int run_request(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cor_buf request = {0};
  const char *out = cli_args_get(args, "out");
  bool done = cor_office_request(cli_args_get(args, "dir"), &request, &err) &&
              cor_file_write(out, cor_buf_view(&request), 0644, &err);
  cor_buf_clear(&request);
  if (!done) return cli_error(cli, &err);
  return done_with(cli, "Wrote the request to", out);
}

static int run_install(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  const char *dir = cli_args_get(args, "dir");
  if (!cor_office_install(dir, cli_args_get(args, "ca"), cli_args_get(args, "cardlist"), &err))
    return cli_error(cli, &err);
  return done_with(cli, "Installed the card in", dir);
}

static int run_add_holder(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  char secrets[2][COR_PASSPHRASE_MAX + 1], path[4096];
  const char *added = cli_args_get(args, "holder");
  Corridor__V1__Compartment compartment;
  if (!cli->user)
    return cli_usage(cli, "office add-holder", "--user is required: the holder who shares the key");
  bool done = cor_compartment_parse(cli_args_get(args, "compartment"), &compartment) ||
              cor_fail(&err, COR_UNKNOWN_ENUM, "compartment", "no such compartment");
  done = done && cli_secret_read(cli, "Your passphrase: ", secrets[0], &err) &&
         cli_secret_read(cli, "The new holder's passphrase: ", secrets[1], &err);
  if (done) {
    const cor_holder by = {cli->user, secrets[0]}, more = {added, secrets[1]};
    snprintf(path, sizeof path, "%s/keys/%s.key", cli_args_get(args, "dir"),
             cor_compartment_name(compartment));
    done = cor_keyfile_add_holder(path, &by, &more, &err);
  }
  OPENSSL_cleanse(secrets, sizeof secrets);
  if (!done) return cli_error(cli, &err);
  return done_with(cli, "The key is now also held by", added);
}

const cli_verb cli_office_verbs[] = {
    {"office make", "", 0, 0, "make an office's keys",
     "Reads one passphrase for each --holder, in their order, a line each:\n"
     "  corridor office make --dir keys --office gn-conakry --role ORIGIN_MISSION --country GN \\\n"
     "    --name \"Mission in Conakry\" --compartment operations --compartment casework \\\n"
     "    --holder fatou --holder sekou --passphrase-fd 3 3<FILE\n"
     "Then `corridor office request`, take the request to the CA, and `corridor office install` what\n"
     "comes back.",
     "corridor office make --dir keys --office gn-conakry --role ORIGIN_MISSION --country GN --name Conakry",
     MAKE_OPTIONS, run_make},
    {"office request", "", 0, 0, "write the request that the CA signs", NULL,
     "corridor office request --dir keys --out gn-conakry.request", REQUEST_OPTIONS, run_request},
    {"office install", "", 0, 0, "install the CA's certificate and card list", NULL,
     "corridor office install --dir keys --ca ca.crt --cardlist cardlist", INSTALL_OPTIONS, run_install},
    {"office add-holder", "", 0, 0, "let another person open a compartment",
     "--user NAME is a present holder. Reads two passphrases, a line each: the present holder's, then the\n"
     "new one's.",
     "corridor --user fatou office add-holder --dir keys --compartment casework --holder binta",
     HOLDER_OPTIONS, run_add_holder},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

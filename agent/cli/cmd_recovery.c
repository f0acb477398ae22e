/* cmd_recovery.c - corridor office recovery: when too few holders are left.
 *
 * `make` splits a new recovery secret of each key into three shares and prints them;
 * `use` takes two of them and lets a successor in. Guarantees: shares are printed once
 * and kept nowhere; the office has their digests only; a share that is wrong, given
 * twice, of another office or of an older set is named as that. Whom the shares let in
 * stays marked in the key file, and the agent tells the hub of each older message that
 * person opens (agent/access.c). */
#include "cli_moment.h"
#include "cli_office.h"
#include "cli_print.h"
#include "cli_shares.h"
#include "corridor/ca.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

static const cli_option MAKE_OPTIONS[] = {
    {"dir", "DIR", true, "the office's key directory"},
    COMPARTMENT_OPTION("only for this key; repeat it (else all of the office)"),
    PRESENT_OPTION,
    {NULL, NULL, false, NULL}};
static const cli_option USE_OPTIONS[] = {{"dir", "DIR", true, "the office's key directory"},
                                         {"holder", "USER", true, "the successor, who shall hold the key"},
                                         CLI_TIME_OPTIONS,
                                         {NULL, NULL, false, NULL}};

/* ---- making ---- */

static void note_share(json_t *list, const share *one) {
  char text[SHARE_TEXT];
  shares_text(one, text);
  json_array_append_new(list,
                        json_pack("{s:s, s:i, s:s}", "compartment", cor_compartment_name(one->compartment),
                                  "number", (int)one->number, "share", text));
  OPENSSL_cleanse(text, sizeof text);
}

static bool make_one(const char *dir, const char *office, Corridor__V1__Compartment compartment,
                     const people *by, json_t *list, cor_error *err) {
  uint8_t secret[COR_RECOVERY_LEN], digests[COR_SHARES][COR_HASH_LEN];
  share shares[COR_SHARES];
  const cor_key_change change = {dir, COR_BIT(compartment), by->holders, by->n};
  cor_random(secret, sizeof secret);
  bool ok = shares_split(office, compartment, secret, shares, err);
  for (size_t i = 0; ok && i < COR_SHARES; i++)
    shares_digest(&shares[i], digests[i]);
  ok = ok && cor_keys_make_recovery(&change, secret, (const uint8_t(*)[COR_HASH_LEN])digests, err);
  for (size_t i = 0; ok && i < COR_SHARES; i++)
    note_share(list, &shares[i]);
  OPENSSL_cleanse(secret, sizeof secret);
  OPENSSL_cleanse(shares, sizeof shares);
  return ok;
}

bool recovery_make(const char *dir, const char *office, unsigned compartments, const people *by,
                   json_t **shares, cor_error *err) {
  bool ok = true;
  *shares = json_array();
  for (unsigned c = 0; ok && c <= COR_C(MONITORING); c++)
    if (compartments & COR_BIT(c)) ok = make_one(dir, office, (Corridor__V1__Compartment)c, by, *shares, err);
  return ok;
}

void recovery_print(cli_context *cli, const json_t *shares) {
  const json_t *one;
  size_t i;
  if (json_array_size(shares) == 0) return;
  fputs("Recovery shares. Any two of the three of a key open it; one alone tells nothing. They are shown\n"
        "this once and kept nowhere: write each on a paper of its own, and give the three to different\n"
        "people who keep them in different places. Older shares of these keys are worth nothing now.\n\n",
        cli->out);
  json_array_foreach((json_t *)(uintptr_t)shares, i, one) {
    fprintf(cli->out, "  %s\n", json_string_value(json_object_get(one, "share")));
    if (i % COR_SHARES == COR_SHARES - 1) fputc('\n', cli->out);
  }
}

static int run_make(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  people all = {0};
  cor_office office = {0};
  unsigned keys = 0;
  json_t *shares = NULL;
  const char *dir = cli_args_get(args, "dir");
  if (!cli->user)
    return cli_usage(cli, "office recovery make", "--user is required: a present holder of the keys");
  bool ok = cor_office_describe(dir, &office, &err) && office_compartments(args, &keys, &err) &&
            (keys != 0 || cor_keys_held(dir, NULL, &keys, &err)) && people_present(cli, &all, args, &err);
  ok = ok && recovery_make(dir, office.id, keys, &all, &shares, &err);
  people_clear(&all);
  if (json_array_size(shares) > 0 && cli->json) {
    json_t *answer = json_pack("{s:O}", "shares", shares);
    cli_print_json(cli->out, answer);
    json_decref(answer);
  }
  if (!cli->json) recovery_print(cli, shares);
  json_decref(shares);
  return ok ? CLI_DONE : cli_error(cli, &err);
}

/* ---- using ---- */

static bool read_share(cli_context *cli, const char *prompt, share *out, cor_error *err) {
  char line[COR_PASSPHRASE_MAX + 1];
  bool ok = cli_line_read(cli, prompt, line, err) && shares_parse(line, out, err);
  OPENSSL_cleanse(line, sizeof line);
  return ok;
}

/* The digests are the key file's, so a share is judged before anything is opened. */
static bool belongs(const share *one, const char *office, const cor_keyfile_facts *facts, cor_error *err) {
  uint8_t digest[COR_HASH_LEN];
  if (strcmp(one->office, office) != 0)
    return cor_fail(err, COR_BAD_INPUT, "share", "share %u is of %s, not of this office, %s", one->number,
                    one->office, office);
  if (!facts->has_recovery)
    return cor_fail(err, COR_BAD_INPUT, "share", "no recovery shares were made for the %s key of this office",
                    cor_compartment_name(one->compartment));
  shares_digest(one, digest);
  if (CRYPTO_memcmp(digest, facts->shares[one->number - 1], sizeof digest) == 0) return true;
  return cor_fail(err, COR_WRONG_PASSPHRASE, "share",
                  "share %u is none of the %s key's present shares: is it of an older set, or of a key that "
                  "was replaced?",
                  one->number, cor_compartment_name(one->compartment));
}

static bool demo_office(const char *dir, bool *demo, cor_error *err) {
  char path[4096];
  *demo = false;
  snprintf(path, sizeof path, "%s/ca.crt", dir);
  if (access(path, F_OK) != 0) return true; /* not installed yet: nothing says it is one */
  X509 *ca = cor_cert_from_pem_file(path, err);
  if (!ca) return false;
  *demo = cor_cert_is_demo(ca);
  X509_free(ca);
  return true;
}

static int run_use(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  people all = {0};
  share shares[COR_SHARES_NEEDED] = {{.number = 0}};
  uint8_t secret[COR_RECOVERY_LEN];
  cor_office office = {0};
  cor_keyfile_facts facts;
  bool demo = false;
  int64_t now = 0;
  const char *dir = cli_args_get(args, "dir"), *successor = cli_args_get(args, "holder");
  bool ok = cor_office_describe(dir, &office, &err) && demo_office(dir, &demo, &err) &&
            cli_moment(args, demo, &now, &err) &&
            read_share(cli, "One share, as printed: ", &shares[0], &err) &&
            read_share(cli, "Another share: ", &shares[1], &err) &&
            cor_keys_look(dir, shares[0].compartment, &facts, &err) &&
            belongs(&shares[0], office.id, &facts, &err) &&
            shares_join(&shares[0], &shares[1], secret, &err) &&
            belongs(&shares[1], office.id, &facts, &err) && people_add(cli, &all, successor, &err);
  const unsigned keys = COR_BIT(shares[0].compartment);
  const cor_key_change change = {.dir = dir, .compartments = keys};
  ok = ok && cor_keys_recover(&change, secret, &all.holders[0], now, &err);
  OPENSSL_cleanse(secret, sizeof secret);
  people_clear(&all);
  OPENSSL_cleanse(shares, sizeof shares);
  if (!ok) return cli_error(cli, &err);
  if (!cli->json)
    fputs("Whoever typed these shares has seen them: make new ones now (corridor office recovery make).\n",
          cli->err);
  return office_done(cli, "The key is now also held by", successor,
                     json_pack("{s:o, s:b}", "keys", office_names(keys), "byRecovery", 1));
}

const cli_verb cli_recovery_verbs[] = {
    {"office recovery make", "", 0, 0, "split a recovery key of each compartment two of three",
     "--user NAME is a present holder, whose passphrase is read (then that of each --present). Prints three\n"
     "shares for each key, once. Keep them on paper, each with a different person. Making them again makes\n"
     "the older ones worthless.",
     "corridor --user fatou office recovery make --dir keys --compartment health", MAKE_OPTIONS, run_make},
    {"office recovery use", "", 0, 0, "let a successor in by two recovery shares",
     "Reads three lines: a share, another share, and the successor's new passphrase. The shares say which\n"
     "key it is. Upper or lower case, and the dashes, do not matter; the check digits say which row is "
     "wrong.\n"
     "Each older message this person opens is told to the hub (RECOVERED_KEY).",
     "corridor office recovery use --dir keys --holder binta", USE_OPTIONS, run_use},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

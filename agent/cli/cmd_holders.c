/* cmd_holders.c - corridor office: who holds an office's keys.
 *
 * For: people who come, change their passphrase, and leave. Works on the key files,
 * offline. Guarantees: a present holder opens each key that is changed; several keys
 * change together or not at all; a compartment keeps two holders. What no command can
 * do is in the help of remove-holder: make somebody forget. */
#include "cli_office.h"
#include "cli_print.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <openssl/crypto.h>
#include <string.h>

#define DIR_OPTION                                                                                           \
  { "dir", "DIR", true, "the office's key directory" }
#define END                                                                                                  \
  { NULL, NULL, false, NULL }

static const cli_option LIST_OPTIONS[] = {DIR_OPTION, END};
static const cli_option ADD_OPTIONS[] = {DIR_OPTION,
                                         {"compartment", "NAME", true, "which key to share; repeat it"},
                                         {"holder", "USER", true, "who shall hold it too"},
                                         PRESENT_OPTION,
                                         END};
static const cli_option REMOVE_OPTIONS[] = {
    DIR_OPTION,
    {"holder", "USER", true, "who shall hold it no longer"},
    COMPARTMENT_OPTION("only this key; repeat it (else all that USER holds)"),
    PRESENT_OPTION,
    END};
static const cli_option CHANGE_OPTIONS[] = {
    DIR_OPTION, COMPARTMENT_OPTION("only for this key; repeat it (else all that --user holds)"), END};

/* ---- looking ---- */

static json_t *one_key(const cor_keyfile_facts *facts) {
  json_t *users = json_array(), *recovered = json_array();
  for (size_t i = 0; i < facts->n; i++) {
    json_array_append_new(users, json_string(facts->holders[i].user));
    if (facts->holders[i].recovered_at != 0)
      json_array_append_new(recovered, json_pack("{s:s, s:I}", "user", facts->holders[i].user, "recoveredAt",
                                                 (json_int_t)facts->holders[i].recovered_at));
  }
  return json_pack("{s:s, s:o, s:o, s:b}", "compartment", cor_compartment_name(facts->compartment), "holders",
                   users, "letInByRecovery", recovered, "recoveryShares", facts->has_recovery ? 1 : 0);
}

static void show_keys(FILE *out, json_t *keys) {
  static const cli_column COLUMNS[] = {{"compartment", "KEY", CLI_TEXT},
                                       {"holders", "HOLDERS", CLI_TEXT},
                                       {"names", "LET IN BY RECOVERY", CLI_TEXT},
                                       {"recoveryShares", "RECOVERY SHARES", CLI_TEXT}};
  json_t *key, *one;
  size_t i, k;
  json_array_foreach(keys, i, key) {
    json_t *names = json_array();
    json_array_foreach(json_object_get(key, "letInByRecovery"), k, one)
        json_array_append(names, json_object_get(one, "user"));
    json_object_set_new(key, "names", names);
  }
  cli_print_table(out, keys, COLUMNS, sizeof COLUMNS / sizeof *COLUMNS, "This office has no keys.");
}

static int run_holders(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  unsigned has;
  const char *dir = cli_args_get(args, "dir");
  json_t *keys = json_array();
  bool ok = cor_keys_held(dir, NULL, &has, &err);
  for (unsigned c = 0; ok && c <= COR_C(MONITORING); c++) {
    cor_keyfile_facts facts;
    if (!(has & COR_BIT(c))) continue;
    ok = cor_keys_look(dir, (Corridor__V1__Compartment)c, &facts, &err) &&
         json_array_append_new(keys, one_key(&facts)) == 0;
  }
  if (ok && cli->json) {
    json_t *answer = json_pack("{s:O}", "keys", keys);
    cli_print_json(cli->out, answer);
    json_decref(answer);
  }
  if (ok && !cli->json) show_keys(cli->out, keys);
  json_decref(keys);
  return ok ? CLI_DONE : cli_error(cli, &err);
}

/* ---- changing ---- */

/* The keys that were named, or all that the user holds. */
static bool keys_of(const cli_args *args, const char *user, unsigned *mask, cor_error *err) {
  unsigned held;
  if (!office_compartments(args, mask, err)) return false;
  if (*mask != 0) return true;
  if (!cor_keys_held(cli_args_get(args, "dir"), user, &held, err)) return false;
  *mask = held;
  return held != 0 ||
         cor_fail(err, COR_BAD_INPUT, "holder", "this user holds no key here; nothing was changed");
}

static int finish(cli_context *cli, bool done, const char *words, const char *user, unsigned keys,
                  const cor_error *err) {
  if (!done) return cli_error(cli, err);
  return office_done(cli, words, user, json_pack("{s:o}", "keys", office_names(keys)));
}

static int run_add_holder(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  people all = {0};
  unsigned keys = 0;
  const char *added = cli_args_get(args, "holder");
  if (!cli->user)
    return cli_usage(cli, "office add-holder", "--user is required: the holder who shares the key");
  bool done = office_compartments(args, &keys, &err) && people_present(cli, &all, args, &err) &&
              people_add(cli, &all, added, &err);
  if (done) {
    const cor_key_change change = {cli_args_get(args, "dir"), keys, all.holders, all.n - 1};
    done = cor_keys_add_holder(&change, &all.holders[all.n - 1], &err);
  }
  people_clear(&all);
  return finish(cli, done, "The key is now also held by", added, keys, &err);
}

static int run_remove_holder(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  people all = {0};
  unsigned keys = 0;
  const char *leaver = cli_args_get(args, "holder");
  if (!cli->user)
    return cli_usage(cli, "office remove-holder", "--user is required: a present holder of the key");
  bool done = keys_of(args, leaver, &keys, &err) && people_present(cli, &all, args, &err);
  if (done) {
    const cor_key_change change = {cli_args_get(args, "dir"), keys, all.holders, all.n};
    done = cor_keys_remove_holder(&change, leaver, &err);
  }
  people_clear(&all);
  return finish(cli, done, "The key is no longer held by", leaver, keys, &err);
}

static int run_change_passphrase(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  people all = {0};
  unsigned keys = 0;
  char fresh[COR_PASSPHRASE_MAX + 1];
  if (!cli->user)
    return cli_usage(cli, "office change-passphrase", "--user is required: whose passphrase it is");
  bool done = keys_of(args, cli->user, &keys, &err) && people_add(cli, &all, cli->user, &err) &&
              cli_secret_read(cli, "The new passphrase: ", fresh, &err);
  if (done) {
    const cor_key_change change = {cli_args_get(args, "dir"), keys, all.holders, 1};
    done = cor_keys_change_passphrase(&change, fresh, &err);
  }
  OPENSSL_cleanse(fresh, sizeof fresh);
  people_clear(&all);
  return finish(cli, done, "Changed the passphrase of", cli->user, keys, &err);
}

const cli_verb cli_holder_verbs[] = {
    {"office holders", "", 0, 0, "list who holds which key", "Names of accounts only; no secret is read.",
     "corridor office holders --dir keys", LIST_OPTIONS, run_holders},
    {"office add-holder", "", 0, 0, "let another person open a compartment",
     "--user NAME is a present holder. Reads passphrases, a line each: the present holder's (and of each\n"
     "--present), then the new one's.",
     "corridor --user fatou office add-holder --dir keys --compartment casework --holder binta", ADD_OPTIONS,
     run_add_holder},
    {"office remove-holder", "", 0, 0, "take a leaver off the keys",
     "--user NAME is a present holder, whose passphrase is read. The key is sealed anew for those who stay,\n"
     "so the leaver's passphrase opens neither this file nor a later one. A compartment keeps two holders:\n"
     "add the successor first.\n\n"
     "What this cannot do: who made a copy of the file while they held it, and knows their passphrase, has\n"
     "the private key and can open what is sealed to it, now and later, wherever they get hold of a "
     "message.\n"
     "If that is to be feared, make new keys for the office and have the CA sign them.",
     "corridor --user fatou office remove-holder --dir keys --holder sekou", REMOVE_OPTIONS,
     run_remove_holder},
    {"office change-passphrase", "", 0, 0, "change the passphrase of a holder",
     "Reads two passphrases, a line each: the old one, then the new one.",
     "corridor --user binta office change-passphrase --dir keys", CHANGE_OPTIONS, run_change_passphrase},
    {"office staff add", "", 0, 0, "give a person the keys of a function",
     "Functions: reception, case-worker, medical-focal-point, protection-focal-point, me-officer.\n"
     "The keys they need are given in one step; those the person holds already are left as they are. Reads\n"
     "passphrases, a line each: of --user, of each --present, then the person's. It is the keys that "
     "permit;\n"
     "the function only says which (data dictionary 2).",
     "corridor --user fatou office staff add --dir keys --holder binta --function case-worker",
     staff_add_options, staff_add},
    {"office staff list", "", 0, 0, "list who can do what, by the keys they hold", NULL,
     "corridor office staff list --dir keys", staff_list_options, staff_list},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};

/* cmd_staff.c - corridor office staff: functions, and the keys they need.
 *
 * Guarantees: giving a function gives all of its keys or none; nothing is kept but
 * the key shares themselves, so that the list cannot say what the keys do not: a
 * person has a function if they hold every key it needs. */
#include "cli_office.h"
#include "cli_print.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "corridor/staff.h"
#include <string.h>

const cli_option staff_add_options[] = {{"dir", "DIR", true, "the office's key directory"},
                                        {"holder", "USER", true, "the person's account"},
                                        {"function", "NAME", true, "what the person does; repeat it"},
                                        PRESENT_OPTION,
                                        {NULL, NULL, false, NULL}};
const cli_option staff_list_options[] = {{"dir", "DIR", true, "the office's key directory"},
                                         {NULL, NULL, false, NULL}};

/* ---- giving ---- */

static bool wanted_keys(const cli_args *args, unsigned *keys, cor_error *err) {
  const char *name;
  *keys = 0;
  for (size_t i = 0; (name = cli_args_nth(args, "function", i)) != NULL; i++) {
    const cor_function *function = cor_function_named(name);
    if (!function)
      return cor_fail(err, COR_UNKNOWN_ENUM, "function", "no such function: %.40s (see --help)", name);
    *keys |= function->compartments;
  }
  return true;
}

/* Less what the person holds already; an office without one of the keys has no such function. */
static bool missing_keys(const char *dir, const char *user, unsigned *keys, cor_error *err) {
  unsigned has, held;
  if (!cor_keys_held(dir, NULL, &has, err) || !cor_keys_held(dir, user, &held, err)) return false;
  for (unsigned c = 0; c <= COR_C(MONITORING); c++)
    if (*keys & ~has & COR_BIT(c))
      return cor_fail(err, COR_BAD_INPUT, "function", "this office has no %s key; nothing was changed",
                      cor_compartment_name((Corridor__V1__Compartment)c));
  *keys &= ~held;
  return *keys != 0 || cor_fail(err, COR_CONFLICT, "function",
                                "this person holds every key of that function; nothing was changed");
}

int staff_add(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  people all = {0};
  unsigned keys = 0;
  const char *dir = cli_args_get(args, "dir"), *added = cli_args_get(args, "holder");
  if (!cli->user)
    return cli_usage(cli, "office staff add", "--user is required: a present holder of the keys");
  bool done = wanted_keys(args, &keys, &err) && missing_keys(dir, added, &keys, &err) &&
              people_present(cli, &all, args, &err) && people_add(cli, &all, added, &err);
  if (done) {
    const cor_key_change change = {dir, keys, all.holders, all.n - 1};
    done = cor_keys_add_holder(&change, &all.holders[all.n - 1], &err);
  }
  people_clear(&all);
  if (!done) return cli_error(cli, &err);
  return office_done(cli, "Gave the keys of the function to", added,
                     json_pack("{s:o}", "keys", office_names(keys)));
}

/* ---- listing ---- */

typedef struct member {
  char user[COR_USER_MAX + 1];
  unsigned keys;
} member;
enum { MEMBERS_MAX = COR_HOLDERS_MAX * 5 };

static void note_member(member *all, size_t *n, const char *user, unsigned key) {
  for (size_t i = 0; i < *n; i++)
    if (strcmp(all[i].user, user) == 0) {
      all[i].keys |= key;
      return;
    }
  if (*n == MEMBERS_MAX) return; /* five keys of COR_HOLDERS_MAX holders: cannot be */
  snprintf(all[*n].user, sizeof all[*n].user, "%s", user);
  all[(*n)++].keys = key;
}

static bool gather(const char *dir, member *all, size_t *n, cor_error *err) {
  unsigned has;
  if (!cor_keys_held(dir, NULL, &has, err)) return false;
  for (unsigned c = 0; c <= COR_C(MONITORING); c++) {
    cor_keyfile_facts facts;
    if (!(has & COR_BIT(c))) continue;
    if (!cor_keys_look(dir, (Corridor__V1__Compartment)c, &facts, err)) return false;
    for (size_t i = 0; i < facts.n; i++)
      note_member(all, n, facts.holders[i].user, COR_BIT(c));
  }
  return true;
}

/* Every case worker could do reception: only what no wider function contains is named. */
static bool contained(const cor_function *in, unsigned keys) {
  const cor_function *wider;
  for (size_t i = 0; (wider = cor_function_at(i)) != NULL; i++)
    if (wider != in && (wider->compartments & ~keys) == 0 && (in->compartments & ~wider->compartments) == 0)
      return true;
  return false;
}

static json_t *functions_of(unsigned keys) {
  json_t *names = json_array();
  const cor_function *one;
  for (size_t i = 0; (one = cor_function_at(i)) != NULL; i++)
    if ((one->compartments & ~keys) == 0 && !contained(one, keys))
      json_array_append_new(names, json_string(one->name));
  return names;
}

int staff_list(cli_context *cli, const cli_args *args) {
  static const cli_column COLUMNS[] = {
      {"user", "ACCOUNT", CLI_TEXT}, {"functions", "FUNCTIONS", CLI_TEXT}, {"keys", "KEYS", CLI_TEXT}};
  cor_error err = {0};
  member all[MEMBERS_MAX];
  size_t n = 0;
  if (!gather(cli_args_get(args, "dir"), all, &n, &err)) return cli_error(cli, &err);
  json_t *staff = json_array();
  for (size_t i = 0; i < n; i++)
    json_array_append_new(staff, json_pack("{s:s, s:o, s:o}", "user", all[i].user, "functions",
                                           functions_of(all[i].keys), "keys", office_names(all[i].keys)));
  if (cli->json) {
    json_t *answer = json_pack("{s:O}", "staff", staff);
    cli_print_json(cli->out, answer);
    json_decref(answer);
  } else {
    cli_print_table(cli->out, staff, COLUMNS, sizeof COLUMNS / sizeof *COLUMNS, "Nobody holds a key here.");
  }
  json_decref(staff);
  return CLI_DONE;
}

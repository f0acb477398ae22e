/* The corridor command as a person meets it: words, exit codes, help, the demo
 * clock, the CA's input files. No agent runs here. */
#include "cli.h"
#include "cli_ca_input.h"
#include "cli_print.h"
#include "corridor/ca.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test-cli-XXXXXX";
static char *said, *complained;

/* Runs one command line; its words are separated by single spaces. */
static int run(const char *line) {
  char *words[32] = {(char *)(uintptr_t) "corridor"}, *copy = strdup(line), *rest = copy, *word;
  int n = 1;
  size_t out_len, err_len;
  free(said);
  free(complained);
  FILE *out = open_memstream(&said, &out_len), *err = open_memstream(&complained, &err_len);
  while ((word = strsep(&rest, " ")) != NULL)
    words[n++] = word;
  int code = cli_main(n, words, out, err);
  fclose(out);
  fclose(err);
  free(copy);
  return code;
}

static const char *in_dir(const char *name) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return path;
}

static void write_file(const char *name, const char *text) {
  FILE *file = fopen(in_dir(name), "w");
  ck_assert_ptr_nonnull(file);
  fputs(text, file);
  fclose(file);
}

static const struct {
  const char *line;
  int code;
  const char *says; /* on standard output (0) or standard error */
} lines[] = {
    {"--version", 0, "corridor "},
    {"--help", 0, "Exit codes: 0 done"},
    {"case --help", 0, "case new"},
    {"send --help", 0, "--wait SECONDS"},
    {"send -h", 0, "--wait SECONDS"},
    {"ca publish --help", 0, "--days N"},
    {"nonsense", 2, "no such verb: nonsense"},
    {"due --al", 2, "unknown option --al"},
    {"due extra", 2, "one word too many"},
    {"due --json=yes", 2, "takes no value"},
    {"send", 2, "FILE is missing"},
    {"send x --wait", 2, "--wait needs a value"},
    {"case new --origin gn-conakry", 2, "--programme is required"},
    {"due", 2, "which agent?"},
    {"--agent /nowhere/agent.sock send - --wait 61", 2, "0 to 60"},
    {"--agent /nowhere/agent.sock send - --wait ten", 2, "0 to 60"},
    {"--agent /nowhere/agent.sock answer 00 --accept --decline FULL", 2, "either --accept or --decline"},
    {"--agent /nowhere/agent.sock answer 00", 2, "either --accept or --decline"},
    {"--agent /nowhere/agent.sock duplicates answer 00", 2, "either --possible or --none"},
    {"--agent /nowhere/agent.sock duplicates answer 00 --possible --none", 2, "either --possible or --none"},
    {"--agent /nowhere/agent.sock duplicates answer 00 --possible", 2, "--contact-function"},
    {"--agent /nowhere/agent.sock status", 1, "nothing was sent or kept"},
    {"status --agent /nowhere/agent.sock --json", 1, "\"code\": \"INTERNAL\""},
    {"--agent /nowhere/agent.sock send /nowhere/file", 3, "code    BAD_INPUT"},
    {"office add-holder --dir x --compartment casework --holder y", 2, "--user is required"},
    {"office remove-holder --dir x --holder y", 2, "--user is required"},
    {"office staff add --dir x --holder y --function case-worker", 2, "--user is required"},
    {"--user x office staff add --dir y --holder z --function cook", 3, "no such function"},
    {"office recovery", 2, "no such verb"},
    {"--second moussa inbox", 2, "--second comes with --user"},
    {"office make --dir x --office a --role NO_SUCH --country NE --name n", 3, "no such role"},
    {"office make --dir x --office ab --role HOST_MISSION --country NE --name n --compartment casework "
     "--holder one",
     3, "at least 2 holders"},
    {"audit report --case x", 2, "which database?"},
    {"audit permissions", 2, "which database?"},
    {"ca region GN --dir x", 2, "either --suspend REASON or --lift"},
    {"ca region GN --dir x --lift --suspend DISASTER", 2, "either --suspend REASON or --lift"},
    {"ca permissions --dir x /nowhere/table.json", 3, "code    BAD_INPUT"},
    {"permissions", 2, "which agent?"},
};

START_TEST(words_and_exit_codes) {
  ck_assert_int_eq(run(lines[_i].line), lines[_i].code);
  const char *where = lines[_i].code == 0 ? said : complained;
  ck_assert_msg(strstr(where, lines[_i].says) != NULL, "%s: %s", lines[_i].line, where);
  if (lines[_i].code != 0) ck_assert_str_eq(said, "");
}
END_TEST

/* A misnamed option of the help would be found by nobody else, nor one of an
 * example: with --help behind it, its words are read and nothing is done. */
START_TEST(every_verb_has_help) {
  const cli_verb *const tables[] = {
      cli_case_verbs,     cli_consent_verbs,  cli_message_verbs, cli_attachment_verbs, cli_duplicate_verbs,
      cli_referral_verbs, cli_basis_verbs,    cli_record_verbs,  cli_ca_verbs,         cli_office_verbs,
      cli_holder_verbs,   cli_recovery_verbs, cli_demo_verbs,    cli_audit_verbs};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const cli_verb *verb = tables[i]; verb->words; verb++) {
      char line[256], usage[64];
      snprintf(line, sizeof line, "%s --help", verb->words);
      snprintf(usage, sizeof usage, "usage: corridor %s", verb->words);
      ck_assert_int_eq(run(line), 0);
      const char *const parts[] = {verb->about, usage, "example: corridor ", verb->example,
                                   "Exit codes: 0 done"};
      for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        ck_assert_msg(strstr(said, parts[k]) != NULL, "%s --help lacks: %s", verb->words, parts[k]);
      for (const cli_option *option = verb->options; option && option->name; option++)
        ck_assert_ptr_nonnull(strstr(said, option->name));
      ck_assert_int_eq(strncmp(verb->example, "corridor ", 9), 0);
      snprintf(line, sizeof line, "%s --help", verb->example + 9);
      ck_assert_msg(run(line) == 0, "the example of %s: %s", verb->words, complained);
      ck_assert_ptr_nonnull(strstr(said, usage));
    }
}
END_TEST

/* ---- the demo clock ---- */

static void make_ca(const char *name, bool demo) {
  cor_error err = {0};
  ck_assert_msg(cor_ca_make(in_dir(name), "Test", demo, "correct horse", 1772438400000, 1, &err), "%s",
                err.detail);
}

static int clock_line(const char *ca, const char *words) {
  char line[256];
  snprintf(line, sizeof line, "demo clock --file %s/clock --ca %s/%s/ca.crt%s", dir, dir, ca, words);
  return run(line);
}

START_TEST(demo_clock_goes_forward_only) {
  make_ca("demo", true);
  ck_assert_int_eq(clock_line("demo", " start 2026-03-02T08:00Z"), 0);
  ck_assert_int_eq(clock_line("demo", " forward 1d2h30m"), 0);
  ck_assert_mem_eq(said, "2026-03-03T10:30:", 17);
  ck_assert_int_eq(clock_line("demo", " set 2026-03-02T08:00Z"), 3);
  ck_assert_int_eq(clock_line("demo", " forward tomorrow"), 3);
  ck_assert_int_eq(clock_line("demo", " forward"), 2);
  ck_assert_int_eq(clock_line("demo", ""), 0);
  ck_assert_mem_eq(said, "2026-03-03T10:30:", 17);
}
END_TEST

START_TEST(demo_clock_needs_a_demo_ca) {
  make_ca("production", false);
  ck_assert_int_eq(clock_line("production", " start 2026-03-02T08:00Z"), 6);
  ck_assert_ptr_nonnull(strstr(complained, "DEMO_ONLY"));
  ck_assert_int_ne(access(in_dir("clock"), F_OK), 0);
}
END_TEST

START_TEST(production_ca_cannot_be_dated) {
  char line[256];
  snprintf(line, sizeof line, "ca make --dir %s/ca --name Test --at 2020-01-01", dir);
  ck_assert_int_eq(run(line), 6);
  ck_assert_int_ne(access(in_dir("ca"), F_OK), 0);
}
END_TEST

/* ---- what people hand in ---- */

START_TEST(times_become_milliseconds) {
  json_t *value = json_loads(
      "{\"departsAt\": \"2026-03-13T10:15Z\", \"name\": \"2026-03-13\", \"departs_at\": \"5\","
      " \"list\": [{\"validFrom\": \"2026-03-02\"}], \"from\": \"ne-niamey\"}",
      0, NULL);
  cli_times_to_ms(value);
  char *text = json_dumps(value, JSON_COMPACT);
  ck_assert_str_eq(text, "{\"departsAt\":\"1773396900000\",\"name\":\"2026-03-13\",\"departs_at\":\"5\","
                         "\"list\":[{\"validFrom\":\"1772409600000\"}],\"from\":\"ne-niamey\"}");
  free(text);
  json_decref(value);
}
END_TEST

static const struct {
  const char *text;
  bool ok;
} calendars[] = {
    {"{\"about\": \"x\", \"country\": \"GN\", \"weekend\": [6, 7], \"holidays\": {\"2026-12-25\": \"b\", "
     "\"2026-01-01\": \"a\"}, \"offsets\": {\"2026-03-29T01:00Z\": 120, \"2025-01-01T00:00Z\": 60}}",
     true},
    {"{\"country\": \"GN\", \"weekend\": [6], \"holidays\": {\"1 January\": \"x\"}, \"offsets\": {}}", false},
    {"{\"country\": \"GN\", \"weekend\": [6], \"holidays\": {}, \"offsets\": {\"noon\": 60}}", false},
    {"{\"country\": \"GN\", \"weekend\": [6], \"holidays\": {}, \"offsets\": {\"2025-01-01\": \"60\"}}",
     false},
    {"{\"country\": \"GN\", \"weekend\": [6], \"holydays\": {}}", false},
    {"[]", false},
};

START_TEST(calendar_files) {
  cor_error err = {0};
  write_file("calendar.json", calendars[_i].text);
  ProtobufCMessage *message = ca_input_calendar(in_dir("calendar.json"), &err);
  ck_assert_msg((message != NULL) == calendars[_i].ok, "%s", err.detail);
  if (message) {
    const Corridor__V1__Calendar *calendar = (const Corridor__V1__Calendar *)message;
    ck_assert_uint_eq(calendar->n_holidays, 2);
    ck_assert_int_lt(calendar->holidays[0], calendar->holidays[1]);
    ck_assert_uint_eq(calendar->n_offsets, 2);
    ck_assert_int_eq(calendar->offsets[0]->minutes, 60);
    ck_assert_int_eq(calendar->offsets[1]->minutes, 120);
  }
  cor_message_free(message);
}
END_TEST

/* ---- what is shown ---- */

static const struct {
  const char *in, *out;
} texts[] = {{"Lab\xC3\xA9", "Lab\xC3\xA9"},
             {"a\x1B[2Jb", "a\\x1B[2Jb"},
             {"line\nline", "line\\x0Aline"},
             {"\xC2\x9B", "\\x9B"},
             {"\x7F", "\\x7F"},
             {"5\xE2\x80\xAE"
              "01 mg",
              "5\\u202E01 mg"}, /* would read 5gm 10 */
             {"\xE2\x81\xA6x\xE2\x80\x99", "\\u2066x\xE2\x80\x99"},
             {"\xE2\x80", "\xE2\x80"}};

START_TEST(no_text_moves_the_cursor) {
  char *out = NULL;
  size_t len;
  FILE *file = open_memstream(&out, &len);
  cli_print_text(file, texts[_i].in);
  fclose(file);
  ck_assert_str_eq(out, texts[_i].out);
  free(out);
}
END_TEST

/* A list of what a person must take is shown to its end, whatever its length. */
START_TEST(no_list_is_cut) {
  char *out = NULL, long_text[700];
  size_t len;
  memset(long_text, 'a', sizeof long_text - 1);
  long_text[sizeof long_text - 1] = '\0';
  FILE *file = open_memstream(&out, &len);
  json_t *message = json_pack("{s:[s,s,s]}", "medication", long_text, "second\x1B", "last");
  cli_print_tree(file, message, 0);
  fclose(file);
  ck_assert_uint_gt(len, sizeof long_text);
  ck_assert_ptr_nonnull(strstr(out, ", second\\x1B, last\n"));
  free(out);
  json_decref(message);
}
END_TEST

START_TEST(a_refusal_reads_as_such) {
  char *out = NULL;
  size_t len;
  FILE *file = open_memstream(&out, &len);
  json_t *error = json_pack("{s:s, s:s, s:s, s:b, s:s, s:[s]}", "code", "NO_CONSENT", "path", "/body", "rule",
                            "[003:233]", "retry", 1, "sentence", "No consent.", "kept", "0190");
  cli_context cli = {.err = file};
  ck_assert_int_eq(cli_error_json(&cli, error), 4);
  fclose(file);
  ck_assert_str_eq(out, "corridor: No consent.\n  code    NO_CONSENT\n  where   /body\n  rule    [003:233]\n"
                        "  retry   yes, once the cause is gone\n  kept    0190\n");
  free(out);
  json_decref(error);
}
END_TEST

static void make_dir(void) {
  memcpy(dir, "/tmp/test-cli-XXXXXX", sizeof dir);
  ck_assert_ptr_nonnull(mkdtemp(dir));
  unsetenv("CORRIDOR_AGENT");
  unsetenv("CORRIDOR_DB");
}

static void remove_dir(void) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  ck_assert_int_eq(system(command), 0);
  free(said);
  free(complained);
  said = complained = NULL;
}

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

int main(void) {
  Suite *suite = suite_create("cli");
  TCase *tcase = tcase_create("cli");
  tcase_add_checked_fixture(tcase, make_dir, remove_dir);
  tcase_set_timeout(tcase, 30);
  tcase_add_loop_test(tcase, words_and_exit_codes, 0, COUNT(lines));
  tcase_add_test(tcase, every_verb_has_help);
  tcase_add_test(tcase, demo_clock_goes_forward_only);
  tcase_add_test(tcase, demo_clock_needs_a_demo_ca);
  tcase_add_test(tcase, production_ca_cannot_be_dated);
  tcase_add_test(tcase, times_become_milliseconds);
  tcase_add_loop_test(tcase, calendar_files, 0, COUNT(calendars));
  tcase_add_loop_test(tcase, no_text_moves_the_cursor, 0, COUNT(texts));
  tcase_add_test(tcase, no_list_is_cut);
  tcase_add_test(tcase, a_refusal_reads_as_such);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

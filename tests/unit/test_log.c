/* One event is one line; nothing but plain characters reaches the log. */
#include "corridor/log.h"
#include "corridor/refusal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *captured;
static int saved_stderr;
static cor_clock *system_clock;
static cor_log *log_to;

static void setup(void) {
  captured = tmpfile();
  ck_assert_ptr_nonnull(captured);
  saved_stderr = dup(STDERR_FILENO);
  dup2(fileno(captured), STDERR_FILENO);
  system_clock = cor_clock_system();
  log_to = cor_log_new("test-log", system_clock, COR_INFO);
}

static void teardown(void) {
  dup2(saved_stderr, STDERR_FILENO);
  close(saved_stderr);
  fclose(captured);
  cor_log_destroy(&log_to);
  cor_clock_destroy(&system_clock);
}

static const char *written(void) {
  static char text[8192];
  rewind(captured);
  size_t len = fread(text, 1, sizeof text - 1, captured);
  text[len] = '\0';
  return text;
}

START_TEST(every_kind_of_field) {
  static const uint8_t id[COR_ID_LEN] = {0x01, 0x7f, 0x22};
  COR_LOG(log_to, COR_WARN, "refused", COR_WORD("office", "ne-host"), COR_NUM("size", 4096),
          COR_ID("message", id), COR_CODE(COR_NO_CONSENT), COR_WORD("why", NULL));
  const char *line = written();
  ck_assert_ptr_nonnull(strstr(line, "Z level=warn program=test-log event=refused office=ne-host size=4096 "
                                     "message=017f2200-0000-0000-0000-000000000000 code=NO_CONSENT why=-\n"));
  ck_assert_mem_eq(line, "time=2", 6);
  int64_t ms = 0;
  char stamp[32] = {0};
  ck_assert_int_eq(sscanf(line, "time=%31s", stamp), 1);
  ck_assert(cor_time_parse(stamp, &ms));
  ck_assert_int_le(ms, cor_clock_now(system_clock));
}
END_TEST

static const struct {
  const char *word, *shown;
} words[] = {
    {"plain-word", "plain-word"},
    {"two words", "two\\x20words"},
    {"line\nlevel=info event=forged", "line\\x0alevel=info\\x20event=forged"},
    {"\033[2Jcleared", "\\x1b[2Jcleared"},
    {"\r\t\x7f", "\\x0d\\x09\\x7f"},
    {"caf\xc3\xa9", "caf\\xc3\\xa9"},
    {"\xe2\x80\xae", "\\xe2\\x80\\xae"},
    {"back\\x0aslash", "back\\x5cx0aslash"},
    {"", ""},
};

START_TEST(words_are_escaped) {
  char expect[200];
  COR_LOG(log_to, COR_INFO, words[_i].word, COR_WORD("w", words[_i].word), COR_NUM("end", 1));
  const char *line = written();
  snprintf(expect, sizeof expect, " event=%s w=%s end=1\n", words[_i].shown, words[_i].shown);
  ck_assert_msg(strstr(line, expect) != NULL, "%s", line);
  ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(no_control_character_gets_through) {
  char all[256];
  for (int i = 0; i < 255; i++)
    all[i] = (char)(i + 1);
  all[255] = '\0';
  for (size_t from = 0; from < 255; from += 20)
    COR_LOG(log_to, COR_INFO, "bytes", COR_WORD("w", all + from));
  const char *text = written();
  for (const char *at = text; *at != '\0'; at++)
    ck_assert_msg((*at >= ' ' && *at <= '~') || *at == '\n', "byte %d", *at);
}
END_TEST

START_TEST(long_words_and_lines_are_cut) {
  char word[4000];
  cor_field many[40];
  memset(word, 'x', sizeof word - 1);
  word[sizeof word - 1] = '\0';
  for (size_t i = 0; i < 40; i++)
    many[i] = COR_WORD("f", word);
  cor_log_write(log_to, COR_INFO, "one", many, 1);
  const char *value = strstr(written(), "f=x");
  ck_assert_ptr_nonnull(value);
  ck_assert_uint_eq(strspn(value + 2, "x"), 128);
  cor_log_write(log_to, COR_INFO, "many", many, 40);
  const char *line = strstr(written(), "\n") + 1;
  ck_assert_uint_le(strlen(line), 2048);
  ck_assert_str_eq(line + strlen(line) - 7, " cut=1\n");
}
END_TEST

START_TEST(levels) {
  COR_LOG(log_to, COR_DEBUG, "quiet", COR_NUM("n", 1));
  cor_log_set_level(log_to, COR_DEBUG);
  COR_LOG(log_to, COR_DEBUG, "heard", COR_NUM("n", -9));
  cor_log_set_level(log_to, COR_ALARM);
  COR_LOG(log_to, COR_WARN, "quiet", COR_NUM("n", 1));
  COR_LOG(NULL, COR_ALARM, "quiet", COR_NUM("n", 1));
  ck_assert_ptr_nonnull(strstr(written(), "event=heard n=-9\n"));
  ck_assert_ptr_null(strstr(written(), "quiet"));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("log");
  TCase *tests = tcase_create("log");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, every_kind_of_field);
  tcase_add_loop_test(tests, words_are_escaped, 0, (int)(sizeof words / sizeof *words));
  tcase_add_test(tests, no_control_character_gets_through);
  tcase_add_test(tests, long_words_and_lines_are_cut);
  tcase_add_test(tests, levels);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}

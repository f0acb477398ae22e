/* test_match_made.c - how often the rules by which people are compared are right,
 * on made people (tests/match): for each way in which a question may differ from the
 * file, which share of the people is found (recall), and which share of the cases
 * shown is of the person asked about (precision). Beside each person's file stand one
 * of a sibling and one of a namesake. The program prints the table; a change of the
 * rules that makes a figure worse than the floor beside it in tests/match/people.c
 * fails. The set is fixed by its seed. */
#include "match/names_dir.h"
#include "match/people.h"
#include "programme.h"

enum { PEOPLE = 150, FILES = 3 * PEOPLE, SEED = 1 };

static match_person *files; /* person i: 3i; sibling and namesake behind */
static made people[PEOPLE];
static matcher *m;

typedef struct tally {
  unsigned asked, found, shown, wrong;
} tally;

static void keep(size_t i, const made *who) {
  described as;
  made_describe(who, &as);
  match_read(m, &as.facts, &files[i]);
}

static bool set_up(void) {
  cor_error err;
  char dir[512];
  dice d = {SEED};
  m = matcher_open(names_dir(dir), &err);
  files = calloc(FILES, sizeof *files);
  if (m == NULL || files == NULL) {
    fprintf(stderr, "%s\n", m == NULL ? err.detail : "out of memory");
    return false;
  }
  for (size_t i = 0; i < PEOPLE; i++) {
    people[i] = made_new(&d);
    const made sibling = made_sibling(&people[i], &d), namesake = made_namesake(&people[i], &d);
    keep(3 * i, &people[i]);
    keep(3 * i + 1, &sibling);
    keep(3 * i + 2, &namesake);
  }
  return true;
}

/* A namesake born in the same year is counted as wrong even where the question says
 * no more than the year. */
static tally ask(const change *c) {
  tally t = {0};
  match_person question;
  dice d = {SEED + 1};
  for (size_t i = 0; i < PEOPLE; i++) {
    described as;
    unsigned score;
    if (!made_apply(c, &people[i], &d, &as)) continue;
    match_read(m, &as.facts, &question);
    t.asked++;
    for (size_t k = 0; k < FILES; k++) {
      if (match_compare(&question, &files[k], &score) == NULL) continue;
      t.shown++;
      if (k == 3 * i)
        t.found++;
      else
        t.wrong++;
    }
  }
  return t;
}

static double recall(const tally *t) {
  return t->asked > 0 ? (double)t->found / t->asked : 0;
}

static double precision(const tally *t) {
  return t->shown > 0 ? (double)t->found / t->shown : 0;
}

static void print_table(void) {
  const change *c;
  printf("%-26s %6s %7s %10s %22s\n", "the question differs by", "people", "recall", "precision",
         "wrong per 1000 files");
  for (size_t i = 0; (c = made_change(i)) != NULL; i++) {
    const tally t = ask(c);
    printf("%-26s %6u %6.1f%% %9.1f%% %22.2f\n", c->name, t.asked, 100 * recall(&t), 100 * precision(&t),
           t.asked > 0 ? 1000.0 * t.wrong / t.asked / FILES : 0);
  }
}

START_TEST(each_change_is_seen_through) {
  const change *c = made_change((size_t)_i);
  const tally t = ask(c);
  ck_assert_uint_gt(t.asked, PEOPLE / 10);
  ck_assert_msg(recall(&t) >= c->recall, "%s: found %u of %u", c->name, t.found, t.asked);
  ck_assert_msg(precision(&t) >= c->precision, "%s: %u wrong of %u", c->name, t.wrong, t.shown);
}
END_TEST

int main(void) {
  int n = 0;
  if (!set_up()) return EXIT_FAILURE;
  print_table();
  while (made_change((size_t)n) != NULL)
    n++;
  TCase *tc = tcase_create("made");
  tcase_add_loop_test(tc, each_change_is_seen_through, 0, n);
  const int status = programme_run(tc, "match_made");
  matcher_close(&m);
  free(files);
  return status;
}

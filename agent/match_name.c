/* match_name.c - names in any script, written alike: ICU carries out the rules of
 * names.rules, and names.txt says which words are spellings of one name.
 *
 * Both are data files, because who works with the names of a country knows them
 * better than we do. They are read each time a comparison begins, so that a mended
 * file counts at once.
 * Guarantees: a name costs bounded work, whatever it holds: MATCH_TEXT_MAX bytes of
 * it are read, at most MATCH_WORDS_MAX words kept; what grows beyond TEXT_ROOM while
 * it is written is a name without words. What ICU allocates is zeroed when freed.
 * Trusts the two files as the administrator's own, and that names are UTF-8. */
#include "match_word.h"

#include "corridor/refusal.h"
#include "corridor/wipe.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uclean.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

enum { TEXT_ROOM = 4096, FILE_MAX = 256 * 1024, PATH_SIZE = 4096 + 32 };

struct matcher {
  UTransliterator *rules;
  spellings spellings;
};

/* ---- ICU's memory ---- */

static void *U_CALLCONV take(const void *context, size_t size) {
  (void)context;
  return malloc(size);
}

static void *U_CALLCONV take_more(const void *context, void *block, size_t size) {
  (void)context;
  return cor_wipe_realloc(block, size);
}

static void U_CALLCONV give_back(const void *context, void *block) {
  (void)context;
  cor_wipe_free(block);
}

bool match_begin(void) {
  UErrorCode status = U_ZERO_ERROR;
  u_setMemoryFunctions(NULL, take, take_more, give_back, &status);
  return U_SUCCESS(status);
}

/* ---- words ---- */

/* The longest beginning of at most max bytes that does not end within a letter. */
static size_t whole_letters(const char *text, size_t max) {
  size_t len = strnlen(text, max + 1);
  if (len <= max) return len;
  for (len = max; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;)
    len--;
  return len;
}

/* As the rules write it; its length, 0 when it cannot be written. */
static size_t write_alike(matcher *m, const char *text, UChar out[TEXT_ROOM]) {
  UErrorCode status = U_ZERO_ERROR;
  int32_t len = 0;
  u_strFromUTF8(out, TEXT_ROOM, &len, text, (int32_t)whole_letters(text, MATCH_TEXT_MAX), &status);
  int32_t limit = len;
  if (U_SUCCESS(status) && len < TEXT_ROOM)
    utrans_transUChars(m->rules, out, &len, TEXT_ROOM, 0, &limit, &status);
  return U_SUCCESS(status) && len > 0 && len <= TEXT_ROOM ? (size_t)len : 0;
}

/* Letters a to z make words; everything else stands between two. */
static void split(const UChar *text, size_t len, match_name *out) {
  size_t letters = 0;
  *out = (match_name){.n = 0};
  for (size_t i = 0; i <= len; i++) {
    const bool letter = i < len && text[i] >= 'a' && text[i] <= 'z';
    if (letter && out->n < MATCH_WORDS_MAX && letters + 1 < MATCH_WORD_SIZE)
      out->words[out->n].text[letters++] = (char)text[i];
    if (letter || letters == 0) continue;
    out->n++;
    letters = 0;
  }
}

static void squeeze(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; from++)
    if (to == text || to[-1] != *from) *to++ = *from;
  *to = '\0';
}

/* Particles and initials say little: they go, unless nothing else is there. */
static void drop_small(match_name *name) {
  size_t kept = 0;
  for (size_t i = 0; i < name->n; i++)
    if (name->words[i].name != MATCH_PARTICLE && name->words[i].text[1] != '\0')
      name->words[kept++] = name->words[i];
  if (kept > 0) name->n = kept;
}

static void read_words(matcher *m, const char *text, match_name *out) {
  UChar wide[TEXT_ROOM];
  split(wide, write_alike(m, text, wide), out);
  for (size_t i = 0; i < out->n; i++)
    squeeze(out->words[i].text);
  OPENSSL_cleanse(wide, sizeof wide);
}

void match_read_name(matcher *m, const char *text, match_name *out) {
  read_words(m, text, out);
  for (size_t i = 0; i < out->n; i++) {
    match_word_bones(&out->words[i]);
    out->words[i].name = spellings_find(&m->spellings, out->words[i].text);
  }
  drop_small(out);
}

/* ---- the files ---- */

static bool load(const char *dir, const char *name, cor_buf *out, cor_error *err) {
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return cor_file_read(path, FILE_MAX, false, out, err);
}

static bool open_rules(matcher *m, const char *dir, cor_error *err) {
  static const UChar id[] = {'n', 'a', 'm', 'e', 's', 0};
  UParseError where = {.line = 0};
  UErrorCode status = U_ZERO_ERROR;
  cor_buf text = {0};
  int32_t len = 0;
  if (!load(dir, "names.rules", &text, err)) return false;
  UChar *wide = calloc(text.len + 1, sizeof *wide); /* never more units than bytes */
  bool ok = wide != NULL;
  if (ok) {
    u_strFromUTF8(wide, (int32_t)text.len + 1, &len, (const char *)text.data, (int32_t)text.len, &status);
    if (U_SUCCESS(status)) m->rules = utrans_openU(id, -1, UTRANS_FORWARD, wide, len, &where, &status);
    ok = U_SUCCESS(status) && m->rules != NULL;
  }
  free(wide);
  cor_buf_clear(&text);
  return ok || cor_fail(err, COR_INTERNAL, "names", "%.100s/names.rules, line %d: %s; nothing was compared",
                        dir, (int)where.line, u_errorName(status));
}

/* "name Mohamed Muhammad ..." or "particle al ben ...", one line. */
static bool take_line(matcher *m, char *line, int name, cor_error *err) {
  char *rest = line, *word;
  match_name written;
  const char *kind = strsep(&rest, " \t");
  const int as = strcmp(kind, "name") == 0       ? name
                 : strcmp(kind, "particle") == 0 ? MATCH_PARTICLE
                                                 : MATCH_NOT_LISTED;
  if (as == MATCH_NOT_LISTED)
    return cor_fail(err, COR_BAD_INPUT, "names", "names.txt, line %d: begins with neither name nor particle",
                    name);
  while ((word = strsep(&rest, " \t")) != NULL) {
    if (*word == '\0') continue;
    read_words(m, word, &written);
    if (written.n != 1)
      return cor_fail(err, COR_BAD_INPUT, "names",
                      "names.txt, line %d: the rules do not write \"%.40s\" as one word", name, word);
    if (!spellings_add(&m->spellings, written.words[0].text, as))
      return cor_fail(err, COR_INTERNAL, "names", "names.txt, line %d: too many words", name);
  }
  return true;
}

static bool read_spellings(matcher *m, const char *dir, cor_error *err) {
  cor_buf text = {0};
  if (!load(dir, "names.txt", &text, err)) return false;
  char *rest = (char *)text.data, *line; /* cor_file_read puts a NUL behind */
  bool ok = true;
  for (int number = 1; ok && (line = strsep(&rest, "\n")) != NULL; number++) {
    line[strcspn(line, "#\r")] = '\0';
    line += strspn(line, " \t");
    if (*line != '\0') ok = take_line(m, line, number, err);
  }
  cor_buf_clear(&text);
  const char *twice = ok ? spellings_sort(&m->spellings) : NULL;
  return twice == NULL
             ? ok
             : cor_fail(err, COR_BAD_INPUT, "names", "names.txt: \"%s\" is written like two names", twice);
}

matcher *matcher_open(const char *dir, cor_error *err) {
  matcher *m = calloc(1, sizeof *m);
  if (m == NULL) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
    return NULL;
  }
  if (!open_rules(m, dir, err) || !read_spellings(m, dir, err)) matcher_close(&m);
  return m;
}

void matcher_close(matcher **m) {
  if (*m == NULL) return;
  if ((*m)->rules != NULL) utrans_close((*m)->rules);
  spellings_clear(&(*m)->spellings);
  free(*m);
  *m = NULL;
}

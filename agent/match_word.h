/* match_word.h - words of names: how alike two are, and which are spellings of one
 * name. Between the match_*.c files. */
#ifndef AGENT_MATCH_WORD_H
#define AGENT_MATCH_WORD_H
#include "match.h"

enum { MATCH_WORD_EQUAL = 100, MATCH_WORD_SPELLING = 98, MATCH_WORD_BONES = 92, MATCH_WORD_SLIP = 90 };

/* 0 = another word; else one of the above. */
unsigned match_word_compare(const match_word *a, const match_word *b);
/* Two neighbouring words against one: "Abdoul Aziz", "Abdoulaziz". */
unsigned match_word_compare_joined(const match_word *first, const match_word *second, const match_word *one);
void match_word_bones(match_word *word); /* fills bones from text */

/* ---- spellings: a table made once, then asked ---- */
enum { MATCH_NOT_LISTED = 0, MATCH_PARTICLE = -1 };

typedef struct spellings {
  struct spelling {
    char text[MATCH_WORD_SIZE];
    int name; /* > 0, or MATCH_PARTICLE */
  } * rows;
  size_t n, room;
} spellings;

/* Takes one more; sort before asking. False: no memory, or the table is full. */
bool spellings_add(spellings *s, const char *text, int name) COR_MUST_CHECK;
/* NULL, or a spelling that stands under two names. */
const char *spellings_sort(spellings *s);
int spellings_find(const spellings *s, const char *text);
void spellings_clear(spellings *s);
#endif

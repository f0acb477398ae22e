/* catalogue.h - what a case officer reads when Corridor says no.
 *
 * One file per language (deploy/catalogue/<lang>.json): an object from the
 * refusal's name (refusal.h) to one sentence or three: what happened, what was
 * kept, what to do. Languages are data; a new one needs no code. Immutable once
 * loaded; safe to read from several threads. */
#ifndef CORRIDOR_CATALOGUE_H
#define CORRIDOR_CATALOGUE_H
#include "corridor/base.h"

typedef struct cor_catalogue cor_catalogue;

/* dir holds the files; lang is two or three small letters ("en", "ar"). NULL
 * on error: no such language, or a file that is not such an object. */
cor_catalogue *cor_catalogue_load(const char *dir, const char *lang, cor_error *err) COR_MUST_CHECK;
void cor_catalogue_destroy(cor_catalogue **catalogue);

/* Never NULL: the language's sentence, else English, else the refusal's name.
 * Borrowed from the catalogue. */
const char *cor_catalogue_sentence(const cor_catalogue *catalogue, int code);
#endif

/* next.h - the function a preloaded one stands before. */
#ifndef FAULTS_NEXT_H
#define FAULTS_NEXT_H
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static inline void *next_function(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

/* Declares name_next. By memcpy: ISO C has no cast from an object pointer to a
 * function pointer. */
#define NEXT(name)                                                                                           \
  __typeof__(&name) name##_next;                                                                             \
  void *name##_found = next_function(#name);                                                                 \
  memcpy(&name##_next, &name##_found, sizeof name##_next)
#endif

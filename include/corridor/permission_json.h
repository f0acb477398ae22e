/* permission_json.h - a permission table as people write it (deploy/permissions):
 * {"about": ..., "permissions": [{"cite": ..., ...}]}. */
#ifndef CORRIDOR_PERMISSION_JSON_H
#define CORRIDOR_PERMISSION_JSON_H
#include "corridor/base.h"
#include <corridor/v1/card.pb-c.h>
#include <jansson.h>

/* A list with the table's permissions and nothing else, unchecked (permission.h); free
 * with cor_message_free; NULL on error, with its JSON Pointer. Takes what is for readers
 * only out of table. */
Corridor__V1__CardList *cor_permissions_read(json_t *table, cor_error *err) COR_MUST_CHECK;
/* The same from a file. */
Corridor__V1__CardList *cor_permissions_load(const char *path, cor_error *err) COR_MUST_CHECK;
#endif

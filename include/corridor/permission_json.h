/* permission_json.h - a permission table as people write it (deploy/permissions):
 * {"about": ..., "permissions": [{"cite": ..., ...}]}; and consent policies likewise:
 * {"consentPolicies": [{"scope": "PHOTO", "forbidden": ["RECORDED_AUDIO"]}]}. */
#ifndef CORRIDOR_PERMISSION_JSON_H
#define CORRIDOR_PERMISSION_JSON_H
#include "corridor/base.h"
#include <corridor/v1/card.pb-c.h>
#include <jansson.h>

/* A list with the table's permissions and nothing else, unchecked (permission.h); free
 * with cor_message_free; NULL on error, with its JSON Pointer. Takes what is for readers
 * only out of table. */
Corridor__V1__CardList *cor_permissions_read(json_t *table, cor_error *err) COR_MUST_CHECK;
/* Likewise with the table's consent policies (consent_policy.h). */
Corridor__V1__CardList *cor_consent_policies_read(json_t *table, cor_error *err) COR_MUST_CHECK;
/* Permissions from a file. */
Corridor__V1__CardList *cor_permissions_load(const char *path, cor_error *err) COR_MUST_CHECK;
#endif

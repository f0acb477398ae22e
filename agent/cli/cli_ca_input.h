/* cli_ca_input.h - agreements, calendars and permission tables as people write them. */
#ifndef CORRIDOR_CLI_CA_INPUT_H
#define CORRIDOR_CLI_CA_INPUT_H
#include "cli.h"
#include <corridor/v1/card.pb-c.h>

/* Corridor__V1__Agreement and Corridor__V1__Calendar; free with
 * cor_message_free; NULL on error, with the JSON Pointer of the member. */
ProtobufCMessage *ca_input_agreement(const char *path, cor_error *err) COR_MUST_CHECK;
ProtobufCMessage *ca_input_calendar(const char *path, cor_error *err) COR_MUST_CHECK;
/* A list with only the permissions of the file; free likewise. */
Corridor__V1__CardList *ca_input_permissions(const char *path, cor_error *err) COR_MUST_CHECK;
Corridor__V1__CardList *ca_input_consent_policies(const char *path, cor_error *err) COR_MUST_CHECK;
#endif

/*
 * Files of orders, and of what they are made from. Only `replace`, which adds a signature, writes over anything.
 */
#ifndef CLIENT_NOTEFILE_H
#define CLIENT_NOTEFILE_H

#include "client/bundle.h"

/* These complain by themselves. */
enum exit_code notefile_load(const char *path, struct bundle *bundle) must_check;
enum exit_code notefile_create(const struct bundle *bundle, const char *path) must_check;
enum exit_code notefile_replace(const struct bundle *bundle, const char *path) must_check;
/* Is there no such file yet? Asked before work is done that could not be kept. */
bool notefile_is_free(const char *path) must_check;

/* The JSON of a policy or a draft. ERR_NOT_FOUND, ERR_IO, ERR_SYNTAX with file and line. */
enum err notefile_read_json(const char *path, json_t **ret_json, struct why *why) must_check;

#endif

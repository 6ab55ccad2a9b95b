/*
 * Reading a private key's file: one line, as `subsidy key new` writes it.
 */
#ifndef DAEMON_KEYFILE_H
#define DAEMON_KEYFILE_H

#include "proto/key.h"

/* ERR_KEY_FILE with the path and what is wrong. Nothing of the file stays in memory but the signer. */
enum err keyfile_load(const char *path, struct signer **ret_signer, struct why *why) must_check;

#endif

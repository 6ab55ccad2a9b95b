/* Policy files of trust (proto/trust.h), as the user names them. */
#ifndef CLIENT_QUORUMFILE_H
#define CLIENT_QUORUMFILE_H

#include "client/client.h"
#include "proto/trust.h"

/* Complains by itself, with the path. The file's bytes, too, where `ret_bytes` (initialised, empty) is not NULL. */
enum exit_code quorumfile_load(const char *path, struct buf *ret_bytes, struct trust **ret_trust) must_check;
/*
 * Do the note's cosignatures make the quorum, and is `log`, whose signature was verified, one that the file takes?
 * ERR_UNKNOWN_KEY: another log. ERR_SIGNATURE: the line of a witness does not verify. ERR_COSIGNED: too few.
 */
enum err quorumfile_check(const struct trust *trust, const struct key *log, struct slice note, struct why *why) must_check;

#endif

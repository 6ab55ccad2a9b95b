/*
 * The policy file of the daemon's witnesses (C2SP tlog-policy, proto/trust.h): reading it, and whether it is one that
 * this ledger can be published by.
 */
#ifndef DAEMON_TRUSTFILE_H
#define DAEMON_TRUSTFILE_H

#include "proto/trust.h"

/* ERR_CONFIG with the path, the line and what is wrong; ERR_MEMORY. */
enum err trustfile_read(const char *path, struct trust **ret_trust, struct why *why) must_check;
/* Has it witnesses, and no more than a checkpoint can carry cosignatures of? ERR_CONFIG. */
enum err trustfile_check_witnesses(const char *path, const struct trust *trust, struct why *why) must_check;
/* Does it name one of these keys of this ledger as a log, where it names any? ERR_CONFIG. */
enum err trustfile_check_log(const char *path, const struct trust *trust, const struct key *keys, size_t key_count,
    struct why *why) must_check;

/* All of it. ERR_CONFIG, ERR_MEMORY. */
enum err trustfile_load(const char *path, const struct key *keys, size_t key_count, struct trust **ret_trust,
    struct why *why) must_check;

#endif

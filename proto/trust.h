/*
 * Whose cosignatures make a checkpoint believable: a policy file (C2SP tlog-policy).
 *
 * The file names logs, witnesses and groups of witnesses, and the one of them that must have cosigned: the quorum.
 * A group is met by so many of its members; it names only what stands above it, and a name is a member of one group
 * at most, so that no witness counts twice. Pure: no file is read here, and URLs are kept, not looked at.
 *
 * A struct trust does not change once it is parsed; any number of threads may ask it.
 */
#ifndef PROTO_TRUST_H
#define PROTO_TRUST_H

#include "proto/note.h"

struct trust;

/* ERR_SYNTAX, ERR_INVALID, ERR_TOO_LARGE with the line and the reason; ERR_MEMORY. */
enum err trust_parse(struct slice text, struct trust **ret_trust, struct why *why) must_check;
void trust_free(struct trust *trust);

size_t trust_log_count(const struct trust *trust);
const struct key *trust_log_key(const struct trust *trust, size_t index);
/* Is this log one of those named? Where the file names none, every log is. */
bool trust_takes_log(const struct trust *trust, const struct key *log);

size_t trust_witness_count(const struct trust *trust);
const char *trust_witness_name(const struct trust *trust, size_t index);
const struct key *trust_witness_key(const struct trust *trust, size_t index);
const char *trust_witness_url(const struct trust *trust, size_t index);		/* "" where none is given */

/* The witness or group that must have cosigned; "none" where none need to. */
const char *trust_quorum(const struct trust *trust);
/* Do these make the quorum? Bit i stands for witness i. `quorum none` is always met. */
bool trust_is_met(const struct trust *trust, uint64_t cosigned);
/*
 * Which witnesses cosigned the note (bits). Lines of keys that the file does not name are ignored; a line of one that
 * it names must verify, else the whole note is ERR_SIGNATURE.
 */
enum err trust_cosigned(const struct trust *trust, const struct note *note, uint64_t *ret_cosigned) must_check;

#endif

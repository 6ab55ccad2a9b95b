/*
 * A request's target (the path and query of its first line), decoded strictly. Percent-decoding keeps sizes, so
 * nothing can hide behind a NUL; %00, bad escapes, control characters, bad UTF-8, empty or dot segments, an
 * escaped slash, fragments, absolute forms, doubled or nameless parameters are refused. In the query '+' is a space.
 */
#ifndef DAEMON_TARGET_H
#define DAEMON_TARGET_H

#include "proto/bytes.h"
#include "proto/limits.h"

#define TARGET_PARAMETERS_MAX 16

struct target_parameter {
	struct slice name;
	struct slice value;		/* empty for "?name" and "?name=" */
};

/* Slices point into `bytes`: a target is not to be copied or moved. */
struct target {
	char bytes[HTTP_TARGET_SIZE_MAX];
	struct slice path;		/* decoded; begins with '/' */
	size_t parameter_count;
	struct target_parameter parameters[TARGET_PARAMETERS_MAX];
};

/* ERR_BAD_REQUEST with the reason; a target over HTTP_TARGET_SIZE_MAX is ERR_BAD_REQUEST too. */
enum err target_decode(struct slice text, struct target *ret_target, struct why *why) must_check;
/* The value of a parameter; false when it is absent. */
bool target_parameter(const struct target *target, const char *name, struct slice *ret_value);
/* ERR_BAD_REQUEST naming the first parameter that is not in `known`, a NULL-terminated list. */
enum err target_check_parameters(const struct target *target, const char *const *known, struct why *why) must_check;

#endif

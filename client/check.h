/* subsidy push --check: what a file without faults holds, and what would be sent of it. */
#ifndef CLIENT_CHECK_H
#define CLIENT_CHECK_H

#include "client/plan.h"

/* A table on stdout, warnings on stderr; or one JSON object. `push_count` is how many pushes the plan takes. */
enum exit_code check_print(
    const struct settings *settings, const struct rows *rows, const struct plan *plan, size_t push_count) must_check;

#endif

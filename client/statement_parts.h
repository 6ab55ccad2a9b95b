/*
 * The parts of a statement that are no rows: the keys, the claim, the policies, and the summary. Used by statement_fetch
 * alone, once the checkpoint is known and every row is there.
 */
#ifndef CLIENT_STATEMENT_PARTS_H
#define CLIENT_STATEMENT_PARTS_H

#include "client/statement_fetch.h"

/* Each complains by itself. */
enum exit_code statement_fetch_keys(struct statement_fetch *fetch) must_check;
/* The claim may not be there: without an announced key there is none, and that is said. */
enum exit_code statement_fetch_claim(struct statement_fetch *fetch) must_check;
enum exit_code statement_fetch_policies(struct statement_fetch *fetch) must_check;
/* statement.json and README.txt. */
enum exit_code statement_write_summary(struct statement_fetch *fetch) must_check;

/* Takes `json` over, which may be NULL for lack of memory. */
enum err statement_write_json(struct stage *stage, const char *name, json_t *json, struct why *why) must_check;
/* A check failed: EXIT_UNVERIFIED, or where it could not be made, what that is. */
enum exit_code statement_fail(enum err err, const struct why *why);

#endif

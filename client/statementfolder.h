/*
 * The folder of a statement: the names of its files, alike for who writes one and for who checks it. FORMAT.md,
 * "Statements", says what each holds.
 */
#ifndef CLIENT_STATEMENTFOLDER_H
#define CLIENT_STATEMENTFOLDER_H

#include <stdint.h>

#define STATEMENT_FORMAT "subsidy.statement/v1"

#define STATEMENT_FILE "statement.json"		/* whose statement it is, of which ledger and size, and what it comes to */
#define STATEMENT_CHECKPOINT_FILE "checkpoint"	/* the note that every proof is under */
#define STATEMENT_HEAD_FILE "head"		/* the claim where the chain ends; may be absent */
#define STATEMENT_README_FILE "README.txt"

#define STATEMENT_ENTRIES_FOLDER "entries"	/* per entry that is shown <index>.tlog-proof */
#define STATEMENT_WITHHELD_FOLDER "withheld"	/* per entry that is not <index>.json; may be absent */
#define STATEMENT_FEEDS_FOLDER "feeds"		/* per record <index>.tlog-proof */
#define STATEMENT_ORDERS_FOLDER "orders"	/* per effect <index>.json */
#define STATEMENT_ACTS_FOLDER "acts"		/* per act <index>.tlog-proof */
#define STATEMENT_POLICIES_FOLDER "policies"	/* per policy in force <id>.json */

#define STATEMENT_PROOF_SUFFIX ".tlog-proof"
#define STATEMENT_JSON_SUFFIX ".json"

/* Ledger indexes in names: decimal, so wide that names sort as numbers do (sizes are at most 2^53). */
#define STATEMENT_INDEX_DIGITS 16

/* "entries/0000000000000008.tlog-proof" and so on. */
#define STATEMENT_NAME_SIZE 128
void statementfolder_name(
    const char *folder, uint64_t index, const char *suffix, char ret_name[static STATEMENT_NAME_SIZE]);

#endif

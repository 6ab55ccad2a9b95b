/*
 * Files of proofs (C2SP tlog-proof): reading one and checking it, without asking anybody. Of the ledger they are receipts
 * and proofs of entries; of a feed, proofs of records under the venue's own signature.
 */
#ifndef CLIENT_PROOFFILE_H
#define CLIENT_PROOFFILE_H

#include "client/pin.h"
#include "client/table.h"

struct prooffile {
	struct buf bytes;
	struct arena arena;
	struct proof proof;		/* points into the two */
	struct checkpoint checkpoint;
	bool is_of_feed;
	struct key signer;
};

void prooffile_init(struct prooffile *file);
void prooffile_done(struct prooffile *file);
/* Complains by itself, with the path: EXIT_UNVERIFIED unless it is a proof under a checkpoint that a key of the ledger signed.
 * `ledger` is whose key and whose keys before it are taken; `signer` in *ret_file says which one it was. */
enum exit_code prooffile_load(const char *path, const struct ledger_id *ledger, struct prooffile *ret_file) must_check;
/* One row for people, or for programs {"file","index","kind","time","origin","size"}; kind is "record" in a feed's. */
#define PROOFFILE_COLUMNS 6
extern const struct table_column prooffile_columns[PROOFFILE_COLUMNS];
void prooffile_row(const struct prooffile *file, const char *path, struct table *table);
json_t *prooffile_json(const struct prooffile *file, const char *path);

/* --vkey, or what is remembered of the server's address, with the keys before it. ERR_CONFIG where neither says it; else
 * as pin_recall. */
enum err prooffile_keys(const struct settings *settings, struct ledger_id *ret_ledger, struct why *why) must_check;

#endif

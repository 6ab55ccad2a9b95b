/*
 * Contracts that were traded at two venues: the same contract hash in counted trades of both, among the newest
 * OVERVIEW_SCAN_MAX entries. A sign for a reviewer, never a judgement.
 */
#ifndef DAEMON_SHARED_H
#define DAEMON_SHARED_H

#include <jansson.h>

#include "daemon/state.h"

/* An array of at most OVERVIEW_SHARED_MAX contracts, by their first trade, each with its first trade at each venue; and
 * the index from which on entries were searched. ERR_MEMORY, ERR_DAMAGED. */
enum err shared_contracts(struct store_txn *txn, json_t **ret_json, uint64_t *ret_searched_from) must_check;

#endif

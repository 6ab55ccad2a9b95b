/*
 * Every enterprise at the head of the ledger, in code order, and what each has accrued under one policy: one pass over
 * the cells of the policy's months, and over the trades that cells lack, instead of a walk for each enterprise. Lives no
 * longer than the read transaction.
 */
#ifndef DAEMON_POPULATION_H
#define DAEMON_POPULATION_H

#include "proto/array.h"
#include "daemon/cells.h"
#include "daemon/venues.h"

struct member {
	struct code code;
	bool is_registered, has_traded;
	uint64_t list_ok_mask;		/* bit i: its lists let it take part in policy i */
};

struct population {
	struct store_txn *txn;
	struct array members;		/* of struct member, by code */
	const struct array *policies;	/* of struct query_policy */
	struct array shares;		/* of trades that the cells lack; read for the first policy */
	bool has_shares;
};

/* `policies` must outlive the population. ERR_MEMORY, ERR_DAMAGED. Call population_done in any case. */
enum err population_read(struct store_txn *txn, const struct array *policies, struct population *ret_population) must_check;
void population_done(struct population *population);

/* What one member has accrued. */
struct standing {
	int64_t award_fen, volume_fen;
	bool has_award, is_capped;
};
/* One standing for each member, in their order; `ret_standings` is of struct standing: array_done it in any case.
 * ERR_OVERFLOW, ERR_MEMORY, ERR_DAMAGED. */
enum err population_evaluate(struct population *population, const struct venues *venues, size_t policy_position,
    struct array *ret_standings) must_check;

#endif

/*
 * Cells: what policies are evaluated over. One packed row per settled month and enterprise; a row is a list of cells
 * in ascending key order, each a short key and the sums of the trades that are alike in it.
 *
 *	row  = cell*        cell = key (7 bytes) varint x 10
 *	key  = u16 signed month, u16 venue number, u8 side, u8 product kind, u8 flags
 *	sums = trades contracts gross_zero_trades gross_zero_contracts net_zero_trades net_zero_contracts
 *	       amount tax refunded refunded_tax
 *
 * Trades that count are in exactly one cell per side; refunds act on their trade's cell. Trades that don't count are
 * in cells with CELL_NOT_COUNTED, with their number only, so that an enterprise sees that they exist.
 *
 * Stored cells by themselves are not the truth: the newest trades may be missing from them, up to what the head row says
 * (`folded`). Who reads them, in the daemon or with a database tool, has to add these: unfolded.h, history.h, population.h.
 */
#ifndef DAEMON_CELLS_H
#define DAEMON_CELLS_H

#include "daemon/state.h"
#include "proto/policy.h"

#define CELL_DECLARED 1u	/* the parties declared that they are related */
#define CELL_LISTED 2u		/* the bureau listed them as related */
#define CELL_OTHER_SUBSIDY 4u
#define CELL_INVOICE 8u
#define CELL_NOT_COUNTED 16u
#define CELL_FLAGS_ALL 31u

struct cell_key {
	uint16_t settled_month;		/* of the row */
	struct code code;		/* of the row */
	uint16_t signed_month;
	uint16_t venue_number;
	enum side side;
	enum product_kind product_kind;
	uint8_t flags;
};

struct cell_sums {
	uint64_t trades, contracts;
	uint64_t gross_zero_trades, gross_zero_contracts, net_zero_trades, net_zero_contracts;
	uint64_t amount_fen, tax_fen, refunded_fen, refunded_tax_fen;
};

/* `a` plus or minus `b`; false, and then `a` is as it was, when a sum leaves its range. */
bool cell_sums_combine(struct cell_sums *a, const struct cell_sums *b, bool is_removal) must_check;
/* Adds to (or with `is_removal` takes from) one cell; a cell that comes to nothing leaves its row. Taking more than is
 * there is damage. */
void cells_change(struct store_txn *txn, const struct cell_key *key, const struct cell_sums *sums, bool is_removal);

/* A change of that row comes soon: see store_row_expect. */
uint32_t cells_expect(struct store_txn *txn, uint16_t settled_month, const struct code *code);

/* Reading a row: false at its end or when it is broken (is_broken). */
struct cells_reader {
	struct slice rest;
	bool is_broken;
};
bool cells_next(struct cells_reader *reader, struct cell_key *ret_key, struct cell_sums *ret_sums);
/* The rows of one enterprise, in month order: calls `each` per cell. Stops on its first error. ERR_DAMAGED. */
enum err cells_each(struct store_txn *txn, const struct code *code,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie) must_check;
/* Every cell of every enterprise that is of these settled months, in (month, code) order. */
enum err cells_each_all(struct store_txn *txn, uint16_t first_month, uint16_t last_month,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie) must_check;

/* Which cell a fact (a trade by itself: life_fact) belongs to, and what it adds there. */
void cell_of_fact(const struct policy_fact *fact, const struct code *code, uint16_t venue_number, struct cell_key *ret_key,
    struct cell_sums *ret_sums);
/* The policy's view of a cell; `venue` is kept as a pointer. */
struct policy_fact cell_fact(const struct cell_key *key, const struct cell_sums *sums, const char *venue);

#endif

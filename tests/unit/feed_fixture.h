/* Records of all kinds, among a few firms: the same in every run. */
#ifndef TESTS_UNIT_FEED_FIXTURE_H
#define TESTS_UNIT_FEED_FIXTURE_H

#include "ledger_fixture.h"

#define FIRMS 9

static char firms[FIRMS][USCI_SIZE + 1];

/* A small generator of numbers. */
static inline unsigned draw(uint32_t *seed, unsigned below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static inline int set_firms(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FIRMS; i++)
		fixture_code(1 + i, firms[i]);
	return 0;
}

static inline struct record any_trade(uint32_t *seed, const char *trade_no)
{
	static const uint32_t dates[] = {20180101, 20241231, 20250131, 20250201, 20250630};
	struct record record =
	    ledger_trade(trade_no, firms[draw(seed, FIRMS)], firms[draw(seed, FIRMS)], 1 + draw(seed, 5000));
	struct trade *trade = &record.trade;

	trade->tax_fen = trade->amount_fen / (2 + draw(seed, 12));
	trade->signed_on = dates[draw(seed, 3)];
	trade->settled_on = dates[2 + draw(seed, 3)];
	trade->product_kind = (enum product_kind)(PRODUCT_DATASET + draw(seed, PRODUCT_OTHER - PRODUCT_DATASET + 1));
	trade->related_declared = draw(seed, 6) == 0 ? DECLARED_YES : DECLARED_NOT_STATED;
	trade->other_subsidy = draw(seed, 6) == 0 ? DECLARED_YES : DECLARED_NO;
	trade->invoice_count = draw(seed, 2);
	trade->invoice_no[0] = slice_text("25372000000012345678");
	trade->instalment = 1 + draw(seed, 2);
	return record;
}

struct feed_of_records {
	struct record records[LEDGER_PUSH_RECORDS];
	char trade_nos[LEDGER_PUSH_RECORDS][12], adjust_nos[LEDGER_PUSH_RECORDS][12];
};

/* Numbers taken twice, trades with oneself, refunds of trades of this push, of earlier ones and of none. */
static inline void fill(struct feed_of_records *feed, uint32_t seed)
{
	for (unsigned i = 0; i < LEDGER_PUSH_RECORDS; i++) {
		uint64_t amount_fen = 1 + draw(&seed, 400);

		snprintf(feed->trade_nos[i], sizeof(feed->trade_nos[i]), "T%u",
		    draw(&seed, 10) == 0 ? draw(&seed, i + 1) : i);
		snprintf(feed->adjust_nos[i], sizeof(feed->adjust_nos[i]), "A%u",
		    draw(&seed, 10) == 0 ? draw(&seed, i + 1) : i);
		feed->records[i] = any_trade(&seed, feed->trade_nos[i]);
		if (draw(&seed, 3) == 0) {
			snprintf(feed->trade_nos[i], sizeof(feed->trade_nos[i]), "T%u", draw(&seed, i + 1));
			feed->records[i] =
			    ledger_refund(feed->adjust_nos[i], feed->trade_nos[i], amount_fen, amount_fen / 20);
		}
	}
}

#endif

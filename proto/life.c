#include "proto/life.h"

#include <assert.h>
#include <string.h>

#include "proto/date.h"

const char *trade_state_name(enum trade_state state)
{
	switch (state) {
	case TRADE_COUNTED: return "counted";
	case TRADE_HELD: return "held";
	case TRADE_VOIDED: return "voided";
	}
	assert(!"a state of a trade");
	return "";
}

static int compare_codes(const void *a, const void *b)
{
	const struct code *left = a, *right = b;

	return memcmp(left->text, right->text, USCI_SIZE);
}

static int compare_changes(const void *a, const void *b)
{
	const struct life_change *left = a, *right = b;

	return (left->trade_index > right->trade_index) - (left->trade_index < right->trade_index);
}

void life_init(struct life *life, const struct code *code)
{
	*life = (struct life){.code = *code};
	array_init(&life->trades, sizeof(uint64_t));
	array_init(&life->changes, sizeof(struct life_change));
	array_init(&life->relatives, sizeof(struct code));
}

void life_done(struct life *life)
{
	array_done(&life->trades);
	array_done(&life->changes);
	array_done(&life->relatives);
}

static bool copy_text(struct slice text, char *ret_text, size_t capacity)
{
	if (text.size >= capacity)
		return false;
	memcpy(ret_text, text.data, text.size);
	ret_text[text.size] = '\0';
	return true;
}

/* ---- the register */

static bool is_delisted(const struct life *life, struct slice list)
{
	for (size_t i = 0; i < life->delisted_count; i++)
		if (slice_equal(slice_text(life->delisted[i].list), list))
			return true;
	return false;
}

/* What came before the newest registration is over. */
static enum err take_delisted(struct life *life, const struct chain_item *item)
{
	const struct entry *entry = &item->entry;

	if (item->index < life->registered_index)
		return OK;
	for (size_t i = 0; i < entry->effect.list_count; i++) {
		struct life_delisted *delisted = &life->delisted[life->delisted_count];

		/* An enterprise is taken off a list once, and was on no more than LISTS_MAX. */
		if (life->delisted_count == LISTS_MAX || is_delisted(life, entry->effect.lists[i]) ||
		    !copy_text(entry->effect.lists[i], delisted->list, sizeof(delisted->list)))
			return ERR_DAMAGED;
		delisted->index = item->index;
		life->delisted_count++;
	}
	if (item->index > life->delisted_index)
		life->delisted_index = item->index;
	return OK;
}

static void forget_delisted(struct life *life, uint64_t before)
{
	size_t kept = 0;

	for (size_t i = 0; i < life->delisted_count; i++)
		if (life->delisted[i].index > before)
			life->delisted[kept++] = life->delisted[i];
	life->delisted_count = kept;
}

static enum err take_registered(struct life *life, const struct chain_item *item)
{
	const struct entry *entry = &item->entry;
	struct account account = {.index = item->index, .list_count = entry->effect.list_count};

	if (item->index < life->registered_index)
		return OK;
	if (!copy_text(entry->effect.name, account.name, sizeof(account.name)))
		return ERR_DAMAGED;
	for (size_t i = 0; i < account.list_count; i++)
		if (!copy_text(entry->effect.lists[i], account.lists[i], sizeof(account.lists[i])))
			return ERR_DAMAGED;
	life->registered = account;
	life->registered_index = item->index;
	forget_delisted(life, item->index);
	return OK;
}

bool life_account(const struct life *life, struct account *ret_account)
{
	const struct account *row = &life->registered;
	size_t count = 0;

	if (life->registered_index == 0)
		return false;
	*ret_account = *row;
	for (size_t i = 0; i < row->list_count; i++)
		if (!is_delisted(life, slice_text(row->lists[i])))
			memcpy(ret_account->lists[count++], row->lists[i], sizeof(row->lists[i]));
	ret_account->list_count = count;
	if (life->delisted_index > row->index)
		ret_account->index = life->delisted_index;
	return true;
}

/* ---- relations, refunds, states */

static enum err add_change(struct life *life, uint64_t trade_index, const struct touched *touched)
{
	struct life_change *change = array_add(&life->changes);

	if (change == NULL)
		return ERR_MEMORY;
	change->trade_index = trade_index;
	change->touched = *touched;
	return OK;
}

static enum err take_related(struct life *life, const struct chain_item *item)
{
	struct code first = code_of(item->entry.effect.code), *relative = array_add(&life->relatives);

	if (relative == NULL)
		return ERR_MEMORY;
	*relative = code_equal(&first, &life->code) ? code_of(item->entry.effect.second) : first;
	return OK;
}

static enum err take_effect(struct life *life, const struct chain_item *item)
{
	struct touched touched = {.state_index = item->index};

	switch (item->entry.effect.kind) {
	case EFFECT_REGISTERED: return take_registered(life, item);
	case EFFECT_RELATED: return take_related(life, item);
	case EFFECT_DELISTED: return take_delisted(life, item);
	case EFFECT_HELD: touched.state = TRADE_HELD; break;
	case EFFECT_RELEASED: touched.state = TRADE_COUNTED; break;
	case EFFECT_VOIDED: touched.state = TRADE_VOIDED; break;
	}
	return add_change(life, item->trade_index, &touched);
}

static enum err take_record(struct life *life, const struct chain_item *item)
{
	struct touched touched = {0};
	uint64_t *trade;

	if (item->record.kind == RECORD_TRADE) {
		trade = array_add(&life->trades);
		if (trade == NULL)
			return ERR_MEMORY;
		*trade = item->index;
	} else if (item->entry.record.disposition == DISPOSITION_COUNTED) {
		touched.refunded_fen = item->record.refund.amount_fen;
		touched.refunded_tax_fen = item->record.refund.tax_fen;
		return add_change(life, item->trade_index, &touched);
	}
	return OK;
}

enum err life_take(struct life *life, const struct chain_item *item)
{
	switch (item->entry.kind) {
	case ENTRY_RECORD: return take_record(life, item);
	case ENTRY_EFFECT: return take_effect(life, item);
	case ENTRY_GENESIS:
	case ENTRY_PUSH:
	case ENTRY_ORDER:
	case ENTRY_EVIDENCE: break;
	}
	return ERR_DAMAGED;
}

/* Refunds add up; of effects the newest says how the trade stands. */
static void merge_change(struct touched *touched, const struct touched *more)
{
	touched->refunded_fen += more->refunded_fen;
	touched->refunded_tax_fen += more->refunded_tax_fen;
	if (more->state_index > touched->state_index) {
		touched->state = more->state;
		touched->state_index = more->state_index;
	}
}

/* Makes the changes of one trade one, as the state keeps them. */
static void merge_changes(struct array *changes)
{
	size_t kept = 0;

	array_sort(changes, compare_changes);
	for (size_t i = 1; i < changes->count; i++) {
		struct life_change *last = array_at(changes, kept), *change = array_at(changes, i);

		if (change->trade_index == last->trade_index)
			merge_change(&last->touched, &change->touched);
		else
			*(struct life_change *)array_at(changes, ++kept) = *change;
	}
	if (changes->count > 0)
		changes->count = kept + 1;
	for (size_t i = 0; i < changes->count; i++) {
		struct life_change *change = array_at(changes, i);

		if (change->touched.state == TRADE_COUNTED)
			change->touched.state_index = 0;
	}
}

void life_finish(struct life *life)
{
	merge_changes(&life->changes);
	array_sort(&life->relatives, compare_codes);
}

void life_touched(const struct life *life, uint64_t trade_index, struct touched *ret_touched)
{
	struct life_change wanted = {.trade_index = trade_index};
	const struct life_change *found = array_find(&life->changes, &wanted, compare_changes);

	*ret_touched = found != NULL ? found->touched : (struct touched){0};
}

bool life_is_related(const struct life *life, const struct code *other)
{
	return array_find(&life->relatives, other, compare_codes) != NULL;
}

/* ---- trades */

enum err life_trade(const struct life *life, const struct chain_item *item, struct life_trade *ret_trade)
{
	bool is_supplier = code_equal(&item->supplier, &life->code);
	struct life_trade trade = {.index = item->index,
	    .venue = item->entry.record.venue,
	    .disposition = item->entry.record.disposition,
	    .trade = &item->record.trade,
	    .supplier = item->supplier,
	    .buyer = item->buyer};

	trade.is_listed = life_is_related(life, is_supplier ? &item->buyer : &item->supplier);
	life_touched(life, item->index, &trade.touched);
	/* The last is what is left without tax: no ledger counts a refund that takes more of it than there is. */
	if (trade.touched.refunded_fen > trade.trade->amount_fen ||
	    trade.touched.refunded_tax_fen > trade.trade->tax_fen ||
	    trade.trade->tax_fen - trade.touched.refunded_tax_fen >
		trade.trade->amount_fen - trade.touched.refunded_fen)
		return ERR_DAMAGED;
	*ret_trade = trade;
	return OK;
}

bool life_trade_counts(const struct life_trade *trade)
{
	return trade->disposition == DISPOSITION_COUNTED && trade->touched.state == TRADE_COUNTED;
}

enum side life_side(const struct life_trade *trade, const struct code *code)
{
	return code_equal(&trade->supplier, code) ? SIDE_SUPPLIER : SIDE_BUYER;
}

struct policy_fact life_fact(
    const struct trade *trade, const char *venue, enum side side, bool is_listed, const struct touched *touched)
{
	uint64_t contract = trade->instalment == 1 ? 1 : 0;
	uint64_t gross = trade->amount_fen - touched->refunded_fen;
	uint64_t tax_left = trade->tax_fen - touched->refunded_tax_fen;
	bool is_gross_zero = gross == 0, is_net_zero = gross == tax_left;

	assert(touched->refunded_fen <= trade->amount_fen && touched->refunded_tax_fen <= trade->tax_fen &&
	       tax_left <= gross);
	/* "Not stated" counts as no. Amounts are at most AMOUNT_FEN_MAX. */
	return (struct policy_fact){.settled_month = month_of_date(trade->settled_on),
	    .signed_month = month_of_date(trade->signed_on),
	    .venue = venue,
	    .side = side,
	    .product_kind = trade->product_kind,
	    .is_related_declared = trade->related_declared == DECLARED_YES,
	    .is_related_listed = is_listed,
	    .has_other_subsidy = trade->other_subsidy == DECLARED_YES,
	    .has_invoice = trade->invoice_count > 0,
	    .trades = 1,
	    .contracts = contract,
	    .gross_zero_trades = is_gross_zero ? 1 : 0,
	    .gross_zero_contracts = is_gross_zero ? contract : 0,
	    .net_zero_trades = is_net_zero ? 1 : 0,
	    .net_zero_contracts = is_net_zero ? contract : 0,
	    .amount_fen = (int64_t)trade->amount_fen,
	    .tax_fen = (int64_t)trade->tax_fen,
	    .refunded_fen = (int64_t)touched->refunded_fen,
	    .refunded_tax_fen = (int64_t)touched->refunded_tax_fen};
}

bool life_refund_exceeds(const struct touched *touched, const struct refund *refund, const struct trade *trade)
{
	/* All of these are at most 2 x 10^13. */
	uint64_t amount = touched->refunded_fen + refund->amount_fen;
	uint64_t tax = touched->refunded_tax_fen + refund->tax_fen;

	return amount > trade->amount_fen || tax > trade->tax_fen || amount - tax > trade->amount_fen - trade->tax_fen;
}

/* ---- policies */

bool life_lists_ok(const struct policy *policy, const struct account *account)
{
	const char *lists[LISTS_MAX];
	size_t count = account != NULL ? account->list_count : 0;

	for (size_t i = 0; i < count; i++)
		lists[i] = account->lists[i];
	return policy_lists_ok(policy, lists, count);
}

void life_cap_init(struct life_cap *cap, const struct policy *policy, const struct account *account)
{
	*cap = (struct life_cap){.policy = policy};
	policy_sums_init(&cap->sums, life_lists_ok(policy, account));
}

enum err life_cap_add(struct life_cap *cap, const struct life_trade *trade, const struct code *code, const char *venue)
{
	struct policy_result result;
	struct policy_fact fact;
	enum err err;

	if (cap->is_found || !life_trade_counts(trade))
		return OK;
	fact = life_fact(trade->trade, venue, life_side(trade, code), trade->is_listed, &trade->touched);
	err = policy_add(cap->policy, &cap->sums, &fact);
	if (err != OK || policy_gate(cap->policy, cap->sums.is_list_ok, &fact) != GATE_ELIGIBLE)
		return err;
	err = policy_evaluate(cap->policy, &cap->sums, &result);
	if (err != OK || !result.has_award || !result.is_capped)
		return err;
	cap->is_found = true;
	cap->index = trade->index;
	memcpy(cap->trade_no, trade->trade->trade_no.data, trade->trade->trade_no.size);
	return OK;
}

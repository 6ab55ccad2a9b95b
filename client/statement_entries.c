/*
 * The acts and the chain of a statement, folded in the order of their indexes: whoever stands in office when an entry
 * comes, and whatever trade it speaks of, has been met by then.
 */
#include "client/statement_internal.h"

#include <string.h>

/* ---- proofs */

enum err statement_wrong(struct why *why, enum err err, const char *name, const struct why *cause)
{
	if (err == ERR_MEMORY || err == ERR_IO)
		return why_set(why, err, "%s", cause->text);
	return why_set_cause(why, ERR_PROOF, cause, "%s: ", name);
}

static enum err check_proof(
    const struct statement *statement, uint64_t index, const struct proof *proof, struct why *why)
{
	struct hash leaf = hash_leaf(proof->extra);

	if (!proof->has_extra)
		return why_set(why, ERR_PROOF, "the entry's own bytes are missing");
	if (proof->index != index)
		return why_set(why, ERR_PROOF, "it is of entry %llu, not of the one that its name says",
		    (unsigned long long)proof->index);
	if (!slice_equal(proof->note, buf_slice(&statement->checkpoint_bytes)))
		return why_set(why, ERR_PROOF, "it is under another checkpoint than the statement's");
	if (index >= statement->checkpoint.size || tree_verify_inclusion(index, statement->checkpoint.size, &leaf,
						       &proof->path, &statement->checkpoint.root) != OK)
		return why_set(why, ERR_PROOF,
		    "its proof does not lead to the checkpoint's root: this is not what stands in the ledger");
	return OK;
}

enum err statement_read_proof(
    struct statement *statement, const char *name, uint64_t index, struct proof *ret_proof, struct why *why)
{
	struct why cause = {""};
	enum err err;

	arena_reset(&statement->arena);
	err = statement_files_read(statement->folder, name, &statement->bytes, &cause);
	if (err == ERR_NOT_FOUND)
		err = why_set(&cause, ERR_NOT_FOUND, "it is missing from the statement");
	if (err == OK)
		err = proof_parse(buf_slice(&statement->bytes), &statement->arena, ret_proof, &cause);
	if (err == OK)
		err = check_proof(statement, index, ret_proof, &cause);
	return err == OK ? OK : statement_wrong(why, err, name, &cause);
}

static enum err read_entry(struct statement *statement, const char *name, uint64_t index, struct slice *ret_bytes,
    struct entry *ret_entry, struct why *why)
{
	struct proof proof;
	struct why cause = {""};
	enum err err = statement_read_proof(statement, name, index, &proof, why);

	if (err != OK)
		return err;
	err = entry_decode(proof.extra, &statement->arena, ret_entry);
	if (err != OK) {
		if (err != ERR_MEMORY)
			(void)why_set(&cause, err, "its bytes are not an entry");
		return statement_wrong(why, err, name, &cause);
	}
	*ret_bytes = proof.extra;
	return OK;
}

/* ---- acts */

static enum err compare_own(const struct statement *statement, const struct era *own, struct why *why)
{
	if (strcmp(own->ledger_id, statement->head.ledger_id) != 0)
		return why_set(why, ERR_INVALID, "it is the beginning of ledger %s, and the statement is of %s",
		    own->ledger_id, statement->head.ledger_id);
	if (strcmp(own->genesis->origin, statement->head.origin) != 0)
		return why_set(why, ERR_INVALID, "it is the beginning of %s, and the statement is of %s",
		    own->genesis->origin, statement->head.origin);
	return OK;
}

/* Entries from `index` on are those of the ledger that took the ones before over. */
static enum err pass_eras(struct statement *statement, uint64_t index, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	struct why cause = {""};
	enum err err = offices_pass(&statement->offices, index, &cause);

	statementfolder_name(STATEMENT_ACTS_FOLDER, 0, STATEMENT_PROOF_SUFFIX, name);
	return err == OK ? OK : statement_wrong(why, err, name, &cause);
}

static enum err take_act(struct statement *statement, uint64_t index, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	struct why cause = {""};
	struct entry entry;
	struct slice bytes;
	enum err err;

	statementfolder_name(STATEMENT_ACTS_FOLDER, index, STATEMENT_PROOF_SUFFIX, name);
	err = read_entry(statement, name, index, &bytes, &entry, why);
	if (err != OK)
		return err;
	if (index > 0) {
		err = offices_take(&statement->offices, index, &entry, &cause);
	} else {
		err = offices_begin(&statement->offices, &entry, bytes, &cause);
		if (err == OK)
			err = compare_own(statement, offices_own(&statement->offices), &cause);
	}
	statement->act_count++;
	return err == OK ? OK : statement_wrong(why, err, name, &cause);
}

/* ---- the trade that an entry is about */

struct statement_trade *statement_trade_at(const struct statement *statement, uint64_t index)
{
	size_t low = 0, high = statement->trades.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct statement_trade *trade = array_at(&statement->trades, middle);

		if (trade->index == index)
			return trade;
		if (trade->index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct hash statement_number(enum record_kind kind, struct slice venue, struct slice number)
{
	uint8_t bytes[2 + VENUE_ID_SIZE_MAX + TRADE_NO_SIZE_MAX] = {(uint8_t)kind, 0};
	size_t size = 1;

	/* Both were checked as their entry was decoded; a venue id has no NUL. */
	memcpy(bytes + size, venue.data, venue.size);
	size += venue.size + 1;
	memcpy(bytes + size, number.data, number.size);
	return hash_sha256(slice_of(bytes, size + number.size));
}

static uint64_t find_trade_by_number(const struct statement *statement, const struct hash *number)
{
	for (size_t i = statement->trades.count; i > 0; i--) {
		const struct statement_trade *trade = array_at(&statement->trades, i - 1);

		if (hash_equal(&trade->number, number))
			return trade->index;
	}
	return 0;
}

static bool takes_number(const struct chain_item *item)
{
	return item->entry.record.disposition != DISPOSITION_DUPLICATE_TRADE &&
	       item->entry.record.disposition != DISPOSITION_DUPLICATE_ADJUST;
}

static void set_parties(struct chain_item *item, const struct code *supplier, const struct code *buyer)
{
	item->supplier = *supplier;
	item->buyer = *buyer;
}

/* Sets trade_index and the parties, by the trades that were met before. */
static enum err resolve(const struct statement *statement, struct chain_item *item, struct why *why)
{
	const struct entry *entry = &item->entry;
	bool is_record = entry->kind == ENTRY_RECORD, is_trade = is_record && item->record.kind == RECORD_TRADE;
	struct slice trade_no, venue;
	const struct statement_trade *trade;
	struct hash number;

	if (!is_record && !effect_is_of_trade(entry->effect.kind))
		return OK;
	venue = is_record ? entry->record.venue : entry->effect.venue;
	trade_no = !is_record ? entry->effect.trade_no
		   : is_trade ? item->record.trade.trade_no
			      : item->record.refund.original_trade_no;
	number = statement_number(RECORD_TRADE, venue, trade_no);
	if (is_trade && takes_number(item)) {
		struct code supplier = code_of(item->record.trade.supplier), buyer = code_of(item->record.trade.buyer);

		item->trade_index = item->index;
		set_parties(item, &supplier, &buyer);
		return OK;
	}
	if (!chain_item_refers(item, &item->trade_index))
		item->trade_index = find_trade_by_number(statement, &number);
	trade = statement_trade_at(statement, item->trade_index);
	if (trade == NULL)
		return why_set(why, ERR_INVALID,
		    "it is about a trade, entry %llu, that is not in the statement: it was left out",
		    (unsigned long long)item->trade_index);
	if (!hash_equal(&trade->number, &number))
		return why_set(why, ERR_INVALID, "it names trade %.*s, but refers to entry %llu, which is another",
		    (int)trade_no.size, (const char *)trade_no.data, (unsigned long long)trade->index);
	set_parties(item, &trade->supplier, &trade->buyer);
	return OK;
}

/* ---- the chain */

static void part_name(uint64_t index, bool is_withheld, char ret_name[static STATEMENT_NAME_SIZE])
{
	statementfolder_name(is_withheld ? STATEMENT_WITHHELD_FOLDER : STATEMENT_ENTRIES_FOLDER, index,
	    is_withheld ? STATEMENT_JSON_SUFFIX : STATEMENT_PROOF_SUFFIX, ret_name);
}

static enum err check_link(const struct statement *statement, uint64_t index, uint64_t link, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];

	if (link == statement->last_index)
		return OK;
	if (link < statement->last_index) {
		part_name(statement->last_index, statement->is_last_withheld, name);
		return why_set(why, ERR_PROOF,
		    "%s: it is not on the chain: entry %llu links past it, to %llu; it does not belong here", name,
		    (unsigned long long)index, (unsigned long long)link);
	}
	part_name(index, false, name);
	return why_set(why, ERR_PROOF, "%s: it links to %llu, but no entry %llu is in the statement: it was left out",
	    name, (unsigned long long)link, (unsigned long long)link);
}

/* What it is to its chain alone; where that is one of another enterprise, or none, it is not this one's. */
static enum err follow_link(const struct statement *statement, const struct chain_item *item, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	uint64_t link;

	if (chain_item_link(item, &statement->head.code, &link))
		return check_link(statement, item->index, link, why);
	part_name(item->index, false, name);
	return why_set(
	    why, ERR_PROOF, "%s: it does not concern %s: it does not belong here", name, statement->head.code.text);
}

static enum err decode_record(struct statement *statement, struct chain_item *item, struct why *why)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	size_t fault_count;
	enum err err;

	if (item->entry.kind == ENTRY_EFFECT)
		return OK;
	if (item->entry.kind != ENTRY_RECORD)
		return why_set(why, ERR_INVALID,
		    "it is an entry of kind %s, which concerns no enterprise: it does not belong here",
		    entry_kind_name(item->entry.kind));
	err = record_decode(item->entry.record.record, &statement->arena, &item->record, faults, &fault_count);
	if (err == OK || err == ERR_MEMORY)
		return err;
	return why_set(why, err, "its record breaks the rules: %s", faults[0].reason.text);
}

/* ---- dispositions */

static enum disposition refund_disposition(const struct statement_trade *trade, const struct refund *refund)
{
	const struct trade amounts = {.amount_fen = trade->amount_fen, .tax_fen = trade->tax_fen};

	if (trade->disposition != DISPOSITION_COUNTED || trade->touched.state == TRADE_VOIDED)
		return DISPOSITION_REFUND_UNKNOWN;
	return life_refund_exceeds(&trade->touched, refund, &amounts) ? DISPOSITION_REFUND_EXCEEDS
								      : DISPOSITION_COUNTED;
}

/*
 * Does it count, by the rules? That a number was taken before is seen once all of them were met; that a sum would
 * overflow hangs on the other party's trades, too, and is left to whoever replays the ledger.
 */
static enum err check_disposition(const struct statement *statement, const struct chain_item *item, struct why *why)
{
	enum disposition stated = item->entry.record.disposition, right = stated;
	bool is_trade = item->record.kind == RECORD_TRADE;

	if (!takes_number(item))
		right = is_trade ? DISPOSITION_DUPLICATE_TRADE : DISPOSITION_DUPLICATE_ADJUST;
	else if (!is_trade)
		right = refund_disposition(statement_trade_at(statement, item->trade_index), &item->record.refund);
	else if (code_equal(&item->supplier, &item->buyer))
		right = DISPOSITION_SELF_TRADE;
	else if (stated != DISPOSITION_OVERFLOW)
		right = DISPOSITION_COUNTED;
	return stated == right ? OK
			       : why_set(why, ERR_INVALID, "the ledger says of it %s; by the rules it is %s",
				     disposition_name(stated), disposition_name(right));
}

static enum err add_number(struct statement *statement, const struct chain_item *item)
{
	struct statement_number *row;

	if (!takes_number(item))
		return OK;
	row = array_add(&statement->numbers);
	if (row == NULL)
		return ERR_MEMORY;
	row->index = item->index;
	row->number = statement_number(item->record.kind, item->entry.record.venue, record_number(&item->record));
	return OK;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct statement_number *left = a, *right = b;
	int order = memcmp(left->number.bytes, right->number.bytes, HASH_SIZE);

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static enum err check_numbers(struct statement *statement, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];

	array_sort(&statement->numbers, compare_numbers);
	for (size_t i = 1; i < statement->numbers.count; i++) {
		const struct statement_number *a = array_at(&statement->numbers, i - 1);
		const struct statement_number *b = array_at(&statement->numbers, i);

		if (!hash_equal(&a->number, &b->number))
			continue;
		part_name(b->index, false, name);
		return why_set(why, ERR_PROOF,
		    "%s: the venue had used its number before, in entry %llu: it is a duplicate and does not count",
		    name, (unsigned long long)a->index);
	}
	return OK;
}

/* ---- records */

static enum err check_feed(struct statement *statement, const struct chain_item *item, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	struct arena arena;
	struct proof proof;
	struct why cause = {""};
	enum err err;

	statementfolder_name(STATEMENT_FEEDS_FOLDER, item->index, STATEMENT_PROOF_SUFFIX, name);
	arena_init(&arena, CLIENT_FILE_SIZE_MAX);
	err = statement_files_read(statement->folder, name, &statement->bytes, &cause);
	if (err == ERR_NOT_FOUND)
		err = why_set(&cause, err, "it is missing: nothing shows that the venue signed this record");
	if (err == OK)
		err = proof_parse(buf_slice(&statement->bytes), &arena, &proof, &cause);
	if (err == OK)
		err = offices_check_record(&statement->offices, &item->entry, &proof, &cause);
	arena_done(&arena);
	statement->feed_count++;
	return err == OK ? OK : statement_wrong(why, err, name, &cause);
}

static enum err keep_trade(struct statement *statement, const struct chain_item *item, struct slice bytes)
{
	const struct trade *trade = &item->record.trade;
	bool is_supplier = slice_equal(trade->supplier, code_slice(&statement->head.code));
	struct statement_record *record = array_add(&statement->records);
	struct statement_trade *row;

	if (record == NULL)
		return ERR_MEMORY;
	*record = (struct statement_record){
	    .index = item->index, .trade_index = item->trade_index, .bytes = arena_copy(&statement->kept, bytes)};
	if (record->bytes.data == NULL)
		return ERR_TOO_LARGE;
	if (!takes_number(item))
		return OK;
	row = array_add(&statement->trades);
	if (row == NULL)
		return ERR_MEMORY;
	*row = (struct statement_trade){.index = item->index,
	    .number = statement_number(RECORD_TRADE, item->entry.record.venue, trade->trade_no),
	    .supplier = item->supplier,
	    .buyer = item->buyer,
	    .amount_fen = trade->amount_fen,
	    .tax_fen = trade->tax_fen,
	    .disposition = item->entry.record.disposition,
	    .name = arena_copy(&statement->kept, is_supplier ? trade->supplier_name : trade->buyer_name)};
	return row->name.data != NULL ? OK : ERR_TOO_LARGE;
}

static enum err take_record(
    struct statement *statement, const struct chain_item *item, struct slice bytes, struct why *why)
{
	struct statement_trade *trade;
	enum err err = check_disposition(statement, item, why);

	if (err == OK)
		err = add_number(statement, item);
	if (err == OK && item->record.kind == RECORD_TRADE)
		return keep_trade(statement, item, bytes);
	trade = statement_trade_at(statement, item->trade_index);
	if (err == OK && item->entry.record.disposition == DISPOSITION_COUNTED) {
		trade->touched.refunded_fen += item->record.refund.amount_fen;
		trade->touched.refunded_tax_fen += item->record.refund.tax_fen;
	}
	return err;
}

/* ---- entries */

/* Meaning by itself, once its place is clear. */
static enum err take_item(
    struct statement *statement, const struct chain_item *item, struct slice bytes, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	struct why cause = {""};
	enum err err;

	part_name(item->index, false, name);
	if (item->entry.kind == ENTRY_EFFECT) {
		err = statement_check_effect(statement, item, why);
	} else {
		err = check_feed(statement, item, why);
		if (err == OK && (err = take_record(statement, item, bytes, &cause)) != OK)
			err = statement_wrong(why, err, name, &cause);
	}
	if (err != OK)
		return err;
	err = life_take(&statement->life, item);
	if (err == ERR_DAMAGED)
		(void)why_set(&cause, err, "it contradicts the entries before it");
	return err == OK ? OK : statement_wrong(why, err, name, &cause);
}

static void advance(struct statement *statement, uint64_t index, bool is_withheld)
{
	statement->last_name = slice_of(NULL, 0);
	if (statement->first_index == 0)
		statement->first_index = index;
	statement->last_index = index;
	statement->is_last_withheld = is_withheld;
}

static enum err take_entry(struct statement *statement, uint64_t index, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	struct chain_item item = {.index = index};
	const struct statement_trade *trade;
	struct why cause = {""};
	struct slice bytes;
	enum err err;

	part_name(index, false, name);
	err = read_entry(statement, name, index, &bytes, &item.entry, why);
	if (err != OK)
		return err;
	err = decode_record(statement, &item, &cause);
	if (err == OK)
		err = resolve(statement, &item, &cause);
	if (err != OK)
		return statement_wrong(why, err, name, &cause);
	err = follow_link(statement, &item, why);
	if (err == OK)
		err = take_item(statement, &item, bytes, why);
	advance(statement, index, false);
	trade = statement_trade_at(statement, item.trade_index);
	if (trade != NULL)
		statement->last_name = trade->name;
	statement->shown_count++;
	return err;
}

static enum err check_leaf(const struct statement *statement, uint64_t index, struct slice bytes, struct why *why)
{
	struct statement_withheld withheld;
	enum err err = statement_withheld_parse(bytes, &withheld, why);

	if (err != OK)
		return err;
	if (withheld.index != index)
		return why_set(why, ERR_PROOF, "it is of entry %llu, not of the one that its name says",
		    (unsigned long long)withheld.index);
	if (index >= statement->checkpoint.size ||
	    tree_verify_inclusion(
		index, statement->checkpoint.size, &withheld.leaf, &withheld.path, &statement->checkpoint.root) != OK)
		return why_set(why, ERR_PROOF, "its proof does not lead to the checkpoint's root");
	return OK;
}

static enum err take_withheld(struct statement *statement, uint64_t index, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	struct why cause = {""};
	enum err err;

	part_name(index, true, name);
	err = statement_files_read(statement->folder, name, &statement->bytes, &cause);
	if (err == OK)
		err = check_leaf(statement, index, buf_slice(&statement->bytes), &cause);
	if (err != OK)
		return statement_wrong(why, err, name, &cause);
	advance(statement, index, true);
	statement->withheld_count++;
	return OK;
}

/* ---- all of them */

enum { PART_ACTS, PART_ENTRIES, PART_WITHHELD, PART_COUNT };

/* The part whose next index is the lowest; PART_COUNT at the end. */
static unsigned next_part(const struct array parts[static PART_COUNT], const size_t at[static PART_COUNT])
{
	unsigned lowest = PART_COUNT;
	uint64_t index = UINT64_MAX;

	for (unsigned i = 0; i < PART_COUNT; i++) {
		const uint64_t *next = at[i] < parts[i].count ? array_at(&parts[i], at[i]) : NULL;

		if (next == NULL || *next >= index)
			continue;
		index = *next;
		lowest = i;
	}
	return lowest;
}

static enum err fold_parts(struct statement *statement, const struct array parts[static PART_COUNT], struct why *why)
{
	static enum err (*const take[PART_COUNT])(struct statement *, uint64_t, struct why *) = {
	    take_act, take_entry, take_withheld};
	size_t at[PART_COUNT] = {0};
	uint64_t before = UINT64_MAX;
	unsigned part;
	enum err err = OK;

	while (err == OK && (part = next_part(parts, at)) != PART_COUNT) {
		uint64_t index = *(const uint64_t *)array_at(&parts[part], at[part]++);

		if (before == UINT64_MAX && (part != PART_ACTS || index != 0))
			return why_set(why, ERR_PROOF,
			    "%s/%0*d%s: it is missing: without the ledger's beginning no signature means anything",
			    STATEMENT_ACTS_FOLDER, STATEMENT_INDEX_DIGITS, 0, STATEMENT_PROOF_SUFFIX);
		if (index == before)
			return why_set(
			    why, ERR_PROOF, "entry %llu is in the statement twice", (unsigned long long)index);
		before = index;
		if (index > 0)
			err = pass_eras(statement, index, why);
		if (err == OK)
			err = take[part](statement, index, why);
	}
	return err == OK ? pass_eras(statement, statement->checkpoint.size, why) : err;
}

enum err statement_fold(struct statement *statement, struct why *why)
{
	const struct statement_part parts[PART_COUNT] = {
	    {statement->folder, STATEMENT_ACTS_FOLDER, STATEMENT_PROOF_SUFFIX, STATEMENT_FILES_MAX},
	    {statement->folder, STATEMENT_ENTRIES_FOLDER, STATEMENT_PROOF_SUFFIX, STATEMENT_FILES_MAX},
	    {statement->folder, STATEMENT_WITHHELD_FOLDER, STATEMENT_JSON_SUFFIX, STATEMENT_FILES_MAX}};
	struct array indexes[PART_COUNT];
	enum err err = OK;

	for (unsigned i = 0; i < PART_COUNT; i++) {
		enum err listed = statement_files_list(&parts[i], &indexes[i], err == OK ? why : NULL);

		err = err == OK ? listed : err;
	}
	if (err == OK && indexes[PART_ACTS].count == 0)
		err = why_set(why, ERR_PROOF,
		    "%s: it is missing: without the bureau's acts no signature means anything", STATEMENT_ACTS_FOLDER);
	if (err == OK)
		err = fold_parts(statement, indexes, why);
	if (err == OK)
		err = check_numbers(statement, why);
	if (err == OK)
		err = offices_finish(&statement->offices, why);
	life_finish(&statement->life);
	for (unsigned i = 0; i < PART_COUNT; i++)
		array_done(&indexes[i]);
	return err;
}

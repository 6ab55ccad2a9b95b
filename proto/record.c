/*
 * A record is decoded by protobuf-c, written again by record_put, and compared: what isn't the same bytes is
 * refused. protobuf-c alone is too lax for bytes that are hashed and kept for ever: of a doubled field it takes
 * the last, it cuts strings at a NUL and numbers at their type's width, it keeps unknown fields and takes any
 * order. None of that survives the comparison, whatever else it may be lax about.
 *
 * The fields' rules come after, in one pass that names every fault, so that a venue mends a file once.
 */
#include "proto/record.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "proto/date.h"
#include "proto/subsidy.pb-c.h"
#include "proto/text.h"
#include "proto/usci.h"
#include "proto/wire.h"

/*
 * What protobuf-c may take for one record, on the stack: twice the largest, which leaves ample room for its structs.
 * Only the texts go to the arena, so that a push of any content takes at most its own size there.
 */
#define UNPACK_MEMORY_MAX (2 * RECORD_SIZE_MAX)

#define QUOTE_BYTES_MAX 48 /* bytes of a value that a fault shows */
#define QUOTE_SIZE (4 * QUOTE_BYTES_MAX + 8)

struct faults {
	struct record_fault *rows;
	size_t count;
};

/* Where to write the next reason; NULL, which why_set ignores, once the rows are full. */
static struct why *faults_next(struct faults *faults, const char *field)
{
	struct record_fault *row;

	if (faults->count == RECORD_FAULTS_MAX)
		return NULL;
	row = &faults->rows[faults->count++];
	row->field = field;
	return &row->reason;
}

/* "text", cut and with everything escaped that could play tricks on a terminal or a log. */
static const char *quote(struct slice text, char ret_quote[static QUOTE_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	bool is_text = utf8_is_text(text), is_cut = text.size > QUOTE_BYTES_MAX;
	size_t size = is_cut ? QUOTE_BYTES_MAX : text.size;
	char *at = ret_quote;

	while (is_cut && is_text && size > 0 && (text.data[size] & 0xc0) == 0x80)
		size--;
	*at++ = '"';
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = text.data[i];
		/* U+0080..U+009F are C2 80 .. C2 9F. */
		bool is_c1 = byte == 0xc2 && i + 1 < size && text.data[i + 1] < 0xa0;
		bool is_after_c2 = byte >= 0x80 && byte < 0xa0 && i > 0 && text.data[i - 1] == 0xc2;

		if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\' || (byte >= 0x80 && !is_text) || is_c1 ||
		    is_after_c2) {
			*at++ = '\\';
			*at++ = 'x';
			*at++ = digits[byte >> 4];
			*at++ = digits[byte & 15];
		} else {
			*at++ = (char)byte;
		}
	}
	(void)snprintf(at, (size_t)(ret_quote + QUOTE_SIZE - at), is_cut ? "…\"" : "\"");
	return ret_quote;
}

/* ---- encoding */

static void trade_put(struct wire_writer *writer, const struct trade *trade)
{
	size_t invoice_count = trade->invoice_count;

	assert(invoice_count <= INVOICE_COUNT_MAX);
	wire_put_bytes(writer, 1, trade->trade_no);
	wire_put_bytes(writer, 2, trade->contract_no);
	wire_put_bytes(writer, 3, trade->contract_hash);
	wire_put_number(writer, 4, trade->contract_kind);
	wire_put_bytes(writer, 5, trade->product_code);
	wire_put_bytes(writer, 6, trade->product_name);
	wire_put_number(writer, 7, trade->product_kind);
	wire_put_bytes(writer, 8, trade->supplier);
	wire_put_bytes(writer, 9, trade->supplier_name);
	wire_put_bytes(writer, 10, trade->buyer);
	wire_put_bytes(writer, 11, trade->buyer_name);
	wire_put_bytes(writer, 12, trade->broker);
	wire_put_number(writer, 13, trade->amount_fen);
	wire_put_number(writer, 14, trade->tax_fen);
	wire_put_number(writer, 15, trade->instalment);
	wire_put_number(writer, 16, trade->signed_on);
	wire_put_number(writer, 17, trade->settled_on);
	wire_put_bytes(writer, 18, trade->voucher_no);
	for (size_t i = 0; i < invoice_count; i++)
		wire_put_element(writer, 19, trade->invoice_no[i]);
	wire_put_number(writer, 20, trade->related_declared);
	wire_put_number(writer, 21, trade->other_subsidy);
}

static void refund_put(struct wire_writer *writer, const struct refund *refund)
{
	wire_put_bytes(writer, 1, refund->adjust_no);
	wire_put_bytes(writer, 2, refund->original_trade_no);
	wire_put_number(writer, 3, refund->amount_fen);
	wire_put_number(writer, 4, refund->tax_fen);
	wire_put_number(writer, 5, refund->occurred_on);
	wire_put_bytes(writer, 6, refund->reason_code);
	wire_put_bytes(writer, 7, refund->reason);
	wire_put_bytes(writer, 8, refund->red_invoice_no);
}

static void record_put(struct wire_writer *writer, const struct record *record)
{
	uint8_t *opened = NULL;

	wire_put_number(writer, 1, RECORD_VERSION);
	switch (record->kind) {
	case RECORD_TRADE:
		opened = wire_open(writer, 2);
		trade_put(writer, &record->trade);
		break;
	case RECORD_REFUND:
		opened = wire_open(writer, 3);
		refund_put(writer, &record->refund);
		break;
	}
	wire_close(writer, opened);
}

enum err record_encode(const struct record *record, struct buf *ret_bytes)
{
	uint8_t memory[RECORD_SIZE_MAX + WIRE_SLACK];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));

	assert(record->kind == RECORD_TRADE || record->kind == RECORD_REFUND);
	record_put(&writer, record);
	if (writer.is_full || wire_written(&writer).size > RECORD_SIZE_MAX)
		return ERR_TOO_LARGE;
	buf_add_slice(ret_bytes, wire_written(&writer));
	return ret_bytes->err;
}

/* ---- decoding */

/* A copy of the bytes that outlives protobuf-c's. The texts of a record together are shorter than the record. */
static struct slice kept(uint8_t **keep, struct slice bytes)
{
	struct slice copy = {*keep, bytes.size};

	if (bytes.size != 0)
		memcpy(*keep, bytes.data, bytes.size);
	*keep += bytes.size;
	return copy;
}

static void trade_take(const Subsidy__PbTrade *pb, uint8_t **keep, struct trade *ret_trade)
{
	struct trade *trade = ret_trade;

	trade->trade_no = kept(keep, wire_text(pb->trade_no));
	trade->contract_no = kept(keep, wire_text(pb->contract_no));
	trade->contract_hash = kept(keep, wire_bytes(pb->contract_hash));
	trade->contract_kind = (enum contract_kind)pb->contract_kind;
	trade->product_code = kept(keep, wire_text(pb->product_code));
	trade->product_name = kept(keep, wire_text(pb->product_name));
	trade->product_kind = (enum product_kind)pb->product_kind;
	trade->supplier = kept(keep, wire_text(pb->supplier));
	trade->supplier_name = kept(keep, wire_text(pb->supplier_name));
	trade->buyer = kept(keep, wire_text(pb->buyer));
	trade->buyer_name = kept(keep, wire_text(pb->buyer_name));
	trade->broker = kept(keep, wire_text(pb->broker));
	trade->amount_fen = pb->amount;
	trade->tax_fen = pb->tax;
	trade->instalment = pb->instalment;
	trade->signed_on = pb->signed_on;
	trade->settled_on = pb->settled_on;
	trade->voucher_no = kept(keep, wire_text(pb->voucher_no));
	trade->invoice_count = pb->n_invoice_no;
	for (size_t i = 0; i < pb->n_invoice_no && i < INVOICE_COUNT_MAX; i++)
		trade->invoice_no[i] = kept(keep, wire_text(pb->invoice_no[i]));
	trade->related_declared = (enum declaration)pb->related_declared;
	trade->other_subsidy = (enum declaration)pb->other_subsidy;
}

static void refund_take(const Subsidy__PbRefund *pb, uint8_t **keep, struct refund *ret_refund)
{
	ret_refund->adjust_no = kept(keep, wire_text(pb->adjust_no));
	ret_refund->original_trade_no = kept(keep, wire_text(pb->original_trade_no));
	ret_refund->amount_fen = pb->amount;
	ret_refund->tax_fen = pb->tax;
	ret_refund->occurred_on = pb->occurred_on;
	ret_refund->reason_code = kept(keep, wire_text(pb->reason_code));
	ret_refund->reason = kept(keep, wire_text(pb->reason));
	ret_refund->red_invoice_no = kept(keep, wire_text(pb->red_invoice_no));
}

/* Takes over what protobuf-c found: one body, known fields only, our version. */
static enum err record_take(
    const Subsidy__PbRecord *pb, uint8_t **keep, struct record *ret_record, struct faults *faults)
{
	unsigned unknown_count = pb->base.n_unknown_fields;

	switch (pb->body_case) {
	case SUBSIDY__PB_RECORD__BODY_TRADE:
		unknown_count += pb->trade->base.n_unknown_fields;
		ret_record->kind = RECORD_TRADE;
		trade_take(pb->trade, keep, &ret_record->trade);
		break;
	case SUBSIDY__PB_RECORD__BODY_REFUND:
		unknown_count += pb->refund->base.n_unknown_fields;
		ret_record->kind = RECORD_REFUND;
		refund_take(pb->refund, keep, &ret_record->refund);
		break;
	case SUBSIDY__PB_RECORD__BODY__NOT_SET:
	case _SUBSIDY__PB_RECORD__BODY__CASE_IS_INT_SIZE:
		return why_set(faults_next(faults, ""), ERR_SYNTAX, "holds neither a trade nor a refund");
	}
	if (unknown_count != 0)
		return why_set(faults_next(faults, ""), ERR_SYNTAX, "has %u fields of unknown number", unknown_count);
	if (pb->version != RECORD_VERSION)
		return why_set(faults_next(faults, "version"), ERR_INVALID, "must be %d; found %u", RECORD_VERSION,
		    (unsigned)pb->version);
	return OK;
}

static enum err compare_canonical(struct slice bytes, const struct record *record, struct faults *faults)
{
	uint8_t memory[RECORD_SIZE_MAX + WIRE_SLACK];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));
	struct slice canonical;
	size_t at = 0;

	record_put(&writer, record);
	canonical = wire_written(&writer);
	if (!writer.is_full && slice_equal(canonical, bytes))
		return OK;
	while (at < canonical.size && at < bytes.size && canonical.data[at] == bytes.data[at])
		at++;
	return why_set(faults_next(faults, ""), ERR_NOT_CANONICAL,
	    "is not in the one canonical encoding (fields ascending, each once, shortest numbers, no defaults, no NUL "
	    "in text); it differs from byte %zu of %zu on",
	    at, bytes.size);
}

static enum err record_unpack(struct slice bytes, struct arena *arena, struct record *ret_record, struct faults *faults)
{
	_Alignas(16) uint8_t scratch[UNPACK_MEMORY_MAX];
	struct wire_memory memory = {.at = scratch, .left = sizeof(scratch)};
	ProtobufCAllocator allocator = wire_allocator(&memory);
	const Subsidy__PbRecord *pb;
	uint8_t *keep, *end;
	enum err err;

	if (bytes.size > RECORD_SIZE_MAX)
		return why_set(faults_next(faults, ""), ERR_TOO_LARGE, "has %zu bytes, at most %d are allowed",
		    bytes.size, RECORD_SIZE_MAX);
	pb = subsidy__pb_record__unpack(&allocator, bytes.size, bytes.data);
	if (pb == NULL)
		return why_set(faults_next(faults, ""), ERR_SYNTAX,
		    memory.is_over ? "has far more fields than a record can have"
				   : "is not a protobuf message of a record");
	keep = arena_alloc(arena, bytes.size + 1);
	if (keep == NULL)
		return why_set(faults_next(faults, ""), ERR_MEMORY, "could not be decoded for lack of memory");
	end = keep + bytes.size;
	err = record_take(pb, &keep, ret_record, faults);
	assert(keep <= end);
	if (err != OK)
		return err;
	/* Too many invoice numbers don't fit the struct; the fields' rules refuse them with their count. */
	if (ret_record->kind == RECORD_TRADE && ret_record->trade.invoice_count > INVOICE_COUNT_MAX)
		return OK;
	return compare_canonical(bytes, ret_record, faults);
}

/* ---- the fields' rules */

static void check_visible(struct faults *faults, const char *field, struct slice value, size_t size_max)
{
	char found[QUOTE_SIZE];

	if (value.size <= size_max && ascii_is_visible(value))
		return;
	(void)why_set(faults_next(faults, field), ERR_INVALID,
	    "must be 1 to %zu visible ASCII characters without spaces; found %zu bytes, %s", size_max, value.size,
	    quote(value, found));
}

static void check_text(struct faults *faults, const char *field, struct slice value, size_t size_min, size_t size_max)
{
	char found[QUOTE_SIZE];

	if (value.size >= size_min && value.size <= size_max && utf8_is_text(value))
		return;
	(void)why_set(faults_next(faults, field), ERR_INVALID,
	    "must be %zu to %zu bytes of UTF-8 text without control characters; found %zu bytes, %s", size_min,
	    size_max, value.size, quote(value, found));
}

static void check_code(struct faults *faults, const char *field, struct slice value)
{
	char found[QUOTE_SIZE];
	struct why why = {.text = ""};

	if (usci_check(value, NULL) == USCI_OK)
		return;
	(void)usci_explain(value, &why);
	(void)why_set_cause(faults_next(faults, field), ERR_INVALID, &why,
	    "must be a unified social credit code (GB 32100-2015); found %s: ", quote(value, found));
}

static void check_number(struct faults *faults, const char *field, uint64_t value, uint64_t max)
{
	if (value >= 1 && value <= max)
		return;
	(void)why_set(faults_next(faults, field), ERR_INVALID, "must be 1 to %llu; found %llu", (unsigned long long)max,
	    (unsigned long long)value);
}

static void check_amounts(struct faults *faults, uint64_t amount_fen, uint64_t tax_fen)
{
	if (amount_fen < 1 || amount_fen > AMOUNT_FEN_MAX)
		(void)why_set(faults_next(faults, "amount"), ERR_INVALID, "must be 1 to %llu fen; found %llu",
		    (unsigned long long)AMOUNT_FEN_MAX, (unsigned long long)amount_fen);
	/* An absent amount is one fault, not two. */
	if (tax_fen < amount_fen || (amount_fen == 0 && tax_fen == 0))
		return;
	(void)why_set(faults_next(faults, "tax"), ERR_INVALID, "must be less than the amount, %llu fen; found %llu",
	    (unsigned long long)amount_fen, (unsigned long long)tax_fen);
}

static bool check_date(struct faults *faults, const char *field, uint32_t date)
{
	if (date_is_valid(date))
		return true;
	(void)why_set(faults_next(faults, field), ERR_INVALID,
	    "must be a calendar day as YYYYMMDD, year %d to %d; found %u", DATE_YEAR_MIN, DATE_YEAR_MAX,
	    (unsigned)date);
	return false;
}

static bool invoice_no_is_valid(struct slice value)
{
	/* 20 digits are a 数电票, or 12 of code and 8 of number; 18 are 10 and 8. */
	if (value.size != 20 && value.size != 18)
		return false;
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
	return true;
}

static void check_invoice(struct faults *faults, const char *field, struct slice value)
{
	char found[QUOTE_SIZE];

	if (invoice_no_is_valid(value))
		return;
	(void)why_set(faults_next(faults, field), ERR_INVALID,
	    "must be 20 digits, or a code of 10 or 12 digits and a number of 8; found %s", quote(value, found));
}

/* One of 1..last; `words` names them. */
static void check_choice(struct faults *faults, const char *field, unsigned value, unsigned last, const char *words)
{
	if (value >= 1 && value <= last)
		return;
	if (value == 0)
		(void)why_set(faults_next(faults, field), ERR_INVALID, "must be one of %s; it is absent", words);
	else
		(void)why_set(faults_next(faults, field), ERR_INVALID, "must be one of %s (1 to %u); found %d", words,
		    last, (int)value);
}

static void trade_check(const struct trade *trade, struct faults *faults)
{
	bool has_days;

	check_visible(faults, "trade_no", trade->trade_no, TRADE_NO_SIZE_MAX);
	check_text(faults, "contract_no", trade->contract_no, 1, CONTRACT_NO_SIZE_MAX);
	if (trade->contract_hash.size != HASH_SIZE)
		(void)why_set(faults_next(faults, "contract_hash"), ERR_INVALID,
		    "must be the %d bytes of a SHA-256 or SM3 hash; found %zu bytes", HASH_SIZE,
		    trade->contract_hash.size);
	check_choice(faults, "contract_kind", trade->contract_kind, CONTRACT_INTERMEDIARY,
	    "provide, process, fusion, intermediary");
	check_text(faults, "product_code", trade->product_code, 1, PRODUCT_CODE_SIZE_MAX);
	check_text(faults, "product_name", trade->product_name, 1, PRODUCT_NAME_SIZE_MAX);
	check_choice(faults, "product_kind", trade->product_kind, PRODUCT_OTHER,
	    "dataset, api, report, model, tool, compute, other");
	check_code(faults, "supplier", trade->supplier);
	check_text(faults, "supplier_name", trade->supplier_name, 0, PARTY_NAME_SIZE_MAX);
	check_code(faults, "buyer", trade->buyer);
	check_text(faults, "buyer_name", trade->buyer_name, 0, PARTY_NAME_SIZE_MAX);
	if (trade->broker.size != 0)
		check_code(faults, "broker", trade->broker);
	check_amounts(faults, trade->amount_fen, trade->tax_fen);
	check_number(faults, "instalment", trade->instalment, INSTALMENT_MAX);
	has_days = check_date(faults, "signed_on", trade->signed_on);
	has_days = check_date(faults, "settled_on", trade->settled_on) && has_days;
	if (has_days && trade->settled_on < trade->signed_on)
		(void)why_set(faults_next(faults, "settled_on"), ERR_INVALID,
		    "must not lie before signed_on, %u; found %u", (unsigned)trade->signed_on,
		    (unsigned)trade->settled_on);
	check_visible(faults, "voucher_no", trade->voucher_no, TRADE_NO_SIZE_MAX);
	if (trade->invoice_count > INVOICE_COUNT_MAX)
		(void)why_set(faults_next(faults, "invoice_no"), ERR_INVALID, "must be at most %d numbers; found %zu",
		    INVOICE_COUNT_MAX, trade->invoice_count);
	for (size_t i = 0; i < trade->invoice_count && i < INVOICE_COUNT_MAX; i++)
		check_invoice(faults, "invoice_no", trade->invoice_no[i]);
	check_choice(faults, "related_declared", trade->related_declared, DECLARED_NOT_STATED, "no, yes, not_stated");
	check_choice(faults, "other_subsidy", trade->other_subsidy, DECLARED_NOT_STATED, "no, yes, not_stated");
}

static void refund_check(const struct refund *refund, struct faults *faults)
{
	check_visible(faults, "adjust_no", refund->adjust_no, TRADE_NO_SIZE_MAX);
	check_visible(faults, "original_trade_no", refund->original_trade_no, TRADE_NO_SIZE_MAX);
	check_amounts(faults, refund->amount_fen, refund->tax_fen);
	(void)check_date(faults, "occurred_on", refund->occurred_on);
	check_visible(faults, "reason_code", refund->reason_code, REASON_CODE_SIZE_MAX);
	check_text(faults, "reason", refund->reason, 0, REASON_SIZE_MAX);
	if (refund->red_invoice_no.size != 0)
		check_invoice(faults, "red_invoice_no", refund->red_invoice_no);
}

static enum err fields_check(const struct record *record, struct faults *faults)
{
	switch (record->kind) {
	case RECORD_TRADE: trade_check(&record->trade, faults); break;
	case RECORD_REFUND: refund_check(&record->refund, faults); break;
	}
	return faults->count == 0 ? OK : ERR_INVALID;
}

enum err record_check(
    const struct record *record, struct record_fault faults[static RECORD_FAULTS_MAX], size_t *ret_fault_count)
{
	struct faults list = {.rows = faults};
	enum err err;

	assert(record->kind == RECORD_TRADE || record->kind == RECORD_REFUND);
	err = fields_check(record, &list);
	*ret_fault_count = list.count;
	return err;
}

enum err record_decode(struct slice bytes, struct arena *arena, struct record *ret_record,
    struct record_fault faults[static RECORD_FAULTS_MAX], size_t *ret_fault_count)
{
	struct faults list = {.rows = faults};
	struct record record;
	enum err err;

	err = record_unpack(bytes, arena, &record, &list);
	if (err == OK)
		err = fields_check(&record, &list);
	*ret_fault_count = list.count;
	if (err == OK)
		*ret_record = record;
	return err;
}

uint32_t record_latest_date(const struct record *record)
{
	return record->kind == RECORD_TRADE ? record->trade.settled_on : record->refund.occurred_on;
}

struct slice record_number(const struct record *record)
{
	return record->kind == RECORD_TRADE ? record->trade.trade_no : record->refund.adjust_no;
}

/* ---- words */

static const char *const contract_kinds[] = {
    [CONTRACT_PROVIDE] = "provide",
    [CONTRACT_PROCESS] = "process",
    [CONTRACT_FUSION] = "fusion",
    [CONTRACT_INTERMEDIARY] = "intermediary",
};

static const char *const product_kinds[] = {
    [PRODUCT_DATASET] = "dataset",
    [PRODUCT_API] = "api",
    [PRODUCT_REPORT] = "report",
    [PRODUCT_MODEL] = "model",
    [PRODUCT_TOOL] = "tool",
    [PRODUCT_COMPUTE] = "compute",
    [PRODUCT_OTHER] = "other",
};

static const char *const declarations[] = {
    [DECLARED_NO] = "no",
    [DECLARED_YES] = "yes",
    [DECLARED_NOT_STATED] = "not_stated",
};

static const struct {
	const char *name, *sentence;
} dispositions[DISPOSITION_COUNT] = {
    [DISPOSITION_COUNTED] = {"counted", TEXT("it counts")},
    [DISPOSITION_DUPLICATE_TRADE] = {"duplicate_trade", TEXT("the venue has already recorded a trade of this number")},
    [DISPOSITION_DUPLICATE_ADJUST] = {"duplicate_adjust",
	TEXT("the venue has already recorded an adjustment of this number")},
    [DISPOSITION_SELF_TRADE] = {"self_trade", TEXT("supplier and buyer are the same enterprise")},
    [DISPOSITION_REFUND_UNKNOWN] = {"refund_unknown",
	TEXT("no trade of that number that counts was recorded before it")},
    [DISPOSITION_REFUND_EXCEEDS] = {"refund_exceeds", TEXT("with it the trade's refunds would be more than the trade")},
    [DISPOSITION_OVERFLOW] = {"overflow", TEXT("a sum of the enterprise would be too large to hold")},
};

#define COUNT_OF(words) (sizeof(words) / sizeof((words)[0]))

static const char *word_of(const char *const *words, size_t word_count, size_t value)
{
	assert(value >= 1 && value < word_count);
	return words[value];
}

static unsigned value_of(const char *const *words, size_t word_count, struct slice name)
{
	for (unsigned value = 1; value < word_count; value++)
		if (slice_equal(slice_text(words[value]), name))
			return value;
	return 0;
}

const char *contract_kind_name(enum contract_kind kind)
{
	return word_of(contract_kinds, COUNT_OF(contract_kinds), kind);
}

const char *product_kind_name(enum product_kind kind)
{
	return word_of(product_kinds, COUNT_OF(product_kinds), kind);
}

const char *declaration_name(enum declaration declaration)
{
	return word_of(declarations, COUNT_OF(declarations), declaration);
}

const char *disposition_name(enum disposition disposition)
{
	assert(disposition >= 1 && disposition < DISPOSITION_COUNT);
	return dispositions[disposition].name;
}

const char *disposition_sentence(enum disposition disposition)
{
	assert(disposition >= 1 && disposition < DISPOSITION_COUNT);
	return text_of(dispositions[disposition].sentence);
}

enum contract_kind contract_kind_by_name(struct slice name)
{
	return (enum contract_kind)value_of(contract_kinds, COUNT_OF(contract_kinds), name);
}

enum product_kind product_kind_by_name(struct slice name)
{
	return (enum product_kind)value_of(product_kinds, COUNT_OF(product_kinds), name);
}

enum declaration declaration_by_name(struct slice name)
{
	return (enum declaration)value_of(declarations, COUNT_OF(declarations), name);
}

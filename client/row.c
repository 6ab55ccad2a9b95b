/*
 * A row becomes a struct record cell by cell (cell.h reads them). What a cell can't be parsed into is complained of
 * here, what the record's rules say of the values comes from record_check. A cell that was complained of once isn't
 * complained of again, and neither is the other half of a rule over two cells (tax below amount, signed before
 * settled).
 */
#include "client/row.h"

#include <string.h>

#include "client/cell.h"
#include "proto/text.h"
#include "proto/usci.h"

#define CODE_TEXT_MAX 64 /* bytes usci_normalise may give */

/* The Chinese words of a value; the English ones are those of record.h. */
struct word {
	const char *text;
	unsigned value;
};

static const struct word kind_words[] = {
    {"trade", RECORD_TRADE}, {"refund", RECORD_REFUND}, {"交易", RECORD_TRADE}, {"退款", RECORD_REFUND}, {NULL, 0}};
static const struct word contract_words[] = {{"数据提供", CONTRACT_PROVIDE}, {"数据委托处理", CONTRACT_PROCESS},
    {"数据融合开发", CONTRACT_FUSION}, {"数据中介", CONTRACT_INTERMEDIARY}, {NULL, 0}};
static const struct word product_words[] = {{"数据集", PRODUCT_DATASET}, {"数据接口", PRODUCT_API},
    {"数据报告", PRODUCT_REPORT}, {"数据模型", PRODUCT_MODEL}, {"数据工具", PRODUCT_TOOL}, {"算力", PRODUCT_COMPUTE},
    {"其他", PRODUCT_OTHER}, {NULL, 0}};
static const struct word declaration_words[] = {
    {"否", DECLARED_NO}, {"是", DECLARED_YES}, {"未声明", DECLARED_NOT_STATED}, {NULL, 0}};

/* ---- cells */

/* What one row's parsing carries along. */
struct parsing {
	const struct row *row;
	struct rows *rows;
	struct arena *arena;
	uint32_t bad; /* columns complained of */
};

/* As it stands in the file, for complaints and for text of people. */
static struct slice cell(const struct parsing *parsing, enum column column)
{
	if ((parsing->row->columns & 1u << column) == 0)
		return slice_of("", 0);
	return cell_trim(parsing->row->cells[column]);
}

/* A cell of digits, letters or fixed words, which no apostrophe can begin. */
static struct slice cell_plain(const struct parsing *parsing, enum column column)
{
	return cell_unquote(cell_narrow(cell(parsing, column), parsing->arena));
}

static void complain(struct parsing *parsing, enum column column, const char *rule)
{
	if ((parsing->bad & 1u << column) == 0)
		rows_complain(parsing->rows, parsing->row->number, column, cell(parsing, column), "%s", text_of(rule));
	parsing->bad |= 1u << column;
}

static uint64_t cell_amount(struct parsing *parsing, enum column column)
{
	uint64_t fen = 0;
	const char *rule = cell_parse_amount(cell_plain(parsing, column), parsing->row->is_comma_doubtful, &fen);

	if (rule != NULL)
		complain(parsing, column, rule);
	return fen;
}

static uint32_t cell_date(struct parsing *parsing, enum column column)
{
	uint32_t date = 0;
	const char *rule = cell_parse_date(cell_plain(parsing, column), &date);

	if (rule != NULL)
		complain(parsing, column, rule);
	return date;
}

/* A number that the venue or its bank gave: any visible ASCII, so that only its width is mended. */
static struct slice cell_number(struct parsing *parsing, enum column column)
{
	struct slice text = cell_narrow(cell(parsing, column), parsing->arena);
	const char *rule = cell_check_number(text);

	if (rule != NULL)
		complain(parsing, column, rule);
	return text;
}

/* What people call a thing. It stays as it is. */
static struct slice cell_text(struct parsing *parsing, enum column column)
{
	struct slice text = cell(parsing, column);
	const char *rule = cell_check_text(text);

	if (rule != NULL)
		complain(parsing, column, rule);
	return text;
}

/* A text by which a contract or a product is found again. */
static struct slice cell_name(struct parsing *parsing, enum column column)
{
	struct slice text = cell_text(parsing, column);
	const char *rule = cell_check_number(text);

	if (rule != NULL)
		complain(parsing, column, rule);
	return text;
}

/* The ledger's clock decides; ours finds a slip of the pen before anything is signed. */
static uint32_t cell_date_past(struct parsing *parsing, enum column column)
{
	uint32_t date = cell_date(parsing, column), today = parsing->rows->today;

	if (today != 0 && date > today)
		complain(parsing, column, "lies in the future, by this machine's clock");
	return date;
}

/* `value` is what the English name gave, 0 for none. */
static unsigned cell_word(
    struct parsing *parsing, enum column column, unsigned value, const struct word *words, const char *rule)
{
	struct slice text = cell_plain(parsing, column);

	for (; value == 0 && words->text != NULL; words++)
		if (slice_equal(text, slice_text(words->text)))
			value = words->value;
	if (value == 0)
		complain(parsing, column, rule);
	return value;
}

static enum declaration cell_declaration(struct parsing *parsing, enum column column)
{
	struct slice text = cell_plain(parsing, column);

	if (text.size == 0)
		return DECLARED_NOT_STATED;
	return (enum declaration)cell_word(parsing, column, declaration_by_name(text), declaration_words,
	    "must be no, yes or not_stated (否, 是, 未声明); empty is not_stated");
}

/* Full-width letters, lower case and white space are mended; the rest is record_check's. */
static struct slice cell_code(struct parsing *parsing, enum column column)
{
	struct slice text = cell_plain(parsing, column), copy = {NULL, 0};
	struct buf code;

	if (text.size == 0)
		return text;
	buf_init(&code, CODE_TEXT_MAX);
	if (usci_normalise(text, &code) != OK || code.err != OK)
		complain(parsing, column, "must be a unified social credit code of 18 characters");
	else
		copy = arena_copy(parsing->arena, buf_slice(&code));
	buf_done(&code);
	return copy.data != NULL ? copy : text;
}

static struct slice cell_hash(struct parsing *parsing, enum column column)
{
	char digits[2 * HASH_SIZE];
	struct slice text = cell_plain(parsing, column), copy;
	uint8_t hash[HASH_SIZE] = {0};
	bool is_hex = text.size == sizeof(digits);

	for (size_t i = 0; is_hex && i < sizeof(digits); i++)
		digits[i] =
		    (char)(text.data[i] >= 'A' && text.data[i] <= 'F' ? text.data[i] - 'A' + 'a' : text.data[i]);
	if (!is_hex || hex_parse(slice_of(digits, sizeof(digits)), hash, sizeof(hash)) != OK)
		complain(parsing, column, "must be 64 hex digits: SHA-256 or SM3 of the signed contract's file");
	copy = arena_copy(parsing->arena, slice_of(hash, sizeof(hash)));
	return copy.data != NULL ? copy : slice_of("", 0);
}

static uint32_t cell_instalment(struct parsing *parsing, enum column column)
{
	struct slice text = cell_plain(parsing, column);
	uint64_t value = 1;

	if (text.size > 0 && (decimal_parse(text, INSTALMENT_MAX, &value) != OK || value == 0))
		complain(parsing, column, "must be a number from 1 to 9999; empty is 1");
	return (uint32_t)value;
}

/* Size of what separates two invoice numbers, or 0. Numbers are digits, so that any of these can only be that. */
static size_t invoice_separator(struct slice text)
{
	static const char *const separators[] = {";", ",", "\r\n", "\n", "\r", "、"};

	for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
		size_t size = strlen(separators[i]);

		if (text.size >= size && memcmp(text.data, separators[i], size) == 0)
			return size;
	}
	return 0;
}

/* "a;b;c"; white space around each is ignored. */
static size_t cell_invoices(
    struct parsing *parsing, enum column column, struct slice ret_invoices[static INVOICE_COUNT_MAX])
{
	struct slice rest = cell_plain(parsing, column), number;
	size_t count = 0, size, skip;

	while (rest.size > 0) {
		for (size = 0, skip = 0; size < rest.size && skip == 0; size += skip == 0)
			skip = invoice_separator(slice_of(rest.data + size, rest.size - size));
		if (count == INVOICE_COUNT_MAX) {
			complain(parsing, column, "must be at most 8 invoice numbers, separated by ;");
			return 0;
		}
		number = cell_trim(slice_of(rest.data, size));
		if (number.size == 0 || (skip > 0 && size + skip == rest.size)) {
			complain(parsing, column, "there is nothing between two ; or behind the last one");
			return 0;
		}
		if (cell_check_number(number) != NULL)
			complain(parsing, column, cell_check_number(number));
		ret_invoices[count++] = number;
		rest = slice_of(rest.data + size + skip, rest.size - size - skip);
	}
	return count;
}

static struct slice cell_invoice(struct parsing *parsing, enum column column)
{
	struct slice text = cell_plain(parsing, column);
	const char *rule = cell_check_number(text);

	if (rule != NULL)
		complain(parsing, column, rule);
	return text;
}

/* ---- rows */

static void trade_parse(struct parsing *parsing, struct trade *ret_trade)
{
	struct slice contract = cell_plain(parsing, COLUMN_CONTRACT_KIND),
		     product = cell_plain(parsing, COLUMN_PRODUCT_KIND);

	*ret_trade = (struct trade){
	    .trade_no = cell_number(parsing, COLUMN_TRADE_NO),
	    .contract_no = cell_name(parsing, COLUMN_CONTRACT_NO),
	    .contract_hash = cell_hash(parsing, COLUMN_CONTRACT_HASH),
	    .product_code = cell_name(parsing, COLUMN_PRODUCT_CODE),
	    .product_name = cell_text(parsing, COLUMN_PRODUCT_NAME),
	    .supplier = cell_code(parsing, COLUMN_SUPPLIER),
	    .supplier_name = cell_text(parsing, COLUMN_SUPPLIER_NAME),
	    .buyer = cell_code(parsing, COLUMN_BUYER),
	    .buyer_name = cell_text(parsing, COLUMN_BUYER_NAME),
	    .broker = cell_code(parsing, COLUMN_BROKER),
	    .amount_fen = cell_amount(parsing, COLUMN_AMOUNT),
	    .tax_fen = cell_amount(parsing, COLUMN_TAX),
	    .instalment = cell_instalment(parsing, COLUMN_INSTALMENT),
	    .signed_on = cell_date(parsing, COLUMN_SIGNED_ON),
	    .settled_on = cell_date_past(parsing, COLUMN_SETTLED_ON),
	    .voucher_no = cell_number(parsing, COLUMN_VOUCHER_NO),
	    .related_declared = cell_declaration(parsing, COLUMN_RELATED_DECLARED),
	    .other_subsidy = cell_declaration(parsing, COLUMN_OTHER_SUBSIDY),
	};
	ret_trade->contract_kind = (enum contract_kind)cell_word(parsing, COLUMN_CONTRACT_KIND,
	    contract_kind_by_name(contract), contract_words,
	    "must be provide, process, fusion or intermediary (数据提供, 数据委托处理, 数据融合开发, 数据中介)");
	ret_trade->product_kind =
	    (enum product_kind)cell_word(parsing, COLUMN_PRODUCT_KIND, product_kind_by_name(product), product_words,
		"must be dataset, api, report, model, tool, compute or other "
		"(数据集, 数据接口, 数据报告, 数据模型, 数据工具, 算力, 其他)");
	ret_trade->invoice_count = cell_invoices(parsing, COLUMN_INVOICE_NO, ret_trade->invoice_no);
}

static void refund_parse(struct parsing *parsing, struct refund *ret_refund)
{
	*ret_refund = (struct refund){
	    .adjust_no = cell_number(parsing, COLUMN_ADJUST_NO),
	    .original_trade_no = cell_number(parsing, COLUMN_ORIGINAL_TRADE_NO),
	    .amount_fen = cell_amount(parsing, COLUMN_AMOUNT),
	    .tax_fen = cell_amount(parsing, COLUMN_TAX),
	    .occurred_on = cell_date_past(parsing, COLUMN_OCCURRED_ON),
	    .reason_code = cell_number(parsing, COLUMN_REASON_CODE),
	    .reason = cell_text(parsing, COLUMN_REASON),
	    .red_invoice_no = cell_invoice(parsing, COLUMN_RED_INVOICE_NO),
	};
}

/* A rule over two cells is moot once one of them was complained of. */
static uint32_t moot_columns(uint32_t bad)
{
	const uint32_t amounts = 1u << COLUMN_AMOUNT | 1u << COLUMN_TAX;
	const uint32_t dates = 1u << COLUMN_SIGNED_ON | 1u << COLUMN_SETTLED_ON;

	return bad | ((bad & amounts) != 0 ? amounts : 0) | ((bad & dates) != 0 ? dates : 0);
}

/* Says whether the record passes; each fault goes to its cell. */
static bool record_passes(struct parsing *parsing, const struct record *record)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	uint32_t moot = moot_columns(parsing->bad);
	size_t fault_count = 0;

	if (record_check(record, faults, &fault_count) == OK)
		return parsing->bad == 0;
	for (size_t i = 0; i < fault_count; i++) {
		enum column column = column_by_name(slice_text(faults[i].field));

		if (column == COLUMN_COUNT)
			rows_complain(
			    parsing->rows, parsing->row->number, column, slice_of("", 0), "%s", faults[i].reason.text);
		else if ((moot & 1u << column) == 0)
			rows_complain(parsing->rows, parsing->row->number, column, cell(parsing, column), "%s",
			    faults[i].reason.text);
	}
	return false;
}

/* Once per file and kind: the columns without which no such row can be. */
static bool has_columns(const struct parsing *parsing, enum record_kind kind)
{
	bool has_all = true;

	for (enum column column = 0; column < COLUMN_COUNT; column++) {
		if (!column_is_of(column, kind) || !column_is_required(column) ||
		    (parsing->row->columns & 1u << column) != 0)
			continue;
		has_all = false;
		if ((parsing->rows->missing_told & 1u << kind) == 0)
			rows_complain(parsing->rows, parsing->row->head_number, column, slice_of("", 0),
			    "the column %s (%s) is missing; a %s needs it", column_name(column), column_chinese(column),
			    kind == RECORD_TRADE ? T("trade") : T("refund"));
	}
	if (!has_all)
		parsing->rows->missing_told |= 1u << kind;
	return has_all;
}

static void foreign_check(struct parsing *parsing, enum record_kind kind)
{
	for (enum column column = 0; column < COLUMN_COUNT; column++)
		if (!column_is_of(column, kind) && cell(parsing, column).size > 0)
			complain(parsing, column,
			    kind == RECORD_TRADE ? "must be empty in a trade: it belongs to a refund"
						 : "must be empty in a refund: it belongs to a trade");
}

void row_add(const struct row *row, struct rows *rows)
{
	struct parsing parsing = {.row = row, .rows = rows};
	enum record_kind kind = RECORD_TRADE;
	struct record record;
	struct arena arena;

	if (rows->err != OK)
		return;
	arena_init(&arena, RECORD_SIZE_MAX);
	parsing.arena = &arena;
	if (cell(&parsing, COLUMN_KIND).size > 0)
		kind = (enum record_kind)cell_word(
		    &parsing, COLUMN_KIND, 0, kind_words, "must be trade or refund (交易, 退款); empty is trade");
	if (parsing.bad != 0 || !has_columns(&parsing, kind))
		goto out;
	foreign_check(&parsing, kind);
	memset(&record, 0, sizeof(record));
	record.kind = kind;
	if (kind == RECORD_TRADE)
		trade_parse(&parsing, &record.trade);
	else
		refund_parse(&parsing, &record.refund);
	if (record_passes(&parsing, &record))
		rows_add(rows, row->number, &record);
out:
	arena_done(&arena);
}

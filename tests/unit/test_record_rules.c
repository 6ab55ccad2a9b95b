/* Records: every field's rule at its bounds, every fault named. */
#include "proto/record.h"

#include "record_fixture.h"
#include "proto/date.h"

enum content { VISIBLE, TEXT };

static void keeps_texts_within_their_sizes(void **state)
{
	static const struct {
		const char *field;
		enum record_kind kind;
		size_t offset, min, max;
		enum content content;
	} rows[] = {
	    {"trade_no", RECORD_TRADE, offsetof(struct record, trade.trade_no), 1, TRADE_NO_SIZE_MAX, VISIBLE},
	    {"contract_no", RECORD_TRADE, offsetof(struct record, trade.contract_no), 1, CONTRACT_NO_SIZE_MAX, TEXT},
	    {"product_code", RECORD_TRADE, offsetof(struct record, trade.product_code), 1, PRODUCT_CODE_SIZE_MAX, TEXT},
	    {"product_name", RECORD_TRADE, offsetof(struct record, trade.product_name), 1, PRODUCT_NAME_SIZE_MAX, TEXT},
	    {"supplier_name", RECORD_TRADE, offsetof(struct record, trade.supplier_name), 0, PARTY_NAME_SIZE_MAX, TEXT},
	    {"buyer_name", RECORD_TRADE, offsetof(struct record, trade.buyer_name), 0, PARTY_NAME_SIZE_MAX, TEXT},
	    {"voucher_no", RECORD_TRADE, offsetof(struct record, trade.voucher_no), 1, TRADE_NO_SIZE_MAX, VISIBLE},
	    {"adjust_no", RECORD_REFUND, offsetof(struct record, refund.adjust_no), 1, TRADE_NO_SIZE_MAX, VISIBLE},
	    {"original_trade_no", RECORD_REFUND, offsetof(struct record, refund.original_trade_no), 1,
		TRADE_NO_SIZE_MAX, VISIBLE},
	    {"reason_code", RECORD_REFUND, offsetof(struct record, refund.reason_code), 1, REASON_CODE_SIZE_MAX,
		VISIBLE},
	    {"reason", RECORD_REFUND, offsetof(struct record, refund.reason), 0, REASON_SIZE_MAX, TEXT},
	};
	static char long_text[REASON_SIZE_MAX + 2];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record record = {.kind = rows[i].kind};
		struct slice *value = (struct slice *)(void *)((char *)&record + rows[i].offset);

		if (rows[i].kind == RECORD_TRADE)
			record.trade = good_trade();
		else
			record.refund = good_refund();
		*value = slice_of(long_text, rows[i].max - 1);
		expect_fault(&record, NULL, rows[i].field);
		*value = slice_of(long_text, rows[i].max);
		expect_fault(&record, NULL, rows[i].field);
		*value = slice_of(long_text, rows[i].max + 1);
		expect_fault(&record, rows[i].field, "one byte more");
		*value = slice_of(long_text, 1);
		expect_fault(&record, NULL, "one byte");
		*value = slice_of(NULL, 0);
		expect_fault(&record, rows[i].min == 0 ? NULL : rows[i].field, "empty");
		*value = slice_text("a b");
		expect_fault(&record, rows[i].content == TEXT ? NULL : rows[i].field, "a space");
		*value = slice_text("数");
		expect_fault(&record, rows[i].content == TEXT ? NULL : rows[i].field, "beyond ASCII");
		*value = slice_text("a\x7f");
		expect_fault(&record, rows[i].field, "a control character");
		*value = slice_text("a\xff");
		expect_fault(&record, rows[i].field, "invalid UTF-8");
	}
}

static void checks_a_trade_field_by_field(void **state)
{
	static const uint8_t hash[HASH_SIZE + 1];

	(void)state;
/* One change to a good trade, and the field it is refused for (NULL: it passes). */
#define CASE(change, field)                                                                                            \
	do {                                                                                                           \
		struct record record = {.kind = RECORD_TRADE, .trade = good_trade()};                                  \
		struct trade *t = &record.trade;                                                                       \
		change;                                                                                                \
		expect_fault(&record, field, #change);                                                                 \
	} while (0)
	CASE((void)t, NULL);
	CASE(t->contract_hash = slice_of(hash, HASH_SIZE - 1), "contract_hash");
	CASE(t->contract_hash = slice_of(hash, HASH_SIZE + 1), "contract_hash");
	CASE(t->contract_hash = slice_of(NULL, 0), "contract_hash");
	CASE(t->contract_kind = 0, "contract_kind");
	CASE(t->contract_kind = CONTRACT_INTERMEDIARY, NULL);
	CASE(t->contract_kind = CONTRACT_INTERMEDIARY + 1, "contract_kind");
	CASE(t->product_kind = 0, "product_kind");
	CASE(t->product_kind = PRODUCT_OTHER, NULL);
	CASE(t->product_kind = PRODUCT_OTHER + 1, "product_kind");
	CASE(t->related_declared = 0, "related_declared");
	CASE(t->related_declared = DECLARED_NOT_STATED + 1, "related_declared");
	CASE(t->other_subsidy = 0, "other_subsidy");
	CASE(t->other_subsidy = DECLARED_YES, NULL);
	CASE(t->other_subsidy = DECLARED_NOT_STATED + 1, "other_subsidy");
	CASE(t->supplier = slice_text("91370200264574251F"), "supplier");
	CASE(t->supplier = slice_text(""), "supplier");
	CASE(t->supplier = slice_text("91370200264574251e"), "supplier");
	CASE(t->supplier = t->buyer, NULL); /* a trade with oneself enters, and doesn't count */
	CASE(t->buyer = slice_text("9133010057462616XH"), "buyer");
	CASE(t->buyer = slice_text(" 91370202MA0XTE011C"), "buyer");
	CASE(t->broker = slice_text("91370202000000019Q"), NULL);
	CASE(t->broker = slice_text("91370202000000019R"), "broker");
	CASE(t->amount_fen = 0; t->tax_fen = 0, "amount");
	CASE(t->amount_fen = 1; t->tax_fen = 0, NULL);
	CASE(t->amount_fen = AMOUNT_FEN_MAX - 1, NULL);
	CASE(t->amount_fen = AMOUNT_FEN_MAX, NULL);
	CASE(t->amount_fen = AMOUNT_FEN_MAX + 1, "amount");
	CASE(t->amount_fen = UINT64_MAX, "amount");
	CASE(t->amount_fen = AMOUNT_FEN_MAX; t->tax_fen = AMOUNT_FEN_MAX, "tax");
	CASE(t->tax_fen = 0, NULL);
	CASE(t->tax_fen = 999, NULL);
	CASE(t->tax_fen = 1000, "tax");
	CASE(t->tax_fen = UINT64_MAX, "tax");
	CASE(t->instalment = 0, "instalment");
	CASE(t->instalment = INSTALMENT_MAX, NULL);
	CASE(t->instalment = INSTALMENT_MAX + 1, "instalment");
	CASE(t->signed_on = 0, "signed_on");
	CASE(t->signed_on = 20250229, "signed_on");
	CASE(t->signed_on = 20240229, NULL);
	CASE(t->signed_on = t->settled_on, NULL);
	CASE(t->signed_on = t->settled_on + 70, "settled_on"); /* 20250201 */
	CASE(t->settled_on = 20250132, "settled_on");
	CASE(t->settled_on = (DATE_YEAR_MAX + 1) * 10000 + 101, "settled_on");
	CASE(t->settled_on = DATE_YEAR_MAX * 10000 + 1231, NULL);
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("12345678901234567890"), NULL);
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("123456789012345678"), NULL);
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("1234567890123456789"), "invoice_no");
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("123456789012345678901"), "invoice_no");
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("1234567890123456789x"), "invoice_no");
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("/2345678901234567890"), "invoice_no");
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text(""), "invoice_no");
	for (size_t i = 0; i < INVOICE_COUNT_MAX; i++)
		CASE(t->invoice_count = i + 1;
		     for (size_t k = 0; k <= i; k++) t->invoice_no[k] = slice_text("12345678901234567890"), NULL);
#undef CASE
}

static void checks_a_refund_field_by_field(void **state)
{
	(void)state;
#define CASE(change, field)                                                                                            \
	do {                                                                                                           \
		struct record record = {.kind = RECORD_REFUND, .refund = good_refund()};                               \
		struct refund *r = &record.refund;                                                                     \
		change;                                                                                                \
		expect_fault(&record, field, #change);                                                                 \
	} while (0)
	CASE((void)r, NULL);
	CASE(r->amount_fen = 0; r->tax_fen = 0, "amount");
	CASE(r->amount_fen = AMOUNT_FEN_MAX, NULL);
	CASE(r->amount_fen = AMOUNT_FEN_MAX + 1, "amount");
	CASE(r->tax_fen = 0, NULL);
	CASE(r->tax_fen = 999, NULL);
	CASE(r->tax_fen = 1000, "tax");
	CASE(r->occurred_on = 0, "occurred_on");
	CASE(r->occurred_on = 20250431, "occurred_on");
	CASE(r->red_invoice_no = slice_text("12345678901234567890"), NULL);
	CASE(r->red_invoice_no = slice_text("1234567890123456789"), "red_invoice_no");
#undef CASE
}

static void refuses_a_ninth_invoice(void **state)
{
	struct record record = {.kind = RECORD_TRADE, .trade = good_trade()};
	struct buf bytes, longer;
	struct parts outer;

	(void)state;
	record.trade.invoice_count = INVOICE_COUNT_MAX;
	for (size_t i = 0; i < INVOICE_COUNT_MAX; i++)
		record.trade.invoice_no[i] = slice_text("12345678901234567890");
	buf_init(&bytes, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&record, &bytes), OK);
	assert_int_equal(decode(buf_slice(&bytes)), OK);
	buf_init(&longer, RECORD_SIZE_MAX);
	/* As many as fit don't excuse a second encoding. */
	assert_true(mutate(buf_slice(&bytes), (size_t[]){1}, 1, 0, MUTATE_LONG_VALUE, &longer));
	assert_int_equal(decode(buf_slice(&longer)), ERR_NOT_CANONICAL);
	outer = parts_of(buf_slice(&bytes));
	for (size_t at = 0; mutate(buf_slice(&bytes), (size_t[]){1}, 1, at, MUTATE_DOUBLED, &longer); at++)
		if (part_field(parts_of(part_field(outer.rows[1]).bytes).rows[at]).number == 19)
			break;
	assert_int_equal(decode(buf_slice(&longer)), ERR_INVALID);
	assert_int_equal(fault_count, 1);
	assert_string_equal(faults[0].field, "invoice_no");
	assert_non_null(strstr(faults[0].reason.text, "found 9"));
	record.trade.invoice_count = INVOICE_COUNT_MAX + 1;
	assert_int_equal(record_check(&record, faults, &fault_count), ERR_INVALID);
	buf_done(&longer);
	buf_done(&bytes);
}

static void names_every_fault_at_once(void **state)
{
	struct record record = {.kind = RECORD_TRADE};
	static const char *const fields[] = {"trade_no", "contract_no", "contract_hash", "contract_kind",
	    "product_code", "product_name", "product_kind", "supplier", "buyer", "amount", "instalment", "signed_on",
	    "settled_on", "voucher_no", "related_declared", "other_subsidy"};

	(void)state;
	assert_int_equal(record_check(&record, faults, &fault_count), ERR_INVALID);
	assert_int_equal(fault_count, sizeof(fields) / sizeof(fields[0]));
	for (size_t i = 0; i < fault_count; i++)
		assert_string_equal(faults[i].field, fields[i]);
	record.trade.invoice_count = INVOICE_COUNT_MAX;
	record.trade.tax_fen = 1;
	assert_int_equal(record_check(&record, faults, &fault_count), ERR_INVALID);
	assert_int_equal(fault_count, RECORD_FAULTS_MAX);
	record = (struct record){.kind = RECORD_TRADE, .trade = good_trade()};
	record.trade.amount_fen = 0;
	assert_int_equal(record_check(&record, faults, &fault_count), ERR_INVALID);
	assert_int_equal(fault_count, 2);
	assert_string_equal(faults[1].field, "tax");
}

static void says_what_was_found(void **state)
{
	struct record record = {.kind = RECORD_TRADE, .trade = good_trade()};

	(void)state;
	record.trade.product_kind = 0;
	expect_fault(&record, "product_kind", "an absent kind");
	assert_non_null(strstr(faults[0].reason.text, "it is absent"));
	record.trade.product_kind = PRODUCT_OTHER + 1;
	expect_fault(&record, "product_kind", "an unknown kind");
	assert_non_null(strstr(faults[0].reason.text, "found 8"));
	/* Where the size of the whole changes, that is the first difference. */
	assert_int_equal(decode_replaced(trade_hex, "7801", "788100"), ERR_NOT_CANONICAL);
	assert_non_null(strstr(faults[0].reason.text, "from byte 3 of 325"));
	assert_int_equal(decode_replaced(refund_hex, "18ce958f01",
			     "18ce958f01"
			     "18ce958f01"),
	    ERR_NOT_CANONICAL);
	assert_non_null(strstr(faults[0].reason.text, "from byte 3 of 107"));
	assert_int_equal(decode_replaced(trade_hex, "70c09fab037801", "780170c09fab03"), ERR_NOT_CANONICAL);
	assert_non_null(strstr(faults[0].reason.text, "from byte 236 of 324"));
}

static void escapes_and_cuts_what_it_quotes(void **state)
{
	static const struct {
		const char *value, *shown;
	} rows[] = {
	    {"a b", "\"a b\""},
	    {"a\x1b[2J", "\"a\\x1b[2J\""},
	    {"quote\" back\\", "\"quote\\x22 back\\x5c\""},
	    {"a\xff\xe6", "\"a\\xff\\xe6\""},
	    {"数 据", "\"数 据\""},
	    {"c1 \xc2\x9b", "\"c1 \\xc2\\x9b\""},
	    {"not c1 \xc2\xa7", "\"not c1 §\""},
	    {"\xc2\x80 \xc2\x9f \xc2\xa0", "\"\\xc2\\x80 \\xc2\\x9f \xc2\xa0\""},
	    {"bad \x80", "\"bad \\x80\""},
	    {"123456789012345678901234567890123456789012345678 ", "…\""},
	    {"12345678901234567890123456789012345678901234567 ", "7 \""},
	    {"xx数据数据数据数据数据数据数据数据", "\"xx数据数据数据数据数据数据数据数…\""},
	};
	struct record record = {.kind = RECORD_TRADE, .trade = good_trade()};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		record.trade.trade_no = slice_text(rows[i].value);
		expect_fault(&record, "trade_no", rows[i].value);
		if (strstr(faults[0].reason.text, rows[i].shown) == NULL)
			fail_msg("%s does not show %s", faults[0].reason.text, rows[i].shown);
	}
	record.trade = good_trade();
	for (const char *const *code = (const char *const[]){"\x1b[2J", "91370200264574251\x07", "91370202\xff", NULL};
	     *code; code++) {
		record.trade.buyer = slice_text(*code);
		expect_fault(&record, "buyer", "a hostile code");
		for (const char *at = faults[0].reason.text; *at != '\0'; at++)
			assert_true((unsigned char)*at >= 0x20);
		assert_true(utf8_is_text(slice_text(faults[0].reason.text)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_texts_within_their_sizes),
	    cmocka_unit_test(checks_a_trade_field_by_field),
	    cmocka_unit_test(checks_a_refund_field_by_field),
	    cmocka_unit_test(refuses_a_ninth_invoice),
	    cmocka_unit_test(names_every_fault_at_once),
	    cmocka_unit_test(says_what_was_found),
	    cmocka_unit_test(escapes_and_cuts_what_it_quotes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Records: the vectors both ways, the bounds of size and memory, the words of the kinds. */
#include "proto/record.h"

#include "record_fixture.h"

static void decodes_the_trade_vector(void **state)
{
	struct arena arena;
	struct record record;
	struct buf hex, again;
	struct slice bytes = bytes_of_hex(trade_hex, &hex);

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(record_decode(bytes, &arena, &record, faults, &fault_count), OK);
	assert_int_equal(fault_count, 0);
	assert_int_equal(record.kind, RECORD_TRADE);
	assert_true(slice_equal(record.trade.trade_no, slice_text("QD-2025-000123")));
	assert_true(slice_equal(record.trade.contract_no, slice_text("青数〔2025〕7号")));
	assert_int_equal(record.trade.contract_hash.size, HASH_SIZE);
	assert_int_equal(record.trade.contract_hash.data[31], 0x1f);
	assert_int_equal(record.trade.contract_kind, CONTRACT_PROVIDE);
	assert_true(slice_equal(record.trade.product_code, slice_text("DS-0007")));
	assert_true(slice_equal(record.trade.product_name, slice_text("道路客流数据集")));
	assert_int_equal(record.trade.product_kind, PRODUCT_DATASET);
	assert_true(slice_equal(record.trade.supplier, slice_text("91370200264574251E")));
	assert_true(slice_equal(record.trade.supplier_name, slice_text("海尔智家股份有限公司")));
	assert_true(slice_equal(record.trade.buyer, slice_text("91370202MA0XTE011C")));
	assert_true(slice_equal(record.trade.buyer_name, slice_text("示例数据有限公司")));
	assert_true(slice_equal(record.trade.broker, slice_text("91370202000000019Q")));
	assert_int_equal(record.trade.amount_fen, 123456789);
	assert_int_equal(record.trade.tax_fen, 7000000);
	assert_int_equal(record.trade.instalment, 1);
	assert_int_equal(record.trade.signed_on, 20250110);
	assert_int_equal(record.trade.settled_on, 20250115);
	assert_true(slice_equal(record.trade.voucher_no, slice_text("JYPZ-2025-000123")));
	assert_int_equal(record.trade.invoice_count, 2);
	assert_true(slice_equal(record.trade.invoice_no[0], slice_text("25372000000012345678")));
	assert_true(slice_equal(record.trade.invoice_no[1], slice_text("370020013012345678")));
	assert_int_equal(record.trade.related_declared, DECLARED_NO);
	assert_int_equal(record.trade.other_subsidy, DECLARED_NOT_STATED);
	assert_int_equal(record_latest_date(&record), 20250115);
	assert_true(slice_equal(record_number(&record), slice_text("QD-2025-000123")));

	buf_init(&again, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&record, &again), OK);
	assert_true(slice_equal(buf_slice(&again), bytes));
	buf_done(&again);
	buf_done(&hex);
	arena_done(&arena);
}

static void decodes_the_refund_vector(void **state)
{
	struct arena arena;
	struct record record;
	struct buf hex, again;
	struct slice bytes = bytes_of_hex(refund_hex, &hex);

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(record_decode(bytes, &arena, &record, faults, &fault_count), OK);
	assert_int_equal(record.kind, RECORD_REFUND);
	assert_true(slice_equal(record.refund.adjust_no, slice_text("TK-2025-0001")));
	assert_true(slice_equal(record.refund.original_trade_no, slice_text("QD-2025-000123")));
	assert_int_equal(record.refund.amount_fen, 2345678);
	assert_int_equal(record.refund.tax_fen, 133000);
	assert_int_equal(record.refund.occurred_on, 20250220);
	assert_true(slice_equal(record.refund.reason_code, slice_text("QUALITY")));
	assert_true(slice_equal(record.refund.reason, slice_text("部分数据不合格")));
	assert_true(slice_equal(record.refund.red_invoice_no, slice_text("25372000000087654321")));
	assert_int_equal(record_latest_date(&record), 20250220);
	assert_true(slice_equal(record_number(&record), slice_text("TK-2025-0001")));

	buf_init(&again, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&record, &again), OK);
	assert_true(slice_equal(buf_slice(&again), bytes));
	buf_done(&again);
	buf_done(&hex);
	arena_done(&arena);
}

static void bounds_size_and_memory(void **state)
{
	struct buf bytes, body;
	struct arena arena;
	struct record record;

	(void)state;
	/* One long text: at the limit it is a field's fault, beyond it the record's. */
	for (size_t size = RECORD_SIZE_MAX - 1; size <= RECORD_SIZE_MAX + 1; size++) {
		buf_init(&bytes, 2 * RECORD_SIZE_MAX);
		buf_init(&body, 2 * RECORD_SIZE_MAX);
		buf_add(&body, "\x0a", 1);
		buf_u8(&body, (uint8_t)((size - 8) & 0x7f) | 0x80);
		buf_u8(&body, (uint8_t)((size - 8) >> 7));
		while (body.size < size - 5)
			buf_add(&body, "x", 1);
		buf_add(&bytes, "\x08\x01", 2);
		add_part(&bytes, 2, buf_slice(&body));
		assert_int_equal(bytes.size, size);
		assert_int_equal(decode(buf_slice(&bytes)), size > RECORD_SIZE_MAX ? ERR_TOO_LARGE : ERR_INVALID);
		buf_done(&body);
		buf_done(&bytes);
	}
	/* Thousands of tiny fields would cost many times their size. */
	buf_init(&bytes, RECORD_SIZE_MAX);
	while (bytes.size + 3 <= RECORD_SIZE_MAX)
		buf_add(&bytes, "\xfa\x01\x00", 3);
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(record_decode(buf_slice(&bytes), &arena, &record, faults, &fault_count), ERR_SYNTAX);
	assert_int_equal(arena.used_size, 0);
	arena_done(&arena);
	buf_done(&bytes);
	/* An arena at its end is not the record's fault. */
	arena_init(&arena, 64);
	bytes_of_hex(trade_hex, &bytes);
	assert_int_equal(record_decode(buf_slice(&bytes), &arena, &record, faults, &fault_count), ERR_MEMORY);
	assert_int_equal(fault_count, 1);
	arena_done(&arena);
	buf_done(&bytes);
}

static void does_not_encode_beyond_the_limit(void **state)
{
	static char text[RECORD_SIZE_MAX + 100];
	struct record record = {.kind = RECORD_REFUND, .refund = good_refund()};
	struct buf bytes;
	size_t size;

	(void)state;
	memset(text, 'x', sizeof(text));
	buf_init(&bytes, 2 * RECORD_SIZE_MAX);
	record.refund.reason = slice_of(text, 8000);
	assert_int_equal(record_encode(&record, &bytes), OK);
	size = 8000 + RECORD_SIZE_MAX - bytes.size;
	for (size_t more = 0; more <= 100 - 8; more++) {
		buf_clear(&bytes);
		record.refund.reason = slice_of(text, size - 1 + more);
		assert_int_equal(record_encode(&record, &bytes), more > 1 ? ERR_TOO_LARGE : OK);
	}
	buf_done(&bytes);
}

static void has_a_word_for_each_kind(void **state)
{
	(void)state;
	for (enum contract_kind kind = CONTRACT_PROVIDE; kind <= CONTRACT_INTERMEDIARY; kind++)
		assert_int_equal(contract_kind_by_name(slice_text(contract_kind_name(kind))), kind);
	for (enum product_kind kind = PRODUCT_DATASET; kind <= PRODUCT_OTHER; kind++)
		assert_int_equal(product_kind_by_name(slice_text(product_kind_name(kind))), kind);
	for (enum declaration said = DECLARED_NO; said <= DECLARED_NOT_STATED; said++)
		assert_int_equal(declaration_by_name(slice_text(declaration_name(said))), said);
	assert_string_equal(contract_kind_name(CONTRACT_INTERMEDIARY), "intermediary");
	assert_string_equal(product_kind_name(PRODUCT_COMPUTE), "compute");
	assert_string_equal(declaration_name(DECLARED_NOT_STATED), "not_stated");
	assert_int_equal(contract_kind_by_name(slice_text("Provide")), 0);
	assert_int_equal(product_kind_by_name(slice_text("")), 0);
	assert_int_equal(declaration_by_name(slice_text("no ")), 0);
	for (enum disposition disposition = DISPOSITION_COUNTED; disposition < DISPOSITION_COUNT; disposition++) {
		assert_true(strlen(disposition_name(disposition)) > 3);
		assert_true(strlen(disposition_sentence(disposition)) > 5);
	}
	assert_string_equal(disposition_name(DISPOSITION_OVERFLOW), "overflow");
	assert_string_equal(disposition_name(DISPOSITION_REFUND_EXCEEDS), "refund_exceeds");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decodes_the_trade_vector),
	    cmocka_unit_test(decodes_the_refund_vector),
	    cmocka_unit_test(bounds_size_and_memory),
	    cmocka_unit_test(does_not_encode_beyond_the_limit),
	    cmocka_unit_test(has_a_word_for_each_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
